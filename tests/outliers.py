"""Photos that passed by their score, for tests: plain ones, and some unlike the rest of their batch."""

from __future__ import annotations

from typing import Any

from reviewapp.enums import AssetState, ReviewReason, Role, Routing, Verdict
from reviewapp.models import Asset, Batch, QualityReport, ReviewDecision, ReviewTask
from reviewapp.services import review
from tests import factories as make

PLAIN = {"lightness": 50.0, "chroma_a": 2.0, "chroma_b": 5.0, "contrast": 12.0, "fill": 0.85, "aspect": 0.75}
DARK = {"lightness": 30.0}


def add(batch: Batch, count: int = 1, *, state: str = AssetState.AUTO_APPROVED, **look: Any) -> list[Asset]:
    """Photos that passed by their score, looking plain but for `look`."""
    photos = [make.make_asset(batch, AssetState(state)) for _ in range(count)]
    for photo in photos:
        run = make.make_run(
            photo, total=95.0, look={**PLAIN, **look}, after_bytes=300_000, pixels_key=photo.original_key
        )
        QualityReport.objects.filter(run=run).update(routing=Routing.AUTO_APPROVE)
    return photos


def decide(task: ReviewTask, verdict: Verdict = Verdict.APPROVE) -> ReviewDecision:
    user = make.make_user("", Role.REVIEWER)
    task.refresh_from_db()
    result = review.record_decision(
        user, task.pk, seen_version=task.version, verdict=verdict, queue="assisted",
        reasons=["shadow"] if verdict == Verdict.REJECT else [], idempotency_key=f"a{task.pk}-{task.version}",
    )  # fmt: skip
    assert result.status == "saved" and result.decision is not None, result
    return result.decision


def picked(batch: Batch) -> list[ReviewTask]:
    return list(ReviewTask.objects.filter(asset__batch=batch, reason=ReviewReason.ANOMALY).order_by("asset"))


def state_of(photo: Asset) -> str:
    return Asset.objects.values_list("state", flat=True).get(pk=photo.pk)
