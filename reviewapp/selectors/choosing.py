"""Reading a queue through a choice: which tasks, how many, and one person's saved choices."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from django.contrib.auth.models import User
from django.db.models import Count, Q, QuerySet, Sum
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import WATCHED_REASONS, BatchState, ReviewReason, ReviewTaskState
from reviewapp.models import Batch, BulkDecision, Client, ReviewTask, SavedFilter, Tally
from reviewapp.policies.choosing import ORDERS, UNTOLD, Choice

from . import review
from .access import limit
from .assets import categories

ORDERINGS = {
    "priority": ("priority", "pk"),
    "oldest": ("pk",),
    "newest": ("-pk",),
    "batch": ("asset__batch_id", "pk"),
    "sku": ("asset__sku", "pk"),
    "lowest": ("run__quality__total", "pk"),
    "highest": ("-run__quality__total", "pk"),
}
"""Name of an order -> what it sorts by; the last always tells two photos apart."""
MOST_BATCHES = 200
"""Batches offered to choose from; an address may name any other."""
REASONS = [(reason.value, reason.label) for reason in ReviewReason if reason not in UNTOLD]


def narrowed(tasks: QuerySet[ReviewTask], choice: Choice) -> QuerySet[ReviewTask]:
    """Return the tasks of `choice`, unordered."""
    wanted = {
        "asset__batch__client_id": choice.client,
        "asset__batch_id": choice.batch,
        "asset__category": choice.category or None,
        "asset__sku__istartswith": choice.sku or None,
        "reason": choice.reason or None,
        "run__quality__total__gte": choice.low,
        "run__quality__total__lt": choice.high,
    }
    return tasks.filter(**{name: value for name, value in wanted.items() if value is not None})


def chosen(user: User, queue: review.Queue, choice: Choice) -> QuerySet[ReviewTask]:
    """Return what `user` could be given of `choice`, in its order."""
    tasks = narrowed(review.open_tasks(queue, user), choice)
    return tasks.order_by(*ORDERINGS[choice.order])


def waiting(user: User, queue: review.Queue, choice: Choice) -> int:
    """How many photos of `choice` wait."""
    return narrowed(review.open_tasks(queue, user), choice).count()


def in_bulk(user: User, choice: Choice) -> QuerySet[ReviewTask]:
    """Return what of `choice` may be decided by one verdict.

    No photo of a pilot or a first sample (SMP-05, SMP-06), none from below the review line: people look at each
    of those, without its score. None that is on this person's blind desk either: that it is here would say that it is
    no sample, and its score with it.
    """
    tasks = chosen(user, "assisted", choice).exclude(reason__in=[*WATCHED_REASONS, ReviewReason.EXPLORED])
    tasks = tasks.exclude(lease_owner=user, lease_queue="mixed", lease_until__gte=timezone.now())
    return tasks.filter(asset__batch__is_pilot=False, asset__first_member__isnull=True)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Photos that one verdict would be for: (task, version) each, in their order."""

    items: list[tuple[int, int]]

    @property
    def digest(self) -> str:
        """Tells these photos, as they are now, from any others; in whatever order."""
        told = ",".join(f"{task_id}:{version}" for task_id, version in sorted(self.items))
        return sha256(told.encode()).hexdigest()


def all_in_bulk(user: User, choice: Choice, most: int) -> Chosen:
    """The first `most` of them, in one query."""
    return Chosen(list(in_bulk(user, choice).values_list("pk", "version")[:most]))


def colour_asked(user: User, choice: Choice) -> int:
    """How many photos of `choice` nobody may approve before their colour was checked against the product (REV-11)."""
    tasks = in_bulk(user, choice).annotate(asks_colour=review.ASKS_COLOUR)
    return tasks.filter(asks_colour=True).count()


def counts(user: User, queue: review.Queue, choice: Choice) -> review.QueueCounts:
    """Count `choice` as `user` sees it; of a whole queue the maintained counts are read instead.

    What they hold from the other queue is counted by what may be known of it there: never by score or reason.
    """
    if not choice.is_narrow:
        return review.queue_counts(user, queue)
    lent = Q(lease_until__gte=timezone.now(), lease_owner__isnull=False)
    own, here = Q(lease_owner=user), Q(lease_queue=queue)
    row = narrowed(review.open_tasks(queue, user), choice).aggregate(
        waiting=Count("pk"),
        lent=Count("pk", filter=lent),
        mine=Count("pk", filter=lent & own & here),
        others=Count("pk", filter=lent & ~own),
    )
    held = narrowed(review.held_tasks(queue, user), choice).count()
    untold = Choice.read(choice.values, blind=True)
    elsewhere = narrowed(review.leased_to(user).exclude(here), untold).count()
    return review.QueueCounts(row["waiting"], row["waiting"] - row["lent"], row["mine"], row["others"], held, elsewhere)


def words(user: User, choice: Choice) -> str:
    """Say a choice in a few words, for the desk's heading."""
    client = clients(user).filter(pk=choice.client).values_list("name", flat=True).first() if choice.client else None
    parts = [
        client,
        _batch_words(user, choice.batch) if choice.batch else None,
        choice.category.replace("_", " "),
        _("SKU %(start)s…") % {"start": choice.sku} if choice.sku else None,
        dict(REASONS).get(choice.reason),
        _("score from %(score)s") % {"score": f"{choice.low:g}"} if choice.low is not None else None,
        _("score below %(score)s") % {"score": f"{choice.high:g}"} if choice.high is not None else None,
        _(ORDERS[choice.order]).lower() if choice.order != "priority" else None,
    ]
    return ", ".join(str(part) for part in parts if part)


def _batch_words(user: User, number: int) -> str:
    """Its name; its number, as the address says it, where there is none of that number for this person."""
    name = limit(Batch.objects.filter(pk=number), user, "client").values_list("name", flat=True).first()
    return _("batch %(name)s") % {"name": name or number}


def all_saved(user: User) -> list[SavedFilter]:
    """The person's own filters of both queues, by name."""
    return list(SavedFilter.objects.filter(user=user).order_by("name", "pk"))


def category_names(user: User) -> list[str]:
    """Categories that photos have, of those the person may see."""
    return list(categories(user))


def clients(user: User) -> QuerySet[Client]:
    """Whose photos the person may choose."""
    return limit(Client.objects.order_by("name"), user, "pk")


def batches(user: User, chosen: int | None = None) -> list[tuple[int, str]]:
    """(number, client and name) of the newest MOST_BATCHES batches with photos that wait, and of the `chosen` one.

    One query, of the maintained counts. Blind samples wait like any photo, whichever queue asks: which batches have
    nothing else isn't told.
    """
    counted = Tally.objects.filter(kind="review", key__startswith=ReviewTaskState.OPEN.value).order_by()
    holding = counted.values("batch_id").annotate(count=Sum("n")).filter(count__gt=0).values("batch_id")
    waiting = limit(Batch.objects.exclude(state=BatchState.CANCELLED).filter(pk__in=holding), user, "client")
    newest = waiting.order_by("-pk").values("pk")[:MOST_BATCHES]
    found = limit(Batch.objects.filter(Q(pk__in=newest) | Q(pk=chosen or 0)), user, "client").order_by("-pk")
    return [(pk, f"{client}: {name}") for pk, client, name in found.values_list("pk", "client__name", "name")]


def bulk_of(user: User, bulk_id: int) -> BulkDecision | None:
    """One bulk decision of `user`."""
    return BulkDecision.objects.filter(pk=bulk_id, user=user).first()
