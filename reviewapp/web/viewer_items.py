"""What the compare viewer needs to know of a photo, as JSON for the page."""

from typing import Any

from django.contrib.auth.models import User

from reviewapp.enums import RejectReason
from reviewapp.models import ProcessingRun, ReviewTask
from reviewapp.selectors import review as selectors
from reviewapp.web.media_urls import run_url

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
        "width": run.after_width,
        "height": run.after_height,
        "beforeWidth": round(run.source_width * run.before_scale),
        "beforeHeight": round(run.source_height * run.before_scale),
        "sourceSize": f"{run.source_width} × {run.source_height}",
        "afterSize": f"{run.after_width} × {run.after_height}",
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


def _assist(assist: dict[str, Any]) -> dict[str, Any]:
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
        "points": [[point["x"], point["y"]] for point in score["failures"]],
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
        "notes": payload["brand_notes"],
        "edits": payload["previous_edits"],
        "escalation": payload["escalation"],
        "remover": " ".join(filter(None, [payload["remover"], payload["model_name"]])),
    }
    if not blind:
        item["assist"] = _assist(payload["assist"])
    return item
