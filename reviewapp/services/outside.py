"""Whose account it is that an outside provider vouches for.

Found by issuer and subject, never by a name. The first time an account is linked by its e-mail address where all of
this holds: the provider vouches for the address, exactly one open account has it, that account has no subject of the
provider yet, and it isn't the machine's administrator's. Addresses of accounts are written by admins alone, so nobody
can put somebody else's under their own account and wait. Whatever is in doubt an admin links by hand.
"""

from __future__ import annotations

import re

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from reviewapp.enums import Role
from reviewapp.models import OutsideIdentity, PersonScope

from . import audit, oidc, sign_ins
from .oidc import Claims
from .people import require, require_over


class Unknown(Exception):
    """No account is this person's; `why` is for the log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Taken(ValueError):
    """The subject belongs to another account."""


def person_of(claims: Claims) -> User:
    """The account, linked or made now where that may be. Raises Unknown."""
    known = OutsideIdentity.objects.filter(issuer=claims.issuer, subject=claims.subject).select_related("person")
    found = known.first()
    if found is None:
        try:
            with transaction.atomic():
                return _linked(claims) or _made(claims)
        except IntegrityError:  # the same person in a second tab was faster
            found = known.first()
    if found is None or not found.person.is_active:
        raise Unknown("closed account")
    return found.person


def identities(user: User) -> list[OutsideIdentity]:
    """What is linked to an account."""
    return list(OutsideIdentity.objects.filter(person=user).order_by("pk"))


def is_linked(user: User, issuer: str, subject: str) -> bool:
    """Whether a subject of a provider still belongs to the account."""
    return OutsideIdentity.objects.filter(person=user, issuer=issuer, subject=subject).exists()


def link(user: User, subject: str, actor: User) -> None:
    """An admin links an account to a subject of the provider. Raises NotAllowed, Taken."""
    require(actor, Role.ADMIN, to=_("link an account"))
    require_over(actor, user)
    try:
        with transaction.atomic():
            _link(user, oidc.provider().issuer, subject, actor, by="admin")
    except IntegrityError as error:
        raise Taken(_("This subject is linked to another account.")) from error


def unlink(user: User, pk: int, actor: User) -> None:
    """An admin takes a link away; sessions end, and so does a sign-in that waits for its code. Raises NotAllowed."""
    require(actor, Role.ADMIN, to=_("unlink an account"))
    require_over(actor, user)
    with transaction.atomic():
        found = OutsideIdentity.objects.filter(person=user, pk=pk).first()
        if found is not None:
            before = {"issuer": found.issuer, "subject": found.subject}
            found.delete()
            audit.record("person.unlinked", user, actor=actor, before=before)
            sign_ins.end_all(user, actor)


def _link(user: User, issuer: str, subject: str, actor: User | None, *, by: str) -> None:
    OutsideIdentity.objects.create(person=user, issuer=issuer, subject=subject)
    audit.record("person.linked", user, actor=actor, after={"issuer": issuer, "subject": subject, "by": by})


def _linked(claims: Claims) -> User | None:
    """The one account with the e-mail address that the provider vouches for. Raises Unknown where it is in doubt."""
    if not claims.email:
        return None
    # Locked, so that two subjects with one address at the same time don't both find it free.
    people = list(User.objects.select_for_update().filter(email__iexact=claims.email)[:2])
    if not people:
        return None
    if len(people) > 1:
        raise Unknown("several accounts have the address")
    user = the_one(people[0], claims.email)
    if not user.is_active:
        raise Unknown("closed account")
    if user.is_superuser:
        raise Unknown("the machine's administrator is linked by hand")
    if OutsideIdentity.objects.filter(person=user, issuer=claims.issuer).exists():
        # Whoever had the address before them, or has it after: an address can be given to somebody else.
        raise Unknown("the account belongs to another subject of the provider")
    _link(user, claims.issuer, claims.subject, None, by="email")
    return user


def the_one(found: User, address: str) -> User:
    """The person that the database found by an e-mail address, where it is theirs but for the case of A to Z.

    Raises Unknown. A database asks with UPPER(), to which an i without its dot and a long s are I and S: whoever has
    such an address vouched for would open somebody else's account (CVE-2019-19844). Python's casefold and NFKC fold
    some of them as well, so neither is asked.
    """
    if _lowered(found.email) != _lowered(address):
        raise Unknown("an account's address only looks like it")
    return found


def _lowered(address: str) -> str:
    return "".join(sign.lower() if sign.isascii() else sign for sign in address)


def _made(claims: Claims) -> User:
    """A new account without roles and clients, where OIDC_CREATE allows it. Raises Unknown."""
    if not oidc.provider().may_create:
        raise Unknown("nobody is linked to the subject")
    first, last = claims.names
    user = User(username=_free_name(claims), first_name=first, last_name=last, email=claims.email)
    user.set_unusable_password()
    user.save()
    PersonScope.objects.create(user=user, all_clients=False)
    audit.record("person.created", user, after={"username": user.username, "by": "oidc"})
    _link(user, claims.issuer, claims.subject, None, by="created")
    return user


def _free_name(claims: Claims) -> str:
    """A name nobody has, like the provider's; what an account may do never depends on it."""
    wanted = claims.login or claims.email.split("@")[0] or "person"
    stem = re.sub(r"[^\w.+-]", "", wanted.split("@")[0])[:120] or "person"
    name, number = stem, 1
    while User.objects.filter(username__iexact=name).exists():
        number += 1
        name = f"{stem}-{number}"
    return name
