"""Tries to sign in, counted in the database so that every web process knows of them (SEC-10).

A try is counted before the password is looked at, and taken off again when it was right: a hundred at once get no
more than one after another would.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from reviewapp.enums import Role
from reviewapp.models import SignInTries
from reviewapp.policies.throttle import ACCOUNT, ADDRESS, Limit

from . import audit
from .people import require


class TooManyTries(Exception):
    """Nothing was looked at: `wait_s` seconds are to be waited first, whether or not the account exists."""

    def __init__(self, wait_s: int) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


PASSWORD, CODE = "account", "code"
"""What is tried. Codes are counted by themselves: a right password must not forget the wrong codes before it."""


def begin(name: str, address: str, kind: str = PASSWORD) -> None:
    """Count one try of an account from an address ("" when unknown). Raises TooManyTries, and counts nothing then."""
    now = timezone.now()
    with transaction.atomic():
        rows = [(_row(key, limit), limit) for key, limit in _keys(name, address, kind)]
        waits = [(row.locked_until - now).total_seconds() for row, _one in rows if row.locked_until]
        if waits and max(waits) > 0:
            raise TooManyTries(int(max(waits)) + 1)
        for row, limit in rows:
            is_old = (now - row.last_at).total_seconds() > limit.forget_s
            row.failures = 1 if is_old else row.failures + 1
            wait = limit.wait_s(row.failures)
            row.locked_until = now + timedelta(seconds=wait) if wait else None
            row.last_at = now
            row.save(update_fields=["failures", "locked_until", "last_at"])


def succeed(name: str, address: str, kind: str = PASSWORD) -> None:
    """What was tried is right: the account's tries are forgotten; of the address's only this one is.

    Where the address failed too often its wait stays: whoever knows one right password must not end it from there.
    """
    keys = [key for key, limit in _keys(name, address, kind) if limit is ACCOUNT]
    SignInTries.objects.filter(key__in=keys).delete()
    others = [key for key, limit in _keys(name, address, kind) if limit is ADDRESS]
    taken_off = SignInTries.objects.filter(key__in=others, failures__gt=0)
    taken_off.update(failures=F("failures") - 1)
    SignInTries.objects.filter(key__in=others, failures__lt=ADDRESS.free).update(locked_until=None)


def fail(name: str, address: str, kind: str = PASSWORD) -> None:
    """Write down a try that failed; a name that nobody has isn't kept in clear: it may be a mistyped password."""
    user = User.objects.filter(username=name).first()
    row = SignInTries.objects.filter(key=_key(kind, name)).first()
    said: dict[str, Any] = {"address": address, "name": name if user else f"unknown {_key('name', name)[:8]}"}
    if kind == CODE:
        said["how"] = "code"
    with transaction.atomic():
        audit.record("sign_in.failed", user, after=said)
        if row is not None and row.locked_until is not None:
            wait = int((row.locked_until - timezone.now()).total_seconds()) + 1
            audit.record("sign_in.locked", user, after={**said, "failures": row.failures, "seconds": wait})


def is_locked(user: User) -> bool:
    """Whether the account has to wait now."""
    return SignInTries.objects.filter(key__in=_both(user), locked_until__gt=timezone.now()).exists()


def unlock(user: User, actor: User) -> None:
    """An admin lets somebody try again at once. Raises NotAllowed."""
    require(actor, Role.ADMIN, to=_("unlock an account"))
    with transaction.atomic():
        if SignInTries.objects.filter(key__in=_both(user)).delete()[0]:
            audit.record("sign_in.unlocked", user, actor=actor)


def forget() -> int:
    """Delete counts nobody asks any more. Returns how many."""
    old = timezone.now() - timedelta(seconds=max(ACCOUNT.forget_s, ADDRESS.forget_s))
    return SignInTries.objects.filter(last_at__lt=old).delete()[0]


def _both(user: User) -> list[str]:
    return [_key(kind, user.username) for kind in (PASSWORD, CODE)]


def _keys(name: str, address: str, kind: str) -> list[tuple[str, Limit]]:
    """Account first; always in this order, so that two at once don't wait for each other."""
    keys = [(_key(kind, name), ACCOUNT)] if name else []  # a passkey's owner isn't known before it is proved
    if address:
        keys.append((_key("address", _network(address)), ADDRESS))
    return keys


def _key(kind: str, name: str) -> str:
    # The database says which names are one; whoever writes one in capitals or with a space gets no tries of their own.
    return salted_hmac(f"softproof.sign-in.{kind}", name.strip().casefold(), algorithm="sha256").hexdigest()


def _network(address: str) -> str:
    """An IPv6 address's own network: whoever has one has all of it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def _row(key: str, limit: Limit) -> SignInTries:
    """The locked row; made again where a try that was right took it away just now."""
    while True:
        SignInTries.objects.get_or_create(key=key, defaults={"last_at": timezone.now()})
        row = SignInTries.objects.select_for_update().filter(key=key).first()
        if row is not None:
            return row
