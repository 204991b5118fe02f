"""What can be put right of what a check found. Each way is asked for by name, and none deletes an original."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.db import transaction

from processing.errors import InputRejected, ResourceUnavailable, StageFailed
from reviewapp import trash
from reviewapp.enums import AssetState
from reviewapp.models import Asset, AuditEvent, ChannelView, EditTask, ProcessingRun, Rendition
from reviewapp.policies.transitions import ASSET_TRANSITIONS
from reviewapp.selectors import files

from . import assets, audit, batches, checking, originals, rendering, replaying

logger = logging.getLogger(__name__)

RESTORE, REMAKE, MARK, LEFTOVERS = "restore", "remake", "mark", "leftovers"
WAYS = (RESTORE, REMAKE, MARK, LEFTOVERS)
GONE = "The stored original is missing or damaged. Upload the photo again in a new batch."


def repair(finding: checking.Finding, ways: Sequence[str]) -> str:
    """Try the ways in order; returns what was done, "" when nothing could be.

    `restore`: back from the trash. `remake`: results and channel files made again from the original, kept only when the
    very same bytes come out. `mark`: a photo whose original is gone fails with that cause, so that people see it.
    `leftovers`: what no row names goes into the trash.
    """
    is_lost = finding.kind in (checking.MISSING, checking.DAMAGED)
    if RESTORE in ways and finding.kind == checking.MISSING and trash.restore(finding.key):
        return "back from the trash"
    if REMAKE in ways and is_lost and _remade(finding):
        return "made again from the original"
    if MARK in ways and is_lost:
        return _marked(finding)
    if LEFTOVERS in ways:
        return _cleared(finding)
    return ""


def clear(keys: Sequence[str]) -> list[str]:
    """Move files that no row names into the trash; returns those that went.

    Asked again before and after: a row that took a key over from another meanwhile gets its file back.
    """
    named = files.still_named(keys)
    moved = [key for key in keys if key not in named and trash.trash(key)]
    for key in files.still_named(moved):
        trash.restore(key)
        moved.remove(key)
    return moved


def _cleared(finding: checking.Finding) -> str:
    if finding.kind == checking.ORPHAN:
        return "into the trash" if clear([finding.key]) else ""
    if finding.kind in (checking.TEMPORARY, checking.ORPHAN_PART):
        trash.trash_local(Path(settings.DATA_DIR) / "files" / finding.key)
        return "into the trash"
    return ""


def _rows(finding: checking.Finding) -> list[tuple[str, int]]:
    """The rows a finding names: ("Rendition.storage_key", 12)."""
    return [(name, int(pk)) for name, _, pk in (row.rpartition(":") for row in finding.rows)]


def _remade(finding: checking.Finding) -> bool:
    for name, pk in _rows(finding):
        try:
            if _made(name, pk):
                return True
        except (InputRejected, StageFailed, ResourceUnavailable) as error:
            logger.warning("not_made_again", extra={"row": f"{name}:{pk}", "why": str(error)})
    return False


def _made(name: str, pk: int) -> bool:
    model, _, key = name.partition(".")
    if model == "ChannelView":  # made when somebody looks
        return bool(ChannelView.objects.filter(pk=pk).delete()[0])
    if model == "Rendition":
        found = Rendition.objects.select_related("run__asset__batch__client", "channel").filter(pk=pk).first()
        return found is not None and rendering.make_again(found)
    if model == "ProcessingRun" and key != "pixels_key":
        runs = ProcessingRun.objects.select_related("asset__batch__client", "channel", "preset_version")
        run = runs.filter(pk=pk).first()
        return run is not None and replaying.make_again(run)
    return False


def _marked(finding: checking.Finding) -> str:
    done = 0
    for asset in _photos(finding):
        with transaction.atomic():
            if AuditEvent.objects.filter(asset=asset, verb="original.damaged").exists():
                continue
            audit.record("original.damaged", asset, after={"key": finding.key, "found": finding.kind}, note=GONE)
            if AssetState.FAILED in ASSET_TRANSITIONS[AssetState(asset.state)]:
                try:
                    assets.move(asset, AssetState.FAILED, reason=GONE, code=originals.DAMAGED)
                except assets.StateConflict:  # it moved on: the event stays, and the step that reads it will fail
                    continue
            done += 1
        batches.refresh(asset.batch_id)
    return f"{done} photos marked" if done else ""


def _photos(finding: checking.Finding) -> list[Asset]:
    """The photos whose original, or editor's upload, the file is: all of them, not only those that were shown."""
    uploads = EditTask.objects.filter(upload_key=finding.key).values("asset_id")
    mine = Asset.objects.filter(original_key=finding.key) | Asset.objects.filter(pk__in=uploads)
    return list(mine.order_by("pk"))
