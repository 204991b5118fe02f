"""SEC-06, OBS-24: who saw, who took out. Each test asks the log, as an auditor would."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client as Browser

from reviewapp.enums import Role
from reviewapp.models import AuditEvent
from reviewapp.services import delivery as deliveries
from reviewapp.services import leases, people
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def said(verb: str) -> list[AuditEvent]:
    """Events of that verb, oldest first."""
    return list(AuditEvent.objects.filter(verb=verb).order_by("pk"))


@pytest.fixture
def mona(client: Browser) -> User:
    """A manager who is also an admin, signed in."""
    people.seed_roles()
    user = factories.make_user("mona", Role.MANAGER, Role.ADMIN)
    client.force_login(user)
    return user


def test_sec06_who_was_shown_which_photo_is_written_down_once_per_lease() -> None:
    tasks = [factories.make_review() for _ in range(3)]
    ria, rob = factories.make_user("ria", Role.REVIEWER), factories.make_user("rob", Role.REVIEWER)
    leases.claim_next(ria, 2)
    leases.claim_next(ria, 2)  # a reload shows the same two
    leases.claim_next(rob, 2)
    leases.claim_next(rob, 2)
    events = said("review.shown")
    assert [(event.actor, event.after["tasks"]) for event in events] == [
        (ria, [tasks[0].pk, tasks[1].pk]),
        (rob, [tasks[2].pk]),
    ]


def test_sec06_lists_that_leave_and_the_log_itself_are_recorded(client: Browser, mona: User) -> None:
    batch = factories.make_batch()
    client.get(f"/batches/{batch.pk}/intake.csv")
    client.get(f"/presets/versions/{batch.preset_version_id}/export/")
    client.get("/audit/", {"verb": "batch", "page": "x"})
    call_command("export_labels", "/dev/null")
    assert said("batch.exported")[0].after == {"what": "intake.csv"}
    assert said("preset.exported")[0].actor == mona
    assert said("audit.viewed")[0].after == {"verb": "batch"}
    client.force_login(User.objects.create_superuser("root"))
    assert client.get("/ops/reviewapp/auditevent/").status_code == 200
    assert said("audit.viewed")[1].after["where"] == "ops"
    assert said("labels.exported")[0].noun == "labels"


def test_sec06_a_download_that_breaks_off_is_recorded_all_the_same(client: Browser, mona: User) -> None:
    batch = factories.make_batch()
    factories.make_approved(batch)
    made = deliveries.release(batch, mona)
    answer = client.get(f"/deliveries/{made.pk}/download/")
    next(iter(answer.streaming_content))  # type: ignore[attr-defined]
    answer.close()
    assert [event.actor for event in said("delivery.download_begun")] == [mona]
    assert said("delivery.downloaded") == []
