"""What happens around a session: opened, closed, all of a person's ended, a new password."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import Role
from reviewapp.models import PersonSession

from . import audit, throttle
from .people import require, require_over


class WeakPassword(ValueError):
    """The password can't be taken; the message says why."""


def opened(user: User, address: str, how: str) -> None:
    """Write down that somebody signed in, and by what means."""
    audit.record("sign_in.opened", user, actor=user, after={"address": address, "how": how})


def refused(address: str, how: str, why: str) -> None:
    """Write down a sign-in from outside that was refused; whose it was isn't known."""
    audit.record("sign_in.failed", None, after={"address": address, "how": how, "why": why[:300]})


def closed(user: User) -> None:
    """Write down that somebody signed out."""
    audit.record("sign_in.closed", user, actor=user)


def end_sessions(user: User, actor: User, *, but: str = "") -> int:
    """End every session of `user`, except the one with the key `but`. Returns how many. Raises NotAllowed."""
    if actor.pk != user.pk:
        require(actor, Role.ADMIN, to=_("sign somebody out"))
    return end_all(user, actor, but=but)


def end_all(user: User, actor: User | None, *, but: str = "") -> int:
    """The same for who was asked already, or is nobody: a command at the machine itself."""
    with transaction.atomic():
        ended = PersonSession.objects.filter(person_id=user.pk).exclude(pk=but).delete()[0]
        audit.record("sign_in.ended", user, actor=actor, after={"sessions": ended})
    return ended


def new_password(user: User, password: str, actor: User, *, but: str = "") -> None:
    """Set a password and end the other sessions.

    Raises NotAllowed (not one's own, and no admin, or a superuser's), WeakPassword.
    """
    if actor.pk != user.pk:
        require(actor, Role.ADMIN, to=_("set somebody's password"))
        require_over(actor, user)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise WeakPassword(" ".join(error.messages)) from error
    with transaction.atomic():
        user.set_password(password)
        user.save(update_fields=["password"])
        audit.record("person.password_set", user, actor=actor)
        end_sessions(user, actor, but=but)


def tidy() -> dict[str, int]:
    """Delete sessions that ended and counts nobody needs; the sweep calls it."""
    ended = PersonSession.objects.filter(expire_date__lt=timezone.now()).delete()[0]
    return {"sessions": ended, "tries": throttle.forget()}


def open_sessions(user: User) -> list[dict[str, Any]]:
    """When each session of a person that still lives was opened, newest first."""
    live = PersonSession.objects.filter(person_id=user.pk, expire_date__gt=timezone.now())
    return [{"opened_at": moment} for moment in live.order_by("-opened_at").values_list("opened_at", flat=True)]
