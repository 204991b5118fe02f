"""Which way a photo travels: its lane before processing, its route after the score. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from reviewapp.enums import Complexity, EditReason, Lane, ReviewReason, Routing

MANUAL_CATEGORIES = frozenset({"other", "unknown"})
SPECIAL_HANDLING: Mapping[str, tuple[Lane, str]] = MappingProxyType(
    {
        "transparent": (Lane.EDITING_WITH_START, "Seems transparent: an editor finishes it, whatever its complexity."),
        "reflective": (Lane.AUTOMATED_THEN_REVIEW, "Seems to mirror its surroundings: a person always looks at it."),
    }
)
"""Pre-flight findings whose photos never take the generic automatic way (CLS-14, RTE-10), the most careful first."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The numbers of one routing policy; scores are 0..100, confidence 0..1."""

    approve_at: float = 90.0
    review_at: float = 70.0
    allow_not_measured: bool = True
    min_confidence: float = 0.75


@dataclass(frozen=True, slots=True)
class Scored:
    """What is known of a result when it is routed. `total` is unrounded; `failed_gates` holds the gates' messages.

    `was_mended`: the line took off what its own score had found, so that score can't speak for the rest alone.
    `colour_measured`: shipped colours were compared with the photo's and a neutral backdrop fixed the white;
    `colour_compared`: they were at least compared. Without that the colour part's 25 points are an assumption.
    `watched`: PILOT or FIRST_SAMPLE when a person looks at it even where the score would let it pass.
    """

    total: float
    lane: Lane
    confidence: float = 1.0
    colour_measured: bool = True
    colour_compared: bool = True
    background_failed: bool = False
    failed_gates: Collection[str] = ()
    client_wants_people: bool = False
    is_always_human: bool = False
    was_mended: bool = False
    watched: ReviewReason | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """Where a result goes and the rule that sent it there, in words a reviewer can read."""

    routing: Routing
    reason: ReviewReason | EditReason | None
    why: str
    code: str


def explored(answer: Route, total: float, limits: Thresholds, chance: float, share: float) -> Route:
    """Return `answer`, or for `share` (0..1) of what the review line sends back a look by a person instead.

    `total`: the unrounded score. `chance`: 0..1, the photo's own, uniform and not to be guessed. Without
    looks below the line nobody knows whether it sends good photos back. Gates, lanes and categories are never explored.
    """
    if answer.code != "below_review" or chance >= share:
        return answer
    why = f"Score {shown(total)} is below {limits.review_at:g}: a person looks at a few of those all the same."
    return Route(Routing.EXPLORED, ReviewReason.EXPLORED, why, "explored")


def choose_lane(
    category: str,
    category_source: str,
    complexity: str,
    rule_is_always_human: bool,
    medium_goes_to_people: bool,
    flags: Collection[str] = (),
) -> tuple[Lane, str]:
    """Return the lane of a classified photo and the sentence that says why (CLS-08, RTE-04, RTE-07, RTE-09, B18).

    `category_source` is "metadata" when the client named the category, "model" when a model did and "pixels" when
    nobody did. An always-human category outranks everything; a category nobody can name goes to people without any
    processing. `flags`: codes of pre-flight findings; one of SPECIAL_HANDLING makes the lane more careful, never less.
    """
    if rule_is_always_human:
        return Lane.EDITING_WITH_START, f"Photos of {_words(category)} are always finished by a person."
    if category_source in ("metadata", "model") and category in MANUAL_CATEGORIES:
        who = "the client" if category_source == "metadata" else "the model"
        return Lane.MANUAL, f"Uncategorised: {who} called it {_words(category)}, so a person decides how to do it."
    lane, why = _by_complexity(complexity, medium_goes_to_people)
    special = next((SPECIAL_HANDLING[flag] for flag in SPECIAL_HANDLING if flag in flags), None)
    return (lane, why) if special is None or _CARE.index(lane) >= _CARE.index(special[0]) else special


_CARE = (Lane.AUTOMATED, Lane.AUTOMATED_THEN_REVIEW, Lane.EDITING_WITH_START)


def _by_complexity(complexity: str, medium_goes_to_people: bool) -> tuple[Lane, str]:
    if complexity == Complexity.SIMPLE:
        return Lane.AUTOMATED, "Simple: the score decides."
    if complexity == Complexity.MEDIUM:
        if medium_goes_to_people:
            return Lane.AUTOMATED_THEN_REVIEW, "Medium: done automatically, then always looked at by a person."
        return Lane.AUTOMATED, "Medium: the score decides (policy setting)."
    # Anything we could not place is treated as the hardest kind, never as the easiest.
    return Lane.EDITING_WITH_START, "Complex: an editor finishes it, starting from the automatic cut-out."


