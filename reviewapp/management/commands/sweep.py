"""`manage.py sweep`: the sweeper and scheduler."""

from __future__ import annotations

import logging
import signal
import time
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, close_old_connections, connection

from reviewapp import storage
from reviewapp.jobs.pulse import Pulse
from reviewapp.selectors import batches as batch_reads
from reviewapp.services import batches, loop, proof, resumable, routing, runs, tallies

logger = logging.getLogger(__name__)

SWEEP_S = 2.0
BATCHES_EVERY = 15


class Command(BaseCommand):
    """Every 2 s: free expired leases, ring lost bells; every 30 s: look at batches, counts and disk. Two do no harm."""

    help = "Bring back what was lost: expired leases, lost bells, batches left between two states."

    def add_arguments(self, parser: CommandParser) -> None:
        """One round or for ever."""
        parser.add_argument("--once", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep until told to stop."""
        if options["once"]:
            report = sweep_once(look_over_batches=True)
            self.stdout.write(f"{report.released} released, {report.died} given up, {report.rung} rung")
            return
        pulse = Pulse("sweeper", role="sweeper")
        pulse.start()
        try:
            self._loop()
        finally:
            pulse.stop()

    def _loop(self) -> None:
        stopping: list[int] = []

        def note(number: int, frame: FrameType | None) -> None:
            stopping.append(number)

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, note)
        rounds = 0
        while not stopping:
            try:
                sweep_once(look_over_batches=rounds % BATCHES_EVERY == 0)
            except DatabaseError as error:  # the database is away; the next round finds it or not
                logger.warning("sweep_missed", extra={"error": str(error)})
                connection.close()
            rounds += 1
            time.sleep(SWEEP_S)


def sweep_once(*, look_over_batches: bool) -> runs.SweepReport:
    """One round. Returns what the task sweep did."""
    close_old_connections()
    report = runs.sweep(on_dead=routing.task_died)
    if look_over_batches:
        removed = storage.remove_stale_temp_files()
        if removed:
            logger.info("temp_files_removed", extra={"files": removed})
        given_up = resumable.expire()
        if given_up:
            logger.info("uploads_given_up", extra={"uploads": given_up})
        if not storage.has_room():
            logger.error("disk_full", extra={"effect": "uploads are refused and no photo is taken up"})
        tallies.fold()
        proof.tick()
        for batch_id in batch_reads.open_batch_ids():
            batches.refresh(batch_id)
        loop.tick()
    return report
