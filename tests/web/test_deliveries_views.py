"""Deliveries over HTTP: held in words, released once, streamed as a ZIP that holds what the manifest says."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile

import pytest
from django.test import Client as Browser
from django.urls import reverse

from reviewapp.enums import AssetState, BatchState, DeliveryState, Role
from reviewapp.models import AuditEvent, Delivery
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Browser) -> Browser:
    """A browser signed in as a manager."""
    client.force_login(factories.make_user("mona", Role.MANAGER))
    return client


def test_del01_a_batch_is_delivered_and_downloaded_as_a_zip(manager: Browser) -> None:
    batch = factories.make_batch("shopify", state=BatchState.READY)
    factories.make_approved(batch, sku="NW-1")
    factories.make_approved(batch, sku="NW-2")
    manager.post(reverse("batches:deliver", args=[batch.pk]))
    delivery = Delivery.objects.get()
    answer = manager.get(reverse("deliveries:download", args=[delivery.pk]))
    assert answer.streaming and answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"].endswith('.zip"')
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))
    assert archive.testzip() is None
    manifest = json.loads(archive.read("manifest.json"))
    assert sorted(name for name in archive.namelist() if name.startswith("shopify/")) == [
        "shopify/NW-1.jpg",
        "shopify/NW-2.jpg",
    ]
    hashes = {hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist() if "shopify/" in name}
    assert all(digest in json.dumps(manifest) for digest in hashes)
    delivery.refresh_from_db()
    assert delivery.state == DeliveryState.DOWNLOADED
    assert AuditEvent.objects.get(verb="delivery.downloaded").actor.username == "mona"  # type: ignore[union-attr]
    batch.refresh_from_db()
    assert batch.state == BatchState.DELIVERED


def test_smp10_an_open_sample_holds_the_delivery_and_the_page_says_so(manager: Browser) -> None:
    batch = factories.make_batch("shopify", state=BatchState.REVIEW)
    task = factories.make_sample(batch)
    factories.make_rendition(task.asset, batch.channels.get())
    answer = manager.post(reverse("batches:deliver", args=[batch.pk]), follow=True)
    assert "1 sample waits for a reviewer" in answer.content.decode()
    assert "Held: 1 blind sample waits" in answer.content.decode()
    assert not Delivery.objects.exists()


def test_exp24_nothing_approved_is_said_in_words(manager: Browser) -> None:
    batch = factories.make_batch("shopify")
    factories.make_asset(batch)
    answer = manager.post(reverse("batches:deliver", args=[batch.pk]), follow=True)
    assert "No photo of this batch is approved and verified yet." in answer.content.decode()


def test_sec01_a_reviewer_can_neither_deliver_nor_download(client: Browser, manager: Browser) -> None:
    batch = factories.make_batch("shopify", state=BatchState.READY)
    factories.make_approved(batch)
    manager.post(reverse("batches:deliver", args=[batch.pk]))
    delivery = Delivery.objects.get()
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    assert client.get(reverse("deliveries:download", args=[delivery.pk])).status_code == 403
    assert client.post(reverse("batches:deliver", args=[batch.pk])).status_code == 403
    assert Delivery.objects.count() == 1


def test_the_list_shows_every_package_and_starts_empty(manager: Browser) -> None:
    assert b"No deliveries yet" in manager.get(reverse("deliveries:list")).content
    batch = factories.make_batch("shopify", state=BatchState.READY, name="Mugs")
    factories.make_approved(batch)
    manager.post(reverse("batches:deliver", args=[batch.pk]))
    text = manager.get(reverse("deliveries:list")).content.decode()
    assert "Mugs" in text and reverse("deliveries:download", args=[Delivery.objects.get().pk]) in text


def test_exp12_a_file_that_breaks_a_rule_is_counted_with_its_reason(manager: Browser) -> None:
    batch = factories.make_batch("shopify", state=BatchState.READY)
    for sku in ("NW-1", "NW-2"):
        asset = factories.make_asset(batch, AssetState.APPROVED, sku=sku)
        factories.make_run(asset)
        factories.make_rendition(asset, batch.channels.get(), error="The file name needs the ASIN of this photo.")
    page = manager.get(reverse("batches:detail", args=[batch.pk]))
    assert page.context["details"].file_problems == [("Shopify: The file name needs the ASIN of this photo.", 2)]
    assert "2 failed a rule" in " ".join(page.content.decode().split())
