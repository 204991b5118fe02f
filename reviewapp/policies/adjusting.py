"""Which settings a reviewer may move for one photo, and how they change a preset. Pure: no ORM (REV-08)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from processing.errors import InputRejected
from processing.params import Described, ProcessingParams

from .words import Said, gettext_noop

GROUPS = ("edge", "shadow")


def fields() -> list[Described]:
    """Return the settings that may be moved, in the order of the parameter classes."""
    return [line for line in ProcessingParams.describe() if line.path.split(".")[0] in GROUPS]


def values_of(params: ProcessingParams) -> dict[str, Any]:
    """Return the value of every movable setting by its dotted path."""
    data = params.to_dict()
    return {line.path: data[line.path.split(".")[0]][line.path.split(".")[1]] for line in fields()}


def changed(params: ProcessingParams, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of `wanted` differs from `params`, validated.

    Raises InputRejected for a setting that may not be moved here, a value out of bounds, or when nothing differs.
    """
    current = values_of(params)
    unknown = sorted(set(wanted) - set(current))
    if unknown:
        text = Said(gettext_noop("%(name)s can't be moved here; only edge and shadow settings can."), name=unknown[0])
        raise InputRejected(text, code="invalid_parameter")
    applied(params, wanted)
    found = {path: value for path, value in wanted.items() if _plain(value) != _plain(current[path])}
    if not found:
        raise InputRejected(gettext_noop("Nothing is different yet. Move a setting first."), code="nothing_changed")
    return found


def applied(params: ProcessingParams, changes: Mapping[str, Any]) -> ProcessingParams:
    """Return `params` with the changes. Raises InputRejected for a value out of bounds."""
    data = params.to_dict()
    for path, value in changes.items():
        group, name = path.split(".")
        data[group] = {**data[group], name: value}
    return ProcessingParams.from_dict(data)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
