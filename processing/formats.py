"""Which files are taken: the formats that Pillow always reads, and those that need a package of their own.

A package is one of the project's extras ("pip install softproof[heic]"). Where it is missing a file of its kind is
refused with a sentence that names it, by ending and by content.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from PIL import features

ALWAYS = ("JPEG", "PNG", "WEBP", "TIFF")
WORDS = "JPEG, PNG, WebP or TIFF"
_ENDINGS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}


@dataclass(frozen=True, slots=True)
class Extra:
    """A format beyond the usual. `package` must be importable, `extra` installs it; both "" = it comes with Pillow."""

    format: str
    words: str
    endings: frozenset[str]
    package: str = ""
    extra: str = ""


EXTRAS: tuple[Extra, ...] = (
    Extra("AVIF", "AVIF", frozenset({".avif"})),
    Extra("HEIF", "HEIC", frozenset({".heic", ".heif"}), "pillow_heif", "heic"),
    Extra(
        "RAW",
        "camera RAW",
        frozenset({".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".dng", ".pef", ".srw", ".raw"}),
        "rawpy",
        "raw",
    ),
)
FORMAT_OF: Mapping[str, str] = MappingProxyType(
    _ENDINGS | {ending: extra.format for extra in EXTRAS for ending in extra.endings}
)
"""Lower-case file ending to format, for all formats we know of."""


@lru_cache(maxsize=1)
def enabled() -> frozenset[str]:
    """Return the formats this installation reads."""
    found = {extra.format for extra in EXTRAS if extra.package and importlib.util.find_spec(extra.package)}
    return frozenset({*ALWAYS, *found, *(["AVIF"] if features.check("avif") else [])})


def writable() -> tuple[str, ...]:
    """Return the formats this installation writes: AVIF only where Pillow was built with it (EXP-25)."""
    return ("JPEG", "WEBP", "PNG", "TIFF", *(("AVIF",) if features.check("avif") else ()))


def endings() -> frozenset[str]:
    """Return the file endings this installation takes."""
    return frozenset(ending for ending, name in FORMAT_OF.items() if name in enabled())


@lru_cache(maxsize=1)
def for_pillow() -> tuple[str, ...]:
    """Return the formats that `PIL.Image.open` reads here; the HEIF plug-in is registered on the first call."""
    if "HEIF" in enabled():
        import pillow_heif  # optional, and 60 ms to load

        pillow_heif.register_heif_opener()
    return tuple(sorted(enabled() - {"RAW"}))


def refusal(ending: str, usable: Collection[str]) -> str:
    """Return the sentence for a file ending that can't be taken with the formats `usable`; "" when it can."""
    found = FORMAT_OF.get(ending)
    if found in usable:
        return ""
    if found is None or found in ALWAYS:  # unknown, or known and not wanted
        shown = f"files ending in {ending}" if ending else "a file name without an ending"
        return f"Unsupported format: {shown} cannot be used. Send {WORDS}."
    return f"Unsupported format: {missing(found, f' ({ending})')}"


def missing(name: str, detail: str = "") -> str:
    """Say for one of EXTRAS that this installation can't read it, and what would change that."""
    extra = next(extra for extra in EXTRAS if extra.format == name)
    how = f"the server's extra [{extra.extra}]" if extra.extra else "a Pillow that was built with it"
    return f"{extra.words}{detail} is not enabled here; it needs {how}. Send {WORDS}."
