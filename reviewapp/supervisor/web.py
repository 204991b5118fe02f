"""gunicorn's settings: two processes with threads, each ended by the kernel when the one that started it ends."""

from __future__ import annotations

import os
import sys
from typing import Any

from gunicorn.glogging import Logger

from reviewapp.config.logs import without_links
from reviewapp.supervisor.processes import die_with_parent

worker_class = "gthread"
workers = 2
threads = 8
# A slow upload doesn't count: in gthread the limit is on the process, not on the request.
timeout = 120
graceful_timeout = 10
accesslog = "-"
logger_class = "reviewapp.supervisor.web.DiscreetLogger"
# Else gunicorn opens a control socket in the user's home folder.
control_socket_disable = True


class DiscreetLogger(Logger):  # type: ignore[misc]
    """The access log without the signed part of links to deliveries: who reads the log couldn't open them (SEC-14)."""

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        """Gunicorn's values of one line."""
        found: dict[str, Any] = super().atoms(resp, req, environ, request_time)
        return {name: without_links(value) if isinstance(value, str) else value for name, value in found.items()}


def post_fork(server: Any, worker: Any) -> None:
    """gunicorn looks for its parent only between requests, and not at all while the application is imported."""
    if sys.platform == "linux":
        die_with_parent(os.getppid())
