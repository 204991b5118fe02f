"""A proposal earns its evidence: photos are frozen, settings searched, both results made and judged blind, counted.

The search and the results are made by workers (services/replaying.py); here is what may be called from anywhere. Every
step looks first whether it was done, so that it can run twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from processing import PIPELINE_VERSION
from reviewapp.enums import (
    OPEN_STUDIES,
    Author,
    LifeState,
    ProposalState,
    ReviewReason,
    ReviewTaskState,
    Role,
    Side,
    Step,
    StudyStage,
    Verdict,
)
from reviewapp.models import PresetProposal, ReplayItem, ReplaySet, ReviewTask, Study, StudyRun
from reviewapp.policies.learning import Judged, shares
from reviewapp.policies.quality import comparing, order, studying, tuning
from reviewapp.policies.quality.calibration import signed_logistic
from reviewapp.policies.quality.duel import GRAVE, Outcome, Pair, decide
from reviewapp.selectors import alarms, replays
from reviewapp.selectors import canaries as canary_reads
from reviewapp.selectors import studying as selectors
from reviewapp.selectors.quality import current_policy

from . import audit, chance, lives, presets, runs
from .people import require

LAST = 9
"""Priority of the work: photos of clients come first."""
RIDGE = 2.0
WHY = "Looked at by a person."


class StudyRefused(ValueError):
    """A test that can't be started; the message says why."""


def start(proposal: PresetProposal, actor: User | None = None) -> Study:
    """Freeze the photos and order the search. Asking twice gives the same study.

    `actor` None is the line itself. Raises NotAllowed, StudyRefused (decided, locked, a trial runs, an alarm is open,
    nothing to compare on).
    """
    if actor is not None:
        require(actor, Role.ADMIN, to=_("test a proposal"))
    if (found := Study.objects.filter(proposal=proposal).first()) is not None:
        return found
    base = proposal.base
    _check_may_start(proposal)
    seen = replays.of_version(base)
    seed = chance.seed()
    with transaction.atomic():
        frozen = _freeze(base, seen, seed)
        model = _fitted(base)
        begun = _beginning(proposal, seen)
        trials = current_policy().study_trials
        if not can_search(proposal.reason_code, model):
            begun, trials = _beginning(proposal, seen, most=1), 1
            begun = replace(begun, starts=begun.starts[:1])
        study = Study.objects.create(
            proposal=proposal,
            replay=frozen,
            pipeline_version=PIPELINE_VERSION,
            seed=seed,
            starts=list(begun.starts),
            paths=list(begun.paths),
            nudge=begun.nudge,
            model=model,
            trials_wanted=trials,
            started_by=actor,
        )
        audit.record("study.started", study, actor=actor, after={"photos": frozen.size, "digest": frozen.digest})
        order_search(study)
    return study


def _check_may_start(proposal: PresetProposal) -> None:
    preset = proposal.base.preset
    if proposal.state != ProposalState.OPEN:
        raise StudyRefused(_("This proposal was decided already."))
    if preset.current_id != proposal.base_id:
        raise StudyRefused(_("The preset moved on since this was drafted. Decline it; new rejections draft another."))
    if lives.is_locked(preset):
        raise StudyRefused(_("This preset is locked. An admin can unlock it."))
    if canary_reads.running(preset) is not None:
        raise StudyRefused(_("A version of this preset is on trial. What comes of that is seen first."))
    won = (
        Study.objects.filter(replay__base__preset=preset, stage=StudyStage.OFFERED).select_related("challenger").first()
    )
    if won is not None and won.challenger is not None:
        words = _("Version %(n)d has won its test. Try or decline that one first.")
        raise StudyRefused(words % {"n": won.challenger.number})
    found = alarms.open_alarms(preset)
    if found.hold or found.reviewer:
        on_hold, in_question = _("A batch of this preset is on hold."), _("A reviewer's figures are in question.")
        what = on_hold if found.hold else in_question
        raise StudyRefused(_("%(what)s That comes first: its verdicts would mislead the search.") % {"what": what})


