"""What a person may ask for when they judge a photo (REV-07, FBK-01)."""

from __future__ import annotations

import pytest

from reviewapp.enums import RejectReason, Verdict
from reviewapp.policies.quality.tuning import NUDGES
from reviewapp.policies.verdicts import WAYS, Asked, Verdicted, check


def asked(*reasons: str, verdict: str = "reject") -> Verdicted | str:
    return check(Asked(verdict, "k", reasons))


def test_a_reason_may_say_which_way_and_the_last_word_counts() -> None:
    found = asked("crop_fill:too_small", "edge_halo", "shadow:too_dark", "shadow")
    assert isinstance(found, Verdicted)
    assert found.reasons == ["crop_fill", "edge_halo", "shadow"] and found.directions == {"crop_fill": "too_small"}
    plain = asked("crop_fill:too_small", verdict="approve")
    assert isinstance(plain, Verdicted) and (plain.reasons, plain.directions) == ([], {})


@pytest.mark.parametrize("reason", ["edge_halo:too_small", "crop_fill:too_dark", "crop_fill:x"])
def test_a_way_the_reason_does_not_have_is_refused(reason: str) -> None:
    assert "no direction" in str(asked(reason))
    assert "not a reason" in str(asked("wrong:too_dark"))


def test_every_way_steers_a_search() -> None:
    assert {(reason, way) for reason, ways in WAYS.items() for way in ways} <= set(NUDGES)
    assert set(WAYS) <= set(RejectReason) and Verdict.REJECT in Verdict
