"""Who works here and what they may do."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Case, IntegerField, Prefetch, Q, QuerySet, When

from reviewapp.enums import Role
from reviewapp.models import ClientAccess

NAMED = 50
"""People of one name whose events are looked for."""
HAS_ALL = "_softproof_all_clients"
"""Where a user object keeps whether the person works for every client (selectors/access.py): read with the roles."""


def roles_of(user: Any) -> frozenset[Role]:
    """Return the roles of `user`; a superuser has all, someone inactive or signed out has none."""
    # What the web read for this request (web/permissions.py) is not asked again by each service.
    known_roles: frozenset[Role] | None = getattr(user, "_softproof_roles", None)
    if known_roles is not None:
        return known_roles
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return frozenset()
    if user.is_superuser:
        return frozenset(Role)
    known = set(Role.values)
    rows = list(User.objects.filter(pk=user.pk).values_list("groups__name", "scope__all_clients"))
    setattr(user, HAS_ALL, any(has_all for _name, has_all in rows))
    return frozenset(Role(name) for name, _has_all in rows if name in known)


def people() -> QuerySet[User]:
    """Everyone with an account, by name, with their groups loaded."""
    return User.objects.order_by("username").prefetch_related("groups")


def people_with_clients(words: str = "") -> QuerySet[User]:
    """The same with the clients they work for, in one query more; with `words` those who are called so."""
    access = Prefetch("client_access", queryset=ClientAccess.objects.select_related("client"))
    return called(words, people()).select_related("scope").prefetch_related(access)


def called(words: str, rows: QuerySet[User]) -> QuerySet[User]:
    """Those of `rows` in whose names or e-mail address every one of the words is."""
    for word in words.split():
        name = Q(first_name__icontains=word) | Q(last_name__icontains=word)
        rows = rows.filter(name | Q(username__icontains=word) | Q(email__icontains=word))
    return rows


def ids_called(words: str) -> list[int]:
    """People meant by a number or a name, NAMED + 1 at most; one query. A number of somebody's means them alone."""
    number = int(words) if words.isdecimal() and len(words) < 10 else 0
    either = User.objects.filter(Q(pk=number) | Q(pk__in=called(words, User.objects.all()).values("pk")))
    exact = Case(When(pk=number, then=0), default=1, output_field=IntegerField())
    found = list(either.order_by(exact, "username").values_list("pk", flat=True)[: NAMED + 1])
    return found[:1] if found and found[0] == number else found


def reviewing() -> QuerySet[User]:
    """Everyone with an open account who reviews, by name."""
    able = Q(groups__name__in=[Role.REVIEWER, Role.SENIOR, Role.ADMIN]) | Q(is_superuser=True)
    return User.objects.filter(able, is_active=True).distinct().order_by("username")


def reviewers() -> list[User]:
    """The same as a list; one query."""
    return list(reviewing())


def managers() -> QuerySet[User]:
    """Everyone with an open account who may own a batch, by name."""
    able = Q(groups__name__in=[Role.MANAGER, Role.ADMIN]) | Q(is_superuser=True)
    return User.objects.filter(able, is_active=True).distinct().order_by("username")


def admins() -> QuerySet[User]:
    """Everybody with an open account who is an admin, by name."""
    able = Q(groups__name=Role.ADMIN) | Q(is_superuser=True)
    return User.objects.filter(able, is_active=True).distinct().order_by("first_name", "username")


def is_senior(user: Any) -> bool:
    """Whether escalated photos are for this person: seniors and admins."""
    return not roles_of(user).isdisjoint({Role.SENIOR, Role.ADMIN})


def seniors() -> QuerySet[User]:
    """Everybody with an open account who is a senior or an admin; some of them more than once."""
    return User.objects.filter(Q(groups__name__in=[Role.SENIOR, Role.ADMIN]) | Q(is_superuser=True), is_active=True)
