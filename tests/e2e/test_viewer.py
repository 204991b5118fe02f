"""The viewer's modes, layers and gestures on real processed pictures, judged by the pixels on the screen.

REV-01, REV-02, REV-05, REV-20, SMP-01.
"""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from django.contrib.auth.models import User
from PIL import Image

from reviewapp import storage
from reviewapp.enums import AssetState, ReviewReason, Role
from reviewapp.models import Asset, ProcessingRun, ReviewTask
from reviewapp.services import ingest, references
from tests import factories, line
from tests.e2e.desk import open_queue, sign_in, until

pytestmark = pytest.mark.django_db(transaction=True)

DIFF_BLACK, WHITE_CHECK_CLEAN = (0, 0, 0), (43, 43, 43)


@pytest.fixture
def reviewer(context: Any, live_server: Any) -> User:
    """A reviewer signed in to the browser."""
    user = factories.make_user("Rita", Role.REVIEWER)
    sign_in(context, live_server, user)
    return user


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


def flagged(task: ReviewTask) -> None:
    """Gives a run losses with places: a real report has them only on real faults."""
    quality = task.run.quality
    rows = [{**row, "lost": 0.0} for row in quality.measures if row["name"] not in ("halo", "fill")]
    common = {"unit": "share", "passed": False, "note": "", "where": []}
    rows.append({**common, "name": "halo", "value": 0.95, "part": "edge", "threshold": 0.7, "lost": 9.0,
                 "where": [[300, 300, 60, 40], [700, 500, 40, 40]]})  # fmt: skip
    rows.append({**common, "name": "fill", "value": 0.6, "part": "fill", "threshold": 0.85, "lost": 5.0,
                 "where": [[200, 200, 700, 700]]})  # fmt: skip
    type(quality).objects.filter(pk=quality.pk).update(measures=rows, label_map="", advice="Pull the edge in.")


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


def test_rev05_lost_points_are_shown_where_they_are(page: Any, live_server: Any, reviewer: User) -> None:
    (task,) = processed("a.jpg")
    flagged(task)
    open_queue(page, live_server, "assisted")
    assert page.inner_text('[data-panel="advice"]') == "Pull the edge in."
    rows = page.locator(".lossrow").all_inner_texts()
    assert ["−9" in rows[0], "−5" in rows[1], "limit 0.7" in rows[0], len(rows)] == [True, True, True, 2]
    assert page.inner_text("#flagtxt") == "3 flagged" and page.is_hidden("#layers")
    page.keyboard.press("m")
    assert page.is_visible("#layers")
    chips = {chip.get_attribute("data-group"): chip for chip in page.locator(".lay").all()}
    assert list(chips)[:2] == ["fringe", "fill"]
    assert "−9" in chips["fringe"].inner_text() and "60% of 85%" in chips["fill"].inner_text()
    assert page.locator(".marks .k-fringe .box").count() == 2 and page.locator(".marks .target").count() == 1
    chips["fringe"].click()
    assert page.locator(".marks .k-fringe").count() == 0
    assert page.get_attribute('.lay[data-group="fringe"]', "aria-pressed") == "false"
    assert page.get_attribute('[data-do="why"]', "aria-pressed") == "true"


def test_rev05_g_goes_through_the_places_the_dearest_first_and_shift_g_back(
    page: Any, live_server: Any, reviewer: User
) -> None:
    (task,) = processed("a.jpg")
    flagged(task)
    open_queue(page, live_server, "assisted")
    places = [(330, 320), (720, 520)]
    page.keyboard.press("g")
    assert "Flagged place 1 of 3" in page.inner_text("#live") and page.inner_text("#zoomv") != "Fit"
    for wanted in places:
        page.keyboard.press("g")
        assert np.hypot(*np.subtract(centre(page), wanted)) <= 2, wanted
    page.keyboard.press("g")
    assert "Flagged place 1 of 3" in page.inner_text("#live")
    page.keyboard.press("Shift+G")
    assert np.hypot(*np.subtract(centre(page), places[1])) <= 2
    assert page.locator(".marks .now").count() == 1
    page.locator(".lossrow").first.click()
    assert np.hypot(*np.subtract(centre(page), places[0])) <= 2, (
        "a click on the dearest measure goes to its first place"
    )
    assert "Flagged place 2 of 3" in page.inner_text("#live")


