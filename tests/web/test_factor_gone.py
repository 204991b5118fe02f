"""SEC-10: where a second factor is required, one that was taken away no longer opens anything."""

from __future__ import annotations

import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.test import Client as Browser

from reviewapp.enums import Role
from reviewapp.services import second_factors
from tests import factories
from tests.codes import code_of

PASSWORD = "correct horse battery"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands: a code isn't too old because the half minute ended between two lines."""
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)


def with_an_app(*browsers: Browser) -> User:
    """Somebody with an app, signed in with it in each of the browsers."""
    rita = factories.make_user("rita", Role.REVIEWER)
    rita.set_password(PASSWORD)
    rita.save()
    secret = second_factors.new_secret()
    now = time.time()
    second_factors.add_app(rita, secret, code_of(secret, now - 30))
    for number, browser in enumerate(browsers):
        browser.post("/login/", {"username": "rita", "password": PASSWORD})
        assert browser.post("/login/code/", {"code": code_of(secret, now + 30 * number)})["Location"] == "/"
    return rita


def test_sec10_who_took_the_factor_away_before_it_was_required_has_to_set_one_up(
    client: Browser, settings: Any
) -> None:
    settings.SECOND_FACTOR = "ADMINS"
    elsewhere = Browser()
    rita = with_an_app(client, elsewhere)
    assert client.post("/account/second-factor/remove/", follow=True).status_code == 200
    assert not Authenticator.objects.exists()
    assert elsewhere.get("/")["Location"].startswith("/login/"), "other sessions end with the last factor"
    rita.groups.add(Group.objects.get_or_create(name=Role.ADMIN.value)[0])
    for path in ("/", "/people/", "/media/run/1/after/"):
        assert client.get(path)["Location"] == "/account/second-factor/", path
    assert "Your role needs a second factor" in client.get("/account/second-factor/").content.decode()


def test_sec10_taking_one_of_two_away_ends_nothing(client: Browser, settings: Any) -> None:
    settings.SECOND_FACTOR = "EVERYBODY"
    elsewhere = Browser()
    rita = with_an_app(client, elsewhere)
    Authenticator.objects.create(user=rita, type="webauthn", data={"name": "Laptop"})
    client.post("/account/second-factor/remove/")
    assert second_factors.is_on(rita) and second_factors.factors_of(rita).app_since is None
    assert client.get("/").status_code == elsewhere.get("/").status_code == 200
