"""What the viewer shows is what is delivered: for the scored channel and for every further one (issue 4, REV-02)."""

from __future__ import annotations

import hashlib
import io

import cv2
import numpy as np
import pytest
from PIL import Image

from reviewapp import storage
from reviewapp.models import Channel, ChannelView, ProcessingRun, Rendition
from reviewapp.services import ingest, rendering
from reviewapp.services.channel_views import view_of
from tests import line

pytestmark = pytest.mark.django_db(transaction=True)


def processed(*channels: str, side: int = 1100) -> ProcessingRun:
    """One photo through the line, then the files that approval has made: a run with one for each channel."""
    batch = line.open_batch(*channels, validation_profile="basic-500")
    line.send(batch, "p.jpg", line.photo(3, side=side), sku="S", asin="B000000001", category="books")
    ingest.close_batch(batch)
    line.run_line()
    run = ProcessingRun.objects.get()
    rendering.keep(rendering.make_missing(run))
    return run


def pixels(key: str) -> np.ndarray:
    with Image.open(io.BytesIO(storage.read_bytes(key))) as image:
        return np.asarray(image.convert("RGB"))


def digest(key: str) -> str:
    return hashlib.sha256(pixels(key).tobytes()).hexdigest()


def view(run: ProcessingRun, key: str) -> ChannelView:
    return view_of(run, Channel.objects.filter(key=key).latest("version"))


def test_rev02_after_is_the_very_file_that_is_delivered() -> None:
    run = processed("amazon_main")
    delivered = Rendition.objects.get(run=run)
    assert run.after_key.rsplit("/", 1)[1] == delivered.sha256
    assert digest(run.after_key) == digest(delivered.storage_key)
    assert (run.after_is_file, run.after_type, run.after_format, run.after_bytes, run.after_note) == (
        True, "image/jpeg", "JPEG", delivered.byte_size, "",
    )  # fmt: skip
    assert (run.after_width, run.after_height) == (delivered.width, delivered.height)


def test_rev02_a_further_channel_shows_its_own_delivered_pixels_and_geometry() -> None:
    run = processed("amazon_main", "shopify", "print_catalog", "responsive")
    for key in ("shopify", "responsive"):
        shown, first = view(run, key), Rendition.objects.filter(run=run, channel__key=key).order_by("pk")[0]
        assert shown.key.rsplit("/", 1)[1] == first.sha256, key
        assert (shown.width, shown.height, shown.byte_size, shown.is_file) == (
            first.width,
            first.height,
            first.byte_size,
            True,
        )
    assert view(run, "shopify").frame_matrix != run.frame_matrix or view(run, "shopify").width == run.after_width


def test_rev02_what_no_browser_shows_is_shown_without_loss_and_says_so() -> None:
    run = processed("amazon_main", "print_catalog")
    shown, delivered = view(run, "print_catalog"), Rendition.objects.get(run=run, channel__key="print_catalog")
    assert (shown.content_type, shown.format, shown.is_file) == ("image/png", "TIFF", False)
    assert "shown as PNG in sRGB" in shown.note and shown.byte_size == delivered.byte_size
    assert delivered.content_type == "image/tiff"
    assert pixels(shown.key).shape[:2] == (delivered.height, delivered.width)


@pytest.mark.parametrize("channel", ["amazon_main", "shopify"])
def test_rev02_the_matte_lies_in_the_grid_of_what_is_shown(channel: str) -> None:
    run = processed("amazon_main", "shopify")
    shown = view(run, channel)
    picture, matte = pixels(shown.key), pixels(shown.matte_key)[..., 0]
    assert picture.shape[:2] == matte.shape
    assert picture[matte == 255].mean() < 150
    if channel == "amazon_main":  # the other one has a shadow
        far = cv2.dilate(matte, np.ones((17, 17), np.uint8)) == 0
        assert (picture[far] == 255).all(), "white further than a JPEG rings from where the matte holds anything"
        assert (shown.key, shown.matte_key) == (run.after_key, run.matte_key), "the scored channel's view is `after`"


def test_a_view_is_made_once_and_made_again_where_its_file_is_gone() -> None:
    run = processed("amazon_main", "shopify")
    first = view(run, "shopify")
    assert view(run, "shopify").pk == first.pk and ChannelView.objects.count() == 1
    storage.default_storage.delete(first.key)
    assert storage.exists(view(run, "shopify").key) and ChannelView.objects.count() == 1


def test_the_score_is_kept_with_what_each_measure_cost() -> None:
    run = processed("amazon_main")
    quality = run.quality
    lost = sum(row["lost"] for row in quality.measures)
    assert lost == pytest.approx(100 - quality.total, abs=0.05)
    assert (run.scored_width, run.scored_height) == (run.after_width, run.after_height)
    assert run.scored_matrix == [1, 0, 0, 0, 1, 0]
