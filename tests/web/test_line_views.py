"""The line's page: what waits, and the switch that is an admin's alone; failures tried again by their kind."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from reviewapp.enums import AssetState, FailureCategory, Role, Step, TaskState
from reviewapp.models import AuditEvent, Batch, LinePause, Task
from reviewapp.services import runs
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Browser) -> Browser:
    client.force_login(factories.make_user("ada", Role.ADMIN))
    return client


def test_an_admin_pauses_the_line_with_a_reason_and_lets_it_go_on(admin: Browser) -> None:
    runs.create_task(factories.make_asset(factories.make_batch()), Step.VALIDATE, "validate:1")
    assert "Pause the whole line" in admin.get(reverse("line")).content.decode()
    admin.post(reverse("line_pause"), {"reason": ""})
    assert not LinePause.objects.exists()
    admin.post(reverse("line_pause"), {"reason": "New lamps are put up"})
    page = admin.get(reverse("line")).content.decode()
    assert "New lamps are put up" in page and "Let the line go on" in page
    assert "The whole line is paused" in admin.get(reverse("home")).content.decode()
    admin.post(reverse("line_resume"))
    assert not LinePause.objects.exists()


def test_a_manager_sees_the_line_and_has_no_switch(client: Browser) -> None:
    client.force_login(factories.make_user("mo", Role.MANAGER))
    page = client.get(reverse("line")).content.decode()
    assert "Nothing waits." in page and "Pause the whole line" not in page
    assert client.post(reverse("line_pause"), {"reason": "x"}).status_code == 403


def test_ops14_ant01_a_backlog_is_on_the_home_page(admin: Browser, settings: Any) -> None:
    settings.QUEUE_LIMIT = 10
    batch = factories.make_batch()
    for n in range(11):
        runs.create_task(factories.make_asset(batch), Step.VALIDATE, f"validate:{n}")
    assert "More than 10 steps wait for a worker" in admin.get(reverse("home")).content.decode()
    assert "More than 10 steps wait." in admin.get(reverse("line")).content.decode()


def failed(batch: Batch, category: FailureCategory, code: str) -> None:
    asset = factories.make_asset(batch, AssetState.FAILED, state_code=code, state_reason=f"It was {code}.")
    Task.objects.create(
        asset=asset, step=Step.PROCESS, key=f"process:{asset.pk}", state=TaskState.DEAD, available_at=timezone.now(),
        error_category=category, error_code=code,
    )  # fmt: skip


def test_sch22_obs22_network_failures_alone_are_tried_again(admin: Browser) -> None:
    batch = factories.make_batch()
    for code in ("ConnectionError", "TimeoutError"):
        failed(batch, FailureCategory.NETWORK, code)
    failed(batch, FailureCategory.PROCESSING, "no_mask")
    text = admin.get(reverse("batches:failures", args=[batch.pk])).content.decode()
    assert 'value="network_errors"' in text and 'value="processing_errors"' in text
    assert 'value="validation_errors"' not in text, "only kinds that are there"
    answer = admin.post(reverse("batches:retry", args=[batch.pk]), {"category": "network_errors"}, follow=True)
    assert "2 images go through the line again." in answer.content.decode()
    states = dict(batch.assets.values_list("state_code", "state"))
    assert states.pop("no_mask") == AssetState.FAILED
    assert batch.assets.filter(state=AssetState.QUEUED).count() == 2
    event = AuditEvent.objects.get(verb="batch.retried")
    assert event.after == {"code": "", "category": "network_errors", "photos": 2}
    assert AuditEvent.objects.filter(verb="task.retried").count() == 2, "and one for each photo"


def test_ant08_a_hundred_failures_are_tried_again_by_one_press(admin: Browser) -> None:
    batch = factories.make_batch()
    for _ in range(100):
        failed(batch, FailureCategory.NETWORK, "TimeoutError")
    admin.post(reverse("batches:retry", args=[batch.pk]))
    assert batch.assets.filter(state=AssetState.QUEUED).count() == 100
