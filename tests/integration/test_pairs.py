"""The second photo of a garment, the inside label (REV-15): named in the sheet or by its name, shown on both desks."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from reviewapp.enums import AssetState, Role
from reviewapp.models import Asset, Batch, SheetRow
from reviewapp.selectors.pairs import pair_of
from reviewapp.services.csv_rows import read_csv
from reviewapp.services.ingest import attach_rows
from reviewapp.web.media_urls import run_url
from tests import factories
from tests.e2e.pictures import run_files

pytestmark = pytest.mark.django_db


def photo(batch: Batch, path: str, **fields: Any) -> Asset:
    name = path.rsplit("/", 1)[-1]
    return factories.make_asset(batch, filename=name, relative_path=path, **{"sku": "", **fields})


def sheet(batch: Batch, text: str) -> None:
    attach_rows(batch, read_csv(text))


def test_rev15_the_sheet_names_the_second_photo_and_both_find_each_other() -> None:
    batch = factories.make_batch()
    outside, inside = photo(batch, "coats/A1.jpg"), photo(batch, "coats/Label A1.JPG")
    photo(batch, "coats/B1.jpg")
    sheet(batch, "file;sku;Inside Label\ncoats/A1.jpg;A1;label a1.jpg\nB1.jpg;B1;\n")
    assert SheetRow.objects.get(path_key="coats/a1.jpg").inside == "label a1.jpg"
    found, back = pair_of(outside), pair_of(inside)
    assert found is not None and (found.asset, found.is_inside) == (inside, True)
    assert back is not None and (back.asset, back.is_inside) == (outside, False)


def test_rev15_a_name_two_photos_have_is_nobodys_pair_and_a_path_tells_them_apart() -> None:
    batch = factories.make_batch()
    outside = photo(batch, "A1.jpg")
    photo(batch, "one/label.jpg")
    second = photo(batch, "two/label.jpg")
    sheet(batch, "file,inside\nA1.jpg,label.jpg\n")
    assert pair_of(outside) is None
    sheet(batch, "file,inside\nA1.jpg,two/label.jpg\n")
    found = pair_of(outside)
    assert found is not None and found.asset == second


@pytest.mark.parametrize(
    ("own", "others", "paired", "is_inside"),
    [
        ("apparel-SKU9-front-v1.jpg", ["apparel-SKU9-inside-v1.jpg"], 0, True),
        ("apparel-SKU9-inside-label-v1.jpg", ["apparel-SKU9-back-v1.jpg", "apparel-SKU9-front-v1.jpg"], 1, False),
        ("apparel-SKU9-front-v2.jpg", ["apparel-SKU9-inside-v1.jpg", "apparel-SKU9-inside-v2.jpg"], 1, True),
        ("Apparel-sku9-front-v1.jpg", ["apparel-SKU9-INSIDE-v1.jpg"], 0, True),
        ("apparel-SKU9-front-v1.jpg", ["apparel-SKU99-inside-v1.jpg", "apparel-SKU9-back-v1.jpg"], None, None),
        ("front.jpg", ["inside.jpg"], None, None),
    ],
)
def test_rev15_the_naming_convention_names_the_pair(
    own: str, others: list[str], paired: int | None, is_inside: bool | None
) -> None:
    batch = factories.make_batch()
    asset = photo(batch, own)
    made = [photo(batch, name) for name in others]
    photo(factories.make_batch(), "apparel-SKU9-inside-v1.jpg")
    found = pair_of(asset)
    if paired is None:
        assert found is None
    else:
        assert found is not None and (found.asset, found.is_inside) == (made[paired], is_inside)


def test_rev15_the_review_desk_shows_both_whatever_their_skus(client: Browser) -> None:
    batch = factories.make_batch()
    task = factories.make_review(batch, sku="A1", filename="apparel-A1-front-v1.jpg")
    factories.make_asset(batch, AssetState.QUEUED, sku="A1", filename="detail.jpg")
    inside = factories.make_asset(batch, AssetState.EDITING, sku="", filename="apparel-A1-inside-v1.jpg")
    run = factories.make_run(inside, **run_files(10))
    stranger = factories.make_run(
        factories.make_asset(batch, sku="", filename="apparel-B2-inside-v1.jpg"), **run_files(20)
    )
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    found = client.get(reverse("viewer:siblings", args=[task.run_id])).json()["photos"]
    assert [one["name"] for one in found] == ["apparel-A1-front-v1.jpg", "apparel-A1-inside-v1.jpg", "detail.jpg"]
    assert found[1]["isPair"] and found[1]["word"] == "Inside label" and found[1]["after"] == run_url(run, "after")
    assert client.get(found[1]["after"]).status_code == 200, "a reviewer may open what belongs to a photo they judge"
    assert client.get(run_url(stranger, "after")).status_code == 404


def test_rev15_the_editors_page_shows_both(client: Browser) -> None:
    batch = factories.make_batch()
    edit = factories.make_edit(batch)
    Asset.objects.filter(pk=edit.asset_id).update(
        filename="apparel-A1-front-v1.jpg", relative_path="apparel-A1-front-v1.jpg"
    )
    inside = factories.make_asset(batch, AssetState.EDITING, filename="apparel-A1-inside-v1.jpg", format="JPEG")
    client.force_login(factories.make_user("ed", Role.EDITOR))
    url = reverse("editing:task", args=[edit.pk])
    text = client.get(url).content.decode()
    assert "Inside label" in text and f"{reverse('media:original', args=[inside.pk])}?view=1" in text
    run = factories.make_run(inside)
    assert run_url(run, "before") in client.get(url).content.decode()
    Asset.objects.filter(pk=inside.pk).update(filename="other.jpg", relative_path="other.jpg")
    assert "Inside label" not in client.get(url).content.decode()
