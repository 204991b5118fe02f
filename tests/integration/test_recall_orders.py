"""Whatever the order of releasing, undoing, handing over, calling back, sending and sweeping, the promises hold."""

from __future__ import annotations

import contextlib
import random
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from reviewapp.enums import (
    APPROVED_STATES,
    OUT_STATES,
    BatchState,
    DeliveryState,
    MessageKind,
    MessageState,
    Role,
)
from reviewapp.models import AuditEvent, Batch, Delivery, OutboundMessage, ReviewTask, Task
from reviewapp.selectors import batches as batch_reads
from reviewapp.services import batches, delivery, notices, outbox, recalls, review, sending, undo
from tests import factories as make
from tests.receiver import Receiver, receiving

from .test_review_decisions import decide

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = 26


class World:
    """One batch of three judged photos, its client's receiver, and a clock that only the sweep looks at."""

    def __init__(self, receiver: Receiver, dice: random.Random) -> None:
        self.receiver, self.dice = receiver, dice
        self.manager, self.senior = make.make_user("", Role.MANAGER), make.make_user("", Role.SENIOR)
        client = make.make_client(webhook_url=receiver.url)
        notices.renew_secret(client, self.manager)
        self.batch = make.make_batch(client=client)
        self.tasks = [make.make_review(self.batch) for _ in range(3)]
        self.now = timezone.now()
        for task in self.tasks:
            self._approve(task)

    def _approve(self, task: ReviewTask) -> None:
        task.refresh_from_db()
        decide(self.senior, task, "approve")
        if not task.asset.renditions.exists():
            make.make_rendition(task.asset, self.batch.channels.get())
        Task.objects.update(state="done")
        batches.refresh(self.batch.pk)

    def release(self) -> None:
        with contextlib.suppress(delivery.DeliveryHeld):
            delivery.release(Batch.objects.get(pk=self.batch.pk), self.manager)

    def undo(self) -> None:
        calls_back = self.dice.random() < 0.5
        for task in self.dice.sample(self.tasks, 1):
            made = task.decisions.filter(undoes__isnull=True, undone_by__isnull=True).order_by("-pk").first()
            if made is not None:
                first = undo.undo(self.senior, made.pk, calls_back=calls_back)
                again = undo.undo(self.senior, made.pk, calls_back=calls_back)
                assert again.is_undone == first.is_undone

    def decide(self) -> None:
        for task in self.tasks:
            task.refresh_from_db()
            if task.state == "open":
                self._approve(task)
                return

    def hand_over(self) -> None:
        for one in Delivery.objects.filter(batch=self.batch, state=DeliveryState.WAITING):
            recalls.hand_over(one.pk, self.manager)

    def call_back(self) -> None:
        one = Delivery.objects.filter(batch=self.batch).order_by("?").first()
        if one is not None:
            recalls.call_back(one, "Wrong", self.manager)
            assert not recalls.call_back(one, "Wrong", self.manager)

    def sweep(self) -> None:
        self.now += timedelta(minutes=self.dice.choice([1, 6, 12]))
        recalls.sweep(self.now)
        recalls.sweep(self.now)
        recalls.repair()
        outbox.sweep()

    def send(self) -> None:
        self.receiver.script = [self.dice.choice([200, 200, 500])]
        sending.send_due(1)
        OutboundMessage.objects.filter(state=MessageState.PENDING).update(available_at=timezone.now())

    def download(self) -> None:
        for one in Delivery.objects.filter(batch=self.batch):
            with contextlib.suppress(delivery.DeliveryClosed):
                b"".join(delivery.stream_zip(one, self.manager))
                assert one.state in OUT_STATES


def check(world: World, states: dict[int, str]) -> None:
    """What holds after every single step."""
    rows = list(Delivery.objects.filter(batch=world.batch).order_by("number"))
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert sum(row.state == DeliveryState.WAITING for row in rows) <= 1
    for row in rows:
        before = states.get(row.pk)
        assert not (before == DeliveryState.RECALLED and row.state != before), "called back is called back"
        assert not (before in OUT_STATES and row.state == DeliveryState.WAITING)
        states[row.pk] = row.state
        if row.state == DeliveryState.WAITING:
            held = row.items.exclude(rendition__asset__state__in=APPROVED_STATES)
            assert not held.exists(), "what waits holds only what is approved"
        told = OutboundMessage.objects.filter(delivery=row)
        assert told.filter(kind=MessageKind.READY).count() == int(row.handed_over_at is not None)
        if row.state != DeliveryState.RECALLED:
            assert not told.filter(kind=MessageKind.RECALLED).exists()
    world.batch.refresh_from_db()
    if world.batch.state == BatchState.DELIVERED:
        assert rows and rows[-1].state in OUT_STATES
    else:
        assert world.batch.state == batch_reads.state_due(world.batch)
    events = AuditEvent.objects.filter(batch=world.batch, noun="delivery").values_list("verb", "object_id")
    for verb in ("delivery.released", "delivery.handed_over", "delivery.recalled"):
        named = [pk for found, pk in events if found == verb]
        assert len(named) == len(set(named)), f"{verb} once for each"


def told_at_last(world: World) -> None:
    """When everything has been sent: who heard that a delivery is ready heard once, then of its recall."""
    world.receiver.script = []
    for _round in range(40):
        OutboundMessage.objects.filter(state=MessageState.PENDING).update(available_at=timezone.now())
        if not sending.send_due():
            break
    heard: dict[int, list[str]] = defaultdict(list)
    seen: set[str] = set()
    for event in world.receiver.events:
        if event["id"] not in seen and "delivery" in event:
            seen.add(event["id"])
            heard[event["delivery"]["number"]].append(event["event"])
    for row in Delivery.objects.filter(batch=world.batch):
        events = heard.get(row.number, [])
        if row.handed_over_at is None:
            assert events == [], "nobody hears of what never left"
        elif row.state in OUT_STATES:
            assert events == ["delivery.ready"]
        else:
            assert events in ([], ["delivery.recalled"], ["delivery.ready", "delivery.recalled"])
            if events == ["delivery.recalled"]:
                assert row.downloaded_at is not None
    assert not OutboundMessage.objects.filter(state__in=[MessageState.PENDING, MessageState.SENDING]).exists()


@pytest.mark.parametrize("seed", range(12))
def test_any_order_of_release_undo_hand_over_recall_send_and_sweep(settings: Any, seed: int) -> None:
    settings.DELIVERY_GRACE_MIN, settings.WEBHOOKS_TO_PRIVATE = 10, True
    dice = random.Random(seed)
    with receiving() as receiver:
        world = World(receiver, dice)
        states: dict[int, str] = {}
        steps = [
            world.release, world.release, world.undo, world.undo, world.decide, world.decide, world.hand_over,
            world.call_back, world.sweep, world.sweep, world.send, world.send, world.download,
        ]  # fmt: skip
        for _step in range(STEPS):
            step = dice.choice(steps)
            step()
            check(world, states)
        told_at_last(world)
        assert states, "something was delivered"


def test_the_same_with_nobody_to_tell(settings: Any) -> None:
    """A client without an address: the same states, and no message at all."""
    settings.DELIVERY_GRACE_MIN = 10
    manager: User = make.make_user("", Role.MANAGER)
    batch = make.make_batch(state=BatchState.READY)
    make.make_approved(batch)
    made = delivery.release(batch, manager)
    later: datetime = timezone.now() + timedelta(minutes=11)
    assert (recalls.sweep(later), recalls.sweep(later)) == (1, 0)
    assert recalls.call_back(made, "Wrong", manager)
    assert not OutboundMessage.objects.exists() and review.repair() == 0
