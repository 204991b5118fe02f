"""Which words are translated: what is said to a person is, what goes into a row or a file stays English."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from django.utils import translation
from django.utils.functional import Promise

from reviewapp.policies.words import Said, Word

SOURCE = "en"


def stored() -> AbstractContextManager[None]:
    """Within this, words are the source language's: rows and manifests are data, whoever's request writes them."""
    return translation.override(SOURCE)


def stored_word(label: str | Promise) -> str:
    """The source language's word of a choice, for a row."""
    with stored():
        return str(label)


def translated(sentence: str) -> str:
    """Say a policy's sentence in the language of whoever asks."""
    if isinstance(sentence, Said):
        values = {name: _value(value) for name, value in sentence.values.items()}
        return translation.gettext(sentence.pattern) % values
    return translation.gettext(sentence) if sentence else ""


def _value(value: Any) -> Any:
    return translated(value) if isinstance(value, Said | Word) else value
