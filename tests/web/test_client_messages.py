"""What a client is told, on its page: the address, the secret shown once, a test, what was sent (DEL-07, DEL-10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from reviewapp.enums import MessageState, Role
from reviewapp.models import AuditEvent, Client, OutboundMessage, WebhookSecret
from reviewapp.services import notices, sending
from tests import factories
from tests.receiver import Receiver, receiving

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mona(client: Browser) -> User:
    """A manager, signed in."""
    user = factories.make_user("mona", Role.MANAGER)
    client.force_login(user)
    return user


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_PRIVATE = True
    with receiving() as one:
        yield one


def save(browser: Browser, one: Client, **fields: str) -> Any:
    return browser.post(reverse("clients:edit", args=[one.pk]), {"name": one.name, "waits_for_samples": "on", **fields})


def page_of(browser: Browser, one: Client) -> str:
    return " ".join(browser.get(reverse("clients:edit", args=[one.pk])).content.decode().split())


@pytest.mark.usefixtures("mona")
def test_addresses_and_the_grace_are_saved_in_order_and_logged(client: Browser) -> None:
    one = factories.make_client()
    sent = {
        "webhook_url": " https://shop.example.com/hooks?x=1 ",
        "notify_emails": "a@example.com, b@example.com;a@example.com",
        "grace_minutes": "0",
    }
    assert save(client, one, **sent).status_code == 302
    one.refresh_from_db()
    assert (one.webhook_url, one.notify_emails) == (
        "https://shop.example.com/hooks?x=1",
        "a@example.com\nb@example.com",
    )
    assert one.grace_minutes == 0
    assert set(AuditEvent.objects.get(verb="client.changed").after) == {"webhook_url", "notify_emails", "grace_minutes"}
    assert save(client, one, seen=str(one.version)).status_code == 302
    one.refresh_from_db()
    assert (one.webhook_url, one.notify_emails, one.grace_minutes) == ("", "", None)


@pytest.mark.usefixtures("mona")
@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("webhook_url", "http://shop.example.com/", "has to begin with https://"),
        ("webhook_url", "https://me:pw@shop.example.com/", "no name or password"),
        ("webhook_url", "javascript:alert(1)", "has to begin with https://"),
        ("notify_emails", "nobody", "nobody isn&#x27;t an e-mail address"),
        ("notify_emails", " ".join(f"a{n}@example.com" for n in range(11)), "10 addresses fit"),
        ("notify_emails", "a@example.com\nBcc:everybody@example.com", "isn&#x27;t an e-mail address"),
        ("grace_minutes", "-1", "greater than or equal to 0"),
        ("grace_minutes", "20000", "less than or equal to 10080"),
    ],
)
def test_what_can_not_be_an_address_is_refused_in_words(client: Browser, field: str, value: str, says: str) -> None:
    one = factories.make_client()
    answer = save(client, one, **{field: value})
    assert answer.status_code == 422 and says in answer.content.decode()
    one.refresh_from_db()
    assert not (one.webhook_url or one.notify_emails or one.grace_minutes)


@pytest.mark.usefixtures("mona")
def test_a_form_older_than_the_client_changes_no_address(client: Browser) -> None:
    one = factories.make_client()
    assert save(client, one, seen="0", webhook_url="https://first.example.com/").status_code == 302
    answer = save(client, one, seen="0", webhook_url="https://second.example.com/")
    assert answer.status_code == 409 and "changed webhook url" in answer.content.decode()
    one.refresh_from_db()
    assert one.webhook_url == "https://first.example.com/"


def test_sec_the_secret_is_shown_once_and_kept_out_of_pages_and_the_log(client: Browser, mona: User) -> None:
    one = factories.make_client(webhook_url="https://shop.example.com/")
    assert "The webhook has no secret yet" in page_of(client, one)
    answer = client.post(reverse("clients:secret", args=[one.pk]))
    found = re.search(r"whsec_[\w-]{40,}", answer.content.decode())
    assert found and WebhookSecret.objects.get().secret == found[0]
    assert "no-store" in answer["Cache-Control"]
    assert "whsec_" not in page_of(client, one) and "Make a new secret" in page_of(client, one)
    event = AuditEvent.objects.get(verb="client.secret_made")
    assert event.actor == mona and "whsec_" not in f"{event.before}{event.after}{event.note}"
    second = client.post(reverse("clients:secret", args=[one.pk])).content.decode()
    browser = Browser()
    browser.force_login(User.objects.create_superuser("root"))
    for path in ("", f"{WebhookSecret.objects.get().pk}/change/"):
        row = browser.get(f"/ops/reviewapp/webhooksecret/{path}")
        assert row.status_code == 200 and "whsec_" not in row.content.decode()
    assert found[0] not in second and WebhookSecret.objects.get().secret in second


@pytest.mark.usefixtures("mona")
def test_del10_a_test_is_sent_and_listed_and_a_failure_is_tried_again_by_a_click(
    client: Browser, receiver: Receiver
) -> None:
    one = factories.make_client(webhook_url=receiver.url)
    url = reverse("clients:test", args=[one.pk])
    assert "There is no address yet" in client.post(url, follow=True).content.decode()
    client.post(reverse("clients:secret", args=[one.pk]))
    receiver.script = [410]
    assert "1 test is on its way." in client.post(url, follow=True).content.decode()
    assert "To be sent" in page_of(client, one)
    sending.send_due()
    page = page_of(client, one)
    assert (
        "Given up" in page and "The receiver refused it (410)." in page and receiver.url.replace("&", "&amp;") in page
    )
    message = OutboundMessage.objects.get()
    retry = reverse("clients:retry_message", args=[one.pk, message.pk])
    assert "It is tried again." in client.post(retry, follow=True).content.decode()
    assert "There is nothing to try again" in client.post(retry, follow=True).content.decode()
    sending.send_due()
    message.refresh_from_db()
    assert message.state == MessageState.SENT and len(receiver.got) == 2
    other = reverse("clients:retry_message", args=[factories.make_client().pk, message.pk])
    assert client.post(other).status_code == 404, "not through another client's page"


@pytest.mark.usefixtures("mona")
def test_a_house_without_a_mail_server_says_so(client: Browser, settings: Any) -> None:
    one = factories.make_client(notify_emails="a@example.com")
    assert "sends no e-mail" not in page_of(client, one)
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    assert "This house sends no e-mail" in page_of(client, one)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.EDITOR, Role.SENIOR])
def test_rev19_only_managers_make_secrets_and_send_tests(client: Browser, role: Role) -> None:
    one = factories.make_client(webhook_url="https://shop.example.com/")
    client.force_login(factories.make_user("somebody", role))
    for name in ("secret", "test"):
        assert client.post(reverse(f"clients:{name}", args=[one.pk])).status_code == 403
    with pytest.raises(PermissionError):
        notices.renew_secret(one, factories.make_user("", role))
    assert not WebhookSecret.objects.exists() and not OutboundMessage.objects.exists()


@pytest.mark.usefixtures("mona")
def test_the_page_costs_the_same_for_many_messages(client: Browser) -> None:
    one = factories.make_client(notify_emails="a@example.com")
    counted = []
    for count in (1, 9):
        for _ in range(count):
            notices.send_test(one, factories.make_user("", Role.MANAGER))
        with CaptureQueriesContext(connection) as queries:
            page_of(client, one)
        counted.append(len(queries))
    assert counted[0] == counted[1]
