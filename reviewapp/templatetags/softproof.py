"""Tags of every page: inline icons, roles, plain figures and the one stacked bar."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import lucide
from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from reviewapp.web.media_urls import original_url, reference_url, run_url
from reviewapp.web.permissions import user_has_role

register = template.Library()

BAR_WIDTH = 1000
"""Width of a stacked bar's own coordinate system; the browser stretches it to the column."""

FILLS = {
    "auto": gettext_lazy("Auto-approved"),
    "approve": gettext_lazy("Approved"),
    "reject": gettext_lazy("Rejected"),
    "hold": gettext_lazy("On hold"),
    "wait": gettext_lazy("Waiting"),
    "fail": gettext_lazy("Failed"),
    "info": gettext_lazy("Processing"),
}
"""Fill names in the fixed order that keeps neighbours apart for every kind of colour vision, with their words."""

MEASURES = {
    "total": gettext_lazy("Points in all"),
    "background": gettext_lazy("Points of the background"),
    "edge": gettext_lazy("Points of the edge"),
    "fill_part": gettext_lazy("Points of the size in the frame"),
    "colour": gettext_lazy("Points of the colour"),
    "gaps": gettext_lazy("Backdrop kept inside the product's outline"),
    "shadow_opacity": gettext_lazy("The file's own shadow against the declared one"),
    "shadow_angle": gettext_lazy("Direction of the file's own shadow"),
    "compliance_rate": gettext_lazy("White samples along the frame"),
    "off_white": gettext_lazy("Background that isn't white"),
    "edge_width": gettext_lazy("Width of the edge where it is softest"),
    "edge_hardness": gettext_lazy("Edge without soft pixels"),
    "edge_roughness": gettext_lazy("Jaggedness of the outline"),
    "removal_confidence": gettext_lazy("Sureness of the cut-out"),
    "specks": gettext_lazy("Specks and pinholes along the outline"),
    "halo": gettext_lazy("Backdrop kept along the edge"),
    "missing_edge": gettext_lazy("Product cut away along the edge"),
    "fringe": gettext_lazy("Backdrop colour left in the edge"),
    "stray": gettext_lazy("Veil of backdrop round the product"),
    "thin_edge": gettext_lazy("Product half transparent at its edge"),
    "unsupported": gettext_lazy("Outline where the photo has no edge"),
    "holes": gettext_lazy("Holes and thin places in the product"),
    "lost": gettext_lazy("Product lost"),
    "detail": gettext_lazy("Detail kept"),
    "content": gettext_lazy("Likeness inside the product where it is least"),
    "ssim": gettext_lazy("Likeness of the product to the photo (SSIM)"),
    "psnr": gettext_lazy("Noise between product and photo (PSNR)"),
    "edge_support": gettext_lazy("Edge held against the photo"),
    "fill": gettext_lazy("Product fills the frame"),
    "colour_shift": gettext_lazy("Colour shift"),
    "colour_spot": gettext_lazy("Colour shift in the worst place"),
    "white_reference": gettext_lazy("Neutral backdrop for the white"),
    "residual_cast": gettext_lazy("Colour cast left"),
    "content_loss": gettext_lazy("Content lost"),
    "leftover": gettext_lazy("Background or shadow left on the outline"),
    "leftover_beside": gettext_lazy("Background or shadow left beside the product"),
    "remains": gettext_lazy("Small remains of background or shadow that show"),
    "mended": gettext_lazy("Cleared by the line: look whether that was all"),
}
"""Names of measures as people read them; unknown ones keep their own."""


@register.filter
def measure_words(name: str) -> str:
    """A measure's name in words."""
    return str(MEASURES.get(name, name.replace("_", " ")))


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, css: str = "") -> SafeString:
    """One Lucide icon, inlined as SVG with classes only, so that a strict style-src holds. Hidden from readers."""
    svg = lucide._render_icon(
        name + "", None, **{"class": f"ic {css}".strip(), "aria-hidden": "true", "focusable": "false"}
    )
    return mark_safe(svg)


@register.simple_tag
def has_role(user: Any, *roles: str) -> bool:
    """True where the user holds one of the roles (a superuser holds all)."""
    return user_has_role(user, *roles)


@register.filter
def figure(value: float | int | None) -> str:
    """A count with thousands separated; nothing for None."""
    return "" if value is None else f"{value:,}"


