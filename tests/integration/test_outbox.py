"""Outbound messages: a real receiver, signatures, tries by error class, nothing lost, fencing (DEL-07, DEL-10)."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from reviewapp import post
from reviewapp.enums import FailureCategory, MessageChannel, MessageKind, MessageState, Role
from reviewapp.jobs.postman import Postman
from reviewapp.models import AuditEvent, Client, OutboundMessage
from reviewapp.selectors import messages
from reviewapp.services import notices, outbox, sending
from reviewapp.services.people import NotAllowed
from tests import factories as make
from tests.receiver import Receiver, receiving
from tests.servers import free_port

from .test_review_claims import in_threads

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_PRIVATE = True
    with receiving() as one:
        yield one


def told(url: str, **fields: Any) -> tuple[Client, str]:
    """A client with a webhook, and its secret."""
    client = make.make_client(webhook_url=url, **fields)
    return client, notices.renew_secret(client, make.make_user("", Role.MANAGER))


def write(client: Client, name: str = "1", **facts: Any) -> OutboundMessage:
    return outbox.write(MessageKind.TEST, client, facts, name=name)[0]


def fresh(message: OutboundMessage) -> OutboundMessage:
    message.refresh_from_db()
    return message


def due_again(message: OutboundMessage) -> None:
    OutboundMessage.objects.filter(pk=message.pk).update(available_at=timezone.now())


def test_del10_a_webhook_arrives_once_signed_with_its_event_id(receiver: Receiver) -> None:
    client, secret = told(receiver.url)
    message = write(client, note="Grüße, 100 %")
    assert [sending.send_one(message.pk), sending.send_one(message.pk)] == ["sent", "refused"]
    assert fresh(message).state == MessageState.SENT and message.finished_at and message.attempts == 1
    headers, _body = receiver.got[0]
    assert len(receiver.got) == 1 and receiver.is_signed(secret)
    assert headers["Idempotency-Key"] == headers["Softproof-Event-Id"] == str(message.event_id)
    assert receiver.events == [
        {
            "id": str(message.event_id), "event": "test", "note": "Grüße, 100 %",
            "created_at": message.created_at.isoformat(timespec="seconds"),
        }
    ]  # fmt: skip
    receiver.got[0] = (headers, receiver.got[0][1].replace(b"100", b"900"))
    assert not receiver.is_signed(secret), "a changed body"
    other, other_secret = told(receiver.url)
    write(other)
    assert sending.send_due() == 1
    assert receiver.is_signed(other_secret) and not receiver.is_signed(secret), "each client has a secret of its own"


def test_a_signature_can_not_be_sent_again_later_or_as_another_event(receiver: Receiver) -> None:
    client, secret = told(receiver.url)
    write(client)
    sending.send_due()
    headers, body = receiver.got[0]
    assert not receiver.is_signed(secret, tolerance_s=-1), "a receiver refuses what is old"
    receiver.got.append(({**headers, "Softproof-Event-Id": "another"}, body))
    assert not receiver.is_signed(secret)


def test_writing_twice_is_one_message_and_nothing_without_an_address(receiver: Receiver) -> None:
    client, _secret = told(receiver.url)
    assert write(client).pk == write(client).pk
    assert outbox.write(MessageKind.TEST, make.make_client(), {}, name="1") == []
    unsigned = make.make_client(webhook_url=receiver.url)
    assert outbox.write(MessageKind.TEST, unsigned, {}, name="1") == [], "a webhook without a secret isn't one yet"
    assert OutboundMessage.objects.count() == 1


@pytest.mark.parametrize("status", [500, 502, 503, 408, 429])
def test_sch06_what_may_pass_is_tried_again_with_the_same_event_id(receiver: Receiver, status: int) -> None:
    client, secret = told(receiver.url)
    receiver.script = [status, status]
    message = write(client)
    for wait in (10, 30):
        before = timezone.now()
        assert sending.send_one(message.pk) == "pending"
        assert timedelta(0) <= fresh(message).available_at - before - timedelta(seconds=wait) < timedelta(seconds=5)
        assert message.error_code == f"status_{status}" and str(status) in message.error_text
        assert sending.send_one(message.pk) == "refused", "not before its time"
        due_again(message)
    assert sending.send_one(message.pk) == "sent"
    assert len(receiver.got) == 3 and len(receiver.distinct) == 1 and receiver.is_signed(secret)
    assert fresh(message).error_text == ""


def test_a_receiver_that_says_when_is_heard(receiver: Receiver) -> None:
    client, _secret = told(receiver.url)
    receiver.script, receiver.headers = [429], {"Retry-After": "77"}
    message = write(client)
    assert sending.send_one(message.pk) == "pending"
    assert 70 < (fresh(message).available_at - timezone.now()).total_seconds() <= 77


@pytest.mark.parametrize("status", [400, 401, 404, 410, 301, 302, 307])
def test_sch06_a_refusal_and_a_redirect_are_final_and_a_person_may_try_again(receiver: Receiver, status: int) -> None:
    client, _secret = told(receiver.url)
    receiver.script, receiver.headers = [status], {"Location": receiver.url + "&elsewhere=1"}
    message = write(client)
    assert sending.send_one(message.pk) == "dead"
    assert len(receiver.got) == 1, "no redirect is followed"
    assert fresh(message).error_category == FailureCategory.VALIDATION
    manager = make.make_user("mia", Role.MANAGER)
    with pytest.raises(NotAllowed):
        outbox.retry(message, make.make_user("ria", Role.REVIEWER))
    assert [outbox.retry(message, manager), outbox.retry(message, manager)] == [True, False]
    assert sending.send_one(message.pk) == "sent" and fresh(message).attempts == 2
    assert AuditEvent.objects.filter(verb="message.retried", actor=manager).count() == 1


def test_a_receiver_that_is_down_is_tried_ten_times_and_then_given_up(settings: Any) -> None:
    settings.WEBHOOKS_TO_PRIVATE = True
    client, _secret = told(f"http://127.0.0.1:{free_port()}/")
    message = write(client)
    waits = []
    while sending.send_one(message.pk) == "pending":
        waits.append(round((fresh(message).available_at - timezone.now()).total_seconds()))
        assert message.error_category == FailureCategory.NETWORK
        due_again(message)
    assert waits == [10, 30, 90, 270, 810, 2430, 7290, 21600, 21600]
    assert fresh(message).state == MessageState.DEAD and message.attempts == 10


def test_a_slow_receiver_and_one_that_drips_are_cut_off(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "DEADLINE_S", 0.6)
    client, _secret = told(receiver.url)
    message = write(client)
    receiver.pause_s = 5
    for drips in (False, True):
        receiver.drips, begun = drips, time.monotonic()
        assert sending.send_one(message.pk) == "pending"
        assert time.monotonic() - begun < 4 and fresh(message).error_code == "timeout"
        due_again(message)
        receiver.pause_s = 0


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1",
        "2002:7f00:1::", "ff02::1", "::", "240.0.0.1", "255.255.255.255",
    ],
)  # fmt: skip
def test_sec_no_address_inside_is_public(address: str) -> None:
    assert not post.is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8"])
def test_an_address_of_the_open_internet_is_public(address: str) -> None:
    assert post.is_public(address)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://example.com/", "not_https"), ("ftp://example.com/", "not_https"), ("https:///x", "bad_address"),
        ("https://user:pw@example.com/", "bad_address"), ("https://[::1/", "bad_address"),
        ("https://example.com:99999/", "bad_address"), ("https://example.com/a b", "bad_address"),
        ("https://example.com/\r\nX: 1", "bad_address"), ("file:///etc/passwd", "not_https"),
    ],
)  # fmt: skip
def test_sec_an_address_that_is_none_is_refused(url: str, code: str) -> None:
    with pytest.raises(post.PostFailed) as caught:
        post.check_address(url)
    assert caught.value.is_final and caught.value.code == code


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1"])
def test_sec_a_private_host_is_never_dialled(receiver: Receiver, settings: Any, host: str) -> None:
    settings.WEBHOOKS_TO_PRIVATE = False
    port = receiver.url.split(":")[2].split("/")[0]
    client, _secret = told(f"https://{host}:{port}/")
    message = write(client)
    assert sending.send_one(message.pk) == "dead"
    assert fresh(message).error_code in ("private_address", "no_such_host") and not receiver.got
    if message.error_code == "private_address":
        assert message.error_category == FailureCategory.VALIDATION


def test_sec_a_name_that_resolves_to_both_worlds_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: all addresses are looked at, and what was looked at is what is dialled."""
    dialled: list[Any] = []

    def look_up(*_args: Any, **_more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.216.34", "169.254.169.254")]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", lambda *args, **_more: dialled.append(args))
    with pytest.raises(post.PostFailed) as caught:
        post.post("https://rebound.example/", b"", {})
    assert caught.value.code == "private_address" and not dialled


