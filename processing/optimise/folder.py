"""A folder of pictures through the batch tool: planned, several at a time, each with its own deadline, resumable."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from processing.mishaps import explain, tell
from processing.optimise.options import SUFFIX_OF, Options, format_named
from processing.optimise.picture import Optimised, optimise
from processing.resumable import OPTIMISE_JOURNAL, Notes, find_files, fitting, stamp

JOURNAL = OPTIMISE_JOURNAL
_ROOM = 24  # bytes that a result's name may have beyond the picture's: its old ending, a number, the new ending
_AHEAD = 4  # jobs per worker waiting in the pool: enough to never starve one, and memory stays flat
_TICK_S = 0.2

Status = Literal["done", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class Job:
    """One picture: `name` is its path below the folder with forward slashes, `target` that of its result."""

    source: Path
    name: str
    target: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended. `result` is there unless it failed; `reason`, `code`, `category` (mishaps.Mishap) say why."""

    job: Job
    status: Status
    result: Optimised | None = None
    reason: str = ""
    code: str = ""
    category: str = ""
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the outcome as it stands in the report."""
        facts: dict[str, Any] = {"file": self.job.name, "status": self.status, "seconds": round(self.seconds, 3)}
        if self.result is not None:
            facts |= {"output": str(self.job.target), **asdict(self.result)}
        if self.reason:
            facts |= {"code": self.code, "category": self.category, "reason": self.reason}
        return facts


def find_pictures(source: Path, out: Path, formats: Sequence[str]) -> list[Path]:
    """Return the pictures at or below `source` whose name ends in one of `formats`, sorted; never those below `out`.

    Raises InputRejected as resumable.find_files.
    """
    return find_files(source, out, lambda suffix: format_named(suffix) in formats)


def plan(pictures: Sequence[Path], source: Path, out: Path, options: Options) -> list[Job]:
    """Give each picture its place below `out`: folders kept, the suffix that of the target format.

    Two pictures that want one name ("front.png" and "front.jpg" both to JPEG, or names that differ in case only) both
    survive: the later one carries its old suffix too (PRO-47).
    """
    base = source.parent if source.is_file() else source
    converts = bool(options.format) and "convert" in options.operations
    taken: set[str] = set()
    jobs = []
    for picture in pictures:
        name = PurePosixPath(picture.relative_to(base).as_posix())
        stem = fitting(name.stem, _ROOM)
        wanted = name.with_name(stem + (SUFFIX_OF[options.format] if converts else name.suffix))
        candidate, count = wanted, 1
        while str(candidate).casefold() in taken:
            number = "" if count == 1 else f"-{count}"
            candidate = wanted.with_name(f"{stem}-{name.suffix.lstrip('.')}{number}{wanted.suffix}")
            count += 1
        taken.add(str(candidate).casefold())
        jobs.append(Job(picture, str(name), out / candidate))
    return jobs


class Journal:
    """Which pictures are done. One holds while its size, time and the options are those it was made with and its
    result is still there."""

    def __init__(self, out: Path, options: Options) -> None:
        self._notes = Notes(out / JOURNAL)
        self._digest = options.digest()

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._notes.close()

    def earlier(self, job: Job) -> Optimised | None:
        """Return the result of an earlier run that still holds."""
        noted = self._notes.earlier(job.name, self._key(job))
        if noted is None or not job.target.is_file():
            return None
        try:
            return Optimised(**noted)
        except TypeError:  # noted by another release
            return None

    @property
    def trouble(self) -> str:
        """Why something could not be noted; "" as long as all was."""
        return self._notes.trouble

    def add(self, job: Job, result: Optimised) -> None:
        """Note a picture as done; call from one thread only."""
        self._notes.add(job.name, self._key(job), asdict(result))

    def _key(self, job: Job) -> str:
        return f"{stamp(job.source)}:{self._digest}:{job.target.name}"


class _Deadlines:
    """Stops the computation of a picture that takes too long: the work itself, not only the waiting for it."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._running: dict[int, tuple[float, Any]] = {}
        self._lock = threading.Lock()

    def watch(self, image: Any) -> None:
        image.set_progress(True)
        with self._lock:
            started = self._running.get(threading.get_ident(), (time.monotonic(), None))[0]
            self._running[threading.get_ident()] = (started, image)

    def forget(self) -> None:
        with self._lock:
            self._running.pop(threading.get_ident(), None)

    def end_all(self) -> None:
        """Stop whatever is computed now."""
        with self._lock:
            for _, image in self._running.values():
                image.set_kill(True)

    def enforce(self) -> None:
        now = time.monotonic()
        with self._lock:
            for started, image in self._running.values():
                if now - started > self._limit_s:
                    image.set_kill(True)


