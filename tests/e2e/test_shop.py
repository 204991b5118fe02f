"""A month of the quality loop on the real application: `manage.py simulate_shop`, shorter (FBK-01, 09, 10; SMP-03)."""

from __future__ import annotations

import pytest

from reviewapp.enums import CanaryState, LifeState, LotState, ScopeMode, StudyStage
from reviewapp.management.shop import story
from reviewapp.models import AuditEvent, Canary, DeliveryItem, Preset
from reviewapp.services import studies

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1200)]


@pytest.fixture
def month(monkeypatch: pytest.MonkeyPatch) -> tuple[story.Told, list[str]]:
    """Half a month with few photos and a short search."""
    monkeypatch.setattr(studies, "TRIALS", 4)
    tale: list[str] = []
    return story.run(14, 1, 14, tale.append), tale


def test_the_loop_learns_takes_back_and_stops_by_itself(month: tuple[story.Told, list[str]]) -> None:
    told, tale = month
    _a_bad_preset_is_caught_by_its_trial(told)
    _stains_put_the_scope_on_hold(told)
    _a_proposal_wins_and_fewer_photos_are_rejected(told)
    _the_log_tells_it(told, tale)


def _a_bad_preset_is_caught_by_its_trial(told: story.Told) -> None:
    trial = told.garish
    assert trial is not None and trial.state == CanaryState.ROLLED_BACK
    assert trial.finds >= 4 and trial.looks <= 60, "found within a few dozen looks"
    assert told.garish_shipped == 0, "every photo on trial was looked at before it could leave"
    preset = Preset.objects.get(pk=trial.preset_id)
    assert preset.current_id == trial.parent_id, "the next batch has the parent's settings"
    assert trial.version.life.state == LifeState.ROLLED_BACK


def _stains_put_the_scope_on_hold(told: story.Told) -> None:
    assert told.held is not None and told.held.mode == ScopeMode.HOLD and told.held.held_reason
    assert told.lot is not None and told.lot.state != LotState.RELEASED
    delivered = DeliveryItem.objects.filter(rendition__asset__lot_places__lot__scope=told.held)
    assert delivered.exists(), "clean lots before it left"
    assert not delivered.filter(rendition__asset__lot_places__lot=told.lot).exists(), "nothing of the held lot did"
    assert told.stained_shipped == 0


def _a_proposal_wins_and_fewer_photos_are_rejected(told: story.Told) -> None:
    study, trial = told.study, told.trial
    assert study is not None and study.stage == StudyStage.CLOSED
    assert study.difference is not None and study.standard_error is not None
    assert study.difference + study.standard_error < 0
    assert trial is not None and trial.version_id == study.challenger_id
    assert trial.started_by.username == "shop-ada" and trial.parent_id == study.replay.base_id
    assert trial.state in (CanaryState.RUNNING, CanaryState.PROMOTED) and trial.looks >= 3
    assert told.rate_after < told.rate_before / 2, (told.rate_before, told.rate_after)


def _the_log_tells_it(told: story.Told, tale: list[str]) -> None:
    verbs = dict(AuditEvent.objects.order_by("pk").values_list("verb", "actor__username"))
    assert verbs["canary.started"] == "shop-ada", "a person starts a trial"
    assert verbs["canary.rolled_back"] is None and verbs["scope.held"] is None, "nobody had to be there to stop it"
    wanted = ["proposal.drafted", "study.started", "study.found", "study.duel_opened", "study.offered"]
    told_of = list(AuditEvent.objects.filter(verb__in=wanted).order_by("pk").values_list("verb", flat=True))
    assert list(dict.fromkeys(told_of)) == wanted, "in this order"
    last = Canary.objects.get(pk=told.trial.pk if told.trial else None)
    offered = AuditEvent.objects.filter(verb="study.offered").latest("pk")
    assert last.started_at > offered.created_at, "the evidence was there before the trial"
    text = "\n".join(tale)
    for word in ("garish colours on trial", "won its duel", "canary.rolled_back (by itself)", "scope.held (by itself)"):
        assert word in text, word
