"""Whose decisions wait on a device, what holds up the others, and what the desk says while not all is sent (REV-04)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from reviewapp.enums import Role
from reviewapp.models import ReviewDecision, ReviewTask
from tests import factories
from tests.e2e.desk import open_queue, saved, show, sign_in, until, waiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

BROKEN = {"status": 500, "body": "<h1>Server Error</h1>", "content_type": "text/html"}
IN_OUTBOX = """new Promise((resolve) => { const open = indexedDB.open('softproof');
    open.onsuccess = () => { const all = open.result.transaction('outbox').objectStore('outbox').getAll();
        all.onsuccess = () => { open.result.close(); resolve(all.result.length); }; }; })"""


@pytest.fixture
def anna(context: Any, live_server: Any) -> User:
    """A reviewer signed in to the browser."""
    user = factories.make_user("Anna", Role.REVIEWER)
    sign_in(context, live_server, user)
    return user


def bea(context: Any, live_server: Any) -> User:
    """Another reviewer signs in to the same browser."""
    user = factories.make_user("Bea", Role.REVIEWER)
    sign_in(context, live_server, user)
    return user


def ready(page: Any, live_server: Any, count: int) -> None:
    waiting(count)
    open_queue(page, live_server)
    until(page, f"document.querySelectorAll('.fr:not(.cold)').length === {count}")


def full(page: Any) -> str:
    return str(page.inner_text("#full"))


def by_whom() -> list[tuple[str, str]]:
    return list(ReviewDecision.objects.order_by("pk").values_list("asset__sku", "reviewer__username"))


def test_what_anna_decided_is_not_posted_for_bea_and_arrives_when_anna_is_back(
    page: Any, context: Any, live_server: Any, anna: User
) -> None:
    ready(page, live_server, 4)
    context.set_offline(True)
    page.keyboard.press("a")
    show(page, "NW-002")
    page.keyboard.press("a")
    show(page, "NW-003")
    other = bea(context, live_server)
    context.set_offline(False)
    page.wait_for_selector("#other-person[open]")
    until(page, "document.getElementById('op-t').textContent === 'Bea is signed in now'")
    assert "2 decisions of Anna wait on this device" in page.inner_text("#op-text")
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    assert by_whom() == []
    ReviewTask.objects.filter(asset__sku__gt="NW-002").update(lease_owner=None, lease_until=None)
    page.click("#op-open")  # Bea's own desk
    page.wait_for_selector("#stage[data-shown]")
    page.wait_for_selector("#note:not([hidden])")
    assert "2 decisions of Anna wait on this device" in page.inner_text("#note")
    showing = page.inner_text("#sku")
    page.keyboard.press("h")
    until(page, "(sku) => document.getElementById('sku').textContent !== sku", showing)
    saved(page)
    assert [name for _sku, name in by_whom()] == [other.username]
    assert page.evaluate(IN_OUTBOX) == 2
    sign_in(context, live_server, anna)
    page.reload()
    saved(page)
    until(page, f"({IN_OUTBOX}).then((count) => count === 0)")
    assert by_whom()[1:] == [("NW-001", "Anna"), ("NW-002", "Anna")]
    page.watched.problems.clear()


def test_the_desk_goes_on_by_itself_when_its_person_is_back(
    page: Any, context: Any, live_server: Any, anna: User
) -> None:
    ready(page, live_server, 3)
    bea(context, live_server)
    page.keyboard.press("a")
    page.wait_for_selector("#other-person[open]")
    sign_in(context, live_server, anna)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    until(page, "!document.querySelector('dialog[open]')")
    saved(page)
    assert by_whom() == [("NW-001", "Anna")]
    page.watched.problems.clear()


@pytest.mark.parametrize("is_tried_again", [True, False])
def test_a_decision_the_server_keeps_failing_on_is_set_aside_and_the_rest_goes_on(
    page: Any, live_server: Any, anna: User, is_tried_again: bool
) -> None:
    ready(page, live_server, 4)
    first = page.get_attribute(".fr.cur", "data-entry").split(".")[0]
    page.route(f"**/items/{first}/decision/", lambda route: route.fulfill(**BROKEN))
    page.clock.install()  # the pauses between tries pass at once
    for following in ("NW-002", "NW-003"):
        page.keyboard.press("a")
        page.clock.run_for(500)
        show(page, following)
    for _ in range(8):
        page.clock.run_for(2000)
        page.wait_for_timeout(50)
    saved(page)
    assert by_whom() == [("NW-002", "Anna")]
    page.wait_for_selector("#note:not([hidden])")
    assert "NW-001" in page.inner_text("#note") and "not stored" in page.inner_text("#note")
    assert page.inner_text("#aside-open") == "1 not stored"
    page.click("#aside-open")
    assert "Approved, but not stored: the server answered with error 500." in page.inner_text("#aside-list")
    page.unroute(f"**/items/{first}/decision/")
    page.click(f"#aside-list >> text={'Try again' if is_tried_again else 'Discard'}")
    until(page, "document.getElementById('aside-open').hidden")
    saved(page)
    assert page.evaluate(IN_OUTBOX) == 0
    assert by_whom() == [("NW-002", "Anna")] + ([("NW-001", "Anna")] if is_tried_again else [])
    assert (page.query_selector('.fr[aria-label="NW-001, Approved"]') is not None) == is_tried_again
    page.watched.problems.clear()


def test_taking_back_what_was_set_aside_waits_with_it_and_both_can_be_discarded(
    page: Any, live_server: Any, anna: User
) -> None:
    ready(page, live_server, 3)
    page.route("**/decision/", lambda route: route.fulfill(**(BROKEN | {"status": 400})))
    undone: list[str] = []
    page.on("request", lambda request: undone.append(request.url) if "/undo/" in request.url else None)
    page.clock.install()
    page.keyboard.press("a")
    for _ in range(6):
        page.clock.run_for(2000)
        page.wait_for_timeout(50)
    until(page, "!document.getElementById('aside-open').hidden")
    page.keyboard.press("z")
    page.clock.run_for(500)
    show(page, "NW-001")
    page.click("#aside-open")
    page.click("#aside-list >> text=Discard")
    page.unroute("**/decision/")
    until(page, "!document.querySelector('dialog[open]')")
    page.keyboard.press("h")
    page.clock.run_for(500)
    show(page, "NW-002")
    saved(page)
    assert by_whom() == [("NW-001", "Anna")] and not undone
    page.watched.problems.clear()


def test_a_clear_queue_is_not_said_while_anything_is_unsent(page: Any, live_server: Any, anna: User) -> None:
    ready(page, live_server, 1)
    page.context.set_offline(True)
    page.keyboard.press("a")
    page.wait_for_selector('[data-full="wait"]:not([hidden])')
    assert "Queue is clear" not in page.inner_text("body")
    assert "1 decision is saved on this device and will be sent." in full(page)
    page.context.set_offline(False)
    page.wait_for_selector('[data-full="empty"]:not([hidden])')
    assert "Queue is clear" in full(page) and by_whom() == [("NW-001", "Anna")]
    page.watched.problems.clear()


def test_a_second_decision_in_another_tab_says_what_happened(
    page: Any, context: Any, live_server: Any, anna: User
) -> None:
    ready(page, live_server, 3)
    tab = context.new_page()
    open_queue(tab, live_server)
    show(tab, "NW-001")
    tab.keyboard.press("a")
    saved(tab)
    page.keyboard.press("x")
    page.keyboard.press("1")
    page.wait_for_selector("#note:not([hidden])")
    said = page.inner_text("#note")
    assert "You have approved this photo already, perhaps in another tab." in said and "second opinion" not in said
    assert page.query_selector('.fr[aria-label="NW-001, Approved"]')
    page.keyboard.press("z")
    show(page, "NW-001")
    saved(page)
    rows = ReviewDecision.objects.order_by("pk").values_list("verdict", "undoes__verdict")
    assert list(rows) == [("approve", None), ("approve", "approve")]
    page.watched.problems.clear()
