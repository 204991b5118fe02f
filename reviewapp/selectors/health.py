"""Is everything there that a request needs?"""

from __future__ import annotations

from typing import Any

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor

from reviewapp import queues, storage

from . import tasks


def readiness() -> dict[str, Any]:
    """Return {"ready", "database", "migrated", "disk", "workers", "redis"}; only the first four decide."""
    database = migrated = False
    workers = 0
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        database = True
        executor = MigrationExecutor(connection)
        migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        workers = tasks.live_workers().count() if migrated else 0
    except DatabaseError:
        pass  # said in the answer: database is False
    disk = storage.has_room()
    return {
        "ready": database and migrated and disk,
        "database": database,
        "migrated": migrated,
        "disk": disk,
        "workers": workers,
        "redis": queues.is_up(),
    }
