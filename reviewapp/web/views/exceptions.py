"""The exceptions of a batch: what the line could not do, with another category or preset to try (CLS-17)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from reviewapp.models import Batch
from reviewapp.policies.numbers import whole
from reviewapp.selectors import exceptions as selectors
from reviewapp.selectors.presets import category_rules
from reviewapp.services import rerun as services
from reviewapp.web.forms.exceptions import RerunForm
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.theirs import their_batch


@role_required(*MANAGERS)
@require_http_methods(["GET", "POST"])
def exceptions(request: HttpRequest, pk: int) -> HttpResponse:
    """The list, all of it ticked; a POST sends what is ticked through the line with what the form says."""
    batch = their_batch(request, pk, Batch.objects.select_related("client", "preset_version__preset"))
    form = RerunForm(request.POST or None)
    if form.is_bound and form.is_valid():
        ids = [number for one in request.POST.getlist("photos") if (number := whole(one)) is not None]
        try:
            count = services.rerun(batch, ids, request.user, **form.wanted)  # type: ignore[arg-type]
        except services.RerunRefused as refused:
            form.add_error(None, str(refused))
        else:
            said = ngettext(
                "%(n)d photo goes through the line again.", "%(n)d photos go through the line again.", count
            )
            (messages.success if count else messages.warning)(request, said % {"n": count})
            return redirect("batches:detail", pk=pk)
    code = request.GET.get("code", "")[:60]
    context = {
        "active": "batches",
        "batch": batch,
        "code": code,
        "page": selectors.exception_page(batch, code, request.GET.get("after", "")),
        "form": form,
        "categories": [rule.category for rule in category_rules()],
    }
    return render(request, "batches/exceptions.html", context, status=422 if form.is_bound else 200)
