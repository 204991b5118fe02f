"""Reading the running counts (docs/performance.md): exact, and as cheap with a million photos as with a thousand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import NamedTuple

from django.db import connection
from django.db.models import Sum

from reviewapp.enums import BatchState, ReviewTaskState
from reviewapp.models import Batch, Tally

from . import queue_sql
from .access import Clients

_BINS = {
    "postgresql": "CAST(LEAST(floor({total} / 5), 19)::int AS varchar(60))",
    "sqlite": "CAST(MIN(CAST({total} / 5 AS INTEGER), 19) AS TEXT)",
}
_TRUTH = """
SELECT 'asset' AS kind, a.batch_id AS batch_id, a.state AS key, COUNT(*) AS n FROM reviewapp_asset a GROUP BY 2, 3
UNION ALL
SELECT 'category', 0, a.category, COUNT(*) FROM reviewapp_asset a WHERE a.category <> '' GROUP BY 3
UNION ALL
SELECT 'score', 0, {bin}, COUNT(*) FROM reviewapp_asset a JOIN reviewapp_qualityreport q ON q.run_id = a.current_run_id
GROUP BY 3
UNION ALL
SELECT 'review', a.batch_id, {review}, COUNT(*) FROM reviewapp_reviewtask t JOIN reviewapp_asset a ON a.id = t.asset_id
WHERE t.state IN ('open', 'on_hold') GROUP BY 2, 3
UNION ALL
SELECT 'edit', a.batch_id, {edit}, COUNT(*) FROM reviewapp_edittask e JOIN reviewapp_asset a ON a.id = e.asset_id
WHERE e.state IN {waiting} GROUP BY 2, 3
"""
_QUEUE = """
SELECT t.key, b.state, SUM(t.n) FROM reviewapp_tally t JOIN reviewapp_batch b ON b.id = t.batch_id
WHERE t.kind = 'review' AND b.state <> 'cancelled' {theirs} GROUP BY 1, 2
"""
_EDITS = """
SELECT t.key, 0, SUM(t.n) FROM reviewapp_tally t JOIN reviewapp_batch b ON b.id = t.batch_id
WHERE t.kind = 'edit' AND b.state <> 'cancelled' {theirs} GROUP BY t.key
"""
_OWN_EDITS = """
UNION ALL
SELECT e.state, 1, COUNT(*) FROM reviewapp_edittask e
  JOIN reviewapp_asset a ON a.id = e.asset_id JOIN reviewapp_batch b ON b.id = a.batch_id
