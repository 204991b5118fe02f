"""SEC-01, ANT-14: services hold by themselves what views hold: nobody decides about a client that is not theirs."""

from __future__ import annotations

from importlib import import_module
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reviewapp import storage
from reviewapp.enums import (
    AssetState,
    BatchState,
    EditTaskState,
    GoldSource,
    LookKind,
    ReviewTaskState,
    Role,
    Verdict,
)
from reviewapp.models import Asset, AuditEvent, Batch, Client, EditTask, GoldItem, PersonScope, ReviewDecision
from reviewapp.policies.choosing import Choice
from reviewapp.selectors import access, choosing, home, people_at_work, review, shell, tallies
from reviewapp.selectors.people import roles_of
from reviewapp.services import adjusting, bulk, delivery, editing, hidden, leases, owners
from reviewapp.services.people import NotTheirs
from reviewapp.services.review import DecisionResult, record_decision, undo
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def mine() -> Batch:
    return factories.make_batch(name="Mine", state=BatchState.REVIEW)


@pytest.fixture
def foreign() -> Batch:
    return factories.make_batch(name="Foreign", state=BatchState.REVIEW)


@pytest.fixture
def rita(mine: Batch) -> User:
    """Reviewer and senior for one client."""
    return factories.make_user("rita", Role.REVIEWER, Role.SENIOR, clients=[mine.client])


def fresh(user: User) -> User:
    """As the next request reads the person."""
    return User.objects.get(pk=user.pk)


def decide(user: User, task_id: int, verdict: str = "approve") -> DecisionResult:
    return record_decision(user, task_id, seen_version=0, verdict=verdict, idempotency_key=str(uuid4()))


def test_sec01_nobody_sees_anything_unless_it_was_given() -> None:
    client = factories.make_client()
    nobody = User.objects.create_user("made-elsewhere")  # by a sign-in from outside, say
    assert access.clients_of(nobody) == access.clients_of(AnonymousUser()) == frozenset()
    assert not access.limit(Client.objects.all(), nobody, "pk").exists() and not access.may_see(nobody, client.pk)
    closed = factories.make_user("closed")
    closed.is_active = False
    assert access.clients_of(closed) == frozenset()
    assert access.clients_of(factories.make_user("all")) is None
    assert access.clients_of(User(username="root", is_superuser=True)) is None


def test_sec01_who_had_an_account_before_keeps_every_client() -> None:
    before = User.objects.create_user("before")
    after = factories.make_user("after", clients=[])
    import_module("reviewapp.migrations.0030_who_sees_what").everybody_keeps_all(apps, None)
    assert access.clients_of(fresh(before)) is None and access.clients_of(fresh(after)) == frozenset()
    assert PersonScope.objects.count() == 2


@pytest.mark.parametrize("queue", review.QUEUES)
def test_sec01_the_queue_gives_out_and_counts_the_persons_clients_only(
    queue: review.Queue, mine: Batch, foreign: Batch, rita: User
) -> None:
    own = [factories.make_review(mine).pk for _ in range(2)]
    for _ in range(3):
        factories.make_review(foreign)
    for batch in (mine, foreign):
        task = factories.make_review(batch)
        type(task).objects.filter(pk=task.pk).update(state=ReviewTaskState.ON_HOLD, decided_at="2026-01-01T00:00Z")
        lent = factories.make_review(batch)
        type(lent).objects.filter(pk=lent.pk).update(lease_owner=factories.make_user(), lease_until="2999-01-01T00:00Z")
    counts = review.queue_counts(rita, queue)
    assert (counts.waiting, counts.free, counts.others, counts.held) == (3, 2, 1, 1)
    assert counts.waiting == review.open_tasks(queue, rita).count() == review.waiting_for(rita)
    assert counts.held == review.held_tasks(queue, rita).count()
    assert [task.pk for task in leases.claim_next(rita, 16, queue)] == own
    assert shell.counts_for(rita, roles_of(rita)).waiting_review == 3
    assert {need.kind: need.count for need in home.needs(rita, roles_of(rita))}["held"] == 1


def test_sec01_a_choice_of_another_client_finds_and_names_nothing(foreign: Batch, rita: User) -> None:
    factories.make_review(foreign)
    choice = Choice(client=foreign.client_id)
    assert choosing.words(rita, choice) == "" and choosing.waiting(rita, "assisted", choice) == 0
    assert leases.claim_next(rita, 4, "assisted", choice) == []
    with pytest.raises(bulk.BulkRefused):
        bulk.apply(rita, choice, Verdict.APPROVE, seen=1)
    assert list(choosing.clients(rita)) == [Client.objects.get(pk=rita.client_access.get().client_id)]  # type: ignore[attr-defined]


