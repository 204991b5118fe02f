"""The audit log, the people page and the operations admin over HTTP."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse

from reviewapp import models
from reviewapp.enums import Role
from reviewapp.models import AuditEvent
from reviewapp.services import audit, people
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
PASSWORD = "correct horse battery"


@pytest.fixture
def ada() -> User:
    """An admin, and the five roles to give."""
    people.seed_roles()
    return factories.make_user("ada", Role.ADMIN)


@pytest.fixture
def admin(client: Browser, ada: User) -> Browser:
    """A browser signed in as an admin."""
    client.force_login(ada)
    return client


def test_obs24_the_log_is_filtered_by_noun_person_and_batch(admin: Browser, ada: User) -> None:
    one, other = factories.make_batch(), factories.make_batch()
    audit.record("batch.created", one, actor=ada)
    audit.record("batch.priority", other, after={"priority": 2})
    audit.record("delivery.released", other, actor=ada, after={"number": 1})
    url = reverse("audit:list")

    def verbs(**query: object) -> list[str]:
        return [event.verb for event in admin.get(url, query, headers=HTMX).context["page"].rows]

    assert verbs() == ["delivery.released", "batch.priority", "batch.created"]
    assert verbs(verb="batch") == ["batch.priority", "batch.created"]
    assert verbs(verb="batch.created") == ["batch.created"]
    assert verbs(actor=ada.pk) == ["delivery.released", "batch.created"]
    assert verbs(batch=other.pk) == ["delivery.released", "batch.priority"]
    assert verbs(batch="x", verb="%") == ["delivery.released", "batch.priority", "batch.created"]
    assert verbs(actor="nobody") == [], "a name is looked for"


def test_obs24_a_row_shows_what_changed_and_nothing_else(admin: Browser) -> None:
    """Two whole configurations differ in one value of a group; what is only noted has no "before"."""
    batch = factories.make_batch()
    whole = {f"setting_{n}": n for n in range(40)}
    after = {**whole, "shadow": {"kind": "soft", "opacity": 0.4}, "is_new": True}
    audit.record("preset.changed", batch, before={**whole, "shadow": {"kind": "soft", "opacity": 0.3}}, after=after)
    page = admin.get(reverse("audit:list")).content.decode()
    assert "<li>shadow opacity 0.3 → <b>0.4</b></li>" in page and "<li>is new <b>yes</b></li>" in page
    assert "setting 1" not in page
    audit.record("preset.made", batch, after=whole)
    audit.record("edit.released", batch, before={"editor": 7})
    page = admin.get(reverse("audit:list")).content.decode()
    assert "<li>setting 7 <b>7</b></li><li>and 32 more values</li>" in page
    assert "<li>editor 7 → <b>–</b></li>" in page


def test_obs24_the_log_pages_by_key_and_keeps_its_filter(admin: Browser) -> None:
    batch = factories.make_batch()
    for n in range(120):
        audit.record("batch.priority", batch, after={"priority": n % 10 + 1})
    first = admin.get(reverse("audit:list"), {"verb": "batch"})
    cursor = first.context["page"].next_cursor
    assert f"verb=batch&amp;after={cursor}" in first.content.decode()
    more = admin.get(reverse("audit:list"), {"verb": "batch", "after": cursor}, headers=HTMX)
    assert len(more.context["page"].rows) == 20 and b"<html" not in more.content
    seen = [event.pk for event in (*first.context["page"].rows, *more.context["page"].rows)]
    assert seen == sorted(set(seen), reverse=True) and len(seen) == 120


def test_sec01_an_admin_adds_a_person_who_can_sign_in(admin: Browser) -> None:
    data: dict[str, object] = {"username": "rita", "first_name": "Rita", "password": PASSWORD, "works_for": "all"}
    data["roles"] = ["reviewer", "editor"]
    assert admin.post(reverse("people:new"), data).status_code == 302
    rita = User.objects.get(username="rita")
    assert {group.name for group in rita.groups.all()} == {"reviewer", "editor"}
    assert Browser().login(username="rita", password=PASSWORD)
    assert PASSWORD not in str(list(AuditEvent.objects.values_list("after", "note")))


@pytest.mark.parametrize(
    ("change", "field"),
    [({"username": "ada"}, "username"), ({"password": "password"}, "password"), ({"roles": []}, "roles")],
)
def test_sec01_a_taken_name_a_weak_password_or_no_role_is_said_at_its_field(
    admin: Browser, change: dict[str, object], field: str
) -> None:
    data = {"username": "rita", "password": PASSWORD, "roles": ["reviewer"], "works_for": "all", **change}
    answer = admin.post(reverse("people:new"), data)
    assert answer.status_code == 422 and list(answer.context["form"].errors) == [field]
    assert User.objects.count() == 1


def test_sec01_roles_change_and_a_closed_account_can_not_sign_in(admin: Browser) -> None:
    rita = factories.make_user("rita", Role.REVIEWER)
    rita.set_password(PASSWORD)
    rita.save()
    url = reverse("people:edit", args=[rita.pk])
    admin.post(url, {"roles": ["senior"], "is_active": "on", "works_for": "all", "seen": 0})
    assert [group.name for group in rita.groups.all()] == ["senior"]
    admin.post(url, {"roles": ["senior"], "works_for": "all", "seen": 1})
    assert not Browser().login(username="rita", password=PASSWORD)
    verbs = AuditEvent.objects.filter(noun="user", object_id=str(rita.pk)).values_list("verb", flat=True)
    assert {"person.roles_changed", "person.closed"} <= set(verbs)


def test_sec01_nobody_closes_or_demotes_themselves(admin: Browser, ada: User) -> None:
    url = reverse("people:edit", args=[ada.pk])
    mine: dict[str, object] = {"works_for": "all", "seen": 0}
    limited = {"roles": ["admin"], "is_active": "on", "works_for": "some"}
    for data in ({"roles": ["admin"]}, {"roles": ["reviewer"], "is_active": "on"}, limited):
        answer = admin.post(url, mine | data)
        assert answer.status_code == 422 and "Another admin can" in answer.content.decode()
    ada.refresh_from_db()
    assert ada.is_active and ada.groups.filter(name="admin").exists()


def test_ops_the_operations_admin_lists_every_table_and_changes_none(client: Browser) -> None:
    client.force_login(User.objects.create_superuser("root"))
    batch = factories.make_batch("shopify")
    factories.make_approved(batch)
    factories.make_review(batch)
    for name in models.__all__:
        if f"reviewapp_{name.lower()}_changelist" not in str(client.get("/ops/").content) and name in (
            "BatchChannel",
            "DeliveryItem",
            "SheetRow",
        ):
            continue
        assert client.get(f"/ops/reviewapp/{name.lower()}/").status_code == 200, name
    page = client.get(f"/ops/reviewapp/batch/{batch.pk}/change/")
    assert page.status_code == 200 and batch.sample_seed not in page.content.decode()
    assert client.post(f"/ops/reviewapp/batch/{batch.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post("/ops/reviewapp/auditevent/add/", {}).status_code == 403


def test_sec01_the_operations_admin_is_closed_to_managers(client: Browser) -> None:
    client.force_login(factories.make_user("mona", Role.MANAGER))
    assert client.get("/ops/").status_code == 302
