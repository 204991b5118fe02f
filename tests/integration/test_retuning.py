"""FBK-18, FBK-05, FBK-14: a preset is tested again when its scores drift or time is up; what recurs is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from reviewapp.enums import AssetState, EditReason, LearningAlarmKind, ProposalState, ReviewReason, Role, StudyStage
from reviewapp.models import (
    Asset,
    EditTask,
    PresetLife,
    PresetProposal,
    PresetVersion,
    ReviewTask,
    Study,
)
from reviewapp.selectors import proof
from reviewapp.services import alarms, learning, lives, loop, presets, retuning, review
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin() -> User:
    return make.make_user("ada", Role.ADMIN)


@pytest.fixture
def reviewer() -> User:
    return make.make_user("ria", Role.REVIEWER)


def judged(version: PresetVersion, reviewer: User, verdicts: str, reason: str = "edge_halo") -> None:
    """Photos of `version`, looked at one after the other: r is a rejection."""
    batch = make.make_batch(preset_version=version)
    for verdict in verdicts:
        asset = make.make_asset(batch, AssetState.IN_REVIEW, category="mug")
        run = make.make_run(asset, pixels_key=asset.original_key)
        task = ReviewTask.objects.create(asset=asset, run=run, reason=ReviewReason.SCORE_BAND, why="w")
        said = review.record_decision(
            reviewer, task.pk, seen_version=0, verdict="reject" if verdict == "r" else "approve",
            reasons=[reason] if verdict == "r" else [], idempotency_key=f"k{task.pk}",
        )  # fmt: skip
        assert said.status == "saved"


def in_use(admin: User, days: int) -> PresetVersion:
    version = presets.create_preset("Mugs", "", make.make_preset_version().params, "As it comes", admin).current
    assert version is not None
    PresetLife.objects.filter(version=version).update(activated_at=timezone.now() - timedelta(days=days))
    return version


def test_fbk18_drifting_scores_start_a_test_once_per_alarm(admin: User, reviewer: User) -> None:
    make.make_policy(retune_days=0)
    version = in_use(admin, 400)
    judged(version, reviewer, "raa")
    assert not PresetProposal.objects.exists(), "one rejection drafts nothing by itself"
    assert retuning.start_due() == 0, "nothing drifts, and no schedule is set"
    alarm = alarms.open_alarm(version.preset, LearningAlarmKind.DRIFT, "Scores fell", {"psi": 0.4})
    assert alarm is not None
    assert (retuning.start_due(), retuning.start_due()) == (1, 0)
    study = Study.objects.get()
    assert study.proposal.evidence["occasion"] == "drift" and study.proposal.reason_code == "edge_halo"
    Study.objects.update(stage=StudyStage.LOST, why="Not clearly better.")
    judged(version, reviewer, "r")
    assert retuning.start_due() == 0, "this alarm has had its test"
    alarms.close(alarm, admin, "The lamp")
    assert alarms.open_alarm(version.preset, LearningAlarmKind.DRIFT, "Again", {}) is not None
    assert retuning.start_due() == 1
    lost = PresetProposal.objects.order_by("pk")[0]
    assert lost.state == ProposalState.DECLINED and "Not clearly better" in lost.decision_note, "nobody had to come by"


def test_fbk18_time_is_up_and_a_setting_turns_each_off(admin: User, reviewer: User) -> None:
    make.make_policy(retune_on_drift=False, retune_days=90)
    version = in_use(admin, 89)
    judged(version, reviewer, "ra")
    assert alarms.open_alarm(version.preset, LearningAlarmKind.DRIFT, "Scores fell", {}) is not None
    assert retuning.start_due() == 0, "not on drift, and not yet"
    PresetLife.objects.filter(version=version).update(activated_at=timezone.now() - timedelta(days=91))
    lives.lock(version.preset, admin, "Audit")
    assert retuning.start_due() == 0, "a locked preset stays as it is"
    lives.unlock(version.preset, admin)
    assert loop.tick().studies_started == 1, "the sweep does it"
    assert PresetProposal.objects.get().evidence["occasion"] == "schedule"


def test_declining_a_winner_ends_its_test_and_lets_the_next_begin(admin: User, reviewer: User) -> None:
    make.make_policy(retune_days=90)
    version = in_use(admin, 100)
    judged(version, reviewer, "ra")
    assert retuning.start_due() == 1
    study = Study.objects.get()
    Study.objects.update(stage=StudyStage.OFFERED, ended_at=timezone.now() - timedelta(days=95))
    Study.objects.update(created_at=timezone.now() - timedelta(days=95))
    judged(version, reviewer, "rr", "shadow")
    assert retuning.start_due() == 0, "the winner waits for an admin"
    learning.decline(study.proposal, admin, "The client likes it as it is")
    study.refresh_from_db()
    assert study.stage == StudyStage.CLOSED and study.proposal.state == ProposalState.DECLINED
    assert retuning.start_due() == 1
    assert Study.objects.latest("pk").proposal.reason_code == "shadow"


def test_fbk05_recurring_errors_by_reason_category_and_preset_with_their_trend(reviewer: User, admin: User) -> None:
    version = in_use(admin, 1)
    judged(version, reviewer, "rrrrrrrrrra")
    found = proof.patterns()
    assert [(one.reason, one.category, one.preset, one.now, one.before) for one in found] == [
        ("Edge halo or fringe", "mug", "Mugs", 10, 0)
    ]
    assert found[0].trend == "grows" and proof.trend(10, 8) == "steady" and proof.trend(0, 9) == "falls"


def test_fbk14_rev16_exceptions_are_told_with_their_share_of_the_category() -> None:
    batch = make.make_batch()
    mugs = [make.make_asset(batch, category="mug") for _ in range(20)]
    glass = [make.make_asset(batch, category="glass") for _ in range(4)]
    for asset in [*mugs[:1], *glass[:3]]:
        run = make.make_run(asset)
        EditTask.objects.create(asset=asset, base_run=run, reason=EditReason.LOW_SCORE)
    long_ago = timezone.now() - timedelta(days=45)
    earlier = make.make_asset(batch, category="glass")
    EditTask.objects.create(
        asset=earlier,
        base_run=make.make_run(earlier),
        reason=EditReason.LOW_SCORE,
    )
    EditTask.objects.filter(asset=earlier).update(created_at=long_ago)
    Asset.objects.filter(pk=earlier.pk).update(created_at=long_ago)
    rows = {one.category: one for one in proof.exceptions()}
    assert (rows["mug"].share, rows["mug"].of) == (1 / 20, 20)
    assert (rows["glass"].share, rows["glass"].of, rows["glass"].now, rows["glass"].before) == (3 / 4, 4, 3, 1)
    assert rows["glass"].low > rows["mug"].share and rows["glass"].trend == "steady"
