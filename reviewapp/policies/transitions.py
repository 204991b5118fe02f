"""The one table of legal moves for an asset (RTE-16). Pure: no ORM, no clock."""

from __future__ import annotations

from collections.abc import Mapping

from reviewapp.enums import AssetState as S


class IllegalTransition(ValueError):
    """Raised when code asks for a move the table does not have."""

    def __init__(self, current: str, target: str) -> None:
        super().__init__(f"An asset can't go from {current!r} to {target!r}.")
        self.current = current
        self.target = target


ASSET_TRANSITIONS: Mapping[S, frozenset[S]] = {
    S.RECEIVED: frozenset({S.VALIDATED, S.REJECTED_INTAKE, S.DUPLICATE, S.FAILED, S.CANCELLED}),
    S.VALIDATED: frozenset({S.CLASSIFIED, S.FAILED, S.CANCELLED}),
    S.CLASSIFIED: frozenset({S.QUEUED, S.EDITING, S.WAITS_FOR_SAMPLE, S.FAILED, S.CANCELLED}),
    # Let through as part of the sample, or when the sample is applied to the rest.
    S.WAITS_FOR_SAMPLE: frozenset({S.QUEUED, S.EDITING, S.CANCELLED}),
    S.QUEUED: frozenset({S.SCORED, S.EDITING, S.FAILED, S.CANCELLED}),
    S.SCORED: frozenset({S.AUTO_APPROVED, S.IN_REVIEW, S.REDO, S.EDITING, S.AWAITING_SIGNOFF}),
    S.REDO: frozenset({S.SCORED, S.EDITING, S.FAILED, S.CANCELLED}),
    # A blind sample of a shipped photo may be rejected: it goes back to work.
    # Its lot may be done again with another preset.
    S.AUTO_APPROVED: frozenset({S.IN_REVIEW, S.EDITING, S.REDO, S.CANCELLED}),
    S.IN_REVIEW: frozenset({S.APPROVED, S.EDITING, S.REDO, S.ON_HOLD, S.CANCELLED}),
    S.ON_HOLD: frozenset({S.IN_REVIEW, S.APPROVED, S.EDITING, S.CANCELLED}),
    # Undo, while nothing of it has been delivered.
    S.APPROVED: frozenset({S.IN_REVIEW, S.AWAITING_SIGNOFF}),
    # Back to the start: one that was an editor's only because nobody knew its category, when somebody does.
    S.EDITING: frozenset({S.VALIDATED, S.SCORED, S.IN_REVIEW, S.AUTO_APPROVED, S.FAILED, S.CANCELLED}),
    S.AWAITING_SIGNOFF: frozenset({S.APPROVED, S.EDITING, S.CANCELLED}),
    # A manager's retry starts the failed step again; the client may also ask for hands-on work.
    S.FAILED: frozenset({S.RECEIVED, S.VALIDATED, S.CLASSIFIED, S.QUEUED, S.EDITING, S.CANCELLED}),
    # Only one rejected for want of a sheet row comes back, when the row does; nothing was spent on it.
    S.REJECTED_INTAKE: frozenset({S.RECEIVED}),
    S.DUPLICATE: frozenset(),
    S.CANCELLED: frozenset(),
}


def check_transition(current: str, target: str) -> None:
    """Raise IllegalTransition unless the table allows `current` -> `target`."""
    if S(target) not in ASSET_TRANSITIONS[S(current)]:
        raise IllegalTransition(current, target)
