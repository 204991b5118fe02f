"""The viewer's modes on real processed pictures, judged by the pixels on the screen (REV-01, REV-02, REV-03,
REV-06)."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from PIL import Image

from reviewapp import storage
from reviewapp.enums import Role
from reviewapp.models import ProcessingRun
from tests import factories
from tests.e2e.desk import open_queue, show, sign_in, until, waiting
from tests.e2e.viewer import (
    centre_of_before,
    hide_labels,
    parts_of,
    picture,
    press,
    processed,
)

pytestmark = pytest.mark.django_db(transaction=True)


DIFF_BLACK, WHITE_CHECK_CLEAN = (0, 0, 0), (43, 43, 43)


def test_rev02_difference_counts_inside_the_mask_and_white_check_outside(
    page: Any, live_server: Any, reviewer: User
) -> None:
    (task,) = processed("a.jpg")
    open_queue(page, live_server)
    hide_labels(page)
    seen = press(page, "r", "diff")
    inside, outside = parts_of(task.run, seen.shape)
    assert (seen[outside] == DIFF_BLACK).all(), "the backdrop is meant to change: nothing of it is shown"
    assert (seen[inside].max(axis=1) > 8).mean() > 0.2, "the photo's grain differs from the encoded file"
    seen = press(page, "y", "white")
    assert (np.abs(seen[inside].astype(int) - WHITE_CHECK_CLEAN) <= 1).all(), "nothing inside the mask is painted"
    assert (np.abs(seen[outside].astype(int) - WHITE_CHECK_CLEAN).max(axis=1) <= 1).mean() > 0.97, (
        "a white background is clean, but for a trace of the encoder at the edge"
    )


def test_rev02_white_check_shows_single_levels_on_a_scale_of_ten(page: Any, live_server: Any, reviewer: User) -> None:
    """A background of known levels: 255 is the base colour, 254 is seen, from 245 on it is the end of the scale."""
    (task,) = processed("a.jpg")
    size = (task.run.after_width, task.run.after_height)
    image = Image.new("RGB", size, "white")
    for n, level in enumerate(((254, 255, 255), (250, 250, 250), (255, 245, 255), (200, 200, 200))):
        image.paste(level, (n * size[0] // 4, 0, (n + 1) * size[0] // 4, 100))
    data = io.BytesIO()
    image.save(data, "PNG")
    key = storage.put_bytes(data.getvalue(), prefix="d").key
    ProcessingRun.objects.filter(pk=task.run_id).update(after_key=key, after_type="image/png")
    open_queue(page, live_server)
    hide_labels(page)
    seen = press(page, "y", "white").astype(int)
    row = [tuple(seen[10, seen.shape[1] * (2 * n + 1) // 8]) for n in range(4)]
    below = seen[seen.shape[0] // 6, seen.shape[1] // 2]
    assert tuple(below) == WHITE_CHECK_CLEAN
    assert sum(row[0]) > sum(WHITE_CHECK_CLEAN) + 5, "one level of one channel is seen"
    assert sum(row[0]) < sum(row[1]) < sum(row[2])
    assert np.abs(np.array(row[2]) - row[3]).max() <= 1, "ten levels fill the scale"


def test_rev02_mask_tints_what_was_removed_on_the_original(page: Any, live_server: Any, reviewer: User) -> None:
    (task,) = processed("a.jpg")
    open_queue(page, live_server)
    hide_labels(page)
    plain = press(page, "w", "swipe")
    page.keyboard.down(" ")
    original = picture(page)
    page.keyboard.up(" ")
    seen = press(page, "t", "mask").astype(int)
    kept, gone = parts_of(task.run, seen.shape)
    assert np.abs(seen[kept] - original[kept]).max() <= 1, "what was kept is the original, untouched"
    tint = np.round(original[gone] * 0.34 + np.array([176, 15, 71]) * 0.66)
    assert np.abs(seen[gone] - tint).max() <= 3
    assert page.evaluate("getComputedStyle(document.querySelector('.legend-h.m')).display") == "flex"
    assert plain.shape == seen.shape


@pytest.mark.parametrize(
    ("key", "mode"), [("q", "side"), ("w", "swipe"), ("e", "blink"), ("r", "diff"), ("t", "mask"), ("y", "white")]
)
def test_rev02_space_shows_the_original_in_every_mode(
    page: Any, live_server: Any, reviewer: User, key: str, mode: str
) -> None:
    processed("a.jpg")
    page.emulate_media(reduced_motion="reduce")
    open_queue(page, live_server)
    hide_labels(page)
    before = press(page, key, mode)
    page.keyboard.down(" ")
    until(page, "document.getElementById('stage').classList.contains('peek')")
    held = picture(page)
    page.keyboard.up(" ")
    until(page, "!document.getElementById('stage').classList.contains('peek')")
    assert np.abs(held[5, 5].astype(int) - (232, 232, 232)).max() < 12, "the sweep of the studio, as it was shot"
    assert np.abs(picture(page).astype(int) - before).max() <= 1


def test_rev02_an_old_result_says_that_it_has_no_mask(page: Any, live_server: Any, reviewer: User) -> None:
    processed("a.jpg")
    ProcessingRun.objects.update(matte_key="", after_format="")
    open_queue(page, live_server)
    page.keyboard.press("t")
    assert page.is_visible(".nomask") and "No mask was kept" in page.inner_text(".nomask")
    assert "a preview, not the delivered file" in page.inner_text('[data-size="file"]')


def test_rev02_c_shows_the_next_channels_own_file(page: Any, live_server: Any, reviewer: User) -> None:
    (task,) = processed("a.jpg")
    open_queue(page, live_server)
    kilobytes = f"{round(task.run.after_bytes / 1000)} kB"
    label = page.inner_text(".lb-after")
    assert "JPEG" in label and kilobytes in label and f"{task.run.after_width} ×" in label
    assert page.evaluate("document.querySelector('.chan').selectedOptions[0].text") == "Amazon main image"
    page.keyboard.press("f")
    page.keyboard.press("c")
    until(page, "document.querySelector('[data-size=file]').textContent.startsWith('WEBP')")
    view = task.run.views.get()
    shown = page.evaluate("document.querySelector('.l-after img.on').getAttribute('src')")
    assert shown.startswith(f"/media/view/{view.pk}/after/")
    assert page.inner_text("#zoomv") == "100%", "the place in sight is kept"
    page.keyboard.press("t")
    assert page.evaluate("document.querySelector('.l-matte img.on').getAttribute('src')").startswith("/media/view/")
    page.keyboard.press("c")
    until(page, "document.querySelector('[data-size=file]').textContent.startsWith('JPEG')")


@pytest.mark.parametrize("where", ["desk", "photo"])
def test_rev02_a_channel_that_cant_be_made_says_so_where_one_looks(
    page: Any, context: Any, live_server: Any, where: str
) -> None:
    (task,) = processed("a.jpg")
    sign_in(context, live_server, factories.make_user("Sam", Role.SENIOR, Role.MANAGER))
    if where == "desk":
        open_queue(page, live_server)
    else:
        page.goto(live_server.url + reverse("images:detail", args=[task.asset_id]))
        page.wait_for_selector("#stage[data-shown]")
    page.route("**/channel/**", lambda route: route.abort())
    page.focus("#stage")
    page.keyboard.press("c")
    page.wait_for_selector("#hint:not([hidden])")
    words = "This channel’s file could not be made now. Try again."
    assert page.inner_text("#hint") == words and page.inner_text("#live") == words
    assert page.evaluate("document.querySelector('.chan').selectedIndex") == 0
    page.unroute("**/channel/**")
    page.keyboard.press("c")
    until(page, "document.querySelector('[data-size=file]').textContent.startsWith('WEBP')")
    page.watched.problems.clear()


def test_rev01_the_lock_keeps_zoom_place_and_mode(page: Any, live_server: Any, reviewer: User) -> None:
    first, second = processed("a.jpg", "b.jpg")
    open_queue(page, live_server)
    page.keyboard.press("t")
    page.keyboard.press("l")
    assert page.get_attribute('[data-key="lock"]', "aria-pressed") == "true"
    page.mouse.move(620, 300)
    page.keyboard.press("f")
    size = np.array([first.run.after_width, first.run.after_height])
    before = np.array(centre_of_before(page)) / size
    page.keyboard.press("a")
    until(page, f"document.getElementById('stage').dataset.shown.startsWith('{second.pk}.')")
    assert page.inner_text("#zoomv") == "100%" and page.get_attribute("#stage", "data-mode") == "mask"
    after = np.array(centre_of_before(page)) / [second.run.after_width, second.run.after_height]
    assert np.abs(before - after).max() < 0.01


def test_rev01_the_locked_place_survives_a_smaller_photo(page: Any, live_server: Any, reviewer: User) -> None:
    _, small, _ = waiting(3)
    ProcessingRun.objects.filter(pk=small.run_id).update(after_width=200, after_height=200)
    open_queue(page, live_server)
    page.keyboard.press("l")
    for key in ["+"] * 4 + ["ArrowRight"]:
        page.keyboard.press(key)
    before = centre_of_before(page)
    assert before[0] > 350, "off the middle of 600"
    for key, name in (("a", "NW-002"), ("a", "NW-003"), ("z", "NW-002"), ("z", "NW-001")):
        page.keyboard.press(key)
        show(page, name)
        wanted = (100, 100) if name == "NW-002" else before
        assert centre_of_before(page) == pytest.approx(wanted, abs=1), name


@pytest.mark.parametrize("density", [1, 1.5, 2, 3])
def test_rev02_actual_pixels_are_device_pixels(browser: Any, live_server: Any, density: float) -> None:
    (task,) = processed("a.jpg")
    opened = browser.new_context(viewport={"width": 1200, "height": 800}, device_scale_factor=density)
    sign_in(opened, live_server, factories.make_user("Rita", Role.REVIEWER))
    page = opened.new_page()
    open_queue(page, live_server)
    page.keyboard.press("w")
    page.focus(".swipe-h")
    page.keyboard.press("Home")
    hide_labels(page)
    page.mouse.move(600, 400)
    page.keyboard.press("f")
    assert page.inner_text("#zoomv") == "100%"
    page.wait_for_timeout(300)
    with Image.open(io.BytesIO(page.screenshot())) as image:
        shot = np.asarray(image.convert("RGB")).astype(int)
    x, y = page.evaluate(
        """(() => { const pane = document.querySelector('.pane-b').getBoundingClientRect();
            const matrix = new DOMMatrix(document.querySelector('.pane-b .l-after .world').style.transform);
            return [(pane.left + matrix.e) * devicePixelRatio, (pane.top + matrix.f) * devicePixelRatio]; })()"""
    )
    with Image.open(io.BytesIO(storage.read_bytes(task.run.after_key))) as image:
        stored = np.asarray(image.convert("RGB")).astype(int)
    left, top = round(600 * density) - 100, round(400 * density) - 100
    column, row = round(left - x), round(top - y)
    seen, meant = shot[top : top + 200, left : left + 200], stored[row : row + 200, column : column + 200]
    assert np.abs(seen - meant).max() <= 2, "one pixel of the file is one pixel of the screen"
    opened.close()


def test_the_readout_tells_place_both_colours_and_their_difference(page: Any, live_server: Any, reviewer: User) -> None:
    (task,) = processed("a.jpg")
    open_queue(page, live_server)
    page.keyboard.press("w")
    page.keyboard.press("f")
    page.mouse.move(900, 430)
    page.wait_for_selector("#hud:not([hidden])")
    x, y = (int(part) for part in page.inner_text('[data-hud="at"]').split(", "))
    with Image.open(io.BytesIO(storage.read_bytes(task.run.after_key))) as image:
        wanted = image.convert("RGB").getpixel((x, y))
    assert [int(part) for part in page.inner_text('[data-hud="after"]').split()] == list(wanted)
    assert 0 <= float(page.inner_text('[data-hud="difference"]')) < 5


SHARMA = """50 2.6772 -79.7751 50 0 -82.7485 2.0425|50 3.1571 -77.2803 50 0 -82.7485 2.8615
50 2.8361 -74.02 50 0 -82.7485 3.4412|50 -1.3802 -84.2814 50 0 -82.7485 1|50 -1.1848 -84.8006 50 0 -82.7485 1
50 -0.9009 -85.5211 50 0 -82.7485 1|50 0 0 50 -1 2 2.3669|50 -1 2 50 0 0 2.3669|50 2.49 -0.001 50 -2.49 0.0009 7.1792
50 2.49 -0.001 50 -2.49 0.001 7.1792|50 2.49 -0.001 50 -2.49 0.0011 7.2195|50 2.49 -0.001 50 -2.49 0.0012 7.2195
50 -0.001 2.49 50 0.0009 -2.49 4.8045|50 -0.001 2.49 50 0.001 -2.49 4.8045|50 -0.001 2.49 50 0.0011 -2.49 4.7461
50 2.5 0 50 0 -2.5 4.3065|50 2.5 0 73 25 -18 27.1492|50 2.5 0 61 -5 29 22.8977|50 2.5 0 56 -27 -3 31.903
50 2.5 0 58 24 15 19.4535|50 2.5 0 50 3.1736 0.5854 1|50 2.5 0 50 3.2972 0 1|50 2.5 0 50 1.8634 0.5757 1
50 2.5 0 50 3.2592 0.335 1|60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.263|61.2901 3.7196 -5.3901 61.4292 2.248 -4.962 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645|22.7233 20.0904 -46.694 23.0331 14.973 -42.5619 2.0373
36.4612 47.858 18.3852 36.2715 50.5065 21.2231 1.4146|90.8027 -2.0831 1.441 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381|6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.135 0.9033 -0.0636 -0.5514 0.9082"""
"""The 34 test pairs of Sharma, Wu, Dalal (2005), table 1: L a b, L a b, CIEDE2000."""


def test_rev02_ciede2000_gives_the_published_figures(page: Any, live_server: Any) -> None:
    page.goto(f"{live_server.url}/login/")
    pairs = [[float(number) for number in row.split()] for row in SHARMA.replace("\n", "|").split("|")]
    assert len(pairs) == 34
    found = page.evaluate(
        """(pairs) => import('/static/js/colour.js').then(({ difference }) =>
            pairs.map((p) => difference(p.slice(0, 3), p.slice(3, 6))))""",
        pairs,
    )
    assert np.abs(np.array(found) - [pair[6] for pair in pairs]).max() < 5.1e-5
    white = page.evaluate("import('/static/js/colour.js').then(({ lab }) => [lab([255, 255, 255]), lab([0, 0, 0])])")
    assert np.abs(np.array(white) - [[100, 0, 0], [0, 0, 0]]).max() < 0.01


def test_rev04_no_key_is_bound_twice(page: Any, live_server: Any) -> None:
    page.goto(f"{live_server.url}/login/")
    rows = page.evaluate("import('/static/js/keymap.js').then((m) => m.KEYMAP)")
    keys = [(row.get("when"), key) for row in rows for key in row["keys"]]
    assert len(keys) > 30 and len(set(keys)) == len(keys)
