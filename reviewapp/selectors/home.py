"""The home page's figures. Thin on purpose: each answers from indexed counts, none from a photo."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Concat, TruncHour
from django.utils import timezone

from reviewapp.enums import (
    OUT_STATES,
    AssetState,
    BatchState,
    DeliveryState,
    EditTaskState,
    ProposalState,
    ReviewReason,
    ReviewTaskState,
    Role,
    Routing,
)
from reviewapp.models import (
    Alarm,
    Asset,
    Batch,
    Delivery,
    DeliveryItem,
    FirstSample,
    LearningAlarm,
    PresetProposal,
    ProcessingRun,
    QualityReport,
    ReviewDecision,
    ReviewTask,
)
from reviewapp.selectors import editing, people_at_work, review, tallies, tasks
from reviewapp.selectors.access import clients_of, has_every_client, limit
from reviewapp.selectors.batches import Counts
from reviewapp.selectors.intake import Refusals, most_frequent
from reviewapp.selectors.people import roles_of
from reviewapp.selectors.progress import BatchRow, Figures, batch_page
from reviewapp.selectors.quality import EscapeRate, escape_rate

HOURS = 12
ROWS = 6
STRIP = 8
TURNAROUND_DAYS = 7
NAMED = 3
MOST = 8
OF_A_PHOTO = "asset__batch__client"
OF_A_SCORE = "run__asset__batch__client"


@dataclass(frozen=True)
class Flow:
    """Today's key figures. `median_turnaround` is upload to last decision of the batches finished in the last week."""

    scored_today: int
    scored_last_hour: int
    auto_share: float | None
    waiting_review: int
    waiting_editing: int
    on_hold: int
    escape: EscapeRate
    median_turnaround: timedelta | None


def flow(user: User) -> Flow:
    """Seven small queries, of the clients `user` works for."""
    start, now, clients = people_at_work.midnight(), timezone.now(), clients_of(user)
    scored = (
        limit(QualityReport.objects.filter(created_at__gte=start), user, OF_A_SCORE)
        .exclude(routing=Routing.COMPARED)
        .aggregate(
            all=Count("pk"),
            hour=Count("pk", filter=Q(created_at__gte=now - timedelta(hours=1))),
            auto=Count("pk", filter=Q(routing=Routing.AUTO_APPROVE)),
        )
    )
    # Passed by their score and picked out of their set afterwards: those don't ship by themselves.
    odd = limit(ReviewTask.objects.filter(reason=ReviewReason.ANOMALY, created_at__gte=start), user, OF_A_PHOTO)
    picked = odd.count()
    reviews = tallies.reviews(clients)
    finished = limit(Batch.objects.filter(completed_at__gte=now - timedelta(days=TURNAROUND_DAYS)), user, "client")
    spans = [
        (done - begun).total_seconds() for begun, done in finished.values_list("created_at", "completed_at") if done
    ]
    return Flow(
        scored_today=scored["all"],
        scored_last_hour=scored["hour"],
        auto_share=max(0, scored["auto"] - picked) / scored["all"] if scored["all"] else None,
        waiting_review=reviews[ReviewTaskState.OPEN],
        waiting_editing=editing.waiting(user, EditTaskState.OPEN, EditTaskState.CLAIMED),
        on_hold=reviews[ReviewTaskState.ON_HOLD],
        escape=escape_rate(clients=clients),
        median_turnaround=timedelta(seconds=median(spans)) if spans else None,
    )


@dataclass(frozen=True)
class Today:
    """Photos that arrived or moved since local midnight, by state, and what was refused of the files that arrived."""

    figures: Figures
    refused: Refusals


