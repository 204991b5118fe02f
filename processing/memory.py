"""How a process that takes photo after photo deals with the memory they need."""

from __future__ import annotations

import ctypes
import mmap

# malloc.h of glibc: how much free memory at the heap's top stays, from which size on a block gets pages of its own.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_KEPT_BYTES = 256 << 20
_OWN_PAGES_FROM = 64 << 20
_BLOCK_BYTES, _BLOCKS = 32 << 20, 7  # just under what is kept: freed together they must not make glibc trim the heap
_LARGE_PAGES = 14  # MADV_HUGEPAGE of Linux's mman.h


def keep_freed_memory() -> bool:
    """Let this process keep what it frees, up to 256 MiB, for its next photo; tell whether the C library takes that.

    A 12-MP photo passes through some thirty arrays of 4 to 36 MB. By default glibc takes fresh pages for each, which
    the kernel must clear first (docs/performance.md). Blocks of 64 MiB and more still go back at once. What is kept
    lies on large pages where the kernel has them. For processes that do nothing else: a notebook's memory is its
    owner's business. To be called before the work starts.
    """
    is_kept = _set(_TRIM_THRESHOLD, _KEPT_BYTES) and _set(_MMAP_THRESHOLD, _OWN_PAGES_FROM)
    if is_kept:
        _ask_for_large_pages()
    return is_kept


def share_one_heap() -> bool:
    """Let all threads of this process take memory from one heap; tell whether the C library takes that.

    glibc gives every thread a heap of its own and none gives back what another could use: a pool of decoders held
    two thirds more for the same pictures per second (benchmarks/optimise.py). To be called before threads start.
    """
    return _set(_ARENA_MAX, 1)


def _ask_for_large_pages() -> bool:
    """Let the heap's room for photos be of pages of 2 MiB (Linux: transparent huge pages, on advice); tell whether.

    A picture then takes a dozen entries of the processor's address cache instead of thousands. The heap is grown once,
    advised and let go: the advice stays with the addresses, and pages that nobody touched are none.
    """
    try:
        library = ctypes.CDLL(None)
        allocate, advise, release = library.malloc, library.madvise, library.free
    except (OSError, AttributeError, TypeError):
        return False
    allocate.restype, allocate.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    advise.argtypes, release.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int], [ctypes.c_void_p]
    blocks = [block for block in (allocate(_BLOCK_BYTES) for _ in range(_BLOCKS)) if block]
    answers = []
    for block in blocks:
        start = block - block % mmap.PAGESIZE
        answers.append(advise(start, _BLOCK_BYTES, _LARGE_PAGES))
    for block in reversed(blocks):
        release(block)
    return bool(answers) and not any(answers)


def _set(what: int, value: int) -> bool:
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # not glibc
        return False
    return bool(mallopt(what, value))
