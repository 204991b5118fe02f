"""gunicorn's settings: two processes with threads, each ended by the kernel when the one that started it ends."""

from __future__ import annotations

import os
import sys
from typing import Any

from reviewapp.supervisor.processes import die_with_parent

worker_class = "gthread"
workers = 2
threads = 8
# A slow upload doesn't count: in gthread the limit is on the process, not on the request.
timeout = 120
graceful_timeout = 10
accesslog = "-"
# Else gunicorn opens a control socket in the user's home folder.
control_socket_disable = True


def post_fork(server: Any, worker: Any) -> None:
    """gunicorn looks for its parent only between requests, and not at all while the application is imported."""
    if sys.platform == "linux":
        die_with_parent(os.getppid())
