"""Notes, rings, several reasons, the last rejection again, escalating, an outbox that survives its page (REV-07)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from reviewapp.enums import RejectReason, Role, Verdict
from reviewapp.models import EditTask, ReviewDecision, ReviewTask
from tests import factories
from tests.e2e.desk import open_queue, saved, show, sign_in, sku, until, waiting
from tests.e2e.viewer import processed

pytestmark = pytest.mark.django_db(transaction=True)
HINTED = """(words) => { const hint = document.getElementById('hint');
    return hint.checkVisibility() && hint.textContent.startsWith(words); }"""


def test_rev07_a_note_and_rings_go_with_the_rejection_and_come_back_with_undo(
    page: Any, live_server: Any, reviewer: User
) -> None:
    waiting(3)
    open_queue(page, live_server)
    page.keyboard.press("n")
    page.keyboard.type("Left strap is cut off")
    page.keyboard.press("Enter")
    page.keyboard.press("p")
    box = page.locator(".pane-b").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x - 60, y - 40)
    page.mouse.down()
    page.mouse.move(x + 60, y + 40, steps=4)
    page.mouse.up()
    page.keyboard.press("p")
    page.keyboard.press("x")
    page.keyboard.press("2")
    show(page, "NW-002")
    saved(page)
    decision = ReviewDecision.objects.get()
    assert (decision.note, decision.reasons) == ("Left strap is cut off", [RejectReason.EDGE_ROUGH])
    scale = page.evaluate("document.querySelector('.pane-b .l-after .world').getBoundingClientRect().width") / 600
    [mark] = decision.marks
    assert mark["w"] == pytest.approx(120 / scale, abs=2) and mark["h"] == pytest.approx(80 / scale, abs=2)
    assert mark["x"] + mark["w"] / 2 == pytest.approx(300, abs=2), "the middle of a 600 px frame"
    assert page.locator("svg.rings").count() == 0, "the next photo starts clean"
    page.keyboard.press("z")
    show(page, "NW-001")
    assert page.input_value("#note-text") == "Left strap is cut off"
    assert page.locator("svg.rings ellipse:not(.under)").count() == 1


def test_rev07_the_pen_works_by_keyboard_and_takes_its_last_ring_away(
    page: Any, live_server: Any, reviewer: User
) -> None:
    waiting(2)
    open_queue(page, live_server)
    page.keyboard.press("p")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.inner_text("#marks-said") == "2 rings"
    page.keyboard.press("Backspace")
    page.keyboard.press("Escape")
    assert not page.locator("#stage.drawing").count() and page.inner_text("#marks-said") == "1 ring"
    page.keyboard.press("a")
    show(page, "NW-002")
    saved(page)
    assert len(ReviewDecision.objects.get().marks) == 1


def test_rev07_rings_are_kept_in_the_scored_channels_pixels_whichever_was_shown(
    page: Any, live_server: Any, reviewer: User
) -> None:
    (task,) = processed("a.jpg")
    width, height = task.run.after_width, task.run.after_height
    open_queue(page, live_server)
    page.keyboard.press("c")
    until(page, "document.querySelector('[data-size=file]').textContent.startsWith('WEBP')")
    view = task.run.views.get()
    assert (view.width, view.height) != (width, height), "else nothing would be shown by it"
    page.keyboard.press("p")
    until(page, "document.querySelector('[data-size=file]').textContent.startsWith('JPEG')")
    assert page.evaluate("document.querySelector('.chan').selectedIndex") == 0
    page.keyboard.press("Enter")
    page.keyboard.press("c")
    until(page, "document.querySelector('[data-size=file]').textContent.startsWith('WEBP')")
    assert not page.locator("#stage.drawing").count(), "on another channel's file nothing is drawn"
    assert page.is_hidden("svg.rings")
    page.keyboard.press("h")
    saved(page)
    [mark] = ReviewDecision.objects.get().marks
    middle = (mark["x"] + mark["w"] / 2, mark["y"] + mark["h"] / 2)
    assert middle == pytest.approx((width / 2, height / 2), abs=2)


def test_fbk01_minus_and_plus_say_which_way_and_the_reason_alone_is_enough(
    page: Any, live_server: Any, reviewer: User
) -> None:
    waiting(3)
    open_queue(page, live_server)
    page.keyboard.press("x")
    page.keyboard.press("-")
    assert page.inner_text('[data-reason="crop_fill"]').strip().endswith("Too small in frame")
    assert page.inner_text('[data-reason="edge_halo"]').strip().endswith("Edge halo or fringe"), "that has no way"
    page.keyboard.press("7")
    show(page, "NW-002")
    page.keyboard.press(".")
    show(page, "NW-003")
    page.keyboard.press("x")
    assert page.inner_text('[data-reason="crop_fill"]').strip().endswith("Crop or size in frame"), "it begins anew"
    page.keyboard.press("+")
    page.keyboard.press("+")
    page.keyboard.press("5")
    saved(page)
    found = ReviewDecision.objects.order_by("pk").values_list("reasons", "directions")
    small = (["crop_fill"], {"crop_fill": "too_small"})
    assert list(found) == [small, small, (["colour_shift"], {})]


def test_rev07_shift_takes_several_reasons_and_a_dot_repeats_the_rejection(
    page: Any, live_server: Any, reviewer: User
) -> None:
    waiting(4)
    open_queue(page, live_server)
    page.keyboard.press(".")
    assert sku(page) == "NW-001" and not ReviewDecision.objects.exists(), "nothing to repeat yet"
    page.keyboard.press("n")
    page.keyboard.type("dust")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.keyboard.press("Shift+Digit1")
    page.keyboard.press("Shift+Digit6")
    page.keyboard.press("Enter")
    show(page, "NW-002")
    page.keyboard.press(".")
    show(page, "NW-003")
    saved(page)
    wanted = ([RejectReason.EDGE_HALO, RejectReason.SHADOW], "dust")
    assert [(row.reasons, row.note) for row in ReviewDecision.objects.all()] == [wanted, wanted]


def test_an_escalated_photo_leaves_the_reviewer_and_tells_the_senior_who_and_why(
    page: Any, browser: Any, live_server: Any, reviewer: User
) -> None:
    senior = factories.make_user("Sena", Role.SENIOR)
    task, *_ = waiting(2)
    open_queue(page, live_server)
    page.keyboard.press("n")
    page.keyboard.type("Which grey?")
    page.keyboard.press("Enter")
    page.keyboard.press("d")
    show(page, "NW-002")
    saved(page)
    other = browser.new_context()
    sign_in(other, live_server, senior)
    second = other.new_page()
    open_queue(second, live_server)
    assert sku(second) == "NW-001" and second.locator('[data-do="escalate"]').count() == 0
    second.keyboard.press("i")
    assert second.inner_text('[data-panel="escalation"]') == "Rita: Which grey?"
    second.keyboard.press("a")
    saved(second)
    assert ReviewTask.objects.get(pk=task.pk).state == "done"
    other.close()


def test_rev04_decisions_that_could_not_leave_survive_a_reload_and_a_closed_tab(
    page: Any, context: Any, live_server: Any, reviewer: User
) -> None:
    waiting(5)
    open_queue(page, live_server)
    until(page, "document.querySelectorAll('.fr:not(.cold)').length === 5")
    page.route("**/decision/", lambda route: route.abort())
    page.keyboard.press("a")
    show(page, "NW-002")
    page.keyboard.press("h")
    show(page, "NW-003")
    page.reload()
    show(page, "NW-003")
    assert page.locator(".fr.pending").count() == 2 and not ReviewDecision.objects.exists()
    page.watched.problems.clear()  # Chromium logs the aborted requests
    page.close()
    again = context.new_page()
    open_queue(again, live_server)
    saved(again)
    made = ReviewDecision.objects.values_list("asset__sku", "verdict")
    assert list(made) == [("NW-001", Verdict.APPROVE), ("NW-002", Verdict.HOLD)]
    again.close()


def test_rev04_two_pages_of_one_person_lose_nothing_of_each_other(
    page: Any, context: Any, live_server: Any, reviewer: User
) -> None:
    waiting(6)
    open_queue(page, live_server)
    until(page, "document.querySelectorAll('.fr:not(.cold)').length === 6")
    page.route("**/decision/", lambda route: route.abort())
    page.keyboard.press("a")
    show(page, "NW-002")
    other = context.new_page()
    open_queue(other, live_server)
    assert not ReviewDecision.objects.exists(), "what a living page still holds is its own"
    page.unroute("**/decision/")
    saved(page)
    other.keyboard.press("s")
    saved(other)
    verdicts = list(ReviewDecision.objects.values_list("asset__sku", "verdict"))
    assert ("NW-001", Verdict.APPROVE) in verdicts and len(verdicts) <= 2
    page.watched.problems.clear()
    other.close()


def test_rev04_undo_walks_back_past_what_the_page_began_with(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(12)
    open_queue(page, live_server)
    for n in range(2, 13):
        page.keyboard.press("a")
        show(page, f"NW-{n:03d}")
    saved(page)
    page.reload()
    show(page, "NW-012")
    assert page.evaluate("JSON.parse(document.getElementById('boot').textContent).past.length") == 8
    for n in range(11, 0, -1):
        page.keyboard.press("z")
        show(page, f"NW-{n:03d}")
    saved(page)
    assert ReviewDecision.objects.filter(undoes__isnull=False).count() == 11


def test_rev07_the_editor_sees_the_rings_and_the_note(
    page: Any, browser: Any, live_server: Any, reviewer: User
) -> None:
    task, *_ = waiting(2)
    open_queue(page, live_server)
    page.keyboard.press("n")
    page.keyboard.type("Dust here")
    page.keyboard.press("Enter")
    page.keyboard.press("p")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    page.keyboard.press("8")
    show(page, "NW-002")
    saved(page)
    other = browser.new_context()
    sign_in(other, live_server, factories.make_user("Ed", Role.EDITOR))
    second = other.new_page()
    second.goto(f"{live_server.url}/editing/{EditTask.objects.get(asset=task.asset).pk}/")
    second.wait_for_selector("svg.rings ellipse:not(.under)")
    assert "Dust here" in second.inner_text("main")
    other.close()


def test_rev04_a_key_that_can_do_nothing_says_so_in_sight_and_briefly(
    page: Any, live_server: Any, reviewer: User
) -> None:
    waiting(3)
    open_queue(page, live_server, "assisted")
    wanted = {
        ".": "Nothing was rejected here yet",
        "z": "Nothing to undo.",
        "g": "No place is flagged.",
        "c": "This photo has one channel only.",
        "v": "This photo asks for no colour check.",
    }
    for key, words in wanted.items():
        page.keyboard.press(key)
        until(page, HINTED, words)
        assert page.inner_text("#live").startswith(words)
    page.keyboard.press("a")
    show(page, "NW-002")
    page.keyboard.press("ArrowLeft")
    show(page, "NW-001")
    for key in ("a", "x", "o"):
        page.evaluate("document.getElementById('hint').hidden = true")
        page.keyboard.press(key)
        assert page.inner_text("#hint") == "NW-001 is decided. Z takes it back.", key
    until(page, "document.getElementById('hint').hidden", timeout_ms=5000)
