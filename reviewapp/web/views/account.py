"""A person's own settings: theme, zone, shortcuts, surround and pace, kept in cookies of this browser."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from reviewapp.selectors import gold, reviewers
from reviewapp.services import second_factors, sign_ins
from reviewapp.web.context import KEYS_COOKIE, PACE_COOKIE, SURROUND_COOKIE, SURROUNDS, THEME_COOKIE, THEMES
from reviewapp.web.permissions import REVIEWERS, role_required, roles_of, user_has_role
from reviewapp.web.quality_words import reviewer_words
from reviewapp.web.zone import ZONE_COOKIE, zone_names

YEAR_S = 365 * 24 * 3600


@require_http_methods(["GET", "POST"])
@role_required()
def account(request: HttpRequest) -> HttpResponse:
    """Shows the settings; POST keeps them and comes back."""
    if request.method == "GET":
        roles = sorted(str(role.label) for role in roles_of(request.user))
        context: dict[str, Any] = {
            "active": "account",
            "roles": roles,
            "zones": zone_names(),
            "zone": request.COOKIES.get(ZONE_COOKIE, ""),
            "surrounds": SURROUNDS.items(),
            "factors": second_factors.factors_of(request.user),  # type: ignore[arg-type]
            "sessions": sign_ins.open_sessions(request.user),  # type: ignore[arg-type]
        }
        if user_has_role(request.user, *REVIEWERS):
            assert isinstance(request.user, User)
            own = reviewers.own_figures(request.user)
            context["own"] = reviewer_words(own, is_measured=gold.is_on(), is_self=True)
        return render(request, "account/account.html", context)
    form, response = request.POST, redirect("account")
    kept = {
        THEME_COOKIE: form.get("theme") if form.get("theme") in THEMES else "system",
        KEYS_COOKIE: "on" if form.get("keys") else "off",
        PACE_COOKIE: "on" if form.get("pace") else "off",
        SURROUND_COOKIE: form.get("surround") if form.get("surround") in SURROUNDS else "3",
        ZONE_COOKIE: form.get("zone") if form.get("zone") in zone_names() else "",
    }
    for name, value in kept.items():
        response.set_cookie(name, value or "", max_age=YEAR_S, samesite="Lax")
    messages.success(request, _("Saved for this browser."))
    return response
