"""Deliveries that wait, on screen: handed over, called back, and what the desk says of it (REV-04, DEL-02)."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from reviewapp.enums import BatchState, DeliveryState, Role, Verdict
from reviewapp.models import AuditEvent, Batch, Delivery, ReviewDecision, Task
from reviewapp.services import batches, delivery, recalls
from reviewapp.services import review as desk
from reviewapp.templatetags.states import time_left
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _wait(settings: Any) -> None:
    settings.DELIVERY_GRACE_MIN = 10


@pytest.fixture
def mona(client: Browser) -> User:
    """A manager, signed in."""
    user = factories.make_user("mona", Role.MANAGER)
    client.force_login(user)
    return user


def ready(name: str = "Mugs") -> Batch:
    batch = factories.make_batch("shopify", state=BatchState.READY, name=name)
    factories.make_approved(batch)
    return batch


def judged(user: User) -> tuple[Batch, ReviewDecision]:
    """A batch whose one photo `user` approved."""
    batch = factories.make_batch("shopify", state=BatchState.READY)
    task = factories.make_review(batch)
    made = desk.record_decision(user, task.pk, seen_version=0, verdict=Verdict.APPROVE, idempotency_key="k").decision
    assert made is not None
    factories.make_rendition(task.asset, batch.channels.get())
    Task.objects.update(state="done")
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    return batch, made


def text_of(answer: Any) -> str:
    """The page on one line, moments as the words alone."""
    return re.sub(r"</?time\b[^>]*>", "", " ".join(answer.content.decode().split()))


def test_a_waiting_delivery_says_how_long_and_is_handed_over_by_a_click(client: Browser, mona: User) -> None:
    batch = ready()
    page = text_of(client.post(reverse("batches:deliver", args=[batch.pk]), follow=True))
    assert "It is handed over in 10 minutes; until then it can be called back unseen." in page
    assert "Waits, is handed over in 10 minutes." in page and "Download ZIP" not in page
    assert re.search(r'title="\d[^"]* UTC">in 10 minutes</time>', client.get(f"/batches/{batch.pk}/").content.decode())
    assert "Deliver what is new" not in page, "nothing new while one waits"
    made = Delivery.objects.get()
    assert "still waits" in text_of(client.get(reverse("deliveries:download", args=[made.pk]), follow=True))
    assert "handed over in 10 minutes" in text_of(client.get(reverse("deliveries:list")))
    for said in ("Delivery 1 is handed over.", "Delivery 1 was handed over already."):
        assert said in text_of(client.post(reverse("deliveries:hand_over", args=[made.pk]), follow=True))
    page = text_of(client.get(reverse("batches:detail", args=[batch.pk])))
    assert "Download ZIP" in page and "Delivery 1 handed over" in page
    assert client.get(reverse("deliveries:download", args=[made.pk])).streaming
    assert AuditEvent.objects.get(verb="delivery.handed_over").actor == mona


@pytest.mark.usefixtures("mona")
def test_the_card_looks_again_only_while_one_waits(client: Browser) -> None:
    batch = ready()
    url = reverse("batches:deliveries", args=[batch.pk])
    assert "hx-trigger" not in client.get(url, headers={"HX-Request": "true"}).content.decode()
    client.post(reverse("batches:deliver", args=[batch.pk]))
    part = client.get(url, headers={"HX-Request": "true"}).content.decode()
    assert 'hx-trigger="every 30s"' in part and "<html" not in part
    assert "<h1>Deliveries</h1>" in client.get(url).content.decode(), "a page of its own without a script"
    recalls.sweep(timezone.now() + timedelta(minutes=11))
    assert "hx-trigger" not in client.get(url, headers={"HX-Request": "true"}).content.decode()


def test_a_manager_calls_one_back_with_a_reason_that_is_shown(client: Browser, mona: User) -> None:
    batch = ready()
    client.post(reverse("batches:deliver", args=[batch.pk]))
    made = Delivery.objects.get()
    url = reverse("deliveries:call_back", args=[made.pk])
    assert "called back without a word" in text_of(client.get(url))
    recalls.hand_over(made.pk, mona)
    assert "names every file" in text_of(client.get(url))
    answer = client.post(url, {"reason": " "})
    assert answer.status_code == 422 and "Say why it is called back." in text_of(answer)
    page = text_of(client.post(url, {"reason": "The <b>shadow</b> is wrong"}, follow=True))
    assert "Delivery 1 is called back." in page
    assert "Called back after it was handed over: The &lt;b&gt;shadow&lt;/b&gt; is wrong (mona," in page
    assert "was called back already" in text_of(client.post(url, {"reason": "Again"}, follow=True))
    page = text_of(client.get(reverse("deliveries:list")))
    assert "Called back" in page and reverse("deliveries:download", args=[made.pk]) not in page
    assert "Download the one that replaces it" in text_of(
        client.get(reverse("deliveries:download", args=[made.pk]), follow=True)
    )
    client.post(reverse("batches:deliver", args=[batch.pk]))
    page = text_of(client.get(reverse("batches:detail", args=[batch.pk])))
    assert "replaces 1" in page and "Waits, is handed over" in page


@pytest.mark.usefixtures("mona")
def test_the_ready_batch_is_not_asked_for_at_home_while_its_delivery_waits(client: Browser) -> None:
    batch = ready()
    assert "A batch is ready to deliver" in text_of(client.get("/"))
    client.post(reverse("batches:deliver", args=[batch.pk]))
    assert "A batch is ready to deliver" not in text_of(client.get("/"))


def test_rev04_the_desks_undo_says_that_the_delivery_was_called_back(client: Browser) -> None:
    rita = factories.make_user("rita", Role.REVIEWER)
    batch, decision = judged(rita)
    delivery.release(batch, None)
    client.force_login(rita)
    answer = client.post(f"/review/decisions/{decision.pk}/undo/", "{}", content_type="application/json")
    said = answer.json()
    assert (answer.status_code, said["status"]) == (200, "undone")
    assert said["recalled"] == "Delivery 1 was called back."
    again = client.post(f"/review/decisions/{decision.pk}/undo/", "{}", content_type="application/json").json()
    assert again["status"] == "undone" and "recalled" not in again
    assert Delivery.objects.get().state == DeliveryState.RECALLED


def test_rev04_the_plain_form_says_it_too(client: Browser) -> None:
    rita = factories.make_user("rita", Role.REVIEWER)
    batch, decision = judged(rita)
    delivery.release(batch, None)
    client.force_login(rita)
    page = client.post("/review/mixed/undo/", {"decision": decision.pk}, follow=True)
    assert "Undone. Delivery 1 was called back." in text_of(page)


def test_rev04_a_senior_is_asked_before_what_was_handed_over_is_called_back(client: Browser) -> None:
    sue = factories.make_user("sue", Role.SENIOR)
    batch, decision = judged(sue)
    delivery.release(batch, None, at_once=True)
    client.force_login(sue)
    answer = client.post(f"/review/decisions/{decision.pk}/undo/", json.dumps({}), content_type="application/json")
    url = f"/review/decisions/{decision.pk}/call-back/"
    assert (answer.status_code, answer.json()["callBack"]) == (409, url)
    assert client.post("/review/mixed/undo/", {"decision": decision.pk})["Location"] == url
    page = text_of(client.get(url))
    assert "Delivery 1, 1 files, handed over" in page and "the whole delivery is called back" in page
    assert Delivery.objects.get().state == DeliveryState.READY, "looking changes nothing"
    page = text_of(client.post(url, follow=True))
    assert "Undone. Delivery 1 was called back." in page
    assert Delivery.objects.get().state == DeliveryState.RECALLED
    assert client.get(url).status_code == 404, "it is undone"


def test_rev04_others_and_reviewers_have_no_such_page(client: Browser) -> None:
    rita = factories.make_user("rita", Role.REVIEWER)
    batch, decision = judged(rita)
    delivery.release(batch, None, at_once=True)
    client.force_login(rita)
    answer = client.post(f"/review/decisions/{decision.pk}/undo/", "{}", content_type="application/json")
    assert answer.status_code == 409 and "callBack" not in answer.json()
    assert client.post(f"/review/decisions/{decision.pk}/call-back/").status_code == 403
    client.force_login(factories.make_user("sue", Role.SENIOR))
    for method in (client.get, client.post):
        assert method(f"/review/decisions/{decision.pk}/call-back/").status_code == 404
    assert Delivery.objects.get().state == DeliveryState.READY


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "in a moment"), (30, "in 1 minute"), (61, "in 2 minutes"), (600, "in 10 minutes"), (5400, "in 90 minutes"),
        (7200, "in 2 hours"), (3 * 86400, "in 3 days"),
    ],
)  # fmt: skip
def test_time_left_in_words(seconds: int, words: str) -> None:
    moment = timezone.now() + timedelta(seconds=seconds - 0.5)
    assert time_left(moment) == ("in 2 hours" if words == "in 90 minutes" else words)
