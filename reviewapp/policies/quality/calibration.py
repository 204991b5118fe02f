"""From scores to chances of a defect, with labels that were not taken at random: weights 1 / pi everywhere. Pure.

A label counts only with the chance pi at which its picture was chosen for looking, logged when it was routed. Estimates
here propose and display; they never certify (that is thresholds.py). Source of the weighting: D. G. Horvitz, D. J.
Thompson, "A generalization of sampling without replacement", JASA 47 (1952).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from reviewapp.policies.quality.bounds import Floats

Bools = NDArray[np.bool_]
EXPLORED = 0.04
"""Share of the pictures below the review band that are looked at all the same, to know what is there."""


def inclusion(score: float, approve_at: float, review_at: float, sampled: float, explored: float = EXPLORED) -> float:
    """Return the chance 0..1 that a picture with `score` gets a look: 1 in the review band, `sampled` above, else
    explored.

    Logged at routing; without it a label is never used. Raises ValueError for rates outside 0..1.
    """
    if not (0.0 <= sampled <= 1.0 and 0.0 <= explored <= 1.0):
        raise ValueError(f"Rates of {sampled} and {explored} are outside 0..1.")
    if score >= approve_at:
        return sampled
    return 1.0 if score >= review_at else explored


@dataclass(frozen=True, slots=True)
class Labels:
    """Judged pictures: `scores` 0..100, `bad` what people said, `pi` logged chances of a look (0..1]; equal shapes
    (n,).
    """

    scores: Floats
    bad: Bools
    pi: Floats

    def __post_init__(self) -> None:
        if not len(self.scores) == len(self.bad) == len(self.pi):
            raise ValueError("Scores, verdicts and inclusion probabilities differ in number.")
        if not (np.all(self.pi > 0.0) and np.all(self.pi <= 1.0)):  # NaN fails too
            raise ValueError("A label without a logged inclusion probability in (0, 1] can't be used.")


def ipw_rate(labels: Labels, at_least: float = 0.0) -> tuple[float | None, float]:
    """Return (weighted defect rate among scores >= `at_least`, its standard error); (None, inf) without labels.

    Hajek's form: sum w y / sum w, w = 1 / pi. The normal interval around it undercovers at counts like these (61 to
    86 % instead of 95 %): show it as an estimate, never as a guarantee.
    """
    kept = labels.scores >= at_least
    if not kept.any():
        return None, float("inf")
    weights, bad = 1.0 / labels.pi[kept], labels.bad[kept].astype(np.float64)
    rate = float(weights @ bad / weights.sum())
    spread = float(np.sqrt(((weights * (bad - rate)) ** 2).sum()) / weights.sum())
    return rate, spread


@dataclass(frozen=True, slots=True)
class Curve:
    """A falling step curve: chance of a defect `risk` (k,) at and above the rising `scores` (k,)."""

    scores: Floats
    risk: Floats

    def at(self, scores: Floats) -> Floats:
        """Return the chance 0..1 for each score, held constant beyond the ends; NaN everywhere without labels."""
        if not len(self.scores):
            return np.full(np.shape(scores), np.nan)
        return np.interp(scores, self.scores, self.risk)


def isotonic(labels: Labels) -> Curve:
    """Return the weighted isotonic curve of the chance of a defect over the score (falling); empty without labels.

    Source: R. E. Barlow et al., "Statistical Inference under Order Restrictions" (1972), pool adjacent violators.
    """
    if not len(labels.scores):
        return Curve(np.zeros(0), np.zeros(0))
    levels, place = np.unique(labels.scores, return_inverse=True)
    weights = np.bincount(place, 1.0 / labels.pi)
    means = np.bincount(place, labels.bad / labels.pi) / weights
    from scipy import optimize  # inside: every process loads this module and hardly any fits a curve

    fitted = optimize.isotonic_regression(means, weights=weights, increasing=False)
    return Curve(levels, np.asarray(fitted.x, dtype=np.float64))


@dataclass(frozen=True, slots=True)
class Logistic:
    """P(defect) = 1 / (1 + exp(-(intercept + standardised features @ slopes))); features (n, k)."""

    centre: Floats
    scale: Floats
    slopes: Floats
    intercept: float

    def at(self, features: Floats) -> Floats:
        """Return the chance 0..1 of a defect for rows of features (n, k) -> (n,)."""
        risk: Floats = special.expit((features - self.centre) / self.scale @ self.slopes + self.intercept)
        return risk


def logistic(features: Floats, bad: Bools, weights: Floats, ridge: float = 1.0) -> Logistic:
    """Fit a weighted logistic regression with a ridge on standardised slopes, by Newton's method.

    `features` (n, k), `bad` and `weights` (n,), weights scaled to mean 1 so that `ridge` means the same at any
    sample. Without rows, or with one kind of verdict only, the slopes are those the ridge allows; the intercept is
    shrunk by half a case of each kind. Source: S. le Cessie, J. C. van Houwelingen, "Ridge estimators in logistic
    regression" (1992).
    """
    count, width = features.shape
    if count == 0:
        return Logistic(np.zeros(width), np.ones(width), np.zeros(width), 0.0)
    weights = weights / weights.mean()
    centre, spread = features.mean(axis=0), features.std(axis=0)
    scale = np.where(spread > 1e-12, spread, 1.0)
    rows = np.hstack([(features - centre) / scale, np.ones((count, 1))])
    penalty = np.diag(np.r_[np.full(width, ridge), 1e-6])
    share = (weights @ bad + 0.5) / (weights.sum() + 1.0)
    slopes = np.r_[np.zeros(width), np.log(share / (1.0 - share))]
    for _ in range(25):
        risk = special.expit(rows @ slopes)
        gradient = rows.T @ (weights * (bad - risk)) - penalty @ slopes
        curvature = (rows * (weights * risk * (1.0 - risk))[:, None]).T @ rows + penalty
        step = np.clip(np.linalg.solve(curvature, gradient), -2.0, 2.0)
        slopes = slopes + step
        if np.abs(step).max() < 1e-6:
            break
    return Logistic(centre, scale, slopes[:-1], float(slopes[-1]))


def signed_logistic(features: Floats, bad: Bools, weights: Floats, signs: Floats, ridge: float = 1.0) -> Logistic:
    """Fit `logistic` with slopes that keep the `signs` (k,) of +1 or -1: what means worse never counts as better.

    People judge other photos than they'd like to be asked about: where the hard ones are approved for other reasons,
    a free fit learns that a wide edge is good, and a search then makes edges wide. The slope most against its sign
    is left out, until none is. Source: the active-set idea of C. L. Lawson, R. J. Hanson, "Solving Least Squares
    Problems" (1974). Raises ValueError for a sign that is neither.
    """
    if not np.all(np.abs(signs) == 1.0):
        raise ValueError("A sign is +1 or -1.")
    active = np.ones(features.shape[1], dtype=np.bool_)
    while True:
        fitted = logistic(features[:, active], bad, weights, ridge)
        against = fitted.slopes * signs[active]
        if not len(against) or against.min() >= 0.0:
            break
        active[np.flatnonzero(active)[int(against.argmin())]] = False
    whole = Logistic(np.zeros(len(active)), np.ones(len(active)), np.zeros(len(active)), fitted.intercept)
    for given, kept in ((whole.centre, fitted.centre), (whole.scale, fitted.scale), (whole.slopes, fitted.slopes)):
        given[active] = kept
    return whole


@dataclass(frozen=True, slots=True)
class Shrunk:
    """A Beta posterior of one group's defect rate: mean 0..1 and the two counts; to plan with, never to certify."""

    mean: float
    a: float
    b: float


