"""Cheap hours and waits between tries: worked values of INVENTORY D (SCH-05, SCH-06, SCH-08)."""

from __future__ import annotations

from datetime import time

import pytest

from reviewapp.policies.schedule import file_waits_s, is_off_peak, provider_waits_s


@pytest.mark.parametrize(("at", "expected"), [("21:59", False), ("22:00", True), ("05:59", True), ("06:00", False)])
def test_d_sch05_the_window_wraps_midnight(at: str, expected: bool) -> None:
    assert is_off_peak(time.fromisoformat(at)) is expected


def test_sch05_a_window_within_a_day_and_one_without_length() -> None:
    assert [is_off_peak(time(hour), time(9), time(17)) for hour in (8, 9, 16, 17)] == [False, True, True, False]
    assert not is_off_peak(time(9), time(9), time(9))


def test_d_sch06_sch08_waits() -> None:
    assert provider_waits_s() == (1.0, 2.0) and file_waits_s() == (0.5, 1.0)
    assert provider_waits_s(1) == () and provider_waits_s(5) == (1.0, 2.0, 4.0, 8.0)
    for waits in (provider_waits_s, file_waits_s):
        with pytest.raises(ValueError, match="none"):
            waits(0)
