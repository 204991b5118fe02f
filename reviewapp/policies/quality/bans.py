"""Settings that were rolled back are left alone for a while: the region round them, and who lies in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from processing.params import ProcessingParams
from reviewapp.policies.learning import read

BAN_DAYS = 30
Region = Mapping[str, Any]
"""{path: [low, high]} for numbers, {path: value} for choices; only settings that the version had changed."""


def region(parent: Mapping[str, Any], failed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the region round `failed`: half its step from `parent` to both sides of each number, choices as they were.

    So half the step that failed is allowed again, anything as far or a little further is not. {} when nothing differs.
    """
    found: dict[str, Any] = {}
    for line in ProcessingParams.describe():
        old, new = read(parent, line.path), read(failed, line.path)
        if old == new:
            continue
        if line.kind in ("whole", "real"):
            half = abs(new - old) / 2
            found[line.path] = [round(new - half, 9), round(new + half, 9)]
        else:
            found[line.path] = new
    return found


def is_banned(params: Mapping[str, Any], regions: Sequence[Region]) -> bool:
    """Say whether whole settings `params` lie in one of `regions`: in all of its settings at once.

    An end of an interval that lies towards the parent is outside; an empty region bans nothing.
    """
    return any(where and all(_lies(read(params, path), span) for path, span in where.items()) for where in regions)


def _lies(value: Any, span: Any) -> bool:
    if isinstance(span, list | tuple) and len(span) == 2 and isinstance(value, int | float):
        low, high = span
        return bool(low < value < high)
    return bool(value == span)
