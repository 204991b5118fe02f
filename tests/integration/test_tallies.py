"""The running counts are exact: whatever changes a photo, by whichever way, and however many do so at once."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from importlib import import_module
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewapp.enums import AssetState, BatchState, EditReason, EditTaskState, ReviewReason, ReviewTaskState, Role
from reviewapp.models import Asset, Batch, EditTask, ProcessingRun, QualityReport, ReviewTask, Tally
from reviewapp.policies.transitions import ASSET_TRANSITIONS
from reviewapp.selectors import batches as batch_reads
from reviewapp.selectors import editing, quality, review, tallies
from reviewapp.services import assets, runs
from reviewapp.services import tallies as services
from tests import factories as make

from .test_review_claims import in_threads

counted = import_module("reviewapp.migrations._counted")
STATES, CATEGORIES = list(AssetState), ("", "mug", "shoe")
MOVES = [(old, new) for old, targets in ASSET_TRANSITIONS.items() for new in sorted(targets)]


@pytest.mark.django_db
def test_every_trigger_and_search_index_is_there() -> None:
    """Fails after a migration that rebuilt a counted table on SQLite without `_counted.drop` and `_counted.add`."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT tgname FROM pg_trigger UNION SELECT indexname FROM pg_indexes")
        else:
            cursor.execute("SELECT name FROM sqlite_master WHERE type IN ('trigger', 'table')")
        found = {name for (name,) in cursor.fetchall()}
    assert set(counted.triggers(connection.vendor)) <= found
    assert "asset_words" in found or not _has_trigrams()
    assert "asset_starts" in found or connection.vendor == "postgresql"


def _has_trigrams() -> bool:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return True
        cursor.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'")
        return cursor.fetchone() is not None


@pytest.mark.django_db
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 13), st.integers(0, 2**31)), min_size=1, max_size=25))
def test_counts_stay_exact_through_any_changes(steps: list[tuple[int, int]]) -> None:
    batch = make.make_batch()
    photos = [make.make_asset(batch) for _ in range(3)]
    for kind, seed in steps:
        _change(kind, random.Random(seed), batch, photos)
        assert tallies.drift() == []
    expected = Counter(batch.assets.values_list("state", flat=True))
    assert Counter(batch_reads.counts(batch)) == expected
    services.fold()
    assert Counter(batch_reads.counts(batch)) == expected
    assert Tally.objects.values("kind", "batch_id", "key").annotate(n=Count("pk")).filter(n__gt=1).count() == 0
    assert tallies.drift() == []


def _change(kind: int, rng: random.Random, batch: Batch, photos: list[Asset]) -> None:
    """One change of one or many photos, by the model, by a bulk UPDATE, or by plain SQL; legal or not."""
    photo = rng.choice(photos)
    if kind > 9:
        _change_edits(kind, rng, photo)
        return
    some = Asset.objects.filter(pk__in=[one.pk for one in rng.sample(photos, 2)])
    if kind == 0:
        photos.append(make.make_asset(batch, rng.choice(STATES), category=rng.choice(CATEGORIES)))
    elif kind == 1:
        some.update(state=rng.choice(STATES))
    elif kind == 2:
        some.update(category=rng.choice(CATEGORIES), state=rng.choice(STATES))
    elif kind == 3:
        make.make_run(photo, total=rng.choice([0.0, 4.99, 5.0, 89.999, 95.0, 99.5, 100.0]))
    elif kind == 4:
        run = ProcessingRun.objects.filter(asset=photo).order_by("?").first()
        Asset.objects.filter(pk=photo.pk).update(current_run=rng.choice([None, run]))
    elif kind == 5 and photo.current_run is not None:
        ReviewTask.objects.get_or_create(
            run=photo.current_run, defaults={"asset": photo, "reason": rng.choice(ReviewReason.values), "why": "x"}
        )
    elif kind == 6:
        changes = {"state": rng.choice(ReviewTaskState.values), "needs_senior": rng.random() < 0.5}
        ReviewTask.objects.filter(asset__in=photos).update(**changes)
    elif kind == 7:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE reviewapp_asset SET state = 'failed' WHERE id = %s", [photo.pk])
    elif kind == 8:
        _throw_away(photo, photos)
    else:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            some.update(state=AssetState.FAILED)
            raise ZeroDivisionError


def _change_edits(kind: int, rng: random.Random, photo: Asset) -> None:
    """One change of a photo's edit tasks, or of the batch it is in and back."""
    edits, state = EditTask.objects.filter(asset=photo), rng.choice(EditTaskState.values)
    editor = rng.choice([None, make.make_user("", Role.EDITOR)])
    if kind == 10 and not edits.filter(state__in=editing.WAITING).exists():
        EditTask.objects.create(asset=photo, reason=EditReason.REJECTED, why="x", state=state, editor=editor)
    elif kind == 11 and (task := edits.order_by("?").first()) is not None:
        if state not in editing.WAITING or not edits.filter(state__in=editing.WAITING).exclude(pk=task.pk).exists():
            EditTask.objects.filter(pk=task.pk).update(**rng.choice([{"state": state}, {"editor": editor}]))
    elif kind == 12:
        edits.delete()
    elif kind == 13:
        home = photo.batch
        Asset.objects.filter(pk=photo.pk).update(batch=make.make_batch())
        assert tallies.drift() == []
        Asset.objects.filter(pk=photo.pk).update(batch=home)


