"""A stranger's picture opened in a process of its own, for callers that are no workers: the web server above all.

The child confines itself (memory, file size, processor time, no core dump) before it loads a decoder, knows no secret
of the caller's environment, and is killed at its deadline. Whatever happens to it is a refusal of the file, not a death
of the caller. It costs about half a second a picture, so it is for the few that people send by hand; photos go through
workers.

    python -m processing.apart look FILE | reduce FILE SIDE TARGET | cut_out FILE MATTE RECIPE TARGET
                                                                       (the child; answers with one line of JSON)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from processing.confinement import Limits, confine
from processing.errors import InputRejected
from processing.limits import MAX_BYTES, MAX_PIXELS

DEADLINE_S = 60.0
CHILD = Limits(memory_bytes=3 << 30, file_bytes=256 << 20, cpu_s=50)
AT_ONCE = 2
"""Children of one process at the same time; more wait, so that a dozen uploads can't take the machine's memory."""
_ROOM = threading.BoundedSemaphore(AT_ONCE)
CUT_DEADLINE_S = 90.0
CUT_CHILD = Limits(memory_bytes=8 << 30, file_bytes=512 << 20, cpu_s=80)
"""A cut-out is in the photo's own size: several pictures of floats at once."""
CUT_WAIT_S = 20.0
_CUTTING = threading.BoundedSemaphore(1)
_ROOT = Path(__file__).resolve().parent.parent
_KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV")
_SINGLE = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VIPS_CONCURRENCY"), "1")


@dataclass(frozen=True, slots=True)
class Looked:
    """What the header tells: format and upright size in px."""

    format: str
    width: int
    height: int


class Busy(RuntimeError):
    """Another cut-out is being made and took longer than CUT_WAIT_S; ask again."""


def look(path: Path, *, max_pixels: int = MAX_PIXELS, max_bytes: int = MAX_BYTES) -> Looked:
    """Read the header of a picture, elsewhere. Raises InputRejected with the codes of `codecs.probe`, or unsafe."""
    return Looked(**_asked("look", str(path), str(max_pixels), str(max_bytes)))


def reduce(path: Path, side: int, target: Path, *, max_pixels: int = MAX_PIXELS, quality: int = 90) -> tuple[int, int]:
    """Decode a picture elsewhere and write it to `target` as WebP of at most `side` px a side; return (width, height).

    Nothing but pixels and our sRGB profile passes over. Raises InputRejected with the codes of `codecs.open_photo`, or
    unsafe for one that ended its process or ran past DEADLINE_S.
    """
    made = _asked("reduce", str(path), str(max_pixels), str(side), str(quality), str(target))
    return int(made["width"]), int(made["height"])


def cut_out(pixels: Path, alpha: Path | None, recipe: Mapping[str, Any], target: Path) -> None:
    """Put a cut-out together elsewhere and write it to `target` as RGBA PNG in the photo's size; one at a time.

    Raises Busy, and InputRejected with the codes of `cutout.open_cutout`, or unsafe for one that ended its process or
    ran past CUT_DEADLINE_S.
    """
    if not _CUTTING.acquire(timeout=CUT_WAIT_S):
        raise Busy
    try:
        words = (str(pixels), str(alpha or ""), json.dumps(dict(recipe)), str(target))
        _answer("cut_out", *words, deadline_s=CUT_DEADLINE_S)
    finally:
        _CUTTING.release()


def _asked(*words: str) -> dict[str, Any]:
    with _ROOM:
        return _answer(*words, deadline_s=DEADLINE_S)


def _answer(*words: str, deadline_s: float) -> dict[str, Any]:
    env = {name: os.environ[name] for name in _KEPT if name in os.environ} | _SINGLE
    try:
        done = subprocess.run(
            [sys.executable, "-m", "processing.apart", *words],
            cwd=_ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            timeout=deadline_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise _unsafe(f"it took more than {deadline_s:.0f} s") from error
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise _unsafe(f"its reader ended with {done.returncode}") from error
    if "refused" in answer:
        raise InputRejected(answer["refused"], code=answer["code"])
    return answer


def _unsafe(why: str) -> InputRejected:
    return InputRejected(
        f"The file could not be opened safely ({why}). Export it again from the camera or editor and send it anew.",
        code="unsafe",
    )


def main(words: list[str]) -> int:
    """Be the child: answer on standard output, whatever a decoder does."""
    confine(CUT_CHILD if words[0] == "cut_out" else CHILD)
    ways: dict[str, Callable[..., dict[str, Any]]] = {"look": _looked, "reduce": _reduced, "cut_out": _cut}
    try:
        answer = ways[words[0]](*words[1:])
    except InputRejected as error:
        answer = {"refused": str(error), "code": error.code}
    except MemoryError:
        answer = {"refused": str(_unsafe("it needs too much memory")), "code": "unsafe"}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    return 0


def _looked(path: str, max_pixels: str, max_bytes: str) -> dict[str, Any]:
    from processing import codecs  # heavy, and only after the limits hold

    info = codecs.probe(Path(path), max_pixels=int(max_pixels), max_bytes=int(max_bytes))
    return asdict(Looked(info.format, info.width, info.height))


def _reduced(path: str, max_pixels: str, side: str, quality: str, target: str) -> dict[str, Any]:
    from processing import codecs, geometry

    photo = codecs.open_photo(Path(path), max_pixels=int(max_pixels))
    pixels, _scale = geometry.shrunk(photo.rgb, int(side))
    Path(target).write_bytes(codecs.encode_webp(pixels, quality=int(quality)))
    return {"width": pixels.shape[1], "height": pixels.shape[0]}


def _cut(pixels: str, alpha: str, recipe: str, target: str) -> dict[str, Any]:
    from processing import codecs, cutout

    cut = cutout.open_cutout(Path(pixels), Path(alpha) if alpha else None, json.loads(recipe))
    Path(target).write_bytes(codecs.encode_png(cutout.rgba(cut)))
    return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
