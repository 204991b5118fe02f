"""Who works here and what they may do."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet

from reviewapp.enums import Role


def roles_of(user: Any) -> frozenset[Role]:
    """Return the roles of `user`; a superuser has all, someone inactive or signed out has none."""
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return frozenset()
    if user.is_superuser:
        return frozenset(Role)
    known = set(Role.values)
    return frozenset(Role(name) for name in user.groups.values_list("name", flat=True) if name in known)


def people() -> QuerySet[User]:
    """Everyone with an account, by name, with their groups loaded."""
    return User.objects.order_by("username").prefetch_related("groups")
