"""RTE-16, VAL-16: the table of legal moves, written out a second time by hand, and what must follow from it."""

from __future__ import annotations

import itertools

import pytest

from reviewapp.enums import APPROVED_STATES, MACHINE_STATES, RESOLVED_STATES, AssetState
from reviewapp.policies.transitions import ASSET_TRANSITIONS, IllegalTransition, check_transition

LEGAL = {
    "received": "validated rejected_intake duplicate failed cancelled",
    "rejected_intake": "received",
    "duplicate": "",
    "validated": "classified failed cancelled",
    "classified": "queued editing waits_for_sample failed cancelled",
    "waits_for_sample": "queued editing cancelled",
    "queued": "scored editing failed cancelled",
    "scored": "auto_approved in_review redo editing awaiting_signoff",
    "redo": "scored editing failed cancelled",
    "auto_approved": "in_review editing redo cancelled",
    "in_review": "approved editing redo on_hold cancelled",
    "on_hold": "in_review approved editing cancelled",
    "approved": "in_review awaiting_signoff",
    "editing": "validated scored in_review auto_approved failed cancelled",
    "awaiting_signoff": "approved editing cancelled",
    "failed": "received validated classified queued editing cancelled",
    "cancelled": "",
}


def reach(start: str, without: set[str]) -> set[str]:
    """Every state that can follow `start` on some way that avoids `without`."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        for target in ASSET_TRANSITIONS[AssetState(todo.pop())]:
            if target not in seen | without:
                seen.add(target)
                todo.append(target)
    return seen


def test_rte16_exactly_these_moves_are_legal_and_every_other_raises() -> None:
    assert set(LEGAL) == set(AssetState.values)
    for current, target in itertools.product(AssetState.values, repeat=2):
        if target in LEGAL[current].split():
            check_transition(current, target)
        else:
            with pytest.raises(IllegalTransition) as refused:
                check_transition(current, target)
            assert (refused.value.current, refused.value.target) == (current, target)


def test_val16_no_stage_is_skipped_on_the_way_to_a_score() -> None:
    for stage in ("validated", "classified"):
        assert not reach("received", {stage, "failed"}) & {"queued", "scored", "editing", *APPROVED_STATES}, stage
    assert not reach("queued", {"scored", "editing", "failed"}) & APPROVED_STATES


def test_rte03_what_was_redone_is_scored_before_it_is_approved() -> None:
    assert not reach("redo", {"scored", "editing", "failed"}) & APPROVED_STATES


def test_val09_a_rejected_photo_costs_nothing_until_it_is_received_again() -> None:
    assert ASSET_TRANSITIONS[AssetState.REJECTED_INTAKE] == {AssetState.RECEIVED}
    assert not ASSET_TRANSITIONS[AssetState.DUPLICATE] and not ASSET_TRANSITIONS[AssetState.CANCELLED]


def test_no_machine_state_counts_as_resolved() -> None:
    assert not MACHINE_STATES & RESOLVED_STATES
