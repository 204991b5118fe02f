"""Purge: one client's files and personal data, deleted and proven; counts stay, without a name (CST-10, SEC-05).

Files go first and rows after, so a purge that was killed finds its keys again when it is run again. Batches, photos,
runs, scores and decisions stay as numbers: audit log and decisions are append-only and name them by id. What these two
hold in words stays with them and is counted in the report (docs/reliability.md says what that is).
"""

from __future__ import annotations

import itertools
from contextlib import closing
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from reviewapp import parts, storage, trash
from reviewapp.enums import BatchState, TaskState
from reviewapp.models import (
    Adjustment,
    Alarm,
    Asset,
    AuditEvent,
    Batch,
    Calibration,
    ChannelView,
    Client,
    Complaint,
    Delivery,
    DeliveryItem,
    DeliveryLink,
    EditTask,
    GoldItem,
    LearningAlarm,
    Lot,
    OutboundMessage,
    PartialUpload,
    ProcessingRun,
    QualityReport,
    ReferencePicture,
    Rendition,
    ReturnRate,
    ReviewDecision,
    ReviewTask,
    SampleDraw,
    Scope,
    SheetRow,
    Task,
    WebhookSecret,
)
from reviewapp.selectors import files

from . import audit, links, retention

OVER = (BatchState.DELIVERED, BatchState.CANCELLED)
GONE, SHARED, LEFT = "gone", "kept: another client's rows name it", "still there"
AT_ONCE = 10_000
ALARM = "About a client whose data was deleted."


class PurgeRefused(RuntimeError):
    """Nothing was touched. `reasons` are sentences."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True, slots=True)
class PurgedFile:
    """One file of the client and what became of it. `byte_size` is -1 when it was gone before."""

    key: str
    sha256: str
    byte_size: int
    outcome: str


@dataclass(slots=True)
class Purge:
    """The proof. `before` and `after` count rows of the client by model; `stays` says what append-only tables keep."""

    client: int
    files: list[PurgedFile] = field(default_factory=list)
    before: dict[str, int] = field(default_factory=dict)
    after: dict[str, int] = field(default_factory=dict)
    stays: dict[str, int] = field(default_factory=dict)

    @property
    def is_proven(self) -> bool:
        """Whether no file that had to go is still there."""
        return all(one.outcome != LEFT for one in self.files)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "is_proven": self.is_proven}


def hindrances(client: Client, *, despite_hold: bool = False, despite_work: bool = False) -> list[str]:
    """Why this client can't be purged now."""
    reasons = []
    batches = Batch.objects.filter(client=client)
    held = batches.filter(legal_hold_since__isnull=False).count()
    if not despite_hold and (client.legal_hold or held):
        what = "The client is" if client.legal_hold else f"{held} of its batches are"
        reasons.append(f"{what} on legal hold. Lift it, or say --despite-hold.")
    if not despite_work:
        live = batches.exclude(state__in=OVER).count()
        busy = sum(retention.is_worked_on(batch) for batch in batches.filter(state__in=OVER))
        if live or busy:
            reasons.append(
                f"{live} batches are not delivered or cancelled, and people or workers still have photos of {busy} "
                "more. Finish or cancel them, or say --despite-work."
            )
    return reasons


def purge(client: Client, *, despite_hold: bool = False, despite_work: bool = False, actor: Any = None) -> Purge:
    """Delete what `hindrances` doesn't forbid and return the proof. Run again it only proves. Raises PurgeRefused."""
    if reasons := hindrances(client, despite_hold=despite_hold, despite_work=despite_work):
        raise PurgeRefused(reasons)
    _stop_work(client)
    done = Purge(client.pk, before=counts(client))
    with closing(files.named(client=client, also_removed=True)) as rows:
        keys = [key for key, _ in itertools.groupby(rows, key=lambda claim: claim.key)]
    shared = files.still_named(keys, but_not=client)
    sizes = {key: _size(key) for key in keys}
    for key in keys:
        if key not in shared:
            trash.trash(key, older_than_s=-3600.0)  # not deleted yet: an upload may just have found the same bytes
    with transaction.atomic():
        _forget(client)
        audit.record("client.purged", client, actor=actor, after={"files": len(keys) - len(shared)})
    _finish(keys, shared, sizes, done)
    done.after, done.stays = counts(client), _stays(client)
    return done


