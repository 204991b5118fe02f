"""The batch page's panel of the set over HTTP: what it says, costs and to whom (QC-16, QC-17, QC-35)."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils.functional import Promise

from processing.quality.consistency import Consistency
from processing.types import Look
from reviewapp.enums import AssetState, Role
from reviewapp.models import Batch, QualityReport
from reviewapp.policies import standing_out
from reviewapp.selectors import sets
from reviewapp.web import set_words
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
PLAIN = {"lightness": 50.0, "chroma_a": 2.0, "chroma_b": 5.0, "contrast": 12.0, "fill": 0.85, "aspect": 0.75}


@pytest.fixture
def manager(client: Browser) -> Browser:
    """A browser signed in as a manager."""
    client.force_login(factories.make_user("mona", Role.MANAGER))
    return client


def fill(batch: Batch, count: int, **look: Any) -> list[int]:
    """Photos with a result; returns their ids."""
    photos = [factories.make_asset(batch, AssetState.IN_REVIEW) for _ in range(count)]
    for photo in photos:
        factories.make_run(photo, look={**PLAIN, **look}, after_format="JPEG", after_bytes=300_000)
    return [photo.pk for photo in photos]


def panel(browser: Browser, batch: Batch) -> str:
    answer = browser.get(reverse("batches:set", args=[batch.pk]), headers=HTMX)
    assert answer.status_code == 200 and "HX-Request" in answer["Vary"]
    return answer.content.decode()


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.EDITOR, Role.SENIOR])
def test_sec01_the_panel_is_for_who_may_open_the_batch(client: Browser, role: Role) -> None:
    batch = factories.make_batch()
    url = reverse("batches:set", args=[batch.pk])
    assert client.get(url).status_code == 302
    client.force_login(factories.make_user("", role))
    assert client.get(url, headers=HTMX).status_code == 403


def test_the_batch_page_asks_for_the_panel_and_links_to_it_without_a_script(manager: Browser) -> None:
    batch = factories.make_batch()
    fill(batch, 2)
    url = reverse("batches:set", args=[batch.pk])
    page = manager.get(reverse("batches:detail", args=[batch.pk])).content.decode()
    assert f'href="{url}"' in page and f'hx-get="{url}"' in page and 'hx-trigger="load, click"' in page
    whole = manager.get(url).content.decode()
    assert "<html" in whole and "of 100 alike" in whole and reverse("batches:detail", args=[batch.pk]) in whole
    assert "<html" not in panel(manager, batch)
    assert manager.get(reverse("batches:set", args=[10**6])).status_code == 404


def test_the_panel_costs_the_same_for_two_and_for_forty_photos(
    manager: Browser, django_assert_num_queries: Any
) -> None:
    batch = factories.make_batch()
    fill(batch, 2)
    panel(manager, batch)
    with django_assert_num_queries(5):  # session, person, roles, batch, the set
        panel(manager, batch)
    fill(batch, 37)
    fill(batch, 1, lightness=80.0)
    with django_assert_num_queries(5):
        assert "lighter than the rest" in panel(manager, batch)


@pytest.mark.parametrize("count", [0, 1])
def test_qc17_a_batch_of_fewer_than_two_results_says_so_and_nothing_else(manager: Browser, count: int) -> None:
    batch = factories.make_batch()
    fill(batch, count)
    text = panel(manager, batch)
    assert "A set begins with two results." in text
    for words in ("of 100", "Colour", "Files", "stands out", "Stand out"):
        assert words not in text, words


def test_qc17_the_score_its_four_metrics_and_one_sentence(manager: Browser) -> None:
    batch = factories.make_batch()
    fill(batch, 4)
    text = panel(manager, batch)
    assert '<span class="score-big">100</span>' in text and "These photos look like one set." in text
    assert text.count('<span class="num">100</span>') == 4
    assert "different products differ" not in text
    fill(batch, 4, lightness=72.0)
    text = panel(manager, batch)
    # 11 L* off the middle: exposure 100 x (20 - 11) / 18 = 50, the mean 87.5, rounded down as every score (B9).
    assert '<span class="score-big">87</span>' in text and "look like one set" in text
    fill(batch, 8, chroma_a=30.0, lightness=61.0)
    text = panel(manager, batch)
    assert "These photos look alike on the whole. They differ most in colour." in text
    assert "different products differ without being wrong" in text
    fill(batch, 8, contrast=40.0, fill=0.4, lightness=5.0)
    assert "These photos don't look like one set." in panel(manager, batch).replace("&#x27;", "'")


def test_qc16_outliers_are_links_with_reason_and_z_and_the_rest_unfolds(manager: Browser) -> None:
    batch = factories.make_batch()
    fill(batch, 20)
    assert "No photo stands out." in panel(manager, batch)
    odd = [fill(batch, 1, lightness=60.0 + n)[0] for n in range(7)]
    page = manager.get(reverse("batches:set", args=[batch.pk]), headers=HTMX)
    told = page.context["told"]
    assert [row.member.pk for row in told.first] == odd[::-1][:5], "the farthest first"
    assert [row.member.pk for row in told.rest] == odd[::-1][5:]
    assert told.first[0].why == "lighter than the rest (z\u00a014.0)"
    text = page.content.decode()
    for pk in odd:
        assert f'id="odd-{pk}"' in text and f'href="{reverse("images:detail", args=[pk])}"' in text
    assert "2 more" in text and "No photo stands out" not in text


def test_qc16_too_few_to_say_who_is_odd_is_said(manager: Browser) -> None:
    batch = factories.make_batch()
    fill(batch, 6)
    fill(batch, 1, lightness=90.0)
    text = panel(manager, batch)
    assert "Who stands out is said from 8 measured photos on." in text and "lighter" not in text


def test_qc35_what_most_have_and_who_has_another(manager: Browser) -> None:
    batch = factories.make_batch()
    fill(batch, 3)
    for n in range(5):
        (pk,) = fill(batch, 1)
        if n == 0:
            batch.assets.get(pk=pk).runs.update(after_width=1200)
            small = pk
    text = " ".join(panel(manager, batch).split())
    assert "2000 × 2000 px in 7 of 8" in text and f'id="set-result_size-{small}"' in text
    assert "1200 × 2000 px" in text and "all JPEG" in text and "all white" in text
    for number, photo in enumerate(batch.assets.all()):
        photo.camera = f"Camera {number % 4}"
        photo.save()
    told = manager.get(reverse("batches:set", args=[batch.pk]), headers=HTMX).context["told"]
    camera = next(row for row in told.properties if row.key == "camera")
    assert (camera.value, camera.kinds, camera.others) == ("Camera 0 in 2 of 8", 4, [])


def test_qc35_what_nobody_knows_or_asked_for_is_no_finding(manager: Browser) -> None:
    batch = factories.make_batch()
    fill(batch, 2)
    told = manager.get(reverse("batches:set", args=[batch.pk]), headers=HTMX).context["told"]
    assert [row.key for row in told.properties] == ["result_size", "result_format", "white"], "no photo was inspected"
    QualityReport.objects.update(background_status="NOT_REQUIRED")
    text = panel(manager, batch)
    assert "not asked for" in text and "all not asked for" not in text


def test_qc17_results_made_before_looks_were_kept_have_files_and_no_score(manager: Browser) -> None:
    batch = factories.make_batch()
    for _ in range(3):
        factories.make_run(factories.make_asset(batch, AssetState.APPROVED))
    text = panel(manager, batch)
    assert "was not measured" in text and "of 100" not in text and "all 2000 × 2000 px" in text
    fill(batch, 2)
    assert "3 results are not measured." in panel(manager, batch)


def test_c47_shoot_groups_have_scores_of_their_own(manager: Browser) -> None:
    batch = factories.make_batch()
    fill(batch, 4)
    fill(batch, 4, lightness=90.0)
    for number, photo in enumerate(batch.assets.order_by("pk")):
        photo.shoot_group = "mugs" if number < 4 else "lamps"
        photo.save()
    told = manager.get(reverse("batches:set", args=[batch.pk]), headers=HTMX).context["told"]
    assert told.groups == [("lamps", 4, 100), ("mugs", 4, 100)] and told.score == "75"
    assert "from 8 measured photos of a shoot group on" in told.quiet


def test_everything_that_can_be_odd_or_differ_has_words_in_any_language() -> None:
    assert set(standing_out.ODD) == {one.name for one in fields(Look)} | {"file_size"}
    assert set(set_words.METRICS) == {one.name for one in fields(Consistency)}
    assert tuple(set_words.PROPERTIES) == sets.PROPERTIES and set(sets.PROPERTIES) > set_words.DELIVERED
    pairs = set_words.METRICS.values()
    words = [word for pair in pairs for word in pair] + [*set_words.PROPERTIES.values(), *set_words.WHITE.values()]
    assert all(isinstance(word, Promise) for word in words)
    marked = {word for pair in standing_out.ODD.values() for word in pair}
    assert len(marked) == 2 * len(standing_out.ODD), "no two say the same"


def test_what_is_odd_is_said_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    """The words are the policy's, which knows no language; a row keeps them as they are."""
    batch = factories.make_batch()
    fill(batch, 9)
    fill(batch, 1, lightness=66.0)
    (odd,) = sets.report_of(batch).outliers
    monkeypatch.setattr(set_words, "_", str.swapcase)  # a language of its own, in place of Django's gettext
    assert set_words._odd(odd).why == "LIGHTER THAN THE REST (z\u00a014.0)"
    assert standing_out.why(odd.anomalies) == "Lighter than the rest (z\u00a014.0)."
