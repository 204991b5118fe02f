"""Everything a client can have in the house, real rows and stored files, for tests of who sees what.

Words and ids of one client are found nowhere else: `mark` is in every name, and `apart` makes its ids begin high up.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from reviewapp import storage
from reviewapp.enums import (
    AssetState,
    BatchState,
    EditTaskState,
    GoldSource,
    LookKind,
    LotState,
    ReviewTaskState,
    Verdict,
)
from reviewapp.models import (
    Adjustment,
    Asset,
    Batch,
    BulkDecision,
    ChannelView,
    Client,
    Complaint,
    Delivery,
    FirstSample,
    GoldItem,
    Lot,
    PartialUpload,
    PresetVersion,
    ReferencePicture,
    Scope,
)
from reviewapp.selectors.quality import current_policy
from reviewapp.services import delivery, hidden, links, notices, recalls
from tests import factories
from tests.e2e.pictures import run_files

_far = itertools.count(7_700_000, 10_000)


def apart() -> int:
    """Let every table of ours go on counting from afar, each from another number, all above the one that is returned.

    Such a number in a page is one of these ids, not a size or a year. Each call goes further: PostgreSQL's sequences
    don't come back with a test's transaction.
    """
    far = next(_far)
    numbered = [one for one in apps.get_app_config("reviewapp").get_models() if one._meta.pk.name == "id"]
    tables = [model._meta.db_table for model in numbered]
    with connection.cursor() as cursor:
        for at, table in enumerate(tables):
            start = far + 100 * at
            if connection.vendor == "sqlite":
                cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
                cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table, start])
            else:
                cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, start])
    return far


@dataclass
class Estate:
    """One client's things by the name the table of addresses calls them; `mark` is in every word of theirs."""

    mark: str
    client: Client
    version: PresetVersion
    ids: dict[str, Any] = field(default_factory=dict)


def _photo(batch: Batch, estate: Estate, state: AssetState, **fields: Any) -> Asset:
    number = batch.assets.count()
    words = {
        "filename": f"{estate.mark}-{batch.pk}-{number}.jpg", "sku": f"{estate.mark}-SKU-{number}",
        "description": f"A {estate.mark} thing", "category": "mug", "format": "JPEG",
    }  # fmt: skip
    photo = factories.make_asset(batch, state, **words | fields)
    stored = storage.put_bytes(f"original {photo.pk}".encode(), prefix="o")
    Asset.objects.filter(pk=photo.pk).update(original_key=stored.key, sha256=stored.sha256)
    photo.refresh_from_db()
    return photo


def _shown(photo: Asset, total: float = 80.0) -> Any:
    return factories.make_run(photo, total=total, **run_files(photo.pk % 360))


def _batch(estate: Estate, word: str, **fields: Any) -> Batch:
    words = {"client": estate.client, "name": f"{estate.mark} {word}", "preset_version": estate.version}
    return factories.make_batch("amazon_main", **words | fields)


def furnish(mark: str, staff: User, version: PresetVersion) -> Estate:
    """A client with batches in every state of work, done with a preset of the house. `staff` did what somebody must
    have done."""
    client = factories.make_client(
        name=f"{mark} & Sons", brand_notes=f"{mark} wants it white", notify_emails=f"{mark.lower()}@example.org"
    )
    estate = Estate(mark, client, version, {"client": client.pk})
    key = storage.put_bytes(b"RIFF a reference of " + mark.encode(), prefix="d").key
    picture = ReferencePicture.objects.create(client=client, key=key, caption=f"{mark} book", width=10, height=10)
    estate.ids["picture"] = picture.pk
    _working(estate, staff)
    _others(estate, staff)
    return estate


def _working(estate: Estate, staff: User) -> None:
    """A batch with photos at every desk."""
    batch, ids = _batch(estate, "book", state=BatchState.REVIEW), estate.ids
    ids |= {"batch": batch.pk, "channel": batch.batch_channels.all()[0].channel_id}
    review = [_task(_photo(batch, estate, AssetState.IN_REVIEW)) for _ in range(2)]
    held = _task(_photo(batch, estate, AssetState.ON_HOLD), state=ReviewTaskState.ON_HOLD)
    factories.make_sample(batch, filename=f"{estate.mark}-blind.jpg", sku=f"{estate.mark}-SKU-B")
    ids |= {"task": review[0].pk, "held": held.pk, "asset": review[0].asset_id, "run": review[0].run_id}
    view = ChannelView.objects.create(
        run=review[0].run, channel_id=ids["channel"], key=review[0].run.after_key, matte_key=review[0].run.matte_key,
        content_type="image/webp", format="WEBP", byte_size=9, is_file=False, width=600, height=600,
        frame_matrix=list(review[0].run.frame_matrix), made_on=timezone.localdate() - timedelta(days=9),
    )  # fmt: skip
    ids["view"] = view.pk
    for name, state in (("edit", EditTaskState.OPEN), ("signoff", EditTaskState.AWAITING_SIGNOFF)):
        photo = _photo(batch, estate, AssetState.EDITING if name == "edit" else AssetState.AWAITING_SIGNOFF)
        run = _shown(photo, 60.0)
        edit = factories.EditTask.objects.create(
            asset=photo, base_run=run, reason="low_score", why=f"{estate.mark}: score 60", state=state,
            **({"editor": staff, "result_run": run} if state != EditTaskState.OPEN else {}),
        )  # fmt: skip
        ids[name] = edit.pk
    _photo(batch, estate, AssetState.FAILED, state_code="stage", state_reason=f"{estate.mark} failed")
    _photo(batch, estate, AssetState.REJECTED_INTAKE, state_code="blank", state_reason=f"{estate.mark} is blank")
    gold = _photo(batch, estate, AssetState.APPROVED)
    known = GoldItem.objects.create(asset=gold, run=_shown(gold), is_defective=True, source=GoldSource.INJECTED)
    hidden.open_looks([hidden.Wanted(gold, known.run_id, LookKind.GOLD, gold=known)])


