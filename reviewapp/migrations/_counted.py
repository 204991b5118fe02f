"""What the database keeps by itself and Django doesn't know of: the triggers of the running counts, the search indexes.

A migration that rebuilds a counted table on SQLite (most AlterField and AddConstraint do) runs `drop` before and `add`
after: rebuilding loses them. tests/integration/test_tallies.py fails when one is missing.
"""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, transaction

ASSET, TASK, REPORT = "reviewapp_asset", "reviewapp_reviewtask", "reviewapp_qualityreport"
EDIT = "reviewapp_edittask"
PUT = "INSERT INTO reviewapp_tally (kind, batch_id, key, n) "
KEY = (
    "{row}.state || CASE WHEN {row}.reason = 'sample' THEN ':sample' ELSE '' END"
    " || CASE WHEN {row}.needs_senior THEN ':senior' ELSE '' END"
)
EDIT_KEY = "{row}.state || CASE WHEN {row}.state = 'open' AND {row}.editor_id IS NOT NULL THEN ':kept' ELSE '' END"
EDITS_WAIT = "{row}.state IN ('open', 'claimed', 'submitted', 'awaiting_signoff')"
BINS = {
    "postgresql": "CAST(LEAST(floor({total} / 5), 19)::int AS varchar(60))",
    "sqlite": "CAST(MIN(CAST({total} / 5 AS INTEGER), 19) AS TEXT)",
}
WORDS = "asset_words"
SEARCHED = ("relative_path", "sku", "asin", "description", "shoot_group")
STARTS = "asset_starts"
# A word is whatever stands between spaces: "-3.jpg" is found by "-". What begins alike lies together (`prefix`).
AS_STARTS = (
    "fts5(words, detail=none, columnsize=0, prefix='1 2', "
    "tokenize=\"unicode61 remove_diacritics 0 categories 'L* M* N* P* S* Co'\")"
)


def _in_a_row(row: str) -> str:
    return " || ' ' || ".join(row + column for column in SEARCHED)


FILL_SEARCH = (
    f"INSERT INTO {WORDS} (rowid, {', '.join(SEARCHED)}) SELECT id, {', '.join(SEARCHED)} FROM {ASSET}",
    f"INSERT INTO {STARTS} (rowid, words) SELECT id, {_in_a_row('')} FROM {ASSET}",
)


def _state(row: str, n: int) -> str:
    return f"{PUT}VALUES ('asset', {row}.batch_id, {row}.state, {n});"


def _category(row: str, n: int) -> str:
    return f"{PUT}SELECT 'category', 0, {row}.category, {n} WHERE {row}.category <> '';"


def _score(row: str, n: int, bin_of: str) -> str:
    total = bin_of.format(total="q.total")
    return f"{PUT}SELECT 'score', 0, {total}, {n} FROM {REPORT} q WHERE q.run_id = {row}.current_run_id;"


def _report(row: str, n: int, bin_of: str) -> str:
    total = bin_of.format(total=f"{row}.total")
    return f"{PUT}SELECT 'score', 0, {total}, {n} FROM {ASSET} a WHERE a.current_run_id = {row}.run_id;"


def _review(row: str, n: int) -> str:
    found = f"SELECT 'review', a.batch_id, {KEY.format(row=row)}, {n} FROM {ASSET} a WHERE a.id = {row}.asset_id"
    return f"{PUT}{found} AND {row}.state IN ('open', 'on_hold');"


def _edit(row: str, n: int) -> str:
    found = f"SELECT 'edit', a.batch_id, {EDIT_KEY.format(row=row)}, {n} FROM {ASSET} a WHERE a.id = {row}.asset_id"
    return f"{PUT}{found} AND {EDITS_WAIT.format(row=row)};"


def _follow(row: str, n: int) -> str:
    """What waits of a photo, in the batch it has or had."""
    reviews = f"SELECT 'review', {row}.batch_id, {KEY.format(row='t')}, {n} FROM {TASK} t WHERE t.asset_id = {row}.id"
    edits = f"SELECT 'edit', {row}.batch_id, {EDIT_KEY.format(row='e')}, {n} FROM {EDIT} e WHERE e.asset_id = {row}.id"
    return (
        f"{PUT}{reviews} AND t.state IN ('open', 'on_hold'); "
        f"{PUT}{edits} AND {EDITS_WAIT.format(row='e')};"
    )


