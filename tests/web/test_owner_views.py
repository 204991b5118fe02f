"""Whose batch it is (REV-13): on the list, on its page, handed over, and named where it needs somebody."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reviewapp.enums import AlarmKind, Role
from reviewapp.models import AuditEvent, Batch
from reviewapp.selectors import progress, proof
from reviewapp.services import owners, scopes
from reviewapp.services.people import NotAllowed
from tests import factories, line
from tests import lots as world

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def mona() -> User:
    return factories.make_user("mona", Role.MANAGER)


@pytest.fixture
def mia() -> User:
    return factories.make_user("mia", Role.ADMIN)


def test_rev13_who_makes_a_batch_owns_it(mona: User) -> None:
    assert line.open_batch(actor=mona).owner == mona
    assert line.open_batch(name="By a command").owner is None


def test_rev13_a_batch_is_handed_to_another_manager_with_a_row_in_the_audit_log(mona: User, mia: User) -> None:
    batch = factories.make_batch(owner=mona)
    owners.hand_to(batch, mia, mona, seen=mona.pk, note="On holiday")
    owners.hand_to(batch, mia, mona, seen=mia.pk)
    assert Batch.objects.get(pk=batch.pk).owner == batch.owner == mia
    event = AuditEvent.objects.get(verb="batch.owner")
    assert (event.actor, event.before, event.after) == (mona, {"owner": "mona"}, {"owner": "mia"})
    assert event.note == "On holiday" and event.batch == batch


def test_rev13_only_managers_own_and_hand_over_and_the_second_of_two_is_told(mona: User, mia: User) -> None:
    batch = factories.make_batch(owner=mona)
    for role in (Role.REVIEWER, Role.EDITOR, Role.SENIOR):
        somebody = factories.make_user("", role)
        with pytest.raises(owners.OwnerRefused, match="manager or an admin"):
            owners.hand_to(batch, somebody, mona, seen=mona.pk)
        with pytest.raises(NotAllowed):
            owners.hand_to(batch, mia, somebody, seen=mona.pk)
    gone = factories.make_user("gone", Role.MANAGER)
    User.objects.filter(pk=gone.pk).update(is_active=False)
    with pytest.raises(owners.OwnerRefused, match="open account"):
        owners.hand_to(batch, gone, mona, seen=mona.pk)
    owners.hand_to(batch, mia, mona, seen=mona.pk)
    with pytest.raises(owners.OwnerRefused, match="its owner is mia now"):
        owners.hand_to(batch, mona, mona, seen=mona.pk)
    assert Batch.objects.get(pk=batch.pk).owner == mia


def test_rev13_the_page_hands_it_over(client: Browser, mona: User, mia: User) -> None:
    batch = factories.make_batch(name="Mugs")
    client.force_login(mona)
    detail, url = reverse("batches:detail", args=[batch.pk]), reverse("batches:owner", args=[batch.pk])
    assert "Nobody" in client.get(detail).content.decode() and url in client.get(detail).content.decode()
    page = client.get(url)
    assert [user.username for user in page.context["form"].fields["owner"].queryset] == ["mia", "mona"]
    assert client.post(url, {"owner": mia.pk, "seen": 0}).url == detail
    text = client.get(detail).content.decode()
    assert "mia owns this batch now" in text and "Owner: mia" in text
    late = client.post(url, {"owner": mona.pk, "seen": 0})
    assert late.status_code == 409 and "its owner is mia now" in late.content.decode()
    stranger = client.post(url, {"owner": factories.make_user("rita", Role.REVIEWER).pk, "seen": mia.pk})
    assert stranger.status_code == 422 and 'id="id_owner_error"' in stranger.content.decode()


def test_rev13_the_list_names_owners_and_shows_mine_by_pages(client: Browser, mona: User, mia: User) -> None:
    for n in range(60):
        factories.make_batch(owner=mona if n % 2 else mia)
    client.force_login(mona)
    url, seen, cursor = reverse("batches:list"), [], ""
    while True:
        page = client.get(url, {"filter": "mine", "after": cursor}, headers=HTMX).context["page"]
        seen += [row.batch for row in page.rows]
        if not (cursor := page.next_cursor):
            break
    assert len(seen) == 30 and {batch.owner for batch in seen} == {mona}
    assert [batch.pk for batch in seen] == sorted((batch.pk for batch in seen), reverse=True)
    answer = client.get(url)
    assert {chip.key: chip.count for chip in answer.context["chips"]}["mine"] == 30
    assert 'title="mia"' in answer.content.decode()


def test_rev13_mine_costs_the_same_however_many_there_are(client: Browser, mona: User) -> None:
    client.force_login(mona)
    url = reverse("batches:list") + "?filter=mine"

    def cost() -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as caught:
            client.get(url)
        return len(caught)

    factories.make_batch(owner=mona)
    few = cost()
    for _ in range(20):
        factories.make_batch(owner=mona)
    assert cost() == few <= 8
    one = factories.make_batch()
    Batch.objects.bulk_create(
        Batch(client=one.client, preset_version=one.preset_version, name=f"Another's {n}") for n in range(600)
    )
    asked: Any = Batch.objects.filter(progress._filtered("mine", mona.pk), pk__lt=10**9).order_by("-pk").values("pk")
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ANALYZE reviewapp_batch")  # else it depends on when the server last looked by itself
            cursor.execute("SET enable_seqscan = off")
        plan = asked[:25].explain()
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = on")
    assert "batch_owner" in plan or "PRIMARY KEY" in plan, plan


def test_rev13_an_alarm_about_a_lot_names_the_owner(client: Browser, mona: User) -> None:
    User.objects.filter(pk=mona.pk).update(first_name="Mona", last_name="Berg")
    batch = world.proven_batch()
    Batch.objects.filter(pk=batch.pk).update(owner=mona)
    world.approved(batch, 30)
    lot = world.planned(batch)
    scopes.raise_alarm(AlarmKind.INCIDENT, "lot", "Something is wrong.", lot=lot)
    scopes.raise_alarm(AlarmKind.FEW_GOLD, "gold", "Too few.")
    named = {alarm.kind: getattr(alarm, "owner_name", "") for alarm in proof.open_alarms()}
    assert named[AlarmKind.INCIDENT] == "Mona Berg" and named[AlarmKind.FEW_GOLD] is None
    client.force_login(mona)
    assert "Owner of the batch: Mona Berg." in client.get(reverse("quality:proof")).content.decode()
    User.objects.filter(pk=mona.pk).update(first_name="", last_name="")
    assert {alarm.kind: alarm for alarm in proof.open_alarms()}[AlarmKind.INCIDENT].owner_name == "mona"
