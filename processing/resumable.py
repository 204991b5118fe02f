"""What the commands that work through a folder share: which files, and which of them are done already."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from processing.errors import InputRejected, StageFailed

RUN_JOURNAL, OPTIMISE_JOURNAL = ".run.jsonl", ".optimise.jsonl"
JOURNALS = (RUN_JOURNAL, OPTIMISE_JOURNAL)
"""A folder with one of these holds results."""
MOST_BYTES_IN_A_NAME = 255


def default_out(source: Path) -> Path:
    """Return where results of `source` go when nobody says: `<folder>_processed` beside it (EXP-23)."""
    path = source.resolve()
    return path.with_name(f"{path.stem if path.is_file() else path.name}_processed")


def find_files(source: Path, out: Path, is_wanted: Callable[[str], bool]) -> list[Path]:
    """Return the files below `source` whose suffix (".jpg") `is_wanted`, sorted, never hidden, below `out` or in
    a folder below `source` that an earlier run wrote its results to.

    A `source` that is a file is taken whatever its suffix.

    Raises InputRejected when there is nothing at `source` (missing), or `out` is `source` itself (invalid_parameter):
    originals are never written over.
    """
    if not source.exists():
        raise InputRejected(f"There is no file or folder {source}.", code="missing")
    if source.is_file():
        return [source]
    inside, outside = source.resolve(), out.resolve()
    if inside == outside:
        raise InputRejected(
            "The results need a folder of their own: --out is the folder of the originals.", code="invalid_parameter"
        )
    found = []
    for folder, names, files in os.walk(inside):
        here = Path(folder)
        names[:] = sorted(
            name
            for name in names
            if not name.startswith(".") and here / name != outside and not _holds_results(here / name)
        )
        found += [
            source / (here / file).relative_to(inside)
            for file in files
            if not file.startswith(".") and is_wanted(Path(file).suffix)
        ]
    return sorted(found)


def _holds_results(folder: Path) -> bool:
    """Whether a run put its results there: what it made is no photo for another run."""
    return any((folder / name).is_file() for name in JOURNALS)


def fitting(name: str, room: int) -> str:
    """Return a file's name, cut so that `room` bytes can follow it; equal names stay equal, others stay apart.

    File systems take 255 bytes. What is cut off is stood for by 8 digits of its sha256.
    """
    raw = os.fsencode(name)
    if len(raw) + room <= MOST_BYTES_IN_A_NAME:
        return name
    kept = raw[: MOST_BYTES_IN_A_NAME - room - 9].decode("utf-8", "ignore")
    return f"{kept}~{hashlib.sha256(raw).hexdigest()[:8]}"


def write_whole(target: Path, data: bytes) -> None:
    """Write a file so that it appears whole or not at all, its folders too. Raises StageFailed(code="not_written")."""
    half = target.parent / f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}.part"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            half.write_bytes(data)
            half.replace(target)
        except BaseException:
            half.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise not_written(target, error) from error


def not_written(target: Path, error: OSError) -> StageFailed:
    """Return the error of a file that can't be written, with the system's reason."""
    return StageFailed(f"{target} can't be written: {error.strerror or error}.", code="not_written")


def write_report(target: Path, text: str) -> None:
    """Write a command's report; pipes and devices as they are. Raises StageFailed(code="not_written")."""
    if target.exists() and not target.is_file() and not target.is_dir():
        try:
            target.write_text(text, "utf-8")
        except OSError as error:
            raise not_written(target, error) from error
        return
    write_whole(target, text.encode())


def check_report(target: Path) -> None:
    """Tell before the work that a report has no place. Raises InputRejected(code="invalid_parameter")."""
    if target.exists() and not target.is_dir() and not target.is_file():
        return
    probe = target.parent / f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:16]}.part"
    try:
        if target.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        target.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputRejected(
            f"The report can't be written to {target}: {error.strerror or error}.", code="invalid_parameter"
        ) from error


class Notes:
    """What is done, one JSON line each, so that a run that was stopped goes on where it was (SCH-10).

    `trouble`: why something could not be noted, "" as long as all was. Raises StageFailed(code="not_written") when
    there is no place for the notes.
    """

    def __init__(self, path: Path) -> None:
        self.trouble = ""
        self._done: dict[str, tuple[str, Any]] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_file():
                self._read(path.read_text("utf-8", "replace"))
            self._stream = path.open("a", encoding="utf-8")
        except OSError as error:
            raise not_written(path, error) from error

    def _read(self, text: str) -> None:
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                self._done[entry["file"]] = (entry["key"], entry["result"])
            except (ValueError, KeyError, TypeError):
                continue  # the last line of a run that was killed while it wrote

    def earlier(self, file: str, key: str) -> Any | None:
        """Return the result noted for `file` if it was made under the same `key`."""
        noted = self._done.get(file)
        return noted[1] if noted is not None and noted[0] == key else None

    def add(self, file: str, key: str, result: Any) -> None:
        """Note one result (plain JSON); call from one thread only. A full disk costs the note, never the run."""
        try:
            self._stream.write(json.dumps({"file": file, "key": key, "result": result}) + "\n")
            self._stream.flush()
        except OSError as error:
            if not self.trouble:
                self.trouble = f"What is done can't be noted for a later run: {error.strerror or error}."

    def close(self) -> None:
        """Close the file."""
        with suppress(OSError):  # it flushes what a full disk refused before
            self._stream.close()


def stamp(path: Path) -> str:
    """Return what changes when a file does: its size and time; "" for a file that isn't there (a dead link)."""
    try:
        stat = path.stat()
    except OSError:
        return ""
    return f"{stat.st_size}:{stat.st_mtime_ns}"