def _throw_away(photo: Asset, photos: list[Asset]) -> None:
    if len(photos) > 3:
        photos.remove(photo)
        Asset.objects.filter(pk=photo.pk).update(current_run=None)
        ReviewTask.objects.filter(asset=photo).delete()
        EditTask.objects.filter(asset=photo).delete()
        QualityReport.objects.filter(run__asset=photo).delete()
        ProcessingRun.objects.filter(asset=photo).delete()
        Asset.objects.filter(pk=photo.pk).delete()


@pytest.mark.django_db(transaction=True)
def test_counts_stay_exact_while_many_work_fold_and_recount_at_once() -> None:
    batches = [make.make_batch() for _ in range(2)]
    photos = [make.make_asset(batches[n % 2], AssetState.RECEIVED) for n in range(24)]
    for photo in photos[:6]:
        EditTask.objects.create(asset=photo, reason=EditReason.REJECTED, why="x")

    def work(at: int) -> int:
        rng, moved = random.Random(at), 0
        for _ in range(12):
            if at == 0:
                services.fold()
            elif at == 1:
                services.recount()
            else:
                moved += _moves(rng, photos)
        return moved

    assert sum(in_threads(6, work)) > 0
    assert tallies.drift() == []
    services.fold()
    assert tallies.drift() == []
    for batch in batches:
        assert Counter(batch_reads.counts(batch)) == Counter(batch.assets.values_list("state", flat=True))
    live = Counter(EditTask.objects.filter(state__in=editing.WAITING).values_list("state", flat=True))
    assert tallies.edits(None) == live


def _moves(rng: random.Random, photos: list[Asset]) -> int:
    """Move two photos and an edit in one transaction, the way services do; nothing when somebody else was faster."""
    try:
        with transaction.atomic():
            for photo in sorted(rng.sample(photos, 2), key=lambda one: one.pk):
                fresh = Asset.objects.get(pk=photo.pk)
                targets = sorted(ASSET_TRANSITIONS[AssetState(fresh.state)])
                if targets:
                    assets.move(fresh, rng.choice(targets))
            edited = EditTask.objects.filter(asset=rng.choice(photos[:6]))
            edited.update(state=rng.choice(EditTaskState.values))
    except assets.StateConflict:
        return 0
    return 1


@pytest.mark.django_db
def test_a_recount_says_what_was_wrong_and_puts_it_right() -> None:
    batch = make.make_batch()
    make.make_review(batch)
    make.make_edit()
    Tally.objects.filter(kind="asset", batch_id=batch.pk).delete()
    Tally.objects.filter(kind="edit").delete()
    Tally.objects.create(kind="category", key="ghost", n=2)
    assert [one.kind for one in tallies.drift()] == ["asset", "category", "edit"]
    with pytest.raises(SystemExit):
        call_command("recount", "--check", stdout=StringIO())
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("recount", stdout=out)
    assert f"asset in_review of batch {batch.pk}: kept 0, counted 1" in out.getvalue()
    assert tallies.drift() == []
    call_command("recount", stdout=out)
    assert "Every count is right." in out.getvalue()


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.REVIEWER, Role.SENIOR])
@pytest.mark.parametrize("queue", review.QUEUES)
def test_the_queue_counts_what_it_would_give_out(queue: review.Queue, role: Role) -> None:
    user, other = make.make_user("ria", role), make.make_user("rob", Role.REVIEWER)
    lent = {"lease_owner": other, "lease_until": timezone.now() + timedelta(minutes=5)}
    for state in (BatchState.REVIEW, BatchState.PAUSED, BatchState.CANCELLED):
        batch = make.make_batch(state=state)
        tasks = [make.make_review(batch) for _ in range(4)] + [make.make_sample(batch) for _ in range(2)]
        ReviewTask.objects.filter(pk=tasks[0].pk).update(needs_senior=True)
        ReviewTask.objects.filter(pk__in=[tasks[1].pk, tasks[4].pk]).update(state=ReviewTaskState.ON_HOLD)
        ReviewTask.objects.filter(pk=tasks[2].pk).update(**lent)
        ReviewTask.objects.filter(pk=tasks[3].pk).update(state=ReviewTaskState.ON_HOLD, needs_senior=True)
    counts = review.queue_counts(user, queue)
    assert counts.waiting == review.open_tasks(queue, user).count() > 0
    assert counts.held == review.held_tasks(queue, user).count() > 0
    assert (counts.others, counts.mine, counts.free) == (1, 0, counts.waiting - 1)


@pytest.mark.django_db
def test_the_histogram_counts_results_in_force_only() -> None:
    photo = make.make_asset(None, AssetState.IN_REVIEW)
    make.make_run(photo, total=12.0)
    make.make_run(photo, total=100.0)
    bins = {one.low: one.count for one in quality.score_histogram() if one.count}
    assert bins == {95: 1}
    assert bins == {one.low: one.count for one in quality.score_histogram(photo.batch) if one.count}


@pytest.mark.django_db(transaction=True)
def test_the_sweep_folds_one_row_per_change_into_one_per_count() -> None:
    batch = make.make_batch()
    for _ in range(5):
        runs.create_task(make.make_asset(batch), "validate", f"x:{Asset.objects.latest('pk').pk}")
    assert Tally.objects.filter(kind="asset", batch_id=batch.pk).count() == 5
    call_command("sweep", "--once", stdout=StringIO())
    assert list(Tally.objects.filter(kind="asset", batch_id=batch.pk).values_list("key", "n")) == [("received", 5)]
