"""The product's inside against the photo's: known SSIM and PSNR, and changes no outline shows (QC-18, QC-29, QC-37)."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from processing import codecs
from processing.channels import load_channels
from processing.params import ScoringParams
from processing.quality import content, labels, regions
from processing.quality.score import score
from processing.types import MaskArray, QualityReport, RGBArray
from tests.processing.products import over, product_alpha

SIDE = 1000
WHITE = (255, 255, 255)
AMAZON = load_channels()["amazon_main"]


def flat(value: int, side: int = 64) -> RGBArray:
    return np.full((side, side, 3), value, np.uint8)


def test_qc18_ssim_and_psnr_of_known_pictures() -> None:
    """Of two flat pictures SSIM is its lightness term alone, of a negative about -1; 5 levels off are 34.15 dB."""
    steady = (0.01 * 255) ** 2
    wanted = (2 * 100 * 150 + steady) / (100**2 + 150**2 + steady)
    assert content.ssim(flat(100), flat(150)) == pytest.approx(wanted, abs=1e-5)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    grain = np.repeat(noise[..., None], 3, axis=2)
    assert content.ssim(grain, grain) == pytest.approx(1.0, abs=1e-5)
    assert content.ssim(grain, 255 - grain) == pytest.approx(-0.98, abs=0.03)
    whole = np.ones((64, 64), np.float32)
    assert content.psnr(flat(100), flat(105), whole) == pytest.approx(34.1514, abs=1e-3)
    assert content.psnr(flat(0), flat(255), whole) == pytest.approx(0.0, abs=1e-6)
    assert content.psnr(flat(7), flat(7), whole) == content.MOST_PSNR
    assert content.psnr(flat(0), flat(255), 0 * whole) == content.MOST_PSNR


def test_qc18_ssim_follows_its_definition_window_by_window() -> None:
    """Against the formula written out, over the same windows of 8 x 8 px one cell of 4 px apart."""
    rng = np.random.default_rng(3)
    first = rng.integers(0, 256, (40, 48), np.uint8)
    second = np.clip(first + rng.normal(0, 25, first.shape), 0, 255).astype(np.uint8)
    found = []
    for y in range(0, 36, 4):
        for x in range(0, 44, 4):
            a, b = (p[y : y + 8, x : x + 8].astype(np.float64) for p in (first, second))
            shared = ((a - a.mean()) * (b - b.mean())).mean()
            top = (2 * a.mean() * b.mean() + 6.5025) * (2 * shared + 58.5225)
            found.append(top / ((a.mean() ** 2 + b.mean() ** 2 + 6.5025) * (a.var() + b.var() + 58.5225)))
    inner = content._similarity(content._moments(first, second))[0][:9, :11]
    assert np.allclose(inner.ravel(), found, atol=2e-4)


def lettered() -> RGBArray:
    """A teal product with a printed label: something to lose."""
    colour = np.zeros((SIDE, SIDE, 3), np.float32) + np.array([38, 105, 110], np.float32)
    colour += np.random.default_rng(1).normal(0, 2, (SIDE, SIDE, 1))
    picture = np.clip(colour, 0, 255).astype(np.uint8)
    cv2.rectangle(picture, (380, 420), (620, 580), (225, 220, 205), -1)
    for row in range(450, 570, 30):
        cv2.putText(picture, "SOFTPROOF", (395, row + 20), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (40, 40, 60), 3, cv2.LINE_AA)
    return picture


def judged(after: RGBArray, alpha: MaskArray, colour: RGBArray) -> QualityReport:
    photo = over(colour, alpha, (168, 170, 172))
    with Image.open(io.BytesIO(codecs.encode_jpeg(after, quality=90))) as file:
        decoded = np.asarray(file.convert("RGB"), np.uint8)
    return score(decoded, alpha, channel=AMAZON, scoring=ScoringParams(), expected=photo, is_encoded=True)


def changed(kind: str, frame: RGBArray) -> RGBArray:
    after = frame.copy()
    if kind == "text":
        cv2.putText(after, "SALE", (420, 720), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (250, 220, 0), 4, cv2.LINE_AA)
    elif kind == "patch":
        after[460:540, 400:480] = np.median(after[460:540, 400:480], axis=(0, 1)).astype(np.uint8)
    elif kind == "flipped":
        after[440:560, 400:520] = after[440:560, 400:520][::-1].copy()
    return after


@pytest.mark.parametrize("kind", ["text", "patch", "flipped"])
def test_qc37_a_change_inside_the_product_costs_the_edge_and_is_shown(kind: str) -> None:
    alpha, colour = product_alpha(SIDE), lettered()
    good = over(colour, alpha, WHITE)
    untouched, touched = judged(good, alpha, colour), judged(changed(kind, good), alpha, colour)
    found = {measure.name: measure for measure in touched.measures}["content"]
    assert untouched.total >= 99 and touched.total < 90
    assert found.passed is False and found.value < 0.5
    x, y, width, height = found.where[0]
    assert x < 620 and x + width > 380 and y < 740 and y + height > 420
    assert labels.CODES["content"] in labels.decoded(touched.label_map)
    assert "inside was changed" in touched.advice


def test_misregistration_by_a_pixel_and_a_lossy_file_are_no_change() -> None:
    alpha, colour = product_alpha(SIDE), lettered()
    good = over(colour, alpha, WHITE)
    moved = cv2.warpAffine(good, np.array([[1, 0, 0.7], [0, 1, -0.6]]), (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    near = regions.near(good, np.asarray(moved, np.uint8), alpha)
    found = content.content(near, np.asarray(moved, np.uint8), good, alpha)
    assert found is not None and found.worst > 0.75


def test_a_product_without_a_solid_place_is_not_judged() -> None:
    alpha = np.full((200, 200), 0.5, np.float32)
    near = regions.near(flat(90, 200), flat(90, 200), alpha)
    assert content.content(near, flat(90, 200), flat(90, 200), alpha) is None
