"""Small photos that the whole line takes: a product on a light sweep with grain, every one different."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SIDE = 500
"""The smallest that a channel without a size of its own takes; some 0.1 s of one core from decoding to score."""


def photo(seed: int) -> bytes:
    """A JPEG of some 40 kB; the classical remover cuts it out without doubt."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(232, 220, SIDE, dtype=np.float32)[:, None, None]
    grain = rng.normal(0, 1.2, (SIDE, SIDE, 1)).astype(np.float32)
    picture = Image.fromarray(np.clip(np.broadcast_to(ramp, (SIDE, SIDE, 3)) + grain, 0, 255).astype(np.uint8))
    product = Image.new("L", (SIDE, SIDE), 0)
    width, height = rng.uniform(0.2, 0.3, 2) * SIDE
    middle = SIDE / 2
    ImageDraw.Draw(product).rectangle((middle - width, middle - height, middle + width, middle + height), fill=255)
    colour = tuple(int(value) for value in rng.integers(20, 110, 3))
    picture.paste(Image.new("RGB", (SIDE, SIDE), colour), (0, 0), product.filter(ImageFilter.GaussianBlur(1.0)))
    target = io.BytesIO()
    picture.save(target, "JPEG", quality=90)
    return target.getvalue()
