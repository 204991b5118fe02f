"""What leaves, what is withheld and why, and the ZIP itself (DEL-01, DEL-02, EXP-12, EXP-13, EXP-24, B12)."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tracemalloc
import zipfile

import pytest
from django.contrib.auth.models import User

from reviewapp import storage
from reviewapp.enums import AssetState, BatchState, DeliveryState, EditTaskState, Role, TaskState
from reviewapp.models import Asset, AuditEvent, Batch, Delivery, EditTask, Rendition, Task
from reviewapp.selectors import deliveries as selectors
from reviewapp.services import delivery, editing, review
from reviewapp.services.people import NotAllowed
from tests import factories as make

from .test_review_claims import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def manager() -> User:
    return make.make_user("mia", Role.MANAGER)


def unzip(packed: Delivery) -> dict[str, bytes]:
    """Read the streamed archive back with an independent reader, checking every CRC."""
    archive = zipfile.ZipFile(io.BytesIO(b"".join(delivery.stream_zip(packed))))
    assert archive.testzip() is None
    return {name: archive.read(name) for name in archive.namelist()}


def codes(packed: Delivery) -> dict[str, str]:
    return {f"{row['file']}/{row['channel']}": row["code"] for row in packed.withheld}


def test_del01_the_zip_has_a_folder_per_channel_and_both_manifests(manager: User) -> None:
    """DEL-01, EXP-21."""
    batch = make.make_batch("amazon_main", "shopify", state=BatchState.READY)
    photos = [make.make_approved(batch, sku=f"MUG-{n}") for n in range(2)]
    packed = delivery.release(batch, manager)
    files = unzip(packed)
    assert set(files) == {
        "amazon_main/MUG-0.jpg", "amazon_main/MUG-1.jpg", "shopify/MUG-0.jpg", "shopify/MUG-1.jpg",
        "manifest.json", "manifest.csv", "withheld.csv",
    }  # fmt: skip
    manifest = json.loads(files["manifest.json"])
    for entry in manifest["files"]:
        assert hashlib.sha256(files[entry["path"]]).hexdigest() == entry["sha256"]
        assert len(files[entry["path"]]) == entry["bytes"]
    assert manifest["counts"] == {
        "files": 4, "photos": 2, "withheld": 0, "bytes": sum(len(files[e["path"]]) for e in manifest["files"]),
    }  # fmt: skip
    rows = list(csv.DictReader(io.StringIO(files["manifest.csv"].decode("utf-8-sig"))))
    assert [row["sku"] for row in rows if row["channel"] == "shopify"] == ["MUG-0", "MUG-1"]
    assert {row["preset_version"] for row in rows} == {"1"} and {row["remover"] for row in rows} == {"studio"}
    assert photos[0].sha256 in {row["source_sha256"] for row in rows}
    assert {row["source_bytes"] for row in rows} == {"1000"}, "EXP-21: bytes before beside bytes after"
    batch.refresh_from_db()
    assert batch.state == BatchState.DELIVERED and packed.file_count == 4
    packed.refresh_from_db()
    assert packed.state == DeliveryState.DOWNLOADED and packed.downloaded_at is not None
    assert AuditEvent.objects.filter(verb__in=["delivery.released", "delivery.downloaded"]).count() == 2


def test_exp24_every_photo_and_channel_is_delivered_or_withheld_with_a_reason(manager: User) -> None:
    batch = make.make_batch("amazon_main", "print_catalog")
    good = make.make_approved(batch)
    half = make.make_asset(batch, AssetState.APPROVED)
    make.make_run(half)
    one, two = (row.channel for row in batch.batch_channels.all())
    make.make_rendition(half, one)
    make.make_rendition(half, two, error="300 dpi needs 3000 px, this photo has 2000.")
    waiting = make.make_asset(batch, AssetState.APPROVED)
    make.make_run(waiting)
    packed = delivery.release(batch, manager)
    assert packed.file_count == 3 and good.sku in json.dumps(packed.manifest)
    assert codes(packed) == {
        f"{half.relative_path}/print_catalog": "channel_rule",
        f"{waiting.relative_path}/amazon_main": "not_rendered",
        f"{waiting.relative_path}/print_catalog": "not_rendered",
    }
    assert packed.file_count + len(packed.withheld) == 3 * 2


def test_del02_unreviewed_rejected_and_unverified_photos_stay_out_and_are_named(manager: User) -> None:
    batch = make.make_batch()
    make.make_approved(batch)
    twin = make.make_asset(batch, AssetState.RECEIVED, filename="first.jpg")
    states = {
        AssetState.IN_REVIEW: "unreviewed", AssetState.ON_HOLD: "unreviewed", AssetState.EDITING: "editing",
        AssetState.AWAITING_SIGNOFF: "editing", AssetState.REJECTED_INTAKE: "rejected_intake",
        AssetState.FAILED: "failed", AssetState.QUEUED: "in_process", AssetState.CANCELLED: "cancelled",
    }  # fmt: skip
    expected = {}
    for state, code in states.items():
        photo = make.make_asset(batch, state, state_reason=f"because {state}")
        if state == AssetState.IN_REVIEW:  # a file that exists is still not a reason to ship it
            make.make_run(photo)
            make.make_rendition(photo, batch.batch_channels.all()[0].channel)
        expected[f"{photo.relative_path}/"] = code
    copy = make.make_asset(batch, AssetState.DUPLICATE, duplicate_of=twin)
    expected |= {f"{copy.relative_path}/": "duplicate", f"{twin.relative_path}/": "in_process"}
    packed = delivery.release(batch, manager)
    assert packed.file_count == 1 and codes(packed) == expected
    reasons = {row["code"]: row["reason"] for row in packed.withheld}
    assert "first.jpg" in reasons["duplicate"] and reasons["failed"] == "because failed"
    withheld = list(csv.DictReader(io.StringIO(unzip(packed)["withheld.csv"].decode("utf-8-sig"))))
    assert len(withheld) == len(expected) and all(row["reason"] for row in withheld)


def test_a_batch_with_work_left_is_delivered_in_part_and_keeps_its_state(manager: User) -> None:
    batch = make.make_batch(state=BatchState.REVIEW)
    make.make_approved(batch)
    task = make.make_review(batch)
    first = delivery.release(batch, manager)
    batch.refresh_from_db()
    assert first.number == 1 and batch.state == BatchState.REVIEW
    with pytest.raises(delivery.DeliveryHeld, match="Nothing changed since delivery 1"):
        delivery.release(batch, manager)
    reviewer = make.make_user("ria", Role.REVIEWER)
    review.record_decision(reviewer, task.pk, seen_version=0, verdict="approve", idempotency_key="k")
    task.asset.refresh_from_db()
    make.make_rendition(task.asset, batch.batch_channels.all()[0].channel)
    Task.objects.update(state=TaskState.DONE)
    second = delivery.release(batch, manager)
    batch.refresh_from_db()
    assert (second.number, second.file_count, batch.state) == (2, 2, BatchState.DELIVERED)


def test_a_batch_whose_last_photo_fails_after_a_partial_delivery_can_still_be_closed(manager: User) -> None:
    batch = make.make_batch()
    make.make_approved(batch)
    last = make.make_asset(batch, AssetState.QUEUED)
    delivery.release(batch, manager)
    Asset.objects.filter(pk=last.pk).update(state=AssetState.FAILED)
    packed = delivery.release(batch, manager)
    assert codes(packed) == {f"{last.relative_path}/": "failed"}
    batch.refresh_from_db()
    assert batch.state == BatchState.DELIVERED


def test_b12_delivery_waits_for_open_samples_unless_the_client_opts_out(manager: User) -> None:
    batch = make.make_batch(state=BatchState.READY)
    make.make_approved(batch)
    sample = make.make_sample(batch)
    make.make_rendition(sample.asset, batch.batch_channels.all()[0].channel)
    with pytest.raises(delivery.DeliveryHeld, match="1 sample waits") as held:
        delivery.release(batch, manager)
    assert held.value.open_samples == 1 and not Delivery.objects.exists()
    batch.client.waits_for_samples = False
    batch.client.save()
    assert delivery.release(batch, manager).file_count == 2


def test_a_held_sample_is_an_open_sample(manager: User) -> None:
    batch = make.make_batch()
    make.make_approved(batch)
    sample = make.make_sample(batch)
    review.record_decision(
        make.make_user("ria", Role.REVIEWER), sample.pk, seen_version=0, verdict="hold", idempotency_key="k"
    )
    with pytest.raises(delivery.DeliveryHeld, match="sample"):
        delivery.release(batch, manager)


def test_smp10_a_photo_no_draw_has_covered_is_withheld_while_the_machine_works(manager: User) -> None:
    batch = make.make_batch()
    make.make_approved(batch)
    undrawn = make.make_approved(batch, state=AssetState.AUTO_APPROVED)
    make.make_asset(batch, AssetState.QUEUED)  # so the last, partial block isn't drawn yet
    packed = delivery.release(batch, manager)
    assert packed.file_count == 1 and codes(packed)[f"{undrawn.relative_path}/"] == "not_sampled"


def test_samples_that_became_due_are_drawn_before_anything_leaves(manager: User) -> None:
    batch = make.make_batch()
    make.make_approved(batch, state=AssetState.AUTO_APPROVED)
    with pytest.raises(delivery.DeliveryHeld, match="1 sample waits"):
        delivery.release(batch, manager)
    assert batch.sample_draws.count() == 1


@pytest.mark.parametrize(
    ("state", "says"),
    [(BatchState.UPLOADING, "uploaded"), (BatchState.CANCELLED, "cancelled"), (BatchState.PAUSED, "too many rejects")],
)
def test_stopped_batches_deliver_nothing(manager: User, state: BatchState, says: str) -> None:
    batch = make.make_batch(state=state, paused_reason="too many rejects")
    make.make_approved(batch)
    with pytest.raises(delivery.DeliveryHeld, match=says):
        delivery.release(batch, manager)


def test_nothing_deliverable_is_refused_with_a_sentence(manager: User) -> None:
    with pytest.raises(delivery.DeliveryHeld, match="No photo of this batch"):
        delivery.release(make.make_batch(), manager)


def test_rev19_only_managers_deliver() -> None:
    batch = make.make_batch(state=BatchState.READY)
    make.make_approved(batch)
    for role in (Role.REVIEWER, Role.EDITOR, Role.SENIOR):
        with pytest.raises(NotAllowed):
            delivery.release(batch, make.make_user("", role))


def test_exp13_two_photos_with_one_name_both_arrive_also_when_only_case_differs(manager: User) -> None:
    batch = make.make_batch()
    wanted = ("B00X.jpg", "B00X.jpg", "b00x.JPG", "../../B00X.jpg", "a\\b\\C:name?.jpg", "out/B00X.jpg", "OUT/b00x.jpg")
    for name in wanted:
        photo = make.make_asset(batch, AssetState.APPROVED)
        make.make_run(photo)
        make.make_rendition(photo, batch.batch_channels.all()[0].channel, filename=name)
    names = {name for name in unzip(delivery.release(batch, manager)) if name.startswith("amazon_main/")}
    assert names == {
        "amazon_main/B00X.jpg", "amazon_main/B00X-2.jpg", "amazon_main/b00x-3.JPG", "amazon_main/B00X-4.jpg",
        "amazon_main/a/b/C_name_.jpg", "amazon_main/out/B00X.jpg", "amazon_main/OUT/b00x-2.jpg",
    }  # fmt: skip


def test_the_manifest_says_who_decided_and_who_made_it(manager: User) -> None:
    batch = make.make_batch()
    channel = batch.batch_channels.all()[0].channel
    reviewer, editor, senior = (
        make.make_user("ria", Role.REVIEWER), make.make_user("ed", Role.EDITOR), make.make_user("sue", Role.SENIOR),
    )  # fmt: skip
    looked = make.make_review(batch, sku="LOOKED")
    review.record_decision(reviewer, looked.pk, seen_version=0, verdict="approve", idempotency_key="a")
    sample = make.make_sample(batch, sku="SAMPLED")
    review.record_decision(reviewer, sample.pk, seen_version=0, verdict="approve", idempotency_key="b")
    edit = make.make_edit(batch, state=EditTaskState.SUBMITTED, editor=editor, upload_key="e/aa/bb")
    editing.rescored(edit, make.make_run(edit.asset, total=91.0))
    editing.sign_off(senior, edit.pk)
    Asset.objects.filter(pk=edit.asset_id).update(sku="EDITED")
    for asset in batch.assets.all():
        make.make_rendition(asset, channel)
    entries = {entry["sku"]: entry for entry in delivery.release(batch, manager).manifest["files"]}
    assert (entries["LOOKED"]["decided_by"], entries["LOOKED"]["made_by"]) == ("ria", "automatic")
    assert (entries["SAMPLED"]["decided_by"], entries["SAMPLED"]["sample"]) == ("automatic", "accepted")
    assert (entries["EDITED"]["decided_by"], entries["EDITED"]["made_by"]) == ("sue", "ed")
    assert entries["EDITED"]["score"] == 91.0
    assert all(entry["decided_at"] and entry["policy"] and entry["pipeline"] == "1" for entry in entries.values())


def test_a_cell_that_a_spreadsheet_would_run_is_defused(manager: User) -> None:
    batch = make.make_batch()
    make.make_approved(batch, sku="=cmd|' /C calc'!A0")
    packed = delivery.release(batch, manager)
    text = unzip(packed)["manifest.csv"].decode("utf-8-sig")
    assert "'=cmd" in text and ",=cmd" not in text
    assert packed.manifest["files"][0]["sku"].startswith("=cmd"), "the JSON keeps the client's own text"


def test_a_file_that_changed_or_vanished_stops_the_stream(manager: User) -> None:
    batch = make.make_batch()
    make.make_approved(batch)
    packed = delivery.release(batch, manager)
    rendition = Rendition.objects.get()
    other = storage.put_bytes(b"other bytes", prefix="r")
    Rendition.objects.filter(pk=rendition.pk).update(storage_key=other.key)
    with pytest.raises(delivery.DeliveryCorrupt, match="changed"):
        list(delivery.stream_zip(packed))
    Rendition.objects.filter(pk=rendition.pk).update(storage_key="r/00/" + "0" * 64)
    with pytest.raises(delivery.DeliveryCorrupt, match="missing"):
        list(delivery.stream_zip(packed))
    packed.refresh_from_db()
    assert packed.state == DeliveryState.READY, "a broken download is not a download"


def test_the_stream_holds_no_whole_file_in_memory(manager: User) -> None:
    batch = make.make_batch()
    photo = make.make_asset(batch, AssetState.APPROVED)
    make.make_run(photo)
    size = 24 * 1024 * 1024
    make.make_rendition(photo, batch.batch_channels.all()[0].channel, data=bytes(size))
    packed = delivery.release(batch, manager)
    tracemalloc.start()
    total, largest = 0, 0
    for piece in delivery.stream_zip(packed):
        total, largest = total + len(piece), max(largest, len(piece))
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total > size and largest < 1024 * 1024 and peak < size / 4


def test_the_same_delivery_streams_the_same_bytes(manager: User) -> None:
    batch = make.make_batch()
    make.make_approved(batch)
    packed = delivery.release(batch, manager)
    assert b"".join(delivery.stream_zip(packed)) == b"".join(delivery.stream_zip(packed))


def test_two_managers_at_once_make_one_delivery(manager: User) -> None:
    batch = make.make_batch(state=BatchState.READY)
    make.make_approved(batch)

    def work(_n: int) -> str:
        try:
            return str(delivery.release(Batch.objects.get(pk=batch.pk), manager).number)
        except delivery.DeliveryHeld as held:
            return held.reasons[0]

    results = sorted(in_threads(3, work))
    assert results[0] == "1" and all("Nothing changed" in text for text in results[1:])
    assert Delivery.objects.count() == 1


def test_a_rejection_found_later_leaves_the_next_plan(manager: User) -> None:
    batch = make.make_batch(state=BatchState.REVIEW)
    make.make_approved(batch)
    sample = make.make_sample(batch)
    make.make_rendition(sample.asset, batch.batch_channels.all()[0].channel)
    reviewer = make.make_user("ria", Role.REVIEWER)
    review.record_decision(
        reviewer, sample.pk, seen_version=0, verdict="reject", reasons=["shadow"], idempotency_key="k"
    )
    plan = selectors.plan(batch)
    assert len(plan.renditions) == 1 and [item.code for item in plan.withheld] == ["editing"]
    assert not plan.is_complete and EditTask.objects.count() == 1


def test_the_archive_is_named_after_client_batch_and_number(manager: User) -> None:
    batch = make.make_batch(client=make.make_client(name="Nørthwind & Söhne"), name="Spring / Summer")
    make.make_approved(batch)
    assert delivery.archive_name(delivery.release(batch, manager)) == "nrthwind-sohne-spring-summer-1.zip"
