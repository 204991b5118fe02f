"""Why this score, on the picture, and what lies beside it; nothing of it at the blind desk (REV-05, REV-06, REV-12,
REV-20, SMP-01)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User

from reviewapp.enums import Role
from reviewapp.models import Client, ReviewTask
from reviewapp.services import references
from tests import factories, line
from tests.e2e.desk import open_queue, until
from tests.e2e.viewer import (
    centre,
    processed,
)

pytestmark = pytest.mark.django_db(transaction=True)


def flagged(task: ReviewTask) -> None:
    """Gives a run losses with places: a real report has them only on real faults."""
    quality = task.run.quality
    rows = [{**row, "lost": 0.0} for row in quality.measures if row["name"] not in ("halo", "fill")]
    common = {"unit": "share", "passed": False, "note": "", "where": []}
    rows.append({**common, "name": "halo", "value": 0.95, "part": "edge", "threshold": 0.7, "lost": 9.0,
                 "where": [[300, 300, 60, 40], [700, 500, 40, 40]]})  # fmt: skip
    rows.append({**common, "name": "fill", "value": 0.6, "part": "fill", "threshold": 0.85, "lost": 5.0,
                 "where": [[200, 200, 700, 700]]})  # fmt: skip
    type(quality).objects.filter(pk=quality.pk).update(measures=rows, label_map="", advice="Pull the edge in.")


def test_rev05_lost_points_are_shown_where_they_are(page: Any, live_server: Any, reviewer: User) -> None:
    (task,) = processed("a.jpg")
    flagged(task)
    open_queue(page, live_server, "assisted")
    assert page.inner_text('[data-panel="advice"]') == "Pull the edge in."
    rows = page.locator(".lossrow").all_inner_texts()
    assert ["−9" in rows[0], "−5" in rows[1], "limit 0.7" in rows[0], len(rows)] == [True, True, True, 2]
    assert page.inner_text("#flagtxt") == "3" and page.is_hidden("#layers")
    page.keyboard.press("m")
    assert page.is_visible("#layers")
    chips = {chip.get_attribute("data-group"): chip for chip in page.locator(".lay").all()}
    assert list(chips)[:2] == ["fringe", "fill"]
    assert "−9" in chips["fringe"].inner_text() and "60% of 85%" in chips["fill"].inner_text()
    assert page.locator(".marks .k-fringe .box").count() == 2 and page.locator(".marks .target").count() == 1
    chips["fringe"].click()
    assert page.locator(".marks .k-fringe").count() == 0
    assert page.evaluate("document.activeElement.id") == "stage", "after a click the keys are the desk's again"
    page.focus('.lay[data-group="fringe"]')
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.dataset.group") == "fringe", "by keys one stays where one is"
    assert page.get_attribute('.lay[data-group="fringe"]', "aria-pressed") == "false"
    assert page.get_attribute('[data-do="why"]', "aria-pressed") == "true"


def test_rev05_g_goes_through_the_places_the_dearest_first_and_shift_g_back(
    page: Any, live_server: Any, reviewer: User
) -> None:
    (task,) = processed("a.jpg")
    flagged(task)
    open_queue(page, live_server, "assisted")
    places = [(330, 320), (720, 520)]
    page.keyboard.press("g")
    assert "Flagged place 1 of 3" in page.inner_text("#live") and page.inner_text("#zoomv") != "Fit"
    for wanted in places:
        page.keyboard.press("g")
        assert np.hypot(*np.subtract(centre(page), wanted)) <= 2, wanted
    page.keyboard.press("g")
    assert "Flagged place 1 of 3" in page.inner_text("#live")
    page.keyboard.press("Shift+G")
    assert np.hypot(*np.subtract(centre(page), places[1])) <= 2
    assert page.locator(".marks .now").count() == 1
    page.locator(".lossrow").first.click()
    assert np.hypot(*np.subtract(centre(page), places[0])) <= 2, (
        "a click on the dearest measure goes to its first place"
    )
    assert "Flagged place 2 of 3" in page.inner_text("#live")


def test_smp01_the_blind_desk_has_neither_layers_nor_their_keys(page: Any, live_server: Any, reviewer: User) -> None:
    (task,) = processed("a.jpg")
    flagged(task)
    told: list[str] = []
    page.on("response", lambda r: told.append(r.url) if r.request.resource_type != "image" else None)
    open_queue(page, live_server)
    for key in ("m", "g", "Shift+G", "i"):
        page.keyboard.press(key)
    page.wait_for_timeout(300)
    assert page.locator("#layers, .lossrow, .marks .mk, [data-key=why]").count() == 0
    page.keyboard.press("?")
    assert not {"Why this score: lost points on the picture", "Next flagged place"} & set(
        page.locator("#help-cols dd").all_inner_texts()
    )
    assert not [url for url in told if "overlays.css" in url]


def test_rev20_rev12_notes_siblings_and_references_are_beside_the_result(
    page: Any, live_server: Any, reviewer: User
) -> None:
    first, second = processed("front.jpg", "side.jpg")
    Client.objects.update(brand_notes="Warm greys stay warm.")
    manager = factories.make_user("Mona", Role.MANAGER)
    references.add_reference(first.asset.batch.client, [line.photo(9, side=600)], "good.jpg", "As in 2025", manager)
    open_queue(page, live_server)
    page.keyboard.press("k")
    page.wait_for_selector('[data-panel="siblings"] .sib')
    assert page.inner_text('[data-panel="notes"]') == "Warm greys stay warm."
    names = page.locator('[data-panel="siblings"] .sib').all_inner_texts()
    assert ["front.jpg" in names[0], "This photo" in names[0], names[1].strip()] == [True, True, "side.jpg"]
    page.locator('[data-panel="siblings"] .sib').nth(1).click()
    assert page.is_visible(".beside") and page.inner_text(".beside figcaption") == "side.jpg"
    source = page.get_attribute(".beside img", "src")
    assert source.startswith(f"/media/run/{second.run_id}/after/")
    page.keyboard.press("Escape")
    assert page.is_hidden(".beside")
    page.locator('[data-panel="references"] .sib').click()
    assert page.inner_text(".beside figcaption") == "As in 2025"
    page.keyboard.press("a")
    until(page, "document.querySelector('.beside').hidden")
