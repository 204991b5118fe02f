"""A person's own settings: theme and single-key shortcuts, kept in cookies of this browser."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from reviewapp.web.context import KEYS_COOKIE, THEME_COOKIE, THEMES
from reviewapp.web.permissions import role_required, roles_of

YEAR_S = 365 * 24 * 3600


@require_http_methods(["GET", "POST"])
@role_required()
def account(request: HttpRequest) -> HttpResponse:
    """Shows the settings; POST keeps them and comes back."""
    if request.method == "GET":
        roles = sorted(str(role.label) for role in roles_of(request.user))
        return render(request, "account/account.html", {"active": "account", "roles": roles})
    theme = request.POST.get("theme", "")
    response = redirect("account")
    response.set_cookie(THEME_COOKIE, theme if theme in THEMES else "system", max_age=YEAR_S, samesite="Lax")
    response.set_cookie(KEYS_COOKIE, "on" if request.POST.get("keys") else "off", max_age=YEAR_S, samesite="Lax")
    messages.success(request, _("Saved for this browser."))
    return response
