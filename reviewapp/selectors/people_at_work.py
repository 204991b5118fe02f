"""What people did today: for the person's own eyes, and by name for the manager's home. Never a ranking."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from django.utils import timezone

from reviewapp.enums import Verdict
from reviewapp.models import ReviewDecision
from reviewapp.selectors.access import limit
from reviewapp.selectors.review import CLIENT, standing

RECENT = timedelta(minutes=30)


@dataclass(frozen=True)
class AtWork:
    """Somebody who decided in the last half hour; `today` counts approvals, rejections and holds since midnight."""

    user: User
    today: int


def midnight() -> datetime:
    """The start of the local day."""
    return timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)


def judgements() -> QuerySet[ReviewDecision]:
    """What people decided of photos and nobody took back."""
    return standing(ReviewDecision.objects.exclude(verdict=Verdict.SKIP))


def decided_today(user: User) -> int:
    """How many photos the person decided since local midnight, without what they undid."""
    return judgements().filter(reviewer=user, created_at__gte=midnight()).count()


def reviewing_now(user: User) -> list[AtWork]:
    """Everyone who decided in the last half hour, by name; by what they decided of the clients `user` works for."""
    theirs = limit(judgements(), user, CLIENT)
    recent = theirs.filter(created_at__gte=timezone.now() - RECENT).values("reviewer_id")
    rows = (
        theirs.filter(reviewer_id__in=recent, created_at__gte=midnight())
        .values("reviewer_id")
        .annotate(today=Count("pk"))
    )
    counts = {row["reviewer_id"]: row["today"] for row in rows}
    users = User.objects.filter(pk__in=recent).order_by("first_name", "username")
    return [AtWork(user, counts[user.pk]) for user in users if user.pk in counts]
