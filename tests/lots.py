"""A batch that is proven, for tests: its photos, its lot, its reviewers."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User

from reviewapp.enums import AssetState, Role, Sampling, ScopeMode, Verdict
from reviewapp.models import Asset, Batch, Lot, RoutingPolicy, Scope
from reviewapp.services import leases, lots, sampling, scopes
from reviewapp.services import review as desk
from tests import factories


def proven_batch(**fields: Any) -> Batch:
    """A batch that is proven. One in ten may escape, so that thirty photos are enough to prove something."""
    if not RoutingPolicy.objects.filter(tolerated_rate=0.1).exists():
        factories.make_policy(tolerated_rate=0.1)
    client = fields.pop("client", None) or factories.make_client(sampling=Sampling.PROOF)
    return factories.make_batch(client=client, **fields)


def approved(batch: Batch, count: int, category: str = "mug") -> list[Asset]:
    made = []
    for _ in range(count):
        asset = factories.make_asset(batch, AssetState.AUTO_APPROVED, category=category)
        factories.make_run(asset, total=95.0)
        made.append(asset)
    return made


def planned(batch: Batch) -> Lot:
    sampling.draw_due(batch)
    lot = Lot.objects.latest("pk")
    assert lots.plan(lot.pk, at_once=True)
    lot.refresh_from_db()
    return lot


def people(count: int = 2) -> list[User]:
    return [factories.make_user("", Role.REVIEWER) for _ in range(count)]


def look_at(user: User, verdict: Any = Verdict.APPROVE, only: Any = None) -> int:
    """Judge what the user is given until there is no more; `verdict` may be a function of the task."""
    done = 0
    while task := next(iter(leases.claim_next(user, 1)), None):
        said = verdict(task) if callable(verdict) else verdict
        result = desk.record_decision(
            user, task.pk, seen_version=task.version, verdict=said,
            reasons=["edge_halo"] if said == Verdict.REJECT else [],
            idempotency_key=f"{task.pk}-{task.version}-{user.pk}",
        )  # fmt: skip
        assert result.status == "saved", result
        done += 1
        if only is not None and done >= only:
            break
    return done


def certified(batch: Batch, size: int = 6000) -> Scope:
    """Give the scope of the batch's photos a proven past, as sixty lots would."""
    sampling.draw_due(batch)
    scope = Scope.objects.latest("pk")
    clean = {"size": size // 10, "rate": 0.2, "find_ranks": [], "other_finds": 0}
    past = scopes.policy.Scope(ScopeMode.CERTIFIED, (scopes.closed_lot(clean),) * 10)
    scopes.write(scope, past, list(range(10)))
    return scope
