"""Roles and accounts: the five groups, who is in them, and the check services make before they act."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction
from django.utils.translation import gettext as _

from reviewapp.enums import Role
from reviewapp.models import PersonScope
from reviewapp.selectors import access
from reviewapp.selectors.people import roles_of

from . import audit
from .words import stored_word

# Only what the Django admin and the API read; views and services ask for a role.
ROLE_PERMISSIONS: Mapping[Role, tuple[str, ...]] = {
    Role.REVIEWER: ("view_asset", "view_reviewtask", "change_reviewtask", "add_reviewdecision"),
    Role.EDITOR: ("view_asset", "view_edittask", "change_edittask"),
    Role.SENIOR: (
        "view_asset", "view_edittask", "change_edittask", "view_reviewtask", "change_reviewtask", "add_reviewdecision",
    ),
    Role.MANAGER: (
        "view_asset", "view_batch", "add_batch", "change_batch", "view_client", "add_client", "change_client",
        "view_delivery", "add_delivery", "view_rendition", "view_qualityreport", "view_auditevent", "view_task",
    ),
    Role.ADMIN: (
        "view_asset", "view_batch", "view_client", "view_channel", "add_channel", "view_preset", "add_presetversion",
        "change_preset", "view_presetversion", "view_routingpolicy", "add_routingpolicy", "view_categoryrule",
        "add_categoryrule", "change_categoryrule", "view_presetproposal", "change_presetproposal", "view_auditevent",
        "view_qualityreport", "view_task", "view_workerheartbeat",
    ),
}  # fmt: skip


class NotAllowed(PermissionError):
    """The person's role doesn't cover this. The message names the roles that do."""


class NotTheirs(NotAllowed):
    """It belongs to a client the person doesn't work for. Told to nobody: for them it isn't there."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """A demo account as it is shown once: the password is not kept anywhere in clear."""

    username: str
    password: str
    role: Role


def require(user: Any, *roles: Role, to: str) -> None:
    """Raise NotAllowed unless `user` has one of `roles` or is an admin; `to` ends the sentence: "review photos"."""
    if roles_of(user).isdisjoint({*roles, Role.ADMIN}):
        names = _(" or ").join(str(role.label).lower() for role in roles)
        raise NotAllowed(_("To %(to)s you need the role %(names)s. An admin can add it.") % {"to": to, "names": names})


def require_over(actor: User, person: User) -> None:
    """Raise NotAllowed where `person` is a superuser and `actor` isn't: a role must not reach above itself."""
    if person.is_superuser and not actor.is_superuser:
        raise NotAllowed(_("This account is a superuser's. Only a superuser can change it, or how it signs in."))


def require_client(user: Any, client_id: int) -> None:
    """Raise NotTheirs unless photos of this client are for `user`."""
    if not access.may_see(user, client_id):
        raise NotTheirs(_("This is not there."))


def seed_roles() -> None:
    """Create the five groups and give them their permissions. Running it again changes nothing else."""
    for role, codenames in ROLE_PERMISSIONS.items():
        group, _ = Group.objects.get_or_create(name=role.value)
        wanted = Permission.objects.filter(content_type__app_label="reviewapp", codename__in=codenames)
        group.permissions.set(wanted)


def seed_demo_accounts() -> list[NewAccount]:
    """Create one account per role with a random password; return only those made now (none on a second call).

    The admin is also a superuser and may open the operations admin.
    """
    seed_roles()
    made: list[NewAccount] = []
    for role in Role:
        with transaction.atomic():
            is_admin = role is Role.ADMIN
            user, created = User.objects.get_or_create(
                username=role.value,
                defaults={
                    "first_name": "Demo",
                    "last_name": stored_word(role.label),
                    "is_staff": is_admin,
                    "is_superuser": is_admin,
                },
            )
            if not created:
                continue
            password = secrets.token_urlsafe(12)
            user.set_password(password)
            user.save(update_fields=["password"])
            user.groups.add(Group.objects.get(name=role.value))
            PersonScope.objects.update_or_create(user=user, defaults={"all_clients": True})
            made.append(NewAccount(role.value, password, role))
    return made


def set_roles(user: User, roles: Iterable[Role], actor: Any) -> None:
    """Give `user` exactly `roles`. Raises NotAllowed when the actor is no admin, or would drop their own admin role."""
    require(actor, Role.ADMIN, to=_("change roles"))
    wanted = {Role(role) for role in roles}
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=user.pk)
        before = sorted(locked.groups.filter(name__in=Role.values).values_list("name", flat=True))
        if locked.pk == actor.pk and Role.ADMIN.value in before and Role.ADMIN not in wanted:
            raise NotAllowed(_("You can't take the admin role from yourself. Another admin can."))
        locked.groups.remove(*Group.objects.filter(name__in=Role.values))
        locked.groups.add(*Group.objects.filter(name__in=[role.value for role in wanted]))
        after = sorted(role.value for role in wanted)
        if before != after:
            audit.record("person.roles_changed", locked, actor=actor, before={"roles": before}, after={"roles": after})
