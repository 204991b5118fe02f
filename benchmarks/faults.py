"""Is anything lost or done twice when the running product is broken on purpose, again and again? (issue 6)

The whole product on a database and a small disk of its own. Real photos come in over HTTP, every batch twice at once;
16 scripted reviewers decide the same photos at the same moment; deliveries are asked for four times at once, and the
clients' server, which is out of order at first, is told of them. Meanwhile
workers, web, sweeper and Valkey are killed, a worker is stopped past its lease, Valkey is flushed, PostgreSQL is
stopped at once and started again, the disk is filled to the last byte, bells are rung again. When all is at rest the
rows and the files are counted. The same photos as plain RQ jobs, broken likewise, are the peer.

    python benchmarks/faults.py [--db postgres|sqlite] [--tasks 2000] [--seed 1] [--json]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.faulting import plain  # noqa: E402
from benchmarks.faulting.breaking import HANDING_OVER, LEFT, Breaker  # noqa: E402
from benchmarks.faulting.pictures import photo  # noqa: E402
from benchmarks.faulting.senders import FORM, Desk, Ledger, Person, at_once, send  # noqa: E402
from benchmarks.faulting.world import World, world  # noqa: E402
from benchmarks.report import bar, finish  # noqa: E402
from tests.receiver import Receiver, receiving  # noqa: E402

REVIEWERS = 16
WORKERS = 2
BATCHES = {"plain": 0.8, "pilot": 0.1, "mixed": 0.1}
"""Share of the photos. Of `pilot` and `mixed` people see every photo; only in `mixed` they reject and hold any."""
TASKS_EACH = 3
"""Tasks a photo needs at least: look at it, classify it, make and score it; most are rendered as well."""
REST_S = 300.0
UNDECIDED = "SELECT count(*) FROM reviewapp_reviewtask WHERE state = 'open'"
BUSY = "SELECT count(*) FROM reviewapp_batch WHERE name <> 'mixed' AND state NOT IN ('ready', 'delivered')"
CHECKS = (("verify",), ("audit", "verify"))
"""What a person asks whether all is well; both read everything."""
UNSENT = "SELECT count(*) FROM reviewapp_outboundmessage WHERE state IN ('pending', 'sending')"
FAILED = "SELECT count(*) FROM reviewapp_asset WHERE state = 'failed'"
EDITING = "SELECT count(*) FROM reviewapp_asset WHERE state = 'editing'"
"""Of 2,000 such photos the score sends some eight to an editor by itself; nobody edits here."""
Photos = dict[str, list[tuple[str, bytes, str]]]


class Run:
    """One run of the product with everything that happens in it."""

    def __init__(self, broken: World, photos: Photos, seed: int, breakers: tuple[Breaker, Breaker], hook: str) -> None:
        self.world, self.photos = broken, photos
        self.breaker, self.at_the_end = breakers
        self.ledger, self._rng = Ledger(), random.Random(seed)
        asked = {
            "reviewers": REVIEWERS,
            "hook": hook,
            "batches": [{"name": name, "is_pilot": name != "plain"} for name in photos],
        }
        made = broken.inside("benchmarks.faulting.setting", json.dumps(asked))
        self._sessions, self.batches = made["sessions"], made["batches"]
        self.refused: list[str] = []
        self.retried = 0
        self._is_in = threading.Event()

    def person(self, name: str) -> Person:
        """A new connection of somebody."""
        return Person(self.world.stack.url, self._sessions[name], self.ledger)

    def go(self, seed: int) -> None:
        """Photos in, decided and delivered, with faults all the while; then rest."""
        desk = Desk([self.person(f"reviewer{n}") for n in range(REVIEWERS)], "mixed", seed)
        with ThreadPoolExecutor(3) as pool:
            work = [
                pool.submit(self.breaker.run, say),
                pool.submit(self._upload),
                pool.submit(desk.work, self._is_decidable, 0.3),
            ]
            for one in work:
                one.result()
        self._rest()
        manager = self.person("manager")
        for batch in self.batches.values():
            self.retried += self._retry(manager, batch)
        self._rest()
        desk = Desk([self.person(f"reviewer{n}") for n in range(REVIEWERS)], "mixed", seed)
        desk.work(lambda: True, 0.1)
        self._rest()
        with ThreadPoolExecutor(1) as pool:
            breaking = pool.submit(self.at_the_end.run, say)
            self._deliver()
            breaking.result()
        self._rest()

    def _upload(self) -> None:
        """Every batch twice at once, the second time in another order; the upload is ended twice at once as well."""
        with ThreadPoolExecutor(2 * len(self.photos)) as pool:
            sending = [
                pool.submit(send, self.person("manager"), self.batches[name], order)
                for name, found in self.photos.items()
                for order in (found, self._rng.sample(found, len(found)))
            ]
            self.refused = [line for one in sending for line in one.result()]
        for batch in self.batches.values():
            at_once([self.person("manager"), self.person("manager")], f"/batches/{batch}/upload/finish/")
        self._is_in.set()

    def _is_decidable(self) -> bool:
        """Nothing more will come to the reviewers by itself."""
        return self._is_in.is_set() and not self.world.number(LEFT) and not self.world.number(UNDECIDED)

    def _retry(self, manager: Person, batch: int) -> int:
        """What was given up is started again the way a manager does it: by one press."""
        failed = self.world.number(FAILED + f" AND batch_id = {batch}")
        if failed:
            manager.ask("POST", f"/batches/{batch}/failures/retry/", b"", Content_Type=FORM)
        return failed

    def _deliver(self) -> None:
        """Twice at once, by two managers' windows."""
        self.delivered = [batch for name, batch in self.batches.items() if name != "mixed"]
        for batch in self.delivered:
            at_once([self.person("manager") for _window in range(4)], f"/batches/{batch}/deliver/")

    def _rest(self) -> None:
        """Wait until no task is left and the sweep has looked at the batches since."""
        deadline = time.monotonic() + REST_S
        while (
            self.world.number(LEFT)
            or self.world.number(UNSENT)
            or (self.world.number(BUSY) and not self._waits_for_people())
        ):
            if time.monotonic() > deadline:
                say("it did not come to rest")
                return
            time.sleep(0.5)

    def _waits_for_people(self) -> bool:
        return any(self.world.number(asked) for asked in (UNDECIDED, FAILED, EDITING))

    def written(self, heard: list[dict[str, Any]]) -> str:
        """The ledger for the counting, with what the clients' server took."""
        photos = [[batch, path, sha256] for (batch, path), sha256 in sorted(self.ledger.photos.items())]
        return json.dumps(
            {"photos": photos, "decisions": self.ledger.decisions, "delivered": self.delivered, "heard": heard}
        )


