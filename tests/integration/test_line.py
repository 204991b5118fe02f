"""The line end to end with real pictures, the real pipeline and real rows; every job runs twice (SCH-11, 21, 24)."""

from __future__ import annotations

import hashlib
import io
import threading
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from PIL import Image

from reviewapp import storage
from reviewapp.enums import AssetState, BatchState, EditTaskState, Lane, RenditionState, RunKind, Step
from reviewapp.jobs import runner
from reviewapp.models import (
    Asset,
    AuditEvent,
    Batch,
    CategoryRule,
    EditTask,
    ProcessingRun,
    QualityReport,
    Rendition,
    ReviewTask,
    SampleMember,
    Task,
)
from reviewapp.selectors import batches as reads
from reviewapp.services import batches, ingest, rendering, routing, runs
from tests import factories, line

pytestmark = pytest.mark.django_db(transaction=True)
SIDE = 640


def small(seed: int, **look: Any) -> bytes:
    return line.photo(seed, side=SIDE, **look)


def soften(batch: Batch) -> None:
    """Give the batch a preset that leaves edges as the remover saw them: their veil can't score full marks."""
    version = factories.make_preset_version(edge={"refinement": "low"})
    Batch.objects.filter(pk=batch.pk).update(preset_version=version)


def batch_of(count: int, *channels: str, **fields: Any) -> Batch:
    """An open batch of `count` easy photos of books that any score above 30 approves."""
    batch = line.open_batch(*channels, validation_profile="basic-500", **fields)
    factories.make_policy(approve_at=30.0, review_at=10.0)
    for n in range(count):
        line.send(batch, f"p{n}.jpg", small(n), sku=f"S{n}", category="books")
    return batch


def run_again() -> None:
    """Every task of the database once more, as if each bell and each completion had been lost."""
    for task in Task.objects.order_by("id"):
        Task.objects.filter(pk=task.pk).update(state="pending", attempts=0)
        assert runner.run_one(task.pk) == "done"


def facts() -> dict[str, int]:
    """How many of everything there is."""
    models = (ProcessingRun, QualityReport, ReviewTask, EditTask, Rendition, SampleMember, Task)
    return {model.__name__: model.objects.count() for model in models}


def test_sch11_every_job_twice_gives_one_of_everything() -> None:
    batch = batch_of(2)
    line.send(batch, "ring.jpg", small(7, shape="ring"), sku="R", category="jewelry")
    line.send(batch, "tube.jpg", small(8), sku="T", category="cosmetics_tube")
    ingest.close_batch(batch)
    line.run_line()
    before, states = facts(), Counter(Asset.objects.values_list("state", flat=True))
    events = AuditEvent.objects.count()
    assert before["ProcessingRun"] == before["QualityReport"] == 4
    assert states == {"auto_approved": 2, "editing": 1, "in_review": 1}
    assert before["ReviewTask"] == 2, "one for the medium photo, one for the sample"
    run_again()
    assert facts() == before
    assert Counter(Asset.objects.values_list("state", flat=True)) == states
    assert AuditEvent.objects.count() == events


def test_ing14_originals_are_the_bytes_that_came_after_everything_was_done() -> None:
    batch = batch_of(1)
    data = small(0)
    ingest.close_batch(batch)
    line.run_line()
    run_again()
    asset = batch.assets.get()
    assert asset.sha256 == hashlib.sha256(data).hexdigest()
    assert storage.read_bytes(asset.original_key) == data


def test_ing06_cls22_a_photo_knows_what_it_is_and_why() -> None:
    batch = batch_of(1)
    line.run_line()
    asset = batch.assets.get()
    assert (asset.sku, asset.category, asset.category_source) == ("S0", "books", "metadata")
    assert (asset.format, asset.width, asset.height) == ("JPEG", SIDE, SIDE)
    assert asset.intake_checks == {
        "file_exists": True, "file_readable": True, "format_supported": True, "sufficient_resolution": True,
        "passed": True,
    }  # fmt: skip
    assert "books" in asset.classification_rule
    assert asset.lane == Lane.AUTOMATED and asset.lane_reason
    assert len(asset.phash) == 16


