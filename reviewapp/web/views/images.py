"""Finding photos across batches, and one photo with its whole history."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from reviewapp.models import Asset
from reviewapp.policies.numbers import whole
from reviewapp.selectors import assets as selectors
from reviewapp.selectors import feedback as feedback_reads
from reviewapp.selectors.images import HISTORIES, ImageRecord, history, image_record
from reviewapp.services import feedback
from reviewapp.web.forms.images import ImageSearch
from reviewapp.web.forms.proof import ComplaintForm
from reviewapp.web.lists import asked_list, cursor_of
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.theirs import theirs
from reviewapp.web.viewer_items import image_item

LISTS = (*HISTORIES, "complaints")


@role_required(*MANAGERS)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Every photo of the person's clients, by client, batch, SKU, category, state and score; in pages (ING-18)."""
    form = ImageSearch(request.user, request.GET)
    page = selectors.page(form.wanted(), after=whole(request.GET.get("after", "")))
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
    if name := asked_list(request, LISTS):
        return _more(request, pk, name)
    name = request.GET.get("list", "")
    try:
        record = image_record(pk, request.user, name, cursor_of(request, name))
    except Asset.DoesNotExist as missing:
        raise Http404(str(pk)) from missing
    return _page(request, record)


def _more(request: HttpRequest, pk: int, name: str) -> HttpResponse:
    """The next rows of one list of the page."""
    asset, cursor = theirs(request, Asset.objects.only("pk"), "batch__client", pk=pk), cursor_of(request, name)
    page = feedback_reads.of_asset(pk, cursor) if name == "complaints" else history(pk, name, cursor)
    return render(request, f"images/_{name}_rows.html", {"page": page, "asset": asset})


def _page(
    request: HttpRequest, record: ImageRecord, form: ComplaintForm | None = None, status: int = 200
) -> HttpResponse:
    item = image_item(record) if record.run is not None else None
    said = feedback_reads.of_asset(record.asset.pk, cursor_of(request, "complaints"))
    context = {"active": "images", "record": record, "item": item, "said": said, "form": form or ComplaintForm()}
    return render(request, "images/detail.html", context, status=status)


@role_required(*MANAGERS)
@require_POST
def complain(request: HttpRequest, pk: int) -> HttpResponse:
    """Log what a client said about a photo they got (FBK-07)."""
    try:
        record = image_record(pk, request.user)
    except Asset.DoesNotExist as missing:
        raise Http404(str(pk)) from missing
    form = ComplaintForm(request.POST)
    if form.is_valid():
        try:
            feedback.complain(record.asset, **form.cleaned_data, actor=request.user)
        except feedback.FeedbackRefused as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The complaint is kept with the photo."))
            return redirect("images:detail", pk=pk)
    return _page(request, record, form, 422)
