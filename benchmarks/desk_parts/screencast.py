"""From a key press to the frame that shows the next picture: frames of Chrome's screencast, compared afterwards."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

VIEWPORT = (1440, 900)
FRAME = (720, 450)
STAGE = (86, 816)
"""First and last row of the viewport where every page compared here shows its pictures."""
NEAR = 0.05
"""A frame shows the next picture when it is this much nearer to it than to the one before."""
SAME = 0.02
"""Two settled frames closer than this (mean levels of 255) show the same picture: equal frames are equal files."""
HOOK = """addEventListener('keydown', (event) => {
    globalThis.pressedAt = Date.now() - (performance.now() - event.timeStamp);
}, true);"""
"""Notes when the browser received a key, in wall-clock milliseconds."""


@dataclass(frozen=True, slots=True)
class Press:
    """One decision: when the key arrived, the frame before it, and the frames until the next one (seconds, JPEG)."""

    at: float
    before: bytes
    frames: list[tuple[float, bytes]]

    def paint_ms(self) -> float | None:
        """Milliseconds from the key to the first frame with the settled picture; None when none came."""
        if not self.frames:
            return None
        settled, old = stage_of(self.frames[-1][1]), stage_of(self.before)
        apart = float(np.abs(settled - old).mean())
        if apart < SAME:
            return None
        for when, data in self.frames:
            if float(np.abs(stage_of(data) - settled).mean()) <= NEAR * apart:
                return (when - self.at) * 1000
        return None


def stage_of(data: bytes) -> np.ndarray:
    """The rows with pictures of a frame, (H, W, 3) float32."""
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image.convert("RGB"), np.float32)
    scale = pixels.shape[0] / VIEWPORT[1]
    return pixels[round(STAGE[0] * scale) : round(STAGE[1] * scale)]


class Screencast:
    """Records `page` while it is open. Use as a context manager."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.frames: list[tuple[float, str]] = []
        self.session = page.context.new_cdp_session(page)
        self.session.on("Page.screencastFrame", self._frame)

    def __enter__(self) -> Screencast:
        width, height = FRAME
        self.session.send("Page.startScreencast", {"format": "jpeg", "quality": 80, "maxWidth": width,
                                                   "maxHeight": height, "everyNthFrame": 1})  # fmt: skip
        self.page.wait_for_timeout(400)
        return self

    def __exit__(self, *error: object) -> None:
        self.session.send("Page.stopScreencast")
        self.session.detach()

    def _frame(self, event: dict[str, Any]) -> None:
        self.frames.append((float(event["metadata"]["timestamp"]), event["data"]))
        self.session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})

    def press(self, key: str, pace_s: float, *, ready: Callable[[], bool], has_script: bool = True) -> Press:
        """Press `key` and record until `ready()` and at least `pace_s` seconds. Raises RuntimeError after 20 s."""
        first = max(0, len(self.frames) - 1)
        at = time.time()
        self.page.keyboard.press(key)
        deadline = time.monotonic() + 20
        self.page.wait_for_timeout(pace_s * 1000)
        while not ready():
            if time.monotonic() > deadline:
                raise RuntimeError(f"The next picture did not come within 20 s of {key}.")
            self.page.wait_for_timeout(50)
        if has_script:
            at = float(self.page.evaluate("globalThis.pressedAt")) / 1000
        recorded = [(when, base64.b64decode(data)) for when, data in self.frames[first:]]
        before = [data for when, data in recorded if when <= at]
        after = [one for one in recorded if one[0] > at]
        return Press(at, before[-1] if before else recorded[0][1], after)
