"""How long does a reviewer wait for the next photo?

Each decision is one key; measured is the time from the moment the browser receives it to the first screencast frame
that shows the next photo whole, both panes, as it stays. The real stack serves the demo's photos after the real line, a
queue of copies of them (desk_parts/rows.py). Side by side is paired in the same run, in turns, with OpenSeadragon
opening the same pairs (fetched from npm now, its next pairs decoded ahead like ours) and with the desk's own page
without a script: a form, one page load per decision.

    python benchmarks/desk.py [--decisions 60] [--pace 0.6] [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.desk_parts import peers  # noqa: E402 (the path above must be set first)
from benchmarks.desk_parts.screencast import HOOK, VIEWPORT, Press, Screencast  # noqa: E402
from benchmarks.report import bar, finish  # noqa: E402
from tests.conftest import CHROMIUM_ARGS  # noqa: E402
from tests.servers import chromium  # noqa: E402
from tests.stack import Stack  # noqa: E402

MODES = {"side": "q", "swipe": "w", "mask": "t", "difference": "r", "white": "y"}
ROUNDS = 3
LIMIT_MS = 100.0
IS_SHOWN = """(() => { const shown = document.getElementById('stage').dataset.shown;
    return Boolean(shown) && document.querySelector('.fr.cur')?.dataset.entry === shown; })()"""


class Run:
    """Pages of one browser on one stack, and the figures they gave in milliseconds."""

    def __init__(self, browser: Any, stack: Stack, decisions: int, pace_s: float) -> None:
        self.browser, self.stack = browser, stack
        self.decisions, self.pace_s = decisions, pace_s
        self.times: dict[str, list[float]] = {}
        self.missed: dict[str, int] = {}

    def page(self, who: str, *, script: bool = True) -> Any:
        """A page signed in as one of the demo's people."""
        width, height = VIEWPORT
        context = self.browser.new_context(viewport={"width": width, "height": height}, java_script_enabled=script)
        page = context.new_page()
        page.goto(f"{self.stack.url}/login/")
        page.fill("[name=username]", who)
        page.fill("[name=password]", self.stack.passwords()[who])
        page.click("button.pri")
        page.wait_for_url(f"{self.stack.url}/")
        page.add_init_script(HOOK)
        return page

    def note(self, name: str, press: Press) -> None:
        """Keep one measurement; a press whose picture could not be told from the one before is counted as missed."""
        took = press.paint_ms()
        if took is None:
            self.missed[name] = self.missed.get(name, 0) + 1
        else:
            self.times.setdefault(name, []).append(took)

    def presses(self, name: str, page: Any, key: str, count: int, ready: Callable[[], bool], *, script: bool) -> None:
        """`count` decisions on one page."""
        with Screencast(page) as cast:
            taken = []
            for _ in range(count):
                if not script:
                    page.focus("main.plain button[value=approve]")
                taken.append(cast.press(key, self.pace_s, ready=ready, has_script=script))
                cast.frames[:-1] = []
        for press in taken:
            self.note(name, press)

    def desk(self, page: Any, mode: str, count: int) -> None:
        """`count` approvals on the desk in one mode."""
        page.keyboard.press(MODES[mode])
        page.mouse.move(720, 20)
        page.wait_for_timeout(1500)
        self.presses(mode, page, "a", count, lambda: bool(page.evaluate(IS_SHOWN)), script=True)

    def openseadragon(self, page: Any, count: int) -> None:
        """`count` images opened by OpenSeadragon, two viewers each."""
        self.presses("openseadragon", page, "a", count, lambda: page.evaluate("opened() % 2") == 0, script=True)

    def plain(self, page: Any, count: int) -> None:
        """`count` approvals by form, a page load each."""
        loaded = "main.plain figure + figure img"
        self.presses("page_load", page, "Enter", count, lambda: page.locator(loaded).count() == 1, script=False)


