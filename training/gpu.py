"""Train on a GPU while processes draw new pictures: minutes instead of hours, every picture seen a few times.

    python -m training.gpu --out RUN --seconds 480 --workers 15 --demo demo [--device cpu --batch 8]

Writes RUN/NAME.pt (averaged weights of each variant, for export.py), curve.jsonl, sheet.png (64 rendered pictures),
held.npz and large_N.npz (held-out rendered pictures, for evaluate.py and fit_trust.py) about every minute.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from processing.removal.cues import CUE_SIDE, CUES
from training.feeding import Feed, Pictures, Renderer, encoded
from training.losses import mask_loss, overlap
from training.march_native import CpuRenderer, GpuRenderer
from training.network import VARIANTS, Compact
from training.raymarch import SceneDrawer
from training.shards import SIDE
from training.textures import TextureBank
from training.train import to_inputs

_FIRST = 3000  # pictures before training starts
_SLOW = 0.2  # seconds a step from which only the first variant is trained
_LIMIT = 15_500_000  # bytes of one file
LAYOUTS = {"channels": torch.channels_last, "planes": torch.contiguous_format}


@dataclass(frozen=True, slots=True)
class Plan:
    """Rate: cosine over the time. The first `coarse_share` of it runs at `coarse_side`."""

    seconds: float
    batch: int = 256
    rate: float = 4e-3
    decay: float = 0.02
    average: float = 0.999
    coarse_share: float = 0.3
    coarse_side: int = 128
    warm_up: int = 200
    start: Path | None = None  # weights to start from, or random ones
    graphed: bool = False  # record a step once and replay it


class Store:
    """All pictures so far, on the device. Filled by the feed's thread."""

    def __init__(self, most: int, device: torch.device) -> None:
        def room(*shape: int) -> Tensor:
            return torch.empty((most, *shape), dtype=torch.uint8, device=device)

        self.rgb, self.alpha = room(3, SIDE, SIDE), room(1, SIDE, SIDE)
        self.cues = room(len(CUES), CUE_SIDE, CUE_SIDE)
        self.most, self.count, self.seen, self.device = most, 0, 0, device
        self.stream = torch.cuda.Stream() if device.type == "cuda" else None

    def take(self, pictures: Pictures) -> None:
        """Add pictures; when full, the oldest are replaced."""
        for start in range(0, len(pictures.alpha), 32):
            self._put(*(torch.from_numpy(np.array(part[start : start + 32]))
                        for part in (pictures.rgb, pictures.alpha, pictures.cues)))  # fmt: skip

    def _put(self, rgb: Tensor, alpha: Tensor, cues: Tensor) -> None:
        at = self.seen % self.most
        if at + len(rgb) > self.most:
            at = 0
        window = slice(at, at + len(rgb))
        with torch.cuda.stream(self.stream):
            self.rgb[window] = rgb.to(self.device).permute(0, 3, 1, 2)
            self.alpha[window, 0] = alpha.to(self.device)
            self.cues[window] = cues.to(self.device)
        if self.stream:
            self.stream.synchronize()
        self.seen = self.seen + len(rgb)
        self.count = min(self.most, max(self.count, at + len(rgb)))

    def maps(self, places: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Colours, alpha and cue maps 0..1 of some pictures."""
        return self.rgb[places].float() / 255, self.alpha[places].float() / 255, self.cues[places].float() / 255

    def batch(self, size: int, side: int) -> tuple[Tensor, Tensor]:
        """A random batch: inputs (size, CHANNELS, side, side), alpha; mirrored, recoloured, cue maps doubted."""
        rgb, alpha, cues = self.maps(torch.randint(self.count, (size,), device=self.device))
        flip = torch.rand(size, 1, 1, 1, device=self.device) < 0.5
        rgb, alpha, cues = (torch.where(flip, part.flip(-1), part) for part in (rgb, alpha, cues))
        if side != SIDE:
            rgb, alpha = (F.interpolate(part, size=(side, side), mode="area") for part in (rgb, alpha))
        keep = torch.rand(size, cues.shape[1], 1, 1, device=self.device) > 0.04
        return to_inputs(recoloured(rgb), cues * keep), alpha


def recoloured(rgb: Tensor) -> Tensor:
    """Exposure, contrast and colour balance; sometimes no colour, sometimes colours swapped."""

    def between(low: float, high: float, channels: int = 1) -> Tensor:
        return torch.rand(len(rgb), channels, 1, 1, device=rgb.device) * (high - low) + low

    rgb = rgb * between(0.8, 1.2) * between(0.92, 1.08, 3) + between(-0.06, 0.06)
    lot = between(0, 1)
    order = torch.rand(len(rgb), 3, device=rgb.device).argsort(1)[:, :, None, None].expand_as(rgb)
    rgb = torch.where(lot < 0.2, rgb.gather(1, order), rgb)
    return torch.where((lot >= 0.2) & (lot < 0.28), rgb.mean(1, keepdim=True), rgb).clamp(0, 1)


class Recorded:
    """A step's kernels, recorded once and replayed: some thousand launches become one (CUDA graphs)."""

    def __init__(self, work: Callable[[Tensor, Tensor], None], inputs: Tensor, alpha: Tensor) -> None:
        self._given = inputs.clone(), alpha.clone()
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):
                work(*self._given)
        torch.cuda.current_stream().wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        # The feed's thread goes on allocating and copying meanwhile: only this thread's calls are judged.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            work(*self._given)

    def __call__(self, inputs: Tensor, alpha: Tensor) -> None:
        """Do the work on other values."""
        for place, values in zip(self._given, (inputs, alpha), strict=True):
            place.copy_(values)
        self._graph.replay()


