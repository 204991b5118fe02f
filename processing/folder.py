"""A folder of photos through the line, several at a time, each a process of its own, resumable."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import string
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from processing import PIPELINE_VERSION, codecs, pipeline
from processing.channels import Prepared, render
from processing.correction import NO_AIDS, Aids
from processing.errors import ProcessingError, StageFailed
from processing.intake import SUFFIXES
from processing.memory import keep_freed_memory
from processing.params import ChannelSpec, ProcessingParams, ScoringParams
from processing.plates import load_plates
from processing.removal.base import Remover, create_remover
from processing.resumable import Notes, find_files, stamp
from processing.types import Rendered

JOURNAL = ".run.jsonl"
_TICK_S = 0.2

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One photo: `name` is its path below the folder with forward slashes, `stem` that of its results below `out`."""

    source: Path
    name: str
    stem: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What every photo of a run is made with. Travels to the processes as it is.

    `brand`: folder of the logo and background pictures that the preset names. `today`: see channels.render. `aids`:
    what is known of the shoot's colours.
    """

    out: Path
    params: ProcessingParams
    channel: ChannelSpec
    remover: str = "auto"
    model: str = ""
    model_dir: Path | None = None
    brand: Path | None = None
    today: date | None = None
    aids: Aids = NO_AIDS

    @property
    def digest(self) -> str:
        """Tells runs apart whose results differ."""
        known = repr(replace(self.aids, reference=None)).encode()
        known += b"" if self.aids.reference is None else self.aids.reference.tobytes()
        aids = hashlib.sha256(known).hexdigest()[:16]
        rules = self.channel if self.today is None else self.channel.on(self.today)
        return f"{PIPELINE_VERSION}:{self.params.digest()}:{rules.digest()}:{self.remover}:{self.model}:{aids}"


def find_photos(source: Path, out: Path) -> list[Job]:
    """Return the photos at or below `source`, sorted, never those below `out`; each stem once (`a.jpg`, `a-png`).

    Raises InputRejected as resumable.find_files.
    """
    base = source.parent if source.is_file() else source
    taken: set[str] = set()
    jobs = []
    for path in find_files(source, out, lambda suffix: suffix.lower() in SUFFIXES):
        name = PurePosixPath(path.relative_to(base).as_posix())
        stem, count = str(name.with_suffix("")), 1
        while stem.casefold() in taken:
            number = "" if count == 1 else f"-{count}"
            stem = str(name.with_name(f"{name.stem}-{name.suffix.lstrip('.')}{number}"))
            count += 1
        taken.add(stem.casefold())
        jobs.append(Job(path, str(name), stem))
    return jobs


def process_one(job: Job, plan: Plan, remover: Remover) -> Report:
    """Cut out, score and render one photo and write `<stem>.alpha.png` and the channel's file. Never raises for it."""
    try:
        extras = pipeline.Extras(plan.aids, load_plates(plan.params, plan.brand))
        made = pipeline.make(job.source, plan.params, plan.channel, ScoringParams(), remover, extras)
        tokens = _tokens(plan.channel, PurePosixPath(job.stem).name)
        prepared = Prepared(made.framing, made.framed, made.frame)
        rendered = render(
            made.cut, plan.channel, params=plan.params, tokens=tokens, prepared=prepared, today=plan.today,
            plates=extras.plates,
        )  # fmt: skip
        files = _write(job, plan, codecs.encode_png(made.cut.alpha), rendered)
    except ProcessingError as error:
        return {"file": job.name, "status": "failed", "code": error.code, "reason": str(error)}
    except OSError as error:
        return {"file": job.name, "status": "failed", "code": "unreadable",
                "reason": f"The file can't be read: {error.strerror or error}."}  # fmt: skip
    return {
        "file": job.name,
        "status": "ok",
        "outputs": files,
        "remover": made.remover,
        "model": made.model_name,
        "model_sha256": made.model_sha256,
        "confidence": round(made.confidence, 4),
        "score": made.quality.to_dict(),
        "checks": [check.to_dict() for file in rendered.files for check in file.checks],
        "is_verified": all(file.is_verified for file in rendered.files),
        "timings": [timing.to_dict() for timing in made.timings],
        "findings": [finding.to_dict() for finding in made.findings],
        "params_digest": plan.params.digest(),
    }


def _tokens(channel: ChannelSpec, stem: str) -> dict[str, str]:
    """A lone file has no SKU or ASIN: its own name stands for every token."""
    wanted = [name for _, name, _, _ in string.Formatter().parse(channel.naming + channel.alt_text) if name]
    return {name: stem for name in wanted if name != "ext"}


def _write(job: Job, plan: Plan, alpha: bytes, rendered: Rendered) -> dict[str, str]:
    files = {"alpha": f"{job.stem}.alpha.png"}
    contents = {"alpha": alpha}
    for made in rendered.files:
        kind = f"rendered-{made.part}" if made.part else "rendered"
        part = f".{made.part}" if made.part else ""
        files[kind] = f"{job.stem}.{plan.channel.key}{part}{Path(made.filename).suffix}"
        contents[kind] = made.data
    for kind, data in contents.items():
        target = plan.out / files[kind]
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            half = target.with_name(f".{target.name}.part")
            half.write_bytes(data)
            half.replace(target)
        except OSError as error:
            raise StageFailed(f"{target} can't be written: {error.strerror or error}.", code="not_written") from error
    return files


