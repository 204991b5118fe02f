"""Deliveries that wait, in a browser: the manager's card, the desk's undo that reaches out, in both themes (REV-04)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from reviewapp.enums import BatchState, DeliveryState, Role
from reviewapp.models import Batch, Delivery, ReviewDecision, Task
from reviewapp.services import batches, delivery, recalls
from tests import factories
from tests.e2e import walk
from tests.e2e.desk import open_queue, saved, show, sign_in, until, waiting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _wait(settings: Any) -> None:
    settings.DELIVERY_GRACE_MIN = 10


def delivered_by(page: Any, server: Any, context: Any, user: User, *, at_once: bool) -> Batch:
    """`user` approves two photos on the desk; a delivery of both is made."""
    batch = factories.make_batch("shopify", name="Mugs", state=BatchState.REVIEW)
    tasks = waiting(2, batch)
    sign_in(context, server, user)
    open_queue(page, server)
    page.keyboard.press("a")
    show(page, "NW-002")
    page.keyboard.press("a")
    saved(page)
    until(page, "document.getElementById('full').hidden === false")
    Task.objects.update(state="done")
    for task in tasks:
        task.asset.refresh_from_db()
        factories.make_rendition(task.asset, batch.channels.get())
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    delivery.release(batch, None, at_once=at_once)
    return batch


def test_rev04_undo_on_the_desk_says_that_the_delivery_was_called_back(
    page: Any, context: Any, live_server: Any
) -> None:
    delivered_by(page, live_server, context, factories.make_user("Rita", Role.REVIEWER), at_once=False)
    page.keyboard.press("z")
    page.wait_for_selector("#note:has-text('Delivery 1 was called back.')")
    show(page, "NW-002")
    saved(page)
    assert Delivery.objects.get().state == DeliveryState.RECALLED
    page.keyboard.press("z")
    show(page, "NW-001")
    saved(page)
    assert ReviewDecision.objects.filter(undoes__isnull=False).count() == 2, "as far back as they go"


def test_rev04_a_senior_is_led_to_the_page_that_calls_back_what_left(page: Any, context: Any, live_server: Any) -> None:
    delivered_by(page, live_server, context, factories.make_user("Sue", Role.SENIOR), at_once=True)
    page.keyboard.press("z")
    page.click("#note button:has-text('Call it back')")
    page.wait_for_url("**/call-back/")
    assert "Delivery 1, 2 files, handed over" in page.inner_text("main")
    page.click("button:has-text('Undo and call back')")
    page.wait_for_url("**/review/")
    assert "Delivery 1 was called back" in page.inner_text("body")
    open_queue(page, live_server)
    assert page.inner_text("#sku") == "NW-002", "lent to her, and the first"
    assert Delivery.objects.get().state == DeliveryState.RECALLED
    page.watched.problems[:] = [one for one in page.watched.problems if "409" not in one]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_the_card_of_a_waiting_and_of_a_called_back_delivery(
    page: Any, context: Any, live_server: Any, theme: str, width: int
) -> None:
    manager = factories.make_user("Mona", Role.MANAGER)
    batch = factories.make_batch("shopify", name="Mugs", state=BatchState.READY)
    factories.make_approved(batch)
    first = delivery.release(batch, manager, at_once=True)
    recalls.call_back(first, "The shadow under the handle of the third mug is far too dark for the brand", manager)
    delivery.release(batch, manager)
    sign_in(context, live_server, manager)
    page.set_viewport_size({"width": width, "height": 900})
    url = live_server.url + reverse("batches:detail", args=[batch.pk])
    for path in (url, f"{live_server.url}/deliveries/", f"{live_server.url}/clients/{batch.client_id}/"):
        page.goto(path)
        page.wait_for_selector("main")
        if theme == "dark":
            walk.by_night(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert walk.serious(page) == [], path
    page.goto(url)
    card = page.inner_text("#deliveries")
    assert "Waits, is handed over in 10 minutes." in card and "replaces 1" in card
    assert "Called back after it was handed over: The shadow" in card
    recalls.sweep(timezone.now() + timedelta(minutes=11))
    page.reload()
    assert "Waits" not in page.inner_text("#deliveries")
    page.click("#deliveries a[href*='/call-back/']")
    page.fill("#id_reason", "Once more")
    page.click("button:has-text('Call it back')")
    page.wait_for_url(url)
    assert "Delivery 2 is called back." in page.inner_text("body")
    page.watched.problems.clear()
