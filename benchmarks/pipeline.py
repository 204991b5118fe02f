"""What does one photo cost from file to verified marketplace JPEG, beside the plain script and the physical limit?

12 MP photos: four that this script draws and up to four of the demo's. In one run, one photo after the other, in turns:
  ours    the whole line as `python -m processing run` does it (processing.folder.process_one): cut out, correct, frame,
          score, render the Amazon JPEG, verify it, write JPEG and alpha.png
  script  rembg and Pillow as tutorials show it: remove, crop, white square, Lanczos, JPEG of quality 95
  limit   what nothing can save: decode the photo, run the network, encode a finished frame
The first two stand side by side with the same model (u2netp); all use one thread. Every one is a process of its own
that stays: what a photo costs per core. What a folder costs on the whole machine is a figure of its own: the command
and the script (benchmarks/tutorial.py), each as its user starts it, in turns, start-up left in. Memory: a fresh process
takes 200 photos; its peak is read after a fifth of them and at the end.

    python benchmarks/pipeline.py [--models MODELS] [--rounds 3] [--photos 200] [--json]

Without u2netp.onnx in MODELS (../shared/models) only the default chain is measured, and the result says so.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import tutorial  # noqa: E402
from benchmarks.report import bar, finish  # noqa: E402
from benchmarks.tutorial import FILL, MODEL, SIDE  # noqa: E402

PIXELS = 12_000_000
DRAWN, RENDERED = 4, 4
ONE_THREAD = dict.fromkeys(tutorial.THREADS, "1")
Worker = Callable[[Path], dict[str, Any]]


def draw(path: Path, seed: int) -> None:
    """Write a 12 MP JPEG: a printed, shaded product with its shadow on a lit sweep, with grain."""
    import cv2  # after the arguments are read: --help must be quick
    import numpy as np

    rng = np.random.default_rng(seed)
    height, width = (3000, 4000) if seed % 2 else (4000, 3000)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = 240 - 18 * y / height - 10 * ((x - width * 0.4) / width) ** 2
    cx, cy = width / 2 + rng.uniform(-150, 150), height / 2 + rng.uniform(-100, 100)
    rx, ry = rng.uniform(700, 1100), rng.uniform(800, 1050)
    power = rng.uniform(2.2, 6)
    field = np.abs((x - cx) / rx) ** power + np.abs((y - cy) / ry) ** power
    matte = np.clip((1 - field) * min(rx, ry) / power / 1.5 + 0.5, 0, 1)
    spot = ((x - cx - 60) / (rx * 1.15)) ** 2 + ((y - cy - ry * 0.98) / (ry * 0.12)) ** 2
    frame = np.repeat((light * (1 - 0.35 * np.exp(-spot)))[..., None], 3, axis=2)
    print_ = cv2.resize(rng.uniform(-40, 40, (12, 16, 3)).astype(np.float32), (width, height))
    shade = (0.7 + 0.4 * (x - cx + rx) / (2 * rx))[..., None]
    product = (rng.uniform(40, 170, 3).astype(np.float32) + print_) * shade
    frame += matte[..., None] * (product - frame)
    grain = cv2.resize(rng.normal(0, 2.2, (height // 2, width // 2)).astype(np.float32), (width, height))
    pixels = np.clip(frame + grain[..., None] + rng.normal(0, 1, (height, width, 1)), 0, 255).astype(np.uint8)
    cv2.imwrite(str(path), pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])


def photos(folder: Path) -> list[Path]:
    """Return the photos to measure with, the drawn ones first."""
    from PIL import Image

    found = [folder / f"drawn-{seed}.jpg" for seed in range(DRAWN)]
    for seed, path in enumerate(found):
        draw(path, seed)
    for path in sorted((ROOT / "demo/photos").glob("*.jpg")):
        with Image.open(path) as image:
            if image.width * image.height == PIXELS and len(found) < DRAWN + RENDERED:
                found.append(path)
    return found


def ours(remover: str, models: Path, out: Path) -> Worker:
    """The line: everything that a photo of a folder run goes through, writing included."""
    from processing.channels import load_channels
    from processing.folder import Job, Plan, process_one
    from processing.memory import keep_freed_memory
    from processing.params import ProcessingParams
    from processing.removal.base import create_remover
    from processing.removal.chain import PairRemover

    keep_freed_memory()
    plan = Plan(out, ProcessingParams(), load_channels()["amazon_main"])
    # Not "auto": that takes a model wherever this machine has one.
    made = PairRemover() if remover == "auto" else create_remover(remover, model_name=MODEL, model_dir=models)

    def work(path: Path) -> dict[str, Any]:
        report = process_one(Job(path, path.name, path.stem), plan, made)
        if report["status"] != "ok":
            raise RuntimeError(report["reason"])
        return {"stages": {row["name"]: row["cpu_s"] for row in report["timings"]}, "score": report["score"]["total"]}

    return work


def limit(remover: str, models: Path) -> Worker:
    """Decode, one pass of the network on ready input, encode: nothing is cut out, corrected, framed or looked at."""
    import cv2
    import numpy as np
    import onnxruntime

    from processing import codecs
    from processing.memory import keep_freed_memory
    from processing.removal.compact import SIDE as COMPACT_SIDE
    from processing.removal.compact import WEIGHTS
    from processing.removal.cues import CUE_SIDE, CUES

    keep_freed_memory()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    weights = models / MODEL if remover == "rembg" else WEIGHTS
    session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    shapes = {
        "rgb": (1, 3, COMPACT_SIDE, COMPACT_SIDE), "cues": (1, len(CUES), CUE_SIDE, CUE_SIDE)
    }  # fmt: skip
    feeds = {
        item.name: np.full(shapes.get(item.name, (1, 3, 320, 320)), 0.5, np.float32) for item in session.get_inputs()
    }

    def work(path: Path) -> dict[str, Any]:
        photo = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB)
        session.run(None, feeds)
        codecs.encode_jpeg(_finished(photo), quality=95)
        return {}

    return work


def _finished(photo: Any) -> Any:
    """A frame to encode, made once per photo's shape: making it is no part of the limit."""
    import cv2
    import numpy as np

    key = photo.shape
    if key not in _frames:
        frame = np.full((SIDE, SIDE, 3), 255, np.uint8)
        inner = round(SIDE * FILL)
        height, width = photo.shape[:2]
        part = photo[height // 5 : height - height // 5, width // 5 : width - width // 5]
        start = (SIDE - inner) // 2
        frame[start : start + inner, start : start + inner] = cv2.resize(part, (inner, inner))
        _frames[key] = frame
    return _frames[key]


_frames: dict[tuple[int, ...], Any] = {}


def worker(kind: str, models: Path, out: Path) -> Worker:
    """Make the worker called `kind`: WHO/REMOVER."""
    who, remover = kind.split("/")
    if who == "ours":
        return ours(remover, models, out)
    return tutorial.finisher(models, out, threads=1) if who == "script" else limit(remover, models)


def peak_mib() -> float:
    """Peak resident memory of this process image, MiB. `ru_maxrss` would count what the parent held at the fork."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("This benchmark reads /proc.")


def child(kind: str, models: Path, out: Path) -> None:
    """Be a worker: one photo per line in, what it took out."""
    work = worker(kind, models, out)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        said = work(Path(line.strip()))
        took = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        print(json.dumps({**said, **took, "peak_mib": peak_mib()}), flush=True)


class Started:
    """A worker process that answers photo by photo."""

    def __init__(self, kind: str, models: Path, out: Path) -> None:
        command = [sys.executable, __file__, "--child", kind, "--models", str(models), "--out", str(out)]
        env = {**os.environ, **ONE_THREAD}
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def work(self, path: Path) -> dict[str, Any]:
        """Send one photo, return what it took. Raises RuntimeError when the process has died."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a worker ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


@contextmanager
def started(kinds: list[str], models: Path, out: Path) -> Iterator[dict[str, Started]]:
    """Start one process per kind and end them all."""
    processes = {kind: Started(kind, models, out) for kind in kinds}
    try:
        yield processes
    finally:
        for process in processes.values():
            process.close()


def in_turns(kinds: list[str], paths: list[Path], rounds: int, models: Path, out: Path) -> dict[str, list[Any]]:
    """Let every worker take every photo, in turns; the first photo of each is not counted. Rows line up by index."""
    rows: dict[str, list[Any]] = {kind: [] for kind in kinds}
    with started(kinds, models, out) as processes:
        for process in processes.values():
            process.work(paths[0])
        for turn in range(rounds * len(paths)):
            for kind, process in processes.items():
                rows[kind].append(process.work(paths[turn % len(paths)]))
    return rows


def least_cpu(rows: list[Any], photos_: int) -> float:
    """Median over the photos of the least CPU seconds that any round took for one: other programs only ever add."""
    least: list[float] = [min(row["cpu_s"] for row in rows[index::photos_]) for index in range(photos_)]
    return statistics.median(least)


def costs(rows: dict[str, list[Any]], photos_: int) -> dict[str, Any]:
    """Sum up each worker."""
    return {
        kind: {
            "cpu_s": round(least_cpu(own, photos_), 4),
            "cpu_s_median": round(statistics.median(row["cpu_s"] for row in own), 4),
            "images_per_hour": round(3600 / statistics.median(row["wall_s"] for row in own)),
        }
        for kind, own in rows.items()
    }


def paired(rows: dict[str, list[Any]], one: str, other: str, key: str) -> float:
    """Median over all turns of one worker's figure over the other's, each pair a second apart."""
    pairs = zip(rows[one], rows[other], strict=True)
    ratios: list[float] = [mine[key] / theirs[key] for mine, theirs in pairs]
    return round(statistics.median(ratios), 3)


def stages(rows: list[Any]) -> dict[str, float]:
    """Median CPU seconds of the line's own stages; render, verify and writing are what is left."""
    found = {name: statistics.median(row["stages"][name] for row in rows) for name in rows[0]["stages"]}
    found["render_verify_write"] = statistics.median(row["cpu_s"] - sum(row["stages"].values()) for row in rows)
    return {name: round(value, 4) for name, value in found.items()}


def memory(kind: str, paths: list[Path], count: int, models: Path, out: Path) -> dict[str, float]:
    """Peak memory of one fresh process over `count` photos, MiB."""
    marks: dict[int, float] = {}
    begun = time.perf_counter()
    with started([kind], models, out) as processes:
        for index in range(count):
            marks[index + 1] = processes[kind].work(paths[index % len(paths)])["peak_mib"]
    early, late = marks[max(1, count // 5)], marks[count]
    return {
        "photos": count,
        "peak_mib_after_a_fifth": round(early, 1),
        "peak_mib_at_the_end": round(late, 1),
        "growth": round(late / early, 4),
        "seconds": round(time.perf_counter() - begun, 1),
    }


def throughput(paths: list[Path], count: int, workers: int, folder: Path) -> int:
    """Images per hour of `python -m processing run` over a folder, start-up left in."""
    source, out = tutorial.filled(paths, count, folder / f"in-{workers}"), folder / f"out-{workers}"
    command = ["-m", "processing", "run", str(source), "--out", str(out), "--workers", str(workers)]
    return round(tutorial.per_hour(command, out, count))


def measure(options: argparse.Namespace, folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Run everything and hold it against the bars."""
    has_model = (options.models / MODEL).is_file()
    paths = photos(folder)
    kinds = ["ours/auto", "limit/auto"] + (["ours/rembg", "script/rembg", "limit/rembg"] if has_model else [])
    rows = in_turns(kinds, paths, options.rounds, options.models, folder)
    removers = ["auto"] + (["rembg"] if has_model else [])
    figures: dict[str, Any] = {
        "photos": [path.name for path in paths],
        "megapixels_each": PIXELS / 1e6,
        "load_average": os.getloadavg()[0],
        "ours_writes": "JPEG and alpha.png",
        "missing": [] if has_model else [f"{MODEL}: script and limit with the same model were not measured"],
        "costs": costs(rows, len(paths)),
        "stages_cpu_s": {remover: stages(rows[f"ours/{remover}"]) for remover in removers},
        "auto_over_limit_cpu": paired(rows, "ours/auto", "limit/auto", "cpu_s"),
        "memory": {name: memory(f"ours/{name}", paths, options.photos, options.models, folder) for name in removers},
        "images_per_hour": {
            f"{count}_workers": throughput(paths, options.folder_photos, count, folder) for count in (1, 2)
        },
    }
    bars = [bar("default chain, CPU s per photo", figures["costs"]["ours/auto"]["cpu_s"], "<=", 0.35)]
    for name, most in (("auto", 400), ("rembg", 700)):
        if name in figures["memory"]:
            found = figures["memory"][name]
            bars.append(bar(f"peak MiB, {name}", found["peak_mib_at_the_end"], "<=", most))
            bars.append(bar(f"peak at the end over after a fifth, {name}", found["growth"], "<=", 1.05))
    if has_model:
        figures["same_model"] = {
            "images_per_hour_over_script_one_thread_each": paired(rows, "script/rembg", "ours/rembg", "wall_s"),
            "script_cpu_over_ours": paired(rows, "script/rembg", "ours/rembg", "cpu_s"),
            "cpu_over_limit": paired(rows, "ours/rembg", "limit/rembg", "cpu_s"),
        }
        same = figures["same_model"]
        machine = tutorial.whole_machine(paths, options.folder_photos, options.rounds, options.models, folder)
        figures["whole_machine"] = machine
        bars.append(bar("images/hour over the script's, same model, whole machine", machine["over_script"], ">=", 1.5))
        bars.append(bar("CPU over the limit's, same model", same["cpu_over_limit"], "<=", 1.8))
    return figures, bars


def main() -> int:
    """Read the arguments, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=ROOT.parent / "shared/models", help="folder with u2netp.onnx")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--photos", type=int, default=200, help="photos per memory run")
    parser.add_argument("--folder-photos", type=int, default=40, help="photos per throughput run")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child, options.models, options.out)
        return 0
    with tempfile.TemporaryDirectory(prefix="softproof-bench-") as folder:
        figures, bars = measure(options, Path(folder))
    return finish("pipeline", figures, bars, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
