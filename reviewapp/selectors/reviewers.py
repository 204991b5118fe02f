"""How much each reviewer sees: known pictures, agreement on the same pictures, pace, bias. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median

from django.contrib.auth.models import User
from django.utils import timezone

from reviewapp.enums import AlarmKind, LookKind, Verdict
from reviewapp.models import Alarm, Look, ReviewDecision
from reviewapp.policies.quality import reviewers as policy
from reviewapp.policies.sampling import rejection_interval

from .review import standing

WINDOW = timedelta(days=90)
PACE_WINDOW = timedelta(days=30)
PAUSE = timedelta(minutes=5)
"""A longer gap between two decisions is a break, not work."""
LEAST_WORK_S = 60
MOST_DECISIONS = 50_000


@dataclass(frozen=True, slots=True)
class Watched:
    """The watches on one reviewer, and when the one that moved most was last at zero: the change-point estimate."""

    watch: policy.GoldWatch
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Gold:
    """One known picture judged."""

    is_defective: bool
    was_rejected: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """One reviewer's figures. Shares 0..1; `low` and `high` the 95 % interval of the sensitivity.

    `per_hour` and `seconds` None without timed decisions; kappa and AC1 None where they may not be reported.
    """

    reviewer: User
    decisions: int
    rejected: int
    per_hour: float | None
    seconds: float | None
    found: int
    shown: int
    low: float
    high: float
    s_low: float
    good_passed: int
    good_shown: int
    kappa: float | None
    ac1: float | None
    shared: int
    watch: policy.GoldWatch
    alarm: Alarm | None
    bias: policy.Bias | None = None

    @property
    def sensitivity(self) -> float | None:
        """Share of known defects found; None without any."""
        return self.found / self.shown if self.shown else None


@dataclass(slots=True)
class _Rows:
    gold: list[Gold] = field(default_factory=list)
    table: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    seconds: list[float] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    rejected: int = 0


def name_of(user: User) -> str:
    """How a person is called on pages."""
    return user.get_full_name() or user.get_username()


def gold_watch(user: User) -> Watched:
    """The watches on `user` over their known pictures since the last alarm ended, in order. Two queries."""
    last = Alarm.objects.filter(kind=AlarmKind.REVIEWER, reviewer=user).order_by("-pk").first()
    since = _watched_since(last)
    shown = Look.objects.filter(kind=LookKind.GOLD, reviewer=user, is_void=False, judged_at__gt=since)
    rows = shown.exclude(verdict="").order_by("judged_at", "pk")
    judged = [
        Gold(bad, verdict == Verdict.REJECT, at)
        for bad, verdict, at in rows.values_list("gold__is_defective", "verdict", "judged_at")
        if at is not None
    ]
    watch = _watch(judged)
    alarmed = watch.misses if watch.misses.is_alarm else watch.false_rejects
    own = [one.at for one in judged if one.is_defective == (alarmed is watch.misses)]
    before = own[: len(own) - alarmed.looks_since_zero]
    return Watched(watch, before[-1] if before else since)


def _watched_since(last: Alarm | None) -> datetime:
    return (last.closed_at or last.created_at) if last else timezone.now() - WINDOW


def _watch(judged: Iterable[Gold]) -> policy.GoldWatch:
    watch = policy.GoldWatch()
    for one in judged:
        watch = watch.judged(one.is_defective, one.was_rejected)
    return watch


def own_figures(user: User) -> Figures:
    """The figures a reviewer is shown of themselves, up to the end of yesterday (UTC).

    Live ones would tell which photo was a known picture: decide, look, undo, decide right.
    """
    return figures([user], until=timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0))[0]


def figures(people: Sequence[User], *, until: datetime | None = None) -> list[Figures]:
    """The figures of `people`, in their order: four queries however many they are.

    Looks of the last 90 days, decisions of the last 30 (at most 50,000), none from `until` on. Bias compares with all
    who decided.
    """
    rows: dict[int, _Rows] = defaultdict(_Rows)
    end = until or timezone.now()
    _read_looks(rows, end)
    _read_decisions(rows, end)
    alarms: dict[int, Alarm] = {}
    for alarm in Alarm.objects.filter(kind=AlarmKind.REVIEWER, reviewer__isnull=False).order_by("pk"):
        alarms[alarm.reviewer_id or 0] = alarm
    deciders = [pk for pk, own in rows.items() if own.times]
    found = policy.bias([rows[pk].rejected for pk in deciders], [len(rows[pk].times) for pk in deciders])
    by_id = dict(zip(deciders, found, strict=True))
    return [_figures(user, rows[user.pk], alarms.get(user.pk), by_id.get(user.pk)) for user in people]


def _read_looks(rows: dict[int, _Rows], end: datetime) -> None:
    made = Look.objects.filter(judged_at__gte=end - WINDOW, judged_at__lt=end, is_void=False, reviewer__isnull=False)
    made = made.exclude(verdict="").exclude(kind=LookKind.SECOND).order_by("judged_at", "pk")
    on_run: dict[int, dict[int, bool]] = defaultdict(dict)
    values = made.values_list("reviewer_id", "task__run_id", "verdict", "kind", "gold__is_defective", "judged_at")
    for reviewer_id, run_id, verdict, kind, is_bad, at in values:
        if reviewer_id is None or at is None:
            continue
        is_rejected = verdict == Verdict.REJECT
        if kind == LookKind.GOLD:
            rows[reviewer_id].gold.append(Gold(bool(is_bad), is_rejected, at))
        on_run[run_id][reviewer_id] = is_rejected
    for said in on_run.values():
        for one, own in said.items():
            for other, theirs in said.items():
                if one != other:
                    rows[one].table[(not own) * 2 + (not theirs)] += 1


def _read_decisions(rows: dict[int, _Rows], end: datetime) -> None:
    made = ReviewDecision.objects.filter(created_at__gte=end - PACE_WINDOW, created_at__lt=end, was_blind=True)
    made = standing(made.filter(verdict__in=[Verdict.APPROVE, Verdict.REJECT], is_second_opinion=False))
    made = made.exclude(task__look__kind=LookKind.GOLD).order_by("-pk")
    values = made.values_list("reviewer_id", "verdict", "seconds_taken", "created_at")[:MOST_DECISIONS]
    for reviewer_id, verdict, seconds, at in values:
        own = rows[reviewer_id]
        own.times.append(at)
        own.rejected += verdict == Verdict.REJECT
        if seconds is not None:
            own.seconds.append(seconds)


def _figures(user: User, own: _Rows, alarm: Alarm | None, bias: policy.Bias | None) -> Figures:
    since = _watched_since(alarm)
    stats = policy.reviewer_stats([(one.is_defective, one.was_rejected) for one in own.gold], _table(own))
    low, high = rejection_interval(stats.k, stats.n)
    good = [one for one in own.gold if not one.is_defective]
    shared = sum(own.table)
    may_say = policy.prevalence_allows_kappa(own.table[0] * 2 + own.table[1] + own.table[2], shared * 2)
    return Figures(
        reviewer=user,
        decisions=len(own.times),
        rejected=own.rejected,
        per_hour=_per_hour(own.times),
        seconds=median(own.seconds) if own.seconds else None,
        found=stats.k,
        shown=stats.n,
        low=low,
        high=high,
        s_low=stats.s_L,
        good_passed=sum(not one.was_rejected for one in good),
        good_shown=len(good),
        kappa=stats.kappa if may_say else None,
        ac1=stats.ac1 if may_say else None,
        shared=shared,
        watch=_watch(one for one in own.gold if one.at > since),
        alarm=alarm if alarm and alarm.closed_at is None else None,
        bias=bias,
    )


def _table(own: _Rows) -> policy.Table:
    both, first, second, neither = own.table
    return both, first, second, neither


def _per_hour(times: Sequence[datetime]) -> float | None:
    """Decisions per hour of work: time between two of them counts up to five minutes."""
    ordered = sorted(times)
    spent = sum((gap.total_seconds() for gap in (b - a for a, b in pairwise(ordered)) if gap <= PAUSE), 0.0)
    return (len(ordered) - 1) * 3600 / spent if spent >= LEAST_WORK_S else None
