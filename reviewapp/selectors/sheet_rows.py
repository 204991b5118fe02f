"""Which row of a batch's sheet speaks of which file."""

from __future__ import annotations

from reviewapp.models import SheetRow
from reviewapp.policies.paths import name_key, path_key


def row_of(batch_id: int, relative_path: str) -> SheetRow | None:
    """What the batch's sheet says of a file: by its path, else by its name when one single row has it. One query."""
    rows = SheetRow.objects.filter(name_key=name_key(relative_path), batch_id=batch_id)
    return choose_row(path_key(relative_path), list(rows[:50]))


def choose_row(key: str, found: list[SheetRow]) -> SheetRow | None:
    """Return the row of the photo at path key `key` among those `found` for its name."""
    # Rows that name a folder are matched by the end of the path too, so it doesn't matter which folder was dropped.
    exact = [row for row in found if row.path_key == key] or [
        row for row in found if "/" in row.path_key and key.endswith(f"/{row.path_key}")
    ]
    return exact[0] if exact else found[0] if len(found) == 1 else None
