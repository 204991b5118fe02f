"""What the desk answers to a decision, in words. The same for a blind sample as for any photo."""

from __future__ import annotations

from django.utils.translation import gettext as _

from reviewapp.enums import Verdict
from reviewapp.models import ReviewDecision


def saved(verdict: Verdict) -> str:
    """A decision that stands."""
    return {
        Verdict.APPROVE: _("Approved."),
        Verdict.REJECT: _("Rejected. An editor gets it."),
        Verdict.HOLD: _("On hold."),
        Verdict.SKIP: _("Skipped. It comes back at the end."),
        Verdict.ESCALATE: _("Escalated. A senior decides it."),
    }[verdict]


def unticked() -> str:
    """An approval of a photo whose colour somebody has to check first (REV-11)."""
    return _("Hold its colour against the product itself, tick that you did, then approve.")


def first_stands(first: ReviewDecision | None, *, kept: bool) -> str:
    """Each a whole sentence, because no language puts one together from this one's parts."""
    if first is None:
        said = _("Somebody else decided first.")
    else:
        name = first.reviewer.get_full_name() or first.reviewer.get_username()
        is_approved = first.verdict == Verdict.APPROVE
        approved, rejected = _("Already decided by %(name)s: approved."), _("Already decided by %(name)s: rejected.")
        said = (approved if is_approved else rejected) % {"name": name}
    return f"{said} {_('Your vote is kept as a second opinion.')}" if kept else said


def own_stands(first: ReviewDecision) -> str:
    """The person's own decision, made elsewhere, is the one that stands."""
    done = {
        Verdict.APPROVE: _("You have approved this photo already, perhaps in another tab."),
        Verdict.REJECT: _("You have rejected this photo already, perhaps in another tab."),
        Verdict.HOLD: _("You have put this photo on hold already, perhaps in another tab."),
        Verdict.SKIP: _("You have skipped this photo already, perhaps in another tab."),
        Verdict.ESCALATE: _("You have escalated this photo already, perhaps in another tab."),
    }[Verdict(first.verdict)]
    return f"{done} {_('That stands; nothing else was saved.')}"
