"""The quality loop in sentences a manager understands, each beside its number, interval and n."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reviewapp.enums import ScopeMode
from reviewapp.policies.quality.reviewers import AC1_TARGET, GOLD_LIMIT, KAPPA_TARGET
from reviewapp.selectors.feedback import Feedback
from reviewapp.selectors.proof import ExceptionRow, Pattern, ScopeRow, Total
from reviewapp.selectors.reviewers import Figures
from reviewapp.templatetags.states import percent

BADGES = {
    ScopeMode.LEARN: ("info", "graduation-cap"),
    ScopeMode.CERTIFIED: ("approve", "badge-check"),
    ScopeMode.HOLD: ("hold", "octagon-pause"),
}
"""Mode -> tone, icon."""
LEAST_GOLD = 20
"""Fewer known defects than this say little about anybody."""
TRENDS = {"grows": ("reject", "trending-up"), "falls": ("approve", "trending-down"), "steady": ("neutral", "minus")}


@dataclass(frozen=True, slots=True)
class ScopeWords:
    """A scope's row: badge, the bound as a share and what it means."""

    row: ScopeRow
    tone: str
    icon: str
    word: str
    bound: str
    sentence: str


def scope_words(row: ScopeRow) -> ScopeWords:
    """Say what a scope has proven."""
    mode = ScopeMode(row.scope.mode)
    tone, icon = BADGES[mode]
    proof = row.proof
    bound = percent(proof.upper / proof.images, 1) if proof and proof.images and proof.upper is not None else ""
    return ScopeWords(row, tone, icon, str(mode.label), bound, _scope_sentence(row, bound))


def _scope_sentence(row: ScopeRow, bound: str) -> str:
    proof = row.proof
    if row.scope.mode == ScopeMode.HOLD:
        return _("%(why)s Nothing of it ships unproven until somebody decides.") % {"why": row.scope.held_reason}
    if proof is None or not proof.images:
        if row.lots:
            return _("What was proven before no longer counts: every lot is proven by itself again.")
        return _("Nothing has shipped yet: every lot will be proven by itself.")
    values = {
        "n": f"{proof.images:,}",
        "u": f"{proof.upper or 0:,}",
        "share": bound,
        "left": f"{proof.looks_left or 0:,}",
    }
    if row.scope.mode == ScopeMode.CERTIFIED:
        return _("Of its last %(n)s photos at most %(u)s (%(share)s) left with a defect, 95%% sure.") % values
    if proof.looks_left:
        return _("Every lot is proven by itself. About %(left)s more clean looks certify all of it.") % values
    return _("Every lot is proven by itself.")


def total_sentence(total: Total) -> str:
    """Say what all scopes prove together, and how sharp the eyes behind it are."""
    proof, sight = total.proof, total.sight
    if not proof.images or proof.upper is None:
        return _(
            "Nothing is proven yet. A client or the thresholds can ask for proof; until then samples promise nothing."
        )
    return _(
        "Of the %(n)s photos in all windows at most %(u)s (%(share)s) left with a defect, 95%% sure. Reviewers found "
        "%(found)s of %(shown)s known defects; bounds count on %(s)s."
    ) % {
        "n": f"{proof.images:,}",
        "u": f"{proof.upper:,}",
        "share": percent(proof.upper / proof.images, 1),
        "found": sight.found,
        "shown": sight.shown,
        "s": percent(sight.of_lots),
    }


def total_figures(total: Total) -> list[dict[str, str]]:
    """The strip on top of the proof page."""
    proof, modes = total.proof, total.modes
    has_bound = proof.upper is not None and proof.images > 0
    share = percent((proof.upper or 0) / proof.images, 1) if has_bound else "–"
    point = percent(proof.point, 1) if proof.point is not None else "–"
    states = _("%(learn)d learning, %(hold)d on hold") % {"learn": modes.get("learn", 0), "hold": modes.get("hold", 0)}
    gold = total.ready
    ready = _("%(bad)d of them with a defect") % {"bad": gold[True]}
    counted = {"u": f"{proof.upper or 0:,}", "n": f"{proof.images:,}"}
    rests = _("%(u)s of %(n)s photos, 95%% sure") % counted if has_bound else _("Nothing has shipped under proof")
    return [
        _figure(_("Escapes at most"), share, rests),
        _figure(_("Escapes, estimated"), point, _("From %(f)d finds in samples") % {"f": proof.f1}),
        _figure(_("Certified scopes"), str(modes.get("certified", 0)), states),
        _figure(_("Known pictures ready"), str(gold[True] + gold[False]), ready),
    ]


def _figure(label: str, value: str, detail: str) -> dict[str, str]:
    return {"label": label, "value": value, "unit": "", "detail": detail}


@dataclass(frozen=True, slots=True)
class PatternWords:
    """A recurring error with its trend."""

    pattern: Pattern | ExceptionRow
    tone: str
    icon: str
    word: str


def pattern_words(pattern: Pattern | ExceptionRow) -> PatternWords:
    """Say whether an error grows."""
    words = {"grows": _("Grows"), "falls": _("Falls"), "steady": _("No change beyond chance")}
    return PatternWords(pattern, *TRENDS[pattern.trend], words[pattern.trend])


@dataclass(frozen=True, slots=True)
class ReviewerWords:
    """One reviewer's figures as text, and the sentence that matters most."""

    figures: Figures
    tone: str
    icon: str
    word: str
    sentence: str
    rows: list[tuple[str, str, str]]


