"""The pages for 403, 404, 500 and 503: what happened, and who or where to turn to."""

import sys

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from reviewapp.selectors import people
from reviewapp.services import reach
from reviewapp.templatetags.softproof import person
from reviewapp.web.htmx import is_fragment
from reviewapp.web.permissions import WrongRole, role_words, signed_out, wants_json

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
        return JsonResponse({"status": "forbidden", "message": text}, status=403)
    title = _("Only %(roles)s can open this") % {"roles": role_words(roles)} if roles else _("Not allowed")
    named = ", ".join(str(person(one)) for one in people.admins()[:NAMED])
    ask = _("Who can change that: %(names)s.") % {"names": named} if named else ""
    context = {"title": title, "text": "" if roles else text, "ask": ask}
    return render(request, "errors/403.html", context, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """For an address that is not there, or not for this person."""
    if wants_json(request):
        return JsonResponse({"status": "not_found", "message": _("This is not there.")}, status=404)
    return render(request, "errors/404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """For what nobody caught. A database that doesn't answer is 503: scripts then ask again and blame no single thing.

    Renders without the request: the shell's queries could be what failed.
    """
    is_away = reach.is_away(sys.exception())
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
