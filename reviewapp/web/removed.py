"""What is answered for a file that retention removed: 410, and a picture that says so where one was asked for."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.html import escape
from django.utils.translation import gettext as _

from reviewapp.models import Batch
from reviewapp.selectors import files

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 320 240" role="img">'
    '<rect width="320" height="240" fill="#eceae6"/>'
    '<text x="160" y="124" text-anchor="middle" font-family="sans-serif" font-size="17" fill="#5a564e">{words}</text>'
    "</svg>"
)


def answer(batch: Batch, *kinds: str, is_picture: bool = True) -> HttpResponse | None:
    """The answer when retention removed one of these kinds of the batch's files; None when all are kept."""
    if all(getattr(batch, files.REMOVED[kind]) is None for kind in kinds):
        return None
    words = _("Removed by retention")
    if is_picture:
        response = HttpResponse(SVG.format(words=escape(words)), content_type="image/svg+xml", status=410)
    else:
        text = _("This file was removed when the days were over that the client's files are kept.")
        response = HttpResponse(text, content_type="text/plain; charset=utf-8", status=410)
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response
