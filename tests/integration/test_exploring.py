"""A few photos below the review line are looked at, so that the line itself can be proven (RTE-03, RTE-11, C12)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse

from processing.types import Gate
from processing.types import QualityReport as Quality
from reviewapp.enums import AssetState, EditReason, ReviewReason, Role, Routing, Verdict
from reviewapp.models import Asset, EditTask, ProcessingRun, QualityReport, ReviewTask
from reviewapp.policies.quality import thresholds
from reviewapp.selectors import certifying, labels, replays
from reviewapp.selectors.review import item_payload
from reviewapp.services import leases, routing
from reviewapp.services import review as desk
from tests import factories as make
from tests import line

pytestmark = pytest.mark.django_db(transaction=True)


def scored(total: float) -> Quality:
    """A score of 61 and the like, its points lost along the edge, without a failed gate."""
    return Quality(total, 25.0, total - 75.0, 25.0, 25.0, True, "PASS", 1.0)


def routed(total: float, count: int = 1) -> list[Asset]:
    batch = make.make_batch()
    made = []
    for _ in range(count):
        asset = make.make_asset(batch, AssetState.QUEUED, category="books")
        run = make.make_run(asset, total=total)
        QualityReport.objects.filter(run=run).delete()
        routing.assign(asset, run, scored(total))
        made.append(asset)
    return made


def judge(user: User, task: ReviewTask, is_good: bool) -> None:
    result = desk.record_decision(
        user, task.pk, seen_version=task.version, verdict=Verdict.APPROVE if is_good else Verdict.REJECT,
        reasons=[] if is_good else ["edge_halo"], idempotency_key=f"e{task.pk}",
    )  # fmt: skip
    assert result.status == "saved"


def test_rte03_a_share_of_what_is_sent_back_comes_to_people_unmarked() -> None:
    make.make_policy(explored_share=0.5)
    photos = routed(61.0, 60)
    reports = QualityReport.objects.filter(run__asset__in=photos)
    looked_at = reports.filter(routing=Routing.EXPLORED)
    assert 15 <= looked_at.count() <= 45 and reports.exclude(pk__in=looked_at).count() + looked_at.count() == 60
    assert set(reports.exclude(pk__in=looked_at).values_list("routing", flat=True)) == {Routing.REJECT_AND_REDO}
    tasks = ReviewTask.objects.filter(run__quality__in=looked_at)
    assert tasks.count() == looked_at.count() and set(tasks.values_list("reason", flat=True)) == {ReviewReason.EXPLORED}
    assert not EditTask.objects.filter(asset__in=tasks.values("asset")).exists()
    shown = item_payload(tasks[0], make.make_user("", Role.REVIEWER), blind=False)
    assert "assist" not in shown or not shown["assist"], "its score is held against people's eyes, as a sample's is"


def test_rte03_the_chance_is_the_photos_own_and_no_share_means_none() -> None:
    make.make_policy(explored_share=0.5)
    photos = routed(61.0, 20)
    first = dict(QualityReport.objects.values_list("run__asset", "routing"))
    for photo in photos:  # the same once more, as after a rolled back transaction
        run = ProcessingRun.objects.get(asset=photo)
        QualityReport.objects.filter(run=run).delete()
        ReviewTask.objects.filter(asset=photo).delete()
        EditTask.objects.filter(asset=photo).delete()
        Asset.objects.filter(pk=photo.pk).update(state=AssetState.QUEUED)
        photo.refresh_from_db()
        routing.assign(photo, run, scored(61.0))
    assert dict(QualityReport.objects.values_list("run__asset", "routing")) == first
    make.make_policy(explored_share=0.0)
    routed(61.0, 20)
    assert not QualityReport.objects.filter(policy__explored_share=0, routing=Routing.EXPLORED).exists()


def test_c12_looks_below_the_line_prove_it_and_speak_with_their_chance() -> None:
    make.make_policy(explored_share=0.5)
    routed(61.0, 60)
    user = make.make_user("", Role.REVIEWER)
    seen = 0
    while task := next(iter(leases.claim_next(user, 1)), None):
        judge(user, task, seen == 0)
        seen += 1
    assert seen == QualityReport.objects.filter(routing=Routing.EXPLORED).count() > 14
    assert Asset.objects.filter(state=AssetState.APPROVED).count() == 1, "a good one ships: nobody redoes it"
    found = certifying.looked()
    assert set(found.pi) == {0.5} and int(found.seen.sum()) == seen and len(found.scores) == 60
    below = certifying.below_line(found, 70.0)
    assert (below.looks, below.good) == (seen, 1) and below.least < 1 / seen < below.most
    assert below.risk == pytest.approx(thresholds.good_upper(found.window(slice(None)), 70.0))
    assert below.is_proven == (below.risk <= 0.2) and below.needed == max(0, thresholds.labels_needed(1, 0.2) - seen)
    assert {row["pi"] for row in labels.rows()} == {0.5}
    version = ProcessingRun.objects.first()
    assert version is not None and replays.of_version(version.preset_version) == [], "it never ships as it is"


def test_a_photo_with_a_failed_gate_is_never_explored() -> None:
    make.make_policy(explored_share=1.0)
    batch = make.make_batch()
    asset = make.make_asset(batch, AssetState.QUEUED, category="books")
    run = make.make_run(asset, total=50.0)
    QualityReport.objects.filter(run=run).delete()
    routing.assign(asset, run, replace(scored(50.0), gates=(Gate("artifacts", False, "Backdrop left."),)))
    edit = EditTask.objects.get(asset=asset)
    assert edit.reason == EditReason.GATE and not ReviewTask.objects.filter(asset=asset).exists()


def test_rte03_a_real_photo_below_the_line_is_looked_at() -> None:
    batch = line.open_batch(validation_profile="basic-500")
    version = make.make_preset_version(edge={"refinement": "low"})
    type(batch).objects.filter(pk=batch.pk).update(preset_version=version)
    make.make_policy(approve_at=100.0, review_at=99.99, explored_share=1.0)
    line.send(batch, "soft.jpg", line.photo(50, side=640), category="books")
    line.run_line()
    assert batch.assets.get().state == AssetState.IN_REVIEW
    assert ReviewTask.objects.get().reason == ReviewReason.EXPLORED
    assert QualityReport.objects.get().routing == Routing.EXPLORED


@pytest.mark.parametrize(
    ("share", "good", "bad", "words"),
    [
        (0.0, 0, 0, "Nothing below the line is looked at"),
        (0.04, 0, 0, "Nobody has looked below the line yet. 4% of what is sent back"),
        (0.5, 0, 14, "The line is proven."),
        (0.5, 0, 5, "9 more looks without a good one prove the line."),
        (0.5, 12, 3, "The line sends back too much"),
    ],
)
def test_the_page_says_what_is_known_below_the_line(
    client: Browser, share: float, good: int, bad: int, words: str
) -> None:
    make.make_policy(explored_share=share)
    batch, user = make.make_batch(), make.make_user("", Role.REVIEWER)
    for n in range(good + bad):
        asset = make.make_asset(batch, AssetState.IN_REVIEW, category="books")
        run = make.make_run(asset, total=60.0)
        QualityReport.objects.filter(run=run).update(routing=Routing.EXPLORED)
        judge(user, ReviewTask.objects.create(asset=asset, run=run, reason=ReviewReason.EXPLORED, why="x"), n < good)
    client.force_login(make.make_user("mia", Role.MANAGER))
    assert words in client.get(reverse("quality:thresholds")).content.decode()
