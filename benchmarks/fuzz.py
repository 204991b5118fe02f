"""Does any file that a client could send take a worker or a page down, hang it, or end without a reason?

    python benchmarks/fuzz.py --n 10000 --json

Known bombs, then mutations drawn by hypothesis with a fixed seed: JPEG segments, PNG and WebP chunks, TIFF directories,
colour profiles, ZIPs, lists, and plain bytes of all of them (fuzzing/). Two ways, counted apart:

- the real line: the supervised stack (web, Valkey, two workers, sweeper), sent as raw bodies, by tus and by the plain
  form. All ZIPs and lists that are bombs, all known bombs, and every `LINE_EVERY`-th of the rest go this way; one photo
  among them crashes its worker on purpose (fuzzing/killer.py).
- worker-like processes: the same functions under the same limits without a database, for the rest. Whatever ends one is
  sent through the real line afterwards, which must get over it.

Bars: no worker death that the line doesn't get over, no hang, no answer of 500, no file without an end and a reason.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.fuzzing import intake_way, line_way, samples
from benchmarks.fuzzing.samples import Sample
from benchmarks.fuzzing.tally import Tally
from benchmarks.report import bar, finish

LINE_EVERY = 12
LISTS_EVERY = 4
MAX_WORKER_MIB, MAX_WEB_MIB = 2500, 400
PLANTED_DEATHS = 3


def goes_by_line(sample: Sample) -> bool:
    """All known bombs and ZIPs, one list in four, and one photo in LINE_EVERY."""
    if sample.is_known or sample.ending == "zip":
        return True
    return sample.number % (LISTS_EVERY if sample.ending == "csv" else LINE_EVERY) == 0


def parted(n: int, seed: int, line: list[Sample]) -> Iterator[Sample]:
    """Yield what goes to the worker-like processes; the known bombs go there and by the line, which gets the rest."""
    for sample in samples.samples(n, seed):
        by_line = goes_by_line(sample)
        if by_line:
            line.append(sample)
        if not by_line or (sample.is_known and sample.ending != "zip"):
            yield sample


def measure(n: int, seed: int, *, kills: bool, workers: int = 2) -> dict[str, Any]:
    """Send everything; return the figures."""
    tally = Tally()
    by_line: list[Sample] = []
    started = time.monotonic()
    killers = intake_way.run(parted(n, seed, by_line), tally, workers)
    took_intake = time.monotonic() - started
    planted = ("", "", "")
    with line_way.running(tally, kills=kills) as line:
        if kills:
            line_way.plant(line)
        line.send([*killers, *by_line])
        line.finish()
        if kills:
            planted = line_way.planted_state(line)
    figures = tally.figures()
    figures["killed_a_process"] = [f"{sample.number} {sample.kind}" for sample in killers][:10]
    figures["planted"] = planted
    figures["seconds"] = {"worker-like": round(took_intake), "all": round(time.monotonic() - started)}
    return figures


def bars_of(figures: dict[str, Any], n: int, *, kills: bool) -> list[dict[str, Any]]:
    """What may not happen, and that everything was sent."""
    none = ("unrecovered", "hangs", "slow", "server_faults", "unhandled", "unreasoned", "left_over")
    bars = [bar(f"{name.replace('_', ' ')}", len(figures[name]), "==", 0) for name in none]
    bars.append(bar("files that ended", figures["files"], ">=", n))
    bars.append(
        bar("worker deaths beyond the planted ones", figures["worker_deaths"], "<=", PLANTED_DEATHS if kills else 0)
    )
    if kills:
        is_named = figures["planted"][:2] == ("failed", "worker_lost")
        bars.append(bar("the photo that kills its workers is failed with its cause", float(is_named), "==", 1))
    if line_way.has_proc():
        peaks = figures["peak_rss_mib"]
        worker = max(peaks.get("worker, line", 0), peaks.get("worker, intake", 0))
        bars.append(bar("peak MiB of a worker", worker, "<=", MAX_WORKER_MIB))
        bars.append(bar("peak MiB of a web process", peaks.get("web", 0), "<=", MAX_WEB_MIB))
    return bars


def main() -> int:
    """Read the arguments, send, report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20_260)
    parser.add_argument("--no-kills", action="store_true", help="plant no photo that crashes its worker")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    kills = not options.no_kills
    figures = measure(options.n, options.seed, kills=kills)
    return finish("fuzz", figures, bars_of(figures, options.n, kills=kills), as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
