"""OpenID Connect: the code flow with PKCE, and an ID token that is checked in full (SEC-10).

Of our own, because allauth's leaves out what we promise: it sends no nonce, takes the issuer that the provider's
document names instead of the one that was configured, and checks no signature in this flow.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import jwt
import requests
from django.conf import settings

from reviewapp.config.env import OidcProvider

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384")
"""Signed by the provider's private key; never `none`, and none that our own secret could make."""
LEEWAY_S = 60
FLOW_S = 600
"""So long somebody may take at the provider's."""
KEPT_S = 3600
TIMEOUT_S = 8
MAX_BYTES = 512 * 1024


class Refused(Exception):
    """The provider's answer isn't one we can believe; the text is for our log, not for the person."""


@dataclass(frozen=True, slots=True)
class Claims:
    """Who the provider says it is. `email` is empty unless the provider vouches for it."""

    issuer: str
    subject: str
    email: str
    names: tuple[str, str]
    login: str


@dataclass(frozen=True, slots=True)
class _Document:
    read_at: float
    authorize: str
    token: str
    keys: str
    userinfo: str
    by_header: bool


_kept: dict[str, _Document] = {}


def is_on() -> bool:
    """Whether a provider is configured."""
    return settings.OIDC is not None


def provider() -> OidcProvider:
    """The configured one. Raises Refused where there is none."""
    found: OidcProvider | None = settings.OIDC
    if found is None:
        raise Refused("no provider is configured")
    return found


def begin(callback: str) -> tuple[str, dict[str, Any]]:
    """The provider's address to go to, and what is kept in the session until they come back. Raises Refused."""
    verifier, state, nonce = (secrets.token_urlsafe(48) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code", "client_id": provider().client_id, "redirect_uri": callback,
        "scope": "openid email profile", "state": state, "nonce": nonce,
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    address = _document().authorize
    joined = "&" if "?" in address else "?"
    kept = {"state": state, "nonce": nonce, "verifier": verifier, "at": time.time()}
    return f"{address}{joined}{urlencode(asked)}", kept


def finish(kept: dict[str, Any] | None, answer: dict[str, str], callback: str) -> Claims:
    """Who came back. `kept` must not be offered twice: take it out of the session first. Raises Refused."""
    if kept is None or time.time() - kept["at"] > FLOW_S:
        raise Refused("no sign-in was begun in this browser, or too long ago")
    if not secrets.compare_digest(answer.get("state", "").encode(), kept["state"].encode()):
        raise Refused("state differs")
    if answer.get("iss", provider().issuer) != provider().issuer:
        raise Refused("the answer is another provider's")
    if "error" in answer or "code" not in answer:
        raise Refused(f"the provider said {answer.get('error', 'nothing')[:60]!r}")
    tokens = _exchange(answer["code"], kept["verifier"], callback)
    token = _checked(str(tokens.get("id_token", "")), kept["nonce"])
    if "email" not in token and _document().userinfo and tokens.get("access_token"):
        token |= _asked_more(str(tokens["access_token"]), token["sub"])
    return _claims(token)


def _claims(token: dict[str, Any]) -> Claims:
    def text(name: str, most: int = 150) -> str:
        found = token.get(name)
        return found.strip()[:most] if isinstance(found, str) else ""

    # Exactly true: whatever else a provider may mean by a word of its own isn't a promise.
    email = text("email", 254) if token.get("email_verified") is True else ""
    names = (text("given_name"), text("family_name"))
    return Claims(provider().issuer, token["sub"], email, names, text("preferred_username"))


def _checked(token: str, nonce: str) -> dict[str, Any]:
    """The claims of an ID token whose signature, issuer, audience, times and nonce are right. Raises Refused."""
    client = provider().client_id
    try:
        found: dict[str, Any] = jwt.decode(
            token, _key(token), algorithms=list(ALGORITHMS), audience=client, issuer=provider().issuer,
            leeway=LEEWAY_S, options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )  # fmt: skip
    except jwt.PyJWTError as error:
        raise Refused(f"ID token: {error}") from error
    if not secrets.compare_digest(str(found.get("nonce", "")).encode(), nonce.encode()):
        raise Refused("ID token: nonce differs")
    is_for_several = isinstance(found["aud"], list) and len(found["aud"]) > 1
    if found.get("azp", client) != client or (is_for_several and "azp" not in found):
        raise Refused("ID token: made for another party")
    if not found["sub"] or len(found["sub"]) > 255:
        raise Refused("ID token: no usable subject")
    return found


def _key(token: str) -> Any:
    """The provider's key that the token names."""
    wanted = jwt.get_unverified_header(token).get("kid")
    keys = [
        key for key in jwt.PyJWKSet.from_dict(_get(_document().keys)).keys
        if key.public_key_use in (None, "sig") and (wanted is None or key.key_id == wanted)
    ]  # fmt: skip
    if len(keys) != 1:
        raise Refused("ID token: no key of the provider fits")
    return keys[0]


def _exchange(code: str, verifier: str, callback: str) -> dict[str, Any]:
    wanted = provider()
    document = _document()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": verifier}
    if document.by_header:
        return _ask("POST", document.token, data=form, auth=(wanted.client_id, wanted.secret))
    return _ask("POST", document.token, data={**form, "client_id": wanted.client_id, "client_secret": wanted.secret})


def _asked_more(access: str, subject: str) -> dict[str, Any]:
    """E-mail and name from the provider's userinfo address, where they aren't in the token."""
    found = _ask("GET", _document().userinfo, headers={"Authorization": f"Bearer {access}"})
    if found.get("sub") != subject:
        raise Refused("userinfo is about somebody else")
    wanted = ("email", "email_verified", "given_name", "family_name", "preferred_username")
    return {name: found[name] for name in wanted if name in found}


def _document() -> _Document:
    """What the provider says about itself, read once an hour. Raises Refused where it is another issuer's."""
    issuer = provider().issuer
    kept = _kept.get(issuer)
    if kept is not None and time.monotonic() - kept.read_at < KEPT_S:
        return kept
    found = _get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != issuer:
        raise Refused(f"the document at {issuer} is of {str(found.get('issuer'))[:200]!r}")
    ways = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    try:
        document = _Document(
            time.monotonic(), found["authorization_endpoint"], found["token_endpoint"], found["jwks_uri"],
            found.get("userinfo_endpoint", ""), "client_secret_basic" in ways,
        )  # fmt: skip
    except KeyError as error:
        raise Refused(f"the provider's document lacks {error}") from error
    _kept[issuer] = document
    return document


def _get(address: str) -> dict[str, Any]:
    return _ask("GET", address)


def _ask(method: str, address: str, **more: Any) -> dict[str, Any]:
    """The provider's answer as JSON: no redirects, no waiting for ever, no end of bytes. Raises Refused."""
    try:
        with requests.request(
            method, address, timeout=TIMEOUT_S, allow_redirects=False, stream=True, **more
        ) as response:
            body = response.raw.read(MAX_BYTES + 1, decode_content=True)
            if response.status_code != 200 or len(body) > MAX_BYTES:
                raise Refused(f"{address} answered {response.status_code}")
            found = json.loads(body)
    except (requests.RequestException, ValueError, RecursionError, OSError) as error:
        raise Refused(f"{address}: {type(error).__name__}") from error
    if not isinstance(found, dict):
        raise Refused(f"{address} answered no object")
    return found