def test_ing09_a_near_duplicate_is_named_and_kept() -> None:
    batch = batch_of(0)
    # Nothing symmetric: a hash of signs needs terms that are clearly not zero.
    picture = Image.open(io.BytesIO(small(1)))
    for corner, box in enumerate([(200, 190, 300, 420), (330, 200, 380, 260), (300, 400, 450, 440)]):
        picture.paste((70 * corner, 30, 20), box)
    for name, quality in (("first.jpg", 95), ("again.jpg", 70)):
        target = io.BytesIO()
        picture.save(target, "JPEG", quality=quality)
        line.send(batch, name, target.getvalue(), category="books")
    line.run_line()
    found = {asset.filename: [finding["code"] for finding in asset.findings] for asset in batch.assets.all()}
    assert "near_duplicate" in found["again.jpg"] and "near_duplicate" not in found["first.jpg"]
    assert batch.assets.filter(current_run__isnull=False).count() == 2


def test_fbk13_qc31_the_run_records_preset_model_confidence_and_route() -> None:
    batch = batch_of(1)
    line.run_line()
    run = ProcessingRun.objects.get()
    assert run.preset_version == batch.preset_version
    assert run.remover in ("studio", "compact", "rembg")
    assert run.remover == "studio" or (run.model_name and len(run.model_sha256) == 64)
    assert 0.0 < run.confidence <= 1.0
    assert run.params == batch.preset_version.params
    assert {"removal", "score"} <= {stage["name"] for stage in run.timings}
    assert run.quality.routing_rule and run.quality.policy.approve_at == 30.0
    for key in (
        run.pixels_key,
        run.alpha_key,
        run.after_key,
        run.before_key,
        run.thumb_before_key,
        run.thumb_after_key,
    ):
        assert storage.exists(key)


