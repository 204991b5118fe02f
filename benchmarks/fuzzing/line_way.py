"""The real way: the supervised stack (web, Valkey, two workers, sweeper), files over HTTP, states from its database."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.fuzzing import killer
from benchmarks.fuzzing.samples import Sample
from benchmarks.fuzzing.senders import Sender
from benchmarks.fuzzing.tally import Tally
from tests.stack import Stack

LINE_S = 600.0
ALL_THE_WAY = 12
"""One of so many photos goes into a batch that is cut out, scored and rendered; the others wait, classified."""
OPENED = """
import json
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group, User
from reviewapp.models import PersonScope, Preset
from reviewapp.services import ingest, seeds
user = User.objects.create_user('fuzz')
user.groups.add(Group.objects.get(name='manager'))
PersonScope.objects.update_or_create(user=user, defaults={'all_clients': True})
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
version = Preset.objects.get(slug=seeds.STANDARD_SLUG).current
def batch(name, share):
    return ingest.create_batch(ingest.ensure_client('Fuzz'), name, preset_version=version, channel_keys=['shopify'],
                               validation_profile='basic-500', actor=user, first_share=share).pk
told = {'session': session.session_key, 'waits': batch('waits', 0.01), 'whole': batch('whole', None)}
print('OPENED ' + json.dumps(told))
"""
UNFINISHED = ("received", "validated", "classified", "queued", "scored", "redo")
PAGES = (
    "/batches/{0}/",
    "/batches/{0}/intake/",
    "/batches/{0}/intake.csv",
    "/batches/{0}/upload/",
    "/images/",
    "/batches/",
)


class Line:
    """A running stack with two open batches."""

    def __init__(self, stack: Stack, tally: Tally) -> None:
        self.stack, self.tally = stack, tally
        printed = stack.manage("shell", "-c", OPENED)
        told = json.loads(next(line for line in printed.splitlines() if line.startswith("OPENED "))[7:])
        self.session, self.waits, self.whole = told["session"], int(told["waits"]), int(told["whole"])

    def send(self, files: Iterable[Sample], threads: int = 3) -> None:
        """Send all by the ways in turn."""
        waiting: queue.Queue[Sample | None] = queue.Queue(maxsize=32)
        people = [threading.Thread(target=self._sends, args=(waiting,)) for _ in range(threads)]
        for person in people:
            person.start()
        try:
            for sample in files:
                waiting.put(sample)
        finally:
            for _ in people:
                waiting.put(None)
            for person in people:
                person.join()

    def _sends(self, waiting: queue.Queue[Sample | None]) -> None:
        sender = Sender(self.stack.url, self.session, self.tally)
        while (sample := waiting.get()) is not None:
            way, send = self._way(sender, sample)
            batch = self.whole if sample.number % ALL_THE_WAY == 0 else self.waits
            lines = send(batch, sample)
            self._ended(sample, way, lines)

    def _way(self, sender: Sender, sample: Sample) -> tuple[str, Callable[[int, Sample], list[dict[str, str]]]]:
        if sample.ending == "csv":
            return "line: list", sender.sheet
        ways = (("line: tus", sender.tus), ("line: form", sender.form), ("line: raw body", sender.raw))
        if sample.ending == "zip":
            return ways[sample.number % 2]
        return ways[(0, 1, 2, 2)[sample.number % 4]]

    def _ended(self, sample: Sample, way: str, lines: list[dict[str, str]]) -> None:
        """What the answer says; of a photo that was taken the row says the rest, once the line is through."""
        if not lines:
            self.tally.end(sample.kind, way, "unhandled", "no_answer", "no answer that can be read")
            return
        first = lines[0]
        was_taken = any(line["status"] in ("accepted", "duplicate", "already_here", "sheet") for line in lines)
        message = first.get("message") or ("taken" if was_taken else "")
        self.tally.end(sample.kind, way, "accepted" if was_taken else "rejected", "at the door", message)

    def finish(self) -> None:
        """Wait for the line, then hold every row, page, process and folder against what was promised."""
        deadline = time.monotonic() + LINE_S
        marks = ", ".join(f"'{state}'" for state in UNFINISHED)
        asked = f"SELECT count(*) FROM reviewapp_asset WHERE state IN ({marks})"
        while (left := self.stack.rows(asked)[0][0]) and time.monotonic() < deadline:
            time.sleep(0.5)
        if left:
            self.tally.note(self.tally.unrecovered, f"{left} photos are still with the machine")
        self._rows()
        sender = Sender(self.stack.url, self.session, self.tally)
        for page in PAGES:
            for batch in (self.waits, self.whole):
                status, _, _ = sender.ask(f"page {page}", "GET", page.format(batch), Accept="text/html")
                if status >= 400 and status not in (404,):
                    self.tally.note(self.tally.faults, f"{page}: {status}")
        self._processes()
        for folder in ("tmp", "parts"):
            for path in (self.stack.data / "files" / folder).glob("*"):
                self.tally.note(self.tally.left_over, f"{folder}/{path.name}")

    def _rows(self) -> None:
        found = self.stack.rows(
            "SELECT state, state_code, state_reason, count(*) FROM reviewapp_asset GROUP BY 1, 2, 3"
        )
        for state, code, reason, count in found:
            family = "rows of the line"
            ended = state if state not in ("rejected_intake", "failed", "duplicate") else f"{state}: {code}"
            self.tally.ended[family][ended] += count
            if state in ("rejected_intake", "failed", "duplicate") and not (reason.strip() and code):
                self.tally.note(self.tally.unreasoned, f"{count} rows {state} without a reason")
        for text in self.stack.rows("SELECT error_text FROM reviewapp_task WHERE error_category = 'unknown' LIMIT 10"):
            self.tally.note(self.tally.unhandled, f"task: {text[0][:200]}")

    def _processes(self) -> None:
        """Workers that ended on their own, and whether there are two again; what the web server's faults were."""
        log = self.stack.data / "logs" / "web.log"
        for row in log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []:
            if row.startswith("{") and '"error": "Traceback' in row:
                self.tally.note(self.tally.faults, "web.log: " + " | ".join(json.loads(row)["error"].splitlines()[-5:]))
        for line in self.stack.lines:
            if "ended (" in line:
                self.tally.note(self.tally.deaths, f"line: {line.strip()[:100]}")
        deadline = time.monotonic() + 30
        while (alive := len(self.stack.children(r"manage\.py worker"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.5)
        self.tally.limits |= _limits(self.stack.children(r"manage\.py worker"))
        if alive < 2:
            self.tally.note(self.tally.unrecovered, f"only {alive} workers are alive at the end")


@contextmanager
def running(tally: Tally, *, kills: bool) -> Iterator[Line]:
    """Start the stack in a folder of its own; with `kills` its category model crashes on the planted photo."""
    with tempfile.TemporaryDirectory(prefix="softproof-fuzz-") as name:
        scratch = Path(name) / "scratch"
        scratch.mkdir()
        env = {"TASK_LEASE_S": "10", "TMPDIR": str(scratch), "WORKERS": "2"}
        if kills:
            env["CATEGORY_MODEL"] = "benchmarks.fuzzing.killer:opinion"
        env.update(dict.fromkeys(("DATABASE_URL", "REDIS_URL", "STORAGE_URL"), ""))
        with Stack(Path(name) / "data", **env) as stack:
            stopped = threading.Event()
            watch = threading.Thread(target=_watch, args=(stack, tally, stopped), daemon=True)
            watch.start()
            line = Line(stack, tally)
            try:
                yield line
            finally:
                stopped.set()
                watch.join()
        for path in scratch.iterdir():
            tally.note(tally.left_over, f"TMPDIR/{path.name}")


def plant(line: Line) -> None:
    """Send the photo that kills, ahead of the others."""
    sample = Sample(1, "png that crashes its worker", "killer.png", killer.planted())
    Sender(line.stack.url, line.session, line.tally).raw(line.waits, sample)


def planted_state(line: Line) -> tuple[str, str, str]:
    """State, code and sentence of the planted photo."""
    asked = "SELECT state, state_code, state_reason FROM reviewapp_asset WHERE relative_path LIKE '%killer.png'"
    found: list[Any] = line.stack.rows(asked)
    return tuple(found[0]) if found else ("", "", "")


def _watch(stack: Stack, tally: Tally, stopped: threading.Event) -> None:
    """Read the peak resident memory of workers and web, twice a second."""
    while not stopped.wait(0.5):
        listing = subprocess.run(
            ["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
        ).stdout
        assert stack.process
        family = {stack.process.pid}
        for row in listing.splitlines()[1:]:
            pid, ppid, words = row.split(None, 2)
            if int(ppid) not in family:
                continue
            family.add(int(pid))
            who = "worker, line" if "manage.py worker" in words else "web" if "gunicorn" in words else ""
            if who:
                tally.peak(who, _peak(int(pid)))


def _limits(pids: list[int]) -> dict[str, str]:
    """The kernel's own word on what the first of these processes may take (Linux)."""
    path = Path(f"/proc/{pids[0]}/limits") if pids else Path("/nowhere")
    if not path.exists():
        return {}
    rows = path.read_text(encoding="ascii").splitlines()[1:]
    wanted = ("Max address space", "Max file size", "Max core file size")
    return {name: row[len(name) :].split()[0] for name in wanted for row in rows if row.startswith(name)}


def _peak(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0
    found = [row for row in text.splitlines() if row.startswith("VmHWM")]
    return int(found[0].split()[1]) * 1024 if found else 0


def has_proc() -> bool:
    """Whether peaks can be read here."""
    return os.path.isdir("/proc/self")
