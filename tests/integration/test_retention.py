"""Retention, legal holds and purge: what goes, what stays, and what pages say of it (CST-10, SEC-05, C45)."""

from __future__ import annotations

import io
import json
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from reviewapp import storage, trash
from reviewapp.enums import BatchState, Role
from reviewapp.jobs.daily import Daily
from reviewapp.models import (
    Asset,
    AuditEvent,
    Batch,
    Client,
    Delivery,
    OutboundMessage,
    ProcessingRun,
    ReferencePicture,
    Rendition,
    ReviewDecision,
    ReviewTask,
    SheetRow,
    Task,
    WebhookSecret,
)
from reviewapp.selectors import files as registry
from reviewapp.services import delivery, ingest, originals, purging, recalls, retention, review, upkeep
from reviewapp.services.clients import ClientData, update_client
from reviewapp.services.people import NotAllowed
from reviewapp.web.media_urls import original_url, rendition_url, run_url
from tests import factories, line
from tests.integration.files_kinds import Files

pytestmark = pytest.mark.django_db(transaction=True)


def delivered(name: str = "Line", seed: int = 1, **client: Any) -> Batch:
    """A batch through the real line, approved and delivered."""
    factories.make_policy(approve_at=30.0, review_at=10.0)
    owner = ingest.ensure_client(name)
    Client.objects.filter(pk=owner.pk).update(waits_for_samples=False, sampling="simple", **client)
    owner.refresh_from_db()
    batch = line.open_batch("shopify", validation_profile="basic-500", client=owner, name=f"of {name}")
    line.send(batch, f"secret-{name}.jpg", line.photo(seed, side=640), sku=f"SKU-{name}", category="books")
    ingest.close_batch(batch)
    line.run_line()
    ReviewTask.objects.filter(state="open").update(state="withdrawn")
    batch.refresh_from_db()
    delivery.release(batch, None)
    batch.refresh_from_db()
    assert batch.state == BatchState.DELIVERED
    return batch


def age_delivery(batch: Batch, days: int) -> None:
    Delivery.objects.filter(batch=batch).update(created_at=timezone.now() - timedelta(days=days))


def keys_of(batch: Batch) -> list[str]:
    return sorted({claim.key for claim in registry.named(batch)})


def test_cst10_files_of_a_delivered_batch_go_when_their_days_are_over(files: Files, later: Any) -> None:
    batch = delivered(keep_originals_days=30, keep_results_days=90)
    original, everything = batch.assets.get().original_key, keys_of(batch)
    later(25)  # else the clean-up finds them too young
    age_delivery(batch, 29)
    assert upkeep.daily().batches_removed == 0
    age_delivery(batch, 31)
    for expected in (1, 0):
        assert upkeep.daily().batches_removed == expected
    assert not storage.exists(original) and trash.is_trashed(original)
    assert all(storage.exists(key) for key in everything if key != original)
    age_delivery(batch, 91)
    assert upkeep.daily().batches_removed == 1
    assert not any(storage.exists(key) for key in everything)
    assert set(keys_of(batch)) == set()
    event = AuditEvent.objects.filter(verb="batch.files_removed").order_by("pk")[0]
    assert (event.batch, event.after) == (batch, {"kind": "original", "days": 30})
    assert call_verify() == 0
    later(31 * 24)
    assert upkeep.daily().trash_deleted == len(everything)
    assert not trash.is_trashed(original)


def call_verify() -> int:
    try:
        call_command("verify", stdout=io.StringIO())
    except SystemExit as end:
        return int(str(end.code))
    return 0


@pytest.mark.parametrize("held", ["client", "batch"])
def test_sec05_nothing_on_legal_hold_goes_and_a_hold_brings_back(held: str, later: Any) -> None:
    mona = factories.make_user("mona", Role.MANAGER)
    batch = delivered(keep_originals_days=1, keep_results_days=1)
    everything = keys_of(batch)
    age_delivery(batch, 400)
    later(25)

    def hold(is_held: bool) -> None:
        if held == "batch":
            assert retention.hold_batch(batch, mona, is_held=is_held)
            assert not retention.hold_batch(batch, mona, is_held=is_held), "it was so already"
            return
        client = Client.objects.get(pk=batch.client_id)
        data = ClientData(
            client.name, waits_for_samples=False, sampling="simple", keep_originals_days=1, keep_results_days=1,
            legal_hold=is_held,
        )  # fmt: skip
        update_client(client, data, mona, seen=client.version)

    hold(True)
    assert upkeep.daily().batches_removed == 0
    hold(False)
    assert upkeep.daily().batches_removed == 2
    assert not any(storage.exists(key) for key in everything)
    hold(True)
    assert upkeep.daily().batches_brought_back == 2
    assert all(storage.verify(key, storage.sha_of(key)) for key in everything)
    assert keys_of(batch) == everything and upkeep.daily().batches_brought_back == 0
    verbs = set(AuditEvent.objects.values_list("verb", flat=True))
    assert {"batch.files_removed", "batch.files_brought_back"} <= verbs


