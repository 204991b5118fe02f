"""A result against the rest of its batch (QC-16)."""

from __future__ import annotations

import numpy as np
import pytest

from processing import geometry
from processing.quality.consistency import (
    file_size_anomalies,
    look_anomalies,
    look_of,
    measure_consistency,
)
from processing.types import Look


def named(sizes: list[int]) -> dict[str, int]:
    return {f"photo-{index}": size for index, size in enumerate(sizes)}


@pytest.mark.parametrize("sizes", [[], [500_000], [500_000] * 2, [500_000] * 30])
def test_qc16_an_empty_single_or_equal_batch_has_no_anomaly_and_no_error(sizes: list[int]) -> None:
    assert file_size_anomalies(named(sizes)) == ()


def test_qc16_an_extreme_outlier_of_thirty_is_named_with_its_z() -> None:
    (found,) = file_size_anomalies(named([500_000 + 1000 * index for index in range(29)] + [5_000_000]))
    assert (found.key, found.value, found.reason) == ("photo-29", 5_000_000, "File size anomaly")
    assert found.what == "file_size"
    assert found.z > 3


def test_qc16_a_batch_of_nine_uses_the_robust_rule_because_z_cannot_pass_three() -> None:
    sizes = [500_000, 505_000, 498_000, 510_000, 495_000, 502_000, 507_000, 499_000, 5_000_000]
    mean = sum(sizes) / 9
    sigma = (sum((size - mean) ** 2 for size in sizes) / 8) ** 0.5
    assert (5_000_000 - mean) / sigma < 3, "the seed's own rule is blind here"
    assert [item.key for item in file_size_anomalies(named(sizes))] == ["photo-8"]


@pytest.mark.parametrize("count, largest", [(2, 0.707), (5, 1.789), (10, 2.846), (11, 3.015), (12, 3.175)])
def test_d_the_largest_z_of_one_outlier_and_from_when_it_counts(count: int, largest: float) -> None:
    """INVENTORY D: one outlier among equals reaches (n - 1) / sqrt(n), however far out it is: over 3 from 11 items."""
    sizes = [500_000] * (count - 1) + [5_000_000]
    found = file_size_anomalies(named(sizes))
    z = (sizes[-1] - float(np.mean(sizes))) / float(np.std(sizes, ddof=1))
    assert z == pytest.approx(largest, abs=5e-4)
    assert [(item.key, item.z) for item in found] == ([(f"photo-{count - 1}", round(z, 3))] if count >= 11 else [])


def test_qc16_ordinary_spread_is_no_anomaly() -> None:
    assert file_size_anomalies(named([400_000 + 7_000 * index for index in range(20)])) == ()


def look(**other: float) -> Look:
    plain = {"lightness": 50.0, "chroma_a": 2.0, "chroma_b": 5.0, "contrast": 12.0, "fill": 0.86, "aspect": 0.7}
    return Look(**{**plain, **other})


def shoot(count: int = 10) -> dict[str, Look]:
    """Shots that differ as shots do: by less than anybody sees."""
    return {f"shot-{n}": look(lightness=50 + 0.3 * (n % 4), fill=0.86 + 0.002 * (n % 3)) for n in range(count)}


@pytest.mark.parametrize(
    "change, word",
    [
        ({"lightness": 62.0}, "darker"), ({"chroma_b": 14.0}, "colour cast"), ({"chroma_a": -8.0}, "colour cast"),
        ({"fill": 0.7}, "frame"), ({"aspect": 1.4}, "shape"), ({"contrast": 25.0}, "contrast"),
    ],
)  # fmt: skip
def test_qc35_the_odd_one_of_a_shoot_is_named_with_what_is_odd(change: dict[str, float], word: str) -> None:
    (found,) = look_anomalies({**shoot(), "odd": look(**change)})
    assert found.key == "odd" and word in found.reason and abs(found.z) > 3.5
    assert [found.what] == list(change)


def test_qc17_differences_nobody_sees_and_small_groups_are_no_anomaly() -> None:
    assert look_anomalies({**shoot(), "near": look(lightness=53.0, chroma_b=6.5)}) == ()
    assert look_anomalies({**shoot(6), "odd": look(lightness=80.0)}) == ()
    assert look_anomalies({}) == ()


def test_qc17_identical_pictures_score_higher_than_mixed_ones() -> None:
    same = measure_consistency([look() for _ in range(5)])
    mixed = measure_consistency([look(lightness=30 + 10 * n, chroma_b=8.0 * n, fill=0.6 + 0.08 * n) for n in range(5)])
    assert same.score == 100 and mixed.score < 60
    assert measure_consistency([]).score == measure_consistency([look()]).score == 100
    for value in mixed.to_dict().values():
        assert 0 <= value <= 100


def test_a_look_is_measured_in_its_frame() -> None:
    alpha = np.zeros((400, 400), np.float32)
    alpha[50:350, 100:250] = 1
    frame = np.full((400, 400, 3), 255, np.uint8)
    frame[50:350, 100:250] = (119, 119, 119)
    found = look_of(frame, alpha)
    assert found is not None
    assert (found.fill, found.aspect) == (0.75, 0.5)
    assert found.lightness == pytest.approx(50, abs=0.5) and abs(found.chroma_a) < 0.5 and found.contrast < 0.5
    assert look_of(frame, np.zeros((400, 400), np.float32)) is None
    assert look_of(frame, geometry.levels(alpha)) == found, "the matte as it is stored says the same"


def test_a_thumbnail_looks_like_the_frame_it_was_made_of() -> None:
    """The line reads the look from a picture it has anyway; box and fill come from the matte at its full size."""
    rng = np.random.default_rng(3)
    frame = np.full((1003, 1500, 3), 255, np.uint8)
    frame[200:801, 301:1203] = (150, 90, 40)
    frame[300:700, 400:1000] = rng.integers(0, 90, (400, 600, 3))
    matte = np.zeros((1003, 1500), np.uint8)
    matte[200:801, 301:1203] = 255
    whole, thumb = look_of(frame, matte), look_of(geometry.shrunk(frame, 320)[0], matte)
    assert whole is not None and thumb is not None
    assert thumb.fill == whole.fill == round(902 / 1500, 4) and thumb.aspect == whole.aspect == round(902 / 601, 4)
    for name in ("lightness", "chroma_a", "chroma_b", "contrast"):
        assert getattr(thumb, name) == pytest.approx(getattr(whole, name), abs=0.5), name


def test_a_chain_too_thin_to_be_solid_when_small_has_a_look_all_the_same() -> None:
    frame, matte = np.full((1600, 1600, 3), 255, np.uint8), np.zeros((1600, 1600), np.uint8)
    frame[800:804, 200:1400], matte[800:804, 200:1400] = (200, 160, 40), 255
    found = look_of(frame, matte)
    assert found is not None and found.fill == 0.75 and found.aspect == 300 and found.chroma_b > 20
