"""Eight rounds of a preset that learns: the gated loop beside what people would do without the gates.

A preset has eight settings in 0..1. Each of six defects has a margin that grows with the distance from the best
setting along its own direction (halo and missing parts pull opposite ways) plus what the picture brings; a defect
shows where the margin is above zero. The raw quality score sees halos and jags but takes an eaten edge for a clean
one, so that a search on it goes wrong. People miss 8 % and reject 1.5 % of good pictures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from benchmarks.loop_world.pictures import REVIEWER
from reviewapp.policies.quality import canary as canaries
from reviewapp.policies.quality.calibration import Logistic, logistic
from reviewapp.policies.quality.duel import Pair, decide
from reviewapp.policies.quality.tuning import (
    REPLAY_APPROVED,
    REPLAY_REJECTED,
    TRIALS,
    Dimension,
    is_due,
    largest_step,
    objective,
    search,
)

Array = NDArray[Any]
SETTINGS = tuple(f"s{number}" for number in range(8))
SPACE = [Dimension(name, 0.0, 1.0) for name in SETTINGS]
REASONS = ("halo", "missing", "leftover", "jagged", "crop", "colour")
# What each reason's margin reacts to: setting -> weight. Missing is the other side of halo.
DIRECTIONS = np.zeros((6, 8))
DIRECTIONS[0, [0, 1, 2]] = (-0.8, -0.4, -0.4)
DIRECTIONS[1, [0, 1, 2]] = (0.8, 0.4, 0.4)
DIRECTIONS[2, [1, 3]] = (0.3, -0.9)
DIRECTIONS[3, [4, 2]] = (-0.9, 0.3)
DIRECTIONS[4, [5, 6]] = (0.9, 0.4)
DIRECTIONS[5, [6, 7]] = (-0.3, 0.9)
TWO_SIDED = np.array([False, False, False, False, True, True])
STEEP = np.array([3.6, 5.4, 3.6, 3.6, 3.0, 3.0])
BASE = special.ndtri(1 - 0.0069)
"""Each of six reasons spoils .69 % of the pictures at the best settings: 4.1 % together."""
START = 0.204
IMAGES, ROUNDS, AUTO_SHARE, SAMPLED = 1000, 8, 0.6, 0.12
NUDGE = {
    "halo": {0: 0.08, 2: 0.05}, "missing": {0: -0.08}, "leftover": {3: 0.08}, "jagged": {4: 0.08},
    "crop": {5: 0.06}, "colour": {7: -0.06},
}  # fmt: skip


@dataclass(slots=True)
class World:
    """One category: where its best settings lie, and where its preset starts."""

    best: Array
    start: Array

    def margins(self, settings: Array, latent: Array) -> Array:
        """Margins of pictures with `latent` (n, 6) under `settings` (8,); a defect above 0."""
        off = DIRECTIONS @ (settings - self.best)
        pull = STEEP * np.where(TWO_SIDED, np.abs(off), np.maximum(off, 0.0))
        return np.asarray(latent + pull - BASE)

    def rate(self, settings: Array) -> float:
        """True share of defective pictures."""
        pull = self.margins(settings, np.zeros((1, 6)))[0]
        return float(1.0 - np.prod(special.ndtr(-pull)))


def world(rng: np.random.Generator) -> World:
    """Draw a category whose preset starts at 20.4 % defects, too little eroded and off in the rest."""
    while True:
        best = rng.uniform(0.35, 0.65, 8)
        away = rng.normal(0, 1, 8)
        away[0] = -abs(away[0]) - 0.5
        away /= np.linalg.norm(away)
        low, high = 0.0, 1.0
        found = World(best, best)
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if found.rate(best + middle * away) < START else (low, middle)
        start = best + low * away
        if start.min() >= 0.0 and start.max() <= 1.0:
            return World(best, start)


def features(place: World, settings: Array, latent: Array, noise: Array) -> Array:
    """What the score measures, (n, 10): four sub-scores, the mask's change, what the reasons hint at, and squares."""
    seen = place.margins(settings, latent) + BASE + 0.8 * noise[:, :6]
    off = float(DIRECTIONS[1] @ (settings - place.best))
    area = -off + 0.12 * noise[:, 6] + 0.03 * latent[:, 0] - 0.03 * latent[:, 1]
    edge = 25.0 - 2.0 * np.maximum(seen[:, 0], 0) - 2.0 * np.maximum(seen[:, 3], 0) + 5.0 * off
    ground = 25.0 - 2.5 * np.maximum(seen[:, 2], 0)
    frame = 25.0 - 2.5 * np.maximum(seen[:, 4], 0)
    colour = 25.0 - 2.5 * np.maximum(seen[:, 5], 0)
    lost = np.maximum(seen[:, 1], 0)
    rows = [edge, ground, frame, colour, area, area**2, lost, lost**2, np.maximum(seen[:, 0], 0) ** 2]
    return np.stack([*rows, np.maximum(seen[:, 3], 0) ** 2], axis=1)


