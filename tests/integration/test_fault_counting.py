"""The fault bench's counting finds what it is there to find: each kind of loss is planted once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from benchmarks.faulting import counting
from reviewapp import storage
from reviewapp.enums import AssetState, BatchState, Step, TaskState
from reviewapp.models import Asset, Batch, ReviewDecision, Task
from reviewapp.services import audit
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
NOTHING: dict[str, Any] = {"photos": [], "decisions": [], "delivered": [], "heard": []}


@pytest.fixture
def files(tmp_path: Path, settings: Any) -> Path:
    """An empty store."""
    settings.DATA_DIR = tmp_path
    folder = tmp_path / "files"
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {**settings.STORAGES["default"], "OPTIONS": {"location": str(folder)}},
    }
    return folder


def stored(state: AssetState = AssetState.RECEIVED, **fields: Any) -> Asset:
    kept = storage.put_bytes(f"bytes {timezone.now()}".encode(), prefix="o")
    return factories.make_asset(state=state, sha256=kept.sha256, original_key=kept.key, **fields)


def test_what_is_whole_is_counted_as_such(files: Path) -> None:
    asset = stored(AssetState.REJECTED_INTAKE)
    Batch.objects.update(state=BatchState.READY, completed_at=timezone.now())
    ledger = {**NOTHING, "photos": [[asset.batch_id, asset.relative_path, asset.sha256]]}
    assert list(counting.lost(ledger)) == list(counting.doubled(ledger)) == list(counting.wrong()) == []
    assert list(counting.orphans()) == []


def test_a_photo_or_a_decision_that_was_acknowledged_and_is_not_there(files: Path) -> None:
    batch = factories.make_batch()
    Batch.objects.filter(pk=batch.pk).update(completed_at=timezone.now())
    ledger = {**NOTHING, "photos": [[batch.pk, "gone.jpg", "0" * 64]], "delivered": [batch.pk]}
    ledger["decisions"] = [{"task": 1, "version": 1, "key": "k", "verdict": "approve"}]
    assert len(list(counting.lost(ledger))) == 5, "photo, decision, delivery, and two messages to the client"
    ready = {"id": "e1", "event": "delivery.ready", "batch": {"id": batch.pk}}
    ledger["heard"] = [ready, ready, {"id": "e2", "event": "batch.completed", "batch": {"id": batch.pk}}]
    assert len(list(counting.lost(ledger))) == 3
    assert list(counting.doubled(ledger)) == [], "the same event twice is one for who drops what they have seen"
    ledger["heard"].append({**ready, "id": "e3"})
    assert list(counting.doubled(ledger)) == [f"2 x delivery.ready of batch {batch.pk}"]


def test_a_batch_that_is_not_completed_is_not_told_as_completed(files: Path) -> None:
    batch = factories.make_batch()
    ledger = {**NOTHING, "delivered": [batch.pk]}
    ledger["heard"] = [{"id": "e1", "event": "delivery.ready", "batch": {"id": batch.pk}}]
    due = [line for line in counting.lost(ledger) if "batch.completed" in line]
    assert due == [], "its photos are at an editor: it was delivered without them"
    ledger["heard"].append({"id": "e2", "event": "batch.completed", "batch": {"id": batch.pk}})
    assert f"batch {batch.pk}, batch.completed: told too early" in list(counting.lost(ledger))


def test_a_file_that_is_missing_damaged_or_nobodys(files: Path) -> None:
    asset, other = stored(AssetState.REJECTED_INTAKE), stored(AssetState.REJECTED_INTAKE)
    (files / asset.original_key).unlink()
    damaged = files / other.original_key
    damaged.chmod(0o600)
    damaged.write_bytes(b"other bytes")
    assert len(list(counting.lost(NOTHING))) == 2
    left = storage.put_bytes(b"nobody names me", prefix="d")
    (files / "tmp" / "put-left").write_bytes(b"half")
    assert list(counting.orphans()) == [left.key], "the temporary one went with the sweep"


def test_a_result_that_is_missing_and_a_batch_that_completed_twice(files: Path) -> None:
    asset = stored(AssetState.APPROVED)
    assert any("without a result" in line for line in counting.lost(NOTHING))
    for _ in range(2):
        audit.record("batch.completed", asset.batch)
    assert any("AuditEvent" in line for line in counting.doubled(NOTHING))


def test_two_people_who_were_told_that_theirs_stands() -> None:
    one = {"task": 7, "version": 1, "key": "a", "verdict": "approve"}
    ledger = {**NOTHING, "decisions": [one, {**one, "key": "b"}]}
    assert any("two people" in line for line in counting.doubled(ledger))
    assert ReviewDecision.objects.count() == 0


def test_states_that_disagree(files: Path) -> None:
    asset = stored(AssetState.IN_REVIEW)  # and no review task
    stuck = stored(AssetState.QUEUED)
    Task.objects.create(asset=stuck, step=Step.PROCESS, key="k", state=TaskState.RUNNING, available_at=timezone.now())
    said = "\n".join(counting.wrong())
    assert f"asset {asset.pk}: state in_review" in said
    assert f"asset {stuck.pk} is queued at rest" in said
    assert "task k is running" in said
    assert f"batch {asset.batch_id} is processing, its photos say review" in said
