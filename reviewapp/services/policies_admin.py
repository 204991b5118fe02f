"""Thresholds and category rules: changed by an admin, audited, for what comes next only (RTE-11, PRE-06, PRE-07)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_stubs_ext import StrOrPromise

from reviewapp.enums import Complexity, Role
from reviewapp.models import CategoryRule, PolicyDraft, Preset, RoutingPolicy

from . import audit
from .csv_rows import category_of
from .people import require

MAX_NOTE = 500
RACES = 5


class PolicyRefused(ValueError):
    """Values that can't be put in force. `errors` maps a field to its sentence; "" holds what concerns none alone."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(" ".join(errors.values()))
        self.errors = dict(errors)


@dataclass(frozen=True, slots=True)
class Field:
    """One threshold as forms and checks see it; `low` and `high` are inclusive."""

    name: str
    label: StrOrPromise
    low: float
    high: float
    is_whole: bool = False
    unit: StrOrPromise = ""


FIELDS: tuple[Field, ...] = (
    Field("approve_at", gettext_lazy("Auto-approve from"), 0, 100),
    Field("review_at", gettext_lazy("Human review from"), 0, 100),
    Field("white_tolerance", gettext_lazy("White from"), 0, 255, is_whole=True, unit=gettext_lazy("of 255")),
    Field("compliance_rate", gettext_lazy("Share of samples that must be white"), 0, 1),
    Field("perimeter_samples", gettext_lazy("Samples along the frame"), 4, 5000, is_whole=True),
    Field("fill_target", gettext_lazy("Product fills"), 0.1, 1),
    Field("edge_medium", gettext_lazy("Edge complexity: medium above"), 0, 1),
    Field("edge_complex", gettext_lazy("Edge complexity: complex above"), 0, 1),
    Field("colour_risk", gettext_lazy("Colour match risk: medium above"), 0, 1),
    Field("min_confidence", gettext_lazy("Cut-out confidence needed"), 0, 1),
    Field("sample_rate", gettext_lazy("Share drawn as blind samples"), 0, 1),
    Field("explored_share", gettext_lazy("Share looked at below the review line"), 0, 1),
    Field("sample_block", gettext_lazy("Photos per sample block"), 1, 10000, is_whole=True),
    Field("sample_reject_limit", gettext_lazy("Rejected samples that pause a batch"), 0, 1000, is_whole=True),
    Field("tolerated_rate", gettext_lazy("Escapes that proof allows"), 0.001, 0.2),
    Field("window_images", gettext_lazy("Photos a certificate speaks of"), 500, 100000, is_whole=True),
    Field("max_redo", gettext_lazy("Redo at most"), 0, 20, is_whole=True, unit=gettext_lazy("times")),
    Field("proposal_min_count", gettext_lazy("Rejections needed for a proposal"), 1, 1000, is_whole=True),
    Field("proposal_share", gettext_lazy("Share of decisions needed for a proposal"), 0, 1),
    Field("study_min_rejects", gettext_lazy("Rejections from which a proposal is tested"), 1, 10000, is_whole=True),
    Field("study_share", gettext_lazy("Share of photos needed to test it"), 0, 1),
    Field("study_trials", gettext_lazy("Settings a search tries"), 2, 400, is_whole=True),
    Field("trial_share", gettext_lazy("Share of new products on a trial"), 0.02, 1),
    Field(
        "retune_days",
        gettext_lazy("Days until a preset is tested again (0: never)"),
        0,
        3650,
        is_whole=True,
    ),
)
FLAGS = ("medium_goes_to_people", "allow_not_measured", "review_anomalies", "prove_lots", "retune_on_drift")
LOWERED = (
    ("approve_at", "Photos with fewer points pass by themselves"),
    ("min_confidence", "Less sure cut-outs pass"),
    ("sample_rate", "Fewer blind samples are drawn"),
    ("white_tolerance", "Darker backgrounds count as white"),
    ("compliance_rate", "Backgrounds pass with fewer white samples"),
    ("perimeter_samples", "Fewer places along the frame are looked at"),
)
"""Lowering one of these lets more through unseen."""
RAISED = (
    ("tolerated_rate", "Proof allows more escapes"),
    ("sample_block", "Fewer blocks of photos are sampled"),
    ("sample_reject_limit", "More rejected samples are borne before a batch stops"),
    ("edge_medium", "More photos count as simple"),
    ("edge_complex", "Fewer photos count as complex"),
    ("colour_risk", "More photos count as safe in colour"),
)
"""And so does raising one of these."""
NAMES = (*(line.name for line in FIELDS), *FLAGS)


