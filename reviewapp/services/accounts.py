"""Accounts: made, renamed and closed by an admin; never deleted, because decisions name them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from reviewapp.enums import Role
from reviewapp.models import AuditEvent, PersonScope

from . import audit, granting, sign_ins
from .granting import Reach
from .people import NotAllowed, require, require_over, set_roles


class AccountRefused(ValueError):
    """An account that can't be made or changed as asked. `errors` maps a field to its sentence."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class PersonData:
    """What an admin enters about a person."""

    username: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""


class PersonChanged(AccountRefused):
    """Somebody else changed the person since the form was opened; nothing was written."""


def create_person(data: PersonData, password: str, roles: Iterable[Role], actor: User, *, reach: Reach) -> User:
    """Make an account with `roles` for the clients of `reach`. Raises NotAllowed, AccountRefused (name taken, weak
    password)."""
    require(actor, Role.ADMIN, to=_("add a person"))
    user = User(
        username=data.username, first_name=data.first_name, last_name=data.last_name, email=data.email, is_active=True
    )
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise AccountRefused({"password": " ".join(error.messages)}) from error
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
            audit.record("person.created", user, actor=actor, after={"username": user.username})
            set_roles(user, roles, actor)
            granting.grant(user, reach, actor)
    except IntegrityError as error:
        raise AccountRefused(
            {"username": _("%(username)s is taken. Choose another name.") % {"username": data.username}}
        ) from error
    return user


def update_person(user: User, roles: Iterable[Role], *, is_active: bool, actor: Any, reach: Reach, seen: int) -> User:
    """Set a person's roles, clients and whether they may sign in. `seen` is the version the form showed (version_of).

    Raises NotAllowed, also for closing one's own account and for a superuser's; PersonChanged when somebody changed the
    person meanwhile.
    """
    require(actor, Role.ADMIN, to=_("change an account"))
    require_over(actor, user)
    if user.pk == actor.pk and not is_active:
        raise NotAllowed(_("You can't close your own account. Another admin can."))
    with transaction.atomic():
        scope = granting.locked(user)
        if scope.version != seen:
            raise PersonChanged({"": _who_changed(user)})
        events = AuditEvent.objects.filter(noun="user", object_id=str(user.pk))
        before = events.count()
        set_roles(user, roles, actor)
        granting.grant(user, reach, actor)
        if User.objects.filter(pk=user.pk, is_active=not is_active).update(is_active=is_active):
            verb = "person.opened" if is_active else "person.closed"
            audit.record(verb, user, actor=actor, before={"active": not is_active}, after={"active": is_active})
            if not is_active:
                sign_ins.end_all(user, actor)  # or opening the account again would open its old sessions
        if events.count() != before:
            PersonScope.objects.filter(pk=scope.pk).update(version=F("version") + 1)
    user.refresh_from_db()
    return user


def version_of(user: User) -> int:
    """How often the person was changed, for a form to show."""
    return PersonScope.objects.filter(user=user).values_list("version", flat=True).first() or 0


def _who_changed(user: User) -> str:
    event = (
        AuditEvent.objects.filter(noun="user", object_id=str(user.pk)).select_related("actor").order_by("-pk").first()
    )
    name = (event.actor.get_full_name() or event.actor.get_username()) if event and event.actor else _("Somebody")
    return _(
        "%(name)s changed this person after you opened this form. Nothing was saved; compare, then save again."
    ) % {"name": name}
