"""SEC-10: an admin's role doesn't reach up to a superuser, and an open desk isn't enough to take an account over."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser

from reviewapp.config.env import OidcProvider
from reviewapp.enums import Role
from reviewapp.models import AuditEvent, OutsideIdentity, PersonScope
from reviewapp.services import accounts, outside, second_factors, sign_ins
from reviewapp.services.granting import EVERY_CLIENT
from reviewapp.services.people import NotAllowed
from tests import factories, signing
from tests.codes import code_of

NEW = "another long password"
pytestmark = pytest.mark.django_db


@pytest.fixture
def root() -> User:
    """The machine's administrator, with a second factor."""
    found = User.objects.create_superuser("root", password="correct horse battery")
    PersonScope.objects.create(user=found, all_clients=True)
    secret = second_factors.new_secret()
    second_factors.add_app(found, secret, code_of(secret))
    return found


@pytest.fixture
def provider(settings: Any) -> None:
    settings.OIDC = OidcProvider("https://id.example.com", "softproof", "s", "Okapi", False)


def ways(root: User, actor: User) -> list[Any]:
    """Each way to get at somebody's account."""
    link = OutsideIdentity.objects.create(person=root, issuer="https://id.example.com", subject="root")
    return [
        lambda: sign_ins.new_password(root, NEW, actor),
        lambda: second_factors.reset(root, actor),
        lambda: outside.link(root, "ada's own", actor),
        lambda: outside.unlink(root, link.pk, actor),
        lambda: accounts.update_person(
            root, [], is_active=False, actor=actor, reach=EVERY_CLIENT, seen=accounts.version_of(root)
        ),
    ]


def test_sec10_an_admin_by_role_cannot_become_the_superuser(root: User, provider: None) -> None:
    ada = factories.make_user("ada", Role.ADMIN)
    before = AuditEvent.objects.count()
    for way in ways(root, ada):
        with pytest.raises(NotAllowed, match="superuser"):
            way()
    after = User.objects.get(pk=root.pk)
    assert after.is_active and after.password == root.password and second_factors.is_on(after)
    assert OutsideIdentity.objects.get().subject == "root" and AuditEvent.objects.count() == before


def test_sec10_another_superuser_can(root: User, provider: None) -> None:
    for way in ways(root, User.objects.create_superuser("second")):
        way()
    after = User.objects.get(pk=root.pk)
    assert after.check_password(NEW) and not after.is_active and not second_factors.is_on(after)


def test_sec10_the_pages_say_so(client: Browser, root: User, provider: None) -> None:
    signing.enter(client, factories.make_user("ada", Role.ADMIN))
    page = client.get(f"/people/{root.pk}/").content.decode()
    assert "Only a superuser can change it" in page
    for hidden in (f"/people/{root.pk}/password/", "second-factor/reset", "outside/"):
        assert hidden not in page
    assert client.post(f"/people/{root.pk}/password/", {"new": NEW}).status_code == 403
    assert client.post(f"/people/{root.pk}/outside/", {"subject": "ada's own"}).status_code == 403
    client.post(f"/people/{root.pk}/second-factor/reset/")
    closing = {"roles": [], "works_for": "all", "seen": accounts.version_of(root)}
    refused = client.post(f"/people/{root.pk}/", closing)
    assert refused.status_code == 422 and "Only a superuser" in refused.content.decode()
    assert User.objects.get(pk=root.pk).is_active and second_factors.is_on(root)
    rita = factories.make_user("rita", Role.REVIEWER)
    assert "Only a superuser" not in client.get(f"/people/{rita.pk}/").content.decode()


@pytest.mark.parametrize("what", ["password", "second-factor/reset", "outside"])
def test_sec10_how_somebody_signs_in_is_changed_only_after_a_recent_proof(
    client: Browser, provider: None, what: str
) -> None:
    rita, ada = factories.make_user("rita", Role.REVIEWER), factories.make_user("ada", Role.ADMIN)
    secret = second_factors.new_secret()
    second_factors.add_app(rita, secret, code_of(secret))
    sent = {"new": NEW, "subject": "s-1"}
    signing.enter(client, ada, ago_s=601)
    asked = client.post(f"/people/{rita.pk}/{what}/", sent)["Location"]
    assert asked.startswith(f"/account/confirm/?next=%2Fpeople%2F{rita.pk}%2F")
    assert client.get(asked).status_code == 200
    same = User.objects.get(pk=rita.pk)
    assert same.password == rita.password and second_factors.is_on(rita) and not OutsideIdentity.objects.exists()
    signing.enter(client, ada, ago_s=60)
    assert client.post(f"/people/{rita.pk}/{what}/", sent)["Location"] == f"/people/{rita.pk}/"
    changed = User.objects.get(pk=rita.pk)
    did = {
        "password": changed.check_password(NEW),
        "second-factor/reset": not second_factors.is_on(rita),
        "outside": OutsideIdentity.objects.filter(person=rita).exists(),
    }
    assert [name for name, done in did.items() if done] == [what]