def counts(client: Client) -> dict[str, int]:
    """Rows of the client, by model."""
    ways: dict[type[models.Model], str] = {
        Batch: "client", Asset: "batch__client", ProcessingRun: "asset__batch__client",
        QualityReport: "run__asset__batch__client", ReviewTask: "asset__batch__client",
        ReviewDecision: "asset__batch__client", EditTask: "asset__batch__client",
        Rendition: "asset__batch__client", Delivery: "batch__client", DeliveryItem: "delivery__batch__client",
        ChannelView: "run__asset__batch__client", ReferencePicture: "client", SheetRow: "batch__client",
        PartialUpload: "batch__client", OutboundMessage: "client", WebhookSecret: "client", Complaint: "client",
        ReturnRate: "client", Task: "asset__batch__client",
    }  # fmt: skip
    return {model.__name__: model._default_manager.filter(**{way: client}).count() for model, way in ways.items()}


def _stop_work(client: Client) -> None:
    """What a worker would still take up has nothing to work on any more."""
    Batch.objects.filter(client=client).exclude(state__in=OVER).update(state=BatchState.CANCELLED)
    tasks = Task.objects.filter(asset__batch__client=client, state__in=[TaskState.PENDING, TaskState.RUNNING])
    tasks.update(
        state=TaskState.DEAD, token=F("token") + 1, lease_until=None, error_text="", finished_at=timezone.now()
    )
    ReviewTask.objects.filter(asset__batch__client=client, state__in=["open", "on_hold"]).update(
        state="withdrawn", lease_owner=None, lease_until=None
    )
    EditTask.objects.filter(asset__batch__client=client, state__in=retention.LIVE_EDITS).update(state="withdrawn")


def _size(key: str) -> int:
    try:
        return storage.size(key)
    except FileNotFoundError:
        return -1


def _finish(keys: list[str], shared: set[str], sizes: dict[str, int], done: Purge) -> None:
    """Ask once more who names them, then delete for good and look whether they are gone."""
    claimed = set()
    for start in range(0, len(keys), AT_ONCE):
        claimed |= files.still_named(keys[start : start + AT_ONCE])
    for key in keys:
        if key in shared or key in claimed:
            trash.restore(key)
            outcome = SHARED
        else:
            trash.discard(key)
            outcome = LEFT if storage.exists(key) or trash.is_trashed(key) else GONE
        done.files.append(PurgedFile(key, storage.sha_of(key), sizes[key], outcome))


def _forget(client: Client) -> None:
    """Take names, words and keys out of the rows; rows that hold nothing else are deleted."""
    photos = Asset.objects.filter(batch__client=client)
    runs = ProcessingRun.objects.filter(asset__batch__client=client)
    DeliveryItem.objects.filter(delivery__batch__client=client).delete()
    Rendition.objects.filter(asset__batch__client=client).delete()
    ChannelView.objects.filter(run__asset__batch__client=client).delete()
    ReferencePicture.objects.filter(client=client).delete()
    SheetRow.objects.filter(batch__client=client).delete()
    OutboundMessage.objects.filter(client=client).delete()  # one that is being sent is fenced: its row is gone
    WebhookSecret.objects.filter(client=client).delete()
    for upload in PartialUpload.objects.filter(batch__client=client):
        parts.remove(upload.token)
        upload.delete()
    number = Cast(F("pk"), models.CharField())
    photos.update(
        relative_path=Concat(Value("photo-"), number), filename=Concat(Value("photo-"), number),
        sha256=Concat(Value("purged-"), number), original_key="", state_reason="", icc_profile="", camera="",
        taken_at="", exif={}, phash="", intake_checks={}, findings=[], sku="", asin="", shoot_group="", description="",
        classification_rule="", lane_reason="", colour_family="",
    )  # fmt: skip
    empty: dict[str, Any] = {one.key: "" for one in files.FIELDS if one.model is ProcessingRun}
    runs.update(**empty, findings=[], look=None, after_note="")
    _forget_words(client)
    Batch.objects.filter(client=client).update(
        name=Concat(Value("Batch "), number), paused_reason="", originals_removed_at=None, results_removed_at=None
    )
    Client.objects.filter(pk=client.pk).update(
        name=f"Purged client {client.pk}", slug=f"purged-{client.pk}", brand_notes="", webhook_url="", notify_emails="",
        purged_at=timezone.now(), version=F("version") + 1,
    )  # fmt: skip


