"""A batch as a set: what the line keeps of every result, and what is read of it (QC-16, QC-17, QC-35, C47)."""

from __future__ import annotations

from typing import Any

import pytest

from processing.types import Look
from reviewapp.enums import AssetState, RunKind, Step
from reviewapp.jobs import runner
from reviewapp.models import Asset, Batch, ProcessingRun, Task
from reviewapp.selectors import sets
from reviewapp.services import replaying, runs
from tests import factories, line

pytestmark = pytest.mark.django_db(transaction=True)
PLAIN = {"lightness": 50.0, "chroma_a": 2.0, "chroma_b": 5.0, "contrast": 12.0, "fill": 0.85, "aspect": 0.75}


def add(
    batch: Batch, count: int = 1, *, group: str = "", state: str = AssetState.IN_REVIEW, **look: Any
) -> list[Asset]:
    """Photos with a result that looks plain but for `look`; names of a run's own fields go to the run."""
    own = {name: look.pop(name) for name in list(look) if name.startswith("after_")}
    run = {"after_format": "JPEG", "after_bytes": 300_000, **own, "look": {**PLAIN, **look}}
    photos = [factories.make_asset(batch, AssetState(state), shoot_group=group) for _ in range(count)]
    for photo in photos:
        factories.make_run(photo, **run)
    return photos


def test_qc17_the_line_keeps_the_look_of_every_result_and_the_same_when_it_runs_again() -> None:
    batch = line.open_batch(validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(3, side=640), sku="A", category="books")
    line.run_line()
    run = ProcessingRun.objects.get()
    look = Look(**run.look)
    assert look.fill == pytest.approx(0.85, abs=0.01) and look.aspect == pytest.approx(1, abs=0.01)
    assert look.contrast < 3 and 0 < look.lightness < 60, "one dark colour all over"
    for task in Task.objects.order_by("id"):
        Task.objects.filter(pk=task.pk).update(state="pending", attempts=0)
        assert runner.run_one(task.pk) == "done"
    assert ProcessingRun.objects.get().look == run.look
    asset = batch.assets.get()
    Asset.objects.filter(pk=asset.pk).update(state=AssetState.REDO, attempt=2)
    again = runs.create_task(asset, Step.PROCESS, f"process:{asset.pk}:2", args={"attempt": 2})
    assert runner.run_one(again.pk) == "done"
    assert ProcessingRun.objects.get(attempt=2).look == run.look
    report = sets.report_of(batch)
    assert (report.photos, report.measured) == (1, 1), "a photo counts by its current result alone"


def test_qc17_identical_results_score_higher_than_mixed_ones() -> None:
    same, mixed = factories.make_batch(), factories.make_batch()
    add(same, 4)
    for lightness, chroma_b, contrast, fill in (
        (40, 5, 12, 0.85),
        (62, 25, 12, 0.85),
        (40, 5, 23, 0.71),
        (62, 25, 23, 0.71),
    ):
        add(mixed, lightness=lightness, chroma_b=chroma_b, contrast=contrast, fill=fill)
    alike, apart = sets.report_of(same).consistency, sets.report_of(mixed).consistency
    assert alike is not None and apart is not None
    assert alike.score == 100 and set(alike.to_dict().values()) == {100.0}
    # Deviations of 11 L*, 10 b*, 5.5 L* of contrast and 0.07 of fill, each on its ramp (docs/scoring.md).
    assert apart.exposure_variance == pytest.approx(100 * (20 - 11) / 18)
    assert apart.colour_variance == pytest.approx(100 * (20 - 10) / 18)
    assert apart.style_match == pytest.approx(100 * (12 - 5.5) / 11)
    assert apart.size_consistency == pytest.approx(100 * (0.15 - 0.07) / 0.14)
    assert apart.score == pytest.approx(sum(apart.to_dict().values()) / 4)


def test_qc16_who_stands_out_is_named_with_reasons_and_z() -> None:
    batch = factories.make_batch()
    add(batch, 11)
    (odd,) = add(batch, lightness=62.0, chroma_b=14.0, after_bytes=900_000)
    (found,) = sets.report_of(batch).outliers
    assert found.member == sets.Member(odd.pk, odd.sku)
    # Looks: 0.6745 x 12 over a spread that is never below floor x 0.6745 / 3.5; sizes: (n - 1) / sqrt(n).
    assert [(one.what, one.z) for one in found.anomalies] == [
        ("lightness", 10.5), ("chroma_b", 10.5), ("file_size", round(11 / 12**0.5, 3)),
    ]  # fmt: skip