def _freeze(base: Any, seen: list[replays.Seen], seed: str) -> ReplaySet:
    """Draw the replay set in a random order fixed by `seed`, weighted to the traffic, and write it for good."""
    by_id = {str(one.asset_id): one for one in seen}
    ranked = [by_id[key] for key in order.ordered(seed, by_id)]
    groups = [[one for one in ranked if one.is_bad is is_bad] for is_bad in (True, False)]
    totals = tuple(sum(1.0 / one.pi for one in group) for group in groups)
    pairs = [[(str(one.asset_id), one.pi) for one in group] for group in groups]
    drawn = tuning.replay_set(pairs[0], pairs[1], (totals[0], totals[1]))
    if not drawn.ids or not groups[0]:
        raise StudyRefused(_("No rejected photo of this version can be run again."))
    frozen = ReplaySet.objects.create(base=base, digest=drawn.digest, seed=seed, size=len(drawn.ids))
    ReplayItem.objects.bulk_create(
        ReplayItem(
            replay=frozen,
            asset_id=by_id[one].asset_id,
            run_id=by_id[one].run_id,
            place=place,
            pi=by_id[one].pi,
            weight=weight,
            was_approved=is_approved,
        )
        for place, (one, weight, is_approved) in enumerate(zip(drawn.ids, drawn.weights, drawn.approved, strict=True))
    )
    return frozen


def can_search(reason: str, model: Mapping[str, Any]) -> bool:
    """Say whether verdicts taught the stored `model` anything of `reason`; if not, its nudge goes to the duel as is."""
    return studying.is_seen(reason, dict(zip(model["features"], model["slopes"], strict=True)))


def _beginning(proposal: PresetProposal, seen: list[replays.Seen], most: int = 2) -> studying.Beginning:
    """Where to search for the proposal's reason and the next most frequent, `most` in all."""
    rejected = [one for one in seen if one.is_bad]
    counted = shares([Judged(one.decision_id, one.is_bad, one.reasons) for one in seen])
    names = [proposal.reason_code, *(str(share.reason) for share in counted if share.reason != proposal.reason_code)]
    fill, moved = current_policy().fill_target, replays.moved(proposal.base)
    reasons = []
    for name in names[:most]:
        named = [one for one in rejected if name in one.reasons]
        rows, said = [one.measured for one in named], [one.directions.get(name, "") for one in named]
        reasons.append((name, studying.direction(name, rows, fill, moved, said)))
    drafted = [(change["path"], change["new"]) for change in proposal.changes]
    drafted = [*studying.wished(moved, proposal.base.params), *drafted]
    return studying.beginning(proposal.base.params, reasons, drafted)


def _fitted(base: Any) -> dict[str, Any]:
    """What people's verdicts say of scores: the chance of a defect, fitted on the preset's photos, weighted 1 / pi."""
    seen = replays.of_preset(base.preset)
    rows = np.array([comparing.feature_row(one.measured) for one in seen]).reshape(-1, len(comparing.FEATURES))
    bad = np.array([one.is_bad for one in seen], dtype=np.bool_)
    weights = np.array([1.0 / one.pi for one in seen], dtype=np.float64)
    model = signed_logistic(rows, bad, weights, np.array(comparing.SIGNS), ridge=RIDGE)
    return {
        "features": list(comparing.FEATURES),
        "centre": model.centre.tolist(),
        "scale": model.scale.tolist(),
        "slopes": model.slopes.tolist(),
        "intercept": model.intercept,
        "photos": len(seen),
        "rejected": int(bad.sum()),
    }


def order_search(study: Study) -> None:
    """Ask a worker for the next stretch of the search."""
    first = study.replay.items.select_related("asset").first()
    assert first is not None, "a replay set is never empty"
    number = len(study.trials)
    runs.create_task(
        first.asset, Step.SEARCH, f"search:{study.pk}:{number}", priority=LAST, args={"study_id": study.pk}
    )


