"""Every row of the table of keys does what the ? list says, by every key it names (REVIEW_UI section 14: 5, 18)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from reviewapp.enums import Role
from tests import factories
from tests.e2e.desk import open_queue, saved, sign_in, until
from tests.e2e.test_viewer_layers import flagged
from tests.e2e.viewer import processed

pytestmark = pytest.mark.django_db(transaction=True)

STATE = """(() => {
    const $ = (css) => document.querySelector(css);
    const world = [...document.querySelectorAll('.l-after .world')].find((each) => each.offsetParent);
    const matrix = world ? new DOMMatrix(world.style.transform) : { a: 0, e: 0, f: 0 };
    return {
        entry: $('.fr.cur')?.dataset.entry, mode: $('#stage').dataset.mode,
        peek: $('#stage').classList.contains('peek'), zoom: $('#zoomv').textContent,
        scale: matrix.a, x: matrix.e, y: matrix.f,
        lock: $('[data-key=lock]').ariaPressed,
        surround: $('#stage').dataset.surround, panel: !$('#panel').hidden, layers: $('#layers')?.hidden === false,
        help: $('#help').open, reasons: !$('#reasons').hidden, compose: !$('#compose').hidden,
        pen: $('[data-key=mark]').ariaPressed, adjust: !$('#adjust').hidden, live: $('#live').textContent,
        channel: $('.chan').selectedIndex, several: !$('#reject-several').hidden,
        rings: document.querySelectorAll('.rings .under').length,
        focus: document.activeElement.closest('#beside, #compose') !== null,
        marks: Object.fromEntries([...document.querySelectorAll('.fr')].map((each) =>
            [each.dataset.entry, each.querySelector('.mk')?.className ?? ''])),
    };
})()"""

State = dict[str, Any]
Check = Callable[[State, State], bool]


def decided(mark: str) -> Check:
    """The photo got this mark and another one is on."""
    return lambda old, new: new["entry"] != old["entry"] and mark in new["marks"][old["entry"]]


def turned(name: str) -> Check:
    """Something was off and is on."""
    return lambda old, new: not old[name] and bool(new[name])


def mode(name: str) -> Check:
    return lambda _old, new: new["mode"] == name


def said(words: str) -> Check:
    return lambda _old, new: words in new["live"]


FIRST: dict[str, tuple[str, ...]] = {
    "again": ("x", "4"), "side": ("w",), "zoomOut": ("f",), "zoomFit": ("f",), "left": ("f",), "right": ("f",),
    "up": ("f",), "down": ("f",), "cancel": ("x",), "undo": ("a",), "flagBack": ("g", "g"),
    "reason": ("x",), "several": ("x",), "take": ("x",), "less": ("x",), "more": ("x",),
    "ring": ("p",), "ringBack": ("p", "Enter"), "penDown": ("p",),
}  # fmt: skip
"""What is pressed before the key that is tried."""
BACK: dict[str, tuple[str, ...]] = {
    "approve": ("z",), "again": ("z", "z"), "hold": ("z",), "skip": ("z",), "escalate": ("z",), "reject": ("Escape",),
    "note": ("Escape",), "mark": ("p",), "adjust": ("o",), "peek": (), "fit": ("0",), "zoomIn": ("0",),
    "zoomOut": ("0",), "lock": ("l",), "channel": ("c",), "panel": ("i",), "beside": ("i",), "why": ("m",),
    "flag": ("0", "m"), "flagBack": ("0", "m"), "swipe": ("q",), "blink": ("q",), "diff": ("q",),
    "mask": ("q",), "white": ("q",),
    "left": ("0",), "right": ("0",), "up": ("0",), "down": ("0",), "help": ("Escape",),
    "reason": ("z",), "several": ("Escape",), "take": ("z",), "less": ("Escape",), "more": ("Escape",),
    "ring": ("Backspace", "p"), "ringBack": ("p",),
}  # fmt: skip
"""What brings the desk back to where it was."""
CHECKS: dict[str, Check] = {
    "approve": decided("approve"),
    "reject": turned("reasons"),
    "colour": said("asks for no colour check"),
    "again": decided("reject"),
    "hold": decided("hold"),
    "skip": decided("neutral"),
    "escalate": decided("hold"),
    "note": lambda old, new: not old["compose"] and new["compose"] and new["focus"],
    "mark": lambda old, new: (old["pen"], new["pen"]) == ("false", "true"),
    "adjust": turned("adjust"),
    "reason": decided("reject"),
    "several": lambda old, new: not old["several"] and new["several"],
    "take": decided("reject"),
    "less": said("Too little"),
    "more": said("Too much"),
    "ring": lambda old, new: (old["rings"], new["rings"]) == (0, 1),
    "ringBack": lambda old, new: (old["rings"], new["rings"]) == (1, 0),
    "penDown": lambda old, new: (old["pen"], new["pen"]) == ("true", "false"),
    "undo": lambda old, new: new["marks"][new["entry"]] == "" and old["marks"][new["entry"]] != "",
    "peek": turned("peek"),
    **{name: mode(name) for name in ("side", "swipe", "blink", "diff", "mask", "white")},
    "fit": lambda old, new: (old["zoom"], new["zoom"]) == ("Fit", "100%"),
    "zoomIn": lambda old, new: new["scale"] > old["scale"] * 1.2,
    "zoomOut": lambda old, new: new["scale"] < old["scale"] / 1.2,
    "zoomFit": lambda old, new: old["zoom"] != "Fit" and new["zoom"] == "Fit",
    "lock": lambda old, new: (old["lock"], new["lock"]) == ("false", "true"),
    "channel": lambda old, new: old["channel"] != new["channel"],
    "surround": lambda old, new: old["surround"] != new["surround"],
    "panel": turned("panel"),
    "beside": lambda old, new: not old["panel"] and new["panel"] and new["focus"],
    "why": turned("layers"),
    "flag": said("Flagged place 1 of 3"),
    "flagBack": said("Flagged place 2 of 3"),
    "left": lambda old, new: new["x"] > old["x"],
    "right": lambda old, new: new["x"] < old["x"],
    "up": lambda old, new: new["y"] > old["y"],
    "down": lambda old, new: new["y"] < old["y"],
    "help": turned("help"),
    "cancel": lambda old, new: old["reasons"] and not new["reasons"],
}


def pressable(key: str) -> str:
    """A key of the table as Playwright names it."""
    return {"Ctrl+z": "Control+z", "Shift+g": "Shift+G"}.get(key, re.sub(r"Shift\+(\d)", r"Shift+Digit\1", key))


def settle(page: Any) -> None:
    """Waits until the photo that is meant is on the screen."""
    until(page, "document.querySelector('.fr.cur')?.dataset.entry === document.getElementById('stage').dataset.shown")


def tap(page: Any, *keys: str) -> None:
    """Presses keys with the stage in focus and waits for the picture after each."""
    for key in keys:
        page.keyboard.press(pressable(key))
        page.wait_for_timeout(60)
        settle(page)


def test_14_18_every_key_of_the_table_does_what_its_row_says(page: Any, context: Any, live_server: Any) -> None:
    tasks = processed("a.jpg", "b.jpg", "c.jpg", "d.jpg")
    for task in tasks:
        flagged(task)
    factories.make_user("Sam", Role.SENIOR)  # somebody to escalate to
    sign_in(context, live_server, factories.make_user("Rita", Role.REVIEWER))
    open_queue(page, live_server, "assisted")
    until(page, "document.querySelectorAll('.fr:not(.cold)').length === 4")
    page.keyboard.press("i")  # the panel is open at first
    page.mouse.move(1040, 430)
    table = page.evaluate("import('/static/js/keymap.js').then((m) => m.KEYMAP)")
    assert {row["id"] for row in table} == set(CHECKS)
    failed = []
    for row in table:
        for key in row["keys"]:
            page.focus("#stage")
            tap(page, *FIRST.get(row["id"], ()))
            before = page.evaluate(STATE)
            page.keyboard.down(pressable(key)) if row["id"] == "peek" else page.keyboard.press(pressable(key))
            try:
                page.wait_for_timeout(120)
                after = page.evaluate(STATE)
                if row["id"] in ("approve", "again", "hold", "skip", "escalate", "undo", "reason", "take"):
                    settle(page)
                    after = page.evaluate(STATE)
                if not CHECKS[row["id"]](before, after):
                    changes = {name: (before[name], after[name]) for name in before if before[name] != after[name]}
                    failed.append((row["label"], key, changes))
            finally:
                if row["id"] == "peek":
                    page.keyboard.up(pressable(key))
            page.evaluate("document.activeElement.blur()")
            tap(page, *BACK.get(row["id"], ()))
            saved(page)
    assert not failed, "\n".join(f"{name} by {key}: {changes}" for name, key, changes in failed)
    page.keyboard.press("x")
    for number in range(1, 9):
        code = page.locator(f"#reasons [data-reason]:nth-of-type({number})")
        assert code.locator("kbd").inner_text() == str(number)
        assert code.get_attribute("aria-keyshortcuts") == f"{number} Shift+{number}"
    page.keyboard.press("Escape")
    assert not page.evaluate("document.getElementById('stage').classList.contains('peek')")


def test_14_05_both_panes_share_one_scale_and_space_shows_the_original_only_while_held(
    page: Any, context: Any, live_server: Any
) -> None:
    processed("a.jpg", "b.jpg")
    sign_in(context, live_server, factories.make_user("Rita", Role.REVIEWER))
    open_queue(page, live_server)
    modes = {"q": "side", "w": "swipe", "e": "blink", "r": "diff", "t": "mask", "y": "white"}
    for key, name in modes.items():
        page.keyboard.press(key)
        assert page.evaluate(STATE)["mode"] == name
        assert page.get_attribute(f'[data-key="{name}"]', "aria-pressed") == "true"
        page.keyboard.down(" ")
        assert page.evaluate(STATE)["peek"]
        page.keyboard.up(" ")
        assert not page.evaluate(STATE)["peek"]
        page.keyboard.press("f")
        scales = page.evaluate(
            """[...document.querySelectorAll('.pane .world')].filter((each) => each.offsetParent)
                .map((each) => new DOMMatrix(each.style.transform).a)"""
        )
        assert set(scales) == {1} and page.evaluate(STATE)["zoom"] == "100%", name
        page.keyboard.press("0")
