"""The life of a preset version beside its fixed settings: begun, put in use, retired, rolled back, locked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import Author, LifeState, Role
from reviewapp.models import Preset, PresetBan, PresetLife, PresetLock, PresetVersion
from reviewapp.policies.quality import bans

from . import audit
from .people import require


class LockRefused(ValueError):
    """A lock that can't be set or taken off; the message says why."""


def life_of(version: PresetVersion) -> PresetLife:
    """Return the life of `version`; of one written before lives were kept, begun now from what its preset says."""
    found = PresetLife.objects.filter(version=version).first()
    if found is not None:
        return found
    is_current = Preset.objects.filter(pk=version.preset_id, current_id=version.pk).exists()
    state = LifeState.ACTIVE if is_current else LifeState.RETIRED
    return PresetLife.objects.get_or_create(version=version, defaults={"state": state})[0]


def begin(version: PresetVersion, parent: PresetVersion | None, author: Author = Author.HUMAN) -> PresetLife:
    """Start the life of a version that was just written."""
    return PresetLife.objects.create(version=version, parent=parent, author=author)


def move(
    version: PresetVersion,
    state: LifeState,
    *,
    why: str = "",
    actor: User | None = None,
    evidence: Mapping[str, Any] | None = None,
    parent: PresetVersion | None = None,
) -> PresetLife:
    """Put a version into `state`, with the audit row. Reaching photos for the first time is dated, with who did it."""
    life = life_of(version)
    before = life.state
    changed: dict[str, Any] = {"state": state, "why": why[:300], "changed_at": timezone.now()}
    if evidence is not None:
        changed["evidence"] = dict(evidence)
    if parent is not None:
        changed["parent"] = parent
    if state in (LifeState.CANARY, LifeState.ACTIVE) and life.activated_at is None:
        changed |= {"activated_at": timezone.now(), "activated_by": actor}
    PresetLife.objects.filter(pk=life.pk).update(**changed)
    if before != state:
        audit.record(
            "preset.life", version, actor=actor, before={"state": before}, after={"state": str(state)}, note=why
        )
    life.refresh_from_db()
    return life


def ban(version: PresetVersion, parent: PresetVersion) -> PresetBan:
    """Leave the settings round a rolled-back version alone for a while."""
    until = timezone.now() + timedelta(days=bans.BAN_DAYS)
    where = bans.region(parent.params, version.params)
    made = PresetBan.objects.create(preset_id=version.preset_id, version=version, region=where, until=until)
    audit.record("preset.banned", version, after={"region": where, "until": until.isoformat()})
    return made


def banned_regions(preset: Preset) -> list[dict[str, Any]]:
    """Regions that nothing may be proposed in now."""
    return list(PresetBan.objects.filter(preset=preset, until__gt=timezone.now()).values_list("region", flat=True))


def is_resting(version: PresetVersion) -> bool:
    """Say whether a version was rolled back, or has settings that rest because another one was."""
    if PresetLife.objects.filter(version=version, state=LifeState.ROLLED_BACK).exists():
        return True
    return bans.is_banned(version.params, banned_regions(version.preset))


def lock(preset: Preset, actor: User, why: str) -> PresetLock:
    """Keep `preset` as it is: no proposal, no trial, no other current version. Raises NotAllowed, LockRefused."""
    require(actor, Role.ADMIN, to=_("lock a preset"))
    if not why.strip():
        raise LockRefused(_("Say why the preset is locked."))
    with transaction.atomic():
        made, is_new = PresetLock.objects.get_or_create(
            preset=preset, defaults={"locked_by": actor, "why": why.strip()[:300]}
        )
        if is_new:
            audit.record("preset.locked", preset, actor=actor, note=why.strip())
    return made


def unlock(preset: Preset, actor: User) -> None:
    """Let `preset` change again. Asking twice changes nothing. Raises NotAllowed."""
    require(actor, Role.ADMIN, to=_("unlock a preset"))
    with transaction.atomic():
        if PresetLock.objects.filter(preset=preset).delete()[0]:
            audit.record("preset.unlocked", preset, actor=actor)


def is_locked(preset: Preset) -> bool:
    """Say whether somebody locked it."""
    return PresetLock.objects.filter(preset=preset).exists()
