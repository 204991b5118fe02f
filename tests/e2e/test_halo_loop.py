"""Forty rejections for a halo, on real photos: a proposal with evidence whose results have less of it (FBK-01, A47)."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse

from reviewapp.enums import LifeState, ProposalState, Role, StudyStage
from reviewapp.models import Asset, PresetProposal, ReviewTask, Study
from reviewapp.selectors import review as queue
from reviewapp.services import canaries, loop, review
from tests import factories as make
from tests import halos, line

pytestmark = pytest.mark.django_db(transaction=True)
MOST = {"edge_medium": 0.98, "edge_complex": 0.99, "colour_risk": 1.0, "medium_goes_to_people": False}


@pytest.fixture
def admin() -> User:
    return make.make_user("ada", Role.ADMIN)


def decide_all(reviewer: User) -> tuple[int, int]:
    """Judge everything in the blind queue through the desk's own address, as eyes that see a halo would."""
    browser = Browser()
    browser.force_login(reviewer)
    rejected = approved = 0
    while tasks := review.claim_next(reviewer, 16):
        for task in tasks:
            has_halo = halos.halo_of(ReviewTask.objects.select_related("run__quality").get(pk=task.pk)) >= halos.VISIBLE
            answer = browser.post(
                reverse("review:decide", args=[task.pk]),
                {
                    "version": task.version,
                    "verdict": "reject" if has_halo else "approve",
                    "reasons": ["edge_halo"] if has_halo else [],
                    "queue": "mixed",
                },
                content_type="application/json",
                headers={"Idempotency-Key": f"t{task.pk}v{task.version}"},
            )
            assert answer.status_code == 200, answer.content
            rejected, approved = rejected + has_halo, approved + (not has_halo)
    return rejected, approved


def test_forty_halos_rejected_at_the_desk_make_a_tested_proposal_with_less_halo_and_nothing_worse(
    admin: User,
) -> None:
    reviewer = make.make_user("ria", Role.REVIEWER)
    version = halos.haloing(admin)
    make.make_policy(**MOST, study_trials=2)
    halos.batch(version, halos.NAMES, 3)
    halos.batch(version, halos.CALM, 2)
    rejected, approved = decide_all(reviewer)
    assert rejected >= 40 and approved >= 10, (rejected, approved)
    proposal = PresetProposal.objects.get()
    assert (proposal.base, proposal.reason_code, proposal.state) == (version, "edge_halo", ProposalState.OPEN)

    assert loop.start_due() == 1 and loop.start_due() == 0, "started once, by itself"
    study = Study.objects.get()
    assert study.replay.size == rejected + approved or study.replay.size <= 150
    states = dict(Asset.objects.values_list("pk", "state"))
    line.run_line(2000)
    study.refresh_from_db()
    assert study.stage == StudyStage.DUEL, study.why
    assert study.best_value is not None and study.best_value > (study.champion_value or 0) + 0.5
    assert study.challenger is not None and study.challenger.params["edge"]["refinement"] == "medium"

    found = {row["name"]: row for row in study.compared}
    halo = found[halos.HALO]
    assert halo["verdict"] == "better" and halo["challenger"] < 0.25 * halo["champion"], halo
    assert halo["better"] >= 30 and halo["worse"] == 0
    assert [name for name, row in found.items() if row["verdict"] == "worse"] == []

    decide_all(make.make_user("rob", Role.REVIEWER))
    loop.tick()
    study.refresh_from_db()
    assert study.stage == StudyStage.OFFERED, (study.stage, study.why)
    assert study.difference is not None and study.standard_error is not None
    assert study.difference + study.standard_error < 0
    assert study.challenger.life.state == LifeState.OFFERED
    assert dict(Asset.objects.values_list("pk", "state")) == states, "judging a comparison moves no photo"
    assert PresetProposal.objects.count() == 1, "and is no evidence about the line"
    assert queue.live_decisions().count() == rejected + approved

    trial = canaries.start(study.challenger, admin, "The duel is clear")
    assert (trial.parent, trial.champion_rate > 0.3) == (version, True)
    proposal.refresh_from_db()
    assert (proposal.state, proposal.result, proposal.decided_by) == (
        ProposalState.ACCEPTED, study.challenger, admin
    )  # fmt: skip