def test_a_hold_that_comes_too_late_changes_nothing(later: Any) -> None:
    batch = delivered(keep_originals_days=1)
    key = batch.assets.get().original_key
    age_delivery(batch, 400)
    later(25)
    upkeep.daily()
    trash.discard(key)
    assert retention.hold_batch(batch, factories.make_user("mona", Role.MANAGER), is_held=True)
    for _ in range(2):
        assert retention.bring_back() == 0
    batch.refresh_from_db()
    assert batch.originals_removed_at is not None
    assert not AuditEvent.objects.filter(verb="batch.files_brought_back").exists()


def test_a_batch_somebody_works_on_keeps_its_files() -> None:
    batch = delivered(keep_originals_days=1)
    age_delivery(batch, 400)
    photo = batch.assets.get()
    task = ReviewTask.objects.create(asset=photo, run=photo.current_run, reason="sample", why="Looked at again")
    assert retention.remove_due() == 0
    task.delete()
    Task.objects.create(asset=photo, step="render", key="again", available_at=timezone.now())
    assert retention.remove_due() == 0
    Task.objects.filter(key="again").delete()
    assert retention.remove_due() == 1


def test_files_that_another_batch_names_stay(later: Any) -> None:
    old, other = delivered("Old", keep_originals_days=1), delivered("Other")
    assert old.assets.get().original_key == other.assets.get().original_key
    age_delivery(old, 400)
    later(25)
    upkeep.daily()
    old.refresh_from_db()
    assert old.originals_removed_at is not None and storage.exists(other.assets.get().original_key)


def test_pages_say_that_files_were_removed_and_no_thumbnail_breaks(client: Browser) -> None:
    batch = delivered(keep_originals_days=1, keep_results_days=1)
    age_delivery(batch, 400)
    photo, rendition = batch.assets.get(), Rendition.objects.get(asset__batch=batch, state="verified")
    pictures = [
        *(run_url(photo.current_run, kind) for kind in ("before", "after", "thumb-before", "thumb-after", "cutout")),
        rendition_url(rendition),
    ]
    downloads = [original_url(photo), reverse("deliveries:download", args=[batch.deliveries.get().pk])]
    client.force_login(factories.make_user("mona", Role.MANAGER))
    assert {client.get(url).status_code for url in (*pictures, *downloads)} == {200}
    retention.remove_due()
    for url in pictures:
        answer = client.get(url)
        assert (answer.status_code, answer["Content-Type"]) == (410, "image/svg+xml"), url
        assert b"Removed by retention" in answer.content and answer["Cache-Control"] == "private, no-store"
    for url in downloads:
        answer = client.get(url)
        assert answer.status_code == 410 and b"removed when the days were over" in answer.content
    for url in (reverse("batches:detail", args=[batch.pk]), reverse("images:detail", args=[photo.pk])):
        page = client.get(url).content.decode()
        assert "Originals removed by retention" in page and "Results and channel files removed by retention" in page
    client.post(reverse("batches:deliver", args=[batch.pk]))
    assert batch.deliveries.count() == 1
    with (
        pytest.raises(originals.StageFailed, match="removed by the client's retention"),
        originals.of(Asset.objects.select_related("batch").get(pk=photo.pk)),
    ):
        pass