def reviewer_words(own: Figures, *, is_measured: bool, is_self: bool = False) -> ReviewerWords:
    """Say how a reviewer does: (label, value, what it rests on) and one plain sentence.

    `is_measured`: known pictures are being mixed into the queue.
    """
    tone, icon, word, sentence = _verdict(own, is_measured=is_measured, is_self=is_self)
    return ReviewerWords(own, tone, icon, word, sentence, _rows(own))


def _verdict(own: Figures, *, is_measured: bool, is_self: bool) -> tuple[str, str, str, str]:
    if own.alarm is not None:
        text = _("Too many known pictures were judged wrong lately: their samples since then are looked at again.")
        mine = _("Too many known pictures were judged wrong lately: your samples since then are looked at again.")
        return "reject", "triangle-alert", _("Alarm"), mine if is_self else text
    if own.shown < LEAST_GOLD and not is_measured:
        text = _("How much is seen isn't measured: known pictures are mixed in only where lots are proven.")
        return "neutral", "circle-question-mark", _("Not measured"), text
    if own.shown < LEAST_GOLD:
        left = LEAST_GOLD - own.shown
        text = ngettext(
            "%(n)d more known defect is needed to say how much is seen.",
            "%(n)d more known defects are needed to say how much is seen.",
            left,
        )
        return "neutral", "circle-question-mark", _("Too early"), text % {"n": left}
    values = {"share": percent(own.sensitivity), "low": percent(own.s_low), "n": own.shown}
    if own.s_low < 0.7:
        text = _("%(share)s of %(n)d known defects found; at least %(low)s is certain, too little to build a proof on.")
        return "hold", "triangle-alert", _("Sees too little"), text % values
    text = _("%(share)s of %(n)d known defects found; at least %(low)s is certain, and bounds count on that.")
    return "approve", "check", _("Sees well"), text % values


def _rows(own: Figures) -> list[tuple[str, str, str]]:
    rows = [
        (_("Pace"), _decimal(own.per_hour, 0), _("looks an hour; breaks over 5 minutes left out")),
        (_("Median look"), _decimal(own.seconds, 1), _("seconds, %(n)s decisions in 30 days") % {"n": own.decisions}),
        (
            _("Known defects found"),
            percent(own.sensitivity) or "–",
            _("95%% interval %(low)s to %(high)s, n %(n)d")
            % {"low": percent(own.low), "high": percent(own.high), "n": own.shown},
        ),
        (
            _("Good ones passed"),
            percent(own.good_passed / own.good_shown) if own.good_shown else "–",
            _("n %(n)d") % {"n": own.good_shown},
        ),
        (_("Agreement, kappa"), _decimal(own.kappa, 2), _agreement(own, KAPPA_TARGET)),
        (_("Agreement, AC1"), _decimal(own.ac1, 2), _agreement(own, AC1_TARGET)),
    ]
    limit = _("alarm at %(limit)s") % {"limit": f"{GOLD_LIMIT:.1f}"}
    rows.append((_("Watch: missed"), f"{own.watch.misses.value:.1f}", limit))
    rows.append((_("Watch: false rejects"), f"{own.watch.false_rejects.value:.1f}", limit))
    rows.append((_("Rejects"), percent(own.rejected / own.decisions, 1) if own.decisions else "–", _bias(own)))
    return rows


def _agreement(own: Figures, target: float) -> str:
    if own.kappa is None and own.ac1 is None:
        return _("not said: %(n)d shared pictures, or fewer than a tenth of them bad") % {"n": own.shared}
    return _("target %(target)s, n %(n)d") % {"target": target, "n": own.shared}


def _bias(own: Figures) -> str:
    found = own.bias
    if found is None or found.pooled is None:
        return _("nobody to compare with yet")
    word = _("differs from colleagues") if found.is_flagged else _("as colleagues, within chance")
    return _("%(word)s: they %(pooled)s, p %(p)s") % {
        "word": word,
        "pooled": percent(found.pooled, 1),
        "p": f"{found.p_value:.2f}",
    }


def _decimal(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"


def returns_sentence(said: Feedback) -> tuple[str, str, str]:
    """(tone, icon, sentence) of how a client's returns changed: the figure that counts above all (B38)."""
    if said.change is None:
        text = _("Enter returns from before and since our pictures to see what they changed.")
        return "neutral", "circle-question-mark", text
    values = {
        "before": percent(said.before.rate, 1),
        "since": percent(said.since.rate, 1),
        "points": f"{abs(said.change) * 100:.1f}",
    }
    if not said.is_clear:
        text = _("%(before)s of goods came back before, %(since)s since: no change beyond chance yet.")
        return "neutral", "minus", text % values
    if said.change < 0:
        text = _("%(before)s of goods came back before, %(since)s since: %(points)s points fewer.")
        return "approve", "trending-down", text % values
    text = _("%(before)s of goods came back before, %(since)s since: %(points)s points more.")
    return "reject", "trending-up", text % values


def lot_rows(views: Any) -> list[dict[str, Any]]:
    """Lots of a batch with the words of their state."""
    tones = {
        "waiting": ("neutral", "hourglass"),
        "open": ("info", "scan-eye"),
        "held": ("hold", "octagon-pause"),
        "released": ("approve", "badge-check"),
        "redo": ("reject", "rotate-ccw"),
    }
    parts = {"background": _("Background"), "edge": _("Edge"), "fill": _("Fill"), "colour": _("Colour")}
    rows = []
    for view in views:
        tone, icon = tones[view.lot.state]
        named = [(parts[name], count) for name, count in view.parts]
        rows.append({"view": view, "tone": tone, "icon": icon, "word": view.lot.get_state_display(), "parts": named})
    return rows
