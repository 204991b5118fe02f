"""What a draft of the thresholds would change: exact counts, and what is known of what slips through (RTE-11)."""

from __future__ import annotations

import pytest
from django.test import Client as Browser
from django.urls import reverse

from reviewapp.enums import AssetState, ReviewReason, Role, Verdict
from reviewapp.models import ReviewTask
from reviewapp.policies.sampling import rejection_interval
from reviewapp.selectors.what_if import what_if
from reviewapp.services import leases
from reviewapp.services.review import record_decision
from tests import factories

pytestmark = pytest.mark.django_db


def scored(total: float, verdict: str = "", reason: ReviewReason = ReviewReason.SCORE_BAND) -> None:
    """One result; with `verdict` also what a reviewer said of it."""
    asset = factories.make_asset(state=AssetState.IN_REVIEW)
    run = factories.make_run(asset, total=total)
    if not verdict:
        return
    task = ReviewTask.objects.create(asset=asset, run=run, reason=reason, why="", priority=0)
    user = factories.make_user("", Role.REVIEWER)
    leases.claim_next(user, 16)
    task.refresh_from_db()
    reasons = ["edge_halo"] if verdict == Verdict.REJECT else []
    answer = record_decision(
        user, task.pk, seen_version=task.version, verdict=verdict, reasons=reasons, idempotency_key=f"k{task.pk}"
    )
    assert answer.status == "saved"
    leases.release(user)


def test_rte11_counts_are_of_the_scores_under_both_pairs_of_lines() -> None:
    factories.policy()
    for total in (50.0, 69.9, 70.0, 84.0, 85.0, 89.9, 90.0, 100.0):
        scored(total)
    found = what_if(85.0, 60.0)
    assert {fate.key: (fate.now, fate.draft, fate.change) for fate in found.fates} == {
        "passes": (2, 4, 2), "band": (4, 3, -1), "low": (2, 1, -1),
    }  # fmt: skip
    assert found.verdict == "unknown" and found.rate is None


def test_smp10_the_estimate_weighs_samples_and_what_would_pass_anew() -> None:
    factories.policy()
    for verdict in (Verdict.APPROVE, Verdict.APPROVE, Verdict.REJECT):
        scored(95.0, verdict, ReviewReason.SAMPLE)
    for verdict in (Verdict.APPROVE, Verdict.REJECT):
        scored(87.0, verdict)
    scored(80.0, Verdict.REJECT)
    found = what_if(85.0, 70.0)
    assert found.judged == 5
    assert found.rate == pytest.approx(3 / 5 * 1 / 3 + 2 / 5 * 1 / 2)
    ends = [rejection_interval(1, 3, 0.975), rejection_interval(1, 2, 0.975)]
    assert found.low == pytest.approx(3 / 5 * ends[0][0] + 2 / 5 * ends[1][0])
    assert found.high == pytest.approx(3 / 5 * ends[0][1] + 2 / 5 * ends[1][1])
    assert found.verdict == "above"
    assert what_if(96.0, 70.0).verdict == "unknown", "nobody judged a photo from 96 up"


def test_rte11_the_fragment_says_counts_and_verdict_and_changes_nothing(client: Browser) -> None:
    policy = factories.policy()
    scored(95.0, Verdict.REJECT, ReviewReason.SAMPLE)
    client.force_login(factories.make_user("ada", Role.ADMIN))
    told = client.get(reverse("quality:what_if"), {"approve_at": "88", "review_at": "70"}).content.decode()
    assert "people would reject 100.0%" in told and "above the limit" in told
    for wrong in (
        {"approve_at": "60", "review_at": "70"},
        {"approve_at": "x"},
        {"approve_at": "nan", "review_at": "1"},
    ):
        assert "Two numbers from 0 to 100" in client.get(reverse("quality:what_if"), wrong).content.decode()
    policy.refresh_from_db()
    assert policy.approve_at == 90.0


def test_sec_reviewers_may_not_ask(client: Browser) -> None:
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    assert client.get(reverse("quality:what_if")).status_code == 403
