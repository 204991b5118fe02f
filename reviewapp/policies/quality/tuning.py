"""Settings that people's verdicts ask for: a nudge from the reasons, then a search within reach of what is known. Pure.

Nothing here activates anything: what comes out is a proposal for a duel (duel.py) and a person. The search scores
with what people will probably say (a calibrated chance of a defect), never with the raw quality score: a search on
that finds settings that please the score and spoil the pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from processing.params import ProcessingParams
from reviewapp.enums import RejectReason
from reviewapp.policies.learning import Ladder, Toward, read
from reviewapp.policies.quality.bounds import Floats
from reviewapp.policies.quality.calibration import Logistic

REACH = 0.15
"""One proposal moves a setting by at most this share of its range."""
LEAST_GAIN = 0.5
"""Points of the objective (0..100) a proposal must win in the search to be worth people's time."""
LEAST_REJECTS, LEAST_SHARE = 40, 0.02
REPLAY_REJECTED = REPLAY_APPROVED = 75
TRIALS = 40


@dataclass(frozen=True, slots=True)
class Dimension:
    """One setting the search may move: its dotted path, its range, and whether it is a whole number."""

    path: str
    low: float
    high: float
    is_whole: bool = False

    def around(self, value: float, reach: float = REACH) -> tuple[float, float]:
        """Return the trust region around `value`: reach x range to both sides, within the range."""
        step = reach * (self.high - self.low)
        return max(self.low, value - step), min(self.high, value + step)


def dimensions(paths: Sequence[str]) -> list[Dimension]:
    """Return the numeric settings of the presets among `paths`, with their declared bounds, in the order given.

    Raises ValueError for a path that isn't one.
    """
    known = {line.path: line for line in ProcessingParams.describe() if line.kind in ("whole", "real")}
    unknown = [path for path in paths if path not in known]
    if unknown:
        raise ValueError(f"{unknown[0]} is not a number that can be searched over.")
    rows = [known[path] for path in paths]
    return [Dimension(row.path, row.low or 0.0, row.high or 0.0, row.kind == "whole") for row in rows]


Move = Ladder | Toward
NUDGES: Mapping[tuple[RejectReason, str], tuple[Move, ...]] = {
    (RejectReason.EDGE_HALO, ""): (
        Toward("edge.radius_ratio", 0.001, 0.001),
        Ladder("edge.decontaminate", (False, True)),
        Ladder("edge.refinement", ("low", "medium", "high")),
    ),
    (RejectReason.EDGE_ROUGH, ""): (Toward("edge.radius_ratio", 0.03, 0.001), Toward("edge.working_side", 4000, 400)),
    (RejectReason.PARTIAL_REMOVAL, ""): (Toward("edge.working_side", 4000, 400),),
    (RejectReason.BACKGROUND_LEFT, ""): (Toward("edge.radius_ratio", 0.001, 0.001),),
    (RejectReason.CROP_FILL, "too_small"): (Toward("geometry.fill_ratio", 1.0, 0.02),),
    (RejectReason.CROP_FILL, "too_large"): (Toward("geometry.fill_ratio", 0.1, 0.02),),
    (RejectReason.COLOUR_SHIFT, "too_strong"): (Toward("colour.saturation", 0, 5), Toward("colour.contrast", 0, 5)),
    (RejectReason.COLOUR_SHIFT, "too_weak"): (Toward("colour.saturation", 100, 5),),
    (RejectReason.SHADOW, "too_dark"): (Toward("shadow.opacity", 0.0, 0.05),),
    (RejectReason.SHADOW, "too_light"): (Toward("shadow.opacity", 1.0, 0.05),),
    (RejectReason.SHADOW, "too_hard"): (Toward("shadow.blur_px", 200, 5),),
}
"""What a reason and its direction suggest: seeds for the search only. A reason ticked out of habit must not steer."""


def nudges(params: Mapping[str, Any], reason: str, direction: str = "") -> list[tuple[str, Any]]:
    """Return (path, next value) for each move that a reason suggests from `params`; [] when nothing has room.

    A direction that is unknown for the reason gives nothing: without it nobody knows which way to go. Raises
    ValueError for an unknown reason.
    """
    moves = NUDGES.get((RejectReason(reason), direction), ())
    steps = [(move.path, move.next(read(params, move.path))) for move in moves]
    return [(path, value) for path, value in steps if value is not None]


def is_due(
    rejects: int, top_share: float, least_rejects: int = LEAST_REJECTS, least_share: float = LEAST_SHARE
) -> bool:
    """Say whether a proposal is worth making: 40 rejects since activation and a top reason above 2 % of the traffic."""
    return rejects >= least_rejects and top_share > least_share


