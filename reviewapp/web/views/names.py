"""Names that fit what is typed into a form: the options of its list (web/forms/picking.py)."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from reviewapp.models import Preset
from reviewapp.selectors.clients import theirs_by_name
from reviewapp.web.forms.picking import options, suggestions
from reviewapp.web.permissions import LEADS, MANAGERS, REVIEWERS, role_required

MOST = 120
"""Letters looked for; no name is longer."""


def _fitting(request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
    """`?of=` says which field asks: its words come under its own name."""
    words = request.GET.get(request.GET.get("of", ""), "").strip().replace("\x00", "")[:MOST]
    return HttpResponse(options(suggestions(rows, "name", words)))


@require_GET
@never_cache
@role_required(*dict.fromkeys((*REVIEWERS, *LEADS)))
def clients(request: HttpRequest) -> HttpResponse:
    """Of the clients one works for."""
    return _fitting(request, theirs_by_name(request.user))


@require_GET
@never_cache
@role_required(*MANAGERS)
def presets(request: HttpRequest) -> HttpResponse:
    """Of the presets that a batch can be given."""
    return _fitting(request, Preset.objects.filter(current__isnull=False))
