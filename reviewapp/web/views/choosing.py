"""Own filters of the review queue, and one decision for all results of a filter (REV-20)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from reviewapp.models import BulkDecision
from reviewapp.policies.choosing import Choice
from reviewapp.selectors import choosing as selectors
from reviewapp.selectors import review
from reviewapp.services import bulk as service
from reviewapp.services import choosing
from reviewapp.web.forms.choosing import BulkForm, ChoiceForm, named
from reviewapp.web.htmx import render_page
from reviewapp.web.permissions import REVIEWERS, SENIORS, role_required

PREVIEW = 60


def _who(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def address(queue: str, choice: Choice) -> str:
    """The desk of a queue, narrowed to a choice."""
    asked = QueryDict(mutable=True)
    asked.update({name: str(value) for name, value in choice.values.items()})
    return reverse("review:queue", args=[queue]) + (f"?{asked.urlencode()}" if asked else "")


@require_POST
@role_required(*REVIEWERS)
def save(request: HttpRequest, queue: review.Queue) -> HttpResponse:
    """Keeps a named choice for the person; the same name again replaces it."""
    choice = Choice.read(request.POST.dict(), blind=queue == "mixed")
    try:
        kept = choosing.save(_who(request), queue, request.POST.get("name", ""), choice)
    except choosing.NotSaved as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("Saved as “%(name)s”.") % {"name": kept.name})
    return redirect("review:chooser")


@require_POST
@role_required(*REVIEWERS)
def forget(request: HttpRequest, filter_id: int) -> HttpResponse:
    """Takes a saved choice away."""
    choosing.forget(_who(request), filter_id)
    return redirect("review:chooser")


def _bulk_context(
    request: HttpRequest, choice: Choice, form: BulkForm | None = None, wrong: str = ""
) -> dict[str, Any]:
    user = _who(request)
    typed = {"client": request.GET["client"]} if wrong else {}
    every = selectors.all_in_bulk(user, choice, service.LIMIT) if choice.is_narrow else selectors.Chosen([])
    count = len(every.items)
    found = review.with_details(selectors.in_bulk(user, choice))[:PREVIEW] if count else []
    return {
        "active": "review",
        "choice": choice,
        "filter": ChoiceForm(user, initial=choice.values | typed),
        "wrong": wrong,
        "count": count,
        "digest": every.digest,
        "limit": service.LIMIT,
        "tasks": found,
        "form": form or BulkForm(initial={"seen": count, "digest": every.digest}),
    }


@require_GET
@never_cache
@role_required(*SENIORS)
def bulk(request: HttpRequest) -> HttpResponse:
    """Which photos, how many, what they look like; nothing happens here."""
    values, wrong = named(_who(request), request.GET.dict())
    choice = Choice.read(values, blind=False)
    return render(request, "review/bulk.html", _bulk_context(request, choice, wrong=wrong))


@require_POST
@role_required(*SENIORS)
def apply(request: HttpRequest) -> HttpResponse:
    """Begins a bulk decision, or shows the photos again with the reason why not."""
    choice = Choice.read(request.POST.dict(), blind=False)
    form = BulkForm(request.POST)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            made = service.apply(
                _who(request),
                choice,
                asked["verdict"],
                seen=asked["seen"],
                digest=asked["digest"],
                reasons=asked["reasons"],
                note=asked["note"],
            )
        except service.BulkRefused as error:
            form.add_error(None, str(error))
        else:
            return redirect("review:bulk_progress", bulk_id=made.pk)
    context = _bulk_context(request, choice, form)
    again = request.POST.copy()
    # The next Apply is about what is shown now.
    again["seen"], again["digest"] = str(context["count"]), context["digest"]
    form.data = again
    return render(request, "review/bulk.html", context, status=409)


def _mine(request: HttpRequest, bulk_id: int) -> BulkDecision:
    found = selectors.bulk_of(_who(request), bulk_id)
    if found is None:
        raise Http404("No such bulk decision.")
    return found


@require_GET
@never_cache
@role_required(*SENIORS)
def progress(request: HttpRequest, bulk_id: int) -> HttpResponse:
    """How far it is; the fragment goes on by itself, and by a button where there is no script."""
    context = {"active": "review", "bulk": _mine(request, bulk_id)}
    return render_page(request, "review/bulk_progress.html", "review/_bulk_progress.html", context)


def _after(request: HttpRequest, made: BulkDecision) -> HttpResponse | HttpResponseRedirect:
    if request.headers.get("HX-Request"):
        return render(request, "review/_bulk_progress.html", {"bulk": made})
    return redirect("review:bulk_progress", bulk_id=made.pk)


@require_POST
@role_required(*SENIORS)
def advance(request: HttpRequest, bulk_id: int) -> HttpResponse:
    """Decides the next photos."""
    return _after(request, service.advance(_who(request), _mine(request, bulk_id)))


@require_POST
@role_required(*SENIORS)
def take_back(request: HttpRequest, bulk_id: int) -> HttpResponse:
    """Undoes what was applied, as far as it isn't sealed."""
    return _after(request, service.take_back(_who(request), _mine(request, bulk_id)))
