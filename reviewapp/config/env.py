"""Typed readers of the environment: a bad value stops the start with a sentence that names it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = frozenset({"1", "true", "yes", "on"})
MIN_KEY = 32
FALSE = frozenset({"0", "false", "no", "off", ""})


def read_str(name: str, default: str = "") -> str:
    """Return the variable, stripped, or `default` when it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def read_private(name: str) -> str:
    """Return a secret from NAME, or from the file that NAME_FILE names (as Docker and systemd keep them); "" for none.

    Raises ImproperlyConfigured when both are set, or the file can't be read. No message holds the secret itself.
    """
    given, place = read_str(name), read_str(f"{name}_FILE")
    if given and place:
        raise ImproperlyConfigured(f"{name} and {name}_FILE are both set: unset one of them.")
    if not place:
        return given
    try:
        return Path(place).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ImproperlyConfigured(f"{name}_FILE={place} can't be read: {why}.") from None


def read_keys(name: str) -> list[bytes]:
    """Return keys, one a line or separated by commas, the first of them the one in use. Raises ImproperlyConfigured."""
    keys = [part.strip() for part in read_private(name).replace("\n", ",").split(",") if part.strip()]
    if any(len(key) < MIN_KEY for key in keys):
        raise ImproperlyConfigured(f"{name} holds a key shorter than {MIN_KEY} characters.")
    return [key.encode() for key in keys]


def read_bool(name: str, default: bool) -> bool:
    """Return 1/true/yes/on or 0/false/no/off as a bool. Raises ImproperlyConfigured for anything else."""
    raw = os.environ.get(name)
    if raw is None:
        return default
    value = raw.strip().lower()
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise ImproperlyConfigured(f"{name}={raw!r} is not a yes or no: use 1 or 0.")


def read_int(name: str, default: int, *, low: int, high: int) -> int:
    """Return a whole number within low..high. Raises ImproperlyConfigured otherwise."""
    raw = read_str(name)
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={raw!r} is not a whole number: use {low} to {high}.") from None
    if not low <= value <= high:
        raise ImproperlyConfigured(f"{name}={value} is outside what is accepted: {low} to {high}.")
    return value


def read_path(name: str, default: Path | None = None) -> Path | None:
    """Return the variable as an absolute path, or `default`."""
    raw = read_str(name)
    return Path(raw).expanduser().resolve() if raw else default


def read_choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """Return one of `choices`, whatever its case, or `default`. Raises ImproperlyConfigured otherwise."""
    value = read_str(name, default).upper()
    if value not in choices:
        raise ImproperlyConfigured(f"{name}={value!r} is unknown: use {', '.join(choices)}.")
    return value


def read_list(name: str, default: list[str]) -> list[str]:
    """Return a comma-separated list without blanks, or `default`."""
    raw = read_str(name)
    return [part.strip() for part in raw.split(",") if part.strip()] if raw else default


def _split(name: str, raw: str, schemes: tuple[str, ...]) -> Any:
    parts = urlsplit(raw)
    if parts.scheme not in schemes:
        wanted = " or ".join(f"{scheme}://…" for scheme in schemes)
        raise ImproperlyConfigured(f"{name} starts with {parts.scheme or 'no scheme'!r}: it must be {wanted}.")
    try:
        _ = parts.port
    except ValueError:
        raise ImproperlyConfigured(f"{name} has a port that is not a number.") from None
    return parts


SQLITE_OPTIONS: Mapping[str, Any] = {
    # IMMEDIATE takes the write lock at BEGIN, where `timeout` is honoured; DEFERRED fails at once with "locked".
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-16000;"
    ),
}


def read_database(data: Path) -> dict[str, Any]:
    """Return Django's settings for DATABASE_URL: postgresql://… or sqlite:////absolute/path. Unset: SQLite."""
    raw = read_private("DATABASE_URL")
    if not raw:
        raw = f"sqlite:///{data / 'softproof.sqlite3'}"
    parts = _split("DATABASE_URL", raw, ("postgresql", "postgres", "sqlite"))
    if parts.scheme == "sqlite":
        path = unquote(parts.path)
        if not path.strip("/"):
            raise ImproperlyConfigured("DATABASE_URL=sqlite:// needs a path: sqlite:////var/lib/softproof/db.sqlite3")
        # Three slashes and a name are relative to here, four are absolute, as everywhere else such URLs are read.
        name = str(Path(path.removeprefix("/")).absolute())
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": dict(SQLITE_OPTIONS)}
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise ImproperlyConfigured("DATABASE_URL names no database: postgresql://user:password@host:5432/NAME")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": query,
    }


NO_REDIS = "none"


def read_redis() -> str:
    """Return REDIS_URL (redis://, rediss:// or unix://), or "" for none: workers then poll the database."""
    raw = read_private("REDIS_URL")
    if raw.lower() in ("", NO_REDIS):
        return ""
    _split("REDIS_URL", raw, ("redis", "rediss", "unix"))
    return raw


