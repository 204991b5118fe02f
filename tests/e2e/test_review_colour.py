"""On the desk: a photo whose colour has to be checked against the product is approved after the tick only (REV-11)."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import User

from reviewapp.models import CategoryRule, Client, ReviewDecision, ReviewTask
from tests.e2e.desk import open_queue, saved, show, sku, until, waiting

pytestmark = pytest.mark.django_db(transaction=True)


def asking(count: int) -> list[ReviewTask]:
    tasks = waiting(count)
    Client.objects.update(checks_colour=True)
    return tasks


def test_rev11_the_tick_goes_with_the_approval_and_the_next_photo_starts_without(
    page: Any, live_server: Any, reviewer: User
) -> None:
    asking(3)
    open_queue(page, live_server)
    tick = page.locator('[data-do="colour"]')
    assert tick.is_visible() and tick.get_attribute("aria-pressed") == "false"
    assert tick.get_attribute("aria-keyshortcuts") == "v"
    page.keyboard.press("a")
    page.wait_for_selector("#note:not([hidden])")
    assert "tick that you did" in page.inner_text("#note") and sku(page) == "NW-001"
    assert page.get_attribute("#desk", "data-unsent") == "0", "nothing was sent"
    page.keyboard.press("v")
    assert tick.get_attribute("aria-pressed") == "true" and page.locator("#note").is_hidden()
    page.keyboard.press("a")
    show(page, "NW-002")
    saved(page)
    assert ReviewDecision.objects.get().colour_checked
    assert tick.get_attribute("aria-pressed") == "false"
    page.keyboard.press("x")
    page.keyboard.press("3")
    show(page, "NW-003")
    saved(page)
    assert [one.colour_checked for one in ReviewDecision.objects.order_by("pk")] == [True, False]


def test_rev11_a_click_on_the_banner_ticks_too_and_the_button_takes_it_back(
    page: Any, live_server: Any, reviewer: User
) -> None:
    asking(1)
    open_queue(page, live_server)
    page.keyboard.press("a")
    page.click("#note .btn.sm:has-text('Tick')")
    tick = page.locator('[data-do="colour"]')
    assert tick.get_attribute("aria-pressed") == "true"
    tick.click()
    assert tick.get_attribute("aria-pressed") == "false"


def test_rev11_what_nobody_asks_for_shows_no_button(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(2)
    open_queue(page, live_server)
    assert page.locator('[data-do="colour"]').is_hidden()
    page.keyboard.press("a")
    show(page, "NW-002")


def test_rev11_a_rule_made_after_the_photo_was_lent_brings_it_back_with_the_button(
    page: Any, live_server: Any, reviewer: User
) -> None:
    """From the outbox: the approval left for the server, which refuses it; nothing is lost and nothing passes."""
    tasks = waiting(2)
    open_queue(page, live_server)
    until(page, "document.querySelectorAll('.fr:not(.cold)').length === 2")  # both are here before the network goes
    type(tasks[0].asset).objects.update(category="shoes")
    CategoryRule.objects.create(category="shoes", complexity="simple", checks_colour=True)
    page.context.set_offline(True)
    page.keyboard.press("a")
    show(page, "NW-002")
    page.context.set_offline(False)
    until(page, "document.getElementById('note').innerText.includes('tick that you did')")
    page.click("#note .btn.sm:has-text('Open')")
    show(page, "NW-001")
    assert page.locator('[data-do="colour"]').is_visible()
    page.keyboard.press("v")
    page.keyboard.press("a")
    saved(page)
    until(page, "document.querySelectorAll('.fr .mk.approve').length === 1")
    assert ReviewDecision.objects.get().colour_checked
    page.watched.problems.clear()


@pytest.mark.parametrize("width", [768, 1024, 1440])
def test_rev11_beside_the_other_buttons_it_fits(page: Any, live_server: Any, reviewer: User, width: int) -> None:
    asking(6)
    page.set_viewport_size({"width": width, "height": 900})
    open_queue(page, live_server)
    boxes = [button.bounding_box() for button in page.locator(".act:visible").all()]
    assert len(boxes) == 7
    assert all(left["x"] + left["width"] <= right["x"] for left, right in pairwise(boxes))
    assert boxes[0]["x"] >= 0 and boxes[-1]["x"] + boxes[-1]["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_rev11_on_a_phone_the_button_has_a_row_of_its_own(page: Any, live_server: Any, reviewer: User) -> None:
    asking(1)
    page.set_viewport_size({"width": 390, "height": 844})
    open_queue(page, live_server)
    box, approve = page.locator('[data-do="colour"]').bounding_box(), page.locator(".act.approve").bounding_box()
    assert box["height"] >= 40 and box["width"] > 300 and box["y"] + box["height"] <= approve["y"]
    assert page.evaluate("document.documentElement.scrollWidth") == 390
