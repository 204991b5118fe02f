"""System checks: settings that are valid one by one and unsafe or useless together. `manage.py check` prints them."""

from __future__ import annotations

import pkgutil
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@register()
def check_exposure(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """DEBUG shows settings and source in error pages: refuse it where others can reach the site."""
    if settings.DEBUG and settings.HOST not in LOOPBACK:
        return [
            Error(
                f"DEBUG=1 while listening on HOST={settings.HOST}: error pages would show settings to everyone.",
                hint="Unset DEBUG, or set HOST=127.0.0.1.",
                id="softproof.E001",
            )
        ]
    return []


@register()
def check_model_folder(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A MODEL_DIR that isn't there would quietly give the studio remover instead of the model."""
    folder = settings.MODEL_DIR
    if folder is not None and not folder.is_dir():
        return [
            Warning(
                f"MODEL_DIR={folder} is not a folder: photos are cut out by the built-in studio remover.",
                hint="Correct the path, or unset it.",
                id="softproof.W001",
            )
        ]
    return []


@register()
def check_category_model(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A CATEGORY_MODEL that can't be imported would stop the classification of every photo without a category."""
    name = settings.CATEGORY_MODEL
    if not name:
        return []
    try:
        found = pkgutil.resolve_name(name)
    except (ValueError, ImportError, AttributeError) as exc:
        found, why = None, str(exc)
    else:
        why = "it can't be called"
    if callable(found):
        return []
    hint = "Name it as package.module:callable, or unset it."
    return [Error(f"CATEGORY_MODEL={name} can't be used: {why}.", hint=hint, id="softproof.E002")]


@register(deploy=True)
def check_transport(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Host names beyond loopback without HTTPS send passwords in the clear."""
    public = [host for host in settings.ALLOWED_HOSTS if host not in LOOPBACK | {"[::1]", "testserver"}]
    if public and not settings.HTTPS:
        return [
            Warning(
                f"ALLOWED_HOSTS has {public[0]} while HTTPS=0: session cookies travel unencrypted.",
                hint="Put a TLS proxy in front and set HTTPS=1.",
                id="softproof.W002",
            )
        ]
    return []


def _is_far(host: str) -> bool:
    """Whether packets to `host` leave this machine: no name, a path (a socket) and loopback don't."""
    return bool(host) and not host.startswith("/") and host not in LOOPBACK


def _hint(text: str, hint: str, number: int) -> list[CheckMessage]:
    return [Warning(text, hint=hint, id=f"softproof.W{number:03d}")]


@register(deploy=True)
def check_database_transport(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Photos' names and people's decisions cross the network to a database elsewhere (SEC-02)."""
    database = settings.DATABASES["default"]
    host, mode = str(database.get("HOST", "")), database.get("OPTIONS", {}).get("sslmode", "")
    if "postgresql" not in database["ENGINE"] or not _is_far(host) or mode in ("require", "verify-ca", "verify-full"):
        return []
    text = f"DATABASE_URL: the database on {host} may be reached without TLS (sslmode={mode or 'unset'})."
    return _hint(text, "Add ?sslmode=verify-full, or at least require.", 3)


@register(deploy=True)
def check_queue_transport(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Only numbers of tasks travel there, and its password."""
    url = urlsplit(settings.RQ_QUEUES["default"]["URL"])
    if url.scheme != "redis" or not _is_far(url.hostname or ""):
        return []
    return _hint(f"REDIS_URL: {url.hostname} is reached without TLS.", "Use rediss://.", 4)


@register(deploy=True)
def check_storage(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Photos: on the way to the bucket, and where they lie (SEC-02)."""
    found: list[CheckMessage] = []
    s3 = settings.S3
    if s3 is not None and s3.endpoint.startswith("http://") and _is_far(urlsplit(s3.endpoint).hostname or ""):
        found += _hint("STORAGE_URL: photos travel to the bucket unencrypted.", "Use an https:// endpoint.", 5)
    public = [host for host in settings.ALLOWED_HOSTS if host not in LOOPBACK | {"[::1]", "testserver"}]
    if public and not settings.STORAGE_ENCRYPTED and (s3 is None or not s3.sse):
        text = "Nothing says that photos and database lie on encrypted storage."
        hint = "Encrypt the volume or the bucket (docs/security.md) and set STORAGE_ENCRYPTED=1, or ?sse=AES256 for S3."
        found += _hint(text, hint, 6)
    return found
