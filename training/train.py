"""Train the compact network on shards of our own pictures.

    python -m training.train --data DATA --run RUN --minutes 60 [--steps 12000]

Reads DATA/train (shards may still be growing), measures on DATA/held, writes RUN/state.pt (everything needed to go
on), RUN/best.pt (averaged weights with the best held-out overlap) and RUN/curve.jsonl. Start again to go on.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from training.losses import mask_loss, overlap
from training.network import Compact, with_position
from training.shards import SIDE, present, shard_files

BATCH = 16
_WARM_UP = 150
_AVERAGE = 0.998
_REFRESH = 200  # steps between looks for new shards


@dataclass(frozen=True, slots=True)
class Recipe:
    """`steps` is the length of the cosine; `rate` its top."""

    steps: int
    rate: float = 2.2e-3
    decay: float = 1e-4
    seed: int = 7
    coarse_share: float = 0.6
    coarse_side: int = 128

    def side_at(self, step: int) -> int:
        """Picture side: most of the way at a cheaper size, the end at the full one."""
        return self.coarse_side if step < self.coarse_share * self.steps else SIDE

    def rate_at(self, step: int) -> float:
        """Learning rate: linear warm-up, then half a cosine down to 1 % of the top."""
        warm = min(1.0, (step + 1) / _WARM_UP)
        return self.rate * warm * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * min(1.0, step / self.steps))))


class Pictures:
    """Random batches from the shards of a folder, mirrored and recoloured."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._rng = np.random.default_rng(seed)
        self._arrays: list[dict[str, Any]] = []
        self._known: set[int] = set()
        self.refresh()

    def refresh(self) -> int:
        """Take in new shards; returns how many there are."""
        for index in present(self._folder):
            if index not in self._known:
                files = shard_files(self._folder, index)
                self._arrays.append({part: np.load(path, mmap_mode="r") for part, path in files.items()})
                self._known.add(index)
        return len(self._known)

    def batch(self, side: int, size: int = BATCH) -> tuple[Tensor, Tensor]:
        """Return inputs (size, CHANNELS, side, side) and alpha (size, 1, side, side)."""
        rows: dict[str, list[Any]] = {"rgb": [], "alpha": [], "cues": []}
        for _ in range(size):
            shard = self._arrays[int(self._rng.integers(len(self._arrays)))]
            place = int(self._rng.integers(len(shard["alpha"])))
            mirrored = self._rng.random() < 0.5
            for part in rows:
                axis = 1 if part == "rgb" else -1
                rows[part].append(np.flip(shard[part][place], axis) if mirrored else shard[part][place])
        rgb = torch.from_numpy(np.stack(rows["rgb"])).permute(0, 3, 1, 2).float() / 255
        cues = torch.from_numpy(np.stack(rows["cues"])).float() / 255
        alpha = torch.from_numpy(np.stack(rows["alpha"])).float()[:, None] / 255
        if side != rgb.shape[-1]:
            rgb, alpha = (F.interpolate(maps, size=(side, side), mode="area") for maps in (rgb, alpha))
        return to_inputs(self._recoloured(rgb), self._doubted(cues)), alpha

    def _recoloured(self, rgb: Tensor) -> Tensor:
        """Exposure, contrast and colour balance; sometimes no colour, sometimes colours swapped."""
        count = len(rgb)
        gain = torch.from_numpy(
            self._rng.uniform(0.8, 1.2, (count, 1, 1, 1)) * self._rng.uniform(0.92, 1.08, (count, 3, 1, 1))
        )
        rgb = rgb * gain.float() + torch.from_numpy(self._rng.uniform(-0.06, 0.06, (count, 1, 1, 1))).float()
        for index in range(count):
            lot = self._rng.random()
            if lot < 0.2:
                rgb[index] = rgb[index][self._rng.permutation(3)]
            elif lot < 0.28:
                rgb[index] = rgb[index].mean(0, keepdim=True)
        return rgb.clamp(0, 1)

    def _doubted(self, cues: Tensor) -> Tensor:
        """Blank single cue maps now and then, so that none is leaned on alone."""
        keep = torch.from_numpy(self._rng.random((len(cues), cues.shape[1], 1, 1)) > 0.04)
        return cues * keep


def to_inputs(rgb: Tensor, cues: Tensor) -> Tensor:
    """Join colours, cue maps and position at the colours' size."""
    larger = F.interpolate(cues, size=rgb.shape[-2:], mode="bilinear", align_corners=False)
    return with_position(torch.cat([rgb, larger], 1)).contiguous(memory_format=torch.channels_last)


