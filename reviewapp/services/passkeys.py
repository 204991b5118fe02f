"""Passkeys: a key in a device that signs for this site alone, after its person unlocked it (WebAuthn).

Possession and unlocking are two factors at once, so a passkey signs in by itself. Each is discoverable and asks for
the person (user verification), so that none is a mere second password. What the browser signed must be of exactly this
address: the library alone would let any subdomain's through.
"""

from __future__ import annotations

import binascii
import json
import struct
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from fido2.utils import websafe_decode

from . import audit, second_factors

NAME_LENGTH = 60
BROKEN = (
    ValidationError, ValueError, TypeError, KeyError, AttributeError, IndexError, struct.error, binascii.Error,
    RecursionError,
)  # fmt: skip
"""What the libraries raise for an answer that is none."""


class WrongKey(ValueError):
    """What the browser sent doesn't prove a passkey."""


def options_to_add(user: User) -> tuple[dict[str, Any], Any]:
    """What the browser asks the device for, and the challenge, which the session keeps for one answer."""
    asked = dict(auth.begin_registration(user, passwordless=True))
    return asked, _taken()


def add(user: User, name: str, credential: Any, origin: str, challenge: Any, *, keep: str) -> None:
    """Keep a new passkey. Raises WrongKey."""
    try:
        auth.set_state(challenge)
        _check_origin(credential, origin)
        auth.parse_registration_response(credential)
        if not auth.complete_registration(credential).is_user_verified():
            raise WrongKey
    except BROKEN as error:
        raise WrongKey from error
    finally:
        _taken()
    with transaction.atomic():
        auth.WebAuthn.add(user, name[:NAME_LENGTH], credential)
        second_factors.added(user, second_factors.PASSKEY, keep=keep, name=name[:NAME_LENGTH])


def options_to_sign_in() -> tuple[dict[str, Any], Any]:
    """The same for signing in: whose it is the device says."""
    asked = dict(auth.begin_authentication(None))
    return asked, _taken()


def proved(credential: Any, origin: str, challenge: Any) -> Authenticator:
    """The passkey that signed the challenge, which was taken out of the session for this one try. Raises WrongKey."""
    try:
        auth.set_state(challenge)
        _check_origin(credential, origin)
        response = auth.parse_authentication_response(credential)
        user = auth.extract_user_from_response(credential)
        found = auth.complete_authentication(user, credential)
        if not response.response.authenticator_data.is_user_verified():
            raise WrongKey
    except BROKEN as error:
        raise WrongKey from error
    finally:
        _taken()
    if not found.user.is_active:
        raise WrongKey
    found.record_usage()
    return found


def rename(user: User, pk: int, name: str) -> None:
    """Call one of one's passkeys something else."""
    with transaction.atomic():
        rows = Authenticator.objects.select_for_update().filter(user=user, type=second_factors.PASSKEY, pk=pk)
        for row in rows:
            before = row.data.get("name", "")
            row.data["name"] = name[:NAME_LENGTH]
            row.save(update_fields=["data"])
            audit.record(
                "second_factor.renamed", user, actor=user, before={"name": before}, after={"name": row.data["name"]}
            )


def _taken() -> Any:
    """The library has one place for every challenge; ours are kept apart, so that none answers for another."""
    found = auth.get_state()
    auth.clear_state()
    return found


def _check_origin(credential: Any, origin: str) -> None:
    signed = json.loads(websafe_decode(credential["response"]["clientDataJSON"]))
    if signed.get("origin") != origin or signed.get("crossOrigin"):
        raise WrongKey
