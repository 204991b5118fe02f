"""Thresholds that let more through need a second admin; what the looks prove is said with its numbers (RTE-11)."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse

from reviewapp.enums import LookKind, Role, Routing, Verdict
from reviewapp.models import AuditEvent, PolicyDraft, QualityReport, RoutingPolicy
from reviewapp.policies.quality.thresholds import labels_needed
from reviewapp.selectors import certifying, replays
from reviewapp.services import policies_admin as services
from reviewapp.services import sampling
from reviewapp.services.people import NotAllowed
from tests import factories as make
from tests import lots as world

pytestmark = pytest.mark.django_db(transaction=True)
ALPHA = 0.02


@pytest.fixture
def pair() -> tuple[User, User]:
    make.policy()
    return make.make_user("ada", Role.ADMIN), make.make_user("ben", Role.ADMIN)


def test_raising_the_line_is_in_force_at_once_and_lowering_it_waits(pair: tuple[User, User]) -> None:
    ada, ben = pair
    assert isinstance(services.submit({"approve_at": 92}, "Too many misses", ada), RoutingPolicy)
    draft = services.submit({"approve_at": 88}, "The queue is long", ada)
    assert isinstance(draft, PolicyDraft) and "92 becomes 88" in draft.why_two
    assert RoutingPolicy.objects.latest("number").approve_at == 92
    with pytest.raises(services.PolicyRefused, match="drafted this yourself"):
        services.confirm(draft, ada)
    with pytest.raises(NotAllowed):
        services.confirm(draft, make.make_user("mia", Role.MANAGER))
    policy = services.confirm(draft, ben)
    assert (policy.approve_at, policy.created_by, policy.note) == (88, ada, "The queue is long")
    assert AuditEvent.objects.filter(verb="policy.confirmed", actor=ben).exists()
    with pytest.raises(services.PolicyRefused, match="decided already"):
        services.confirm(draft, ben)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"min_confidence": 0.5}, "cut-outs"),
        ({"sample_rate": 0.05}, "samples"),
        ({"medium_goes_to_people": False}, "medium"),
        ({"review_anomalies": False}, "unlike the rest"),
        ({"tolerated_rate": 0.2}, "allows more escapes"),
        ({"sample_block": 10_000}, "blocks"),
        ({"compliance_rate": 0.1}, "white samples"),
        ({"edge_medium": 0.55}, "simple"),
    ],
)
def test_whatever_lets_more_through_needs_two(pair: tuple[User, User], values: dict[str, float], words: str) -> None:
    ada, _ben = pair
    draft = services.submit(values, "Because", ada)
    assert isinstance(draft, PolicyDraft) and words in draft.why_two
    with pytest.raises(services.PolicyRefused, match="second admin"):
        services.publish_policy(values, "Because", ada)


def test_to_prove_lots_is_one_admins_and_to_stop_it_two(pair: tuple[User, User]) -> None:
    ada, _ben = pair
    assert isinstance(services.submit({"prove_lots": True}, "A client asked", ada), RoutingPolicy)
    draft = services.submit({"prove_lots": False}, "The queue is long", ada)
    assert isinstance(draft, PolicyDraft) and "without a proof" in draft.why_two


def test_a_draft_is_replaced_dropped_or_overtaken(pair: tuple[User, User]) -> None:
    ada, ben = pair
    first = services.submit({"approve_at": 85}, "One", ada)
    second = services.submit({"approve_at": 86}, "Two", ada)
    assert isinstance(first, PolicyDraft) and isinstance(second, PolicyDraft)
    assert list(PolicyDraft.objects.filter(closed_at__isnull=True)) == [second]
    services.publish_policy({"approve_at": 95}, "Meanwhile", ben)
    with pytest.raises(services.PolicyRefused, match="came after this draft"):
        services.confirm(second, ben)
    services.drop_draft(second, ada)
    assert not PolicyDraft.objects.filter(closed_at__isnull=True).exists()
    with pytest.raises(services.PolicyRefused):
        services.submit({"approve_at": 60}, "Below the review line", ada)


def test_the_page_asks_the_second_admin(pair: tuple[User, User], client: Browser) -> None:
    ada, ben = pair
    draft = services.submit({"approve_at": 88}, "The queue is long", ada)
    assert isinstance(draft, PolicyDraft)
    client.force_login(ada)
    page = client.get(reverse("quality:thresholds")).content.decode()
    assert "Waits for a second admin" in page and "Agree and publish" not in page
    address = reverse("quality:draft", args=[draft.pk])
    assert client.post(address).status_code == 409
    client.force_login(ben)
    assert "Agree and publish" in client.get(reverse("quality:thresholds")).content.decode()
    assert client.post(address).status_code == 302
    assert RoutingPolicy.objects.latest("number").approve_at == 88


def looks(scores: np.ndarray, bad: np.ndarray) -> certifying.Looked:
    count = len(scores)
    return certifying.Looked(scores, np.full(count, 1.0), np.ones(count, np.bool_), bad)


def test_what_is_proven_is_certified_and_what_is_missing_is_counted() -> None:
    rng = np.random.default_rng(5)
    scores = rng.uniform(70, 100, 6000)
    clean = certifying.certified(looks(scores, rng.random(6000) < np.clip((84 - scores) / 60, 0, 1)), ALPHA)
    assert clean.tau is not None and 78 < clean.tau < 90 and clean.risk is not None and clean.risk <= 0.02
    assert clean.covers(clean.tau) and not clean.covers(clean.tau - 1)
    noisy = looks(scores, rng.random(6000) < 0.05)
    assert certifying.certified(noisy, ALPHA).tau is None
    assert certifying.certified(noisy, 0.1).tau is not None, "what is tolerated is the policy's to say"
    few = certifying.certified(looks(scores[:300], np.zeros(300, np.bool_)), ALPHA)
    assert few.tau is None and few.needed > 0
    none = certifying.certified(looks(np.zeros(0), np.zeros(0, np.bool_)), ALPHA)
    assert (none.tau, none.start, none.looks) == (None, None, 0)
    assert none.needed == labels_needed(0, ALPHA * none.sensitivity)


def test_dots_carry_their_interval_and_fall() -> None:
    rng = np.random.default_rng(6)
    scores = rng.uniform(50, 100, 3000)
    dots = certifying.dots(looks(scores, rng.random(3000) < (100 - scores) / 60))
    assert len(dots) == 25 and all(dot.least <= dot.rate <= dot.most for dot in dots)
    assert [dot.smooth for dot in dots] == sorted((dot.smooth for dot in dots), reverse=True)
    assert certifying.dots(looks(np.zeros(0), np.zeros(0, np.bool_))) == []


def test_a_lots_looks_count_with_the_chance_it_logged_and_only_its_certificate_sample() -> None:
    batch = world.proven_batch()
    for asset in world.approved(batch, 60):
        asset.runs.update(pixels_key=asset.original_key)
    lot = world.planned(batch)
    first = lot.plan["first"]
    assert 0 < first < 60
    flagged = lot.places.get(rank=0).asset_id
    world.look_at(
        make.make_user("", Role.REVIEWER), lambda task: Verdict.REJECT if task.asset_id == flagged else Verdict.APPROVE
    )
    world.look_at(make.make_user("", Role.REVIEWER), Verdict.REJECT)
    judged = lot.looks.filter(kind=LookKind.FIRST).exclude(verdict="").count()
    assert judged > first, "one find made the audit look at more"
    chances = Counter(one.pi for one in replays.of_version(batch.preset_version))
    assert chances == {first / 60: first, 1.0: judged - first}, "those speak for themselves alone"
    world.approved(batch, 3)
    sampling.draw_due(batch)
    QualityReport.objects.update(routing=Routing.AUTO_APPROVE)
    found = certifying.looked()
    assert found.pi.tolist() == [first / 60] * 60, "three photos of a lot without a plan aren't drawn yet"
    assert (int(found.seen.sum()), int(found.bad.sum())) == (first, 1)


def test_lots_of_different_sizes_prove_a_line_together() -> None:
    rows = []
    run = 0
    for size in range(140, 204, 7):
        pi = 95 / size
        for _ in range(size):
            run += 1
            rows.append((run, (95.0, pi, True, False)))
    made = certifying._in_strata(rows)
    assert {pi for _total, pi, *_ in made} == {95 / 203, 95 / 189}, "one class from a half to one, one below"
    kept = sum(is_seen for _total, pi, is_seen, _bad in made if pi == 95 / 189)
    looked = sum(1 for _run, (_total, pi, *_said) in rows if pi > 0.5)
    expected = sum(95 / 189 / pi for _run, (_total, pi, *_said) in rows if pi > 0.5)
    assert kept < looked and abs(kept - expected) < 4 * expected**0.5, "as many as their common chance says"
    assert certifying._in_strata(rows) == made, "and the same ones every time"
