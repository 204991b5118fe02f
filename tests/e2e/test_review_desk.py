"""The review desk in a browser (REVIEW_UI section 14: 1, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 18)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User

from reviewapp.enums import AssetState, RejectReason, ReviewTaskState, Role, Verdict
from reviewapp.models import AuditEvent, ReviewDecision, ReviewTask
from reviewapp.web.context import KEYS_COOKIE
from tests import factories
from tests.e2e.desk import open_queue, saved, show, sign_in, sku, until, waiting

pytestmark = pytest.mark.django_db(transaction=True)


def test_rev04_a_advances_and_marks_and_the_decision_is_stored(page: Any, live_server: Any, reviewer: User) -> None:
    first, *_ = waiting(3)
    open_queue(page, live_server)
    page.keyboard.press("a")
    show(page, "NW-002")
    assert page.query_selector('.fr[aria-label="NW-001, Approved"] .mk.approve')
    saved(page)
    decision = ReviewDecision.objects.get()
    assert (decision.task_id, decision.verdict, decision.reviewer) == (first.pk, Verdict.APPROVE, reviewer)
    assert decision.was_blind
    first.asset.refresh_from_db()
    assert first.asset.state == AssetState.APPROVED


def test_rev04_z_takes_back_one_after_the_other(page: Any, live_server: Any, reviewer: User) -> None:
    tasks = waiting(3)
    open_queue(page, live_server)
    page.keyboard.press("a")
    show(page, "NW-002")
    page.keyboard.press("h")
    show(page, "NW-003")
    saved(page)
    page.keyboard.press("z")
    show(page, "NW-002")
    page.keyboard.press("Control+z")
    show(page, "NW-001")
    saved(page)
    states = ReviewTask.objects.filter(pk__in=[task.pk for task in tasks]).values_list("state", flat=True)
    assert set(states) == {ReviewTaskState.OPEN}
    page.keyboard.press("a")
    show(page, "NW-002")
    saved(page)
    assert ReviewTask.objects.get(pk=tasks[0].pk).state == ReviewTaskState.DONE


def test_rev04_undo_before_the_server_heard_of_it_stores_nothing(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(3)
    open_queue(page, live_server)
    until(page, "document.querySelectorAll('.fr:not(.cold)').length === 3")
    page.context.set_offline(True)
    page.keyboard.press("a")
    show(page, "NW-002")
    page.keyboard.press("a")
    show(page, "NW-003")
    page.keyboard.press("z")
    show(page, "NW-002")
    page.context.set_offline(False)
    saved(page)
    assert list(ReviewDecision.objects.values_list("asset__sku", flat=True)) == ["NW-001"]
    page.watched.problems.clear()


def test_rev07_x_3_rejects_with_the_third_reason_and_escape_cancels(
    page: Any, live_server: Any, reviewer: User
) -> None:
    task, *_ = waiting(3)
    open_queue(page, live_server)
    page.keyboard.press("x")
    assert page.is_visible("#reasons")
    page.keyboard.press("Escape")
    assert page.is_hidden("#reasons") and sku(page) == "NW-001"
    page.keyboard.press("x")
    page.keyboard.press("3")
    show(page, "NW-002")
    saved(page)
    decision = ReviewDecision.objects.get()
    assert (decision.verdict, decision.reasons) == (Verdict.REJECT, [RejectReason.PARTIAL_REMOVAL])
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.EDITING


def test_rev07_x_x_repeats_the_last_reason(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(3)
    open_queue(page, live_server)
    page.keyboard.press("x")
    page.keyboard.press("5")
    show(page, "NW-002")
    page.keyboard.press("x")
    page.keyboard.press("x")
    show(page, "NW-003")
    saved(page)
    assert [d.reasons for d in ReviewDecision.objects.all()] == [[RejectReason.COLOUR_SHIFT]] * 2


def test_rev04_a_decision_key_waits_for_the_picture(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(2)
    held: list[Any] = []
    is_open: list[bool] = []
    page.route("**/media/**", lambda route: route.continue_() if is_open else held.append(route))
    page.goto(f"{live_server.url}/review/mixed/", wait_until="domcontentloaded")
    page.wait_for_selector("#stage.loading")
    page.keyboard.press("a")
    page.wait_for_timeout(200)
    assert sku(page) == "NW-001"
    is_open.append(True)
    for route in held:
        route.continue_()
    page.wait_for_selector("#stage[data-shown]")
    page.keyboard.press("a")
    show(page, "NW-002")


WARM = "[...document.querySelectorAll('.world > img.warm')].map((el) => new URL(el.src).pathname)"
ALL_WARM = f"{WARM}.length > 1 && {WARM}.length === {WARM.replace('.warm', '.on')}.length"


def test_rev01_the_next_photo_is_drawn_ahead_and_never_seen(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(3)
    open_queue(page, live_server)
    until(page, ALL_WARM)
    ahead = page.evaluate(WARM)
    with_speck = page.locator("#stage").screenshot()
    page.evaluate("document.querySelectorAll('.warm').forEach((el) => { el.style.visibility = 'hidden'; })")
    assert page.locator("#stage").screenshot() == with_speck, "it lies under the photo on screen"
    page.keyboard.press("a")
    show(page, "NW-002")
    on = page.evaluate(WARM.replace(".warm", ".on"))
    assert sorted(on) == sorted(ahead) and page.evaluate(f"{WARM}.filter((path) => {on}.includes(path))") == []
    until(page, ALL_WARM)
    assert not set(page.evaluate(WARM)) & set(ahead), "now the one after it"


def test_rev02_modes_peek_and_actual_pixels(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(2)
    open_queue(page, live_server)
    for key, mode in (("w", "swipe"), ("e", "blink"), ("r", "diff"), ("y", "white"), ("q", "side")):
        page.keyboard.press(key)
        assert page.get_attribute("#stage", "data-mode") == mode
        assert page.get_attribute(f'[data-key="{mode}"]', "aria-pressed") == "true"
    page.keyboard.down(" ")
    assert page.evaluate("document.getElementById('stage').classList.contains('peek')")
    page.keyboard.up(" ")
    assert not page.evaluate("document.getElementById('stage').classList.contains('peek')")
    page.mouse.move(300, 400)
    page.keyboard.press("f")
    assert page.inner_text("#zoomv") == "100%"
    scales = page.evaluate(
        """[...document.querySelectorAll('.world')].filter((w) => w.offsetParent)
            .map((w) => new DOMMatrix(getComputedStyle(w).transform).a)"""
    )
    assert len(scales) >= 2 and set(scales) == {1}
    page.wait_for_selector("#hud:not([hidden])")
    page.keyboard.press("f")
    assert page.inner_text("#zoomv") == "Fit"


def test_rev02_the_original_lies_registered_under_the_result(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(1)
    open_queue(page, live_server)
    page.keyboard.press("f")
    page.mouse.move(360, 440)
    page.wait_for_selector("#hud:not([hidden])")
    page.mouse.move(361, 441)
    page.wait_for_timeout(200)
    reading = page.inner_text('[data-hud="before"]'), page.inner_text('[data-hud="after"]')
    one, two = ([int(part) for part in text.split()] for text in reading)
    assert max(abs(a - b) for a, b in zip(one, two, strict=True)) <= 6, "the disc's middle has the same colour in both"


def test_rev01_lock_keeps_zoom_for_the_next_photo(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(3)
    open_queue(page, live_server)
    page.keyboard.press("l")
    page.keyboard.press("f")
    page.keyboard.press("a")
    show(page, "NW-002")
    assert page.inner_text("#zoomv") == "100%"


def test_rev04_surfaces_around_the_picture_are_neutral(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(1)
    open_queue(page, live_server)
    colours = page.evaluate(
        """['body', '.rv', '.rv-tools', '.stage', '.pane-a', '.pane-b', '.rv-bot', '.act'].map((s) =>
            getComputedStyle(document.querySelector(s)).backgroundColor.match(/[\\d.]+/g).map(Number))"""
    )
    assert all(rgb[0] == rgb[1] == rgb[2] for rgb in colours), colours


def test_smp01_the_blind_queue_tells_nothing_of_score_or_route(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(3)
    answers: list[str] = []
    page.on(
        "response",
        lambda r: answers.append(r.text()) if "/review/" in r.url and r.request.resource_type != "image" else None,
    )
    open_queue(page, live_server)
    page.keyboard.press("a")
    show(page, "NW-002")
    page.keyboard.press("i")
    saved(page)
    seen = json.loads(page.inner_text("#boot"))["items"][0]
    assert not {"assist", "score", "reason", "flags", "route", "preset"} & set(seen)
    told = " ".join([page.content(), *answers])
    for word in (
        "81.5",
        '"total"',
        "Secret advice",
        "score_band",
        "Score in the review band",
        "human_review",
        'assist"',
    ):
        assert word not in told, word


def test_rev05_rev23_the_assisted_queue_says_score_parts_and_why(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(1)
    factories.make_sample()
    open_queue(page, live_server, "assisted")
    assert page.inner_text('[data-panel="total"]') == "81"
    assert "a person decides" in page.inner_text('[data-panel="why"]')
    assert page.inner_text('[data-part="edge"] .pn') == "20.4"
    page.keyboard.press("i")
    assert not page.is_visible("#panel")
    page.keyboard.press("a")
    page.wait_for_selector('[data-full="empty"]:not([hidden])')
    saved(page)
    assert not ReviewDecision.objects.get().was_blind


def test_rev04_blink_stands_still_under_reduced_motion(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(1)
    page.emulate_media(reduced_motion="reduce")
    open_queue(page, live_server)
    page.keyboard.press("e")
    page.wait_for_timeout(1000)
    assert not page.evaluate("document.getElementById('stage').classList.contains('blinked')")


def test_rev04_every_listed_key_is_bound_and_shown(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(1)
    open_queue(page, live_server, "assisted")
    listed = page.evaluate("import('/static/js/keymap.js').then((m) => m.KEYMAP.map((entry) => entry.label))")
    page.keyboard.press("?")
    assert page.locator("#help-cols dd").all_inner_texts() and set(
        page.locator("#help-cols dd").all_inner_texts()
    ) == set(listed)
    page.keyboard.press("a")
    page.wait_for_timeout(150)
    assert not ReviewDecision.objects.exists(), "keys are dead behind a dialog"
    page.context.add_cookies([{"name": KEYS_COOKIE, "value": "off", "url": live_server.url}])
    open_queue(page, live_server)
    page.click('[data-do="help"]')
    listed = {key.strip() for key in page.locator("#help-cols kbd").all_inner_texts()}
    assert listed == {"Enter", "Ctrl+Z", "Space", "←", "→", "↑", "↓", "Esc", "Backspace"}, "those that work"
    page.keyboard.press("Escape")
    told = {
        one: page.get_attribute(f'[data-key="{one}"]', "aria-keyshortcuts") for one in ("approve", "undo", "reject")
    }
    assert told == {"approve": "Enter", "undo": "Control+Z", "reject": None}
    assert page.get_attribute('[data-key="zoomIn"]', "title") == "Zoom in", "a tool without words keeps its name"
    assert page.get_attribute("[data-reason]", "aria-keyshortcuts") is None


def test_rev01_skip_goes_to_the_end_and_the_empty_state_says_so(page: Any, live_server: Any, reviewer: User) -> None:
    waiting(2)
    open_queue(page, live_server)
    page.keyboard.press("s")
    show(page, "NW-002")
    page.keyboard.press("a")
    saved(page)
    show(page, "NW-001")
    page.keyboard.press("a")
    page.wait_for_selector('[data-full="empty"]:not([hidden])')
    assert "Queue is clear" in page.inner_text("#full")


def test_rev04_the_desk_works_without_a_script(browser: Any, live_server: Any) -> None:
    tasks = waiting(2)
    context = browser.new_context(java_script_enabled=False)
    sign_in(context, live_server, factories.make_user("Nora", Role.REVIEWER))
    page = context.new_page()
    page.goto(f"{live_server.url}/review/mixed/")
    page.click("main.plain button[value=approve]")
    assert "NW-002" in page.inner_text("main.plain h1")
    page.click("main.plain [name=decision] + button")
    assert "NW-001" in page.inner_text("main.plain h1")
    page.check("main.plain [value=shadow]")
    page.click("main.plain button[value=reject]")
    assert "NW-002" in page.inner_text("main.plain h1")
    kept = ReviewDecision.objects.filter(task=tasks[0], undoes__isnull=True, undone_by__isnull=True).get()
    assert (kept.verdict, kept.reasons) == (Verdict.REJECT, [RejectReason.SHADOW])
    assert AuditEvent.objects.filter(asset=tasks[0].asset).exists()
    context.close()


@pytest.mark.parametrize("width", [320, 390, 768, 1024, 1440])
def test_rev04_no_sideways_scroll_and_targets_large_enough(
    page: Any, live_server: Any, reviewer: User, width: int
) -> None:
    waiting(1)
    page.set_viewport_size({"width": width, "height": 800})
    open_queue(page, live_server)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    small = page.evaluate(
        """[...document.querySelectorAll('button, a')].filter((e) => e.checkVisibility())
            .map((e) => [e.outerHTML.slice(0, 80), e.getBoundingClientRect()])
            .filter(([, box]) => box.width && (box.width < 23.5 || box.height < 23.5)).map(([html]) => html)"""
    )
    assert not small
