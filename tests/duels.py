"""A duel between two preset versions made of rows alone: studies, both results, blind tasks."""

from __future__ import annotations

import itertools

from processing import PIPELINE_VERSION
from reviewapp.enums import AssetState, ReviewReason, RunKind, Side, StudyStage
from reviewapp.models import (
    Batch,
    PresetProposal,
    PresetVersion,
    ReplayItem,
    ReplaySet,
    ReviewTask,
    Study,
    StudyRun,
)
from reviewapp.services import lives
from tests import factories as make

_attempts = itertools.count(20_000)


def make_study(photos: int = 2, *, stage: StudyStage = StudyStage.DUEL, batch: Batch | None = None) -> Study:
    """A study whose results are made and, in a duel, wait in the blind queue: challenger first, then champion."""
    base = batch.preset_version if batch else make.make_preset_version()
    batch = batch or make.make_batch(preset_version=base)
    params = {**base.params, "edge": {**base.params["edge"], "radius_ratio": 0.005}}
    challenger = PresetVersion.objects.create(
        preset=base.preset, number=base.number + 1, params=params, digest=f"{base.pk:064d}", note="Proposed"
    )
    lives.begin(challenger, base)
    proposal = PresetProposal.objects.create(
        base=base, reason_code="edge_halo", params=params,
        changes=[{"path": "edge.radius_ratio", "old": 0.006, "new": 0.005}],
        evidence={"decisions": 20, "rejected_with_reason": 9, "share": 0.45, "limit": 0.05, "decision_ids": []},
    )  # fmt: skip
    replay = ReplaySet.objects.create(base=base, digest="d" * 64, seed="5a" * 32, size=photos)
    study = Study.objects.create(
        proposal=proposal, replay=replay, stage=stage, pipeline_version=PIPELINE_VERSION, seed="5a" * 32,
        starts=[base.params], paths=["edge.radius_ratio"], model={}, trials_wanted=4,
        trials=[[0, {"edge.radius_ratio": 0.006}, 50.0]],
        champion_value=50.0, best_value=60.0, challenger=challenger, looks=2 * photos,
    )  # fmt: skip
    for place in range(photos):
        asset = make.make_asset(batch, AssetState.AUTO_APPROVED)
        item = ReplayItem.objects.create(
            replay=replay, asset=asset, run=make.make_run(asset), place=place, pi=1.0, weight=1.0,
            was_approved=bool(place % 2),
        )  # fmt: skip
        original = asset.current_run
        for side, version in ((Side.CHALLENGER, challenger), (Side.CHAMPION, base)):
            run = make.make_run(asset, kind=RunKind.REPLAY, preset_version=version, attempt=next(_attempts))
            made = StudyRun.objects.create(study=study, item=item, side=side, run=run)
            if stage == StudyStage.DUEL:
                task = ReviewTask.objects.create(
                    asset=asset, run=run, reason=ReviewReason.SAMPLE, why="Looked at by a person."
                )
                StudyRun.objects.filter(pk=made.pk).update(review_task=task)
        type(asset).objects.filter(pk=asset.pk).update(current_run=original)
    return study