def empirical_bayes(finds: Floats, looks: Floats) -> list[Shrunk]:
    """Return each group's defect rate shrunk towards the others' (groups as (k,) counts); [] for none.

    mu = (x of others + .5) / (n of others + 50), ess from the variance between groups, clipped to 5..100 looks.
    Source: G. Casella, "An introduction to empirical Bayes data analysis", The American Statistician 39 (1985).
    """
    total_x, total_n = float(np.sum(finds)), float(np.sum(looks))
    seen = looks > 0
    rates = finds[seen] / looks[seen] if seen.any() else np.zeros(1)
    between = float(np.var(rates)) if seen.sum() > 1 else 0.0
    found: list[Shrunk] = []
    for x, n in zip(finds.tolist(), looks.tolist(), strict=True):
        mean = (total_x - x + 0.5) / (total_n - n + 50.0)
        noise = mean * (1.0 - mean)
        typical = float(looks[seen].mean()) if seen.any() else 1.0
        size = float(np.clip(noise / max(1e-7, between - noise / typical) - 1.0, 5.0, 100.0))
        a, b = mean * size + x, (1.0 - mean) * size + n - x
        found.append(Shrunk(a / (a + b), a, b))
    return found


def population_stability(before: Floats, after: Floats, bins: int = 10) -> float:
    """Return the PSI of two score samples over the first one's deciles; 0.0 when either is empty.

    sum (a - b) ln(a / b) with half a case added per bin; above 0.25 the scores are no longer those the threshold was
    certified on. Source: S. Kullback, R. A. Leibler, "On information and sufficiency" (1951), made symmetric.
    """
    if not len(before) or not len(after):
        return 0.0
    edges = np.unique(np.quantile(before, np.linspace(0.0, 1.0, bins + 1)[1:-1]))
    one = np.bincount(np.searchsorted(edges, before, side="right"), minlength=len(edges) + 1) + 0.5
    two = np.bincount(np.searchsorted(edges, after, side="right"), minlength=len(edges) + 1) + 0.5
    a, b = one / one.sum(), two / two.sum()
    return float(((b - a) * np.log(b / a)).sum())


def kolmogorov_smirnov(before: Floats, after: Floats) -> tuple[float, float]:
    """Return the largest gap between the two samples' distributions (0..1) and its p-value; (0, 1) if one is empty.

    Sees what PSI's bins hide: a shift inside one decile. Source: N. Smirnov, "Table for estimating the goodness of fit
    of empirical distributions", Annals of Mathematical Statistics 19 (1948); asymptotic p-value.
    """
    if not len(before) or not len(after):
        return 0.0, 1.0
    every = np.concatenate([before, after])
    one = np.searchsorted(np.sort(before), every, side="right") / len(before)
    two = np.searchsorted(np.sort(after), every, side="right") / len(after)
    gap = float(np.abs(one - two).max())
    size = len(before) * len(after) / (len(before) + len(after))
    return gap, float(special.kolmogorov(np.sqrt(size) * gap))
