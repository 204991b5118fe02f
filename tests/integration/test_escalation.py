"""Escalating to a senior, rings drawn on a result, and undo that never takes a photo off somebody's screen."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from reviewapp.enums import AssetState, ReviewTaskState, Role, Verdict
from reviewapp.models import ReviewDecision, ReviewTask
from reviewapp.policies.choosing import Choice
from reviewapp.selectors import choosing, home
from reviewapp.selectors import review as selectors
from reviewapp.selectors.people import roles_of
from reviewapp.services import review
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reviewer() -> User:
    return make.make_user("ria", Role.REVIEWER)


@pytest.fixture
def senior() -> User:
    return make.make_user("sena", Role.SENIOR)


def decide(user: User, task: ReviewTask, verdict: str, *reasons: str, **extra: Any) -> review.DecisionResult:
    task.refresh_from_db()
    values: dict[str, Any] = {"seen_version": task.version, "idempotency_key": f"{user.pk}-{task.pk}-{task.version}"}
    return review.record_decision(user, task.pk, verdict=verdict, reasons=reasons, **{**values, **extra})


def test_an_escalated_photo_goes_to_seniors_only_and_to_them_first(reviewer: User, senior: User) -> None:
    first, second = make.make_review(priority=1), make.make_review(priority=5)
    assert decide(reviewer, second, "escalate", note="Is this the brand's grey?").status == "saved"
    second.refresh_from_db()
    assert (second.state, second.needs_senior, second.decided_at) == (ReviewTaskState.OPEN, True, None)
    assert second.asset.state == AssetState.IN_REVIEW
    assert [task.pk for task in review.claim_next(reviewer, 8)] == [first.pk]
    assert selectors.queue_counts(reviewer).waiting == 1
    review.release(reviewer)
    lent = review.claim_next(senior, 8)
    assert [task.pk for task in lent] == [second.pk, first.pk], "the escalated one first, whatever its priority"
    assert selectors.queue_counts(senior).waiting == 2
    assert selectors.item_payload(lent[0], senior)["escalation"] == "ria: Is this the brand's grey?"
    assert selectors.item_payload(lent[1], senior)["escalation"] == ""
    assert decide(senior, second, "approve").status == "saved"


@pytest.mark.parametrize("queue", selectors.QUEUES)
def test_what_a_senior_holds_after_it_was_escalated_stays_with_seniors(
    reviewer: User, senior: User, queue: selectors.Queue
) -> None:
    """A reviewer who could take it up would have it lent and never be shown it; nobody else either for ten minutes."""
    plain, escalated = make.make_review(make.make_batch()), make.make_review(make.make_batch())
    decide(reviewer, plain, "hold")
    decide(reviewer, escalated, "escalate")
    held = decide(senior, escalated, "hold").decision
    assert held is not None
    for person, tasks in ((reviewer, [plain]), (senior, [plain, escalated])):
        assert list(selectors.held_tasks(queue, person)) == tasks
        assert selectors.queue_counts(person, queue).held == len(tasks)
        own = [choosing.counts(person, queue, Choice(batch=task.asset.batch_id)).held for task in (plain, escalated)]
        assert own == [1, int(person == senior)]
        needs = {need.kind: need.count for need in home.needs(person, roles_of(person))}
        assert needs["held"] == len(tasks)
    assert review.take_back(reviewer, escalated.pk, queue) is None
    escalated.refresh_from_db()
    assert (escalated.state, escalated.lease_owner) == (ReviewTaskState.ON_HOLD, None)
    assert review.undo(senior, held.pk).is_undone, "nothing came between the senior and their hold"
    review.release(senior)
    decide(senior, escalated, "hold")
    assert review.take_back(senior, escalated.pk, queue) == escalated
    assert escalated.pk in [task.pk for task in review.claim_next(senior, 4, queue)], "and a senior is shown it"
    assert review.take_back(reviewer, plain.pk, queue) == plain


def test_a_reviewer_who_still_shows_it_cannot_decide_what_waits_for_a_senior(reviewer: User, senior: User) -> None:
    task, other = make.make_review(), make.make_user("otto", Role.REVIEWER)
    decide(reviewer, task, "escalate")
    late = decide(other, task, "approve")
    assert late.status == "lease_gone" and "senior" in late.message
    assert ReviewDecision.objects.count() == 1


def test_escalating_needs_somebody_above(reviewer: User) -> None:
    task = make.make_review()
    nobody = decide(reviewer, task, "escalate")
    assert nobody.status == "invalid" and "Nobody here is a senior" in nobody.message
    alone = decide(make.make_user("sena", Role.SENIOR), task, "escalate")
    assert alone.status == "invalid" and "You are a senior" in alone.message
    task.refresh_from_db()
    assert (task.needs_senior, task.version) == (False, 0)


def test_an_escalated_sample_stays_a_blind_sample(reviewer: User, senior: User) -> None:
    sample = make.make_sample()
    assert decide(reviewer, sample, "escalate").status == "saved"
    payload = selectors.item_payload(review.claim_next(senior, 1)[0], senior, blind=True)
    assert "assist" not in payload and payload["escalation"] == "ria asked for a senior."
    sample.asset.refresh_from_db()
    assert sample.asset.state == AssetState.AUTO_APPROVED
    assert review.claim_next(make.make_user("s2", Role.SENIOR), 1, "assisted") == []


def test_escalation_is_undone_until_a_senior_has_it_on_screen(reviewer: User, senior: User) -> None:
    task = make.make_review()
    decision = decide(reviewer, task, "escalate").decision
    assert decision is not None
    review.claim_next(senior, 1)
    refused = review.undo(reviewer, decision.pk)
    assert not refused.is_undone and "on screen" in refused.message and refused.is_passing
    task.refresh_from_db()
    assert (task.needs_senior, task.lease_owner) == (True, senior)
    review.release(senior)
    assert review.undo(reviewer, decision.pk).is_undone
    task.refresh_from_db()
    assert (task.needs_senior, task.escalated_by, task.lease_owner) == (False, None, reviewer)


def test_undoing_a_skip_never_takes_the_photo_off_somebody_elses_screen(reviewer: User) -> None:
    task, other = make.make_review(), make.make_user("otto", Role.REVIEWER)
    review.claim_next(reviewer, 1)
    decision = decide(reviewer, task, "skip").decision
    assert decision is not None
    assert [lent.pk for lent in review.claim_next(other, 1)] == [task.pk]
    assert not review.undo(reviewer, decision.pk).is_undone
    task.refresh_from_db()
    assert task.lease_owner == other


def test_rev07_rings_are_kept_with_the_rejection_in_frame_pixels(reviewer: User) -> None:
    task = make.make_review()
    marks = [{"x": 100.04, "y": 250, "w": 40, "h": 30.5, "extra": "dropped"}]
    assert decide(reviewer, task, "reject", "edge_halo", marks=marks).status == "saved"
    assert ReviewDecision.objects.get().marks == [{"x": 100.0, "y": 250.0, "w": 40.0, "h": 30.5}]


@pytest.mark.parametrize(
    "marks",
    [
        ["here"],
        [{"x": 1, "y": 1, "w": 10}],
        [{"x": float("nan"), "y": 1, "w": 10, "h": 10}],
        [{"x": 1, "y": 1, "w": 1, "h": 10}],
        [{"x": -50, "y": 1, "w": 10, "h": 10}],
        [{"x": 1e9, "y": 1, "w": 10, "h": 10}],
        [{"x": True, "y": 1, "w": 10, "h": 10}],
        [{"x": 1, "y": 1, "w": 10, "h": 10}] * 21,
    ],
)
def test_rev07_marks_that_make_no_sense_are_refused_with_a_sentence(reviewer: User, marks: list[Any]) -> None:
    result = decide(reviewer, make.make_review(), "reject", "edge_halo", marks=marks)
    assert result.status == "invalid" and result.message.endswith(".") and not ReviewDecision.objects.exists()


def test_the_older_decisions_of_one_queue_are_read_page_by_page(reviewer: User) -> None:
    made = [decide(reviewer, make.make_review(), "approve").decision for _ in range(5)]
    decide(reviewer, make.make_review(), "approve", queue="assisted")
    newest = list(selectors.my_recent_decisions(reviewer, 2, blind=True))
    assert [row.pk for row in newest] == [made[4].pk, made[3].pk]  # type: ignore[union-attr]
    older = list(selectors.my_recent_decisions(reviewer, 2, blind=True, before=newest[-1].pk))
    assert [row.pk for row in older] == [made[2].pk, made[1].pk]  # type: ignore[union-attr]
    assert {row.verdict for row in older} == {Verdict.APPROVE}
