"""The quality loop on the real application, a month of it in fast motion (FBK-01, FBK-09, FBK-10, SMP-03).

`manage.py simulate_shop` lives through the same with other numbers: here all new products are on trial and twenty
rejections are enough for a test, so that four days carry the whole tale.
"""

from __future__ import annotations

import pytest

from reviewapp.enums import (
    AlarmKind,
    AssetState,
    CanaryState,
    LifeState,
    LotState,
    ProposalState,
    ScopeMode,
    StudyStage,
)
from reviewapp.management.shop import story
from reviewapp.models import (
    Alarm,
    Asset,
    AuditEvent,
    Canary,
    DeliveryItem,
    Lot,
    Preset,
    PresetProposal,
    ReviewDecision,
    RoutingPolicy,
    Scope,
)

pytestmark = pytest.mark.django_db(transaction=True)
DAYS, PACE = 4, 34
ADMIN = "shop-ada"
LEARNED = (
    "proposal.drafted", "study.started", "study.found", "study.duel_opened", "study.offered", "canary.started",
    "canary.promoted",
)  # fmt: skip
TAKEN_BACK = ("canary.started", "preset.banned", "canary.rolled_back")


def test_the_loop_takes_back_stops_and_learns_by_itself_and_the_log_tells_it() -> None:
    tale: list[str] = []
    month = story.Month(days=DAYS, seed=1, pace=PACE, trial_share=1.0, study_trials=4, study_min_rejects=20)
    told = story.run(month, tale.append)
    assert story.not_as_told(told) == []
    _a_bad_preset_is_caught_and_rolled_back(told)
    _stains_put_the_scope_on_hold(told)
    _a_proposal_wins_is_promoted_and_fewer_photos_are_rejected(told)
    _the_tale_is_what_the_log_says(tale)


def logged(noun: str, ids: list[int]) -> list[tuple[str, str | None]]:
    """(verb, who) of everything the log says of these rows, in order; nobody: the line itself."""
    events = AuditEvent.objects.filter(noun=noun, object_id__in=[str(pk) for pk in ids]).order_by("pk")
    return list(events.values_list("verb", "actor__username"))


def _a_bad_preset_is_caught_and_rolled_back(told: story.Told) -> None:
    trial = told.garish
    assert trial is not None and trial.state == CanaryState.ROLLED_BACK
    assert trial.finds >= 4 and trial.looks <= 20, "found within a few looks"
    preset = Preset.objects.get(pk=trial.preset_id)
    assert preset.current_id == trial.parent_id, "the next batch has the parent's settings"
    assert trial.version.life.state == LifeState.ROLLED_BACK
    assert told.garish_shipped == 0, "every photo on trial was looked at before it could leave"
    photos = Asset.objects.filter(current_run__preset_version=trial.version)
    assert photos.exists() and not photos.filter(state=AssetState.AUTO_APPROVED).exists()
    assert logged("canary", [trial.pk]) == [("canary.started", ADMIN), ("canary.rolled_back", None)], "by itself"
    assert ("preset.banned", None) in logged("presetversion", [trial.version_id]), "and its settings rest"


def _stains_put_the_scope_on_hold(told: story.Told) -> None:
    scope, lot = told.held, told.lot
    assert scope is not None and scope.mode == ScopeMode.HOLD and scope.held_reason
    assert lot is not None and lot.state in (LotState.HELD, LotState.REDO)
    left = DeliveryItem.objects.filter(rendition__asset__lot_places__lot__scope=scope)
    assert left.exists(), "clean lots before it were delivered"
    assert not left.filter(rendition__asset__lot_places__lot=lot).exists() and told.lot_shipped == 0
    assert told.stained_shipped == 0, "nor any stained photo that was no part of a lot"
    assert ("scope.held", None) in logged("scope", [scope.pk]), "nobody had to be there to stop it"
    alarm = Alarm.objects.filter(kind=AlarmKind.HOLD, closed_at__isnull=True).first()
    assert alarm is not None and "Warehouse" in alarm.text, "and somebody is told"


def _a_proposal_wins_is_promoted_and_fewer_photos_are_rejected(told: story.Told) -> None:
    study, trial = told.study, told.trial
    assert study is not None and study.stage == StudyStage.CLOSED and study.proposal.reason_code == "crop_fill"
    assert study.difference is not None and study.standard_error is not None
    assert study.difference + study.standard_error < 0, "won its blind duel"
    assert trial is not None and trial.version_id == study.challenger_id and trial.parent_id == study.replay.base_id
    assert trial.state == CanaryState.PROMOTED and trial.looks >= 100
    assert Preset.objects.get(pk=trial.preset_id).current_id == trial.version_id, "the next batch has its settings"
    before, after = (version.params["geometry"]["fill_ratio"] for version in (trial.parent, trial.version))
    assert before < after, "people said too small"
    assert told.rate_after < told.rate_before / 2, (told.rate_before, told.rate_after)
    proposal = PresetProposal.objects.get(pk=study.proposal_id)
    assert (proposal.state, proposal.result_id) == (ProposalState.ACCEPTED, trial.version_id)
    assert proposal.decided_by is not None and proposal.decided_by.username == ADMIN
    story_of = [
        *logged("presetproposal", [proposal.pk]), *logged("study", [study.pk]), *logged("canary", [trial.pk])
    ]  # fmt: skip
    by_itself = [(verb, None) for verb in LEARNED]
    by_itself[LEARNED.index("canary.started")] = ("canary.started", ADMIN)
    assert story_of == by_itself, "a person puts it on trial; all else is the line"


def _the_tale_is_what_the_log_says(tale: list[str]) -> None:
    events = AuditEvent.objects.filter(verb__in=story.SAID).order_by("pk")
    assert [line.split("log: ")[1].split(" ")[0] for line in tale if "log: " in line] == [one.verb for one in events]
    offered = AuditEvent.objects.get(verb="study.offered")
    started = AuditEvent.objects.filter(verb="canary.started").latest("pk")
    assert offered.pk < started.pk and offered.created_at < started.created_at, "the evidence was there first"
    assert started.after["study"] == int(offered.object_id), "and is what it was started on"
    assert ReviewDecision.objects.count() > 200 and RoutingPolicy.objects.latest("number").study_min_rejects == 20
    for words in ("garish colours on trial", "won its duel", "canary.rolled_back (by itself): Lookbook.",
                  "scope.held (by itself): Warehouse.", "canary.promoted (by itself): Catalogue."):  # fmt: skip
        assert any(words in line for line in tale), words


def test_a_month_that_does_not_end_as_it_should_says_where() -> None:
    going_on = Canary(state=CanaryState.RUNNING)
    none = story.Told(9, 50, None, 0, None, None, 0, 0, None, None, 0.0, 1.0)
    assert [line.split(":")[0] for line in story.not_as_told(none)] == ["Catalogue", "Lookbook", "Warehouse"]
    bad = story.Told(9, 50, going_on, 7, Scope(), Lot(), 3, 0, None, going_on, 0.4, 0.5)
    assert story.not_as_told(bad) == [
        "Catalogue: what won its duel was not promoted within 9 days.",
        "Catalogue: people reject no less with what won its duel.",
        "Lookbook: the garish version was not rolled back within 9 days.",
        "Lookbook: 7 garish photos were delivered.",
        "Warehouse: 3 photos of the held lot were delivered.",
    ]
