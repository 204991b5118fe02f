"""The fuzz bench in small, through the real stack: known bombs and mutations end with a reason, nobody dies of them."""

from __future__ import annotations

import sys

import pytest

from benchmarks import fuzz

pytestmark = pytest.mark.stack
FILES = 300


def test_val20_val17_ops19_c24_three_hundred_hostile_files_through_the_real_stack() -> None:
    figures = fuzz.measure(FILES, 11, kills=False)
    failed = [bar for bar in fuzz.bars_of(figures, FILES, kills=False) if not bar["ok"]]
    assert not failed, (failed, figures)
    ended = figures["ended"]["rows of the line"]
    assert any(name.startswith("rejected_intake") for name in ended) and len(ended) > 5
    assert figures["ways"]["line: tus"] and figures["ways"]["line: form"] and figures["ways"]["line: raw body"]
    if sys.platform == "linux":
        assert figures["limits"], "the kernel's limits of a worker were not read"
        assert figures["limits"]["Max core file size"] == "0"
        assert figures["limits"]["Max address space"] != "unlimited"