def triggers(vendor: str) -> dict[str, tuple[str, str, str, str]]:
    """Name -> (event, table, condition, statements); the statements are the same on both databases."""
    bin_of = BINS[vendor]
    differs = "OLD.{0} <> NEW.{0}".format
    run_differs = "COALESCE(OLD.current_run_id, 0) <> COALESCE(NEW.current_run_id, 0)"
    on_delete = _on_delete(vendor)
    return {
        "tally_asset_new": ("INSERT", ASSET, "", _state("NEW", 1) + _category("NEW", 1) + _score("NEW", 1, bin_of)),
        "tally_asset_gone": (
            "DELETE", ASSET, on_delete, _state("OLD", -1) + _category("OLD", -1) + _score("OLD", -1, bin_of),
        ),
        "tally_asset_state": (
            "UPDATE OF state, batch_id", ASSET, f"{differs('state')} OR {differs('batch_id')}",
            _state("OLD", -1) + _state("NEW", 1),
        ),
        "tally_asset_category": (
            "UPDATE OF category", ASSET, differs("category"), _category("OLD", -1) + _category("NEW", 1),
        ),
        "tally_asset_run": (
            "UPDATE OF current_run_id", ASSET, run_differs, _score("OLD", -1, bin_of) + _score("NEW", 1, bin_of),
        ),
        "tally_report_new": ("INSERT", REPORT, "", _report("NEW", 1, bin_of)),
        "tally_report_gone": ("DELETE", REPORT, on_delete, _report("OLD", -1, bin_of)),
        "tally_review_new": ("INSERT", TASK, "", _review("NEW", 1)),
        "tally_review_gone": ("DELETE", TASK, on_delete, _review("OLD", -1)),
        "tally_review_moved": (
            "UPDATE OF state, reason, needs_senior", TASK,
            f"{differs('state')} OR {differs('reason')} OR {differs('needs_senior')}",
            _review("OLD", -1) + _review("NEW", 1),
        ),
        **edit_triggers(vendor),
    }  # fmt: skip


def _on_delete(vendor: str) -> str:
    """Emptying all tables (as tests do) deletes row by row on SQLite: without counts there is nothing to keep."""
    return f"EXISTS (SELECT 1 FROM {PUT.split()[2]})" if vendor == "sqlite" else ""


def edit_triggers(vendor: str) -> dict[str, tuple[str, str, str, str]]:
    """Those of 0037: for edit tasks, and for what waits of a photo that changes its batch."""
    editor_differs = "COALESCE(OLD.editor_id, 0) <> COALESCE(NEW.editor_id, 0)"
    return {
        "tally_edit_new": ("INSERT", EDIT, "", _edit("NEW", 1)),
        "tally_edit_gone": ("DELETE", EDIT, _on_delete(vendor), _edit("OLD", -1)),
        "tally_edit_moved": (
            "UPDATE OF state, editor_id", EDIT, f"OLD.state <> NEW.state OR {editor_differs}",
            _edit("OLD", -1) + _edit("NEW", 1),
        ),
        "tally_asset_batch": (
            "UPDATE OF batch_id", ASSET, "OLD.batch_id <> NEW.batch_id", _follow("OLD", -1) + _follow("NEW", 1),
        ),
    }  # fmt: skip


def add(apps: Any, schema_editor: Any) -> None:
    """Make the triggers and the search indexes, those that are there already anew."""
    _drop_search(schema_editor)
    make(schema_editor, triggers(schema_editor.connection.vendor))
    _add_search(schema_editor)


def drop(apps: Any, schema_editor: Any) -> None:
    """Take them away again."""
    unmake(schema_editor, triggers(schema_editor.connection.vendor))
    _drop_search(schema_editor)


