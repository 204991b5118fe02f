"""Channels in the application: several files of one photo, new rows for old databases, logos (EXP-10, EXP-11, B47)."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from django.conf import settings
from PIL import Image

from processing.channels import load_channels
from reviewapp import storage
from reviewapp.enums import BatchState, RenditionState
from reviewapp.models import Asset, Channel, Rendition
from reviewapp.services import delivery, presets, rendering, seeds
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)
LOGO = {"channels": ["website"], "logo": "brand_logo.png"}


@pytest.fixture(autouse=True)
def _seeded() -> None:
    seeds.seed()  # tests with real transactions leave empty tables behind


def approved(*channels: str, **params: object) -> Asset:
    """An approved photo whose stored cut-out is a dark block on nothing, 900 px; no files of it yet."""
    asset = make.make_approved(make.make_batch(*channels, state=BatchState.READY), sku="MUG-1")
    Rendition.objects.all().delete()
    cutout = Image.new("RGBA", (900, 900))
    cutout.paste((40, 60, 80, 255), (200, 100, 700, 800))
    data = io.BytesIO()
    cutout.save(data, "PNG")
    run = asset.current_run
    assert run is not None
    run.pixels_key, run.params = storage.put_bytes(data.getvalue(), prefix="d").key, params
    run.save()
    return asset


def rendered(asset: Asset) -> dict[str, Rendition]:
    assert asset.current_run is not None
    rendering.keep(rendering.make_missing(asset.current_run))
    return {row.part: row for row in asset.current_run.renditions.all()}


def test_exp10_exp11_every_size_and_format_is_stored_once_and_delivered() -> None:
    asset = approved("responsive")
    rows = rendered(asset)
    assert set(rows) == {
        size + ending for size in ("large", "medium", "mobile", "thumbnail") for ending in ("", "-jpeg")
    }
    assert {row.state for row in rows.values()} == {RenditionState.VERIFIED}
    assert (rows["thumbnail"].width, rows["medium-jpeg"].content_type) == (300, "image/jpeg")
    assert asset.current_run is not None and rendering.make_missing(asset.current_run) == []
    packed = delivery.release(asset.batch, None)
    archive = zipfile.ZipFile(io.BytesIO(b"".join(delivery.stream_zip(packed))))
    names = {name for name in archive.namelist() if name.startswith("responsive/")}
    assert len(names) == 8 and "responsive/MUG-1_view-1_thumbnail.webp" in names
    assert {entry["part"] for entry in packed.manifest["files"]} == set(rows)


def test_exp24_one_broken_size_is_withheld_and_the_others_go() -> None:
    asset = approved("responsive")
    rows = rendered(asset)
    Rendition.objects.filter(pk=rows["mobile"].pk).update(state=RenditionState.FAILED, error="Too large.")
    packed = delivery.release(asset.batch, None)
    assert packed.file_count == 7
    assert [(row["channel"], row["reason"]) for row in packed.withheld] == [("responsive", "Too large.")]


def test_pro24_the_brands_logo_comes_from_the_brand_folder_and_its_lack_is_a_failed_file() -> None:
    asset = approved("website", watermark=LOGO)
    assert "brand_logo.png" in rendered(asset)[""].error
    Rendition.objects.all().delete()
    folder = Path(settings.DATA_DIR) / rendering.BRAND_FOLDER
    folder.mkdir(exist_ok=True)
    try:
        Image.new("RGBA", (100, 40), (200, 0, 0, 255)).save(folder / "brand_logo.png")
        row = rendered(asset)[""]
    finally:
        (folder / "brand_logo.png").unlink()
    assert row.state == RenditionState.VERIFIED and "add_watermark" in row.steps


@pytest.mark.parametrize(
    "key, says", [("amazon_main", "marketplaces"), ("print_catalog", "takes no logo"), ("x1", "no channel")]
)
def test_b47_a_preset_with_a_logo_where_none_may_be_is_not_stored(key: str, says: str) -> None:
    version = make.make_preset_version("Branded")
    params = {**version.params, "watermark": {**LOGO, "channels": [key]}}
    with pytest.raises(presets.PresetRefused, match=says):
        presets.create_version(version.preset, params, "Logo", None)
    presets.create_version(version.preset, {**version.params, "watermark": LOGO}, "Logo", None)


def test_rules_shipped_later_reach_a_channel_that_nobody_changed_and_no_other() -> None:
    keys = ("google_shopping", "shopify")
    for key in keys:
        old = replace(load_channels()[key], changes=(), marketplace=False, overlay_allowed=False)
        newest = Channel.objects.filter(key=key).order_by("-version")[0]
        note = seeds.AS_SEEDED if key == "google_shopping" else "Our own."
        Channel.objects.create(key=key, version=newest.version + 1, name=old.name, spec=old.to_dict(), note=note)
    from django.apps import apps

    assert seeds.seed_channels(apps) == 1 and seeds.seed_channels(apps) == 0
    google, shopify = (
        Channel.objects.filter(key=key).order_by("-version")[0] for key in ("google_shopping", "shopify")
    )
    assert google.note == seeds.AS_SHIPPED and google.spec["changes"] and shopify.note == "Our own."
