"""Undo against what others do at the same moment: take a held photo up, deliver the batch (REV-04, DEL-02)."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from reviewapp.enums import (
    AssetState,
    BatchState,
    EditReason,
    EditTaskState,
    ReviewTaskState,
    Role,
    SampleOutcome,
    Step,
)
from reviewapp.management.shop import calendar
from reviewapp.models import Asset, AuditEvent, EditTask, ReviewDecision, ReviewTask, SampleMember, Task
from reviewapp.services import afterwards, delivery, review, undo
from reviewapp.services.handover import open_editing
from tests import factories as make

from .test_review_claims import in_threads
from .test_review_decisions import decide

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reviewer() -> User:
    return make.make_user("ria", Role.REVIEWER)


def test_a_hold_is_not_undone_out_of_the_hands_of_who_took_the_photo_up(reviewer: User) -> None:
    task = make.make_review()
    held = decide(reviewer, task, "hold").decision
    other = make.make_user("rob", Role.REVIEWER)
    taken = review.take_back(other, task.pk)
    assert held is not None and taken is not None
    assert not review.undo(reviewer, held.pk).is_undone
    assert decide(other, taken, "approve").status == "saved"


def test_del02_an_undo_while_the_photo_is_being_delivered_waits_and_is_refused(reviewer: User) -> None:
    manager = make.make_user("mia", Role.MANAGER)
    batch = make.make_batch(state=BatchState.READY)
    task = make.make_review(batch)
    decision = decide(reviewer, task, "approve").decision
    assert decision is not None
    make.make_rendition(task.asset, batch.channels.get())
    Task.objects.update(state="done")
    is_listed = threading.Event()

    def work(at: int) -> str:
        if at:
            assert is_listed.wait(10)
            return review.undo(reviewer, decision.pk).message
        with transaction.atomic():
            packed = delivery.release(batch, manager)
            is_listed.set()
            time.sleep(0.5)  # the list is fixed and not committed yet: the undo asks now
        return f"delivered {packed.file_count}"

    assert in_threads(2, work) == ["delivered 1", "The photo has been delivered. It can't be undone."]
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.APPROVED


@pytest.mark.parametrize(("verdict", "reasons"), [("approve", []), ("reject", ["shadow"])])
def test_nothing_follows_a_decision_that_was_taken_back_before_it_followed(
    reviewer: User, verdict: str, reasons: list[str]
) -> None:
    task = make.make_review()
    with afterwards.kept() as late:
        decision = decide(reviewer, task, verdict, *reasons).decision
    assert decision is not None
    assert review.undo(reviewer, decision.pk).is_undone
    late.run()
    task.asset.refresh_from_db()
    task.refresh_from_db()
    assert (task.asset.state, task.state) == (AssetState.IN_REVIEW, ReviewTaskState.OPEN)
    assert not Task.objects.exists() and not EditTask.objects.exists()
    assert decide(reviewer, task, "approve").status == "saved"


def test_an_undo_whose_process_died_is_finished_by_the_sweep_once(reviewer: User) -> None:
    task = make.make_review()
    decision = decide(reviewer, task, "approve").decision
    assert decision is not None
    with afterwards.kept():  # and never run
        assert review.undo(reviewer, decision.pk).is_undone
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.APPROVED
    assert undo.repair() == 0, "just now: whoever took it back may still be at it"
    with calendar.opened() as tomorrow:
        tomorrow.next_day()
        assert (undo.repair(), undo.repair()) == (1, 0)
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.IN_REVIEW


def test_in_the_background_things_follow_in_their_order_and_a_failure_stops_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(afterwards, "_background", None)
    afterwards.in_background()
    made: list[tuple[str, str]] = []
    done = threading.Event()

    def note(word: str) -> None:
        made.append((word, threading.current_thread().name))

    for word in ("first", "second", "third"):
        with afterwards.kept() as late:
            afterwards.do(lambda word=word: note(word))
            afterwards.do(lambda: 1 // 0)
            afterwards.do(done.set if word == "third" else lambda: None)
        late.leave()
    assert done.wait(20)
    assert made == [(word, "afterwards_0") for word in ("first", "second", "third")]


def test_a_new_verdict_right_after_the_undo_counts_though_the_photo_is_still_on_its_way_back(reviewer: User) -> None:
    task = make.make_review()
    decision = decide(reviewer, task, "approve").decision
    assert decision is not None
    with afterwards.kept() as late:
        undone = review.undo(reviewer, decision.pk)
    assert undone.is_undone and undone.task is not None
    assert decide(reviewer, undone.task, "reject", "shadow").status == "saved"
    late.run()
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.EDITING, "the late undo takes nothing back of what came after it"
    assert [edit.state for edit in EditTask.objects.all()] == [EditTaskState.OPEN]
    moves = AuditEvent.objects.filter(verb="asset.moved", asset=task.asset).order_by("pk")
    assert [event.after["state"] for event in moves] == ["approved", "in_review", "editing"]


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_smp01_a_samples_verdict_whose_process_died_is_counted_by_the_sweep_once(reviewer: User, verdict: str) -> None:
    make.policy()
    task = make.make_sample()
    with afterwards.kept():  # and never run
        assert decide(reviewer, task, verdict, *(["edge_halo"] if verdict == "reject" else [])).status == "saved"
    assert review.repair() == 0, "just now"
    ReviewTask.objects.update(decided_at=timezone.now() - timedelta(minutes=5))
    assert (review.repair(), review.repair()) == (1, 0)
    task.asset.refresh_from_db()
    outcome = SampleMember.objects.get(review_task=task).outcome
    assert outcome == (SampleOutcome.ACCEPTED if verdict == "approve" else SampleOutcome.REJECTED)
    assert task.asset.state == (AssetState.AUTO_APPROVED if verdict == "approve" else AssetState.EDITING)


def test_a_hold_whose_process_died_is_finished_by_the_sweep_once(reviewer: User) -> None:
    task = make.make_review()
    with afterwards.kept():
        assert decide(reviewer, task, "hold").status == "saved"
    ReviewTask.objects.update(decided_at=timezone.now() - timedelta(minutes=5))
    assert (review.repair(), review.repair()) == (1, 0)
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.ON_HOLD


def test_the_sweep_leaves_a_photo_with_the_editor_it_went_to_after_the_undo(reviewer: User) -> None:
    make.policy()
    task = make.make_sample()
    decision = decide(reviewer, task, "approve").decision
    assert decision is not None and review.undo(reviewer, decision.pk).is_undone
    task.asset.refresh_from_db()
    open_editing(task.asset, EditReason.ALWAYS_HUMAN, "The list names it jewellery", base_run=task.run)
    with calendar.opened() as tomorrow:
        tomorrow.next_day()
        assert undo.repair() == 0
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.EDITING


@pytest.mark.parametrize(
    ("verdict", "reasons", "state"), [("approve", [], AssetState.APPROVED), ("reject", ["shadow"], AssetState.EDITING)]
)
def test_a_decision_whose_process_died_before_the_photo_moved_is_followed_up_once(
    reviewer: User, verdict: str, reasons: list[str], state: AssetState
) -> None:
    task, untouched = make.make_review(), make.make_review()
    assert decide(reviewer, task, verdict, *reasons).status == "saved"
    # As it is when the process ends after the decision is stored and before anything follows.
    Task.objects.all().delete()
    EditTask.objects.all().delete()
    Asset.objects.filter(pk=task.asset_id).update(state=AssetState.IN_REVIEW)
    assert review.repair() == 0, "just now: whoever decided may still be at it"
    ReviewTask.objects.filter(pk=task.pk).update(decided_at=timezone.now() - timedelta(minutes=2))
    assert (review.repair(), review.repair()) == (1, 0)
    task.asset.refresh_from_db()
    assert task.asset.state == state
    assert Task.objects.filter(step=Step.RENDER).count() == int(verdict == "approve")
    assert EditTask.objects.filter(asset=task.asset).count() == int(verdict == "reject")
    untouched.asset.refresh_from_db()
    assert untouched.asset.state == AssetState.IN_REVIEW and ReviewDecision.objects.count() == 1
