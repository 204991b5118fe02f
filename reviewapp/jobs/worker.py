"""A warm worker: models stay loaded between photos, because a cold start per job costs more than the job."""

from __future__ import annotations

import logging
import signal
import time
from types import FrameType
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from rq import SimpleWorker
from rq.serializers import JSONSerializer

from processing.confinement import Limits, confine
from processing.memory import keep_freed_memory
from reviewapp import queues

from . import pulse as pulses
from . import runner

logger = logging.getLogger(__name__)

POLL_S = 1.0
# A TIFF of 16 bits at the most pixels we take is 360 MB.
MAX_WRITTEN_BYTES = 2 * 1024**3


class WarmWorker(SimpleWorker):
    """Runs bells in this process. RQ's own registries, retries and maintenance are not relied on."""

    max_rss_bytes = 0

    def execute_job(self, job: Any, queue: Any) -> None:
        """Run the bell, then ask for an end when this process has grown too big."""
        super().execute_job(job, queue)
        if _is_too_big(self.max_rss_bytes):
            self._stop_requested = True


def work(name: str, *, max_rss_bytes: int, max_jobs: int, burst: bool = False) -> None:
    """Work until told to stop (SIGTERM, SIGINT), too big, or `max_jobs` are done. Without Redis: polls the database."""
    confine(limits())
    keep_freed_memory()
    pulse = pulses.Pulse(name)
    runner.attach(pulse)
    pulse.start()
    try:
        if queues.redis_url():
            _work_bells(name, max_rss_bytes, max_jobs, burst)
        else:
            _poll(max_rss_bytes, max_jobs)
    finally:
        runner.attach(None)
        pulse.stop()


def limits() -> Limits:
    """What this process may take while it opens clients' files (VAL-20, C24); its pulse holds the deadline.

    On SQLite the database is a file that a worker writes, and may well be larger than any file of a photo.
    """
    is_sqlite = connection.vendor == "sqlite"
    return Limits(settings.WORKER_MAX_MEMORY_MB * 1024**2, 0 if is_sqlite else MAX_WRITTEN_BYTES)


def _work_bells(name: str, max_rss_bytes: int, max_jobs: int, burst: bool) -> None:
    # RQ refuses a name that a killed worker left registered, so its name carries the moment; the heartbeat's doesn't.
    unique = f"{name}-{time.time_ns():x}"
    worker = WarmWorker(
        [queues.queue()], name=unique, connection=queues.connection(), serializer=JSONSerializer, default_worker_ttl=25
    )
    worker.max_rss_bytes = max_rss_bytes
    try:
        worker.work(burst=burst, max_jobs=max_jobs, with_scheduler=False, logging_level="WARNING")
    except redis.RedisError as error:
        logger.warning("redis_lost", extra={"worker": name, "error": str(error)})
        runner.run_due(1)  # one photo by the database's word before the supervisor starts this worker again


def _is_too_big(max_rss_bytes: int) -> bool:
    rss = pulses.rss_bytes()
    if not max_rss_bytes or rss <= max_rss_bytes:
        return False
    logger.info("worker_recycled", extra={"rss": rss, "limit": max_rss_bytes})
    return True


class _Stop:
    """Turns a signal into a flag."""

    def __init__(self) -> None:
        self.is_set = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.is_set = True


def _poll(max_rss_bytes: int, max_jobs: int) -> None:
    stop, done = _Stop(), 0
    while not stop.is_set and done < max_jobs:
        did = runner.run_due(1)
        done += did
        # Looked at after a task, as with bells: a limit below what a worker starts with must not stop all work.
        if did and _is_too_big(max_rss_bytes):
            break
        if not did:
            time.sleep(POLL_S)