def today(user: User) -> Today:
    """The bar of the home page and the refusals beside it (VAL-18). Three queries, each answered from an index."""
    start = people_at_work.midnight()
    # A photo's state is set when it arrives: whatever arrived today has changed state today.
    rows = limit(Asset.objects.filter(state_changed_at__gte=start), user).order_by()
    # As an expression: SQLite would rather read all photos in the order of their states than sort today's.
    counted = rows.values(now=Concat("state", Value(""))).annotate(n=Count("pk"))
    states = {row["now"]: row["n"] for row in counted}
    # Numbers are given as files arrive: the last from before midnight says which are today's, without their dates.
    before = Asset.objects.filter(created_at__lt=start).order_by("-pk").values("pk")[:1]
    arrived = limit(Asset.objects.filter(pk__gt=Coalesce(Subquery(before), 0)), user)
    refused = arrived.filter(state=AssetState.REJECTED_INTAKE, state_changed_at__gte=start).order_by()
    codes = refused.values_list("state_code").annotate(n=Count("pk"))
    figures = Figures(Counts(total=sum(states.values()), states=states))
    return Today(figures, Refusals(arrived.count(), most_frequent(codes)))


def active_batches(user: User) -> list[BatchRow]:
    """The newest batches that are not done."""
    done = (BatchState.DELIVERED, BatchState.CANCELLED)
    return [row for row in batch_page(user).rows if row.batch.state not in done][:ROWS]


def just_delivered(user: User) -> list[ProcessingRun]:
    """The latest delivered photos, one picture each."""
    out = limit(DeliveryItem.objects.filter(delivery__state__in=OUT_STATES), user, "delivery__batch__client")
    newest = out.order_by("-delivery_id", "path").values_list("rendition__run_id", flat=True)
    ids = list(dict.fromkeys(newest[: STRIP * 6]))[:STRIP]
    runs = ProcessingRun.objects.in_bulk(ids)
    return [runs[pk] for pk in ids if pk in runs]


@dataclass(frozen=True)
class Hour:
    """One hour of the pace chart."""

    start: datetime
    scored: int
    reviewed: int


def pace(user: User) -> list[Hour]:
    """Photos scored and decided in each of the last 12 hours, oldest first; no skip, and nothing that was undone."""
    this_hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    first = this_hour - timedelta(hours=HOURS - 1)

    def per_hour(made: QuerySet[QualityReport] | QuerySet[ReviewDecision]) -> dict[datetime, int]:
        rows = made.filter(created_at__gte=first).order_by()
        found = rows.annotate(hour=TruncHour("created_at")).values("hour").annotate(n=Count("pk"))
        return {row["hour"]: row["n"] for row in found}

    scored, reviewed = (
        per_hour(limit(QualityReport.objects.exclude(routing=Routing.COMPARED), user, OF_A_SCORE)),
        per_hour(limit(people_at_work.judgements(), user, OF_A_PHOTO)),
    )
    hours = [first + timedelta(hours=n) for n in range(HOURS)]
    return [Hour(hour, scored.get(hour, 0), reviewed.get(hour, 0)) for hour in hours]


@dataclass(frozen=True)
class Need:
    """Something that waits for this person: `kind` picks icon, words and link in the view.

    `names` are the first NAMED files it is about, where they are what the person has to ask for.
    """

    kind: str
    count: int
    batch: Batch | None = None
    names: tuple[str, ...] = ()


def needs(user: User, roles: Collection[Role]) -> list[Need]:
    """At most MOST things the person can do something about, the most pressing first."""
    held = set(roles)
    found: list[Need] = []
    if held & {Role.MANAGER, Role.ADMIN}:
        if has_every_client(user):
            found += [Need("line_paused", int(tasks.paused_line() is not None)), Need("backlog", tasks.backlog())]
        found += _stopped(user)
        found += _of_a_batch(user)
    if held & {Role.MANAGER, Role.ADMIN} and has_every_client(user):
        waiting_for_a_word = [rows.objects.filter(closed_at__isnull=True).count() for rows in (Alarm, LearningAlarm)]
        found.append(Need("alarms", sum(waiting_for_a_word)))
        found.append(Need("proposals", PresetProposal.objects.filter(state=ProposalState.OPEN).count()))
    if held & {Role.REVIEWER, Role.SENIOR, Role.ADMIN}:
        may = bool(held & {Role.SENIOR, Role.ADMIN})
        waits = tallies.queue(clients_of(user), with_samples=True, for_senior=may)
        found.append(Need("held", waits[ReviewTaskState.ON_HOLD]))
    signs, edits = held & {Role.SENIOR, Role.ADMIN}, held & {Role.EDITOR, Role.SENIOR}
    if signs or edits:
        counts = editing.counts(user)
        found.append(Need("signoff", counts.signoff if signs else 0))
        found.append(Need("sent_back", counts.back if edits else 0))
    return [need for need in found if need.count][:MOST]


