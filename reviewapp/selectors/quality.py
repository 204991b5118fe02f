"""Reading scores, samples and reject reasons: what the line's quality is and how sure we are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count, F, FloatField, Q, Sum, Value
from django.db.models.functions import Floor, Least

from reviewapp.enums import LookKind, RejectReason, SampleOutcome, Verdict
from reviewapp.models import Batch, Look, PresetVersion, QualityReport, ReviewDecision, RoutingPolicy, SampleMember
from reviewapp.policies.sampling import rejection_interval
from reviewapp.selectors import tallies
from reviewapp.selectors.access import Clients, within

BIN_WIDTH = 5
BIN_COUNT = 100 // BIN_WIDTH


def current_policy() -> RoutingPolicy:
    """The routing policy in force: the highest number. Raises RoutingPolicy.DoesNotExist when nothing is seeded."""
    return RoutingPolicy.objects.latest("number")


@dataclass(frozen=True, slots=True)
class ScoreBin:
    """`count` photos with low <= total < high; the last bin includes 100."""

    low: int
    high: int
    count: int


def score_histogram(batch: Batch | None = None) -> list[ScoreBin]:
    """Totals of the current runs in bins of 5 points from 0 to 100, empty bins included; of one batch or of all.

    Of all from the running counts, in one query whatever their number.
    """
    if batch is not None:
        return spread(batch).bins
    return _bins(Counter({int(at): count for at, count in tallies.totals("score").items()}))


def _bins(found: Counter[int]) -> list[ScoreBin]:
    return [ScoreBin(at * BIN_WIDTH, (at + 1) * BIN_WIDTH, found[at]) for at in range(BIN_COUNT)]


@dataclass(frozen=True, slots=True)
class Spread:
    """How the scores of a batch's current results lie (QC-30).

    `mean` is None while nothing is scored; `passed` of the `scored` reach the pass line they were scored under.
    `policies` are the ids of those policies, the newest last.
    """

    bins: list[ScoreBin]
    scored: int
    mean: float | None
    passed: int
    policies: list[int]


def spread(batch: Batch) -> Spread:
    """Count and add up the scores of a batch's current results, in one query over the batch's own photos."""
    reports = QualityReport.objects.filter(run__asset__current_run=F("run"), run__asset__batch=batch).order_by()
    at = Least(Floor(F("total") / BIN_WIDTH), Value(float(BIN_COUNT - 1)), output_field=FloatField())
    rows = reports.values("policy_id", at=at).annotate(
        count=Count("pk"), points=Sum("total"), passed=Count("pk", filter=Q(total__gte=F("policy__approve_at")))
    )
    found: Counter[int] = Counter()
    points, passed, policies = 0.0, 0, set()
    for row in rows:
        found[int(row["at"])] += row["count"]
        points += row["points"]
        passed += row["passed"]
        policies.add(row["policy_id"])
    scored = found.total()
    return Spread(_bins(found), scored, points / scored if scored else None, passed, sorted(policies))


@dataclass(frozen=True, slots=True)
class EscapeRate:
    """SMP-10: the share of auto-approved photos people would have rejected, with its 95 % Clopper-Pearson interval.

    Shares are 0..1; `rate` is None while nothing is judged.
    """

    drawn: int
    judged: int
    rejected: int
    rate: float | None
    low: float
    high: float


def escape_rate(batch: Batch | None = None, clients: Clients = None) -> EscapeRate:
    """Estimate the escape rate from judged samples, of one batch or of all of `clients`: simple ones and those of lots.
    Two queries.

    In a lot a rejection is what a second person upheld.
    """
    members = within(SampleMember.objects.all(), clients, "draw__batch__client")
    members = members if batch is None else members.filter(draw__batch=batch)
    found = members.aggregate(
        drawn=Count("pk"),
        judged=Count("pk", filter=~Q(outcome=SampleOutcome.PENDING)),
        rejected=Count("pk", filter=Q(outcome=SampleOutcome.REJECTED)),
    )
    looks = within(Look.objects.filter(kind=LookKind.FIRST, is_void=False), clients, "asset__batch__client")
    looks = looks if batch is None else looks.filter(asset__batch=batch)
    upheld = Q(seconds__verdict=Verdict.REJECT, seconds__is_void=False)
    of_lots = looks.aggregate(  # a flag may have been asked about twice: each look counts once
        drawn=Count("pk", distinct=True),
        judged=Count("pk", filter=~Q(verdict=""), distinct=True),
        rejected=Count("pk", filter=upheld, distinct=True),
    )
    found = {name: found[name] + of_lots[name] for name in found}
    judged, rejected = found["judged"], found["rejected"]
    low, high = rejection_interval(rejected, judged)
    return EscapeRate(found["drawn"], judged, rejected, rejected / judged if judged else None, low, high)


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How often one reject reason was given for results of one preset version; `share` of its `decisions`, 0..1."""

    preset_version: PresetVersion
    reason: RejectReason
    count: int
    decisions: int
    share: float


def reject_reasons() -> list[ReasonCount]:
    """Reject reasons per preset version, the most frequent first, from decisions that stand (REV-07, FBK-01)."""
    decisions: Counter[int] = Counter()
    reasons: Counter[tuple[int, str]] = Counter()
    standing = ReviewDecision.objects.filter(
        verdict__in=["approve", "reject"], is_second_opinion=False, undoes__isnull=True, undone_by__isnull=True
    ).exclude(task__look__kind__in=[LookKind.GOLD, LookKind.SECOND, LookKind.AGAIN, LookKind.RETRO])
    for version_id, given in standing.values_list("preset_version_id", "reasons").iterator():
        decisions[version_id] += 1
        reasons.update((version_id, reason) for reason in set(given) if reason in RejectReason.values)
    versions = PresetVersion.objects.select_related("preset").in_bulk(list(decisions))
    return [
        ReasonCount(versions[pk], RejectReason(reason), count, decisions[pk], count / decisions[pk])
        for (pk, reason), count in reasons.most_common()
    ]
