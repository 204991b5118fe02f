"""A version on trial: a tenth of new products, all reviewed; promoted or rolled back by itself (FBK-09, FBK-10)."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from reviewapp.enums import CanaryState, LearningAlarmKind, LifeState, ReviewReason, Role, Routing, SampleOutcome
from reviewapp.models import (
    Asset,
    AuditEvent,
    Batch,
    Canary,
    CanaryPlace,
    LearningAlarm,
    PresetBan,
    PresetLife,
    PresetVersion,
    QualityReport,
    ReviewTask,
    SampleMember,
)
from reviewapp.policies.quality import canary as policy
from reviewapp.selectors import review as selectors
from reviewapp.selectors.canaries import version_on_trial
from reviewapp.services import alarms, canaries, ingest, lives, loop, presets, review
from reviewapp.services.people import NotAllowed
from reviewapp.web.viewer_items import review_item
from tests import factories as make
from tests import line

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin() -> User:
    return make.make_user("ada", Role.ADMIN)


@pytest.fixture
def reviewer() -> User:
    return make.make_user("ria", Role.REVIEWER)


def newer(version: PresetVersion, admin: User, opacity: float = 0.4) -> PresetVersion:
    """A draft of the next version, by hand."""
    params = {**version.params, "shadow": {**version.params["shadow"], "opacity": opacity}}
    return presets.create_version(version.preset, params, "Darker shadow", admin)


def trial_of(admin: User) -> Canary:
    make.policy()
    parent = make.make_preset_version("Trial")
    return canaries.start(newer(parent, admin), admin, "Clients ask for it")


def judge(trial: Canary, reviewer: User, verdicts: list[bool], key: str = "c") -> None:
    """Photos done with the version on trial, looked at one after the other: True is a defect."""
    batch = make.make_batch(preset_version=trial.parent)
    for is_bad in verdicts:
        asset = make.make_asset(batch, "in_review")
        CanaryPlace.objects.create(canary=trial, asset=asset, passes=True, scored_at=timezone.now())
        run = make.make_run(asset, total=95.0, preset_version=trial.version)
        task = ReviewTask.objects.create(asset=asset, run=run, reason=ReviewReason.CANARY, why="On trial")
        result = review.record_decision(
            reviewer, task.pk, seen_version=0, verdict="reject" if is_bad else "approve",
            reasons=["shadow"] if is_bad else [], idempotency_key=f"{key}{task.pk}",
        )  # fmt: skip
        assert result.status == "saved"


def test_a_trial_needs_an_admin_evidence_and_a_parent(admin: User, reviewer: User) -> None:
    make.policy()
    parent = make.make_preset_version("Trial")
    draft = newer(parent, admin)
    with pytest.raises(NotAllowed):
        canaries.start(draft, reviewer, "because")
    with pytest.raises(canaries.CanaryRefused, match="Say why"):
        canaries.start(draft, admin, " ")
    with pytest.raises(canaries.CanaryRefused, match="in use already"):
        canaries.start(parent, admin, "again")
    trial = canaries.start(draft, admin, "Clients ask for it")
    life = PresetLife.objects.get(version=draft)
    assert (life.state, life.parent, life.activated_by) == (LifeState.CANARY, parent, admin)
    assert life.evidence["note"] == "Clients ask for it" and trial.champion_rate == policy.GOOD
    assert AuditEvent.objects.filter(verb="canary.started", actor=admin).exists()
    parent.preset.refresh_from_db()
    assert parent.preset.current == parent, "the next batch still gets the parent"


def test_limits_against_running_away(admin: User) -> None:
    trial = trial_of(admin)
    preset = trial.preset
    other = newer(trial.parent, admin, 0.5)
    with pytest.raises(canaries.CanaryRefused, match="already running"):
        canaries.start(other, admin, "x")
    with pytest.raises(presets.PresetRefused, match="on trial"):
        presets.set_current(trial.version, admin)
    canaries.roll_back(trial.version, admin, "Too dark")
    with pytest.raises(canaries.CanaryRefused, match="less than 7 days"):
        canaries.start(other, admin, "x")
    PresetLife.objects.update(activated_at=timezone.now() - timedelta(days=8))
    lives.lock(preset, admin, "Audit of the client")
    with pytest.raises(canaries.CanaryRefused, match="locked"):
        canaries.start(other, admin, "x")
    with pytest.raises(presets.PresetRefused, match="locked"):
        presets.set_current(other, admin)
    lives.unlock(preset, admin)
    paused = make.make_sample(make.make_batch(preset_version=trial.parent))
    SampleMember.objects.update(outcome=SampleOutcome.REJECTED)
    Batch.objects.filter(pk=paused.asset.batch_id).update(state="paused")
    with pytest.raises(canaries.CanaryRefused, match="on hold"):
        canaries.start(other, admin, "x")
    Batch.objects.update(state="processing")
    with pytest.raises(canaries.CanaryRefused, match="rolled back within"):
        canaries.start(newer(trial.parent, admin, 0.42), admin, "Nearly the same")
    assert canaries.start(newer(trial.parent, admin, 0.25), admin, "Half the step").state == CanaryState.RUNNING


def test_fbk10_a_bad_version_is_rolled_back_by_itself_and_rests(admin: User, reviewer: User) -> None:
    trial = trial_of(admin)
    judge(trial, reviewer, [False] * 10 + [True] * 5)
    waiting = make.make_asset(make.make_batch(preset_version=trial.parent), "queued")
    CanaryPlace.objects.create(canary=trial, asset=waiting)
    assert version_on_trial(waiting) == trial.version
    assert loop.tick().canaries_ended == 1
    trial.refresh_from_db()
    assert trial.state == CanaryState.ROLLED_BACK and "defective" in trial.why and trial.finds <= 5
    assert version_on_trial(waiting) is None, "what isn't done yet gets the parent"
    trial.preset.refresh_from_db()
    assert trial.preset.current == trial.parent and lives.life_of(trial.version).state == LifeState.ROLLED_BACK
    ban = PresetBan.objects.get()
    assert ban.region == {"shadow.opacity": [0.3, 0.5]} and ban.until > timezone.now() + timedelta(days=29)
    event = AuditEvent.objects.get(verb="canary.rolled_back")
    assert event.actor is None and event.after["parent"] == trial.parent.number
    assert loop.tick().canaries_ended == 0 and PresetBan.objects.count() == 1, "once"


def test_fbk09_a_good_version_is_promoted_after_a_hundred_looks(admin: User, reviewer: User) -> None:
    trial = trial_of(admin)
    judge(trial, reviewer, [False] * 99)
    assert canaries.tick(trial.pk) == CanaryState.RUNNING
    judge(trial, reviewer, [False])
    assert canaries.tick(trial.pk) == CanaryState.PROMOTED
    trial.refresh_from_db()
    trial.preset.refresh_from_db()
    assert (trial.looks, trial.finds, trial.preset.current) == (100, 0, trial.version)
    assert lives.life_of(trial.version).state == LifeState.ACTIVE
    assert lives.life_of(trial.parent).state == LifeState.RETIRED
    assert AuditEvent.objects.filter(verb="canary.promoted", actor=None).exists()
    assert canaries.roll_back(trial.version, admin, "A client complains") == trial.parent
    trial.preset.refresh_from_db()
    assert trial.preset.current == trial.parent
    fresh = ingest.create_batch(
        make.make_client(), "Next", preset_version=trial.preset.current, channel_keys=("amazon_main",)
    )
    assert fresh.preset_version == trial.parent, "the next batch gets the parent"


def test_a_decision_for_many_photos_at_once_is_no_look(admin: User, reviewer: User) -> None:
    trial = trial_of(admin)
    judge(trial, reviewer, [False] * 3, key="bulk:1:")
    judge(trial, reviewer, [False] * 2)
    canaries.tick(trial.pk)
    trial.refresh_from_db()
    assert trial.looks == 2


def test_an_undone_rejection_is_undone_in_the_trial_too(admin: User, reviewer: User) -> None:
    trial = trial_of(admin)
    judge(trial, reviewer, [False, True])
    canaries.tick(trial.pk)
    trial.refresh_from_db()
    assert (trial.looks, trial.finds) == (2, 1)
    last = reviewer.decisions.latest("pk")
    assert review.undo(reviewer, last.pk).is_undone
    canaries.tick(trial.pk)
    trial.refresh_from_db()
    assert (trial.looks, trial.finds) == (1, 0)


def test_fbk09_about_a_tenth_of_new_products_and_every_view_of_one_together(admin: User) -> None:
    trial = trial_of(admin)
    old = Batch.objects.filter(pk=make.make_batch(preset_version=trial.parent).pk)
    old.update(created_at=trial.started_at - timedelta(hours=1))
    for _ in range(30):
        assert canaries.place(make.make_asset(old.get())) is None, "running batches keep what they pinned"
    batch = make.make_batch(preset_version=trial.parent)
    chosen = 0
    for number in range(300):
        views = [make.make_asset(batch, sku=f"S{number}") for _ in range(2)]
        places = [canaries.place(view) is not None for view in views]
        assert places[0] == places[1]
        chosen += places[0]
        assert (canaries.place(views[0]) is not None) == places[0], "asked twice, decided once"
    assert 12 <= chosen <= 50
    assert canaries.place(make.make_asset(make.make_batch())) is None, (
        "another preset's photos have nothing to do with it"
    )


def test_every_photo_on_trial_is_reviewed_before_it_ships(admin: User) -> None:
    batch = line.open_batch()
    parent = batch.preset_version
    trial = canaries.start(newer(parent, admin, 0.25), admin, "Softer")
    Canary.objects.filter(pk=trial.pk).update(share=1.0)
    batch = ingest.create_batch(batch.client, "New", preset_version=parent, channel_keys=("shopify",))
    for number in range(2):
        line.send(batch, f"p{number}.jpg", line.photo(number))
    ingest.close_batch(batch)
    line.run_line()
    assets = Asset.objects.filter(batch=batch)
    assert {asset.state for asset in assets} == {"in_review"}
    for asset in assets.select_related("current_run__quality"):
        assert asset.current_run is not None and asset.current_run.preset_version == trial.version
        assert asset.current_run.quality.total >= 90
        assert asset.review_tasks.get().reason == ReviewReason.CANARY
        assert asset.canary_place.passes is True


def test_a_trial_gets_the_share_of_the_policy_in_force_and_keeps_it(admin: User) -> None:
    make.make_policy(trial_share=0.5)
    first = canaries.start(newer(make.make_preset_version("Half"), admin), admin, "Clients ask for it")
    make.make_policy(trial_share=0.02)
    first.refresh_from_db()
    second = canaries.start(newer(make.make_preset_version("Few"), admin), admin, "Clients ask for it")
    assert (first.share, second.share) == (0.5, 0.02)


def test_photos_that_fail_a_gate_count_against_the_trial_whatever_their_score(admin: User) -> None:
    trial = trial_of(admin)
    batch = make.make_batch(preset_version=trial.parent)
    for _ in range(12):
        asset = make.make_asset(batch, "editing")
        CanaryPlace.objects.create(canary=trial, asset=asset, passes=False, scored_at=timezone.now())
        run = make.make_run(asset, total=97.0, preset_version=trial.version)
        QualityReport.objects.filter(run=run).update(routing=Routing.EDITING)
        state = canaries.tick(trial.pk)
        if state == CanaryState.ROLLED_BACK:
            break
    trial.refresh_from_db()
    assert trial.state == CanaryState.ROLLED_BACK and trial.places.count() == 3, "people never saw one of them"
    assert "Far fewer scores" in trial.why


def test_fbk09_the_score_of_a_photo_on_trial_is_kept_from_who_judges_it(admin: User, reviewer: User) -> None:
    trial = trial_of(admin)
    asset = make.make_asset(make.make_batch(preset_version=trial.parent), "in_review")
    run = make.make_run(asset, total=95.0, preset_version=trial.version)
    task = ReviewTask.objects.create(asset=asset, run=run, reason=ReviewReason.CANARY, why="On trial")
    loaded = selectors.task_for_display(task.pk)
    item = review_item(loaded, reviewer, blind=False)
    assert "assist" not in item and "trial" not in json.dumps(item).lower()
    ReviewTask.objects.update(reason=ReviewReason.SCORE_BAND)
    assert "assist" in review_item(selectors.task_for_display(task.pk), reviewer, blind=False)


def test_fbk09_a_trial_without_an_end_is_said_once_and_the_alarm_ends_with_it(admin: User, reviewer: User) -> None:
    trial = trial_of(admin)
    judge(trial, reviewer, [False, False])
    canaries.tick(trial.pk)
    now = timezone.now()
    assert alarms.watch_trials(now + timedelta(days=13)) == 0
    assert alarms.watch_trials(now + timedelta(days=15)) == 1 and alarms.watch_trials(now + timedelta(days=15)) == 0
    alarm = LearningAlarm.objects.get()
    assert alarm.kind == LearningAlarmKind.TRIAL and "on trial for 15 days: 2 of 100 looks" in alarm.text
    assert alarms.close(alarm, admin, "A big batch comes on Monday")
    assert alarms.watch_trials(timezone.now() + timedelta(days=6)) == 0, "not yet two weeks old"
    LearningAlarm.objects.update(closed_at=now + timedelta(days=15))
    assert alarms.watch_trials(now + timedelta(days=21)) == 0, "closed less than a week ago"
    assert alarms.watch_trials(now + timedelta(days=23)) == 1
    canaries.roll_back(trial.version, admin, "Nobody sends such photos any more")
    ended = LearningAlarm.objects.first()
    assert ended is not None and ended.closed_at and ended.note == "The version was rolled back."
    assert alarms.watch_trials(now + timedelta(days=60)) == 0
