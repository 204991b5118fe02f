"""A version on trial: a share of the photos, all of them reviewed, then promoted or rolled back by itself (FBK-09, 10).

The rules are policies/quality/canary.py; the state of a trial is folded anew from what people said each time, so that
an undone decision is undone here too and nothing is counted twice.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from processing import PIPELINE_VERSION
from reviewapp.enums import Author, CanaryState, LearningAlarmKind, LifeState, ProposalState, Role, StudyStage
from reviewapp.models import Asset, Canary, CanaryPlace, Preset, PresetProposal, PresetVersion, ProcessingRun, Study
from reviewapp.policies.quality import bans, studying
from reviewapp.policies.quality import canary as policy
from reviewapp.selectors import alarms
from reviewapp.selectors import canaries as selectors
from reviewapp.selectors.presets import version_for
from reviewapp.selectors.quality import current_policy

from . import audit, chance, lives, presets
from .alarms import settle
from .people import require


class CanaryRefused(ValueError):
    """A trial or rollback that can't be done; the message says why."""


def start(version: PresetVersion, actor: User, note: str = "") -> Canary:
    """Try `version` on the policy's share of the photos of new batches: a person's act, with evidence and a parent.

    Raises NotAllowed, CanaryRefused (locked, another trial, a hold, too soon, too large a step, not offered).
    """
    require(actor, Role.ADMIN, to=_("try a preset version"))
    life = lives.life_of(version)
    with transaction.atomic():
        preset = Preset.objects.select_for_update(of=("self",)).select_related("current").get(pk=version.preset_id)
        parent = preset.current
        evidence = _evidence(version, life.author, life.evidence, note)
        _check(version, preset, parent, life.author, life.state)
        assert parent is not None
        activation = policy.Activation(version.pk, parent.pk, actor.pk, evidence)
        rate, passing = selectors.champion_rate(parent), selectors.champion_passing(parent)
        begun = policy.started(activation, rate, passing)
        try:
            with transaction.atomic():
                made = Canary.objects.create(
                    version=version,
                    parent=parent,
                    preset=preset,
                    seed=chance.seed(),
                    share=current_policy().trial_share,
                    champion_rate=rate,
                    champion_passing=passing,
                    limit=begun.watch.limit,
                    started_by=actor,
                )
        except IntegrityError as error:
            raise CanaryRefused(_("This version was tried before, or another trial has just begun.")) from error
        lives.move(version, LifeState.CANARY, why=note, actor=actor, evidence=evidence, parent=parent)
        audit.record("canary.started", made, actor=actor, after={"version": version.number, **evidence}, note=note)
        _accepted(version, actor, note)
    return made


def _evidence(version: PresetVersion, author: str, known: dict[str, Any], note: str) -> dict[str, Any]:
    if author == Author.PROPOSAL or known:
        return dict(known)
    if not note.strip():
        raise CanaryRefused(_("Say why this version should be better: it has no other evidence."))
    return {"author": "human", "note": note.strip()[:300], "version_note": version.note}


def _check(version: PresetVersion, preset: Preset, parent: PresetVersion | None, author: str, state: str) -> None:
    if parent is None or parent.pk == version.pk:
        raise CanaryRefused(_("This version is in use already."))
    if author == Author.PROPOSAL and state != LifeState.OFFERED:
        raise CanaryRefused(_("This version has not won its duel: there is no evidence for it."))
    study = Study.objects.select_related("replay__base").filter(challenger=version).first()
    if study is not None and study.replay.base_id != parent.pk:
        words = _("It won against version %(n)d, which is not in use any more. Test it again.")
        raise CanaryRefused(words % {"n": study.replay.base.number})
    is_stale = study is not None and study.pipeline_version != PIPELINE_VERSION
    # The limit on a step is for what a search proposes; a person may mean a large one, and the trial watches it.
    step = studying.largest_step(parent.params, version.params) if author == Author.PROPOSAL else 0.0
    refused = policy.refusal(alarms.situation(preset, largest_step=step, score_version_changed=is_stale))
    if refused is not None:
        raise CanaryRefused(refused)
    if bans.is_banned(version.params, lives.banned_regions(preset)):
        raise CanaryRefused(
            _("Settings like these were rolled back within %(ban_days)s days.") % {"ban_days": bans.BAN_DAYS}
        )


def _accepted(version: PresetVersion, actor: User, note: str) -> None:
    """The proposal behind a version on trial is decided."""
    PresetProposal.objects.filter(study__challenger=version, state=ProposalState.OPEN).update(
        state=ProposalState.ACCEPTED,
        decided_by=actor,
        decided_at=timezone.now(),
        decision_note=note.strip()[:500],
        result=version,
    )
    Study.objects.filter(challenger=version).update(stage=StudyStage.CLOSED)


