"""Presets: a change is always a new version with a note; batches keep the version they pinned (PRE-02, PRE-05)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.text import slugify
from django.utils.translation import gettext as _

from processing.errors import InputRejected
from processing.params import ProcessingParams
from reviewapp.enums import Author, CanaryState, LifeState, Role
from reviewapp.models import Canary, Preset, PresetVersion
from reviewapp.selectors.channels import offered

from . import audit, lives
from .people import require

FILE_FORMAT = 1
MAX_FILE = 64 * 1024
MAX_NOTE = 500
RACES = 5
FILE_KEYS = frozenset({"softproof_preset", "name", "description", "version", "note", "params"})


class PresetRefused(ValueError):
    """A preset that can't be stored as asked; the message names the setting or line and what is allowed."""


def create_preset(name: str, description: str, params: Mapping[str, Any], note: str, actor: User | None) -> Preset:
    """Make a new preset with its version 1, which is current at once. Raises NotAllowed, PresetRefused."""
    if actor is not None:
        require(actor, Role.ADMIN, to=_("make a preset"))
    cleaned = name.strip()
    if not cleaned or len(cleaned) > 120:
        raise PresetRefused(_("A preset needs a name of at most 120 characters."))
    with transaction.atomic():
        if Preset.objects.filter(name=cleaned).exists():
            raise PresetRefused(_("There is a preset called %(cleaned)s already.") % {"cleaned": cleaned})
        preset = Preset.objects.create(name=cleaned, slug=_free_slug(cleaned), description=description.strip()[:300])
        audit.record("preset.created", preset, actor=actor, after={"name": cleaned})
        create_version(preset, params, note, actor)
    preset.refresh_from_db()
    return preset


def create_version(
    preset: Preset,
    params: Mapping[str, Any] | ProcessingParams,
    note: str,
    actor: User | None,
    *,
    author: Author = Author.HUMAN,
) -> PresetVersion:
    """Store `params` as the next version of `preset`; existing batches and the current version stay as they are.

    The first version becomes current. `actor` None is the line itself. Raises NotAllowed, and PresetRefused when a
    value is out of bounds, the note is missing, or nothing differs from the latest version.
    """
    if actor is not None:
        require(actor, Role.ADMIN, to=_("change a preset"))
    checked = _checked(params)
    cleaned = note.strip()
    if not cleaned:
        raise PresetRefused(_("Say in the note why the preset changes."))
    if len(cleaned) > MAX_NOTE:
        raise PresetRefused(
            _("The note has %(cleaned)s characters; %(max_note)s fit.")
            % {"cleaned": len(cleaned), "max_note": MAX_NOTE}
        )
    for _attempt in range(RACES):
        try:
            with transaction.atomic():
                return _insert(preset, checked, cleaned, actor, author)
        except IntegrityError:
            continue  # somebody took this number between our read and our write: take the next
    raise PresetRefused(_("Several people save this preset at once. Try again in a moment."))


def set_current(version: PresetVersion, actor: User | None) -> Preset:
    """Make `version` what new batches get; running batches stay pinned. Raises NotAllowed, PresetRefused if locked.

    A person may put in use what no trial has seen: its life then says so, with its own note and what it came after.
    """
    if actor is not None:
        require(actor, Role.ADMIN, to=_("choose the current preset version"))
    with transaction.atomic():
        preset = Preset.objects.select_for_update(of=("self",)).select_related("current").get(pk=version.preset_id)
        if preset.current_id == version.pk:
            return preset
        if lives.is_locked(preset):
            raise PresetRefused(_("This preset is locked. An admin can unlock it."))
        if actor is not None and Canary.objects.filter(preset=preset, state=CanaryState.RUNNING).exists():
            raise PresetRefused(_("A version of this preset is on trial. Wait for its end, or roll it back."))
        if actor is not None and lives.is_resting(version):
            raise PresetRefused(
                _("This version was rolled back and its settings rest. Put it on trial when they may return.")
            )
        before = preset.current.number if preset.current else None
        if preset.current is not None:
            lives.move(preset.current, LifeState.RETIRED, why=f"Version {version.number} took its place.", actor=actor)
        Preset.objects.filter(pk=preset.pk).update(current=version)
        if actor is not None and lives.life_of(version).activated_at is None:
            untested = {"author": "human", "note": version.note, "untested": True}
            why = f"Put in use without a trial: {version.note}"
            lives.move(version, LifeState.ACTIVE, why=why, actor=actor, evidence=untested, parent=preset.current)
        else:
            lives.move(version, LifeState.ACTIVE, why="Made current.", actor=actor)
        audit.record(
            "preset.current_set", preset, actor=actor, before={"version": before}, after={"version": version.number}
        )
        preset.refresh_from_db()
        return preset


