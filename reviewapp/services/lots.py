"""Lots from their plan to their release: photos gathered, ordered by a seed, looked at, held, released (2.2, 2.5).

The rows are the truth; `settle` reads a lot from them, asks policies.quality.lots what comes next, and does it. It may
run at any time and twice: after every look, and by the sweep.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from math import ceil
from types import MappingProxyType
from typing import Any

from django.db import OperationalError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import AlarmKind, AssetState, BatchState, LookKind, LotState, Role, ScopeMode, Verdict
from reviewapp.models import Asset, Batch, Look, Lot, LotPlace, Scope
from reviewapp.policies.quality import lots as policy
from reviewapp.policies.quality import order
from reviewapp.policies.quality import scopes as scope_policy

from . import audit, hidden, retro, scopes
from .people import require

logger = logging.getLogger(__name__)


def gather(batch: Batch, photos: Sequence[Asset]) -> list[Lot]:
    """Put auto-approved photos of a batch into lots, one per scope: a version that changes in mid-batch splits them.

    A small lot waits for others of its scope; `plan_due` plans it. Call inside a transaction that holds the batch.
    """
    keys = {str(asset.pk): _scope_key(asset) for asset in photos}
    by_id = {str(asset.pk): asset for asset in photos}
    touched = []
    for ids in policy.split_by_version({one: repr(key) for one, key in keys.items()}).values():
        scope = _scope(batch, keys[ids[0]])
        lot = scope.lots.filter(state=LotState.WAITING).order_by("pk").first() or _new_lot(scope)
        LotPlace.objects.bulk_create(
            [LotPlace(lot=lot, asset=by_id[one], run=by_id[one].current_run) for one in ids],
            ignore_conflicts=True,
        )
        Asset.objects.filter(pk__in=ids).update(sample_block=lot.number)
        Lot.objects.filter(pk=lot.pk).update(size=lot.places.count())
        touched.append(lot)
    return touched


def _scope_key(asset: Asset) -> tuple[str, int, int, str]:
    run = asset.current_run
    assert run is not None, "an auto-approved photo has the run that was approved"
    return asset.category, run.preset_version_id, run.quality.policy_id, run.pipeline_version


def _scope(batch: Batch, key: tuple[str, int, int, str]) -> Scope:
    category, version_id, policy_id, pipeline = key
    scope, created = Scope.objects.get_or_create(
        client_id=batch.client_id,
        category=category,
        preset_version_id=version_id,
        policy_id=policy_id,
        pipeline_version=pipeline,
    )
    if created:
        audit.record(
            "scope.learning", scope, after={"mode": scope.mode}, note="New client, preset, threshold or score."
        )
    return scopes.locked(scope.pk)


def _new_lot(scope: Scope) -> Lot:
    scope.lot_count += 1
    scope.save(update_fields=["lot_count"])
    return Lot.objects.create(scope=scope, number=scope.lot_count)


def plan_due() -> int:
    """Plan every waiting lot that is big or old enough, or whose scope needs no proof of each. Returns how many."""
    done = 0
    for pk in list(Lot.objects.filter(state=LotState.WAITING).order_by("pk").values_list("pk", flat=True)):
        try:
            done += plan(pk)
        except OperationalError:  # a deadlock on PostgreSQL: the others go on, this one in the next round
            logger.exception("lot_plan_failed", extra={"lot": pk})
    return done


def plan(lot_id: int, *, at_once: bool = False) -> bool:
    """Fix the plan and the order of a waiting lot and put its first looks into the queue; False when it must wait.

    `at_once`: however small it is (a person asked for it).
    """
    _prepare(lot_id)
    with transaction.atomic():
        # The scope first, as whoever gathers photos into this lot has it: the other way round the two may deadlock.
        scope = scopes.locked(Lot.objects.values_list("scope_id", flat=True).get(pk=lot_id))
        lot = _locked(lot_id)
        if lot.state != LotState.WAITING:
            return False
        places = _standing_places(lot)
        if not at_once and not _is_ripe(scope, lot, places):
            return False
        seed = seed_of(places, lot)
        promised = scopes.policy_of(scope)
        made = scope_policy.plan_lot(scopes.read(scope), promised, len(places), order.seed_hash(seed))
        by_id = {str(place.asset_id): place for place in places}
        for rank, one in enumerate(order.ordered(seed, by_id)):
            by_id[one].rank, by_id[one].pi = rank, made.pi_cert
        LotPlace.objects.bulk_update(by_id.values(), ["rank", "pi"], batch_size=500)
        lot.size, lot.plan, lot.seed, lot.seed_sha256 = made.size, asdict(made), seed, made.order_seed_hash
        lot.state, lot.planned_at, lot.why = LotState.OPEN, timezone.now(), made.reason[:300]
        lot.save()
        audit.record("lot.planned", lot, after={k: v for k, v in lot.plan.items() if k != "boundaries"})
        _advance(lot, scope)
    return True


def _prepare(lot_id: int) -> None:
    """Work the plan out once before anything is locked: its boundaries take seconds for a big lot and are kept."""
    lot = Lot.objects.select_related("scope__client", "scope__policy").get(pk=lot_id)
    size = lot.places.count()
    if lot.state == LotState.WAITING and size:
        scope_policy.plan_lot(scopes.read(lot.scope), scopes.policy_of(lot.scope), size, "")


def _standing_places(lot: Lot) -> list[LotPlace]:
    """The lot's photos that are still what they were gathered as; others leave it."""
    places = list(lot.places.select_related("asset__batch").order_by("pk"))
    standing = [
        place
        for place in places
        if place.asset.state == AssetState.AUTO_APPROVED and place.asset.current_run_id == place.run_id
    ]
    gone = {place.pk for place in places} - {place.pk for place in standing}
    LotPlace.objects.filter(pk__in=gone).delete()
    return standing


