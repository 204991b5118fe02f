"""Leases on review tasks: who gets which photo, in what order, and never two people the same one (REV-01, C19)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from reviewapp.enums import BatchState, ReviewTaskState, Role
from reviewapp.models import ReviewTask
from reviewapp.selectors import review as selectors
from reviewapp.services import review
from reviewapp.services.people import NotAllowed
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


def ids(tasks: list[ReviewTask]) -> list[int]:
    return [task.pk for task in tasks]


def expire(task: ReviewTask) -> None:
    ReviewTask.objects.filter(pk=task.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def in_threads(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work(n)` in `count` threads started together and return what they gave; re-raise the first error."""
    results: list[Any] = [None] * count
    errors: list[BaseException] = []
    barrier = threading.Barrier(count)

    def run(n: int) -> None:
        try:
            barrier.wait()
            results[n] = work(n)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return results


def test_rev01_the_most_urgent_then_the_oldest_comes_first() -> None:
    batch = make.make_batch()
    second, third = make.make_review(batch), make.make_review(batch)
    first = make.make_review(batch, priority=1)
    user = make.make_user("r", Role.REVIEWER)
    assert ids(review.claim_next(user, 3)) == [first.pk, second.pk, third.pk]


def test_a_claim_leases_for_ten_minutes_and_hides_the_photo_from_others() -> None:
    task = make.make_review()
    one, two = make.make_user("one", Role.REVIEWER), make.make_user("two", Role.REVIEWER)
    claimed = review.claim_next(one)[0]
    assert claimed.lease_owner == one and claimed.lease_until is not None
    left = (claimed.lease_until - timezone.now()).total_seconds()
    assert 500 < left <= 600
    assert review.claim_next(two) == []
    assert task.pk == claimed.pk


def test_a_reload_keeps_what_the_person_holds_before_anything_new() -> None:
    batch = make.make_batch()
    mine = make.make_review(batch)
    user = make.make_user("r", Role.REVIEWER)
    assert ids(review.claim_next(user)) == [mine.pk]
    make.make_review(batch, priority=1)
    assert ids(review.claim_next(user)) == [mine.pk]
    assert len(review.claim_next(user, 2)) == 2


def test_an_expired_lease_is_free_again() -> None:
    task = make.make_review()
    one, two = make.make_user("one", Role.REVIEWER), make.make_user("two", Role.REVIEWER)
    review.claim_next(one)
    expire(task)
    assert ids(review.claim_next(two)) == [task.pk]


def test_beat_extends_own_leases_only_and_says_which_are_left() -> None:
    batch = make.make_batch()
    mine, other = make.make_review(batch), make.make_review(batch)
    one, two = make.make_user("one", Role.REVIEWER), make.make_user("two", Role.REVIEWER)
    review.claim_next(one)
    review.claim_next(two)
    near = timezone.now() + timedelta(seconds=5)
    ReviewTask.objects.update(lease_until=near)
    assert review.beat(one, [mine.pk, other.pk]) == [mine.pk]
    mine.refresh_from_db()
    other.refresh_from_db()
    assert mine.lease_until is not None and mine.lease_until > near and other.lease_until == near


def test_release_gives_back_the_named_or_all_leases_of_that_person() -> None:
    batch = make.make_batch()
    tasks = [make.make_review(batch) for _ in range(3)]
    one, two = make.make_user("one", Role.REVIEWER), make.make_user("two", Role.REVIEWER)
    review.claim_next(one, 2)
    review.claim_next(two)
    assert review.release(one, [tasks[0].pk, tasks[2].pk]) == 1
    assert review.release(one) == 1
    assert ReviewTask.objects.get(pk=tasks[2].pk).lease_owner == two


def test_what_a_person_skipped_comes_last_and_walks_round() -> None:
    batch = make.make_batch()
    first, second, third = (make.make_review(batch) for _ in range(3))
    user = make.make_user("r", Role.REVIEWER)
    seen = []
    for n in range(4):
        task = review.claim_next(user)[0]
        seen.append(task.pk)
        review.record_decision(user, task.pk, seen_version=task.version, verdict="skip", idempotency_key=f"s{n}")
    assert seen == [first.pk, second.pk, third.pk, first.pk]
    other = make.make_user("other", Role.REVIEWER)
    assert ids(review.claim_next(other)) == [first.pk], "one person's skip changes nothing for others"


def test_cancelled_batches_give_nothing_and_paused_ones_only_their_samples() -> None:
    paused = make.make_batch(state=BatchState.PAUSED)
    make.make_review(paused)
    sample = make.make_sample(paused)
    make.make_review(make.make_batch(state=BatchState.CANCELLED))
    user = make.make_user("r", Role.REVIEWER)
    assert ids(review.claim_next(user, 5)) == [sample.pk]
    assert selectors.queue_counts(user).waiting == 1


