"""Runs inside the product when all is at rest: what is lost, doubled, wrong or left over, from the rows and the files.

    python -m benchmarks.faulting.counting LEDGER.json

LEDGER holds what the site said yes to. Prints one JSON object: {lost, doubled, wrong, orphans}, each a list of
sentences, and what there is.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Found = dict[str, list[str]]
PREFIXES = ("o", "d", "r", "e")


def main() -> int:
    """Count and print."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.config.settings")
    import django

    django.setup()
    ledger = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    found = {"lost": list(lost(ledger)), "doubled": list(doubled(ledger)), "wrong": list(wrong())}
    print(json.dumps({**found, "orphans": list(orphans()), "facts": facts()}))
    return 0


def lost(ledger: dict[str, Any]) -> Iterator[str]:
    """What was acknowledged and is not there, results that are missing, files that are gone or damaged."""
    from reviewapp.models import Asset, Batch, Delivery, ProcessingRun, Rendition, ReviewDecision

    here = {(row[0], row[1]): row[2] for row in Asset.objects.values_list("batch_id", "relative_path", "sha256")}
    for batch, path, sha256 in ledger["photos"]:
        if here.get((batch, path)) != sha256:
            yield f"photo {path} of batch {batch} was acknowledged and isn't there"
    keys = dict(ReviewDecision.objects.values_list("idempotency_key", "verdict"))
    for one in ledger["decisions"]:
        if keys.get(one["key"]) != one["verdict"]:
            yield f"decision {one['key']} on task {one['task']} was acknowledged and isn't there"
    for batch in ledger["delivered"]:
        if not Delivery.objects.filter(batch=batch).exists():
            yield f"the delivery of batch {batch} was acknowledged and isn't there"
    heard = {(one["event"], one["batch"]["id"]) for one in ledger["heard"]}
    # A batch with photos at an editor was delivered without them, and isn't completed.
    completed = set(Batch.objects.filter(completed_at__isnull=False).values_list("pk", flat=True))
    for batch in ledger["delivered"]:
        for event in ("batch.completed", "delivery.ready"):
            is_due = batch in completed or event != "batch.completed"
            if is_due != ((event, batch) in heard):
                yield f"batch {batch}, {event}: " + ("the client was never told" if is_due else "told too early")
    for asset in Asset.objects.filter(state__in=_RESULT):
        if asset.current_run_id is None:
            yield f"asset {asset.pk} is {asset.state} without a result"
    for run in ProcessingRun.objects.filter(quality__isnull=True):
        yield f"run {run.pk} has no score"
    shipped = Asset.objects.filter(state__in=("approved", "auto_approved"))
    made = set(Rendition.objects.values_list("run_id", flat=True))
    yield from (f"asset {one.pk} has no channel file" for one in shipped if one.current_run_id not in made)
    yield from _missing_files()


_RESULT = ("auto_approved", "approved", "in_review", "on_hold", "awaiting_signoff")


def _missing_files() -> Iterator[str]:
    from reviewapp import storage

    for key in sorted(_named_keys()):
        if not storage.verify(key, key.rsplit("/", 1)[-1]):
            yield f"file {key} is named by a row and is missing or damaged"


def _named_keys() -> set[str]:
    """Every storage key that any row names: all fields called key or *_key of the product's models."""
    from django.apps import apps
    from django.db.models import CharField

    found: set[str] = set()
    for model in apps.get_app_config("reviewapp").get_models():
        for field in model._meta.get_fields():
            if isinstance(field, CharField) and (field.name == "key" or field.name.endswith("_key")):
                values = model._default_manager.exclude(**{field.name: ""}).values_list(field.name, flat=True)
                found |= {value for value in values if value.split("/")[0] in PREFIXES and value.count("/") == 2}
    return found


def doubled(ledger: dict[str, Any]) -> Iterator[str]:
    """Whatever is there more often than it was meant to be."""
    from django.db.models import Count, Model

    from reviewapp import models as m

    def more_than_one(model: type[Model], *by: str, **only: Any) -> Iterable[str]:
        rows = model._default_manager.filter(**only).order_by().values(*by).annotate(n=Count("pk")).filter(n__gt=1)
        return (f"{row['n']} x {model.__name__} {[row[name] for name in by]}" for row in rows)

    yield from more_than_one(m.Asset, "batch", "sha256", duplicate_of__isnull=True)
    yield from more_than_one(m.Asset, "batch", "relative_path")
    yield from more_than_one(m.ProcessingRun, "asset", "attempt", kind="automated")
    yield from more_than_one(m.QualityReport, "run")
    yield from more_than_one(m.ReviewTask, "asset", "reason", state__in=("open", "on_hold", "done"))
    yield from more_than_one(m.EditTask, "asset")
    yield from more_than_one(m.ReviewDecision, "task", "version", is_second_opinion=False)
    yield from more_than_one(m.Rendition, "run", "channel", "part")
    yield from more_than_one(m.Delivery, "batch")
    yield from more_than_one(m.AuditEvent, "batch", verb="batch.completed")
    yield from more_than_one(m.AuditEvent, "batch", verb="delivery.released")
    yield from more_than_one(m.AuditEvent, "asset", verb="asset.received")
    told: dict[tuple[str, int], set[str]] = {}
    for one in ledger["heard"]:  # the same event may come twice by its id, which a receiver drops
        told.setdefault((one["event"], one["batch"]["id"]), set()).add(one["id"])
    yield from (f"{len(ids)} x {event} of batch {batch}" for (event, batch), ids in told.items() if len(ids) > 1)
    first: dict[tuple[int, int], str] = {}
    for one in ledger["decisions"]:
        other = first.setdefault((one["task"], one["version"]), one["key"])
        if other != one["key"]:
            yield f"two people were told that their decision on task {one['task']} stands"


