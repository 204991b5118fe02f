"""The viewer under fingers: pinch, pan, double tap, long press, and targets large enough (REV-02, REV-04)."""

from __future__ import annotations

from typing import Any

import pytest

from reviewapp.enums import Role
from reviewapp.models import ReviewDecision
from tests import factories
from tests.e2e.desk import open_queue, sign_in, until
from tests.e2e.viewer import (
    processed,
)

pytestmark = pytest.mark.django_db(transaction=True)


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


def test_rev07_rejecting_is_cancelled_by_a_tap(phone: Any) -> None:
    for way_out in (".act.reject", "#reject-cancel", ".pane-b"):
        phone.wait_for_timeout(350)  # not a double tap
        phone.tap(".act.reject")
        assert phone.is_visible("#reasons")
        if way_out == ".pane-b":  # beside the swipe handle
            touch(phone, "touchStart", (100, 300))
            touch(phone, "touchEnd")
        else:
            phone.tap(way_out)
        assert phone.is_hidden("#reasons"), way_out
    phone.tap(".act.reject")
    touch(phone, "touchStart", (150, 300))
    touch(phone, "touchMove", (190, 300))
    touch(phone, "touchEnd")
    assert phone.is_visible("#reasons"), "a drag looks at the photo"
    assert not ReviewDecision.objects.exists() and phone.inner_text("#sku") == "MUG"
