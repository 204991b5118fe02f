"""What each scope has earned: kept as the policies' own state, changed by what closes, alarms and ages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import AlarmKind, Role, Sampling, ScopeMode
from reviewapp.models import Alarm, Certificate, Lot, Scope
from reviewapp.policies.quality import scopes as policy
from reviewapp.policies.quality.certificate import ClosedLot, looks_left
from reviewapp.policies.quality.cusum import Cusum
from reviewapp.policies.quality.lots import Promise
from reviewapp.selectors import gold as gold_reads

from . import audit
from .people import require


class HoldRefused(Exception):
    """The hold can't be ended so; the message is for the person."""


def policy_of(row: Scope) -> policy.ScopePolicy:
    """Return what is promised in a scope: the thresholds' own numbers, and what people are known to see."""
    promise = Promise(alpha=row.policy.tolerated_rate, sensitivity=gold_reads.sensitivity().of_lots)
    return policy.ScopePolicy(promise, row.policy.window_images, row.client.sampling == Sampling.EACH)


def read(row: Scope) -> policy.Scope:
    """Return the policies' state of a scope."""
    state = row.state or {}
    if not state:
        return policy.Scope(mode=row.mode)
    lots = tuple(closed_lot(one) for one in state["lots"])
    return policy.Scope(row.mode, lots, Cusum(**state["watch"]), state["suspects"])


def closed_lot(stored: dict[str, Any]) -> ClosedLot:
    """Return a released lot's record as the policies take it."""
    return ClosedLot(stored["size"], stored["rate"], tuple(stored["find_ranks"]), stored["other_finds"])


def write(row: Scope, now: policy.Scope, lot_ids: Sequence[int], **fields: Any) -> None:
    """Keep a scope's state; `lot_ids` name its lots, oldest first (the window may have dropped the first ones)."""
    kept = list(lot_ids)[len(lot_ids) - len(now.lots) :] if now.lots else []
    lots = [asdict(one) | {"lot": pk} for one, pk in zip(now.lots, kept, strict=True)]
    row.state = {"lots": lots, "watch": asdict(now.watch), "suspects": now.suspects}
    row.mode = now.mode
    for name, value in fields.items():
        setattr(row, name, value)
    row.save(update_fields=["state", "mode", *fields])


def lot_ids(row: Scope) -> list[int]:
    """Ids of the lots in a scope's window, oldest first."""
    return [int(one["lot"]) for one in (row.state or {}).get("lots", [])]


def locked(scope_id: int) -> Scope:
    """Return a scope, locked until the transaction ends."""
    return (
        Scope.objects.select_for_update(of=("self",))
        .select_related("client", "policy", "preset_version")
        .get(pk=scope_id)
    )


def lot_released(lot: Lot, record: ClosedLot, outcomes: Sequence[bool]) -> int:
    """Add a released lot to its scope and do what follows. Returns how many of the last lots must be looked at again.

    Call inside the transaction that released it.
    """
    row = locked(lot.scope_id)
    now = read(row)
    after, events = policy.lot_closed(now, policy_of(row), record, outcomes, is_incident=lot.is_incident)
    write(row, after, [*lot_ids(row), lot.pk], last_lot_at=timezone.now())
    again = 0
    for event in events:
        again = max(again, event.retro_audit)
        audit.record(
            f"scope.{event.kind}", row, after={"mode": row.mode, "retro_audit": event.retro_audit}, note=event.why
        )
        if event.kind in (AlarmKind.INCIDENT, AlarmKind.RATE, AlarmKind.LOST):
            raise_alarm(AlarmKind(event.kind), f"scope:{row.pk}", f"{row}: {event.why}", scope=row, lot=lot)
    certify(row)
    return again


def hold(row: Scope, why: str, lot: Lot | None = None) -> int:
    """Stop what comes of a scope until a person clears it: each lot must be proven by itself. Twice is once.

    Returns how many of the last lots must be looked at again (those since the change point).
    """
    if row.mode == ScopeMode.HOLD:
        return 0
    after, events = policy.put_on_hold(read(row), why)
    write(row, after, lot_ids(row), held_reason=why[:300])
    audit.record("scope.held", row, after={"mode": row.mode, "lot": lot.pk if lot else None}, note=why)
    for event in events:
        raise_alarm(AlarmKind.HOLD, f"scope:{row.pk}", f"{row}: {event.why}", scope=row, lot=lot)
    return max((event.retro_audit for event in events), default=0)


def clear(scope_id: int, actor: Any, note: str) -> Scope:
    """End a hold by a person's word: the scope learns again (2.5). Raises NotAllowed, HoldRefused."""
    require(actor, Role.MANAGER, to=_("end a hold"))
    words = note.strip()[:300]
    if not words:
        raise HoldRefused(_("Say what was found and done about it."))
    with transaction.atomic():
        row = locked(scope_id)
        if row.mode != ScopeMode.HOLD:
            raise HoldRefused(_("This isn't on hold any more."))
        after, _events = policy.cleared(read(row), words)
        write(row, after, lot_ids(row) if after.lots else [], held_reason="")
        certify(row)
        audit.record("scope.cleared", row, actor=actor, after={"mode": row.mode}, note=words)
        close_alarms(actor, words, key=f"scope:{row.pk}")
    return row


