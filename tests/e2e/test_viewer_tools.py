"""The tools of the desk stay in sight at the widths people work at (REV-04)."""

from __future__ import annotations

from typing import Any

import pytest

from reviewapp.enums import Role
from tests import factories
from tests.e2e.desk import open_queue, sign_in, waiting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("width", [1024, 1280, 1440, 1920])
@pytest.mark.parametrize("queue", ["mixed", "assisted"])
def test_rev04_no_tool_is_cut_off(page: Any, context: Any, live_server: Any, queue: str, width: int) -> None:
    sign_in(context, live_server, factories.make_user("Rita", Role.REVIEWER))
    waiting(2)
    page.set_viewport_size({"width": width, "height": 900})
    open_queue(page, live_server, queue)
    if queue == "assisted":  # the longest it gets
        page.evaluate(
            """document.getElementById('flagchip').hidden = false;
            document.getElementById('flagtxt').textContent = '40';"""
        )
    widths = page.evaluate(
        "(() => { const t = document.querySelector('.rv-tools'); return [t.scrollWidth, t.clientWidth]; })()"
    )
    assert widths[0] <= widths[1]
    wrapped = page.evaluate(
        """[...document.querySelectorAll('.rv-tools button')].filter((b) => b.checkVisibility())
            .filter((b) => b.getBoundingClientRect().height > 42).map((b) => b.textContent)"""
    )
    assert not wrapped