def _is_ripe(scope: Scope, lot: Lot, places: Sequence[LotPlace]) -> bool:
    if scope.mode == ScopeMode.CERTIFIED or not places:
        return True
    sizes: dict[int, int] = {}
    for place in places:
        sizes[place.asset.batch_id] = sizes.get(place.asset.batch_id, 0) + 1
    age_h = (timezone.now() - lot.created_at).total_seconds() / 3600
    if policy.merged_size(list(sizes.values()), [age_h]):
        return True
    words = f"{len(places)} photos are too few to prove: waits for more of its kind, at most a day."
    if lot.why != words:
        Lot.objects.filter(pk=lot.pk).update(why=words)
    return False


def seed_of(places: Iterable[LotPlace], lot: Lot) -> str:
    """Return the seed of a lot's order, hex, from its batches' seeds: their hashes were stored before any score."""
    seeds = sorted({place.asset.batch.sample_seed for place in places})
    return hashlib.sha256(f"{':'.join(seeds)}:{lot.scope_id}:{lot.number}".encode()).hexdigest()


def stored_plan(lot: Lot) -> policy.LotPlan:
    """Return the plan that was stored before the first look."""
    return policy.LotPlan(**{**lot.plan, "boundaries": tuple(lot.plan["boundaries"])})


def rebuilt(lot: Lot) -> policy.Lot:
    """Return a planned lot as the policies know it, from its rows."""
    places = lot.places.filter(rank__isnull=False).order_by("rank")
    looks = lot.looks.filter(is_void=False, asset_id__in=places.values("asset_id")).exclude(verdict="")
    seconds = {look.of_id: look for look in looks.filter(kind=LookKind.SECOND)}
    made: dict[str, policy.Look] = {}
    others: set[str] = set()
    for look in looks.filter(kind__in=[LookKind.FIRST, LookKind.AGAIN]).order_by("pk"):
        second = seconds.get(look.pk)
        upheld = None if second is None else second.verdict == Verdict.REJECT
        if look.kind == LookKind.AGAIN:
            others |= {str(look.asset_id)} if upheld else set()
            continue
        reason = look.reasons[0] if look.reasons else ""
        made[str(look.asset_id)] = policy.Look(
            look.reviewer_id or 0,
            look.verdict == Verdict.REJECT,
            reason,
            upheld,
            second.reviewer_id if second else None,
        )
    state = lot.state if lot.state in (LotState.HELD, LotState.RELEASED, LotState.REDO) else "open"
    ids = tuple(str(pk) for pk in places.values_list("asset_id", flat=True))
    kept = frozenset(others - {one for one, look in made.items() if look.upheld})
    return policy.Lot(stored_plan(lot), ids, MappingProxyType(made), kept, str(state), lot.passes)


def drop_cancelled() -> int:
    """Take photos of cancelled batches out of lots that aren't decided, so that the others don't wait for looks nobody
    is given. Returns how many lots changed.

    What is left is planned again in the same order: a random order without some is as random, whatever was found.
    """
    gone = LotPlace.objects.filter(asset__batch__state=BatchState.CANCELLED)
    gone = gone.filter(lot__state__in=[LotState.WAITING, LotState.OPEN, LotState.HELD])
    ids = sorted(set(gone.values_list("lot_id", flat=True)))
    for lot_id in ids:
        with transaction.atomic():
            scope = scopes.locked(Lot.objects.values_list("scope_id", flat=True).get(pk=lot_id))
            _leave(_locked(lot_id), scope)
    return len(ids)


