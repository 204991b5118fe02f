"""SEC-01, REV-19: every address of the site, for every role. A view that is not in the table fails the test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from reviewapp.enums import Role
from reviewapp.web.permissions import (
    ADMINS,
    EDITORS,
    EVERYBODY,
    LEADS,
    MANAGERS,
    REVIEWERS,
    SENIORS,
    role_words,
    user_has_role,
)
from tests import factories

pytestmark = pytest.mark.django_db

OPEN_TO_ALL = {"login", "logout", "healthz", "readyz", "jsi18n", "links:show", "links:fetch", "csp_report"}
"""Addresses that answer without a session; links carry their own proof (test_links.py)."""
ANYBODY = {
    "home",
    "account",
    "password",
    "end_sessions",
    "media:run",
    "media:original",
    "media:rendition",
    "media:view",
    "media:reference",
    "viewer:channel",
    "viewer:siblings",
}
"""Any signed-in role; media and viewer decide per picture (test_media.py, test_viewer_views.py)."""
TABLE: dict[str, tuple[Role, ...]] = {
    "review": REVIEWERS,
    "editing": EDITORS,
    "editing:sign_off": SENIORS,
    "editing:send_back": SENIORS,
    "editing:give_up": SENIORS,
    "batches": MANAGERS,
    "uploads": MANAGERS,
    "tus": MANAGERS,
    "images": MANAGERS,
    "deliveries": MANAGERS,
    "quality": MANAGERS,
    "quality:publish": ADMINS,
    "quality:reviewers": LEADS,
    "quality:close_alarm": LEADS,
    "quality:category": ADMINS,
    "quality:draft": ADMINS,
    "presets": MANAGERS,
    "presets:import": ADMINS,
    "presets:current": ADMINS,
    "presets:new": ADMINS,
    "presets:try": ADMINS,
    "presets:back": ADMINS,
    "presets:lock": ADMINS,
    "proposals": MANAGERS,
    "proposals:accept": ADMINS,
    "proposals:decline": ADMINS,
    "proposals:test": ADMINS,
    "proposals:try": ADMINS,
    "channels": MANAGERS,
    "channels:new": ADMINS,
    "clients": MANAGERS,
    "people": ADMINS,
    "audit": ADMINS,
}
"""Namespace or full name -> roles that pass; the full name wins."""
SAMPLES = {"int": "1", "str": "a-token-of-no-upload", "slug": "before", "queue": "mixed"}
"""Kind of a path's part -> a value for it."""


def _filled(route: str) -> str:
    return re.sub(r"<(\w+):\w+>", lambda part: SAMPLES[part[1]], route)


def _walk(patterns: list[Any], prefix: str, namespace: str) -> Iterator[tuple[str, str]]:
    for entry in patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = ":".join(filter(None, [namespace, entry.namespace or ""]))
            yield from _walk(entry.url_patterns, route, inner)
        elif isinstance(entry, URLPattern):
            name = f"{namespace}:{entry.name}" if namespace else str(entry.name)
            yield name, f"/{route}"


def addresses() -> list[tuple[str, str]]:
    """(name, path with sample values) of every pattern but Django's own operations admin."""
    found = _walk(get_resolver().url_patterns, "", "")
    return [(name, _filled(path)) for name, path in found if not path.startswith("/ops/")]


def expected(name: str) -> tuple[Role, ...]:
    """The roles that may open it. Raises KeyError for an address nobody decided about."""
    if name in ANYBODY:
        return EVERYBODY
    return TABLE.get(name) or TABLE[name.split(":")[0]]


def test_sec01_every_address_is_in_the_table() -> None:
    assert len(addresses()) > 40
    for name, _path in addresses():
        if name not in OPEN_TO_ALL:
            expected(name)


@pytest.mark.parametrize(("name", "path"), addresses())
def test_sec01_anonymous_is_sent_to_sign_in(client: Client, name: str, path: str) -> None:
    if name in OPEN_TO_ALL:
        return
    for method in (client.get, client.post):
        answer = method(path)
        assert answer.status_code in (302, 403, 405), (name, answer.status_code)
        if answer.status_code == 302:
            assert answer["Location"].startswith("/login/"), name


@pytest.mark.parametrize("role", list(Role))
def test_rev19_each_role_opens_exactly_its_own(client: Client, role: Role) -> None:
    client.raise_request_exception = False
    client.force_login(factories.make_user("somebody", role))
    wrong = []
    for name, path in addresses():
        if name in OPEN_TO_ALL:
            continue
        codes = {client.get(path).status_code, client.post(path).status_code} - {405}
        is_refused = 403 in codes
        if is_refused == (role in expected(name)):
            wrong.append((name, path, codes))
    assert not wrong


def test_rev19_the_refusal_names_the_role_that_can(client: Client) -> None:
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    answer = client.get("/people/")
    assert answer.status_code == 403
    assert "Only admins can open this" in answer.content.decode()


def test_rev19_navigation_lists_only_what_the_role_may_open(client: Client) -> None:
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    page = client.get("/").content.decode()
    assert 'href="/review/"' in page
    for hidden in ("/batches/", "/quality/thresholds/", "/people/", "/audit/", "/editing/", "/ops/"):
        assert f'href="{hidden}"' not in page, hidden


def test_rev19_somebody_without_a_role_gets_a_page_that_says_so(client: Client) -> None:
    client.force_login(factories.make_user("new"))
    page = client.get("/")
    assert page.status_code == 200
    assert "You have no role yet" in page.content.decode()


def test_sec01_json_clients_get_401_and_no_login_page(client: Client) -> None:
    answer = client.post("/review/mixed/claim/", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.json()["status"] == "signed_out"


def test_rev19_superusers_pass_and_inactive_people_do_not() -> None:
    chief = factories.make_user("chief")
    chief.is_superuser = True
    assert user_has_role(chief, Role.SENIOR)
    gone = factories.make_user("gone", Role.ADMIN)
    gone.is_active = False
    assert not user_has_role(gone, Role.ADMIN)
    assert not user_has_role(AnonymousUser())


def test_rev19_role_words_read_as_a_sentence() -> None:
    assert role_words([Role.ADMIN]) == "admins"
    assert role_words([Role.REVIEWER, Role.SENIOR, Role.ADMIN]) == "reviewers, senior editors and admins"


def test_sec10_one_message_for_every_pair_that_fails(client: Client) -> None:
    user = factories.make_user("rita", Role.REVIEWER)
    user.set_password("right-password-1")
    user.save()
    pages = [
        client.post("/login/", {"username": name, "password": "wrong"}).content.decode() for name in ("rita", "nobody")
    ]
    for page in pages:
        assert page.count("Name and password do not match.") == 1
        assert 'aria-invalid="true"' in page
    assert client.post("/login/", {"username": "rita", "password": "right-password-1"}).status_code == 302


def test_sec10_signing_out_needs_a_post_and_gives_leases_back(client: Client) -> None:
    task = factories.make_review()
    rita = factories.make_user("rita", Role.REVIEWER)
    client.force_login(rita)
    client.post("/review/mixed/claim/")
    task.refresh_from_db()
    assert task.lease_owner == rita
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    task.refresh_from_db()
    assert task.lease_owner is None
    assert client.get("/").status_code == 302
