"""What all pages share: the bar, the foot, names, the first tab stop. That every screen is whole at every width and in
both themes, test_acceptance.py says (REVIEW_UI section 14: 1 to 3)."""

from __future__ import annotations

from typing import Any

import pytest

from reviewapp.enums import AssetState, BatchState, Role
from tests import factories
from tests.e2e import walk
from tests.e2e.desk import sign_in, until, waiting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def everything(context: Any, live_server: Any) -> None:
    """Some rows of each kind, and somebody with every role."""
    batch = factories.make_batch(name="A batch with quite a long name for a narrow screen", state=BatchState.REVIEW)
    waiting(2, batch)
    factories.make_edit(batch)
    factories.make_approved(batch)
    factories.make_asset(batch, AssetState.FAILED, state_reason="The file ends early.", state_code="truncated")
    sign_in(context, live_server, factories.make_user("Alexandra", *Role))


@pytest.mark.parametrize("width", [320, 390])
def test_the_home_of_a_senior_fits_a_phone(page: Any, context: Any, live_server: Any, width: int) -> None:
    waiting(2)
    sign_in(context, live_server, factories.make_user("Sam", Role.SENIOR))
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(live_server.url)
    assert page.inner_text(".top .pri").strip() == "Review 2 photos"
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [320, 390])
@pytest.mark.usefixtures("everything")
def test_batches_and_clients_are_searched_on_a_phone(page: Any, live_server: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/batches/", "/clients/"):
        page.goto(live_server.url + path)
        box = page.locator('.top input[name="q"]').bounding_box()
        assert box is not None and box["width"] >= 70 and box["height"] >= 40, path
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
    page.watched.problems.clear()


@pytest.mark.parametrize("width", [1440, 1920])
@pytest.mark.usefixtures("everything")
def test_the_buttons_of_the_bar_end_where_the_page_ends(page: Any, live_server: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/review/", "/batches/"):
        page.goto(live_server.url + path)
        inner = """(css) => { const e = document.querySelector(css), s = getComputedStyle(e);
            return e.getBoundingClientRect().right - parseFloat(s.paddingRight); }"""
        assert page.evaluate(inner, ".top") == pytest.approx(page.evaluate(inner, ".page"), abs=0.5), path
    page.watched.problems.clear()


@pytest.mark.usefixtures("everything")
def test_names_on_tiles_and_at_the_foot_are_whole(page: Any, live_server: Any) -> None:
    page.goto(f"{live_server.url}/batches/")
    page.click("main a.prime")
    page.wait_for_selector(".tile .cap")
    cut = page.evaluate(
        "[...document.querySelectorAll('.tile .cap .brk, .me a, .me .strong')]"
        ".filter((e) => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflow !== 'visible')"
        ".map((e) => e.textContent)"
    )
    page.watched.problems.clear()
    assert not cut


@pytest.mark.usefixtures("everything")
def test_the_first_tab_stop_skips_to_the_content(page: Any, live_server: Any) -> None:
    page.goto(f"{live_server.url}/batches/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    until(page, "location.hash === '#main'")
    page.watched.problems.clear()


@pytest.mark.parametrize(("width", "size"), [(1440, "200%"), (320, ""), (390, "200%")])
@pytest.mark.usefixtures("everything")
def test_a_new_batch_is_whole_on_a_small_screen_and_with_large_text(
    page: Any, live_server: Any, width: int, size: str
) -> None:
    """WCAG 1.4.10 and 1.4.4. The acceptance walk asks this of every screen; this test sees that it would find it."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{live_server.url}/batches/new/")
    page.evaluate("(size) => { document.documentElement.style.fontSize = size; }", size)
    assert page.evaluate(walk.WIDE) <= 0
    assert page.evaluate(walk.CUT) == []
    page.evaluate("Object.assign(document.querySelector('.acts .pri').style, { width: '40px', overflow: 'hidden' })")
    assert page.evaluate(walk.CUT) == ["BUTTON.btn pri lg: Create and add photos"]


@pytest.mark.usefixtures("everything")
def test_a_row_of_filters_fades_where_there_is_more_of_it(page: Any, live_server: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{live_server.url}/batches/")
    fades = """() => { const style = getComputedStyle(document.querySelector('nav.seg'));
        return [style.getPropertyValue('--fade-a'), style.getPropertyValue('--fade-z')]; }"""
    assert page.evaluate(fades) == ["0px", "32px"]
    page.evaluate("document.querySelector('nav.seg').scrollLeft = 9999")
    until(page, f"({fades})().join() === '32px,0px'")
    page.set_viewport_size({"width": 1440, "height": 800})
    until(page, f"({fades})().join() === '0px,0px'")
    page.watched.problems.clear()
