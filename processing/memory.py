"""How a process that takes photo after photo deals with the memory they need."""

from __future__ import annotations

import ctypes

# malloc.h of glibc: how much free memory at the heap's top stays, from which size on a block gets pages of its own.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KEPT_BYTES = 256 << 20
_OWN_PAGES_FROM = 64 << 20


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, up to 256 MiB, for its next photo; tell whether the C library takes that.

    A 12-MP photo passes through some thirty arrays of 4 to 36 MB. By default glibc takes fresh pages for each, which
    the kernel must clear first (docs/performance.md). Blocks of 64 MiB and more still go back at once. For processes
    that do nothing else: a notebook's memory is its owner's business.
    """
    return _set(_TRIM_THRESHOLD, _KEPT_BYTES) and _set(_MMAP_THRESHOLD, _OWN_PAGES_FROM)


def share_one_heap() -> bool:
    """Let all threads of this process take memory from one heap; tell whether the C library takes that.

    glibc gives every thread a heap of its own and none gives back what another could use: a pool of decoders held
    two thirds more for the same pictures per second (benchmarks/optimise.py). To be called before threads start.
    """
    return _set(_ARENA_MAX, 1)


def _set(what: int, value: int) -> bool:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # not glibc
        return False
    return bool(mallopt(what, value))