def _forget_words(client: Client) -> None:
    of_photo = {"asset__batch__client": client}
    EditTask.objects.filter(**of_photo).update(
        why="", editor_note="", signoff_note="", upload_key="", upload_sha256="", checklist={}
    )
    ReviewTask.objects.filter(**of_photo).update(why="", escalation_note="")
    Adjustment.objects.filter(**of_photo).update(error="")
    Task.objects.filter(**of_photo).update(error_text="")
    GoldItem.objects.filter(**of_photo).update(is_active=False)
    Complaint.objects.filter(client=client).update(note="")
    ReturnRate.objects.filter(client=client).update(note="")
    SampleDraw.objects.filter(batch__client=client).update(population_sha256=[])
    Delivery.objects.filter(batch__client=client).update(manifest={}, withheld=[], recall_reason="")
    links.end(DeliveryLink.objects.filter(delivery__batch__client=client))
    _forget_alarms(client)
    _forget_references(client)


def _forget_alarms(client: Client) -> None:
    """Alarms name the client, its batches and photos; those of photos in no lot tell by their key alone whose."""
    photos = Asset.objects.filter(batch__client=client).values("pk")
    complaints = Complaint.objects.filter(client=client).values("pk")
    known = [
        rows.annotate(said=Concat(Value(f"{word}:"), Cast(F("pk"), models.CharField()))).values("said")
        for word, rows in (("asset", photos), ("complaint", complaints))
    ]
    theirs = Q(scope__client=client) | Q(lot__scope__client=client) | Q(key__in=known[0]) | Q(key__in=known[1])
    Alarm.objects.filter(pk__in=Alarm.objects.filter(theirs).values("pk")).update(text=ALARM, note="")
    Lot.objects.filter(scope__client=client).update(why="")
    Scope.objects.filter(client=client).update(held_reason="")


def _forget_references(client: Client) -> None:
    """Weekly calibrations, and the alarms they raised, name the photos they were made with."""
    ids = set(Asset.objects.filter(batch__client=client).values_list("pk", flat=True))
    for one in Calibration.objects.all():
        named = {row["name"]: f"photo-{row['asset']}" for row in one.figures.get("rows", ()) if row["asset"] in ids}
        if not named:
            continue
        rows = [{**row, "name": named.get(row["name"], row["name"])} for row in one.figures["rows"]]
        # By a queryset: a calibration is written once, and its figures stay what they were.
        Calibration.objects.filter(pk=one.pk).update(figures={**one.figures, "rows": rows})
        for alarm in LearningAlarm.objects.filter(preset=one.preset_id, facts__week=one.week):
            for name, number in named.items():
                alarm.text = alarm.text.replace(name, number)[:300]
            alarm.save(update_fields=["text"])


def _stays(client: Client) -> dict[str, int]:
    """What the append-only tables keep of the client: events and decisions, by id, and how many have words in them."""
    events = AuditEvent.objects.filter(batch__client=client) | AuditEvent.objects.filter(
        noun="client", object_id=str(client.pk)
    )
    decisions = ReviewDecision.objects.filter(asset__batch__client=client)
    return {
        "audit_events": events.count(),
        "audit_events_with_words": events.exclude(note="", before={}, after={}).count(),
        "decisions": decisions.count(),
        "decisions_with_notes": decisions.exclude(note="").count(),
    }
