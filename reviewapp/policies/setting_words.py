"""The words of the settings, marked for translation: `processing.tunables` knows no gettext. Tests hold them together.

What is shown goes through `gettext(label)`; without these marks makemessages would find none of them.
"""

from __future__ import annotations

from .words import gettext_noop

LABELS = (
    gettext_noop("Schema version"),
    gettext_noop("Background remover"),
    gettext_noop("rembg model"),
    gettext_noop("Model file"),
    gettext_noop("Transparency already in the file"),
    gettext_noop("Edge refinement"),
    gettext_noop("Remove backdrop colour from soft edges"),
    gettext_noop("Refinement radius"),
    gettext_noop("Longest side while refining"),
    gettext_noop("Share of the frame the product's longest side fills"),
    gettext_noop("Centre on"),
    gettext_noop("Largest enlargement"),
    gettext_noop("White balance"),
    gettext_noop("Saturation"),
    gettext_noop("Contrast"),
    gettext_noop("Exposure"),
    gettext_noop("Largest exposure lift"),
    gettext_noop("Largest white balance gain"),
    gettext_noop("Backdrop counts as neutral up to chroma"),
    gettext_noop("Draw a shadow where the channel allows it"),
    gettext_noop("Shadow angle"),
    gettext_noop("Shadow opacity"),
    gettext_noop("Shadow blur"),
    gettext_noop("Shadow offset"),
    gettext_noop("Background"),
    gettext_noop("Background colour"),
    gettext_noop("Gradient top"),
    gettext_noop("Gradient bottom"),
    gettext_noop("Background picture"),
    gettext_noop("Channels that get the logo"),
    gettext_noop("Logo"),
    gettext_noop("Logo position"),
    gettext_noop("Logo opacity"),
    gettext_noop("Logo width"),
    gettext_noop("Distance from the edge"),
    gettext_noop("Channels that get the tagline"),
    gettext_noop("Tagline"),
    gettext_noop("Font file"),
    gettext_noop("Tagline position"),
    gettext_noop("Tagline colour"),
    gettext_noop("Letter height"),
    gettext_noop("Format"),
    gettext_noop("Width"),
    gettext_noop("Height"),
    gettext_noop("Colour space"),
    gettext_noop("Quality of lossy formats"),
)
UNITS = (
    gettext_noop("of the longest side"),
    gettext_noop("px"),
    gettext_noop("times"),
    gettext_noop("%"),
    gettext_noop("EV"),
    gettext_noop("share"),
    gettext_noop("Lab"),
    gettext_noop("degrees"),
    gettext_noop("of the shorter side"),
)
OPTIONS = (
    gettext_noop("low"),
    gettext_noop("medium"),
    gettext_noop("high"),
)
"""Of the settings that a reviewer may move."""
