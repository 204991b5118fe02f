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