def raw_score(rows: Array) -> Array:
    """The quality score as it is shipped with: the four sub-scores' sum."""
    return np.asarray(rows[:, :4].sum(axis=1))


def verdicts(bad: Any, rng: np.random.Generator) -> Array:
    """What people say of pictures that are (not) defective."""
    return np.where(bad, rng.random(len(bad)) < REVIEWER[0], rng.random(len(bad)) < 1 - REVIEWER[1])


@dataclass(slots=True)
class Labelled:
    """What one round's looks left behind."""

    settings: Array
    latent: Array
    noise: Array
    said: Array
    weights: Array
    approved_order: Array
    rejected_order: Array
    reasons: list[str]
    found_rate: float
    looks: int


def traffic(place: World, settings: Array, rng: np.random.Generator, *, is_biased: bool) -> Labelled:
    """One round of a thousand pictures: the better part ships by score and is sampled, the rest is reviewed."""
    latent, noise = rng.normal(0, 1, (IMAGES, 6)), rng.normal(0, 1, (IMAGES, 7))
    score = raw_score(features(place, settings, latent, noise))
    is_auto = score >= np.quantile(score, 1 - AUTO_SHARE)
    pi = np.where(is_auto, SAMPLED, 1.0)
    seen = rng.random(IMAGES) < pi
    margins = place.margins(settings, latent)
    said = verdicts((margins > 0).any(axis=1), rng)
    weights = 1.0 / pi[seen]
    reasons = [REASONS[int(row.argmax())] for row in margins[seen & said]]
    if is_biased:
        reasons = ["halo" if rng.random() < 0.5 else reason for reason in reasons]
    kept = np.flatnonzero(seen)
    order = rng.permutation(len(kept))
    found = said[seen]
    rate = float(weights @ found / weights.sum())
    return Labelled(
        settings, latent[seen], noise[seen], found, weights, order[~found[order]], order[found[order]],
        reasons, rate, int(seen.sum()),
    )  # fmt: skip


@dataclass(slots=True)
class Run:
    """One category's history: true rate of the active preset after each round, and what was activated."""

    rates: list[float] = field(default_factory=list)
    activations: int = 0
    worse: int = 0
    looks: int = 0
    records: list[canaries.Canary] = field(default_factory=list)
    start: float = 0.0

    @property
    def is_ever_worse(self) -> bool:
        """Was the active preset ever more than a point worse than at the start?"""
        return max(self.rates) > self.start + 0.01


Way = Callable[[World, list[Labelled], "Run", np.random.Generator, int], Array]


def run(way: Way, seed: int, *, is_biased: bool = False) -> Run:
    """Let a way of learning work on one category for eight rounds."""
    rng = np.random.default_rng(seed)
    place = world(rng)
    done = Run(start=place.rate(place.start))
    settings, history = place.start, []
    for number in range(ROUNDS):
        history.append(traffic(place, settings, rng, is_biased=is_biased))
        done.looks += history[-1].looks
        after = way(place, history, done, rng, seed * 100 + number)
        if after is not settings and not np.array_equal(after, settings):
            done.activations += 1
            done.worse += place.rate(after) > place.rate(settings) + 0.005
        settings = after
        done.rates.append(place.rate(settings))
    return done


def stay(place: World, history: list[Labelled], done: Run, rng: np.random.Generator, seed: int) -> Array:
    """No learning."""
    return history[-1].settings


def nudged(place: World, history: list[Labelled], done: Run, rng: np.random.Generator, seed: int) -> Array:
    """Follow the most frequent reason, activated by itself."""
    return _nudge(history[-1])


def _nudge(last: Labelled) -> Array:
    moved = last.settings.copy()
    if last.reasons:
        top = max(set(last.reasons), key=last.reasons.count)
        for place, step in NUDGE[top].items():
            moved[place] += step
    return np.clip(moved, 0.0, 1.0)


