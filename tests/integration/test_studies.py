"""A proposal's test, step by step: frozen photos, a search in stretches, results made once, what can go wrong."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User

from processing.params import STANDARD_PRESET
from reviewapp.enums import LifeState, ProposalState, ReviewReason, Role, Side, Step, StudyStage, TaskState
from reviewapp.jobs import runner
from reviewapp.models import (
    Batch,
    PresetLife,
    PresetProposal,
    ProcessingRun,
    ReplaySet,
    ReviewTask,
    SampleMember,
    Study,
    StudyRun,
    Task,
)
from reviewapp.policies.learning import replaced
from reviewapp.policies.quality import studying
from reviewapp.selectors import replays
from reviewapp.services import (
    canaries,
    chance,
    ingest,
    lives,
    loop,
    presets,
    replaying,
    review,
    routing,
    runs,
    seeds,
    studies,
)
from reviewapp.services.people import NotAllowed
from tests import duels, line
from tests import factories as make
from tests.kept import kept

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin() -> User:
    return make.make_user("ada", Role.ADMIN)


def proposed(
    admin: User, photos: int = 4, *, path: str = "edge.refinement", value: Any = "low", reason: str = "edge_halo",
    **limits: Any,
) -> PresetProposal:  # fmt: skip
    """Photos of a coarse preset done by the real line, every other one rejected for its halo, and the draft of it."""
    kept(f"proposed {photos} {path} {value} {reason} {limits}", partial(_propose, photos, path, value, reason, limits))
    admin.pk = User.objects.get(username=admin.username).pk  # as they were when it was made
    return PresetProposal.objects.get()


def _propose(photos: int, path: str, value: Any, reason: str, limits: dict[str, Any]) -> None:
    admin = User.objects.get(username="ada")
    seeds.seed()
    make.make_policy(edge_medium=0.98, edge_complex=0.99, proposal_min_count=2, sample_rate=1.0, **limits)
    params = replaced(STANDARD_PRESET.to_dict(), path, value)
    version = presets.create_preset("Coarse", "", params, "As it comes", admin).current
    assert version is not None
    batch = ingest.create_batch(make.make_client(), "B", preset_version=version, channel_keys=("shopify",))
    for number in range(photos):
        line.send(batch, f"p{number}.jpg", line.photo(number, side=1100, shape="disc" if number % 2 else "box"))
    ingest.close_batch(batch)
    line.run_line()
    reviewer = make.make_user("ria", Role.REVIEWER)
    for place, task in enumerate(ReviewTask.objects.order_by("pk")):
        is_bad = place % 2 == 0
        said = review.record_decision(
            reviewer, task.pk, seen_version=0, verdict="reject" if is_bad else "approve",
            reasons=[reason] if is_bad else [], idempotency_key=f"k{task.pk}",
        )  # fmt: skip
        assert said.status == "saved"
    Batch.objects.update(state="processing")


def test_the_photos_are_frozen_hashed_and_weighted_and_asked_twice_it_is_one_study(admin: User) -> None:
    proposal = proposed(admin)
    seen = replays.of_version(proposal.base)
    assert len(seen) == 4 and sum(one.is_bad for one in seen) == 2
    study = studies.start(proposal, admin)
    assert studies.start(proposal, admin) == study and ReplaySet.objects.count() == 1
    items = list(study.replay.items.all())
    assert [item.was_approved for item in items] == [False, False, True, True]
    assert sum(item.weight for item in items) == pytest.approx(sum(1 / one.pi for one in seen))
    assert len(study.replay.digest) == 64 and Task.objects.filter(step=Step.SEARCH).count() == 1
    assert study.starts[1]["edge"]["refinement"] == "medium" and study.nudge == {"edge.radius_ratio": 0.005}


def test_a_sample_counts_with_its_logged_chance() -> None:
    sample = make.make_sample()
    ProcessingRun.objects.filter(pk=sample.run_id).update(pixels_key=sample.asset.original_key)
    SampleMember.objects.get().draw.__class__.objects.update(size=1, population=8)
    review.record_decision(
        make.make_user("ria", Role.REVIEWER), sample.pk, seen_version=0, verdict="approve", idempotency_key="s"
    )
    seen = replays.of_version(sample.run.preset_version)
    assert [one.pi for one in seen] == [0.125] and sample.reason == ReviewReason.SAMPLE


def test_who_may_start_a_test_and_when_not(admin: User) -> None:
    proposal = proposed(admin)
    with pytest.raises(NotAllowed):
        studies.start(proposal, make.make_user("mia", Role.MANAGER))
    lives.lock(proposal.base.preset, admin, "Audit")
    with pytest.raises(studies.StudyRefused, match="locked"):
        studies.start(proposal, admin)
    lives.unlock(proposal.base.preset, admin)
    Batch.objects.update(state="paused")
    SampleMember.objects.update(outcome="rejected")
    if SampleMember.objects.exists():
        with pytest.raises(studies.StudyRefused, match="on hold"):
            studies.start(proposal, admin)
    Batch.objects.update(state="cancelled")
    with pytest.raises(studies.StudyRefused, match="No rejected photo"):
        studies.start(proposal, admin)
    PresetProposal.objects.update(state=ProposalState.DECLINED)
    proposal.refresh_from_db()
    with pytest.raises(studies.StudyRefused, match="decided already"):
        studies.start(proposal, admin)
    assert not ReplaySet.objects.exists() and loop.start_due() == 0


def test_a_search_in_stretches_tries_what_one_in_a_piece_would(admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    proposal = proposed(admin, study_trials=6)
    with chance.foreseen(1):
        whole = studies.start(proposal, admin)
    line.run_line()
    whole.refresh_from_db()
    assert len(whole.trials) == 6 and Task.objects.filter(step=Step.SEARCH).count() == 1
    tried = whole.trials
    StudyRun.objects.all().delete()
    Task.objects.filter(step__in=[Step.REPLAY, Step.SEARCH]).delete()
    ReviewTask.objects.filter(study_run__isnull=False).delete()
    Study.objects.filter(pk=whole.pk).update(
        trials=[], stage=StudyStage.SEARCHING, challenger=None, best_value=None, champion_value=None, ended_at=None
    )
    monkeypatch.setattr(replaying, "SLICE_S", 0.0)
    whole.refresh_from_db()
    studies.order_search(whole)
    while (task := Task.objects.filter(step=Step.SEARCH, state=TaskState.PENDING).first()) is not None:
        assert runner.run_one(task.pk) == "done"
        assert runner.run_one(task.pk) == "refused", "once"
    whole.refresh_from_db()
    assert whole.trials == tried and Task.objects.filter(step=Step.SEARCH).count() >= 6


def rendering(admin: User) -> Study:
    """A study whose search is over: the coarse preset against the next finer one."""
    study = studies.start(proposed(admin), admin)
    Task.objects.filter(step=Step.SEARCH).delete()
    Study.objects.filter(pk=study.pk).update(champion_value=40.0, best_value=60.0)
    study.refresh_from_db()
    studies.found(study, study.starts[1])
    study.refresh_from_db()
    return study


def test_results_are_made_once_and_the_champions_are_the_same_bytes(admin: User) -> None:
    study = rendering(admin)
    tasks = list(Task.objects.filter(step=Step.REPLAY))
    assert len(tasks) == 8 and study.challenger is not None
    for task in tasks:
        assert runner.run_one(task.pk) == "done"
    Task.objects.filter(step=Step.REPLAY).update(state=TaskState.PENDING, attempts=0)
    assert {runner.run_one(task.pk) for task in tasks} == {"done"}, "asked again, nothing is made again"
    assert ProcessingRun.objects.filter(kind="replay").count() == 8
    for one in study.runs.select_related("run", "item__run").filter(side=Side.CHAMPION):
        assert one.run is not None and one.run.after_key == one.item.run.after_key
        assert one.run.quality.total == one.item.run.quality.total and one.run.quality.routing == "compared"
    for one in study.runs.select_related("run").filter(side=Side.CHALLENGER):
        assert one.run is not None and one.run.params == study.challenger.params and one.run.attempt > 10_000
    study.refresh_from_db()
    assert study.stage == StudyStage.DUEL and ReviewTask.objects.filter(study_run__study=study).count() == 8
    assert {row["photos"] for row in study.compared if row["name"] == "total"} == {4}


def test_what_dies_ends_in_a_sentence(admin: User) -> None:
    study = rendering(admin)
    task = Task.objects.filter(step=Step.REPLAY).first()
    assert task is not None
    Task.objects.filter(pk=task.pk).update(error_text="x", error_code="worker_lost")
    task.refresh_from_db()
    routing.task_died(task)
    assert StudyRun.objects.exclude(error="").get().error.startswith("This photo could not be run again")
    asset_states = set(study.replay.items.values_list("asset__state", flat=True))
    assert "failed" not in asset_states, "the photo itself is fine"
    other = Study.objects.get(pk=study.pk)
    Study.objects.filter(pk=other.pk).update(stage=StudyStage.SEARCHING)
    search = runs.create_task(task.asset, Step.SEARCH, "search:x", args={"study_id": other.pk})
    routing.task_died(search)
    other.refresh_from_db()
    assert other.stage == StudyStage.FAILED and "could not be searched" in other.why


def test_another_pipeline_ends_the_search(admin: User) -> None:
    study = studies.start(proposed(admin), admin)
    Study.objects.update(pipeline_version="0")
    line.run_line()
    study.refresh_from_db()
    assert (study.stage, study.why) == (StudyStage.FAILED, replaying.NEWER)


def test_no_test_begins_while_a_version_of_the_preset_is_on_trial(admin: User) -> None:
    proposal = proposed(admin)
    params = {**proposal.base.params, "shadow": {**proposal.base.params["shadow"], "opacity": 0.4}}
    darker = presets.create_version(proposal.base.preset, params, "Darker shadow", admin)
    canaries.start(darker, admin, "Clients ask for it")
    with pytest.raises(studies.StudyRefused, match="on trial"):
        studies.start(proposal, admin)
    assert loop.start_due() == 0 and not ReplaySet.objects.exists()


def test_a_version_that_won_is_decided_on_before_another_test_begins_and_only_against_what_it_beat(admin: User) -> None:
    study = duels.make_study(2, stage=StudyStage.OFFERED)
    won, base = study.challenger, study.replay.base
    assert won is not None
    lives.move(won, LifeState.OFFERED, evidence={"D": -1.0})
    other = PresetProposal.objects.create(base=base, reason_code="shadow", params=base.params, changes=[], evidence={})
    with pytest.raises(studies.StudyRefused, match=f"Version {won.number} has won"):
        studies.start(other, admin)
    assert loop.start_due() == 0
    params = {**base.params, "shadow": {**base.params["shadow"], "opacity": 0.4}}
    presets.set_current(presets.create_version(base.preset, params, "Darker", admin), admin)
    PresetLife.objects.update(activated_at=None)
    with pytest.raises(canaries.CanaryRefused, match=f"against version {base.number}, which is not in use"):
        canaries.start(won, admin, "It won")


def test_a_duel_does_not_wait_for_photos_of_a_cancelled_batch_and_holds_them_against_nobody(admin: User) -> None:
    study = duels.make_study(2)
    gone = study.replay.items.order_by("place")[0].asset
    Batch.objects.filter(pk=gone.batch_id).update(state="cancelled")
    studies.advance(study.pk)
    study.refresh_from_db()
    assert study.stage == StudyStage.LOST and study.pairs == 0, "nothing is left to compare"
    tasks = ReviewTask.objects.filter(study_run__study=study)
    assert set(tasks.values_list("state", flat=True)) == {"withdrawn"}
    assert set(study.runs.values_list("error", flat=True)) == {"Its batch was cancelled."}


def test_what_the_score_cannot_see_goes_to_the_duel_one_step_on_without_a_search(admin: User) -> None:
    """A channel without a minimum judges no fill, and one version frames all photos alike."""
    small = proposed(admin, path="geometry.fill_ratio", value=0.775, reason="crop_fill")
    study = studies.start(small, admin)
    assert (study.trials_wanted, len(study.starts), study.nudge) == (1, 1, {"geometry.fill_ratio": 0.795})
    line.run_line()
    study.refresh_from_db()
    assert study.stage == StudyStage.DUEL and study.challenger is not None and len(study.trials) == 1
    assert studying.changes(small.base.params, study.challenger.params) == [
        {"path": "geometry.fill_ratio", "old": 0.775, "new": 0.795}
    ]
