"""Finding photos across batches, and one photo with its whole history."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from reviewapp.models import Asset
from reviewapp.selectors import assets as selectors
from reviewapp.selectors.images import image_record
from reviewapp.web.forms.images import ImageSearch
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.viewer_items import image_item


@role_required(*MANAGERS)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Every photo, searchable by client, batch, SKU, category, state and score; a page at a time (ING-18)."""
    form = ImageSearch(request.GET)
    after = request.GET.get("after", "")
    page = selectors.page(form.wanted(), after=int(after) if after.isdecimal() else None)
    kept = request.GET.copy()
    kept.pop("after", None)
    if page.next_after is not None:
        kept["after"] = str(page.next_after)
    context = {"active": "images", "form": form, "page": page, "more": kept.urlencode()}
    return render(request, "images/page.html", context)


@role_required(*MANAGERS)
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """Before and after, score, gates, measures, files, decisions and every step with its time."""
    try:
        record = image_record(pk)
    except Asset.DoesNotExist as missing:
        raise Http404(str(pk)) from missing
    item = image_item(record) if record.run is not None else None
    context = {"active": "images", "record": record, "item": item}
    return render(request, "images/detail.html", context)