def held_overlap(network: Compact, folder: Path, most: int = 256) -> tuple[float, float]:
    """Mean overlap on held-out pictures and the share with at least 0.9."""
    network.eval()
    found: list[Tensor] = []
    with torch.no_grad():
        for index in present(folder)[: max(1, most // 128)]:
            shard = {part: np.load(path) for part, path in shard_files(folder, index).items()}
            for start in range(0, len(shard["alpha"]), 32):
                rgb = torch.from_numpy(shard["rgb"][start : start + 32]).permute(0, 3, 1, 2).float() / 255
                cues = torch.from_numpy(shard["cues"][start : start + 32]).float() / 255
                alpha = torch.from_numpy(shard["alpha"][start : start + 32]).float()[:, None] / 255
                found.append(overlap(network(to_inputs(rgb, cues))[0], alpha))
    network.train()
    values = torch.cat(found).float()
    return float(values.mean()), float((values >= 0.9).float().mean())


class Trainer:
    """Holds the state of one run and its folder."""

    def __init__(self, run: Path, recipe: Recipe) -> None:
        torch.manual_seed(recipe.seed)
        self.run, self.recipe = run, recipe
        self.network = Compact().to(memory_format=torch.channels_last)
        self.average = Compact()
        self.average.load_state_dict(self.network.state_dict())
        self.optimiser = torch.optim.AdamW(self.network.parameters(), recipe.rate, weight_decay=recipe.decay)
        self.step, self.best = 0, 0.0
        run.mkdir(parents=True, exist_ok=True)
        if (run / "state.pt").exists():
            self._load()

    def _load(self) -> None:
        state = torch.load(self.run / "state.pt", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.best = state["step"], state["best"]

    def save(self) -> None:
        """Write everything needed to go on."""
        state = {"network": self.network.state_dict(), "average": self.average.state_dict(),
                 "optimiser": self.optimiser.state_dict(), "step": self.step, "best": self.best}  # fmt: skip
        torch.save(state, self.run / "state.half.pt")
        (self.run / "state.half.pt").replace(self.run / "state.pt")

    def learn(self, inputs: Tensor, alpha: Tensor) -> float:
        """One step; returns the loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.rate_at(self.step)
        loss = mask_loss(self.network(inputs), alpha)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        keep = min(_AVERAGE, self.step / (self.step + 20.0))
        with torch.no_grad():
            for slow, fast in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
                slow.copy_(slow * keep + fast * (1 - keep) if slow.dtype.is_floating_point else fast)
        return float(loss.item())

    def measure(self, folder: Path, line: dict[str, float]) -> None:
        """Measure the averaged network on held-out pictures, note it on the curve, keep the best."""
        mean, good = held_overlap(self.average, folder)
        with (self.run / "curve.jsonl").open("a") as curve:
            curve.write(
                json.dumps({"step": self.step, "held_iou": round(mean, 4), "held_good": round(good, 4)} | line) + "\n"
            )
        if mean > self.best:
            self.best = mean
            torch.save(self.average.state_dict(), self.run / "best.pt")


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--steps", type=int, default=12000)
    parser.add_argument("--rate", type=float, default=2.2e-3)
    parser.add_argument("--coarse-share", type=float, default=0.6, help="share of the steps at the smaller size")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--measure-every", type=int, default=400)
    wanted = parser.parse_args(arguments)
    torch.set_num_threads(wanted.threads)
    trainer = Trainer(wanted.run, Recipe(wanted.steps, wanted.rate, coarse_share=wanted.coarse_share))
    pictures = Pictures(wanted.data / "train", seed=1000 + trainer.step)
    print("parameters", sum(p.numel() for p in trainer.network.parameters()), "from step", trainer.step, flush=True)
    started, losses = time.monotonic(), []
    while trainer.step < wanted.steps and time.monotonic() - started < wanted.minutes * 60:
        losses.append(trainer.learn(*pictures.batch(trainer.recipe.side_at(trainer.step))))
        if trainer.step % _REFRESH == 0:
            pictures.refresh()
        if trainer.step % wanted.measure_every == 0 or trainer.step == wanted.steps:
            spent = {"loss": round(float(np.mean(losses)), 4), "cpu_s": round(time.process_time()),
                     "shards": pictures.refresh()}  # fmt: skip
            trainer.measure(wanted.data / "held", spent)
            trainer.save()
            print((wanted.run / "curve.jsonl").read_text().splitlines()[-1], flush=True)
            losses.clear()
    trainer.save()


if __name__ == "__main__":
    main()
