"""People: who has an account, what they may do, and closing an account."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from reviewapp.selectors import people as selectors
from reviewapp.selectors.pages import keyset_by
from reviewapp.services import accounts, outside, second_factors, sign_ins, throttle
from reviewapp.services.people import NotAllowed
from reviewapp.web.forms.people import ALL, SOME, PersonForm, RolesForm
from reviewapp.web.htmx import render_page
from reviewapp.web.permissions import ADMINS, role_required

PAGE = 50


@role_required(*ADMINS, every_client=True)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Everybody by name; never ranked."""
    words = request.GET.get("q", "").strip()[:80]
    page = keyset_by(selectors.people_with_clients(words), ("username",), request.GET.get("after", ""), PAGE)
    context = {"active": "people", "page": page, "words": words}
    return render_page(request, "people/page.html", "people/_rows.html", context)


@role_required(*ADMINS, every_client=True)
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Add a person."""
    form = PersonForm(request.POST or None)
    if form.is_bound and form.is_valid():
        try:
            user = accounts.create_person(
                form.data_of_person(),
                form.cleaned_data["password"],
                form.chosen(),
                request.user,  # type: ignore[arg-type]
                reach=form.reach(),
            )
        except accounts.AccountRefused as refused:
            for name, sentence in refused.errors.items():
                form.add_error(name, sentence)
        else:
            messages.success(request, _("%(name)s can sign in now.") % {"name": user.get_username()})
            return redirect("people:list")
    return render(request, "people/new.html", {"active": "people", "form": form}, status=422 if form.is_bound else 200)


@role_required(*ADMINS, every_client=True)
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a person's roles and clients, or close the account. 409 when somebody else changed them meanwhile."""
    person = get_object_or_404(selectors.people_with_clients(), pk=pk)
    form = RolesForm(request.POST or None, initial=_given(person))
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        asked = form.cleaned_data
        try:
            accounts.update_person(
                person, form.chosen(), is_active=asked["is_active"], actor=request.user,
                reach=form.reach(), seen=asked["seen"],
            )  # fmt: skip
        except NotAllowed as refused:
            form.add_error(None, str(refused))
        except accounts.PersonChanged as changed:
            form.add_error(None, str(changed))
            again = request.POST.copy()
            again["seen"] = str(accounts.version_of(person))  # saving once more is deliberate
            form.data, status = again, 409
        else:
            messages.success(request, _("%(name)s is changed.") % {"name": person.get_username()})
            return redirect("people:list")
    assert isinstance(request.user, User)
    is_above = person.is_superuser and not request.user.is_superuser
    context: dict[str, Any] = {"active": "people", "person": person, "form": form, "is_above": is_above}
    context |= {"is_locked": throttle.is_locked(person), "sessions": sign_ins.open_sessions(person)}
    context |= {"factors": second_factors.factors_of(person), "provider": settings.OIDC}
    context["identities"] = outside.identities(person) if settings.OIDC else []
    return render(request, "people/edit.html", context, status=status)


def _given(person: User) -> dict[str, Any]:
    """What the form shows first: how it stands."""
    scope = getattr(person, "scope", None)
    return {
        "roles": [group.name for group in person.groups.all()],
        "is_active": person.is_active,
        "works_for": ALL if scope is not None and scope.all_clients else SOME,
        "clients": [access.client_id for access in person.client_access.all()],
        "seen": scope.version if scope is not None else 0,
    }
