"""Settings, one file. Everything that differs between machines comes from the environment (README, .env.example)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from reviewapp.config import env

django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATA_DIR = env.read_path("SOFTPROOF_DATA") or BASE_DIR / "var"
MODEL_DIR = env.read_path("MODEL_DIR")
CATEGORY_MODEL = env.read_str("CATEGORY_MODEL")
SCANNER = env.read_str("SCANNER")
HOST = env.read_str("HOST", "127.0.0.1")
PORT = env.read_int("PORT", 8000, low=1, high=65535)
WORKERS = env.read_int("WORKERS", 2, low=1, high=64)
# What the kernel lets a worker reserve; above the photos it is meant for, and a bomb fails in one process (VAL-20).
WORKER_MAX_MEMORY_MB = env.read_int("WORKER_MAX_MEMORY_MB", 12_000, low=0, high=1_000_000)
WORKER_MAX_RSS_MB = env.read_int("WORKER_MAX_RSS_MB", 2500, low=500, high=1_000_000)
DEMO = env.read_bool("DEMO", False)
# More tasks than this waiting is a backlog: it is said on the home page, in `status` and in the sweeper's log.
QUEUE_LIMIT = env.read_int("QUEUE_LIMIT", 20_000, low=10, high=100_000_000)
# A worker that was not heard of for this long has lost its task to another; its pulse beats every 5 s.
TASK_LEASE_S = env.read_int("TASK_LEASE_S", 60, low=10, high=3600)

# How long a delivery waits before it is handed over, where its client has no time of its own. 0: not at all.
DELIVERY_GRACE_MIN = env.read_int("DELIVERY_GRACE_MIN", 10, low=0, high=10_080)
# A photo an editor took and did not touch for this long is free again.
EDIT_LEASE_H = env.read_int("EDIT_LEASE_H", 24, low=1, high=720)
# Only for receivers in one's own network, and tests: http and private addresses are otherwise refused.
WEBHOOKS_TO_PRIVATE = env.read_bool("WEBHOOKS_TO_PRIVATE", False)
MAIL = env.read_mail()
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL else 'dummy'}.EmailBackend"
if MAIL is not None:
    EMAIL_HOST, EMAIL_PORT = MAIL.host, MAIL.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = MAIL.user, MAIL.password
    EMAIL_USE_SSL, EMAIL_USE_TLS = MAIL.is_ssl, MAIL.is_starttls
    DEFAULT_FROM_EMAIL = MAIL.sender
EMAIL_TIMEOUT = 20

DEBUG = env.read_bool("DEBUG", False)
LOG_LEVEL = env.read_choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
SECRET_KEY = env.read_secret(DATA_DIR)
DEFAULT_EXCEPTION_REPORTER_FILTER = "reviewapp.config.reports.DiscreetFilter"
ALLOWED_HOSTS = env.read_list("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.read_list("CSRF_TRUSTED_ORIGINS", [])

# The chain over the audit log (docs/security.md): keys that close its seals, a file outside the database for its heads.
AUDIT_KEYS = env.read_keys("SOFTPROOF_AUDIT_KEYS")
AUDIT_ANCHOR = env.read_anchor(DATA_DIR)
# Who has to have a second factor, and keys that secrets of authenticator apps lie encrypted under; none: SECRET_KEY.
SECOND_FACTOR = env.read_choice("SECOND_FACTOR", "NOBODY", ("NOBODY", "ADMINS", "MANAGERS", "EVERYBODY"))
FACTOR_KEYS = env.read_keys("SOFTPROOF_FACTOR_KEYS")

# A provider of the house by which people may sign in too.
OIDC = env.read_oidc()

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "reviewapp.operations.OperationsConfig",
    "django.contrib.humanize",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "django_rq",
    "reviewapp",
]
MIDDLEWARE = [
    "reviewapp.web.headers.HeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "reviewapp.web.unreadable.UnreadableMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "reviewapp.web.second_factor.SecondFactorMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "reviewapp.web.zone.ZoneMiddleware",
    "reviewapp.web.storage_away.StorageAwayMiddleware",
]
ROOT_URLCONF = "reviewapp.config.urls"
WSGI_APPLICATION = "reviewapp.config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "reviewapp.web.context.shell",
            ]
        },
    }
]

DATABASES: dict[str, dict[str, Any]] = {"default": env.read_database(DATA_DIR)}
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    # A file, because threads and the browser tests' server need more than one connection.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# JSON on both sides: a pickle in Redis is code for whoever can write there.
RQ_QUEUES = {"default": {"URL": env.read_redis(), "SERIALIZER": "json"}}
RQ_SHOW_ADMIN_LINK = False

S3 = env.read_storage()
# The operator's word that disks and buckets are encrypted; `check --deploy` asks for it (SEC-02).
STORAGE_ENCRYPTED = env.read_bool("STORAGE_ENCRYPTED", False)
_FILES: dict[str, Any] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": str(DATA_DIR / "files"),
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    },
}
if S3 is not None:
    from botocore.config import Config

    _FILES = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": S3.bucket,
            "location": S3.prefix,
            "endpoint_url": S3.endpoint or None,
            "region_name": S3.region or None,
            "access_key": S3.access_key or None,
            "secret_key": S3.secret_key or None,
            "default_acl": None,
            "file_overwrite": True,
            "querystring_auth": True,
            "querystring_expire": 300,
            # A page must not wait five minutes for a bucket that isn't there: botocore's own limits add up to that.
            "client_config": Config(
                connect_timeout=5, read_timeout=60, retries={"mode": "standard", "total_max_attempts": 3}
            ),
            "object_parameters": {"ServerSideEncryption": S3.sse} if S3.sse else {},
        },
    }
STORAGES = {
    "default": _FILES,
    "staticfiles": {"BACKEND": "reviewapp.web.staticfiles.HashedStaticFilesStorage"},
}
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Files stream to a temporary file; the size of one photo is capped where it is read (services/ingest.py).
FILE_UPLOAD_HANDLERS = ["reviewapp.web.upload_handlers.CappedUploadHandler"]
FILE_UPLOAD_TEMP_DIR = None
DATA_UPLOAD_MAX_NUMBER_FILES = 2000
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

AUTHENTICATION_BACKENDS = ["reviewapp.web.backends.ThrottledBackend"]
# Of allauth the steps of signing in, its tables and its codes; none of its addresses, forms or e-mails.
ACCOUNT_ADAPTER = "reviewapp.web.second_factor.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*"]
MFA_ADAPTER = "reviewapp.services.factor_secrets.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_TOTP_TOLERANCE = 1
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]

# Off for the loopback demo, on behind a proxy with a certificate: HTTPS=1.
HTTPS = env.read_bool("HTTPS", False)
# Proxies between the browser and us, each of which appends to X-Forwarded-For.
PROXIES = env.read_int("PROXIES", 1 if HTTPS else 0, low=0, high=5)
SESSION_ENGINE = "reviewapp.web.sessions"
# __Host-: the browser takes such a cookie only from this very host, over https, for the whole site.
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_FAILURE_VIEW = "reviewapp.web.views.errors.csrf_failure"
SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
# Being preloaded can't be taken back for months: whoever owns the domain decides (security.W021).
SECURE_HSTS_PRELOAD = env.read_bool("HSTS_PRELOAD", False)
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
# A session ends after so long without use, and at the latest so long after signing in.
SESSION_IDLE_S = 60 * env.read_int("SESSION_IDLE_MINUTES", 12 * 60, low=5, high=60 * 24 * 90)
SESSION_COOKIE_AGE = 3600 * env.read_int("SESSION_HOURS", 24 * 14, low=1, high=24 * 90)
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "EXCLUDE_URL_PREFIXES": ["/media/"],  # media answers carry a stricter policy of their own
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
        "frame-ancestors": [NONE],
        "report-uri": ["/csp-report/"],
        "report-to": ["csp"],
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "reviewapp.config.logs.JsonFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["console"], "level": LOG_LEVEL},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "softproof.audit": {"level": "INFO"},  # heads of the chain, whatever LOG_LEVEL says
        "PIL": {"level": "WARNING"},
        "pyvips": {"level": "WARNING"},
        "rq": {"level": "WARNING"},
        "botocore": {"level": "WARNING"},
    },
}