def test_c47_photos_are_compared_within_their_shoot_group() -> None:
    batch = factories.make_batch()
    add(batch, 9, group="white mugs", lightness=80.0)
    (odd,) = add(batch, group="white mugs", lightness=50.0)
    add(batch, 9, group="black mugs", lightness=50.0)
    add(batch, 3, group="lamps", fill=0.5)
    report = sets.report_of(batch)
    assert [one.member.pk for one in report.outliers] == [odd.pk]
    assert report.compared == 19, "three lamps are too few to say which is odd"
    assert [(one.name, one.photos, one.score) for one in report.groups] == [
        ("white mugs", 10, pytest.approx(75 + 25 * (20 - 9) / 18)), ("black mugs", 9, 100.0), ("lamps", 3, 100.0),
    ]  # fmt: skip
    assert report.consistency is not None and report.consistency.score < 90, "the whole batch is less alike"


def test_c47_photos_without_a_group_are_compared_with_each_other() -> None:
    batch = factories.make_batch()
    add(batch, 8)
    (odd,) = add(batch, aspect=1.4)
    add(batch, 2, group="other", aspect=1.4)
    report = sets.report_of(batch)
    assert [one.member.pk for one in report.outliers] == [odd.pk] and report.compared == 9


def test_qc35_each_property_says_what_most_have_and_who_has_another() -> None:
    batch = factories.make_batch()
    add(batch, 3)
    (small,) = add(batch, after_width=1200, after_height=1600)
    Asset.objects.filter(batch=batch).update(width=4000, height=3000, format="JPEG", icc_profile="sRGB")
    Asset.objects.filter(pk=small.pk).update(icc_profile="Adobe RGB (1998)", camera="Nikon D850")
    found = {one.name: one for one in sets.report_of(batch).shared}
    assert tuple(found) == sets.PROPERTIES
    size = found["result_size"]
    assert (size.usual, size.agreeing, size.kinds) == ("2000 × 2000 px", 3, 2)
    assert size.others == ((sets.Member(small.pk, small.sku), "1200 × 1600 px"),)
    assert [(member.pk, value) for member, value in found["profile"].others] == [(small.pk, "Adobe RGB (1998)")]
    assert (found["camera"].usual, found["camera"].agreeing) == ("", 3)
    for name in ("result_format", "white", "photo_size", "photo_format"):
        assert (found[name].agreeing, found[name].others, found[name].kinds) == (4, (), 1), name
    assert (found["photo_size"].usual, found["white"].usual) == ("4000 × 3000 px", "PASS")


def test_only_current_results_of_photos_that_are_still_of_the_batch_count() -> None:
    batch = factories.make_batch()
    (photo,) = add(batch, lightness=20.0)
    factories.make_run(photo, look=PLAIN)
    add(batch, state=AssetState.AUTO_APPROVED)
    for gone in (AssetState.FAILED, AssetState.CANCELLED, AssetState.DUPLICATE, AssetState.REJECTED_INTAKE):
        add(batch, state=gone, lightness=90.0)
    factories.make_asset(batch, AssetState.QUEUED)
    add(factories.make_batch(), lightness=90.0)
    report = sets.report_of(batch)
    assert (report.photos, report.measured) == (2, 2)
    assert report.consistency is not None and report.consistency.score == 100


def test_results_from_before_looks_were_kept_are_told_apart() -> None:
    batch = factories.make_batch()
    for _ in range(3):
        factories.make_run(factories.make_asset(batch, AssetState.APPROVED))
    report = sets.report_of(batch)
    assert (report.photos, report.measured, report.consistency) == (3, 0, None)
    assert [one.usual for one in report.shared][:1] == ["2000 × 2000 px"]
    empty = sets.report_of(factories.make_batch())
    assert (empty.photos, empty.shared, empty.outliers, empty.consistency) == (0, (), (), None)


def test_the_newest_results_are_looked_at_and_it_is_said_when_there_are_more(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = factories.make_batch()
    add(batch, lightness=90.0)
    add(batch, 3)
    assert not sets.report_of(batch).is_cut
    monkeypatch.setattr(sets, "MOST", 3)
    report = sets.report_of(batch)
    assert report.is_cut and (report.photos, report.measured) == (3, 3)
    assert report.consistency is not None and report.consistency.score == 100, "the oldest is left out"


def test_a_result_that_is_copied_to_compare_presets_keeps_its_look() -> None:
    (photo,) = add(factories.make_batch())
    assert photo.current_run is not None
    copied = replaying._copied(photo.current_run)
    assert copied.kind == RunKind.REPLAY and copied.look == PLAIN