def worker_count(wanted: int, jobs: int) -> int:
    """Return how many pictures are worked on at once: `wanted`, 0 for one per core, never more than jobs (SCH-16)."""
    return max(1, min(wanted or os.cpu_count() or 1, jobs))


def optimise_folder(
    jobs: Sequence[Job],
    options: Options,
    journal: Journal,
    *,
    workers: int = 0,
    timeout_s: float = 30.0,
    is_stopped: Callable[[], bool] = lambda: False,
    is_verbose: bool = False,
) -> Iterator[Outcome]:
    """Yield the outcome of every job as it ends. One bad picture never stops the others (PRO-16, SCH-26).

    One libvips thread per picture and one picture per core: libvips leaves Python's lock while it works, so threads
    really run side by side, and share one copy of the libraries. When `is_stopped` says so, no new picture is begun.
    """
    import pyvips

    pyvips.cache_set_max(0)  # every picture is seen once; a cache would only hold memory
    pyvips.concurrency_set(1)
    deadlines = _Deadlines(timeout_s)
    count = worker_count(workers, len(jobs))
    with ThreadPoolExecutor(count, thread_name_prefix="optimise") as pool:

        def submit(job: Job) -> Future[Outcome]:
            return pool.submit(_attempt, job, options, deadlines, is_verbose)

        try:
            yield from _outcomes(jobs, journal, submit, deadlines, count * _AHEAD, is_stopped)
        except BaseException:  # Ctrl-C a second time, or nobody wants the rest
            pool.shutdown(wait=False, cancel_futures=True)
            deadlines.end_all()
            raise


def _outcomes(
    jobs: Sequence[Job],
    journal: Journal,
    submit: Callable[[Job], Future[Outcome]],
    deadlines: _Deadlines,
    most: int,
    is_stopped: Callable[[], bool],
) -> Iterator[Outcome]:
    waiting = iter(jobs)
    running: set[Future[Outcome]] = set()
    while True:
        while len(running) < most and not is_stopped():
            job = next(waiting, None)
            if job is None:
                break
            if (earlier := journal.earlier(job)) is not None:
                yield Outcome(job, "skipped", earlier)
            else:
                running.add(submit(job))
        if not running:
            return
        done, running = wait(running, timeout=_TICK_S, return_when=FIRST_COMPLETED)
        deadlines.enforce()
        for future in done:
            outcome = future.result()
            if outcome.status == "done" and outcome.result is not None:
                journal.add(outcome.job, outcome.result)
            yield outcome


def _attempt(job: Job, options: Options, deadlines: _Deadlines, is_verbose: bool) -> Outcome:
    started = time.monotonic()
    try:
        result = optimise(job.source, job.target, options, deadlines.watch)
        outcome = Outcome(job, "done", result)
    except Exception as exc:  # noqa: BLE001 - no photo may stop the others
        if is_verbose:
            tell(job.name, exc)
        why = explain(exc)
        outcome = Outcome(job, "failed", reason=why.reason, code=why.code, category=why.category)
    finally:
        deadlines.forget()
    return replace(outcome, seconds=time.monotonic() - started)
