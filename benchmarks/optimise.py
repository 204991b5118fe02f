"""How fast is the plain batch tool, and how much memory does it take, beside the tools people use for this?

Every tool makes 800 x 600 JPEGs of quality 85 from the same folders of 12 MP and 2 MP photos: ours
(`python -m processing optimise`), vipsthumbnail, ImageMagick's mogrify, and a Pillow thread pool with draft mode as
tutorials show it. Rounds alternate between the tools; each figure is the median of the rounds, start-up included.

    python benchmarks/optimise.py [--photos 500] [--rounds 5] [--json]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

SIZES = {"12mp": (4000, 3000), "2mp": (1600, 1200)}
WITHIN = 0.9  # of vipsthumbnail's throughput
RSS_MIB = 200
PILLOW = """
import sys, os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from PIL import Image
def one(path):
    with Image.open(path) as image:
        image.draft("RGB", (800, 600))
        image.thumbnail((800, 600), Image.Resampling.LANCZOS)
        image.save(Path(sys.argv[1]) / path.name, quality=85)
with ThreadPoolExecutor(os.cpu_count()) as pool:
    list(pool.map(one, sorted(Path(sys.argv[2]).iterdir())))
"""


def photos_of(folder: Path, count: int, width: int, height: int) -> None:
    """Call `make_photos` in a process of its own: the kernel counts what a parent held at the fork as its child's."""
    numbers = [str(number) for number in (count, width, height)]
    subprocess.run([sys.executable, __file__, "--make", str(folder), *numbers], cwd=ROOT, check=True)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of one tool took: wall seconds and the peak memory of its process, MiB."""

    wall_s: float
    rss_mib: float


def make_photos(folder: Path, count: int, width: int, height: int) -> None:
    """Fill `folder` with `count` photos: four painted ones under many names (hard links, so that the disk holds it)."""
    import numpy as np
    from PIL import Image

    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    for index in range(min(4, count)):
        coarse = Image.fromarray(rng.integers(30, 230, (9, 12, 3), dtype=np.uint8)).resize((width, height))
        grain = rng.normal(0, 4, (height, width, 1))
        pixels = np.clip(np.asarray(coarse) + grain, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:04d}.jpg", quality=90)
    for index in range(4, count):
        os.link(folder / f"{index % 4:04d}.jpg", folder / f"{index:04d}.jpg")


def run(command: list[str], cwd: Path) -> Cost:
    """Run a command to its end and read its peak memory from the kernel. Raises RuntimeError when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {said.decode('utf-8', 'replace')[-400:]}")
    return Cost(time.perf_counter() - started, usage.ru_maxrss / 1024)


def command_of(tool: str, source: Path, out: Path) -> list[str]:
    """Return the command that makes `out` from `source` with one tool."""
    if tool == "ours":
        return [sys.executable, "-m", "processing", "optimise", str(source), "--out", str(out), "--resize", "800x600",
                "--quality", "85"]  # fmt: skip
    files = [str(path) for path in sorted(source.iterdir())]
    if tool == "vipsthumbnail":
        return ["vipsthumbnail", *files, "--size", "800x600>", "-o", f"{out}/%s.jpg[Q=85,strip]"]
    if tool == "mogrify":
        return ["mogrify", "-path", str(out), "-strip", "-resize", "800x600>", "-quality", "85", *files]
    return [sys.executable, "-c", PILLOW, str(out), str(source)]


def tools() -> tuple[list[str], list[str]]:
    """Return the tools that are there, and sentences about those that aren't."""
    missing = [
        f"{tool} is not installed (package {package}); not compared"
        for tool, package in (("vipsthumbnail", "libvips-tools"), ("mogrify", "imagemagick"))
        if shutil.which(tool) is None
    ]
    there = [
        tool for tool in ("ours", "vipsthumbnail", "mogrify", "pillow") if not any(m.startswith(tool) for m in missing)
    ]
    return there, missing


def compare(source: Path, names: list[str], rounds: int, work: Path) -> dict[str, list[Cost]]:
    """Run every tool on `source` once per round, in an order that turns, each time into an empty folder."""
    costs: dict[str, list[Cost]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            out = work / "out"
            out.mkdir()
            costs[name].append(run(command_of(name, source, out), ROOT))
            made = sum(1 for path in out.iterdir() if path.suffix == ".jpg")
            if made != sum(1 for _ in source.iterdir()):
                raise RuntimeError(f"{name} made {made} pictures only")
            shutil.rmtree(out)
    return costs


def growth(work: Path, photos: int) -> dict[str, float]:
    """Return our peak memory over a tenth of the 12 MP photos and over all of them, MiB, and their ratio."""
    peaks = []
    for count in (max(4, photos // 10), photos):
        folder, out = work / f"grow-{count}", work / f"grown-{count}"
        photos_of(folder, count, *SIZES["12mp"])
        peaks.append(run(command_of("ours", folder, out), ROOT).rss_mib)
    return {"few_mib": round(peaks[0], 1), "all_mib": round(peaks[1], 1), "ratio": round(peaks[1] / peaks[0], 3)}


def measure(photos: int, rounds: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Measure everything and hold it against the bars."""
    from benchmarks.report import bar

    names, missing = tools()
    figures: dict[str, Any] = {"photos": photos, "rounds": rounds, "missing": missing}
    bars = []
    with tempfile.TemporaryDirectory(prefix="softproof-bench-") as folder:
        work = Path(folder)
        per_round = max(4, photos // rounds)
        for label, (width, height) in SIZES.items():
            source = work / label
            photos_of(source, per_round, width, height)
            costs = compare(source, names, rounds, work)
            speed = {name: per_round / statistics.median(cost.wall_s for cost in each) for name, each in costs.items()}
            figures[label] = {
                name: {"photos_per_s": round(speed[name], 1), "rss_mib": round(max(c.rss_mib for c in each), 1)}
                for name, each in costs.items()
            }
            bars.append(bar(f"{label} peak memory, MiB", figures[label]["ours"]["rss_mib"], "<", RSS_MIB))
            if "vipsthumbnail" in speed:
                ratio = round(speed["ours"] / speed["vipsthumbnail"], 3)
                bars.append(bar(f"{label} throughput / vipsthumbnail", ratio, ">=", WITHIN))
        figures["memory"] = growth(work, photos)
        bars.append(bar("peak memory over all photos / over a tenth", figures["memory"]["ratio"], "<=", 1.1))
    return figures, bars


def main() -> int:
    """Read the arguments, measure, report."""
    from benchmarks.report import finish

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--make", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.make:
        folder, *numbers = options.make
        count, width, height = (int(number) for number in numbers)
        make_photos(Path(folder), count, width, height)
        return 0
    figures, bars = measure(options.photos, options.rounds)
    return finish("optimise", figures, bars, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
