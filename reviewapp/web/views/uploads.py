"""Getting files in: one streamed request per file, a plain form or a ZIP, and the list of what is here already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from processing.errors import InputRejected
from reviewapp import storage
from reviewapp.models import Batch
from reviewapp.selectors import uploads as selectors
from reviewapp.services import ingest, sheet_look
from reviewapp.services.csv_rows import COLUMNS
from reviewapp.web import streams
from reviewapp.web.forms.uploads import MAX_FILE_BYTES, MAX_FORM_BYTES, PlainUpload
from reviewapp.web.permissions import MANAGERS, role_required, wants_json
from reviewapp.web.sheets import sheet_words
from reviewapp.web.theirs import their_batch

STATUS_CODES = {"accepted": 201, "duplicate": 200, "already_here": 200, "rejected": 422}
REFUSALS = (
    storage.StorageFull, storage.StorageAway, storage.StorageRefused, streams.BodyTooLarge, streams.BodyIncomplete,
    InputRejected,
)  # fmt: skip
Line = dict[str, str]


def _batch(request: HttpRequest, pk: int) -> Batch:
    return their_batch(request, pk, Batch.objects.select_related("client", "preset_version__preset"))


def _line(result: ingest.UploadResult, path: str = "") -> Line:
    shown = path or (result.asset.relative_path if result.asset is not None else result.filename)
    return {"status": result.status, "message": result.message, "path": shown}


def _refusal(error: Exception) -> JsonResponse:
    """The code a client can act on and the sentence a person can."""
    status = 400
    if isinstance(error, storage.StorageFull):
        status = 507
    elif isinstance(error, storage.StorageAway | storage.StorageRefused):
        status = 503
    elif isinstance(error, streams.BodyTooLarge):
        status = 413
    elif isinstance(error, ingest.BatchClosed):
        status = 409
    return JsonResponse({"status": "rejected", "message": str(error)}, status=status)


def _take_all(batch: Batch, form: PlainUpload, actor: Any) -> Iterator[Line]:
    if rows := form.cleaned_data["rows"]:
        ingest.attach_rows(batch, rows, actor)
    for upload in form.cleaned_data["photos"]:
        name = str(upload.name)
        try:
            if name.lower().endswith(".zip"):
                results = ingest.expand_zip(batch, upload, None, actor, reads_sheet=not rows)
                yield from (_line(result) for result in results)
            else:
                yield _line(ingest.register_upload(batch, upload.chunks(), name, None, actor), name)
        except REFUSALS as error:
            yield {"status": "rejected", "message": str(error), "path": name}


@streams.limited_form(MAX_FORM_BYTES, MAX_FILE_BYTES)
@role_required(*MANAGERS)
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, pk: int) -> HttpResponse:
    """The drop zone. A POST is the plain form (no scripts needed) or a ZIP: files and an optional CSV at once."""
    batch = _batch(request, pk)
    form = PlainUpload(request.POST or None, request.FILES or None) if request.method == "POST" else PlainUpload()
    lines = list(_take_all(batch, form, request.user)) if form.is_bound and form.is_valid() else []
    status = 422 if form.errors else 200
    if wants_json(request):
        message = " ".join(str(error) for errors in form.errors.values() for error in errors)
        return JsonResponse({"lines": lines, "message": message}, status=status)
    context = {"active": "batches", "batch": batch, "form": form, "lines": lines, "here": selectors.arrivals(batch)}
    context["sheet"] = sheet_words(ingest.standing(batch))
    return render(request, "uploads/page.html", context, status=status)


@role_required(*MANAGERS)
@require_POST
def receive(request: HttpRequest, pk: int) -> JsonResponse:
    """One file as the raw body; `path` is its name under the dropped folder. 507, before a byte is read, if full."""
    batch, path = _batch(request, pk), request.GET.get("path", "")
    try:
        if not storage.has_room(streams.announced_length(request)):
            raise storage.StorageFull
        chunks = streams.body_chunks(request, max_bytes=MAX_FILE_BYTES)
        result = ingest.register_upload(batch, chunks, path, None, request.user)
    except REFUSALS as error:
        return _refusal(error)
    return JsonResponse(_line(result, path), status=STATUS_CODES[result.status])


@role_required(*MANAGERS)
@require_http_methods(["GET", "POST"])
def sheet(request: HttpRequest, pk: int) -> JsonResponse:
    """The batch's sheet, before or after its photos: POST takes one, GET says how the rows of all stand by now.

    What can't be read is said with the columns that can; ?columns=file:0,sku:2 says which is which, &pass leaves bad
    lines out. `applied` and `unmatched` count rows; `names` are the first files without a photo.
    """
    batch = _batch(request, pk)
    keys = None
    try:
        if request.method == "POST":
            data = b"".join(streams.body_chunks(request, max_bytes=ingest.MAX_SHEET_BYTES))
            places = sheet_look.places_from(request.GET.get("columns", ""))
            rows = ingest.read_csv_bytes(data, places, passes_bad_lines="pass" in request.GET)
            ingest.attach_rows(batch, rows, request.user)
            keys = set(rows)
    except REFUSALS as error:
        return _refusal(error)
    found = ingest.standing(batch, keys)
    counts = {"rows": found.rows, "applied": found.applied, "unmatched": found.unmatched}
    return JsonResponse({**counts, "names": found.names, "message": sheet_words(found)})


@role_required(*MANAGERS)
@require_POST
def look_at_sheet(request: HttpRequest, pk: int) -> JsonResponse:
    """What a sheet would do, before it does anything: its columns, its first rows, what is left out and why."""
    batch = _batch(request, pk)
    try:
        data = b"".join(streams.body_chunks(request, max_bytes=ingest.MAX_SHEET_BYTES))
        found = sheet_look.look(batch, data, sheet_look.places_from(request.GET.get("columns", "")))
    except REFUSALS as error:
        return _refusal(error)
    return JsonResponse({**asdict(found), "columns": list(COLUMNS)})


@role_required(*MANAGERS)
@require_GET
def known(request: HttpRequest, pk: int) -> JsonResponse:
    """What is here already, as [path, bytes] pairs: a reloaded page sends only the rest."""
    return JsonResponse({"files": selectors.known_files(_batch(request, pk)), "has_room": storage.has_room()})


@role_required(*MANAGERS)
@require_GET
def checks(request: HttpRequest, pk: int) -> JsonResponse:
    """What was refused so far as [path, sentence] pairs, and how many photos nobody has looked at yet."""
    batch = _batch(request, pk)
    return JsonResponse({"refused": selectors.refusals(batch), "unchecked": selectors.unchecked(batch)})


@role_required(*MANAGERS)
@require_POST
def finish(request: HttpRequest, pk: int) -> HttpResponse:
    """Nothing more is expected: the batch may complete."""
    ingest.close_batch(_batch(request, pk), request.user)
    return redirect("batches:detail", pk=pk)