def measure(run: Run, pictures: list[dict[str, Any]], script: str | None) -> None:
    """Side by side in turns with its peers, then the other modes."""
    ours, plain = run.page("reviewer"), run.page("senior", script=False)
    ours.goto(f"{run.stack.url}/review/mixed/")
    ours.wait_for_selector("#stage[data-shown]")
    plain.goto(f"{run.stack.url}/review/mixed/")
    peer = None
    if script is not None:
        peer = run.page("reviewer")
        peers.serve(peer.context, run.stack.url, script)
        peer.goto(f"{run.stack.url}/peer/")
        peer.evaluate("(list) => start(list)", pictures)
    ours.wait_for_timeout(2000)
    share = run.decisions // ROUNDS
    for _ in range(ROUNDS):
        run.desk(ours, "side", share)
        if peer is not None:
            run.openseadragon(peer, share)
        run.plain(plain, share)
    for mode in list(MODES)[1:]:
        run.desk(ours, mode, share * ROUNDS)


def figures_of(run: Run) -> dict[str, Any]:
    """p50 and p95 of everything, and the ratios of the peers' medians to ours."""
    figures: dict[str, Any] = {}
    for name, times in run.times.items():
        p50, p95 = np.percentile(times, [50, 95])
        figures[name] = {"n": len(times), "p50_ms": round(p50, 1), "p95_ms": round(p95, 1),
                         "missed": run.missed.get(name, 0)}  # fmt: skip
    for name in ("openseadragon", "page_load"):
        if name in figures:
            for key in ("p50_ms", "p95_ms"):
                figures[f"{name}_over_side_{key[:3]}"] = round(figures[name][key] / figures["side"][key], 2)
    return figures


def bars_of(figures: dict[str, Any], decisions: int, *, has_peer: bool) -> list[dict[str, Any]]:
    """The bar on the desk, and that everything was measured."""
    wanted = [*MODES, "page_load", *(["openseadragon"] if has_peer else [])]
    fewest = min(figures.get(name, {"n": 0})["n"] for name in wanted)
    return [
        bar("key to next photo painted, side by side, p95 ms", figures["side"]["p95_ms"], "<=", LIMIT_MS),
        bar("compared with OpenSeadragon", int(has_peer), "==", 1),
        bar("decisions measured of each kind, fewest", fewest, ">=", int(decisions // ROUNDS * ROUNDS * 0.9)),
    ]


def queue_of(stack: Stack, decisions: int) -> dict[str, Any]:
    """Fill the queue; return what rows.fill printed."""
    count = decisions * (len(MODES) + 1) + 40
    call = f"from benchmarks.desk_parts.rows import fill; fill({count}, {decisions + 10})"
    said = stack.manage("shell", "-c", call)
    rows: dict[str, Any] = json.loads(next(line for line in said.splitlines() if line.startswith("ROWS "))[5:])
    return rows


def main() -> int:
    """Start the stack, wait for the demo, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=60)
    parser.add_argument("--pace", type=float, default=0.6, help="seconds from one decision to the next, at least")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    binary = chromium()
    if binary is None:
        print("There is no Chromium on PATH. Install one, or set CHROMIUM to it.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        try:
            script, version = peers.fetch(Path(folder))
        except peers.NoPackage as reason:
            script, version = None, f"not compared: {reason}"
        data = Path(folder) / "data"
        data.mkdir()
        with Stack(data, demo=True) as stack, sync_playwright() as playwright:
            stack.wait_idle(900)
            rows = queue_of(stack, args.decisions)
            print("measuring", file=sys.stderr, flush=True)
            browser = playwright.chromium.launch(executable_path=str(binary), args=CHROMIUM_ARGS)
            run = Run(browser, stack, args.decisions, args.pace)
            measure(run, rows["further"], script)
            version_of_browser = browser.version
            browser.close()
    figures = figures_of(run) | {"browser": version_of_browser, "openseadragon_version": version,
                                 "photos": rows["photos"], "sizes": rows["sizes"], "pace_s": args.pace}  # fmt: skip
    return finish("desk", figures, bars_of(figures, args.decisions, has_peer=script is not None), as_json=args.json)


if __name__ == "__main__":
    sys.exit(main())
