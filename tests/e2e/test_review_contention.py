"""The desk when others, the lease or the network get in the way (REVIEW_UI section 14: 6, 7, 8)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from reviewapp.enums import AssetState, Role
from reviewapp.models import AuditEvent, ReviewDecision, ReviewTask
from reviewapp.services.leases import claim_next
from reviewapp.templatetags.states import event_words
from tests import factories
from tests.e2e.desk import open_queue, saved, show, sign_in, sku, until, waiting

pytestmark = pytest.mark.django_db(transaction=True)


def test_rev04_two_people_decide_one_photo_and_the_first_stands(
    page: Any, browser: Any, live_server: Any, reviewer: User
) -> None:
    task, *_ = waiting(2)
    open_queue(page, live_server)
    page.route("**/beat/", lambda route: route.abort())  # a beat just now would lend it anew
    ReviewTask.objects.filter(pk=task.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    other = browser.new_context()
    sign_in(other, live_server, factories.make_user("Otto", Role.REVIEWER))
    second = other.new_page()
    open_queue(second, live_server)
    assert sku(second) == "NW-001"
    second.keyboard.press("a")
    saved(second)
    page.keyboard.press("x")
    page.keyboard.press("1")
    show(page, "NW-002")
    page.wait_for_selector("#note:not([hidden])")
    text = page.inner_text("#note")
    assert "Already decided by Otto: approved." in text and "second opinion" in text
    assert sku(page) == "NW-002", "no lost place"
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.APPROVED
    assert ReviewDecision.objects.filter(task=task, is_second_opinion=True, reviewer=reviewer).count() == 1
    assert AuditEvent.objects.filter(asset=task.asset, actor__username="Otto", verb="asset.moved").exists()
    second_opinion = AuditEvent.objects.get(asset=task.asset, actor=reviewer)
    assert event_words(second_opinion) == "Second opinion: reject, the first one stands: approve"
    other.close()
    page.watched.problems.clear()  # Chromium logs the 409


def test_rev04_a_lost_lease_offers_the_next_photos(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(2)
    open_queue(page, live_server, "assisted")
    until(page, "document.querySelectorAll('.fr').length === 2")
    assert page.is_visible('[data-panel="total"]')
    somebody = factories.make_user("Otto", Role.REVIEWER)
    ReviewTask.objects.update(lease_owner=somebody, lease_until=timezone.now() + timedelta(minutes=5))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_selector('[data-full="lease"]:not([hidden])')
    assert page.inner_text("#live").startswith("Your claim ran out. You were away")
    assert page.evaluate("document.activeElement.id") == "reclaim"
    assert page.is_hidden('[data-panel="total"]') and "No photo is open." in page.inner_text("#panel")
    ReviewTask.objects.update(lease_owner=None, lease_until=None)
    page.keyboard.press("Enter")
    show(page, "NW-001")
    assert page.is_visible('[data-panel="total"]') and "No photo is open." not in page.inner_text("#panel")


def test_rev04_leaving_gives_the_photos_back(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(3)
    open_queue(page, live_server)
    until(page, "document.querySelectorAll('.fr').length === 3")
    assert ReviewTask.objects.filter(lease_owner=reviewer).count() == 3
    page.goto(f"{live_server.url}/review/")
    page.wait_for_timeout(500)
    assert not ReviewTask.objects.filter(lease_owner=reviewer).exists()


def test_rev04_after_a_lease_that_is_gone_no_other_lost_photo_is_offered(
    page: Any, live_server: Any, reviewer: User
) -> None:
    waiting(4)
    open_queue(page, live_server)
    until(page, "document.querySelectorAll('.fr:not(.cold)').length === 4")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if "/decision/" in request.url else None)
    somebody = factories.make_user("Otto", Role.REVIEWER)
    ReviewTask.objects.update(lease_owner=somebody, lease_until=timezone.now() + timedelta(minutes=5))
    page.keyboard.press("a")
    page.wait_for_selector('[data-full="lease"]:not([hidden])')
    assert len(sent) == 1 and not ReviewDecision.objects.exists()
    assert "NW-001" in page.inner_text("#note")
    page.keyboard.press("Escape")
    assert page.is_hidden("#note")
    page.watched.problems.clear()  # Chromium logs the 410


def test_what_one_holds_in_the_other_queue_is_said_to_be_there(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(3)
    somebody = factories.make_user("Otto", Role.REVIEWER)
    claim_next(somebody, 1)
    assert len(claim_next(reviewer, 16, "assisted")) == 2
    page.goto(f"{live_server.url}/review/mixed/")
    page.wait_for_selector('[data-full="wait"]:not([hidden])')
    said = page.inner_text("#full")
    assert "2 photos are yours in the assisted queue" in said and "1 photo is with another reviewer" in said
    assert "2 photos are yours" in page.inner_text("#live")
    page.goto(f"{live_server.url}/review/")
    assert "3 waiting · 0 free, 2 on your assisted desk, 1 with others" in page.inner_text("main")
