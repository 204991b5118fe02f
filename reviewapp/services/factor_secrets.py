"""Secrets of second factors, encrypted in the database: who copies it can't make codes from it (SEC-02).

The key is made from SOFTPROOF_FACTOR_KEYS, or from SECRET_KEY where there are none. The first is in use, the others
open what older ones closed.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.utils.encoding import force_bytes

CLOSED = ("secret", "seed")


class KeyLost(ValueError):
    """None of the keys opens it: they were changed, or the row is another house's."""


@lru_cache(maxsize=16)
def _cipher(key: bytes) -> Fernet:
    derived = HKDF(SHA256(), 32, salt=None, info=b"softproof.second-factor").derive(key)
    return Fernet(base64.urlsafe_b64encode(derived))


def _ciphers() -> MultiFernet:
    spare = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    keys = [*settings.FACTOR_KEYS, *(force_bytes(key) for key in spare)]
    return MultiFernet([_cipher(key) for key in keys])


def close(text: str) -> str:
    """Encrypt, by the first key."""
    return _ciphers().encrypt(text.encode()).decode("ascii")


def open_again(closed: str) -> str:
    """Decrypt, by whichever key fits. Raises KeyLost."""
    try:
        return _ciphers().decrypt(closed.encode()).decode()
    except InvalidToken:
        raise KeyLost("No key opens this second factor.") from None


def opens(factor: Mapping[str, Any]) -> bool:
    """Say whether our keys open what an authenticator's row keeps closed: an app's secret, the codes' seed."""
    try:
        for name in CLOSED:
            if name in factor:
                open_again(str(factor[name]))
    except KeyLost:
        return False
    return True


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """What allauth asks of the house."""

    def encrypt(self, text: str) -> str:
        """Before it is stored."""
        return close(text)

    def decrypt(self, encrypted_text: str) -> str:
        """After it is read. Raises KeyLost."""
        return open_again(encrypted_text)

    def get_totp_issuer(self) -> str:
        """The name an authenticator app shows."""
        return "Softproof"

    def get_totp_label(self, user: Any) -> str:
        """And the account's."""
        return str(user.get_username())