def test_val16_sch24_poison_among_ten_stops_nobody() -> None:
    batch = batch_of(0)
    for n in range(6):
        line.send(batch, f"ok{n}.jpg", small(n), category="books")
    good = small(99)
    bad = {
        "cut.jpg": good[: len(good) // 2],
        "text.jpg": b"this is no photo at all, just words. " * 100,
        "tiny.jpg": line.photo(5, side=200) + b"\0" * 2000,
        "blank.jpg": line.photo(6, side=SIDE, ground=255),
    }
    for name, data in bad.items():
        line.send(batch, name, data, category="books")
    ingest.close_batch(batch)
    line.run_line()
    batch.refresh_from_db()
    states = dict(batch.assets.values_list("filename", "state"))
    assert [states[f"ok{n}.jpg"] for n in range(6)] == ["auto_approved"] * 6
    assert states["cut.jpg"] == states["text.jpg"] == states["tiny.jpg"] == "rejected_intake"
    for asset in batch.assets.filter(state="rejected_intake"):
        assert asset.state_reason.endswith("."), asset.state_reason
        assert not asset.tasks.exclude(step=Step.VALIDATE).exists(), "VAL-09: no processing cost"
    assert not Task.objects.filter(state__in=["pending", "running"]).exists()
    assert sum(reads.counts(batch).values()) == 10


def test_sch21_a_batch_completes_exactly_once() -> None:
    batch = batch_of(1)
    line.send(batch, "broken.jpg", b"x" * 3000)
    ingest.close_batch(batch)
    line.run_line()
    batch.refresh_from_db()
    assert batch.state == BatchState.REVIEW, "the blind sample is still open"
    SampleMember.objects.update(outcome="accepted")
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    completed = batch.completed_at
    assert batch.state == BatchState.READY and completed is not None
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    assert batch.completed_at == completed
    assert AuditEvent.objects.filter(batch=batch, verb="batch.completed").count() == 1


def test_sch21_ten_refreshes_at_once_complete_once() -> None:
    batch = factories.make_batch()
    factories.make_policy()
    factories.make_asset(batch, AssetState.FAILED)

    def refresh() -> None:
        try:
            batches.refresh(batch.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=refresh) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batch.refresh_from_db()
    assert batch.state == BatchState.READY
    assert AuditEvent.objects.filter(batch=batch, verb="batch.completed").count() == 1


def test_an_open_batch_never_completes() -> None:
    batch = batch_of(1)
    line.run_line()
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    assert batch.state == BatchState.UPLOADING and batch.completed_at is None


def test_exp24_n_times_p_files_or_explicit_failures() -> None:
    batch = batch_of(0, "amazon_main", "shopify", "print_catalog")
    for n in range(2):  # large enough to fill 85 % of Amazon's smallest frame
        line.send(batch, f"p{n}.jpg", line.photo(n, side=1700), sku=f"S{n}", category="books")
    ingest.close_batch(batch)
    line.run_line()
    found = Rendition.objects.filter(asset__batch=batch)
    assert found.count() == 2 * 3
    for rendition in found:
        assert rendition.run.quality.total > 0, "QC-36: the score from before the export is kept as well"
        if rendition.state == RenditionState.VERIFIED:
            broken = {check["severity"] for check in rendition.checks if not check["passed"]}
            assert len(rendition.checks) > 5 and "error" not in broken, "QC-25: every rule of the channel is told"
            assert hashlib.sha256(storage.read_bytes(rendition.storage_key)).hexdigest() == rendition.sha256
            assert rendition.filename and "None" not in rendition.filename
        else:
            assert rendition.error.strip()
    missing = found.filter(channel__key="amazon_main")
    assert all("ASIN" in rendition.error or "1000" in rendition.error for rendition in missing)


def test_ing20_views_of_one_product_get_names_of_their_own() -> None:
    batch = batch_of(0, "shopify")
    for n in range(3):
        line.send(batch, f"view{n}.jpg", small(n), sku="MUG", asin="B0TEST0001", category="books")
    ingest.close_batch(batch)
    line.run_line()
    names = list(Rendition.objects.order_by("asset").values_list("filename", flat=True))
    assert names == ["MUG_view-1.webp", "MUG_view-2.webp", "MUG_view-3.webp"]


def test_rte09_an_always_human_photo_meets_an_editor_whatever_its_score() -> None:
    batch = batch_of(0)
    factories.make_policy(approve_at=1.0, review_at=0.0, medium_goes_to_people=False)
    for n, category in enumerate(["jewelry", "fur", "lingerie", "transparent", "Jewellery"]):
        row = ingest.read_csv(f"file,category\nx{n}.jpg,{category}\n")[f"x{n}.jpg"]
        ingest.register_upload(batch, [small(n)], f"x{n}.jpg", row)
    line.run_line()
    assert set(batch.assets.values_list("state", "lane")) == {(AssetState.EDITING, Lane.EDITING_WITH_START)}
    assert EditTask.objects.filter(base_run__isnull=False, reason="always_human").count() == 5
    assert not Rendition.objects.exists()


def test_rte09_a_rule_made_while_the_photo_waits_holds() -> None:
    batch = batch_of(1)
    for _step in range(2):
        runner.run_due(1)
    CategoryRule.objects.filter(category="books").update(always_human=True)
    line.run_line()
    assert batch.assets.get().state == AssetState.EDITING


def test_rte07_uncategorised_goes_to_people_without_a_processing_job() -> None:
    batch = batch_of(0)
    line.send(batch, "what.jpg", small(1), category="other")
    line.run_line()
    asset = batch.assets.get()
    assert (asset.state, asset.lane) == (AssetState.EDITING, Lane.MANUAL)
    assert not asset.tasks.filter(step=Step.PROCESS).exists()
    assert asset.edit_tasks.get().reason == "uncategorised"


def test_rte11_a_new_policy_routes_new_photos_and_leaves_old_decisions() -> None:
    batch = batch_of(1)
    line.run_line()
    factories.make_policy(approve_at=100.0, review_at=10.0)
    soften(batch)
    line.send(batch, "later.jpg", small(50), category="books")
    line.run_line()
    assert dict(batch.assets.values_list("filename", "state")) == {
        "p0.jpg": AssetState.AUTO_APPROVED, "later.jpg": AssetState.IN_REVIEW,
    }  # fmt: skip


def test_rte03_below_the_redo_line_an_editor_gets_the_breakdown() -> None:
    batch = batch_of(0)
    soften(batch)
    line.send(batch, "soft.jpg", small(50), category="books")
    factories.make_policy(approve_at=100.0, review_at=99.99, explored_share=0.0)
    line.run_line()
    edit = EditTask.objects.get()
    assert edit.asset.state == AssetState.EDITING and edit.reason == "low_score"
    assert edit.base_run is not None and edit.base_run.quality.routing == "reject_and_redo"
    assert batch.assets.get().state_reason


def test_rte12_a_retouched_file_is_scored_again_as_the_next_attempt() -> None:
    """REV-24: what was rejected is corrected and scored again at once."""
    batch = batch_of(0)
    line.send(batch, "ring.jpg", small(3, shape="ring"), category="jewelry")
    line.run_line()
    edit = EditTask.objects.get()
    base = edit.base_run
    assert base is not None
    stored = storage.put_bytes(rendering.cutout_png(base) + b"\0", prefix="e")
    editor = factories.make_user("ed")
    EditTask.objects.filter(pk=edit.pk).update(
        state=EditTaskState.SUBMITTED, editor=editor, upload_key=stored.key, upload_sha256=stored.sha256, version=1
    )
    task = runs.create_task(edit.asset, Step.RESCORE, f"rescore:{edit.pk}:1", args={"edit_task_id": edit.pk})
    assert runner.run_one(task.pk) == "done"
    asset = batch.assets.get()
    edit.refresh_from_db()
    assert asset.state == AssetState.AWAITING_SIGNOFF and asset.attempt == 2
    assert edit.state == EditTaskState.AWAITING_SIGNOFF and edit.result_run == asset.current_run
    assert [run.kind for run in asset.runs.order_by("attempt")] == [RunKind.AUTOMATED, RunKind.EDITED]
    Task.objects.filter(pk=task.pk).update(state="pending")
    assert runner.run_one(task.pk) == "done"
    assert asset.runs.count() == 2


def test_an_upload_that_cannot_be_scored_goes_back_to_its_editor() -> None:
    batch = batch_of(0)
    line.send(batch, "ring.jpg", small(3, shape="ring"), category="jewelry")
    line.run_line()
    edit = EditTask.objects.get()
    wrong = storage.put_bytes(line.photo(4, side=300), prefix="e")
    EditTask.objects.filter(pk=edit.pk).update(
        state=EditTaskState.SUBMITTED, editor=factories.make_user("ed"), upload_key=wrong.key, version=1
    )
    task = runs.create_task(edit.asset, Step.RESCORE, f"rescore:{edit.pk}:1", args={"edit_task_id": edit.pk})
    assert runner.run_one(task.pk) == "dead"
    edit.refresh_from_db()
    assert edit.state == EditTaskState.CLAIMED
    assert "px" in edit.signoff_note


def test_rte08_a_dead_task_becomes_a_failure_people_see_and_can_retry() -> None:
    """PRO-17: failed is a state and a list with the reason and a retry; the original stays where it is."""
    batch = batch_of(1)
    ingest.close_batch(batch)
    asset = batch.assets.get()
    held_back = storage.read_bytes(asset.original_key)
    path = None
    with storage.local_path(asset.original_key) as found:
        path = found
    path.unlink()
    line.run_line()
    asset.refresh_from_db()
    assert (asset.state, asset.state_code) == (AssetState.FAILED, "original_damaged")
    group = reads.failures(batch)[0]
    assert group.count == 1 and group.can_retry and group.sentence
    batch.refresh_from_db()
    assert batch.completed_at is not None, "a failure is an end too"
    assert storage.put_bytes(held_back, prefix="o").key == asset.original_key
    assert batches.retry_failed(batch, code="something_else") == 0
    assert batches.retry_failed(batch) == 1
    line.run_line()
    asset.refresh_from_db()
    assert asset.state == AssetState.AUTO_APPROVED


def test_rte08_failed_photos_can_be_handed_to_editors() -> None:
    batch = factories.make_batch()
    factories.make_policy()
    asset = factories.make_asset(batch, AssetState.FAILED, state_reason="No product was found.")
    assert batches.hand_to_editors(batch) == 1
    asset.refresh_from_db()
    assert asset.state == AssetState.EDITING
    assert asset.edit_tasks.get().reason == "process_failed"


def test_a_dead_render_leaves_explicit_failures_and_a_retry_makes_the_files() -> None:
    batch = batch_of(1, "shopify", "google_shopping")
    ingest.close_batch(batch)
    while not Task.objects.filter(step=Step.RENDER).exists():
        runner.run_due(1)
    task = Task.objects.get(step=Step.RENDER)
    Task.objects.filter(pk=task.pk).update(state="dead", error_category="processing_errors", error_text="Worker lost.")
    task.refresh_from_db()
    routing.task_died(task)
    assert set(Rendition.objects.values_list("state", "error")) == {("failed", "Worker lost.")}
    assert batch.assets.get().state == AssetState.AUTO_APPROVED
    assert batches.retry_failed(batch) == 1
    line.run_line()
    assert list(Rendition.objects.values_list("state", flat=True)) == ["verified", "verified"]
