"""What the commands that work through a folder share: which files, and which of them are done already."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from processing.errors import InputRejected


def default_out(source: Path) -> Path:
    """Return where results of `source` go when nobody says: `<folder>_processed` beside it (EXP-23)."""
    path = source.resolve()
    return path.with_name(f"{path.stem if path.is_file() else path.name}_processed")


def find_files(source: Path, out: Path, is_wanted: Callable[[str], bool]) -> list[Path]:
    """Return the files below `source` whose suffix (".jpg") `is_wanted`, sorted, never hidden or below `out`.

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
        names[:] = sorted(name for name in names if not name.startswith(".") and here / name != outside)
        found += [
            source / (here / file).relative_to(inside)
            for file in files
            if not file.startswith(".") and is_wanted(Path(file).suffix)
        ]
    return sorted(found)


class Notes:
    """What is done, one JSON line each, so that a run that was stopped goes on where it was (SCH-10)."""

    def __init__(self, path: Path) -> None:
        self._done: dict[str, tuple[str, Any]] = {}
        if path.is_file():
            for line in path.read_text("utf-8", "replace").splitlines():
                try:
                    entry = json.loads(line)
                    self._done[entry["file"]] = (entry["key"], entry["result"])
                except (ValueError, KeyError, TypeError):
                    continue  # the last line of a run that was killed while it wrote
        path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = path.open("a", encoding="utf-8")

    def earlier(self, file: str, key: str) -> Any | None:
        """Return the result noted for `file` if it was made under the same `key`."""
        noted = self._done.get(file)
        return noted[1] if noted is not None and noted[0] == key else None

    def add(self, file: str, key: str, result: Any) -> None:
        """Note one result (plain JSON); call from one thread only."""
        self._stream.write(json.dumps({"file": file, "key": key, "result": result}) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Close the file."""
        self._stream.close()


def stamp(path: Path) -> str:
    """Return what changes when a file does: its size and time."""
    stat = path.stat()
    return f"{stat.st_size}:{stat.st_mtime_ns}"