def test_sec01_a_known_picture_of_another_client_is_never_queued_to_them(
    mine: Batch, foreign: Batch, rita: User
) -> None:
    photo = factories.make_asset(foreign, AssetState.APPROVED)
    item = GoldItem.objects.create(
        asset=photo, run=factories.make_run(photo), is_defective=True, source=GoldSource.INJECTED
    )
    look = hidden.open_looks([hidden.Wanted(photo, item.run_id, LookKind.GOLD, gold=item)])[0]
    assert leases.claim_next(rita, 16) == [] and review.queue_counts(rita).waiting == 0
    everywhere = factories.make_user("ria", Role.REVIEWER)
    assert [task.pk for task in leases.claim_next(everywhere, 16)] == [look.task_id]


def test_sec01_a_decision_about_another_client_is_refused_like_one_about_nothing(foreign: Batch, rita: User) -> None:
    task = factories.make_review(foreign)
    for verdict in ("approve", "hold", "skip"):
        assert decide(rita, task.pk, verdict) == decide(rita, 99_999, verdict)
    assert not ReviewDecision.objects.exists()
    task.refresh_from_db()
    assert task.state == ReviewTaskState.OPEN and task.version == 0


def test_sec01_what_was_decided_before_the_client_was_taken_away_stays_and_is_not_shown(
    mine: Batch, rita: User
) -> None:
    task, lent = factories.make_review(mine), factories.make_review(mine)
    made = decide(rita, task.pk).decision
    assert made is not None and leases.claim_next(rita, 1)
    rita.client_access.all().delete()  # type: ignore[attr-defined]
    again = fresh(rita)
    assert not undo(again, made.pk).is_undone and undo(again, made.pk) == undo(again, 99_999)
    assert list(review.my_recent_decisions(again)) == []
    assert leases.beat(again, [lent.pk]) == [] and leases.claim_next(again, 4) == []
    with pytest.raises(adjusting.AdjustRefused):
        adjusting.ask(again, lent.pk, {})


def test_sec01_a_photo_is_escalated_only_where_a_senior_works_for_its_client(
    mine: Batch, foreign: Batch, rita: User
) -> None:
    ria = factories.make_user("ria", Role.REVIEWER)
    elsewhere, here = factories.make_review(foreign), factories.make_review(mine)
    assert "Nobody here is a senior" in decide(ria, elsewhere.pk, "escalate").message
    assert decide(ria, here.pk, "escalate").status == "saved", "rita is"


def test_sec01_a_held_photo_of_another_client_is_not_taken_up(foreign: Batch, rita: User) -> None:
    task = factories.make_review(foreign)
    type(task).objects.filter(pk=task.pk).update(state=ReviewTaskState.ON_HOLD)
    assert leases.take_back(rita, task.pk) is None
    task.refresh_from_db()
    assert task.state == ReviewTaskState.ON_HOLD


def test_sec01_no_hand_is_laid_on_an_edit_of_another_client(foreign: Batch, rita: User) -> None:
    task = factories.make_edit(foreign)
    for act in (
        lambda: editing.claim(rita, task.pk),
        lambda: editing.release(rita, task.pk),
        lambda: editing.submit(rita, task.pk, [b"x"], "x.png"),
        lambda: editing.accept_start(rita, task.pk),
        lambda: editing.sign_off(rita, task.pk),
        lambda: editing.send_back(rita, task.pk, "again"),
        lambda: editing.give_up(rita, task.pk, "no"),
    ):
        with pytest.raises(EditTask.DoesNotExist):
            act()
    task.refresh_from_db()
    assert (task.state, task.editor_id) == (EditTaskState.OPEN, None) and not AuditEvent.objects.exists()


def test_sec01_a_batch_of_another_client_is_neither_delivered_nor_handed_over(mine: Batch, foreign: Batch) -> None:
    mia = factories.make_user("mia", Role.MANAGER, clients=[mine.client])
    with pytest.raises(NotTheirs):
        delivery.release(foreign, mia)
    with pytest.raises(owners.OwnerRefused, match="doesn't work for this client"):
        owners.hand_to(foreign, mia, factories.make_user("max", Role.MANAGER), seen=0)
    assert access.who_may_see(User.objects.filter(pk=mia.pk), mine.client_id).get() == mia
    assert not access.who_may_see(User.objects.filter(pk=mia.pk), foreign.client_id).exists()


