"""Photos through the pipeline again with other settings: for a search, a duel, a comparison on the command line.

Beside execution.py the only module that runs the imaging pipeline. A search takes one stretch per task: what was tried
is stored, and the next stretch replays it from there, because the sampler is fixed by its seed.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from django.db.models import Max
from django.utils import timezone

from processing import PIPELINE_VERSION, pipeline
from processing.errors import InputRejected, StageFailed
from processing.params import ChannelSpec, ProcessingParams
from processing.removal.base import Remover
from processing.types import Removal, RGBArray
from reviewapp import storage
from reviewapp.enums import RunKind, Side, StudyStage
from reviewapp.models import Asset, Channel, PresetVersion, ProcessingRun, ReplayItem, Study, StudyRun
from reviewapp.policies.quality import bans, comparing, studying, tuning
from reviewapp.policies.quality.calibration import Logistic
from reviewapp.selectors import replays
from reviewapp.selectors.quality import current_policy

from . import execution, lives, originals, rendering, routing, runs, studies

SLICE_S = 60.0
"""A stretch of a search ends after so long: clients' photos wait no longer than that for the worker."""
NEWER = "The pipeline has a new version: what was tried before can't be compared. New rejections start another test."
FIRST_ATTEMPT = 10_000
"""Results made for comparisons are numbered from here, apart from a photo's own attempts."""
_COPIED = (
    "preset_version_id", "channel_id", "pipeline_version", "params_digest", "params", "remover", "model_name",
    "model_sha256", "confidence", "pixels_key", "alpha_key", "recipe", "after_key", "after_type", "after_format",
    "after_bytes", "after_is_file", "after_note", "matte_key", "scored_width", "scored_height", "scored_matrix",
    "before_key", "thumb_before_key", "thumb_after_key", "frame_matrix", "before_scale", "source_width",
    "source_height", "after_width", "after_height", "timings", "findings", "look", "worker",
)  # fmt: skip


class _OutOfTime(Exception):
    """This stretch is over; the next task goes on."""


class Remembered:
    """A remover that keeps its answer for one photo: no setting that is searched over changes what it finds."""

    def __init__(self, remover: Remover) -> None:
        self._remover = remover
        self._known: Removal | None = None
        self.name, self.model_name, self.model_sha256 = remover.name, remover.model_name, remover.model_sha256

    def remove(self, image: RGBArray) -> Removal:
        """Return what the remover found in this photo the first time."""
        if self._known is None:
            self._known = self._remover.remove(image)
        return self._known


class Bench:
    """Photos of a replay set on which settings are tried: scored as the line would, nothing stored."""

    def __init__(self, items: list[ReplayItem]) -> None:
        self.items = items
        self._removers: dict[tuple[int, str], Remembered] = {}

    def measured(self, item: ReplayItem, params: ProcessingParams) -> dict[str, float] | None:
        """Return {measure: value} of one photo with `params`; None where the pipeline makes nothing of it."""
        key = (item.asset_id, str(params.removal.to_dict()))
        if key not in self._removers:
            self._removers[key] = Remembered(execution.remover_for(params))
        made = make(item.asset, params, item.run.channel, self._removers[key])
        return None if made is None else measured_of(made)


def make(asset: Asset, params: ProcessingParams, channel: Channel, remover: Remover) -> pipeline.Made | None:
    """Cut out, frame and score one stored photo; None where the pipeline makes nothing of it."""
    spec = ChannelSpec.from_dict(channel.spec).on(timezone.localdate())
    extras = pipeline.Extras(plates=rendering.plates_for(params))
    try:
        with originals.of(asset) as path:
            return pipeline.make(path, params, spec, execution.scoring_of(current_policy()), remover, extras)
    except (InputRejected, StageFailed):
        return None


def measured_of(made: pipeline.Made) -> dict[str, float]:
    """Return {part or measure: value} of a score that was just made."""
    quality = made.quality
    rows = [measure.to_dict() for measure in quality.measures]
    parts = ("total", "background", "edge", "fill", "colour", "compliance_rate")
    return replays.measured({"measures": rows, **{name: getattr(quality, name) for name in parts}})


def search(claim: runs.Claim) -> None:
    """Do one stretch of a study's search; order the next, or end it with the best settings found."""
    study = _study(int(claim.args["study_id"]))
    if study.stage != StudyStage.SEARCHING:
        runs.complete(claim, _nothing)
        return
    if study.pipeline_version != PIPELINE_VERSION:
        runs.complete(claim, lambda: studies.died(study.pk, NEWER))
        return
    known = len(study.trials)
    tried = _Trials(study, time.monotonic() + SLICE_S)
    with contextlib.suppress(_OutOfTime):
        tried.run()

    def write() -> None:
        now = Study.objects.select_for_update().get(pk=study.pk)
        if now.stage != StudyStage.SEARCHING or len(now.trials) != known:
            return
        best, value = tried.best()
        Study.objects.filter(pk=study.pk).update(
            trials=tried.rows, champion_value=tried.champion_value(), best_value=value
        )
        study.refresh_from_db()
        if tried.is_done:
            studies.found(study, *_verdict(study, best, value))
        else:
            studies.order_search(study)

    runs.complete(claim, write)


