"""Every screen in both themes: its complaints, what axe finds, what is too small and what too wide."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from axe_playwright_python.sync_playwright import Axe

from tests.conftest import Watched
from tests.e2e.screens import SCREENS, open_screen, signed_in
from tests.stack import Stack

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
COLOUR_RULES = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}} | {
    "resultTypes": ["violations"]
}
"""What of RULES a theme can break: the rest is the same page."""
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
WIDTHS = (320, 390, 768, 1024, 1920)
POLICY = """document.addEventListener('securitypolicyviolation',
    (event) => console.error(`policy: ${event.effectiveDirective} ${event.blockedURI}`));"""
SMALL = """[...document.querySelectorAll(
        'a, button, input:not([type=range]):not([type=hidden]), select, textarea, summary, [role=slider]')]
    .filter((el) => el.checkVisibility({ visibilityProperty: true })
        && !el.closest('.sr, p, dialog:not([open]), .skip') && !el.matches('.sr'))
    .filter((el) => getComputedStyle(el).display !== 'inline')
    .map((el) => [el, (el.closest('label, .todo li:has(> a.what)') ?? el).getBoundingClientRect()])
    .filter(([, box]) => box.width > 1 && (box.width < 23.9 || box.height < 23.9))
    .map(([el, box]) => `${el.outerHTML.slice(0, 110)} ${Math.round(box.width)}x${Math.round(box.height)}`)"""
"""Visible controls under 24 x 24 px. One in a label, or a row that is one link, is as large as that; links in sentences
are exempt (2.5.8)."""
NO_PAGE = re.compile(
    r"claim|past|beat|release|decide_plain|undo|take_back|filter|bulk_(apply|advance|undo)|decide|adjust|tus:|media:|names:|"
    r"viewer:|healthz|readyz|logout|jsi18n|uploads:(file|csv|look|known|checks|finish)|editing:(claim|submit|sign|send|give)|"
    r"batches:(progress|images|set|figures|intake_csv|failures|retry|hand|pause|resume|cancel|priority|deliver|pilot|sample)|"
    r"download|publish|what_if|"
    r"category|presets:(import|current|export|alarm|back|lock|try)|accept|decline|reference|proposals:(test|try)|complain|"
    r"add_returns|quality:(clear|close_alarm|draft|plan|reprocess|to_editors)|"
    r"line_(pause|resume)|hand_over|batches:hold|clients:(test|retry_message|secret)|review:call_back|"
    r"links:fetch|deliveries:revoke|csp_report|end_sessions|people:(unlock|sign_out|link|unlink|reset_factors)|"
    r"factor_(remove|codes)|second_factor$|passkey_|outside_"
)
"""Names of addresses that are no page: answers to scripts and forms, pictures, files, fragments. Two are pages that
only a person with a second factor sees; test_passkeys.py looks at them."""
WIDE = "document.documentElement.scrollWidth - innerWidth"
LARGER = "200%"
"""What WCAG 1.4.4 asks a page to bear."""
CUT = """(() => {
    const cut = new Set(), words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = new Range();
    while (words.nextNode()) {
        const node = words.currentNode, el = node.parentElement;
        if (!node.data.trim() || el.closest('.sr, .skip, option, script, dialog:not([open])')) continue;
        if (!el.checkVisibility({ visibilityProperty: true })) continue;
        range.selectNodeContents(node);
        const text = range.getBoundingClientRect();
        for (let at = el; at !== document.documentElement; at = at.parentElement) {
            const style = getComputedStyle(at), box = at.getBoundingClientRect();
            if (style.clipPath !== 'none' || style.position === 'fixed') break; // for readers of the page alone
            if (style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none') break;
            if (/auto|scroll/.test(style.overflowX + style.overflowY)) break;
            const isWider = text.right > box.right + 1.5 || text.left < box.left - 1.5;
            const isHigher = text.bottom > box.bottom + 1.5 || text.top < box.top - 1.5;
            const holds = style.overflowX !== 'visible' || at.matches('.btn, .chip, .seg > *, .act');
            if ((holds && isWider) || (style.overflowY !== 'visible' && isHigher)) {
                cut.add(`${el.tagName}.${el.className}: ${node.data.trim().slice(0, 40)}`);
                break;
            }
        }
    }
    return [...cut];
})()"""
"""Words that are cut off: by a box that hides what is larger than itself, or by running out of a button. What ends in
an ellipsis or scrolls is not."""


@dataclass
class Walked:
    """What was found per screen; an empty list means nothing."""

    complaints: dict[str, list[str]] = field(default_factory=dict)
    findings: dict[str, list[str]] = field(default_factory=dict)
    small: dict[str, list[str]] = field(default_factory=dict)
    wide: dict[str, list[int]] = field(default_factory=dict)
    cut: dict[str, list[str]] = field(default_factory=dict)
    dark: list[str] = field(default_factory=list)
    """Screens that were looked at in both themes."""


def serious(page: Any, rules: dict[str, Any] = RULES) -> list[str]:
    """What axe finds serious or critical on a page. A page that was looked at before has it loaded."""
    if not page.evaluate("'axe' in globalThis"):
        page.evaluate(Axe().axe_script)
    found = page.evaluate(f"axe.run({json.dumps(rules)})")["violations"]
    return [
        f"{one['id']}: {node['target']} {node['failureSummary'][:300]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


def walk(browser: Any, stack: Stack, ids: dict[str, Any]) -> Walked:
    """Opens every screen once: by day, by night (the desk always is) and as wide as each of WIDTHS."""
    walked = Walked()
    pages: dict[str, tuple[Any, Watched]] = {}
    for screen in SCREENS:
        page, watched = pages.get(screen.who) or _page_of(browser, stack, screen.who, "light", DESKTOP)
        pages[screen.who] = page, watched
        watched.problems.clear()
        open_screen(page, stack, screen, ids)
        walked.findings[screen.name] = serious(page)
        walked.small[screen.name] = page.evaluate(SMALL)
        if page.get_attribute("html", "data-theme") == "light":
            by_night(page)
            walked.findings[screen.name] += [f"dark: {one}" for one in serious(page, COLOUR_RULES)]
            walked.dark.append(screen.name)
        if screen.is_fluid:
            squeeze(page, screen.name, walked)
        screen.after(page)
        walked.complaints[screen.name] = _complaints(screen, watched)
    for page, _watched in pages.values():
        page.context.close()
    return walked


def walk_by_night(browser: Any, stack: Stack, ids: dict[str, Any]) -> Walked:
    """Opens every screen once more as the server sends it in the dark theme, on a phone: complaints and width."""
    walked = Walked()
    pages: dict[str, tuple[Any, Watched]] = {}
    for screen in SCREENS:
        if not screen.is_fluid or screen.is_state:
            continue
        page, watched = pages.get(screen.who) or _page_of(browser, stack, screen.who, "dark", PHONE)
        pages[screen.who] = page, watched
        watched.problems.clear()
        open_screen(page, stack, screen, ids, until="load")
        if page.get_attribute("html", "data-theme") == "dark":
            walked.dark.append(screen.name)
        over = page.evaluate(WIDE)
        walked.wide[screen.name] = [over] if over > 0 else []
        walked.small[screen.name] = page.evaluate(SMALL)
        screen.after(page)
        walked.complaints[screen.name] = _complaints(screen, watched)
    for page, _watched in pages.values():
        page.context.close()
    return walked


def _page_of(browser: Any, stack: Stack, who: str, theme: str, size: dict[str, int]) -> tuple[Any, Watched]:
    context = browser.new_context(viewport=size)
    context.set_default_timeout(15_000)
    context.add_cookies([{"name": "theme", "value": theme, "url": stack.url}])
    page, watched = signed_in(context, stack, who), Watched()
    page.add_init_script(POLICY)
    watched.watch(page)
    return page, watched


def _complaints(screen: Any, watched: Watched) -> list[str]:
    """What the page complained about, without what the screen is meant to provoke."""
    expected = list(screen.complains)
    expected += [str(status) for status in (403, 404, 422) if status == screen.status or "refused" in screen.name]
    return [text for text in watched.problems if not any(word in text for word in expected)]


NIGHT = """() => {
    document.documentElement.dataset.theme = 'dark';
    for (let round = 0; round < 50; round += 1) {
        const moving = document.getAnimations().filter((one) => one instanceof CSSTransition);
        if (moving.length === 0) return true;
        for (const one of moving) one.finish();
    }
    return false;
}"""
"""Asking for the animations brings styles up to date. What inherits a colour may begin to move once that is there."""


def by_night(page: Any) -> None:
    """Gives an open page the dark theme, at once: colours on their way from one to the other are neither."""
    assert page.evaluate(NIGHT), "it never came to rest"


def squeeze(page: Any, name: str, walked: Walked) -> None:
    """Makes an open screen as wide as each of WIDTHS and notes what scrolls sideways and what is too small."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        over = page.evaluate(WIDE)
        walked.wide[f"{name} at {width}"] = [over] if over > 0 else []
        walked.small[f"{name} at {width}"] = page.evaluate(SMALL)
        if width == min(WIDTHS):
            walked.cut[f"{name} at {width}"] = page.evaluate(CUT)
    page.set_viewport_size(DESKTOP)
    page.evaluate("(size) => { document.documentElement.style.fontSize = size; }", LARGER)
    over = page.evaluate(WIDE)
    walked.wide[f"{name} at {LARGER}"] = [over] if over > 0 else []
    walked.cut[f"{name} at {LARGER}"] = page.evaluate(CUT)
    page.evaluate("document.documentElement.style.fontSize = ''")


def only_bad(found: dict[str, Any]) -> dict[str, Any]:
    """Those with something in them."""
    return {name: rows for name, rows in found.items() if rows}
