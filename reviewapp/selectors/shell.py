"""The counts beside the navigation links."""

from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.auth.models import User

from reviewapp.enums import EditTaskState, ProposalState, Role
from reviewapp.models import PresetProposal
from reviewapp.selectors import editing, review
from reviewapp.selectors.access import has_every_client

WAITING = (EditTaskState.OPEN, EditTaskState.CLAIMED, EditTaskState.AWAITING_SIGNOFF)


@dataclass(frozen=True)
class ShellCounts:
    """Zero also where the role does not see the link."""

    waiting_review: int = 0
    waiting_editing: int = 0
    open_proposals: int = 0


def counts_for(user: User, roles: Collection[str]) -> ShellCounts:
    """At most four queries of counts, only those the roles' links show."""
    held = set(roles)
    reviews = held & {Role.REVIEWER, Role.SENIOR, Role.ADMIN}
    edits = held & {Role.EDITOR, Role.SENIOR, Role.ADMIN}
    proposals = held & {Role.MANAGER, Role.ADMIN} and has_every_client(user)
    return ShellCounts(
        waiting_review=review.waiting_for(user) if reviews else 0,
        waiting_editing=editing.waiting(user, *WAITING) if edits else 0,
        open_proposals=PresetProposal.objects.filter(state=ProposalState.OPEN).count() if proposals else 0,
    )
