"""How states look: always an icon and a word; the tone only repeats them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django_stubs_ext import StrOrPromise

from processing.params import Described
from reviewapp.enums import (
    AssetState,
    BatchState,
    DeliveryState,
    MessageState,
    ProposalState,
    RejectReason,
    RenditionState,
)
from reviewapp.policies.setting_words import bounds
from reviewapp.services.words import translated
from reviewapp.web.figures import floored

register = template.Library()

HASH = re.compile(r"[0-9a-f]{64}")
Look = tuple[str, str]
ASSET_LOOKS: Mapping[str, Look] = {
    AssetState.RECEIVED: ("info", "loader"),
    AssetState.VALIDATED: ("info", "loader"),
    AssetState.CLASSIFIED: ("info", "loader"),
    AssetState.WAITS_FOR_SAMPLE: ("neutral", "hourglass"),
    AssetState.QUEUED: ("info", "loader"),
    AssetState.SCORED: ("info", "loader"),
    AssetState.REDO: ("info", "rotate-ccw"),
    AssetState.AUTO_APPROVED: ("approve", "check-check"),
    AssetState.APPROVED: ("approve", "check"),
    AssetState.IN_REVIEW: ("neutral", "scan-eye"),
    AssetState.ON_HOLD: ("hold", "pause"),
    AssetState.EDITING: ("reject", "brush"),
    AssetState.AWAITING_SIGNOFF: ("neutral", "pen-line"),
    AssetState.FAILED: ("fail", "triangle-alert"),
    AssetState.REJECTED_INTAKE: ("fail", "file-x"),
    AssetState.DUPLICATE: ("neutral", "copy"),
    AssetState.CANCELLED: ("neutral", "ban"),
}
BATCH_LOOKS: Mapping[str, Look] = {
    BatchState.UPLOADING: ("info", "upload"),
    BatchState.PROCESSING: ("info", "loader"),
    BatchState.PAUSED: ("hold", "pause"),
    BatchState.REVIEW: ("neutral", "scan-eye"),
    BatchState.READY: ("approve", "package-check"),
    BatchState.DELIVERED: ("approve", "circle-check"),
    BatchState.CANCELLED: ("neutral", "ban"),
}
DELIVERY_LOOKS: Mapping[str, Look] = {
    DeliveryState.WAITING: ("hold", "clock"),
    DeliveryState.READY: ("info", "package-check"),
    DeliveryState.DOWNLOADED: ("approve", "circle-check"),
    DeliveryState.RECALLED: ("reject", "undo-2"),
}
MESSAGE_LOOKS: Mapping[str, Look] = {
    MessageState.PENDING: ("hold", "clock"),
    MessageState.SENDING: ("info", "send"),
    MessageState.SENT: ("approve", "circle-check"),
    MessageState.DEAD: ("fail", "triangle-alert"),
    MessageState.RECALLED: ("neutral", "undo-2"),
}
PROPOSAL_LOOKS: Mapping[str, Look] = {
    ProposalState.OPEN: ("info", "git-compare"),
    ProposalState.ACCEPTED: ("approve", "check"),
    ProposalState.DECLINED: ("neutral", "x"),
}
RENDITION_LOOKS: Mapping[str, Look] = {
    RenditionState.VERIFIED: ("approve", "check"),
    RenditionState.FAILED: ("fail", "triangle-alert"),
}


def _status(looks: Mapping[str, Look], state: str, label: str) -> dict[str, Any]:
    tone, icon = looks[state]
    return {"tone": tone, "icon": icon, "word": label}


@register.inclusion_tag("ui/status.html")
def asset_status(state: str) -> dict[str, Any]:
    """Icon and word of an asset state."""
    return _status(ASSET_LOOKS, state, str(AssetState(state).label))


@register.inclusion_tag("ui/status.html")
def batch_status(state: str) -> dict[str, Any]:
    """Icon and word of a batch state."""
    return _status(BATCH_LOOKS, state, str(BatchState(state).label))


@register.inclusion_tag("ui/status.html")
def delivery_status(state: str) -> dict[str, Any]:
    """Icon and word of a delivery's state."""
    return _status(DELIVERY_LOOKS, state, str(DeliveryState(state).label))


@register.inclusion_tag("ui/status.html")
def message_status(state: str) -> dict[str, Any]:
    """Icon and word of an outbound message's state."""
    return _status(MESSAGE_LOOKS, state, str(MessageState(state).label))


