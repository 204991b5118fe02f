"""Pictures for a fast trainer: processes that draw and measure cue maps, one thread that renders their scenes.

Every worker draws scenes (raymarch.py), posts them for rendering, meanwhile draws collages (scenes.py), then
photographs what was rendered, computes the cue maps of both and hands the block over through shared memory.
"""

from __future__ import annotations

import faulthandler
import multiprocessing as mp
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.sharedctypes import RawArray
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from processing.removal.cues import CUE_SIDE, CUES, cue_maps
from training.foregrounds import Foregrounds
from training.march_film import exposed, usable
from training.march_solids import SCENE
from training.raymarch import SceneDrawer
from training.scenes import SceneMaker
from training.shards import SIDE
from training.textures import TextureBank

Bytes = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float32]
BLOCK = 16
"""Scenes per posting; a block handed over holds at most twice as many pictures."""
LARGE = 480
_SMALL = SIDE * SIDE


class Renderer(Protocol):
    """march_native.py has two."""

    def render(self, scenes: FloatArray, side: int) -> FloatArray:
        """(n, SCENE) -> (n, side, side, 4)."""


@dataclass(frozen=True, slots=True)
class Pictures:
    """rgb (n, S, S, 3), alpha (n, S, S), cues (n, C, CUE_SIDE, CUE_SIDE), all uint8."""

    rgb: Bytes
    alpha: Bytes
    cues: Bytes


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Shared memory of one worker. `turn` says whose the block is: 0 the worker's, n the trainer's with n pictures."""

    scenes: Any
    light: Any
    block: Any
    rendered: Any
    taken: Any

    @classmethod
    def make(cls, context: Any) -> Mailbox:
        """Allocate one."""
        per = _SMALL * 4 + len(CUES) * CUE_SIDE * CUE_SIDE
        return cls(RawArray("f", BLOCK * SCENE), RawArray("f", BLOCK * _SMALL * 4), RawArray("B", 2 * BLOCK * per),
                   context.Semaphore(0), context.Semaphore(1))  # fmt: skip

    def arrays(self) -> tuple[FloatArray, FloatArray, Pictures]:
        """Views of the memory: scenes, light, block."""
        scenes = np.frombuffer(self.scenes, np.float32).reshape(BLOCK, SCENE)
        light = np.frombuffer(self.light, np.float32)
        block, most = np.frombuffer(self.block, np.uint8), 2 * BLOCK
        first, second = most * _SMALL * 3, most * _SMALL * 4
        pictures = Pictures(block[:first].reshape(most, SIDE, SIDE, 3), block[first:second].reshape(most, SIDE, SIDE),
                            block[second:].reshape(most, len(CUES), CUE_SIDE, CUE_SIDE))  # fmt: skip
        return scenes, light, pictures


def measured(rgb: list[Bytes], alpha: list[FloatArray]) -> Pictures:
    """Add the cue maps."""
    cues = np.stack([np.round(cue_maps(picture) * 255).astype(np.uint8) for picture in rgb])
    return Pictures(np.stack(rgb), np.stack([np.round(a * 255).astype(np.uint8) for a in alpha]), cues)


class Worker:
    """One process: `seed` decides its pictures."""

    def __init__(
        self, number: int, seed: int, mailbox: Mailbox, asks: Any, bank: TextureBank, demo: Path | None
    ) -> None:
        self.number, self.asks, self.mailbox = number, asks, mailbox
        self.scenes, self.light, self.block = mailbox.arrays()
        self.drawer = SceneDrawer(seed)
        self.maker = SceneMaker(seed, SIDE, bank, Foregrounds.load((), demo))

    def post(self, drawer: SceneDrawer, count: int, side: int) -> None:
        """Ask for `count` scenes to be rendered."""
        for place in range(count):
            self.scenes[place] = drawer.draw()
        self.asks.put((self.number, count, side))

    def rendered(self, count: int, side: int, maker: SceneMaker) -> tuple[list[Bytes], list[FloatArray]]:
        """Wait for the light of the last posting and photograph it; unusable pictures are left out."""
        self.mailbox.rendered.acquire()
        light = self.light[: count * side * side * 4].reshape(count, side, side, 4)
        colours, covers = [], []
        for each in light:
            alpha = np.ascontiguousarray(each[..., 3])
            if np.isfinite(each).all() and usable(alpha):
                colours.append(maker._photographed(exposed(each[..., :3], maker.rng), alpha))
                covers.append(alpha)
        return colours, covers

    def produce(self, share: float) -> None:
        """Draw one block and hand it over; `share` of rendered pictures."""
        self.post(self.drawer, BLOCK, SIDE)
        drawn = [self.maker.draw() for _ in range(round(BLOCK * (1 - share) / max(share, 0.5)))]
        colours, covers = self.rendered(BLOCK, SIDE, self.maker)
        colours += [scene.rgb for scene in drawn]
        covers += [scene.alpha for scene in drawn]
        if colours:
            found = measured(colours, covers)
            self.mailbox.taken.acquire()
            for part in ("rgb", "alpha", "cues"):
                getattr(self.block, part)[: len(colours)] = getattr(found, part)
            self.asks.put((self.number, len(colours), 0))

    def held_out(self, kind: str, seed: int, count: int) -> Any:
        """Other seeds, for measuring: `small` and `large` rendered pictures, `drawn` ones with other textures."""
        if kind == "drawn":
            maker = SceneMaker(seed, SIDE, TextureBank(2, 400), Foregrounds(()))
            scenes = [maker.draw() for _ in range(count)]
            return measured([scene.rgb for scene in scenes], [scene.alpha for scene in scenes])
        side = LARGE if kind == "large" else SIDE
        drawer, maker = SceneDrawer(seed), SceneMaker(seed, side, self.maker.bank)
        colours: list[Bytes] = []
        covers: list[FloatArray] = []
        while len(colours) < count:
            fits = min(BLOCK, BLOCK * _SMALL // (side * side), count - len(colours) + 1)
            self.post(drawer, fits, side)
            more, alphas = self.rendered(fits, side, maker)
            colours, covers = colours + more, covers + alphas
        if kind == "large":
            return [(encoded(rgb, alpha)) for rgb, alpha in zip(colours[:count], covers[:count], strict=True)]
        return measured(colours[:count], covers[:count])


def encoded(rgb: Bytes, alpha: FloatArray, quality: int = 92) -> tuple[Bytes, Bytes]:
    """Return a picture as JPEG bytes and its alpha as PNG bytes."""
    cover = np.round(alpha * 255).astype(np.uint8)
    picture = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(picture, np.uint8).ravel(), np.asarray(cv2.imencode(".png", cover)[1], np.uint8).ravel()


def work(number: int, seed: int, mailbox: Mailbox, asks: Any, jobs: Any, results: Any, bank: TextureBank,
         demo: Path | None, share: float) -> None:  # fmt: skip
    """A worker's life: held-out jobs first, then training pictures until it is ended."""
    cv2.setNumThreads(1)
    faulthandler.register(signal.SIGUSR1)
    worker = Worker(number, seed, mailbox, asks, bank, demo)
    while (job := jobs.get()) is not None:
        results.put((job[0], worker.held_out(*job)))
    while True:
        worker.produce(share)


