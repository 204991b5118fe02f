"""What tests rely on after each of them that commits: nothing of it is left, and the database keeps its own watch."""

from __future__ import annotations

import threading
import time

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.core.signals import request_finished, request_started
from django.db import DatabaseError, connection, transaction

from reviewapp.models import AuditEvent, Tally
from reviewapp.services import audit
from tests import emptying, factories

pytestmark = pytest.mark.django_db(transaction=True)


def filled() -> set[str]:
    """Tables with rows in them."""
    ours = (model for model in apps.get_models() if model._meta.managed)
    return {model._meta.db_table for model in ours if model._default_manager.exists()}


def test_no_row_is_left_and_types_and_permissions_are_those_of_the_models() -> None:
    factories.make_sample()
    audit.record("batch.named", factories.make_batch(name="Mugs"))
    assert {"reviewapp_asset", "reviewapp_auditevent", "reviewapp_samplemember", "reviewapp_tally"} <= filled()
    emptying.empty()
    assert filled() == {"django_content_type", "auth_permission"}
    assert ContentType.objects.count() == len(apps.get_models())
    assert Permission.objects.count() == sum(
        len(model._meta.default_permissions) + len(model._meta.permissions) for model in apps.get_models()
    )


def test_the_triggers_work_again_afterwards() -> None:
    emptying.empty()
    batch = factories.make_batch()
    factories.make_asset(batch)
    assert Tally.objects.filter(kind="asset", batch_id=batch.pk).exists()
    event = audit.record("batch.named", batch)
    if connection.vendor == "postgresql":
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            AuditEvent.objects.filter(pk=event.pk).delete()


def test_a_request_that_a_closed_page_left_behind_is_answered_first() -> None:
    begun, answered = threading.Event(), threading.Event()

    def server() -> None:
        request_started.send(sender=None)
        begun.set()
        time.sleep(0.3)
        answered.set()
        request_finished.send(sender=None)

    threading.Thread(target=server).start()
    begun.wait(5)
    emptying.wait_for_the_server()
    assert answered.is_set()