def forget_lots(row: Scope, gone: set[int]) -> None:
    """Take lots out of a scope's window, because their looks are void; it learns again."""
    kept = [(pk, one) for pk, one in zip(lot_ids(row), read(row).lots, strict=True) if pk not in gone]
    after, events = policy.reviewer_voided(read(row), [one for _, one in kept])
    if row.mode == ScopeMode.HOLD:
        after = replace(after, mode=ScopeMode.HOLD)
    write(row, after, [pk for pk, _ in kept])
    certify(row)
    for event in events:
        audit.record("scope.learning", row, after={"mode": row.mode}, note=event.why)


def age() -> int:
    """Let scopes forget what is too old (30 days without a lot). Returns how many did."""
    old = timezone.now() - timedelta(days=policy.IDLE_DAYS)
    stale = Scope.objects.filter(last_lot_at__lt=old).exclude(state={}).exclude(mode=ScopeMode.HOLD)
    done = 0
    for pk in list(stale.values_list("pk", flat=True)):
        with transaction.atomic():
            row = locked(pk)
            if row.last_lot_at is None or row.last_lot_at >= old:
                continue
            days = (timezone.now() - row.last_lot_at).total_seconds() / 86400
            after, events = policy.idle(read(row), days)
            write(row, after, lot_ids(row) if after.lots else [])
            certify(row)
            for event in events:
                audit.record("scope.learning", row, after={"mode": row.mode}, note=event.why)
            done += bool(events)
    return done


def certify(row: Scope) -> Certificate:
    """Write down what a scope's window proves today."""
    now, promised = read(row), policy_of(row)
    found = policy.scope_certificate(now, promised)
    promise = promised.promise
    rate = policy.sampling_rate(now, promised, 100) if now.lots else 1.0
    left = looks_left(now.lots, rate, promise.sensitivity, promise.alpha, promise.delta)
    return Certificate.objects.create(
        scope=row, made_on=timezone.localdate(), images=found.images, f1=found.f1, f2=found.f2, pi_min=found.pi_min,
        sensitivity=found.sensitivity, upper=found.upper, upper_anytime=found.upper_anytime, alpha=found.alpha,
        delta=promise.delta, is_ok=found.is_ok, point=found.point, looks_left=left, mode=row.mode,
    )  # fmt: skip


def certify_daily() -> int:
    """Write today's certificate of every scope that has shipped something and has none of today. Returns how many."""
    today = timezone.localdate()
    due = Scope.objects.filter(last_lot_at__isnull=False).exclude(certificates__made_on=today)
    ids = list(due.values_list("pk", flat=True))
    for pk in ids:
        with transaction.atomic():
            row = locked(pk)
            after, events = policy.rechecked(read(row), policy_of(row))
            if events:
                write(row, after, lot_ids(row) if after.lots else [])
            for event in events:
                audit.record(f"scope.{event.kind}", row, after={"mode": row.mode}, note=event.why)
                raise_alarm(AlarmKind(event.kind), f"scope:{row.pk}", f"{row}: {event.why}", scope=row)
            certify(row)
    return len(ids)


def raise_alarm(kind: AlarmKind, key: str, text: str, **about: Any) -> Alarm | None:
    """Raise an alarm unless the same one is open; None then."""
    try:
        with transaction.atomic():
            alarm = Alarm.objects.create(kind=kind, key=key[:80], text=text[:500], **about)
    except IntegrityError:
        return None
    audit.record("alarm.raised", alarm, after={"kind": str(kind), "key": key}, note=text)
    return alarm


def end_alarm(alarm_id: int, actor: Any, note: str) -> None:
    """End one alarm by a lead's word. A hold ends where it is cleared. Raises NotAllowed, HoldRefused."""
    require(actor, Role.MANAGER, Role.SENIOR, to=_("end an alarm"))
    words = note.strip()[:500]
    if not words:
        raise HoldRefused(_("Say what was done about it."))
    with transaction.atomic():
        alarm = Alarm.objects.select_for_update(of=("self",)).get(pk=alarm_id)
        if alarm.kind == AlarmKind.HOLD:
            raise HoldRefused(_("A hold is ended where its scope is: there it says what is held."))
        if not close_alarms(actor, words, pk=alarm.pk):
            raise HoldRefused(_("Somebody ended this alarm already."))


def close_alarms(actor: Any, note: str, **which: Any) -> int:
    """End open alarms with a person's (or None: the line's own) word. Returns how many."""
    done = 0
    for alarm in Alarm.objects.filter(closed_at__isnull=True, **which):
        by = actor if getattr(actor, "is_authenticated", False) else None
        done += Alarm.objects.filter(pk=alarm.pk, closed_at__isnull=True).update(
            closed_at=timezone.now(), closed_by=by, note=note[:500]
        )
        audit.record("alarm.closed", alarm, actor=actor, note=note)
    return done
