"""Pictures of every screen, from the real stack with a working day on the demo: `make screenshots [OUT=folder]`.

At 1440 x 900 light and dark, at 390 x 844 in the light; the desk is dark in both. Each is reduced to a palette of its
own, so that all of them together stay below MAX_BYTES.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import zopfli.png
from PIL import Image
from playwright.sync_api import sync_playwright
from scipy.spatial import cKDTree

from tests.conftest import CHROMIUM_ARGS
from tests.e2e.screens import SCREENS, Screen, furnish, open_screen, signed_in
from tests.servers import chromium
from tests.stack import ROOT, Stack


class Colours(NamedTuple):
    """How many colours a palette has: the commonest as they are, the commonest vivid ones as they are, and others that
    stand for the rest."""

    common: int
    vivid: int
    others: int


LOOKS = (("1440", (1440, 900), "light"), ("1440", (1440, 900), "dark"), ("390", (390, 844), "light"))
MAX_BYTES = 6_000_000
DESK, PHOTO, PAGE, SOFT = Colours(24, 12, 72), Colours(20, 12, 24), Colours(24, 12, 20), Colours(16, 8, 200)
"""The desk has more than pages: there the photo is what one looks at. Most has the sign-in, all soft shadow."""
VIVID = 48
"""From this distance between the largest and the smallest of R, G and B a colour is vivid: buttons, chips, links."""
STICK = 3.0
"""How much further than the nearest the colour of the pixel at the left may be to be taken: runs pack better than the
noise of a backdrop."""
LEFT_OUT = frozenset({"login-refused", "batches-empty-filter", "thresholds-refused", "person-new", "channel-new",
                      "image-refused", "client-new", "batch-sample", "batch-owner", "not-found",
                      "review-bulk-done", "review-assisted", "review-note", "review-zoom",
                      "account-reviewer", "review-beside", "review-empty-choice", "review-signed-out",
                      "review-other-person", "review-set-aside"})  # fmt: skip
"""States that the acceptance tests look at but nobody needs a picture of; so with the rarer ones of the desk."""
NOT_ON_A_PHONE = frozenset({"review-swipe", "review-keys", "review-blink", "review-conflict",
                            "review-offline", "review-photo-error",
                            "review-loading", "review-empty", "review-lease-lost", "review-forbidden"})  # fmt: skip
"""A phone compares by swiping anyhow, and has no keys; the states are laid out as on a large screen (the walk looks at
them in both sizes)."""


def palette_of(found: np.ndarray, counts: np.ndarray, colours: Colours) -> np.ndarray:
    """The colours that stand for `found`, of which each is there `counts` times, (n, 3) uint8.

    Surfaces, words and accents stay exactly what they are. The others are the median cut and k-means over each colour
    as often as the root of its count: by the count itself a leather strap would get its brown from a big dark box.
    """
    order = np.argsort(-counts, kind="stable")
    common, rest = order[: colours.common], order[colours.common :]
    is_vivid = np.ptp(found[rest].astype(int), axis=1) >= VIVID
    exact = np.concatenate([common, rest[is_vivid][: colours.vivid]])
    rest = np.setdiff1d(rest, exact)
    if not len(rest):
        return found[exact]
    spread = np.repeat(found[rest], np.ceil(np.sqrt(counts[rest])).astype(int), axis=0)
    cut = Image.fromarray(spread[None]).quantize(colours.others, Image.Quantize.MEDIANCUT, kmeans=3)
    return np.concatenate([found[exact], np.reshape(cut.getpalette(), (-1, 3))[: colours.others].astype(np.uint8)])


def small_png(shot: bytes, colours: Colours) -> bytes:
    """The same picture as a PNG with a palette, not dithered. What the palette has is exactly what it was."""
    with Image.open(io.BytesIO(shot)) as image:
        pixels = np.asarray(image.convert("RGB"))
    codes, where, counts = np.unique(
        pixels.reshape(-1, 3) @ np.array((65536, 256, 1)), return_inverse=True, return_counts=True
    )
    found = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1).astype(np.uint8)
    palette = palette_of(found, counts, colours)
    # Pillow's own choice of the nearest looks at six bits of each channel: #fff could become #fefefe.
    far, nearest = cKDTree(palette.astype(float)).query(found.astype(float))
    chosen, off = (each[where].reshape(pixels.shape[:2]) for each in (nearest.astype(np.uint8), far))
    for x in range(1, chosen.shape[1]):
        left = chosen[:, x - 1]
        longer = np.linalg.norm(pixels[:, x].astype(float) - palette[left], axis=1)
        is_kept = (off[:, x] > 0) & (longer <= off[:, x] + STICK)
        chosen[is_kept, x] = left[is_kept]
    reduced = Image.fromarray(chosen, "P")
    reduced.putpalette(palette.reshape(-1).tolist())
    out = io.BytesIO()
    reduced.save(out, "PNG")
    return zopfli.png.optimize(out.getvalue())  # a tenth smaller than zlib's best


def colours_of(screen: Screen) -> Colours:
    """By how much of a screen is photo."""
    if screen.name == "login":
        return SOFT
    if screen.is_desk:
        return DESK
    return PHOTO if screen.name.startswith(("image", "editing-")) else PAGE


def is_shown(screen: Screen, width: str, theme: str) -> bool:
    """Does this look of the screen have a picture?"""
    if screen.name in LEFT_OUT or (screen.name in NOT_ON_A_PHONE and width == "390"):
        return False
    return not (screen.is_desk and theme == "dark")


def name_of(screen: Screen, width: str, theme: str) -> str:
    """home-1440.png in light, home-dark-1440.png in dark; the desk has one look."""
    return f"{screen.name}-{width}.png" if screen.is_desk or theme == "light" else f"{screen.name}-dark-{width}.png"


def take(stack: Stack, browser: Any, folder: Path, ids: dict[str, Any], only: str = "") -> int:
    """Takes every picture in every size and theme; returns the bytes of all."""
    made: dict[Path, Future[bytes]] = {}
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        for path, shot, colours in shots(stack, browser, folder, ids, only):
            made[path] = pool.submit(small_png, shot, colours)  # two seconds each, beside the browser
        return sum(path.write_bytes(data.result()) for path, data in made.items())


def shots(
    stack: Stack, browser: Any, folder: Path, ids: dict[str, Any], only: str
) -> Iterator[tuple[Path, bytes, Colours]]:
    """Every picture as the browser gives it: where it goes, the PNG, its colours."""
    for label, (width, height), theme in LOOKS:
        pages: dict[str, Any] = {}
        for screen in SCREENS:
            if not is_shown(screen, label, theme) or not screen.name.startswith(only):
                continue
            if screen.who not in pages:
                context = browser.new_context(viewport={"width": width, "height": height})
                context.add_cookies([{"name": "theme", "value": theme, "url": stack.url}])
                pages[screen.who] = signed_in(context, stack, screen.who)
            page = pages[screen.who]
            open_screen(page, stack, screen, ids)
            yield folder / name_of(screen, label, theme), page.screenshot(), colours_of(screen)
            screen.after(page)
        for page in pages.values():
            page.context.close()


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
