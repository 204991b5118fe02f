"""The loop, thin: reject reasons draft a new preset version with evidence; a person accepts or declines (FBK-01)."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import OPEN_STUDIES, CanaryState, LifeState, ProposalState, RejectReason, Role, StudyStage
from reviewapp.models import Canary, Preset, PresetProposal, PresetVersion, Study
from reviewapp.policies.learning import Judged, ReasonShare, draft, is_evidence, read, replaced, shares
from reviewapp.policies.quality import tuning
from reviewapp.selectors import presets as selectors

from . import audit, lives, presets, studies
from .people import require
from .words import stored_word

COUNTS = ("decisions", "rejected_with_reason", "share", "low", "high")


class ProposalRefused(ValueError):
    """A proposal that can't be decided as asked; the message says why."""


def propose(version: PresetVersion) -> list[PresetProposal]:
    """Draft a change for each reject reason of `version` above the policy's count and share; return those made now.

    Nothing is drafted for a version that is no longer current, a reason with an open proposal, or a reason somebody
    already decided for this version unless enough rejections came after that. Calling it again changes nothing.
    """
    if version.preset.current_id != version.pk or lives.is_locked(version.preset):
        return []
    policy = selectors.current_policy()
    decisions = selectors.judged(version)
    made: list[PresetProposal] = []
    rejects = sum(one.is_rejection for one in decisions)
    for share in shares(decisions):
        is_due = tuning.is_due(rejects, share.share, policy.study_min_rejects, policy.study_share)
        if not is_due and not is_evidence(share, min_count=policy.proposal_min_count, limit=policy.proposal_share):
            continue
        if _is_settled(version, share, policy.proposal_min_count):
            continue
        proposal = _draft(version, share, decisions, policy.proposal_share)
        if proposal is not None:
            made.append(proposal)
    return made


def accept(proposal: PresetProposal, actor: User, note: str = "") -> PresetVersion:
    """Turn a proposal into the next preset version and make it current; running batches stay pinned to theirs.

    The change is applied to the version that is current now. Raises NotAllowed, and ProposalRefused when it was decided
    before or the setting has been changed meanwhile.
    """
    require(actor, Role.ADMIN, to=_("accept a proposal"))
    with transaction.atomic():
        _close(proposal, ProposalState.ACCEPTED, actor, note)
        # Read now, under lock: the one that came with the proposal may be a version behind.
        locked = Preset.objects.select_for_update(of=("self",)).select_related("current")
        preset = locked.get(pk=proposal.base.preset_id)
        current = preset.current or proposal.base
        params = current.params
        for change in proposal.changes:
            if read(params, change["path"]) != change["old"]:
                raise ProposalRefused(
                    _(
                        "%(path)s was changed to %(value)s in version %(number)d. Decline this proposal; the next "
                        "rejections draft a new one."
                    )
                    % {"path": change["path"], "value": read(params, change["path"]), "number": current.number}
                )
            params = replaced(params, change["path"], change["new"])
        if Canary.objects.filter(preset=preset, state=CanaryState.RUNNING).exists():
            raise ProposalRefused(_("Another version of this preset is on trial. Wait for its end, or roll it back."))
        version = _version(proposal, preset, params, note, actor)
        evidence = {"untested": True, **{key: proposal.evidence[key] for key in COUNTS if key in proposal.evidence}}
        try:
            presets.set_current(version, actor)
        except presets.PresetRefused as refused:
            raise ProposalRefused(str(refused)) from refused
        lives.move(version, LifeState.ACTIVE, why="Used untested.", actor=actor, evidence=evidence, parent=current)
        PresetProposal.objects.filter(pk=proposal.pk).update(result=version)
        audit.record("proposal.accepted", proposal, actor=actor, after={"version": version.number}, note=note.strip())
    proposal.refresh_from_db()
    return version


def _version(proposal: PresetProposal, preset: Preset, params: dict[str, Any], note: str, actor: User) -> PresetVersion:
    """The version a test made of the proposal, if there is one with these settings; else the next."""
    tested = PresetVersion.objects.filter(study__proposal=proposal).first()
    if tested is not None and tested.params == params:
        return tested
    return presets.create_version(preset, params, _note(proposal, note), actor)


