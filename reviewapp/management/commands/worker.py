"""`manage.py worker`: one warm worker process."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from reviewapp.jobs import worker
from reviewapp.jobs.manners import let_people_go_first


class Command(BaseCommand):
    """Takes photos through the line until it is told to stop."""

    help = "Run one warm worker. The supervisor starts it again when it ends."

    def add_arguments(self, parser: CommandParser) -> None:
        """Name and limits."""
        parser.add_argument("--name", default=f"worker-{os.getpid()}")
        parser.add_argument(
            "--max-rss-mb",
            type=int,
            default=settings.WORKER_MAX_RSS_MB,
            help="End after a task that leaves more than this.",
        )
        parser.add_argument("--max-jobs", type=int, default=5000)
        parser.add_argument("--burst", action="store_true", help="End when the queue is empty.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Work."""
        let_people_go_first()
        worker.work(
            options["name"],
            max_rss_bytes=options["max_rss_mb"] * 1024 * 1024,
            max_jobs=options["max_jobs"],
            burst=options["burst"],
        )
