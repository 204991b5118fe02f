"""What a process that opens strangers' bytes may take: memory, the size of a file it writes, time; no core dumps.

The kernel holds these limits, also against native code: an allocation beyond them fails in the process that asked, and
a write beyond them is an error there. Nothing heavy is loaded here, so that a child confines itself before its imports.
"""

from __future__ import annotations

import resource
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """0 = as it is. `memory_bytes` is address space (RLIMIT_AS), `cpu_s` processor time."""

    memory_bytes: int = 0
    file_bytes: int = 0
    cpu_s: int = 0


def confine(limits: Limits) -> None:
    """Hold this process, and what it starts, to `limits`, for good; core dumps, which would hold photos, are off."""
    _lower(resource.RLIMIT_CORE, 0)
    if limits.memory_bytes:
        _lower(resource.RLIMIT_AS, limits.memory_bytes)
    if limits.file_bytes:
        _lower(resource.RLIMIT_FSIZE, limits.file_bytes)
    if limits.cpu_s:
        _lower(resource.RLIMIT_CPU, limits.cpu_s)


def _lower(kind: int, value: int) -> None:
    _soft, hard = resource.getrlimit(kind)
    wanted = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(kind, (wanted, wanted))
    except (ValueError, OSError):  # macOS takes no limit of address space; the watched resident memory is what is left
        return
