"""Reading known pictures: what people saw of them, and which may come next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import floor

from django.db.models import Case, Count, F, Q, Value, When
from django.db.models.expressions import CombinedExpression
from django.utils import timezone

from reviewapp.enums import LookKind, Sampling, Verdict
from reviewapp.models import Asset, Client, GoldItem, Look
from reviewapp.policies.quality.reviewers import GOLD_REST_DAYS, UPHELD, sensitivity_bound
from reviewapp.selectors.quality import current_policy

WINDOW = timedelta(days=90)
LEAST_GOLD = 20


@dataclass(frozen=True, slots=True)
class Sight:
    """How much people see: `found` of `shown` known defects in 90 days, and the lower bound s_L that plans use."""

    found: int
    shown: int
    s_low: float

    @property
    def of_lots(self) -> float:
        """What plans and certificates of lots count on: a find needs the second person too. In hundredths, so that
        plans can be kept; never more than is known, and never nothing: no plan divides by that."""
        return max(1, floor(self.s_low * UPHELD * 100)) / 100


def sensitivity() -> Sight:
    """What all reviewers together saw of known defects in the last 90 days. One query."""
    bad = Look.objects.filter(
        kind=LookKind.GOLD, is_void=False, judged_at__gte=timezone.now() - WINDOW, gold__is_defective=True
    ).exclude(verdict="")
    row = bad.aggregate(shown=Count("pk"), found=Count("pk", filter=Q(verdict=Verdict.REJECT)))
    return Sight(row["found"], row["shown"], sensitivity_bound(row["found"], row["shown"]))


def is_on() -> bool:
    """Known pictures go where something is proven: without a proof there is no bound they would serve."""
    if current_policy().prove_lots:
        return True
    return Client.objects.filter(sampling__in=[Sampling.PROOF, Sampling.EACH]).exists()


def next_item(is_defective: bool, near: Asset | None = None) -> GoldItem | None:
    """The known picture that has rested longest, at least 60 days: so no reviewer gets one twice within them.

    Of the client whose photo it goes `near`, and of its category, where there is one: it must not stand out.
    """
    rested = timezone.now() - timedelta(days=GOLD_REST_DAYS)
    items = GoldItem.objects.filter(is_active=True, is_defective=is_defective)
    items = items.filter(Q(shown_at__isnull=True) | Q(shown_at__lt=rested))
    likeness: Value | CombinedExpression = Value(0)
    if near is not None:
        is_client = When(asset__batch__client_id=near.batch.client_id, then=Value(2))
        is_category = When(asset__category=near.category, then=Value(1))
        likeness = Case(is_client, default=Value(0)) + Case(is_category, default=Value(0))
    ranked = items.annotate(likeness=likeness).order_by("-likeness", F("shown_at").asc(nulls_first=True), "pk")
    return ranked.select_related("run", "asset").first()


def stock() -> dict[bool, int]:
    """How many known pictures may be shown now, by whether they are defective."""
    rested = timezone.now() - timedelta(days=GOLD_REST_DAYS)
    ready = GoldItem.objects.filter(Q(shown_at__isnull=True) | Q(shown_at__lt=rested), is_active=True)
    counts = dict(ready.order_by().values_list("is_defective").annotate(n=Count("pk")))
    return {True: counts.get(True, 0), False: counts.get(False, 0)}
