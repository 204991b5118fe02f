"""Doing one claimed step: a short read, a long computation without any transaction, one short transaction to keep it.

The only module of the application that runs the imaging pipeline. Every step may run twice: it looks first whether
its result is there, files are written (content-addressed) before the rows that name them, and the write checks that
the photo still is where the step found it.
"""

from __future__ import annotations

import os
import pkgutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from processing import PIPELINE_VERSION, pipeline
from processing.classification import CategoryModel
from processing.classification import classify as classify_photo
from processing.errors import ResourceUnavailable, StageFailed
from processing.params import ChannelSpec, ClassificationParams, ProcessingParams, ScoringParams
from processing.phash import NEAR_BITS, phash_distance
from processing.removal.base import Remover, create_remover
from processing.types import Finding, IntakeReport, PixelCues, Result
from reviewapp import storage
from reviewapp.enums import AdjustmentState, AssetState, EditTaskState, RunKind, Step
from reviewapp.models import (
    Adjustment,
    Asset,
    CategoryRule,
    Channel,
    EditTask,
    PresetVersion,
    ProcessingRun,
    RoutingPolicy,
)
from reviewapp.policies.adjusting import applied as apply_changes
from reviewapp.selectors.canaries import version_on_trial
from reviewapp.selectors.presets import version_for
from reviewapp.selectors.quality import current_policy

from . import adjusting, assets, batches, gold_making, originals, rendering, routing, runs, scanning
from .inspecting import inspected

__all__ = ["adjust", "classify", "process", "remover_for", "render", "rescore", "validate", "warm_removers"]

# So many earlier photos are looked at for a near duplicate; a batch of 10,000 stays linear.
LOOK_BACK = 2000
UPLOAD_DAMAGED = "The file that was handed in is missing or damaged. Hand it in again."
_removers: dict[tuple[str, str, str], Remover] = {}


def validate(claim: runs.Claim) -> None:
    """Look at a RECEIVED photo: VALIDATED with its facts, or REJECTED_INTAKE with the sentence for the client (VAL-09).

    Raises StageFailed when the stored original is gone or damaged.
    """
    asset = _asset(claim)
    if asset.state != AssetState.RECEIVED:
        runs.complete(claim, _nothing)
        return
    report = inspected(asset, _classifying(current_policy()))
    facts = _facts(report)
    facts["findings"] += [finding.to_dict() for finding in _look_alikes(asset, report.phash)]

    def write() -> None:
        if not _is_still(asset, AssetState.RECEIVED):
            return
        if not report.passed:
            assets.move(asset, AssetState.REJECTED_INTAKE, reason=report.reason, code=report.code, **facts)
            return
        assets.move(asset, AssetState.VALIDATED, reason=report.reason, **facts)
        runs.create_task(asset, Step.CLASSIFY, f"classify:{asset.pk}")

    runs.complete(claim, write)
    batches.refresh(asset.batch_id)


def classify(claim: runs.Claim) -> None:
    """Find how hard a VALIDATED photo is, by its category's rule or its pixels, and choose its lane (CLS-04..06)."""
    asset = _asset(claim)
    if asset.state != AssetState.VALIDATED:
        runs.complete(claim, _nothing)
        return
    rules = dict(CategoryRule.objects.values_list("category", "complexity"))
    with originals.of(asset) as path:
        found = classify_photo(
            path,
            asset.category,
            rules,
            _classifying(current_policy()),
            cues=_cues_of(asset),
            model=_category_model(settings.CATEGORY_MODEL),
        )

    def write() -> None:
        if not _is_still(asset, AssetState.VALIDATED):
            return
        if Asset.objects.values_list("category", flat=True).get(pk=asset.pk) != asset.category:
            raise ResourceUnavailable("The sheet named another category meanwhile.", code="category_changed")
        assets.move(
            asset,
            AssetState.CLASSIFIED,
            reason=found.rule,
            category=asset.category or found.category,
            category_source=found.category_source,
            complexity=found.complexity,
            edge_score=found.edge_score,
            colour_match_risk=found.colour_match_risk,
            colour_family=found.colour_family,
            classification_rule=found.rule[:200],
        )
        routing.take_on(asset)

    runs.complete(claim, write)
    batches.refresh(asset.batch_id)


