"""Plans, mixed batches, savings and volume: worked values of INVENTORY D (CST-02, CST-05, CST-12, PFC-01)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from reviewapp.policies.costs import PLANS, best_plan, daily_volume, mixed_cost, saving


@pytest.mark.parametrize(
    ("images", "plan"),
    [(0, "pay_per_use"), (980, "pay_per_use"), (981, "subscription_basic"), (9_383, "subscription_basic"),
     (9_384, "self_hosted"), (1_000_000, "self_hosted")],
)  # fmt: skip
def test_d_cst02_the_best_plan_changes_where_the_seed_says(images: int, plan: str) -> None:
    assert best_plan(images).plan == plan


def test_d_cst02_prices_and_a_plan_that_is_never_best() -> None:
    assert best_plan(1_000).total == Decimal("49.00")
    assert best_plan(5_000).total == Decimal("129.00") and best_plan(5_000).per_image == Decimal("0.0258")
    assert best_plan(10_000).total == Decimal("216.67")
    assert round(best_plan(10_000).per_image or 0, 4) == Decimal("0.0217")
    assert "subscription_pro" not in {best_plan(images).plan for images in range(0, 60_000, 7)}
    assert best_plan(0).per_image is None
    with pytest.raises(ValueError, match="no plan"):
        best_plan(1, ())
    with pytest.raises(ValueError, match="impossible"):
        PLANS[0].cost(-1)


def test_d_cst05_a_mixed_batch() -> None:
    found = mixed_cost(2, 8)
    assert (found.total, found.average) == (Decimal("0.108"), Decimal("0.0108"))
    assert mixed_cost(0, 0).average == 0
    with pytest.raises(ValueError, match="impossible"):
        mixed_cost(-1, 2)


def test_d_cst12_the_saving() -> None:
    found = saving(1_000, Decimal(5), Decimal(30), Decimal("2.5"), (Decimal(10), Decimal(50)))
    assert round(found.manual_hours, 1) == Decimal("83.3") and round(found.manual_cost, 2) == 2_500
    assert found.machine_cost == (85, 125)
    assert [round(value) for value in found.saved_cost] == [2_375, 2_415]
    assert [round(share, 3) for share in found.saved_share] == [Decimal("0.950"), Decimal("0.966")]
    assert round(found.saved_hours, 1) == Decimal("80.8") and round(found.saved_time_share, 2) == Decimal("0.97")
    with pytest.raises(ValueError, match="nothing"):
        saving(0, Decimal(5), Decimal(30), Decimal(1))


def test_d_pfc01_daily_volume() -> None:
    per_minute, broken = daily_volume(7_500, Decimal("0.02"))
    assert round(per_minute, 1) == Decimal("5.2") and broken == 150
