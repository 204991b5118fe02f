"""A channel's file names and alternative texts, from templates with {tokens} (EXP-12, EXP-20)."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from processing.errors import InputRejected
from processing.params import ChannelSpec

EXTENSIONS = {"JPEG": "jpg", "WEBP": "webp", "PNG": "png", "TIFF": "tif"}
_SAFE = frozenset(string.ascii_letters + string.digits + "._-")
MAX_NAME = 120


class _Tokens(string.Formatter):
    """Fills a template; an unknown or empty token stops it, so that no file is ever called None."""

    def get_value(self, key: int | str, args: Any, kwargs: Mapping[str, Any]) -> str:
        value = str(kwargs.get(str(key)) or "").strip()
        if not value or value.lower() == "none":
            name = str(key).upper() if str(key) in ("sku", "asin") else str(key)
            raise InputRejected(
                f"The file name needs the {name} of this photo, and it has none. Add it to the batch's CSV.",
                code="missing_token",
            )
        return value


def build_filename(spec: ChannelSpec, tokens: Mapping[str, str]) -> str:
    """Return the file's name by the channel's template (EXP-12), in letters, digits, dot, underscore and hyphen.

    `ext` is added from the format. Raises InputRejected(code="missing_token") naming what is missing.
    """
    values = {**tokens, "ext": EXTENSIONS[spec.format]}
    try:
        name = _Tokens().vformat(spec.naming, (), values)
    except (ValueError, AttributeError, LookupError, TypeError) as error:
        raise InputRejected(
            f"The file name template {spec.naming!r} of {spec.name} can't be filled: {error}.", code="invalid_parameter"
        ) from error
    clean = "".join(sign if sign in _SAFE else "-" for sign in name).strip(".-")
    stem, _, ext = clean.rpartition(".")
    return f"{stem[: MAX_NAME - len(ext) - 1]}.{ext}" if stem else clean


def build_alt_text(spec: ChannelSpec, tokens: Mapping[str, str]) -> str:
    """Return the alternative text by the channel's template; missing words are left out, never "None" (EXP-20)."""
    words = {key: value for key, value in tokens.items() if value and value.strip().lower() != "none"}
    named = [part for _, part, _, _ in string.Formatter().parse(spec.alt_text) if part]
    text = spec.alt_text.format_map({key: words.get(key, "") for key in named})
    return " ".join(text.replace(" ,", ",").split()).strip(" ,") or words.get("description") or words.get("sku", "")
