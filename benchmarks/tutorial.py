"""The plain script that tutorials show: rembg and Pillow, and what a whole folder takes with it and with the line.

    python benchmarks/tutorial.py IN OUT [--models MODELS]

finishes every photo of a folder in one loop: the session kept, onnxruntime with its own default of threads.
`benchmarks/pipeline.py` runs it, in turns with `python -m processing run`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MODEL = "u2netp.onnx"
SIDE, FILL = 2000, 0.85  # the Amazon frame
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "VIPS_CONCURRENCY")


def finisher(models: Path, out: Path, threads: int | None = None) -> Callable[[Path], dict[str, Any]]:
    """Return what a tutorial does with one photo: remove, crop, white square, Lanczos, JPEG of quality 95.

    `threads`: None leaves onnxruntime its default.
    """
    os.environ["REMBG_HOME"] = str(models)
    import onnxruntime
    from PIL import Image
    from rembg import new_session, remove

    options = onnxruntime.SessionOptions()
    if threads is not None:
        options.intra_op_num_threads = options.inter_op_num_threads = threads
    session = new_session(
        "u2net_custom", sess_opts=options, providers=["CPUExecutionProvider"], model_path=str(models / MODEL)
    )

    def work(path: Path) -> dict[str, Any]:
        cut = remove(Image.open(path), session=session, alpha_matting=False)
        cut = cut.crop(cut.getbbox())
        scale = SIDE * FILL / max(cut.size)
        size = (max(1, round(cut.width * scale)), max(1, round(cut.height * scale)))
        cut = cut.resize(size, Image.Resampling.LANCZOS)
        canvas = Image.new("RGB", (SIDE, SIDE), (255, 255, 255))
        canvas.paste(cut, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2), cut)
        canvas.save(out / f"{path.stem}.jpg", quality=95)
        return {}

    return work


def filled(paths: list[Path], count: int, folder: Path) -> Path:
    """Make a folder of `count` photos."""
    folder.mkdir()
    for index in range(count):
        (folder / f"{index:04d}.jpg").symlink_to(paths[index % len(paths)])
    return folder


def per_hour(command: list[str], out: Path, count: int) -> float:
    """Images per hour of a command that writes `count` JPEGs below `out`, start-up left in, on all cores.

    Raises RuntimeError when it fails or leaves a photo out.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    # What a variable of the caller says of threads is not what a user's machine says.
    env = {key: value for key, value in os.environ.items() if key not in THREADS}
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    took = time.perf_counter() - begun
    made = len(list(out.glob("*.jpg")))
    if done.returncode or made != count:
        raise RuntimeError(f"{command[:3]} made {made} of {count}: {done.stderr[-400:]}")
    return count * 3600 / took


def whole_machine(paths: list[Path], count: int, rounds: int, models: Path, folder: Path) -> dict[str, Any]:
    """Let the line and the script take the same folder in turns, each as its user starts it, with the same model."""
    source, out = filled(paths, count, folder / "in-turns"), folder / "out-turns"
    line = ["-m", "processing", "run", str(source), "--out", str(out), "--remover", "rembg"]
    commands = {
        "ours": [*line, "--model", MODEL, "--model-dir", str(models)],
        "script": [__file__, str(source), str(out), "--models", str(models)],
    }
    rates: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            rates[name].append(per_hour(command, out, count))
    ratios = [mine / theirs for mine, theirs in zip(rates["ours"], rates["script"], strict=True)]
    return {
        "photos_per_round": count,
        "images_per_hour": {name: [round(rate) for rate in found] for name, found in rates.items()},
        "median": {name: round(statistics.median(found)) for name, found in rates.items()},
        "over_script": round(statistics.median(ratios), 3),
        "over_script_by_round": [round(ratio, 3) for ratio in ratios],
    }


def main() -> int:
    """Finish a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", type=Path, default=ROOT.parent / "shared/models", help="folder with u2netp.onnx")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    work = finisher(options.models, options.out)
    for path in sorted(options.source.glob("*.jpg")):
        work(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
