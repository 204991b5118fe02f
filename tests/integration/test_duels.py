"""Judging two presets blind: nothing tells the sides, no photo moves, the count decides (QUALITY_LOOP 5)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reviewapp.enums import AssetState, LifeState, ReviewReason, ReviewTaskState, Role, Side, StudyStage
from reviewapp.models import Asset, EditTask, PresetProposal, ReviewDecision, ReviewTask, Study, StudyRun, Task
from reviewapp.selectors import batches, deliveries, tallies
from reviewapp.selectors import review as queue
from reviewapp.services import batches as batch_service
from reviewapp.services import canaries, learning, loop, review, runs, studies
from tests import duels
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reviewer() -> User:
    return make.make_user("ria", Role.REVIEWER)


def say(reviewer: User, study: Study, bad: dict[str, set[int]], *, reasons: tuple[str, ...] = ("edge_halo",)) -> None:
    """Judge every look: `bad` names the places at which each side is rejected."""
    for one in study.runs.select_related("item", "review_task"):
        assert one.review_task is not None
        is_bad = one.item.place in bad.get(one.side, set())
        result = review.record_decision(
            reviewer, one.review_task.pk, seen_version=one.review_task.version,
            verdict="reject" if is_bad else "approve", reasons=reasons if is_bad else [],
            idempotency_key=f"d{one.pk}",
        )  # fmt: skip
        assert result.status == "saved"


NAMES = ("id", "key", "sku", "filename", "asset_id", "run_id", "batch", "batch_id", "client", "lease_until", "name")


def masked(value: Any) -> Any:
    """What a page is told of one photo, without its numbers, names and addresses."""
    if isinstance(value, dict):
        return {name: masked(part) for name, part in value.items() if name not in NAMES}
    if isinstance(value, list):
        return [masked(part) for part in value]
    return "address" if isinstance(value, str) and value.startswith("/") else value


def test_a_look_of_a_duel_is_told_like_any_other_photo(reviewer: User, client: Browser) -> None:
    batch = make.make_batch()
    make.make_review(batch)
    make.make_sample(batch)
    study = duels.make_study(1, batch=batch)
    client.force_login(reviewer)
    answer = client.post("/review/mixed/claim/", "{}", content_type="application/json")
    items = answer.json()["items"]
    assert len(items) == 4
    shapes = {json.dumps(masked(item), sort_keys=True) for item in items}
    assert len(shapes) == 1, shapes
    told = answer.content.decode()
    assert not any(word in told for word in ("duel", "champion", "challenger", "study", "replay", "Proposed"))
    assert study.runs.count() == 2


def test_deciding_a_look_asks_the_database_the_same_for_both_sides(reviewer: User) -> None:
    study = duels.make_study(2)
    batch_service.refresh(study.replay.items.select_related("asset")[0].asset.batch_id)
    counts = set()
    for one in study.runs.select_related("review_task"):
        assert one.review_task is not None
        with CaptureQueriesContext(connection) as asked:
            review.record_decision(
                reviewer, one.review_task.pk, seen_version=0, verdict="approve", idempotency_key=f"q{one.pk}"
            )
        counts.add(len(asked))
    assert len(counts) == 1


def test_looks_are_given_out_blind_only_hold_nothing_up_and_move_no_photo(reviewer: User) -> None:
    batch = make.make_batch()
    study = duels.make_study(2, batch=batch)
    assert queue.open_tasks("assisted").count() == 0 and queue.open_tasks("mixed").count() == 4
    assert deliveries.open_samples(batch).count() == 0, "a delivery doesn't wait for a duel"
    before = dict(Asset.objects.values_list("pk", "state"))
    say(reviewer, study, {Side.CHAMPION: {0, 1}})
    assert dict(Asset.objects.values_list("pk", "state")) == before
    assert not EditTask.objects.exists() and not Task.objects.exists()
    assert ReviewDecision.objects.count() == 4 and queue.live_decisions().count() == 0
    assert not PresetProposal.objects.exclude(pk=study.proposal_id).exists(), "its rejections draft nothing"
    assert tallies.drift() == []


def test_the_clear_winner_is_offered_with_its_evidence(reviewer: User) -> None:
    study = duels.make_study(10)
    say(reviewer, study, {Side.CHAMPION: {0, 2, 4, 6}, Side.CHALLENGER: {1}})
    assert loop.tick().studies_moved == 1 and loop.tick().studies_moved == 0
    study.refresh_from_db()
    assert (study.stage, study.pairs) == (StudyStage.OFFERED, 10)
    assert study.difference == pytest.approx(-0.3) and study.standard_error == pytest.approx(5**0.5 / 10)
    life = study.challenger.life  # type: ignore[union-attr]
    assert life.state == LifeState.OFFERED and life.evidence["D"] == pytest.approx(-0.3)
    assert life.evidence["looks"] == 20 and life.evidence["replay_digest"] == "d" * 64
    admin = make.make_user("ada", Role.ADMIN)
    assert canaries.start(study.challenger, admin).version == study.challenger  # type: ignore[arg-type]


def test_a_draw_is_lost_and_a_lost_part_vetoes(reviewer: User) -> None:
    drawn = duels.make_study(4)
    say(reviewer, drawn, {Side.CHAMPION: {0}, Side.CHALLENGER: {1}})
    assert studies.advance(drawn.pk) == StudyStage.LOST
    veto = duels.make_study(12)
    for one in veto.runs.select_related("item", "review_task"):
        assert one.review_task is not None
        grave = one.side == Side.CHALLENGER and one.item.place in (1, 3)
        bad = grave or (one.side == Side.CHAMPION and one.item.place not in (1, 3))
        review.record_decision(
            reviewer, one.review_task.pk, seen_version=0, verdict="reject" if bad else "approve",
            reasons=["partial_removal" if grave else "edge_halo"] if bad else [], idempotency_key=f"v{one.pk}",
        )  # fmt: skip
    assert studies.advance(veto.pk) == StudyStage.LOST
    veto.refresh_from_db()
    assert veto.grave == 2 and "lost a part" in veto.why
    assert veto.challenger is not None and veto.challenger.life.state == LifeState.RETIRED


def test_a_look_is_undone_until_the_duel_is_counted(reviewer: User) -> None:
    study = duels.make_study(2)
    say(reviewer, study, {Side.CHAMPION: {0, 1}})
    last = ReviewDecision.objects.latest("pk")
    assert review.undo(reviewer, last.pk).is_undone
    assert studies.advance(study.pk) == StudyStage.DUEL, "one look waits again"
    task = ReviewTask.objects.get(pk=last.task_id)
    review.record_decision(reviewer, task.pk, seen_version=task.version, verdict="approve", idempotency_key="again")
    assert studies.advance(study.pk) in (StudyStage.OFFERED, StudyStage.LOST)
    refused = review.undo(reviewer, ReviewDecision.objects.latest("pk").pk)
    assert not refused.is_undone and "moved on" in refused.message


def test_a_result_that_could_not_be_made_counts_against_its_side(reviewer: User) -> None:
    study = duels.make_study(3, stage=StudyStage.RENDERING)
    lost = study.runs.get(side=Side.CHALLENGER, item__place=1)
    StudyRun.objects.filter(pk=lost.pk).update(run=None, error="Nothing was cut out.")
    assert studies.advance(study.pk) == StudyStage.DUEL
    assert ReviewTask.objects.filter(reason=ReviewReason.SAMPLE).count() == 4
    for one in study.runs.filter(review_task__isnull=False).select_related("review_task"):
        assert one.review_task is not None
        review.record_decision(reviewer, one.review_task.pk, seen_version=0, verdict="approve",
                               idempotency_key=f"e{one.pk}")  # fmt: skip
    assert studies.advance(study.pk) == StudyStage.LOST
    study.refresh_from_db()
    assert study.pairs == 3 and study.difference == pytest.approx(1 / 3)


def test_declining_takes_the_waiting_looks_out_of_the_queue() -> None:
    study = duels.make_study(2)
    learning.decline(study.proposal, make.make_user("ada", Role.ADMIN), "Not now")
    study.refresh_from_db()
    assert study.stage == StudyStage.CLOSED and queue.open_tasks("mixed").count() == 0
    assert {task.state for task in ReviewTask.objects.all()} == {ReviewTaskState.WITHDRAWN}


def test_work_for_a_study_leaves_its_batch_ready() -> None:
    batch = make.make_batch(state="ready")
    asset = make.make_approved(batch, state=AssetState.APPROVED)
    runs.create_task(asset, "replay", "replay:1", args={"study_run_id": 1})  # type: ignore[arg-type]
    assert not batches.has_unfinished_tasks(batch) and batches.state_due(batch) == "ready"


def test_the_sheet_tells_the_sides_only_when_all_is_judged(reviewer: User, client: Browser) -> None:
    study = duels.make_study(2)
    client.force_login(make.make_user("ada", Role.ADMIN))
    address = reverse("proposals:detail", args=[study.proposal_id])
    during = client.get(address).content.decode()
    assert "wait in the blind queue" in during and "Before, in use, proposed" not in during
    say(reviewer, study, {Side.CHAMPION: {0, 1}})
    loop.tick()
    after = client.get(address).content.decode()
    assert "Before, in use, proposed" in after and "Fewer rejected, of 100" in after
    assert "In plain words" in after and "Put on trial" in after
    assert client.post(reverse("proposals:try", args=[study.proposal_id]), {"note": "Clear"}).status_code == 302
    assert "On trial" in client.get(address).content.decode()
    assert client.post(reverse("proposals:try", args=[study.proposal_id]), {"note": "Again"}).status_code == 409
