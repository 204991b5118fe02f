"""A working day on the demo, done by the same services as people's clicks: so that every page has something to show.

manage.py shell -c "from tests.e2e.furnish import start; start()"      # then wait until the line is idle
manage.py shell -c "from tests.e2e.furnish import finish; finish()"    # prints the addresses of the pages as JSON
"""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User

from reviewapp.enums import EditReason, EditTaskState, RejectReason, ReviewReason, Role, Verdict
from reviewapp.models import Asset, Batch, Client, EditTask, Preset, PresetProposal, ReviewTask
from reviewapp.policies.choosing import Choice
from reviewapp.selectors import links as link_reads
from reviewapp.selectors.review import Queue
from reviewapp.services import bulk, delivery, editing, granting, ingest, leases, links, people, recalls, references
from reviewapp.services.review import record_decision
from reviewapp.services.uploads import register_upload
from tests.e2e.screens import PASSWORD

PHOTOS = Path(__file__).resolve().parents[2] / "demo" / "photos"


def _person(role: str) -> User:
    return User.objects.get(username=role)


def _second_reviewer() -> None:
    person, _made = User.objects.get_or_create(username="rita", defaults={"first_name": "Rita", "last_name": "Sommer"})
    person.set_password(PASSWORD)
    person.save()
    people.set_roles(person, [Role.REVIEWER], _person("admin"))
    granting.grant(person, granting.EVERY_CLIENT, _person("admin"))


def _batch(name: str, *channels: str, **order: Any) -> Batch:
    preset = Preset.objects.select_related("current").first()
    assert preset is not None and preset.current is not None
    client = Client.objects.get()
    return ingest.create_batch(
        client, name, preset_version=preset.current, channel_keys=channels, actor=_person("manager"), **order
    )


def _send(batch: Batch, *names: str) -> None:
    rows = ingest.read_csv_bytes((PHOTOS.parent / "batch.csv").read_bytes())
    for name in names:
        row = ingest.find_row(rows, name)
        sent = register_upload(batch, [(PHOTOS / name).read_bytes()], name, row, _person("manager"))
        assert sent.status == "accepted", (name, sent)


def _decide(task: ReviewTask, verdict: str, *reasons: str, note: str = "", queue: Queue = "mixed") -> None:
    task.refresh_from_db()
    answer = record_decision(
        _person("reviewer"), task.pk, seen_version=task.version, verdict=verdict, reasons=reasons, note=note,
        idempotency_key=str(uuid.uuid4()), seconds_taken=2.4, queue=queue,
    )  # fmt: skip
    assert answer.status == "saved", answer


def start() -> None:
    """Two more batches, decisions of every kind, a proposal that follows from them, work on two editors' desks."""
    _second_reviewer()
    mine = Batch.objects.get(is_demo=True)
    names = sorted(path.name for path in PHOTOS.glob("*.jpg"))
    second = _batch("Spring marketplace", "amazon_main", "ebay")
    _send(second, *names[::2])
    ingest.close_batch(second, _person("manager"))
    _send(_batch("Lamps, second shoot", "shopify"), *names[1:6:2])
    sampled = _batch("Autumn, a pilot", "shopify", first_share=0.1, is_pilot=True)
    _send(sampled, *names[:7])
    ingest.close_batch(sampled, _person("manager"))
    references.add_reference(
        mine.client, [(PHOTOS / names[0]).read_bytes()], names[0], "As in the 2026 book", _person("manager")
    )
    tasks = list(ReviewTask.objects.filter(asset__batch=mine).exclude(reason=ReviewReason.SAMPLE).order_by("pk"))
    for task in tasks[:5]:
        _decide(task, Verdict.REJECT, RejectReason.EDGE_HALO, note="The rim is light all the way round")
    for task in tasks[5:8]:
        _decide(task, Verdict.APPROVE)
    _decide(tasks[8], Verdict.HOLD)
    _decide(tasks[9], Verdict.ESCALATE, note="Is this the right colour of leather?")
    for task in ReviewTask.objects.filter(reason=ReviewReason.SAMPLE, asset__batch=mine):
        _decide(task, Verdict.APPROVE)
    edits = EditTask.objects.filter(reason=EditReason.ALWAYS_HUMAN, base_run__isnull=False).order_by("pk")
    for task in edits[:2]:
        editing.claim(_person("editor"), task.pk)
        editing.accept_start(_person("editor"), task.pk, note="Looked at it at 100 %: the outline is right.")
    editing.claim(_person("editor"), EditTask.objects.filter(state=EditTaskState.OPEN).order_by("pk")[0].pk)


def finish() -> None:
    """What needs files: a signed edit, a delivery, a decision for all of a filter. Prints the pages' addresses."""
    mine = Batch.objects.get(is_demo=True)
    handed_in = EditTask.objects.filter(state=EditTaskState.AWAITING_SIGNOFF).order_by("pk")
    signed = handed_in.first()
    assert signed is not None
    editing.sign_off(_person("senior"), signed.pk)
    for task in ReviewTask.objects.filter(reason=ReviewReason.SAMPLE, state="open", asset__batch=mine):
        _decide(task, Verdict.APPROVE)
    sent = delivery.release(mine, _person("manager"))
    recalls.hand_over(sent.pk, _person("manager"))
    sent.refresh_from_db()
    leases.release(_person("reviewer"))
    senior = _person("senior")
    second = Batch.objects.get(name="Spring marketplace")
    choice = Choice(batch=second.pk, reason=ReviewReason.MEDIUM)
    count = bulk.selectors.chosen(senior, "assisted", choice).count()
    held = bulk.advance(senior, bulk.apply(senior, choice, Verdict.HOLD, seen=count))
    waits = ReviewTask.objects.filter(state="open").exclude(reason=ReviewReason.SAMPLE).order_by("pk").first()
    refused = Asset.objects.filter(state="rejected_intake").first()
    judged = ReviewTask.objects.filter(state="open", run__quality__isnull=False).exclude(reason=ReviewReason.SAMPLE)
    worst = judged.select_related("asset").order_by("run__quality__total", "pk").first()
    assert waits is not None and refused is not None and worst is not None
    ids = {
        "sampled": Batch.objects.get(name="Autumn, a pilot").pk,
        "batch": mine.pk, "uploading": Batch.objects.get(name="Lamps, second shoot").pk, "image": waits.asset_id,
        "worst": worst.asset.sku, "refused": refused.pk,
        "client": mine.client_id, "person": _person("editor").pk, "delivery": sent.pk,
        "link": link_reads.token(links.make(sent, 7, _person("manager"))),
        "proposal": PresetProposal.objects.latest("pk").pk, "preset": Preset.objects.get().slug,
        "bulk": held.pk,
        "edit": EditTask.objects.filter(state=EditTaskState.CLAIMED)[0].pk, "signed": signed.pk,
        "handed_in": EditTask.objects.filter(state=EditTaskState.AWAITING_SIGNOFF)[0].pk,
    }  # fmt: skip
    print("IDS " + json.dumps(ids))