def test_holds_and_days_are_set_on_the_pages(client: Browser) -> None:
    batch = factories.make_batch()
    mona = factories.make_user("mona", Role.MANAGER)
    with pytest.raises(NotAllowed):
        retention.hold_batch(batch, factories.make_user("rita", Role.REVIEWER), is_held=True)
    client.force_login(mona)
    page = client.get(reverse("batches:detail", args=[batch.pk])).content.decode()
    assert "Set legal hold" in page
    client.post(reverse("batches:hold", args=[batch.pk]), {"set": "1", "note": "A court asked"})
    batch.refresh_from_db()
    assert batch.legal_hold_since is not None
    assert AuditEvent.objects.get(verb="batch.hold_set").note == "A court asked"
    assert "Lift legal hold" in client.get(reverse("batches:detail", args=[batch.pk])).content.decode()
    client.post(reverse("batches:hold", args=[batch.pk]), {"set": "0"})
    batch.refresh_from_db()
    assert batch.legal_hold_since is None
    owner = batch.client
    url = reverse("clients:edit", args=[owner.pk])
    given = {"name": owner.name, "waits_for_samples": "on", "seen": "0", "keep_originals_days": "0"}
    assert client.post(url, given).status_code == 422
    good = {**given, "keep_originals_days": "90", "legal_hold": "on"}
    assert client.post(url, good).status_code == 302
    owner.refresh_from_db()
    assert (owner.keep_originals_days, owner.keep_results_days, owner.legal_hold) == (90, None, True)
    assert client.post(url, good).status_code == 409, "an older form is refused"
    since = owner.legal_hold_since
    assert client.post(url, {**good, "seen": "1", "brand_notes": "x"}).status_code == 302
    owner.refresh_from_db()
    assert owner.legal_hold_since == since, "a hold that stays keeps its date"


def purge(slug: str, *options: str) -> str:
    said = io.StringIO()
    call_command("purge_client", slug, *options, stdout=said)
    return said.getvalue()


def test_purge_deletes_one_client_and_proves_it(files: Files, tmp_path: Path) -> None:
    told = {"webhook_url": "https://hooks.acme-inside.example/in", "notify_emails": "anna@acme-inside.example"}
    gone, stays = delivered("Acme", 1, **told), delivered("Other", 2, notify_emails="otto@other.example")
    WebhookSecret.objects.create(client=gone.client, secret="acme-inside", made_at=timezone.now())
    manager = factories.make_user("mona", Role.MANAGER)
    b"".join(delivery.stream_zip(Delivery.objects.get(batch=gone), manager))
    recalls.call_back(Delivery.objects.get(batch=gone), "acme-inside asked for it", manager)
    assert len(words_left("acme-inside")) > 4
    delivery.release(gone, None)
    shared = delivered("Third", 1)  # the same photo as Acme's
    kept = shared.assets.get().original_key
    SheetRow.objects.create(batch=gone, path_key="secret", name_key="secret", sku="SKU-Acme")
    picture = storage.put_bytes(b"a reference picture", prefix="d")
    ReferencePicture.objects.create(client=gone.client, key=picture.key, caption="secret", width=1, height=1)
    mine, others, photo = set(keys_of(gone)), keys_of(stays), gone.assets.get()
    runs = ProcessingRun.objects.filter(asset=photo).count()
    assert "Nothing was done" in purge("acme") and storage.exists(picture.key)
    said = purge("acme", "--yes", "--report", str(tmp_path / "proof.json"))
    assert "files gone" in said
    proof = json.loads((tmp_path / "proof.json").read_text())
    outcome = {one["key"]: one["outcome"] for one in proof["files"]}
    assert set(outcome) == mine | {picture.key} and proof["is_proven"]
    assert outcome[kept] == purging.SHARED and storage.exists(kept)
    assert all(one["sha256"] == storage.sha_of(one["key"]) and one["byte_size"] > 0 for one in proof["files"])
    for key, what in outcome.items():
        assert what == purging.SHARED or (what == "gone" and not storage.exists(key) and not trash.is_trashed(key))
    assert all(map(storage.exists, others))
    # Counts stay, without a name.
    photo.refresh_from_db()
    assert photo.filename == f"photo-{photo.pk}" and photo.original_key == "" and photo.sku == "" and photo.exif == {}
    assert proof["before"]["Asset"] == proof["after"]["Asset"] == 1
    assert proof["before"]["ProcessingRun"] == proof["after"]["ProcessingRun"] == runs
    assert proof["after"]["Rendition"] == proof["after"]["SheetRow"] == proof["after"]["ReferencePicture"] == 0
    assert Client.objects.get(pk=gone.client_id).name == f"Purged client {gone.client_id}"
    assert call_verify() == 0
    assert [words_left(word) for word in ("secret-Acme", "SKU-Acme", "of Acme", "acme-inside")] == [[]] * 4
    assert OutboundMessage.objects.filter(client=stays.client).exists()
    again = purge(f"purged-{gone.client_id}", "--yes")
    assert "Asset: 1 rows before, 1 after" in again


def words_left(word: str) -> list[str]:
    """Columns of any table but the two append-only ones that still hold a word."""
    from django.apps import apps

    models = set(apps.get_app_config("reviewapp").get_models()) - {AuditEvent, ReviewDecision}
    rows = ((model.__name__, row) for model in models for row in model._base_manager.values())
    return [f"{name}.{field}" for name, row in rows for field, value in row.items() if word in str(value)]


