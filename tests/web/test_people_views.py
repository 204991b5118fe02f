"""SEC-01: for which clients somebody works is asked, given by an admin who sees all of them, and written down."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse

from reviewapp.enums import EditTaskState, Role
from reviewapp.models import AuditEvent, Client
from reviewapp.selectors import access
from reviewapp.services import granting, leases
from reviewapp.services import people as roles
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-first-password-7"


@pytest.fixture
def admin(client: Browser) -> Browser:
    client.force_login(factories.make_user("ada", Role.ADMIN))
    return client


def fresh(name: str) -> User:
    """As the next request reads the person."""
    return User.objects.get(username=name)


def posted(person: User, **changes: object) -> dict[str, object]:
    held = [group.name for group in person.groups.all()]
    return {"roles": held, "is_active": "on", "works_for": "all", "seen": 0} | changes


def test_sec01_a_new_person_works_for_nobody_until_an_admin_says_for_whom(admin: Browser) -> None:
    lamps, _other = factories.make_client(name="Lamps"), factories.make_client(name="Shoes")
    data: dict[str, object] = {"username": "rita", "password": PASSWORD, "roles": ["reviewer"]}
    answer = admin.post(reverse("people:new"), data)
    assert answer.status_code == 422 and list(answer.context["form"].errors) == ["works_for"]
    both = admin.post(reverse("people:new"), data | {"works_for": "all", "clients": [lamps.pk]})
    assert both.status_code == 422 and list(both.context["form"].errors) == ["clients"]
    assert admin.post(reverse("people:new"), data | {"works_for": "some", "clients": [lamps.pk]}).status_code == 302
    assert access.clients_of(fresh("rita")) == {lamps.pk}
    event = AuditEvent.objects.get(verb="person.clients_changed")
    assert (event.before, event.after) == ({"clients": []}, {"clients": ["Lamps"]})


def test_sec01_an_admin_changes_for_whom_somebody_works_and_the_list_shows_it(admin: Browser) -> None:
    lamps, shoes = factories.make_client(name="Lamps"), factories.make_client(name="Shoes")
    rita = factories.make_user("rita", Role.REVIEWER, clients=[lamps])
    factories.make_user("nina", Role.REVIEWER, clients=[])
    url = reverse("people:edit", args=[rita.pk])
    page = admin.get(url).content.decode()
    assert re.search(rf'value="{lamps.pk}"[^>]* checked', page) and not re.search(
        rf'value="{shoes.pk}"[^>]* chec', page
    )
    assert admin.post(url, posted(rita, works_for="some", clients=[shoes.pk])).status_code == 302
    assert access.clients_of(fresh("rita")) == {shoes.pk}
    rows = admin.get(reverse("people:list")).content.decode()
    assert "Shoes" in rows and "Lamps" not in rows and "No client" in rows and "Every client" in rows
    assert admin.post(url, posted(rita, seen=1)).status_code == 302
    assert access.has_every_client(fresh("rita"))


def test_sec01_a_form_from_before_somebody_elses_change_is_refused_once(admin: Browser) -> None:
    lamps = factories.make_client(name="Lamps")
    rita = factories.make_user("rita", Role.REVIEWER)
    url = reverse("people:edit", args=[rita.pk])
    admin.post(url, posted(rita, works_for="some", clients=[lamps.pk]))
    stale = admin.post(url, posted(rita))
    assert stale.status_code == 409 and "ada changed this person after you opened this form" in stale.content.decode()
    assert access.clients_of(fresh("rita")) == {lamps.pk}, "nothing was saved"
    assert 'name="seen" value="1"' in stale.content.decode()
    assert admin.post(url, posted(rita, seen=1)).status_code == 302


def test_sec01_saving_what_stands_writes_nothing(admin: Browser) -> None:
    rita = factories.make_user("rita", Role.REVIEWER)
    for _ in range(2):
        assert admin.post(reverse("people:edit", args=[rita.pk]), posted(rita)).status_code == 302
    assert not AuditEvent.objects.exists()


def test_sec01_only_an_admin_of_every_client_gives_clients() -> None:
    lamps = factories.make_client()
    rita = factories.make_user("rita", Role.REVIEWER, clients=[])
    for actor in (factories.make_user("mia", Role.MANAGER), factories.make_user("al", Role.ADMIN, clients=[lamps])):
        with pytest.raises(roles.NotAllowed):
            granting.grant(rita, granting.Reach(clients=frozenset({lamps.pk})), actor)
    ada = factories.make_user("ada", Role.ADMIN)
    with pytest.raises(roles.NotAllowed, match="yourself"):
        granting.grant(ada, granting.Reach(clients=frozenset({lamps.pk})), ada)
    assert access.clients_of(fresh("rita")) == frozenset()


def test_sec01_what_a_person_holds_of_a_client_they_lose_goes_back_into_its_queue() -> None:
    kept, lost = factories.make_batch(), factories.make_batch()
    rita = factories.make_user("rita", Role.REVIEWER, Role.EDITOR)
    factories.make_review(kept)
    factories.make_review(lost)
    desk = [factories.make_edit(batch, editor=rita, state=EditTaskState.CLAIMED) for batch in (kept, lost)]
    assert len(leases.claim_next(rita, 2)) == 2
    granting.grant(rita, granting.Reach(clients=frozenset({kept.client_id})), factories.make_user("ada", Role.ADMIN))
    again = fresh("rita")
    assert [task.asset.batch_id for task in leases.claim_next(again, 2)] == [kept.pk]
    for task in desk:
        task.refresh_from_db()
    assert [task.editor_id for task in desk] == [rita.pk, None] and desk[1].state == EditTaskState.OPEN
    assert AuditEvent.objects.filter(verb="edit.released", asset=desk[1].asset).count() == 1


def test_sec01_a_client_that_goes_takes_its_grants_along() -> None:
    gone = factories.make_client()
    rita = factories.make_user("rita", Role.REVIEWER, clients=[gone])
    Client.objects.filter(pk=gone.pk).delete()
    assert access.clients_of(fresh(rita.username)) == frozenset()
