"""Reading the sheet that comes with a batch: which file is which product. Plain text in, plain rows out."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from reviewapp.policies.paths import path_key

from .refusals import IngestRefused

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "file": ("file", "filename", "file_name", "path", "relative_path", "image", "image_file", "image_path", "photo"),
    "sku": ("sku", "product_id", "item", "item_number", "article", "article_number"),
    "asin": ("asin",),
    "category": ("category", "product_category", "product_type", "type"),
    "shoot_group": ("shoot_group", "group", "shoot", "set"),
    "description": ("description", "title", "product_name", "alt_text", "caption"),
    "inside": ("inside", "inside_label", "inside_photo", "inside_file", "second_photo", "pair"),
}
LIMITS: Mapping[str, int] = {
    "sku": 80,
    "asin": 20,
    "category": 60,
    "shoot_group": 80,
    "description": 300,
    "inside": 400,
}
MAX_ROWS = 100_000
MAX_PROBLEMS = 5
# Spreadsheets write (and read) such a first line to name the character between columns; the header tells us anyway.
_SEP_LINE = re.compile(r'\A"?sep=.?"?[ \t;,]*\r?\n', re.IGNORECASE)
# A spelling must never be what lets a photo past the people its category needs (RTE-09).
CATEGORY_SPELLINGS: Mapping[str, str] = {
    "jewellery": "jewelry",
    "jewelery": "jewelry",
    "jewel": "jewelry",
    "jewels": "jewelry",
    "furs": "fur",
    "faux_fur": "fur",
    "glass": "transparent",
    "glassware": "transparent",
    "book": "books",
    "cosmetic_tube": "cosmetics_tube",
    "cosmetics_tubes": "cosmetics_tube",
    "n/a": "unknown",
    "none": "unknown",
    "uncategorised": "unknown",
    "uncategorized": "unknown",
    "others": "other",
    "misc": "other",
}


@dataclass(frozen=True, slots=True)
class CsvRow:
    """What the sheet says of one file. Everything but `file` may be "". `category` is lower case with underscores.

    `inside` is the path or name of the photo that shows its inside label, as it is compared.
    """

    file: str
    sku: str = ""
    asin: str = ""
    category: str = ""
    shoot_group: str = ""
    description: str = ""
    inside: str = ""


def read_csv(
    text: str, places: Mapping[str, int] | None = None, *, passes_bad_lines: bool = False
) -> dict[str, CsvRow]:
    """Return the rows of a client's sheet by the lower-case path of their file.

    Takes a byte order mark, `,` `;` or tab between columns, any order and case of the headings, and several names
    per heading (COLUMNS), or `places`: which column (from 0) gives what. Blank lines and repeated identical rows are
    passed over. Raises IngestRefused (code "csv") with a sentence that names the row and what to do; with
    `passes_bad_lines` a bad line is left out instead.
    """
    sheet = Sheet(text)
    lines = sheet.lines(sheet.places() if places is None else places)
    problems: list[str] = []
    rows: dict[str, CsvRow] = {}
    for line, row, problem in lines:
        if problem:
            problems.append(f"Line {line}: {problem}")
        elif row is not None:
            rows[path_key(row.file)] = row
        if len(rows) > MAX_ROWS:
            raise IngestRefused(f"The CSV can't be used. It has more than {MAX_ROWS:,} rows; split it.", code="csv")
        if len(problems) >= MAX_PROBLEMS and not passes_bad_lines:
            break
    if problems and not passes_bad_lines:
        raise IngestRefused("The CSV can't be used. " + " ".join(problems), code="csv")
    return rows


def read_csv_bytes(
    data: bytes, places: Mapping[str, int] | None = None, *, passes_bad_lines: bool = False
) -> dict[str, CsvRow]:
    """Like `read_csv`, from the bytes of a file: UTF-8 (with or without mark), UTF-16 with mark, else Windows-1252."""
    return read_csv(text_of(data), places, passes_bad_lines=passes_bad_lines)


def text_of(data: bytes) -> str:
    """Return the text of a sheet's bytes."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