def test_sec01_who_works_for_every_client_is_asked_the_same_of_the_database_as_before(mine: Batch) -> None:
    """No join, no condition and no query more: what the page costs with a million photos stays as it is."""
    factories.make_review(mine)
    everybody = factories.make_user("ria", Role.REVIEWER)
    with CaptureQueriesContext(connection) as made:
        leases.claim_next(everybody, 1)
        review.queue_counts(everybody)
    asked = [query["sql"] for query in made.captured_queries]
    assert not [sql for sql in asked if "client_id IN" in sql or "1 = 0" in sql or "clientaccess" in sql]
    with_roles = [sql for sql in asked if "auth_user_groups" in sql]
    assert [sql for sql in asked if "personscope" in sql] == with_roles, "read along with the roles"


def test_sec01_who_works_for_some_costs_one_query_more_a_page(mine: Batch) -> None:
    factories.make_review(mine)
    some = factories.make_user("mia", Role.MANAGER, Role.REVIEWER, clients=[mine.client])
    every = factories.make_user("max", Role.MANAGER, Role.REVIEWER)
    for name in ("images:list", "review:chooser", "deliveries:list", "batches:list"):
        counted = []
        for person in (every, some):
            browser = Browser()
            browser.force_login(person)
            with CaptureQueriesContext(connection) as made:
                assert browser.get(reverse(name)).status_code == 200
            counted.append([query["sql"] for query in made.captured_queries])
        assert sum("clientaccess" in sql for sql in counted[1]) == 1, name
        assert not [sql for sql in counted[0] if "clientaccess" in sql]
        assert len(counted[1]) <= len(counted[0]) + 2, name


def test_sec01_home_counts_the_persons_clients_only(mine: Batch, foreign: Batch) -> None:
    for batch in (mine, foreign, foreign):
        decide(factories.make_user("", Role.REVIEWER), factories.make_review(batch).pk)
        factories.make_edit(batch)
        factories.make_asset(batch, AssetState.FAILED)
    mia = factories.make_user("mia", Role.MANAGER, clients=[mine.client])
    flow, today = home.flow(mia), home.today(mia)
    assert (flow.scored_today, flow.waiting_editing, today.figures.total) == (2, 1, 3)
    assert home.flow(factories.make_user("max", Role.MANAGER)).scored_today == 6
    assert [row.batch for row in home.active_batches(mia)] == [mine]
    assert sum(hour.reviewed for hour in home.pace(mia)) == 1 and len(people_at_work.reviewing_now(mia)) == 1
    assert {need.batch for need in home.needs(mia, roles_of(mia))} == {mine}
    assert tallies.reviews(access.clients_of(mia))[ReviewTaskState.OPEN] == 0


def test_sec01_a_photo_of_another_client_is_not_slipped_into_an_action_on_ones_own_batch(
    client: Browser, mine: Batch, foreign: Batch
) -> None:
    photo = factories.make_asset(foreign, AssetState.FAILED, state_code="stage")
    client.force_login(factories.make_user("mia", Role.MANAGER, clients=[mine.client]))
    url = reverse("batches:exceptions", args=[mine.pk])
    client.post(url, {"photos": [photo.pk], "category": "mug"})
    assert Asset.objects.get(pk=photo.pk).state == AssetState.FAILED
    order = {"client": foreign.client_id, "name": "Slipped", "channels": [], "priority": 5}
    answer = client.post(reverse("batches:new"), order)
    assert answer.status_code == 422 and "client" in answer.context["form"].errors
    assert "new_client" not in answer.context["form"].fields
    for asked in ({"client": foreign.client_id}, {"batch": foreign.pk}, {"q": photo.filename[:-4]}, {"sku": photo.sku}):
        found = client.get(reverse("images:list"), asked)
        assert found.context["page"].assets == [], asked


def test_sec06_every_download_of_an_original_says_who_when_and_which(
    client: Browser, mine: Batch, foreign: Batch
) -> None:
    photo, other = factories.make_asset(mine), factories.make_asset(foreign)
    eda = factories.make_user("eda", Role.EDITOR, clients=[mine.client])
    client.force_login(eda)
    for one in (photo, other):
        stored = storage.put_bytes(f"bytes {one.pk}".encode(), prefix="o")
        Asset.objects.filter(pk=one.pk).update(original_key=stored.key)
    assert client.get(reverse("media:original", args=[photo.pk])).status_code == 200
    assert client.get(reverse("media:original", args=[other.pk])).status_code == 404
    event = AuditEvent.objects.get(verb="original.downloaded")
    assert (event.actor, event.asset, event.batch, event.object_id) == (eda, photo, mine, str(photo.pk))