def export_yaml(version: PresetVersion) -> str:
    """Return `version` as a YAML file that `import_yaml` reads back to equal parameters (PRE-02)."""
    document = {
        "softproof_preset": FILE_FORMAT,
        "name": version.preset.name,
        "description": version.preset.description,
        "version": version.number,
        "note": version.note,
        "params": ProcessingParams.from_dict(version.params).to_dict(),
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def import_yaml(text: str, actor: User | None) -> PresetVersion:
    """Store a preset file as a new version of the preset it names, making the preset when there is none by that name.

    The version doesn't become current by itself, except as the first of a new preset. A file equal to a stored version
    returns that version. Raises NotAllowed, PresetRefused with the line or setting at fault.
    """
    if actor is not None:
        require(actor, Role.ADMIN, to=_("import a preset"))
    document = _parsed(text)
    name = str(document.get("name") or "").strip()
    params = _checked(document.get("params"))
    note = str(document.get("note") or "").strip() or "Imported from a file"
    preset = Preset.objects.filter(name=name).first()
    if preset is None:
        made = create_preset(name, str(document.get("description") or ""), params.to_dict(), note[:MAX_NOTE], actor)
        return made.versions.get(number=1)
    same = preset.versions.filter(digest=params.digest()).order_by("-number").first()
    return same or create_version(preset, params, note[:MAX_NOTE], actor)


def _insert(preset: Preset, params: ProcessingParams, note: str, actor: User | None, author: Author) -> PresetVersion:
    latest = preset.versions.order_by("-number").first()
    if latest is not None and latest.digest == params.digest():
        raise PresetRefused(_("Nothing differs from version %(number)s.") % {"number": latest.number})
    number = (preset.versions.aggregate(top=Max("number"))["top"] or 0) + 1
    version = PresetVersion.objects.create(
        preset=preset, number=number, params=params.to_dict(), digest=params.digest(), note=note, created_by=actor
    )
    audit.record(
        "preset.version_created",
        version,
        actor=actor,
        before=latest.params if latest else {},
        after=version.params,
        note=note,
    )
    lives.begin(version, Preset.objects.select_related("current").get(pk=preset.pk).current, author)
    if Preset.objects.filter(pk=preset.pk, current__isnull=True).update(current=version):
        lives.move(version, LifeState.ACTIVE, why="The first version of its preset.")
    return version


def _checked(params: Any) -> ProcessingParams:
    if not isinstance(params, Mapping | ProcessingParams):
        raise PresetRefused(_("The file has no params section with settings in it."))
    try:
        read = params if isinstance(params, ProcessingParams) else ProcessingParams.from_dict(params)
    except InputRejected as error:
        raise PresetRefused(str(error)) from error
    _check_overlays(read)
    return read


def _check_overlays(params: ProcessingParams) -> None:
    """Logo and tagline go on channels of this installation that allow them (B47)."""
    if not (params.watermark.channels or params.tagline.channels):
        return
    allows = {row.key: bool(row.spec.get("overlay_allowed")) for row in offered()}
    for group, what in ((params.watermark, "logo"), (params.tagline, "text")):
        for key in group.channels:
            if key not in allows:
                raise PresetRefused(
                    _("%(group)s.channels names %(key)s; there is no channel of that key.")
                    % {"group": group.group, "key": key}
                )
            if not allows[key]:
                raise PresetRefused(
                    _("%(group)s.channels names %(key)s; that channel takes no %(what)s. Take it off the list.")
                    % {"group": group.group, "key": key, "what": what}
                )


def _parsed(text: str) -> Mapping[str, Any]:
    if len(text) > MAX_FILE:
        raise PresetRefused(
            _("The file is larger than %(value)s KB; a preset has about 2.") % {"value": MAX_FILE // 1024}
        )
    try:
        # An alias can make a small file expand without end; no preset needs one.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise PresetRefused(_("The file uses YAML aliases, which presets don't need. Write the values out."))
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise PresetRefused(_("This isn't a YAML file: error%(where)s.") % {"where": where}) from error
    if not isinstance(document, Mapping) or document.get("softproof_preset") != FILE_FORMAT:
        raise PresetRefused(
            _("This isn't a preset file: it must start with softproof_preset: %(file_format)s.")
            % {"file_format": FILE_FORMAT}
        )
    unknown = sorted(str(key) for key in document if key not in FILE_KEYS)
    if unknown:
        raise PresetRefused(
            _("Unknown entry %(value)s; known are %(join)s.")
            % {"value": unknown[0], "join": ", ".join(sorted(FILE_KEYS))}
        )
    return document


def _free_slug(name: str) -> str:
    base = slugify(name)[:120] or "preset"
    slug, count = base, 1
    while Preset.objects.filter(slug=slug).exists():
        count += 1
        slug = f"{base}-{count}"
    return slug
