"""What a batch says of a photo that failed, whatever was raised: nothing a single file does may stop the others."""

from __future__ import annotations

import errno
import sys
import traceback
from dataclasses import dataclass
from typing import Literal

from processing.errors import InputRejected, ProcessingError, ResourceUnavailable

Category = Literal["photo", "setting", "stage", "resource", "storage", "unexpected"]
"""Whose turn it is: the photo's owner, whoever gave the command, an editor, the machine's, its disk's owner, ours."""

_SETTINGS = frozenset(
    {"invalid_parameter", "missing_token", "overlay_refused", "plate_missing", "plate_unreadable", "unknown_remover"}
)
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS})
_NO_MEMORY = ("Insufficient memory", "OutOfMemory", "out of memory")


@dataclass(frozen=True, slots=True)
class Mishap:
    """Why a photo failed: `code` is stable, `reason` a sentence or two for people."""

    code: str
    category: Category
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Return the three words as they stand in a report."""
        return {"code": self.code, "category": self.category, "reason": self.reason}


def explain(error: Exception) -> Mishap:
    """Put an error into words. Never raises; an error that nobody foresaw is named with its class."""
    if isinstance(error, ProcessingError):
        return Mishap(error.code, _category(error), str(error))
    name = type(error).__name__
    words = str(error).strip().split("\n", 1)[0][:160]
    if isinstance(error, MemoryError) or any(sign in words for sign in _NO_MEMORY):
        hint = "Work on fewer at once (--workers 1), or take a larger machine."
        return Mishap("out_of_memory", "resource", f"There is not enough memory for this photo. {hint}")
    if isinstance(error, OSError):
        category: Category = "storage" if error.errno in _FULL else "photo"
        return Mishap("unreadable", category, f"The file can't be read: {error.strerror or words or name}.")
    return Mishap(
        "unexpected",
        "unexpected",
        f"{name}: {words or 'no words'}. This is a fault of the program and says nothing of the photo; the same "
        "command with -v prints where it happened.",
    )


def _category(error: ProcessingError) -> Category:
    if error.code in _SETTINGS:
        return "setting"
    if isinstance(error, InputRejected):
        return "photo"
    if isinstance(error, ResourceUnavailable):
        return "resource"
    return "storage" if error.code == "not_written" else "stage"


def tell(name: str, error: Exception) -> None:
    """Print where an error that nobody foresaw came from, for whoever asked for details; foreseen ones say enough."""
    if isinstance(error, (ProcessingError, OSError)):
        return
    lines = "".join(traceback.format_exception(error))
    print(f"{ascii(name)[1:-1]}:\n{lines}", file=sys.stderr, flush=True)
