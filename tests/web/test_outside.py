"""SEC-10: signing in by a provider of the house (OpenID Connect), over real HTTP with real signatures."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Browser

from reviewapp.config import env
from reviewapp.enums import Role
from reviewapp.models import AuditEvent, OutsideIdentity, PersonSession, SignInTries
from reviewapp.policies.throttle import ADDRESS
from reviewapp.services import oidc, outside, people, second_factors
from tests import factories, signing
from tests.codes import code_of
from tests.provider import CLIENT, SECRET, Provider

pytestmark = pytest.mark.django_db
START, BACK = "/login/outside/", "/login/outside/back/"


@pytest.fixture(scope="module")
def one_provider() -> Iterator[Provider]:
    found = Provider()
    yield found
    found.stop()


@pytest.fixture
def provider(one_provider: Provider, settings: Any) -> Provider:
    """The provider, honest again, and configured."""
    one_provider.lies, one_provider.document_lies, one_provider.algorithm = {}, {}, "RS256"
    one_provider.signs_with, one_provider.tells_in_token = one_provider.key, True
    one_provider.person = {"sub": "248289761001", "email": "rita@example.com", "email_verified": True}
    settings.OIDC = env.OidcProvider(one_provider.issuer, CLIENT, SECRET, "Okapi", False)
    oidc._kept.clear()
    return one_provider


def person(name: str = "rita", email: str = "rita@example.com", *roles: Role) -> User:
    user = factories.make_user(name, *(roles or (Role.REVIEWER,)))
    user.email = email
    user.save()
    return user


def sign_in(browser: Browser, provider: Provider, start: str = START) -> Any:
    """To the provider and back, as a browser goes."""
    away = browser.get(start)
    assert away.status_code == 302 and away["Location"].startswith(provider.issuer)
    return browser.get(provider.signed_in(away["Location"]))


def reasons() -> list[str]:
    return [event.after.get("why", "") for event in AuditEvent.objects.filter(verb="sign_in.failed").order_by("pk")]


def test_sec10_the_address_that_the_provider_vouches_for_opens_the_account_that_has_it(
    client: Browser, provider: Provider
) -> None:
    rita = person(email="Rita@Example.com")
    answer = sign_in(client, provider, f"{START}?next=/account/")
    assert answer["Location"] == "/account/" and client.get("/account/").status_code == 200
    identity = OutsideIdentity.objects.get()
    assert (identity.person, identity.issuer, identity.subject) == (rita, provider.issuer, "248289761001")
    opened = AuditEvent.objects.get(verb="sign_in.opened")
    assert opened.after["how"] == "oidc" and AuditEvent.objects.filter(verb="person.linked").count() == 1
    provider.person = {"sub": "248289761001", "email": "married@example.com", "email_verified": False}
    again = Browser()
    assert sign_in(again, provider)["Location"] == "/", "from now on the subject counts, whatever the address"
    assert again.get("/").status_code == 200


@pytest.mark.parametrize(
    ("lies", "why"),
    [
        ({"nonce": "another"}, "nonce"), ({"nonce": None}, "nonce"), ({"iss": "https://evil.example.com"}, "issuer"),
        ({"aud": "another-app"}, "udience"), ({"exp": 1_000_000_000}, "expired"), ({"iat": 4_000_000_000}, "iat"),
        ({"aud": [CLIENT, "another"], "azp": "another"}, "another party"), ({"aud": [CLIENT, "x"]}, "another party"),
        ({"sub": None}, "sub"), ({"sub": ""}, "subject"),
    ],
)  # fmt: skip
def test_sec10_a_token_with_one_wrong_claim_is_refused(
    client: Browser, provider: Provider, lies: dict[str, Any], why: str
) -> None:
    person()
    provider.lies = lies
    assert sign_in(client, provider)["Location"] == "/login/"
    assert why in reasons()[-1] and client.get("/")["Location"].startswith("/login/")
    page = html.unescape(client.get("/login/").content.decode())
    assert "Signing in didn't work" in page and not re.search(rf"\b{why}\b", page)
    assert not OutsideIdentity.objects.exists()


@pytest.mark.parametrize("algorithm", ["none", "HS256", "another key"])
def test_sec10_a_token_that_the_providers_key_did_not_sign_is_refused(
    client: Browser, provider: Provider, algorithm: str
) -> None:
    person()
    if algorithm == "another key":
        provider.signs_with = provider.other_key
    else:
        provider.algorithm = algorithm
    assert sign_in(client, provider)["Location"] == "/login/" and "ID token" in reasons()[-1]


def test_sec10_a_document_of_another_issuer_is_refused(client: Browser, provider: Provider) -> None:
    provider.document_lies = {"issuer": "https://evil.example.com"}
    assert client.get(START)["Location"] == "/login/" and "evil.example.com" in reasons()[-1]


def test_sec10_what_comes_back_belongs_to_the_browser_that_began_it_and_counts_once(
    client: Browser, provider: Provider
) -> None:
    person()
    away = client.get(START)["Location"]
    back = provider.signed_in(away)
    other = Browser()
    assert other.get(back)["Location"] == "/login/", "somebody else's answer signs nobody in"
    other.get(START)
    assert other.get(back)["Location"] == "/login/" and "state" in reasons()[-1]
    assert client.get(f"{BACK}?state=x&code=y")["Location"] == "/login/"
    assert client.get(back)["Location"] == "/login/", "one answer for each beginning"
    assert sign_in(client, provider)["Location"] == "/"
    fresh = Browser()
    denied = parse_qs(urlsplit(fresh.get(START)["Location"]).query)["state"][0]
    assert fresh.get(f"{BACK}?state={denied}&error=access_denied")["Location"] == "/login/"
    assert "access_denied" in reasons()[-1]


def test_sec10_it_may_not_take_longer_than_ten_minutes(
    client: Browser, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    person()
    back = provider.signed_in(client.get(START)["Location"])
    later = time.time() + 601
    monkeypatch.setattr("reviewapp.services.oidc.time.time", lambda: later)
    assert client.get(back)["Location"] == "/login/" and "too long" in reasons()[-1]


def test_sec10_coming_back_from_nowhere_fills_no_log_and_starts_are_counted(
    client: Browser, provider: Provider
) -> None:
    person()
    for _ in range(5):
        assert client.get(f"{BACK}?state=x&code=y")["Location"] == "/login/"
    assert not AuditEvent.objects.exists() and not PersonSession.objects.exists()
    assert "Signing in didn't work" in html.unescape(client.get("/login/").content.decode())
    for _ in range(3):
        assert sign_in(Browser(), provider)["Location"] == "/"
    assert SignInTries.objects.get().failures == 0, "whoever comes in is taken off again"
    PersonSession.objects.all().delete()
    for _ in range(ADDRESS.free + 10):
        last = Browser()
        answer = last.get(START)
    assert answer["Location"] == "/login/" and "Too many tries" in last.get("/login/").content.decode()
    assert PersonSession.objects.count() == ADDRESS.free
    assert len(reasons()) == 0


@pytest.mark.parametrize("verified", [False, None, "true", 1])
def test_sec10_an_address_that_the_provider_does_not_vouch_for_opens_nothing(
    client: Browser, provider: Provider, verified: Any
) -> None:
    person()
    provider.person["email_verified"] = verified
    assert sign_in(client, provider)["Location"] == "/login/"
    assert "An admin can make one" in client.get("/login/").content.decode()
    assert not OutsideIdentity.objects.exists()


def test_sec10_an_account_in_doubt_is_not_linked_by_itself(client: Browser, provider: Provider) -> None:
    rita = person()
    twin = person("twin")
    assert sign_in(client, provider)["Location"] == "/login/" and "several" in reasons()[-1]
    twin.delete()
    User.objects.filter(pk=rita.pk).update(is_active=False)
    assert sign_in(client, provider)["Location"] == "/login/" and "closed" in reasons()[-1]
    User.objects.filter(pk=rita.pk).update(is_active=True, is_superuser=True)
    assert sign_in(client, provider)["Location"] == "/login/" and "by hand" in reasons()[-1]
    User.objects.filter(pk=rita.pk).update(is_superuser=False)
    assert sign_in(client, provider)["Location"] == "/"
    provider.person["sub"] = "somebody who got the address later"
    assert sign_in(Browser(), provider)["Location"] == "/login/" and "another subject" in reasons()[-1]
    provider.person["sub"] = "248289761001"
    User.objects.filter(pk=rita.pk).update(is_active=False)
    assert sign_in(Browser(), provider)["Location"] == "/login/" and "closed" in reasons()[-1]


LOOK_ALIKES = [
    ("rita@example.com", "r\u0131ta@example.com"), ("sam@example.com", "\u017fam@example.com"),
    ("kim@example.com", "\u212aim@example.com"), ("rita@example.com", "rita@e\uff58ample.com"),
]  # fmt: skip
"""What UPPER(), casefold or NFKC take for one: a dotless i, a long s, the sign of kelvin, a wide x (CVE-2019-19844)."""


@pytest.mark.parametrize(("theirs", "vouched"), LOOK_ALIKES)
def test_sec10_an_address_that_only_folds_to_the_same_is_another_one(theirs: str, vouched: str) -> None:
    """Whatever the database's locale found: the answer is Python's."""
    found = User(username="found", email=theirs)
    with pytest.raises(outside.Unknown, match="only looks like"):
        outside.the_one(found, vouched)
    assert outside.the_one(found, theirs.upper()) is found


@pytest.mark.parametrize(("theirs", "vouched"), LOOK_ALIKES)
def test_sec10_a_look_alike_address_opens_nobody_elses_account(
    client: Browser, provider: Provider, theirs: str, vouched: str
) -> None:
    person(email=theirs)
    provider.person["email"] = vouched
    assert sign_in(client, provider)["Location"] == "/login/" and not OutsideIdentity.objects.exists()
    provider.person["email"] = theirs.upper()
    assert sign_in(client, provider)["Location"] == "/"


def test_sec10_new_people_come_only_where_allowed_and_may_do_nothing(
    client: Browser, provider: Provider, settings: Any
) -> None:
    provider.person |= {"preferred_username": "rita@corp", "given_name": "Rita", "family_name": "Ray"}
    assert sign_in(client, provider)["Location"] == "/login/" and not User.objects.exists()
    settings.OIDC = env.OidcProvider(provider.issuer, CLIENT, SECRET, "Okapi", True)
    person("RITA", "another@example.com")
    assert sign_in(client, provider)["Location"] == "/"
    rita = User.objects.get(email="rita@example.com")
    assert rita.username == "rita-2" and rita.get_full_name() == "Rita Ray"
    assert not rita.has_usable_password() and not rita.groups.exists() and not rita.is_staff
    assert not rita.scope.all_clients and not rita.client_access.exists()  # type: ignore[attr-defined]
    assert "You have no role yet" in client.get("/").content.decode()
    assert client.get("/people/").status_code == 403
    assert AuditEvent.objects.get(verb="person.created").after == {"username": "rita-2", "by": "oidc"}


def test_sec10_what_is_not_in_the_token_is_asked_for_about_the_same_person(client: Browser, provider: Provider) -> None:
    person()
    provider.tells_in_token = False
    assert sign_in(client, provider)["Location"] == "/" and "/userinfo" in provider.asked


def test_sec10_a_second_factor_is_asked_for_after_the_provider_too(client: Browser, provider: Provider) -> None:
    rita = person()
    secret = second_factors.new_secret()
    second_factors.add_app(rita, secret, code_of(secret))
    assert sign_in(client, provider)["Location"] == "/login/code/"
    assert client.get("/")["Location"].startswith("/login/")
    assert client.post("/login/code/", {"code": code_of(secret, time.time() + 30)}).status_code == 302
    assert AuditEvent.objects.filter(verb="sign_in.opened").get().after["how"] == "oidc, totp"


def test_sec10_unlinking_ends_a_sign_in_that_waits_for_its_code(client: Browser, provider: Provider) -> None:
    rita, ada = person(), person("ada", "ada@example.com", Role.ADMIN)
    secret = second_factors.new_secret()
    second_factors.add_app(rita, secret, code_of(secret, time.time() - 30))
    assert sign_in(client, provider)["Location"] == "/login/code/" and client.get("/login/code/").status_code == 200
    outside.unlink(rita, OutsideIdentity.objects.get().pk, ada)
    assert client.get("/login/code/")["Location"] == "/login/"
    assert client.post("/login/code/", {"code": code_of(secret)})["Location"] == "/login/"
    assert client.get("/")["Location"].startswith("/login/")


def test_sec10_an_admin_links_and_unlinks_and_nobody_else(client: Browser, provider: Provider) -> None:
    rita, ada = person(email=""), person("ada", "ada@example.com", Role.ADMIN)
    door = Browser()
    signing.enter(door, ada)
    with pytest.raises(people.NotAllowed):
        outside.link(rita, "248289761001", person("mona", "m@example.com", Role.MANAGER))
    door.post(f"/people/{rita.pk}/outside/", {"subject": "248289761001"})
    assert "248289761001" in door.get(f"/people/{rita.pk}/").content.decode()
    door.post(f"/people/{ada.pk}/outside/", {"subject": "248289761001"})
    assert "linked to another account" in door.get(f"/people/{ada.pk}/").content.decode()
    assert sign_in(client, provider)["Location"] == "/"
    door.post(f"/people/{rita.pk}/outside/{OutsideIdentity.objects.get().pk}/remove/")
    assert client.get("/").status_code == 302 and not OutsideIdentity.objects.exists()
    event = AuditEvent.objects.get(verb="person.unlinked")
    assert event.actor == ada and event.before["subject"] == "248289761001"


def test_sec10_the_button_is_there_only_where_a_provider_is(client: Browser, provider: Provider, settings: Any) -> None:
    page = client.get("/login/?next=/account/").content.decode()
    assert "Sign in with Okapi" in page and f'href="{START}?next=/account/"' in page
    settings.OIDC = None
    assert "Sign in with" not in client.get("/login/").content.decode()
    assert client.get(START).status_code == 404 and client.get(BACK).status_code == 404


def test_ops_the_provider_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env.read_oidc() is None
    monkeypatch.setenv("OIDC_ISSUER", "https://id.example.com")
    with pytest.raises(ImproperlyConfigured, match="OIDC_CLIENT_ID"):
        env.read_oidc()
    monkeypatch.setenv("OIDC_CLIENT_ID", "softproof")
    with pytest.raises(ImproperlyConfigured, match="OIDC_CLIENT_SECRET"):
        env.read_oidc()
    monkeypatch.setenv("OIDC_CLIENT_SECRET", "hunter2")
    found = env.read_oidc()
    assert found is not None and not found.may_create and "hunter2" not in repr(found)
    monkeypatch.setenv("OIDC_ISSUER", "http://id.example.com")
    with pytest.raises(ImproperlyConfigured, match="https"):
        env.read_oidc()
