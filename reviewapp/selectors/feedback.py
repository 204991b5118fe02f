"""What clients said: complaints with their rate, and returns before and with our pictures."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Sum

from reviewapp.models import Client, Complaint, DeliveryItem, ReturnRate
from reviewapp.policies.sampling import rejection_interval
from reviewapp.selectors.pages import Page, keyset, keyset_by

PAGE = 20


@dataclass(frozen=True, slots=True)
class Returns:
    """Returned of sold goods; shares 0..1 with the 95 % interval, None without any sold."""

    sold: int
    returned: int
    rate: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Feedback:
    """A client's word: returns before and since, complaints and photos delivered."""

    before: Returns
    since: Returns
    complaints: Page[Complaint]
    complained: int
    delivered: int
    periods: Page[ReturnRate]

    @property
    def change(self) -> float | None:
        """Return rate since less before, in shares; None while one is missing."""
        if self.before.rate is None or self.since.rate is None:
            return None
        return self.since.rate - self.before.rate

    @property
    def change_points(self) -> str:
        """The change in percentage points, signed; "" while it is unknown."""
        return "" if self.change is None else f"{self.change * 100:+.1f}"

    @property
    def is_clear(self) -> bool:
        """True when the two intervals don't overlap: more than chance."""
        return self.since.high < self.before.low or self.since.low > self.before.high

    @property
    def complaint_rate(self) -> float | None:
        """Complaints per delivered photo, 0..1."""
        return self.complained / self.delivered if self.delivered else None


def complaints_of(client: Client, cursor: str = "") -> Page[Complaint]:
    """One page of a client's complaints, newest first; one query."""
    said = Complaint.objects.filter(client=client).select_related("asset__batch").order_by("-pk")
    return keyset(said, cursor, PAGE)


def periods_of(client: Client, cursor: str = "") -> Page[ReturnRate]:
    """One page of a client's periods, the latest first; one query."""
    return keyset_by(ReturnRate.objects.filter(client=client), ("-starts_on", "-pk"), cursor, PAGE)


def of_client(client: Client, complaints: str = "", periods: str = "") -> Feedback:
    """Everything the client's page shows, its two lists after these cursors; six queries."""
    said = Complaint.objects.filter(client=client)
    delivered = DeliveryItem.objects.filter(
        rendition__asset__batch__client=client, delivery__handed_over_at__isnull=False
    ).values("rendition__asset")
    return Feedback(
        before=_returns(client, is_before=True),
        since=_returns(client, is_before=False),
        complaints=complaints_of(client, complaints),
        complained=said.order_by().values("asset").distinct().count(),
        delivered=delivered.distinct().count(),
        periods=periods_of(client, periods),
    )


def of_asset(asset_id: int, cursor: str = "") -> Page[Complaint]:
    """One page of the complaints about one photo, newest first; one query."""
    said = Complaint.objects.filter(asset_id=asset_id).select_related("logged_by").order_by("-pk")
    return keyset(said, cursor, PAGE)


def _returns(client: Client, *, is_before: bool) -> Returns:
    summed = ReturnRate.objects.filter(client=client, is_before=is_before).order_by()
    found = summed.aggregate(sold=Sum("sold"), returned=Sum("returned"))
    sold, returned = found["sold"] or 0, found["returned"] or 0
    low, high = rejection_interval(returned, sold)
    return Returns(sold, returned, returned / sold if sold else None, low, high)
