"""Held-out figures of the network that ships: drawn pictures with other textures, rendered scenes, unseen products.

python -m training.evaluate --data DATA --renders RENDERS [--demo demo]
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from processing.removal.compact import WEIGHTS, WEIGHTS_SHA256, CompactNetwork
from training.foregrounds import TRAINING_DEMO
from training.renders import RenderedScenes
from training.shards import present, shard_files

Picture = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]


def _drawn(folder: Path) -> Iterator[Picture]:
    for index in present(folder):
        shard = {part: np.load(path, mmap_mode="r") for part, path in shard_files(folder, index).items()}
        for rgb, alpha in zip(shard["rgb"], shard["alpha"], strict=True):
            yield np.asarray(rgb), np.asarray(alpha, np.float32) / np.float32(255)


def _rendered(folder: Path) -> Iterator[Picture]:
    for rgb, alpha in RenderedScenes.load(folder).scenes:
        yield rgb, alpha.astype(np.float32) / np.float32(255)


def _marched(folder: Path) -> Iterator[Picture]:
    for rgb, alpha in RenderedScenes.packed(folder, "held").scenes:
        yield rgb, alpha.astype(np.float32) / np.float32(255)


def _products(demo: Path) -> Iterator[Picture]:
    for mask in sorted((demo / "masks").glob("*.png")):
        if mask.stem not in TRAINING_DEMO:
            with Image.open(demo / "photos" / f"{mask.stem}.jpg") as photo, Image.open(mask) as cover:
                photo.draft("RGB", (800, 800))
                small = photo.convert("RGB")
                small.thumbnail((800, 800))
                truth = np.asarray(cover.convert("L").resize(small.size), np.float32) / np.float32(255)
            yield np.asarray(small), truth


def overlaps(network: CompactNetwork, pictures: Iterator[Picture]) -> npt.NDArray[np.float64]:
    """Overlap (IoU at one half) of the raw mask, in the network's own grid, with the truth brought to it."""
    found = []
    for rgb, alpha in pictures:
        mask = network.mask(rgb) > 0.5
        size = (mask.shape[1], mask.shape[0])
        truth = np.asarray(Image.fromarray(alpha).resize(size, Image.Resampling.BOX)) > 0.5
        found.append(float((mask & truth).sum() / max(1, (mask | truth).sum())))
    return np.array(found)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--renders", type=Path)
    parser.add_argument("--marched", type=Path, help="a folder with held_N.npz of training/gpu.py")
    parser.add_argument("--demo", type=Path, default=Path("demo"))
    parser.add_argument("--weights", type=Path, help="another file than the one that ships")
    wanted = parser.parse_args(arguments)
    sha256 = hashlib.sha256(wanted.weights.read_bytes()).hexdigest() if wanted.weights else WEIGHTS_SHA256
    network = CompactNetwork(wanted.weights or WEIGHTS, sha256)
    groups: dict[str, Iterator[Picture]] = {"unseen demo products": _products(wanted.demo)}
    if wanted.data:
        groups["drawn"] = _drawn(wanted.data / "held")
    if wanted.renders:
        groups["rendered"] = _rendered(wanted.renders)
    if wanted.marched:
        groups["marched"] = _marched(wanted.marched)
    figures = {}
    for name, pictures in groups.items():
        values = overlaps(network, pictures)
        figures[name] = {"n": len(values), "iou": round(float(values.mean()), 4),
                         "share_good": round(float((values >= 0.9).mean()), 3)}  # fmt: skip
    print(json.dumps({"sha256": sha256, "held_out": figures}))


if __name__ == "__main__":
    main()
