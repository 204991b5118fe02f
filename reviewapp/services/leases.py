"""Leases on review tasks: a photo is lent to one person for 10 minutes, renewed by their page, free again after."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import AssetState, ReviewTaskState, Role, Verdict
from reviewapp.models import ReviewDecision, ReviewTask
from reviewapp.policies.choosing import TELLING_ORDERS, Choice
from reviewapp.selectors import choosing, queue_sql
from reviewapp.selectors import review as selectors
from reviewapp.selectors.access import clients_of, limit
from reviewapp.selectors.people import is_senior
from reviewapp.selectors.queue_sql import GIVEN, MAY, TASKS, UNBARRED

from . import assets, audit
from .people import require

LEASE = timedelta(minutes=10)
MAX_CLAIM = 16

# One statement for both databases: pick and lease at once, so two people can't be given the same photo. MATERIALIZED
# keeps PostgreSQL from running the pick twice; SKIP LOCKED lets reviewers claim without waiting for each other.
CLAIM_SQL = f"""
WITH picked AS MATERIALIZED (
  SELECT t.id FROM {TASKS} {{joined}}
  WHERE t.state = 'open' AND (t.lease_owner_id IS NULL OR t.lease_until IS NULL OR t.lease_until < %(now)s)
    AND {GIVEN} AND {{senior}} t.needs_senior {{narrowed}}
    AND {{skipped}} EXISTS (SELECT 1 FROM reviewapp_reviewdecision d
                          WHERE d.task_id = t.id AND d.reviewer_id = %(user)s AND d.verdict = 'skip')
    AND {UNBARRED} {{theirs}}
  ORDER BY {{order}} LIMIT %(limit)s {{lock}}
)
UPDATE reviewapp_reviewtask SET lease_owner_id = %(user)s, lease_until = %(until)s, lease_queue = %(queue)s
WHERE id IN (SELECT id FROM picked) RETURNING id
"""
HELD_SQL = f"""
SELECT t.id FROM {TASKS} {{joined}}
  WHERE t.state = 'open' AND t.lease_owner_id = %(user)s AND t.lease_until >= %(now)s AND t.lease_queue = %(queue)s
    AND {GIVEN} AND {MAY} AND {UNBARRED} {{theirs}} {{narrowed}}
  ORDER BY COALESCE({{skips}}, 0), t.needs_senior DESC, {{order}} LIMIT %(limit)s
