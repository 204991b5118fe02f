"""The demo, fully processed by the real stack: once per run of the tests, then copied for whoever needs it fresh."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stack import Stack


@contextmanager
def running(shared: Path, data: Path) -> Iterator[Stack]:
    """The stack on a copy, in `data`, of the processed demo, which lies in `shared` and is made by who comes first.

    `shared` is the same folder for all processes of one run.
    """
    made, passwords = shared / "demo", shared / "demo-passwords.json"
    with (shared / "demo.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not passwords.exists():
            with Stack(made, demo=True) as stack:
                stack.wait_idle(600)
                passwords.write_text(json.dumps(stack.passwords()))
    # A socket of the stack that made it may still lie there: it is nothing that could be copied.
    shutil.copytree(
        made, data, dirs_exist_ok=True, ignore=lambda at, names: [n for n in names if (Path(at) / n).is_socket()]
    )
    with Stack(data, demo=True, known=json.loads(passwords.read_text())) as stack:
        yield stack
