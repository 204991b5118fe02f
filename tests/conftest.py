"""Fixtures all tests share. What is missing on this machine is skipped and said; with REQUIRE_ALL=1 it is a failure."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings

from tests import demo, emptying, schema, servers
from tests.stack import Stack

hypothesis_settings.register_profile("softproof", deadline=None)  # a busy machine is no failure
hypothesis_settings.load_profile("softproof")
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


def pytest_configure() -> None:
    """Tests that commit end with tests/emptying.py. Pages are tested without collectstatic (the stack tests use the
    real manifest); from the start, because what a closed page still asks for between two tests would keep the manifest.
    """
    from django.conf import settings

    emptying.instead_of_flush()
    schema.instead_of_migrations()
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the collector of garbage needn't look through it every second, nor as often."""
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def missing(what: str) -> None:
    """Skip, or fail when everything is required."""
    if servers.REQUIRE_ALL:
        pytest.fail(f"REQUIRE_ALL=1, but there is {what}")
    pytest.skip(what)


def _serve(server: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    with ExitStack() as stack:
        try:
            address = stack.enter_context(server())
        except servers.Missing as reason:
            missing(str(reason))
        yield address


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A real Valkey for the whole session."""
    yield from _serve(servers.running_valkey)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL in a temporary cluster."""
    yield from _serve(servers.running_postgres)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """A real S3 server on loopback."""
    yield from _serve(servers.running_s3)


@pytest.fixture
def valkey(valkey_url: str, settings: Any) -> Iterator[str]:
    """Settings that ring real bells; the queue is empty at the start."""
    from reviewapp import queues

    settings.RQ_QUEUES = {"default": {"URL": valkey_url, "SERIALIZER": "json"}}
    queues.connection().flushall()
    yield valkey_url


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    """The product's way to keep a password takes half a second on purpose; the stack tests sign in by it."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _policy_in_force(request: pytest.FixtureRequest) -> None:
    """Every database has a policy: the migrations' own, or a new one after a test that emptied all tables."""
    marker = request.node.get_closest_marker("django_db")
    if marker is not None:
        request.getfixturevalue("transactional_db" if marker.kwargs.get("transaction") else "db")
        from tests import factories

        factories.policy()


@pytest.fixture(autouse=True)
def _own_files(settings: Any, tmp_path: Path) -> None:
    """Stored files of each test lie in its own folder."""
    settings.DATA_DIR = tmp_path
    settings.AUDIT_ANCHOR = tmp_path / "audit.anchor"
    files = dict(settings.STORAGES["default"])
    if "location" in files.get("OPTIONS", {}) and "s3" not in files["BACKEND"]:
        files["OPTIONS"] = {**files["OPTIONS"], "location": str(tmp_path / "files")}
    settings.STORAGES = {**settings.STORAGES, "default": files}


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """A browser, or a skip that says so."""
    path = servers.chromium()
    if path is None:
        missing("no Chromium on PATH (set CHROMIUM to one)")
    return str(path)


@pytest.fixture(scope="session")
def browser(chromium_path: str) -> Iterator[Any]:
    """One Chromium for the session."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM_ARGS)
        yield launched
        launched.close()


class Watched:
    """What a page complained about: console errors, uncaught exceptions, policy violations."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def watch(self, page: Any) -> None:
        """Listen to one page."""
        page.on("pageerror", lambda error: self.problems.append(f"uncaught: {error}"))
        page.on(
            "console",
            lambda message: (
                self.problems.append(f"console: {message.text} ({message.location['url']})")
                if message.type == "error"
                else None
            ),
        )


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    """A fresh profile at 1440 x 900."""
    opened = browser.new_context(viewport={"width": 1440, "height": 900})
    opened.set_default_timeout(15_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: Any) -> Iterator[Any]:
    """A page whose complaints fail the test, unless the test clears `page.watched.problems`."""
    opened = context.new_page()
    opened.watched = Watched()
    opened.watched.watch(opened)
    yield opened
    assert not opened.watched.problems, opened.watched.problems


@pytest.fixture(scope="module")
def live_app(tmp_path_factory: pytest.TempPathFactory, chromium_path: str) -> Iterator[Stack]:
    """The real stack with the demo batch, fully processed by itself, for one module of browser tests."""
    here = tmp_path_factory.getbasetemp()
    shared = here.parent if "PYTEST_XDIST_WORKER" in os.environ else here
    with demo.running(shared, tmp_path_factory.mktemp("app")) as stack:
        yield stack


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With REQUIRE_ALL=1 nothing may be skipped, whoever skipped it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if servers.REQUIRE_ALL and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
