"""Upkeep of the running counts: folding their rows together, and counting anew when they are in doubt."""

from __future__ import annotations

from django.db import connection, transaction

from reviewapp.selectors.tallies import Drift, drift, truth_sql

_FOLD = """
WITH many AS (SELECT kind, batch_id, key FROM reviewapp_tally GROUP BY 1, 2, 3 HAVING COUNT(*) > 1 OR SUM(n) = 0),
gone AS (DELETE FROM reviewapp_tally t USING many m
         WHERE t.kind = m.kind AND t.batch_id = m.batch_id AND t.key = m.key RETURNING t.kind, t.batch_id, t.key, t.n)
INSERT INTO reviewapp_tally (kind, batch_id, key, n)
SELECT kind, batch_id, key, SUM(n) FROM gone GROUP BY 1, 2, 3 HAVING SUM(n) <> 0
"""
# SQLite can't delete inside WITH; there is one writer at a time, so three statements are as good as one.
_FOLD_SQLITE = (
    """INSERT INTO reviewapp_tally (kind, batch_id, key, n) SELECT kind, batch_id, key, SUM(n)
       FROM reviewapp_tally WHERE id <= {last} GROUP BY 1, 2, 3 HAVING COUNT(*) > 1""",
    """DELETE FROM reviewapp_tally WHERE id <= {last} AND (kind, batch_id, key) IN
       (SELECT kind, batch_id, key FROM reviewapp_tally WHERE id > {last})""",
    "DELETE FROM reviewapp_tally WHERE n = 0",
)


def fold() -> int:
    """Replace the rows of each count by their sum; what others write meanwhile is left alone. Returns rows removed."""
    with transaction.atomic(), connection.cursor() as cursor:
        _lock()
        before = _rows()
        if connection.vendor == "postgresql":
            cursor.execute(_FOLD)
        else:
            cursor.execute("SELECT COALESCE(MAX(id), 0) FROM reviewapp_tally")
            last = cursor.fetchone()[0]
            for statement in _FOLD_SQLITE:
                cursor.execute(statement.format(last=last))
        return before - _rows()


def recount() -> list[Drift]:
    """Count everything anew and return what was wrong. Others may go on working: their changes are added on top."""
    with transaction.atomic(), connection.cursor() as cursor:
        _lock()
        wrong = drift()
        counted = f"INSERT INTO reviewapp_tally (kind, batch_id, key, n) {truth_sql()}"
        if connection.vendor == "postgresql":
            # One statement, one snapshot: a change that commits meanwhile is in neither half, and its own row stays.
            cursor.execute(f"WITH gone AS (DELETE FROM reviewapp_tally) {counted}")
        else:
            cursor.execute("DELETE FROM reviewapp_tally")
            cursor.execute(counted)
    return wrong


def _lock() -> None:
    """Keep a second fold or recount out; writers of single rows don't notice."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("LOCK TABLE reviewapp_tally IN SHARE UPDATE EXCLUSIVE MODE")


def _rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM reviewapp_tally")
        return int(cursor.fetchone()[0])
