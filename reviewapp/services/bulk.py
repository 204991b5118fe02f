"""One verdict for all results of a filter: counted and looked at first, applied only when asked (REV-20).

Each photo gets the same decision row, audit event and follow-up as one decided by hand, so undo, samples and figures
know no difference. The set is fixed when it is applied; what others decide meanwhile is left out and counted.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from reviewapp.enums import BulkState, Role, Verdict
from reviewapp.models import BulkDecision, ReviewDecision
from reviewapp.policies.choosing import Choice
from reviewapp.policies.verdicts import Asked, check
from reviewapp.selectors import choosing as selectors

from . import audit
from .leases import release
from .people import require
from .review import record_decision
from .undo import undo

LIMIT = 5000
"""Photos in one bulk decision; more are done in a second one."""
PIECE = 20
ALLOWED = (Verdict.APPROVE, Verdict.REJECT, Verdict.HOLD)


class BulkRefused(Exception):
    """It was not applied; the message is for the person."""


def apply(
    user: User,
    choice: Choice,
    verdict: str,
    *,
    seen: int,
    digest: str | None = None,
    reasons: Sequence[str] = (),
    note: str = "",
) -> BulkDecision:
    """Fix the photos of `choice` and begin. `seen` is the number that was on screen, `digest` says which they were.

    Without a digest (no page asked) the number alone is compared. Raises BulkRefused when they are others by now, a
    colour has to be checked first (REV-11), or the decision itself makes no sense; NotAllowed.
    """
    require(user, Role.SENIOR, to=_("decide many photos at once"))
    if verdict not in ALLOWED:
        raise BulkRefused(_("Choose approve, reject or hold."))
    asked = check(Asked(verdict, "bulk", reasons, note, queue="assisted"))
    if isinstance(asked, str):
        raise BulkRefused(asked)
    if not choice.is_narrow:
        raise BulkRefused(_("Choose which photos first: a batch, a client, a category, a SKU, a reason or a score."))
    found = selectors.all_in_bulk(user, choice, LIMIT)
    shown = len(found.items)
    _refuse_unseen(found, seen, digest)
    if not found.items:
        raise BulkRefused(_("No photo waits that fits this filter."))
    if asked.verdict == Verdict.APPROVE and (count := selectors.colour_asked(user, choice)):
        raise BulkRefused(
            _(
                "%(count)s of these photos need their colour checked against the product, each by itself. "
                "Approve those on the desk, and choose the others here."
            )
            % {"count": f"{count:,}"}
        )
    with transaction.atomic():
        made = BulkDecision.objects.create(
            user=user,
            values=choice.values,
            verdict=asked.verdict,
            reasons=asked.reasons,
            note=asked.note,
            items=[list(item) for item in found.items],
        )
        audit.record("bulk.applied", made, actor=user, after={"photos": shown, "verdict": verdict, **choice.values})
    return made


def _refuse_unseen(found: selectors.Chosen, seen: int, digest: str | None) -> None:
    shown = len(found.items)
    if shown != seen:
        raise BulkRefused(
            _("The filter holds %(shown)s photos now, not %(seen)s. Look at them again before you apply.")
            % {"shown": f"{shown:,}", "seen": f"{seen:,}"}
        )
    if digest is not None and digest != found.digest:
        raise BulkRefused(
            _("The filter holds other photos now than those you looked at. Look at them again before you apply.")
        )


def advance(user: User, bulk: BulkDecision, budget_s: float = 2.0) -> BulkDecision:
    """Decide the next photos for about `budget_s` seconds. Safe to call twice at once: every decision has its key."""
    until = time.monotonic() + budget_s
    while bulk.state == BulkState.RUNNING and time.monotonic() < until:
        piece = bulk.items[bulk.position : bulk.position + PIECE]
        saved = sum(_decide(user, bulk, task_id, version) for task_id, version in piece)
        _progress(bulk, len(piece), saved)
    return bulk


def take_back(user: User, bulk: BulkDecision, budget_s: float = 2.0) -> BulkDecision:
    """Undo the decisions of a bulk decision for about `budget_s` seconds, the latest first; what is sealed stays."""
    BulkDecision.objects.filter(pk=bulk.pk, state__in=[BulkState.RUNNING, BulkState.DONE]).update(
        state=BulkState.UNDOING, position=len(bulk.items)
    )
    bulk.refresh_from_db()
    until = time.monotonic() + budget_s
    while bulk.state == BulkState.UNDOING and time.monotonic() < until:
        start = max(0, bulk.position - PIECE)
        for task_id, _version in reversed(bulk.items[start : bulk.position]):
            made = ReviewDecision.objects.filter(idempotency_key=_key(bulk, task_id)).first()
            if made is not None and undo(user, made.pk).is_undone:
                _free(user, task_id)
        state = BulkState.UNDOING if start else BulkState.UNDONE
        BulkDecision.objects.filter(pk=bulk.pk, position=bulk.position).update(position=start, state=state)
        bulk.refresh_from_db()
    return bulk


def _decide(user: User, bulk: BulkDecision, task_id: int, version: int) -> bool:
    result = record_decision(
        user,
        task_id,
        seen_version=version,
        verdict=bulk.verdict,
        reasons=bulk.reasons,
        note=bulk.note,
        idempotency_key=_key(bulk, task_id),
        queue="assisted",
    )
    return result.status in ("saved", "replayed")


def _key(bulk: BulkDecision, task_id: int) -> str:
    return f"bulk:{bulk.pk}:{task_id}"


def _free(user: User, task_id: int) -> None:
    """A photo that comes back from a bulk decision waits for anybody, not on one person's screen."""
    release(user, [task_id])


def _progress(bulk: BulkDecision, done: int, saved: int) -> None:
    end = bulk.position + done
    values: dict[str, Any] = {"position": end, "saved": F("saved") + saved, "left_out": F("left_out") + done - saved}
    if end >= len(bulk.items):
        values["state"] = BulkState.DONE
    BulkDecision.objects.filter(pk=bulk.pk, position=bulk.position, state=BulkState.RUNNING).update(**values)
    bulk.refresh_from_db()
