"""Sample first as a manager does it in a browser: ordered, followed while people judge, applied (SMP-06)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from reviewapp.enums import AssetState, Role
from reviewapp.models import Batch, ReviewTask
from reviewapp.selectors.batches import counts
from reviewapp.services import review
from tests import factories
from tests.e2e.desk import sign_in, until
from tests.line import photo, run_line, seeds

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def card_says(page: Any, words: str) -> None:
    """Waits until the card, which looks again by itself, holds these words."""
    until(page, "(words) => document.getElementById('first-sample').textContent.includes(words)", words, 30_000)


def test_smp06_a_manager_orders_a_sample_first_follows_it_and_applies_it_to_the_rest(
    page: Any, context: Any, live_server: Any, tmp_path: Path
) -> None:
    seeds.seed()
    factories.make_policy(approve_at=30.0, review_at=10.0)
    sign_in(context, live_server, factories.make_user("Mona", Role.MANAGER))
    page.goto(live_server.url + reverse("batches:new"))
    page.fill("#id_new_client", "Halden Supply")
    page.fill("#id_name", "Autumn")
    page.check("text=Shopify")
    page.check("text=Sample first")
    page.fill("#id_first_percent", "20")
    page.select_option("#id_validation_profile", "basic-500")
    page.click("button.pri")
    page.wait_for_selector("#drop")
    files = []
    for n in range(7):
        files.append(tmp_path / f"p{n}.jpg")
        files[-1].write_bytes(photo(n, side=640))
    page.set_input_files("#in-files", files)
    until(page, "document.getElementById('u-head').textContent === '7 of 7 files'")
    page.click("#finish")
    batch = Batch.objects.get()
    page.wait_for_url(live_server.url + reverse("batches:detail", args=[batch.pk]))
    run_line()
    card_says(page, "0 of 5 looked at")
    assert page.is_visible("#id_why"), "applying now would need a reason"
    page.fill("#id_why", "Typed while others judge")
    ria = factories.make_user("ria", Role.REVIEWER)
    tasks = list(ReviewTask.objects.order_by("pk"))
    assert len(tasks) == 5
    for n, task in enumerate(tasks):
        if n == 4:  # the card is asked for again, and what was typed in it stays
            card_says(page, "4 of 5 looked at")
            assert page.input_value("#id_why") == "Typed while others judge"
        said = review.record_decision(ria, task.pk, seen_version=0, verdict="approve", idempotency_key=f"k{n}")
        assert said.status == "saved"
    card_says(page, "5 of 5 looked at")
    assert not page.is_visible("#id_why")
    page.click("text=Apply to the rest")
    page.wait_for_selector("text=The rest goes through with")
    run_line()
    assert counts(batch) == {AssetState.APPROVED: 5, AssetState.AUTO_APPROVED: 2}
    assert not page.locator("text=Apply to the rest").count()
