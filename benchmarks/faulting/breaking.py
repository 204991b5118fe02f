"""What is done to the running product, at random, and how long it then takes to go on."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import redis

from benchmarks.faulting.world import LEASE_S, World

RECOVERS_S = 150.0
"""After this a fault counts as one that was not recovered from."""
STALLED = 4
DONE = "SELECT count(*) FROM reviewapp_task WHERE state = 'done'"
LEFT = "SELECT count(*) FROM reviewapp_task WHERE state IN ('pending', 'running')"
HELD = "SELECT id, owner, token FROM reviewapp_task WHERE state = 'running' AND owner <> ''"
STATE = "SELECT state, token FROM reviewapp_task WHERE id = {id}"
SWEEPER = "SELECT pid FROM reviewapp_workerheartbeat WHERE role = 'sweeper'"
WEIGHTS = {
    "worker killed": 6,
    "worker stopped past its lease": 2,
    "sweeper killed": 2,
    "web killed": 2,
    "one web process killed": 1,
    "valkey flushed": 2,
    "valkey killed": 2,
    "database stopped at once": 2,
    "disk full": 1,
    "bells rung again": 2,
}
HANDING_OVER = ("sweeper killed", "web killed", "one web process killed", "valkey killed", "database stopped at once")
"""What can hit a delivery and its messages: no worker has a part in them."""
IsBack = Callable[[], bool]


@dataclass
class Wound:
    """One fault: when, what, and when the product went on; `seconds` is None while it has not."""

    kind: str
    at_s: float
    hit: str
    seconds: float | None = None


@dataclass
class Breaker:
    """Does `count` faults, spread over the work; every kind at least once where there is room for it.

    The next one comes about `gap_s` after the last and not before as large a share of the `expected` tasks is done, but
    after STALLED gaps whatever is done.
    """

    world: World
    seed: int
    count: int
    gap_s: float
    expected: int
    only: tuple[str, ...] = tuple(WEIGHTS)
    wounds: list[Wound] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._started = time.monotonic()
        self._watchers: list[threading.Thread] = []
        self._acts: dict[str, Callable[[], tuple[str, IsBack] | None]] = {
            "worker killed": self._kill_worker,
            "worker stopped past its lease": self._stop_worker,
            "sweeper killed": self._kill_sweeper,
            "web killed": self._kill_web,
            "one web process killed": self._kill_web_process,
            "valkey flushed": self._flush,
            "valkey killed": self._kill_valkey,
            "database stopped at once": self._stop_database,
            "disk full": self._fill_disk,
            "bells rung again": self._ring_again,
        }
        self._acts = {kind: act for kind, act in self._acts.items() if kind in self.only}
        if self.world.postgres is None and "database stopped at once" in self._acts:
            self._leave_out("database stopped at once", "SQLite has no server")
        if not self.world.can_fill and "disk full" in self._acts:
            self._leave_out("disk full", "mounting a disk of its own needs root")

    def _leave_out(self, kind: str, why: str) -> None:
        del self._acts[kind]
        self.skipped.append(f"{kind}: {why}")

    def plan(self) -> list[str]:
        """The kinds in the order of the seed."""
        kinds = list(self._acts)
        chosen = self._rng.sample(kinds, min(len(kinds), self.count))
        chosen += self._rng.choices(kinds, [WEIGHTS[kind] for kind in kinds], k=max(0, self.count - len(chosen)))
        self._rng.shuffle(chosen)
        return chosen

    def run(self, say: Callable[[str], None]) -> None:
        """Break things until the plan is done; then wait until every fault was recovered from."""
        for number, kind in enumerate(self.plan()):
            time.sleep(self._rng.uniform(0.3, 1.7) * self.gap_s)
            self._wait_for(number * self.expected // (self.count + 2))  # the last ones hit work too
            began = time.monotonic()
            act = self._acts[kind]()
            if act is None:  # there was nothing to hit
                continue
            hit, is_back = act
            wound = Wound(kind, round(began - self._started, 1), hit)
            self.wounds.append(wound)
            say(f"{wound.at_s:7.1f} s  {kind}: {hit}")
            watcher = threading.Thread(target=_watch, args=(wound, is_back, began), daemon=True)
            watcher.start()
            self._watchers.append(watcher)
        for watcher in self._watchers:
            watcher.join(RECOVERS_S)

    def _wait_for(self, done: int) -> None:
        until = time.monotonic() + STALLED * self.gap_s
        while time.monotonic() < until and self.world.number(DONE) < done:
            time.sleep(0.2)

    def recovery(self) -> dict[str, dict[str, float]]:
        """Seconds from the fault until work went on, per kind; `never` counts those it didn't."""
        found: dict[str, dict[str, float]] = {}
        for kind in sorted({wound.kind for wound in self.wounds}):
            times = sorted(one.seconds for one in self.wounds if one.kind == kind and one.seconds is not None)
            never = sum(one.seconds is None for one in self.wounds if one.kind == kind)
            found[kind] = {"n": len(times) + never, "never": never}
            if times:
                found[kind] |= {"median_s": round(times[len(times) // 2], 1), "max_s": round(times[-1], 1)}
        return found

    # Each act returns what it hit and how to see that the product goes on; None when there was nothing to hit.

    def _caught(self) -> tuple[int, str, int] | None:
        """Stop a worker in the middle of a task, waiting a moment for one: (the task, its worker's name, the pid)."""
        for _try in range(60):
            held = self.world.rows(HELD)
            for task, owner, token in self._rng.sample(held, len(held)):
                for pid in self.world.stack.children(rf"manage\.py worker --name {owner}$"):
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGSTOP)
                        if self.world.rows(STATE.format(id=task)) == [("running", token)]:
                            return task, owner, pid
                        os.kill(pid, signal.SIGCONT)
            time.sleep(0.02)
        return None

    def _ended(self, task: int) -> IsBack:
        return lambda: self.world.rows(STATE.format(id=task))[0][0] in ("done", "dead")

    def _goes_on(self) -> IsBack:
        """More tasks were done than the workers may have had in hand, or there is nothing left to do."""
        before, workers = self.world.number(DONE), self.world.workers
        return lambda: self.world.number(DONE) > before + workers or not self.world.number(LEFT)

    def _kill_worker(self) -> tuple[str, IsBack] | None:
        caught = self._caught()
        if caught is None:
            return None
        task, owner, pid = caught
        os.kill(pid, signal.SIGKILL)
        return f"{owner} with task {task}", self._ended(task)

    def _stop_worker(self) -> tuple[str, IsBack] | None:
        caught = self._caught()
        if caught is None:
            return None
        task, owner, pid = caught
        stopped_s = LEASE_S + self._rng.uniform(2.5, 5)
        timer = threading.Timer(stopped_s, _go_on, [pid])
        timer.start()
        self._watchers.append(timer)
        return f"{owner} with task {task} for {stopped_s:.1f} s", self._ended(task)

    def _kill_sweeper(self) -> tuple[str, IsBack]:
        hit = self.world.kill(r"manage\.py sweep$")

        def is_back() -> bool:
            rows = self.world.rows(SWEEPER)
            return bool(rows) and rows[0][0] not in hit

        return f"pid {hit}", is_back

    def _kill_web(self) -> tuple[str, IsBack]:
        return f"pid {self.world.kill('gunicorn')}", self.world.stack.is_up

    def _kill_web_process(self) -> tuple[str, IsBack] | None:
        masters = self.world.stack.children("gunicorn")
        children = [child for master in masters for child in _children_of(master)]
        if not children:
            return None
        pid = self._rng.choice(children)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        return f"pid {pid}", self.world.stack.is_up

    def _valkey(self) -> Any:
        return redis.Redis.from_url(self.world.valkey_url(), socket_connect_timeout=1.0, socket_timeout=2.0)

    def _flush(self) -> tuple[str, IsBack] | None:
        try:
            lost = self._valkey().llen("rq:queue:default")
            self._valkey().flushall()
        except redis.RedisError:
            return None
        return f"{lost} bells", self._goes_on()

    def _kill_valkey(self) -> tuple[str, IsBack]:
        return f"pid {self.world.kill('valkey-server|redis-server')}", self._goes_on()

    def _stop_database(self) -> tuple[str, IsBack]:
        server, away_s = self.world.postgres, self._rng.uniform(0.5, 3.0)
        assert server is not None
        server.stop_at_once()
        time.sleep(away_s)
        server.start()
        return f"away for {away_s:.1f} s", self._goes_on()

    def _fill_disk(self) -> tuple[str, IsBack]:
        ballast, full_s = self.world.data / "ballast", self._rng.uniform(1.5, 4.0)
        until = time.monotonic() + full_s
        size = 0
        with ballast.open("wb", buffering=0) as file:
            block = bytes(1 << 20)
            while time.monotonic() < until:  # to the last byte, and again for what is freed meanwhile
                try:
                    size += file.write(block)
                except OSError:
                    block = bytes(4096) if len(block) > 4096 else block
                    time.sleep(0.005)
        ballast.unlink()
        return f"{size >> 20} MB of ballast for {full_s:.1f} s", self._goes_on()

    def _ring_again(self) -> tuple[str, IsBack] | None:
        """The same tasks ten times over, done ones among them: what a queue delivers more than once."""
        from rq import Queue
        from rq.serializers import JSONSerializer

        rows = self.world.rows("SELECT id FROM reviewapp_task ORDER BY id DESC LIMIT 200")
        ids = [row[0] for row in rows]
        if not ids:
            return None
        chosen = self._rng.sample(ids, min(10, len(ids))) * 3
        try:
            queue = Queue("default", connection=self._valkey(), serializer=JSONSerializer)
            for task in chosen:
                queue.enqueue("reviewapp.jobs.runner.run_task", task, job_timeout=-1, result_ttl=0, failure_ttl=60)
        except redis.RedisError:
            return None
        return f"{len(chosen)} bells for {len(set(chosen))} tasks", self.world.stack.is_up


def _go_on(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _watch(wound: Wound, is_back: IsBack, started: float) -> None:
    while time.monotonic() - started < RECOVERS_S:
        with contextlib.suppress(OSError):
            if is_back():
                wound.seconds = time.monotonic() - started
                return
        time.sleep(0.2)


def _children_of(pid: int) -> list[int]:
    path = f"/proc/{pid}/task/{pid}/children"
    try:
        with open(path, encoding="ascii") as listed:
            return [int(word) for word in listed.read().split()]
    except OSError:
        return []
