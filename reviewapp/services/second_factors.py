"""Second factors of a person: an authenticator app, recovery codes; required of some, reset by an admin (SEC-10).

The tables and the arithmetic are allauth's. That a code is good once is ours: allauth remembers used codes in a
process's own memory, and we have several processes.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import Role

from . import audit, sign_ins, throttle
from .factor_secrets import KeyLost
from .people import NotAllowed, require, require_over

log = logging.getLogger("softproof.sign_in")

APP, CODES, PASSKEY = "totp", "recovery_codes", "webauthn"
WHOM: dict[str, frozenset[Role]] = {
    "ADMINS": frozenset({Role.ADMIN}),
    "MANAGERS": frozenset({Role.ADMIN, Role.MANAGER}),
}
"""SECOND_FACTOR -> roles it is required of; EVERYBODY and NOBODY look at none."""


class WrongCode(ValueError):
    """It is none of the person's codes, or was used before."""


class AlreadyOn(ValueError):
    """There is an authenticator app already."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """One device's, by the name its person gave it."""

    pk: int
    name: str
    added_at: datetime
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has."""

    app_since: datetime | None
    codes_left: int
    passkeys: tuple[Passkey, ...] = ()

    @property
    def is_on(self) -> bool:
        """Whether signing in asks for more than a password; recovery codes alone are none."""
        return self.app_since is not None or bool(self.passkeys)


def factors_of(user: User) -> Factors:
    """Everything, by one query."""
    found = list(Authenticator.objects.filter(user=user).order_by("pk"))
    rows = {row.type: row for row in found}
    keys = [row for row in found if row.type == PASSKEY]
    passkeys = tuple(Passkey(row.pk, row.data.get("name", ""), row.created_at, row.last_used_at) for row in keys)
    app, codes = rows.get(APP), rows.get(CODES)
    used = bin(codes.data.get("used_mask", 0)).count("1") if codes else 0
    return Factors(app.created_at if app else None, settings_count() - used if codes else 0, passkeys)


def settings_count() -> int:
    """How many recovery codes a set has."""
    return int(getattr(settings, "MFA_RECOVERY_CODE_COUNT", 10))


def is_on(user: User) -> bool:
    """Whether the person has one."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=(APP, PASSKEY)).exists())


def may_be_required() -> bool:
    """Whether it is asked of anybody: where not, nobody's roles need be looked at."""
    return bool(settings.SECOND_FACTOR != "NOBODY")


def is_required(roles: Collection[Role]) -> bool:
    """Whether somebody with these roles has to have one."""
    whom = settings.SECOND_FACTOR
    return whom == "EVERYBODY" or bool(WHOM.get(whom, frozenset()) & set(roles))


def new_secret() -> str:
    """For an app that is being set up; stored only once a code proved that the app has it."""
    return str(totp.generate_totp_secret())


def address_for_app(user: User, secret: str) -> str:
    """The otpauth:// address that the QR code says."""
    return str(get_adapter().build_totp_url(user, secret))


def add_app(user: User, secret: str, code: str, *, keep: str = "") -> None:
    """Turn the app on; recovery codes come with the first factor, other sessions end. Raises WrongCode, AlreadyOn."""
    step = _step_of(secret, code)
    if step is None:
        raise WrongCode
    try:
        with transaction.atomic():
            app = totp.TOTP.activate(user, secret).instance
            Authenticator.objects.filter(pk=app.pk).update(data={**app.data, "last_step": step})
            added(user, APP, keep=keep)
    except IntegrityError as error:
        raise AlreadyOn from error


def added(user: User, kind: str, *, keep: str, name: str = "") -> None:
    """What follows a new factor: it is written down, sessions that never proved it end, recovery codes are made."""
    audit.record("second_factor.added", user, actor=user, after={"kind": kind, **({"name": name} if name else {})})
    sign_ins.end_sessions(user, user, but=keep)
    RecoveryCodes.activate(user)


def check_code(user: User, code: str, address: str) -> Authenticator:
    """The factor that a code of the app, or a recovery code, belongs to; it is used up. Counted as a try to sign in.

    Raises throttle.TooManyTries, WrongCode.
    """
    name = user.get_username()
    throttle.begin(name, address, throttle.CODE)
    typed = "".join(sign for sign in code if not sign.isspace() and sign != "-")
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user=user, type__in=(APP, CODES))
        found = next((row for row in rows if _use(row, typed)), None)
        if found is not None:
            found.record_usage()
            if found.type == CODES:
                left = settings_count() - bin(found.data["used_mask"]).count("1")
                audit.record("second_factor.code_used", user, actor=user, after={"left": left, "address": address})
    if found is None:
        throttle.fail(name, address, throttle.CODE)
        raise WrongCode
    throttle.succeed(name, address, throttle.CODE)
    return found


