"""Golden pictures: what the line made of four demo photos when it was last looked at, small (QC-28).

python -m tests.processing.golden      # writes them anew; look at each before you commit it
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from processing import codecs
from processing.channels import load_channels
from processing.folder import Job, Plan, process_one
from processing.params import STANDARD_PRESET, ProcessingParams
from processing.quality.difference import delta_e_2000, to_lab
from processing.removal.base import create_remover
from processing.types import RGBArray

ROOT = Path(__file__).resolve().parents[2]
STORED = Path(__file__).parent / "golden_pictures"
SIDE = 200
GOLDEN = {
    "NW-MUG-0101_front": "amazon_main",
    "NW-BOX-0201_34": "shopify",
    "NW-BTL-0110_01": "website",
    "NW-STL-0702_01": "social",
}
"""Photo and channel: pure white, a shop's own size, a gradient with a shadow, a square for social media."""


def made_of(name: str, channel: str, params: ProcessingParams = STANDARD_PRESET) -> RGBArray:
    """Return what `python -m processing run` makes of a demo photo, (SIDE, SIDE, 3), averaged by Pillow."""
    photo = ROOT / "demo" / "photos" / f"{name}.jpg"
    with tempfile.TemporaryDirectory() as folder:
        plan = Plan(Path(folder), params, load_channels()[channel])
        report = process_one(Job(photo, photo.name, name), plan, create_remover("auto"))
        assert report["status"] == "ok", report
        picture = codecs.decode(Path(folder) / report["outputs"]["rendered"])[0]
    image = Image.fromarray(picture)
    image.thumbnail((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=None)
    return np.asarray(image)


def stored(name: str, channel: str) -> RGBArray:
    """Return the golden picture."""
    with Image.open(STORED / f"{name}.{channel}.png") as image:
        return np.asarray(image.convert("RGB"))


def distance(one: RGBArray, other: RGBArray) -> float:
    """Return the worst place's CIEDE2000: the largest mean over 8 x 8 px."""
    apart = np.asarray(delta_e_2000(to_lab(one), to_lab(other)), np.float32)
    return float(cv2.blur(apart, (8, 8)).max())


def main() -> None:
    """Write them all."""
    STORED.mkdir(exist_ok=True)
    for name, channel in GOLDEN.items():
        Image.fromarray(made_of(name, channel)).save(STORED / f"{name}.{channel}.png", optimize=True)


if __name__ == "__main__":
    main()
