"""Reading channels: each is a line of versions, and the highest one is offered to new batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Lower

from processing.params import ChannelSpec, Described
from reviewapp.models import Channel
from reviewapp.selectors.pages import Page, keyset_by

PAGE = 50
VERSIONS = 20


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a channel page: the rule, its value, and the value in the version before (None in the first)."""

    described: Described
    value: Any
    before: Any = None

    @property
    def is_changed(self) -> bool:
        return self.before is not None and self.before != self.value


def offered() -> QuerySet[Channel]:
    """The newest version of every channel, by name."""
    newer = Channel.objects.filter(key=OuterRef("key"), version__gt=OuterRef("version"))
    return Channel.objects.filter(~Exists(newer)).order_by(Lower("name"))


def offered_page(cursor: str = "") -> Page[Channel]:
    """One page of the newest version of every channel, by name; one query."""
    return keyset_by(offered().annotate(sort_name=Lower("name")), ("sort_name", "pk"), cursor, PAGE)


def newest(key: str) -> list[Channel]:
    """The newest version of one channel and the one before it; empty when there is none of that key."""
    return list(Channel.objects.filter(key=key).order_by("-version")[:2])


def version_page(key: str, cursor: str = "") -> Page[Channel]:
    """One page of a channel's versions, newest first; one query."""
    return keyset_by(Channel.objects.filter(key=key), ("-version",), cursor, VERSIONS)


def rules_of(channel: Channel, before: Channel | None = None) -> list[Rule]:
    """Every rule in form order; a field added to the schema since takes its default."""
    here = ChannelSpec.from_dict(channel.spec).to_dict()
    there = ChannelSpec.from_dict(before.spec).to_dict() if before is not None else None
    return [Rule(line, here[line.path], None if there is None else there[line.path]) for line in ChannelSpec.describe()]
