"""The audit log and the decisions can't be rewritten, not even past the models (OBS-24): the triggers for it."""

from __future__ import annotations

from typing import Any

TABLES = ("reviewapp_auditevent", "reviewapp_reviewdecision")


def add_triggers(apps: Any, schema_editor: Any) -> None:
    """Refuse UPDATE on both databases, and DELETE on PostgreSQL.

    No DELETE trigger on SQLite: there Django empties tables by DELETE (flush), where PostgreSQL uses TRUNCATE.
    """
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE OR REPLACE FUNCTION softproof_append_only() RETURNS trigger AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$ LANGUAGE plpgsql",
            params=None,  # else the driver takes the % for a placeholder
        )
    for table in TABLES:
        guard(schema_editor, table)


def guard(schema_editor: Any, table: str) -> None:
    """Guard one table; PostgreSQL's function is there since 0004."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION softproof_append_only()"
        )
    elif schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        )


def drop_triggers(apps: Any, schema_editor: Any) -> None:
    """Take them away again."""
    for table in TABLES:
        unguard(schema_editor, table)


def unguard(schema_editor: Any, table: str) -> None:
    """Take one table's away."""
    on = f" ON {table}" if schema_editor.connection.vendor == "postgresql" else ""
    schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_append_only{on}")


def keep(apps: Any, schema_editor: Any) -> None:
    """Put back what SQLite lost: there a changed table is written anew, and its triggers stay behind."""
    if schema_editor.connection.vendor == "sqlite":
        for table in TABLES:
            schema_editor.execute(
                f"CREATE TRIGGER IF NOT EXISTS {table}_append_only BEFORE UPDATE ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
