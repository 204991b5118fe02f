"""Whether the database didn't answer, or answered with no."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError, OperationalError


def is_database_away(error: BaseException | None) -> bool:
    """Whether `error` says that the database didn't answer.

    What it refused (a broken constraint, a value out of range) is an answer. A connection that breaks in the middle of
    one is psycopg2's bare DatabaseError, without a code: libpq doesn't know yet that it is gone. Every
    refusal has a code, and with it a class of its own.
    """
    if isinstance(error, OperationalError | InterfaceError):
        return True
    return type(error) is DatabaseError and getattr(error.__cause__, "pgcode", "") is None