WHERE e.editor_id = %(user)s AND e.state IN {waiting} AND b.state <> 'cancelled' {theirs} GROUP BY e.state
"""
EDITS_WAIT = "('open', 'claimed', 'submitted', 'awaiting_signoff')"
"""States of edit tasks that are counted, in the words and the order of the index edit_own: SQLite compares the text."""
EDIT_KEY = "{task}.state || CASE WHEN {task}.state = 'open' AND {task}.editor_id IS NOT NULL THEN ':kept' ELSE '' END"
"""The mark "kept": an open one that one editor alone may take, because it was sent back to them."""
SAMPLE, SENIOR = "sample", "senior"
"""Marks in the key of a review task, as in "open:sample": counted apart, because not everybody is given them."""
REVIEW_KEY = (
    "{task}.state || CASE WHEN {task}.reason = 'sample' THEN ':sample' ELSE '' END"
    " || CASE WHEN {task}.needs_senior THEN ':senior' ELSE '' END"
)


class Drift(NamedTuple):
    """A count that is not what it counts."""

    kind: str
    batch_id: int
    key: str
    kept: int
    counted: int


def score_bin(total: str) -> str:
    """SQL for the number of the 5-point bin that a total (an SQL expression) falls into, 0 to 19, as text."""
    return _BINS[connection.vendor].format(total=total)


def truth_sql() -> str:
    """SQL that counts everything anew: columns kind, batch_id, key, n."""
    keys = {"review": REVIEW_KEY.format(task="t"), "edit": EDIT_KEY.format(task="e"), "waiting": EDITS_WAIT}
    return _TRUTH.format(bin=score_bin("q.total"), **keys)


def of_batches(batch_ids: Collection[int]) -> Mapping[int, dict[str, int]]:
    """Photos per state of each batch, in one query; a batch without photos has none."""
    found: dict[int, dict[str, int]] = defaultdict(dict)
    rows = Tally.objects.filter(kind="asset", batch_id__in=list(batch_ids)).order_by()
    for row in rows.values("batch_id", "key").annotate(count=Sum("n")):
        if row["count"]:
            found[row["batch_id"]][row["key"]] = row["count"]
    return found


def totals(kind: str, clients: Clients = None) -> dict[str, int]:
    """Counts of one kind over everything, by key, in one query; those kept per batch also of some clients alone."""
    kept = Tally.objects.filter(kind=kind)
    if clients is not None:
        kept = kept.filter(batch_id__in=Batch.objects.filter(client__in=clients).order_by().values("pk"))
    rows = kept.order_by("key").values("key").annotate(count=Sum("n"))
    return {row["key"]: row["count"] for row in rows if row["count"]}


def reviews(clients: Clients) -> Mapping[str, int]:
    """Review tasks of `clients` per state as somebody who may be given all of them would see the queue."""
    return queue(clients, with_samples=True, for_senior=True)


def queue(clients: Clients, *, with_samples: bool, for_senior: bool) -> dict[str, int]:
    """Review tasks of `clients` per state as a queue gives them out (selectors.review.open_tasks), in one query.

    None of a cancelled batch, only samples of a paused one; one that waits for a senior only `for_senior`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE.format(theirs=queue_sql.of(clients)))
        rows = cursor.fetchall()
    found: dict[str, int] = defaultdict(int)
    for key, batch_state, count in rows:
        state, *marks = key.split(":")
        is_left_out = (SAMPLE in marks and not with_samples) or (SENIOR in marks and not for_senior)
        if state == ReviewTaskState.OPEN:
            is_left_out |= SAMPLE not in marks and batch_state == BatchState.PAUSED
        if not is_left_out:
            found[state] += int(count)
    return found


def edits(clients: Clients) -> dict[str, int]:
    """Edit tasks of `clients` that aren't closed, by key, none of a cancelled batch (selectors.editing.live)."""
    return edits_and_own(clients, None)[0]


def edits_and_own(clients: Clients, user_id: int | None) -> tuple[dict[str, int], dict[str, int]]:
    """The same, and those whose editor this person is, by state; in one query.

    Their own are counted one by one: they are few, and a count for each editor would be as many rows as tasks.
    """
    asked = _EDITS if user_id is None else _EDITS + _OWN_EDITS
    with connection.cursor() as cursor:
        cursor.execute(asked.format(theirs=queue_sql.of(clients), waiting=EDITS_WAIT), {"user": user_id})
        rows = cursor.fetchall()
    found: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for key, is_own, count in rows:
        if count:
            found[is_own][key] = int(count)
    return found


def drift() -> list[Drift]:
    """Counts that differ from what they count; nothing while the triggers do their work. Counts everything: slow."""
    kept = "SELECT kind, batch_id, key, n AS kept, 0 AS counted FROM reviewapp_tally"
    counted = f"SELECT kind, batch_id, key, 0, n FROM ({truth_sql()}) truth"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT kind, batch_id, key, SUM(kept), SUM(counted) FROM ({kept} UNION ALL {counted}) both_sides "
            "GROUP BY kind, batch_id, key HAVING SUM(kept) <> SUM(counted) ORDER BY 1, 2, 3"
        )
        return [Drift(kind, batch, key, int(n), int(true)) for kind, batch, key, n, true in cursor.fetchall()]
