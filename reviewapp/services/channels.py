"""Channels: a marketplace's rules are data, changed by writing the next version (PRE-03, EXP-14)."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from processing.errors import InputRejected
from processing.params import ChannelSpec
from reviewapp.enums import Role
from reviewapp.models import Channel

from . import audit
from .people import require

MAX_FILE = 32 * 1024
RACES = 5


class ChannelRefused(ValueError):
    """A channel that can't be stored as asked; the message names the rule and what is allowed."""


class ChannelStale(ChannelRefused):
    """Somebody saved a version since the writer looked."""


def save_version(text: str, note: str, actor: User | None, *, expected_version: int | None = None) -> Channel:
    """Store the rules in `text` (TOML or JSON) as the next version of the channel its `key` names, or as a new channel.

    `expected_version` is the newest version the writer saw (0 = none); None skips the check. Batches keep the version
    they were made with. Raises NotAllowed, ChannelStale when somebody saved one meanwhile, and ChannelRefused when the
    text can't be read, a rule is out of bounds, nothing changed or the note is missing.
    """
    if actor is not None:
        require(actor, Role.ADMIN, to=_("change a channel's rules"))
    if not note.strip():
        raise ChannelRefused(_("Say in the note why the rules change, or where they come from."))
    spec = _checked(parse(text))
    for _attempt in range(RACES):
        try:
            with transaction.atomic():
                return _insert(spec, note.strip()[:300], actor, expected_version)
        except IntegrityError:
            continue  # somebody took this number between our read and our write: look again
    raise ChannelRefused(_("Several people save this channel at once. Try again in a moment."))


def parse(text: str) -> dict[str, Any]:
    """Read TOML, or JSON when the text starts with a brace. Raises ChannelRefused naming the line."""
    if len(text) > MAX_FILE:
        raise ChannelRefused(
            _("The text is longer than %(value)s KB; a channel needs about 1.") % {"value": MAX_FILE // 1024}
        )
    try:
        found = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ChannelRefused(_("The rules can't be read: %(error)s") % {"error": error}) from error
    if not isinstance(found, dict):
        raise ChannelRefused(_("The rules must be a list of names and values."))
    return found


def as_toml(spec: Mapping[str, Any]) -> str:
    """Write a channel's rules as TOML that `parse` reads back to the same values."""
    return "".join(f"{name} = {_toml_value(value)}\n" for name, value in spec.items())


def _toml_value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml_value(part) for part in value) + "]"
    # A JSON scalar is a TOML scalar: true, 0.85, "text" with the same escapes.
    return json.dumps(value, ensure_ascii=False)


def _checked(data: Mapping[str, Any]) -> ChannelSpec:
    try:
        return ChannelSpec.from_dict(data)
    except InputRejected as error:
        raise ChannelRefused(str(error)) from error


def _insert(spec: ChannelSpec, note: str, actor: User | None, expected: int | None) -> Channel:
    top = Channel.objects.filter(key=spec.key).aggregate(top=Max("version"))["top"] or 0
    if expected is not None and expected != top:
        raise ChannelStale(
            _("%(key)s is at version %(top)s now. Look at that one before you save yours.")
            % {"key": spec.key, "top": top}
        )
    latest = Channel.objects.filter(key=spec.key, version=top).first()
    if latest is not None and ChannelSpec.from_dict(latest.spec) == spec:
        raise ChannelRefused(_("Nothing differs from version %(version)s.") % {"version": latest.version})
    channel = Channel.objects.create(key=spec.key, version=top + 1, name=spec.name, spec=spec.to_dict(), note=note)
    before = dict(latest.spec) if latest else {}
    audit.record(
        "channel.version_created",
        channel,
        actor=actor,
        before={name: value for name, value in before.items() if channel.spec.get(name) != value},
        after={name: value for name, value in channel.spec.items() if before.get(name) != value},
        note=note,
    )
    return channel