def replay(claim: runs.Claim) -> None:
    """Make one side's result of one replay photo, with its score; the champion's is copied where it'd be the same."""
    wanted = StudyRun.objects.select_related(
        "study__challenger", "study__replay__base", "item__asset__batch", "item__run__channel", "item__run__quality"
    ).get(pk=claim.args["study_run_id"])
    if wanted.run_id is not None or wanted.error or wanted.study.stage != StudyStage.RENDERING:
        runs.complete(claim, _nothing)
        return
    base = wanted.item.run
    version = wanted.study.replay.base if wanted.side == Side.CHAMPION else wanted.study.challenger
    assert version is not None, "a study that renders has its challenger"
    params = ProcessingParams.from_dict(version.params)
    is_same = base.params_digest == params.digest() and base.pipeline_version == PIPELINE_VERSION
    run, quality = (_copied(base), None) if is_same else _made(wanted.item, version, params, claim.owner)

    def write() -> None:
        if not StudyRun.objects.filter(pk=wanted.pk, run__isnull=True, error="").exists():
            return
        top = ProcessingRun.objects.filter(asset_id=run.asset_id, kind=RunKind.REPLAY).aggregate(top=Max("attempt"))
        run.attempt = (top["top"] or FIRST_ATTEMPT) + 1
        run.save(force_insert=True)
        if quality is None:
            routing.record_copied(run, base.quality)
        else:
            routing.record_replayed(run, quality)
        StudyRun.objects.filter(pk=wanted.pk).update(run=run)

    runs.complete(claim, write)
    studies.advance(wanted.study_id)


def _copied(base: ProcessingRun) -> ProcessingRun:
    """The same pictures under another number: the pipeline gives equal bytes for equal settings."""
    values = {name: getattr(base, name) for name in _COPIED}
    return ProcessingRun(asset_id=base.asset_id, kind=RunKind.REPLAY, **values)


def _made(item: ReplayItem, version: PresetVersion, params: ProcessingParams, worker: str) -> tuple[ProcessingRun, Any]:
    asset, channel = item.asset, item.run.channel
    spec = ChannelSpec.from_dict(channel.spec).on(timezone.localdate())
    extras = pipeline.Extras(plates=rendering.plates_for(params), texts=rendering.metadata_for(asset))
    scoring = execution.scoring_of(current_policy())
    with originals.of(asset) as path:
        result = pipeline.process(path, params, spec, scoring, execution.remover_for(params), extras)
    made = execution.Making(asset.original_key, version, channel, FIRST_ATTEMPT, RunKind.REPLAY, worker)
    return execution.unsaved_run(asset, made, params, result), result.quality


def make_again(run: ProcessingRun) -> bool:
    """Make a run's pictures anew and store them where they were; False when other bytes come out.

    That is so after another version of the pipeline or of the models; then only a new run helps. Raises StageFailed
    when the original is gone too, InputRejected, ResourceUnavailable.
    """
    asset, params = run.asset, ProcessingParams.from_dict(run.params)
    spec = ChannelSpec.from_dict(run.channel.spec).on(timezone.localtime(run.created_at).date())
    extras = pipeline.Extras(plates=rendering.plates_for(params), texts=rendering.metadata_for(asset))
    scoring, remover = execution.scoring_of(current_policy()), execution.remover_for(params)
    if run.pixels_key != asset.original_key:  # an editor's upload
        damaged = originals.whole(run.pixels_key, execution.UPLOAD_DAMAGED, "upload_damaged")
        with originals.of(asset) as path, damaged as corrected:
            result = pipeline.rescore(path, corrected, params, spec, scoring, extras)
    else:
        with originals.of(asset) as path:
            result = pipeline.process(path, params, spec, scoring, remover, extras)
    made = execution.Making(run.pixels_key, run.preset_version, run.channel, run.attempt, RunKind(run.kind), "")
    execution.unsaved_run(asset, made, params, result)
    return all(storage.verify(key, storage.sha_of(key)) for key in _pictures(run) if key)


def _pictures(run: ProcessingRun) -> tuple[str, ...]:
    return (
        run.alpha_key, run.after_key, run.matte_key, run.before_key, run.thumb_before_key, run.thumb_after_key,
    )  # fmt: skip


