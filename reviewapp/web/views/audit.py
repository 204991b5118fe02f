"""The audit log, newest first."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from reviewapp.selectors import audit as selectors
from reviewapp.selectors import sealing
from reviewapp.selectors.pages import keyset
from reviewapp.services import audit
from reviewapp.web.forms.audit import AuditFilter
from reviewapp.web.htmx import render_page
from reviewapp.web.permissions import ADMINS, role_required

PAGE = 100
FILTERS = ("verb", "actor", "batch", "after")


@role_required(*ADMINS, every_client=True)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Who changed what and when, filtered by kind of change, person and batch. Reading it is an event too."""
    asked = {name: value for name, value in request.GET.items() if name in FILTERS and value}
    audit.record(selectors.READ, None, actor=request.user, after=asked)
    verbs = selectors.verbs()
    form = AuditFilter(request.GET, verbs=verbs)
    page = keyset(selectors.events(**form.narrowed(), known=verbs), request.GET.get("after", ""), PAGE)
    context = {"active": "audit", "page": page, "form": form, "is_more": bool(request.GET.get("after"))}
    context["sealed"] = sealing.standing()
    return render_page(request, "audit/page.html", "audit/_rows.html", context)
