"""The clients page: what is settled with a client, who may change it, and what it does to batches (PRE-11, B12)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse

from reviewapp.enums import BatchState, Role
from reviewapp.models import AuditEvent, Client
from reviewapp.services import clients, ingest
from reviewapp.services.people import NotAllowed
from tests import factories, line

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def manager(client: Browser) -> User:
    """A manager, signed in."""
    user = factories.make_user("mona", Role.MANAGER)
    client.force_login(user)
    return user


def save(browser: Browser, one: Client, **fields: str) -> Any:
    """Save the form as the browser sends it: a box that isn't ticked isn't there."""
    return browser.post(reverse("clients:edit", args=[one.pk]), {"name": one.name, **fields})


def test_a_client_is_added_with_everything_that_is_settled(client: Browser, manager: User) -> None:
    answer = client.post(
        reverse("clients:new"),
        {
            "name": "  North   wind ", "brand_notes": "Warm white.", "validation_profile": "hires-2000",
            "requires_human_colour": "on",
        },
    )  # fmt: skip
    assert answer.status_code == 302
    made = Client.objects.get()
    assert (made.name, made.slug, made.brand_notes) == ("North wind", "north-wind", "Warm white.")
    assert (made.validation_profile, made.requires_human_colour, made.waits_for_samples) == ("hires-2000", True, False)
    event = AuditEvent.objects.get(verb="client.created")
    assert (event.actor, event.after["validation_profile"]) == (manager, "hires-2000")
    listed = client.get(reverse("clients:list")).content.decode()
    assert "North wind" in listed and "hires-2000" in listed and "By people" in listed and "Don't wait" in listed


@pytest.mark.usefixtures("manager")
def test_pre11_a_new_batch_takes_the_profile_of_its_client_unless_the_order_names_one(client: Browser) -> None:
    line.open_batch()
    one = factories.make_client()
    running = line.open_batch(client=one, name="Running")
    assert save(client, one, validation_profile="hires-2000", waits_for_samples="on").status_code == 302
    one.refresh_from_db()
    assert line.open_batch(client=one).validation_profile == "hires-2000"
    assert line.open_batch(client=one, validation_profile="marketplace-1000").validation_profile == "marketplace-1000"
    running.refresh_from_db()
    assert running.validation_profile == "basic-500"
    assert save(client, one, waits_for_samples="on").status_code == 302
    one.refresh_from_db()
    assert line.open_batch(client=one).validation_profile == "basic-500"


def test_only_what_changed_is_written_and_logged(client: Browser, manager: User) -> None:
    one = factories.make_client(brand_notes="Old.", validation_profile="basic-500")
    save(client, one, brand_notes="New.", validation_profile="basic-500", waits_for_samples="on")
    event = AuditEvent.objects.get(noun="client")
    assert (event.verb, event.actor, event.before, event.after) == (
        "client.changed", manager, {"brand_notes": "Old."}, {"brand_notes": "New."},
    )  # fmt: skip
    save(client, one, brand_notes="New.", validation_profile="basic-500", waits_for_samples="on")
    assert AuditEvent.objects.filter(noun="client").count() == 1


@pytest.mark.usefixtures("manager")
def test_b12_opting_out_of_samples_frees_a_batch_that_waits_for_them(client: Browser) -> None:
    one = factories.make_client()
    batch = factories.make_batch(client=one, state=BatchState.REVIEW)
    factories.make_sample(batch)
    save(client, one)
    batch.refresh_from_db()
    assert batch.state == BatchState.READY


@pytest.mark.usefixtures("manager")
@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"name": ""}, "name", "Fill in “Name”."),
        ({"name": "ACME "}, "name", "There is a client called ACME already."),
        ({"validation_profile": "tiny"}, "validation_profile", "Select a valid choice."),
        ({"brand_notes": "x" * 2001}, "brand_notes", "at most 2000 characters"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client: Browser, fields: dict[str, str], field: str, words: str) -> None:
    factories.make_client(name="Acme", slug="acme")
    one = factories.make_client()
    answer = save(client, one, **fields)
    assert answer.status_code == 422
    assert words in answer.context["form"].errors[field][0]
    one.refresh_from_db()
    assert (one.validation_profile, one.brand_notes) == ("", "")
    assert not AuditEvent.objects.filter(noun="client").exists()


def test_the_service_refuses_what_the_form_would_not_send() -> None:
    manager = factories.make_user("mona", Role.MANAGER)
    with pytest.raises(clients.ClientRefused, match="no profile 'tiny': use basic-500, hires-2000, marketplace-1000"):
        clients.create_client(clients.ClientData("A", validation_profile="tiny"), manager)
    with pytest.raises(NotAllowed, match="you need the role manager"):
        clients.create_client(clients.ClientData("A"), factories.make_user("rita", Role.REVIEWER))
    assert not Client.objects.exists()


def test_two_names_that_read_alike_have_slugs_of_their_own() -> None:
    manager = factories.make_user("mona", Role.MANAGER)
    made = [clients.create_client(clients.ClientData(name), manager).slug for name in ("A & B", "A B", "日本")]
    assert made == ["a-b", "a-b-2", "client"]
    assert ingest.ensure_client("A+B").slug == "ab"


@pytest.mark.usefixtures("manager")
def test_the_list_pages_and_searches(client: Browser) -> None:
    for n in range(52):
        factories.make_client(name=f"Client no {n}", brand_notes="lilac" if n == 3 else "")
    first = client.get(reverse("clients:list")).content.decode()
    assert first.count("Client no ") == 50 and "Show older clients" in first
    older = client.get(
        reverse("clients:list"), {"after": Client.objects.order_by("-pk")[49].pk}, headers={"HX-Request": "true"}
    ).content.decode()
    assert older.count("Client no ") == 2 and "<html" not in older
    found = client.get(reverse("clients:list"), {"q": "lilac"}).content.decode()
    assert found.count("Client no ") == 1 and "Client no 3" in found
    assert "Nothing matches the search" in client.get(reverse("clients:list"), {"q": "mauve"}).content.decode()


def test_a_form_older_than_the_client_is_refused_and_says_who_changed_what(client: Client, manager: User) -> None:
    row = factories.make_client(name="Northwind")
    url = reverse("clients:edit", args=[row.pk])
    fields = {"name": "Northwind", "brand_notes": "Grey 7", "waits_for_samples": "on"}
    assert client.post(url, {**fields, "seen": "0"}).status_code == 302
    stale = client.post(url, {**fields, "brand_notes": "Grey 9", "seen": "0"})
    words = stale.content.decode()
    assert stale.status_code == 409 and "changed brand notes at" in words and "Grey 9" in words, "nothing typed is lost"
    row.refresh_from_db()
    assert (row.brand_notes, row.version) == ("Grey 7", 1)
    assert client.post(url, {**fields, "brand_notes": "Grey 9", "seen": "1"}).status_code == 302
