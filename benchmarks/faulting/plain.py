"""The same work as plain RQ jobs, the way most people write it, under the same kinds of kills: what that loses.

No task rows: a job is enqueued with `Retry(max=5)`, RQ's own worker runs it, a loop starts a worker again when it
ends. RQ is given better terms than its defaults: abandoned jobs are looked for every 5 s instead of every 405.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.faulting.pictures import photo
from tests.servers import Missing, free_port, wait_for
from tests.stack import ROOT

SILENCE_S = 45.0
"""Nothing was finished for so long: what is left now is lost."""
KINDS = ("worker killed",) * 6 + ("valkey flushed", "valkey killed")


def step(folder: str, number: int) -> None:
    """One photo from decoding to score; its picture is a file, and a line in a ledger says that it is done."""
    from processing import pipeline
    from processing.channels import load_channels
    from processing.params import STANDARD_PRESET, ScoringParams

    place = Path(folder)
    source = place / "in" / f"{number}.jpg"
    result = pipeline.process(source, STANDARD_PRESET, load_channels()["shopify"], ScoringParams(), _remover())
    (place / "out" / f"{number}.png").write_bytes(result.alpha_png)
    with (place / "done").open("ab", buffering=0) as ledger:
        ledger.write(b"%d\n" % number)


_removers: list[Any] = []


def _remover() -> Any:
    from processing.removal.base import create_remover

    if not _removers:
        _removers.append(create_remover("studio"))
    return _removers[0]


class _Server:
    """Valkey as plain RQ guides have it: in memory with an append-only file."""

    def __init__(self, folder: Path) -> None:
        from reviewapp.supervisor import valkey

        server = valkey.find_server()
        if server is None:
            raise Missing("no Valkey or Redis server")
        self._socket, port = folder / "v.sock", free_port()
        self._command = [server.path, "--port", "0", "--unixsocket", str(self._socket), "--dir", str(folder),
                         "--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]  # fmt: skip
        self.url, self._port = f"unix://{self._socket}?db=0", port
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        """Start, and wait for the socket."""
        self._socket.unlink(missing_ok=True)
        self.process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(self._socket.exists, 15, "Valkey")
        return self.process


class _Workers:
    """Two of RQ's own SimpleWorkers, started again when they end."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._log = url, folder / "workers.log"
        self.running = [self._start(), self._start()]

    def _start(self) -> subprocess.Popen[bytes]:
        single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VIPS_CONCURRENCY"), "1")
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "benchmarks.faulting.plain", self._url],
                cwd=ROOT, env={**os.environ, **single}, stdout=log, stderr=log,
            )  # fmt: skip

    def watch(self) -> None:
        """Start again what ended."""
        self.running = [one if one.poll() is None else self._start() for one in self.running]

    def stop(self) -> None:
        """End them."""
        for one in self.running:
            with contextlib.suppress(ProcessLookupError):
                one.kill()
            one.wait()


def _work(url: str) -> None:
    """A stock worker; Retry and maintenance are RQ's own."""
    import redis
    from rq import Queue, SimpleWorker

    link = redis.Redis.from_url(url)
    worker = SimpleWorker([Queue(connection=link)], connection=link, default_worker_ttl=20, maintenance_interval=5)
    worker.work(logging_level="WARNING")


def measure(photos: int, seed: int, faults: int) -> dict[str, Any]:
    """Enqueue `photos` jobs, break things `faults` times, and say what became of them."""
    with tempfile.TemporaryDirectory(prefix="sp-rq-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        for part in ("in", "out"):
            (folder / part).mkdir()
        for number in range(photos):
            (folder / "in" / f"{number}.jpg").write_bytes(photo(number))
        server = _Server(folder)
        workers = _Workers(server.url, folder)
        try:
            return _run(folder, photos, random.Random(seed), faults, server, workers)
        finally:
            workers.stop()
            server.process.kill()
            server.process.wait()


def _run(
    folder: Path, photos: int, rng: random.Random, faults: int, server: _Server, workers: _Workers
) -> dict[str, Any]:
    import redis
    from rq import Queue, Retry

    queue = Queue(connection=redis.Redis.from_url(server.url))
    for number in range(photos):
        queue.enqueue("benchmarks.faulting.plain.step", str(folder), number, retry=Retry(max=5))
    kinds = [rng.choice(KINDS) for _fault in range(faults)]
    kinds[len(kinds) // 2 :: max(1, len(kinds))] = ["valkey flushed"]
    ledger, made = folder / "done", 0
    changed, next_at = time.monotonic(), time.monotonic() + 3
    before = 0
    while time.monotonic() - changed < SILENCE_S:
        done = ledger.read_bytes().split() if ledger.exists() else []
        if len(done) != before:
            before, changed = len(done), time.monotonic()
        if len(set(done)) == photos:
            break
        # Spread over the work, not over time: the k-th when as many of the jobs are done.
        if made < faults and (len(set(done)) >= photos * made / faults or time.monotonic() > next_at):
            _break(kinds[made], rng, server, workers)
            made, next_at = made + 1, time.monotonic() + 3
        workers.watch()
        time.sleep(0.1)
    finished = [int(word) for word in (ledger.read_bytes().split() if ledger.exists() else [])]
    counts = {kind: kinds[:made].count(kind) for kind in sorted(set(kinds[:made]))}
    return {
        "jobs": photos, "lost": photos - len(set(finished)), "doubled": len(finished) - len(set(finished)),
        "faults": counts,
    }  # fmt: skip


def _break(kind: str, rng: random.Random, server: _Server, workers: _Workers) -> None:
    import redis

    if kind == "worker killed":
        rng.choice(workers.running).send_signal(signal.SIGKILL)
    elif kind == "valkey flushed":
        with contextlib.suppress(redis.RedisError):
            redis.Redis.from_url(server.url).flushall()
    else:
        server.process.kill()
        server.process.wait()
        time.sleep(0.5)
        server.start()


if __name__ == "__main__":
    _work(sys.argv[1])
