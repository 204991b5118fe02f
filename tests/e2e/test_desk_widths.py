"""The desk on narrow screens: nothing is cut off, nothing scrolls sideways (REVIEW_UI section 14, check 3)."""

from __future__ import annotations

from typing import Any

import pytest

from reviewapp.enums import Role
from tests import factories
from tests.e2e.desk import open_queue, sign_in, waiting
from tests.e2e.test_viewer_layers import flagged
from tests.e2e.viewer import processed

WIDTHS = (1920, 1906, 1905, 1676, 1630, 1629, 1536, 1440, 1439, 1366, 1306, 1280, 1181, 1024, 961, 900, 768, 761)
"""Round the widths where the bar drops something."""
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("width", [320, 390, 768])
def test_the_desk_fits_the_screen(page: Any, context: Any, live_server: Any, width: int) -> None:
    sign_in(context, live_server, factories.make_user("Rita", Role.REVIEWER))
    waiting(2)
    page.set_viewport_size({"width": width, "height": 844})
    open_queue(page, live_server)
    for part in (".rv", ".rv-top", ".rv-bot", "#stage", ".act.approve"):
        right = page.evaluate("(css) => document.querySelector(css).getBoundingClientRect().right", part)
        assert right <= width + 0.5, (part, right)


@pytest.mark.parametrize("queue", ["mixed", "assisted"])
def test_no_tool_is_cut_off_the_bar(page: Any, context: Any, live_server: Any, queue: str) -> None:
    sign_in(context, live_server, factories.make_user("Rita", Role.REVIEWER))
    flagged(processed("a.jpg")[0])
    open_queue(page, live_server, queue)
    over = "(() => { const bar = document.querySelector('.rv-tools'); return bar.scrollWidth - bar.clientWidth; })()"
    cut = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(50)
        cut[width] = page.evaluate(over)
    assert not {width: by for width, by in cut.items() if by > 0}
    assert page.get_attribute("[data-key=swipe]", "title") == "Swipe (W)"


PHONES = ((320, 568, ""), (360, 740, ""), (390, 844, ""), (390, 844, "200%"), (600, 700, ""), (761, 600, ""))
OUT_OF_REACH = """[...document.querySelectorAll('.rv-tools button, .act, .hold-b, .chan')]
    .filter((e) => e.checkVisibility())
    .filter((e) => { const { x, y, width, height } = e.getBoundingClientRect();
        const there = document.elementFromPoint(x + width / 2, y + height / 2)?.closest('button, select');
        return there !== e || x < -0.5 || x + width > innerWidth + 0.5 || width < 24 || height < 24; })
    .map((e) => e.textContent.trim() || e.ariaLabel)"""
WORDS_CUT = """[...document.querySelectorAll('.rv-tools .end .btn, .act')].filter((e) => e.checkVisibility())
    .filter((e) => e.scrollWidth > e.clientWidth).map((e) => e.textContent.trim())"""
CHANNEL = """(() => { const menu = document.querySelector('.chan'), style = getComputedStyle(menu);
    const pen = document.createElement('canvas').getContext('2d');
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const arrow = 20, room = menu.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - arrow;
    return [menu.selectedOptions[0].text, pen.measureText(menu.selectedOptions[0].text).width - room]; })()"""
"""The chosen channel and by how much its name is longer than its room."""


@pytest.mark.parametrize("queue", ["mixed", "assisted"])
def test_rev04_every_tool_is_within_a_thumbs_reach(page: Any, context: Any, live_server: Any, queue: str) -> None:
    """Nothing scrolls out of sight: WCAG 1.4.10, 1.4.4 and 2.5.8."""
    sign_in(context, live_server, factories.make_user("Rita", Role.REVIEWER))
    flagged(processed("a.jpg")[0])
    page.set_viewport_size({"width": 390, "height": 844})
    open_queue(page, live_server, queue)
    assert page.get_attribute("#stage", "data-mode") == "swipe"
    name, over = page.evaluate(CHANNEL)
    assert name == "Amazon main image" and over <= 0
    assert page.is_visible(".rv-tools [data-do=escalate] .t2"), "a word under the sign where there is room"
    for width, height, size in PHONES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("(size) => { document.documentElement.style.fontSize = size; }", size)
        page.wait_for_timeout(100)
        seen = width, size
        assert (seen, page.evaluate(OUT_OF_REACH)) == (seen, [])
        assert (seen, page.evaluate(WORDS_CUT)) == (seen, [])
        assert page.evaluate(STAGE) > 200, seen


IN_SIGHT = """[...document.querySelectorAll('.rv-top button, .rv-top a, .rv-tools button, .rv-bot button:not(.fr)')]
    .filter((e) => e.checkVisibility()).map((e) => [e.textContent.trim() || e.ariaLabel, e.getBoundingClientRect()])
    .filter(([, { left, top, right, bottom }]) => left < -0.5 || top < -0.5 || right > innerWidth + 0.5
        || bottom > innerHeight + 0.5).map(([name]) => name)"""
TEXT_CUT = "document.getElementById('panel').scrollWidth - document.getElementById('panel').clientWidth"
STAGE = "document.getElementById('stage').getBoundingClientRect().height"
PANEL_TOP = """document.getElementById('panel').getBoundingClientRect().top
    - document.getElementById('mid').getBoundingClientRect().top"""


def test_with_text_twice_as_large_nothing_is_cut_off(page: Any, context: Any, live_server: Any) -> None:
    """WCAG 1.4.4, by larger text alone and by the browser's zoom; the reasons open and not."""
    sign_in(context, live_server, factories.make_user("Rita", Role.REVIEWER))
    waiting(3)
    page.set_viewport_size({"width": 1440, "height": 900})
    open_queue(page, live_server, "assisted")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    page.wait_for_timeout(100)
    assert page.evaluate(IN_SIGHT) == [] and page.evaluate(TEXT_CUT) <= 0
    page.keyboard.press("x")
    assert page.evaluate(IN_SIGHT) == [] and page.evaluate(STAGE) > 300
    page.keyboard.press("Escape")
    page.evaluate("document.documentElement.style.fontSize = ''")
    page.set_viewport_size({"width": 720, "height": 450})
    page.wait_for_timeout(100)
    assert page.is_visible("#panel") and page.evaluate(PANEL_TOP) >= 0
    assert page.evaluate(STAGE) > 150
    page.keyboard.press("x")
    assert page.evaluate(IN_SIGHT) == [] and page.is_hidden("#panel")
    assert page.evaluate(STAGE) > 100, "one still sees what one rejects"
