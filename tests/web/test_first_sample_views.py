"""Sample first over HTTP: ordering it, following it, applying it (SMP-06)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client as Browser
from django.urls import reverse

from reviewapp.enums import AssetState, Role
from reviewapp.models import Asset, Batch, FirstSample
from reviewapp.services import batches
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def manager(client: Browser) -> Browser:
    """A browser signed in as a manager."""
    client.force_login(factories.make_user("mona", Role.MANAGER))
    return client


def order(**fields: Any) -> dict[str, Any]:
    version, channel = factories.make_preset_version(), factories.make_channel("shopify")
    return {
        "new_client": "Halden", "name": "Bags", "preset_version": version.pk, "channels": [channel.pk], "priority": 5,
        "first_percent": 10, **fields,
    }  # fmt: skip


def sampled(count: int = 10) -> Batch:
    """A batch whose sample of five is drawn."""
    batch = factories.make_batch(first_share=0.1)
    for _ in range(count):
        factories.make_asset(batch, AssetState.WAITS_FOR_SAMPLE, complexity="simple")
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    return batch


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


@pytest.mark.parametrize(
    ("chosen", "share"),
    [({}, None), ({"samples_first": "on"}, 0.1), ({"samples_first": "on", "first_percent": 25}, 0.25),
     ({"first_percent": 25}, None), ({"first_percent": ""}, None)],
)  # fmt: skip
def test_smp06_a_manager_may_order_a_sample_first(manager: Browser, chosen: dict[str, Any], share: float) -> None:
    assert manager.post(reverse("batches:new"), order(**chosen)).status_code == 302
    assert Batch.objects.get().first_share == share


@pytest.mark.parametrize("percent", ["", "0", "95", "ten"])
def test_smp06_a_share_that_is_none_is_said_beside_its_field(manager: Browser, percent: str) -> None:
    answer = manager.post(reverse("batches:new"), order(samples_first="on", first_percent=percent))
    assert answer.status_code == 422 and set(answer.context["form"].errors) == {"first_percent"}
    assert 'id="id_first_percent_error"' in answer.content.decode()
    assert not Batch.objects.exists()


def test_smp06_the_page_follows_the_sample_and_applies_it(manager: Browser) -> None:
    batch = sampled()
    page = manager.get(reverse("batches:detail", args=[batch.pk])).content.decode()
    assert "0 of 5 looked at" in page and "5 photos wait" in page and 'name="why"' in page
    url, order_ = reverse("batches:sample_apply", args=[batch.pk]), {"version": batch.preset_version_id, "seen": 1}
    assert "Wait for them, or say why" in said(manager.post(url, order_))
    Asset.objects.filter(first_member__sample__batch=batch).update(state=AssetState.APPROVED)
    card = manager.get(reverse("batches:sample", args=[batch.pk])).content.decode()
    assert "5 of 5 looked at" in card and 'name="why"' not in card and "<html" not in card
    answer = manager.post(url, order_)
    assert answer.url == reverse("batches:detail", args=[batch.pk]) and "The rest goes through" in said(answer)
    batch.refresh_from_db()
    assert batch.applied_at is not None
    page = manager.get(reverse("batches:detail", args=[batch.pk])).content.decode()
    assert "the rest goes through with" in page and "sample/apply/" not in page
    assert "Somebody applied the sample already" in said(manager.post(url, order_))


def test_smp06_a_newer_version_is_offered_and_sampled_again(manager: Browser) -> None:
    from reviewapp.services import presets

    batch = sampled(12)
    pinned = batch.preset_version
    new = presets.create_version(pinned.preset, {**pinned.params, "geometry": {"fill_ratio": 0.6}}, "larger", None)
    url = reverse("batches:sample_again", args=[batch.pk])
    assert "Choose a version that is offered" in said(manager.post(url, {"version": new.pk, "seen": 1}))
    presets.set_current(new, None)
    assert str(new) in manager.get(reverse("batches:sample", args=[batch.pk])).content.decode()
    assert "5 photos are done with" in said(manager.post(url, {"version": new.pk, "seen": 1}))
    second = FirstSample.objects.latest("number")
    assert (second.number, second.preset_version, second.created_by.username) == (2, new, "mona")
    assert "another sample meanwhile" in said(manager.post(url, {"version": new.pk, "seen": 1}))
    page = manager.get(reverse("batches:detail", args=[batch.pk])).content.decode()
    assert ": 5 of 12, with" in page and ": 5 of 7, with" in page


def test_smp06_a_batch_that_does_all_at_once_has_no_card(manager: Browser) -> None:
    batch = factories.make_batch()
    assert "first-sample" not in manager.get(reverse("batches:detail", args=[batch.pk])).content.decode()
    assert manager.get(reverse("batches:sample", args=[batch.pk])).status_code == 404
    assert manager.post(reverse("batches:sample_apply", args=[batch.pk])).status_code == 404


def test_smp06_the_progress_counts_what_waits_as_not_done_and_asks_seldom(manager: Browser) -> None:
    batch = sampled()
    Asset.objects.filter(state=AssetState.QUEUED).update(state=AssetState.APPROVED)
    batches.refresh(batch.pk)
    answer = manager.get(reverse("batches:progress", args=[batch.pk]))
    text = answer.content.decode()
    assert "<b>5<small> of 10</small></b>" in text and "5 wait for the sample" in text
    assert "load delay:10s" in text and 'step done"><span class="sn">Processed' not in text
    assert manager.get(reverse("batches:images", args=[batch.pk]), {"show": "later"}).context["tiles"].page.assets


def test_smp06_the_page_costs_the_same_for_a_larger_sample(manager: Browser, django_assert_num_queries: Any) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    urls = [reverse("batches:detail", args=[sampled(count).pk]) for count in (10, 90)]
    manager.get(urls[0])
    with CaptureQueriesContext(connection) as caught:
        manager.get(urls[0])
    with django_assert_num_queries(len(caught)):
        manager.get(urls[1])
