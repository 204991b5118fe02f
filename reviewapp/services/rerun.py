"""The second pass: what the line could not do goes through it again with another category or preset (CLS-17)."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from reviewapp.enums import AssetState, EditReason, EditTaskState, Role, Step, TaskState
from reviewapp.models import Asset, Batch, EditTask, PresetVersion, Task
from reviewapp.selectors.exceptions import exceptions_of
from reviewapp.selectors.presets import version_for

from . import assets, audit, batches, runs
from .csv_rows import LIMITS, category_of
from .people import require

WHY = "A manager sends it through the line again."


class RerunRefused(ValueError):
    """It was not started; the message is for the person."""


def rerun(
    batch: Batch, asset_ids: Collection[int], actor: User, *, category: str = "", version: PresetVersion | None = None
) -> int:
    """Give exceptions of `batch` another category, another preset version, or both, and start them again.

    A new category is looked at anew: it decides the lane, and the preset where none is chosen here. What is no
    exception any more is left alone. Returns how many were started. Raises NotAllowed, RerunRefused.
    """
    require(actor, Role.MANAGER, to=_("send photos through the line again"))
    name = category_of(category)
    if not name and version is None:
        raise RerunRefused(
            _("Choose a category or a preset. To try the same once more, use Retry on the batch's page.")
        )
    if len(name) > LIMITS["category"]:
        raise RerunRefused(_("A category has at most %(most)s characters.") % {"most": LIMITS["category"]})
    done = 0
    with transaction.atomic():
        if not batches.is_alive(batch):
            return 0
        found = exceptions_of(batch).filter(pk__in=list(asset_ids)).select_related("batch__preset_version__preset")
        for asset in found.order_by("pk"):
            done += _again(asset, name, version, actor)
        batches.open_again(batch, done, actor)
    return done


def _again(asset: Asset, category: str, version: PresetVersion | None, actor: User) -> bool:
    before = {"category": asset.category, "preset": str(version_for(asset))}
    fields: dict[str, Any] = {}
    if version is not None:
        fields["own_preset"] = version
    if category and category != asset.category:
        fields |= {"category": category, "category_source": "metadata"}
    try:
        with transaction.atomic():
            if not _start(asset, fields, actor):
                return False
            after = {"category": asset.category, "preset": str(version_for(asset))}
            audit.record("asset.rerun", asset, actor=actor, before=before, after=after)
    except assets.StateConflict:  # somebody else took it meanwhile
        return False
    return True


def _start(asset: Asset, fields: dict[str, Any], actor: User) -> bool:
    """Begin with the step that the change makes new: what failed, or the classification for another category."""
    if asset.state == AssetState.EDITING:
        return _take_from_editors(asset) and _classify(asset, fields, actor)
    dead = Task.objects.filter(asset=asset, state=TaskState.DEAD, step__in=batches.BEFORE_STEP).order_by("-pk").first()
    if dead is None:
        return False
    if dead.step == Step.PROCESS and "category" in fields:
        return _classify(asset, fields, actor)
    assets.move(asset, batches.BEFORE_STEP[Step(dead.step)], reason=WHY, actor=actor, **fields)
    return runs.retry(dead, actor)


def _take_from_editors(asset: Asset) -> bool:
    waiting = EditTask.objects.filter(
        asset=asset, state=EditTaskState.OPEN, editor__isnull=True, reason=EditReason.UNCATEGORISED
    )
    return bool(waiting.update(state=EditTaskState.WITHDRAWN))


def _classify(asset: Asset, fields: dict[str, Any], actor: User) -> bool:
    """A new attempt: the tasks of the one before keep their names, and their names must not come twice."""
    attempt = asset.attempt + 1
    assets.move(asset, AssetState.VALIDATED, reason=WHY, actor=actor, attempt=attempt, **fields)
    runs.create_task(asset, Step.CLASSIFY, f"classify:{asset.pk}:a{attempt}")
    return True
