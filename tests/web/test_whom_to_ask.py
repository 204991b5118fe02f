"""What is not for somebody says whom to ask and leads back to their own work; it never says what there is (SEC-01)."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from reviewapp.enums import Role
from tests import factories

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}
CLIENT_OF_OTHERS = "it is about a client you don't work for: then ask an admin to give you the client."


def main_of(client: Client, path: str, code: int) -> str:
    """What the page itself says, without the shell."""
    answer = client.get(path)
    assert answer.status_code == code, path
    found = re.search(r"<main.*</main>", answer.content.decode(), re.S)
    assert found is not None
    return re.sub(r"\s+", " ", found.group())


def test_sec01_what_is_not_there_for_somebody_names_who_can_change_that(client: Client) -> None:
    theirs, other = factories.make_batch(), factories.make_batch()
    factories.make_user("ada", Role.ADMIN)
    client.force_login(factories.make_user("mia", Role.MANAGER, clients=[theirs.client]))
    page = main_of(client, f"/batches/{other.pk}/", 404)
    assert CLIENT_OF_OTHERS in page and "Who can change that: ada." in page
    assert 'href="/">Back to home' in page
    assert page == main_of(client, "/batches/999999/", 404), "or it would tell which batches there are"


def test_sec01_who_works_for_every_client_needs_nobody(client: Client) -> None:
    factories.make_user("ada", Role.ADMIN)
    client.force_login(factories.make_user("mia", Role.MANAGER))
    page = main_of(client, "/batches/999999/", 404)
    assert "There is nothing at this address" in page and "admin" not in page and "ada" not in page


def test_sec01_nobody_signed_in_learns_no_name(client: Client) -> None:
    factories.make_user("ada", Role.ADMIN)
    assert "ada" not in main_of(client, "/nowhere/", 404)


@pytest.mark.parametrize(
    ("roles", "way"),
    [
        ([Role.REVIEWER], 'href="/review/">Back to your queues'),
        ([Role.EDITOR], 'href="/editing/">Back to your edits'),
        ([Role.REVIEWER, Role.EDITOR], 'href="/">Back to home'),
        ([], 'href="/">Back to home'),
    ],
)
def test_rev19_the_way_back_leads_to_the_persons_own_work(client: Client, roles: list[Role], way: str) -> None:
    client.force_login(factories.make_user("rita", *roles))
    for path, code in (("/people/", 403), ("/nowhere/", 404)):
        assert way in main_of(client, path, code)
    href = re.search('"(.*)"', way)
    assert href is not None and client.get(href[1]).status_code == 200


def test_rev19_the_desk_is_told_by_json_whom_to_ask(client: Client) -> None:
    client.force_login(factories.make_user("eve", Role.EDITOR))
    answer = client.post("/review/mixed/claim/", headers=JSON)
    assert (answer.status_code, answer.json()["ask"]) == (403, "")
    factories.make_user("ada", Role.ADMIN)
    assert client.post("/review/mixed/claim/", headers=JSON).json()["ask"] == "Who can change that: ada."


def test_sec01_a_choice_of_somebody_elses_client_has_no_name(client: Client) -> None:
    """It reads as one that isn't there, and never as the whole queue."""
    other = factories.make_client(name="Fern & Co")
    client.force_login(factories.make_user("rita", Role.REVIEWER, clients=[factories.make_client()]))
    for number in (other.pk, 999_999):
        boot = client.get(f"/review/mixed/?client={number}").context["boot"]
        assert (boot["narrow"], boot["reach"]) == ("this choice", "some")