def on_raw_score(place: World, history: list[Labelled], done: Run, rng: np.random.Generator, seed: int) -> Array:
    """Search on the raw quality score over the replay set, activated by itself."""
    last = history[-1]
    replay = _replay(last)

    def score(chosen: Mapping[str, float]) -> float:
        rows = features(place, _vector(chosen), last.latent[replay[0]], last.noise[replay[0]])
        return float(replay[1] @ raw_score(rows) / replay[1].sum())

    found = search(score, _named(last.settings), SPACE, seeds=[_named(_nudge(last))], trials=TRIALS, seed=seed)
    return _vector(found.best)


def gated(place: World, history: list[Labelled], done: Run, rng: np.random.Generator, seed: int) -> Array:
    """The loop: calibrated search, blind duel, a person's activation, canary, promotion or rollback."""
    last = history[-1]
    rejects = int(last.said.sum())
    share = max((last.reasons.count(reason) for reason in REASONS), default=0) / max(1, len(last.reasons))
    if not is_due(rejects, share * last.found_rate):
        return last.settings
    replay, weights = _replay(last)
    model = _calibrated(place, history[-4:])

    def score(chosen: Mapping[str, float]) -> float:
        return objective(model, features(place, _vector(chosen), last.latent[replay], last.noise[replay]), weights)

    found = search(score, _named(last.settings), SPACE, seeds=[_named(_nudge(last))], trials=TRIALS, seed=seed)
    if not found.is_worth_a_duel:
        return last.settings
    challenger = _vector(found.best)
    step = largest_step(_named(last.settings), found.best, SPACE)
    if canaries.refusal(canaries.Situation(largest_step=step)) is not None:
        raise RuntimeError("The search left its trust region.")
    outcome = decide(_duel(place, last, replay, weights, challenger, rng))
    done.looks += 2 * len(replay)
    if not outcome.is_won:
        return last.settings
    evidence = {"D": outcome.difference, "SE": outcome.standard_error, "gain": found.gain}
    parent = len(done.records) + 1
    activation = canaries.Activation(version_id=parent + 1, parent_id=parent, admin_id=7, evidence=evidence)
    ended = _canary(place, challenger, activation, last.found_rate, rng)
    done.looks += ended.looks
    done.records.append(ended)
    return challenger if ended.current_id == activation.version_id else last.settings


def _replay(last: Labelled) -> tuple[Array, Array]:
    """Places of 75 rejected and 75 approved pictures, and weights that make them speak of the traffic."""
    rejected, approved = last.rejected_order[:REPLAY_REJECTED], last.approved_order[:REPLAY_APPROVED]
    weights = []
    for group, flag in ((rejected, True), (approved, False)):
        own = last.weights[group]
        weights.append(own * last.weights[last.said == flag].sum() / max(1e-9, own.sum()))
    return np.r_[rejected, approved], np.concatenate(weights)


def _calibrated(place: World, history: list[Labelled]) -> Logistic:
    rows = np.vstack([features(place, one.settings, one.latent, one.noise) for one in history])
    said = np.concatenate([one.said for one in history])
    return logistic(rows, said, np.concatenate([one.weights for one in history]), ridge=2.0)


def _duel(
    place: World, last: Labelled, replay: Array, weights: Array, challenger: Array, rng: np.random.Generator
) -> list[Pair]:
    latent = last.latent[replay]
    old, new = place.margins(last.settings, latent) > 0, place.margins(challenger, latent) > 0
    said_old, said_new = verdicts(old.any(axis=1), rng), verdicts(new.any(axis=1), rng)
    grave = new[:, 1] & ~old[:, 1] & said_new
    rows = zip(said_old, said_new, weights, ~last.said[replay], grave, strict=True)
    return [Pair(bool(a), bool(b), float(w), bool(c), bool(g)) for a, b, w, c, g in rows]


def _canary(
    place: World, settings: Array, activation: canaries.Activation, rate: float, rng: np.random.Generator
) -> canaries.Canary:
    """A hundred pictures of live traffic, every one reviewed before it ships."""
    now = canaries.started(activation, rate, AUTO_SHARE)
    bad = (place.margins(settings, rng.normal(0, 1, (canaries.PROMOTE_LOOKS, 6))) > 0).any(axis=1)
    for said in verdicts(bad, rng).tolist():
        now = canaries.judged(now, bool(said))
    return canaries.tick(now)


def _named(settings: Array) -> dict[str, float]:
    return dict(zip(SETTINGS, settings.tolist(), strict=True))


def _vector(chosen: Mapping[str, float]) -> Array:
    return np.array([chosen[name] for name in SETTINGS])
