"""What a client hears of a delivery that is called back, and of its batch: in order, once, and only of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from reviewapp.enums import AssetState, MessageKind, MessageState, Role
from reviewapp.models import Delivery, OutboundMessage, Task
from reviewapp.services import batches, delivery, outbox, recalls, review, sending
from tests import factories as make
from tests.receiver import Receiver, receiving

from .test_recalls import fresh, kinds, later, released, told
from .test_review_claims import in_threads
from .test_review_decisions import decide

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _wait(settings: Any) -> None:
    settings.DELIVERY_GRACE_MIN = 10


@pytest.fixture
def manager() -> User:
    return make.make_user("mia", Role.MANAGER)


@pytest.fixture
def reviewer() -> User:
    return make.make_user("ria", Role.REVIEWER)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    settings.WEBHOOKS_TO_PRIVATE = True
    with receiving() as one:
        yield one


def test_a_message_nobody_was_sent_is_never_sent_and_nobody_is_told_of_the_recall(
    manager: User, reviewer: User, receiver: Receiver
) -> None:
    made, _decision = released(manager, reviewer, told(receiver, manager))
    later()
    recalls.call_back(made, "Wrong", manager)
    sending.send_due()
    assert "delivery.ready" not in receiver.distinct and "delivery.recalled" not in receiver.distinct
    assert kinds()[-1] == (MessageKind.READY, MessageState.RECALLED)


def test_who_downloaded_it_is_told_though_no_message_was_sent(
    manager: User, reviewer: User, receiver: Receiver
) -> None:
    made, _decision = released(manager, reviewer, told(receiver, manager))
    later()
    b"".join(delivery.stream_zip(fresh(made), manager))
    recalls.call_back(fresh(made), "Wrong", manager)
    sending.send_due()
    assert "delivery.recalled" in receiver.distinct and "delivery.ready" not in receiver.distinct


@pytest.mark.parametrize("status", [200, 500, 400])
def test_a_recall_while_the_sender_is_just_sending(
    manager: User, reviewer: User, receiver: Receiver, status: int
) -> None:
    """It may have arrived: it is not tried again, and the compensating message follows it, never before it."""
    made, _decision = released(manager, reviewer, told(receiver, manager))
    sending.send_due()
    later()
    ready = OutboundMessage.objects.get(kind=MessageKind.READY)
    receiver.script = [status]

    def recall() -> None:
        receiver.first = None
        assert recalls.call_back(made, "Wrong", manager)
        recalled = OutboundMessage.objects.get(kind=MessageKind.RECALLED)
        assert sending.send_one(recalled.pk) == "refused", "not before the older one has ended"

    receiver.first = lambda: in_threads(1, lambda _n: recall())
    outcome = sending.send_one(ready.pk)
    assert outcome == ("sent" if status == 200 else "recalled")
    assert sending.send_due() == 1 and sending.send_due() == 0
    assert [one["event"] for one in receiver.events][-2:] == ["delivery.ready", "delivery.recalled"]
    assert not outbox.retry(OutboundMessage.objects.get(pk=ready.pk), manager), "what isn't true isn't sent by hand"


def test_recall_against_the_sender_many_times(manager: User, receiver: Receiver) -> None:
    """Both at the same moment, on threads: sent and taken back by a second message, or never sent at all."""
    client, seen = told(receiver, manager), 0
    for turn in range(12):
        made, _decision = released(manager, make.make_user("", Role.REVIEWER), client)
        OutboundMessage.objects.exclude(kind=MessageKind.READY).update(state=MessageState.SENT)
        recalls.hand_over(made.pk, manager)
        ready = OutboundMessage.objects.get(kind=MessageKind.READY, delivery=made)

        def work(n: int, made: Delivery = made, pk: int = ready.pk, turn: int = turn) -> Any:
            if n == 0:
                return sending.send_one(pk)
            threading.Event().wait(turn % 6 * 0.004)
            return recalls.call_back(made, "Wrong", manager)

        sent, recalled = in_threads(2, work)
        assert recalled is True
        while sending.send_due():
            pass
        heard = [one["event"] for one in receiver.events[seen:] if one.get("delivery")]
        seen = len(receiver.got)
        assert heard in (["delivery.ready", "delivery.recalled"], []), (turn, sent, heard)
        assert (sent == "refused") == (heard == [])
        ready.refresh_from_db()
        assert ready.state in (MessageState.SENT, MessageState.RECALLED)


def test_sch21_a_batch_that_completes_again_after_a_recall_is_told_once(
    manager: User, reviewer: User, receiver: Receiver
) -> None:
    client = told(receiver, manager)
    batch = make.make_batch(client=client)
    make.make_asset(batch, AssetState.FAILED, state_code="x")
    task = make.make_review(batch)
    decision = decide(reviewer, task, "approve").decision
    assert decision is not None
    Task.objects.update(state="done")
    in_threads(4, lambda _n: batches.refresh(batch.pk))
    assert review.undo(reviewer, decision.pk).is_undone
    task.refresh_from_db()
    assert decide(reviewer, task, "approve").status == "saved"
    Task.objects.update(state="done")
    batches.refresh(batch.pk)
    assert [kind for kind, _state in kinds()] == [MessageKind.COMPLETED, MessageKind.FAILED]
    sending.send_due()
    assert receiver.events[0]["counts"] == {"approved": 1, "failed": 1} and receiver.events[1]["failed"] == 1


def test_two_clients_hear_only_of_their_own(manager: User, receiver: Receiver, settings: Any) -> None:
    with receiving() as other:
        made, _one = released(manager, make.make_user("", Role.REVIEWER), told(receiver, manager))
        second, _two = released(manager, make.make_user("", Role.REVIEWER), told(other, manager))
        assert later() == 2
        sending.send_due()
        assert {one["client"] for one in receiver.events} == {made.batch.client.slug}
        assert {one["client"] for one in other.events} == {second.batch.client.slug}
        assert made.batch.name not in json.dumps(other.events)