def make(schema_editor: Any, wanted: dict[str, tuple[str, str, str, str]]) -> None:
    """Make these triggers, those that are there already anew."""
    unmake(schema_editor, wanted)
    for name, (event, table, condition, statements) in wanted.items():
        when = f"WHEN ({condition}) " if condition else ""
        head = f"CREATE TRIGGER {name} AFTER {event} ON {table} FOR EACH ROW {when}"
        if schema_editor.connection.vendor == "postgresql":
            body = f"$$ BEGIN {statements} RETURN NULL; END $$ LANGUAGE plpgsql"
            schema_editor.execute(f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS {body}", params=None)
            schema_editor.execute(f"{head}EXECUTE FUNCTION {name}()", params=None)
        else:
            schema_editor.execute(f"{head}BEGIN {statements} END", params=None)


def unmake(schema_editor: Any, wanted: dict[str, tuple[str, str, str, str]]) -> None:
    """Take these triggers away."""
    is_postgres = schema_editor.connection.vendor == "postgresql"
    for name, (_, table, _, _) in wanted.items():
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}" + (f" ON {table}" if is_postgres else ""))
        if is_postgres:
            schema_editor.execute(f"DROP FUNCTION IF EXISTS {name}()")


def _add_search(schema_editor: Any) -> None:
    """Trigrams of what is searched: by pg_trgm where the extension may be had, by FTS5 on SQLite from 3.34 on.

    Without them a search reads the photos in their order until it has a page.
    """
    if schema_editor.connection.vendor == "sqlite":
        _add_fts5(schema_editor)
        return
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError:  # not installed, or not ours to add: docs/performance.md says how to add it later
        return
    words = ", ".join(f"UPPER({column}) gin_trgm_ops" for column in SEARCHED)
    schema_editor.execute(f"CREATE INDEX {WORDS} ON {ASSET} USING gin ({words})")


def _add_fts5(schema_editor: Any) -> None:
    """Trigrams, and the first letters of every word for where one or two are looked for.

    Each table has a copy of the words: one without breaks, and no photo can be deleted any more, when they fall out.
    """
    columns = ", ".join(SEARCHED)
    try:
        with transaction.atomic(schema_editor.connection.alias):
            schema_editor.execute(f"CREATE VIRTUAL TABLE {WORDS} USING fts5({columns}, tokenize='trigram')")
            schema_editor.execute(f"CREATE VIRTUAL TABLE {STARTS} USING {AS_STARTS}")
    except DatabaseError:  # an old SQLite, or one without FTS5
        return
    new = ", ".join(f"NEW.{column}" for column in SEARCHED)
    put = (
        f"INSERT INTO {WORDS} (rowid, {columns}) VALUES (NEW.id, {new}); "
        f"INSERT INTO {STARTS} (rowid, words) VALUES (NEW.id, {_in_a_row('NEW.')});"
    )
    take = (
        f"DELETE FROM {WORDS} WHERE rowid = OLD.id; "
        f"DELETE FROM {STARTS} WHERE rowid = OLD.id;"
    )
    differs = " OR ".join(f"OLD.{column} <> NEW.{column}" for column in SEARCHED)
    for name, event, when, body in (
        ("new", "INSERT", "", put),
        ("gone", "DELETE", "", take),
        ("moved", f"UPDATE OF {columns}", f"WHEN {differs} ", take + put),
    ):
        sql = f"CREATE TRIGGER {WORDS}_{name} AFTER {event} ON {ASSET} FOR EACH ROW {when}BEGIN {body} END"
        schema_editor.execute(sql, params=None)
    for fill in FILL_SEARCH:
        schema_editor.execute(fill)


def _drop_search(schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX IF EXISTS {WORDS}")
        return
    for name in ("new", "gone", "moved"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {WORDS}_{name}")
    schema_editor.execute(f"DROP TABLE IF EXISTS {WORDS}")
    schema_editor.execute(f"DROP TABLE IF EXISTS {STARTS}")


def search_anew(apps: Any, schema_editor: Any) -> None:
    """Make SQLite's search tables as they are now (0038); PostgreSQL's index stays."""
    if schema_editor.connection.vendor == "sqlite":
        _drop_search(schema_editor)
        _add_search(schema_editor)
