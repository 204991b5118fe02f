"""The queue's conditions as SQL, for what every reviewer's page asks every few seconds.

The ORM takes five milliseconds to write one of these statements, the database less than one to answer it
(docs/performance.md). `selectors.review.open_tasks` says the same in the ORM's words; tests hold the two together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from .access import Clients

TASKS = """reviewapp_reviewtask t
  JOIN reviewapp_asset a ON a.id = t.asset_id
  JOIN reviewapp_batch b ON b.id = a.batch_id"""
SHARED = "b.state <> 'cancelled' AND (b.state <> 'paused' OR t.reason = 'sample')"
"""What some queue gives out."""
OWN = "(%(with_samples)s = 1 OR t.reason <> 'sample')"
GIVEN = f"{SHARED} AND {OWN}"
"""What a queue gives out."""
UNBARRED = """NOT EXISTS (SELECT 1 FROM reviewapp_look k JOIN reviewapp_reviewdecision d ON d.asset_id = k.asset_id
                    WHERE k.task_id = t.id AND d.task_id <> t.id
                      AND (k.kind <> 'first' OR EXISTS (SELECT 1 FROM reviewapp_look v
                                                        WHERE v.task_id = d.task_id AND v.is_void))
                      AND d.reviewer_id = %(user)s AND d.verdict IN ('approve', 'reject'))"""
"""And not to who judged the photo before: `selectors.review.barred`."""
MAY = "(%(is_senior)s = 1 OR NOT t.needs_senior)"


def of(clients: Clients, batch: str = "b") -> str:
    """A condition on `batch` for who works for some clients only; nothing for who works for all."""
    if clients is None:
        return ""
    ids = ", ".join(str(int(pk)) for pk in sorted(clients))
    return f"AND {batch}.client_id IN ({ids})" if ids else "AND 1 = 0"


_LENT = f"""
SELECT COUNT(CASE WHEN {OWN} THEN 1 END),
       COUNT(CASE WHEN {OWN} AND t.lease_owner_id = %(user)s AND t.lease_queue = %(queue)s THEN 1 END),
       COUNT(CASE WHEN t.lease_owner_id = %(user)s AND t.lease_queue <> %(queue)s THEN 1 END),
       COUNT(CASE WHEN {OWN} AND t.lease_owner_id <> %(user)s THEN 1 END)
  FROM {TASKS}
  WHERE t.state = 'open' AND t.lease_owner_id IS NOT NULL AND t.lease_until >= %(now)s
    AND {SHARED} AND {MAY} AND {UNBARRED} {{theirs}}
"""
_BARRED = f"""
SELECT t.state, COUNT(*) FROM reviewapp_look k JOIN reviewapp_reviewtask t ON t.id = k.task_id
  WHERE k.verdict = '' AND NOT k.is_void AND t.state IN ('open', 'on_hold')
    AND EXISTS (SELECT 1 FROM reviewapp_reviewdecision d WHERE d.asset_id = k.asset_id AND d.task_id <> k.task_id
                  AND (k.kind <> 'first' OR EXISTS (SELECT 1 FROM reviewapp_look v
                                                    WHERE v.task_id = d.task_id AND v.is_void))
                  AND d.reviewer_id = %(user)s AND d.verdict IN ('approve', 'reject'))
    AND {MAY} {{theirs}}
  GROUP BY t.state
"""
_BARRED_OF = """AND EXISTS (SELECT 1 FROM reviewapp_asset a JOIN reviewapp_batch b ON b.id = a.batch_id
                 WHERE a.id = t.asset_id {of})"""


def values(user_id: int, queue: str, now: datetime, *, is_senior: bool) -> dict[str, Any]:
    """What the statements are given."""
    return {
        "user": user_id,
        "queue": queue,
        "now": connection.ops.adapt_datetimefield_value(now),
        "with_samples": int(queue != "assisted"),
        "is_senior": int(is_senior),
    }


def lent(user_id: int, queue: str, now: datetime, clients: Clients, *, is_senior: bool) -> tuple[int, int, int, int]:
    """How many photos of `queue` are on somebody's screen, on this person's, theirs from the other queue, with others.

    Those from the other queue are counted with the samples whatever the queue: nobody learns which those are.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LENT.format(theirs=of(clients)), values(user_id, queue, now, is_senior=is_senior))
        everybody, mine, elsewhere, others = cursor.fetchone()
    return int(everybody), int(mine), int(elsewhere), int(others)


def barred(user_id: int, clients: Clients, *, is_senior: bool) -> dict[str, int]:
    """How many photos this person isn't given because they judged them before, by the state of their task.

    Of those that they might be given otherwise: what waits for a senior is in no reviewer's count to begin with.
    """
    with connection.cursor() as cursor:
        theirs = "" if clients is None else _BARRED_OF.format(of=of(clients))
        cursor.execute(_BARRED.format(theirs=theirs), {"user": user_id, "is_senior": int(is_senior)})
        return {state: int(count) for state, count in cursor.fetchall()}
