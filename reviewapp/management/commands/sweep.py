"""`manage.py sweep`: the sweeper and scheduler."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections, connection

from reviewapp import storage
from reviewapp.jobs.daily import Daily
from reviewapp.jobs.manners import let_people_go_first
from reviewapp.jobs.postman import Postman
from reviewapp.jobs.pulse import Pulse
from reviewapp.selectors import batches as batch_reads
from reviewapp.selectors import tasks
from reviewapp.services import (
    batches,
    editing,
    loop,
    outbox,
    proof,
    recalls,
    resumable,
    routing,
    runs,
    sealing,
    sending,
    sign_ins,
    tallies,
    turns,
)

logger = logging.getLogger(__name__)

SWEEP_S = 2.0
BATCHES_EVERY = 15
ONCE_MESSAGES = 50


class Command(BaseCommand):
    """Every 2 s: expired leases, lost bells, deliveries due; every 30 s: batches, counts and disk; once a day: files.

    A thread beside it sends what clients are told. Two sweepers do no harm.
    """

    help = "Bring back what was lost: expired leases, lost bells, batches left between two states."

    def add_arguments(self, parser: CommandParser) -> None:
        """One round or for ever."""
        parser.add_argument("--once", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep until told to stop."""
        if options["once"]:
            report = sweep_once(look_over_batches=True)
            sending.send_due(ONCE_MESSAGES)
            self.stdout.write(f"{report.released} released, {report.died} given up, {report.rung} rung")
            return
        let_people_go_first()
        pulse = Pulse("sweeper", role="sweeper")
        pulse.start()
        postman = Postman()
        postman.start()
        try:
            self._loop()
        finally:
            postman.stop()
            pulse.stop()

    def _loop(self) -> None:
        stopping: list[int] = []

        def note(number: int, frame: FrameType | None) -> None:
            stopping.append(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, note)
        rounds, daily = 0, Daily()
        while not stopping:
            try:
                sweep_once(look_over_batches=rounds % BATCHES_EVERY == 0, is_over=lambda: bool(stopping))
            except DatabaseError as error:  # the database is away; the next round finds it or not
                logger.warning("sweep_missed", extra={"error": str(error)})
                connection.close()
            except ExceptionGroup:  # each part of it is in the log; the next round tries again
                pass
            daily.look()
            rounds += 1
            time.sleep(SWEEP_S)


def sweep_once(*, look_over_batches: bool, is_over: Callable[[], bool] = lambda: False) -> runs.SweepReport:
    """One round. Returns what the task sweep did. Once `is_over` says so, nothing more is begun.

    What fails stops nothing that comes after it: raises ExceptionGroup at the end, with a note on each of whose it is.
    Raises DatabaseError at once.
    """
    close_old_connections()
    report = runs.SweepReport()

    def look_after_tasks() -> None:
        nonlocal report
        report = runs.sweep(on_dead=routing.task_died)

    round_ = Round(is_over)
    round_.do("tasks", look_after_tasks)
    round_.do("deliveries", recalls.sweep)
    round_.do("messages", outbox.sweep)
    if look_over_batches:
        round_.do("temporary files", _remove_temp_files)
        round_.do("uploads given up", _expire_uploads)
        round_.do("room", _look_for_room)
        round_.do("backlog", _look_for_backlog)
        round_.do("counts", tallies.fold)
        round_.do("ageing", turns.age)
        round_.do("lots", proof.tick)
        round_.do("deliveries called back", recalls.repair)
        round_.do("edits nobody works on", editing.free_expired)
        for batch_id in batch_reads.open_batch_ids():
            round_.do(f"batch {batch_id}", partial(batches.refresh, batch_id))
        round_.do("presets", loop.tick)
        round_.do("audit seals", sealing.tick)
        round_.do("sessions", sign_ins.tidy)
    round_.end()
    return report


class Round:
    """Pieces of work that don't depend on each other."""

    def __init__(self, is_over: Callable[[], bool]) -> None:
        self._is_over = is_over
        self._failed: list[Exception] = []

    def do(self, name: str, work: Callable[[], object]) -> None:
        """Do one, unless the round is over. Raises DatabaseError: without the database the others would fail alike."""
        if self._is_over():
            return
        try:
            work()
        except DatabaseError:
            raise
        except Exception as error:
            logger.exception("sweep_failed", extra={"part": name})
            error.add_note(f"Sweep: {name}")
            self._failed.append(error)

    def end(self) -> None:
        """Raise ExceptionGroup when any failed."""
        if self._failed:
            raise ExceptionGroup("Parts of the sweep failed", self._failed)


def _remove_temp_files() -> None:
    removed = storage.remove_stale_temp_files()
    if removed:
        logger.info("temp_files_removed", extra={"files": removed})


def _expire_uploads() -> None:
    given_up = resumable.expire()
    if given_up:
        logger.info("uploads_given_up", extra={"uploads": given_up})


def _look_for_backlog() -> None:
    if limit := tasks.backlog():
        logger.error("backlog", extra={"more_than": limit, "effect": "new batches are taken in and start later"})


def _look_for_room() -> None:
    if not storage.has_room():
        logger.error("disk_full", extra={"effect": "uploads are refused and no photo is taken up"})