class Learner:
    """One variant of the network with its average."""

    def __init__(self, name: str, plan: Plan, device: torch.device, layout: torch.memory_format, half: bool) -> None:
        torch.manual_seed(7)
        self.name, self.plan, self.half, self.device, self.layout = name, plan, half, device, layout
        self.network = Compact(VARIANTS[name]).to(device, memory_format=layout)
        if plan.start:
            self.network.load_state_dict(torch.load(plan.start, map_location=device, weights_only=True))
        self.average = Compact(VARIANTS[name]).to(device, memory_format=layout)
        self.average.load_state_dict(self.network.state_dict())
        self.rate = torch.zeros((), device=device)  # on the device: a recorded step reads it there
        on_gpu = device.type == "cuda"
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(), self.rate, weight_decay=plan.decay, fused=on_gpu, capturable=on_gpu
        )
        self._records: dict[int, Recorded] = {}
        pairs = zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True)
        kept = [(slow, fast) for slow, fast in pairs if slow.dtype.is_floating_point]
        self._slow, self._fast = [slow for slow, _ in kept], [fast for _, fast in kept]
        self.step, self.losses = 0, torch.zeros((), device=device)

    def numbers(self) -> AbstractContextManager[None]:
        """Half precision where it is wanted."""
        found: AbstractContextManager[None] = torch.autocast(
            self.device.type, torch.bfloat16, enabled=self.half, cache_enabled=not self.plan.graphed
        )
        return found

    def learn(self, inputs: Tensor, alpha: Tensor, done: float) -> None:
        """One step at the share `done` of the time."""
        warm = min(1.0, (self.step + 1) / self.plan.warm_up)
        self.rate.fill_(self.plan.rate * warm * (0.005 + 0.995 * (0.5 + 0.5 * math.cos(math.pi * min(1.0, done)))))
        inputs = inputs.contiguous(memory_format=self.layout)
        if self.plan.graphed:
            side = inputs.shape[-1]
            if side not in self._records:
                self._records[side] = Recorded(self._descend, inputs, alpha)
            self._records[side](inputs, alpha)
        else:
            self._descend(inputs, alpha)
        self.step += 1
        keep = min(self.plan.average, self.step / (self.step + 20.0))
        torch._foreach_lerp_(self._slow, self._fast, 1 - keep)

    def _descend(self, inputs: Tensor, alpha: Tensor) -> None:
        with self.numbers():
            logits = self.network(inputs)
        loss = mask_loss([each.float() for each in logits], alpha)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.losses += loss.detach()

    def held(self, store: Store) -> float:
        """Mean overlap of the averaged network on held-out pictures."""
        self.average.eval()
        found = []
        with torch.no_grad():
            for places in torch.arange(store.count, device=self.device).split(128):
                rgb, alpha, cues = store.maps(places)
                inputs = to_inputs(rgb, cues).contiguous(memory_format=self.layout)
                found.append(overlap(self.average(inputs)[0], alpha))
        return float(torch.cat(found).float().mean())

    def save(self, out: Path) -> None:
        """Write the averaged weights."""
        state = {name: values.detach().cpu().contiguous() for name, values in self.average.state_dict().items()}
        torch.save(state, out / f"{self.name}.pt")


