"""Pages and their htmx fragments from one view."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

from reviewapp.models import Batch


def is_fragment(request: HttpRequest) -> bool:
    """True where htmx asks for a part of the page (not for a whole page restored from history)."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-History-Restore-Request") != "true"


def render_page(
    request: HttpRequest, page: str, fragment: str, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """Renders `fragment` for htmx and `page` otherwise, and tells caches that the answer depends on it."""
    template = fragment if is_fragment(request) else page
    response = render(request, template, dict(context), status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


def part_page(
    request: HttpRequest, batch: Batch, heading: str, part: str, context: Mapping[str, Any], fragment: str = ""
) -> HttpResponse:
    """Renders the template `part` of a batch's page: alone for htmx (or `fragment`, where more of it is asked for), and
    under `heading` as a page of its own for a browser without scripts."""
    told = {"active": "batches", "batch": batch, "heading": heading, "part": part, **context}
    return render_page(request, "batches/part_page.html", fragment or part, told)
