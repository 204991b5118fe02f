"""Reading lots: what a batch waits for, what was found in one and by what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from reviewapp.enums import LookKind, LotState, RejectReason, ReviewTaskState, Verdict
from reviewapp.models import Asset, Batch, DeliveryItem, Look, Lot, LotPlace
from reviewapp.policies.quality.lots import LotPlan, decide

NAMED = 30
"""Finds of a lot that are named on its batch's page; the rest is counted."""
ROUNDING = 1e-9
"""The certificate sample of a lot are its ranks below pi x size, less what dividing and multiplying may add."""
_RUN = ("params", "timings", "findings", "recipe")
_SCORE = ("measures", "gates", "checks", "failures", "label_map", "colour_map")
_WIDE = (
    *("asset__exif", "asset__intake_checks", "asset__findings"),
    *(f"task__run__{name}" for name in _RUN),
    *(f"task__run__quality__{name}" for name in _SCORE),
)


def of_batch(batch: Batch) -> QuerySet[Lot]:
    """Lots with photos of a batch, oldest first."""
    ids = LotPlace.objects.filter(asset__batch=batch).values("lot_id")
    return (
        Lot.objects.filter(pk__in=ids).select_related("scope__client", "scope__preset_version__preset").order_by("pk")
    )


def unreleased(batch: Batch) -> QuerySet[Lot]:
    """Lots of a batch that still have to be proven: its delivery waits for them."""
    return of_batch(batch).exclude(state__in=[LotState.RELEASED, LotState.REDO])


def is_waiting(batch: Batch) -> bool:
    """Say whether a delivery of the batch waits for a lot, or for looks back at one. Two queries."""
    waiting = LotPlace.objects.filter(asset__batch=batch)
    unproven = waiting.exclude(lot__state__in=[LotState.RELEASED, LotState.REDO]).exists()
    return unproven or looked_back(batch).exists()


def looked_back(batch: Batch) -> QuerySet[Look]:
    """Looks back at photos of the batch that haven't left yet, nobody's or to be judged by a second person."""
    back = Q(kind=LookKind.RETRO) | Q(kind=LookKind.SECOND, of__kind=LookKind.RETRO)
    open_ones = Look.objects.filter(
        back, asset__batch=batch, verdict="", is_void=False,
        task__state__in=[ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD],
    )  # fmt: skip
    left = DeliveryItem.objects.filter(rendition__asset=OuterRef("asset"), delivery__handed_over_at__isnull=False)
    return open_ones.exclude(Exists(left))


def unproven_photos(batch: Batch) -> dict[int, Lot]:
    """Photos of a batch in a lot that isn't released, by asset id. A lot to be done again holds its photos too."""
    places = LotPlace.objects.filter(asset__batch=batch).exclude(lot__state=LotState.RELEASED)
    # A photo that was done again is in a newer lot, and that one counts.
    found = {place.asset_id: place.lot for place in places.select_related("lot").order_by("lot_id")}
    # And what its lot's release is in doubt of: the scope was stopped, or its reviewer's looks don't count.
    back = looked_back(batch).filter(lot__isnull=False).select_related("lot")
    return found | {look.asset_id: look.lot for look in back if look.lot is not None}


@dataclass(frozen=True, slots=True)
class Find:
    """One upheld find of a lot."""

    asset: Asset
    place: int
    reasons: tuple[str, ...]
    weakest: str


@dataclass(frozen=True, slots=True)
class LotView:
    """A lot as a manager sees it. `looks` of `due` made so far; `finds` upheld, by `reasons` and by score part."""

    lot: Lot
    looks: int
    due: int
    flags_open: int
    finds: list[Find]
    reasons: list[tuple[str, int]] = field(default_factory=list)
    parts: list[tuple[str, int]] = field(default_factory=list)

    @property
    def first_finds(self) -> list[Find]:
        """Those that are named."""
        return self.finds[:NAMED]

    @property
    def more_finds(self) -> int:
        """How many there are besides."""
        return max(0, len(self.finds) - NAMED)

    @property
    def is_stopped(self) -> bool:
        """True while nothing of it ships until somebody acts or it is proven by itself."""
        return self.lot.state in (LotState.HELD, LotState.REDO)

    @property
    def can_be_let_go(self) -> bool:
        """True when all of it was looked at and still isn't proven: only a person's word can end that."""
        is_live = self.lot.state in (LotState.OPEN, LotState.HELD)
        return is_live and 0 < self.lot.size <= self.looks and not self.flags_open


def views(batch: Batch) -> list[LotView]:
    """Every lot of a batch with what was found in it: three queries whatever their number and size."""
    made = Q(looks__kind=LookKind.FIRST, looks__is_void=False) & ~Q(looks__verdict="")
    lots = list(of_batch(batch).annotate(made=Count("looks", filter=made, distinct=True)))
    if not lots:
        return []
    said = Q(verdict=Verdict.REJECT) | (Q(kind=LookKind.SECOND) & ~Q(verdict=""))
    looks = Look.objects.filter(said, lot__in=lots, is_void=False).exclude(kind=LookKind.RETRO)
    looks = looks.select_related("asset", "task__run__quality").defer(*_WIDE).order_by("pk")
    found = list(looks)
    places = LotPlace.objects.filter(lot__in=lots, asset__in=[look.asset_id for look in found])
    ranks = dict(places.values_list("asset_id", "rank"))
    return [_view(lot, [look for look in found if look.lot_id == lot.pk], ranks) for lot in lots]


def _view(lot: Lot, looks: Sequence[Look], ranks: dict[int, int | None]) -> LotView:
    seconds = [look for look in looks if look.kind == LookKind.SECOND]
    upheld = {look.of_id for look in seconds if look.verdict == Verdict.REJECT}
    judged_flags = {look.of_id for look in seconds}
    flags = [look for look in looks if look.kind != LookKind.SECOND]
    finds = [_find(look, ranks.get(look.asset_id) or 0) for look in flags if look.pk in upheld]
    reasons = Counter(reason for find in finds for reason in find.reasons)
    parts = Counter(find.weakest for find in finds)
    judged = int(getattr(lot, "made", 0))
    return LotView(
        lot=lot,
        looks=judged,
        due=_due(lot, judged, [find.place for find in finds]),
        flags_open=sum(flag.pk not in judged_flags for flag in flags),
        finds=finds,
        reasons=[(str(RejectReason(code).label), n) for code, n in reasons.most_common()],
        parts=parts.most_common(),
    )


def _due(lot: Lot, judged: int, places: Sequence[int]) -> int:
    """Looks after which the next decision falls; the lot's size before it is planned."""
    if not lot.plan:
        return lot.size
    plan = LotPlan(**{**lot.plan, "boundaries": tuple(lot.plan["boundaries"])})
    step = decide(plan, judged, places, is_held=lot.state == LotState.HELD)
    return max(judged, step.until)


def _find(look: Look, place: int) -> Find:
    quality = look.task.run.quality
    parts = {name: getattr(quality, name) for name in ("background", "edge", "fill", "colour")}
    return Find(look.asset, place, tuple(look.reasons), min(parts, key=lambda name: parts[name]))
