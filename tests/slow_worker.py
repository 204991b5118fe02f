"""A real worker process whose first step takes as long as it is told: SECONDS, DEADLINE_S, MAX_RSS_BYTES."""

from __future__ import annotations

import sys
import time
from typing import Any

import django

django.setup()

from reviewapp.enums import Step  # noqa: E402
from reviewapp.jobs import pulse, runner, worker  # noqa: E402
from reviewapp.services import runs  # noqa: E402

if __name__ == "__main__":
    seconds, pulse.STEP_DEADLINE_S, limit = float(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    pulse.GUARD_S = 0.1

    def takes_long(held: runs.Claim) -> None:
        print("begun", flush=True)
        time.sleep(seconds)
        runs.complete(held, lambda: None)

    steps: dict[Any, Any] = runner.STEPS
    steps[Step.VALIDATE] = takes_long
    worker.work("slow", max_rss_bytes=limit, max_jobs=50)
