"""The desk on the real stack: what its database holds, and what its page shows that it should not."""

from __future__ import annotations

from typing import Any

from tests.e2e.desk import saved, sku, until
from tests.stack import Stack

TINTED = """(() => {
    const seen = new Map();
    for (const el of document.querySelectorAll('body, .rv, .rv *')) {
        if (!el.checkVisibility() || el.closest('svg, .px, .lay i, .lossrow i, .chip-m')) continue;
        const rgb = getComputedStyle(el).backgroundColor.match(/[\\d.]+/g).map(Number);
        if (rgb[3] === 0) continue;
        if (rgb[0] !== rgb[1] || rgb[1] !== rgb[2]) seen.set(`${el.tagName}.${el.className}`, rgb.join(' '));
    }
    return [...seen].map((pair) => pair.join(': '));
})()"""
"""Elements of the desk with a background that isn't R = G = B; a legend's dot and a readout's chip are meant."""
MOVING = """document.getAnimations()
    .filter((one) => one.playState === 'running' && one.effect.getComputedTiming().iterations > 1)
    .map((one) => one.animationName ?? String(one))"""


def decisions(stack: Stack, after: int = 0) -> list[Any]:
    """(id, SKU, verdict, reasons, what it undoes) of what was stored after that id, in order."""
    return stack.rows(
        "SELECT d.id, a.sku, d.verdict, d.reasons, d.undoes_id FROM reviewapp_reviewdecision d"
        " JOIN reviewapp_asset a ON a.id = d.asset_id WHERE d.id > ? ORDER BY d.id",
        after,
    )


def undone(page: Any, count: int) -> None:
    """Takes the last decisions back, for whoever looks next."""
    for _ in range(count):
        was = sku(page)
        page.keyboard.press("z")
        until(page, "(was) => document.getElementById('sku').textContent !== was", was)
    saved(page)


def on_own_clock(page: Any) -> Any:
    """Loads the page again with a clock that `later` moves on."""
    page.clock.install()
    page.reload()
    return page


def later(page: Any, seconds: int) -> None:
    """Lets that time pass for the page, which takes no time, and waits a moment for what it sets off."""
    page.clock.run_for(1000 * seconds)
    page.wait_for_timeout(500)
