"""Thousands of clients and presets: no page holds them all, each can be chosen by name, the chosen one stays there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from reviewapp.enums import AssetState, Role
from reviewapp.models import Batch, CategoryRule, ClientAccess, Preset, PresetVersion
from reviewapp.models import Client as Customer
from reviewapp.web.forms.picking import FEW, SUGGESTED
from tests import factories, signing

pytestmark = pytest.mark.django_db

MOST = 2 * SUGGESTED
"""More names than any page holds of each."""


def many_clients(count: int) -> None:
    Customer.objects.bulk_create(Customer(name=f"Studio {n:05d}", slug=f"studio-{n:05d}") for n in range(count))


def many_presets(count: int) -> None:
    made = Preset.objects.bulk_create(Preset(name=f"Look {n:05d}", slug=f"look-{n:05d}") for n in range(count))
    params = factories.make_preset_version("Ceramics").params
    versions = PresetVersion.objects.bulk_create(
        PresetVersion(preset=one, number=1, params=params, digest="d", note="n") for one in made
    )
    for preset, version in zip(made, versions, strict=True):
        preset.current = version
    Preset.objects.bulk_update(made, ["current"], batch_size=400)


@pytest.fixture
def ada(client: Browser) -> Browser:
    """An admin in a house with many of both."""
    many_clients(FEW + 150)
    many_presets(FEW + 50)
    factories.policy()
    signing.enter(client, factories.make_user("ada", *Role))
    return client


def page_of(browser: Browser, path: str, **asked: Any) -> str:
    answer = browser.get(path, asked)
    assert answer.status_code == 200, path
    return answer.content.decode()


def value_of(page: str, name: str) -> str:
    """What stands in a text field."""
    field = re.search(rf'<input[^>]*name="{name}"[^>]*>', page)
    assert field is not None, name
    value = re.search(r'value="([^"]*)"', field.group())
    return value[1] if value else ""


PAGES = ("/images/", "/review/", "/review/bulk/", "/batches/new/", "/quality/thresholds/", "/people/new/")


def test_no_page_holds_all_of_them_and_its_queries_are_fixed(ada: Browser) -> None:
    def counts() -> list[tuple[str, int]]:
        found = []
        for path in PAGES:
            with CaptureQueriesContext(
                connection,
            ) as asked:
                page = page_of(ada, path)
            assert page.count("Studio 0") <= MOST and page.count("Look 0") <= MOST, path
            found.append((path, len(asked)))
        return found

    before = counts()
    Customer.objects.bulk_create(Customer(name=f"Studio 0x{n}", slug=f"more-{n}") for n in range(2_000))
    assert counts() == before


def test_few_of_them_are_a_select(client: Browser) -> None:
    many_clients(FEW - 1)
    client.force_login(factories.make_user("mia", Role.MANAGER))
    page = page_of(client, "/images/")
    assert page.count("<option value=") >= FEW - 1 and "_names" not in page


@pytest.mark.parametrize("typed", ["Studio 00141", "studio 00141", "00141", "number"])
def test_ing18_the_search_finds_a_client_by_its_name_a_part_or_its_number(ada: Browser, typed: str) -> None:
    wanted = Customer.objects.get(name="Studio 00141")
    factories.make_asset(factories.make_batch(client=wanted), filename="wanted.jpg", relative_path="wanted.jpg")
    factories.make_asset(filename="other.jpg", relative_path="other.jpg")
    page = page_of(ada, "/images/", client=str(wanted.pk) if typed == "number" else typed)
    assert "wanted.jpg" in page and "other.jpg" not in page
    assert value_of(page, "client") == "Studio 00141"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("Nobody", "There is none called “Nobody”."),
        ("Studio 0001", "Several fit “Studio 0001”: Studio 00010, Studio 00011, Studio 00012 and others."),
    ],
)
def test_ing18_a_name_that_is_not_one_finds_nothing_and_says_so(ada: Browser, typed: str, said: str) -> None:
    """Left out of the search it would show every client's photos."""
    batch = factories.make_batch(client=Customer.objects.get(name="Studio 00010"))
    factories.make_asset(batch, filename="other.jpg", relative_path="other.jpg")
    factories.make_review(batch, sku="NW-001")
    for path in ("/images/", "/review/", "/review/bulk/"):
        page = page_of(ada, path, client=typed)
        assert said in page and "other.jpg" not in page and "NW-001" not in page, path
        assert value_of(page, "client") == typed
    assert "in the mixed queue" not in page_of(ada, "/review/", client=typed)
    assert "Apply" not in page_of(ada, "/review/bulk/", client=typed)


def test_rev20_a_choice_of_the_queue_takes_a_clients_name(ada: Browser) -> None:
    wanted = Customer.objects.get(name="Studio 00141")
    factories.make_review(factories.make_batch(client=wanted), sku="NW-001")
    factories.make_review(sku="NW-002")
    page = page_of(ada, "/review/", client="00141")
    assert f"/review/mixed/?client={wanted.pk}" in page and value_of(page, "client") == "Studio 00141"
    page = page_of(ada, "/review/bulk/", client="Studio 00141")
    assert "NW-001" in page and "NW-002" not in page


def test_rev20_the_number_of_no_client_is_no_part_of_a_name(ada: Browser) -> None:
    """An address with a client that isn't there: the field doesn't name another one."""
    assert value_of(page_of(ada, "/review/", client="240999"), "client") == "240999"


