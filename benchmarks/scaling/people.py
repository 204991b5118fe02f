"""The photos of a busy studio, as plain tuples: who sent what, how far it is, what it scored. Drawn by a fixed seed."""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

SMALLEST, LARGEST, MEAN = 10, 5000, 500
DAY_S = 86_400

# State of a batch, share of batches, and what its photos are in (weights).
PHASES: tuple[tuple[str, float, dict[str, float]], ...] = (
    ("delivered", 0.855, {"auto_approved": 74, "approved": 20.5, "rejected_intake": 2, "duplicate": 1.5, "failed": 1,
                          "cancelled": 1}),
    ("review", 0.12, {"auto_approved": 58, "approved": 15, "in_review": 18, "on_hold": 0.6, "editing": 3,
                      "awaiting_signoff": 0.4, "rejected_intake": 2, "duplicate": 1.5, "failed": 1.5}),
    ("processing", 0.015, {"queued": 45, "received": 10, "auto_approved": 33, "in_review": 8, "editing": 2,
                           "failed": 2}),
    ("paused", 0.005, {"queued": 60, "auto_approved": 30, "in_review": 10}),
    ("cancelled", 0.005, {"cancelled": 60, "auto_approved": 35, "in_review": 5}),
)  # fmt: skip
UNSCORED = frozenset({"queued", "received", "rejected_intake", "duplicate", "failed", "cancelled"})
CATEGORIES = ("mug", "bottle", "shoe", "bag", "lamp", "vase", "chair", "ring", "toy", "book", "speaker", "jar")
ADJECTIVES = ("oak", "steel", "linen", "navy", "coral", "matte", "glazed", "brushed", "woven", "amber")
SAMPLE_RATE = 0.05
UNDONE_RATE = 0.01


@dataclass(frozen=True, slots=True)
class Lot:
    """One batch: its id, client, state, number of photos and age in seconds."""

    id: int
    client: int
    state: str
    size: int
    age_s: int


def lots(rows: int) -> list[Lot]:
    """Batches of 10 to 5,000 photos (a fortieth of `rows` at most), the oldest first; one client to ten of them."""
    rng, sizes, left = random.Random(7), [], rows
    largest = min(LARGEST, max(SMALLEST, rows // 40))
    while left > 0:
        size = min(left, largest, max(SMALLEST, round(rng.lognormvariate(math.log(MEAN) - 0.6, 1.1))))
        sizes.append(size)
        left -= size
    clients = max(2, len(sizes) // 10)
    bounds = list(accumulate(share for _, share, _ in PHASES))
    found = []
    for at, size in enumerate(sizes):
        share = (at + 0.5) / len(sizes)
        phase = PHASES[min(bisect.bisect(bounds, share), len(PHASES) - 1)][0]
        age = (1 - share / bounds[0]) * 700 + 8 if phase == "delivered" else (1 - share) * 7 / (1 - bounds[0]) + 0.05
        found.append(Lot(at + 1, rng.randint(1, clients), phase, size, round(age * DAY_S)))
    return found


COLUMNS = (
    "id bigint primary key", "batch_id bigint", "n integer", "state varchar(20)", "age_s integer", "total real",
    "sku varchar(80)", "asin varchar(20)", "category varchar(60)", "words varchar(120)", "task varchar(12)",
    "reason varchar(12)", "is_delivered integer", "reviewer integer", "phase varchar(12)",
)  # fmt: skip
"""The staging table every other is filled from."""


def photos(found: list[Lot], reviewers: int) -> Iterator[tuple[object, ...]]:
    """One tuple per photo in the order of COLUMNS. `total` is -1 without a run, `task` "" without a review task."""
    rng, pk = random.Random(11), 0
    weights = {phase: (list(mix), list(accumulate(mix.values()))) for phase, _, mix in PHASES}
    for lot in found:
        names, bounds = weights[lot.state]
        for n in range(lot.size):
            pk += 1
            state = names[bisect.bisect(bounds, rng.random() * bounds[-1])]
            task, reason = _task(state, lot.state, rng.random())
            sku = f"NW-{rng.randrange(16**4):04X}-{n // 3:04d}"
            word = f"{ADJECTIVES[rng.randrange(10)]} {CATEGORIES[pk % 12]}"
            yield (
                pk, lot.id, n, state, max(60, lot.age_s - n), _total(state, rng), sku,
                f"B{rng.randrange(36**8):09d}"[:10], CATEGORIES[pk % 12], word, task, reason,
                int(lot.state == "delivered" and state in ("auto_approved", "approved")), pk % reviewers + 1, lot.state,
            )  # fmt: skip


def _task(state: str, phase: str, chance: float) -> tuple[str, str]:
    """(state of its review task, reason); ("", "") without one."""
    if state in ("in_review", "on_hold"):
        return ("open" if state == "in_review" else "on_hold"), "score_band"
    if state in ("approved", "editing", "awaiting_signoff"):
        return "done", "score_band"
    if state == "auto_approved" and chance < SAMPLE_RATE:
        return ("open" if phase in ("review", "paused") and chance < SAMPLE_RATE / 2 else "done"), "sample"
    return "", ""


def _total(state: str, rng: random.Random) -> float:
    if state in UNSCORED:
        return -1.0
    if state == "auto_approved":
        return round(min(100.0, rng.gauss(95, 2.2)), 2)
    return round(min(99.0, max(5.0, rng.gauss(82, 7))), 2)