def route(scored: Scored, limits: Thresholds) -> Route:
    """Decide what happens to a result (RTE-01..09, QC-08, QC-34). Totals are compared unrounded: 89.999 is not 90.

    The first rule that fits wins, and the order is the safety: a failed gate and an always-human lane are looked at
    before any score, so no total lets them ship by themselves.
    """
    return _gated(scored) or _by_lane(scored) or _by_score(scored, limits)


def _gated(scored: Scored) -> Route | None:
    if scored.background_failed:
        why = f"The background isn't pure white. The score of {shown(scored.total)} doesn't count."
        return Route(Routing.EDITING, EditReason.GATE, why, "route_to_correction")
    if scored.failed_gates:
        listed = " ".join(f"{message.rstrip('.')}." for message in scored.failed_gates)
        return Route(Routing.EDITING, EditReason.GATE, f"A hard check failed: {listed}", "gate_failed")
    return None


def _by_lane(scored: Scored) -> Route | None:
    start = f"The automatic cut-out, score {shown(scored.total)}, is a starting point."
    if scored.is_always_human:
        why = f"This category is always finished by a person. {start}"
        return Route(Routing.EDITING, EditReason.ALWAYS_HUMAN, why, "always_human")
    if scored.lane in (Lane.EDITING_WITH_START, Lane.MANUAL):
        why = f"Complex photos are always finished by a person. {start}"
        return Route(Routing.EDITING, EditReason.COMPLEX, why, "lane_needs_editor")
    return None


def _by_score(scored: Scored, limits: Thresholds) -> Route:
    total = shown(scored.total)
    if scored.total < limits.review_at:
        why = f"Score {total} is below {limits.review_at:g}: back to the editing queue."
        return Route(Routing.REJECT_AND_REDO, EditReason.LOW_SCORE, why, "below_review")
    if scored.lane == Lane.AUTOMATED_THEN_REVIEW:
        why = f"Its lane always ends with a person; the score is {total}."
        return _review(ReviewReason.MEDIUM, why, "medium_lane")
    if not scored.colour_compared:  # no setting makes an assumed 25 points ship a photo (QC-08, B8)
        why = f"No colour could be compared with the photo, so the score of {total} isn't enough."
        return _review(ReviewReason.NOT_MEASURED, why, "colour_not_compared")
    if not scored.colour_measured and not limits.allow_not_measured:
        why = f"Colour could not be measured, so the score of {total} isn't enough."
        return _review(ReviewReason.NOT_MEASURED, why, "colour_not_measured")
    if scored.confidence < limits.min_confidence:
        why = f"The cut-out is uncertain: confidence {scored.confidence:.2f}, needed {limits.min_confidence:g}."
        return _review(ReviewReason.LOW_CONFIDENCE, why, "low_confidence")
    if scored.was_mended:
        why = "Small remains of the backdrop were cleared by themselves: a person looks whether that was all."
        return _review(ReviewReason.MENDED, why, "mended")
    if scored.client_wants_people:
        return _review(ReviewReason.CLIENT_RULE, "This client wants a person to look at every colour.", "client_rule")
    if scored.total >= limits.approve_at and scored.watched is not None:
        why = (
            f"Score {total} reaches {limits.approve_at:g}, but {_WATCHED[scored.watched]}: a person looks at every one."
        )
        return _review(scored.watched, why, scored.watched.value)
    if scored.total >= limits.approve_at:
        why = f"Score {total} reaches {limits.approve_at:g}."
        return Route(Routing.AUTO_APPROVE, None, why, "score_approved")
    why = f"Score {total} is from {limits.review_at:g} to below {limits.approve_at:g}."
    return _review(ReviewReason.SCORE_BAND, why, "score_band")


_WATCHED: Mapping[ReviewReason, str] = MappingProxyType(
    {
        ReviewReason.PILOT: "this batch is a pilot",
        ReviewReason.FIRST_SAMPLE: "this photo is of the sample that is judged before the rest",
    }
)


def _review(reason: ReviewReason, why: str, code: str) -> Route:
    return Route(Routing.HUMAN_REVIEW, reason, why, code)


def shown(total: float) -> str:
    """Return a total as people see it: rounded down, so 89.99 never reads as 90 (B9)."""
    return str(int(total))


def _words(category: str) -> str:
    return category.replace("_", " ") or "this kind"
