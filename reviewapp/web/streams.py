"""Request bodies as streams: nothing here holds a whole file in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from typing import ParamSpec, cast

from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from reviewapp import storage
from reviewapp.policies.numbers import whole
from reviewapp.web.permissions import View, user_has_role
from reviewapp.web.upload_handlers import CappedUploadHandler

P = ParamSpec("P")

CHUNK = 1024 * 1024


class BodyTooLarge(ValueError):
    """The body is longer than the way it came by allows. `limit` is in bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(
            _("The file is larger than the %(most)s MB that one upload may have.") % {"most": f"{limit // 1_000_000:,}"}
        )
        self.limit = limit


class BodyIncomplete(ValueError):
    """The connection ended before the announced length."""


def announced_length(request: HttpRequest) -> int:
    """Content-Length in bytes, 0 when absent or unreadable."""
    return whole(request.headers.get("Content-Length", "")) or 0


def body_chunks(request: HttpRequest, *, max_bytes: int) -> Iterator[bytes]:
    """Yield the raw body in pieces of at most 1 MB.

    Raises BodyTooLarge before the first piece when the announced length is over `max_bytes`, and while reading when the
    body itself is; BodyIncomplete when it ends early, so that a cut connection never becomes a stored file.
    """
    expected = announced_length(request)
    if expected > max_bytes:
        raise BodyTooLarge(max_bytes)
    seen = 0
    while chunk := _read(request):
        seen += len(chunk)
        if seen > max_bytes:
            raise BodyTooLarge(max_bytes)
        yield chunk
    if seen < expected:
        raise BodyIncomplete(
            _("The upload stopped after %(seen)s of %(expected)s bytes. Send the file again.")
            % {"seen": f"{seen:,}", "expected": f"{expected:,}"}
        )


def _read(request: HttpRequest) -> bytes:
    try:
        return request.read(CHUNK)
    except UnreadablePostError as error:
        raise BodyIncomplete(_("The connection was lost while the file was sent. Send it again.")) from error


def limited_form(max_bytes: int, max_file_bytes: int = 0) -> Callable[[View[P]], View[P]]:
    """Refuse a multipart body by who sends it, its announced length and free disk before anything parses it.

    The CSRF check reads the form, so it must come after ours: the view is exempt outside and protected inside. Whom
    the view's own roles refuse gets that refusal at once. Parts are written to temporary files, never held in memory,
    and counted while they come; `max_file_bytes` bounds each that is no archive.
    """

    def decorate(view: View[P]) -> View[P]:
        protected = csrf_protect(view)

        @csrf_exempt
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method == "POST":
                if not user_has_role(request.user, *getattr(view, "allowed_roles", ())):
                    return view(request, *args, **kwargs)  # role_required refuses, and no byte of the body is kept
                if announced_length(request) > max_bytes:
                    return HttpResponse(str(BodyTooLarge(max_bytes)), status=413, content_type="text/plain")
                if not storage.has_room():
                    return HttpResponse(str(storage.StorageFull()), status=507, content_type="text/plain")
                request.upload_handlers = [CappedUploadHandler(request, max_bytes, max_file_bytes)]
            return protected(request, *args, **kwargs)

        return cast(View[P], guarded)

    return decorate
