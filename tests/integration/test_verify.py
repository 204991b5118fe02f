"""`manage.py verify`: every planted corruption is found, and what can be put right is (ING-14, OPS-31)."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, models

from reviewapp import parts, storage, trash
from reviewapp.enums import AssetState, BatchState
from reviewapp.models import Asset, AuditEvent, Batch, PartialUpload, ProcessingRun, Rendition, Task
from reviewapp.selectors import files as registry
from reviewapp.services import channel_views, ingest, upkeep
from tests import factories, line
from tests.integration.files_kinds import Files
from tests.kept import kept

pytestmark = pytest.mark.django_db(transaction=True)


def verify(*options: str) -> tuple[int, dict[str, Any]]:
    """Exit status and JSON of the command."""
    said, status = io.StringIO(), 0
    try:
        call_command("verify", "--json", *options, stdout=said)
    except SystemExit as end:
        status = int(str(end.code))
    return status, json.loads(said.getvalue())


def found(*options: str) -> dict[str, list[str]]:
    """Kind -> keys."""
    kinds: dict[str, list[str]] = {}
    for finding in verify(*options)[1]["findings"]:
        kinds.setdefault(finding["kind"], []).append(finding["key"])
    return kinds


def two_photos() -> None:
    factories.make_policy(approve_at=30.0, review_at=10.0)
    made = line.open_batch("shopify", "website", validation_profile="basic-500")
    line.send(made, "a.jpg", line.photo(1, side=640), sku="A", category="books")
    line.send(made, "b.jpg", line.photo(2, side=640), sku="B", category="cosmetics_tube")
    ingest.close_batch(made)
    line.run_line()
    channel_views.view_of(made.assets.get(sku="B").current_run, made.batch_channels.last().channel)


@pytest.fixture
def batch(files: Files) -> Batch:
    """Two photos through the real line: one approved and rendered, one with a reviewer."""
    kept(f"two photos on {files.kind}", two_photos)
    return Batch.objects.get()


def test_after_a_run_everything_is_clean_and_the_check_changes_nothing(batch: Batch, files: Files, later: Any) -> None:
    before = files.names()
    later(30)  # nothing is excused as too young
    for _ in range(2):
        status, said = verify()
        assert status == 0 and said["findings"] == [] and said["report"]["hashed"] == said["report"]["files"]
    assert said["report"]["files"] == len(before) == len(files.names())
    assert said["report"]["rows"] > len(before), "several rows name one file"
    assert set(Asset.objects.values_list("state", flat=True)) == {"auto_approved", "in_review"}


def test_each_planted_corruption_is_found_with_the_rows_it_hits(batch: Batch, files: Files, later: Any) -> None:
    run = ProcessingRun.objects.order_by("pk")[0]
    rendition = Rendition.objects.filter(state="verified")[0]
    other = ProcessingRun.objects.order_by("pk")[1]
    files.flip(run.after_key)
    files.remove(rendition.storage_key)
    half = storage.read_bytes(other.before_key)
    files.overwrite(other.before_key, half[: len(half) // 2])
    orphan = storage.put_bytes(b"nobody names these bytes", prefix="d")
    files.overwrite("o/ab/abandoned.partial", b"half")
    Asset.objects.filter(sku="B").update(sha256="0" * 64)
    assert "orphan" not in found(), "too young: its row may still come"
    later(25)
    status, said = verify()
    kinds = {finding["kind"]: finding for finding in said["findings"]}
    assert status == 1
    damaged = {finding["key"] for finding in said["findings"] if finding["kind"] == "damaged"}
    assert damaged == {run.after_key, other.before_key}
    assert kinds["missing"]["key"] == rendition.storage_key
    assert kinds["missing"]["rows"] == [f"Rendition.storage_key:{rendition.pk}"]
    left = {finding["key"] for finding in said["findings"] if finding["kind"] == "orphan"}
    assert left == {orphan.key, "o/ab/abandoned.partial"}
    assert kinds["wrong_row"]["rows"] == [f"Asset.original_key:{Asset.objects.get(sku='B').pk}"]
    assert said["report"]["left"] == len(said["findings"]) == 6


def test_quick_reads_no_file_and_finds_what_is_missing_or_short(batch: Batch, files: Files) -> None:
    asset, rendition = Asset.objects.order_by("pk")[0], Rendition.objects.filter(state="verified")[0]
    files.remove(rendition.storage_key)
    files.overwrite(asset.original_key, b"short")
    status, said = verify("--quick")
    assert status == 1 and said["report"]["hashed"] == 0
    assert {(one["kind"], one["key"]) for one in said["findings"]} == {
        ("missing", rendition.storage_key),
        ("wrong_size", asset.original_key),
    }


def test_one_batch_alone(batch: Batch, files: Files) -> None:
    other = line.open_batch(name="Other", client=ingest.ensure_client("Else"))
    line.send(other, "c.jpg", line.photo(3, side=640))
    files.flip(other.assets.get().original_key)
    assert found("--batch", str(batch.pk)) == {}
    assert found("--batch", str(other.pk)) == {"damaged": [other.assets.get().original_key]}
    with pytest.raises(CommandError) as caught:
        call_command("verify", "--batch", "999999")
    assert caught.value.returncode == 2


def test_half_written_files_and_parts(settings: Any) -> None:
    folder = Path(settings.DATA_DIR) / "files"
    (folder / "tmp").mkdir(parents=True)
    old, new = folder / "tmp" / "put-old", folder / "tmp" / "put-new"
    for path in (old, new):
        path.write_bytes(b"half a photo")
    os.utime(old, (1, 1))
    batch, user = factories.make_batch(), factories.make_user("mona")
    facts = {"batch": batch, "user": user, "path": "a.jpg", "byte_size": 10}
    whole = PartialUpload.objects.create(token="w" * 32, **facts)
    parts.create(whole.token)
    PartialUpload.objects.create(token="l" * 32, **facts)
    parts.create("o" * 32)
    os.utime(folder / "parts" / ("o" * 32), (1, 1))
    expected = {"temporary": ["tmp/put-old"], "lost_part": ["parts/" + "l" * 32], "orphan_part": ["parts/" + "o" * 32]}
    assert found() == expected
    assert found("--repair", "leftovers") == expected
    assert found() == {"lost_part": ["parts/" + "l" * 32]}
    assert new.exists() and not old.exists() and (folder / "trash" / "tmp" / "put-old").exists()


def test_leftovers_go_into_the_trash_for_thirty_days_and_twice_is_once(files: Files, later: Any) -> None:
    orphan = storage.put_bytes(b"nobody names these bytes", prefix="d")
    kept = factories.make_approved(factories.make_batch())
    key = Rendition.objects.get(asset=kept).storage_key
    later(25)
    assert found("--repair", "leftovers")["orphan"] == [orphan.key]
    assert "orphan" not in found("--repair", "leftovers")
    assert not storage.exists(orphan.key) and storage.exists(key)
    assert [held.key for held in trash.trashed()] == [orphan.key]
    later(29 * 24)
    assert trash.empty() == (0, 0)
    later(31 * 24)
    assert trash.empty() == (1, 24) and trash.empty() == (0, 0)
    assert list(trash.trashed()) == [] and storage.exists(key)


def test_what_was_trashed_by_mistake_comes_back(files: Files, later: Any) -> None:
    kept = factories.make_approved(factories.make_batch())
    key = Rendition.objects.get(asset=kept).storage_key
    later(25)
    assert trash.trash(key)
    said = verify("--repair", "restore")[1]["findings"]
    assert [one["repaired"] for one in said if one["key"] == key] == ["back from the trash"]
    assert storage.exists(key) and storage.verify(key, storage.sha_of(key)) and list(trash.trashed()) == []
    later(0)
    assert not trash.trash(key), "what came back counts as new"


def test_results_and_channel_files_are_made_again_byte_for_byte(batch: Batch, files: Files) -> None:
    run = batch.assets.get(sku="A").current_run
    rendition = Rendition.objects.filter(state="verified")[0]
    for key in (run.after_key, run.alpha_key, run.thumb_before_key):
        files.flip(key)
    files.remove(rendition.storage_key)
    assert {kind: len(keys) for kind, keys in found().items()} == {"damaged": 3, "missing": 1}
    status, said = verify("--repair", "remake")
    assert (status, said["report"]["left"]) == (0, 0), said
    assert verify()[0] == 0


def test_a_view_for_a_channel_is_made_again_when_somebody_looks(batch: Batch, files: Files) -> None:
    run, channel = batch.assets.get(sku="B").current_run, batch.batch_channels.last().channel
    view = channel_views.view_of(run, channel)
    files.flip(view.key)
    assert verify("--repair", "remake")[0] == 0
    again = channel_views.view_of(run, channel)
    assert again.pk != view.pk and again.key == view.key and storage.verify(again.key, storage.sha_of(again.key))


def test_a_photo_whose_original_is_gone_fails_with_the_cause_once(files: Files) -> None:
    batch = line.open_batch(validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(1, side=640))
    asset = batch.assets.get()
    files.flip(asset.original_key)
    for _ in range(2):
        status, said = verify("--repair", "mark", "remake")
        assert status == 1 and said["report"]["left"] == 1, "marked is not mended"
    asset.refresh_from_db()
    assert (asset.state, asset.state_code) == (AssetState.FAILED, "original_damaged")
    assert "Upload the photo again" in asset.state_reason
    assert AuditEvent.objects.filter(asset=asset, verb="original.damaged").count() == 1
    assert storage.exists(asset.original_key), "no repair deletes an original"


def test_ing14_a_damaged_original_stops_each_step_that_reads_it(batch: Batch, files: Files) -> None:
    asset = batch.assets.get(sku="A")
    files.flip(asset.original_key)
    for state, step in (("received", "validate"), ("validated", "classify"), ("queued", "process")):
        Asset.objects.filter(pk=asset.pk).update(state=state, attempt=2)
        Task.objects.filter(asset=asset, step=step).update(state="pending", attempts=0, args={"attempt": 2})
        assert line.run_line() == ["dead"]
        asset.refresh_from_db()
        assert (asset.state, asset.state_code) == ("failed", "original_damaged"), step
        assert "Upload the photo again" in asset.state_reason


def test_ing14_a_damaged_matte_is_no_channel_file(batch: Batch, files: Files) -> None:
    run = batch.assets.get(sku="A").current_run
    Rendition.objects.filter(run=run).delete()
    files.flip(run.alpha_key)
    Task.objects.filter(asset=run.asset, step="render").update(state="pending", attempts=0)
    assert line.run_line() == ["dead"]
    rows = Rendition.objects.filter(run=run)
    assert {row.state for row in rows} == {"failed"} and "through the line again" in rows[0].error


def test_sending_a_photo_again_heals_its_damaged_original(files: Files) -> None:
    first, second = line.open_batch(name="1"), line.open_batch(name="2")
    data = line.photo(1, side=640)
    line.send(first, "a.jpg", data)
    key = first.assets.get().original_key
    files.flip(key)
    line.send(second, "a.jpg", data)
    assert second.assets.get().original_key == key and storage.read_bytes(key) == data


def test_what_cannot_be_asked_is_status_2(files: Files, settings: Any) -> None:
    factories.make_approved(factories.make_batch())
    if files.kind == "s3":
        options = {**settings.STORAGES["default"]["OPTIONS"], "bucket_name": "no-such-bucket"}
        settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    else:
        files.path("").rename(files.path("").with_name("unmounted"))
    with pytest.raises(CommandError) as caught:
        call_command("verify", "--quick", stdout=io.StringIO())
    assert caught.value.returncode == 2


def test_every_field_called_a_key_is_registered_or_known_to_be_none() -> None:
    fields = {
        f"{model.__name__}.{field.name}"
        for model in apps.get_app_config("reviewapp").get_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.Field) and (field.name == "key" or field.name.endswith("_key"))
    }
    known = {one.name for one in registry.FIELDS}
    assert fields == known | registry.NO_FILES, "register it in selectors/files.py"
    assert not known & registry.NO_FILES and len(known) == len(registry.FIELDS)


KEY = re.compile(r"\b[odre]/[0-9a-f]{2}/[0-9a-f]{64}\b")


def test_no_other_column_holds_a_key_after_a_real_run(batch: Batch) -> None:
    """Whatever a field is called, also inside JSON: each key found in any column is one that the registry knows."""
    known = {claim.key for claim in registry.named()}
    seen: set[str] = set()
    for model in apps.get_app_config("reviewapp").get_models(include_auto_created=True):
        for row in model._base_manager.values():
            seen |= {key for value in row.values() for key in KEY.findall(str(value))}
    assert seen == known and len(known) > 15


def test_claims_are_sorted_as_files_are(batch: Batch) -> None:
    keys = [claim.key for claim in registry.named()]
    assert keys == sorted(keys)
    names = [held.key for held in trash.listed()]
    assert names == sorted(names) and set(names) == set(keys)


def test_the_walk_sorts_odd_names_as_bytes_do(files: Files) -> None:
    odd = ["d/ab/x", "d/ab.x", "d/ab0", "d/a/b", "d/ab/y.tmp", "e/é", "o/z"]
    for name in odd:
        files.overwrite(name, b"x")
    assert [held.key for held in trash.listed()] == sorted(odd, key=str.encode)


def test_a_million_rows_are_streamed(django_assert_num_queries: Any) -> None:
    """One query per registered field, read through a cursor, however many rows there are."""
    photos = factories.make_batch()
    for _ in range(30):
        factories.make_run(factories.make_asset(photos, AssetState.IN_REVIEW))
    with django_assert_num_queries(len(registry.FIELDS)):
        assert sum(1 for _ in registry.named()) == 30 * 6
    assert connection.vendor in ("sqlite", "postgresql")


def test_the_daily_round_twice(files: Files, later: Any) -> None:
    orphan = storage.put_bytes(b"nobody names these bytes", prefix="d")
    fresh_batch = factories.make_batch(state=BatchState.PROCESSING)
    key = Rendition.objects.get(asset=factories.make_approved(fresh_batch)).storage_key
    assert upkeep.daily().orphans_trashed == 0
    later(25)
    assert upkeep.daily().orphans_trashed == 1
    assert upkeep.daily().orphans_trashed == 0
    assert trash.is_trashed(orphan.key) and storage.exists(key)
    later(31 * 24)
    assert upkeep.daily().trash_deleted == 1


def test_editors_uploads_are_looked_after(files: Files) -> None:
    task = factories.make_edit()
    stored = storage.put_bytes(b"an editor's file", prefix="e")
    type(task).objects.filter(pk=task.pk).update(upload_key=stored.key, upload_sha256=stored.sha256)
    assert all(stored.key not in keys for keys in found().values())
    files.remove(stored.key)
    assert stored.key in found()["missing"]
