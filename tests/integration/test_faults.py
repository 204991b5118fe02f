"""The fault bench in small: everything is killed, stopped, flushed and filled once, and nothing is lost or doubled.

SCH-10, SCH-11, SCH-20, SCH-21, SCH-24, SCH-25, OPS-02, C20. The full size: `python benchmarks/faults.py --tasks 2000`.
"""

from __future__ import annotations

import pytest

from benchmarks import faults
from tests import servers

pytestmark = pytest.mark.stack

PHOTOS, FAULTS, GAP_S = 60, 10, 0.4


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_a_broken_stack_loses_and_doubles_nothing(database: str) -> None:
    if database == "postgres" and servers.postgres_bin() is None:
        if servers.REQUIRE_ALL:
            pytest.fail("no PostgreSQL on this machine")
        pytest.skip("no PostgreSQL on this machine")
    found = faults.measure(database, PHOTOS, FAULTS, GAP_S, seed=3)
    for name in ("lost", "doubled", "wrong", "orphans"):
        assert found[name] == [], (name, found)
    assert {name: end for name, (end, _said) in found["checks"].items()} == {"verify": 0, "audit verify": 0}, found
    assert found["acknowledged"]["photos"] == PHOTOS and found["refused"] == []
    assert found["acknowledged"]["decisions"] > 0
    assert sum(found["faults"].values()) >= FAULTS - 1, found["faults"]  # one may find nothing to hit
    assert found["facts"]["tasks_begun_more_than_once"] >= 1, "no fault hit a photo in work: the test proved nothing"
    assert [one for one in found["recovery"].items() if one[1]["never"]] == []
    assert found["facts"]["batches"] == {
        "plain": "delivered",
        "pilot": "delivered",
        "mixed": found["facts"]["batches"]["mixed"],
    }