def submit(values: Mapping[str, Any], note: str, actor: User) -> RoutingPolicy | PolicyDraft:
    """Put new thresholds in force, or, where they raise the risk, keep them as a draft until a second admin agrees.

    A newer draft takes the place of one that still waits. Raises NotAllowed, PolicyRefused.
    """
    require(actor, Role.ADMIN, to=_("change thresholds"))
    current = RoutingPolicy.objects.order_by("-number").first()
    why = risk(current, values)
    if current is None or not why:
        return publish_policy(values, note, actor)
    errors = _errors({**{name: getattr(current, name) for name in NAMES}, **values}, note.strip())
    if errors:
        raise PolicyRefused(errors)
    with transaction.atomic():
        _close_drafts(actor)
        draft = PolicyDraft.objects.create(
            values=dict(values), note=note.strip(), seen=current.number, why_two=why[:300], drafted_by=actor
        )
        audit.record("policy.drafted", draft, actor=actor, after={"why": why}, note=note.strip())
    return draft


def confirm(draft: PolicyDraft, actor: User) -> RoutingPolicy:
    """A second admin agrees: the draft is in force. Raises NotAllowed, PolicyRefused (own, decided, out of date)."""
    require(actor, Role.ADMIN, to=_("confirm thresholds"))
    if draft.drafted_by_id == actor.pk:
        raise PolicyRefused({"": _("A second admin has to agree: you drafted this yourself.")})
    with transaction.atomic():
        locked = PolicyDraft.objects.select_for_update(of=("self",)).get(pk=draft.pk)
        newest = RoutingPolicy.objects.order_by("-number").values_list("number", flat=True).first()
        if locked.closed_at is not None:
            raise PolicyRefused({"": _("This draft was decided already.")})
        if newest != locked.seen:
            raise PolicyRefused(
                {"": _("Version %(newest)s came after this draft. Draft it again from there.") % {"newest": newest}}
            )
        policy = publish_policy(locked.values, locked.note, locked.drafted_by, confirmed_by=actor)
        PolicyDraft.objects.filter(pk=locked.pk).update(closed_at=timezone.now(), closed_by=actor, result=policy)
        audit.record("policy.confirmed", policy, actor=actor, after={"drafted_by": locked.drafted_by.get_username()})
    return policy


def drop_draft(draft: PolicyDraft, actor: User) -> None:
    """Leave the thresholds as they are. Asking twice changes nothing. Raises NotAllowed."""
    require(actor, Role.ADMIN, to=_("drop a draft of thresholds"))
    with transaction.atomic():
        _close_drafts(actor)


def _close_drafts(actor: User) -> None:
    for waiting in PolicyDraft.objects.select_for_update().filter(closed_at__isnull=True):
        PolicyDraft.objects.filter(pk=waiting.pk).update(closed_at=timezone.now(), closed_by=actor)
        audit.record("policy.draft_dropped", waiting, actor=actor)


def risk(current: RoutingPolicy | None, values: Mapping[str, Any]) -> str:
    """Say how new thresholds let more through unseen, in a sentence; "" when they don't."""
    if current is None:
        return ""
    reasons = []
    for bolder, lines in ((-1, LOWERED), (1, RAISED)):
        for name, words in lines:
            new, old = values.get(name), getattr(current, name)
            if isinstance(new, int | float) and not isinstance(new, bool) and (new - old) * bolder > 0:
                reasons.append(f"{words}: {old:g} becomes {new:g}.")
    if current.prove_lots and values.get("prove_lots") is False:
        reasons.append("Lots ship without a proof.")
    if current.medium_goes_to_people and values.get("medium_goes_to_people") is False:
        reasons.append("Photos of medium complexity pass without a person.")
    if current.review_anomalies and values.get("review_anomalies") is False:
        reasons.append("Photos unlike the rest of their batch pass without a person.")
    if not current.allow_not_measured and values.get("allow_not_measured") is True:
        reasons.append("Photos whose colour wasn't measured pass by themselves.")
    return " ".join(reasons)


def publish_policy(
    values: Mapping[str, Any], note: str, actor: User | None, *, confirmed_by: User | None = None
) -> RoutingPolicy:
    """Put new thresholds in force as the next policy; what isn't in `values` stays. Decisions made so far keep theirs.

    What raises the risk needs a second admin: `submit` and `confirm` ask for one. `actor` None is the line itself.
    Raises NotAllowed, and PolicyRefused with a sentence per field (bounds, 70 < 90, note missing, nothing changed).
    """
    if actor is not None:
        require(actor, Role.ADMIN, to=_("change thresholds"))
        current = RoutingPolicy.objects.order_by("-number").first()
        why = risk(current, values)
        is_sound = not _errors({**{name: getattr(current, name) for name in NAMES}, **values}, note.strip())
        if why and is_sound and (confirmed_by is None or confirmed_by.pk == actor.pk):
            raise PolicyRefused({"": _("A second admin has to agree. %(why)s") % {"why": why}})
    for _attempt in range(RACES):
        try:
            with transaction.atomic():
                return _publish(values, note.strip(), actor)
        except IntegrityError:
            continue  # another admin published between our read and our write: check against theirs
    raise PolicyRefused({"": _("Several people publish thresholds at once. Try again in a moment.")})


