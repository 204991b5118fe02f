"""Waits between tries: worked values of INVENTORY D (SCH-06, SCH-08)."""

from __future__ import annotations

import pytest

from reviewapp.policies.schedule import file_waits_s, provider_waits_s


def test_d_sch06_sch08_waits() -> None:
    assert provider_waits_s() == (1.0, 2.0) and file_waits_s() == (0.5, 1.0)
    assert provider_waits_s(1) == () and provider_waits_s(5) == (1.0, 2.0, 4.0, 8.0)
    for waits in (provider_waits_s, file_waits_s):
        with pytest.raises(ValueError, match="none"):
            waits(0)
