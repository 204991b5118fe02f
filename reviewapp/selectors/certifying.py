"""What people's looks prove of a threshold: the share they reject by score, and which line is certified (RTE-11).

A look counts with the chance its photo had of being looked at: all of the review band, of what passed by itself the
policy's share or what its lot logged, of what lies below the review line the policy's share. Photos that a gate, a
category or a client holds are left out: no threshold moves them. So are those that people were given because they stand
out of their set: they don't ship by their score, and who was picked by how it looks is no sample of who does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import log2

import numpy as np
from django.utils import timezone

from reviewapp.enums import AdjustmentState, ReviewReason, Routing, RunKind, Verdict
from reviewapp.models import Adjustment, CategoryRule, LotPlace, QualityReport, ReviewTask, RoutingPolicy
from reviewapp.policies.quality import order, thresholds
from reviewapp.policies.quality.bounds import Floats
from reviewapp.policies.quality.calibration import Bools, Labels, isotonic
from reviewapp.policies.sampling import rejection_interval
from reviewapp.selectors import gold
from reviewapp.selectors.adjusting import origins
from reviewapp.selectors.lots import ROUNDING
from reviewapp.selectors.review import photo_decisions

DAYS, MOST = 60, 5000
WIDTH = 2
"""Points of score per dot of the chart."""
FROM = 50
THINNED = "7c" * 32
"""Seeds which looks of a higher chance count: fixed, so that a page tells the same twice."""
_BELOW = (Routing.EXPLORED, Routing.REJECT_AND_REDO)
_LINES = (Routing.AUTO_APPROVE, Routing.HUMAN_REVIEW, *_BELOW)
MOST_GOOD = 0.20
"""At most this share of what the review line sends back may be good: a redo costs a multiple of a look."""
_Row = tuple[float, float, bool, bool]
"""Score, chance of a look, whether it had that look, and whether it was rejected."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Results of the last weeks, oldest first: `pi` chances of a look, `seen` who got one, `bad` rejected; all (n,)."""

    scores: Floats
    pi: Floats
    seen: Bools
    bad: Bools

    def window(self, part: slice) -> thresholds.Window:
        """A stretch of it, for a test."""
        return thresholds.Window(self.scores[part], self.pi[part], self.seen[part], self.bad[part])


@dataclass(frozen=True, slots=True)
class Dot:
    """Photos of two points of score: what people rejected of those judged, with its 95 % interval; shares 0..1.

    `is_sampled`: only a part of them was looked at. `smooth`: the falling curve there.
    """

    low: int
    judged: int
    rejected: int
    rate: float
    least: float
    most: float
    smooth: float
    is_sampled: bool


@dataclass(frozen=True, slots=True)
class Certified:
    """What the looks prove. `tau`: the lowest certified line, None when none is; `risk`: its upper bound, 0..1.

    `start`: the line that looks best to prove, `needed` further clean looks for it (-1: none can do it).
    """

    tau: float | None
    risk: float | None
    start: float | None
    needed: int
    looks: int
    photos: int
    sensitivity: float
    alpha: float

    def covers(self, approve_at: float) -> bool:
        """Say whether a pass line is proven: the lowest certified one or any above it."""
        return self.tau is not None and approve_at >= self.tau


@dataclass(frozen=True, slots=True)
class BelowLine:
    """What the looks below the review line say of it: `good` of `looks` photos people would have taken as they were.

    `least`, `most`: 95 % interval of that share; `risk`: its one-sided upper bound, which proves the line once it is
    below `limit`; all 0..1. `needed`: so many more looks without a good photo prove it; 0: proven, -1: none can.
    """

    line: float
    looks: int
    good: int
    least: float
    most: float
    risk: float
    limit: float
    needed: int

    @property
    def is_proven(self) -> bool:
        """At most `limit` of what the line sends back is good."""
        return self.risk <= self.limit


def looked() -> Looked:
    """Read the results that a threshold decides over, of the last DAYS days and at most MOST."""
    reports = QualityReport.objects.filter(
        created_at__gte=timezone.now() - timedelta(days=DAYS),
        routing__in=_LINES,
        run__kind=RunKind.AUTOMATED,
    ).exclude(run__asset__category__in=_held())
    read = "total", "routing", "policy_id", "run_id"
    scored = list(reports.order_by("-created_at", "-pk").values_list(*read)[:MOST])
    # The few policies are put beside the many rows here: joined, each row would bring its own copy of them. Read after
    # them: a policy published in between has no row here, the other way round a row might have no policy.
    shares = {pk: each for pk, *each in RoutingPolicy.objects.values_list("pk", "sample_rate", "explored_share")}
    rows = [(total, routing, *shares[policy], run) for total, routing, policy, run in scored]
    # What goes with them is read by the range of their runs: asked for run by run it costs ten times as much.
    runs = [run for *_, run in rows]
    span = (min(runs), max(runs)) if runs else (0, 0)
    # Put in order here: asked to sort, SQLite walks all there is in that order instead of the range.
    near = {"run_id__gte": span[0], "run_id__lte": span[1]}
    decided = photo_decisions().filter(**near).order_by().values_list("pk", "run", "verdict")
    said = {run: verdict for _pk, run, verdict in sorted(decided)}
    said |= _corrected(span)
    places = LotPlace.objects.filter(**near).order_by().values_list("pk", "run", "lot__size", "rank", "pi")
    placed = {run: (size, rank, pi) for _pk, run, size, rank, pi in sorted(places)}
    # By how it looks in its set, whatever its score: such a look has no chance that could be counted with.
    picked = set(
        ReviewTask.objects.filter(**near, reason=ReviewReason.ANOMALY).order_by().values_list("run", flat=True)
    )
    found = [
        (run, _row(total, routing, below if routing in _BELOW else rate, said.get(run), placed.get(run)))
        for total, routing, rate, below, run in reversed(rows)
        if run not in picked
    ]
    known = _in_strata([(run, row) for run, row in found if row is not None])
    return Looked(
        np.array([total for total, *_ in known], dtype=np.float64),
        np.array([chance for _total, chance, *_ in known], dtype=np.float64),
        np.array([is_seen for *_, is_seen, _bad in known], dtype=np.bool_),
        np.array([is_bad for *_, is_bad in known], dtype=np.bool_),
    )