def save_category_rule(
    category: str,
    complexity: str,
    *,
    always_human: bool,
    checks_colour: bool = False,
    preset: Preset | None = None,
    actor: User | None,
) -> CategoryRule:
    """Add or change the rule of one category; the next photo of it follows the rule (PRE-07, PRE-04).

    The name is spelt as photos carry it ("T-Shirt" becomes t_shirt): a rule under another spelling would hold nobody.
    Raises NotAllowed, PolicyRefused.
    """
    if actor is not None:
        require(actor, Role.ADMIN, to=_("change category rules"))
    name = category_of(category)
    errors: dict[str, str] = {}
    if not name or len(name) > 60:
        errors["category"] = "A category needs a name of at most 60 characters."
    if complexity not in Complexity.values:
        errors["complexity"] = "Choose simple, medium or complex."
    if errors:
        raise PolicyRefused(errors)
    values = {"complexity": complexity, "always_human": always_human, "checks_colour": checks_colour}
    after = {**values, "preset": preset.slug if preset else ""}
    with transaction.atomic():
        rule = CategoryRule.objects.select_related("preset").filter(category=name).first()
        before = _rule_values(rule) if rule else {}
        if rule is not None and before == after:
            return rule
        rule, _created = CategoryRule.objects.update_or_create(category=name, defaults={**values, "preset": preset})
        audit.record("category_rule.saved", rule, actor=actor, before=before, after={"category": name, **after})
        return rule


def _rule_values(rule: CategoryRule) -> dict[str, Any]:
    return {
        "complexity": rule.complexity,
        "always_human": rule.always_human,
        "checks_colour": rule.checks_colour,
        "preset": rule.preset.slug if rule.preset else "",
    }


def _publish(values: Mapping[str, Any], note: str, actor: User | None) -> RoutingPolicy:
    current = RoutingPolicy.objects.order_by("-number").first()
    base = {name: getattr(current or RoutingPolicy(), name) for name in NAMES}
    wanted = {**base, **values}
    errors = _errors(wanted, note)
    changed = {name: wanted[name] for name in NAMES if current is None or wanted[name] != base[name]}
    if not errors and not changed:
        errors[""] = _("Nothing changed, so there is nothing to publish.")
    if errors:
        raise PolicyRefused(errors)
    policy = RoutingPolicy.objects.create(
        number=(current.number if current else 0) + 1, note=note, created_by=actor, **wanted
    )
    before = {name: base[name] for name in changed} if current else {}
    audit.record("policy.published", policy, actor=actor, before=before, after=changed, note=note)
    return policy


def _errors(values: Mapping[str, Any], note: str) -> dict[str, str]:
    errors = {name: _("This isn't a threshold.") for name in values if name not in NAMES}
    for line in FIELDS:
        if sentence := _number_error(line, values[line.name]):
            errors[line.name] = sentence
    for name in FLAGS:
        if not isinstance(values[name], bool):
            errors[name] = _("Choose yes or no.")
    for low, high in (("review_at", "approve_at"), ("edge_medium", "edge_complex")):
        if low not in errors and high not in errors and not values[low] < values[high]:
            errors[low] = _("%(low)s must be below %(high)s.") % {
                "low": f"{values[low]:g}",
                "high": f"{values[high]:g}",
            }
    if not note:
        errors["note"] = _("Say why the thresholds change.")
    elif len(note) > MAX_NOTE:
        errors["note"] = _("The note has %(length)s characters; %(most)s fit.") % {
            "length": len(note),
            "most": MAX_NOTE,
        }
    return errors


def _number_error(line: Field, value: Any) -> str:
    allowed = {"low": f"{line.low:g}", "high": f"{line.high:g}"}
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return _("Enter a number from %(low)s to %(high)s.") % allowed
    allowed["value"] = f"{value:g}"
    if not line.low <= value <= line.high:
        return _("%(value)s is outside %(low)s to %(high)s.") % allowed
    if line.is_whole and value != int(value):
        return _("%(value)s must be a whole number from %(low)s to %(high)s.") % allowed
    return ""
