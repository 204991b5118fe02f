"""The figures of one batch: its scores as bars, and accuracy, compliance and turnaround side by side."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from reviewapp.enums import AssetState, BatchState, Role
from reviewapp.models import Asset, Batch, QualityReport, SampleMember
from reviewapp.policies.sampling import rejection_interval
from reviewapp.selectors.batch_figures import batch_figures
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def manager(client: Browser) -> Browser:
    """A browser signed in as a manager."""
    client.force_login(factories.make_user("mona", Role.MANAGER))
    return client


def scored(batch: Batch, *totals: float) -> None:
    for total in totals:
        factories.make_run(factories.make_asset(batch, AssetState.IN_REVIEW), total=total)


def test_qc30_the_histogram_mean_and_pass_rate_are_of_the_results_in_force() -> None:
    factories.make_policy(approve_at=90, review_at=70)
    batch, other = factories.make_batch(), factories.make_batch()
    scored(batch, 0.0, 69.99, 70.0, 89.99, 90.0, 94.99, 100.0)
    scored(other, 12.0)
    again = batch.assets.earliest("pk")
    factories.make_run(again, total=92.5)  # the 0 is not in force any more
    found = batch_figures(batch)
    bins = {one.low: one.count for one in found.spread.bins if one.count}
    assert bins == {65: 1, 70: 1, 85: 1, 90: 3, 95: 1}
    assert found.spread.scored == 7
    assert found.spread.mean == pytest.approx((69.99 + 70 + 89.99 + 90 + 94.99 + 100 + 92.5) / 7)
    assert found.pass_rate == 4 / 7
    assert [round(share, 6) for _zone, _words, share in found.chart.zones] == [round(n / 7, 6) for n in (1, 2, 4)]


def test_qc30_each_photo_passes_by_the_line_it_was_scored_under() -> None:
    strict = factories.make_policy(approve_at=95)
    batch = factories.make_batch()
    scored(batch, 94.0)
    factories.make_policy(approve_at=90)
    scored(batch, 94.0)
    factories.make_policy(approve_at=99)  # in force now, but no photo of the batch was scored under it
    found = batch_figures(batch)
    assert (found.spread.passed, found.spread.scored) == (1, 2)
    assert found.chart.current.approve_at == 90, "the newest of those that scored it"
    assert found.spread.policies[0] == strict.pk


def test_qc30_the_fragment_draws_bars_and_lines(manager: Browser) -> None:
    factories.make_policy(approve_at=90, review_at=70)
    batch = factories.make_batch()
    scored(batch, 72.0, 93.25, 93.26)
    page = manager.get(reverse("batches:figures", args=[batch.pk]), headers=HTMX)
    text = page.content.decode()
    assert "<html" not in text and "HX-Request" in page["Vary"]
    assert "70 to 75: 1; 90 to 95: 2; " in text
    assert 'x1="700.0"' in text and 'x1="900.0"' in text and "h-draft" not in text
    assert "Of 3 scored photos" in text and ">86.1<" in text, "86.17, rounded down"
    assert ">66.6<small>%</small>" in text and "At 90 points or more" in text
    assert "<b>66.6%</b>" in text and "<b>33.3%</b>" in text and "66.7" not in text, "the bars say the same"


def test_qc32_accuracy_compliance_and_turnaround_stand_side_by_side(manager: Browser) -> None:
    batch = factories.make_batch(state=BatchState.DELIVERED)
    for outcome in ("accepted",) * 9 + ("rejected", "pending"):
        task = factories.make_sample(batch)
        SampleMember.objects.filter(review_task=task).update(outcome=outcome)
    photo = factories.make_approved(batch)
    bad = factories.make_asset(batch, AssetState.APPROVED)
    factories.make_run(bad, total=95.0)
    factories.make_rendition(bad, batch.batch_channels.all()[0].channel, error="Too small.")
    start = timezone.now() - timedelta(hours=5)
    Asset.objects.filter(pk=batch.assets.earliest("pk").pk).update(created_at=start)
    Batch.objects.filter(pk=batch.pk).update(completed_at=start + timedelta(hours=2, minutes=5))
    batch.refresh_from_db()
    found = batch_figures(batch)
    assert photo.state == AssetState.APPROVED and found.accuracy == 0.9
    assert (found.verified, found.made, found.compliance) == (1, 2, 0.5)
    assert (found.took, found.is_done) == (timedelta(hours=2, minutes=5), True)
    low, high = rejection_interval(1, 10)
    text = manager.get(reverse("batches:figures", args=[batch.pk]), headers=HTMX).content.decode()
    assert text.index("Accuracy") < text.index("Compliance") < text.index("Turnaround")
    assert ">90.0<small>%</small>" in text and "Fine of 10 looked at blind, 95% interval 55.4 to 99.7%" in text
    assert (round(1 - high, 3), round(1 - low, 3)) == (0.555, 0.997)
    assert "1 of 2 files verified" in text and ">2 h 05<small> m</small>" in text and "First file to ready" in text


def test_qc32_nothing_is_made_up_where_nothing_is_known(manager: Browser) -> None:
    batch = factories.make_batch()
    text = manager.get(reverse("batches:figures", args=[batch.pk]), headers=HTMX).content.decode()
    assert text.count(">–<") == 5 and "svg" not in text
    assert "No blind sample judged yet" in text and "No channel file made yet" in text and "Nothing scored yet" in text
    factories.make_asset(batch)
    running = manager.get(reverse("batches:figures", args=[batch.pk]), headers=HTMX).content.decode()
    assert ">0<small> min</small>" in running and "So far" in running


def test_qc30_it_costs_the_same_for_two_and_for_forty_photos(manager: Browser, django_assert_num_queries: Any) -> None:
    batch = factories.make_batch()
    scored(batch, 91.0, 75.0)
    url = reverse("batches:figures", args=[batch.pk])
    manager.get(url, headers=HTMX)
    with django_assert_num_queries(10):
        manager.get(url, headers=HTMX)
    scored(batch, *[60.0 + n for n in range(38)])
    assert QualityReport.objects.count() == 40
    with django_assert_num_queries(10):
        manager.get(url, headers=HTMX)


def test_qc30_the_batch_page_asks_for_it_and_works_without_a_script(manager: Browser) -> None:
    batch = factories.make_batch()
    scored(batch, 91.0)
    url = reverse("batches:figures", args=[batch.pk])
    assert f'hx-get="{url}"' in manager.get(reverse("batches:detail", args=[batch.pk])).content.decode()
    whole = manager.get(url).content.decode()
    assert "<html" in whole and reverse("batches:detail", args=[batch.pk]) in whole
