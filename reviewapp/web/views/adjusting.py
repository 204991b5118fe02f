"""Moving edge or shadow settings for one photo from the desk: what may be moved, ask, look, take (REV-08)."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from reviewapp.enums import AdjustmentState
from reviewapp.models import Adjustment
from reviewapp.selectors import adjusting as selectors
from reviewapp.services import adjusting
from reviewapp.web.permissions import REVIEWERS, role_required
from reviewapp.web.viewer_items import beside, review_item


def _who(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _refused(error: adjusting.AdjustRefused) -> JsonResponse:
    return JsonResponse({"status": "refused", "message": str(error)}, status=409)


@require_http_methods(["GET", "POST"])
@never_cache
@role_required(*REVIEWERS)
def adjust(request: HttpRequest, task_id: int) -> JsonResponse:
    """GET: {fields, used} of the photo on loan. POST {values}: 202 with the id to look after; 409 says why not."""
    user = _who(request)
    task = selectors.lent_to(user, task_id)
    if task is None:
        return _refused(adjusting.AdjustRefused(_("This photo isn't on loan to you any more.")))
    if request.method == "GET":
        used = selectors.last_used(task)
        return JsonResponse({"fields": selectors.movable(task), "used": used.pk if used else None})
    try:
        asked = adjusting.ask(user, task_id, _values(request))
    except adjusting.AdjustRefused as error:
        return _refused(error)
    return JsonResponse({"status": "ordered", "id": asked.pk}, status=202)


def _values(request: HttpRequest) -> dict[str, Any]:
    values = _body(request).get("values")
    return values if isinstance(values, dict) else {}


def _body(request: HttpRequest) -> dict[str, Any]:
    try:
        data = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):  # the latter: brackets in brackets without end
        return {}
    return data if isinstance(data, dict) else {}


def _mine(request: HttpRequest, adjustment_id: int) -> Adjustment:
    asked = selectors.adjustment_of(_who(request), adjustment_id)
    if asked is None:
        raise Http404("No such adjustment.")
    return asked


@require_GET
@never_cache
@role_required(*REVIEWERS)
def state(request: HttpRequest, adjustment_id: int) -> JsonResponse:
    """How far it is: {state, message}, and once it is ready {item}: the old result beside the new one."""
    asked = _mine(request, adjustment_id)
    answer: dict[str, Any] = {"state": asked.state, "message": asked.error}
    if asked.state in (AdjustmentState.READY, AdjustmentState.USED) and asked.result_run is not None:
        answer["item"] = beside(asked.base_run, asked.result_run) | {"key": f"adjust-{asked.pk}"}
    return JsonResponse(answer)


@require_POST
@role_required(*REVIEWERS)
def use(request: HttpRequest, adjustment_id: int) -> JsonResponse:
    """Takes the new result, or with {back: true} the old one again: 200 {item} as the desk shows it now."""
    asked, user = _mine(request, adjustment_id), _who(request)
    is_back = _body(request).get("back") is True
    try:
        task = (adjusting.keep_old if is_back else adjusting.use)(user, asked.pk)
    except adjusting.AdjustRefused as error:
        return _refused(error)
    return JsonResponse({"status": "swapped", "item": review_item(task, user, blind=task.lease_queue == "mixed")})