def _leave(lot: Lot, scope: Scope) -> None:
    leaving = lot.places.filter(asset__batch__state=BatchState.CANCELLED)
    photos = list(leaving.values_list("asset_id", flat=True))
    hidden.withdraw(list(lot.looks.filter(asset_id__in=photos, verdict="", is_void=False)))
    leaving.delete()
    places = list(lot.places.order_by("rank", "pk"))
    lot.size = len(places)
    audit.record(
        "lot.photos_left", lot, after={"photos": len(photos), "left": lot.size}, note="Their batch was cancelled."
    )
    if not places:
        lot.state, lot.closed_at, lot.why = LotState.RELEASED, timezone.now(), "All its photos were cancelled."
        lot.save(update_fields=["state", "closed_at", "why", "size"])
        return
    if lot.state != LotState.WAITING:
        made = scope_policy.plan_lot(scopes.read(scope), scopes.policy_of(scope), len(places), lot.seed_sha256)
        lot.places.update(rank=None)  # no two places have one rank, not even on the way
        for rank, place in enumerate(places):
            place.rank, place.pi = rank, made.pi_cert
        LotPlace.objects.bulk_update(places, ["rank", "pi"], batch_size=500)
        lot.plan = asdict(made)
        audit.record("lot.planned", lot, after={k: v for k, v in lot.plan.items() if k != "boundaries"})
    lot.save(update_fields=["size", "plan"])
    if lot.state != LotState.WAITING:
        _advance(lot, scope)


def settle(lot_id: int) -> None:
    """Bring a planned lot forward as far as its looks allow. Takes its own lock; nothing due, nothing changed."""
    with transaction.atomic():
        lot = _locked(lot_id)
        if lot.state in (LotState.OPEN, LotState.HELD):
            _advance(lot, scopes.locked(lot.scope_id))


def _locked(lot_id: int) -> Lot:
    return Lot.objects.select_for_update(of=("self",)).select_related("scope__client", "scope__policy").get(pk=lot_id)


def _advance(lot: Lot, scope: Scope) -> None:
    if scope.mode == ScopeMode.HOLD and lot.state == LotState.OPEN:
        _hold(lot, scope, "Its scope is on hold: this lot is proven by itself.")
    if scope.mode == ScopeMode.LEARN and lot.plan["mode"] == policy.CERTIFIED:
        _tighten(lot)
    while True:
        now = rebuilt(lot)
        step = policy.next_step(now)
        ask_second(lot)
        if step.action == "look":
            _issue(lot, step.until, LookKind.FIRST)
        elif step.action == "hold":
            _hold(lot, scope, step.why)
            continue
        elif step.action == "release":
            _release(lot, replace(now, state="released"))
        elif step.action == "inspected" and _is_passed(lot) and _inspected(lot, scope, now):
            continue
        return


def _tighten(lot: Lot) -> None:
    """The scope's proof was lost while this lot waited for its looks: a sample that only kept it is no proof now."""
    made = policy.tightened(stored_plan(lot), "Its scope is not proven any more: this lot is proven by itself.")
    lot.plan, lot.why = asdict(made), made.reason[:300]
    lot.save(update_fields=["plan", "why"])
    lot.places.filter(rank__isnull=False).update(pi=made.pi_cert)
    audit.record("lot.planned", lot, after={k: v for k, v in lot.plan.items() if k != "boundaries"}, note=made.reason)


def _hold(lot: Lot, scope: Scope, why: str) -> None:
    lot.state, lot.why = LotState.HELD, why[:300]
    lot.save(update_fields=["state", "why"])
    audit.record("lot.held", lot, note=why)
    retro.look_again(scope.pk, scopes.hold(scope, f"Lot {lot.number}: {why}", lot), leaving_out=lot.pk)


def ask_second(lot: Lot) -> None:
    """Give every flag nobody else has judged to a second person, blind."""
    asked = Look.objects.filter(kind=LookKind.SECOND, is_void=False, lot=lot).values("of_id")
    flags = lot.looks.filter(verdict=Verdict.REJECT, is_void=False).exclude(kind=LookKind.SECOND).exclude(pk__in=asked)
    wanted = [
        hidden.Wanted(flag.asset, _shown_run(flag), LookKind.SECOND, lot=lot, of=flag)
        for flag in flags.select_related("asset", "task").order_by("pk")
    ]
    hidden.open_looks(wanted)


def _shown_run(flag: Look) -> int:
    """The result that was in the lot: the first person may have swapped in an adjusted one since."""
    place = LotPlace.objects.filter(lot=flag.lot_id, asset=flag.asset_id).first()
    return place.run_id if place else flag.task.run_id


