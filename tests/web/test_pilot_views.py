"""A pilot over HTTP: ordering it, its report on the page and as a file (SMP-05)."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client as Browser
from django.urls import reverse

from reviewapp.enums import AssetState, BatchState, ReviewReason, Role
from reviewapp.models import Batch, ReviewTask
from reviewapp.services import review
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def manager(client: Browser) -> Browser:
    """A browser signed in as a manager."""
    client.force_login(factories.make_user("mona", Role.MANAGER))
    return client


def pilot(name: str = "Mugs") -> Batch:
    """A pilot with one photo rejected and one waiting."""
    batch = factories.make_batch(name=name, is_pilot=True, state=BatchState.REVIEW)
    ria = factories.make_user("", Role.REVIEWER)
    for n in range(2):
        asset = factories.make_asset(batch, AssetState.IN_REVIEW)
        run = factories.make_run(asset, total=95.0)
        task = ReviewTask.objects.create(asset=asset, run=run, reason=ReviewReason.PILOT, why="A pilot")
        if n == 0:
            review.record_decision(
                ria, task.pk, seen_version=0, verdict="reject", reasons=["edge_halo"], idempotency_key=f"k{task.pk}"
            )
    return batch


def test_smp05_a_manager_may_order_a_pilot(manager: Browser) -> None:
    version, channel = factories.make_preset_version(), factories.make_channel("shopify")
    order = {
        "new_client": "Halden", "name": "Bags", "preset_version": version.pk, "channels": [channel.pk], "priority": 5,
    }  # fmt: skip
    assert manager.post(reverse("batches:new"), order | {"is_pilot": "on"}).status_code == 302
    assert Batch.objects.get().is_pilot


def test_smp05_the_page_says_it_is_a_pilot_and_how_it_stands(manager: Browser) -> None:
    batch = pilot()
    page = manager.get(reverse("batches:detail", args=[batch.pk])).content.decode()
    assert "Pilot report" in page and "1 is still open" in page and "Edge halo or fringe 1" in page
    assert "People rejected 1 of 1 photos" in page and "1 of which people did not pass" in page
    card = manager.get(reverse("batches:pilot", args=[batch.pk])).content.decode()
    assert "<html" not in card and "batch-moved from:body" in card
    assert 'class="chip info">Pilot' in manager.get(reverse("batches:list")).content.decode()


def test_smp05_the_report_comes_as_json_and_as_csv(manager: Browser) -> None:
    batch = pilot("=Mugs")
    answer = manager.get(reverse("batches:pilot_json", args=[batch.pk]))
    found = answer.json()
    assert (found["rejected"], found["reasons"], found["made_at"]) == (1, {"edge_halo": 1}, None)
    assert "attachment" in answer["Content-Disposition"] and found["name"] == "=Mugs"
    answer = manager.get(reverse("batches:pilot_csv", args=[batch.pk]))
    rows = dict(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert (rows["rejected"], rows["reason: edge_halo"], rows["slipped"], rows["name"]) == ("1", "1", "1", "'=Mugs")
    assert answer["Content-Disposition"] == f'attachment; filename="pilot-{batch.pk}-mugs.csv"'


def test_smp05_another_batch_has_no_report(manager: Browser) -> None:
    batch = factories.make_batch()
    for name in ("pilot", "pilot_json", "pilot_csv"):
        assert manager.get(reverse(f"batches:{name}", args=[batch.pk])).status_code == 404
    assert "Pilot report" not in manager.get(reverse("batches:detail", args=[batch.pk])).content.decode()
