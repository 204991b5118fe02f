"""The desk on narrow screens: nothing is cut off, nothing scrolls sideways (REVIEW_UI section 14, check 3)."""

from __future__ import annotations

from typing import Any

import pytest

from reviewapp.enums import Role
from tests import factories
from tests.e2e.desk import open_queue, sign_in, waiting

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
