"""What a person may pick from a review queue, and in which order it comes. Pure: values in, a checked choice out.

The blind queue may be narrowed only by what a photo is (client, batch, category, SKU), never by what the machine made
of it: a filter on score or reason would tell both (SMP-01).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from reviewapp.enums import ReviewReason

from .numbers import whole
from .words import gettext_noop

ORDERS: Mapping[str, str] = {
    "priority": gettext_noop("Priority, then oldest"),
    "oldest": gettext_noop("Oldest first"),
    "newest": gettext_noop("Newest first"),
    "batch": gettext_noop("Batch by batch"),
    "sku": gettext_noop("SKU by SKU"),
    "lowest": gettext_noop("Lowest score first"),
    "highest": gettext_noop("Highest score first"),
}
TELLING_ORDERS = frozenset({"lowest", "highest"})
TELLING_FIELDS = ("reason", "low", "high")


UNTOLD = (ReviewReason.SAMPLE, ReviewReason.EXPLORED)
"""Who could choose these would know what their photos are: what people see without knowing is what they are for."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which photos of a queue, and in which order. Empty means any; `high` is exclusive; `sku` is how it begins."""

    client: int | None = None
    batch: int | None = None
    category: str = ""
    sku: str = ""
    reason: str = ""
    low: float | None = None
    high: float | None = None
    order: str = "priority"

    @classmethod
    def read(cls, values: Mapping[str, Any], *, blind: bool) -> Self:
        """Take what can be read of `values` (a query string or JSON); the rest means "any". Never raises."""
        order = str(values.get("order") or "priority")
        known = order in ORDERS and not (blind and order in TELLING_ORDERS)
        reason = str(values.get("reason") or "")
        return cls(
            client=_whole(values.get("client")),
            batch=_whole(values.get("batch")),
            category=str(values.get("category") or "")[:60],
            sku=str(values.get("sku") or "").strip()[:80],
            reason=reason if not blind and reason in ReviewReason.values and reason not in UNTOLD else "",
            low=None if blind else _score(values.get("low")),
            high=None if blind else _score(values.get("high")),
            order=order if known else "priority",
        )

    @property
    def values(self) -> dict[str, Any]:
        """What was chosen, for an address or a row: only what differs from anything at all."""
        plain = {field.name: field.default for field in fields(self)}
        return {name: value for name, value in asdict(self).items() if value != plain[name]}

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves photos out; an order alone does not."""
        return bool(set(self.values) - {"order"})


def _whole(value: Any) -> int | None:
    return whole(str(value if value is not None else ""))


def _score(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 <= number <= 101 else None