def test_purge_refuses_holds_and_open_work_unless_told() -> None:
    batch = line.open_batch(client=ingest.ensure_client("Acme"), validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(1, side=640))
    with pytest.raises(CommandError, match="1 batches are not delivered"):
        purge("acme", "--yes")
    Client.objects.filter(slug="acme").update(legal_hold_since=timezone.now())
    with pytest.raises(CommandError, match="on legal hold"):
        purge("acme", "--yes", "--despite-work")
    with pytest.raises(CommandError, match="no client"):
        purge("nobody", "--yes")
    key = batch.assets.get().original_key
    assert storage.exists(key)
    purge("acme", "--yes", "--despite-work", "--despite-hold")
    assert not storage.exists(key)
    batch.refresh_from_db()
    assert batch.state == BatchState.CANCELLED and not Task.objects.filter(state="pending").exists()
    assert line.run_line() == []


def test_purge_takes_from_the_trash_what_retention_put_there(later: Any) -> None:
    batch = delivered("Acme", keep_originals_days=1)
    key = batch.assets.get().original_key
    age_delivery(batch, 400)
    later(25)
    upkeep.daily()
    assert trash.is_trashed(key)
    purge("acme", "--yes")
    assert not trash.is_trashed(key) and not storage.exists(key)


def test_a_file_found_again_by_an_upload_is_not_cleared_away(files: Files, later: Any) -> None:
    """The upload found the bytes of an old orphan; the clean-up comes before its row does."""
    data = line.photo(1, side=640)
    stored = storage.put_bytes(data, prefix="o")
    if files.kind == "disk":
        files.age(stored.key, 30)
        assert storage.put_bytes(data, prefix="o") == stored  # what an upload does before its row
        assert not trash.trash(stored.key)
    else:
        later(30)
        assert trash.trash(stored.key) and storage.put_bytes(data, prefix="o") == stored
        later(0)
        assert not trash.trash(stored.key)
    assert storage.verify(stored.key, stored.sha256)


def test_uploads_and_clean_up_at_once_lose_nothing(files: Files) -> None:
    """Eight threads put the same few bytes again and again while two clear away whatever is older than no time at all,
    each as a process would: what was put last, and not cleared away after, is there and whole."""
    blobs = [f"blob {n}".encode() * 500 for n in range(4)]
    keys = [storage.put_bytes(blob, prefix="o").key for blob in blobs]
    ends, wrong = threading.Event(), []
    if files.kind == "disk":
        for key in keys:
            files.age(key, 48)

    def put(n: int) -> None:
        try:
            for round_ in range(60 if files.kind == "disk" else 8):
                at = (n + round_) % len(blobs)
                stored = storage.put_bytes(blobs[at], prefix="o")
                # Made new by the line above, so the clean-up with a day's patience must never take it.
                if not storage.verify(stored.key, stored.sha256):
                    wrong.append(stored.key)
        finally:
            connection.close()

    def clear() -> None:
        try:
            while not ends.is_set():
                for key in keys:
                    trash.trash(key)
        finally:
            connection.close()

    clearing = [threading.Thread(target=clear) for _ in range(2)]
    putting = [threading.Thread(target=put, args=(n,)) for n in range(8)]
    for thread in (*clearing, *putting):
        thread.start()
    for thread in putting:
        thread.join()
    ends.set()
    for thread in clearing:
        thread.join()
    assert wrong == [] and all(storage.verify(key, storage.sha_of(key)) for key in keys)


def test_the_daily_round_runs_beside_the_sweep_and_once(later: Any) -> None:
    daily = Daily(first_after_s=60.0)
    assert not daily.look(), "not at every start"
    orphan = storage.put_bytes(b"nobody names these bytes", prefix="d")
    later(25)
    due = Daily(first_after_s=0.0)
    assert due.look() and due.wait(60.0) and not due.look()
    assert trash.is_trashed(orphan.key)


def test_a_decision_stays_and_so_does_its_log() -> None:
    task = factories.make_review(factories.make_batch(client=factories.make_client(name="Acme", slug="acme")))
    rita = factories.make_user("rita", Role.REVIEWER)
    made = review.record_decision(rita, task.pk, seen_version=0, verdict="approve", idempotency_key="k" * 32)
    assert made.status == "saved"
    purge("acme", "--yes", "--despite-work")
    assert ReviewDecision.objects.count() == 1
    assert AuditEvent.objects.filter(verb="client.purged").count() == 1
