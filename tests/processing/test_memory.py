"""Memory of a pool of threads: one heap for all holds no more than the pictures in work (INT-13, PRO-15)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys, threading
sys.path.insert(0, {root!r})
from processing.memory import share_one_heap
told = share_one_heap() if {shared} else True
start, done = threading.Barrier(8), threading.Barrier(8)
def work():
    start.wait()
    kept = [bytearray(60_000) for _ in range(400)]  # below the size that gets pages of its own
    done.wait()
threads = [threading.Thread(target=work) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
heaps = sum("heap" in line or line.split()[1:2] == ["rw-p"] and line.rstrip().endswith(" 0")
            for line in open("/proc/self/maps"))
print(told, heaps)
"""


def test_one_heap_is_taken_where_the_c_library_has_several() -> None:
    root = str(Path(__file__).resolve().parents[2])
    answers = []
    for shared in (True, False):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT.format(root=root, shared=shared)], capture_output=True, text=True, check=True
        )
        told, heaps = done.stdout.split()
        answers.append((told == "True", int(heaps)))
    (told, one), (_, several) = answers
    if told:  # glibc
        assert one < several


def test_what_is_kept_lies_on_large_pages_where_the_kernel_gives_them_on_advice() -> None:
    choice = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    code = (
        "from processing.memory import keep_freed_memory\n"
        "kept = keep_freed_memory()\n"
        "name, flags = '', {}\n"
        "for line in open('/proc/self/smaps'):\n"
        "    if line.startswith('VmFlags'):\n"
        "        flags[name] = flags.get(name, []) + line.split()\n"
        "    elif '-' in line.split()[0]:\n"
        "        name = line.split()[-1]\n"
        "print(kept, 'hg' in flags['[heap]'])\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    kept, advised = done.stdout.split()
    assert advised == str(kept == "True" and choice.is_file())  # advice is noted even where none is followed