def decline(proposal: PresetProposal, actor: User, note: str) -> PresetProposal:
    """Keep the preset as it is, with the reason. Raises NotAllowed, ProposalRefused (no note, decided before)."""
    require(actor, Role.ADMIN, to=_("decline a proposal"))
    if not note.strip():
        raise ProposalRefused(_("Say why the proposal is declined."))
    with transaction.atomic():
        _close(proposal, ProposalState.DECLINED, actor, note)
        alive = [*OPEN_STUDIES, StudyStage.OFFERED]
        study = Study.objects.select_related("challenger").filter(proposal=proposal, stage__in=alive).first()
        if study is not None:
            studies.close(study, StudyStage.CLOSED, "The proposal was declined.")
        audit.record("proposal.declined", proposal, actor=actor, note=note.strip())
    proposal.refresh_from_db()
    return proposal


def untested(version: PresetVersion, reason: RejectReason) -> PresetProposal | None:
    """The open proposal against a reason that no test was started of."""
    waiting = PresetProposal.objects.filter(base=version, reason_code=reason.value, state=ProposalState.OPEN)
    return waiting.filter(study__isnull=True).first()


def draft_again(
    version: PresetVersion, share: ReasonShare, decisions: list[Judged], occasion: str
) -> PresetProposal | None:
    """Draft a change against a reason below its limits, because the preset is due a test (retuning.py).

    None when what was decided about it still holds: no rejection came since, or no step is left.
    """
    if _is_settled(version, share, 1):
        return None
    return _draft(version, share, decisions, 0.0, {"occasion": occasion})


def _is_settled(version: PresetVersion, share: ReasonShare, min_count: int) -> bool:
    """True when this reason is open, or was decided (by a person or its own lost test) and fewer than `min_count`
    rejections came since."""
    latest = PresetProposal.objects.filter(base=version, reason_code=share.reason.value).order_by("-pk").first()
    if latest is None:
        return False
    known = set(latest.evidence.get("decision_ids", []))
    newest_known = max(known, default=0)
    is_held = sum(pk > newest_known for pk in share.decision_ids) < min_count
    if latest.state != ProposalState.OPEN:
        return is_held
    lost = Study.objects.filter(proposal=latest, stage__in=[StudyStage.LOST, StudyStage.FAILED]).first()
    if lost is None or is_held:
        return True
    # Nobody has to come by and decline what its own test has answered: people go on rejecting, so it is asked anew.
    PresetProposal.objects.filter(pk=latest.pk, state=ProposalState.OPEN).update(
        state=ProposalState.DECLINED, decided_at=timezone.now(), decision_note=f"Its test said: {lost.why}"[:500]
    )
    audit.record("proposal.declined", latest, note=lost.why)
    return False


def _draft(
    version: PresetVersion,
    share: ReasonShare,
    decisions: list[Judged],
    limit: float,
    more: dict[str, Any] | None = None,
) -> PresetProposal | None:
    change = draft(version.params, share.reason)
    if change is None:  # every step against this reason is taken: only a person can think of more
        return None
    try:
        with transaction.atomic():
            proposal = PresetProposal.objects.create(
                base=version,
                reason_code=share.reason.value,
                params=change.params,
                changes=change.changes,
                evidence=_evidence(share, decisions, limit) | (more or {}),
            )
            audit.record("proposal.drafted", proposal, after={"reason": share.reason.value, "changes": change.changes})
            return proposal
    except IntegrityError:  # two rejections at once: the other one drafted it
        return None


def _evidence(share: ReasonShare, decisions: list[Judged], limit: float) -> dict[str, Any]:
    return {
        "decisions": share.decisions,
        "blind_decisions": sum(one.was_blind for one in decisions),
        "rejected_with_reason": share.count,
        "share": share.share,
        "low": share.low,
        "high": share.high,
        "limit": limit,
        "decision_ids": list(share.decision_ids),
    }


def _close(proposal: PresetProposal, state: ProposalState, actor: User, note: str) -> None:
    closed = PresetProposal.objects.filter(pk=proposal.pk, state=ProposalState.OPEN).update(
        state=state, decided_by=actor, decided_at=timezone.now(), decision_note=note.strip()[:500]
    )
    if not closed:
        raise ProposalRefused(_("Somebody decided this proposal already. Load the page again."))


def _note(proposal: PresetProposal, note: str) -> str:
    evidence = proposal.evidence
    label = stored_word(RejectReason(proposal.reason_code).label).lower()
    counts = f"{evidence['rejected_with_reason']} of {evidence['decisions']} decisions named {label}"
    return f"Proposal {proposal.pk}: {counts}. {note.strip()}".strip()[:500]
