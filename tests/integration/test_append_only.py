"""What happened stays as it was written (OBS-24): the models refuse, and so does the database itself."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction

from reviewapp.enums import Role
from reviewapp.models import AuditEvent, ReviewDecision
from reviewapp.services import audit, review
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_obs24_an_audit_event_cannot_be_changed_or_deleted() -> None:
    event = audit.record("batch.named", factories.make_batch(name="Mugs"), note="first")
    event.note = "second"
    with pytest.raises(ValidationError):
        event.save()
    with pytest.raises(ValidationError):
        event.delete()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEvent.objects.filter(pk=event.pk).update(note="second")
    if connection.vendor == "postgresql":
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            AuditEvent.objects.filter(pk=event.pk).delete()
    assert AuditEvent.objects.get(pk=event.pk).note == "first"


def test_obs24_a_decision_cannot_be_changed() -> None:
    task = factories.make_review()
    result = review.record_decision(
        factories.make_user("ria", Role.REVIEWER), task.pk, seen_version=0, verdict="approve", idempotency_key="one"
    )
    assert result.decision is not None
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        ReviewDecision.objects.filter(pk=result.decision.pk).update(verdict="reject")
    assert ReviewDecision.objects.get(pk=result.decision.pk).verdict == "approve"