@dataclass(frozen=True, slots=True)
class S3Location:
    """Where STORAGE_URL=s3://bucket/prefix?endpoint=…&region=… points.

    Credentials are those of AWS_*_FILE; empty: wherever boto3 finds them (AWS_* variables, an instance's role).
    """

    bucket: str
    prefix: str
    endpoint: str
    region: str
    sse: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)


def read_storage() -> S3Location | None:
    """Return the S3 location, or None for files under SOFTPROOF_DATA."""
    raw = read_str("STORAGE_URL")
    if not raw:
        return None
    parts = _split("STORAGE_URL", raw, ("s3",))
    if not parts.netloc:
        raise ImproperlyConfigured("STORAGE_URL names no bucket: s3://BUCKET/prefix?region=eu-central-1")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    unknown = sorted(set(query) - {"endpoint", "region", "sse"})
    if unknown:
        raise ImproperlyConfigured(
            f"STORAGE_URL has an unknown option {unknown[0]!r}: endpoint, region and sse are known."
        )
    if query.get("sse", "") not in ("", "AES256", "aws:kms"):
        raise ImproperlyConfigured("STORAGE_URL: sse is AES256 or aws:kms.")
    # Those in variables boto3 finds by itself, with the session token that may belong to them.
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    access, secret = (read_private(name) if read_str(f"{name}_FILE") else "" for name in names)
    return S3Location(
        parts.netloc,
        parts.path.strip("/"),
        query.get("endpoint", ""),
        query.get("region", ""),
        query.get("sse", ""),
        access,
        secret,
    )


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where EMAIL_URL=smtp://user:password@host:587?from=proof@example.com points."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    is_ssl: bool
    is_starttls: bool
    sender: str


def read_mail() -> MailServer | None:
    """Return the mail server of EMAIL_URL or its file, None when it is unset: no e-mail is then sent.

    smtp:// asks for STARTTLS unless the address says ?tls=0; smtps:// speaks TLS from the first byte.
    """
    raw = read_private("EMAIL_URL")
    if not raw:
        return None
    parts = _split("EMAIL_URL", raw, ("smtp", "smtps"))
    if not parts.hostname:
        raise ImproperlyConfigured("EMAIL_URL names no host: smtp://user:password@HOST:587?from=proof@example.com")
    query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    if unknown := sorted(set(query) - {"from", "tls"}):
        raise ImproperlyConfigured(f"EMAIL_URL has an unknown option {unknown[0]!r}: from and tls are known.")
    if not query.get("from"):
        raise ImproperlyConfigured("EMAIL_URL doesn't say who writes: add ?from=proof@example.com")
    is_ssl = parts.scheme == "smtps"
    return MailServer(
        host=parts.hostname,
        port=parts.port or (465 if is_ssl else 587),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        is_ssl=is_ssl,
        is_starttls=not is_ssl and query.get("tls", "1") != "0",
        sender=query["from"],
    )


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """Where people of the house sign in: OIDC_*."""

    issuer: str
    client_id: str
    secret: str = field(repr=False)
    name: str
    may_create: bool


def read_oidc() -> OidcProvider | None:
    """Return the provider of OIDC_ISSUER, None when it is unset. Its name stands on the button."""
    issuer = read_str("OIDC_ISSUER")
    if not issuer:
        return None
    parts = _split("OIDC_ISSUER", issuer, ("https", "http"))
    if not parts.hostname or (parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1")):
        raise ImproperlyConfigured("OIDC_ISSUER must be an https:// address, or anybody on the way signs in.")
    client, secret = read_str("OIDC_CLIENT_ID"), read_private("OIDC_CLIENT_SECRET")
    if not client or not secret:
        raise ImproperlyConfigured("OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET (or its _FILE).")
    return OidcProvider(issuer, client, secret, read_str("OIDC_NAME", parts.hostname), read_bool("OIDC_CREATE", False))


def read_secret(data: Path) -> str:
    """Return SECRET_KEY, or one made on first start and kept in `data` with mode 0600."""
    given = read_private("SECRET_KEY")
    if given:
        if len(given) < MIN_KEY:
            raise ImproperlyConfigured(
                "SECRET_KEY is shorter than 32 characters: python -c 'import secrets; print(secrets.token_urlsafe(50))'"
            )
        return given
    from django.utils.crypto import get_random_string  # needs no settings, and only the first start needs it

    path = data / "secret_key"
    try:
        return path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        pass
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:  # another process of the same first start was faster
        return path.read_text(encoding="ascii").strip()
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(get_random_string(64))
    return path.read_text(encoding="ascii").strip()


def read_anchor(data: Path) -> Path | None:
    """Return where heads of the audit chain are kept: `audit.anchor` in `data`, elsewhere, or nowhere (none)."""
    if read_str("SOFTPROOF_AUDIT_ANCHOR").lower() == "none":
        return None
    return read_path("SOFTPROOF_AUDIT_ANCHOR", data / "audit.anchor")
