"""What would tell at the blind desk how a photo was judged, and a session that asks the server for all of it."""

from __future__ import annotations

import re
from typing import Any

from tests.e2e.desk import saved, until
from tests.e2e.screens import first_painted
from tests.stack import Stack

TELLING = re.compile(
    r"\b(score|scored|total|band|assist|advice|gate|gates|findings?|parts?|lost|measures?|route|routing|why|reason_label|"
    r"flags?|flagged|preset|confidence|score_band|medium|samples?|is_sample|human_review|auto_approved)\b",
    re.IGNORECASE,
)
INNOCENT = re.compile(
    r"New photos show up here as they are scored|Part of the product missing|This part did not load|Colours as on the "
    r"sample card|\"(low|medium|high)\"|\"(medium|Medium)\"|\"kind\": \"flag\"|>Why\?<|[>\"][Mm]edium[<\"]",
)
"""Words of the page itself, of the client's notes, and of the settings that anybody may adjust."""


def everything_once(page: Any, stack: Stack) -> None:
    """A session at the blind desk that asks the server everything the desk can ask."""
    page.goto(f"{stack.url}/review/mixed/")
    first_painted(page)
    page.keyboard.press("k")
    page.wait_for_selector('[data-panel="siblings"] .sib')
    page.keyboard.press("c")
    until(page, "!document.getElementById('stage').classList.contains('making')")
    page.wait_for_timeout(500)
    page.keyboard.press("o")
    page.wait_for_timeout(700)
    page.focus("#stage")
    page.keyboard.press("o")
    page.keyboard.press("a")
    saved(page)
    first_painted(page)
    page.keyboard.press("x")
    page.keyboard.press("2")
    saved(page)
    page.keyboard.press("z")
    saved(page)
    page.keyboard.press("z")
    saved(page)
    page.keyboard.press("z")
    page.wait_for_timeout(700)
    page.keyboard.press("?")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_timeout(700)
