"""Who may open what: the one decorator of every view and the one test of every template.

Roles are Django groups (enums.Role). A superuser passes everywhere. Somebody who is not signed in goes to
the login page; somebody with the wrong role gets the 403 page, which names the roles that can. What belongs to a
client the person doesn't work for is not there for them: 404, as for an address that never was (selectors/access.py).
Pages about all clients at once are for people with every client.
"""

from collections.abc import Callable, Iterable
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviewapp.enums import Role
from reviewapp.selectors import access, people
from reviewapp.services.people import NotAllowed, NotTheirs
from reviewapp.web.htmx import is_fragment

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

REVIEWERS = (Role.REVIEWER, Role.SENIOR, Role.ADMIN)
EDITORS = (Role.EDITOR, Role.SENIOR, Role.ADMIN)
SENIORS = (Role.SENIOR, Role.ADMIN)
LEADS = (Role.SENIOR, Role.MANAGER, Role.ADMIN)
MANAGERS = (Role.MANAGER, Role.ADMIN)
ADMINS = (Role.ADMIN,)
EVERYBODY = tuple(Role)
ROLE_PLURALS = {
    Role.REVIEWER: gettext_lazy("reviewers"),
    Role.EDITOR: gettext_lazy("editors"),
    Role.SENIOR: gettext_lazy("senior editors"),
    Role.MANAGER: gettext_lazy("managers"),
    Role.ADMIN: gettext_lazy("admins"),
}


class WrongRole(PermissionDenied):
    """The person is known but may not do this; `roles` are the ones that can."""

    def __init__(self, roles: Iterable[str]) -> None:
        self.roles = tuple(Role(role) for role in roles)
        super().__init__(_("Only %(roles)s can do this.") % {"roles": role_words(self.roles)})


class NotEveryClient(PermissionDenied):
    """The page holds figures of every client, and the person works for some."""

    def __init__(self) -> None:
        super().__init__(
            _("This page is about the work for all clients, and you work for some of them. An admin can change that.")
        )


def role_words(roles: Iterable[str]) -> str:
    """'managers and admins', for sentences about who can."""
    words = [str(ROLE_PLURALS[Role(role)]) for role in roles]
    if len(words) == 1:
        return words[0]
    return _("%(most)s and %(last)s") % {"most": ", ".join(words[:-1]), "last": words[-1]}


def roles_of(user: Any) -> frozenset[Role]:
    """The user's roles, read once per user object (one request); a superuser has all of them."""
    cached: frozenset[Role] | None = getattr(user, "_softproof_roles", None)
    if cached is None:
        cached = people.roles_of(user)
        if getattr(user, "is_authenticated", False):
            user._softproof_roles = cached
    return cached


def user_has_role(user: Any, *roles: str) -> bool:
    """True where the user holds at least one of `roles`; with none named, any signed-in active user passes."""
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return False
    return not roles or bool(roles_of(user) & {Role(role) for role in roles})


def wants_json(request: HttpRequest) -> bool:
    """True for the small clients that speak JSON and can't follow a redirect to a login page, uploads by tus too."""
    return "application/json" in request.headers.get("Accept", "") or "Tus-Resumable" in request.headers


def signed_out() -> JsonResponse:
    """The session is over: for scripts, which show a way back in and keep what they hold."""
    return JsonResponse({"status": "signed_out", "message": _("Sign in again to go on.")}, status=401)


PAGE_OF = "Softproof-User"
"""Request header of scripts that keep things to send: the id of the person their page was made for."""


def _is_anothers(request: HttpRequest) -> bool:
    """True when the page that asks was made for somebody else than who is signed in now."""
    made_for = request.headers.get(PAGE_OF)
    return made_for is not None and made_for != str(request.user.pk)


def _other_person(request: HttpRequest) -> JsonResponse:
    name = request.user.get_full_name() or request.user.get_username()  # type: ignore[union-attr]
    message = _("%(name)s is signed in now. Nothing was stored.") % {"name": name}
    return JsonResponse({"status": "other_person", "now": name, "message": message}, status=401)


def role_required(*roles: str, every_client: bool = False) -> Callable[[View[P]], View[P]]:
    """Lets the named roles through (no names: anybody signed in); `every_client`: only people who work for all clients.

    Both stay on the view for the tests to read.
    """

    def decorate(view: View[P]) -> View[P]:
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                # A part of a page is no place for the sign-in page: app.js says it over the page that asked.
                if wants_json(request) or is_fragment(request):
                    return signed_out()
                return redirect_to_login(request.get_full_path())
            if _is_anothers(request):
                return _other_person(request)
            if not user_has_role(request.user, *roles):
                raise WrongRole(roles)
            if every_client and not access.has_every_client(request.user):
                raise NotEveryClient
            try:
                return view(request, *args, **kwargs)
            except NotTheirs as hidden:
                raise Http404 from hidden
            except NotAllowed as refused:
                raise PermissionDenied(str(refused)) from refused

        update_wrapper(guarded, view)
        guarded.allowed_roles = tuple(str(role) for role in roles)  # type: ignore[attr-defined]
        guarded.every_client = every_client  # type: ignore[attr-defined]
        return guarded

    return decorate
