"""A result against the rest of its batch (QC-16)."""

from __future__ import annotations

import pytest

from processing.quality.consistency import file_size_anomalies


def named(sizes: list[int]) -> dict[str, int]:
    return {f"photo-{index}": size for index, size in enumerate(sizes)}


@pytest.mark.parametrize("sizes", [[], [500_000], [500_000] * 2, [500_000] * 30])
def test_qc16_an_empty_single_or_equal_batch_has_no_anomaly_and_no_error(sizes: list[int]) -> None:
    assert file_size_anomalies(named(sizes)) == ()


def test_qc16_an_extreme_outlier_of_thirty_is_named_with_its_z() -> None:
    (found,) = file_size_anomalies(named([500_000 + 1000 * index for index in range(29)] + [5_000_000]))
    assert (found.key, found.value, found.reason) == ("photo-29", 5_000_000, "File size anomaly")
    assert found.z > 3


def test_qc16_a_batch_of_nine_uses_the_robust_rule_because_z_cannot_pass_three() -> None:
    sizes = [500_000, 505_000, 498_000, 510_000, 495_000, 502_000, 507_000, 499_000, 5_000_000]
    mean = sum(sizes) / 9
    sigma = (sum((size - mean) ** 2 for size in sizes) / 8) ** 0.5
    assert (5_000_000 - mean) / sigma < 3, "the seed's own rule is blind here"
    assert [item.key for item in file_size_anomalies(named(sizes))] == ["photo-8"]


def test_qc16_ordinary_spread_is_no_anomaly() -> None:
    assert file_size_anomalies(named([400_000 + 7_000 * index for index in range(20)])) == ()
