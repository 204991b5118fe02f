"""Deliveries that wait, are handed over, and are called back (undo that reaches out; RELIABILITY, DEL-02, DEL-07)."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from reviewapp.enums import AssetState, BatchState, DeliveryState, LotState, MessageKind, MessageState, Role
from reviewapp.models import Asset, AuditEvent, Client, Delivery, OutboundMessage, ReviewDecision, Task
from reviewapp.services import batches, delivery, notices, recalls, retro, review, sending, undo
from reviewapp.services.people import NotAllowed
from tests import factories as make
from tests import lots as world
from tests.receiver import Receiver, receiving

from .test_review_claims import in_threads
from .test_review_decisions import decide

pytestmark = pytest.mark.django_db(transaction=True)
GRACE = timedelta(minutes=10)


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


def told(receiver: Receiver, manager: User) -> Client:
    client = make.make_client(webhook_url=receiver.url)
    notices.renew_secret(client, manager)
    return client


def released(manager: User, reviewer: User, client: Client | None = None) -> tuple[Delivery, ReviewDecision]:
    """A delivery of a batch of two photos, and the decision that approved one of them."""
    batch = make.make_batch(state=BatchState.READY, client=client, completed_at=timezone.now())
    make.make_approved(batch)
    task = make.make_review(batch)
    decision = decide(reviewer, task, "approve").decision
    assert decision is not None
    make.make_rendition(task.asset, batch.channels.get())
    Task.objects.update(state="done")
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    return delivery.release(batch, manager), decision


def fresh(made: Delivery) -> Delivery:
    made.refresh_from_db()
    made.batch.refresh_from_db()
    return made


def later(minutes: float = 11) -> int:
    """What the sweep hands over when that much time has passed."""
    return recalls.sweep(timezone.now() + timedelta(minutes=minutes))


def kinds() -> list[tuple[str, str]]:
    return list(OutboundMessage.objects.order_by("pk").values_list("kind", "state"))


def test_a_delivery_waits_and_nobody_downloads_or_hears_of_it(
    manager: User, reviewer: User, receiver: Receiver
) -> None:
    made, _decision = released(manager, reviewer, told(receiver, manager))
    assert made.state == DeliveryState.WAITING and made.handed_over_at is None
    assert abs(made.opens_at - timezone.now() - GRACE) < timedelta(seconds=20)  # type: ignore[operator]
    with pytest.raises(delivery.DeliveryClosed, match="still waits"):
        delivery.stream_zip(made, manager)
    assert not [kind for kind, _state in kinds() if kind == MessageKind.READY]
    assert (recalls.sweep(), later(9)) == (0, 0)
    assert fresh(made).batch.state == BatchState.READY, "delivered is said when it is"
    with pytest.raises(delivery.DeliveryHeld, match="Delivery 1 waits"):
        delivery.release(made.batch, manager)


def test_it_is_handed_over_once_when_its_time_has_come(manager: User, reviewer: User, receiver: Receiver) -> None:
    made, _decision = released(manager, reviewer, told(receiver, manager))
    assert sum(in_threads(4, lambda _n: later())) == 1
    assert (later(), later()) == (0, 0)
    assert fresh(made).state == DeliveryState.READY and made.batch.state == BatchState.DELIVERED
    assert kinds()[-1] == (MessageKind.READY, MessageState.PENDING)
    assert AuditEvent.objects.filter(verb="delivery.handed_over").count() == 1
    sending.send_due()
    facts = receiver.events[-1]
    assert facts["event"] == "delivery.ready" and facts["delivery"]["files"] == 2
    assert zipfile.ZipFile(io.BytesIO(b"".join(delivery.stream_zip(made, manager)))).testzip() is None


@pytest.mark.parametrize(("own", "house", "wait"), [(0, 10, 0), (None, 0, 0), (None, 10, 10), (3, 10, 3), (60, 0, 60)])
def test_the_grace_is_the_clients_or_the_houses(
    manager: User, settings: Any, own: int | None, house: int, wait: int
) -> None:
    settings.DELIVERY_GRACE_MIN = house
    batch = make.make_batch(state=BatchState.READY, client=make.make_client(grace_minutes=own))
    make.make_approved(batch)
    made = delivery.release(batch, manager)
    assert made.state == (DeliveryState.WAITING if wait else DeliveryState.READY)
    assert (made.opens_at - made.created_at).total_seconds() == pytest.approx(wait * 60, abs=5)  # type: ignore[operator]
    assert fresh(made).batch.state == (BatchState.READY if wait else BatchState.DELIVERED)


def test_a_manager_hands_over_at_once_and_nobody_else(manager: User, reviewer: User) -> None:
    made, _decision = released(manager, reviewer)
    with pytest.raises(NotAllowed):
        recalls.hand_over(made.pk, reviewer)
    assert [recalls.hand_over(made.pk, manager), recalls.hand_over(made.pk, manager)] == [True, False]
    assert AuditEvent.objects.get(verb="delivery.handed_over").actor == manager
    assert fresh(made).batch.state == BatchState.DELIVERED


def test_rev04_an_undo_in_the_grace_calls_it_back_silently_and_says_so(
    manager: User, reviewer: User, receiver: Receiver
) -> None:
    made, decision = released(manager, reviewer, told(receiver, manager))
    told_before = kinds()
    result = review.undo(reviewer, decision.pk)
    assert result.is_undone and result.message == "Undone. Delivery 1 was called back."
    assert review.undo(reviewer, decision.pk).message == "Already undone."
    assert fresh(made).state == DeliveryState.RECALLED and made.recalled_by == reviewer
    assert made.handed_over_at is None and made.batch.state == BatchState.REVIEW
    assert kinds() == told_before, "nobody outside heard of it"
    assert (later(), recalls.repair()) == (0, 0)
    event = AuditEvent.objects.get(verb="delivery.recalled")
    assert (event.actor, event.after["had_left"], event.batch) == (reviewer, False, made.batch)
    with pytest.raises(delivery.DeliveryClosed, match="called back"):
        delivery.stream_zip(made, manager)
    assert decide(reviewer, result.task, "approve").status == "saved"  # type: ignore[arg-type]
    Task.objects.update(state="done")
    batches.refresh(made.batch_id)
    again = delivery.release(made.batch, manager)
    assert (again.number, again.replaces) == (2, None), "one that nobody got is not replaced"
    assert later() == 1 and fresh(again).batch.state == BatchState.DELIVERED


def test_a_failed_blind_sample_in_the_grace_calls_it_back(manager: User, reviewer: User) -> None:
    client = make.make_client(waits_for_samples=False)
    batch = make.make_batch(state=BatchState.READY, client=client)
    sample = make.make_sample(batch)
    make.make_rendition(sample.asset, batch.channels.get())
    made = delivery.release(batch, manager)
    assert made.state == DeliveryState.WAITING
    assert decide(reviewer, sample, "reject", "shadow").status == "saved"
    assert fresh(made).state == DeliveryState.RECALLED and "Rejected in review" in made.recall_reason
    assert made.batch.state == BatchState.REVIEW and later() == 0


def test_what_changed_while_it_was_made_is_found_before_it_leaves(manager: User, reviewer: User) -> None:
    """A photo that was moved by somebody who did not see the delivery yet: the last look finds it."""
    made, decision = released(manager, reviewer)
    Asset.objects.filter(pk=decision.asset_id).update(state=AssetState.EDITING)
    assert later() == 0 and fresh(made).state == DeliveryState.RECALLED and made.recall_reason == recalls.CHANGED
    other, decision = released(manager, make.make_user("rob", Role.REVIEWER))
    make.make_run(decision.asset)  # another result is the photo's now
    assert later() == 0 and fresh(other).state == DeliveryState.RECALLED


def test_a_paused_batch_hands_nothing_over_and_a_cancelled_one_calls_back(manager: User, reviewer: User) -> None:
    made, _decision = released(manager, reviewer)
    batches.pause(made.batch, "Wait", manager)
    assert later() == 0 and fresh(made).state == DeliveryState.WAITING
    with pytest.raises(recalls.RecallRefused, match="paused"):
        recalls.hand_over(made.pk, manager)
    batches.resume(made.batch, manager)
    assert later() == 1 and fresh(made).batch.state == BatchState.DELIVERED
    other, _decision = released(manager, make.make_user("rob", Role.REVIEWER))
    batches.cancel(other.batch, "Not wanted", manager)
    assert fresh(other).state == DeliveryState.RECALLED and later() == 0


def test_after_it_left_a_reviewers_undo_is_refused_and_a_seniors_is_asked_and_tells_the_client(
    manager: User, receiver: Receiver
) -> None:
    senior = make.make_user("sue", Role.SENIOR)
    made, decision = released(manager, senior, told(receiver, manager))
    assert later() == 1
    sending.send_due()
    refused = review.undo(senior, decision.pk)
    assert not refused.is_undone and refused.seals == (1,) and "called back" in refused.message
    assert fresh(made).state == DeliveryState.READY
    result = undo.undo(senior, decision.pk, calls_back=True)
    assert result.is_undone and result.message == "Undone. Delivery 1 was called back."
    assert undo.undo(senior, decision.pk, calls_back=True).message == "Already undone."
    assert fresh(made).state == DeliveryState.RECALLED and made.batch.state == BatchState.REVIEW
    sending.send_due()
    assert receiver.distinct[-2:] == ["delivery.ready", "delivery.recalled"]
    facts = receiver.events[-1]
    assert facts["files"] == [entry["path"] for entry in made.manifest["files"]] and facts["reason"]
    assert decide(senior, result.task, "approve").status == "saved"  # type: ignore[arg-type]
    Task.objects.update(state="done")
    batches.refresh(made.batch_id)
    again = delivery.release(made.batch, manager)
    assert (again.number, again.replaces, again.manifest["delivery"]["replaces"]) == (2, made, 1)
    assert later() == 1
    sending.send_due()
    assert receiver.events[-1]["delivery"]["replaces"] == 1 and fresh(again).batch.state == BatchState.DELIVERED


def test_rev04_a_reviewer_can_not_call_back_what_left(manager: User, reviewer: User) -> None:
    made, decision = released(manager, reviewer)
    assert later() == 1
    result = undo.undo(reviewer, decision.pk, calls_back=True)
    assert not result.is_undone and result.seals == () and "has been delivered" in result.message
    assert fresh(made).state == DeliveryState.READY
    recalls.call_back(made, "The shadow is wrong", manager)
    assert review.undo(reviewer, decision.pk).message == "Undone.", "a manager called it back: the photo is free again"


def test_a_manager_calls_back_with_a_reason_once(manager: User, reviewer: User, receiver: Receiver) -> None:
    made, _decision = released(manager, reviewer, told(receiver, manager))
    later()
    with pytest.raises(NotAllowed):
        recalls.call_back(made, "No", reviewer)
    with pytest.raises(recalls.RecallRefused, match="Say why"):
        recalls.call_back(made, "  ", manager)
    assert sum(in_threads(4, lambda _n: recalls.call_back(made, "Wrong  shadow", manager))) == 1
    assert fresh(made).recall_reason == "Wrong shadow" and made.batch.state == BatchState.READY
    assert AuditEvent.objects.filter(verb="delivery.recalled").count() == 1


def test_undo_against_the_hand_over_many_times(manager: User) -> None:
    """Either it was handed over first and the undo is refused, or it is called back and never left."""
    for turn in range(10):
        reviewer = make.make_user("", Role.REVIEWER)
        made, decision = released(manager, reviewer)

        def work(n: int, made: Delivery = made, pk: int = decision.pk, turn: int = turn, who: User = reviewer) -> bool:
            threading.Event().wait((turn % 5) * 0.003 * n)
            return recalls.hand_over(made.pk, manager) if n else review.undo(who, pk).is_undone

        undone, handed = in_threads(2, work)
        assert undone != handed
        fresh(made)
        wanted = (DeliveryState.RECALLED, BatchState.REVIEW) if undone else (DeliveryState.READY, BatchState.DELIVERED)
        assert (made.state, made.batch.state) == wanted


def test_a_process_that_died_after_the_recall_leaves_the_batch_to_the_sweep(manager: User, reviewer: User) -> None:
    made, _decision = released(manager, reviewer)
    later()
    Delivery.objects.filter(pk=made.pk).update(state=DeliveryState.RECALLED, recalled_at=timezone.now())
    assert fresh(made).batch.state == BatchState.DELIVERED
    assert (recalls.repair(), recalls.repair()) == (1, 0)
    assert fresh(made).batch.state == BatchState.READY


def test_an_older_delivery_called_back_leaves_a_batch_delivered_that_a_newer_one_completes(
    manager: User, reviewer: User
) -> None:
    batch = make.make_batch(state=BatchState.REVIEW)
    make.make_approved(batch)
    task = make.make_review(batch)
    first = delivery.release(batch, manager, at_once=True)
    decide(reviewer, task, "approve")
    make.make_rendition(Asset.objects.get(pk=task.asset_id), batch.channels.get())
    Task.objects.update(state="done")
    batches.refresh(batch.pk)
    second = delivery.release(batch, manager, at_once=True)
    assert fresh(second).batch.state == BatchState.DELIVERED
    recalls.call_back(first, "Half of it", manager)
    assert fresh(second).batch.state == BatchState.DELIVERED and recalls.repair() == 0


def test_looks_that_do_not_count_any_more_call_the_waiting_delivery_back(manager: User, reviewer: User) -> None:
    """A lot whose photos only wait has not left: it is open again, and the delivery that holds it comes back."""
    make.make_user("otto", Role.REVIEWER)
    batch = world.proven_batch()
    for asset in world.approved(batch, 30):
        make.make_rendition(asset, batch.channels.get())
    lot = world.planned(batch)
    world.look_at(reviewer)
    batches.refresh(batch.pk)
    made = delivery.release(batch, manager)
    assert made.state == DeliveryState.WAITING
    with transaction.atomic():
        assert retro.void_looks(reviewer, timezone.now() - timedelta(days=1)) > 0
    lot.refresh_from_db()
    assert lot.state == LotState.OPEN
    assert fresh(made).state == DeliveryState.RECALLED and "isn't proven" in made.recall_reason
    assert later() == 0
