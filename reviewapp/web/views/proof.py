"""What is proven, scope by scope; lots that failed and what is done about them; how much reviewers see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from reviewapp.models import Alarm, Lot, Scope
from reviewapp.selectors import gold as gold_reads
from reviewapp.selectors import people as people_reads
from reviewapp.selectors import proof as selectors
from reviewapp.selectors import reviewers as reviewer_reads
from reviewapp.selectors.access import has_every_client
from reviewapp.selectors.alarms import open_learning_alarms
from reviewapp.selectors.pages import keyset_by
from reviewapp.services import lots, scopes, strata
from reviewapp.web import quality_words as words
from reviewapp.web.htmx import render_page
from reviewapp.web.permissions import LEADS, MANAGERS, role_required
from reviewapp.web.theirs import theirs

PAGE = 20
"""People of the reviewers' page."""


def _back(request: HttpRequest) -> HttpResponse:
    """To the page the form was on."""
    wanted = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=False)
    plain = "quality:proof" if has_every_client(request.user) else "batches:list"
    return redirect(wanted if is_ours else plain)


def _try(request: HttpRequest, act: Callable[[], str]) -> HttpResponse:
    """Do it and say what came of it; a refusal is said as it is."""
    try:
        messages.success(request, act())
    except scopes.HoldRefused as refused:
        messages.error(request, str(refused))
    return _back(request)


@role_required(*MANAGERS, every_client=True)
@require_GET
def proof(request: HttpRequest) -> HttpResponse:
    """Per scope and in total: state, bound, what it rests on, what is missing; recurring errors; alarms."""
    page = selectors.scope_page(request.GET.get("after", ""))
    rows = [words.scope_words(row) for row in selectors.with_proof(page.rows)]
    context: dict[str, Any] = {"active": "proof", "page": page, "rows": rows}
    if not request.GET.get("after"):
        total = selectors.total()
        context |= {
            "figures": words.total_figures(total),
            "sentence": words.total_sentence(total),
            **_waiting(),
            "patterns": [words.pattern_words(found) for found in selectors.patterns()],
            "exceptions": [words.pattern_words(found) for found in selectors.exceptions()],
        }
    return render_page(request, "quality/proof.html", "quality/_scopes.html", context)


def _waiting() -> dict[str, Any]:
    """What waits for a word: of each kind the first few, and whether there is more."""
    most = selectors.WAITING
    found: dict[str, list[Any]] = {
        "alarms": selectors.open_alarms(most + 1),
        "drifts": open_learning_alarms(limit=most + 1),
        "held": selectors.held_scopes(most + 1),
    }
    is_more = any(len(rows) > most for rows in found.values())
    return {name: rows[:most] for name, rows in found.items()} | {"more_waits": most if is_more else 0}


@role_required(*LEADS, every_client=True)
@require_GET
def reviewers(request: HttpRequest) -> HttpResponse:
    """How much each reviewer sees, agrees and does, each figure with what it rests on; by name, in pages."""
    page = keyset_by(people_reads.reviewing(), ("username",), request.GET.get("after", ""), PAGE)
    is_measured = gold_reads.is_on()
    rows = [words.reviewer_words(found, is_measured=is_measured) for found in reviewer_reads.figures(page.rows)]
    context = {"active": "reviewers", "page": page, "rows": rows, "is_measured": is_measured}
    return render_page(request, "quality/reviewers.html", "quality/_reviewer_cards.html", context)


@role_required(*MANAGERS, every_client=True)
@require_POST
def clear(request: HttpRequest, pk: int) -> HttpResponse:
    """End a scope's hold with a word."""
    scope = get_object_or_404(Scope, pk=pk)

    def act() -> str:
        scopes.clear(scope.pk, request.user, request.POST.get("note", ""))
        return _("The hold is over. Every lot is proven by itself again.")

    return _try(request, act)


@role_required(*MANAGERS)
@require_POST
def reprocess(request: HttpRequest, pk: int) -> HttpResponse:
    """Do a stopped lot again with the previous preset."""
    lot = theirs(request, Lot.objects.all(), "scope__client", pk=pk)

    def act() -> str:
        done = strata.reprocess(lot.pk, request.user)
        return _("%(n)d photos are done again with %(preset)s.") % {"n": done.photos, "preset": done.version}

    return _try(request, act)


@role_required(*MANAGERS)
@require_POST
def to_editors(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a stopped lot to editors."""
    lot = theirs(request, Lot.objects.all(), "scope__client", pk=pk)
    return _try(
        request, lambda: _("%(n)d photos are with the editors.") % {"n": strata.hand_to_editors(lot.pk, request.user)}
    )


@role_required(*MANAGERS)
@require_POST
def release(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a lot ship that was looked at whole and can't be proven, with a reason."""
    lot = theirs(request, Lot.objects.all(), "scope__client", pk=pk)

    def act() -> str:
        lots.release_unproven(lot.pk, request.user, request.POST.get("note", ""))
        return _("The lot may ship. That it isn't proven stays in the audit log.")

    return _try(request, act)


@role_required(*MANAGERS)
@require_POST
def plan(request: HttpRequest, pk: int) -> HttpResponse:
    """Prove a small lot now instead of waiting for more of its kind."""
    lot = theirs(request, Lot.objects.all(), "scope__client", pk=pk)

    def act() -> str:
        if not lots.plan(lot.pk, at_once=True):
            raise scopes.HoldRefused(_("This lot is planned already."))
        return _("The lot is being proven.")

    return _try(request, act)


@role_required(*LEADS, every_client=True)
@require_POST
def close_alarm(request: HttpRequest, pk: int) -> HttpResponse:
    """End an alarm with a word. A hold is ended where its lot or scope is."""
    alarm = get_object_or_404(Alarm, pk=pk)
    assert isinstance(request.user, User)

    def act() -> str:
        scopes.end_alarm(alarm.pk, request.user, request.POST.get("note", ""))
        return _("Noted.")

    return _try(request, act)
