"""What the line makes of four demo photos is what it made when a person last looked at it (QC-28)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from processing.params import STANDARD_PRESET, ProcessingParams
from tests.processing.golden import GOLDEN, SIDE, distance, made_of, stored

LIMIT = 0.8
"""Mean CIEDE2000 of the worst 8 x 8 px. Another CPU rounds otherwise; nobody sees less than 1 in so small a place."""

CHANGES = {
    "larger": replace(STANDARD_PRESET, geometry=replace(STANDARD_PRESET.geometry, fill_ratio=0.87)),
    "more saturated": replace(STANDARD_PRESET, colour=replace(STANDARD_PRESET.colour, saturation=12)),
    "more contrast": replace(STANDARD_PRESET, colour=replace(STANDARD_PRESET.colour, contrast=16)),
}


@pytest.mark.parametrize(("name", "channel"), GOLDEN.items())
def test_qc28_the_line_makes_its_golden_pictures(name: str, channel: str) -> None:
    made = made_of(name, channel)
    assert made.shape == (SIDE, SIDE, 3)
    apart = distance(made, stored(name, channel))
    assert apart <= LIMIT, "Look at both; if the new one is right: python -m tests.processing.golden"


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_qc28_a_small_change_is_noticed(changed: ProcessingParams) -> None:
    name = "NW-MUG-0101_front"
    assert distance(made_of(name, GOLDEN[name], changed), stored(name, GOLDEN[name])) > LIMIT


def test_qc28_another_shadow_is_noticed() -> None:
    name = "NW-BTL-0110_01"
    bare = replace(STANDARD_PRESET, shadow=replace(STANDARD_PRESET.shadow, enabled=False))
    assert distance(made_of(name, GOLDEN[name], bare), stored(name, GOLDEN[name])) > LIMIT