def fastest(
    plan: Plan, name: str, store: Store, device: torch.device, layouts: Sequence[torch.memory_format]
) -> tuple[torch.memory_format, bool, float]:
    """Time a few steps in each memory layout and precision; return the quickest pair and its seconds a step."""
    found: dict[tuple[torch.memory_format, bool], float] = {}
    for layout in layouts:
        for half in (True, False) if device.type == "cpu" else (True,):
            learner = Learner(name, plan, device, layout, half)
            inputs, alpha = store.batch(plan.batch, SIDE)
            for step in range(8):
                if step == 4:
                    settle(device)
                    started = time.monotonic()
                learner.learn(inputs, alpha, 0.5)
            settle(device)
            found[layout, half] = (time.monotonic() - started) / 4
            print(f"  {layout} bf16={half}: {1000 * found[layout, half]:.1f} ms a step of {plan.batch}", flush=True)
    best = min(found, key=lambda pair: found[pair])
    return *best, found[best]


def settle(device: torch.device) -> None:
    """Wait until the device has done what was asked."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def held_stores(feed: Feed, jobs: int, out: Path, device: torch.device, patience: float) -> dict[str, Store]:
    """Gather the held-out pictures of all jobs, write them to `out`, return the small ones on the device."""
    parts: dict[str, list[Any]] = {"small": [], "drawn": [], "large": []}
    for _ in range(jobs):
        kind, found = feed.result(patience)
        parts[kind].append(found)
        if feed.failure:
            raise feed.failure
    stores = {}
    for kind in ("small", "drawn"):
        stores[kind] = Store(max(1, sum(len(part.alpha) for part in parts[kind])), device)
        for part in parts[kind]:
            stores[kind].take(part)
    small = [encoded(rgb, alpha / np.float32(255), 85) for part in parts["small"]
             for rgb, alpha in zip(part.rgb, part.alpha, strict=True)]  # fmt: skip
    written(small, out, "held", 1)
    written([pair for part in parts["large"] for pair in part], out, "large", 3)
    return stores


def written(pairs: list[Any], out: Path, name: str, files: int) -> None:
    """Write (JPEG, PNG) byte arrays into at most so many files of at most _LIMIT bytes."""
    place = 0
    for number in range(files):
        room, arrays = _LIMIT, {}
        while place < len(pairs) and room > sum(len(part) for part in pairs[place]) + 1000:
            room -= sum(len(part) for part in pairs[place]) + 600
            arrays[f"rgb{place}"], arrays[f"alpha{place}"] = pairs[place]
            place += 1
        if arrays:
            np.savez(out / f"{name}_{number}.npz", **arrays)


def sheet(store: Store, out: Path) -> None:
    """Write 64 pictures, the subject outlined, to look at."""
    tiles = []
    for rgb, alpha in zip(store.rgb[:64].cpu().numpy(), store.alpha[:64, 0].cpu().numpy(), strict=True):
        picture = np.ascontiguousarray(rgb.transpose(1, 2, 0)[..., ::-1])
        picture[cv2.morphologyEx((alpha > 127).astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0] = (0, 0, 255)
        tiles.append(cv2.resize(picture, (144, 144), interpolation=cv2.INTER_AREA))
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % 8)
    cv2.imwrite(str(out / "sheet.jpg"), np.vstack([np.hstack(tiles[i : i + 8]) for i in range(0, len(tiles), 8)]))


def train(
    plan: Plan, names: list[str], layouts: Sequence[torch.memory_format], feed: Feed,
    stores: dict[str, Store], store: Store, out: Path,
) -> None:  # fmt: skip
    """Learn until the time is over; measure and save about every minute."""
    began = time.monotonic()
    layout, half, each = fastest(plan, names[0], store, store.device, layouts)
    names = names if each < _SLOW else names[:1]
    learners = [Learner(name, plan, store.device, layout, half) for name in names]
    started = last = time.monotonic()
    length = max(5.0, plan.seconds - (started - began))
    while (done := (time.monotonic() - started) / length) < 1:
        side = plan.coarse_side if done < plan.coarse_share else SIDE
        inputs, alpha = store.batch(plan.batch, side)
        for learner in learners:
            learner.learn(inputs, alpha, done)
        if learners[0].step % 20 == 0:
            settle(store.device)  # or the clock runs ahead of the work
        if feed.failure:
            raise feed.failure
        if time.monotonic() - last > min(45.0, plan.seconds / 3):
            last = time.monotonic()
            report(learners, done, feed, stores, store, out)
    report(learners, 1.0, feed, stores, store, out)


def report(learners: list[Learner], done: float, feed: Feed, stores: dict[str, Store], store: Store, out: Path) -> None:
    """A line on the curve, and the weights."""
    for learner in learners:
        line = {"net": learner.name, "done": round(done, 3), "step": learner.step, "pictures": store.seen,
                "loss": round(float(learner.losses) / max(1, learner.step), 4)}  # fmt: skip
        line |= {kind: round(learner.held(held), 4) for kind, held in stores.items()}
        line["render_ms"] = round(1000 * feed.rendering_s / max(1, feed.rendered), 2)
        print(json.dumps(line), flush=True)
        with (out / "curve.jsonl").open("a") as curve:
            curve.write(json.dumps(line) + "\n")
        learner.save(out)
    sheet(stores["small"], out)


def held_jobs(scale: float) -> list[tuple[str, int, int]]:
    """What is set apart: kind, seed, count."""
    few, jobs = max(1, round(64 * scale)), max(1, round(24 * scale))
    found = [("drawn", 77_000_000 + i, 2 * few) for i in range(min(4, jobs))]
    found += [("small", 78_000_000 + i, few) for i in range(jobs)]
    return found + [("large", 79_000_000 + i, max(1, round(16 * scale))) for i in range(jobs)]


def options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=480)
    parser.add_argument("--workers", type=int, default=15)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--most", type=int, default=200_000, help="pictures kept on the device, 0.2 MB each")
    parser.add_argument("--seed", type=int, default=500_000_000)
    parser.add_argument("--variants", nargs="*", choices=sorted(VARIANTS), default=["wide"])
    parser.add_argument("--held-scale", type=float, default=1.0, help="smaller numbers to rehearse")
    parser.add_argument("--demo", type=Path)
    parser.add_argument("--binary", type=Path, help="march_native.source(True) by nvcc -cubin --use_fast_math")
    parser.add_argument("--first", type=int, default=_FIRST, help="pictures before training starts")
    parser.add_argument("--layouts", nargs="*", choices=sorted(LAYOUTS), default=sorted(LAYOUTS), help="to choose from")
    parser.add_argument("--graphed", action="store_true", help="record a step and replay it (CUDA)")
    parser.add_argument("--start", type=Path, help="weights of an earlier run of the same variant to start from")
    parser.add_argument("--rate", type=float, default=4e-3, help="top learning rate")
    parser.add_argument("--coarse-share", type=float, default=0.3, help="share of the time at the smaller size")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    wanted = options(arguments)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:6.1f} s] {text}", flush=True)

    wanted.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)  # before the processes are forked: a child can't stop its parent's threads, and would hang
    sys.setswitchinterval(0.001)  # the feed's thread must not wait for the trainer's
    jobs = held_jobs(wanted.held_scale)
    feed = Feed(wanted.workers, wanted.seed, TextureBank(1, 400), wanted.demo, jobs)
    try:
        device = torch.device(wanted.device)
        store = Store(wanted.most, device)
        feed.serve(first_rendered(wanted.binary, device), store.take)
        say("workers started, store allocated, first picture rendered")
        stores = held_stores(feed, len(jobs), wanted.out, device, 35 if device.type == "cuda" else 240)
        say(f"held out: { {kind: held.count for kind, held in stores.items()} }")
        while store.seen < wanted.first:
            time.sleep(0.2)
            if feed.failure:
                raise feed.failure
        say(f"{store.seen} pictures, {1000 * feed.rendering_s / max(1, feed.rendered):.2f} ms a rendered one")
        plan = Plan(max(5.0, wanted.seconds - (time.monotonic() - began)), wanted.batch, wanted.rate,
                    coarse_share=wanted.coarse_share, start=wanted.start, graphed=wanted.graphed)  # fmt: skip
        train(plan, wanted.variants, [LAYOUTS[name] for name in wanted.layouts], feed, stores, store, wanted.out)
        say(f"{store.seen} pictures in all, {feed.rendered} rendered")
    finally:
        feed.stop()


def first_rendered(binary: Path | None, device: torch.device) -> Renderer:
    """Make the renderer and try it. Raises RuntimeError when its first picture is empty."""
    renderer: Renderer = GpuRenderer(binary) if device.type == "cuda" else CpuRenderer()
    light = renderer.render(SceneDrawer(1).draw()[None], SIDE)
    if not np.isfinite(light).all() or light[..., :3].std() < 0.01:
        raise RuntimeError("the renderer's first picture is empty")
    return renderer


if __name__ == "__main__":
    main()
