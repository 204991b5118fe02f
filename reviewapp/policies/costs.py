"""What pictures cost: plans by volume, cheap and dear providers side by side, by hand against by machine. Pure.

Money in dollars as Decimal, because a plan's price changes at a single cent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Plan:
    """A provider's plan. `included` pictures a month cost nothing more; None = all of them. `setup` is spread over
    `setup_months`."""

    key: str
    per_image: Decimal
    monthly: Decimal = Decimal(0)
    included: int | None = 0
    setup: Decimal = Decimal(0)
    setup_months: int = 12

    def cost(self, images: int) -> Decimal:
        """Return what a month with `images` costs, setup included. Raises ValueError for fewer than none."""
        if images < 0:
            raise ValueError(f"{images} pictures are impossible.")
        beyond = 0 if self.included is None else max(0, images - self.included)
        return self.monthly + self.setup / self.setup_months + beyond * self.per_image


PLANS = (
    Plan("pay_per_use", Decimal("0.05")),
    Plan("subscription_basic", Decimal("0.02"), Decimal(49), 1_000),
    Plan("subscription_pro", Decimal("0.01"), Decimal(199), 5_000),
    Plan("self_hosted", Decimal("0.001"), Decimal(50), None, Decimal(2_000)),
)
"""Prices of seed 000 L1437-1491, examples and no offers."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The cheapest plan for a month. `per_image` is None for a month without pictures."""

    plan: str
    total: Decimal
    per_image: Decimal | None


def best_plan(images: int, plans: Sequence[Plan] = PLANS) -> Choice:
    """Return the cheapest of `plans`, the first of equally cheap ones (CST-02).

    Worked values: 0 to 980 pay_per_use, 981 to 9,383 subscription_basic, then self_hosted; 5,000 cost 129.00, 0.0258
    each. Raises ValueError for no plan, or fewer pictures than none.
    """
    if not plans:
        raise ValueError("There is no plan to choose from.")
    chosen = min(plans, key=lambda plan: plan.cost(images))
    total = chosen.cost(images)
    return Choice(chosen.key, total.quantize(Decimal("0.01")), total / images if images else None)


@dataclass(frozen=True, slots=True)
class Mixed:
    """What a batch cost whose hard pictures went to the dear provider. `average` is 0 for an empty batch."""

    hard: int
    simple: int
    total: Decimal
    average: Decimal


def mixed_cost(
    hard: int, simple: int, hard_price: Decimal = Decimal("0.05"), simple_price: Decimal = Decimal("0.001")
) -> Mixed:
    """Return the cost of a batch split by difficulty (CST-05): 2 hard and 8 simple cost 0.108, 0.0108 each.

    Raises ValueError for fewer than no pictures.
    """
    if hard < 0 or simple < 0:
        raise ValueError(f"{hard} and {simple} pictures are impossible.")
    total, count = hard * hard_price + simple * simple_price, hard + simple
    return Mixed(hard, simple, total, total / count if count else Decimal(0))


@dataclass(frozen=True, slots=True)
class Saving:
    """By hand against by machine. Ranges are (lowest, highest); shares of 1."""

    manual_hours: Decimal
    manual_cost: Decimal
    machine_cost: tuple[Decimal, Decimal]
    saved_cost: tuple[Decimal, Decimal]
    saved_share: tuple[Decimal, Decimal]
    saved_hours: Decimal
    saved_time_share: Decimal


def saving(
    images: int,
    minutes_each: Decimal,
    hourly: Decimal,
    machine_hours: Decimal,
    machine_fees: tuple[Decimal, Decimal] = (Decimal(0), Decimal(0)),
) -> Saving:
    """Return what a batch saves (CST-12). `machine_hours` are people's hours that stay, at the same rate.

    Worked value: 1,000 pictures of 5 minutes at 30 an hour are 83.3 h and 2,500; with 2.5 h and 10 to 50 of fees 85 to
    125, so 2,375 to 2,415 (95 to 96.6 %) and 80.8 h (97 %) are saved. Raises ValueError where nothing was paid before.
    """
    hours = images * minutes_each / 60
    manual = hours * hourly
    if manual <= 0:
        raise ValueError("Work that costs nothing by hand saves nothing.")
    low, high = (machine_hours * hourly + fee for fee in machine_fees)
    return Saving(
        hours, manual, (low, high), (manual - high, manual - low), (1 - high / manual, 1 - low / manual),
        hours - machine_hours, 1 - machine_hours / hours,
    )  # fmt: skip


def daily_volume(per_day: int, error_share: Decimal) -> tuple[Decimal, Decimal]:
    """Return (pictures per minute, broken pictures per day) round the clock (PFC-01): 7,500 at 2 % are 5.2 and 150."""
    return Decimal(per_day) / (24 * 60), per_day * error_share
