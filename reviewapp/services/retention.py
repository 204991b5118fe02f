"""How long a client's files are kept after delivery, and legal holds, which stop every removal (CST-10, SEC-05, C45).

A batch past its days is marked, once, with an audit event: from then on its rows name these files no more, and the
clean-up moves what nobody else names into the trash, where it lies for 30 days. A hold set within them brings it back.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp import storage, trash
from reviewapp.enums import BatchState, EditTaskState, ReviewTaskState, Role, TaskState
from reviewapp.models import Batch, Client, EditTask, GoldItem, ReviewTask, Task
from reviewapp.selectors import files

from . import audit
from .people import require

DAYS = {files.ORIGINAL: "keep_originals_days", files.RESULT: "keep_results_days"}
"""Kind of file -> the client's setting."""
LIVE_EDITS = (EditTaskState.OPEN, EditTaskState.CLAIMED, EditTaskState.SUBMITTED, EditTaskState.AWAITING_SIGNOFF)


def remove_due(now: datetime | None = None) -> int:
    """Mark what is past its days; returns how many times a batch lost its originals or its results.

    Only delivered batches without a hold, and only when nobody and nothing works on one of their photos any more.
    """
    moment, done = now or timezone.now(), 0
    for kind, days in DAYS.items():
        field = files.REMOVED[kind]
        kept = Batch.objects.filter(state=BatchState.DELIVERED, **{f"{field}__isnull": True})
        kept = without_hold(kept).filter(**{f"client__{days}__isnull": False})
        for batch in kept.annotate(last=Max("deliveries__created_at")).select_related("client").iterator():
            limit = moment - timedelta(days=getattr(batch.client, days))
            if batch.last is not None and batch.last <= limit and not is_worked_on(batch):
                done += _remove(batch, kind, moment)
    return done


def without_hold(batches: QuerySet[Batch]) -> QuerySet[Batch]:
    """Those of which something may be removed."""
    return batches.filter(legal_hold_since__isnull=True, client__legal_hold_since__isnull=True)


def is_worked_on(batch: Batch) -> bool:
    """Say whether a person or the machine still has one of its photos, for delivery or for learning."""
    return (
        ReviewTask.objects.filter(
            asset__batch=batch, state__in=[ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD]
        ).exists()
        or EditTask.objects.filter(asset__batch=batch, state__in=LIVE_EDITS).exists()
        or Task.objects.filter(asset__batch=batch, state__in=[TaskState.PENDING, TaskState.RUNNING]).exists()
    )


def _remove(batch: Batch, kind: str, moment: datetime) -> bool:
    field, days = files.REMOVED[kind], DAYS[kind]
    with transaction.atomic():
        # The client's row first, as the form that sets a hold does: what it says now counts.
        client = Client.objects.select_for_update().get(pk=batch.client_id)
        if client.legal_hold_since is not None or getattr(client, days) is None:
            return False
        still = Batch.objects.filter(pk=batch.pk, state=BatchState.DELIVERED, legal_hold_since__isnull=True)
        if not still.filter(**{f"{field}__isnull": True}).update(**{field: moment}):
            return False
        if is_worked_on(batch):  # since it was asked; with the batch's row held, what begins now sees the files go
            transaction.set_rollback(True)
            return False
        # A known picture nobody can see any more must not come up for review.
        GoldItem.objects.filter(asset__batch=batch, is_active=True).update(is_active=False)
        audit.record("batch.files_removed", batch, after={"kind": kind, "days": getattr(client, days)})
    return True


def bring_back(now: datetime | None = None) -> int:
    """Take the marks off batches that are on hold now, where every file is there or still in the trash."""
    moment, done = now or timezone.now(), 0
    held = Batch.objects.filter(Q(legal_hold_since__isnull=False) | Q(client__legal_hold_since__isnull=False))
    for kind, field in files.REMOVED.items():
        recent = held.filter(**{f"{field}__gte": moment - timedelta(seconds=trash.KEEP_S)})
        for batch in recent.iterator():
            done += _brought_back(batch, kind)
    return done


def _brought_back(batch: Batch, kind: str) -> bool:
    keys = {claim.key for claim in files.named(batch, kind=kind, also_removed=True)}
    if not all(storage.exists(key) or trash.is_trashed(key) for key in keys):
        return False
    with transaction.atomic():  # named again before they move: the clean-up must not take them once more
        Batch.objects.filter(pk=batch.pk).update(**{files.REMOVED[kind]: None})
        audit.record("batch.files_brought_back", batch, after={"kind": kind})
    for key in keys:
        trash.restore(key)
    return True


def hold_batch(batch: Batch, actor: Any, *, is_held: bool, note: str = "") -> bool:
    """Set or lift a batch's legal hold; False when it was so already. Raises NotAllowed."""
    require(actor, Role.MANAGER, to=_("set a legal hold"))
    with transaction.atomic():
        rows = Batch.objects.filter(pk=batch.pk, legal_hold_since__isnull=is_held)
        if not rows.update(legal_hold_since=timezone.now() if is_held else None):
            return False
        verb = "batch.hold_set" if is_held else "batch.hold_lifted"
        audit.record(verb, batch, actor=actor, note=note)
    batch.refresh_from_db(fields=["legal_hold_since"])
    return True
