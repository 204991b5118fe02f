"""Applying the routing policy to rows: the route after the score, a task that died. The lane before is in lanes.py."""

from __future__ import annotations

from dataclasses import replace

from processing.quality.places import lost_points
from processing.types import QualityReport as Quality
from reviewapp.enums import (
    LEARNING_STEPS,
    MACHINE_STATES,
    AssetState,
    EditReason,
    FailureCategory,
    Lane,
    RenditionState,
    ReviewReason,
    Routing,
    Step,
)
from reviewapp.models import (
    Asset,
    CategoryRule,
    EditTask,
    FirstMember,
    ProcessingRun,
    QualityReport,
    Rendition,
    RoutingPolicy,
    Task,
)
from reviewapp.policies import routing as policy
from reviewapp.policies.quality import order
from reviewapp.selectors.quality import current_policy

from . import adjusting, assets, batches, canaries, editing, runs, studies
from .handover import open_editing, open_review
from .lanes import choose_lane, take_on

__all__ = [
    "assign", "choose_lane", "open_editing", "record_adjusted", "record_edited", "start_render", "take_on", "task_died",
]  # fmt: skip

COMPARED = "Made to compare two preset versions: a person judges it."
ON_TRIAL = "A new preset version is on trial: a person looks at every photo of it."
_STEP_WORDS = {
    Step.VALIDATE: "checked",
    Step.CLASSIFY: "classified",
    Step.PROCESS: "processed",
    Step.RESCORE: "scored again",
    Step.RENDER: "rendered",
    Step.ADJUST: "run again",
    Step.SEARCH: "searched",
    Step.REPLAY: "run again",
    Step.CALIBRATE: "run again",
    Step.GOLD: "made into a known picture",
}


def assign(asset: Asset, run: ProcessingRun, quality: Quality) -> QualityReport:
    """Write the score of `run` with the route it got, and move a QUEUED or REDO asset along it (RTE-01..09).

    One QualityReport, and exactly one of: a render task, a review task, an edit task. Call inside the transaction that
    wrote the run. Raises IllegalTransition, StateConflict.
    """
    limits = current_policy()
    lines = _thresholds(limits)
    answer = policy.route(_scored(asset, run, quality), lines)
    # An editor's work is no pass, whatever the score: a version whose photos fail the gates must not look as good.
    passes = quality.total >= limits.approve_at and answer.routing in (Routing.AUTO_APPROVE, Routing.HUMAN_REVIEW)
    is_on_trial = canaries.scored(asset, run, passes)
    if is_on_trial and answer.routing == Routing.AUTO_APPROVE:
        answer = replace(answer, routing=Routing.HUMAN_REVIEW, reason=ReviewReason.CANARY, why=ON_TRIAL)
    elif not is_on_trial:
        answer = policy.explored(answer, quality.total, lines, _chance(asset, run), limits.explored_share)
    report = _write_report(run, quality, answer.routing, answer.why, limits)
    assets.move(asset, AssetState.SCORED, reason=answer.why, code=answer.code, current_run=run)
    if answer.routing == Routing.AUTO_APPROVE:
        assets.move(asset, AssetState.AUTO_APPROVED, reason=answer.why, code=answer.code)
        start_render(asset, run)
    elif answer.routing in (Routing.HUMAN_REVIEW, Routing.EXPLORED):
        assets.move(asset, AssetState.IN_REVIEW, reason=answer.why, code=answer.code)
        open_review(asset, run, ReviewReason(answer.reason or ReviewReason.SCORE_BAND), answer.why)
    else:
        # A failed gate is already the reason; its sentence is also the advice, and once is enough.
        advice = f" {quality.advice}" if quality.advice and quality.advice not in answer.why else ""
        open_editing(asset, EditReason(answer.reason or EditReason.LOW_SCORE), answer.why + advice, base_run=run)
    return report


def _chance(asset: Asset, run: ProcessingRun) -> float:
    """The photo's own chance, by its batch's secret seed: the same however often its task is run."""
    return order.share_of(asset.batch.sample_seed, f"explored:{asset.pk}:{run.attempt}")


def record_edited(task: EditTask, run: ProcessingRun, quality: Quality) -> QualityReport:
    """Write the score of a retouched file and hand it to a senior: no score signs for a person.

    Call inside the transaction that wrote the run.
    """
    why = f"Retouched by hand, score {policy.shown(quality.total)}: a senior signs it off."
    report = _write_report(run, quality, Routing.HUMAN_REVIEW, why, current_policy())
    editing.rescored(task, run)
    return report


def record_adjusted(run: ProcessingRun, quality: Quality) -> QualityReport:
    """Write the score of a run a reviewer asked for. It routes nothing: the photo stays with that person."""
    why = f"Settings moved by a reviewer, score {policy.shown(quality.total)}: a person decides."
    return _write_report(run, quality, Routing.HUMAN_REVIEW, why, current_policy())


def record_replayed(run: ProcessingRun, quality: Quality) -> QualityReport:
    """Write the score of a run made to compare presets. It routes nothing: people judge it blind."""
    return _write_report(run, quality, Routing.COMPARED, COMPARED, current_policy())


def record_copied(run: ProcessingRun, report: QualityReport) -> QualityReport:
    """Write the score of a run that is the same as an older one, whose `report` this is."""
    skipped = {"id", "run", "routing", "routing_rule", "policy", "created_at"}
    values = {field.name: getattr(report, field.name) for field in report._meta.fields if field.name not in skipped}
    return QualityReport.objects.create(
        run=run, routing=Routing.COMPARED, routing_rule=COMPARED, policy=current_policy(), **values
    )


