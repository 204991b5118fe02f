"""Pictures of every screen, from the real stack with the demo batch: `make screenshots [OUT=folder]`."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.conftest import CHROMIUM_ARGS
from tests.servers import chromium
from tests.stack import Stack

SIZES = {"1440": (1440, 900), "390": (390, 844)}
Act = Callable[[Any], None]


def nothing(_page: Any) -> None:
    """Takes the page as it is."""


def first_painted(page: Any) -> None:
    """Waits for the first photo of a desk."""
    page.wait_for_selector("#stage[data-shown]")
    page.wait_for_timeout(1500)


def keys(*pressed: str) -> Act:
    """Waits for the photo, then presses keys."""

    def act(page: Any) -> None:
        first_painted(page)
        for key in pressed:
            page.keyboard.press(key)
            page.wait_for_timeout(400)

    return act


def follow(selector: str, then: Act = nothing) -> Act:
    """Follows the first such link, where there is one."""

    def act(page: Any) -> None:
        link = page.query_selector(selector)
        if link:
            link.click()
            page.wait_for_load_state()
            then(page)

    return act


SHOTS: tuple[tuple[str, str, str, Act], ...] = (
    ("login", "", "/login/", nothing),
    ("home", "manager", "/", nothing),
    ("home-reviewer", "reviewer", "/", nothing),
    ("review-queues", "reviewer", "/review/", nothing),
    ("review", "reviewer", "/review/mixed/", first_painted),
    ("review-swipe", "reviewer", "/review/mixed/", keys("w")),
    ("review-zoom", "reviewer", "/review/mixed/", keys("f")),
    ("review-difference", "reviewer", "/review/mixed/", keys("r")),
    ("review-mask", "reviewer", "/review/mixed/", keys("t")),
    ("review-white", "reviewer", "/review/mixed/", keys("y")),
    ("review-reasons", "reviewer", "/review/mixed/", keys("x")),
    ("review-keys", "reviewer", "/review/mixed/", keys("?")),
    ("review-assisted", "reviewer", "/review/assisted/", first_painted),
    ("review-why", "reviewer", "/review/assisted/", keys("m")),
    ("review-flag", "reviewer", "/review/assisted/", keys("g")),
    ("review-beside", "reviewer", "/review/mixed/", keys("k")),
    ("image", "manager", "/images/?state=in_review", follow("main a.prime", keys("m"))),
    ("editing", "editor", "/editing/", nothing),
    ("editing-photo", "editor", "/editing/", follow("main a.prime")),
    ("batches", "manager", "/batches/", nothing),
    ("batch", "manager", "/batches/", follow("main a.prime")),
    ("batch-new", "manager", "/batches/new/", nothing),
    ("deliveries", "manager", "/deliveries/", nothing),
    ("thresholds", "admin", "/quality/thresholds/", nothing),
    ("presets", "admin", "/presets/", nothing),
    ("channels", "admin", "/channels/", nothing),
    ("proposals", "admin", "/proposals/", nothing),
    ("clients", "manager", "/clients/", nothing),
    ("client", "manager", "/clients/", follow("main a.prime")),
    ("people", "admin", "/people/", nothing),
    ("audit", "admin", "/audit/", nothing),
    ("account", "editor", "/account/", nothing),
    ("not-allowed", "reviewer", "/people/", nothing),
)
"""(name, who, address, what to do before the picture is taken)"""


def _signed_in(browser: Any, stack: Stack, who: str, size: tuple[int, int]) -> Any:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    if who:
        page.goto(f"{stack.url}/login/")
        page.fill("[name=username]", who)
        page.fill("[name=password]", stack.passwords()[who])
        page.click("button.pri")
        page.wait_for_load_state()
    return page


def take(stack: Stack, browser: Any, folder: Path) -> int:
    """Takes every picture in every size; returns how many."""
    taken = 0
    for label, size in SIZES.items():
        pages: dict[str, Any] = {}
        for name, who, path, act in SHOTS:
            if who not in pages:
                pages[who] = _signed_in(browser, stack, who, size)
            page = pages[who]
            page.goto(stack.url + path)
            page.wait_for_load_state("networkidle")
            act(page)
            page.wait_for_timeout(300)
            page.screenshot(path=folder / f"{name}-{label}.png")
            taken += 1
        for page in pages.values():
            page.context.close()
    return taken


def main() -> int:
    """Starts the demo, waits until it is processed, takes the pictures."""
    folder = Path(os.environ.get("OUT", "var/screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    binary = chromium()
    if binary is None:
        print("There is no Chromium on PATH. Install one, or set CHROMIUM to it.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as data, Stack(Path(data), demo=True) as stack, sync_playwright() as playwright:
        stack.wait_idle()
        browser = playwright.chromium.launch(executable_path=str(binary), args=CHROMIUM_ARGS)
        taken = take(stack, browser, folder)
        browser.close()
    print(f"{taken} pictures in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
