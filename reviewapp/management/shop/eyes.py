"""Scripted reviewers: what they see in a result, how surely, and their work at the desk's own services."""

from __future__ import annotations

import random
from itertools import cycle

from django.contrib.auth.models import User

from reviewapp.enums import RejectReason, Verdict
from reviewapp.models import Look, ReviewTask
from reviewapp.services import leases, review

STAINED = "stained"
"""In the name of a photo whose product has a stain. The score can't know: the stain is in the photo as well."""
GARISH_FROM = 40
"""Saturation from which people call a colour wrong. The score takes a declared correction as meant."""
SMALL_BELOW, SMALL_SPREAD = 0.786, 0.01
"""Share of the frame below which a product looks small to people: not the same for every product."""
FINDS, FALSE = 0.985, 0.005
"""How often a fault is seen, and how often one is seen that isn't there."""
AT_ONCE = 16


def fault_of(task: ReviewTask) -> RejectReason | None:
    """The truth about a result, as a careful person with all the time in the world would tell it; None: it is fine."""
    look = Look.objects.filter(task=task, gold__isnull=False).select_related("gold").first()
    if look is not None and look.gold is not None and look.gold.defect:
        return RejectReason(look.gold.reasons[0])
    if STAINED in task.asset.filename:
        return RejectReason.RESOLUTION
    if task.run.preset_version.params["colour"]["saturation"] >= GARISH_FROM:
        return RejectReason.COLOUR_SHIFT
    limit = random.Random(f"size {task.asset.sha256}").gauss(SMALL_BELOW, SMALL_SPREAD)
    fill = next((row["value"] for row in task.run.quality.measures if row["name"] == "fill"), 1.0)
    return RejectReason.CROP_FILL if fill < limit else None


def judged(task: ReviewTask, user: User) -> tuple[Verdict, list[str]]:
    """What this person says of a result: mostly the truth, always the same of the same look."""
    luck = random.Random(f"{user.username} {_which(task)} {task.version}").random()
    fault = fault_of(task)
    if fault is not None and luck < FINDS:
        return Verdict.REJECT, [str(fault)]
    if fault is None and luck < FALSE:
        return Verdict.REJECT, [str(RejectReason.EDGE_ROUGH)]
    return Verdict.APPROVE, []


def _which(task: ReviewTask) -> str:
    """Names a task by its photo and how many were made of it before: row numbers say what was there before."""
    earlier = ReviewTask.objects.filter(asset_id=task.asset_id, pk__lt=task.pk).count()
    return f"{task.asset.sha256} {earlier}"


def work(people: list[User]) -> int:
    """Let everybody take photos from the blind queue in turns until there is none. Returns how many were decided."""
    done, idle = 0, 0
    for user in cycle(people):
        tasks = leases.claim_next(user, AT_ONCE)
        done += sum(_decide(task.pk, user) for task in tasks)
        idle = 0 if tasks else idle + 1
        if idle == len(people):
            break
    return done


def _decide(task_id: int, user: User) -> int:
    task = ReviewTask.objects.select_related("asset", "run__quality", "run__preset_version").get(pk=task_id)
    verdict, reasons = judged(task, user)
    said = review.record_decision(
        user, task.pk, seen_version=task.version, verdict=verdict, reasons=reasons, seconds_taken=2.0,
        idempotency_key=f"shop:{task.pk}:{task.version}:{user.pk}",
    )  # fmt: skip
    return said.status == "saved"
