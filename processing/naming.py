"""A channel's file names and alternative texts, from templates with {tokens} (EXP-12, EXP-20)."""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Any

from processing.errors import InputRejected
from processing.params import ChannelSpec

EXTENSIONS = {"JPEG": "jpg", "WEBP": "webp", "PNG": "png", "TIFF": "tif", "AVIF": "avif"}
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

    A slash of the template itself makes a folder ("processed/{stem}.{ext}", EXP-23), one in a token never does. `ext`
    is added from the format. Raises InputRejected: missing_token names what is missing; invalid_parameter.
    """
    values = {**tokens, "ext": EXTENSIONS[spec.format]}
    parts = [_filled(part, spec, values) for part in spec.naming.split("/")]
    if not all(parts):
        raise InputRejected(
            f"The file name template {spec.naming!r} of {spec.name} has a folder without a name.",
            code="invalid_parameter",
        )
    *folders, clean = parts
    stem, _, ext = clean.rpartition(".")
    return "/".join([*folders, f"{stem[: MAX_NAME - len(ext) - 1]}.{ext}" if stem else clean])


def _filled(part: str, spec: ChannelSpec, values: Mapping[str, str]) -> str:
    try:
        name = _Tokens().vformat(part, (), values)
    except (ValueError, AttributeError, LookupError, TypeError) as error:
        raise InputRejected(
            f"The file name template {spec.naming!r} of {spec.name} can't be filled: {error}.", code="invalid_parameter"
        ) from error
    return "".join(sign if sign in _SAFE else "-" for sign in name).strip(".-")


def build_alt_text(spec: ChannelSpec, tokens: Mapping[str, str]) -> str:
    """Return the alternative text by the channel's template; missing words are left out, never "None" (EXP-20)."""
    words = {key: value for key, value in tokens.items() if value and value.strip().lower() != "none"}
    named = [part for _, part, _, _ in string.Formatter().parse(spec.alt_text) if part]
    text = spec.alt_text.format_map({key: words.get(key, "") for key in named})
    return " ".join(text.replace(" ,", ",").split()).strip(" ,") or words.get("description") or words.get("sku", "")