def _task(photo: Asset, **fields: Any) -> Any:
    return factories.ReviewTask.objects.create(
        asset=photo, run=_shown(photo), reason="score_band", why=f"{photo.filename} is in the band", **fields
    )


def _others(estate: Estate, staff: User) -> None:
    """Batches that are uploaded to, delivered, tried first, a pilot; a lot that is on hold."""
    ids = estate.ids
    ids["uploading"] = _batch(estate, "arrivals", state=BatchState.UPLOADING, closed_at=None).pk
    sampled = _batch(estate, "trial", first_share=0.1)
    _photo(sampled, estate, AssetState.WAITS_FOR_SAMPLE)
    FirstSample.objects.create(
        batch=sampled, number=1, preset_version=sampled.preset_version, share=0.1, population=1,
        population_digest="d" * 64, size=1, looked_at=timezone.now(),
    )  # fmt: skip
    ids |= {"sampled": sampled.pk, "pilot": _batch(estate, "pilot", is_pilot=True).pk}
    done = _batch(estate, "parcel", state=BatchState.READY)
    photo = factories.make_approved(done, filename=f"{estate.mark}-done.jpg", sku=f"{estate.mark}-SKU-D")
    ids["rendition"] = photo.renditions.get().pk
    ids["delivery"] = delivery.release(done, staff).pk
    recalls.hand_over(ids["delivery"], staff)
    late = _batch(estate, "later parcel", state=BatchState.READY)
    factories.make_approved(late, filename=f"{estate.mark}-late.jpg", sku=f"{estate.mark}-SKU-L")
    ids["waiting"] = delivery.release(late, staff).pk
    ids["link"] = links.make(Delivery.objects.get(pk=ids["delivery"]), 7, staff).pk
    told = notices.send_test(estate.client, staff)
    ids["message"] = told[0].pk
    Complaint.objects.create(
        client=estate.client, asset=photo, note=f"{estate.mark} is cross", received_on=timezone.localdate(),
        was_delivered=True,
    )  # fmt: skip
    batch = Batch.objects.get(pk=ids["batch"])
    scope = Scope.objects.create(
        client=estate.client, category="mug", preset_version=batch.preset_version, policy=current_policy(),
        pipeline_version="1", lot_count=1, held_reason=f"{estate.mark} is on hold",
    )  # fmt: skip
    lot = Lot.objects.create(scope=scope, number=1, state=LotState.HELD, size=1, why=f"A find of {estate.mark}.")
    place = batch.assets.filter(state=AssetState.AUTO_APPROVED)[0]
    lot.places.create(asset=place, run=place.current_run, rank=0, pi=1.0)
    ids |= {"lot": lot.pk, "scope": scope.pk}


def belongings(estate: Estate, person: User) -> dict[str, Any]:
    """What `person` has of their own about this client: from a time when they worked for it, if they don't now."""
    batch = Batch.objects.get(pk=estate.ids["batch"])
    task = _task(_photo(batch, estate, AssetState.APPROVED), state=ReviewTaskState.DONE, version=1)
    decision = factories.ReviewTask.objects.get(pk=task.pk).decisions.create(
        asset=task.asset, run=task.run, preset_version=task.run.preset_version, policy=current_policy(), version=1,
        reviewer=person, verdict=Verdict.APPROVE, score_total=80, idempotency_key=f"walk-{person.pk}-{task.pk}",
    )  # fmt: skip
    asked = Adjustment.objects.create(task=task, asset=task.asset, base_run=task.run, changes={}, asked_by=person)
    upload = PartialUpload.objects.create(
        token=f"{estate.mark}-of-{person.pk}", batch_id=estate.ids["uploading"], user=person,
        path=f"{estate.mark}-late.jpg", byte_size=3, result={"status": "accepted", "path": f"{estate.mark}-late.jpg"},
    )  # fmt: skip
    desk = factories.EditTask.objects.create(
        asset=_photo(batch, estate, AssetState.EDITING), reason="low_score", why=f"{estate.mark}: score 50",
        state=EditTaskState.CLAIMED, editor=person,
    )  # fmt: skip
    bulk = BulkDecision.objects.create(user=person, values={}, verdict=Verdict.APPROVE, items=[[task.pk, 0]])
    passkey = Authenticator.objects.create(user=person, type="webauthn", data={"name": "Laptop"})
    mine = {
        "factor": passkey.pk,
        "decision": decision.pk,
        "adjustment": asked.pk,
        "token": upload.token,
        "bulk": bulk.pk,
    }
    return mine | {"on_desk": desk.pk}
