"""A person's own password and sessions, and what an admin does for others: a new password, unlocking, signing out."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import authenticate, update_session_auth_hash
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from reviewapp.services import sign_ins, throttle
from reviewapp.web import second_factor as steps
from reviewapp.web.forms.passwords import NewPasswordForm, OwnPasswordForm
from reviewapp.web.permissions import ADMINS, role_required


@sensitive_post_parameters()
@role_required()
@require_http_methods(["GET", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; the other sessions end, this one goes on."""
    assert isinstance(request.user, User)
    form = OwnPasswordForm(request.POST or None)
    if form.is_bound and form.is_valid():
        # By the same count of tries as at the door: a stolen session mustn't get to guess.
        if authenticate(request, username=request.user.username, password=form.cleaned_data["old"]) is None:
            form.add_error("old", _("That is not your password, or there were too many tries."))
        elif _set(request, request.user, form):
            update_session_auth_hash(request, request.user)
            messages.success(request, _("Your password is changed. Other sessions have ended."))
            return redirect("account")
    status = 422 if form.is_bound else 200
    return render(request, "account/password.html", {"active": "account", "form": form}, status=status)


@role_required()
@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """Sign out everywhere but here."""
    assert isinstance(request.user, User)
    ended = sign_ins.end_sessions(request.user, request.user, but=request.session.session_key or "")
    messages.success(request, _("%(count)d other sessions have ended.") % {"count": ended})
    return redirect("account")


@sensitive_post_parameters()
@role_required(*ADMINS, every_client=True)
@require_http_methods(["GET", "POST"])
def new_password(request: HttpRequest, pk: int) -> HttpResponse:
    """Give somebody a new password; everything of theirs is signed out. An open desk alone isn't enough for that."""
    person = get_object_or_404(User, pk=pk)
    if not steps.is_recent(request):
        return steps.to_confirm(request, request.get_full_path())
    form = NewPasswordForm(request.POST or None)
    if form.is_bound and form.is_valid() and _set(request, person, form):
        messages.success(request, _("%(name)s has a new password.") % {"name": person.get_username()})
        return redirect("people:edit", pk=pk)
    context = {"active": "people", "form": form, "person": person}
    return render(request, "people/password.html", context, status=422 if form.is_bound else 200)


@role_required(*ADMINS, every_client=True)
@require_POST
def unlock(request: HttpRequest, pk: int) -> HttpResponse:
    """Let somebody who mistyped too often try again at once."""
    throttle.unlock(get_object_or_404(User, pk=pk), request.user)  # type: ignore[arg-type]
    messages.success(request, _("The account can be tried again at once."))
    return redirect("people:edit", pk=pk)


@role_required(*ADMINS, every_client=True)
@require_POST
def sign_out(request: HttpRequest, pk: int) -> HttpResponse:
    """End every session of somebody."""
    ended = sign_ins.end_sessions(get_object_or_404(User, pk=pk), request.user)  # type: ignore[arg-type]
    messages.success(request, _("%(count)d sessions have ended.") % {"count": ended})
    return redirect("people:edit", pk=pk)


def _set(request: HttpRequest, person: User, form: NewPasswordForm | OwnPasswordForm) -> bool:
    actor = request.user
    assert isinstance(actor, User)
    keep = (request.session.session_key or "") if person.pk == actor.pk else ""
    try:
        sign_ins.new_password(person, form.cleaned_data["new"], actor, but=keep)
    except sign_ins.WeakPassword as refused:
        form.add_error("new", str(refused))
        return False
    return True