def process(claim: runs.Claim) -> None:
    """Cut out, correct, frame and score a QUEUED (or REDO) photo; its run, score, state and next task are one write."""
    asset = _asset(claim)
    attempt = int(claim.args.get("attempt", asset.attempt))
    version = version_on_trial(asset) or version_for(asset)
    if asset.state not in (AssetState.QUEUED, AssetState.REDO) or _run_of(asset, version, attempt) is not None:
        runs.complete(claim, _nothing)
        return
    found_in = AssetState(asset.state)
    params = ProcessingParams.from_dict(version.params)
    channel = _scored_channel(asset)
    remover = remover_for(params)
    spec, scoring = ChannelSpec.from_dict(channel.spec).on(timezone.localdate()), scoring_of(current_policy())
    extras = pipeline.Extras(plates=rendering.plates_for(params), texts=rendering.metadata_for(asset))
    with originals.of(asset) as path:
        result = pipeline.process(path, params, spec, scoring, remover, extras)
    made = Making(asset.original_key, version, channel, attempt, RunKind.AUTOMATED, claim.owner)
    run = unsaved_run(asset, made, params, result)

    def write() -> None:
        if not _is_still(asset, found_in):
            return
        run.save(force_insert=True)
        routing.assign(asset, run, result.quality)

    runs.complete(claim, write)
    batches.refresh(asset.batch_id)


def rescore(claim: runs.Claim) -> None:
    """Score what an editor handed in and give it to a senior (PRO-20, RTE-12): a new run with the next attempt."""
    edit = EditTask.objects.select_related("base_run").get(pk=claim.args["edit_task_id"])
    asset = _asset(claim)
    if edit.state != EditTaskState.SUBMITTED:
        runs.complete(claim, _nothing)
        return
    version = version_on_trial(asset) or version_for(asset)
    params = ProcessingParams.from_dict(version.params)
    channel = _scored_channel(asset)
    spec, scoring = ChannelSpec.from_dict(channel.spec).on(timezone.localdate()), scoring_of(current_policy())
    upload = originals.whole(edit.upload_key, UPLOAD_DAMAGED, "upload_damaged")
    with originals.of(asset) as source, upload as corrected:
        scanning.require_clean(corrected)  # again: what a scanner knows may have grown since it was handed in
        extras = pipeline.Extras(plates=rendering.plates_for(params), texts=rendering.metadata_for(asset))
        result = pipeline.rescore(source, corrected, params, spec, scoring, extras)
    attempt = asset.attempt + 1
    made = Making(edit.upload_key, version, channel, attempt, RunKind.EDITED, claim.owner)
    run = unsaved_run(asset, made, params, result)

    def write() -> None:
        same = EditTask.objects.filter(pk=edit.pk, state=EditTaskState.SUBMITTED, version=edit.version)
        if not same.exists() or not _is_still(asset, AssetState(asset.state)):
            return
        run.save(force_insert=True)
        Asset.objects.filter(pk=asset.pk).update(attempt=attempt)
        routing.record_edited(edit, run, result.quality)

    runs.complete(claim, write)
    batches.refresh(asset.batch_id)


