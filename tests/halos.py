"""Photos of the demo with a preset that really halos: the material of the tests of presets that learn."""

from __future__ import annotations

import io
from pathlib import Path

from django.contrib.auth.models import User
from PIL import Image, ImageEnhance, ImageOps

from benchmarks.defects import MEANT
from processing.params import STANDARD_PRESET
from reviewapp.models import Batch, PresetVersion, ReviewTask
from reviewapp.selectors import replays
from reviewapp.services import ingest, presets, seeds
from tests import line

PHOTOS = Path(__file__).resolve().parent.parent / "demo" / "photos"
HALO = MEANT["halo_2px"]
"""The measure by which the defects benchmark finds a planted halo."""
VISIBLE = 0.3
"""Px of halo from which our scripted people see it."""
SIDE = 1100
"""Px: below about 1024 the remover's grid is as fine as the photo and edges are placed another way."""
NAMES = (
    "NW-BAG-0601_front", "NW-BOK-0402_stack", "NW-BOX-0201_34", "NW-BTL-0110_01", "NW-CHR-0701_34", "NW-CLG-0501_pair",
    "NW-GFT-0210_01", "NW-LIP-0303_open", "NW-MUG-0101_front", "NW-MUG-0101_side", "NW-SPK-0205_front",
    "NW-SPK-0205_top", "NW-STL-0702_01", "NW-LAC-1102_garter", "NW-TOT-0602_01", "NW-LMP-0801_on-white",
)  # fmt: skip
CALM = (
    "KSTR4471", "NW-BTL-0111_kitchen", "NW-CRF-0131_water", "NW-FUR-1101_charm", "NW-NCK-1001_gold", "NW-RNG-1002_01",
    "NW-VAS-0141_black", "NW-WTC-0901_flat",
)  # fmt: skip
"""Dark or soft photos, on which the same preset shows no halo."""


def shots(name: str, copies: int) -> list[bytes]:
    """One demo photo, smaller, and other takes of it: mirrored, a little darker, turned a little brighter."""
    with Image.open(PHOTOS / f"{name}.jpg") as file:
        picture = file.convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    takes = [picture, ImageOps.mirror(picture), ImageEnhance.Brightness(picture).enhance(0.94)]
    found = []
    for take in takes[:copies]:
        target = io.BytesIO()
        take.save(target, "JPEG", quality=92)
        found.append(target.getvalue())
    return found


def haloing(admin: User) -> PresetVersion:
    """A preset whose edges are as coarse as the remover's own grid: backdrop stays round the product."""
    seeds.seed()
    params = STANDARD_PRESET.to_dict()
    params["edge"]["refinement"] = "low"
    params["shadow"]["enabled"] = False  # a sixth of the work, and nothing here is about it
    preset = presets.create_preset("Coarse edges", "", params, "Edges as they come from the remover", admin)
    assert preset.current is not None
    return preset.current


def batch(version: PresetVersion, names: tuple[str, ...], copies: int) -> Batch:
    """A batch of these photos, taken in and done by the real line."""
    made = ingest.create_batch(ingest.ensure_client("Halo"), "Halos", preset_version=version, channel_keys=("shopify",))
    for name in names:
        for number, data in enumerate(shots(name, copies)):
            line.send(made, f"{name}-{number}.jpg", data)
    ingest.close_batch(made)
    line.run_line()
    return made


def halo_of(task: ReviewTask) -> float:
    """Px of halo round the product of the result up for review."""
    return replays.measured_of(task.run.quality).get(HALO, 0.0)