class _Trials:
    """A search over the starts of a study, one after another; what is known already costs nothing again."""

    def __init__(self, study: Study, deadline: float) -> None:
        self._study, self._deadline = study, deadline
        self.rows: list[list[Any]] = [list(row) for row in study.trials]
        self._known = {_key(start, values): value for start, values, value in self.rows}
        self._fresh = 0
        self._bench = Bench(_searched(study))
        self._model = _model(study.model)
        self.is_done = False

    def run(self) -> None:
        """Search round every start. Raises _OutOfTime when this stretch is over."""
        study = self._study
        space = tuning.dimensions(study.paths)
        each = max(1, study.trials_wanted // len(study.starts))
        for number, start in enumerate(study.starts):
            champion = {one.path: float(_read(start, one.path)) for one in space}
            tuning.search(
                lambda values, at=number: self._score(at, values),  # type: ignore[misc]
                champion,
                space,
                seeds=[study.nudge],
                trials=each,
                seed=int(study.seed[:8], 16) + number,
            )
        self.is_done = True

    def champion_value(self) -> float | None:
        """The objective of the settings in use; None while nothing was tried."""
        return self.rows[0][2] if self.rows else None

    def best(self) -> tuple[dict[str, Any] | None, float | None]:
        """The best settings tried that nobody rolled back lately, and their objective; (None, None) without any."""
        regions = lives.banned_regions(self._study.replay.base.preset)
        for start, values, value in sorted(self.rows, key=lambda row: -row[2]):
            params = studying.with_values(self._study.starts[start], values)
            if not bans.is_banned(params, regions):
                return params, value
        return None, None

    def _score(self, start: int, values: Mapping[str, float]) -> float:
        known = self._known.get(_key(start, values))
        if known is not None:
            return float(known)
        # One at least in every stretch, or a slow machine would never come further.
        if self._fresh and time.monotonic() > self._deadline:
            raise _OutOfTime
        params = ProcessingParams.from_dict(studying.with_values(self._study.starts[start], values))
        value = self._objective(params)
        self._fresh += 1
        self._known[_key(start, values)] = value
        self.rows.append([start, dict(values), value])
        return value

    def _objective(self, params: ProcessingParams) -> float:
        rows, weights, lost = [], [], 0.0
        for item in self._bench.items:
            found = self._bench.measured(item, params)
            if found is None:
                lost += item.weight  # nothing came of it: a defect for certain
                continue
            rows.append(comparing.feature_row(found))
            weights.append(item.weight)
        kept = float(sum(weights))
        if not kept:
            return 0.0
        value = tuning.objective(self._model, np.array(rows), np.array(weights))
        return value * kept / (kept + lost)


def _verdict(study: Study, best: dict[str, Any] | None, value: float | None) -> tuple[dict[str, Any] | None, str]:
    """Gate 1: the settings that go to the duel, or None and why not."""
    if not studies.can_search(study.proposal.reason_code, study.model):
        drafted = _nudged(study) if study.nudge else study.proposal.params
        if bans.is_banned(drafted, lives.banned_regions(study.replay.base.preset)):
            return None, "Settings like the proposed ones were rolled back lately."
        return dict(drafted), ""
    gain = (value or 0.0) - (study.champion_value or 0.0)
    if best is not None and gain > tuning.LEAST_GAIN:
        return best, ""
    return None, f"The search found nothing that people would probably like better ({gain:+.1f} points)."


def _nudged(study: Study) -> dict[str, Any]:
    """The settings in use, moved as people wish, no further than one proposal may."""
    base = study.starts[0]
    within = {one.path: one.around(float(_read(base, one.path))) for one in tuning.dimensions(study.paths)}
    values = {path: float(np.clip(value, *within[path])) for path, value in study.nudge.items() if path in within}
    return studying.with_values(base, values)


def _searched(study: Study) -> list[ReplayItem]:
    items = study.replay.items.select_related("asset__batch", "run__channel").order_by("place")
    groups = [[item for item in items if item.was_approved is flag] for flag in (False, True)]
    kept = []
    for group in groups:
        part = group[: studying.SEARCHED_EACH]
        share = sum(item.weight for item in group) / max(1e-12, sum(item.weight for item in part))
        for item in part:
            item.weight *= share  # the part speaks for its whole group
        kept += part
    return kept


def _model(stored: Mapping[str, Any]) -> Logistic:
    centre, scale, slopes = (np.array(stored[name], dtype=np.float64) for name in ("centre", "scale", "slopes"))
    return Logistic(centre, scale, slopes, float(stored["intercept"]))


def _key(start: int, values: Mapping[str, float]) -> tuple[Any, ...]:
    return start, tuple(sorted(values.items()))


def _read(params: Mapping[str, Any], path: str) -> Any:
    group, _, name = path.partition(".")
    return params[group][name]


def _study(pk: int) -> Study:
    return Study.objects.select_related("proposal", "replay__base__preset", "challenger").get(pk=pk)


def _nothing() -> None:
    """Done before, or its study moved on."""
