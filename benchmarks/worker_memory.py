"""Does a worker's memory grow with the number of photos? (PRO-38)

One worker process takes N photos of 12 MP through the whole line, task by task, on SQLite; its peak resident memory
(VmHWM) is read after a fifth of them and at the end.

    python benchmarks/worker_memory.py [--photos 100] [--json]
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

WIDTH, HEIGHT = 4000, 3000


def photo(index: int) -> bytes:
    """Return a 12 MP JPEG of a shaded product on a light sweep; `index` varies its place, size and colour."""
    import numpy as np  # after the arguments are read: --help must be quick
    from PIL import Image

    rng = np.random.default_rng(index)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    frame = np.repeat((236 - 14 * (y / HEIGHT))[..., None], 3, axis=2)
    cx, cy = WIDTH / 2 + rng.uniform(-150, 150), HEIGHT / 2 + rng.uniform(-100, 100)
    rx, ry = rng.uniform(700, 1100), rng.uniform(800, 1050)
    inside = (np.abs((x - cx) / rx) ** 4 + np.abs((y - cy) / ry) ** 4) < 1
    colour = rng.uniform(30, 170, 3).astype(np.float32)
    shade = (0.75 + 0.35 * (x - cx + rx) / (2 * rx))[..., None]
    frame = np.where(inside[..., None], colour * shade, frame) + rng.normal(0, 1.5, (HEIGHT, WIDTH, 1))
    out = io.BytesIO()
    Image.fromarray(np.clip(frame, 0, 255).astype(np.uint8)).save(out, "JPEG", quality=88)
    return out.getvalue()


def distinct(jpeg: bytes, index: int) -> bytes:
    """Return the same picture as a different file: a comment segment after the start marker."""
    note = f"photo {index}".encode()
    return jpeg[:2] + b"\xff\xfe" + (len(note) + 2).to_bytes(2, "big") + note + jpeg[2:]


def peak_bytes() -> int:
    """Return this process's peak resident memory. Not ru_maxrss where it can be helped: that outlives an exec, so a
    child starts with its parent's peak."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(row for row in status.read_text().splitlines() if row.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def child(photos: int, folder: Path) -> None:
    """Be the worker: take everything through the line and print the peak memory on the way.

    The photos were drawn by the parent: drawing one takes more memory than the line, and the peak would be its own.
    """
    import django

    django.setup()
    from reviewapp.jobs import runner
    from reviewapp.models import Batch, Channel, Client, PresetVersion, ProcessingRun
    from reviewapp.services import batches, ingest

    bases = [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
    batch = ingest.create_batch(
        Client.objects.create(name="Benchmark", slug="benchmark"),
        "Memory",
        preset_version=PresetVersion.objects.earliest("pk"),
        channel_keys=[Channel.objects.filter(key="shopify").get().key],
        actor=None,
    )
    for n in range(photos):
        ingest.register_upload(batch, [distinct(bases[n % len(bases)], n)], f"{n:03d}.jpg", None, None)
    ingest.close_batch(batch, None)
    del bases
    marks: dict[int, int] = {}
    while runner.run_due(1):
        marks[ProcessingRun.objects.count()] = peak_bytes()
    batches.refresh(Batch.objects.get().pk)
    early = max(1, photos // 5)
    print(f"RESULT {marks[early]} {marks[photos]} {ProcessingRun.objects.count()}")


def measure(photos: int) -> dict[str, Any]:
    """Run the worker in a fresh data folder and read what it printed."""
    with tempfile.TemporaryDirectory(prefix="softproof-bench-") as folder:
        env = {
            **os.environ,
            "SOFTPROOF_DATA": folder,
            "REDIS_URL": f"unix://{folder}/none.sock",
            "DJANGO_SETTINGS_MODULE": "reviewapp.config.settings",
        }
        env.pop("DATABASE_URL", None)
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True)
        for n in range(4):
            (Path(folder) / f"{n}.jpg").write_bytes(photo(n))
        started = time.monotonic()
        done = subprocess.run(
            [sys.executable, __file__, "--child", folder, "--photos", str(photos)],
            cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        line = next(row for row in done.stdout.splitlines() if row.startswith("RESULT "))
        early, late, runs = (int(word) for word in line.split()[1:])
    return {
        "photos": photos,
        "processed": runs,
        "megapixels_each": WIDTH * HEIGHT / 1e6,
        "peak_rss_mib_after_a_fifth": round(early / 2**20, 1),
        "peak_rss_mib_at_the_end": round(late / 2**20, 1),
        "growth": round(late / early, 4),
        "seconds": round(time.monotonic() - started, 1),
    }


def main() -> int:
    """Read the arguments, measure, report."""
    from benchmarks.report import bar, finish

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.photos, options.child)
        return 0
    figures = measure(options.photos)
    bars = [
        bar("peak memory at the end / after a fifth", figures["growth"], "<=", 1.1),
        bar("photos processed", figures["processed"], "==", options.photos),
    ]
    return finish("worker_memory", figures, bars, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
