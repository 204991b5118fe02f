"""An empty database after each test that commits, at a fraction of the price of Django's flush.

Django empties every table, then makes the types and permissions of all models anew: 20 ms on SQLite. On PostgreSQL
it truncates, which writes a new file for every table and index: 160 ms. Types and permissions follow from the models
alone, so here they stay, and on PostgreSQL rows are deleted.
"""

from __future__ import annotations

import threading
import time
from typing import Any

from django.core.management.color import no_style
from django.core.signals import request_finished, request_started
from django.db import connection, transaction
from django.test import TransactionTestCase

FROM_MODELS = frozenset({"django_content_type", "auth_permission"})


LONGEST_WAIT_S = 5.0
_served: dict[int, int] = {}
"""Thread -> how many requests it is answering; the test's own thread is not in here."""


def _begins(**_sent: Any) -> None:
    thread = threading.get_ident()
    if thread != threading.main_thread().ident:
        _served[thread] = _served.get(thread, 0) + 1


def _ends(**_sent: Any) -> None:
    thread = threading.get_ident()
    if _served.get(thread, 0) > 1:
        _served[thread] -= 1
    else:
        _served.pop(thread, None)


def wait_for_the_server() -> None:
    """Let the live server finish what a page that is gone had asked it: else its answer is made with the next test's
    rows and settings, or without any."""
    deadline = time.monotonic() + LONGEST_WAIT_S
    while _served and time.monotonic() < deadline:
        time.sleep(0.005)
    _served.clear()


def empty() -> None:
    """Leave no row behind that a test may have made. Triggers and foreign keys aren't asked, as by TRUNCATE."""
    found = connection.introspection.django_table_names(only_existing=True, include_views=False)
    tables = [name for name in found if name not in FROM_MODELS]
    if connection.vendor != "postgresql":
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables))
        return
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(";".join(f"DELETE FROM {connection.ops.quote_name(name)}" for name in tables))


def instead_of_flush() -> None:
    """From now on tests that commit end this way."""
    request_started.connect(_begins)
    request_finished.connect(_ends)

    def teardown(_case: Any) -> None:
        wait_for_the_server()
        empty()

    TransactionTestCase._fixture_teardown = teardown
