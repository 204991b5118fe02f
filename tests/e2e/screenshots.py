"""Pictures of every screen, from the real stack with a working day on the demo: `make screenshots [OUT=folder]`.

At 1440 x 900 light and dark, at 390 x 844 in the light; the desk is dark in both. Each is reduced to a palette of its
own, so that all of them together stay below MAX_BYTES.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.conftest import CHROMIUM_ARGS
from tests.e2e.screens import SCREENS, Screen, furnish, open_screen, signed_in
from tests.servers import chromium
from tests.stack import ROOT, Stack

LOOKS = (("1440", (1440, 900), "light"), ("1440", (1440, 900), "dark"), ("390", (390, 844), "light"))
MAX_BYTES = 6_000_000
DESK, PHOTO, PAGE = (40, 96), (32, 24), (24, 20)
"""Colours of a palette: the commonest as they are, and others that stand for the rest. The desk has most: there the
photo is what one looks at."""
LEFT_OUT = frozenset({"login-refused", "batches-empty-filter", "thresholds-refused", "person-new", "channel-new",
                      "image-refused", "client-new", "batch-sample", "batch-owner", "not-found", "review-blink",
                      "review-bulk-done", "review-assisted", "review-note", "review-zoom",
                      "account-reviewer", "review-beside", "review-offline"})  # fmt: skip
"""States that the acceptance tests look at but nobody needs a picture of; so with the rarer ones of the desk."""


def small_png(shot: bytes, colours: tuple[int, int]) -> bytes:
    """The same picture as a PNG with a palette: its commonest colours exactly, so that surfaces and words stay what
    they are (a grey stays neutral), and others that stand for the rest. Not dithered.

    Those are the median cut and k-means over each colour as often as the root of its count: by the count itself a
    leather strap would get its brown from a big dark box.
    """
    exact, others = colours
    with Image.open(io.BytesIO(shot)) as image:
        picture = image.convert("RGB")
    codes, counts = np.unique(np.asarray(picture).reshape(-1, 3) @ (65536, 256, 1), return_counts=True)
    found = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.uint8)
    order = np.argsort(-counts, kind="stable")
    palette = found[order[:exact]].tolist()
    if len(rest := order[exact:]):
        spread = np.repeat(found[rest], np.ceil(np.sqrt(counts[rest])).astype(int), axis=0)
        cut = Image.fromarray(spread[None]).quantize(others, Image.Quantize.MEDIANCUT, kmeans=3)
        palette += np.reshape(cut.getpalette(), (-1, 3))[:others].tolist()
    holder = Image.new("P", (1, 1))
    holder.putpalette([value for colour in palette for value in colour])
    out = io.BytesIO()
    picture.quantize(palette=holder, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def colours_of(screen: Screen) -> tuple[int, int]:
    """By how much of a screen is photo."""
    if screen.is_desk:
        return DESK
    return PHOTO if screen.name.startswith(("image", "editing-", "login")) else PAGE


def name_of(screen: Screen, width: str, theme: str) -> str:
    """home-1440.png in light, home-dark-1440.png in dark; the desk has one look."""
    return f"{screen.name}-{width}.png" if screen.is_desk or theme == "light" else f"{screen.name}-dark-{width}.png"


def take(stack: Stack, browser: Any, folder: Path, ids: dict[str, Any], only: str = "") -> int:
    """Takes every picture in every size and theme; returns the bytes of all."""
    total = 0
    for label, (width, height), theme in LOOKS:
        pages: dict[str, Any] = {}
        for screen in SCREENS:
            if (
                screen.is_state
                or screen.name in LEFT_OUT
                or (screen.is_desk and theme == "dark")
                or not screen.name.startswith(only)
            ):
                continue
            if screen.who not in pages:
                context = browser.new_context(viewport={"width": width, "height": height})
                context.add_cookies([{"name": "theme", "value": theme, "url": stack.url}])
                pages[screen.who] = signed_in(context, stack, screen.who)
            page = pages[screen.who]
            open_screen(page, stack, screen, ids)
            data = small_png(page.screenshot(), colours_of(screen))
            screen.after(page)
            (folder / name_of(screen, label, theme)).write_bytes(data)
            total += len(data)
        for page in pages.values():
            page.context.close()
    return total


def main() -> int:
    """Starts the demo, waits until it is processed, takes the pictures. 1 without a browser or past MAX_BYTES."""
    folder = Path(os.environ.get("OUT", ROOT / "docs" / "screenshots"))
    folder.mkdir(parents=True, exist_ok=True)
    binary = chromium()
    if binary is None:
        print("There is no Chromium on PATH. Install one, or set CHROMIUM to it.", file=sys.stderr)
        return 1
    for old in folder.glob("*.png"):
        old.unlink()
    with tempfile.TemporaryDirectory() as data, Stack(Path(data), demo=True) as stack, sync_playwright() as playwright:
        ids = furnish(stack)
        browser = playwright.chromium.launch(executable_path=str(binary), args=CHROMIUM_ARGS)
        total = take(stack, browser, folder, ids)
        browser.close()
    count = len(list(folder.glob("*.png")))
    print(f"{count} pictures in {folder}, {total / 1e6:.1f} MB")
    return 0 if total <= MAX_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