class Journal:
    """The reports of photos that are done. One holds while the photo's size and time and the run's settings are those
    it was made with, and its files are there."""

    def __init__(self, plan: Plan) -> None:
        self._out, self._digest = plan.out, plan.digest
        self._notes = Notes(plan.out / JOURNAL)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._notes.close()

    def earlier(self, job: Job) -> Report | None:
        """Return the report of an earlier run that still holds."""
        report: Report | None = self._notes.earlier(job.name, self._key(job))
        if report is None or not all((self._out / name).is_file() for name in report["outputs"].values()):
            return None
        return report

    def add(self, job: Job, report: Report) -> None:
        """Note a photo as done."""
        self._notes.add(job.name, self._key(job), report)

    def _key(self, job: Job) -> str:
        return f"{stamp(job.source)}:{job.stem}:{self._digest}"


@dataclass(slots=True)
class Pool:
    """Processes that each keep one remover warm; a new set when one of them dies. `close` it.

    `running`: photos handed out; `lost`: photos whose process died before it took them.
    """

    plan: Plan
    count: int
    running: dict[Future[Report], Job] = field(default_factory=dict)
    lost: list[Job] = field(default_factory=list)
    inner: ProcessPoolExecutor | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to wait for."""
        return not self.running and not self.lost

    def submit(self, job: Job) -> None:
        """Queue one photo."""
        if self.inner is None:
            # Spawned, not forked: the runtimes behind a remover do not survive a fork.
            context = multiprocessing.get_context("spawn")
            self.inner = ProcessPoolExecutor(self.count, context, _start, (self.plan,))
        try:
            self.running[self.inner.submit(_attempt, job)] = job
        except BrokenProcessPool:  # one of them died since the last look
            self.lost.append(job)

    def finished(self) -> Iterator[tuple[Job, Report]]:
        """Yield what ended since; photos whose process died are tried once more, alone."""
        done, _ = wait(self.running, timeout=_TICK_S, return_when=FIRST_COMPLETED)
        again, self.lost = self.lost, []
        for future in done:
            job = self.running.pop(future)
            try:
                yield job, future.result()
            except BrokenProcessPool:
                again.append(job)
        if again:
            again += self.running.values()
            self.running.clear()
            self.close()
            yield from self._retried(again)

    def _retried(self, jobs: list[Job]) -> Iterator[tuple[Job, Report]]:
        for job in jobs:
            alone = Pool(self.plan, 1)
            alone.submit(job)
            try:
                yield job, next(iter(alone.running)).result()
            except BrokenProcessPool:
                yield job, {"file": job.name, "status": "failed", "code": "worker_died",
                            "reason": "The photo takes its process down (memory?). Try a larger machine."}  # fmt: skip
            finally:
                alone.close()

    def pids(self) -> list[int]:
        """Return the processes' numbers."""
        return [] if self.inner is None else list(self.inner._processes)

    def close(self) -> None:
        """End the processes after what they are at."""
        if self.inner is not None:
            self.inner.shutdown(wait=True, cancel_futures=True)
            self.inner = None


_warm: dict[str, Any] = {}


def _start(plan: Plan) -> None:
    keep_freed_memory()
    _warm["plan"] = plan
    _warm["remover"] = create_remover(plan.remover, model_name=plan.model, model_dir=plan.model_dir)


def _attempt(job: Job) -> Report:
    return process_one(job, _warm["plan"], _warm["remover"])


def process_folder(
    jobs: Sequence[Job],
    plan: Plan,
    journal: Journal,
    *,
    workers: int = 0,
    is_stopped: Callable[[], bool] = lambda: False,
) -> Iterator[tuple[Job, Mapping[str, Any], bool]]:
    """Yield (job, report, whether an earlier run made it) as photos end; one bad photo never stops the others.

    `workers`: photos at once, 0 for one per core; 1 works in this process. When `is_stopped` says so no new photo is
    begun. Raises ResourceUnavailable when the remover's weights are missing.
    """
    count = max(1, min(workers or os.cpu_count() or 1, len(jobs)))
    waiting = []
    for job in jobs:
        earlier = journal.earlier(job)
        if earlier is None:
            waiting.append(job)
        else:
            yield job, earlier, True
    runner = _alone if count == 1 else _together
    for job, report in runner(waiting, plan, count, is_stopped):
        if report["status"] == "ok":
            journal.add(job, report)
        yield job, report, False


def _alone(jobs: list[Job], plan: Plan, _count: int, is_stopped: Callable[[], bool]) -> Iterator[tuple[Job, Report]]:
    remover = create_remover(plan.remover, model_name=plan.model, model_dir=plan.model_dir)
    for job in jobs:
        if is_stopped():
            return
        yield job, process_one(job, plan, remover)


def _together(jobs: list[Job], plan: Plan, count: int, is_stopped: Callable[[], bool]) -> Iterator[tuple[Job, Report]]:
    create_remover(plan.remover, model_name=plan.model, model_dir=plan.model_dir)  # a missing model is told here
    pool, waiting = Pool(plan, count), iter(jobs)
    try:
        while True:
            while len(pool.running) + len(pool.lost) < 2 * count and not is_stopped():
                job = next(waiting, None)
                if job is None:
                    break
                pool.submit(job)
            if pool.is_idle:
                return
            yield from pool.finished()
    finally:
        pool.close()