def test_an_e_mail_goes_to_every_address_with_one_id_per_event(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    client = make.make_client(notify_emails="a@example.com\nb@example.com")
    rows = outbox.write(MessageKind.TEST, client, {}, name="1")
    assert [row.channel for row in rows] == [MessageChannel.EMAIL] * 2
    assert sending.send_due() == 2 and sending.send_due() == 0
    assert sorted(one.to[0] for one in mail.outbox) == ["a@example.com", "b@example.com"]
    assert len({one.extra_headers["Message-ID"] for one in mail.outbox}) == 2


def test_e_mail_is_off_by_default_and_says_so(settings: Any) -> None:
    from reviewapp.config import settings as shipped  # pytest puts a backend of its own in place

    assert shipped.MAIL is None
    settings.EMAIL_BACKEND = shipped.EMAIL_BACKEND
    assert not messages.mail_is_on()
    client = make.make_client(notify_emails="a@example.com")
    row = outbox.write(MessageKind.TEST, client, {}, name="1")[0]
    assert sending.send_one(row.pk) == "dead" and "EMAIL_URL" in fresh(row).error_text


def test_a_mail_server_that_is_down_is_tried_again(settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", free_port(), False
    row = outbox.write(MessageKind.TEST, make.make_client(notify_emails="a@example.com"), {}, name="1")[0]
    assert sending.send_one(row.pk) == "pending" and fresh(row).error_category == FailureCategory.NETWORK


def test_sch11_many_senders_at_once_send_each_message_once(receiver: Receiver) -> None:
    client, _secret = told(receiver.url)
    for n in range(12):
        write(client, name=str(n))
    in_threads(6, lambda _n: sending.send_due(50))
    assert len(receiver.got) == 12 == len({one["id"] for one in receiver.events})
    assert set(OutboundMessage.objects.values_list("state", "attempts")) == {("sent", 1)}


def test_a_sender_stopped_past_its_lease_is_fenced_and_the_receiver_drops_the_double(receiver: Receiver) -> None:
    client, _secret = told(receiver.url)
    message = write(client)

    def overtake() -> None:
        receiver.first = None
        OutboundMessage.objects.filter(pk=message.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        assert sending.send_one(message.pk) == "sent"

    receiver.first = lambda: in_threads(1, lambda _n: overtake())
    assert sending.send_one(message.pk) == "fenced"
    assert len(receiver.got) == 2 and len(receiver.distinct) == 1
    assert (fresh(message).state, message.token, message.attempts) == (MessageState.SENT, 2, 2)


def test_a_message_whose_senders_all_died_is_given_up_once(receiver: Receiver) -> None:
    client, _secret = told(receiver.url)
    message = write(client)
    for _try in range(message.max_attempts):
        assert outbox.claim(message.pk, "dead") is not None
        OutboundMessage.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert outbox.claim(message.pk, "dead") is None
    assert (outbox.sweep(), outbox.sweep()) == (1, 0)
    assert fresh(message).state == MessageState.DEAD and "may have arrived" in message.error_text


def test_a_sender_killed_between_the_answer_and_the_row_sends_again_under_the_same_id(
    receiver: Receiver, tmp_path: Path
) -> None:
    """kill -9 while the receiver answers: the row still says being sent, and the lease brings it back."""
    client, _secret = told(receiver.url)
    message = write(client)
    receiver.pause_s = 20
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        url = f"sqlite:///{name}"
    else:
        url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()
    code = f"import django; django.setup(); from reviewapp.services import sending; sending.send_one({message.pk})"
    env = {**os.environ, "DATABASE_URL": url, "WEBHOOKS_TO_PRIVATE": "1", "SOFTPROOF_DATA": str(tmp_path)}
    with (tmp_path / "log").open("w") as log:
        sender = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=env, stdout=log, stderr=log)
    until = time.monotonic() + 60
    while not receiver.got and time.monotonic() < until and sender.poll() is None:
        time.sleep(0.05)
    assert receiver.got, (tmp_path / "log").read_text()
    sender.send_signal(signal.SIGKILL)
    sender.wait()
    assert fresh(message).state == MessageState.SENDING and message.attempts == 1
    assert sending.send_due() == 0, "until the lease is over it is the dead sender's"
    OutboundMessage.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    receiver.pause_s = 0
    assert sending.send_due() == 1
    assert fresh(message).state == MessageState.SENT
    assert len(receiver.got) == 2 and len(receiver.distinct) == 1
    assert json.loads(receiver.got[0][1]) == json.loads(receiver.got[1][1])


def test_the_postman_sends_by_itself_and_one_slow_receiver_holds_up_no_other(receiver: Receiver) -> None:
    postman = Postman()
    with receiving() as slow:
        slow.pause_s = 4
        late = write(told(slow.url)[0])
        prompt = [write(told(receiver.url)[0]) for _ in range(3)]
        postman.start()
        begun = time.monotonic()
        while len(receiver.got) < 3 and time.monotonic() - begun < 20:
            time.sleep(0.05)
        assert slow.got and fresh(late).state == MessageState.SENDING, "that one is still on its way"
        postman.stop()
        assert fresh(late).state == MessageState.SENT, "an end waits for what is on its way"
    assert [fresh(one).state for one in prompt] == [MessageState.SENT] * 3 and len(receiver.got) == 3