@register.filter
def initials(user: Any) -> str:
    """Two letters for the round badge of a person."""
    name = str(user.get_full_name() or user.get_username())
    words = [word for word in name.replace(".", " ").replace("@", " ").split() if word]
    return "".join(word[0] for word in words[:2]).upper()


@register.filter
def person(user: Any) -> str:
    """A person's name as others read it; the line itself when there is none."""
    if user is None:
        return "Softproof"
    return str(user.get_full_name() or user.get_username())


@register.filter
def megabytes(value: int) -> str:
    """A file size in the unit people say aloud."""
    return f"{value / 1_048_576:.1f} MB" if value >= 1_048_576 else f"{max(1, round(value / 1024))} KB"


@dataclass(frozen=True)
class Segment:
    """One part of a stacked bar: fill is a key of FILLS, value a count >= 0."""

    fill: str
    value: int
    label: str = ""

    @property
    def words(self) -> str:
        return str(self.label or FILLS[self.fill])


def _segments(parts: Iterable[Segment | Sequence[Any]]) -> list[Segment]:
    return [part if isinstance(part, Segment) else Segment(*part) for part in parts]


@register.simple_tag
def stacked_bar(parts: Iterable[Segment | Sequence[Any]], css: str = "bar", total: int | None = None) -> SafeString:
    """The stacked bar: `parts` is a list of (fill, count[, label]); `total` > sum leaves an empty track at the end.

    Widths are SVG attributes and every count is in the label, because colour only repeats what words say.
    """
    segments = [s for s in _segments(parts) if s.value > 0]
    whole = max(total or 0, sum(s.value for s in segments), 1)
    label = ", ".join(f"{s.value:,} {s.words.lower()}" for s in segments) or _("Nothing yet")
    rects, x = [], 0.0
    for segment in segments:
        width = segment.value / whole * BAR_WIDTH
        rects.append((segment.fill, f"{x:.2f}", f"{width:.2f}"))
        x += width
    body = format_html_join("", '<rect class="f-{}" x="{}" y="0" width="{}" height="10"/>', rects)
    return format_html(
        '<svg class="{}" viewBox="0 0 {} 10" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<rect class="track" x="0" y="0" width="{}" height="10"/>{}</svg>',
        css,
        BAR_WIDTH,
        label,
        BAR_WIDTH,
        body,
    )


@register.simple_tag
def bar_legend(parts: Iterable[Segment | Sequence[Any]], css: str = "legend cols mt") -> SafeString:
    """The bar's counts as text, in the bar's order; zeros stay, so that the row does not jump."""
    items = format_html_join(
        "",
        '<li><b>{}</b><i class="key f-{}"></i>{}</li>',
        ((f"{s.value:,}", s.fill, s.words) for s in _segments(parts)),
    )
    return format_html('<ul class="{}">{}</ul>', css, items)


@register.filter
def first_links(nav: Iterable[tuple[Any, list[dict[str, Any]]]], count: int) -> list[tuple[Any, str]]:
    """The first `count` links of the navigation, across its groups: the phone's bottom tabs."""
    flat = [(entry["link"], entry["href"]) for _, entries in nav for entry in entries]
    return flat[:count]


@register.simple_tag
def run_image(run: Any, kind: str) -> str:
    """Address of a run's picture: before, after, thumb-before, thumb-after or cutout."""
    return run_url(run, kind)


@register.simple_tag
def original_image(asset: Any) -> str:
    """Address of a photo's original; opening it is a download that is recorded."""
    return original_url(asset)


@register.simple_tag
def reference_image(picture: Any) -> str:
    """Address of a client's reference picture."""
    return reference_url(picture)


EDIT_LOOKS = {
    "open": ("neutral", "inbox"),
    "claimed": ("info", "brush"),
    "submitted": ("info", "loader"),
    "awaiting_signoff": ("hold", "signature"),
    "signed_off": ("approve", "badge-check"),
    "withdrawn": ("neutral", "ban"),
}


@register.inclusion_tag("ui/status.html")
def edit_status(task: Any) -> dict[str, str]:
    """Icon and word of an edit task; open work of somebody was sent back to them."""
    tone, name = EDIT_LOOKS[task.state]
    if task.state == "open" and task.editor_id:
        return {"tone": "reject", "icon": "undo-2", "word": _("Sent back")}
    return {"tone": tone, "icon": name, "word": task.get_state_display()}
