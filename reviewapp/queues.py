"""The only door to RQ. Redis carries doorbells only: lose it and the sweep rings again (docs/reliability.md)."""

from __future__ import annotations

import logging
from functools import lru_cache

import redis
from django.conf import settings
from rq import Queue
from rq.serializers import JSONSerializer

logger = logging.getLogger(__name__)

RUN_TASK = "reviewapp.jobs.runner.run_task"
QUEUE_NAME = "default"
# As many bells at most: a long backlog can't fill Redis. What is not rung for is in its row, and the sweep tops up.
MAX_BELLS = 1000


@lru_cache(maxsize=4)
def _connect(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_connect_timeout=1.0, health_check_interval=30)


def redis_url() -> str:
    """Return the configured address; "" means there's no Redis and workers poll the database."""
    return str(settings.RQ_QUEUES[QUEUE_NAME].get("URL", ""))


def connection() -> redis.Redis:
    """Return the shared client of this process. Raises ValueError when no Redis is configured."""
    return _connect(redis_url())


def queue() -> Queue:
    """Return the one queue; JSON on both sides, because a pickle in Redis is code for whoever can write there."""
    return Queue(QUEUE_NAME, connection=connection(), serializer=JSONSerializer)


def ring(task_id: int) -> bool:
    """Tell a worker that task `task_id` is due. Never raises: a lost bell is rung again by the sweep.

    Call after commit; returns whether the bell reached Redis. A full queue takes none: backpressure (SCH-18).
    """
    if not redis_url():
        return False
    try:
        if queue().count >= MAX_BELLS:
            return False
        # No RQ retries, timeouts or results: attempts, deadlines and outcomes live in the task's row.
        queue().enqueue(RUN_TASK, task_id, job_timeout=-1, result_ttl=0, failure_ttl=60)
    except (redis.RedisError, OSError) as error:
        logger.warning("bell_lost", extra={"task": task_id, "error": str(error)})
        return False
    return True


def free_bells() -> int:
    """Return how many more bells the queue takes before the sweep holds back; 0 when Redis can't be reached."""
    if not redis_url():
        return 0
    try:
        return max(0, MAX_BELLS - queue().count)
    except (redis.RedisError, OSError):
        return 0


def is_up() -> bool:
    """Say whether Redis answers; False as well when none is configured."""
    if not redis_url():
        return False
    try:
        return bool(connection().ping())
    except (redis.RedisError, OSError):
        return False
