"""Colour checked against the product (REV-11): who asks for it, that no approval counts without it, and that it tells
no sample from another photo (that: tests/web/test_blindness.py)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse

from reviewapp.enums import AssetState, BulkState, Role
from reviewapp.models import AuditEvent, BulkDecision, CategoryRule, Client, ReviewDecision, ReviewTask
from reviewapp.policies.choosing import Choice
from reviewapp.selectors import review as reads
from reviewapp.services import bulk, clients, policies_admin
from reviewapp.services.review import record_decision, undo
from reviewapp.web.viewer_items import review_item
from tests import factories

pytestmark = pytest.mark.django_db
SENTENCE = "Hold its colour against the product itself, tick that you did, then approve."


@pytest.fixture
def rita() -> User:
    return factories.make_user("rita", Role.REVIEWER)


@pytest.fixture
def sena() -> User:
    return factories.make_user("sena", Role.SENIOR)


def asking(**asset: Any) -> ReviewTask:
    """A photo of a client who wants the colour checked."""
    batch = factories.make_batch(client=factories.make_client(checks_colour=True))
    return factories.make_review(batch, **asset)


def decide(user: User, task: ReviewTask, verdict: str = "approve", key: str = "k", **fields: Any) -> Any:
    task.refresh_from_db()
    return record_decision(user, task.pk, seen_version=task.version, verdict=verdict, idempotency_key=key, **fields)


def test_rev11_an_approval_without_the_tick_is_refused_and_stores_nothing(rita: User) -> None:
    task = asking()
    result = decide(rita, task)
    assert (result.status, result.message, result.needs) == ("invalid", SENTENCE, "colour")
    assert not ReviewDecision.objects.exists()
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.IN_REVIEW
    assert decide(rita, task, key="k2", colour_checked=True).status == "saved"
    assert ReviewDecision.objects.get().colour_checked
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.APPROVED
    event = AuditEvent.objects.get(verb="review.colour_checked")
    assert (event.actor, event.object_id, event.after) == (rita, str(task.pk), {"run": task.run_id})


@pytest.mark.parametrize(("verdict", "reasons"), [("reject", ["shadow"]), ("hold", []), ("skip", [])])
def test_rev11_every_other_verdict_goes_without_it_and_keeps_no_tick(
    rita: User, verdict: str, reasons: list[str]
) -> None:
    assert decide(rita, asking(), verdict, reasons=reasons, colour_checked=True).status == "saved"
    assert not ReviewDecision.objects.get().colour_checked
    assert not AuditEvent.objects.filter(verb="review.colour_checked").exists()


def test_rev11_a_photo_nobody_asked_it_for_is_approved_as_before(rita: User) -> None:
    task = factories.make_review()
    assert decide(rita, task).status == "saved"
    assert not ReviewDecision.objects.get().colour_checked


def test_rev11_a_category_rule_asks_for_its_own_photos_only(rita: User) -> None:
    admin = factories.make_user("ada", Role.ADMIN)
    rule = policies_admin.save_category_rule("Shoes", "simple", always_human=False, checks_colour=True, actor=admin)
    assert rule.checks_colour
    event = AuditEvent.objects.get(verb="category_rule.saved")
    assert event.after["checks_colour"] is True
    assert decide(rita, factories.make_review(category="shoes"), key="a").status == "invalid"
    assert decide(rita, factories.make_review(category="mug"), key="b").status == "saved"
    assert decide(rita, factories.make_review(category=""), key="c").status == "saved"


def test_rev11_a_manager_switches_it_on_for_a_client_and_it_counts_at_once(rita: User) -> None:
    task = factories.make_review()
    client = task.asset.batch.client
    manager = factories.make_user("mona", Role.MANAGER)
    clients.update_client(client, clients.ClientData(client.name, checks_colour=True), manager)
    assert Client.objects.get(pk=client.pk).checks_colour
    assert AuditEvent.objects.get(verb="client.changed").after == {"checks_colour": True}
    assert decide(rita, task).status == "invalid"


def test_rev11_a_sample_asks_as_its_photo_would(rita: User) -> None:
    batch = factories.make_batch(client=factories.make_client(checks_colour=True))
    sample, plain = factories.make_sample(batch), factories.make_review(batch)
    shown = [review_item(reads.task_for_display(task.pk, blind=True), rita, blind=True) for task in (sample, plain)]
    assert [item["asksColour"] for item in shown] == [True, True]
    assert [decide(rita, task, key=f"k{task.pk}").message for task in (sample, plain)] == [SENTENCE, SENTENCE]
    assert decide(rita, sample, key="yes", colour_checked=True).status == "saved"


def test_rev11_undo_asks_for_the_tick_again(rita: User) -> None:
    task = asking()
    made = decide(rita, task, colour_checked=True).decision
    assert undo(rita, made.pk).is_undone
    assert decide(rita, task, key="again").status == "invalid"


def test_rev11_one_decision_for_many_is_refused_with_their_number(sena: User) -> None:
    batch = factories.make_batch(client=factories.make_client())
    CategoryRule.objects.create(category="shoes", complexity="simple", checks_colour=True)
    for category in ("shoes", "shoes", "mug"):
        factories.make_review(batch, category=category)
    choice = Choice.read({"batch": str(batch.pk)}, blind=False)
    with pytest.raises(bulk.BulkRefused) as refused:
        bulk.apply(sena, choice, "approve", seen=3)
    assert str(refused.value).startswith("2 of these photos need their colour checked against the product")
    assert not BulkDecision.objects.exists()
    assert bulk.apply(sena, choice, "hold", seen=3).verdict == "hold", "only an approval needs it"
    mugs = Choice.read({"batch": str(batch.pk), "category": "mug"}, blind=False)
    assert bulk.apply(sena, mugs, "approve", seen=1).items


def test_rev11_a_rule_made_while_many_are_decided_leaves_the_rest_out(sena: User) -> None:
    batch = factories.make_batch(client=factories.make_client())
    factories.make_review(batch, category="shoes")
    factories.make_review(batch, category="mug")
    made = bulk.apply(sena, Choice.read({"batch": str(batch.pk)}, blind=False), "approve", seen=2)
    CategoryRule.objects.create(category="shoes", complexity="simple", checks_colour=True)
    made = bulk.advance(sena, made)
    assert (made.state, made.saved, made.left_out) == (BulkState.DONE, 1, 1)
    assert ReviewDecision.objects.get().asset.category == "mug"


def test_rev11_the_desk_and_its_outbox_get_422_with_the_sentence(client: Browser, rita: User) -> None:
    task = asking()
    client.force_login(rita)

    def send(key: str, **body: Any) -> Any:
        return client.post(
            reverse("review:decide", args=[task.pk]),
            json.dumps({"verdict": "approve", "version": 0, "queue": "mixed", **body}),
            content_type="application/json",
            headers={"Idempotency-Key": key},
        )

    refused = send("k1")
    assert refused.status_code == 422
    assert refused.json() == {"status": "invalid", "message": SENTENCE, "needs": "colour"}
    assert send("k1b", colour="yes").status_code == 422, "only a plain true is a tick"
    assert send("k1", colour=True).status_code == 200, "the same key may come again, ticked: nothing was stored"
    assert send("k1", colour=True).json()["status"] == "replayed"


def test_rev11_the_desk_without_a_script_has_the_box(client: Browser, rita: User) -> None:
    task = asking()
    client.force_login(rita)
    text = client.get(reverse("review:queue", args=["mixed"])).content.decode()
    assert 'name="colour"' in text
    form = {"task": task.pk, "version": 0, "verdict": "approve"}
    url = reverse("review:decide_plain", args=["mixed"])
    assert SENTENCE in client.post(url, form | {"key": "a"}, follow=True).content.decode()
    client.post(url, form | {"key": "b", "colour": "1"})
    assert ReviewDecision.objects.get().colour_checked


def test_rev11_a_page_without_such_a_photo_has_no_box(client: Browser, rita: User) -> None:
    factories.make_review()
    client.force_login(rita)
    assert 'name="colour"' not in client.get(reverse("review:queue", args=["mixed"])).content.decode()


def test_rev11_the_forms_of_clients_and_categories_set_it(client: Browser) -> None:
    client.force_login(factories.make_user("ada", Role.ADMIN))
    one = factories.make_client()
    answer = client.post(reverse("clients:edit", args=[one.pk]), {"name": one.name, "checks_colour": "on", "seen": 0})
    assert answer.status_code == 302 and Client.objects.get(pk=one.pk).checks_colour
    factories.policy()
    rule = {"category": "shoes", "complexity": "simple", "checks_colour": "on"}
    assert client.post(reverse("quality:category"), rule).status_code == 302
    assert CategoryRule.objects.get(category="shoes").checks_colour
    assert "Colour checked" in client.get(reverse("quality:thresholds")).content.decode()
