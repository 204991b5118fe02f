"""What to do with every picture of a run, checked once before the first one is opened."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from processing.errors import InputRejected

OPERATIONS = ("resize", "compress", "convert")
STRATEGIES = ("adaptive", "fixed")
KERNELS = ("lanczos3", "mitchell", "cubic", "linear", "nearest")
SUFFIX_OF = {"jpg": ".jpg", "png": ".png", "webp": ".webp", "tiff": ".tif", "avif": ".avif"}
LOSSY = frozenset({"jpg", "webp", "avif"})
_SPELLINGS = {"jpeg": "jpg", "tif": "tiff"}
_LARGEST_SIDE = 20_000


def wrong(sentence: str) -> InputRejected:
    """Return the error of a setting that can't be used."""
    return InputRejected(sentence, code="invalid_parameter")


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of one run. Building it with a wrong value raises InputRejected(code="invalid_parameter").

    `box` (width, height) in px: pictures are shrunk to fit into it, proportions kept, never enlarged. `quality` 1..100
    is that of lossy formats under the strategy "fixed"; "adaptive" looks for the smallest file that still looks the
    same (see `compression.adaptive_quality`). `max_bytes` outranks both: the largest quality from 10 to 95 that fits
    (EXP-15). `format` "" keeps each picture's own. `operations` left out of the set are not done at all (PRO-19).
    """

    operations: tuple[str, ...] = OPERATIONS
    box: tuple[int, int] = (1920, 1920)
    quality: int = 85
    strategy: str = "adaptive"
    max_bytes: int = 0
    format: str = ""
    kernel: str = "lanczos3"
    formats_in: tuple[str, ...] = ("jpg", "png", "webp")

    def __post_init__(self) -> None:
        for name in self.operations:
            if name not in OPERATIONS:
                raise wrong(f"There is no operation {name!r}; known are {', '.join(OPERATIONS)}.")
        if not all(1 <= side <= _LARGEST_SIDE for side in self.box):
            raise wrong(f"{self.box[0]}x{self.box[1]} is no size; each side is 1 to {_LARGEST_SIDE} px.")
        if not 1 <= self.quality <= 100:
            raise wrong(f"Quality {self.quality} is outside 1 to 100.")
        if self.max_bytes < 0:
            raise wrong("The largest file size can't be negative.")
        for value, known, what in (
            (self.strategy, STRATEGIES, "compression strategy"),
            (self.kernel, KERNELS, "resampling kernel"),
        ):
            if value not in known:
                raise wrong(f"There is no {what} {value!r}; known are {', '.join(known)}.")
        for name in (*((self.format,) if self.format else ()), *self.formats_in):
            if name not in SUFFIX_OF:
                raise wrong(f"There is no format {name!r}; known are {', '.join(SUFFIX_OF)}.")
        if "convert" in self.operations and self.operations == ("convert",) and not self.format:
            raise wrong("Converting needs a target format, for instance --format webp.")

    def digest(self) -> str:
        """Return a hash of all settings; equal digests mean equal results for equal input."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]


def format_named(word: str) -> str:
    """Return the format a suffix or name stands for: ".JPEG" -> "jpg". Unknown words come back in lower case."""
    name = word.lower().lstrip(".")
    return _SPELLINGS.get(name, name)


def size_in_bytes(text: str) -> int:
    """Read "500kb", "2MB", "1.5 mb" or a number of bytes; kb is 1024 bytes, as in EXP-15. Raises InputRejected."""
    word = text.strip().lower().replace(" ", "")
    for suffix, factor in (("kb", 1024), ("mb", 1024**2), ("k", 1024), ("m", 1024**2), ("b", 1), ("", 1)):
        if word.endswith(suffix):
            try:
                size = int(float(word[: len(word) - len(suffix)]) * factor)
            except (ValueError, OverflowError):
                break
            if size > 0:
                return size
            break
    raise wrong(f"{text!r} is no file size. Write it like 500kb or 2mb.")


def box_from(text: str) -> tuple[int, int]:
    """Read "800x600", or "1920" for a square box, px. Raises InputRejected."""
    parts = text.lower().replace(" ", "").split("x")
    try:
        sides = [int(part) for part in parts]
    except ValueError:
        sides = []
    if len(sides) == 1:
        sides *= 2
    if len(sides) != 2:
        raise wrong(f"{text!r} is no size. Write it like 800x600.")
    return sides[0], sides[1]


def from_config(values: Mapping[str, Any], base: Options | None = None) -> tuple[Options, int]:
    """Apply the five keys of a config.json (PRE-10); return the options and the number of workers, 0 for auto.

    Keys: default_quality, max_dimension, supported_formats, compression_strategy, parallel_workers. Raises
    InputRejected for a key or value that is not known, so that a misspelt key is never passed over.
    """
    known = {"default_quality", "max_dimension", "supported_formats", "compression_strategy", "parallel_workers"}
    if unknown := sorted(set(values) - known):
        raise wrong(f"The configuration has the unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}.")
    changes: dict[str, Any] = {}
    if "default_quality" in values:
        changes["quality"] = _whole(values, "default_quality")
    if "max_dimension" in values:
        side = _whole(values, "max_dimension")
        changes["box"] = (side, side)
    if "supported_formats" in values:
        listed = values["supported_formats"]
        if not isinstance(listed, list) or not listed or not all(isinstance(word, str) for word in listed):
            raise wrong('supported_formats is a list of names, for instance ["jpg", "png", "webp"].')
        changes["formats_in"] = tuple(format_named(word) for word in listed)
    if "compression_strategy" in values:
        changes["strategy"] = values["compression_strategy"]
    return replace(base or Options(), **changes), workers_from(values.get("parallel_workers", "auto"))


def workers_from(value: object) -> int:
    """Read a number of workers or "auto" (0). Raises InputRejected."""
    if value == "auto":
        return 0
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 256:
        raise wrong(f"{value!r} is no number of workers; give 1 to 256, or auto.")
    return value


def _whole(values: Mapping[str, Any], key: str) -> int:
    value = values[key]
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong(f"{key} is {value!r}; a whole number is needed.")
    return value
