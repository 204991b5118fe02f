"""The pages for 403, 404, 500 and 503: what happened, and who or where to turn to."""

import sys

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from reviewapp.enums import Role
from reviewapp.selectors import access, people
from reviewapp.services import away
from reviewapp.templatetags.softproof import person
from reviewapp.web.htmx import is_fragment
from reviewapp.web.permissions import WrongRole, role_words, roles_of, signed_out, wants_json

NAMED = 3
"""Admins named to somebody who may not open a page."""


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """For what can't be read; a form larger than its page takes is told apart (413). The form is not read again."""
    is_large = isinstance(exception, RequestDataTooBig)
    status = 413 if is_large else 400
    title = _("Too large") if is_large else _("This can't be read")
    text = str(exception) if is_large else _("The address or the form is damaged. Go back and try again.")
    if wants_json(request):
        return JsonResponse({"status": "refused", "message": text}, status=status)
    return render(request, "errors/400.html", {"title": title, "text": text}, status=status)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Names the roles that can, where that is known."""
    roles = exception.roles if isinstance(exception, WrongRole) else ()
    text = str(exception) or _("Your role does not cover this page.")
    if wants_json(request):
        return JsonResponse({"status": "forbidden", "message": text, "ask": _whom_to_ask()}, status=403)
    title = _("Only %(roles)s can open this") % {"roles": role_words(roles)} if roles else _("Not allowed")
    context = {"title": title, "text": "" if roles else text, "ask": _whom_to_ask(), **_way_back(request)}
    return render(request, "errors/403.html", context, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """For an address that is not there, or not for this person: the same words for both, or they would tell which."""
    if wants_json(request):
        return JsonResponse({"status": "not_found", "message": _("This is not there.")}, status=404)
    is_limited = request.user.is_authenticated and not access.has_every_client(request.user)
    context = {"is_limited": is_limited, "ask": _whom_to_ask() if is_limited else "", **_way_back(request)}
    return render(request, "errors/404.html", context, status=404)


def _whom_to_ask() -> str:
    """The first admins by name; "" where there is none."""
    named = ", ".join(str(person(one)) for one in people.admins()[:NAMED])
    return _("Who can change that: %(names)s.") % {"names": named} if named else ""


def _way_back(request: HttpRequest) -> dict[str, str]:
    """To the person's own work: one who only reviews or only edits has one place for it, the others have home."""
    roles = roles_of(request.user)
    if roles == {Role.REVIEWER}:
        return {"href": reverse("review:chooser"), "action": _("Back to your queues")}
    if roles == {Role.EDITOR}:
        return {"href": reverse("editing:list"), "action": _("Back to your edits")}
    return {"href": reverse("home"), "action": _("Back to home")}


def server_error(request: HttpRequest) -> HttpResponseBase:
    """For what nobody caught. A database that doesn't answer is 503: scripts then ask again and blame no single thing.

    Renders without the request: the shell's queries could be what failed.
    """
    is_away = away.is_database_away(sys.exception())
    if is_away:
        title = _("The database doesn't answer just now")
        text = _("Nothing you saved is lost. Wait a moment, then load the page again.")
    else:
        title = _("Softproof could not answer")
        text = _("The failure is in the log. Nothing you saved is lost. Load the page again, or go back to home.")
    response: HttpResponseBase
    if wants_json(request):
        response = JsonResponse({"status": "failed", "message": f"{title}. {text}"}, status=503 if is_away else 500)
    else:
        page = render_to_string("errors/500.html", {"title": title, "text": text})
        response = HttpResponse(page, status=503 if is_away else 500)
    if is_away:
        response["Retry-After"] = "5"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    """A form from before the sign-in, or from elsewhere: nothing was changed."""
    if not request.user.is_authenticated and (wants_json(request) or is_fragment(request)):
        return signed_out()  # its token went with its session
    text = _("The form is out of date. Load the page again and send it once more. Nothing was changed.")
    if wants_json(request):
        return JsonResponse({"status": "forbidden", "message": text}, status=403)
    came_from = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(came_from, {request.get_host()}, require_https=request.is_secure())
    told = {
        "title": _("The form is out of date"),
        "what": _("Nothing was changed"),
        "text": _("You may have signed in again since the page was opened. Load it again and send it once more."),
        "href": came_from if is_ours else "",
    }
    return render(request, "errors/400.html", told, status=403)
