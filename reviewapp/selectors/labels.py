"""Decisions as labels for training and for measuring: one row each, in a part that never changes (FBK-12, FBK-19)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from reviewapp.enums import ReviewReason, RunKind, Verdict
from reviewapp.models import ReviewDecision
from reviewapp.policies.quality import order
from reviewapp.selectors import replays
from reviewapp.selectors.review import photo_decisions

SPLIT_SEED = "5f" * 32
"""Fixed for good: with another one photos would move from the holdout into the training part."""
HOLDOUT = 0.2
CHUNK = 500


def split_of(unit: str) -> str:
    """Return "train" or "holdout" for a product: by the hash of its source alone, whatever else is exported."""
    return "holdout" if order.share_of(SPLIT_SEED, unit) < HOLDOUT else "train"


def unit_of(client: str, sku: str, sha256: str) -> str:
    """What stays together: the photos of one product of one client; a photo without a SKU stands alone."""
    return f"{client}/{sku.casefold()}" if sku else sha256


def rows(*, with_demo: bool = False) -> Iterator[dict[str, Any]]:
    """Yield every decision in force with its photo, settings and score, oldest first; rendered demo photos left out.

    `pi` is the chance the photo had of being looked at: a set that is weighted by 1 / pi speaks of the traffic. It is
    None where none can be said and a weighted set must leave the row out: picked because it stands out of its set, when
    a sample of that set had been drawn already, which speaks for it. Picked before, it has 1: it speaks for itself.
    """
    decisions = photo_decisions().select_related(
        "asset__batch__client", "run__quality__policy", "run__preset_version__preset", "policy", "task"
    )
    if not with_demo:
        decisions = decisions.filter(asset__batch__is_demo=False)
    stream = decisions.order_by("pk").iterator(chunk_size=CHUNK)
    while part := list(islice(stream, CHUNK)):
        samples = [one.task_id for one in part if one.task.reason == ReviewReason.SAMPLE]
        yield from _rows(part, replays.chances(samples))


def _chance(decision: ReviewDecision, chances: Mapping[int, float]) -> float | None:
    if decision.task.reason == ReviewReason.ANOMALY and decision.asset.sample_block is not None:
        return None
    if decision.task.reason == ReviewReason.EXPLORED:
        return float(decision.run.quality.policy.explored_share)
    return chances.get(decision.task_id, 1.0)


def _rows(decisions: list[ReviewDecision], chances: Mapping[int, float]) -> Iterator[dict[str, Any]]:
    for decision in decisions:
        asset, run = decision.asset, decision.run
        yield {
            "decision": decision.pk,
            "photo": asset.sha256,
            "client": asset.batch.client.slug,
            "sku": asset.sku,
            "category": asset.category,
            "split": split_of(unit_of(asset.batch.client.slug, asset.sku, asset.sha256)),
            "verdict": decision.verdict,
            "reasons": decision.reasons,
            "directions": decision.directions,
            "marks": decision.marks,
            "is_defective": decision.verdict == Verdict.REJECT or run.kind == RunKind.ADJUSTED,
            "was_blind": decision.was_blind,
            "is_sample": decision.task.reason == ReviewReason.SAMPLE,
            "pi": _chance(decision, chances),
            "preset": run.preset_version.preset.slug,
            "preset_version": run.preset_version.number,
            "pipeline": run.pipeline_version,
            "remover": run.remover,
            "model": run.model_sha256,
            "kind": run.kind,
            "measured": replays.measured_of(run.quality),
            "decided_at": decision.created_at.isoformat(),
        }