"""
ORDERS = {
    "priority": "t.priority, t.id",
    "oldest": "t.id",
    "newest": "t.id DESC",
    "batch": "a.batch_id, t.id",
    "sku": "a.sku, t.id",
    "lowest": "q.total, t.id",
    "highest": "q.total DESC, t.id",
}
NARROWED = {
    "client": "AND b.client_id = %(client)s",
    "batch": "AND a.batch_id = %(batch)s",
    "category": "AND a.category = %(category)s",
    "sku": "AND UPPER(a.sku) LIKE UPPER(%(sku)s) ESCAPE '!'",
    "reason": "AND t.reason = %(reason)s",
    "low": "AND q.total >= %(low)s",
    "high": "AND q.total < %(high)s",
}
JOIN_SCORE = "JOIN reviewapp_qualityreport q ON q.run_id = t.run_id"
ANY = Choice()
# What this person skipped comes last, the longest-ago skip first, so skipping walks round and never sticks.
ORDER_SKIPPED = """(SELECT MAX(d.id) FROM reviewapp_reviewdecision d
                    WHERE d.task_id = t.id AND d.reviewer_id = %(user)s AND d.verdict = 'skip')"""

PASSES = ((False, True), (False, False), (True, True), (True, False))
"""(skipped by this person, escalated): the order in which a senior is given photos."""
PASSES_OF_REVIEWERS = ((False, False), (True, False))


def claim_next(user: User, n: int = 1, queue: selectors.Queue = "mixed", choice: Choice = ANY) -> list[ReviewTask]:
    """Lease up to `n` photos of `choice` to `user` for 10 minutes and return them in the order to be judged.

    What the person still holds from this queue comes first (a reload keeps it) and is extended; what they hold from the
    other one is left alone, so that a photo taken blind is never shown with its score. An empty list may be premature
    while others hold row locks: ask selectors.review.queue_counts before saying that all is done. Raises NotAllowed.
    """
    require(user, Role.REVIEWER, Role.SENIOR, to=_("review photos"))
    wanted = max(1, min(n, MAX_CLAIM))
    now = timezone.now()
    mine = _held(user, wanted, now, queue, choice)
    ReviewTask.objects.filter(pk__in=mine, lease_owner=user, state=ReviewTaskState.OPEN).update(lease_until=now + LEASE)
    if len(mine) < wanted:
        mine += _take(user, wanted - len(mine), now, queue, choice)
    lent = selectors.with_details(selectors.leased_to(user, now).filter(pk__in=mine), blind=queue == "mixed")
    return list(_in_order(lent, user, choice))


def lease_end() -> datetime:
    """When a lease given now ends."""
    return timezone.now() + LEASE


def beat(user: User, task_ids: Sequence[int], until: datetime | None = None) -> list[int]:
    """Extend the leases `user` still owns among `task_ids` to `until` (in 10 minutes); return the ids still theirs."""
    owned = ReviewTask.objects.filter(pk__in=list(task_ids), lease_owner=user, state=ReviewTaskState.OPEN)
    owned = limit(owned, user, selectors.CLIENT)
    owned.update(lease_until=until or lease_end())
    return sorted(owned.values_list("pk", flat=True))


def release(user: User, task_ids: Sequence[int] | None = None, until: datetime | None = None) -> int:
    """Give back leases at once (leaving the page, signing out); None means all of them. Returns how many.

    With `until` only those that end by then: what the person's next page was lent since stays lent to it.
    """
    owned = ReviewTask.objects.filter(lease_owner=user, state=ReviewTaskState.OPEN)
    if task_ids is not None:
        owned = owned.filter(pk__in=list(task_ids))
    if until is not None:
        owned = owned.filter(lease_until__lte=until)
    return owned.update(lease_owner=None, lease_until=None)


def take_back(user: User, task_id: int, queue: selectors.Queue = "mixed") -> ReviewTask | None:
    """Take a photo off hold and lease it to `user` in `queue`. Raises NotAllowed.

    None when it isn't on hold, or isn't for this person: one that waits for a senior would be lent to them and never
    shown.
    """
    require(user, Role.REVIEWER, Role.SENIOR, to=_("take up held photos"))
    if selectors.barred(user).filter(task=task_id).exists():
        return None
    with transaction.atomic():
        held = ReviewTask.objects.filter(pk=task_id, state=ReviewTaskState.ON_HOLD)
        if not is_senior(user):
            held = held.filter(needs_senior=False)
        taken = limit(held, user, selectors.CLIENT).update(
            state=ReviewTaskState.OPEN,
            version=F("version") + 1,  # who put it on hold can't undo that into somebody else's hands
            lease_owner=user,
            lease_until=timezone.now() + LEASE,
            lease_queue=queue,
            decided_at=None,
        )
        if not taken:
            return None
        task = selectors.task_for_display(task_id)
        if task.asset.state == AssetState.ON_HOLD:
            assets.move(task.asset, AssetState.IN_REVIEW, reason="Taken off hold", actor=user)
        return task


def _held(user: User, limit: int, now: datetime, queue: selectors.Queue, choice: Choice) -> list[int]:
    """What the person holds from this queue already, in the order to be judged."""
    sql = HELD_SQL.format(
        joined=_joined(choice),
        theirs=queue_sql.of(clients_of(user)),
        narrowed=_narrowed(choice),
        skips=ORDER_SKIPPED,
        order=ORDERS[choice.order],
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, {**_values(user, now, queue, choice), "limit": limit})
        return [row[0] for row in cursor.fetchall()]


def _take(user: User, wanted: int, now: datetime, queue: selectors.Queue, choice: Choice) -> list[int]:
    """Lease what is free and write down who was shown what, both or neither (SEC-06)."""
    taken: list[int] = []
    # What was escalated comes first for those who may decide it, what this person skipped last.
    with transaction.atomic():
        for is_skipped, is_escalated in PASSES if is_senior(user) else PASSES_OF_REVIEWERS:
            if len(taken) < wanted:
                free = wanted - len(taken)
                taken += _lease_free(user, free, now, queue, choice, is_skipped=is_skipped, is_escalated=is_escalated)
        if taken:
            audit.record("review.shown", user, actor=user, after={"tasks": taken, "queue": queue})
    return taken


def _lease_free(
    user: User,
    limit: int,
    now: datetime,
    queue: selectors.Queue,
    choice: Choice,
    *,
    is_skipped: bool,
    is_escalated: bool,
) -> list[int]:
    sql = CLAIM_SQL.format(
        joined=_joined(choice),
        theirs=queue_sql.of(clients_of(user)),
        narrowed=_narrowed(choice),
        senior="" if is_escalated else "NOT",
        skipped="" if is_skipped else "NOT",
        order=ORDER_SKIPPED if is_skipped else ORDERS[choice.order],
        lock="FOR UPDATE OF t SKIP LOCKED" if connection.vendor == "postgresql" else "",
    )
    until = connection.ops.adapt_datetimefield_value(now + LEASE)
    with connection.cursor() as cursor:
        cursor.execute(sql, {**_values(user, now, queue, choice), "until": until, "limit": limit})
        return [row[0] for row in cursor.fetchall()]


def _joined(choice: Choice) -> str:
    needs_score = choice.low is not None or choice.high is not None or choice.order in TELLING_ORDERS
    return JOIN_SCORE if needs_score else ""


def _narrowed(choice: Choice) -> str:
    return " ".join(NARROWED[name] for name in choice.values if name != "order")


def _values(user: User, now: datetime, queue: selectors.Queue, choice: Choice) -> dict[str, Any]:
    given = queue_sql.values(user.pk, queue, now, is_senior=is_senior(user))
    return {**given, **choice.values, "sku": f"{_literally(choice.sku)}%"}


def _literally(text: str) -> str:
    """Return `text` for LIKE, its own wildcards escaped."""
    return re.sub(r"([!%_])", r"!\1", text)


def _in_order(tasks: QuerySet[ReviewTask], user: User, choice: Choice) -> QuerySet[ReviewTask]:
    # A subquery per row and no GROUP BY: with details that would group by two hundred columns.
    skips = ReviewDecision.objects.filter(task=OuterRef("pk"), reviewer=user, verdict=Verdict.SKIP).order_by("-pk")
    skipped = Coalesce(Subquery(skips.values("pk")[:1]), 0)
    order = ("skipped", "-needs_senior", *choosing.ORDERINGS[choice.order])
    return tasks.annotate(skipped=skipped).order_by(*order)
