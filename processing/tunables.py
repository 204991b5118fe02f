"""Dataclass fields that know their unit, bounds and label, and the strict reading of plain data into them.

A tunable is declared once; validation, admin forms (`describe`) and the stable digest all come from that declaration.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any, Literal, Self, cast

from processing.errors import InputRejected

Kind = Literal["flag", "whole", "real", "choice", "text", "whole_pair", "names", "lines"]
_META = "tunable"
_NAME = re.compile(r"^[a-z][a-z0-9_]{0,39}$")


@dataclass(frozen=True, slots=True)
class Tunable:
    """What is allowed in one field. `low`/`high` are inclusive; `options` lists every legal choice."""

    kind: Kind
    label: str
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    options: tuple[str, ...] = ()
    max_length: int = 200
    pattern: str = ""

    def bounds(self) -> str:
        """Say in words what is allowed."""
        if self.kind in ("whole", "real", "whole_pair"):
            pair = "two numbers, each " if self.kind == "whole_pair" else ""
            return f"{pair}{self.low:g} to {self.high:g}" + (f" {self.unit}" if self.unit else "")
        if self.kind == "choice":
            return "one of " + ", ".join(option or "(empty)" for option in self.options)
        if self.kind == "flag":
            return "true or false"
        if self.kind == "names":
            return "a list of names in small letters"
        if self.kind == "lines":
            return f"a list of texts of at most {self.max_length} characters"
        return f"text of at most {self.max_length} characters" + (f" like {self.pattern}" if self.pattern else "")


@dataclass(frozen=True, slots=True)
class Described:
    """One line of an admin form. `path` is dotted ("colour.contrast"); `low`/`high` are None where meaningless.

    `bounds` says in English what is allowed; `max_length` and `pattern` are for texts.
    """

    path: str
    label: str
    unit: str
    kind: Kind
    default: Any
    low: float | None
    high: float | None
    options: tuple[str, ...]
    bounds: str
    max_length: int = 0
    pattern: str = ""


def flag(default: bool, label: str) -> Any:
    """Declare a yes/no field."""
    return field(default=default, metadata={_META: Tunable("flag", label)})


def whole(default: int, low: int, high: int, label: str, unit: str = "") -> Any:
    """Declare an int field within low..high."""
    return field(default=default, metadata={_META: Tunable("whole", label, unit, low, high)})


def real(default: float, low: float, high: float, label: str, unit: str = "") -> Any:
    """Declare a float field within low..high."""
    return field(default=default, metadata={_META: Tunable("real", label, unit, low, high)})


def choice(default: str, options: tuple[str, ...], label: str) -> Any:
    """Declare a field that takes one of the options."""
    return field(default=default, metadata={_META: Tunable("choice", label, options=options)})


def text(default: str, label: str, *, max_length: int = 200, pattern: str = "") -> Any:
    """Declare a text field; `pattern` must match the whole text when given."""
    return field(
        default=default,
        metadata={_META: Tunable("text", label, max_length=max_length, pattern=pattern)},
    )


def whole_pair(default: tuple[int, int], low: int, high: int, label: str, unit: str = "") -> Any:
    """Declare a field of two ints, each within low..high."""
    return field(default=default, metadata={_META: Tunable("whole_pair", label, unit, low, high)})


def names(default: tuple[str, ...], label: str) -> Any:
    """Declare a field that holds a tuple of identifiers."""
    return field(default=default, metadata={_META: Tunable("names", label)})


def lines(default: tuple[str, ...], label: str, *, max_length: int = 200) -> Any:
    """Declare a field that holds a tuple of one-line texts; what stands in them is judged by the class's `check`."""
    return field(default=default, metadata={_META: Tunable("lines", label, max_length=max_length)})


def _rejected(path: str, value: object, tunable: Tunable) -> InputRejected:
    return InputRejected(f"{path} is {value!r}; allowed is {tunable.bounds()}.", code="invalid_parameter")


def _number(value: object, tunable: Tunable, path: str, *, is_whole: bool) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _rejected(path, value, tunable)
    if not tunable.low <= value <= tunable.high:  # also refuses NaN
        raise _rejected(path, value, tunable)
    if not is_whole:
        return float(value)
    if isinstance(value, float) and not value.is_integer():
        raise _rejected(path, value, tunable)
    return int(value)


def _text(value: object, tunable: Tunable, path: str) -> str:
    is_bad = not isinstance(value, str) or len(value) > tunable.max_length or "\x00" in value
    if is_bad or (tunable.pattern and not re.fullmatch(tunable.pattern, cast(str, value))):
        raise _rejected(path, value, tunable)
    return cast(str, value)


