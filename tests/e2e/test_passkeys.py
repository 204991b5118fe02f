"""SEC-10: passkeys in a real Chromium, with a device that is virtual and signs for real (CDP WebAuthn)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User

from reviewapp.enums import Role
from reviewapp.models import AuditEvent
from reviewapp.services import second_factors
from tests import factories
from tests.e2e import walk

PASSWORD = "correct horse battery"
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class Device:
    """A phone's or laptop's authenticator: discoverable keys, unlocked by its owner."""

    def __init__(self, page: Any) -> None:
        self._cdp = page.context.new_cdp_session(page)
        self._cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        self._id = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def keys(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._cdp.send("WebAuthn.getCredentials", {"authenticatorId": self._id})[
            "credentials"
        ]
        return found

    def locked(self) -> None:
        """Its owner isn't there to unlock it."""
        self._cdp.send("WebAuthn.setUserVerified", {"authenticatorId": self._id, "isUserVerified": False})


@pytest.fixture
def device(page: Any) -> Iterator[Device]:
    yield Device(page)


@pytest.fixture
def rita() -> User:
    user = factories.make_user("rita", Role.REVIEWER)
    user.set_password(PASSWORD)
    user.save()
    return user


def by_password(page: Any, server: Any) -> None:
    page.goto(f"{server.url}/login/")
    page.fill("[name=username]", "rita")
    page.fill("[name=password]", PASSWORD)
    page.click("button.pri")


def added(page: Any, server: Any, name: str = "Laptop") -> None:
    by_password(page, server)
    page.wait_for_url(f"{server.url}/")
    page.goto(f"{server.url}/account/second-factor/")
    page.fill("#passkey-name", name)
    page.click("[data-passkey=add]")
    page.wait_for_url("**/codes/")
    assert not walk.serious(page)
    page.click("text=I kept them")


def signed_out(page: Any, server: Any) -> None:
    page.goto(f"{server.url}/account/second-factor/")
    page.click("button:has-text('Sign out')")
    page.wait_for_url("**/login/")


def test_sec10_a_passkey_is_added_named_used_to_sign_in_and_removed(
    page: Any, live_server: Any, rita: User, device: Device
) -> None:
    added(page, live_server)
    assert len(device.keys()) == 1 and second_factors.is_on(rita)
    assert page.input_value("[name=name]") == "Laptop"
    page.fill("[name=name]", "Work laptop")
    page.click("button:has-text('Rename')")
    page.wait_for_load_state()
    assert page.input_value("[name=name]") == "Work laptop"
    signed_out(page, live_server)
    page.click("[data-passkey=prove]")
    page.wait_for_url(f"{live_server.url}/")
    opened = AuditEvent.objects.filter(verb="sign_in.opened").order_by("-pk").first()
    assert opened is not None and opened.actor == rita and opened.after["how"] == "webauthn"
    page.goto(f"{live_server.url}/account/second-factor/")
    page.click("button:has-text('Remove')")
    page.wait_for_load_state()
    assert not Authenticator.objects.exists()
    verbs = set(AuditEvent.objects.filter(verb__startswith="second_factor.").values_list("verb", flat=True))
    assert verbs == {"second_factor.added", "second_factor.renamed", "second_factor.removed"}


def test_sec10_after_the_password_a_passkey_is_asked_for(
    page: Any, live_server: Any, rita: User, device: Device
) -> None:
    added(page, live_server)
    signed_out(page, live_server)
    by_password(page, live_server)
    page.wait_for_url("**/login/code/")
    assert not walk.serious(page)
    for width in (320, 390, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(walk.WIDE) <= 0 and not page.evaluate(walk.SMALL)
    page.click("[data-passkey=prove]")
    page.wait_for_url(f"{live_server.url}/")


def test_sec10_a_device_that_is_not_unlocked_opens_nothing(
    page: Any, live_server: Any, rita: User, device: Device
) -> None:
    added(page, live_server)
    signed_out(page, live_server)
    device.locked()
    page.click("[data-passkey=prove]")
    page.wait_for_selector("#passkey-said:not(:empty)")
    page.goto(f"{live_server.url}/")
    assert page.url.startswith(f"{live_server.url}/login/")


def test_sec10_an_answer_counts_once_and_only_from_this_address(
    page: Any, live_server: Any, rita: User, device: Device
) -> None:
    added(page, live_server)
    signed_out(page, live_server)
    sent: list[dict[str, Any]] = []
    page.route("**/login/passkey/", lambda route: (sent.append(route.request.post_data_json), route.abort()))
    page.click("[data-passkey=prove]")
    page.wait_for_selector("#passkey-said:not(:empty)")
    page.watched.problems.clear()
    token = page.get_attribute("[name=csrfmiddlewaretoken]", "value")
    (answer,) = sent

    def tell(**headers: str) -> Any:
        return page.request.post(
            f"{live_server.url}/login/passkey/", data=answer, headers={"X-CSRFToken": token, **headers}
        )

    wrong = {**answer, "credential": {**answer["credential"], "response": {**answer["credential"]["response"]}}}
    wrong["credential"]["response"]["signature"] = "AAAA"
    refused = page.request.post(f"{live_server.url}/login/passkey/", data=wrong, headers={"X-CSRFToken": token})
    assert refused.status == 422
    assert tell().status == 422, "a challenge is for one try"
    assert AuditEvent.objects.filter(verb="sign_in.failed").count() == 1, "what answers nothing fills no log"


@pytest.mark.parametrize("width", [320, 390, 1440])
def test_sec10_the_key_for_an_app_can_be_read_beside_its_picture(
    page: Any, live_server: Any, rita: User, width: int
) -> None:
    by_password(page, live_server)
    page.wait_for_url(f"{live_server.url}/")
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{live_server.url}/account/second-factor/app/")
    key, field = page.locator("#key").bounding_box(), page.locator("[name=code]").bounding_box()
    assert len(page.inner_text("#key").replace(" ", "")) >= 32
    assert key["width"] > 200 and key["height"] < 80 and key["y"] + key["height"] <= field["y"]
