"""Where the kernel can't kill children with their parent (macOS): run a command and end it when the parent is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from types import FrameType

WATCH_S = 0.5


def main() -> int:
    """Run `sys.argv[1:]`; pass signals on; kill it when this process was orphaned."""
    parent = int(os.environ.get("SOFTPROOF_SUPERVISOR_PID", os.getppid()))
    child = subprocess.Popen(sys.argv[1:])

    def pass_on(number: int, frame: FrameType | None) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, pass_on)
    while child.poll() is None:
        if os.getppid() != parent:
            child.kill()
            return 1
        time.sleep(WATCH_S)
    return child.returncode


if __name__ == "__main__":
    sys.exit(main())