def place(asset: Asset) -> CanaryPlace | None:
    """Decide, once, whether a photo is done with the version on trial: a share of the products, by hash.

    Batches that were there before the trial stay with what they pinned; all views of a product go the same way. Call
    inside the transaction that queues the photo.
    """
    known = CanaryPlace.objects.filter(asset=asset).first()
    if known is not None:
        return known
    if asset.own_preset_id is not None:
        return None  # a manager chose the version for this very photo
    pinned = version_for(asset)
    trial = selectors.running(pinned.preset)
    if trial is None or trial.parent_id != pinned.pk or asset.batch.created_at < trial.started_at:
        return None
    if ProcessingRun.objects.filter(asset=asset).exists():
        return None
    unit = f"{asset.batch_id}:{asset.sku}" if asset.sku else asset.sha256
    if not policy.is_in_canary(trial.seed, unit, trial.share):
        return None
    return CanaryPlace.objects.get_or_create(asset=asset, defaults={"canary": trial})[0]


def scored(asset: Asset, run: ProcessingRun, passes: bool) -> bool:
    """Note the score of a photo on trial. True when it is one, so that a person looks at it before it ships."""
    found = CanaryPlace.objects.filter(asset=asset, canary__version_id=run.preset_version_id)
    return bool(found.update(passes=passes, scored_at=timezone.now()))


def folded(trial: Canary) -> policy.Canary:
    """Return the trial's state as the policy sees it, from everything that happened to its photos."""
    activation = policy.Activation(trial.version_id, trial.parent_id, trial.started_by_id, {"canary": trial.pk})
    state = policy.started(activation, trial.champion_rate, trial.champion_passing)
    for event in selectors.events(trial):
        if event.is_bad is None:
            state = policy.missed(state, event.passes)
        else:
            state = policy.judged(state, event.is_bad, event.passes)
    return policy.tick(state)


def tick(canary_id: int) -> CanaryState:
    """Bring one trial up to date: promote it, roll it back, or note how far it is. Safe to call at any time."""
    with transaction.atomic():
        locked = Canary.objects.select_for_update(of=("self",)).select_related("version__preset", "parent")
        trial = locked.get(pk=canary_id)
        if trial.state != CanaryState.RUNNING:
            return CanaryState(trial.state)
        now = folded(trial)
        Canary.objects.filter(pk=trial.pk).update(
            looks=now.looks, finds=now.finds, watch=now.watch.value, trip=now.trip.value if now.trip else 0.0
        )
        if now.state == "promoted":
            _promote(trial, now.why)
        elif now.state == "rolled_back":
            _end(trial, now.why, None)
        trial.refresh_from_db()
    return CanaryState(trial.state)


def tick_all() -> int:
    """Look after every running trial. Returns how many ended."""
    running = list(Canary.objects.filter(state=CanaryState.RUNNING).values_list("pk", flat=True))
    return sum(tick(pk) != CanaryState.RUNNING for pk in running)


def _promote(trial: Canary, why: str) -> None:
    if lives.is_locked(trial.version.preset):
        return  # it stays on trial until the lock is off
    Canary.objects.filter(pk=trial.pk).update(state=CanaryState.PROMOTED, why=why[:300], ended_at=timezone.now())
    presets.set_current(trial.version, None)
    lives.move(trial.version, LifeState.ACTIVE, why=why)
    audit.record("canary.promoted", trial, after={"version": trial.version.number}, note=why)
    settle(trial.preset, LearningAlarmKind.TRIAL, "The version was promoted.")


def _end(trial: Canary, why: str, actor: User | None) -> None:
    """Roll a running trial back: photos not processed yet get the parent, and the settings rest for a while."""
    Canary.objects.filter(pk=trial.pk).update(state=CanaryState.ROLLED_BACK, why=why[:300], ended_at=timezone.now())
    lives.move(trial.version, LifeState.ROLLED_BACK, why=why, actor=actor)
    lives.ban(trial.version, trial.parent)
    after = {"version": trial.version.number, "parent": trial.parent.number}
    audit.record("canary.rolled_back", trial, actor=actor, after=after, note=why)
    settle(trial.preset, LearningAlarmKind.TRIAL, "The version was rolled back.")


def roll_back(version: PresetVersion, actor: User, note: str) -> PresetVersion:
    """Take `version` off new photos: end its trial, or give its parent back to the next batch. Returns the parent.

    Raises NotAllowed, CanaryRefused (no note, not in use, no parent).
    """
    require(actor, Role.ADMIN, to=_("roll a preset version back"))
    if not note.strip():
        raise CanaryRefused(_("Say why it is rolled back."))
    with transaction.atomic():
        preset = Preset.objects.select_for_update(of=("self",)).get(pk=version.preset_id)
        trials = Canary.objects.select_for_update(of=("self",)).select_related("version__preset", "parent")
        trial = trials.filter(version=version, state=CanaryState.RUNNING).first()
        if trial is not None:
            _end(trial, note.strip(), actor)
            return trial.parent
        parent = lives.life_of(version).parent
        if preset.current_id != version.pk or parent is None:
            raise CanaryRefused(_("This version is not in use, or nothing came before it."))
        try:
            presets.set_current(parent, actor)
        except presets.PresetRefused as refused:
            raise CanaryRefused(str(refused)) from refused
        Canary.objects.filter(version=version).update(state=CanaryState.ROLLED_BACK, why=note.strip()[:300])
        lives.move(version, LifeState.ROLLED_BACK, why=note.strip(), actor=actor)
        lives.ban(version, parent)
        audit.record("preset.rolled_back", version, actor=actor, after={"parent": parent.number}, note=note.strip())
    return parent
