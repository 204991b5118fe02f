"""Settings that are unsafe or useless together are named by `manage.py check`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import run_checks

from reviewapp.config.env import S3Location

ROOT = Path(__file__).resolve().parents[2]


def ids(**options: Any) -> set[str]:
    return {message.id for message in run_checks(**options) if message.id and message.id.startswith("softproof.")}


def test_nothing_is_said_about_the_defaults() -> None:
    assert ids(include_deployment_checks=True) == set()


def test_debug_beyond_loopback_is_an_error(settings: Any) -> None:
    settings.DEBUG, settings.HOST = True, "0.0.0.0"
    assert ids() == {"softproof.E001"}
    settings.HOST = "127.0.0.1"
    assert ids() == set()


def test_a_missing_model_folder_is_said(settings: Any, tmp_path: Path) -> None:
    settings.MODEL_DIR = tmp_path / "gone"
    assert ids() == {"softproof.W001"}
    settings.MODEL_DIR = tmp_path
    assert ids() == set()


def test_public_names_want_https(settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.HTTPS = ["proof.example.com"], False
    assert ids(include_deployment_checks=True) == {"softproof.W002", "softproof.W006"}
    settings.HTTPS, settings.STORAGE_ENCRYPTED = True, True
    assert ids(include_deployment_checks=True) == set()


def test_sec02_database_queue_and_bucket_elsewhere_want_tls(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # No connection is made: only what the settings say is read.
    database = settings.DATABASES["default"]
    monkeypatch.setitem(database, "ENGINE", "django.db.backends.postgresql")
    hosts = [("db.example.com", "", True), ("db.example.com", "verify-full", False), ("/run/postgresql", "", False),
             ("127.0.0.1", "prefer", False), ("db.example.com", "prefer", True)]  # fmt: skip
    for host, mode, wrong in hosts:
        monkeypatch.setitem(database, "HOST", host)
        monkeypatch.setitem(database, "OPTIONS", {"sslmode": mode} if mode else {})
        assert ("softproof.W003" in ids(include_deployment_checks=True)) is wrong, (host, mode)
    for url, wrong in (("redis://q.example.com/0", True), ("rediss://q.example.com/0", False), ("unix:///x", False)):
        settings.RQ_QUEUES = {"default": {"URL": url}}
        assert ("softproof.W004" in ids(include_deployment_checks=True)) is wrong, url
    for endpoint, wrong in (("http://s3.example.com", True), ("https://s3.example.com", False), ("", False)):
        settings.S3 = S3Location("bucket", "", endpoint, "")
        assert ("softproof.W005" in ids(include_deployment_checks=True)) is wrong, endpoint


PRODUCTION = {
    "ALLOWED_HOSTS": "proof.example.com",
    "CSRF_TRUSTED_ORIGINS": "https://proof.example.com",
    "HTTPS": "1",
    "DATABASE_URL": "postgresql://softproof:hunter2-db@db.example.com/softproof?sslmode=verify-full",
    "REDIS_URL": "rediss://:hunter2-redis@q.example.com/0",
    "STORAGE_URL": "s3://bucket/prefix?sse=AES256",
    "STORAGE_ENCRYPTED": "1",
}


def run_check(tmp_path: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """`manage.py check --deploy` as in production, its secrets in files."""
    for name, value in (("key", "hunter2-key" * 8), ("audit", "hunter2-audit" * 4)):
        (tmp_path / name).write_text(value)
    plain = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SOFTPROOF_", "DJANGO_"))
    }
    secrets = {"SECRET_KEY_FILE": str(tmp_path / "key"), "SOFTPROOF_AUDIT_KEYS_FILE": str(tmp_path / "audit")}
    return subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check", "--deploy", "--fail-level", "WARNING"],
        env={**plain, "SOFTPROOF_DATA": str(tmp_path), **PRODUCTION, **secrets, **more},
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip


def test_sec10_check_deploy_is_clean_with_a_production_environment(tmp_path: Path) -> None:
    done = run_check(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_sec08_a_weak_setting_is_named_without_any_secret(tmp_path: Path) -> None:
    done = run_check(
        tmp_path, HTTPS="0", STORAGE_ENCRYPTED="0", STORAGE_URL="", REDIS_URL="redis://:hunter2@q.example.com/0"
    )
    assert done.returncode == 1
    for wanted in ("softproof.W002", "softproof.W004", "softproof.W006", "security.W012"):
        assert wanted in done.stderr, wanted
    assert "hunter2" not in done.stdout + done.stderr


def test_cls07_a_category_model_that_cant_be_called_is_an_error(settings: Any) -> None:
    settings.CATEGORY_MODEL = "nowhere.at_all:model"
    assert ids() == {"softproof.E002"}
    settings.CATEGORY_MODEL = "processing.limits:MAX_BYTES"
    assert ids() == {"softproof.E002"}
    settings.CATEGORY_MODEL = "tests.unit.test_checks:ids"
    assert ids() == set()


TELL_ALL = """
import django, json; django.setup()
from io import StringIO
from django.core.management import call_command
from django.conf import settings
from django.test import RequestFactory
from django.utils.module_loading import import_string
from django.views.debug import ExceptionReporter
import logging, sys
print(import_string(settings.DEFAULT_EXCEPTION_REPORTER_FILTER)().get_safe_settings())
call_command("migrate", verbosity=0)
call_command("status", "--json")
request = RequestFactory().get("/")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("django.request").exception("failed", extra={"request": request})
    print(ExceptionReporter(request, *sys.exc_info()).get_traceback_html())
"""


def test_sec08_no_secret_is_in_status_logs_error_reports_or_the_debug_page(tmp_path: Path) -> None:
    secrets = {"SECRET_KEY": "hunter2-key" * 8, "SOFTPROOF_AUDIT_KEYS": "hunter2-audit" * 4,
               "REDIS_URL": "rediss://:hunter2-redis@q.example.com/0", "STORAGE_URL": "s3://bucket",
               "AWS_SECRET_ACCESS_KEY_FILE": str(tmp_path / "aws")}  # fmt: skip
    (tmp_path / "aws").write_text("hunter2-aws")
    plain = {
        name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SOFTPROOF_TEST_DATABASE")
    }
    done = subprocess.run(
        [sys.executable, "-c", TELL_ALL], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**plain, "DJANGO_SETTINGS_MODULE": "reviewapp.config.settings", "SOFTPROOF_DATA": str(tmp_path),
             "DEBUG": "1", **secrets},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "queue_depth" in said and "ZeroDivisionError" in said and "AUDIT_KEYS" in said
    assert "hunter2" not in said