@dataclass(frozen=True, slots=True)
class Replay:
    """Pictures frozen for comparing presets: their ids, 1 / pi weights, who had been approved, and a hash of it all."""

    ids: tuple[str, ...]
    weights: tuple[float, ...]
    approved: tuple[bool, ...]
    digest: str


def replay_set(
    rejected: Sequence[tuple[str, float]], approved: Sequence[tuple[str, float]], totals: tuple[float, float]
) -> Replay:
    """Freeze up to 75 rejected and 75 approved pictures, (id, pi) each in their random order, weighted to the traffic.

    `totals`: how many rejected and approved pictures the traffic has (each estimated as sum 1 / pi), so that a set
    that is half rejects speaks of the traffic, not of itself. A set of rejects alone forgets what already worked.
    Empty gives an empty one. Raises ValueError for a pi outside (0, 1].
    """
    rows: list[tuple[str, float, bool]] = []
    groups = ((rejected[:REPLAY_REJECTED], False), (approved[:REPLAY_APPROVED], True))
    for (group, is_approved), total in zip(groups, totals, strict=True):
        if any(not 0.0 < pi <= 1.0 for _, pi in group):
            raise ValueError("A replay picture without a logged inclusion probability can't be weighted.")
        whole = sum(1.0 / pi for _, pi in group)
        rows += [(one, total / (pi * whole), is_approved) for one, pi in group]
    text = "\n".join(f"{one} {weight:.9g} {is_approved}" for one, weight, is_approved in rows)
    ids, weights, flags = zip(*rows, strict=True) if rows else ((), (), ())
    return Replay(ids, weights, flags, hashlib.sha256(text.encode()).hexdigest())


def objective(model: Logistic, features: Floats, weights: Floats) -> float:
    """Return 100 x weighted mean of 1 - P(defect) over replay pictures: `features` (n, k), `weights` (n,); 0..100.

    0.0 without pictures.
    """
    if not len(weights) or weights.sum() <= 0.0:
        return 0.0
    return float(100.0 * (weights @ (1.0 - model.at(features))) / weights.sum())


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found: the best settings, their value and the champion's, and every trial for the record."""

    best: dict[str, float]
    value: float
    champion_value: float
    trials: tuple[tuple[dict[str, float], float], ...]

    @property
    def gain(self) -> float:
        """Points won over the champion."""
        return self.value - self.champion_value

    @property
    def is_worth_a_duel(self) -> bool:
        """Gate 1: more than half a point."""
        return self.gain > LEAST_GAIN


def search(
    score: Callable[[Mapping[str, float]], float],
    champion: Mapping[str, float],
    space: Sequence[Dimension],
    *,
    seeds: Sequence[Mapping[str, float]] = (),
    trials: int = TRIALS,
    seed: int = 1,
) -> Found:
    """Search the trust region around `champion` for settings with a higher `score` (0..100), reproducibly.

    Tree-structured Parzen estimator, multivariate; the champion and `seeds` (nudges, clipped to the region) are tried
    first. No dimension or no trial: the champion. Sources: J. Bergstra et al., "Algorithms for hyper-parameter
    optimization" (2011); T. Akiba et al., "Optuna" (2019).
    """
    start = {one.path: float(champion[one.path]) for one in space}
    if not space or trials < 1:
        value = score(start)
        return Found(start, value, value, ((start, value),))
    import optuna  # at half a second to load, only for those who search

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    regions = {one.path: one.around(start[one.path]) for one in space}
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, multivariate=True))
    study.enqueue_trial(start)
    for nudge in seeds:
        moved = {path: float(np.clip(nudge.get(path, start[path]), *regions[path])) for path in start}
        study.enqueue_trial(moved, skip_if_exists=True)

    def run(trial: optuna.Trial) -> float:
        chosen = {}
        for one in space:
            low, high = regions[one.path]
            if one.is_whole:
                chosen[one.path] = float(trial.suggest_int(one.path, int(np.ceil(low)), int(high)))
            else:
                chosen[one.path] = trial.suggest_float(one.path, low, high)
        return score(chosen)

    study.optimize(run, n_trials=trials)
    tried = tuple((dict(trial.params), float(trial.value or 0.0)) for trial in study.trials)
    best = max(tried, key=lambda row: row[1])
    return Found(best[0], best[1], tried[0][1], tried)


def largest_step(old: Mapping[str, float], new: Mapping[str, float], space: Sequence[Dimension]) -> float:
    """Return the largest move as a share of its setting's range, 0..1; 0.0 without a dimension."""
    return max((abs(new[one.path] - old[one.path]) / (one.high - one.low) for one in space), default=0.0)
