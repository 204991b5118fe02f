"""A file that came with its own transparency: what it hides is no backdrop and must not count (PRO-26, QC-04)."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from processing.channels import load_channels
from processing.params import STANDARD_PRESET, ScoringParams
from processing.pipeline import make
from processing.quality.outline import trace
from processing.removal.base import Removal
from processing.types import QualityReport, RGBArray
from tests.processing.pictures import saved
from tests.processing.products import product_alpha, product_colour

SIDE = 1300


class NoRemover:
    """Never asked: the file is cut out already."""

    name = "none"
    model_name = ""
    model_sha256 = ""

    def remove(self, rgb: RGBArray) -> Removal:
        raise AssertionError("a file with transparency needs no remover")


def made(folder: Path, hidden: tuple[int, int, int], halo_px: int = 0) -> QualityReport:
    alpha, colour = np.round(product_alpha(SIDE) * 255).astype(np.uint8), product_colour(SIDE)
    pixels = np.dstack([np.where((alpha > 0)[..., None], colour, np.array(hidden, np.uint8)), alpha])
    if halo_px:
        size = 2 * halo_px + 1
        pixels[..., 3] = cv2.dilate(alpha, np.ones((size, size), np.uint8))
    file = folder / f"{hidden[0]}-{halo_px}.png"
    saved(file, pixels.astype(np.uint8))
    return make(file, STANDARD_PRESET, load_channels()["amazon_main"], ScoringParams(), NoRemover()).quality


@pytest.mark.parametrize("hidden", [(0, 0, 0), (255, 255, 255), (168, 170, 172), (30, 60, 220)])
def test_an_exact_cutout_reaches_ninety_whatever_it_hides(hidden: tuple[int, int, int], tmp_path: Path) -> None:
    report, other = made(tmp_path, hidden), made(tmp_path, (90, 10, 10))
    assert report.total >= 90 and not report.has_failed_gate, report.measures
    assert report.to_dict() == other.to_dict()
    fringe = next(measure for measure in report.measures if measure.name == "fringe")
    assert fringe.passed is None and "not measured" in fringe.note


def test_a_contour_longer_than_the_resampler_takes_in_one_row_is_followed() -> None:
    """Fur has them: cv2.remap refuses rows of 32,767 places and more, and scoring must never raise."""
    comb = np.zeros((1400, 1400), np.float32)
    comb[100:1300, 100:1300:30] = 1
    comb[100:1300, 101:1300:30] = comb[100:1300, 102:1300:30] = comb[100:1300, 103:1300:30] = 1
    comb[100:104, 100:1300] = 1
    line = trace(comb)
    assert line is not None and line.length_px > 33_000
    assert len(line) <= 4096