def start_render(asset: Asset, run: ProcessingRun) -> Task:
    """Queue the channel files of an approved run."""
    return runs.create_task(asset, Step.RENDER, f"render:{run.pk}", args={"run_id": run.pk})


def task_died(task: Task) -> None:
    """Turn a dead task into a state somebody sees; called in the transaction that buried it.

    A photo still with the machine becomes FAILED with a sentence (the batch page groups and retries them), a retouched
    file goes back to its editor, an approved photo gets explicit failed renditions. Otherwise nothing changes.
    """
    asset = Asset.objects.get(pk=task.asset_id)
    sentence = _sentence(task)
    if task.step == Step.RESCORE:
        edit = EditTask.objects.filter(pk=task.args.get("edit_task_id")).first()
        if edit is not None:
            editing.rescore_failed(edit, sentence)
    elif task.step == Step.RENDER:
        _fail_renditions(task, sentence)
    elif task.step == Step.ADJUST:
        adjusting.failed(int(task.args.get("adjustment_id", 0)), sentence)
    elif task.step == Step.SEARCH:
        studies.died(int(task.args.get("study_id", 0)), sentence)
    elif task.step == Step.REPLAY:
        studies.result_failed(int(task.args.get("study_run_id", 0)), sentence)
    elif asset.state in MACHINE_STATES and task.step not in LEARNING_STEPS:
        assets.move(asset, AssetState.FAILED, reason=sentence, code=task.error_code or "unknown")
    batches.refresh(asset.batch_id)


def _scored(asset: Asset, run: ProcessingRun, quality: Quality) -> policy.Scored:
    is_pure_white = run.channel.spec.get("background") == "pure_white"
    return policy.Scored(
        total=quality.total,
        lane=Lane(asset.lane),
        confidence=run.confidence,
        colour_measured=quality.colour_measured,
        colour_compared=all(m.threshold is not None for m in quality.measures if m.name == "colour_shift"),
        background_failed=is_pure_white and quality.background_status == "FAIL",
        failed_gates=[gate.message for gate in quality.gates if not gate.passed],
        client_wants_people=asset.batch.client.requires_human_colour,
        was_mended=any(finding["code"] == "mended" for finding in run.findings),
        is_always_human=_is_always_human(asset),
        watched=_watched(asset),
    )


def _is_always_human(asset: Asset) -> bool:
    """Asked again here, and of the photo as it is now: a rule, or a sheet with another category, that came after it was
    classified holds for it too (RTE-09)."""
    named = Asset.objects.filter(pk=asset.pk).values("category")
    return CategoryRule.objects.filter(category__in=named, always_human=True).exists()


def _watched(asset: Asset) -> ReviewReason | None:
    """Why a person looks at this photo whatever its score: its batch is a pilot, or it is part of a first sample."""
    if asset.batch.is_pilot:
        return ReviewReason.PILOT
    if asset.batch.first_share is not None and FirstMember.objects.filter(asset=asset).exists():
        return ReviewReason.FIRST_SAMPLE
    return None


def _thresholds(limits: RoutingPolicy) -> policy.Thresholds:
    return policy.Thresholds(
        approve_at=limits.approve_at,
        review_at=limits.review_at,
        allow_not_measured=limits.allow_not_measured,
        min_confidence=limits.min_confidence,
    )


def _write_report(
    run: ProcessingRun, quality: Quality, routing: Routing, why: str, limits: RoutingPolicy
) -> QualityReport:
    lost = lost_points(quality)
    return QualityReport.objects.create(
        run=run,
        total=quality.total,
        background=quality.background,
        edge=quality.edge,
        fill=quality.fill,
        colour=quality.colour,
        colour_measured=quality.colour_measured,
        background_status=quality.background_status,
        compliance_rate=quality.compliance_rate,
        failures=[point.to_dict() for point in quality.failures],
        gates=[gate.to_dict() for gate in quality.gates],
        measures=[measure.to_dict() | {"lost": lost.get(measure.name, 0.0)} for measure in quality.measures],
        checks=dict(quality.checks),
        label_map=quality.label_map,
        colour_map=quality.colour_map,
        advice=quality.advice[:300],
        routing=routing,
        routing_rule=why[:200],
        policy=limits,
    )


def _fail_renditions(task: Task, sentence: str) -> None:
    run = ProcessingRun.objects.filter(pk=task.args.get("run_id")).select_related("asset__batch").first()
    if run is None:
        return
    done = set(run.renditions.values_list("channel_id", flat=True))
    missing = [channel for channel in run.asset.batch.channels.all() if channel.pk not in done]
    Rendition.objects.bulk_create(
        [
            Rendition(run=run, asset=run.asset, channel=channel, state=RenditionState.FAILED, error=sentence[:500])
            for channel in missing
        ],
        ignore_conflicts=True,
    )


def _sentence(task: Task) -> str:
    """What a manager reads. Texts of our own error classes are written for people, others are not shown."""
    is_ours = task.error_category in (FailureCategory.VALIDATION, FailureCategory.PROCESSING)
    if is_ours and task.error_text:
        return task.error_text[:500]
    done = _STEP_WORDS[Step(task.step)]
    return f"This photo could not be {done}: {task.error_code or 'unknown error'}. Retry it, or hand it to an editor."
