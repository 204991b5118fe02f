"""The queue's entry point: claim, do the step, and end in a state whatever happens."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable

from django.db import DatabaseError, close_old_connections

from reviewapp import storage
from reviewapp.enums import Step
from reviewapp.selectors import tasks
from reviewapp.services import away, calibrating, execution, gold_making, replaying, routing, runs

from .pulse import Pulse

logger = logging.getLogger(__name__)

STEPS: dict[Step, Callable[[runs.Claim], None]] = {
    Step.VALIDATE: execution.validate,
    Step.CLASSIFY: execution.classify,
    Step.PROCESS: execution.process,
    Step.RESCORE: execution.rescore,
    Step.RENDER: execution.render,
    Step.ADJUST: execution.adjust,
    Step.SEARCH: replaying.search,
    Step.REPLAY: replaying.replay,
    Step.CALIBRATE: calibrating.calibrate,
    Step.GOLD: gold_making.make,
}

AT_HAND, ROUNDS = 8, 3
"""Tasks looked at for one bell: as many workers may reach for the same ones at the same moment."""
AWAY_S = 1.0
_pulse: Pulse | None = None


def attach(pulse: Pulse | None) -> None:
    """Name the pulse of this worker process, so that long steps keep their lease."""
    global _pulse
    _pulse = pulse


def owner() -> str:
    """Return the name this process claims under."""
    return _pulse.name if _pulse else f"{socket.gethostname()}:{os.getpid()}"


def run_task(task_id: int) -> str:
    """Answer one bell with one task: the most urgent that is due, whichever bell it was; `task_id` when none is.

    There is a bell for each task, so a task that went before its turn leaves its own bell to another. A worker that is
    told to stop has one step to finish, not all that is more urgent. Returns what came of it: done, retry, dead, fenced
    or refused.
    """
    close_old_connections()  # a warm worker would otherwise keep a dead connection for ever
    try:
        return _answer(task_id)
    except DatabaseError as error:
        if away.is_database_away(error):
            time.sleep(AWAY_S)  # else every bell there is would be used up in vain within seconds
        raise


def _answer(task_id: int) -> str:
    for _round in range(ROUNDS):
        first = tasks.due_ids(AT_HAND)
        for urgent in first:
            outcome = run_one(urgent)
            if outcome != "refused":  # else another worker was faster
                return outcome
        if not first:
            break
    return run_one(task_id)


def run_due(limit: int = 1) -> int:
    """Do up to `limit` due tasks straight from the database, most urgent first. Returns how many were done."""
    close_old_connections()
    done = 0
    for task_id in tasks.due_ids(limit * 4):
        if done >= limit:
            break
        done += run_one(task_id) != "refused"
    return done


def run_one(task_id: int) -> str:
    """Claim and do one task. Every error becomes a state; only a lost database is left to the lease."""
    if not storage.has_room():
        return "refused"  # a disk that is full to the brim would fail the database too; the sweep rings again
    held = runs.claim(task_id, owner())
    if held is None:
        return "refused"
    if _pulse:
        _pulse.hold(held)
    started = time.monotonic()
    try:
        outcome = _attempt(held)
    finally:
        if _pulse:
            _pulse.release(execution.warm_removers())
    logger.info(
        "task",
        extra={
            "task": held.task_id,
            "asset": held.asset_id,
            "step": held.step.value,
            "attempt": held.attempt,
            "token": held.token,
            "worker": held.owner,
            "outcome": outcome,
            "ms": round((time.monotonic() - started) * 1000),
        },
    )
    return outcome


def _attempt(held: runs.Claim) -> str:
    try:
        STEPS[held.step](held)
    except runs.Fenced:
        return "fenced"
    except Exception as error:
        if away.is_database_away(error):
            raise
        # Not hidden: it is logged and written on the task's row, which is what people and the sweep act on.
        logger.exception("step_failed", extra={"task": held.task_id, "step": held.step.value})
        state = runs.fail(held, error, on_dead=routing.task_died)
        return "fenced" if state is None else ("dead" if state == "dead" else "retry")
    return "done"