def time_left(moment: datetime | None) -> str:
    """How long it is until then, in words that follow "is handed over"."""
    left = (moment - timezone.now()).total_seconds() if moment is not None else 0
    minutes = math.ceil(left / 60)
    if minutes < 1:
        return _("in a moment")
    if minutes < 90:
        return ngettext("in %(n)d minute", "in %(n)d minutes", minutes) % {"n": minutes}
    hours = round(minutes / 60)
    if hours < 36:
        return ngettext("in %(n)d hour", "in %(n)d hours", hours) % {"n": hours}
    days = round(hours / 24)
    return ngettext("in %(n)d day", "in %(n)d days", days) % {"n": days}


@register.inclusion_tag("ui/status.html")
def proposal_status(state: str) -> dict[str, Any]:
    """Icon and word of a proposal state."""
    return _status(PROPOSAL_LOOKS, state, str(ProposalState(state).label))


@register.inclusion_tag("ui/status.html")
def rendition_status(state: str) -> dict[str, Any]:
    """Icon and word of a rendition state."""
    return _status(RENDITION_LOOKS, state, str(RenditionState(state).label))


INTAKE_LOOKS: Mapping[str, tuple[str, str, StrOrPromise]] = {
    "refused": ("fail", "file-x", gettext_lazy("Refused")),
    "duplicate": ("neutral", "copy", gettext_lazy("Duplicate")),
    "taken": ("hold", "triangle-alert", gettext_lazy("Taken, with a warning")),
}
REFUSAL_WORDS: Mapping[str, StrOrPromise] = {
    "unsupported_format": gettext_lazy("Not a format that is taken here"),
    "file_too_small": gettext_lazy("File too small"),
    "file_too_large": gettext_lazy("File too large"),
    "too_large": gettext_lazy("File too large"),
    "too_many_bytes": gettext_lazy("File too large"),
    "too_many_pixels": gettext_lazy("Too many pixels"),
    "resolution_too_low": gettext_lazy("Resolution too low"),
    "metadata_missing": gettext_lazy("SKU or category missing"),
    "unreadable": gettext_lazy("Damaged or cut off"),
    "blank": gettext_lazy("Blank picture"),
    "bad_name": gettext_lazy("Name against the convention"),
}
"""Code of a refusal -> its name in a list; an unknown one reads as it is spelt."""


@register.inclusion_tag("ui/status.html")
def intake_outcome(outcome: str) -> dict[str, Any]:
    """Icon and word of what became of a flagged file."""
    tone, icon, word = INTAKE_LOOKS[outcome]
    return {"tone": tone, "icon": icon, "word": str(word)}


@register.filter
def intake_words(code: str) -> str:
    """A refusal's code as people read it."""
    return str(REFUSAL_WORDS.get(code) or words(code).capitalize() or _("No reason given"))


@register.inclusion_tag("images/_state_icon.html")
def asset_mark(state: str) -> dict[str, Any]:
    """The icon of an asset state with its word for screen readers and as a tooltip: the caption of a tile."""
    return _status(ASSET_LOOKS, state, str(AssetState(state).label))


@register.filter
def percent(value: float | None, digits: int = 0) -> str:
    """A share as a percentage; nothing for None."""
    return "" if value is None else f"{value * 100:.{digits}f}%"


@register.filter
def percent_floored(value: float) -> str:
    """A share as a percentage to one digit, rounded down as key figures are: the two stand side by side."""
    return f"{floored(value * 100)}%"


@register.filter
def size_of(value: float | None) -> float:
    """A number without its sign; 0 for None."""
    return abs(value or 0.0)


@register.filter
def gigabytes(value: int) -> str:
    """A byte count as people say it."""
    for unit, size in (("GB", 1_000_000_000), ("MB", 1_000_000)):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{max(0, round(value / 1000))} kB"


