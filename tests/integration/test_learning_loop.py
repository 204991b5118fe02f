"""Rejections draft a preset change with its evidence; an admin accepts or declines it (FBK-01, FBK-17, C10, B42)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from reviewapp.enums import ProposalState, Role, SampleOutcome
from reviewapp.models import AuditEvent, PresetProposal, PresetVersion, ReviewDecision, SampleMember
from reviewapp.selectors import presets as selectors
from reviewapp.services import learning, presets, review
from reviewapp.services.people import NotAllowed
from tests import factories as make

from .test_review_claims import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin() -> User:
    return make.make_user("ada", Role.ADMIN)


@pytest.fixture
def reviewer() -> User:
    return make.make_user("ria", Role.REVIEWER)


@pytest.fixture
def version() -> PresetVersion:
    return make.make_preset_version("Standard")


def judge(reviewer: User, version: PresetVersion, verdict: str, count: int, *reasons: str) -> list[ReviewDecision]:
    """Decide `count` new photos made with `version`."""
    batch = make.make_batch(preset_version=version)
    made = []
    for _ in range(count):
        task = make.make_review(batch)
        result = review.record_decision(
            reviewer, task.pk, seen_version=0, verdict=verdict, reasons=reasons, idempotency_key=f"k{task.pk}"
        )
        assert result.decision is not None
        made.append(result.decision)
    return made


def test_fbk01_five_edge_halo_rejections_draft_a_change_by_themselves(reviewer: User, version: PresetVersion) -> None:
    judge(reviewer, version, "approve", 15)
    rejected = judge(reviewer, version, "reject", 4, "edge_halo")
    assert not PresetProposal.objects.exists()
    rejected += judge(reviewer, version, "reject", 1, "edge_halo", "shadow")
    proposal = selectors.open_proposals().get()
    assert proposal.base == version and proposal.reason_code == "edge_halo"
    assert proposal.changes == [{"path": "edge.radius_ratio", "old": 0.006, "new": 0.005}]
    evidence = proposal.evidence
    assert (evidence["decisions"], evidence["rejected_with_reason"], evidence["share"]) == (20, 5, 0.25)
    assert evidence["low"] < 0.25 < evidence["high"] and evidence["limit"] == 0.05
    assert sorted(evidence["decision_ids"]) == [decision.pk for decision in rejected]
    assert set(selectors.evidence_decisions(proposal)) == set(rejected)
    version.preset.refresh_from_db()
    assert version.preset.current == version, "nothing changes before a person says so"


def test_a_reason_below_its_share_drafts_nothing(reviewer: User, version: PresetVersion) -> None:
    make.make_policy(proposal_share=0.5)
    judge(reviewer, version, "approve", 6)
    judge(reviewer, version, "reject", 5, "shadow")
    assert learning.propose(version) == [] and not PresetProposal.objects.exists()


def test_undone_and_second_opinions_are_no_evidence(reviewer: User, version: PresetVersion) -> None:
    decisions = judge(reviewer, version, "reject", 4, "shadow")
    other = make.make_user("otto", Role.REVIEWER)
    late = review.record_decision(
        other, decisions[0].task_id, seen_version=0, verdict="reject", reasons=["shadow"], idempotency_key="late"
    )
    assert late.status == "conflict"
    assert review.undo(reviewer, decisions[3].pk).is_undone
    assert [share.count for share in selectors.reason_shares(version)] == [3]
    assert learning.propose(version) == []


def test_one_open_proposal_per_reason_however_many_rejections_follow(reviewer: User, version: PresetVersion) -> None:
    judge(reviewer, version, "reject", 8, "shadow")
    assert learning.propose(version) == []
    assert PresetProposal.objects.count() == 1


def test_rejections_at_the_same_moment_draft_one_proposal(reviewer: User, version: PresetVersion) -> None:
    judge(reviewer, version, "reject", 5, "shadow")
    PresetProposal.objects.all().delete()
    made = in_threads(4, lambda _n: len(learning.propose(PresetVersion.objects.get(pk=version.pk))))
    assert sum(made) == 1 and PresetProposal.objects.count() == 1


def test_fbk01_accepting_makes_the_next_version_current_and_running_batches_stay(
    reviewer: User, version: PresetVersion, admin: User
) -> None:
    judge(reviewer, version, "reject", 5, "edge_halo")
    pinned = make.make_batch(preset_version=version)
    proposal = selectors.open_proposals().get()
    new = learning.accept(proposal, admin, "agreed")
    assert (new.number, new.created_by) == (2, admin)
    assert f"Proposal {proposal.pk}" in new.note and "5 of 5 decisions named edge halo or fringe" in new.note
    assert new.params["edge"]["radius_ratio"] == 0.005
    version.preset.refresh_from_db()
    pinned.refresh_from_db()
    assert version.preset.current == new and pinned.preset_version == version
    proposal.refresh_from_db()
    assert (proposal.state, proposal.result, proposal.decided_by) == (ProposalState.ACCEPTED, new, admin)
    assert AuditEvent.objects.filter(verb="proposal.accepted", actor=admin).exists()
    with pytest.raises(learning.ProposalRefused, match="already"):
        learning.accept(proposal, admin)


def test_two_open_proposals_can_both_be_accepted(reviewer: User, version: PresetVersion, admin: User) -> None:
    judge(reviewer, version, "reject", 5, "edge_halo", "shadow")
    for proposal in selectors.open_proposals():
        learning.accept(proposal, admin)
    version.preset.refresh_from_db()
    current = version.preset.current
    assert current is not None and current.number == 3
    assert current.params["edge"]["radius_ratio"] == 0.005 and current.params["shadow"]["opacity"] == 0.15


def test_a_setting_changed_meanwhile_refuses_the_draft(reviewer: User, version: PresetVersion, admin: User) -> None:
    judge(reviewer, version, "reject", 5, "shadow")
    proposal = selectors.open_proposals().get()
    params = {**version.params, "shadow": {**version.params["shadow"], "opacity": 0.4}}
    presets.set_current(presets.create_version(version.preset, params, "by hand", admin), admin)
    proposal = PresetProposal.objects.get(pk=proposal.pk)
    with pytest.raises(learning.ProposalRefused, match=r"shadow\.opacity was changed"):
        learning.accept(proposal, admin)
    proposal.refresh_from_db()
    assert proposal.state == ProposalState.OPEN and version.preset.versions.count() == 2


def test_declining_keeps_the_preset_and_needs_new_evidence_to_come_back(
    reviewer: User, version: PresetVersion, admin: User
) -> None:
    judge(reviewer, version, "reject", 5, "shadow")
    proposal = selectors.open_proposals().get()
    with pytest.raises(learning.ProposalRefused, match="why"):
        learning.decline(proposal, admin, " ")
    learning.decline(proposal, admin, "The client likes it light")
    judge(reviewer, version, "reject", 4, "shadow")
    assert not selectors.open_proposals().exists()
    judge(reviewer, version, "reject", 1, "shadow")
    assert selectors.open_proposals().count() == 1
    assert version.preset.versions.count() == 1


def test_a_version_that_is_no_longer_current_drafts_nothing(
    reviewer: User, version: PresetVersion, admin: User
) -> None:
    params = {**version.params, "shadow": {**version.params["shadow"], "opacity": 0.4}}
    presets.set_current(presets.create_version(version.preset, params, "n", admin), admin)
    judge(reviewer, PresetVersion.objects.get(pk=version.pk), "reject", 6, "shadow")
    assert not PresetProposal.objects.exists()


def test_rev19_only_an_admin_decides_proposals(reviewer: User, version: PresetVersion) -> None:
    judge(reviewer, version, "reject", 5, "shadow")
    proposal = selectors.open_proposals().get()
    for role in (Role.REVIEWER, Role.MANAGER, Role.SENIOR):
        person = make.make_user("", role)
        with pytest.raises(NotAllowed):
            learning.accept(proposal, person)
        with pytest.raises(NotAllowed):
            learning.decline(proposal, person, "no")


def test_a_failing_draft_never_costs_a_person_their_decision(
    reviewer: User, version: PresetVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_version: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(learning, "propose", fail)
    assert judge(reviewer, version, "reject", 1, "shadow")
    assert ReviewDecision.objects.count() == 1


def test_fbk17_the_sample_defect_rate_is_per_preset_version(reviewer: User, admin: User) -> None:
    version = make.make_preset_version("Sampled")
    for verdict in ("approve", "approve", "approve", "reject"):
        sample = make.make_sample(make.make_batch(preset_version=version))
        review.record_decision(
            reviewer, sample.pk, seen_version=0, verdict=verdict, reasons=["shadow"], idempotency_key=f"s{sample.pk}"
        )
    make.make_sample(make.make_batch(preset_version=version))  # still pending: counts for nothing
    assert SampleMember.objects.filter(outcome=SampleOutcome.PENDING).count() == 1
    params = {**version.params, "shadow": {**version.params["shadow"], "opacity": 0.4}}
    second = presets.create_version(version.preset, params, "n", admin)
    newest, first = selectors.sample_rates(selectors.versions_of(version.preset))
    assert (newest.version, newest.judged, newest.share, newest.low, newest.high) == (second, 0, None, 0.0, 1.0)
    assert (first.judged, first.rejected, first.share) == (4, 1, 0.25)
    assert first.low == pytest.approx(0.0063, abs=1e-4) and first.high == pytest.approx(0.8059, abs=1e-4)
