"""SEC-10: headers that every answer has, and a door for reports that fills no log."""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError, connection
from django.test import Client as Browser

from reviewapp.enums import Role
from reviewapp.web.headers import ALWAYS
from reviewapp.web.views import csp
from tests import factories

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


def check(answer: Any) -> None:
    """Everything is there; the policy lets nothing inline run."""
    for name in ALWAYS:
        assert answer.headers.get(name), name
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy


@pytest.mark.parametrize("path", ["/", "/login/", "/nowhere/", "/healthz", "/media/run/1/after/", "/link/x/", "/ops/"])
def test_sec10_every_answer_has_them_signed_out(client: Browser, path: str) -> None:
    check(client.get(path))


@pytest.mark.parametrize("path", ["/", "/people/", "/nowhere/", "/media/run/1/after/", "/batches/1/", "/jsi18n/"])
def test_sec10_every_answer_has_them_refusals_and_missing_pages_too(client: Browser, path: str) -> None:
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    check(client.get(path))
    check(client.post(path))


def test_sec10_a_failure_has_them(client: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    client.raise_request_exception = False
    client.force_login(factories.make_user("ada", Role.ADMIN))
    monkeypatch.setattr("reviewapp.selectors.audit.verbs", lambda: 1 / 0)
    answer = client.get("/audit/")
    assert answer.status_code == 500
    check(answer)


def test_sec10_a_refused_host_has_them(client: Browser) -> None:
    answer = client.get("/", HTTP_HOST="evil.example.com")
    assert answer.status_code == 400
    check(answer)


def test_sec10_static_files_have_them(tmp_path: Path) -> None:
    """As in production: collected, hashed, served by WhiteNoise. In a process of its own, whose settings these are."""
    code = """
import django; django.setup()
from django.core.management import call_command
call_command("collectstatic", verbosity=0, interactive=False)
from django.test import Client
from django.templatetags.static import static
answer = Client().get(static("css/base.css"))
assert answer.status_code == 200
print("\\n".join(f"{k}: {v}" for k, v in answer.headers.items()))
"""
    env = {**os.environ, "SOFTPROOF_DATA": str(tmp_path), "DJANGO_SETTINGS_MODULE": "reviewapp.config.settings"}
    env.pop("DATABASE_URL", None)
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    for name in (*ALWAYS, "Content-Security-Policy"):
        assert f"{name}: " in done.stdout, name


def test_sec10_cookies_are_bound_to_their_host_over_https(tmp_path: Path) -> None:
    code = """
from django.conf import settings as s
print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_PATH,
      s.SESSION_COOKIE_DOMAIN, s.SESSION_COOKIE_HTTPONLY)
"""
    env = {**os.environ, "SOFTPROOF_DATA": str(tmp_path), "HTTPS": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == ["__Host-sessionid", "__Host-csrftoken", "True", "True", "/", "None", "True"]


@pytest.fixture
def fresh_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csp, "_minute", {"started": 0.0, "said": 0, "dropped": 0})


OLD = {"csp-report": {"document-uri": "https://proof.example.com/batches/?q=secret", "blocked-uri": "inline",
                      "effective-directive": "script-src-elem", "script-sample": "alert(1)", "x": ["y"]}}  # fmt: skip
NEW = [{"type": "csp-violation", "body": {"documentURL": "https://proof.example.com/", "effectiveDirective": "img-src",
                                          "blockedURL": "https://evil.example.com/a?b=c"}}]  # fmt: skip


def post(browser: Browser, body: str, kind: str = "application/csp-report") -> int:
    return browser.post("/csp-report/", body, content_type=kind).status_code


def test_sec10_reports_of_both_kinds_are_logged_without_queries(
    client: Browser, caplog: pytest.LogCaptureFixture, fresh_minute: None
) -> None:
    with caplog.at_level(logging.WARNING):
        assert post(client, json.dumps(OLD)) == post(client, json.dumps(NEW), "application/reports+json") == 204
    found = [record for record in caplog.records if record.message == "csp_report"]
    assert [(r.directive, r.blocked, r.page) for r in found] == [  # type: ignore[attr-defined]
        ("script-src-elem", "inline", "proof.example.com/batches/"),
        ("img-src", "evil.example.com/a", "proof.example.com/"),
    ]
    assert "secret" not in str([vars(r) for r in found]) and "alert" not in str([vars(r) for r in found])


@pytest.mark.parametrize(
    "body", ["", "x", "[" * 5000, "[]", "{}", "null", "3", '{"csp-report": 3}', "[1,2]", json.dumps({"a": "b" * 9000})]
)
def test_sec10_anything_else_is_taken_and_thrown_away(
    client: Browser, caplog: pytest.LogCaptureFixture, fresh_minute: None, body: str
) -> None:
    with caplog.at_level(logging.WARNING):
        assert post(client, body) == 204
        assert post(client, json.dumps(OLD), "text/plain") == 204
    assert not [record for record in caplog.records if record.message == "csp_report"]


def test_sec10_reports_fill_no_log(client: Browser, caplog: pytest.LogCaptureFixture, fresh_minute: None) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(50):
            post(client, json.dumps(OLD))
        assert len([r for r in caplog.records if r.message == "csp_report"]) == csp.PER_MINUTE
        csp._minute["started"] -= 61
        post(client, json.dumps(OLD))
    (dropped,) = [r for r in caplog.records if r.message == "csp_reports_dropped"]
    assert dropped.reports == 50 - csp.PER_MINUTE  # type: ignore[attr-defined]
    assert client.get("/csp-report/").status_code == 405


BROKEN = psycopg2.DatabaseError("server closed the connection unexpectedly")


@pytest.mark.parametrize(
    ("error", "cause"), [(OperationalError, None), (InterfaceError, None), (DatabaseError, BROKEN)]
)
def test_a_database_that_is_away_is_503_and_says_when_to_ask_again(
    client: Browser, error: type[Exception], cause: Exception | None
) -> None:
    def away(*_statement: Any) -> Any:
        raise error("server closed the connection unexpectedly") from cause

    client.force_login(factories.make_user("rita", Role.REVIEWER))
    client.raise_request_exception = False
    with connection.execute_wrapper(away):
        page = client.get("/review/mixed/")
        told = client.post("/review/mixed/claim/", "{}", "application/json", headers={"Accept": "application/json"})
    assert page.status_code == told.status_code == 503 and page["Retry-After"] == told["Retry-After"] == "5"
    assert "doesn&#x27;t answer just now" in page.content.decode() and "server closed" not in page.content.decode()
    assert "Nothing you saved is lost." in told.json()["message"]
    assert client.get("/review/mixed/").status_code == 200


@pytest.mark.parametrize("error", [IntegrityError, DataError, DatabaseError])
def test_what_the_database_refused_is_a_fault_of_the_program(client: Browser, error: type[Exception]) -> None:
    def refused(*_statement: Any) -> Any:
        raise error("no") from sqlite3.DatabaseError("no")

    client.force_login(factories.make_user("rita", Role.REVIEWER))
    client.raise_request_exception = False
    with connection.execute_wrapper(refused):
        assert client.get("/review/mixed/").status_code == 500
