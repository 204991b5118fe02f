"""A worker's pulse: a thread that keeps its lease and its heartbeat row alive, and one that enforces the hard deadline.

Two, because a database that hangs must not keep the deadline from being noticed.
"""

from __future__ import annotations

import logging
import os
import platform
import socket
import sys
import threading
import time
from dataclasses import dataclass

from django.db import DatabaseError, connection
from django.utils import timezone

from reviewapp.models import WorkerHeartbeat
from reviewapp.services import routing, runs
from reviewapp.services.errors import StepDeadline

logger = logging.getLogger(__name__)

PULSE_S = 5.0
# Native code can't be interrupted from Python: past this the process ends itself, and says so on the task if it can.
STEP_DEADLINE_S = 300.0
GUARD_S = 1.0
LAST_WORDS_S = 5.0
EXIT_DEADLINE = 70


def rss_bytes() -> int:
    """Return this process's resident memory in bytes (Linux: now; elsewhere: the peak so far)."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        import resource  # POSIX only, and only needed where /proc is missing

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


@dataclass
class _Work:
    claim: runs.Claim
    started: float
    is_lost: bool = False


class Pulse:
    """Runs beside the work. `hold` and `release` name the claim to keep; `start` and `stop` bound the thread."""

    def __init__(self, name: str, role: str = "worker") -> None:
        self.name = name
        self.role = role
        self.remover = ""
        self.tasks_done = 0
        self._work: _Work | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pulse-{name}", daemon=True)
        self._guard = threading.Thread(target=self._watch, name=f"guard-{name}", daemon=True)
        self._started_at = timezone.now()

    def start(self) -> None:
        """Write the first heartbeat and start the thread."""
        self.write()
        self._thread.start()
        self._guard.start()

    def stop(self) -> None:
        """End the thread and take the heartbeat row away: this worker went on purpose."""
        self._stop.set()
        self._thread.join(timeout=10)
        WorkerHeartbeat.objects.filter(name=self.name).delete()

    def hold(self, claim: runs.Claim) -> None:
        """Keep `claim` alive until `release`."""
        self._work = _Work(claim, time.monotonic())

    def release(self, remover: str) -> None:
        """The claim ended, one way or the other; `remover` names what this worker holds warm now."""
        self._work = None
        self.remover = remover
        self.tasks_done += 1

    def write(self) -> None:
        """Update this worker's heartbeat row."""
        work = self._work
        WorkerHeartbeat.objects.update_or_create(
            name=self.name,
            defaults={
                "pid": os.getpid(),
                "host": socket.gethostname() or platform.node(),
                "role": self.role,
                "task_id": work.claim.task_id if work else None,
                "remover": self.remover,
                "rss_bytes": rss_bytes(),
                "tasks_done": self.tasks_done,
                "started_at": self._started_at,
                "seen_at": timezone.now(),
            },
        )

    def _run(self) -> None:
        while not self._stop.wait(PULSE_S):
            try:
                self._beat()
            except DatabaseError as error:  # the next pulse tries again on a fresh connection
                logger.warning("pulse_missed", extra={"worker": self.name, "error": str(error)})
                connection.close()
        connection.close()

    def _beat(self) -> None:
        work = self._work
        if work is not None and not work.is_lost and not runs.beat(work.claim) and self._work is work:
            # Native code can't be stopped here; the token keeps its result out, the deadline still ends it.
            logger.warning("lease_lost", extra={"worker": self.name, "task": work.claim.task_id})
            work.is_lost = True
        self.write()

    def _watch(self) -> None:
        while not self._stop.wait(GUARD_S):
            work = self._work
            if work is not None and time.monotonic() - work.started > STEP_DEADLINE_S:
                logger.error("step_deadline", extra={"worker": self.name, "task": work.claim.task_id})
                words = threading.Thread(target=_give_up, args=(work.claim,), daemon=True)
                words.start()
                words.join(LAST_WORDS_S)  # else the lease brings the task back
                os._exit(EXIT_DEADLINE)


def _give_up(claim: runs.Claim) -> None:
    """Write on the task that it took too long: tried again at once, dead after its last attempt, its photo failed."""
    error = StepDeadline(f"It took longer than {STEP_DEADLINE_S:g} s and was stopped.")
    try:
        runs.fail(claim, error, on_dead=routing.task_died)
    except DatabaseError as away:
        logger.warning("deadline_not_recorded", extra={"task": claim.task_id, "error": str(away)})
