"""How much each reviewer sees: known pictures, agreement with second people, pace, bias. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from reviewapp.enums import AlarmKind, LookKind, Verdict
from reviewapp.models import Alarm, Look
from reviewapp.policies.quality.reviewers import GoldWatch

WINDOW = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Watched:
    """The watches on one reviewer, and when the one that moved most was last at zero: the change-point estimate."""

    watch: GoldWatch
    changed_at: datetime


def name_of(user: User) -> str:
    """How a person is called on pages."""
    return user.get_full_name() or user.get_username()


def gold_watch(user: User) -> Watched:
    """The watches on `user` over their known pictures since the last alarm, in order. Two queries."""
    last = Alarm.objects.filter(kind=AlarmKind.REVIEWER, reviewer=user).order_by("-pk").first()
    since = (last.closed_at or last.created_at) if last else timezone.now() - WINDOW
    shown = Look.objects.filter(kind=LookKind.GOLD, reviewer=user, is_void=False, judged_at__gt=since)
    rows = list(
        shown.exclude(verdict="").order_by("judged_at", "pk").values_list("gold__is_defective", "verdict", "judged_at")
    )
    watch = GoldWatch()
    for is_bad, verdict, _ in rows:
        watch = watch.judged(is_bad, verdict == Verdict.REJECT)
    alarmed = watch.misses if watch.misses.is_alarm else watch.false_rejects
    own = [at for is_bad, _, at in rows if is_bad == (alarmed is watch.misses)]
    before = own[: len(own) - alarmed.looks_since_zero]
    return Watched(watch, (before[-1] if before else None) or since)
