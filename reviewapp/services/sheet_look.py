"""Looking at a sheet before it is used: what its columns are taken for, what is left out and why (ING-20, ING-21)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from reviewapp.models import Batch, CategoryRule
from reviewapp.policies.paths import path_key

from .csv_rows import COLUMNS, CsvRow, Sheet, text_of

SHOWN_ROWS = 8
SHOWN_PROBLEMS = 30
SHOWN_NAMES = 10
NEEDED = ("sku", "category")


@dataclass(frozen=True, slots=True)
class SheetLook:
    """What a sheet would do, before it does anything.

    `header`: the first line. `places`: which column gives what, "file" missing when nothing names the files. `rows`:
    the first few as they would be read. `problems`: (line, sentence) of lines that would be left out, `bad` how many
    there are. `unknown`: categories no rule knows, with their rows. `lacking`: rows without a SKU or category in a
    batch that needs them. `photos_without_row`: photos here that no row names; `rows_without_photo`: the other way.
    """

    header: list[str]
    places: dict[str, int]
    rows: list[CsvRow]
    good: int
    bad: int
    problems: list[tuple[int, str]]
    unknown: list[tuple[str, int]]
    lacking: int
    rows_without_photo: int
    photos_without_row: int
    missing_names: list[str]


def look(batch: Batch, data: bytes, places: Mapping[str, int] | None = None) -> SheetLook:
    """Read a sheet for `batch` without keeping anything. Raises IngestRefused where nothing can be read."""
    sheet = Sheet(text_of(data))
    chosen = dict(sheet.guesses() if places is None else places)
    good: list[CsvRow] = []
    problems: list[tuple[int, str]] = []
    for line, row, problem in sheet.lines(chosen) if "file" in chosen else ():
        if problem:
            problems.append((line, problem))
        elif row is not None:
            good.append(row)
    missing, nameless = _held_against_photos(batch, good) if good else ([], 0)
    lacking = sum(not all(getattr(row, name) for name in NEEDED) for row in good) if batch.requires_sku else 0
    return SheetLook(
        header=sheet.header,
        places=chosen,
        rows=good[:SHOWN_ROWS],
        good=len(good),
        bad=len(problems),
        problems=problems[:SHOWN_PROBLEMS],
        unknown=_unknown(good),
        lacking=lacking,
        rows_without_photo=len(missing),
        photos_without_row=nameless,
        missing_names=missing[:SHOWN_NAMES],
    )


def places_from(text: str) -> dict[str, int] | None:
    """Read "file:0,sku:3" as the columns a person chose; None when nothing was chosen, unreadable pairs left out."""
    if not text:
        return None
    found = {}
    for pair in text.split(","):
        column, _colon, place = pair.partition(":")
        if column in COLUMNS and place.isdecimal() and len(place) <= 4:
            found[column] = int(place)
    return found


def _unknown(rows: list[CsvRow]) -> list[tuple[str, int]]:
    known = set(CategoryRule.objects.values_list("category", flat=True))
    counts = Counter(row.category for row in rows if row.category and row.category not in known)
    return counts.most_common(SHOWN_NAMES)


def _held_against_photos(batch: Batch, rows: list[CsvRow]) -> tuple[list[str], int]:
    """Return (files named that aren't here, how many photos here no row names); by path, else by name."""
    here = {path_key(path) for path in batch.assets.values_list("relative_path", flat=True)}
    names = {key.rsplit("/", 1)[-1] for key in here}
    rows_keys = {path_key(row.file): row.file for row in rows}
    row_names = {key.rsplit("/", 1)[-1] for key in rows_keys}
    missing = [file for key, file in rows_keys.items() if key not in here and key.rsplit("/", 1)[-1] not in names]
    nameless = sum(key not in rows_keys and key.rsplit("/", 1)[-1] not in row_names for key in here)
    return missing, nameless