def checked(value: object, tunable: Tunable, path: str) -> Any:
    """Return the value in its declared type. Raises InputRejected naming path, value and bounds."""
    match tunable.kind:
        case "flag":
            if not isinstance(value, bool):
                raise _rejected(path, value, tunable)
            return value
        case "whole":
            return _number(value, tunable, path, is_whole=True)
        case "real":
            return _number(value, tunable, path, is_whole=False)
        case "choice":
            if not isinstance(value, str) or value not in tunable.options:
                raise _rejected(path, value, tunable)
            return value
        case "text":
            return _text(value, tunable, path)
        case "whole_pair":
            if not isinstance(value, list | tuple) or len(value) != 2:
                raise _rejected(path, value, tunable)
            return tuple(_number(part, tunable, path, is_whole=True) for part in value)
        case "names":
            if not isinstance(value, list | tuple) or not all(isinstance(n, str) and _NAME.match(n) for n in value):
                raise _rejected(path, value, tunable)
            return tuple(value)
        case "lines":
            if not isinstance(value, list | tuple):
                raise _rejected(path, value, tunable)
            return tuple(_text(part, tunable, path) for part in value)


def _plain(value: object) -> Any:
    return list(value) if isinstance(value, tuple) else value


class Tunables:
    """Base of every parameter dataclass: strict construction, plain data both ways, digest, form description.

    Subclasses are frozen dataclasses whose fields were declared above or are Tunables themselves.
    Building one with a wrong value raises InputRejected, so an instance is always valid.
    """

    def __post_init__(self) -> None:
        for item in fields(cast(Any, self)):
            tunable = item.metadata.get(_META)
            if tunable is not None:
                object.__setattr__(
                    self,
                    item.name,
                    checked(getattr(self, item.name), tunable, item.name),
                )
        self.check()

    def check(self) -> None:
        """Hook for rules between fields. Raises InputRejected."""

    def to_dict(self) -> dict[str, Any]:
        """Return nested plain data, equal to what comes back from JSON."""
        out: dict[str, Any] = {}
        for item in fields(cast(Any, self)):
            value = getattr(self, item.name)
            out[item.name] = value.to_dict() if isinstance(value, Tunables) else _plain(value)
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], *, path: str = "") -> Self:
        """Build from plain data; a missing field takes its default, an unknown one raises InputRejected."""
        if not isinstance(data, Mapping):
            raise InputRejected(
                f"{path or 'parameters'} must be a mapping, not {type(data).__name__}.",
                code="invalid_parameter",
            )
        known = {item.name: item for item in fields(cast(Any, cls))}
        prefix = f"{path}." if path else ""
        unknown = sorted(str(key) for key in data if key not in known)
        if unknown:
            raise InputRejected(
                f"Unknown parameter {prefix}{unknown[0]}; known are {', '.join(sorted(known))}.",
                code="invalid_parameter",
            )
        values: dict[str, Any] = {}
        for name, value in data.items():
            tunable = known[name].metadata.get(_META)
            if tunable is not None:
                values[name] = checked(value, tunable, prefix + name)
            else:
                values[name] = _nested(known[name]).from_dict(value, path=prefix + name)
        missing = [name for name, item in known.items() if name not in values and _is_required(item)]
        if missing:
            raise InputRejected(f"{prefix}{missing[0]} is missing.", code="invalid_parameter")
        return cls(**values)

    def digest(self) -> str:
        """Return the sha256 hex of the canonical JSON of `to_dict`: equal settings give equal digests."""
        canonical = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(canonical.encode()).hexdigest()

    @classmethod
    def describe(cls, path: str = "") -> list[Described]:
        """List every tunable, depth first, for forms and documentation."""
        lines: list[Described] = []
        for item in fields(cast(Any, cls)):
            tunable: Tunable | None = item.metadata.get(_META)
            where = f"{path}.{item.name}" if path else item.name
            if tunable is None:
                lines += _nested(item).describe(where)
                continue
            default = None if item.default is MISSING else _plain(item.default)
            has_range = math.isfinite(tunable.low)
            lines.append(
                Described(where, tunable.label, tunable.unit, tunable.kind, default,
                          tunable.low if has_range else None, tunable.high if has_range else None,
                          tunable.options, tunable.bounds(), tunable.max_length, tunable.pattern)
            )  # fmt: skip
        return lines


def _is_required(item: Any) -> bool:
    return item.default is MISSING and item.default_factory is MISSING


def _nested(item: Any) -> type[Tunables]:
    factory = item.default_factory
    if not (isinstance(factory, type) and issubclass(factory, Tunables) and is_dataclass(factory)):
        raise TypeError(f"{item.name} is neither a tunable nor a group of tunables")
    return factory
