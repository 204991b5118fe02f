"""What is proven, scope by scope and in all; what people keep finding, and whether it grows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce, Concat, NullIf, Trim
from django.utils import timezone

from reviewapp.enums import AlarmKind, EditReason, LotState, RejectReason, ScopeMode, Verdict
from reviewapp.models import Alarm, Asset, Certificate, EditTask, Lot, LotPlace, Scope
from reviewapp.policies.quality.certificate import Certificate as Proof
from reviewapp.policies.quality.certificate import ClosedLot, certificate
from reviewapp.policies.sampling import rejection_interval
from reviewapp.selectors import gold
from reviewapp.selectors.pages import Page, keyset
from reviewapp.selectors.quality import current_policy
from reviewapp.selectors.review import photo_decisions

PAGE = 30
TREND = timedelta(days=30)
MOST_DECISIONS = 20_000
PATTERNS = 12
WAITING = 20
"""Alarms and holds of each kind that the page shows; what is closed makes room for the next."""
LATEST = 5000
"""Photos that shares of exceptions are taken of."""
DELTA = 0.05


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """A scope with its newest certificate (None before its first lot was released)."""

    scope: Scope
    proof: Certificate | None
    lots: int
    escaped: int


@dataclass(frozen=True, slots=True)
class Total:
    """What all scopes prove together, and how many of them are in which state."""

    proof: Proof
    modes: dict[str, int]
    sight: gold.Sight
    ready: dict[bool, int]


def scope_page(cursor: str = "") -> Page[Scope]:
    """Scopes, newest first, with the counts of their lots; one query."""
    newest = Certificate.objects.filter(scope=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    rows = Scope.objects.select_related("client", "preset_version__preset", "policy").annotate(
        proof_id=Subquery(newest),
        released=Count("lots", filter=Q(lots__state=LotState.RELEASED)),
    )
    return keyset(rows.order_by("-pk"), cursor, PAGE)


def with_proof(scopes: list[Scope]) -> list[ScopeRow]:
    """Scopes of a page with their newest certificates and what is known to have escaped; two queries."""
    ids = [getattr(scope, "proof_id", None) for scope in scopes]
    proofs = Certificate.objects.in_bulk([pk for pk in ids if pk])
    escaped: Counter[int] = Counter()
    records = Lot.objects.filter(scope__in=scopes, state=LotState.RELEASED).values_list("scope_id", "record")
    for scope_id, record in records:
        escaped[scope_id] += int(record.get("escaped", 0))
    return [
        ScopeRow(scope, proofs.get(pk or 0), int(getattr(scope, "released", 0)), escaped[scope.pk])
        for scope, pk in zip(scopes, ids, strict=True)
    ]


def total() -> Total:
    """All scopes' windows as one: the bound holds for them together, and is held against the strictest promise."""
    sight = gold.sensitivity()
    lots: list[ClosedLot] = []
    modes: Counter[str] = Counter()
    promised = [current_policy().tolerated_rate]
    for mode, state, own in Scope.objects.values_list("mode", "state", "policy__tolerated_rate"):
        modes[mode] += 1
        promised.append(own)
        lots += [
            ClosedLot(one["size"], one["rate"], tuple(one["find_ranks"]), one["other_finds"])
            for one in (state or {}).get("lots", [])
        ]
    return Total(certificate(lots, sight.of_lots, min(promised), DELTA), dict(modes), sight, gold.stock())


def open_alarms(limit: int = WAITING) -> list[Alarm]:
    """What waits for somebody's word, the newest `limit`."""
    rows = Alarm.objects.filter(closed_at__isnull=True).select_related("scope__client", "lot", "reviewer")
    return list(rows.annotate(owner_name=_owner_of_lot()).order_by("-pk")[:limit])


def _owner_of_lot() -> Subquery:
    """Whose batch an alarm's lot is of, by name (REV-13); of several batches the newest's. NULL without a lot."""
    places = LotPlace.objects.filter(lot=OuterRef("lot"), asset__batch__owner__isnull=False)
    owner = "asset__batch__owner__"
    full = Trim(Concat(f"{owner}first_name", Value(" "), f"{owner}last_name"))
    name = Coalesce(NullIf(full, Value("")), f"{owner}username")
    return Subquery(places.order_by("-asset__batch").annotate(name=name).values("name")[:1])


