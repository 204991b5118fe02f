"""Any size, mode, format and profile a photo may come in: decoded alike by both doors, judged without a crash."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from processing import codecs, icc
from processing.glance import glance
from processing.intake import ValidationProfile, inspect
from processing.preflight import LANES
from tests.processing.pictures import ADOBE_RGB, DISPLAY_P3, matrix_profile, textured

ANY = ValidationProfile("any", "Any", min_bytes=1)
PROFILES = {
    "none": None, "srgb": icc.SRGB, "adobe": matrix_profile(ADOBE_RGB), "p3": matrix_profile(DISPLAY_P3),
    "broken": b"\x00\x01" * 120, "cut": matrix_profile(ADOBE_RGB)[:200],
}  # fmt: skip
MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "L", "P", "1", "LA", "RGBA", "I;16"),
    "WEBP": ("RGB", "RGBA"),
    "TIFF": ("RGB", "L", "CMYK", "LAB", "RGBA", "I;16"),
}
CASES = [(kind, mode) for kind, modes in MODES.items() for mode in modes]


def _made(folder: str, case: tuple[str, str], size: tuple[int, int], profile: str, turn: int, seed: int) -> Path:
    kind, mode = case
    pixels = textured(*size, seed=seed)
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    elif mode == "LAB":
        image = Image.merge("LAB", Image.fromarray(pixels).split())
    else:
        image = Image.fromarray(pixels).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = turn
    path = Path(folder) / "photo"
    image.save(path, kind, exif=exif.tobytes(), **({"icc_profile": PROFILES[profile]} if PROFILES[profile] else {}))
    return path


@settings(max_examples=120, deadline=None)
@given(
    st.sampled_from(CASES),
    st.tuples(st.integers(1, 260), st.integers(1, 260)),
    st.sampled_from(sorted(PROFILES)),
    st.integers(1, 8),
    st.integers(0, 99),
)
@example(("JPEG", "RGB"), (1, 260), "adobe", 6, 1)
@example(("JPEG", "L"), (260, 1), "none", 5, 1)
@example(("JPEG", "CMYK"), (64, 48), "cut", 8, 1)
def test_b1_b2_any_photo_is_decoded_upright_and_judged(
    case: tuple[str, str], size: tuple[int, int], profile: str, turn: int, seed: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = _made(folder, case, size, profile, turn, seed)
        photo = codecs.open_photo(path)
        small = glance(path, 60)
        report = inspect(path, ANY, f"photo.{case[0].lower()}")
    width, height = size[::-1] if turn >= 5 else size
    assert (photo.info.width, photo.info.height) == (width, height)
    assert photo.rgb.shape == (height, width, 3) and photo.rgb.dtype == np.uint8
    assert photo.alpha is None or (photo.alpha.shape == (height, width) and photo.alpha.min() >= 0)
    assert small.info == photo.info
    assert {finding.code for finding in small.findings} == {finding.code for finding in photo.findings}
    longest, seen = max(size), max(small.rgb.shape[:2])
    assert seen == longest if longest < 120 else 60 <= seen < 120
    assert report.code in ("valid", "blank")
    if report.passed:
        assert report.suggested_lane in {"automated", *LANES.values()} and len(report.phash) == 16
        assert report.cues is not None and 0 <= report.cues.edge_score <= 1 and 0 <= report.cues.colour_match_risk <= 1


@pytest.mark.parametrize("profile", ["none", "adobe", "p3"])
@pytest.mark.parametrize("turn", [1, 6])
def test_a_glance_shows_what_a_full_decode_shows(tmp_path: Path, profile: str, turn: int) -> None:
    pixels = np.asarray(Image.fromarray(textured(60, 40)).resize((960, 640), Image.Resampling.BICUBIC))
    exif = Image.Exif()
    exif[0x0112] = turn
    options = {"icc_profile": PROFILES[profile]} if PROFILES[profile] else {}
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=95, exif=exif.tobytes(), **options)
    small, whole = glance(tmp_path / "a.jpg", 240).rgb, codecs.open_photo(tmp_path / "a.jpg").rgb
    shown = np.asarray(Image.fromarray(whole).resize(small.shape[1::-1], Image.Resampling.BOX))
    assert np.abs(small.astype(int) - shown).mean() < 1.0