def taken(receiver: Receiver) -> list[dict[str, Any]]:
    """What the clients' server answered 200 to: not the first two."""
    events: list[dict[str, Any]] = receiver.events
    return events[2:]


def say(text: str) -> None:
    """What happens goes to standard error; standard output ends in the result."""
    print(text, file=sys.stderr, flush=True)


def painted(count: int, seed: int) -> Photos:
    """The photos of each batch: (path, bytes, sha256), all different."""
    found: Photos = {}
    first = seed * 1_000_000
    for name, share in BATCHES.items():
        size = max(2, round(count * share))
        pictures = [photo(first + n) for n in range(size)]
        found[name] = [
            (f"{name}-{n:05d}.jpg", data, hashlib.sha256(data).hexdigest()) for n, data in enumerate(pictures)
        ]
        first += size
    return found


def measure(kind: str, tasks: int, faults: int, gap_s: float, seed: int) -> dict[str, Any]:
    """The product's part."""
    photos = painted(tasks, seed)
    with receiving() as receiver, world(kind, tasks, WORKERS) as broken:
        receiver.script, receiver.pause_s = [503] * 2, 0.2
        started = time.monotonic()
        handing_over = Breaker(broken, seed, max(3, faults // 10), 1.0, 0, HANDING_OVER)
        breakers = Breaker(broken, seed, faults, gap_s, TASKS_EACH * tasks), handing_over
        run = Run(broken, photos, seed, breakers, receiver.url)
        run.go(seed)
        seconds = time.monotonic() - started
        fenced = broken.logged('"outcome": "fenced"')
        failures = broken.failures()
        restarts = sum("starting it again" in line for line in broken.stack.lines)
        broken.stack.stop()
        (broken.data / "ledger.json").write_text(run.written(taken(receiver)), encoding="utf-8")
        counted = broken.inside("benchmarks.faulting.counting", str(broken.data / "ledger.json"))
        checks = {" ".join(words): broken.checked(*words) for words in CHECKS}
        kinds = [wound.kind for wound in run.breaker.wounds]
        ends = [wound.kind for wound in handing_over.wounds]
        return {
            "database": kind, "seed": seed, "photos": sum(map(len, photos.values())), "seconds": round(seconds),
            "disk": broken.disk,
            "faults": {name: kinds.count(name) for name in sorted(set(kinds))}, "left_out": run.breaker.skipped,
            "faults_at_the_end": {name: ends.count(name) for name in sorted(set(ends))},
            "messages_heard": len(receiver.got), "recovery_at_the_end": handing_over.recovery(),
            "recovery": run.breaker.recovery(), "processes_started_again": restarts, "fenced": fenced,
            "acknowledged": {"photos": len(run.ledger.photos), "decisions": len(run.ledger.decisions)},
            "refused": run.refused[:20], "given_up_then_retried": run.retried,
            "answers": dict(sorted(run.ledger.answers.items())), "failures_logged": failures,
            "checks": checks, **counted,
        }  # fmt: skip


def main() -> int:
    """Read the arguments, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", choices=("postgres", "sqlite"), default="sqlite")
    parser.add_argument("--tasks", type=int, default=100, help="photos that go through the whole line")
    parser.add_argument("--faults", type=int, default=0, help="default: one for every 20 photos, 20 at least")
    parser.add_argument("--gap", type=float, default=4.0, help="seconds between faults, about")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-peer", action="store_true", help="leave the plain RQ jobs out")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    faults = options.faults or max(20, options.tasks // 20)
    figures = measure(options.db, options.tasks, faults, options.gap, options.seed)
    lists = {name: figures[name] for name in ("lost", "doubled", "wrong", "orphans")}
    figures |= {name: found[:20] for name, found in lists.items()}
    parts = (figures["recovery"], figures["recovery_at_the_end"])
    never = sum(one["never"] for part in parts for one in part.values())
    bars = [
        bar("photos acknowledged", figures["acknowledged"]["photos"], "==", figures["photos"]),
        *(bar(name, len(found), "==", 0) for name, found in lists.items()),
        bar("faults not recovered from", never, "==", 0),
        bar("answers of 500", figures["answers"].get("500", 0), "==", 0),
        *(bar(f"manage.py {name}, exit status", end, "==", 0) for name, (end, _said) in figures["checks"].items()),
    ]
    if not options.no_peer:
        figures["plain_rq"] = plain.measure(min(options.tasks, 500), options.seed, min(faults, 40))
    return finish("faults", figures, bars, as_json=options.json)


if __name__ == "__main__":
    raise SystemExit(main())
