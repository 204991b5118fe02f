"""Small texts inside a channel's row: rules that change on a date, and the sizes of several files from one picture."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Literal

from processing.errors import InputRejected

UNCHANGEABLE = frozenset({"key", "changes"})
LARGEST_SIDE = 10_000
_CHANGE = re.compile(r"(\d{4}-\d{2}-\d{2}) ([a-z_]+ = .+)")
_VARIANT = re.compile(r"([a-z][a-z0-9_-]{0,30}) (fill|limit) (\d{1,5})x(\d{1,5})(?: q(\d{1,3}))?")


@dataclass(frozen=True, slots=True)
class Change:
    """One rule's new value and the first day it holds."""

    valid_from: date
    rule: str
    value: Any


@dataclass(frozen=True, slots=True)
class Variant:
    """One size of a picture: `fill` covers the box and cuts what is over, `limit` fits inside it; sides in px.

    Neither enlarges. `quality` 1..100, 0 = the channel's own.
    """

    name: str
    mode: Literal["fill", "limit"]
    width: int
    height: int
    quality: int = 0


@cache
def rows() -> dict[str, dict[str, Any]]:
    """Return the rows of channels.toml as they are written."""
    text = resources.files("processing").joinpath("channels.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@cache
def marketplaces() -> frozenset[str]:
    """Return the keys of the shipped channels that are marketplaces: none of them takes a logo or text (B47)."""
    return frozenset(key for key, row in rows().items() if row.get("marketplace"))


def parse_change(line: str) -> Change:
    """Read "2027-01-31 min_dimension = 500": a day and a TOML assignment. Raises InputRejected naming the line."""
    found = _CHANGE.fullmatch(line.strip())
    try:
        if found is None:
            raise ValueError("it is not like 2027-01-31 min_dimension = 500")
        valid_from = date.fromisoformat(found[1])
        ((rule, value),) = tomllib.loads(found[2]).items()
        if rule in UNCHANGEABLE:
            raise ValueError(f"{rule} can't change by date")
    except ValueError as error:  # tomllib's own error is one too
        raise InputRejected(f"The change {line!r} can't be read: {error}.", code="invalid_parameter") from error
    return Change(valid_from, rule, value)


def parse_variant(line: str) -> Variant:
    """Read "thumbnail fill 300x300" or "mobile fill 640x640 q80". Raises InputRejected naming the line."""
    found = _VARIANT.fullmatch(line.strip())
    if found is None:
        raise InputRejected(
            f"The variant {line!r} can't be read; write it like: thumbnail fill 300x300, or mobile limit 640x640 q80.",
            code="invalid_parameter",
        )
    width, height, quality = int(found[3]), int(found[4]), int(found[5] or 0)
    if not (1 <= width <= LARGEST_SIDE and 1 <= height <= LARGEST_SIDE and quality <= 100):
        raise InputRejected(
            f"The variant {line!r} is out of bounds: sides 1 to {LARGEST_SIDE} px, quality at most 100.",
            code="invalid_parameter",
        )
    return Variant(found[1], "fill" if found[2] == "fill" else "limit", width, height, quality)
