"""What each page asks of the database: the same few questions however many photos there are, answered by an index."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from benchmarks.scaling import places, rows
from reviewapp.enums import AssetState, ReviewTaskState
from reviewapp.models import Asset, AuditEvent, QualityReport, ReviewDecision, ReviewTask
from reviewapp.selectors import assets, presets, review, tallies
from reviewapp.services import seeds

pytestmark = pytest.mark.django_db(transaction=True)

# Session and user are two of each; the shell's counts one to three.
# Samples are those of simple mode and of lots, a query each; a photo has its complaints.
# A count of what a person may be given asks once more: hidden looks at photos they judged before are not theirs.
QUERIES = {
    "home, manager": [31],  # two of them: is the line paused, does more wait than is meant to
    "batch list": [8, 8],
    "batch list, filter": [8],
    "batch list, search": [8, 6],
    "batch page": [19],
    "batch page, delivered": [19],
    "batch as a set": [6],
    "batch progress": [6],
    "batch tiles": [7],
    "images page": [7, 7],
    "one image": [13],
    "deliveries": [5],
    "thresholds": [18],  # also: the looks of 60 days and their policies, categories kept by people, a draft that waits
    "home, reviewer": [9],  # edits are counted for those who edit or sign
    "review chooser": [14],  # also: the batches to choose from
    "review queue page": [22],
}
# A batch is looked up: what is typed may be its number or a part of its name.
SEARCH = {"client": 9, "client and state": 9, "a batch": 8, "a batch by name": 8}
EVERY_SEARCH = 7


@pytest.fixture
def archive() -> Iterator[None]:
    """600 photos with all that hangs on them, as the benchmark writes them."""
    seeds.seed()
    users, _ = places.hire(3)
    rows.load(600, users)
    yield


def test_every_page_makes_exactly_its_queries(archive: None) -> None:
    manager, reviewer = places.manager_pages(), places.reviewer_pages()
    found = places.query_counts(manager, places.MANAGER) | places.query_counts(reviewer, "reviewer0")
    searches = {name.removeprefix("search, "): found.pop(name) for name in list(found) if name.startswith("search, ")}
    assert found == QUERIES
    assert searches == {name: [SEARCH.get(name, EVERY_SEARCH)] for name in searches}
    assert len(searches) == 17


def test_the_loaded_archive_is_counted_right(archive: None) -> None:
    assert tallies.drift() == []
    assert sum(tallies.totals("asset").values()) == Asset.objects.count() == 600


def lists() -> dict[str, tuple[QuerySet, str]]:  # type: ignore[type-arg]
    """Name -> (what is asked, the index that has to answer it)."""
    now = timezone.now()
    moved = Asset.objects.filter(state_changed_at__gte=now)
    reviewer = ReviewDecision.objects.values_list("reviewer_id", flat=True).first() or 0
    batch = Asset.objects.values_list("batch_id", flat=True)[0]
    return {
        "all of a state, in order": (assets.matching(assets.AssetFilter(states=["failed"])), "asset_state_order"),
        "a category, in order": (assets.matching(assets.AssetFilter(category="mug")), "asset_category_order"),
        "a SKU in any case": (assets.matching(assets.AssetFilter(sku="nw-1")), "asset_sku_any_case"),
        "photos moved today": (moved.order_by().values("state"), "asset_changed"),
        "not yet sampled": (
            Asset.objects.filter(batch_id=batch, state=AssetState.AUTO_APPROVED, sample_block__isnull=True),
            "asset_undrawn",
        ),
        "scored today": (QualityReport.objects.filter(created_at__gte=now).values("routing"), "quality_created"),
        "held photos": (ReviewTask.objects.filter(state=ReviewTaskState.ON_HOLD).order_by("decided_at", "pk"),
                        "review_held"),
        "lent photos": (ReviewTask.objects.filter(state="open", lease_owner__isnull=False, lease_owner=reviewer),
                        "review_lent"),
        "decided lately": (ReviewDecision.objects.filter(created_at__gte=now), "decision_created"),
        "skipped by me": (ReviewDecision.objects.filter(reviewer_id=reviewer, verdict="skip").values("task"),
                          "decision_skips"),
        "a batch's own events": (AuditEvent.objects.filter(batch_id=batch, noun__in=["batch", "delivery"]),
                                 "audit_batch_noun"),
    }  # fmt: skip


def test_every_long_list_is_answered_by_an_index(archive: None) -> None:
    """On PostgreSQL by the very one; SQLite, with so few rows, may prefer another, but never reads a whole table."""
    is_postgres = connection.vendor == "postgresql"
    # One big batch: of 15 photos any index finds the few that no draw has covered.
    Asset.objects.update(batch=Asset.objects.values_list("batch_id", flat=True)[0])
    with connection.cursor() as cursor:
        if is_postgres:  # 600 rows fit on a page or two: there no index is worth its while
            cursor.execute("SET enable_seqscan = off")
            cursor.execute("ANALYZE")  # else the plan hangs on whether autovacuum has just been by
        plans = {name: (asked[:50].explain(), index) for name, (asked, index) in lists().items()}
        if is_postgres:
            cursor.execute("SET enable_seqscan = on")
    for name, (plan, index) in plans.items():
        if is_postgres:
            assert index in plan, f"{name}:\n{plan}"
        else:
            assert not [line for line in plan.split("\n") if " SCAN " in line and "USING" not in line], (
                f"{name}:\n{plan}"
            )


def test_words_are_searched_in_an_index(archive: None) -> None:
    photo = Asset.objects.order_by("pk")[7]
    for words in (photo.sku[3:], photo.asin.lower(), photo.filename.upper(), photo.description):
        assert photo in assets.page(assets.AssetFilter(text=words)).assets
    assert assets.page(assets.AssetFilter(text="zebra crossing")).assets == []
    assert photo in assets.page(assets.AssetFilter(text="nw")).assets, "two letters begin a word"
    assert assets.page(assets.AssetFilter(text=photo.sku[4:6])).assets == [], "two letters inside one don't"
    Asset.objects.filter(pk=photo.pk).update(description="big 5% off", shoot_group="_x")
    assert [one.pk for one in assets.page(assets.AssetFilter(text="5%")).assets] == [photo.pk]
    assert [one.pk for one in assets.page(assets.AssetFilter(text="_X")).assets] == [photo.pk]
    for nothing in ("%5", "__", "%", "_%", "\\"):
        assert assets.page(assets.AssetFilter(text=nothing)).assets == [], "letters as they are, none stands for others"
    plan = assets.matching(assets.AssetFilter(text="zebra crossing")).values("pk").order_by()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
            assert "asset_words" in plan.explain()
            cursor.execute("SET enable_seqscan = on")
        else:
            assert "SCAN asset_words VIRTUAL TABLE" in plan.explain()
            assert "SCAN asset_starts VIRTUAL TABLE" in assets.matching(assets.AssetFilter(text="zq")).explain()
    photo.description = 'Something else: a zebra" crossing'
    photo.save()
    assert photo in assets.page(assets.AssetFilter(text='Zebra" C')).assets, "a changed word is found, quotes and all"
    assert photo not in assets.page(assets.AssetFilter(text="number 5")).assets
    for words in ("ze", "Z"):
        assert assets.page(assets.AssetFilter(text=words)).assets == [photo], "so are its first letters"
    assert assets.page(assets.AssetFilter(text="5%")).assets == [], "what it was is forgotten"
    Asset.objects.filter(pk=photo.pk).update(sku='"Q ÄRMEL', description="5\N{DEGREE SIGN} (½)")
    for words in ('"q', '"', "ÄR", "5\N{DEGREE SIGN}", "(\N{VULGAR FRACTION ONE HALF}"):
        assert assets.page(assets.AssetFilter(text=words)).assets == [photo], f"a word begins with {words}, as it is"
    assert assets.page(assets.AssetFilter(text="ar")).assets == [], "an accent counts"


def test_the_latest_decisions_are_found_without_joining_all(archive: None) -> None:
    version = ReviewDecision.objects.first()
    assert version is not None
    assert len(presets.judged(version.preset_version)) == review.live_decisions().count() > 0
