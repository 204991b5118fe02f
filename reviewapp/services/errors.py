"""What an error of a step means: which of the four failure categories (OBS-22), and whether trying again can help.

By class only (SCH-06, SCH-07, SCH-08): network, storage, memory and what is missing for now are tried again; the
photo's own fault, a stage that is final and a fault of the program would only fail again.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import dataclass

from django.db import DatabaseError

from processing.errors import InputRejected, ResourceUnavailable, StageFailed
from reviewapp.enums import FailureCategory
from reviewapp.storage import FileDamaged, StorageAway, StorageFull, StorageRefused

from .scanning import ScannerAway

DISK_FULL_WAIT_S = 30
SCANNER_WAIT_S = 30
STORAGE_WAIT_S = 30
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
NO_MEMORY = ("Insufficient memory", "OutOfMemory", "out of memory")


class StepDeadline(RuntimeError):
    """A step ran past its hard deadline and its worker ended itself (PRO-40, OPS-15)."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an error is treated. `is_free`: the attempt is not counted. `wait_s`: before the next, by attempts so far."""

    category: FailureCategory
    code: str
    is_final: bool = False
    is_free: bool = False
    wait_s: Callable[[int], float] = lambda attempts: 2 ** (attempts - 1)


def judge(error: Exception) -> Verdict:
    """Decide by the class of the error."""
    name = type(error).__name__
    if isinstance(error, StorageFull) or (isinstance(error, OSError) and error.errno in NO_SPACE):
        return Verdict(FailureCategory.PROCESSING, "disk_full", is_free=True, wait_s=lambda _: DISK_FULL_WAIT_S)
    if isinstance(error, ScannerAway):
        return Verdict(FailureCategory.PROCESSING, error.code, is_free=True, wait_s=lambda _: SCANNER_WAIT_S)
    if isinstance(error, StorageAway):  # an outage of an hour must not use up the attempts of every photo
        return Verdict(FailureCategory.NETWORK, "storage_away", is_free=True, wait_s=lambda _: STORAGE_WAIT_S)
    if isinstance(error, InputRejected):
        return Verdict(FailureCategory.VALIDATION, error.code, is_final=True)
    if isinstance(error, StageFailed):
        return Verdict(FailureCategory.PROCESSING, error.code, is_final=True)
    if isinstance(error, StepDeadline):
        return Verdict(FailureCategory.PROCESSING, "step_deadline")
    if isinstance(error, ResourceUnavailable):
        return Verdict(FailureCategory.PROCESSING, error.code)
    if isinstance(error, MemoryError) or any(sign in str(error) for sign in NO_MEMORY):
        return Verdict(FailureCategory.PROCESSING, "out_of_memory")
    if isinstance(error, ConnectionError | TimeoutError):
        return Verdict(FailureCategory.NETWORK, name)
    if isinstance(error, FileDamaged):
        return Verdict(FailureCategory.PROCESSING, "file_damaged", is_final=True)
    if isinstance(error, OSError):
        code = "storage_refused" if isinstance(error, StorageRefused) else "storage"
        return Verdict(FailureCategory.PROCESSING, code, wait_s=lambda attempts: 0.5 * attempts)
    if isinstance(error, DatabaseError):  # refused it, by a constraint: another was faster, and may be done by then
        return Verdict(FailureCategory.UNKNOWN, name)
    return Verdict(FailureCategory.UNKNOWN, name, is_final=True)
