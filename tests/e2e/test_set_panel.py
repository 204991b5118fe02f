"""The panel of the set in a browser: it comes by itself, again when that failed, and is worked by keys (QC-16, 17)."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from reviewapp.enums import AssetState, Role
from reviewapp.models import Asset, Batch
from tests import factories
from tests.e2e.desk import sign_in, until
from tests.e2e.pictures import run_files

pytestmark = pytest.mark.django_db(transaction=True)
PLAIN = {"lightness": 50.0, "chroma_a": 2.0, "chroma_b": 5.0, "contrast": 12.0, "fill": 0.85, "aspect": 0.75}


@pytest.fixture
def batch(context: Any, live_server: Any) -> Batch:
    """Ten plain results and six that are ever lighter; somebody who runs batches is signed in."""
    made = factories.make_batch("shopify", name="Mugs")
    files = run_files(0)
    for n in range(16):
        look = {**PLAIN, "lightness": 50.0 + max(0, n - 9) * 6}
        factories.make_run(factories.make_asset(made, AssetState.IN_REVIEW), look=look, **files)
    sign_in(context, live_server, factories.make_user("Mona", Role.MANAGER))
    return made


def test_qc17_the_panel_comes_by_itself_and_is_worked_by_keys(page: Any, live_server: Any, batch: Batch) -> None:
    page.goto(live_server.url + reverse("batches:detail", args=[batch.pk]))
    page.wait_for_selector("#set .score-big")
    assert page.locator("#set").count() == 1 and page.locator("#set .parts li").count() == 4
    newest = Asset.objects.latest("pk")
    farthest = page.locator("#set .odd a").first
    assert farthest.get_attribute("id") == f"odd-{newest.pk}"
    page.focus("#set details > summary")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#set details').open")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#set details .odd') !== null")
    page.keyboard.press("Enter")
    page.wait_for_url("**/images/*/")


def test_qc17_a_panel_that_did_not_come_is_asked_for_again(page: Any, live_server: Any, batch: Batch) -> None:
    page.route("**/set/", lambda route: route.abort(), times=1)
    page.goto(live_server.url + reverse("batches:detail", args=[batch.pk]))
    page.wait_for_selector("#toasts button")
    page.watched.problems.clear()
    page.click("#toasts button")
    page.wait_for_selector("#set .score-big")