def held_scopes(limit: int | None = None) -> list[Scope]:
    """Scopes on hold, all or the first `limit`."""
    rows = Scope.objects.filter(mode=ScopeMode.HOLD).select_related("client", "preset_version__preset")
    return list(rows.order_by("pk")[:limit])


def hindrances() -> list[str]:
    """Why no preset may be proposed or activated now: a scope on hold, a reviewer whose looks are in doubt (5, 6)."""
    held = [f"{scope} is on hold." for scope in held_scopes()]
    alarms = Alarm.objects.filter(kind=AlarmKind.REVIEWER, closed_at__isnull=True).order_by("pk")
    return held + list(alarms.values_list("text", flat=True))


def trend(now: int, before: int) -> str:
    """grows | falls | steady: by more than what chance alone often does (two standard deviations)."""
    gap, noise = now - before, 2 * (now + before) ** 0.5
    return "grows" if gap > noise else "falls" if -gap > noise else "steady"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One reason that comes again for one category and preset: rejections in 30 days and in the 30 before."""

    reason: str
    category: str
    preset: str
    now: int
    before: int

    @property
    def trend(self) -> str:
        """grows | falls | steady."""
        return trend(self.now, self.before)


def patterns() -> list[Pattern]:
    """Recurring errors (FBK-05): reason x category x preset, the most frequent of the last 30 days. One query."""
    start = timezone.now() - 2 * TREND
    rows = photo_decisions().filter(created_at__gte=start, verdict=Verdict.REJECT).order_by("-pk")
    values = rows.values_list("created_at", "reasons", "asset__category", "preset_version__preset__name")
    middle = timezone.now() - TREND
    now: Counter[tuple[str, str, str]] = Counter()
    before: Counter[tuple[str, str, str]] = Counter()
    for at, reasons, category, preset in values[:MOST_DECISIONS]:
        keys = [(reason, category, preset) for reason in set(reasons) if reason in RejectReason.values]
        (now if at >= middle else before).update(keys)
    kept = sorted({*now, *before}, key=lambda key: (-now[key], -before[key], key))[:PATTERNS]
    return [Pattern(str(RejectReason(key[0]).label), key[1], key[2], now[key], before[key]) for key in kept]


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """One cause that takes photos of a category off the automatic way: how many in 30 days and in the 30 before.

    `share`: of the category's latest photos, 0..1 with its 95 % interval; `of` counts them (0: none is known).
    """

    reason: str
    category: str
    now: int
    before: int
    hits: int
    of: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        """Share of the category's latest photos; None without any."""
        return self.hits / self.of if self.of else None

    @property
    def trend(self) -> str:
        """As for patterns."""
        return trend(self.now, self.before)


def exceptions() -> list[ExceptionRow]:
    """Photos that left the automatic way, by cause and category (REV-16, FBK-14): a high share asks for a way of its
    own. Three queries.
    """
    start, middle = timezone.now() - 2 * TREND, timezone.now() - TREND
    tasks = EditTask.objects.order_by().values("reason", "asset__category")
    counted = tasks.filter(created_at__gte=start).annotate(
        now=Count("pk", filter=Q(created_at__gte=middle)), n=Count("pk")
    )
    latest = Asset.objects.filter(created_at__gte=middle).order_by("-pk").values_list("pk", "category")[:LATEST]
    photos = list(latest)
    sizes = Counter(category for _pk, category in photos)
    since = photos[-1][0] if photos else 0
    recent = tasks.filter(asset_id__gte=since, asset__created_at__gte=middle)
    rows = recent.annotate(n=Count("asset", distinct=True)) if photos else []
    hits = {(row["reason"], row["asset__category"]): row["n"] for row in rows}
    found = []
    for row in counted.order_by("-now", "-n")[:PATTERNS]:
        key, category = (row["reason"], row["asset__category"]), row["asset__category"]
        hit, of = min(hits.get(key, 0), sizes[category]), sizes[category]
        low, high = rejection_interval(hit, of)
        reason = str(EditReason(row["reason"]).label)
        found.append(ExceptionRow(reason, category, row["now"], row["n"] - row["now"], hit, of, low, high))
    return found
