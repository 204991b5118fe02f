"""What the real line once made, kept for the other tests of the run that begin with the same: rows and files.

Photos take seconds to be done. The first test that asks has them done; each one after it is given the very rows and
files back, with the same ids. Only for what a test begins with, never for what it proves.
"""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, transaction

from tests import emptying

_SEQUENCES = """SELECT quote_ident(schemaname) || '.' || quote_ident(sequencename), last_value
    FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL"""


@dataclass(frozen=True)
class _Kept:
    rows: Any
    files: dict[str, bytes]


_made: dict[str, _Kept] = {}


def kept(name: str, make: Callable[[], object]) -> None:
    """Leave the database and the storage as `make` leaves them, whatever was there. For tests that commit."""
    if name in _made:
        _put_rows(_made[name].rows)
        _put_files(_made[name].files)
        return
    make()
    _made[name] = _Kept(_take_rows(), _take_files())


def _take_rows() -> Any:
    if connection.vendor == "sqlite":
        copy = sqlite3.connect(":memory:", check_same_thread=False)
        connection.ensure_connection()
        connection.connection.backup(copy)
        return copy
    tables: dict[str, str] = {}
    with connection.cursor() as cursor:
        for table in _tables():
            text = io.StringIO()
            cursor.copy_expert(f"COPY {table} TO STDOUT", text)
            if text.tell():
                tables[table] = text.getvalue()
        cursor.execute(_SEQUENCES)
        return tables, cursor.fetchall()


def _put_rows(rows: Any) -> None:
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        rows.backup(connection.connection)
        return
    tables, sequences = rows
    emptying.empty()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, text in tables.items():
            cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(text))
        cursor.execute(";".join(f"SELECT setval('{name}', {value})" for name, value in sequences))


def _tables() -> list[str]:
    found = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return [connection.ops.quote_name(name) for name in found if name not in emptying.FROM_MODELS]


def _is_s3() -> bool:
    return "s3" in settings.STORAGES["default"]["BACKEND"]


def _take_files() -> dict[str, bytes]:
    """What lies in storage; what the product keeps beside it is made anew when it is needed."""
    if _is_s3():
        return {item.key: item.get()["Body"].read() for item in default_storage.bucket.objects.all()}
    root = Path(default_storage.path(""))
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _put_files(files: dict[str, bytes]) -> None:
    if _is_s3():
        for name, data in files.items():
            default_storage.save(name, ContentFile(data))
        return
    root = Path(default_storage.path(""))
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(data)
        path.chmod(0o600)