class Sheet:
    """A sheet's text with its heading. Raises IngestRefused (code "csv") for one that is empty or no plain text."""

    def __init__(self, text: str) -> None:
        plain = _SEP_LINE.sub("\n", text.lstrip("\ufeff"), count=1)
        if not plain.strip():
            raise IngestRefused(
                "The CSV file is empty. Its first line names the columns: file, sku, category.", code="csv"
            )
        if "\0" in plain:
            raise IngestRefused("The CSV file isn't plain text. Save it as CSV UTF-8 and try again.", code="csv")
        self._reader = csv.reader(io.StringIO(plain, newline=""), delimiter=_delimiter(plain), strict=True)
        with self._readable():
            self.header = next((cells for cells in self._reader if any(cells)), [])

    def guesses(self) -> dict[str, int]:
        """Return which column gives what, as far as the heading tells."""
        plain = ["_".join(cell.strip().casefold().replace("-", " ").split()) for cell in self.header]
        found = {column: [plain.index(name) for name in names if name in plain] for column, names in COLUMNS.items()}
        return {column: places[0] for column, places in found.items() if places}

    def places(self) -> dict[str, int]:
        """Like `guesses`. Raises IngestRefused (code "csv") when no column names the file."""
        found = self.guesses()
        if "file" not in found:
            raise _no_file_column(self.header)
        return found

    def lines(self, places: Mapping[str, int]) -> Iterator[tuple[int, CsvRow | None, str]]:
        """Yield (line, row, problem) below the heading, once. A row with a problem can't be used; None: said before.

        Raises IngestRefused (code "csv") where the text itself can't be read any further.
        """
        known: dict[str, CsvRow] = {}
        first: dict[str, int] = {}
        with self._readable():
            for cells in self._reader:
                line: int = self._reader.line_num
                if not any(cell.strip() for cell in cells):
                    continue
                row = _row(cells, places)
                key = path_key(row.file)
                problem = _problem(row, key, known, first)
                is_new = not problem and key not in known
                if is_new:
                    known[key], first[key] = row, line
                yield line, row if problem or is_new else None, problem

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            message = (
                f"Line {self._reader.line_num} of the CSV can't be read ({error}). Look for an unclosed quotation mark."
            )
            raise IngestRefused(message, code="csv") from error


def read_rows_json(text: str) -> dict[str, CsvRow]:
    """Return rows a browser sends back as JSON: one row, a list of rows, or rows by path; "" gives none.

    Unknown fields are passed over. Raises IngestRefused (code "rows") when it isn't that or a value is too long.
    """
    if not text.strip():
        return {}
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise IngestRefused("The file's row isn't JSON. Load the page again.", code="rows") from error
    if isinstance(given, dict) and all(isinstance(value, dict) for value in given.values()):
        given = [{"file": path, **fields} for path, fields in given.items()]
    items = given if isinstance(given, list) else [given]
    rows: dict[str, CsvRow] = {}
    for item in items:
        row = _json_row(item)
        problem = _problem(row, path_key(row.file), {}, {})
        if problem:
            raise IngestRefused(f"The file's row can't be used: {problem}", code="rows")
        rows[path_key(row.file)] = row
    return rows


def _json_row(item: Any) -> CsvRow:
    if not isinstance(item, dict):
        raise IngestRefused("The file's row isn't an object. Load the page again.", code="rows")
    cells = {name: str(item.get(name) or "").strip().replace("\0", "") for name in COLUMNS}
    return _clean(cells)


def find_row(rows: Mapping[str, CsvRow], relative_path: str) -> CsvRow | None:
    """Return the row of a file: by its path, else by its name alone when one single row has that name."""
    key = path_key(relative_path)
    if key in rows:
        return rows[key]
    name = key.rsplit("/", 1)[-1]
    named = [row for path, row in rows.items() if path.rsplit("/", 1)[-1] == name]
    return named[0] if len(named) == 1 else None


def category_of(written: str) -> str:
    """Return a category as the rules name it: "Fine Jewellery" stays its own word, "Jewellery" becomes "jewelry"."""
    plain = "_".join(unicodedata.normalize("NFKC", written).casefold().replace("-", " ").split())
    return CATEGORY_SPELLINGS.get(plain, plain)


def _delimiter(text: str) -> str:
    header = text.lstrip("\r\n").splitlines()[0]
    return max((",", ";", "\t"), key=header.count)


def _no_file_column(header: list[str]) -> IngestRefused:
    accepted = ", ".join(COLUMNS["file"])
    others = ", ".join(name for name in COLUMNS if name != "file")
    seen = ", ".join(cell.strip()[:40] for cell in header[:12]) or "nothing"
    return IngestRefused(
        f"The CSV has no column that names the file (found: {seen}). "
        f"Call it one of: {accepted}. Other columns read: {others}.",
        code="csv",
    )


def _row(cells: list[str], places: Mapping[str, int]) -> CsvRow:
    def cell(column: str) -> str:
        at = places.get(column, -1)
        return unicodedata.normalize("NFC", cells[at].strip()) if 0 <= at < len(cells) else ""

    return _clean({column: cell(column) for column in COLUMNS})


def _clean(cells: Mapping[str, str]) -> CsvRow:
    return CsvRow(
        file=cells["file"],
        sku=cells["sku"],
        asin=cells["asin"].upper(),
        category=category_of(cells["category"]),
        shoot_group=cells["shoot_group"],
        description=cells["description"][: LIMITS["description"]],
        inside=path_key(cells["inside"]),
    )


def _problem(row: CsvRow, key: str, rows: Mapping[str, CsvRow], lines: Mapping[str, int]) -> str:
    if not key:
        return "no file name."
    if len(key) > 400:
        return "the file name is longer than 400 characters."
    for column, limit in LIMITS.items():
        if len(getattr(row, column)) > limit:
            return f"{column} is longer than {limit} characters."
    if key in rows and _facts(rows[key]) != _facts(row):
        return f"{row.file} was already given in line {lines[key]} with other values."
    return ""


def _facts(row: CsvRow) -> tuple[str, ...]:
    return (row.sku, row.asin, row.category, row.shoot_group, row.description, row.inside)