def test_a_photo_claimed_before_its_batch_was_cancelled_is_not_shown_again() -> None:
    task = make.make_review()
    user = make.make_user("r", Role.REVIEWER)
    review.claim_next(user)
    batch = task.asset.batch
    batch.state = BatchState.CANCELLED
    batch.save()
    assert review.claim_next(user) == []


def test_smp02_the_mixed_queue_holds_samples_and_the_assisted_one_never_does() -> None:
    batch = make.make_batch()
    plain, sample = make.make_review(batch), make.make_sample(batch)
    user = make.make_user("r", Role.REVIEWER)
    assert ids(review.claim_next(user, 5)) == [plain.pk, sample.pk]
    review.release(user)
    assert ids(review.claim_next(user, 5, queue="assisted")) == [plain.pk]


def test_rev05_a_photo_taken_blind_is_not_shown_with_its_score_by_opening_the_other_queue() -> None:
    batch = make.make_batch()
    task, user = make.make_review(batch), make.make_user("r", Role.REVIEWER)
    assert ids(review.claim_next(user)) == [task.pk]
    assert review.claim_next(user, queue="assisted") == []
    counts = selectors.queue_counts(user, "assisted")
    told = (counts.waiting, counts.free, counts.mine, counts.elsewhere, counts.others)
    assert told == (1, 0, 0, 1, 0), "not all done, only lent elsewhere, and to nobody else"
    review.release(user)
    assert ids(review.claim_next(user, queue="assisted")) == [task.pk]
    assert review.claim_next(user) == []


def test_an_undone_decision_comes_back_in_the_queue_it_was_made_in() -> None:
    task, user = make.make_review(make.make_batch()), make.make_user("r", Role.REVIEWER)
    review.claim_next(user, queue="assisted")
    decided = review.record_decision(
        user, task.pk, seen_version=0, verdict="approve", idempotency_key="k", queue="assisted"
    )
    assert decided.decision is not None
    assert review.undo(user, decided.decision.pk).is_undone
    assert review.claim_next(user) == []
    assert ids(review.claim_next(user, queue="assisted")) == [task.pk]


def test_counts_tell_nothing_free_from_all_done() -> None:
    batch = make.make_batch()
    make.make_review(batch)
    make.make_review(batch)
    one, two = make.make_user("one", Role.REVIEWER), make.make_user("two", Role.REVIEWER)
    review.claim_next(one, 2)
    assert review.claim_next(two) == []
    counts = selectors.queue_counts(two)
    assert (counts.waiting, counts.free, counts.mine, counts.others) == (2, 0, 0, 2)
    assert selectors.queue_counts(one).mine == 2
    ReviewTask.objects.update(state=ReviewTaskState.DONE)
    assert selectors.queue_counts(two).waiting == 0


@pytest.mark.parametrize("role", [Role.EDITOR, Role.MANAGER])
def test_rev19_claiming_needs_the_reviewers_role(role: Role) -> None:
    make.make_review()
    with pytest.raises(NotAllowed, match="reviewer"):
        review.claim_next(make.make_user("x", role))


def test_rev19_an_inactive_reviewer_gets_nothing() -> None:
    user = make.make_user("x", Role.REVIEWER)
    user.is_active = False
    with pytest.raises(NotAllowed):
        review.claim_next(user)


def test_c19_eight_people_claiming_at_once_never_share_a_photo() -> None:
    batch = make.make_batch()
    tasks = {make.make_review(batch).pk for _ in range(24)}
    people = [make.make_user(f"r{n}", Role.REVIEWER) for n in range(8)]

    def work(n: int) -> list[int]:
        got: list[int] = []
        while mine := [pk for pk in ids(review.claim_next(people[n], 16)) if pk not in got][:1]:
            got += mine
            task = ReviewTask.objects.get(pk=mine[0])
            key = f"{n}-{task.pk}"
            decided = review.record_decision(
                people[n], task.pk, seen_version=task.version, verdict="approve", idempotency_key=key
            )
            assert decided.status == "saved", decided.message
            review.release(people[n])
        return got

    claimed = [pk for got in in_threads(8, work) for pk in got]
    assert len(claimed) == len(set(claimed)), "two people were given the same photo"
    # A claimer may see an early "nothing free" while others hold rows; nothing may be lost by that.
    left = set(ReviewTask.objects.filter(state=ReviewTaskState.OPEN).values_list("pk", flat=True))
    assert set(claimed) | left == tasks


@pytest.mark.sqlite_only  # query plans of a tiny table are the planner's own choice on PostgreSQL
def test_the_claim_walks_the_partial_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN QUERY PLAN SELECT id FROM reviewapp_reviewtask t WHERE t.state = 'open' "
            "ORDER BY t.priority, t.id LIMIT 1"
        )
        plan = " ".join(str(row) for row in cursor.fetchall())
    assert "review_open" in plan
