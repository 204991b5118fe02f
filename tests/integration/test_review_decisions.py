"""Deciding: once, by the right person, with everything that follows, and back again (REV-04, REV-07, C10, C19)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from reviewapp.enums import AssetState, EditReason, EditTaskState, ReviewTaskState, Role, SampleOutcome, Step, Verdict
from reviewapp.models import AuditEvent, EditTask, ReviewDecision, ReviewTask, SampleMember, Task
from reviewapp.selectors import review as selectors
from reviewapp.services import review
from reviewapp.services.people import NotAllowed
from tests import factories as make

from .test_review_claims import expire, in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reviewer() -> User:
    return make.make_user("ria", Role.REVIEWER)


def decide(user: User, task: ReviewTask, verdict: str, *reasons: str, **extra: Any) -> review.DecisionResult:
    values: dict[str, Any] = {"seen_version": task.version, "idempotency_key": f"{user.pk}-{task.pk}-{task.version}"}
    return review.record_decision(user, task.pk, verdict=verdict, reasons=reasons, **{**values, **extra})


def test_rev04_approve_moves_the_photo_on_and_orders_its_files(reviewer: User) -> None:
    task = make.make_review(total=81.5)
    review.claim_next(reviewer)
    result = decide(reviewer, task, "approve", note="fine", seconds_taken=3.5)
    assert result.status == "saved" and result.decision is not None
    task.refresh_from_db()
    assert (task.state, task.version, task.lease_owner) == (ReviewTaskState.DONE, 1, None)
    assert task.asset.state == AssetState.APPROVED
    render = Task.objects.get(step=Step.RENDER)
    assert render.key == f"render:{task.run_id}" and render.args == {"run_id": task.run_id}
    decision = result.decision
    assert (decision.reviewer, decision.score_total) == (reviewer, 81.5)
    assert (decision.seconds_taken, decision.note) == (3.5, "fine")
    assert decision.preset_version == task.run.preset_version and decision.policy == task.run.quality.policy
    assert AuditEvent.objects.filter(verb="asset.moved", actor=reviewer, asset=task.asset).exists()


def test_rev07_reject_needs_a_reason_and_opens_an_edit_that_names_it(reviewer: User) -> None:
    task = make.make_review()
    refused = decide(reviewer, task, "reject")
    assert refused.status == "invalid" and "reason" in refused.message
    assert not ReviewDecision.objects.exists()
    assert decide(reviewer, task, "reject", "edge_halo", "shadow", "edge_halo", note="left side").status == "saved"
    edit = EditTask.objects.get(asset=task.asset)
    assert (edit.reason, edit.base_run, edit.state) == (EditReason.REJECTED, task.run, EditTaskState.OPEN)
    assert "edge halo" in edit.why and "shadow" in edit.why and "left side" in edit.why
    assert ReviewDecision.objects.get().reasons == ["edge_halo", "shadow"]
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.EDITING


@pytest.mark.parametrize(
    ("verdict", "reasons", "extra"),
    [
        ("maybe", (), {}),
        ("reject", ("no_such_reason",), {}),
        ("approve", (), {"note": "x" * 501}),
        ("approve", (), {"idempotency_key": ""}),
        ("approve", (), {"idempotency_key": "k" * 65}),
    ],
)
def test_what_makes_no_sense_is_invalid_and_changes_nothing(
    reviewer: User, verdict: str, reasons: tuple[str, ...], extra: dict[str, Any]
) -> None:
    task = make.make_review()
    result = decide(reviewer, task, verdict, *reasons, **extra)
    assert result.status == "invalid" and result.message.endswith(".")
    task.refresh_from_db()
    assert (task.state, task.version) == (ReviewTaskState.OPEN, 0)


def test_a_task_that_does_not_exist_is_invalid(reviewer: User) -> None:
    result = review.record_decision(reviewer, 999, seen_version=0, verdict="approve", idempotency_key="k")
    assert result.status == "invalid"


def test_absurd_thinking_times_are_dropped_not_stored(reviewer: User) -> None:
    for seconds in (-1.0, float("nan"), float("inf"), 1e9):
        task = make.make_review()
        result = decide(reviewer, task, "approve", seconds_taken=seconds)
        assert result.decision is not None and result.decision.seconds_taken is None


def test_the_same_key_twice_is_one_decision(reviewer: User) -> None:
    task = make.make_review()
    first = decide(reviewer, task, "approve", idempotency_key="once")
    again = decide(reviewer, task, "reject", "shadow", idempotency_key="once")
    assert (first.status, again.status) == ("saved", "replayed")
    assert again.decision == first.decision and ReviewDecision.objects.count() == 1


def test_somebody_elses_key_is_not_replayed(reviewer: User) -> None:
    task, other = make.make_review(), make.make_user("otto", Role.REVIEWER)
    decide(reviewer, task, "approve", idempotency_key="k")
    assert decide(other, task, "approve", idempotency_key="k").status == "invalid"


def test_the_second_decider_is_told_who_was_first_and_kept_as_second_opinion(reviewer: User) -> None:
    task, late = make.make_review(), make.make_user("late", Role.REVIEWER)
    decide(reviewer, task, "approve")
    result = decide(late, task, "reject", "shadow")
    assert result.status == "conflict" and result.message == (
        "Already decided by ria: approved. Your vote is kept as a second opinion."
    )
    assert result.decision is not None and result.decision.is_second_opinion
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.APPROVED, "the first decision stands"
    assert list(selectors.live_decisions().values_list("reviewer__username", flat=True)) == ["ria"]
    lost = decide(late, task, "reject", "shadow", idempotency_key=result.decision.idempotency_key)
    assert lost.status == "conflict" and lost.message == result.message, "an answer that was lost says the same again"
    assert decide(late, task, "approve", idempotency_key="again").decision is None, "one second opinion per person"


def test_own_double_decision_from_two_tabs_is_no_second_opinion(reviewer: User) -> None:
    task = make.make_review()
    decide(reviewer, task, "approve", idempotency_key="tab1")
    result = decide(reviewer, task, "reject", "shadow", idempotency_key="tab2")
    assert result.status == "conflict" and "You have approved this photo already" in result.message
    assert ReviewDecision.objects.count() == 1


def test_own_hold_in_another_tab_is_named(reviewer: User) -> None:
    task = make.make_review()
    decide(reviewer, task, "skip", idempotency_key="tab1")
    result = decide(reviewer, task, "approve", idempotency_key="tab2")
    assert result.status == "lease_gone" and "You have skipped this photo already" in result.message


def test_a_lease_that_ran_out_still_counts_while_nobody_else_has_the_photo(reviewer: User) -> None:
    task = make.make_review()
    review.claim_next(reviewer)
    expire(task)
    assert decide(reviewer, task, "approve").status == "saved"


def test_a_photo_that_is_with_somebody_else_now_is_not_decided(reviewer: User) -> None:
    task, other = make.make_review(), make.make_user("otto", Role.REVIEWER)
    review.claim_next(reviewer)
    expire(task)
    review.claim_next(other)
    result = decide(reviewer, task, "approve")
    assert result.status == "lease_gone" and result.decision is None
    assert not ReviewDecision.objects.exists()


def test_a_photo_that_changed_since_it_was_seen_is_not_decided(reviewer: User) -> None:
    task, other = make.make_review(), make.make_user("otto", Role.REVIEWER)
    decide(other, task, "skip")
    assert decide(reviewer, task, "approve").status == "lease_gone"


def test_a_withdrawn_task_and_a_cancelled_photo_are_gone(reviewer: User) -> None:
    withdrawn = make.make_review()
    ReviewTask.objects.filter(pk=withdrawn.pk).update(state=ReviewTaskState.WITHDRAWN)
    assert decide(reviewer, withdrawn, "approve").status == "lease_gone"
    cancelled = make.make_review()
    type(cancelled.asset).objects.filter(pk=cancelled.asset_id).update(state=AssetState.CANCELLED)
    assert decide(reviewer, cancelled, "approve").status == "lease_gone"
    assert not ReviewDecision.objects.exists()
    cancelled.refresh_from_db()
    assert cancelled.version == 0


def test_hold_keeps_the_photo_back_and_take_back_brings_it_to_a_person(reviewer: User) -> None:
    task = make.make_review()
    assert decide(reviewer, task, "hold", note="ask the client").status == "saved"
    task.refresh_from_db()
    assert task.state == ReviewTaskState.ON_HOLD and task.asset.state == AssetState.ON_HOLD
    assert review.claim_next(reviewer) == [] and selectors.queue_counts(reviewer).held == 1
    assert decide(reviewer, task, "hold", idempotency_key="h2").status == "invalid"
    taken = review.take_back(reviewer, task.pk)
    assert taken is not None and taken.lease_owner == reviewer and taken.asset.state == AssetState.IN_REVIEW
    assert review.take_back(reviewer, task.pk) is None
    assert decide(reviewer, taken, "approve").status == "saved"


def test_a_held_photo_can_be_decided_straight_away(reviewer: User) -> None:
    task = make.make_review()
    decide(reviewer, task, "hold")
    task.refresh_from_db()
    assert decide(reviewer, task, "reject", "shadow").status == "saved"
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.EDITING


def test_smp02_an_accepted_sample_moves_nothing_and_says_the_same_words(reviewer: User) -> None:
    plain, sample = make.make_review(), make.make_sample()
    said = {decide(reviewer, plain, "approve").message, decide(reviewer, sample, "approve").message}
    assert said == {"Approved."}
    sample.asset.refresh_from_db()
    assert sample.asset.state == AssetState.AUTO_APPROVED
    assert SampleMember.objects.get().outcome == SampleOutcome.ACCEPTED
    assert AuditEvent.objects.get(verb="sample.judged").actor == reviewer
    assert not Task.objects.filter(asset=sample.asset).exists()


def test_smp03_a_rejected_sample_goes_to_an_editor(reviewer: User) -> None:
    sample = make.make_sample()
    assert decide(reviewer, sample, "reject", "edge_halo").message == "Rejected. An editor gets it."
    sample.asset.refresh_from_db()
    assert sample.asset.state == AssetState.EDITING
    edit = EditTask.objects.get()
    assert edit.reason == EditReason.SAMPLE_REJECTED and "edge halo" in edit.why
    assert SampleMember.objects.get().outcome == SampleOutcome.REJECTED


def test_a_held_sample_stays_approved_but_open(reviewer: User) -> None:
    sample = make.make_sample()
    decide(reviewer, sample, "hold")
    sample.refresh_from_db()
    assert sample.state == ReviewTaskState.ON_HOLD and sample.asset.state == AssetState.AUTO_APPROVED
    assert review.take_back(reviewer, sample.pk) is not None


def test_rev19_deciding_needs_the_reviewers_role() -> None:
    task = make.make_review()
    for role in (Role.EDITOR, Role.MANAGER):
        with pytest.raises(NotAllowed):
            decide(make.make_user("", role), task, "approve")
    assert not ReviewDecision.objects.exists()


def test_decisions_are_append_only(reviewer: User) -> None:
    decision = decide(reviewer, make.make_review(), "approve").decision
    assert decision is not None
    with pytest.raises(ValidationError):
        decision.save()
    with pytest.raises(ValidationError):
        decision.delete()


def test_which_queue_it_was_decided_in_is_recorded(reviewer: User) -> None:
    blind = decide(reviewer, make.make_review(), "approve").decision
    seen = decide(reviewer, make.make_review(), "approve", queue="assisted").decision
    assert blind is not None and seen is not None
    assert (blind.was_blind, seen.was_blind) == (True, False)
    assert not review.undo(reviewer, seen.pk).was_blind
    sample = decide(reviewer, make.make_sample(), "approve", queue="assisted").decision
    assert sample is not None and sample.was_blind, "a sample is never shown with its score"


def test_c19_of_six_people_deciding_at_once_one_wins_and_five_are_second_opinions() -> None:
    task = make.make_review()
    people = [make.make_user(f"p{n}", Role.REVIEWER) for n in range(6)]
    results = in_threads(6, lambda n: decide(people[n], task, "approve" if n % 2 else "reject", "shadow"))
    assert sorted(result.status for result in results) == ["conflict"] * 5 + ["saved"]
    assert ReviewDecision.objects.filter(is_second_opinion=True).count() == 5
    assert selectors.live_decisions().count() == 1
    task.refresh_from_db()
    first = selectors.final_decision(task)
    assert first is not None
    expected = AssetState.APPROVED if first.verdict == Verdict.APPROVE else AssetState.EDITING
    assert task.asset.state == expected and task.version == 1


def test_a_double_click_in_two_requests_at_once_is_one_decision(reviewer: User) -> None:
    task = make.make_review()
    results = in_threads(4, lambda _n: decide(reviewer, task, "approve", idempotency_key="click"))
    assert {result.status for result in results} <= {"saved", "replayed", "conflict"}
    assert [result.status for result in results].count("saved") == 1
    assert ReviewDecision.objects.count() == 1


def test_a_decision_and_all_that_follows_is_one_transaction(reviewer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make.make_review()

    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("reviewapp.services.routing.start_render", fail)
    with pytest.raises(RuntimeError):
        decide(reviewer, task, "approve")
    task.refresh_from_db()
    assert (task.state, task.version, task.asset.state) == (ReviewTaskState.OPEN, 0, AssetState.IN_REVIEW)
    assert not ReviewDecision.objects.exists()


def test_undo_returns_an_approved_photo_to_the_person_as_a_new_row(reviewer: User) -> None:
    task = make.make_review()
    decision = decide(reviewer, task, "approve").decision
    assert decision is not None
    undone = review.undo(reviewer, decision.pk)
    assert undone.is_undone and undone.task is not None
    assert (undone.task.state, undone.task.version, undone.task.lease_owner) == (ReviewTaskState.OPEN, 2, reviewer)
    assert undone.task.asset.state == AssetState.IN_REVIEW
    assert ReviewDecision.objects.get(undoes=decision).reviewer == reviewer
    assert not selectors.live_decisions().exists()
    again = review.undo(reviewer, decision.pk)
    assert again.is_undone and ReviewDecision.objects.count() == 2, "asking twice changes nothing"
    assert decide(reviewer, undone.task, "reject", "shadow").status == "saved"


def test_undo_is_repeatable_back_through_the_stack(reviewer: User) -> None:
    tasks = [make.make_review() for _ in range(3)]
    for task in tasks:
        decide(reviewer, task, "approve")
    for _ in tasks:
        newest = selectors.my_recent_decisions(reviewer, 1)[0]
        assert review.undo(reviewer, newest.pk).is_undone
    assert list(selectors.my_recent_decisions(reviewer)) == []
    assert ReviewTask.objects.filter(state=ReviewTaskState.OPEN, lease_owner=reviewer).count() == 3


def test_decide_undo_decide_undo_on_one_photo(reviewer: User) -> None:
    task = make.make_review()
    for _round in range(2):
        task.refresh_from_db()
        decision = decide(reviewer, task, "reject", "shadow").decision
        assert decision is not None and review.undo(reviewer, decision.pk).is_undone
    assert EditTask.objects.filter(state=EditTaskState.WITHDRAWN).count() == 2
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.IN_REVIEW


def test_undo_of_a_rejection_is_refused_once_an_editor_has_it(reviewer: User) -> None:
    task = make.make_review()
    decision = decide(reviewer, task, "reject", "shadow").decision
    assert decision is not None
    EditTask.objects.update(state=EditTaskState.CLAIMED, editor=make.make_user("ed", Role.EDITOR))
    result = review.undo(reviewer, decision.pk)
    assert not result.is_undone and "editor" in result.message
    task.refresh_from_db()
    assert (task.state, task.version) == (ReviewTaskState.DONE, 1), "a refused undo leaves no trace"
    assert ReviewDecision.objects.count() == 1


def test_undo_reaches_back_until_the_photo_is_sealed_in_a_delivery(reviewer: User) -> None:
    from reviewapp.models import Delivery, DeliveryItem

    sent_task = make.make_review()
    sent = decide(reviewer, sent_task, "approve").decision
    assert sent is not None
    asset = sent_task.asset
    rendition = make.make_rendition(asset, asset.batch.batch_channels.all()[0].channel)
    delivery = Delivery.objects.create(batch=asset.batch, number=1, manifest={})
    DeliveryItem.objects.create(delivery=delivery, rendition=rendition, path="a/b.jpg")
    result = review.undo(reviewer, sent.pk)
    assert not result.is_undone and "delivered" in result.message


def test_only_own_decisions_that_still_stand_can_be_undone(reviewer: User) -> None:
    task, other = make.make_review(), make.make_user("otto", Role.REVIEWER)
    decision = decide(reviewer, task, "approve").decision
    second = decide(other, task, "reject", "shadow").decision
    assert decision is not None and second is not None
    assert not review.undo(other, decision.pk).is_undone
    assert not review.undo(other, second.pk).is_undone, "a second opinion changed nothing, so there is nothing to undo"
    undone = review.undo(reviewer, decision.pk)
    assert undone.task is not None
    undo_row = ReviewDecision.objects.get(undoes=decision)
    assert not review.undo(reviewer, undo_row.pk).is_undone
    assert not review.undo(reviewer, 10**6).is_undone


def test_undo_of_hold_and_skip_gives_the_photo_back(reviewer: User) -> None:
    held, skipped = make.make_review(), make.make_review()
    one, two = decide(reviewer, held, "hold").decision, decide(reviewer, skipped, "skip").decision
    assert one is not None and two is not None
    assert review.undo(reviewer, one.pk).is_undone and review.undo(reviewer, two.pk).is_undone
    held.refresh_from_db()
    assert held.state == ReviewTaskState.OPEN and held.asset.state == AssetState.IN_REVIEW


@pytest.mark.parametrize("verdict", ["approve", "reject"])
def test_undo_of_a_sample_makes_it_pending_again(reviewer: User, verdict: str) -> None:
    sample = make.make_sample()
    decision = decide(reviewer, sample, verdict, "shadow").decision
    assert decision is not None and review.undo(reviewer, decision.pk).is_undone
    member = SampleMember.objects.get()
    assert (member.outcome, member.judged_at) == (SampleOutcome.PENDING, None)
    sample.asset.refresh_from_db()
    assert sample.asset.state == AssetState.AUTO_APPROVED


def test_two_undos_of_one_decision_at_once_are_one(reviewer: User) -> None:
    decision = decide(reviewer, make.make_review(), "approve").decision
    assert decision is not None
    results = in_threads(3, lambda _n: review.undo(reviewer, decision.pk))
    assert any(result.is_undone for result in results)
    assert ReviewDecision.objects.filter(undoes=decision).count() == 1