def _issue(lot: Lot, until: int, kind: LookKind) -> None:
    """Put the looks at the order's first `until` places into the queue, those that are there already left alone."""
    number = lot.passes if kind == LookKind.AGAIN else 1
    there = lot.looks.filter(kind=kind, number=number, is_void=False).values("asset_id")
    due = lot.places.filter(rank__lt=until).exclude(asset_id__in=there).select_related("asset").order_by("rank")
    if kind == LookKind.AGAIN:  # what was found is with an editor already
        due = due.filter(asset__state=AssetState.AUTO_APPROVED)
    hidden.open_looks([hidden.Wanted(p.asset, p.run_id, kind, lot=lot, number=number) for p in due])


def _is_passed(lot: Lot) -> bool:
    """Say whether the inspection that is due has been made by other people too; the first one is the order itself."""
    if lot.passes == 1:
        return True
    _issue(lot, lot.size, LookKind.AGAIN)
    again = lot.looks.filter(kind=LookKind.AGAIN, number=lot.passes, is_void=False)
    if again.filter(verdict="").exists():
        return False
    flagged = again.filter(verdict=Verdict.REJECT).values("pk")
    judged = Look.objects.filter(kind=LookKind.SECOND, is_void=False, of__in=flagged).exclude(verdict="")
    return judged.count() == flagged.count()


def _inspected(lot: Lot, scope: Scope, now: policy.Lot) -> bool:
    """All of the lot was looked at: release it, look again, or give it up. True when something more is due."""
    after, verdict = policy.inspected(now)
    lot.passes = after.passes
    lot.is_incident = lot.is_incident or verdict.is_incident
    lot.save(update_fields=["passes", "is_incident"])
    audit.record("lot.inspected", lot, after={"action": verdict.action, "residual": verdict.residual})
    if verdict.action == "release":
        _release(lot, after)
        return False
    if verdict.action == "second_pass":
        why = f"Inspection {lot.passes}: one look at each photo doesn't prove so few."
        Lot.objects.filter(pk=lot.pk).update(why=why)
        return True
    lot.state, lot.why = LotState.REDO, "Too many defects to look them out: reprocess it or hand it to editors."
    lot.save(update_fields=["state", "why"])
    retro.look_again(scope.pk, scopes.hold(scope, f"Lot {lot.number}: {lot.why}", lot), leaving_out=lot.pk)
    scopes.raise_alarm(
        AlarmKind.INCIDENT, f"lot:{lot.pk}", f"{scope}, lot {lot.number}: {lot.why}", scope=scope, lot=lot
    )
    return False


def _release(lot: Lot, released: policy.Lot) -> None:
    closed = policy.close_lot(released)
    first = ceil(closed.record.rate * closed.record.size - 1e-9)
    outcomes = [rank in closed.record.find_ranks for rank in range(first)]
    lot.state, lot.closed_at = LotState.RELEASED, timezone.now()
    lot.why = f"{released.judged()} looks, {closed.found} defects taken out, at most {closed.residual_upper} left."
    figures = {"f1": closed.f1, "f2": closed.f2, "found": closed.found, "residual_upper": closed.residual_upper}
    lot.record = {**asdict(closed.record), **figures, "looks": released.judged()}
    lot.save(update_fields=["state", "closed_at", "why", "record"])
    hidden.withdraw(list(lot.looks.filter(verdict="", is_void=False)))
    audit.record("lot.released", lot, after=figures, note=lot.why)
    again = scopes.lot_released(lot, closed.record, outcomes)
    retro.look_again(lot.scope_id, again, leaving_out=lot.pk)


def _unseen(lot: Lot) -> int:
    """Photos whose look is due and that nobody has looked at; a look that doesn't count was one all the same."""
    seen = lot.looks.exclude(verdict="").values("asset_id")
    return lot.looks.filter(verdict="", is_void=False).exclude(asset_id__in=seen).count()


def release_unproven(lot_id: int, actor: Any, note: str) -> None:
    """Release a lot nobody can prove by a manager's word, after every photo was looked at. Raises HoldRefused."""
    require(actor, Role.MANAGER, to=_("release a lot"))
    words = note.strip()[:300]
    if not words:
        raise scopes.HoldRefused(_("Say why it may ship."))
    with transaction.atomic():
        lot = _locked(lot_id)
        now = rebuilt(lot) if lot.plan else None
        if now is None or lot.state not in (LotState.OPEN, LotState.HELD):
            raise scopes.HoldRefused(_("This lot isn't waiting any more."))
        if _unseen(lot) or now.pending():
            raise scopes.HoldRefused(_("Every photo of it must have been looked at first."))
        audit.record("lot.released_unproven", lot, actor=actor, note=words)
        _release(lot, replace(now, state="released"))