def new_codes(user: User) -> None:
    """A new set of recovery codes; the old ones end. Raises NotAllowed where there is nothing to recover."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if not is_on(user):
            raise NotAllowed(_("Recovery codes come with a second factor. Set one up first."))
        Authenticator.objects.filter(user=user, type=CODES).delete()
        RecoveryCodes.activate(user)
        audit.record("second_factor.new_codes", user, actor=user)


def codes_once(user: User) -> list[str]:
    """The codes not used yet, the first time they are asked for; nothing later."""
    with transaction.atomic():
        row = Authenticator.objects.select_for_update().filter(user=user, type=CODES).first()
        if row is None or row.data.get("viewed_at"):
            return []
        codes = row.wrap()
        found = [str(code) for code in codes.get_unused_codes()]
        codes.mark_as_viewed()
    return found


def remove(user: User, roles: Collection[Role], *, keep: str, passkey: int | None = None) -> None:
    """Turn one's own app off, or take a passkey away. With the last factor the sessions end that proved it, but `keep`.

    Raises NotAllowed where it is the last factor of somebody who has to have one.
    """
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        own = Authenticator.objects.filter(user=user).exclude(type=CODES)
        wanted = own.filter(type=APP) if passkey is None else own.filter(type=PASSKEY, pk=passkey)
        row = wanted.first()
        if row is None:
            return
        _refuse_the_last(own.exclude(pk=row.pk).exists(), roles)
        told = {"kind": row.type, **({"name": row.data["name"]} if row.type == PASSKEY else {})}
        row.delete()
        audit.record("second_factor.removed", user, actor=user, after=told)
        forget_spare_codes(user)
        if not is_on(user):
            sign_ins.end_sessions(user, user, but=keep)


def forget_spare_codes(user: User) -> None:
    """Recovery codes end with the last factor."""
    if not is_on(user):
        Authenticator.objects.filter(user=user).delete()


def _refuse_the_last(has_others: bool, roles: Collection[Role]) -> None:
    if not has_others and is_required(roles):
        raise NotAllowed(_("Your role needs a second factor, and this is your only one. Set up another one first."))


def reset(user: User, actor: User | None) -> int:
    """Take all of somebody's factors away: phone and codes are lost. Their sessions end. Returns how many there were.

    Raises NotAllowed: not an admin, one's own, or a superuser's. `actor` is None at the machine itself.
    """
    if actor is not None:
        require(actor, Role.ADMIN, to=_("reset a second factor"))
        require_over(actor, user)
        if actor.pk == user.pk:
            raise NotAllowed(_("Your own second factor is under Account. Another admin can reset it."))
    with transaction.atomic():
        kinds = sorted(Authenticator.objects.filter(user=user).values_list("type", flat=True))
        if kinds:
            Authenticator.objects.filter(user=user).delete()
            audit.record("second_factor.reset", user, actor=actor, before={"kinds": kinds})
            sign_ins.end_all(user, actor)
    return len(kinds)


def _step_of(secret: str, code: str) -> int | None:
    """Which half minute of the app a code belongs to; None: none near now."""
    typed = "".join(code.split())
    steps = totp.yield_hotp_counters_from_time()
    fits = (step for step in steps if totp.compare_user_code(
        actual=typed, expected=totp.format_hotp_value(totp.hotp_value(secret, step))
    ))  # fmt: skip
    found: int | None = next(fits, None)
    return found


def _use(row: Any, code: str) -> bool:
    """Whether the code is good, which uses it up; the row is locked."""
    try:
        if row.type == CODES:
            codes = row.wrap()
            is_good = bool(codes.validate_code(code))
            row.data = codes.instance.data
            return is_good
        step = _step_of(get_adapter().decrypt(row.data["secret"]), code)
    except KeyLost:
        log.error("second_factor_key_lost", extra={"person": row.user_id})
        return False
    if step is None or step <= row.data.get("last_step", 0):
        return False
    row.data["last_step"] = step
    row.last_used_at = timezone.now()
    row.save(update_fields=["data", "last_used_at"])
    return True