def adjust(claim: runs.Claim) -> None:
    """Process the photo again with the settings a reviewer moved; the result waits beside the old one (REV-08)."""
    asked = Adjustment.objects.select_related("base_run__preset_version", "base_run__channel").get(
        pk=claim.args["adjustment_id"]
    )
    if asked.state != AdjustmentState.PENDING:
        runs.complete(claim, _nothing)
        return
    asset, base = _asset(claim), asked.base_run
    params = apply_changes(ProcessingParams.from_dict(base.params), asked.changes)
    spec, scoring = ChannelSpec.from_dict(base.channel.spec).on(timezone.localdate()), scoring_of(current_policy())
    extras = pipeline.Extras(plates=rendering.plates_for(params))
    with originals.of(asset) as path:
        result = pipeline.process(path, params, spec, scoring, remover_for(params), extras)
    made = Making(asset.original_key, base.preset_version, base.channel, 0, RunKind.ADJUSTED, claim.owner)
    run = unsaved_run(asset, made, params, result)
    gold_making.spoil_again(asked.task_id, base, run)

    def write() -> None:
        adjusting.ready(asked, run)
        routing.record_adjusted(run, result.quality)

    runs.complete(claim, write)


def render(claim: runs.Claim) -> None:
    """Make and verify the file of every channel that has none for this run yet (EXP-14, EXP-24).

    One channel's failure is a FAILED rendition with its sentence and stops no other channel.
    """
    run = ProcessingRun.objects.select_related("asset__batch__client").get(pk=claim.args["run_id"])
    made = rendering.make_missing(run)
    runs.complete(claim, lambda: rendering.keep(made))
    batches.refresh(run.asset.batch_id)


