"""Resumable uploads by the open tus protocol, version 1.0.0 (tus.io/protocols/resumable-upload): core, creation with
upload, expiration and termination. Any tus client can send a folder; the upload page has one of its own.

What became of a whole file is told in the header Softproof-Result of the last answer (percent-encoded JSON), and by GET
for whoever missed that answer.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils.http import http_date
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from reviewapp import parts, storage
from reviewapp.models import Batch, PartialUpload
from reviewapp.selectors import access
from reviewapp.services import ingest, resumable
from reviewapp.web import streams
from reviewapp.web.forms.uploads import MAX_FILE_BYTES, MAX_FORM_BYTES
from reviewapp.web.permissions import MANAGERS, role_required

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,expiration,termination"
PIECE_TYPE = "application/offset+octet-stream"
MAX_RESULT_HEADER = 6000
"""Characters; a longer result (a ZIP's lines) is fetched by GET."""


def _answer(status: int, text: str = "", **headers: Any) -> HttpResponse:
    response = HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    response["Tus-Resumable"] = VERSION
    response["Cache-Control"] = "no-store"
    for name, value in headers.items():
        response[name.replace("_", "-")] = str(value)
    return response


def _speaks(request: HttpRequest) -> bool:
    return request.headers.get("Tus-Resumable") == VERSION


def _other_version() -> HttpResponse:
    return _answer(412, "This server speaks tus 1.0.0.", Tus_Version=VERSION)


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= 15 else None


def _metadata(header: str) -> dict[str, str]:
    """Upload-Metadata: "key base64,key base64"; what can't be read is left out."""
    found = {}
    for pair in header.split(","):
        key, _space, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return found


@require_http_methods(["OPTIONS", "POST"])
@role_required(*MANAGERS)
def create(request: HttpRequest) -> HttpResponse:
    """OPTIONS: what this server can. POST: begin an upload, its first piece may come along. 201 with its address.

    Upload-Metadata: batch, path, and the sender's own `token` if wanted: the same POST again finds the same upload.
    """
    if request.method == "OPTIONS":
        return _answer(204, Tus_Version=VERSION, Tus_Extension=EXTENSIONS, Tus_Max_Size=MAX_FORM_BYTES)
    if not _speaks(request):
        return _other_version()
    byte_size = _whole(request.headers.get("Upload-Length", ""))
    told = _metadata(request.headers.get("Upload-Metadata", ""))
    if byte_size is None:
        return _answer(400, "Upload-Length must say how many bytes the file has.")
    batch = (
        access.limit(Batch.objects.all(), request.user, "client").filter(pk=_whole(told.get("batch", "")) or 0).first()
    )
    if batch is None:
        return _answer(400, "Upload-Metadata must name the batch.")
    path = told.get("path") or told.get("filename") or ""
    limit = MAX_FORM_BYTES if path.lower().endswith(resumable.ARCHIVE) else MAX_FILE_BYTES
    if byte_size > limit:
        return _answer(413, str(streams.BodyTooLarge(limit)))
    upload = _begun(request, batch, path, byte_size, told.get("token", ""))
    if isinstance(upload, HttpResponse):
        return upload
    has_piece = request.headers.get("Content-Type") == PIECE_TYPE
    answer = _append(request, upload, 0) if has_piece or not byte_size else _confirmed(upload, 0)
    if answer.status_code >= 400:  # begun all the same: the rest is gone on with at its address
        answer = _confirmed(upload, resumable.offset(upload))
    answer.status_code = 201
    answer["Location"] = reverse("tus:upload", args=[upload.token])
    return answer


def _begun(request: HttpRequest, batch: Batch, path: str, byte_size: int, token: str) -> PartialUpload | HttpResponse:
    assert isinstance(request.user, User)
    try:
        return resumable.begin(batch, request.user, path, byte_size, token)
    except ingest.BatchClosed as error:
        return _answer(409, str(error))
    except ingest.IngestRefused as error:
        return _answer(400, str(error))
    except storage.StorageFull as error:
        return _answer(507, str(error.strerror))


@require_http_methods(["HEAD", "PATCH", "DELETE", "GET"])
@never_cache
@role_required(*MANAGERS)
def upload(request: HttpRequest, token: str) -> HttpResponse:
    """HEAD: how many bytes are confirmed. PATCH: the next piece. DELETE: give it up. GET: what became of it (JSON)."""
    assert isinstance(request.user, User)
    own = access.limit(PartialUpload.objects.filter(user=request.user), request.user)
    found = own.filter(token=token).select_related("batch").first()
    if found is None:
        return _gone()
    try:
        if request.method == "GET":
            return _result(found)
        if not _speaks(request):
            return _other_version()
        if request.method == "HEAD":
            return _confirmed(found, resumable.offset(found))
        if request.method == "DELETE":
            resumable.abandon(found)
            return _answer(204)
        return _piece(request, found)
    except FileNotFoundError:
        return _gone()


def _gone() -> HttpResponse:
    return _answer(404, _("This upload was given up or is not yours. Send the file again."))


def _piece(request: HttpRequest, found: PartialUpload) -> HttpResponse:
    if request.headers.get("Content-Type") != PIECE_TYPE:
        return _answer(415, f"A piece is sent as {PIECE_TYPE}.")
    start = _whole(request.headers.get("Upload-Offset", ""))
    if start is None:
        return _answer(400, "Upload-Offset must say where the piece begins.")
    return _append(request, found, start)


def _append(request: HttpRequest, found: PartialUpload, start: int) -> HttpResponse:
    room = max(0, found.byte_size - start)
    try:
        end = resumable.append(found, start, streams.body_chunks(request, max_bytes=room))
    except parts.WrongOffset as error:
        return _answer(409, str(error), Upload_Offset=error.actual)
    except parts.Busy as error:
        return _answer(423, str(error))
    except storage.StorageFull as error:
        return _answer(507, str(error.strerror))
    except (storage.StorageAway, storage.StorageRefused) as error:  # the part is kept: the rest is asked for again
        return _answer(503, str(error))
    except streams.BodyTooLarge:
        return _answer(413, _("The piece is longer than what is left of the file."))
    except streams.BodyIncomplete as error:
        return _answer(400, str(error), Upload_Offset=resumable.offset(found))
    return _confirmed(found, end)


def _confirmed(found: PartialUpload, end: int) -> HttpResponse:
    expires = found.touched_at + timedelta(seconds=parts.MAX_AGE_S)
    answer = _answer(
        204, Upload_Offset=end, Upload_Length=found.byte_size, Upload_Expires=http_date(expires.timestamp())
    )
    told = quote(json.dumps(found.result)) if found.result else ""
    if told and len(told) <= MAX_RESULT_HEADER:
        answer["Softproof-Result"] = told
    return answer


def _result(found: PartialUpload) -> HttpResponse:
    """What became of the file; a whole one that a killed process left is taken in now."""
    if not found.result:
        try:
            found = resumable.finish(found)
        except parts.Busy:
            return JsonResponse({"status": "taking", "message": _("The file is being taken in.")}, status=202)
        except FileNotFoundError as error:
            raise Http404 from error
    if not found.result:
        return JsonResponse({"status": "incomplete", "offset": parts.size(found.token)}, status=202)
    return JsonResponse(found.result)
