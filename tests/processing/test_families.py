"""Families and buckets (CLS-09, CLS-10), and the seed's cheap-or-AI question (CLS-16, D15)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from processing import codecs
from processing.families import BUCKETS, FAMILIES, WORKFLOW_OF, bucket_of, presorted
from processing.hybrid import BACKGROUND_COMPLEXITY, EDGE_DENSITY, assess, background_complexity, decide, edge_density
from processing.params import STANDARD_PRESET, ProcessingParams
from tests.processing.pictures import saved, textured
from tests.processing.scenes import draw


def test_cls09_five_families_each_with_needs_and_a_preset_of_its_own() -> None:
    assert set(FAMILIES) == {"product", "portrait", "real_estate", "event", "render"}
    assert [family.key for family in FAMILIES.values() if family.is_complete] == ["product"]
    assert FAMILIES["product"].preset == STANDARD_PRESET
    for family in FAMILIES.values():
        assert family.needs and ProcessingParams.from_dict(family.preset.to_dict()) == family.preset
        assert family.is_complete or not family.preset.shadow.enabled


def test_cls23_the_products_preset_has_background_shadow_and_colour_reference_on() -> None:
    """Angles are grouped by SKU without a setting: test_rev20_siblings_are_the_same_product_in_the_same_batch."""
    family = FAMILIES["product"]
    assert family.preset.shadow.enabled and family.preset.colour.white_balance == "auto_reference"
    assert family.preset.removal.remover and "background removal" in family.needs


def test_cls10_a_mixed_batch_splits_and_what_is_unknown_goes_to_people() -> None:
    batch = {"a.jpg": "Portrait", "b.jpg": "jewelry", "c.jpg": "real estate", "d.jpg": "invoice", "e.jpg": "",
             "f.jpg": "spaceship", "g.jpg": "product"}  # fmt: skip
    found = presorted(batch)
    assert found == {"portraits": ("a.jpg",), "products": ("b.jpg", "g.jpg"), "landscapes": ("c.jpg",),
                     "documents": ("d.jpg",), "other": ("e.jpg", "f.jpg")}  # fmt: skip
    assert set(WORKFLOW_OF) == set(BUCKETS) and len(set(WORKFLOW_OF.values())) == 5
    assert WORKFLOW_OF[bucket_of("spaceship")] == "manual"


@pytest.mark.parametrize(
    ("mode", "edges", "background", "needs_ai", "words"),
    [
        ("RGB", 0.30, 0.50, False, "within the limits"),
        ("RGB", np.nextafter(0.30, 1), 0.50, True, "Edge density"),
        ("RGB", 0.30, np.nextafter(0.50, 1), True, "Background complexity"),
        ("RGBA", 0.0, 0.0, True, "RGBA"),
        ("LA", 0.0, 0.0, True, "LA"),
        ("L", 0.0, 0.0, False, "within the limits"),
    ],
)
def test_cls16_exactly_at_a_limit_is_not_above_it(
    mode: str, edges: float, background: float, needs_ai: bool, words: str
) -> None:
    assert (EDGE_DENSITY, BACKGROUND_COMPLEXITY) == (0.3, 0.5)
    found = decide(mode, edges, background)
    assert found.needs_ai is needs_ai and words in found.rule


def test_cls16_the_two_measures_tell_a_studio_from_clutter(tmp_path: Path) -> None:
    studio = draw(21, shape="mug", size=(700, 650), fill=0.6).rgb
    clutter = np.random.default_rng(1).integers(0, 256, (40, 40, 3)).astype(np.uint8).repeat(10, 0).repeat(10, 1)
    assert background_complexity(studio) < 0.2 and edge_density(studio) < 0.3
    assert background_complexity(clutter) == 1.0 and edge_density(clutter) > 0.3
    flat = np.tile(np.linspace(120, 240, 400).astype(np.uint8)[None, :, None], (300, 1, 3))
    assert background_complexity(flat) < 0.05  # light that falls off evenly is no clutter
    assert (
        edge_density(np.zeros((9, 9, 3), np.uint8)) == 0.0 and background_complexity(np.zeros((1, 1, 3), np.uint8)) == 0
    )


def test_d15_a_cut_out_is_named_as_one(tmp_path: Path) -> None:
    alpha = np.full((600, 700), 255, np.uint8)
    alpha[:100] = 0
    found = assess(codecs.open_photo(saved(tmp_path / "cut.png", np.dstack([textured(), alpha]))))
    assert found.needs_ai and found.is_cut_out and found.has_alpha
