"""Sessions in the database that end after a time without use, and at the latest after a fixed one (SEC-10).

Both are read from the row that is loaded anyway, so a request costs no further query.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DbStore
from django.db import transaction
from django.utils import timezone

from reviewapp.models import PersonSession

TOUCHES = 24
"""In this part of the idle time at most once is written down that the session is in use."""


class SessionStore(DbStore):
    """Django's own, with whose session it is and since when."""

    _opened_at: datetime | None = None

    @classmethod
    def get_model_class(cls) -> type[PersonSession]:
        """Our table."""
        return PersonSession

    def _get_session_from_db(self) -> PersonSession | None:
        found: PersonSession | None = super()._get_session_from_db()  # type: ignore[misc]
        if found is None:
            return None
        now, idle = timezone.now(), timedelta(seconds=settings.SESSION_IDLE_S)
        if found.opened_at + timedelta(seconds=settings.SESSION_COOKIE_AGE) <= now:
            self._session_key = None
            return None
        self._opened_at = found.opened_at
        if found.expire_date < now + idle - idle / TOUCHES:
            PersonSession.objects.filter(pk=found.pk).update(expire_date=now + idle)
        return found

    def create_model_instance(self, data: dict[str, Any]) -> PersonSession:
        """The row to be written; when it was opened stays."""
        row = super().create_model_instance(data)
        assert isinstance(row, PersonSession)
        row.person_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        row.opened_at = self._opened_at or timezone.now()
        row.expire_date = timezone.now() + timedelta(seconds=settings.SESSION_IDLE_S)
        return row

    def take(self, name: str) -> Any:
        """Take out what counts once: of two requests at the same time one gets it, the other None."""
        found = None
        if self.session_key is not None and name in self:
            with transaction.atomic():
                row = PersonSession.objects.select_for_update().filter(pk=self.session_key).first()
                held: dict[str, Any] = self.decode(row.session_data) if row is not None else {}
                found = held.pop(name, None)
                if found is not None:
                    PersonSession.objects.filter(pk=self.session_key).update(session_data=self.encode(held))
        # No change where the other request got it: what that one wrote is not to be written over.
        was_changed = self.modified
        self.pop(name, None)
        self.modified = was_changed or found is not None
        return found

    def cycle_key(self) -> None:
        """Signing in and a new password begin a new session."""
        self._opened_at = None
        super().cycle_key()

    def flush(self) -> None:
        """Nothing of it is left."""
        self._opened_at = None
        super().flush()