def _of_a_batch(user: User) -> list[Need]:
    """The newest batch that is paused, the newest whose sample waits for a word, the newest that is ready; one query.

    A sample waits for a word when all of it was looked at, photos wait, and nobody applied it or drew another.
    """
    seen = FirstSample.objects.filter(batch=OuterRef("pk"))
    rest = Asset.objects.filter(batch=OuterRef("pk"), state=AssetState.WAITS_FOR_SAMPLE)
    waiting = Delivery.objects.filter(batch=OuterRef("pk"), state=DeliveryState.WAITING)
    wanted = {
        "paused": Q(state=BatchState.PAUSED),
        "sampled": Q(
            Exists(seen.filter(looked_at__isnull=False)),
            ~Exists(seen.filter(looked_at__isnull=True)),
            Exists(rest),
            state__in=[BatchState.UPLOADING, BatchState.PROCESSING, BatchState.REVIEW],
            first_share__isnull=False,
            applied_at__isnull=True,
        ),
        "ready": Q(~Exists(waiting), state=BatchState.READY),
    }
    newest = Q()
    for asked in wanted.values():
        newest |= Q(pk=Subquery(limit(Batch.objects.filter(asked), user, "client").values("pk")[:1]))
    rows = Batch.objects.filter(newest).select_related("client", "owner")
    by_kind = {"paused": BatchState.PAUSED, "ready": BatchState.READY}
    found = {next((kind for kind, state in by_kind.items() if state == row.state), "sampled"): row for row in rows}
    return [Need(kind, 1, found[kind]) for kind in wanted if kind in found]


def _stopped(user: User) -> list[Need]:
    """Failed photos and refused files of batches that are still open, the newest two batches of each.

    What a senior gave up is decided already and asks for nobody.
    """
    photos = Asset.objects.filter(batch=OuterRef("pk"))
    failed = photos.filter(state=AssetState.FAILED).exclude(state_code="given_up")
    refused = photos.filter(state=AssetState.REJECTED_INTAKE)
    alive = Batch.objects.exclude(state__in=[BatchState.DELIVERED, BatchState.CANCELLED])
    alive = limit(alive, user, "client").select_related("client", "owner")
    found = [Need("failed", batch.stopped, batch) for batch in _with_any(alive, failed)]
    for batch in _with_any(alive, refused):
        names = (getattr(batch, f"name_{n}") for n in range(NAMED))
        found.append(Need("refused", batch.stopped, batch, tuple(name for name in names if name)))
    return found


def _with_any(batches: QuerySet[Batch], photos: QuerySet[Asset]) -> list[Any]:
    """The newest two of `batches` that have any of `photos`: their number as `stopped`, the first paths as `name_0`…"""
    number = photos.order_by().values("batch").annotate(n=Count("pk")).values("n")
    paths = photos.order_by("pk").values("relative_path")
    names = {f"name_{n}": Subquery(paths[n : n + 1]) for n in range(NAMED)}
    return list(batches.filter(Exists(photos)).annotate(stopped=Subquery(number), **names)[:2])


@dataclass(frozen=True)
class Desk:
    """A person's own figures: what waits for them and what they did today."""

    waiting_review: int
    decided_today: int
    open_edits: int
    my_edits: int
    waiting_signoff: int


def desk(user: User) -> Desk:
    """Counts for people who review, edit or sign."""
    # Who neither edits nor signs is shown none of it.
    edits = editing.counts(user) if roles_of(user) & {Role.EDITOR, Role.SENIOR, Role.ADMIN} else None
    return Desk(
        waiting_review=review.waiting_for(user),
        decided_today=people_at_work.decided_today(user),
        open_edits=edits.open if edits else 0,
        my_edits=edits.mine if edits else 0,
        waiting_signoff=edits.signoff if edits else 0,
    )
