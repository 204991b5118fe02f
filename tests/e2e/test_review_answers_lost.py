"""Decisions whose answers get lost, and what a mouse and a speck must not do at the desk (REV-04, C19)."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from PIL import Image

from reviewapp.enums import Role
from reviewapp.models import Client, ReviewDecision, ReviewTask
from reviewapp.services import leases
from tests import factories
from tests.e2e.desk import open_queue, saved, show, until, waiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WARM = "[...document.querySelectorAll('.world > img.warm')]"
LABELS = "document.querySelectorAll('.plabel, .legend-h, .hud, .swipe-h')"


def ready(page: Any, live_server: Any, count: int) -> None:
    waiting(count)
    open_queue(page, live_server)
    until(page, f"document.querySelectorAll('.fr:not(.cold)').length === {count}")


def stored() -> list[tuple[str, bool]]:
    rows = ReviewDecision.objects.filter(asset__sku="NW-001").order_by("pk")
    return [(verdict, undoes is not None) for verdict, undoes in rows.values_list("verdict", "undoes")]


def test_a_decision_that_arrived_without_an_answer_is_undone_not_forgotten(
    page: Any, live_server: Any, reviewer: User
) -> None:
    ready(page, live_server, 3)

    def lose(route: Any) -> None:
        route.fetch()
        route.abort()

    page.route("**/decision/", lose, times=1)
    page.keyboard.press("a")
    show(page, "NW-002")
    for _ in range(100):
        if ReviewDecision.objects.exists():
            break
        page.wait_for_timeout(50)
    page.wait_for_timeout(200)
    page.keyboard.press("z")
    show(page, "NW-001")
    page.keyboard.press("x")
    page.keyboard.press("6")
    show(page, "NW-002")
    saved(page)
    assert stored() == [("approve", False), ("approve", True), ("reject", False)]
    page.watched.problems.clear()


def test_an_undo_and_a_new_decision_that_wait_survive_a_reload_both(
    page: Any, live_server: Any, reviewer: User
) -> None:
    ready(page, live_server, 4)
    page.keyboard.press("a")
    show(page, "NW-002")
    saved(page)
    for address in ("**/undo/", "**/decision/"):
        page.route(address, lambda route: route.abort())
    page.keyboard.press("z")
    show(page, "NW-001")
    page.keyboard.press("x")
    page.keyboard.press("6")
    show(page, "NW-002")
    page.wait_for_timeout(300)
    for address in ("**/undo/", "**/decision/"):
        page.unroute(address)
    page.reload()
    page.wait_for_selector("#stage[data-shown]")
    saved(page)
    assert stored() == [("approve", False), ("approve", True), ("reject", False)]
    page.watched.problems.clear()


def test_after_a_click_space_still_means_the_original(page: Any, live_server: Any, reviewer: User) -> None:
    ready(page, live_server, 3)
    page.click(".act.approve")
    show(page, "NW-002")
    page.keyboard.down(" ")
    until(page, "document.getElementById('stage').classList.contains('peek')")
    page.keyboard.up(" ")
    page.wait_for_timeout(300)
    assert page.inner_text("#sku") == "NW-002" and ReviewDecision.objects.count() == 1
    handle = page.locator(".swipe-h")
    for tool in ("[data-mode=swipe]", "[data-do=zoomIn]", "button[data-surround='18']", "[data-do=lock]", ".swipe-h"):
        page.click(tool) if tool != ".swipe-h" else handle.click(position={"x": 22, "y": 300})
        before = page.evaluate("document.querySelector('.rv-tools').innerHTML")
        page.keyboard.down(" ")
        assert page.evaluate("document.getElementById('stage').classList.contains('peek')"), tool
        page.keyboard.up(" ")
        assert page.evaluate("document.querySelector('.rv-tools').innerHTML") == before, tool
    page.keyboard.press("Enter")
    show(page, "NW-003")


@pytest.mark.parametrize("key", ["q", "w", "e", "r", "t", "y", "peek"])
def test_the_speck_of_the_next_photo_is_seen_in_no_mode(page: Any, live_server: Any, reviewer: User, key: str) -> None:
    ready(page, live_server, 3)
    until(page, f"{WARM}.length > 1")
    page.emulate_media(reduced_motion="reduce")  # blinking stands still
    if key == "peek":
        page.keyboard.down(" ")
    else:
        page.keyboard.press(key)
    page.evaluate(f"{LABELS}.forEach((el) => {{ el.style.visibility = 'hidden'; }})")
    shots = []
    for visibility in ("", "hidden"):
        page.evaluate(f"{WARM}.forEach((el) => {{ el.style.visibility = '{visibility}'; }})")
        page.wait_for_timeout(200)
        with Image.open(io.BytesIO(page.locator("#stage").screenshot())) as image:
            shots.append(np.asarray(image.convert("RGB"), np.int16))
    assert int(np.abs(shots[0] - shots[1]).max()) <= 2


def test_offline_with_nothing_to_send_says_so_and_goes_when_the_network_is_back(
    page: Any, live_server: Any, reviewer: User
) -> None:
    ready(page, live_server, 3)
    page.context.set_offline(True)
    page.keyboard.press("a")
    page.wait_for_selector("#note:not([hidden])")
    assert "1 decision is saved on this device" in page.inner_text("#note")
    page.keyboard.press("z")
    until(page, "document.getElementById('note').innerText.includes('Nothing waits to be sent.')")
    page.context.set_offline(False)
    until(page, "document.getElementById('note').hidden")
    assert not ReviewDecision.objects.exists()
    page.watched.problems.clear()


def test_an_undo_refused_for_now_is_asked_for_again_by_z(page: Any, live_server: Any, reviewer: User) -> None:
    senior = factories.make_user("Sena", Role.SENIOR)
    ready(page, live_server, 4)
    for key, following in (("a", "NW-002"), ("d", "NW-003")):
        page.keyboard.press(key)
        show(page, following)
    saved(page)
    assert [task.asset.sku for task in leases.claim_next(senior, 1)] == ["NW-002"]
    page.keyboard.press("z")
    page.wait_for_selector("#note:not([hidden])")
    assert "on screen now" in page.inner_text("#note")
    leases.release(senior)
    page.keyboard.press("z")
    until(
        page,
        "document.querySelector('.fr.cur').ariaLabel.startsWith('NW-002') && !document.querySelector('.fr.cur .mk')",
    )
    saved(page)
    undone = ReviewDecision.objects.filter(undoes__isnull=False).values_list("asset__sku", flat=True)
    assert list(undone) == ["NW-002"]
    page.watched.problems.clear()


def test_z_walks_past_an_undo_refused_for_good(page: Any, live_server: Any, reviewer: User) -> None:
    ready(page, live_server, 4)
    for following in ("NW-002", "NW-003"):
        page.keyboard.press("a")
        show(page, following)
    saved(page)
    ReviewTask.objects.filter(asset__sku="NW-002").update(version=9)
    page.keyboard.press("z")
    page.wait_for_selector("#note:not([hidden])")
    assert "decided again since" in page.inner_text("#note")
    page.keyboard.press("z")
    show(page, "NW-001")
    saved(page)
    assert stored() == [("approve", False), ("approve", True)]
    page.watched.problems.clear()


def test_a_refused_decision_of_an_earlier_page_offers_nothing_to_open(
    page: Any, live_server: Any, reviewer: User
) -> None:
    ready(page, live_server, 2)
    page.route("**/decision/", lambda route: route.abort() if "/mixed/" in page.url else route.continue_())
    page.keyboard.press("a")
    show(page, "NW-002")
    Client.objects.update(checks_colour=True)
    open_queue(page, live_server, "assisted")
    page.wait_for_selector("#note:not([hidden])")
    assert "A decision from before the page was loaded anew" in page.inner_text("#note")
    assert page.locator("#note button").count() == 1, "to dismiss it"
    page.watched.problems.clear()
