"""Draw pictures and their cue maps to disk, so that a network can read each of them more than once.

    python -m training.shards --out DATA/train --first 0 --count 100 --seed 20260101 [--renders DIR]

A shard is three uint8 arrays of `SHARD` pictures: rgb (n, SIDE, SIDE, 3), alpha (n, SIDE, SIDE), cues (n, C, S, S).
Shards that exist are left alone: start again to go on, start twice with other ranges to use two cores.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from processing.removal.cues import CUE_SIDE, CUES, cue_maps
from training.foregrounds import Foregrounds
from training.renders import RenderedScenes
from training.scenes import Scene, SceneMaker
from training.textures import TextureBank

SHARD = 128
SIDE = 192
PARTS = ("rgb", "alpha", "cues")


def shard_files(folder: Path, index: int) -> dict[str, Path]:
    """Where the arrays of one shard lie."""
    return {part: folder / f"{index:05d}_{part}.npy" for part in PARTS}


def present(folder: Path) -> list[int]:
    """Numbers of the complete shards in a folder (the cue maps are written last)."""
    return sorted(int(path.name[:5]) for path in folder.glob("*_cues.npy"))


def write_shard(folder: Path, index: int, maker: SceneMaker, rendered: RenderedScenes | None = None) -> None:
    """Draw and store one shard; of `rendered` scenes only when some are given."""
    scenes = [Scene(*rendered.draw(maker.rng, SIDE), "rendered") if rendered else maker.draw() for _ in range(SHARD)]
    cues = np.zeros((SHARD, len(CUES), CUE_SIDE, CUE_SIDE), np.uint8)
    for place, scene in zip(cues, scenes, strict=True):
        place[:] = np.round(cue_maps(scene.rgb) * 255)
    arrays: dict[str, npt.NDArray[np.uint8]] = {
        "rgb": np.stack([scene.rgb for scene in scenes]),
        "alpha": np.stack([np.round(scene.alpha * 255).astype(np.uint8) for scene in scenes]),
        "cues": cues,
    }
    for part, path in shard_files(folder, index).items():
        half = path.with_suffix(".half.npy")
        np.save(half, arrays[part])
        os.replace(half, path)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=20260101)
    parser.add_argument("--bank", type=int, default=1, help="seed of the textures; give held-out pictures another one")
    parser.add_argument("--renders", type=Path, nargs="*", default=[], help="folders of RGBA renders of our own")
    parser.add_argument("--demo", type=Path, help="the folder demo/, to use its training products as subjects")
    parser.add_argument("--scenes", type=Path, help="a folder of rendered scenes: make shards of these only")
    wanted = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    wanted.out.mkdir(parents=True, exist_ok=True)
    renders = sorted(path for folder in wanted.renders for path in folder.glob("*_cut.png"))
    foregrounds = Foregrounds.load(renders, wanted.demo)
    bank = TextureBank(wanted.bank, 400)
    rendered = RenderedScenes.load(wanted.scenes) if wanted.scenes else None
    for index in range(wanted.first, wanted.first + wanted.count):
        if not shard_files(wanted.out, index)["cues"].exists():
            maker = SceneMaker(wanted.seed + index, SIDE, bank, foregrounds)
            write_shard(wanted.out, index, maker, rendered)
            print(f"shard {index}", flush=True)


if __name__ == "__main__":
    main()
