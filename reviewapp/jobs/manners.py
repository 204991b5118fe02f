"""People before machines: what works in the background lets the pages go first on the same cores."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

STEPS = 10
"""Of nice(2): a busy core gives such a process a tenth of what it gives a web process that also wants it."""
_GROUP = Path("/proc/self/autogroup")


def let_people_go_first() -> None:
    """Make this process, and what it starts, give way to the web server's. Without somebody waiting it costs nothing.

    Linux may weigh sessions against each other instead of processes (sched_autogroup, sched(7)), and each of ours has
    its own: then the session must say it too. Where the system refuses, nothing changes.
    """
    with suppress(OSError, AttributeError):
        os.nice(STEPS)
    with suppress(OSError):
        _GROUP.write_text(str(STEPS))