VERB_WORDS: Mapping[str, StrOrPromise] = {
    "batch.created": gettext_lazy("Batch created"),
    "batch.completed": gettext_lazy("Last photo resolved"),
    "batch.delivered": gettext_lazy("Batch delivered"),
    "batch.owner": gettext_lazy("Owner: {owner}"),
    "batch.sheet_attached": gettext_lazy("CSV attached, {rows} rows"),
    "batch.priority": gettext_lazy("Priority set to {priority}"),
    "delivery.released": gettext_lazy("Delivery {number} made, {files} files"),
    "delivery.handed_over": gettext_lazy("Delivery {number} handed over"),
    "delivery.recalled": gettext_lazy("Delivery {number} called back"),
    "batch.exported": gettext_lazy("List taken out: {what}"),
    "delivery.download_begun": gettext_lazy("Delivery {number}: download begun"),
    "delivery.downloaded": gettext_lazy("Delivery {number} downloaded"),
    "delivery.link_made": gettext_lazy("Delivery {number}: link for the client made, {days} days"),
    "delivery.link_revoked": gettext_lazy("Delivery {number}: link taken back"),
    "delivery.link_opened": gettext_lazy("Delivery {number}: link opened"),
    "first_sample.drawn": gettext_lazy("Sample {number} drawn: {size} of {population} photos, {preset}"),
    "first_sample.seen": gettext_lazy("All {size} photos of sample {number} were looked at"),
    "first_sample.applied": gettext_lazy("Sample {number} applied: the rest with {preset}"),
    "pilot.reported": gettext_lazy("Pilot report made: {rejected} of {judged} photos rejected"),
    "asset.received": gettext_lazy("Photo received"),
    "original.downloaded": gettext_lazy("Original downloaded"),
    "review.colour_checked": gettext_lazy("Colour checked against the product"),
    "review.second_opinion": gettext_lazy("Second opinion: {verdict}, the first one stands: {stands}"),
}


TOLD = (
    "rows",
    "priority",
    "number",
    "files",
    "verdict",
    "stands",
    "size",
    "population",
    "preset",
    "rejected",
    "judged",
    "owner",
    "what",
    "days",
)
"""What those sentences are filled in with."""


@register.filter
def event_words(event: Any) -> str:
    """One audit event as people say it; the verb itself where nobody wrote a sentence for it."""
    if event.verb.endswith(".moved") and "state" in event.after:
        states: Any = BatchState if event.noun == "batch" else AssetState
        words = str(states(event.after["state"]).label)
        return f"{words}: {event.note}" if event.note else words
    pattern = VERB_WORDS.get(event.verb)
    if pattern is None:
        words = event.verb.replace(".", " ").replace("_", " ").capitalize()
        return f"{words}: {event.note}" if event.note else words
    values = {name: event.after.get(name, "") for name in TOLD}
    return str(pattern).format(**values)


@register.filter
def plain_json(value: Any) -> str:
    """What an audit row holds, readable: names and values on one line."""
    if not isinstance(value, dict):
        shown = "" if value in (None, "") else str(value)
        return f"{shown[:12]}…" if HASH.fullmatch(shown) else shown
    return ", ".join(
        f"{name} {plain_json(part) if not isinstance(part, list) else part}" for name, part in value.items()
    )


@register.filter
def setting(value: Any) -> str:
    """A setting's value as people write it."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list | tuple):
        return ", ".join(str(part) for part in value) or _("none")
    return _("none") if value in (None, "") else str(value)


@register.filter
def said(text: str) -> str:
    """A setting's label or unit in the reader's language; policies/setting_words.py marks them."""
    return _(text) if text else ""


@register.filter
def allowed(line: Described) -> str:
    """What a setting may be, in the reader's language."""
    return translated(bounds(line))


@register.filter
def at_least(value: float, limit: float) -> bool:
    """True where value >= limit."""
    return value >= limit


@register.filter
def width_of(value: float | None, whole: float) -> str:
    """A value's share of `whole` in the 0..100 units of a meter's viewBox."""
    return f"{max(0.0, min(100.0, (value or 0) / whole * 100)):.1f}"


@register.filter
def tenfold(value: float) -> str:
    """A score in the 0..1000 units of the histogram."""
    return f"{value * 10:.1f}"


@register.filter
def words(value: str) -> str:
    """A code as words: "pure_white" becomes "pure white"."""
    return str(value).replace("_", " ")


@register.simple_tag
def channel_size(spec: Mapping[str, Any]) -> str:
    """The sides a channel asks for, in px; 0 in its spec means that it asks for none."""
    least, wanted = int(spec.get("min_dimension", 0)), int(spec.get("recommended_dimension", 0))
    if spec.get("variants"):
        return _("%(count)d sizes") % {"count": len(spec["variants"])}
    if least and wanted:
        return f"{wanted} px" if least == wanted else f"{least} – {wanted} px"
    if wanted:
        return _("up to %(side)d px") % {"side": wanted}
    return _("from %(side)d px") % {"side": least} if least else _("as it comes")


@register.filter
def reason_words(code: str) -> str:
    """A reject reason as reviewers read it."""
    return str(RejectReason(code).label) if code in RejectReason.values else words(code)
