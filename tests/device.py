"""A passkey of our own (WebAuthn), which signs for real and says whatever origin it is told to."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.cose import ES256

PRESENT, VERIFIED, WITH_KEY = 1, 4, 64


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Device:
    """One discoverable key, made for the host `host`."""

    def __init__(self, host: str) -> None:
        self._host = hashlib.sha256(host.encode()).digest()
        self._key, self._id = ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16)
        self._owner = ""

    def made(self, options: dict[str, Any], origin: str) -> dict[str, Any]:
        """The answer to an address that asks for a new key."""
        asked = options["publicKey"]
        self._owner = asked["user"]["id"]
        key = cbor.encode(dict(ES256.from_cryptography_key(self._key.public_key())))
        told = self._host + bytes([PRESENT | VERIFIED | WITH_KEY]) + bytes(4)
        told += bytes(16) + len(self._id).to_bytes(2, "big") + self._id + key
        statement = cbor.encode({"fmt": "none", "attStmt": {}, "authData": told})
        signed = self._client_data("webauthn.create", asked["challenge"], origin)
        return self._credential({"clientDataJSON": _text(signed), "attestationObject": _text(statement)})

    def signed(self, options: dict[str, Any], origin: str, **more: Any) -> dict[str, Any]:
        """The answer to an address that asks who one is."""
        signed = self._client_data("webauthn.get", options["publicKey"]["challenge"], origin, **more)
        told = self._host + bytes([PRESENT | VERIFIED]) + bytes(4)
        signature = self._key.sign(told + hashlib.sha256(signed).digest(), ec.ECDSA(hashes.SHA256()))
        return self._credential({
            "clientDataJSON": _text(signed), "authenticatorData": _text(told), "signature": _text(signature),
            "userHandle": self._owner,
        })  # fmt: skip

    def _client_data(self, kind: str, challenge: str, origin: str, **more: Any) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": origin, **more}).encode()

    def _credential(self, response: dict[str, Any]) -> dict[str, Any]:
        extensions = {"credProps": {"rk": True}}
        return {
            "id": _text(self._id), "rawId": _text(self._id), "type": "public-key", "response": response,
            "clientExtensionResults": extensions,
        }  # fmt: skip
