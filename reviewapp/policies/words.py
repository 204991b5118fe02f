"""Sentences of the policies that a person reads: English here, translated by whoever shows them. Pure."""

from __future__ import annotations

from typing import Any, Self


class Said(str):
    """A sentence that knows the `pattern` and the `values` it was made of: it can be said in another language."""

    __slots__ = ("pattern", "values")
    pattern: str
    values: dict[str, Any]

    def __new__(cls, pattern: str, **values: Any) -> Self:
        made = super().__new__(cls, pattern % values)
        made.pattern, made.values = pattern, values
        return made


class Word(str):
    """A word among the values of a sentence that is said in the reader's language too: a setting's name, a unit."""

    __slots__ = ()


def gettext_noop(text: str) -> str:
    """Mark a text for makemessages; Django's own of this name can't be used where Django isn't known."""
    return text
