"""Retention against work that begins at the same moment (CST-10)."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from reviewapp.models import AuditEvent, ReviewTask
from reviewapp.services import retention
from tests.integration.test_retention import age_delivery, delivered

pytestmark = pytest.mark.django_db(transaction=True)


def test_work_that_begins_after_the_question_keeps_the_files_too() -> None:
    """In the instant before the batch's row is held."""
    batch = delivered(keep_originals_days=1)
    age_delivery(batch, 400)
    photo = batch.assets.get()
    begun: list[ReviewTask] = []

    def begins(execute: Any, sql: str, *rest: Any) -> Any:
        if not begun and sql.startswith('UPDATE "reviewapp_batch"'):
            begun.append(ReviewTask(asset=photo, run=photo.current_run, reason="sample", why="Looked at again"))
            begun[0].save()
        return execute(sql, *rest)

    with connection.execute_wrapper(begins):
        assert retention.remove_due() == 0
    batch.refresh_from_db()
    assert begun and batch.originals_removed_at is None
    assert not AuditEvent.objects.filter(verb="batch.files_removed").exists()
