"""Batches: the list, the form for a new one, the live page and what a manager does to a running batch."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from reviewapp.models import Batch
from reviewapp.selectors import batch_pages as pages
from reviewapp.selectors import batches as selectors
from reviewapp.selectors import lots, sets
from reviewapp.selectors import progress as progress_selectors
from reviewapp.selectors.failures import by_category
from reviewapp.services import batches as services
from reviewapp.services import owners
from reviewapp.templatetags.softproof import person
from reviewapp.web.forms.batches import BatchForm, OwnerForm, PriorityForm, ReasonForm
from reviewapp.web.htmx import part_page, render_page
from reviewapp.web.lists import asked_list, cursor_of
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.quality_words import lot_rows
from reviewapp.web.set_words import told
from reviewapp.web.theirs import their_batch
from reviewapp.web.views.first_samples import card_context

BATCHES = Batch.objects.select_related("client", "preset_version__preset", "rest_version__preset", "owner")


def _batch(request: HttpRequest, pk: int) -> Batch:
    return their_batch(request, pk, BATCHES)


@role_required(*MANAGERS)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """All batches of the person's clients, newest first; filter and search swap the rows only."""
    name, words = request.GET.get("filter", "all"), request.GET.get("q", "").strip()[:80]
    page = progress_selectors.batch_page(request.user, name, words, request.GET.get("after", ""))
    context = {
        "active": "batches",
        "page": page,
        "chips": progress_selectors.filter_chips(request.user),
        "filter": name,
        "words": words,
        "is_more": bool(request.GET.get("after")),
    }
    return render_page(request, "batches/page.html", "batches/_list.html", context)


@role_required(*MANAGERS)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """The order: whose photos, how they are processed, where they go. Files follow on the upload page."""
    form = BatchForm(request.user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        batch = form.create(request.user)
        return redirect("uploads:page", pk=batch.pk)
    status = 422 if form.is_bound else 200
    return render(request, "batches/new.html", {"active": "batches", "form": form}, status=status)


@role_required(*MANAGERS)
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One batch: steps, failures, images, deliveries, samples, order, activity."""
    batch, more = _batch(request, pk), cursor_of(request, "activity")
    if asked_list(request, ("activity",)):
        return render(request, "batches/_activity_rows.html", {"batch": batch, "page": pages.activity(batch, more)})
    details = pages.batch_details(batch, request.GET.get("show", "all"), more)
    context = {"active": "batches", "details": details}
    context |= {"batch": batch, "priority_form": PriorityForm(initial={"priority": batch.priority})}
    context["lots"] = lot_rows(lots.views(batch))
    context |= card_context(batch, details.first)
    return render(request, "batches/detail.html", context)


@role_required(*MANAGERS)
@require_GET
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The self-renewing part. When any count moved since `seen`, the page's other parts are told to look again."""
    batch = their_batch(request, pk)
    found = progress_selectors.progress_of(batch)
    response = render(request, "batches/_progress.html", {"progress": found})
    if request.GET.get("seen", "") != found.seen:
        response["HX-Trigger"] = "batch-moved"
    return response


@role_required(*MANAGERS)
@require_GET
def images(request: HttpRequest, pk: int) -> HttpResponse:
    """The tiles of one filter; without htmx the whole batch page with that filter."""
    batch = _batch(request, pk)
    name, cursor = request.GET.get("show", "all"), request.GET.get("after", "")
    context = {"tiles": pages.tiles(batch, name, cursor)}
    fragment = "images/_tiles_more.html" if cursor else "images/_tiles.html"
    return part_page(request, batch, _("Images"), "images/_tiles.html", context, fragment)


@role_required(*MANAGERS)
@require_GET
def as_set(request: HttpRequest, pk: int) -> HttpResponse:
    """How alike the results look and which stand out; the batch page asks for it once it is there itself."""
    batch = their_batch(request, pk)
    return part_page(request, batch, _("As a set"), "batches/_set.html", {"told": told(sets.report_of(batch))})


@role_required(*MANAGERS)
@require_GET
def failures(request: HttpRequest, pk: int) -> HttpResponse:
    """The failure groups, asked for again whenever a count moves."""
    batch = their_batch(request, pk)
    context = {"batch": batch, "failures": selectors.failures(batch), "categories": by_category(batch)}
    return render(request, "batches/_failures.html", context)


@role_required(*MANAGERS)
@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    """Start the failed step of one group, of one failure category, or of every failed photo, again."""
    batch = their_batch(request, pk)
    form = request.POST
    count = services.retry_failed(
        batch, request.user, code=form.get("code") or None, category=form.get("category") or None
    )
    messages.success(request, _("%(count)d images go through the line again.") % {"count": count})
    return redirect("batches:detail", pk=pk)


@role_required(*MANAGERS)
@require_POST
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Give the failed photos of one group to the editors instead of trying again."""
    batch = their_batch(request, pk)
    count = services.hand_to_editors(batch, request.user, code=request.POST.get("code") or None)
    messages.success(request, _("%(count)d images are with the editors.") % {"count": count})
    return redirect("batches:detail", pk=pk)


@role_required(*MANAGERS)
@require_POST
def pause(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop taking up new work of the batch; what runs now finishes."""
    batch, form = their_batch(request, pk), ReasonForm(request.POST)
    if form.is_valid():
        services.pause(batch, form.cleaned_data["reason"], request.user)
    else:
        messages.error(request, _("Say why the batch is paused; the reason is shown to everybody."))
    return redirect("batches:detail", pk=pk)


@role_required(*MANAGERS)
@require_POST
def resume(request: HttpRequest, pk: int) -> HttpResponse:
    """Go on with a paused batch."""
    services.resume(their_batch(request, pk), request.user)
    messages.success(request, _("The batch goes on."))
    return redirect("batches:detail", pk=pk)


@role_required(*MANAGERS)
@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a batch for good; originals are kept."""
    count = services.cancel(their_batch(request, pk), request.POST.get("reason", "")[:300], request.user)
    messages.success(request, _("The batch is cancelled; %(count)d images were still to do.") % {"count": count})
    return redirect("batches:detail", pk=pk)


@role_required(*MANAGERS)
@require_http_methods(["GET", "POST"])
def owner(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand a batch to another manager. 409 when somebody else did meanwhile."""
    batch = _batch(request, pk)
    form = OwnerForm(batch, request.POST or None)
    status = 200
    if form.is_bound and form.is_valid():
        given = form.cleaned_data
        try:
            owners.hand_to(batch, given["owner"], request.user, seen=given["seen"], note=given["note"])
            messages.success(request, _("%(name)s owns this batch now.") % {"name": person(given["owner"])})
            return redirect("batches:detail", pk=pk)
        except owners.OwnerRefused as refused:
            form.add_error(None, str(refused))
            status = 409
    elif form.is_bound:
        status = 422
    return render(request, "batches/owner.html", {"active": "batches", "batch": batch, "form": form}, status=status)


@role_required(*MANAGERS)
@require_POST
def priority(request: HttpRequest, pk: int) -> HttpResponse:
    """Move the batch's waiting work forward or back."""
    batch, form = their_batch(request, pk), PriorityForm(request.POST)
    if form.is_valid():
        services.set_priority(batch, form.cleaned_data["priority"], request.user)
        messages.success(request, _("Priority %(n)d from now on.") % {"n": form.cleaned_data["priority"]})
    else:
        messages.error(request, _("Priority is a number from 1, first, to 10, last."))
    return redirect("batches:detail", pk=pk)
