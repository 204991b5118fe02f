"""Who was picked because of how it looks in its set is no sample of anything: what the figures make of it (REV-18)."""

from __future__ import annotations

import pytest

from reviewapp.enums import ReviewReason, Role, Verdict
from reviewapp.models import Asset, Batch, ReviewTask, SampleDraw
from reviewapp.selectors import certifying, home, labels, replays
from reviewapp.selectors.quality import escape_rate
from reviewapp.selectors.what_if import what_if
from reviewapp.services import batches
from tests import factories as make
from tests.outliers import DARK, add, decide, picked

pytestmark = pytest.mark.django_db(transaction=True)


def judged_set() -> tuple[Batch, ReviewTask]:
    """Twelve plain photos, two of them sampled and fine, and one that stands out and was rejected."""
    make.make_policy(sample_rate=0.1, sample_block=50)
    batch = make.make_batch()
    add(batch, 12)
    add(batch, **DARK)
    batches.refresh(batch.pk)
    for sample in ReviewTask.objects.filter(reason=ReviewReason.SAMPLE):
        decide(sample)
    (task,) = picked(batch)
    return batch, task


def test_rev18_no_figure_of_what_ships_by_itself_counts_such_a_look() -> None:
    batch, task = judged_set()
    before = certifying.looked()
    assert len(before.scores) == 12 and not before.bad.any(), "it doesn't ship by its score, looked at or not"
    escapes = escape_rate(batch)
    decide(task, Verdict.REJECT)
    after = certifying.looked()
    assert len(after.scores) == 12 and not after.bad.any() and set(after.pi) == {0.1}
    assert (after.seen == before.seen).all()
    assert escape_rate(batch) == escapes and escapes.rejected == 0
    assert home.flow(make.make_user("mona", Role.MANAGER)).auto_share == pytest.approx(12 / 13), "passed without review"


def test_rev18_another_line_is_not_judged_by_such_looks() -> None:
    _batch, task = judged_set()
    decide(task, Verdict.REJECT)
    make.make_policy(approve_at=97.0)  # its 95 points would be let through anew by a draft of 90
    found = what_if(90.0, 70.0)
    assert (found.judged, found.rate) == (0, None), "nobody judged any of that band for its score"


def test_rev18_labels_and_rates_of_versions_weigh_it_as_what_it_is() -> None:
    batch, task = judged_set()
    decide(task, Verdict.REJECT)
    weights = {row["decision"]: row["pi"] for row in labels.rows()}
    own = task.decisions.get().pk
    assert weights.pop(own) == 1.0, "all that stood out before the draw were looked at: it speaks for itself"
    assert set(weights.values()) == {SampleDraw.objects.get().size / 12}
    seen = {one.decision_id: one.pi for one in replays.of_version(batch.preset_version)}
    assert seen[own] == 1.0 and len(seen) == len(weights) + 1
    # Had its set been sampled before, the sample would speak for it already.
    Asset.objects.filter(pk=task.asset_id).update(sample_block=1)
    assert {row["decision"]: row["pi"] for row in labels.rows()}[own] is None
    assert own not in {one.decision_id for one in replays.of_version(batch.preset_version)}