def order(browser: Browser, **fields: Any) -> dict[str, Any]:
    factories.make_channel("amazon_main")
    channel = re.search(r'name="channels" value="(\d+)"', page_of(browser, "/batches/new/"))
    assert channel is not None
    return {"name": "Spring", "channels": [channel[1]], "priority": 5, "first_percent": 10, **fields}


def test_ing01_a_batch_is_ordered_by_the_names_of_client_and_preset(ada: Browser) -> None:
    sent = order(ada, client="Studio 00141", preset_version="Look 00149")
    assert ada.post("/batches/new/", sent).status_code == 302
    batch = Batch.objects.get()
    assert (batch.client.name, str(batch.preset_version)) == ("Studio 00141", "Look 00149 v1")


def test_ing01_a_client_called_as_a_number_is_meant_by_its_name(ada: Browser) -> None:
    number = Customer.objects.get(name="Studio 00141").pk
    Customer.objects.create(name=str(number), slug="number")
    sent = order(ada, client=str(number), preset_version="Ceramics")
    assert ada.post("/batches/new/", sent).status_code == 302
    assert Batch.objects.get().client.slug == "number"


def test_ing01_a_number_that_is_no_name_is_refused(ada: Browser) -> None:
    """It may be from the select of a page that is older than the many clients, and mean another one."""
    wanted = Customer.objects.get(name="Studio 00141")
    Customer.objects.create(name=f"Studio {wanted.pk}", slug="also")
    sent = order(ada, client=str(wanted.pk), preset_version="Ceramics")
    assert ada.post("/batches/new/", sent).status_code == 422 and not Batch.objects.exists()


def test_ing01_a_wrong_name_keeps_what_was_typed_and_makes_nothing(ada: Browser) -> None:
    sent = order(ada, client="Studio 0001", preset_version="No look")
    answer = ada.post("/batches/new/", sent)
    page = answer.content.decode()
    assert answer.status_code == 422 and not Batch.objects.exists()
    assert "Several fit “Studio 0001”" in page and "There is none called “No look”." in page
    assert (value_of(page, "client"), value_of(page, "preset_version")) == ("Studio 0001", "No look")


def test_rte13_a_category_takes_a_preset_by_name(ada: Browser) -> None:
    rule = {"category": "vases", "complexity": "simple", "preset": "Look 00149"}
    assert ada.post("/quality/categories/", rule).status_code == 302
    made = CategoryRule.objects.get(category="vases").preset
    assert made is not None and made.name == "Look 00149"


def test_sec01_names_are_those_of_ones_own_clients(client: Browser) -> None:
    many_clients(FEW + 150)
    mine = Customer.objects.filter(name__gte="Studio 00100")
    client.force_login(factories.make_user("mia", Role.MANAGER, clients=mine))
    suggested = client.get("/names/clients/", {"of": "client", "client": "Studio"}).content.decode()
    assert suggested.count("<option") == SUGGESTED and "Studio 00100" in suggested and "Studio 00099" not in suggested
    assert client.get("/names/clients/", {"of": "client", "client": "00099"}).content == b""
    page = page_of(client, "/images/", client="Studio 00099")
    assert "There is none called “Studio 00099”." in page


def test_suggestions_begin_with_what_begins_so(ada: Browser) -> None:
    Customer.objects.create(name="00141 & Sons", slug="sons")
    said = ada.get("/names/clients/", {"of": "client", "client": "00141"}).content.decode()
    assert said == '<option value="00141 &amp; Sons"></option><option value="Studio 00141"></option>'
    assert ada.get("/names/presets/", {"of": "preset", "preset": "look 00149"}).content.decode().count("<option") == 1
    assert ada.get("/names/clients/").content.decode().count("<option") == SUGGESTED


def test_sec01_a_person_is_given_clients_by_name_and_keeps_the_given_ones(ada: Browser) -> None:
    had, named = Customer.objects.get(name="Studio 00003"), Customer.objects.get(name="Studio 00141")
    rita = factories.make_user("rita", Role.REVIEWER, clients=[had])
    page = page_of(ada, f"/people/{rita.pk}/")
    assert page.count('name="clients"') == 1 and "Studio 00003" in page
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen is not None
    sent = {"works_for": "some", "roles": ["reviewer"], "is_active": "on", "seen": seen[1], "clients": [had.pk]}
    sent["roles"] = [Role.REVIEWER.value]
    answer = ada.post(f"/people/{rita.pk}/", {**sent, "more_clients": "00141\nStudio 0001"})
    assert answer.status_code == 422 and "Several fit “Studio 0001”" in answer.content.decode()
    assert ada.post(f"/people/{rita.pk}/", {**sent, "more_clients": "00141\n\nStudio 00141"}).status_code == 302
    assert set(ClientAccess.objects.filter(user=rita).values_list("client", flat=True)) == {had.pk, named.pk}


def test_rte13_a_rerun_takes_a_preset_by_name(ada: Browser) -> None:
    batch = factories.make_batch()
    factories.make_asset(batch, AssetState.FAILED)
    path = f"/batches/{batch.pk}/exceptions/"
    assert 'list="id_preset_names"' in page_of(ada, path)
    answer = ada.post(path, {"preset": "No look"})
    assert "There is none called “No look”." in answer.content.decode()
