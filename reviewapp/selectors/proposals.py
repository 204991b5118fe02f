"""The page of one proposal: what changes, on what evidence, and the rejected photos themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from processing.params import Described, ProcessingParams
from reviewapp.enums import RejectReason
from reviewapp.models import PresetProposal, PresetVersion, ReviewDecision
from reviewapp.selectors import presets
from reviewapp.selectors.evidence import Sheet, sheet

SHOWN = 18


@dataclass(frozen=True, slots=True)
class ChangedSetting:
    """One setting the proposal changes; `described` is None for a path the schema no longer has."""

    path: str
    described: Described | None
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class ProposalPage:
    """Everything the page shows."""

    proposal: PresetProposal
    current: PresetVersion | None
    reason: str
    changes: list[ChangedSetting]
    settings_count: int
    decisions: list[ReviewDecision]
    sheet: Sheet

    @property
    def evidence(self) -> dict[str, Any]:
        return dict(self.proposal.evidence)

    @property
    def is_stale(self) -> bool:
        """True when the preset moved on since the draft."""
        return self.current is not None and self.current.pk != self.proposal.base_id


def proposal_page(proposal: PresetProposal) -> ProposalPage:
    """Read the page of `proposal`, whose base and preset are loaded."""
    described = {line.path: line for line in ProcessingParams.describe()}
    changes = [
        ChangedSetting(change["path"], described.get(change["path"]), change["old"], change["new"])
        for change in proposal.changes
    ]
    decisions = presets.evidence_decisions(proposal)[:SHOWN]
    return ProposalPage(
        proposal=proposal,
        current=proposal.base.preset.current,
        reason=str(RejectReason(proposal.reason_code).label),
        changes=changes,
        settings_count=len(described),
        decisions=list(decisions),
        sheet=sheet(proposal),
    )
