"""The quick way: files one after the other through worker-like processes that are watched, killed and started again."""

from __future__ import annotations

import json
import os
import queue
import select
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.fuzzing.samples import Sample
from benchmarks.fuzzing.tally import Tally

ROOT = Path(__file__).resolve().parents[2]
HANG_S = 60.0
"""The product's own deadline for a step is 300 s; a file that takes a fifth of it counts as a hang here."""
SLOW_S = 15.0
TRIES = 3


class BenchWorker:
    """One process and what it was asked."""

    def __init__(self, folder: Path, number: int) -> None:
        self._scratch = folder / f"tmp{number}"
        self._scratch.mkdir()
        self._errors = (folder / f"worker{number}.log").open("ab")
        self._env = {
            **os.environ,
            "SOFTPROOF_DATA": str(folder / "data"),
            "TMPDIR": str(self._scratch),
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VIPS_CONCURRENCY"), "1"),
        }
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, path: Path, name: str) -> dict[str, Any] | str:
        """Return its answer, or how it ended ("signal 11", "hang")."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.fuzzing.bench_worker"], cwd=ROOT, env=self._env,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
            )  # fmt: skip
        process = self._process
        assert process.stdin and process.stdout
        process.stdin.write(json.dumps({"path": str(path), "name": name}).encode() + b"\n")
        process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], HANG_S)
        line = process.stdout.readline() if ready else b""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        if not ready:
            process.kill()
        status = process.wait()
        self._process = None
        return "hang" if not ready else f"ended with {status}"

    def close(self) -> list[str]:
        """End it; return what it left in its folder for temporary files."""
        if self._process is not None and self._process.stdin:
            self._process.stdin.close()
            self._process.wait(30)
        self._errors.close()
        return [path.name for path in self._scratch.iterdir()]


def run(files: Iterable[Sample], tally: Tally, workers: int) -> list[Sample]:
    """Send all; return those that ended a process, for the real line to show what it makes of them."""
    waiting: queue.Queue[Sample | None] = queue.Queue(maxsize=64)
    killers: list[Sample] = []
    with tempfile.TemporaryDirectory(prefix="softproof-fuzz-") as name:
        folder = Path(name)
        threads = [
            threading.Thread(target=_worked, args=(folder, number, waiting, tally, killers))
            for number in range(workers)
        ]
        for thread in threads:
            thread.start()
        try:
            for sample in files:
                waiting.put(sample)
        finally:  # else the threads would wait for ever for files that can't be made
            for _ in threads:
                waiting.put(None)
            for thread in threads:
                thread.join()
    return killers


def _worked(
    folder: Path, number: int, waiting: queue.Queue[Sample | None], tally: Tally, killers: list[Sample]
) -> None:
    worker = BenchWorker(folder, number)
    path = folder / f"file{number}"
    while (sample := waiting.get()) is not None:
        path.write_bytes(sample.data)
        _one(worker, path, sample, tally, killers)
    path.unlink(missing_ok=True)
    for left in worker.close():
        tally.note(tally.left_over, f"bench worker {number}: {left}")


def _one(worker: BenchWorker, path: Path, sample: Sample, tally: Tally, killers: list[Sample]) -> None:
    for _attempt in range(TRIES):
        started = time.monotonic()
        answer = worker.ask(path, sample.name)
        if isinstance(answer, dict):
            tally.took(f"{sample.kind} (worker)", answer["s"], SLOW_S)
            tally.peak("worker, intake", answer["rss"])
            tally.end(sample.kind, "worker-like process", answer["outcome"], answer["code"], answer["reason"])
            return
        where = tally.hangs if answer == "hang" else tally.deaths
        tally.note(where, f"{sample.name} {sample.kind}: {answer} after {time.monotonic() - started:.1f} s")
    killers.append(sample)
