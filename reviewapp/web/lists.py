"""Several paged lists on one page: `?list=<name>&after=<cursor>` says which of them goes on, and from where."""

from __future__ import annotations

from collections.abc import Container

from django.http import HttpRequest

from reviewapp.web.htmx import is_fragment


def cursor_of(request: HttpRequest, name: str) -> str:
    """Where the list `name` goes on. Without a script one list goes on and the others show their beginning."""
    return request.GET.get("after", "") if request.GET.get("list") == name else ""


def asked_list(request: HttpRequest, names: Container[str]) -> str:
    """The list whose next rows htmx asks for, alone; "" where the whole page is asked for."""
    name = request.GET.get("list", "")
    return name if name in names and is_fragment(request) else ""
