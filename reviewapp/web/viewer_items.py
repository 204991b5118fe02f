"""What the compare viewer needs to know of a photo, as JSON for the page."""

from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from reviewapp.enums import RejectReason
from reviewapp.models import Asset, ChannelView, Client, ProcessingRun, ReviewTask
from reviewapp.selectors import review as selectors
from reviewapp.selectors.images import ImageRecord
from reviewapp.web.media_urls import matte_url, reference_url, run_url, view_url
from reviewapp.web.why import why

SUGGESTION = {"background": RejectReason.BACKGROUND_LEFT, "edge": RejectReason.EDGE_HALO,
              "fill": RejectReason.CROP_FILL, "colour": RejectReason.COLOUR_SHIFT}  # fmt: skip
"""Score part -> the reason the desk suggests first when that part is the weakest."""
WEAK_PART = 20.0
"""A part below this (of 25) is worth a suggestion."""


def css_matrix(frame_matrix: list[float], before_scale: float) -> list[float]:
    """From `before` pixels to `after` pixels, in the order of CSS matrix(a, b, c, d, e, f).

    `frame_matrix` is row-major (a, b, c, d, e, f) from source pixels: x' = ax + by + c, y' = dx + ey + f.
    """
    a, b, c, d, e, f = frame_matrix
    return [a / before_scale, d / before_scale, b / before_scale, e / before_scale, c, f]


def run_item(run: ProcessingRun) -> dict[str, Any]:
    """Pictures and geometry of one run; sizes in pixels."""
    return {
        "before": run_url(run, "before"),
        "after": run_url(run, "after"),
        "thumb": run_url(run, "thumb-after"),
        "matrix": css_matrix(run.frame_matrix, run.before_scale),
        "matte": matte_url(run),
        "width": run.after_width,
        "height": run.after_height,
        "beforeWidth": round(run.source_width * run.before_scale),
        "beforeHeight": round(run.source_height * run.before_scale),
        "sourceSize": f"{run.source_width} × {run.source_height}",
        "afterSize": f"{run.after_width} × {run.after_height}",
        "afterFile": file_words(run.after_format, run.after_bytes, run.after_is_file, run.after_note),
        "side": {
            "channel": reverse("viewer:channel", args=[run.pk, 0]),
            "siblings": reverse("viewer:siblings", args=[run.pk]),
        },
    }


def _from_to(old: list[float], new: list[float]) -> list[float]:
    """The affine map (row-major, as `frame_matrix`) from one frame of a photo to another: new · old⁻¹."""
    a, b, c, d, e, f = old
    det = a * e - b * d
    back = (e / det, -b / det, (b * f - c * e) / det, -d / det, a / det, (c * d - a * f) / det)
    p, q, r, s, t, u = new
    return [
        p * back[0] + q * back[3],
        p * back[1] + q * back[4],
        p * back[2] + q * back[5] + r,
        s * back[0] + t * back[3],
        s * back[1] + t * back[4],
        s * back[2] + t * back[5] + u,
    ]


def beside(old: ProcessingRun, new: ProcessingRun) -> dict[str, Any]:
    """Two results of one photo: `before` is the old one, laid over the new one's frame point by point."""
    return {
        **run_item(new),
        "before": run_url(old, "after"),
        "matrix": css_matrix(_from_to(old.frame_matrix, new.frame_matrix), 1.0),
        "beforeWidth": old.after_width,
        "beforeHeight": old.after_height,
        "sourceSize": f"{old.after_width} × {old.after_height}",
    }


def file_words(name: str, byte_size: int, is_file: bool, note: str) -> str:
    """What a pane shows: "JPEG, 412 kB" for the delivered file itself, else what it is instead."""
    if not name:
        return str(_("a preview, not the delivered file"))
    size = f"{name}, {max(1, round(byte_size / 1000)):,} kB" if byte_size else name
    return size if is_file else f"{size}, {note}" if byte_size else note


def channel_item(run: ProcessingRun, view: ChannelView) -> dict[str, Any]:
    """What replaces the run's own `after` while another channel is looked at."""
    return {
        "after": view_url(view, "after"),
        "matte": view_url(view, "matte"),
        "matrix": css_matrix(view.frame_matrix, run.before_scale),
        "width": view.width,
        "height": view.height,
        "afterSize": f"{view.width} × {view.height}",
        "afterFile": file_words(view.format, view.byte_size, view.is_file, view.note),
    }


def image_item(record: ImageRecord) -> dict[str, Any]:
    """The photo of the image page: its newest run, with why it has its score."""
    assert record.run is not None
    run = record.run
    item = {**run_item(run), "key": f"run-{run.pk}", "channel": run.channel.name}
    item["channels"] = _channels(record.asset, run)
    if record.quality is not None:
        item["assist"] = {"places": why(run, record.quality)}
    return item


def _channels(asset: Asset, run: ProcessingRun) -> list[dict[str, Any]]:
    """The batch's channels, the scored one first: it is what the photo opens with."""
    rows = sorted(asset.batch.batch_channels.all(), key=lambda row: (row.channel_id != run.channel_id, row.position))
    return [{"id": row.channel_id, "name": row.channel.name} for row in rows]


def _references(client: Client) -> list[dict[str, Any]]:
    return [
        {"src": reference_url(picture), "caption": picture.caption, "width": picture.width, "height": picture.height}
        for picture in client.references.all()
    ]


def _assist(assist: dict[str, Any], run: ProcessingRun) -> dict[str, Any]:
    score = assist["score"]
    parts = dict(score["parts"])
    weakest = min(parts, key=lambda part: parts[part])
    return {
        "reason": assist["reason_label"],
        "why": assist["why"],
        "total": score["shown_total"],
        "band": [score["review_at"], score["approve_at"]],
        "parts": {part: round(value, 1) for part, value in parts.items()},
        "colourMeasured": score["colour_measured"],
        "advice": score["advice"],
        "gates": [gate["message"] for gate in score["gates"] if not gate["passed"]],
        "findings": [finding["message"] for finding in assist["findings"]],
        "places": why(run, run.quality),
        "preset": assist["preset"],
        "confidence": assist["confidence"],
        "suggest": SUGGESTION[weakest].value if parts[weakest] < WEAK_PART else "",
    }


def review_item(task: ReviewTask, user: User, *, blind: bool) -> dict[str, Any]:
    """One photo of the desk. In the blind queue nothing in it tells score, flags, route, preset or reason."""
    payload = selectors.item_payload(task, user, blind=blind)
    item = {
        **run_item(task.run),
        "id": payload["id"],
        "version": payload["version"],
        "leaseUntil": payload["lease_until"],
        "sku": payload["sku"] or payload["filename"],
        "name": payload["description"] or payload["filename"],
        "batch": f"{payload['client']}, {payload['batch']}",
        "channel": payload["channel"],
        "channels": _channels(task.asset, task.run),
        "notes": payload["brand_notes"],
        "references": _references(task.asset.batch.client),
        "edits": payload["previous_edits"],
        "escalation": payload["escalation"],
        "asksColour": payload["asks_colour"],
        "remover": " ".join(filter(None, [payload["remover"], payload["model_name"]])),
    }
    if "assist" in payload:
        item["assist"] = _assist(payload["assist"], task.run)
    return item
