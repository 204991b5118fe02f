"""Pictures out of storage: permission first, then bytes that can do nothing but be a picture."""

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from processing import apart
from processing.errors import InputRejected, StageFailed
from reviewapp import storage
from reviewapp.models import ProcessingRun
from reviewapp.selectors import files
from reviewapp.selectors import media as selectors
from reviewapp.services import audit, rendering
from reviewapp.web import removed
from reviewapp.web.media_urls import RUN_KEYS, tag
from reviewapp.web.permissions import role_required

KEEP = "private, max-age=31536000, immutable"
"""For an address with the right content hash: its bytes can never change."""
CHECK = "private, no-cache"
ORIGINAL_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "TIFF": "image/tiff"}
SHOWN_FORMATS = frozenset({"JPEG", "PNG", "WEBP"})
"""What every browser shows by itself; a TIFF is only ever downloaded."""
WEBP = "image/webp"
DOWNLOAD = "application/octet-stream"


def serve(request: HttpRequest, key: str, content_type: str, filename: str = "") -> HttpResponseBase:
    """Streams a stored file. `filename` makes it a download. A script inside it finds no origin to run in."""
    etag = f'"{tag(key)}"'
    response: HttpResponseBase
    if request.headers.get("If-None-Match") == etag:
        response = HttpResponse(status=304)
    elif not storage.exists(key):
        raise Http404("The file is missing from storage.")
    else:
        response = FileResponse(
            storage.open_read(key), content_type=content_type, as_attachment=bool(filename), filename=filename
        )
    return _guarded(request, response, key)


def _guarded(request: HttpRequest, response: HttpResponseBase, key: str) -> HttpResponseBase:
    response["ETag"] = f'"{tag(key)}"'
    response["Cache-Control"] = KEEP if request.GET.get("v") == tag(key) else CHECK
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@require_safe
@role_required()
def run_image(request: HttpRequest, run_id: int, kind: str) -> HttpResponseBase:
    """before, after, their thumbnails, or the cut-out of one run; 404 also for what the person may not see."""
    run = selectors.run_for(run_id, kind, request.user) if kind in RUN_KEYS else None
    if run is None or (kind == "matte" and not run.matte_key):
        raise Http404("No such picture.")
    kinds = (files.RESULT, files.ORIGINAL) if kind == "cutout" else (files.RESULT,)
    if gone := removed.answer(run.asset.batch, *kinds):
        return gone
    if kind == "cutout":
        return _cutout(request, run)
    return serve(request, getattr(run, RUN_KEYS[kind]), {"after": run.after_type, "matte": "image/png"}.get(kind, WEBP))


@require_safe
@role_required()
def view_image(request: HttpRequest, view_id: int, kind: str) -> HttpResponseBase:
    """What a further channel gets of a run, or its matte; who may see the run's own may see it."""
    found = selectors.view_for(view_id, kind, request.user) if kind in ("after", "matte") else None
    if found is None:
        raise Http404("No such picture.")
    view, run = found
    if gone := removed.answer(run.asset.batch, files.RESULT):
        return gone
    is_matte = kind == "matte"
    return serve(request, view.matte_key if is_matte else view.key, "image/png" if is_matte else view.content_type)


@require_safe
@role_required()
def reference(request: HttpRequest, picture_id: int) -> HttpResponseBase:
    """A client's reference picture, for everybody who works on their photos."""
    picture = selectors.reference_for(picture_id, request.user)
    if picture is None:
        raise Http404("No such picture.")
    return serve(request, picture.key, WEBP)


def _cutout(request: HttpRequest, run: ProcessingRun) -> HttpResponseBase:
    """The cut-out in the original's size, put together from the photo and its matte."""
    key = run.alpha_key or run.pixels_key
    response: HttpResponseBase
    if request.headers.get("If-None-Match") == f'"{tag(key)}"':
        response = HttpResponse(status=304)
    elif not (storage.exists(run.pixels_key) and storage.exists(key)):
        raise Http404("The file is missing from storage.")
    else:
        try:
            response = HttpResponse(rendering.cutout_png(run), content_type="image/png")
        except apart.Busy:
            return HttpResponse(status=503, headers={"Retry-After": "10", "Cache-Control": "no-store"})
        except (InputRejected, StageFailed) as error:
            raise Http404(str(error)) from error
        if "download" in request.GET:
            name = f"{run.asset.filename.rsplit('.', 1)[0]}-cutout.png"
            response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return _guarded(request, response, key)


@require_safe
@role_required()
def original(request: HttpRequest, asset_id: int) -> HttpResponseBase:
    """The untouched upload, as a download or (?view) in the page. Who had it goes into the audit log (SEC-06)."""
    asset = selectors.original_for(asset_id, request.user)
    if asset is None:
        raise Http404("No such photo.")
    if gone := removed.answer(asset.batch, files.ORIGINAL, is_picture="view" in request.GET):
        return gone
    is_shown = "view" in request.GET and asset.format in SHOWN_FORMATS
    name = "" if is_shown else asset.filename
    response = serve(request, asset.original_key, ORIGINAL_TYPES.get(asset.format, DOWNLOAD), name)
    if response.status_code == 200 and request.method == "GET":
        audit.record(
            "original.viewed" if is_shown else "original.downloaded",
            asset,
            actor=request.user,
            after={"sha256": asset.sha256},
        )
    response["Cache-Control"] = "private, no-store"
    return response


@require_safe
@role_required()
def rendition(request: HttpRequest, rendition_id: int) -> HttpResponseBase:
    """One file as it is delivered."""
    row = selectors.rendition_for(rendition_id, request.user)
    if row is None:
        raise Http404("No such file.")
    if gone := removed.answer(row.asset.batch, files.RESULT, is_picture="download" not in request.GET):
        return gone
    if not storage.verify(row.storage_key, row.sha256):
        raise Http404("The file is missing or damaged in storage. Render the photo again.")
    name = row.filename.rpartition("/")[2] if "download" in request.GET else ""
    return serve(request, row.storage_key, row.content_type or DOWNLOAD, name)