def remover_for(params: ProcessingParams) -> Remover:
    """Return this process's warm remover for a preset; loaded at first use, then kept (never per photo).

    Raises ResourceUnavailable when the preset insists on weights that aren't there.
    """
    wanted = params.removal
    folder: Path | None = settings.MODEL_DIR
    model = wanted.model_file or wanted.model_name
    key = (wanted.remover, model, str(folder or ""))
    if key not in _removers:
        threads = max(1, (os.cpu_count() or 1) // max(1, settings.WORKERS))
        _removers[key] = create_remover(wanted.remover, model_name=model, model_dir=folder, threads=threads)
    return _removers[key]


def warm_removers() -> str:
    """Name the removers this process has loaded ("rembg u2net, studio"), for its heartbeat; at first ""."""
    return ", ".join(sorted(f"{it.name} {it.model_name}".strip() for it in _removers.values()))[:80]


def _nothing() -> None:
    """The step was done before, or its photo moved on: the task ends, nothing else changes."""


def _asset(claim: runs.Claim) -> Asset:
    return Asset.objects.select_related("batch__client", "batch__preset_version").get(pk=claim.asset_id)


def _is_still(asset: Asset, state: AssetState) -> bool:
    """Say, inside the write, whether the photo is where the step found it (a manager may have cancelled meanwhile)."""
    now = Asset.objects.select_for_update().values_list("state", flat=True).get(pk=asset.pk)
    return now == state


def _facts(report: IntakeReport) -> dict[str, Any]:
    info = report.info
    facts: dict[str, Any] = {
        "intake_checks": {**report.checks, "passed": report.passed},
        "findings": [finding.to_dict() for finding in report.findings],
        "phash": report.phash,
    }
    if report.cues is not None:
        facts |= {
            "edge_score": report.cues.edge_score,
            "colour_match_risk": report.cues.colour_match_risk,
            "colour_family": report.cues.colour_family,
        }
    if info is not None:
        facts |= {
            "format": info.format,
            "width": info.width,
            "height": info.height,
            "icc_profile": info.icc_profile[:120],
            "camera": info.camera[:120],
            "taken_at": info.taken_at[:32],
            "exif": dict(info.exif),
        }
    return facts


def _look_alikes(asset: Asset, phash: str) -> list[Finding]:
    """Name an earlier photo of the batch that looks the same but isn't the same bytes (ING-09). Nothing is dropped."""
    if not phash:
        return []
    earlier = Asset.objects.filter(batch_id=asset.batch_id, pk__lt=asset.pk).exclude(phash="").order_by("-pk")
    for path, other in earlier.values_list("relative_path", "phash")[:LOOK_BACK]:
        if phash_distance(phash, other) <= NEAR_BITS:
            is_mirrored = phash_distance(phash, other, allow_mirror=False) > NEAR_BITS
            message = f"Looks like {path}{' mirrored' if is_mirrored else ''}, but isn't the same file."
            return [Finding("near_duplicate", "warning", message, "Keep both if they are two views of the product.")]
    return []


@lru_cache(maxsize=1)
def _category_model(name: str) -> CategoryModel | None:
    """Return the operator's model ("package.module:callable"), imported once per process; None when none is named."""
    return pkgutil.resolve_name(name) if name else None


def _cues_of(asset: Asset) -> PixelCues | None:
    """Return what validation measured on the pixels; None for photos validated before it did."""
    if asset.edge_score is None or asset.colour_match_risk is None:
        return None
    return PixelCues(asset.edge_score, asset.colour_match_risk, asset.colour_family)


def _classifying(limits: RoutingPolicy) -> ClassificationParams:
    return ClassificationParams(limits.edge_medium, limits.edge_complex, limits.colour_risk)


def _scored_channel(asset: Asset) -> Channel:
    first = asset.batch.batch_channels.select_related("channel").order_by("position").first()
    if first is None:
        raise StageFailed("The batch has no channel to frame its photos for.", code="no_channel")
    return first.channel


def scoring_of(limits: RoutingPolicy) -> ScoringParams:
    return ScoringParams(
        white_tolerance=limits.white_tolerance,
        compliance_rate=limits.compliance_rate,
        perimeter_samples=limits.perimeter_samples,
        fill_target=limits.fill_target,
    )


def _run_of(asset: Asset, version: PresetVersion, attempt: int) -> ProcessingRun | None:
    return ProcessingRun.objects.filter(
        asset=asset,
        preset_version=version,
        pipeline_version=PIPELINE_VERSION,
        attempt=attempt,
    ).first()


@dataclass(frozen=True, slots=True)
class Making:
    """From what, with what, for what and by whom a run was made."""

    pixels_key: str
    version: PresetVersion
    channel: Channel
    attempt: int
    kind: RunKind
    worker: str


def unsaved_run(asset: Asset, made: Making, params: ProcessingParams, result: Result) -> ProcessingRun:
    """Store the pictures of `result` and return the run that names them, not saved yet: files come before rows."""

    def stored(data: bytes) -> str:
        return storage.put_bytes(data, prefix="d").key

    return ProcessingRun(
        asset=asset,
        preset_version=made.version,
        channel=made.channel,
        pipeline_version=PIPELINE_VERSION,
        attempt=made.attempt,
        kind=made.kind,
        params_digest=result.params_digest,
        params=params.to_dict(),
        remover=result.remover,
        model_name=result.model_name,
        model_sha256=result.model_sha256,
        confidence=result.confidence,
        pixels_key=made.pixels_key,
        alpha_key=stored(result.alpha_png),
        recipe=dict(result.recipe),
        after_key=stored(result.after.data),
        after_type=result.after.content_type,
        after_format=result.after.format,
        after_bytes=result.after.byte_size,
        after_is_file=result.after.is_file,
        after_note=result.after.note[:300],
        matte_key=stored(result.after.matte_png),
        scored_width=result.scored_size[0],
        scored_height=result.scored_size[1],
        scored_matrix=list(result.after.matrix),
        before_key=stored(result.before),
        thumb_before_key=stored(result.thumb_before),
        thumb_after_key=stored(result.thumb_after),
        frame_matrix=list(result.frame_matrix),
        before_scale=result.before_scale,
        source_width=result.source_size[0],
        source_height=result.source_size[1],
        after_width=result.after.size[0],
        after_height=result.after.size[1],
        timings=[timing.to_dict() for timing in result.timings],
        findings=[finding.to_dict() for finding in result.findings],
        look=result.look.to_dict() if result.look else None,
        worker=made.worker,
    )
