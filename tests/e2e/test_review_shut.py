"""The desk when nothing may be sent for now: the session is over, or its person may not review any more (REV-04)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from reviewapp.enums import Role
from reviewapp.models import ReviewDecision
from tests import factories
from tests.e2e.desk import open_queue, saved, show, sign_in, sku, until, waiting
from tests.e2e.test_review_outbox import IN_OUTBOX

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "right-password-1"


@pytest.fixture
def anna(context: Any, live_server: Any) -> User:
    """A reviewer signed in to the browser, with a password to come back by."""
    user = factories.make_user("Anna", Role.REVIEWER)
    user.set_password(PASSWORD)
    user.save()
    sign_in(context, live_server, user)
    return user


def ready(page: Any, live_server: Any, count: int) -> None:
    waiting(count)
    open_queue(page, live_server)
    until(page, f"document.querySelectorAll('.fr:not(.cold)').length === {count}")


def stored() -> list[tuple[str, str]]:
    return list(ReviewDecision.objects.order_by("pk").values_list("asset__sku", "verdict"))


def test_who_may_not_review_any_more_is_told_so_and_loses_no_decision(page: Any, live_server: Any, anna: User) -> None:
    factories.make_user("Ada", Role.ADMIN)
    ready(page, live_server, 3)
    groups = list(anna.groups.all())
    anna.groups.clear()
    page.keyboard.press("a")
    page.wait_for_selector('[data-full="forbidden"]:not([hidden])')
    said = page.inner_text("#full")
    assert "Only reviewers, senior editors and admins can do this. Who can change that: Ada." in said
    assert "1 decision is saved on this device and will be sent." in said
    assert page.locator("dialog[open]").count() == 0, "the session is not over"
    page.keyboard.press("a")
    with page.expect_response("**/claim/") as asked:
        page.click("#allowed-again")
    assert asked.value.status == 403
    until(page, "document.querySelector('[data-full=forbidden]:not([hidden])') !== null")
    assert stored() == [] and page.evaluate(IN_OUTBOX) == 1
    anna.groups.set(groups)
    page.click("#allowed-again")
    until(page, "document.getElementById('full').hidden")
    saved(page)
    assert stored() == [("NW-001", "approve")]
    show(page, "NW-002")
    page.keyboard.press("h")
    show(page, "NW-003")
    saved(page)
    assert stored() == [("NW-001", "approve"), ("NW-002", "hold")] and page.evaluate(IN_OUTBOX) == 0
    page.watched.problems[:] = [one for one in page.watched.problems if "403" not in one]


def test_a_form_token_that_went_with_its_session_reads_as_signed_out(
    page: Any, context: Any, live_server: Any, anna: User
) -> None:
    ready(page, live_server, 2)
    context.clear_cookies()
    page.keyboard.press("a")
    page.wait_for_selector("#signed-out[open]")
    assert page.is_hidden('[data-full="forbidden"]')
    page.watched.problems[:] = [one for one in page.watched.problems if "401" not in one]


def test_what_was_decided_before_the_session_ended_is_stored_once_after_signing_in_again(
    page: Any, context: Any, live_server: Any, anna: User
) -> None:
    ready(page, live_server, 4)
    context.set_offline(True)
    for key, following in (("a", "NW-002"), ("h", "NW-003")):
        page.keyboard.press(key)
        show(page, following)
    context.clear_cookies(name="sessionid")
    context.set_offline(False)
    page.wait_for_selector("#signed-out[open]")
    assert "Your decisions are saved on this device." in page.inner_text("#signed-out")
    assert stored() == [] and page.evaluate(IN_OUTBOX) == 2
    with context.expect_page() as opened:
        page.click("#signed-out a")
    tab = opened.value
    tab.fill("#id_username", "Anna")
    tab.fill("#id_password", PASSWORD)
    tab.click("button[type=submit]")
    tab.wait_for_url(f"{live_server.url}/")
    tab.close()
    page.bring_to_front()
    if page.is_visible("#signed-out"):  # a browser that says the tab is back closes it by itself
        page.click("#signed-out .again")
    until(page, "!document.querySelector('dialog[open]')")
    saved(page)
    assert stored() == [("NW-001", "approve"), ("NW-002", "hold")]
    assert sku(page) == "NW-003"
    page.keyboard.press("a")
    show(page, "NW-004")
    saved(page)
    assert stored()[2:] == [("NW-003", "approve")] and page.evaluate(IN_OUTBOX) == 0
    page.watched.problems.clear()


def idle_desk(page: Any, live_server: Any, path: str) -> str:
    page.goto(f"{live_server.url}/review/mixed/{path}")
    page.wait_for_selector('[data-full="empty"]:not([hidden])')
    return str(page.inner_text("#full"))


def test_sec01_a_desk_that_stays_empty_says_whom_to_ask(page: Any, context: Any, live_server: Any) -> None:
    """A choice of a client one doesn't work for reads as one that isn't there; no client at all is no clear queue."""
    (task, *_) = waiting(2)
    mine = factories.make_batch().client
    other = task.asset.batch.client
    sign_in(context, live_server, factories.make_user("Rita", Role.REVIEWER, clients=[mine]))
    ask = "ask an admin to give you the client."
    for number in (other.pk, 999_999):
        said = idle_desk(page, live_server, f"?client={number}")
        assert "No photo waits for “this choice”." in said and ask in said and other.name not in said
    assert "Queue is clear" in (said := idle_desk(page, live_server, "")) and ask not in said
    sign_in(context, live_server, factories.make_user("Nora", Role.REVIEWER, clients=[]))
    said = idle_desk(page, live_server, "")
    assert "No client is yours yet" in said and "Ask an admin to give you a client." in said
    assert "Queue is clear" not in said
    page.click('[data-full="empty"] a:has-text("Back to the queues")')
    page.wait_for_url(f"{live_server.url}/review/")
