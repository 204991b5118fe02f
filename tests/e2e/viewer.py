"""What the viewer's browser tests share: photos through the real line, and what the screen shows of them."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
from PIL import Image

from reviewapp import storage
from reviewapp.enums import AssetState, ReviewReason
from reviewapp.models import Asset, ProcessingRun, ReviewTask
from reviewapp.services import ingest
from tests import factories, line
from tests.e2e.desk import until


def processed(*names: str, channels: tuple[str, ...] = ("amazon_main", "shopify")) -> list[ReviewTask]:
    """Photos of one product through the real line, all up for review, in this order."""
    batch = line.open_batch(*channels, validation_profile="basic-500")
    factories.make_policy(approve_at=100.0, review_at=0.0)
    for n, name in enumerate(names):
        shape = "ring" if n % 2 else "box"
        line.send(
            batch, name, line.photo(n + 3, side=1100, shape=shape), sku="MUG", asin="B000000001", category="books"
        )
    ingest.close_batch(batch)
    line.run_line()
    tasks = []
    for asset in Asset.objects.order_by("pk"):
        Asset.objects.filter(pk=asset.pk).update(state=AssetState.IN_REVIEW)
        task, _ = ReviewTask.objects.get_or_create(
            asset=asset, run=asset.current_run, defaults={"reason": ReviewReason.SCORE_BAND, "why": "In the band."}
        )
        tasks.append(task)
    return tasks


def screen(page: Any) -> np.ndarray:
    """What the browser shows, (H, W, 3) uint8."""
    page.wait_for_timeout(250)
    with Image.open(io.BytesIO(page.screenshot())) as image:
        return np.asarray(image.convert("RGB"))


def picture(page: Any, pane: str = ".pane-b") -> np.ndarray:
    """What is shown of the photo in a pane."""
    box = page.evaluate(
        """(pane) => {
            const worlds = [...document.querySelectorAll(`${pane} .world`)];
            const box = worlds.find((world) => world.offsetParent).getBoundingClientRect();
            return [box.left, box.top, box.right, box.bottom].map(Math.round);
        }""",
        pane,
    )
    left, top, right, bottom = box
    return screen(page)[max(0, top) : bottom, max(0, left) : right]


def matte_of(run: ProcessingRun, shape: tuple[int, ...]) -> np.ndarray:
    """The stored matte as large as it is on the screen."""
    with Image.open(io.BytesIO(storage.read_bytes(run.matte_key))) as image:
        return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BOX))


def parts_of(run: ProcessingRun, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Where a picture on the screen is surely product and surely none: 3 px from where that changes and from its edge,
    because browsers shrink pictures their own way."""
    matte = matte_of(run, shape)
    wide = np.ones((7, 7), np.uint8)
    inside, outside = cv2.erode(matte, wide) == 255, cv2.dilate(matte, wide) == 0
    rim = np.ones(shape[:2], bool)
    rim[3:-3, 3:-3] = False
    return inside & ~rim, outside & ~rim


def hide_labels(page: Any) -> None:
    """The readouts on the stage would be taken for picture."""
    page.evaluate(
        """for (const label of document.querySelectorAll('.plabel, .legend-h, .hud, .swipe-h')) {
            label.style.visibility = 'hidden'; }"""
    )


def press(page: Any, key: str, mode: str) -> np.ndarray:
    page.keyboard.press(key)
    until(page, "(mode) => document.getElementById('stage').dataset.mode === mode", mode)
    page.wait_for_timeout(100)
    return picture(page)


def centre(page: Any) -> tuple[float, float]:
    """The image point in the middle of the result's pane."""
    x, y = page.evaluate(
        """(() => {
            const pane = document.querySelector('.pane-b').getBoundingClientRect();
            const matrix = new DOMMatrix(getComputedStyle(document.querySelector('.pane-b .l-after .world')).transform);
            return [(pane.width / 2 - matrix.e) / matrix.a, (pane.height / 2 - matrix.f) / matrix.d];
        })()"""
    )
    return round(x), round(y)


def centre_of_before(page: Any) -> tuple[float, float]:
    """As `centre`, by the layer that every mode has."""
    x, y = page.evaluate(
        """(() => {
            const pane = document.querySelector('.pane-b').getBoundingClientRect();
            const matrix = new DOMMatrix(document.querySelector('.pane-b .l-before .world').style.transform);
            return [(pane.width / 2 - matrix.e) / matrix.a, (pane.height / 2 - matrix.f) / matrix.d];
        })()"""
    )
    return x, y