def test_smp01_the_blind_desk_has_neither_layers_nor_their_keys(page: Any, live_server: Any, reviewer: User) -> None:
    (task,) = processed("a.jpg")
    flagged(task)
    told: list[str] = []
    page.on("response", lambda r: told.append(r.url) if r.request.resource_type != "image" else None)
    open_queue(page, live_server)
    for key in ("m", "g", "Shift+G", "i"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert page.locator("#layers, .lossrow, .marks .mk, [data-key=why]").count() == 0
    page.keyboard.press("?")
    assert not {"Why this score: lost points on the picture", "Next flagged place"} & set(
        page.locator("#help-cols dd").all_inner_texts()
    )
    assert not [url for url in told if "overlays.css" in url]


def test_rev20_siblings_and_references_open_beside_the_result(page: Any, live_server: Any, reviewer: User) -> None:
    first, second = processed("front.jpg", "side.jpg")
    manager = factories.make_user("Mona", Role.MANAGER)
    references.add_reference(first.asset.batch.client, [line.photo(9, side=600)], "good.jpg", "As in 2025", manager)
    open_queue(page, live_server)
    page.keyboard.press("o")
    page.wait_for_selector('[data-panel="siblings"] .sib')
    names = page.locator('[data-panel="siblings"] .sib').all_inner_texts()
    assert ["front.jpg" in names[0], "This photo" in names[0], names[1].strip()] == [True, True, "side.jpg"]
    page.locator('[data-panel="siblings"] .sib').nth(1).click()
    assert page.is_visible(".beside") and page.inner_text(".beside figcaption") == "side.jpg"
    source = page.get_attribute(".beside img", "src")
    assert source.startswith(f"/media/run/{second.run_id}/after/")
    page.keyboard.press("Escape")
    assert page.is_hidden(".beside")
    page.locator('[data-panel="references"] .sib').click()
    assert page.inner_text(".beside figcaption") == "As in 2025"
    page.keyboard.press("a")
    until(page, "document.querySelector('.beside').hidden")


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


def touch(page: Any, kind: str, *points: tuple[float, float]) -> None:
    """One touch event with as many fingers as points."""
    session = getattr(page, "cdp", None) or page.context.new_cdp_session(page)
    page.cdp = session
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [
        {"x": x, "y": y, "id": n} for n, (x, y) in enumerate(points)]})  # fmt: skip
    page.wait_for_timeout(60)  # moves are handed out once a frame


@pytest.fixture
def phone(browser: Any, live_server: Any) -> Any:
    """A phone of 390 x 844 with a reviewer signed in, on the first photo."""
    processed("a.jpg")
    opened = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    sign_in(opened, live_server, factories.make_user("Rita", Role.REVIEWER))
    page = opened.new_page()
    open_queue(page, live_server)
    yield page
    opened.close()


def test_rev02_two_fingers_zoom_about_the_point_between_them_and_pan(phone: Any) -> None:
    before = phone.evaluate("new DOMMatrix(document.querySelector('.l-after .world').style.transform).a")
    touch(phone, "touchStart", (150, 300), (250, 300))
    for spread in (60, 80, 100):
        touch(phone, "touchMove", (200 - spread, 300), (200 + spread, 300))
    matrix = """(() => { const m = new DOMMatrix(document.querySelector('.l-after .world').style.transform);
        return [m.a, m.e, m.f]; })()"""
    scale, x, y = phone.evaluate(matrix)
    assert scale / before == pytest.approx(2, rel=0.05)
    touch(phone, "touchMove", (130, 340), (330, 340))
    moved = phone.evaluate(matrix)
    assert (moved[1] - x, moved[2] - y) == (pytest.approx(30, abs=2), pytest.approx(40, abs=2))
    touch(phone, "touchEnd")
    touch(phone, "touchStart", (100, 300))
    touch(phone, "touchMove", (120, 310))
    touch(phone, "touchMove", (140, 320))
    touch(phone, "touchEnd")
    dragged = phone.evaluate(matrix)
    assert dragged[1] - moved[1] == pytest.approx(40, abs=2)


def test_rev02_a_double_tap_toggles_actual_pixels_and_a_long_press_shows_the_original(phone: Any) -> None:
    for _ in range(2):
        phone.touchscreen.tap(120, 260)
    until(phone, "document.getElementById('zoomv').textContent === '100%'")
    for _ in range(2):
        phone.touchscreen.tap(120, 260)
    until(phone, "document.getElementById('zoomv').textContent === 'Fit'")
    touch(phone, "touchStart", (120, 260))
    until(phone, "document.getElementById('stage').classList.contains('peek')")
    touch(phone, "touchEnd")
    until(phone, "!document.getElementById('stage').classList.contains('peek')")
    assert phone.inner_text("#zoomv") == "Fit"


def test_rev02_the_held_button_shows_the_original_on_a_phone(phone: Any) -> None:
    box = phone.locator('[data-hold="peek"]').bounding_box()
    assert box["height"] >= 40 and box["width"] >= 40
    touch(phone, "touchStart", (box["x"] + 20, box["y"] + 20))
    until(phone, "document.getElementById('stage').classList.contains('peek')")
    touch(phone, "touchEnd")
    until(phone, "!document.getElementById('stage').classList.contains('peek')")


@pytest.mark.parametrize("width", [320, 390])
def test_rev04_touch_targets_of_the_viewer_are_40_px(browser: Any, live_server: Any, width: int) -> None:
    processed("a.jpg")
    opened = browser.new_context(viewport={"width": width, "height": 700}, has_touch=True, is_mobile=True)
    sign_in(opened, live_server, factories.make_user("Rita", Role.REVIEWER))
    page = opened.new_page()
    open_queue(page, live_server, "assisted")
    page.keyboard.press("m")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        """[...document.querySelectorAll('.rv-tools button, .stage button, .stage select')]
            .filter((e) => e.checkVisibility()).map((e) => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
            .filter(([, box]) => box.width && (box.width < 39.5 || box.height < 39.5)).map(([html]) => html)"""
    )
    assert not small
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
