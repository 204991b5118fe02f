"""How a client's file names are compared. Pure: text in, text out."""

from __future__ import annotations

import unicodedata


def path_key(path: str) -> str:
    """Return a path as it is compared: composed Unicode, forward slashes, lower case, no leading `./` or `/`."""
    plain = unicodedata.normalize("NFC", path.strip()).replace("\\", "/")
    return "/".join(part for part in plain.split("/") if part not in ("", ".", "..")).casefold()


def name_key(path: str) -> str:
    """The last part of a path, as it is compared."""
    return path_key(path).rsplit("/", 1)[-1]
