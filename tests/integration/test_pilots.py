"""Pilots (SMP-05): every photo meets a person, and what they found is reported once, with its interval."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from reviewapp.enums import AssetState, BatchState, EditTaskState, ReviewReason, Role, Routing, RunKind
from reviewapp.models import Asset, AuditEvent, Batch, EditTask, PilotReport, ReviewTask, Task
from reviewapp.policies.choosing import Choice
from reviewapp.policies.quality.bounds import cp_lower, cp_upper
from reviewapp.selectors import choosing
from reviewapp.selectors import pilots as selectors
from reviewapp.selectors.findings import Findings, findings_of
from reviewapp.selectors.review import item_payload, task_for_display
from reviewapp.services import batches, bulk, ingest, pilots, review
from tests import factories, line

pytestmark = pytest.mark.django_db(transaction=True)


def passing(batch: Batch, count: int, reason: ReviewReason = ReviewReason.PILOT) -> list[ReviewTask]:
    """Photos the score would have let pass, waiting for a person."""
    tasks = []
    for _ in range(count):
        asset = factories.make_asset(batch, AssetState.IN_REVIEW)
        run = factories.make_run(asset, total=95.0 if reason == ReviewReason.PILOT else 80.0)
        tasks.append(ReviewTask.objects.create(asset=asset, run=run, reason=reason, why="A pilot"))
    return tasks


def say(user: User, task: ReviewTask, verdict: str = "approve", *reasons: str) -> None:
    task.refresh_from_db()
    saved = review.record_decision(
        user, task.pk, seen_version=task.version, verdict=verdict, reasons=reasons, idempotency_key=f"k{task.pk}"
    )
    assert saved.status == "saved", saved


def resolved(batch: Batch) -> None:
    """As if editors and the machine had done the rest."""
    EditTask.objects.filter(asset__batch=batch).update(state=EditTaskState.SIGNED_OFF)
    batch.assets.filter(state=AssetState.EDITING).update(state=AssetState.APPROVED)
    Task.objects.filter(asset__batch=batch).update(state="done")
    batches.refresh(batch.pk)
    batch.refresh_from_db()


def test_smp05_on_the_line_no_score_lets_a_photo_of_a_pilot_pass_and_the_rule_is_named() -> None:
    batch = line.open_batch(is_pilot=True)
    factories.make_policy(approve_at=30.0, review_at=10.0)
    for n in range(2):
        line.send(batch, f"p{n}.jpg", line.photo(n, side=640), sku=f"S{n}", category="books")
    ingest.close_batch(batch)
    line.run_line()
    assert set(batch.assets.values_list("state", flat=True)) == {AssetState.IN_REVIEW}
    for task in ReviewTask.objects.select_related("run__quality"):
        assert task.reason == ReviewReason.PILOT and "this batch is a pilot" in task.why
        assert task.run.quality.routing == Routing.HUMAN_REVIEW
        assert task.run.quality.routing_rule == task.why
    ria = factories.make_user("ria", Role.REVIEWER)
    for task in ReviewTask.objects.order_by("pk"):
        say(ria, task)
    line.run_line()
    batch.refresh_from_db()
    assert batch.state == BatchState.READY and not batch.sample_draws.exists()
    assert PilotReport.objects.get(batch=batch).facts["approved"] == 2


def test_smp05_the_report_counts_verdicts_reasons_corrections_and_what_the_score_would_have_let_pass() -> None:
    batch = factories.make_batch(is_pilot=True, state=BatchState.REVIEW)
    ria = factories.make_user("ria", Role.REVIEWER)
    good, bad, worse, adjusted = passing(batch, 4)
    (middling,) = passing(batch, 1, ReviewReason.SCORE_BAND)
    say(ria, good)
    say(ria, bad, "reject", "edge_halo", "shadow")
    say(ria, worse, "reject", "edge_halo")
    run = factories.make_run(adjusted.asset, total=96.0, kind=RunKind.ADJUSTED, attempt=9)
    ReviewTask.objects.filter(pk=adjusted.pk).update(run=run)
    say(ria, adjusted)
    say(ria, middling, "reject", "crop_fill")
    factories.make_edit(batch)  # the line gave it to an editor
    factories.make_asset(batch, AssetState.FAILED)
    for state in (AssetState.DUPLICATE, AssetState.REJECTED_INTAKE):
        factories.make_asset(batch, state)
    (open_one,) = passing(batch, 1)
    so_far = selectors.view(batch)
    assert so_far is not None and so_far.made_at is None and so_far.findings.open == 1
    say(ria, open_one)
    assert not PilotReport.objects.exists(), "editors still work on it"
    resolved(batch)
    assert batch.state == BatchState.READY
    facts = PilotReport.objects.get().facts
    assert facts["reasons"] == {"edge_halo": 2, "shadow": 1, "crop_fill": 1}
    counts = {name: facts[name] for name in ("photos", "judged", "approved", "adjusted", "rejected", "with_editors")}
    assert counts == {"photos": 8, "judged": 6, "approved": 2, "adjusted": 1, "rejected": 3, "with_editors": 1}
    assert (facts["failed"], facts["open"], facts["would_pass"], facts["slipped"]) == (1, 0, 5, 3)
    assert facts["reject_rate"] == 0.5
    assert facts["reject_low"] == pytest.approx(cp_lower(3, 6, 0.025))
    assert facts["reject_high"] == pytest.approx(cp_upper(3, 6, 0.025))
    event = AuditEvent.objects.get(verb="pilot.reported")
    assert "People rejected 3 of 6 photos, 50%" in event.note and "3 of the 5 that the score" in event.note


def test_smp05_the_report_is_made_once_and_stays_as_it_was() -> None:
    batch = factories.make_batch(is_pilot=True, state=BatchState.REVIEW)
    ria = factories.make_user("ria", Role.REVIEWER)
    for task in passing(batch, 2):
        say(ria, task)
    resolved(batch)
    batches.refresh(batch.pk)
    assert pilots.report(batch) is None
    Asset.objects.filter(batch=batch).update(state=AssetState.FAILED)
    found = selectors.view(batch)
    assert found is not None and found.made_at is not None
    assert (found.findings.approved, found.findings.failed) == (2, 0)
    assert AuditEvent.objects.filter(verb="pilot.reported").count() == 1
    with pytest.raises(ValidationError, match="immutable"):
        PilotReport.objects.get().save()


def test_smp05_another_batch_has_no_report(django_assert_num_queries: Any) -> None:
    batch = factories.make_batch(state=BatchState.REVIEW)
    factories.make_asset(batch, AssetState.APPROVED)
    batches.refresh(batch.pk)
    assert not PilotReport.objects.exists()
    with django_assert_num_queries(0):
        assert selectors.view(batch) is None


def test_smp05_no_photo_of_a_pilot_or_a_first_sample_is_decided_in_bulk_or_shown_with_its_score() -> None:
    sam = factories.make_user("sam", Role.SENIOR)
    batch = factories.make_batch(is_pilot=True, state=BatchState.REVIEW)
    passing(batch, 2)
    passing(batch, 1, ReviewReason.SCORE_BAND)
    ordinary = factories.make_batch(client=batch.client, state=BatchState.REVIEW)
    (sampled,) = passing(ordinary, 1, ReviewReason.FIRST_SAMPLE)
    (plain,) = passing(ordinary, 1, ReviewReason.SCORE_BAND)
    choice = Choice(client=batch.client_id)
    assert list(choosing.in_bulk(sam, choice)) == [plain]
    assert choosing.chosen(sam, "assisted", choice).count() == 5, "each by itself they can be chosen"
    for task in (sampled, ReviewTask.objects.filter(reason=ReviewReason.PILOT)[0]):
        shown = item_payload(task_for_display(task.pk), sam, blind=False)
        assert shown["blind"] and "assist" not in shown
    with pytest.raises(bulk.BulkRefused, match="1 photos now, not 5"):
        bulk.apply(sam, choice, "approve", seen=5)


def test_smp05_a_verdict_taken_back_counts_for_nothing() -> None:
    batch = factories.make_batch(is_pilot=True, state=BatchState.REVIEW)
    ria = factories.make_user("ria", Role.REVIEWER)
    (task,) = passing(batch, 1)
    say(ria, task, "reject", "shadow")
    assert findings_of(batch.assets.all()).rejected == 1
    assert review.undo(ria, task.decisions.get().pk).is_undone
    found = findings_of(batch.assets.all())
    assert (found.judged, found.open, found.rate) == (0, 1, None)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ({"approved": 0, "rejected": 0}, "Nobody has judged a photo yet."),
        ({"approved": 9, "rejected": 1, "would_pass": 6, "slipped": 2}, "2 of the 6 that the score"),
        ({"approved": 9, "rejected": 1, "would_pass": 6}, "passed all 6 that the score would have let pass"),
        ({"approved": 9, "rejected": 1}, "would have let none of them pass by itself"),
    ],
)
def test_smp05_one_sentence_says_it(counts: dict[str, int], words: str) -> None:
    none = dict.fromkeys(
        ("photos", "approved", "adjusted", "rejected", "with_editors", "failed", "open", "would_pass", "slipped"), 0
    )
    found = Findings(**{**none, **counts}, reasons={})
    assert words in found.sentence
    assert not counts["rejected"] or "1 of 10 photos, 10% (0% to 45% of more" in found.sentence
    assert Findings.from_facts(found.facts()) == found


def test_smp05_reading_a_pilot_costs_the_same_for_more_photos(django_assert_num_queries: Any) -> None:
    batch = factories.make_batch(is_pilot=True, state=BatchState.REVIEW)
    ria = factories.make_user("ria", Role.REVIEWER)
    for task in passing(batch, 2):
        say(ria, task)
    with django_assert_num_queries(4):
        selectors.view(batch)
    for task in passing(batch, 8):
        say(ria, task, "reject", "shadow")
    with django_assert_num_queries(4):
        selectors.view(batch)
