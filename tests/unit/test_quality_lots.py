"""Certificates, the ledger, watches, lots and scopes: golden values, edges, whole histories (SMP-01..11)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reviewapp.policies.quality import certificate as certificates
from reviewapp.policies.quality import cusum, lots, order, scopes
from reviewapp.policies.quality.certificate import ClosedLot, LedgerEntries

SEED = "a1" * 32
HASH = order.seed_hash(SEED)
PROMISE = lots.Promise()


def test_golden_ledger() -> None:
    found = [certificates.ledger_upper(LedgerEntries(0.1, (0.1,) * finds)) for finds in range(4)]
    assert found == pytest.approx([33.5, 65.4, 81.8, 97.9], abs=0.06)
    assert certificates.ledger_upper(LedgerEntries(0.0, ())) is None
    assert certificates.ledger_upper(LedgerEntries(1.0, (1.0,))) == 0.0


@given(st.floats(0.01, 0.9), st.lists(st.floats(0.01, 0.99), max_size=8))
def test_a_bet_of_the_ledger_never_gains_on_average(least: float, chances: list[float]) -> None:
    slopes = certificates.bets(least)
    for chance in (least, *(max(least, one) for one in chances)):
        mean = chance * np.exp(-certificates.spent(slopes, chance)) + (1 - chance) * np.exp(slopes)
        assert np.all(mean <= 1.0 + 1e-9)
    one_more = certificates.ledger_upper(LedgerEntries(least, (least,)))
    none = certificates.ledger_upper(LedgerEntries(least, ()))
    assert none is not None and one_more is not None and none <= one_more


@pytest.mark.parametrize(("finds", "images"), [(0, 1650), (1, 2600), (2, 3450), (3, 4250)])
def test_golden_windows_that_certify_at_a_tenth(finds: int, images: int) -> None:
    def lot(size: int) -> ClosedLot:
        return ClosedLot(size, 0.10, tuple(range(finds)))

    assert certificates.certificate([lot(images)], 0.85).is_ok
    assert not certificates.certificate([lot(images - 50)], 0.85).is_ok


@pytest.mark.parametrize(
    ("images", "rate", "looks"), [(2000, 0.002, 255), (5000, 0.005, 512.5), (10_000, 0.008, 875), (20_000, 0.01, 1300)]
)
def test_golden_monitor_rates(images: int, rate: float, looks: float) -> None:
    assert images * certificates.monitor_rate(images, rate, sensitivity=0.85) == pytest.approx(looks)


def test_no_rate_no_certificate() -> None:
    for held in ([], [ClosedLot(5000, 0.0)], [ClosedLot(0, 0.0)]):
        found = certificates.certificate(held, 0.85)
        assert not found.is_ok and found.upper is None and found.upper_anytime is None
    assert certificates.looks_left([ClosedLot(5000, 0.0)], 0.1, 0.85, 0.02, 0.05) is None
    assert certificates.monitor_rate(0, 0.01) == 1.0
    assert certificates.monitor_rate(100, 1.0) > 0.9


def test_finds_beyond_the_smallest_rate_count_as_removed_only() -> None:
    few, many = ClosedLot(1000, 0.10, (5, 99)), ClosedLot(1000, 0.50, (5, 100, 499), other_finds=2)
    found = certificates.certificate([few, many], 0.85)
    assert (found.pi_min, found.f1, found.f2) == (0.10, 3, 4)
    all_bad = certificates.certificate([ClosedLot(50, 1.0, tuple(range(50)))], 1.0)
    assert all_bad.upper == 0 and all_bad.is_ok


@given(st.integers(0, 6), st.integers(500, 9000), st.floats(0.05, 1.0))
def test_certificates_are_monotone(finds: int, images: int, sight: float) -> None:
    def upper(count: int, rate: float, seen: float) -> int:
        found = certificates.certificate([ClosedLot(images, rate, tuple(range(count)))], seen, with_ledger=False).upper
        assert found is not None
        return found

    now = upper(finds, 0.10, sight)
    assert upper(finds + 1, 0.10, sight) >= now
    assert upper(finds, 0.20, sight) <= now
    assert upper(finds, 0.10, sight * 0.9) >= now


def test_windows_take_the_last_lots_that_are_enough() -> None:
    held = [ClosedLot(size, 0.1) for size in (400, 300, 200)]
    assert [lot.size for lot in certificates.window(held, 450)] == [300, 200]
    assert certificates.window(held, 5000) == tuple(held)
    assert certificates.window([], 5000) == ()
    left = certificates.looks_left([ClosedLot(1000, 0.1)], 0.1, 0.85, 0.02, 0.05)
    assert left == pytest.approx(65, abs=5)  # 1,650 are needed
    assert certificates.looks_left([ClosedLot(1700, 0.1)], 0.1, 0.85, 0.02, 0.05) == 0


@given(st.lists(st.booleans(), max_size=60))
def test_a_watch_look_by_look_is_the_path_at_once(outcomes: list[bool]) -> None:
    watch = cusum.Cusum(0.1, 0.3, 2.0)
    values = []
    for one in outcomes:
        watch = watch.seen([one])
        values.append(watch.value)
    path = cusum.path(np.array([outcomes], dtype=bool), 0.1, 0.3)
    assert path[0] == pytest.approx(np.array(values), abs=1e-9)
    assert watch.is_alarm == any(value >= 2.0 for value in values)
    first = cusum.first_alarms(np.array([outcomes], dtype=bool).reshape(1, -1), 0.1, 0.3, 2.0)
    assert (first[0] > 0) == watch.is_alarm
    counted = cusum.Cusum(0.1, 0.3, 99.0).seen_counts(sum(outcomes), len(outcomes))
    assert counted.value == pytest.approx(cusum.Cusum(0.1, 0.3, 99.0).seen(sorted(outcomes)).value)


def test_a_watch_knows_where_the_change_began() -> None:
    watch = cusum.Cusum(0.01, 0.05, 5.0).seen([False] * 50 + [True, False, True, True, True])
    assert watch.is_alarm and watch.looks_since_zero == 5
    assert not watch.reset().is_alarm
    with pytest.raises(ValueError, match="impossible"):
        cusum.Cusum(0.05, 0.01, 5.0)


def test_limits_are_calibrated_by_simulation() -> None:
    limit = cusum.calibrated_limit(0.01, 0.05, 0.0055, 500, 0.02, runs=800)
    rng = np.random.default_rng(99)
    alarms = cusum.first_alarms(rng.random((2000, 500)) < 0.0055, 0.01, 0.05, limit)
    assert (alarms > 0).mean() <= 0.035
    assert cusum.calibrated_limit(0.01, 0.05, 0.0055, 500, 0.10, runs=800) <= limit
    with pytest.raises(ValueError, match="calibrated"):
        cusum.calibrated_limit(0.01, 0.05, 0.005, 0, 0.02)


def started(size: int, plan: lots.LotPlan | None = None) -> lots.Lot:
    ids = order.ordered(SEED, [f"i{number}" for number in range(size)])
    return lots.opened(plan or lots.learn_plan(size, HASH, PROMISE), ids)


def look_at_all(lot: lots.Lot, bad: set[str]) -> tuple[lots.Lot, lots.Step]:
    """Do what the steps ask for until the lot asks for nothing more."""
    step = lots.next_step(lot)
    while step.action in ("look", "adjudicate", "hold"):
        if step.action == "adjudicate":
            lot, step = lots.adjudicate(lot, lot.pending()[0], 2, True)
        else:
            image = lot.order[lot.judged()]
            lot, step = lots.record_look(lot, image, 1, image in bad)
    return lot, step


def test_a_clean_lot_is_released_at_its_first_boundary() -> None:
    lot, step = look_at_all(started(300), set())
    assert (lot.state, step.action, lot.judged()) == ("released", "release", lot.plan.first)
    closed = lots.close_lot(lot)
    assert (closed.found, closed.residual_upper) == (0, 6)  # 2 % of 300
    assert closed.record.rate == lot.plan.pi_cert


def test_every_find_is_judged_by_a_second_person_and_costs_looks() -> None:
    lot = started(300)
    bad = {lot.order[3], lot.order[40]}
    done, _ = look_at_all(lot, bad)
    assert done.find_ranks() == (3, 40)
    assert done.judged() == done.plan.boundaries[2]
    dismissed, step = lots.record_look(lot, lot.order[0], 1, True)
    assert step.action == "look" and dismissed.pending() == (lot.order[0],)
    with pytest.raises(ValueError, match="second person"):
        lots.adjudicate(dismissed, lot.order[0], 1, True)
    kept, _ = lots.adjudicate(dismissed, lot.order[0], 2, False)
    assert kept.find_ranks() == ()
    assert lots.adjudicate(kept, lot.order[0], 2, False)[0] == kept
    with pytest.raises(ValueError, match="already"):
        lots.adjudicate(kept, lot.order[0], 3, True)
    with pytest.raises(ValueError, match="no flag"):
        lots.adjudicate(kept, lot.order[1], 2, True)


def test_looks_are_idempotent_in_order_and_blind() -> None:
    lot = started(300)
    once, _ = lots.record_look(lot, lot.order[0], 1, False)
    assert lots.record_look(once, lot.order[0], 1, False)[0] == once
    with pytest.raises(ValueError, match="already"):
        lots.record_look(once, lot.order[0], 2, True)
    with pytest.raises(ValueError, match="not due"):
        lots.record_look(once, lot.order[299], 1, False)
    with pytest.raises(ValueError, match="not in a lot"):
        lots.record_look(once, "elsewhere", 1, False)
    seeing, _ = lots.record_look(once, lot.order[1], 1, True, blind=False)
    assert seeing.judged() == 1 and seeing.other_finds == {lot.order[1]}


def test_all_defective_is_done_again() -> None:
    lot = started(60)
    lot, step = look_at_all(lot, set(lot.order))
    assert step.action == "inspected"
    done, verdict = lots.inspected(lot)
    assert (done.state, verdict.action, verdict.is_incident) == ("redo", "redo", True)
    with pytest.raises(ValueError, match="released"):
        lots.close_lot(done)


@pytest.mark.parametrize("size", [1, 20, 49])
def test_lots_too_small_for_any_sample_are_looked_at_whole(size: int) -> None:
    lot = started(size)
    assert lot.plan.boundaries == () and lot.plan.first == size
    lot, step = look_at_all(lot, set())
    assert step.action == "inspected"
    lot, verdict = lots.inspected(lot)
    assert verdict.action == "second_pass" and lot.passes == 2 and lot.state != "released"


def test_nothing_at_all() -> None:
    for plan in (lots.learn_plan(0, HASH, PROMISE), lots.certified_plan(0, 0.1, HASH, PROMISE)):
        lot = started(0, plan)
        assert lots.next_step(lot).action == "release"
        assert lots.close_lot(replace(lot, state="released")).residual_upper == 0
    assert lots.simple_plan(0, 0.1, HASH, PROMISE).first == 0
    with pytest.raises(ValueError, match="outside"):
        lots.certified_plan(10, 1.1, HASH, PROMISE)
    with pytest.raises(ValueError, match="different ones"):
        lots.opened(lots.learn_plan(3, HASH, PROMISE), ["a", "a", "b"])


def test_simple_mode_is_the_trades_rule() -> None:
    assert [lots.simple_plan(size, 0.1, HASH, PROMISE).first for size in (1, 9, 25, 100)] == [1, 1, 2, 10]
    plan = lots.simple_plan(100, 0.1, HASH, PROMISE)
    assert lots.decide(plan, 10, [0]).action == "release"
    assert lots.decide(plan, 10, [0, 4]).action == "hold"


def test_a_certified_lot_holds_and_then_proves_itself_in_the_same_order() -> None:
    plan = lots.certified_plan(290, 0.05, HASH, PROMISE)
    assert (plan.first, plan.hold_at) == (29, 2)
    assert lots.decide(plan, 29, []).action == "release"
    assert lots.decide(plan, 29, [4]) == lots.Step("look", 58, "One find: as many looks again.")
    assert lots.decide(plan, 58, [4]).action == "release"
    assert lots.decide(plan, 58, [4, 50]).action == "hold"
    assert lots.decide(plan, 29, [4, 5]).action == "hold"
    assert lots.decide(plan, 29, [4, 5], is_held=True) == lots._audit(plan, 29, [4, 5])
    learning = lots.learn_plan(290, HASH, PROMISE)
    for looks in (29, 150, 200, 290):
        assert lots.decide(plan, looks, [4, 5, 9], is_held=True) == lots.decide(learning, looks, [4, 5, 9])


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 400), st.lists(st.integers(0, 399), max_size=12), st.booleans())
def test_every_lot_comes_to_an_end(size: int, ranks: list[int], is_held: bool) -> None:
    plan = lots.certified_plan(size, 0.1, HASH, PROMISE)
    looks, held = 0, is_held
    for _ in range(40):
        step = lots.decide(plan, looks, [place for place in ranks if place < looks], is_held=held)
        if step.action in ("release", "inspected"):
            return
        held = held or step.action == "hold"
        if step.action == "look":
            assert looks < step.until <= size
            looks = step.until
    raise AssertionError("still going")


def test_a_reviewers_void_looks_are_due_again() -> None:
    lot, _ = look_at_all(started(300), set())
    void = lots.voided(lot, 1)
    assert void.state == "open" and void.judged() == 0
    assert lots.voided(lot, 99) == lot


def test_a_version_change_splits_and_small_lots_merge() -> None:
    assert lots.split_by_version({"a": "v1", "b": "v2", "c": "v1"}) == {"v1": ["a", "c"], "v2": ["b"]}
    assert lots.merged_size([60, 60, 60, 60], [3, 2, 2, 1]) == 3
    assert lots.merged_size([60, 60], [3, 2]) == 0
    assert lots.merged_size([60, 60], [25, 2]) == 2
    assert lots.merged_size([], []) == 0


POLICY = scopes.ScopePolicy()


def grown(count: int, rate: float = 0.3) -> scopes.Scope:
    scope = scopes.Scope()
    for _ in range(count):
        scope, _ = scopes.lot_closed(scope, POLICY, ClosedLot(330, rate), [False] * 99)
    return scope


def test_a_scope_earns_its_certificate_and_a_new_version_starts_over() -> None:
    scope, certified_after = scopes.Scope(), 0
    for number in range(1, 12):
        scope, events = scopes.lot_closed(scope, POLICY, ClosedLot(330, 0.3), [False] * 99)
        if events:
            assert events[0].kind == "certified"
            certified_after = number
    assert scope.mode == scopes.CERTIFIED and certified_after == 2  # 11 escapes at most, 13 allowed
    plan = scopes.plan_lot(scope, POLICY, 1000, HASH)
    assert plan.mode == lots.CERTIFIED and plan.first < lots.learn_plan(1000, HASH, PROMISE).first
    assert scopes.version_changed(scope, "new preset")[0] == scopes.Scope()
    assert scopes.idle(scope, 30)[0].mode == scopes.LEARN
    assert scopes.idle(scope, 29)[0] == scope
    careful = replace(POLICY, always_learn=True)
    assert scopes.plan_lot(scope, careful, 1000, HASH).mode == lots.LEARN
    with pytest.raises(ValueError, match="impossible"):
        scopes.plan_lot(scope, POLICY, -1, HASH)


def test_incident_alarm_and_lost_certificate_end_what_was_proven() -> None:
    scope = grown(6)
    after, events = scopes.lot_closed(scope, POLICY, ClosedLot(300, 1.0, tuple(range(40))), [], is_incident=True)
    assert after.mode == scopes.LEARN and after.lots == () and events[0].kind == "incident"
    after, events = scopes.lot_closed(scope, POLICY, ClosedLot(300, 0.3), [True] * 6)
    assert events[0].kind == "alarm" and after.lots == ()
    on_hold = replace(scope, mode=scopes.HOLD)
    after, events = scopes.lot_closed(on_hold, POLICY, ClosedLot(300, 0.3), [True] * 6)
    assert after.mode == scopes.HOLD and [event.kind for event in events] == ["alarm"], "only a person ends a hold"
    few = ClosedLot(300, 0.10, tuple(range(12)))
    after, events = scopes.lot_closed(scope, POLICY, few, [False] * 30)
    assert events[0].kind == "certificate_lost" and after.mode == scopes.LEARN and after.lots == ()


def test_retro_audit_goes_back_to_the_change_point() -> None:
    scope = grown(6)
    for _ in range(3):  # finds that don't alarm yet
        scope, events = scopes.lot_closed(scope, POLICY, ClosedLot(330, 0.3, (98,)), [False] * 20 + [True])
        assert not events
    scope, events = scopes.lot_closed(scope, POLICY, ClosedLot(330, 0.3), [True] * 5)
    assert events[0].kind == "alarm" and events[0].retro_audit == 3


def test_holds_are_cleared_by_people_and_voided_looks_learn_again() -> None:
    scope, events = scopes.put_on_hold(grown(6), "CUSUM")
    assert scope.mode == scopes.HOLD and events[0].kind == "alarm"
    assert scopes.plan_lot(scope, POLICY, 300, HASH).mode == lots.LEARN
    assert scopes.lot_closed(scope, POLICY, ClosedLot(330, 0.3), [])[0].mode == scopes.HOLD
    assert scopes.cleared(scope, "mended")[0].mode == scopes.LEARN
    assert scopes.cleared(grown(1), "nothing")[1] == ()
    assert scopes.reviewer_voided(grown(6), [])[0].mode == scopes.LEARN


def test_a_certificate_reads_its_scope() -> None:
    found = scopes.scope_certificate(grown(6), POLICY)
    assert (found.images, found.f1, found.is_ok) == (1980, 0, True)
    assert found.upper is not None and found.upper_anytime is not None and found.upper < found.upper_anytime
