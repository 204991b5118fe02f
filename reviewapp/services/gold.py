"""Known pictures: kept in stock, and what a reviewer's word on one says of the reviewer. Never of the photo."""

from __future__ import annotations

from django.contrib.auth.models import User

from reviewapp.enums import AlarmKind, AssetState, GoldSource, RunKind, Step
from reviewapp.models import Alarm, Asset, GoldItem, Look, ProcessingRun, Task
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
    on_order = Task.objects.filter(step=Step.GOLD, state__in=["pending", "running"]).count()
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


def keep(run: ProcessingRun, *, defect: str, reasons: list[str], source: GoldSource) -> GoldItem:
    """Write a known picture and its run. Call inside the transaction that completes the task."""
    run.save(force_insert=True)
    item = GoldItem.objects.create(
        asset_id=run.asset_id, run=run, is_defective=bool(reasons), defect=defect, reasons=reasons, source=source
    )
    audit.record("gold.made", item, after={"defect": defect, "source": str(source)})
    return item
