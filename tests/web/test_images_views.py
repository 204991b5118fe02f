"""ING-18: every photo is found by what is known of it, on screen."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Browser

from reviewapp.enums import AssetState, Role
from reviewapp.models import Asset
from reviewapp.selectors import assets
from reviewapp.web.media_urls import run_url
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Browser) -> Browser:
    client.force_login(factories.make_user("mia", Role.MANAGER))
    return client


@pytest.fixture
def photos() -> dict[str, Asset]:
    """Three scored photos of two clients and one that was rejected."""
    north = factories.make_batch(client=factories.make_client(name="North"), name="Spring")
    south = factories.make_batch(client=factories.make_client(name="South"), name="Autumn")
    made = {
        "a": factories.make_asset(north, AssetState.APPROVED, relative_path="a.jpg", sku="S1", category="books"),
        "b": factories.make_asset(north, AssetState.EDITING, relative_path="b.jpg", sku="S2", category="fur"),
        "c": factories.make_asset(south, AssetState.APPROVED, relative_path="c.jpg", sku="S1", category="fur"),
        "d": factories.make_asset(south, AssetState.REJECTED_INTAKE, relative_path="d.jpg", sku="", category=""),
    }
    for name, total in (("a", 90.0), ("b", 69.9), ("c", 89.99)):
        factories.make_run(made[name], total=total)
    return made


def found(manager: Browser, **query: Any) -> str:
    page = manager.get(f"/images/?{urlencode(query)}")
    assert page.status_code == 200
    return "".join(re.findall(r">(\w)\.jpg</a>", page.content.decode()))


def test_ing18_cls03_by_client_batch_sku_category_state_and_score(manager: Browser, photos: dict[str, Asset]) -> None:
    """REV-21: a client's and a batch's gallery, filtered by state and category."""
    assert found(manager) == "abcd"
    assert found(manager, client=photos["a"].batch.client_id) == "ab"
    assert found(manager, batch=photos["c"].batch_id) == "cd"
    assert found(manager, sku="s1") == "ac"
    assert found(manager, category="fur") == "bc"
    assert found(manager, state="rejected_intake") == "d"
    assert found(manager, low="70") == "ac" and found(manager, high="90") == "bc" and found(manager, low="90") == "a"
    assert found(manager, q="C.JPG") == "c" and found(manager, q="S2") == "b"
    assert found(manager, sku="S1", category="fur", state="approved", low="89") == "c"
    assert "Nothing matches this search" in manager.get("/images/?sku=nope").content.decode()


def test_ing18_a_batch_is_found_by_its_number_or_a_part_of_its_name(
    manager: Browser, photos: dict[str, Asset], django_assert_num_queries: Any
) -> None:
    spring, autumn = photos["a"].batch, photos["c"].batch
    assert found(manager, batch="sPRi") == "ab" and found(manager, batch=" Autumn ") == "cd"
    assert found(manager, batch="winter") == "" and found(manager, batch="%") == "" and found(manager, batch="_") == ""
    assert found(manager, batch="sPRi", sku="S1") == "a" and found(manager, batch="") == "abcd"
    named = factories.make_batch(client=spring.client, name=f"No. {autumn.pk} again, 20260117")
    factories.make_asset(named, AssetState.APPROVED, relative_path="e.jpg")
    assert found(manager, batch=autumn.pk) == "cd", "a number that a batch has means that batch alone"
    assert found(manager, batch="20260117") == "e" and found(manager, batch="9" * 30) == ""
    page = manager.get("/images/?batch=spring").content.decode()
    assert "Batch, number or name</label>" in page and 'value="spring"' in page
    with django_assert_num_queries(1):
        assert assets.batches_called("spring", None) == [spring.pk]
    assert assets.batches_called("spring", frozenset({autumn.client_id})) == []


def test_ing18_a_name_of_very_many_batches_searches_the_newest_and_says_so(
    manager: Browser, photos: dict[str, Asset]
) -> None:
    shared = {"client": photos["a"].batch.client, "preset_version": photos["a"].batch.preset_version}
    made = [factories.make_batch(name=f"Daily {n}", **shared) for n in range(assets.MOST_BATCHES)]
    first, last = (
        factories.make_asset(batch, relative_path=name) for batch, name in ((made[0], "x.jpg"), (made[-1], "y.jpg"))
    )
    assert found(manager, batch="daily") == "xy", "in the order they arrived"
    assert "batches are called that" not in manager.get("/images/?batch=daily").content.decode()
    factories.make_batch(name="Daily once more", **shared)
    assert found(manager, batch="daily") == "y" and first.batch_id < last.batch_id
    assert (
        "More than 50 batches are called that; the newest 50 are searched."
        in manager.get("/images/?batch=daily").content.decode()
    )


def test_ing18_photos_of_several_batches_are_not_looked_for_in_all_photos() -> None:
    """In the order of the bare key a database would walk from the first photo of all to where these lie."""
    several = str(assets.matching(assets.AssetFilter(batch_ids=[1, 2])).query)
    assert re.search(r"ORDER BY \(?.?reviewapp_asset.?\..?id.? \+ 0", several)
    one = str(assets.matching(assets.AssetFilter(batch_ids=[1])).query)
    assert "+ 0" not in one


@pytest.mark.parametrize("query", ["low=NaN", "state=<script>", "client=999999", "after=-1", "high=1e999"])
def test_ing18_what_cannot_be_read_is_left_out(manager: Browser, photos: dict[str, Asset], query: str) -> None:
    page = manager.get(f"/images/?{query}")
    assert page.status_code == 200 and page.content.count(b".jpg</a>") == 4
    assert b"<script>" not in page.content


def test_ing18_pages_by_key_keep_the_search_and_cost_the_same(
    manager: Browser, django_assert_max_num_queries: Any
) -> None:
    batch = factories.make_batch()
    for n in range(70):
        factories.make_asset(batch, AssetState.RECEIVED, relative_path=f"{n}.jpg", sku="S")
    factories.make_asset(batch, AssetState.RECEIVED, relative_path="other.jpg", sku="T")
    with django_assert_max_num_queries(12):
        first = manager.get("/images/?sku=S").content.decode()
    assert first.count('class="prime') == 60
    more = re.search(r'href="\?(sku=S&amp;after=\d+)"', first)
    assert more is not None
    second = manager.get("/images/?" + more[1].replace("&amp;", "&")).content.decode()
    assert second.count('class="prime') == 10 and "other.jpg" not in second and "Show more" not in second


def test_the_list_shows_pictures_and_the_number_its_filter_asks_for(
    manager: Browser, photos: dict[str, Asset], django_assert_num_queries: Any
) -> None:
    batch = photos["a"].batch
    page = manager.get("/images/").content.decode()
    assert page.count('<img class="thumb"') == 3 and page.count("no-thumb") == 1, "a refused file has no picture"
    assert page.count('loading="lazy"') == 3 and f"North · No. {batch.pk}</span>" in page
    assert f"<dt>Batch number</dt><dd>{batch.pk}</dd>" in manager.get(f"/batches/{batch.pk}/").content.decode()
    assert f"North · No. {batch.pk}</span>" in manager.get("/batches/").content.decode()
    with django_assert_num_queries(1):
        rows = assets.page(assets.AssetFilter(clients=None)).assets
        assert [run_url(row.current_run, "thumb-after") for row in rows if row.current_run]


def test_limits_that_nothing_can_meet_are_said(manager: Browser, photos: dict[str, Asset]) -> None:
    page = manager.get("/images/?low=90&high=10").content.decode()
    assert "No score is from 90 up and below 10." in page
    assert "No score is" not in manager.get("/images/?low=10&high=90").content.decode()


def test_older_activity_of_a_batch_is_in_the_audit_log_for_who_may_read_it(
    manager: Browser, photos: dict[str, Asset]
) -> None:
    batch = photos["a"].batch
    way = f'href="/audit/?batch={batch.pk}"'
    assert way not in manager.get(f"/batches/{batch.pk}/").content.decode()
    manager.force_login(factories.make_user("ada", Role.ADMIN))
    assert way in manager.get(f"/batches/{batch.pk}/").content.decode()
    assert manager.get("/audit/", {"batch": batch.pk}).status_code == 200