def found(study: Study, best: dict[str, Any] | None, why: str = "") -> None:
    """End the search: order both results with `best`, or close the study. Call inside the search's transaction."""
    if best is None:
        close(study, StudyStage.LOST, why)
        return
    proposal, base = study.proposal, study.replay.base
    try:
        version = presets.create_version(base.preset, best, _note(study), None, author=Author.PROPOSAL)
    except presets.PresetRefused as refused:
        close(study, StudyStage.FAILED, str(refused))
        return
    lives.move(version, LifeState.DRAFT, parent=base)
    changed = studying.changes(base.params, version.params)
    PresetProposal.objects.filter(pk=proposal.pk).update(params=version.params, changes=changed)
    Study.objects.filter(pk=study.pk).update(stage=StudyStage.RENDERING, challenger=version)
    for item in study.replay.items.select_related("asset"):
        for side in Side:
            made = StudyRun.objects.create(study=study, item=item, side=side)
            args = {"study_run_id": made.pk}
            runs.create_task(item.asset, Step.REPLAY, f"replay:{made.pk}", priority=LAST, args=args)
    audit.record("study.found", study, after={"version": version.number, "changes": changed})


def _note(study: Study) -> str:
    proposal = study.proposal
    gain = (study.best_value or 0.0) - (study.champion_value or 0.0)
    expected = f"the search expects {gain:.1f} points more"
    if not can_search(proposal.reason_code, study.model):
        expected = "the score can't see it, so it is one step, unsearched"
    counts = proposal.evidence
    return (
        f"Proposal {proposal.pk}: {counts.get('rejected_with_reason', 0)} of {counts.get('decisions', 0)} decisions "
        f"named {proposal.reason_code.replace('_', ' ')}; {expected}."
    )


def advance(study_id: int) -> StudyStage:
    """Move a study on if what it waited for is there. Returns where it stands. Safe to call at any time."""
    study = Study.objects.select_related("proposal", "replay__base__preset", "challenger").get(pk=study_id)
    if study.stage == StudyStage.RENDERING:
        _open_duel(study)
    elif study.stage == StudyStage.DUEL:
        _conclude(study)
    study.refresh_from_db()
    return StudyStage(study.stage)


def advance_all() -> int:
    """Look after every study under way. Returns how many moved."""
    moved = 0
    for pk, stage in list(Study.objects.filter(stage__in=OPEN_STUDIES).values_list("pk", "stage")):
        moved += advance(pk) != stage
    return moved


def _open_duel(study: Study) -> None:
    """Put both results of every photo into the blind queue, shuffled, as looks like any other."""
    _drop_cancelled(study)
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        if locked.stage != StudyStage.RENDERING or selectors.unfinished(study):
            return
        pairs = selectors.pairs(study)
        both = [pair for pair in pairs if pair.champion.run_id and pair.challenger.run_id]
        if not both:
            close(study, StudyStage.FAILED, "None of the photos could be processed with both settings.")
            return
        sides = {str(one.pk): one for pair in both for one in (pair.champion, pair.challenger)}
        for key in order.ordered(study.seed, sides):
            one = sides[key]
            assert one.run is not None
            task = ReviewTask.objects.create(
                asset_id=one.run.asset_id,
                run=one.run,
                reason=ReviewReason.SAMPLE,
                why=WHY,
                priority=one.item.asset.priority,
            )
            StudyRun.objects.filter(pk=one.pk).update(review_task=task)
        Study.objects.filter(pk=study.pk).update(
            stage=StudyStage.DUEL, looks=2 * len(both), compared=_compared(both), pairs=len(both)
        )
        audit.record("study.duel_opened", study, after={"pairs": len(both), "failed": len(pairs) - len(both)})


def _compared(both: list[selectors.PairOfRuns]) -> list[dict[str, Any]]:
    sides = [
        [replays.measured_of(one.run.quality) for one in (pair.champion, pair.challenger) if one.run is not None]
        for pair in both
    ]
    weights = [pair.champion.item.weight for pair in both]
    first = both[0].champion.run
    limits = replays.limits_of(first.quality) if first is not None else {}
    found = comparing.compare([side[0] for side in sides], [side[1] for side in sides], weights, limits)
    return [asdict(one) for one in found]


