"""The main job, end to end, as people do it: the demo batch processes itself, a reviewer decides every waiting photo by
keyboard, an editor and a senior are left alone, a manager delivers and downloads; every file is checked independently.

ING-01, REV-01..05, SMP-10, EXP-01, EXP-03, EXP-05, EXP-19, EXP-24, DEL-01, DEL-02, QC-10, QC-11.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.stack import Stack

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(1200)]

WAITING = "from reviewapp.models import ReviewTask; print('N', ReviewTask.objects.filter(state='open').count())"
SAMPLES = (
    "from reviewapp.models import SampleMember;"
    "print('N', SampleMember.objects.filter(outcome='pending').count(), SampleMember.objects.count())"
)
MIN_SIDE = {"amazon_main": 1000, "google_shopping": 100, "shopify": 1}
FORMATS = {"amazon_main": "JPEG", "google_shopping": "WEBP", "shopify": "WEBP"}


def numbers(stack: Stack, code: str) -> list[int]:
    """The figures a line of Python prints after the letter N."""
    line = next(row for row in stack.manage("shell", "-c", code).splitlines() if row.startswith("N "))
    return [int(word) for word in line.split()[1:]]


def sign_in(page: Any, stack: Stack, role: str) -> None:
    """By the form, with the password printed at the first start."""
    page.goto(f"{stack.url}/login/")
    page.fill("input[name=username]", role)
    page.fill("input[name=password]", stack.passwords()[role])
    page.keyboard.press("Enter")
    page.wait_for_url(f"{stack.url}/")


def is_painted(page: Any) -> bool:
    return bool(
        page.evaluate(
            "document.querySelector('.fr.cur')?.dataset.entry !== undefined"
            " && document.querySelector('.fr.cur').dataset.entry === document.getElementById('stage').dataset.shown"
        )
    )


def is_done(page: Any) -> bool:
    return bool(page.is_visible("[data-full=empty]"))


def decide_everything(page: Any, stack: Stack, limit: int = 200) -> tuple[int, int]:
    """Approve by A, reject every sixth by X and 1, until the queue says it is clear. Returns (approved, rejected)."""
    page.goto(f"{stack.url}/review/mixed/")
    approved = rejected = 0
    for turn in range(limit):
        for _ in range(400):
            if is_done(page) or is_painted(page):
                break
            page.wait_for_timeout(50)
        if is_done(page):
            return approved, rejected
        shown = page.get_attribute("#stage", "data-shown")
        if turn % 6 == 5:
            page.keyboard.press("x")
            page.keyboard.press("1")
            rejected += 1
        else:
            page.keyboard.press("a")
            approved += 1
        for _ in range(400):
            if is_done(page) or page.get_attribute("#stage", "data-shown") != shown:
                break
            page.wait_for_timeout(50)
    raise AssertionError(f"The queue did not end after {limit} decisions")


def check_file(channel: str, name: str, data: bytes) -> None:
    """An independent look at one delivered file: Pillow and numpy only, none of our own code."""
    image = Image.open(io.BytesIO(data))
    image.load()
    assert image.format == FORMATS[channel], name
    assert max(image.size) >= MIN_SIDE[channel], (name, image.size)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile), name
    assert 0x8825 not in image.getexif(), f"{name} gives a place away"
    if channel != "amazon_main":
        return
    assert len(data) <= 10 * 1024 * 1024
    assert image.width == image.height
    pixels = np.asarray(image.convert("RGB"))
    ring = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert (ring == 255).all(), f"{name}: the frame is not exactly white"
    product = (pixels < 250).any(axis=2)
    rows, columns = np.flatnonzero(product.any(axis=1)), np.flatnonzero(product.any(axis=0))
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    # Light product edges are whiter than the threshold above, so the box may measure a little small.
    assert 0.80 <= longest / image.width <= 0.95, (name, longest / image.width)
    assert name.split("/")[-1].startswith("B0"), f"{name} is not named by its ASIN"


def test_the_main_job(page: Any, live_app: Stack, tmp_path: Path) -> None:
    status = live_app.status()
    assert status["workers"] == 2
    assert not set(status["assets"]) & {"received", "validated", "classified", "queued", "scored"}, status
    assert {"auto_approved", "in_review", "editing", "rejected_intake", "duplicate"} <= set(status["assets"]), status
    (waiting,) = numbers(live_app, WAITING)
    pending, samples = numbers(live_app, SAMPLES)
    assert samples >= 1 and pending == samples, "auto-approved photos are sampled blind"

    sign_in(page, live_app, "reviewer")
    approved, rejected = decide_everything(page, live_app)
    assert approved + rejected == waiting
    assert page.get_attribute("#desk", "data-unsent") == "0", "clear is said only when all is sent"
    assert numbers(live_app, WAITING) == [0]
    assert numbers(live_app, SAMPLES)[0] == 0
    live_app.wait_idle(300)
    page.goto(f"{live_app.url}/account/")
    page.context.clear_cookies()

    sign_in(page, live_app, "manager")
    page.goto(f"{live_app.url}/batches/")
    page.click("a[href^='/batches/']:not([href='/batches/new/']):not([href='/batches/'])")
    page.wait_for_selector("#deliveries")
    if resume := page.query_selector("form[action$='/resume/'] button"):
        resume.click()  # too many rejected samples pause a batch: the manager looked and goes on
        page.wait_for_selector("#deliveries")
    page.click("#deliveries form button")
    page.wait_for_selector("#deliveries a[href*='/download/']")
    with page.expect_download() as download:
        page.click("#deliveries a[href*='/download/']")
    archive = tmp_path / "delivery.zip"
    download.value.save_as(archive)
    check_delivery(archive)


def check_delivery(archive: Path) -> None:
    """Every file by itself, and the manifest against the files."""
    with zipfile.ZipFile(archive) as package:
        assert package.testzip() is None
        names = [name for name in package.namelist() if "/" in name]
        manifest = json.loads(package.read("manifest.json"))
        rows = list(csv.DictReader(io.StringIO(package.read("manifest.csv").decode("utf-8-sig"))))
        listed = {row["path"] if "path" in row else row["file"]: row for row in rows}
        assert set(listed) == set(names) and len(names) >= 10
        assert {name.split("/")[0] for name in names} == set(FORMATS)
        for name in names:
            data = package.read(name)
            check_file(name.split("/")[0], name, data)
            assert listed[name]["sha256"] == hashlib.sha256(data).hexdigest()
            assert listed[name]["score"] and listed[name]["decided_by"]
        assert manifest["withheld"], "photos nobody approved are named, not silently left out"