class Feed:
    """Starts the workers and serves their postings from a thread; `take` gets every block of training pictures."""

    def __init__(self, count: int, seed: int, bank: TextureBank, demo: Path | None, jobs: list[tuple[str, int, int]],
                 share: float = 0.5) -> None:  # fmt: skip
        context = mp.get_context("fork")
        self.asks, self.jobs, self.results = context.Queue(), context.Queue(), context.Queue()
        for job in [*jobs, *[None] * count]:
            self.jobs.put(job)
        self.boxes = [Mailbox.make(context) for _ in range(count)]
        self.workers = [
            context.Process(target=work, daemon=True, args=(
                number, seed + 1_000_000 * number, box, self.asks, self.jobs, self.results, bank, demo, share))
            for number, box in enumerate(self.boxes)
        ]  # fmt: skip
        for worker in self.workers:
            worker.start()
        self.rendering_s = 0.0
        self.rendered = 0
        self.failure: BaseException | None = None

    def serve(self, renderer: Renderer, take: Callable[[Pictures], None]) -> None:
        """Start the serving thread."""
        self._views = [box.arrays() for box in self.boxes]
        threading.Thread(target=self._serve, args=(renderer, take), daemon=True).start()

    def _serve(self, renderer: Renderer, take: Callable[[Pictures], None]) -> None:
        try:
            while True:
                self._answer(renderer, take, *self.asks.get())
        except BaseException as error:
            self.failure = error
            raise

    def _answer(self, renderer: Renderer, take: Callable[[Pictures], None], number: int, count: int, side: int) -> None:
        scenes, light, block = self._views[number]
        if side:
            started = time.monotonic()
            light[: count * side * side * 4] = renderer.render(scenes[:count], side).ravel()
            self.rendering_s += time.monotonic() - started
            self.rendered += count
            self.boxes[number].rendered.release()
        else:
            take(Pictures(block.rgb[:count], block.alpha[:count], block.cues[:count]))
            self.boxes[number].taken.release()

    def result(self, patience: float) -> Any:
        """The next held-out job's result. Where none comes in time, the workers say where they are, and it raises."""
        try:
            return self.results.get(timeout=patience)
        except queue.Empty:
            for worker in self.workers:
                if worker.pid and worker.is_alive():
                    os.kill(worker.pid, signal.SIGUSR1)
            time.sleep(2)
            raise

    def stop(self) -> None:
        """End the workers."""
        for worker in self.workers:
            worker.terminate()
