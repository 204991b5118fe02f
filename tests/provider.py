"""A small OpenID Connect provider that answers over real HTTP and signs for real; it can be told to lie."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "softproof", "a secret between the two of us"


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Provider:
    """`person` is who signs in there next; `lies` are claims of the ID token that replace the right ones."""

    def __init__(self) -> None:
        self.key, self.other_key = _key(), _key()
        self.person: dict[str, Any] = {"sub": "248289761001", "email": "rita@example.com", "email_verified": True}
        self.lies: dict[str, Any] = {}
        self.document_lies: dict[str, Any] = {}
        self.algorithm, self.signs_with = "RS256", self.key
        self.tells_in_token = True
        self.given: dict[str, dict[str, str]] = {}
        self.asked: list[str] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._answer(self, {})

            def do_POST(self) -> None:
                size = int(self.headers.get("Content-Length", 0))
                provider._answer(self, _flat(self.rfile.read(size).decode()))

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def signed_in(self, address: str) -> str:
        """What the provider's own page would send the browser back to."""
        asked = _flat(urlsplit(address).query)
        assert asked["response_type"] == "code" and asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"].split()
        code = secrets.token_urlsafe(12)
        self.given[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def _answer(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> None:
        path = urlsplit(handler.path).path
        self.asked.append(path)
        code, body = 200, {}
        if path == "/.well-known/openid-configuration":
            body = {
                "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo", **self.document_lies,
            }  # fmt: skip
        elif path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            body = {"keys": [{**public, "kid": "one", "use": "sig", "alg": "RS256"}]}
        elif path == "/token":
            code, body = self._tokens(handler.headers.get("Authorization", ""), form)
        elif path == "/userinfo":
            body = dict(self.person)
        else:
            code = 404
        content = json.dumps(body).encode()
        handler.send_response(code)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def _tokens(self, authorization: str, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """As RFC 6749 and 7636 want it: the client proves itself, the code is good once, and the verifier fits."""
        expected = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.given.pop(form.get("code", ""), None)
        if authorization != f"Basic {expected}" or asked is None:
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        told = self.person if self.tells_in_token else {"sub": self.person["sub"]}
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **told}
        claims = {name: value for name, value in {**claims, **self.lies}.items() if value is not None}
        key: Any = {"RS256": self.signs_with, "none": None}.get(self.algorithm, SECRET * 2)
        token = jwt.encode(claims, key, algorithm=self.algorithm, headers={"kid": "one"})
        return 200, {"access_token": "t", "token_type": "Bearer", "id_token": token}


def _flat(query: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query).items()}
