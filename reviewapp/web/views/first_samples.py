"""A batch that does a sample first: its card, applying it to the rest, drawing another one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from reviewapp.models import Batch
from reviewapp.selectors import batches as batch_selectors
from reviewapp.selectors import first_samples as selectors
from reviewapp.selectors.first_samples import FirstView
from reviewapp.services import applying
from reviewapp.web.forms.batches import FirstSampleForm
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.theirs import theirs


def _batch(request: HttpRequest, pk: int) -> Batch:
    batches = Batch.objects.select_related("client", "preset_version__preset", "rest_version__preset")
    return theirs(request, batches, "client", pk=pk, first_share__isnull=False)


def card_context(batch: Batch, first: FirstView | None) -> dict[str, Any]:
    """What templates/batches/_first_sample.html needs; the form only while there is something to decide."""
    context: dict[str, Any] = {"batch": batch, "first": first}
    is_open = first is not None and (first.has_rest or batch.closed_at is None)
    if first is not None and is_open and first.applied_at is None and batch.state not in applying.OVER:
        chosen = first.latest.preset_version_id if first.latest is not None else batch.preset_version_id
        context["first_form"] = FirstSampleForm(batch, initial={"version": chosen, "seen": first.number})
    return context


@role_required(*MANAGERS)
@require_GET
def card(request: HttpRequest, pk: int) -> HttpResponse:
    """The card alone, asked for again whenever a count moves."""
    batch = _batch(request, pk)
    found = selectors.view(batch, batch_selectors.counts(batch))
    return render(request, "batches/_first_sample.html", card_context(batch, found))


def _chosen(request: HttpRequest, batch: Batch) -> dict[str, Any] | None:
    """What was chosen on the card; None, and the person is told, when it isn't offered (any more)."""
    form = FirstSampleForm(batch, request.POST)
    if form.is_valid():
        return form.cleaned_data
    messages.error(request, _("Choose a version that is offered."))
    return None


@role_required(*MANAGERS)
@require_POST
def apply(request: HttpRequest, pk: int) -> HttpResponse:
    """Let the rest through with the chosen version."""
    batch = _batch(request, pk)
    chosen = _chosen(request, batch)
    if chosen is None:
        return redirect("batches:detail", pk=pk)
    try:
        applying.apply(batch, chosen["version"], request.user, seen=chosen["seen"], why=chosen["why"])
    except applying.FirstSampleRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("The rest goes through with %(version)s.") % {"version": chosen["version"]})
    return redirect("batches:detail", pk=pk)


@role_required(*MANAGERS)
@require_POST
def again(request: HttpRequest, pk: int) -> HttpResponse:
    """Draw another sample from what waits, done with the chosen version."""
    batch = _batch(request, pk)
    chosen = _chosen(request, batch)
    if chosen is None:
        return redirect("batches:detail", pk=pk)
    try:
        drawn = applying.sample_again(batch, chosen["version"], request.user, seen=chosen["seen"])
    except applying.FirstSampleRefused as refused:
        messages.error(request, str(refused))
    else:
        words = _("%(n)d photos are done with %(version)s and judged.")
        messages.success(request, words % {"n": drawn.size, "version": drawn.preset_version})
    return redirect("batches:detail", pk=pk)
