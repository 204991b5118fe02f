"""The photos of a folder, several at a time, each in a process that stays warm; one that dies costs its photo only."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from processing.errors import ProcessingError, ResourceUnavailable
from processing.folder import Job, Journal, Plan, Report, failed, process_one
from processing.memory import keep_freed_memory
from processing.removal.base import create_remover

_TICK_S = 0.2
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS", "VIPS_CONCURRENCY")


@dataclass(slots=True)
class Pool:
    """Processes that each keep one remover warm; a new set when one of them dies. `close` it, or `kill` it.

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
            with _one_thread_each():  # a submission may start a process
                self.running[self.inner.submit(_attempt, job)] = job
        except BrokenProcessPool:  # one of them died since the last look
            self.lost.append(job)

    def finished(self) -> Iterator[tuple[Job, Report]]:
        """Yield what ended since; photos whose process died are tried once more, alone.

        Raises ProcessingError as `create_remover` did in a process.
        """
        done, _ = wait(self.running, timeout=_TICK_S, return_when=FIRST_COMPLETED)
        again, self.lost = self.lost, []
        for future in done:
            job = self.running.pop(future)
            try:
                report = future.result()
            except BrokenProcessPool:
                again.append(job)
                continue
            except ProcessingError:  # not the photo's: `process_one` reports those
                raise
            except Exception as error:  # noqa: BLE001 - an answer that can't be carried over, for instance
                report = failed(job, error)
            yield job, report
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
                if alone.lost:
                    raise BrokenProcessPool
                yield job, next(iter(alone.running)).result()
            except BrokenProcessPool:
                words = "The photo takes its process down (memory?). Try a larger machine."
                yield job, failed(job, ResourceUnavailable(words, code="worker_died"))
            except Exception as error:  # noqa: BLE001
                yield job, failed(job, error)
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

    def kill(self) -> None:
        """End the processes at once; what they were at is lost, but for files that appear whole or not at all."""
        if self.inner is not None:
            for process in list(self.inner._processes.values()):
                process.terminate()
            self.close()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes started meanwhile use one thread: numpy's own would fight those of the other processes."""
    kept = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in kept.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


_warm: dict[str, Any] = {}


def _start(plan: Plan) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends Ctrl-C to all; the first process decides
    keep_freed_memory()
    _warm["plan"] = plan
    try:
        _warm["remover"] = create_remover(plan.remover, model_name=plan.model, model_dir=plan.model_dir)
    except ProcessingError as error:  # raised here it would be lost with the process
        _warm["trouble"] = error


def _attempt(job: Job) -> Report:
    if "trouble" in _warm:
        raise _warm["trouble"]
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
    except BaseException:  # Ctrl-C a second time, or nobody wants the rest
        pool.kill()
        raise
    finally:
        pool.close()
