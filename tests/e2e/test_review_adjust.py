"""REV-08, REV-22 in a browser: settings moved, run again by the real line, compared beside the old result, taken."""

from __future__ import annotations

from typing import Any

import pytest

from reviewapp.enums import Role, RunKind
from reviewapp.models import Adjustment, ReviewDecision, RoutingPolicy
from reviewapp.services import ingest
from tests import factories, line
from tests.e2e.desk import open_queue, saved, show, sign_in, until, waiting

pytestmark = pytest.mark.django_db(transaction=True)
WIDTH = "document.getElementById('stage').getBoundingClientRect().width"


def processed() -> None:
    """Two photos through the real line, up for review."""
    batch = line.open_batch()
    latest = RoutingPolicy.objects.order_by("-number").values().first()
    assert latest is not None
    RoutingPolicy.objects.create(**{**latest, "id": None, "number": latest["number"] + 1, "min_confidence": 1.0})
    for n in (1, 2):
        line.send(batch, f"photo-{n}.jpg", line.photo(n, side=900), category="books", sku=f"NW-{n:03d}")
    ingest.close_batch(batch)
    line.run_line()


def work(page: Any) -> None:
    """Waits for the order and does it, as a worker would."""
    for _ in range(200):
        if Adjustment.objects.exists():
            break
        page.wait_for_timeout(50)
    assert line.run_line() == ["done"]


def test_rev08_a_reviewer_moves_the_shadow_and_takes_the_new_result(page: Any, context: Any, live_server: Any) -> None:
    reviewer = factories.make_user("Rita", Role.REVIEWER)
    sign_in(context, live_server, reviewer)
    processed()
    open_queue(page, live_server)
    old = page.evaluate("document.querySelector('.l-after .on').getAttribute('src')")
    page.keyboard.press("o")
    page.wait_for_selector("#adj-shadow-opacity")
    page.focus("#adj-shadow-opacity")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    page.click('[data-adjust="run"]')
    work(page)
    page.wait_for_selector('[data-adjust="choice"]:not([hidden])')
    until(page, "(old) => document.querySelector('.l-after .on').getAttribute('src') !== old", old)
    assert page.inner_text(".pane-a .plabel").startswith("Old result")
    assert page.inner_text(".pane-b .lb-after").startswith("New result")
    page.focus("#stage")
    page.keyboard.press("a")
    assert not ReviewDecision.objects.exists(), "first take it or leave it"
    page.click('[data-adjust="use"]')
    until(page, "document.getElementById('adjust').hidden")
    assert page.inner_text(".pane-a .plabel").startswith("Before")
    until(page, "document.querySelector('.fr.cur').dataset.entry === document.getElementById('stage').dataset.shown")
    page.keyboard.press("a")
    saved(page)
    decision = ReviewDecision.objects.get()
    assert decision.run.kind == RunKind.ADJUSTED
    assert Adjustment.objects.get().changes == {"shadow.opacity": 0.4}
    assert decision.run.params["shadow"]["opacity"] == 0.4


def test_rev08_keeping_the_old_result_changes_nothing(page: Any, context: Any, live_server: Any) -> None:
    sign_in(context, live_server, factories.make_user("Rita", Role.REVIEWER))
    processed()
    open_queue(page, live_server)
    page.keyboard.press("o")
    page.wait_for_selector("#adj-edge-refinement")
    page.click('[data-adjust="run"]')
    until(page, "document.querySelector('[data-adjust=\"status\"]').textContent.includes('Nothing is different')")
    page.watched.problems.clear()  # Chromium logs the 409
    page.select_option("#adj-edge-refinement", "low")
    page.click('[data-adjust="run"]')
    work(page)
    page.wait_for_selector('[data-adjust="choice"]:not([hidden])')
    page.click('[data-adjust="keep"]')
    page.focus("#stage")
    page.keyboard.press("Escape")
    assert page.is_hidden("#adjust") and page.inner_text(".pane-a .plabel").startswith("Before")
    page.keyboard.press("a")
    saved(page)
    assert ReviewDecision.objects.get().run.kind == RunKind.AUTOMATED


def test_rev08_escape_leads_out_of_the_panel_and_its_column_goes_with_it(
    page: Any, context: Any, live_server: Any
) -> None:
    sign_in(context, live_server, factories.make_user("Rita", Role.REVIEWER))
    waiting(3)
    open_queue(page, live_server)
    for key in ("Escape", "a"):
        page.keyboard.press("o")
        page.wait_for_selector("#adj-edge-refinement")
        until(page, "document.activeElement.closest('#adjust') !== null")
        assert page.evaluate(WIDTH) < 1200
        if key == "Escape":
            page.focus("#adj-edge-refinement")  # a list of choices takes letters, but not Escape
            page.keyboard.press(key)
        else:
            page.click(".act.approve")
            show(page, "NW-002")
        assert page.is_hidden("#adjust") and page.evaluate("document.activeElement.id") == "stage"
        assert page.evaluate(WIDTH) == page.viewport_size["width"], key
    page.keyboard.press("a")
    show(page, "NW-003")
