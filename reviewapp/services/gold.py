"""Known pictures: kept in stock, and what a reviewer's word on one says of the reviewer. Never of the photo."""

from __future__ import annotations

from django.contrib.auth.models import User

from reviewapp.enums import AlarmKind, AssetState, GoldSource, LotState, RunKind, Step
from reviewapp.models import Alarm, Asset, GoldItem, Look, Lot, ProcessingRun, QualityReport, Task
from reviewapp.policies.quality.reviewers import GOLD_DEFECTIVE
from reviewapp.selectors import gold as reads
from reviewapp.selectors import reviewers

from . import audit, chance, retro, runs, scopes

WANTED = 60
"""Known pictures kept ready; at 5 % of a queue they serve 1,200 looks of 60 days."""
AT_ONCE = 6


def judged(look: Look, user: User) -> None:
    """Count a known picture for its reviewer; an alarm voids their looks since the change point and asks them again."""
    found = reviewers.gold_watch(user)
    if not found.watch.is_alarm:
        return
    which = "defects missed" if found.watch.misses.is_alarm else "good pictures rejected"
    text = f"{reviewers.name_of(user)}: too many {which} among known pictures. Their looks since then are made again."
    key = f"reviewer:{user.pk}"
    alarm = scopes.raise_alarm(AlarmKind.REVIEWER, key, text, reviewer=user)
    count = retro.void_looks(user, found.changed_at)
    if alarm is None:
        if not count:
            return
        # Nobody has dealt with the first alarm yet: what they saw since then counts no more than what came before it.
        alarm = Alarm.objects.get(key=key, kind=AlarmKind.REVIEWER, closed_at__isnull=True)
    audit.record("reviewer.alarm", alarm, after={"void": count, "reviewer": user.pk, "since": str(found.changed_at)})


def keep_stocked() -> int:
    """Order known pictures while there are too few, a few at a time. Returns how many were ordered; twice adds none."""
    if not reads.is_on():
        return 0
    stock = reads.stock()
    # One by one: an index holds each of these states, and SQLite finds none for both at once.
    on_order = sum(Task.objects.filter(step=Step.GOLD, state=state).count() for state in ("pending", "running"))
    missing = WANTED - sum(stock.values()) - on_order
    if missing <= 0:
        return 0
    bad_wanted = WANTED * GOLD_DEFECTIVE
    made = 0
    for asset in _sources(min(missing, AT_ONCE)):
        is_bad = stock[True] + made < bad_wanted and (stock[True] <= stock[False] or chance.share() < GOLD_DEFECTIVE)
        order(asset, is_defective=is_bad)
        stock[is_bad] += 1
        made += 1
    return made


def _sources(count: int) -> list[Asset]:
    """Approved photos no known picture was made of: by people first, whatever happened to them since they were made."""
    approved = Asset.objects.filter(state=AssetState.APPROVED, current_run__kind=RunKind.AUTOMATED)
    free = approved.filter(gold_items__isnull=True).exclude(tasks__step=Step.GOLD).exclude(complaints__isnull=False)
    return list(free.select_related("current_run").order_by("-pk")[:count])


def order(asset: Asset, *, is_defective: bool) -> Task:
    """Let a worker make a known picture of an approved photo's result."""
    run = asset.current_run
    assert run is not None, "an approved photo has a result"
    args = {"run_id": run.pk, "is_defective": is_defective, "seed": chance.number()}
    return runs.create_task(asset, Step.GOLD, f"gold:{run.pk}", priority=10, args=args)


def keep_escape(flag: Look) -> GoldItem | None:
    """Keep what a client got with a defect as a known picture: nothing planted is as hard to see as what escaped (10).

    None when there is one of this photo already. Call inside the transaction that upheld the flag.
    """
    base = flag.task.run
    if base.kind != RunKind.AUTOMATED or GoldItem.objects.filter(asset_id=flag.asset_id).exists():
        return None
    run = ProcessingRun.objects.get(pk=base.pk)
    run.pk, run._state.adding = None, True
    run.kind, run.pipeline_version = RunKind.GOLD, gold_version(base)
    made = keep(run, defect="", reasons=list(flag.reasons), source=GoldSource.ESCAPE)
    copy_score(base, run)
    return made


def gold_version(base: ProcessingRun) -> str:
    """A version of its own: a known picture never takes an attempt the line will want."""
    return f"{base.pipeline_version}g"


def copy_score(base: ProcessingRun, run: ProcessingRun) -> None:
    """A decision keeps the score of what it was about; a known picture has its photo's, of the photo's time."""
    report = QualityReport.objects.get(run=base)
    created_at = report.created_at
    report.pk, report._state.adding, report.run = None, True, run
    report.save(force_insert=True)
    QualityReport.objects.filter(pk=report.pk).update(created_at=created_at)


def watch_stock() -> None:
    """Say when too few known pictures are ready while lots are proven: what people see is only assumed then."""
    ready = sum(reads.stock().values())
    if ready >= reads.LEAST_GOLD or not reads.is_on():
        scopes.close_alarms(None, "There are enough known pictures now.", kind=AlarmKind.FEW_GOLD)
    elif Lot.objects.filter(state=LotState.RELEASED).exists() and not _sources(1):
        text = f"{ready} known pictures are ready and no more can be made: approve more photos by hand."
        scopes.raise_alarm(AlarmKind.FEW_GOLD, "gold", f"{text} Until then it is assumed how much people see.")


def keep(run: ProcessingRun, *, defect: str, reasons: list[str], source: GoldSource) -> GoldItem:
    """Write a known picture and its run. Call inside the transaction that completes the task."""
    run.save(force_insert=True)
    item = GoldItem.objects.create(
        asset_id=run.asset_id, run=run, is_defective=bool(reasons), defect=defect, reasons=reasons, source=source
    )
    audit.record("gold.made", item, after={"defect": defect, "source": str(source)})
    return item
