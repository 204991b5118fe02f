"""Does the site stay quick with a million photos? (issue 4, scale)

A database of its own is filled with photos and all that hangs on them; then the real web server works on it while
scripted reviewers claim, decide, undo and beat and a manager walks the pages. Times are taken at the client.

    python benchmarks/scale.py [--rows 1000000] [--db postgres|sqlite] [--json]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

FEW = 1000
WARM_S = 45
"""Before the watch starts: templates, plans and caches of every connection, as after the first minute of a day."""
PERSON_MS, PAGE_MS = 100, 200
PACES = {"steady": (1.0, 3.0), "rush": (0.0, 0.2)}
"""Seconds between a reviewer's decisions: some 1,700 an hour each, more than people keep up; and as fast as it goes."""
SWEEP_EVERY_S = 30
"""How often the sweep looks at everything: longer than that, one round would run into the next for ever."""
DIFFER = "queries_that_differ_from_1000_photos"
DECISIONS = ("claim", "decide", "undo", "beat")


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Everything, on a database that is set up already."""
    from benchmarks.scaling import paging, places, rows, server
    from reviewapp.selectors import tallies

    users, sessions = places.hire(options.reviewers)
    few = _counts(users, FEW)
    rows.empty()
    users, sessions = places.hire(options.reviewers)
    loaded = rows.load(options.rows, users)
    many = _counts(users)
    figures: dict[str, Any] = {"database": server.described(), "loaded": loaded, "queries": many}
    figures[DIFFER] = places.changed(few, many)
    figures["paging"] = paging.compare()
    server.durable()
    pages = places.manager_pages()
    with server.web(folder) as url:
        _work(url, sessions, pages, (0.5, 1.5), WARM_S)
        for pace, think_s in PACES.items():
            mark = server.log_size(folder)
            load, started = server.Load(), time.monotonic()
            times = _work(url, sessions, pages, think_s, options.seconds)
            elapsed = time.monotonic() - started
            busy = load.shares()
            figures[pace] = {
                "client_ms": times.table(),
                "server_ms": server.times(folder, mark),
                "decisions_per_s": round(len(times.seconds["decide"]) / elapsed, 1),
                "cores_busy": busy,
                "faults": times.wrong[:10],
            }
    figures["sweep_s"] = _swept()
    figures["drift_of_counts"] = len(tallies.drift())
    return figures


def _swept() -> float:
    """Seconds of one whole round of the sweep, on what all that work left: its statements are long ones."""
    from reviewapp.management.commands.sweep import sweep_once

    started = time.monotonic()
    sweep_once(look_over_batches=True)
    return round(time.monotonic() - started, 1)


def _counts(users: list[int], load: int = 0) -> dict[str, list[int]]:
    from benchmarks.scaling import places, rows

    if load:
        rows.load(load, users)
    found = places.query_counts(places.manager_pages(), places.MANAGER)
    return found | places.query_counts(places.reviewer_pages(), "reviewer0")


def _work(url: str, sessions: dict[str, str], pages: list[tuple[str, str]], think_s: Any, seconds: float) -> Any:
    from benchmarks.scaling import clients, places

    times = clients.Times()
    browsers = {name: clients.Browser(url, key, times) for name, key in sessions.items()}
    reviewers = [name for name in sessions if name != places.MANAGER]
    people = [
        (lambda stop, n=n, name=name: clients.review(browsers[name], n, think_s, stop))
        for n, name in enumerate(reviewers)
    ]
    manager = partial(clients.manage, browsers[places.MANAGER], pages, 0.25)
    floor = partial(clients.manage, clients.Browser(url, "", times), [("floor: /healthz", "/healthz")], 0.25)
    clients.together(seconds, *people, manager, floor)
    return times


def bars(figures: dict[str, Any]) -> list[dict[str, Any]]:
    """The promises: of the steady pace at the client, of the rush likewise, and what must not depend on size."""
    from benchmarks.report import bar

    found = []
    for name, times in figures["steady"]["client_ms"].items():
        if name.startswith("floor"):
            continue
        limit = PERSON_MS if name in DECISIONS else PAGE_MS
        found.append(bar(f"{name}, p95 ms", times["p95"], "<=", limit))
    found.append(bar("pages with other query counts than at 1,000", len(figures[DIFFER]), "==", 0))
    found.append(bar("wrong answers", sum(len(figures[pace]["faults"]) for pace in PACES), "==", 0))
    found.append(bar("a whole round of the sweep, s", figures["sweep_s"], "<=", SWEEP_EVERY_S))
    found.append(bar("counts that drifted", figures["drift_of_counts"], "==", 0))
    return found


def main() -> int:
    """Read the arguments, measure, report."""
    from benchmarks.report import finish

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--db", choices=("postgres", "sqlite"), default="sqlite")
    parser.add_argument("--reviewers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=240, help="how long each pace is kept up")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    from benchmarks.scaling import server

    with tempfile.TemporaryDirectory(prefix="softproof-scale-") as name, server.database(options.db, Path(name)):
        figures = measure(options, Path(name))
    return finish("scale", figures, bars(figures), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