def _conclude(study: Study) -> None:
    """Count the duel once every look is in, and offer the challenger or close the study."""
    _drop_cancelled(study)
    with transaction.atomic():
        locked = Study.objects.select_for_update().get(pk=study.pk)
        waiting = [ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD]
        if locked.stage != StudyStage.DUEL or study.runs.filter(review_task__state__in=waiting).exists():
            return
        outcome = decide(_judged_pairs(study))
        Study.objects.filter(pk=study.pk).update(
            difference=outcome.difference,
            standard_error=outcome.standard_error if outcome.pairs else None,
            pairs=outcome.pairs,
            grave=outcome.grave,
        )
        study.refresh_from_db()
        if not outcome.is_won:
            close(study, StudyStage.LOST, outcome.why)
            return
        _offer(study, outcome)


def _judged_pairs(study: Study) -> list[Pair]:
    verdicts = selectors.verdicts(study)
    judged = []
    for pair in selectors.pairs(study):
        old, new = verdicts.get(pair.champion.pk), verdicts.get(pair.challenger.pk)
        is_lost = bool(pair.challenger.error) and not pair.champion.error
        if old is None and not is_lost:
            continue
        if new is None and not is_lost:
            continue
        judged.append(
            Pair(
                champion_bad=old is not None and old.is_bad,
                challenger_bad=is_lost or (new is not None and new.is_bad),
                weight=pair.champion.item.weight,
                was_approved=pair.champion.item.was_approved,
                grave=is_lost or (new is not None and bool(GRAVE & set(new.reasons))),
            )
        )
    return judged


def _offer(study: Study, outcome: Outcome) -> None:
    assert study.challenger is not None
    gain = (study.best_value or 0.0) - (study.champion_value or 0.0)
    evidence = {
        "study": study.pk,
        "replay_digest": study.replay.digest,
        "photos": study.replay.size,
        "D": outcome.difference,
        "SE": outcome.standard_error,
        "pairs": outcome.pairs,
        "grave": outcome.grave,
        "gain": gain,
        "looks": study.looks,
        "pipeline": study.pipeline_version,
        "step": studying.largest_step(study.replay.base.params, study.challenger.params),
    }
    lives.move(study.challenger, LifeState.OFFERED, why=outcome.why, evidence=evidence, parent=study.replay.base)
    Study.objects.filter(pk=study.pk).update(stage=StudyStage.OFFERED, why=outcome.why, ended_at=timezone.now())
    audit.record("study.offered", study, after=evidence)


def close(study: Study, stage: StudyStage, why: str) -> None:
    """End a study without an offer; its version, if there is one, is never used."""
    Study.objects.filter(pk=study.pk).update(stage=stage, why=why[:300], ended_at=timezone.now())
    if study.challenger_id is not None and study.challenger is not None:
        lives.move(study.challenger, LifeState.RETIRED, why=why)
    _withdraw(study.runs.all())
    audit.record("study.closed", study, after={"stage": str(stage)}, note=why)


def _drop_cancelled(study: Study) -> None:
    gone = selectors.of_cancelled(study)
    _withdraw(gone)
    gone.update(error="Its batch was cancelled.")


def _withdraw(results: QuerySet[StudyRun]) -> None:
    """Take looks that nobody needs any more out of the queue."""
    waiting = [ReviewTaskState.OPEN, ReviewTaskState.ON_HOLD]
    ReviewTask.objects.filter(study_run__in=results, state__in=waiting).update(
        state=ReviewTaskState.WITHDRAWN, lease_owner=None, lease_until=None, version=F("version") + 1
    )


def died(study_id: int, sentence: str) -> None:
    """A search that can't go on: say why."""
    study = Study.objects.filter(pk=study_id, stage=StudyStage.SEARCHING).first()
    if study is not None:
        close(study, StudyStage.FAILED, sentence)


def result_failed(study_run_id: int, sentence: str) -> None:
    """One result could not be made; the duel goes on without it, and counts it against its side."""
    StudyRun.objects.filter(pk=study_run_id, run__isnull=True).update(error=sentence[:300])


__all__ = ["StudyRefused", "Verdict", "advance", "advance_all", "start"]