def _corrected(span: tuple[int, int]) -> dict[int, str]:
    """Results in a range of runs that people took only with other settings: what was routed was defective."""
    used = Adjustment.objects.filter(state=AdjustmentState.USED, base_run__gte=span[0], base_run__lte=span[1])
    taken = set(used.order_by().values_list("result_run", flat=True))
    if not taken:
        return {}
    decided = photo_decisions().filter(run__in=taken).order_by().values_list("run", flat=True)
    return dict.fromkeys(origins(decided).values(), Verdict.REJECT)


def _row(
    total: float, routing: str, rate: float, said: str | None, place: tuple[int, int | None, float | None] | None
) -> _Row | None:
    """One result's score, chance of a look, whether it had that look, and whether it was rejected; None: not drawn yet.

    `place`: (size of the lot, rank, chance). In a lot the chance was logged, and only its certificate sample
    counts: the first looks of the order. That more were made hung on what those found, so they say nothing of how a
    photo of that score mostly is.
    """
    is_bad = said == Verdict.REJECT
    if routing in _BELOW:  # what went straight to an editor had the chance of a look, and no look
        is_seen = routing == Routing.EXPLORED and said is not None
        return (total, rate, is_seen, is_seen and is_bad) if rate > 0.0 else None
    if routing != Routing.AUTO_APPROVE:
        return total, 1.0, said is not None, is_bad
    if place is None:
        return total, rate, said is not None, is_bad
    size, rank, pi = place
    if rank is None or pi is None:
        return None
    is_sample = rank < pi * size - ROUNDING
    return total, pi, is_sample and said is not None, is_sample and is_bad


def _in_strata(rows: list[tuple[int, _Row]]) -> list[_Row]:
    """Give looks of nearly the same chance the same one: each lot logs its own, and a proof for each proves nothing.

    Chances between a half and one, a quarter and a half, and so on, become the least of their class; of the looks made
    with a higher one only a part counts, chosen by the result's number alone, so that all of a class have the same.
    """
    chances = sorted({row[1] for _run, row in rows if 0.0 < row[1] < 1.0}, reverse=True)
    least = {int(-log2(pi)): pi for pi in chances}
    common = {pi: least[int(-log2(pi))] for pi in chances}
    if all(common[pi] == pi for pi in chances):
        return [row for _run, row in rows]
    made = []
    for run, (total, pi, is_seen, is_bad) in rows:
        kept = common.get(pi, pi)
        counts = kept == pi or order.share_of(THINNED, str(run)) < kept / pi
        made.append((total, kept, is_seen and counts, is_bad and counts))
    return made


def _held() -> list[str]:
    return list(CategoryRule.objects.filter(always_human=True).values_list("category", flat=True))


def certified(found: Looked, alpha: float) -> Certified:
    """Propose a line on the older half of the looks, prove it on the newer half (Learn then Test).

    `alpha`: at most this share 0..1 of what passes by itself may be defective: the policy's tolerated rate.
    """
    middle = len(found.scores) // 2
    s_l = gold.sensitivity().s_low
    proposal = thresholds.certify(
        found.window(slice(0, middle)), found.window(slice(middle, None)), alpha=alpha, sensitivity=s_l
    )
    looks = int(found.seen[middle:].sum())
    needed, photos = proposal.labels_needed, len(found.scores)
    return Certified(proposal.tau, proposal.risk, proposal.start, needed, looks, photos, s_l, alpha)


def below_line(found: Looked, line: float) -> BelowLine:
    """Say what is known of the photos below the review line in force."""
    seen = found.seen & (found.scores < line)
    looks, good = int(seen.sum()), int((seen & ~found.bad).sum())
    least, most = rejection_interval(good, looks) if looks else (0.0, 1.0)
    window = found.window(slice(None))
    risk = thresholds.good_upper(window, line)
    needed = 0 if risk <= MOST_GOOD else thresholds.bad_looks_left(window, line, MOST_GOOD)
    return BelowLine(line, looks, good, least, most, risk, MOST_GOOD, needed)


def dots(found: Looked) -> list[Dot]:
    """What people rejected by score, in steps of WIDTH points from FROM; steps without a look are left out."""
    kept = found.seen & (found.pi > 0.0)
    curve = isotonic(Labels(found.scores[kept], found.bad[kept], found.pi[kept]))
    result = []
    for low in range(FROM, 100, WIDTH):
        inside = kept & (found.scores >= low) & (found.scores < (low + WIDTH if low + WIDTH < 100 else 101))
        judged = int(inside.sum())
        if not judged:
            continue
        rejected = int((inside & found.bad).sum())
        least, most = rejection_interval(rejected, judged)
        smooth = float(curve.at(np.array([low + WIDTH / 2]))[0])
        is_sampled = bool((found.pi[inside] < 1.0).any())
        result.append(Dot(low, judged, rejected, rejected / judged, least, most, smooth, is_sampled))
    return result
