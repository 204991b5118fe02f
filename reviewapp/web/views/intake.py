"""The intake report of a batch: which files were flagged and why, on a page and as a table to send on (VAL-14)."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.text import slugify
from django.views.decorators.http import require_GET

from reviewapp.models import Batch
from reviewapp.selectors import intake as selectors
from reviewapp.services import audit
from reviewapp.services.csv_out import csv_text
from reviewapp.web.htmx import render_page
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.theirs import their_batch


@role_required(*MANAGERS)
@require_GET
def report(request: HttpRequest, pk: int) -> HttpResponse:
    """Every flagged file with its reasons, a page at a time; how many were refused and why."""
    batch = their_batch(request, pk, Batch.objects.select_related("client"))
    page = selectors.intake_page(batch, request.GET.get("after", ""))
    context = {"active": "batches", "batch": batch, "page": page, "is_more": bool(request.GET.get("after"))}
    return render_page(request, "batches/intake.html", "batches/_intake_rows.html", context)


@role_required(*MANAGERS)
@require_GET
def report_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """The same as a CSV file, whole, one row for each reason."""
    batch = their_batch(request, pk)
    audit.record("batch.exported", batch, actor=request.user, after={"what": "intake.csv"})
    # Spreadsheets take a file without a mark for the code page of the machine, and file names hold any letter.
    text = "\ufeff" + csv_text(selectors.COLUMNS, selectors.report_rows(batch))
    response = HttpResponse(text, content_type="text/csv; charset=utf-8")
    name = slugify(batch.name) or "batch"
    response["Content-Disposition"] = f'attachment; filename="intake-{name}-{batch.pk}.csv"'
    response["Cache-Control"] = "private, no-store"
    return response