def wrong() -> Iterator[str]:
    """States that disagree: of tasks, of photos with their rows, of batches with their photos, of the counts."""
    from reviewapp import models as m
    from reviewapp.selectors import batches, tallies

    for task in m.Task.objects.exclude(state="done"):
        if task.state != "dead" or not task.error_code:
            yield f"task {task.key} is {task.state} ({task.error_code or 'no cause'})"
    for message in m.OutboundMessage.objects.exclude(state="sent"):
        yield f"message {message.key} is {message.state} ({message.error_text})"
    settled = {"auto_approved", "approved", "in_review", "on_hold", "editing", "rejected_intake", "duplicate"}
    for asset in m.Asset.objects.exclude(state__in=settled):
        yield f"asset {asset.pk} is {asset.state} at rest ({asset.state_code})"
    yield from _states_without_rows()
    for batch in m.Batch.objects.select_related("client"):
        due = batches.state_due(batch)
        if batch.state != due and not (batch.state == "delivered" and due == "ready"):
            yield f"batch {batch.pk} is {batch.state}, its photos say {due}"
        if (batch.completed_at is None) != (due != "ready"):
            yield f"batch {batch.pk} is {batch.state} and completed_at is {batch.completed_at}"
    yield from (f"count {row}" for row in tallies.drift())
    yield from _unsettled_decisions()


def _states_without_rows() -> Iterator[str]:
    from reviewapp.models import Asset, EditTask, ReviewTask

    waiting = set(ReviewTask.objects.filter(state="open").exclude(reason="sample").values_list("asset_id", flat=True))
    held = set(ReviewTask.objects.filter(state="on_hold").exclude(reason="sample").values_list("asset_id", flat=True))
    editing = set(EditTask.objects.exclude(state__in=("signed_off", "withdrawn")).values_list("asset_id", flat=True))
    for state, rows in (("in_review", waiting), ("on_hold", held), ("editing", editing)):
        photos = set(Asset.objects.filter(state=state).values_list("pk", flat=True))
        for pk in sorted(photos ^ rows):
            yield f"asset {pk}: state {state} and the people's tasks disagree"


def _unsettled_decisions() -> Iterator[str]:
    """A decision that stands and whose photo went nowhere."""
    from reviewapp.models import ReviewDecision

    meant = {"approve": {"approved", "auto_approved"}, "reject": {"editing"}, "hold": {"on_hold"}}
    stands = ReviewDecision.objects.filter(is_second_opinion=False).select_related("asset").order_by("pk")
    latest = {decision.asset_id: decision for decision in stands}
    for pk, decision in latest.items():
        if decision.verdict in meant and decision.asset.state not in meant[decision.verdict]:
            yield f"asset {pk} was decided {decision.verdict} and is {decision.asset.state}"


def orphans() -> Iterator[str]:
    """Files no row names, and temporary ones that the sweep, with no time to wait, leaves.

    The sweep waits an hour before it takes a temporary file for one that was left behind; nobody writes here now.
    """
    from django.conf import settings

    from reviewapp import keylocks, storage

    storage.remove_stale_temp_files(older_than_s=0)
    root, named = Path(settings.DATA_DIR) / "files", _named_keys()
    for path in sorted(root.rglob("*")):
        key = path.relative_to(root).as_posix()
        if path.is_file() and key not in named and not key.startswith(f"{keylocks.FOLDER}/"):  # those stay, empty
            yield key


def facts() -> dict[str, Any]:
    """What there is, for the reader."""
    from django.db.models import Count

    from reviewapp import models as m

    return {
        "photos": dict(m.Asset.objects.order_by().values_list("state").annotate(n=Count("pk"))),
        "batches": dict(m.Batch.objects.order_by().values_list("name", "state")),
        "tasks": dict(m.Task.objects.order_by().values_list("state").annotate(n=Count("pk"))),
        "tasks_begun_more_than_once": m.Task.objects.filter(token__gt=1).count(),
        "decisions": m.ReviewDecision.objects.filter(is_second_opinion=False).count(),
        "second_opinions": m.ReviewDecision.objects.filter(is_second_opinion=True).count(),
        "files": len(_named_keys()),
    }


if __name__ == "__main__":
    raise SystemExit(main())
