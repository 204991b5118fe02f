"""SEC-10: what a passkey signed opens this address alone, and once; the count of tries is no way round."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser

from reviewapp.enums import Role
from reviewapp.models import AuditEvent, PersonSession, SignInTries
from reviewapp.policies.throttle import ADDRESS
from reviewapp.services import throttle
from tests import factories, signing
from tests.device import Device

HOST, ORIGIN = "testserver", "https://testserver"
ASK, TELL = "/login/passkey/ask/", "/login/passkey/"
ADD = "/account/second-factor/passkey/"
pytestmark = pytest.mark.django_db


def post(browser: Browser, path: str, sent: Any = "{}", **more: Any) -> Any:
    return browser.post(path, sent, content_type="application/json", secure=True, **more)


def failures() -> int:
    return AuditEvent.objects.filter(verb="sign_in.failed").count()


@pytest.fixture
def rita() -> User:
    return factories.make_user("rita", Role.REVIEWER)


@pytest.fixture
def device(rita: User) -> Device:
    """Rita's, added as her browser adds it."""
    found, browser = Device(HOST), Browser()
    signing.enter(browser, rita)
    asked = post(browser, f"{ADD}ask/").json()
    assert post(browser, ADD, {"credential": found.made(asked, ORIGIN)}).json()["next"].endswith("/codes/")
    assert Authenticator.objects.filter(user=rita, type="webauthn").count() == 1
    return found


def test_sec10_a_real_signature_opens_this_address(client: Browser, rita: User, device: Device) -> None:
    sent = {"credential": device.signed(post(client, ASK).json(), ORIGIN), "next": "/account/"}
    assert post(client, TELL, sent).json() == {"next": "/account/"}
    assert client.get("/account/", secure=True).status_code == 200
    assert AuditEvent.objects.filter(verb="sign_in.opened").get().actor == rita


@pytest.mark.parametrize(
    ("origin", "more"),
    [
        ("https://evil.testserver", {}), ("https://testserver:8443", {}), ("http://testserver", {}),
        ("https://example.com", {}), (ORIGIN, {"crossOrigin": True}),
    ],
)  # fmt: skip
def test_sec10_a_real_signature_of_another_origin_opens_nothing(
    client: Browser, device: Device, origin: str, more: dict[str, Any]
) -> None:
    """A subdomain's too, which the library alone would let through."""
    sent = {"credential": device.signed(post(client, ASK).json(), origin, **more)}
    assert post(client, TELL, sent).status_code == 422 and failures() == 1
    assert client.get("/", secure=True).status_code == 302


def test_sec10_what_opened_once_opens_nothing_again(client: Browser, device: Device) -> None:
    sent = {"credential": device.signed(post(client, ASK).json(), ORIGIN)}
    other = Browser()
    post(other, ASK)
    assert post(other, TELL, sent).status_code == 422, "another browser's challenge"
    assert post(client, TELL, sent).status_code == 200
    assert post(client, TELL, sent).status_code == 422, "in the session it opened"
    client.post("/logout/", secure=True)
    assert post(client, TELL, sent).status_code == 422
    post(client, ASK)
    assert post(client, TELL, sent).status_code == 422, "nor for a newer challenge"
    assert client.get("/", secure=True).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_sec10_one_answer_sent_by_four_at_once_opens_once(client: Browser, device: Device) -> None:
    sent = {"credential": device.signed(post(client, ASK).json(), ORIGIN)}
    start, found = threading.Barrier(4), []

    def work() -> None:
        browser = Browser()
        browser.cookies[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value
        start.wait(20)
        found.append(post(browser, TELL, sent).status_code)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found) == [200, 422, 422, 422]
    assert AuditEvent.objects.filter(verb="sign_in.opened").count() == 1


def test_sec10_a_challenge_to_add_proves_nobody(client: Browser, rita: User, device: Device) -> None:
    signing.enter(client, rita)
    to_add = post(client, f"{ADD}ask/").json()
    assert post(client, TELL, {"credential": device.signed(to_add, ORIGIN)}).status_code == 422
    to_prove = post(client, ASK).json()
    to_prove["publicKey"]["user"] = to_add["publicKey"]["user"]
    assert post(client, ADD, {"credential": Device(HOST).made(to_prove, ORIGIN)}).status_code == 422
    assert Authenticator.objects.filter(user=rita, type="webauthn").count() == 1


def test_sec10_junk_without_a_challenge_fills_no_log(client: Browser) -> None:
    before = AuditEvent.objects.count()
    for _ in range(5):
        assert post(client, TELL, {"credential": {"id": "x"}}).status_code == 422
    assert AuditEvent.objects.count() == before and not PersonSession.objects.exists()
    post(client, ASK)
    assert post(client, TELL, {"credential": {"id": "x"}}).status_code == 422 and failures() == 1, "one for each asked"


def test_sec10_proving_takes_off_only_what_asking_counted(client: Browser, rita: User, device: Device) -> None:
    """Whoever has a passkey can't free an address that tries the passwords of others."""
    here, there = "203.0.113.9", "203.0.113.10"
    for number in range(ADDRESS.free - 2):
        throttle.begin(f"name{number}", here)

    def counted() -> list[int]:
        return sorted(SignInTries.objects.filter(failures__gt=1).values_list("failures", flat=True))

    def proves(asked_from: str, told_from: str) -> int:
        asked = post(client, ASK, REMOTE_ADDR=asked_from).json()
        sent = {"credential": device.signed(asked, ORIGIN)}
        return int(post(client, TELL, sent, REMOTE_ADDR=told_from).status_code)

    signing.enter(client, rita)
    for asked_from in (here, there, there):
        assert proves(asked_from, here) == 200
    assert counted() == [ADDRESS.free - 2]
    throttle.begin("another", here)
    throttle.begin("one more", here)
    with pytest.raises(throttle.TooManyTries):
        throttle.begin("the next", here)
    throttle.succeed("another", here)
    throttle.begin("an office of many", here)  # under the limit again: one right try more is no reason to wait
    throttle.begin("guess", there)


def test_sec10_a_right_try_ends_no_wait_that_others_earned() -> None:
    here = "203.0.113.9"
    for number in range(ADDRESS.free):
        throttle.begin(f"name{number}", here)
    SignInTries.objects.update(failures=ADDRESS.free + 2)
    throttle.succeed("", here)
    with pytest.raises(throttle.TooManyTries):
        throttle.begin("the next", here)
