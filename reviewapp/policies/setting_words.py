"""The words of the settings, marked for translation: `processing.tunables` knows no gettext. Tests hold them together.

What is shown goes through `gettext(label)`; without these marks makemessages would find none of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from processing.errors import InputRejected
from processing.tunables import Described

from .words import Said, Word, gettext_noop

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
BOUNDS: Mapping[str, str] = {
    "whole": gettext_noop("%(low)s to %(high)s"),
    "real": gettext_noop("%(low)s to %(high)s"),
    "whole_pair": gettext_noop("two numbers, each %(low)s to %(high)s"),
    "choice": gettext_noop("one of %(options)s"),
    "flag": gettext_noop("true or false"),
    "names": gettext_noop("a list of names in small letters"),
    "lines": gettext_noop("a list of texts of at most %(most)s characters"),
    "text": gettext_noop("text of at most %(most)s characters"),
}
"""What is allowed, by the kind of setting. A kind that is missing here is said as the library says it."""
WITH_UNIT: Mapping[str, str] = {
    "whole": gettext_noop("%(low)s to %(high)s %(unit)s"),
    "real": gettext_noop("%(low)s to %(high)s %(unit)s"),
    "whole_pair": gettext_noop("two numbers, each %(low)s to %(high)s %(unit)s"),
}
LIKE = gettext_noop("text of at most %(most)s characters like %(like)s")
REFUSED = gettext_noop("%(name)s is %(value)s; allowed is %(bounds)s.")


def bounds(line: Described, *, with_pattern: bool = True) -> str:
    """What is allowed in a setting, in words that can be said in another language."""
    pattern = (WITH_UNIT if line.unit else BOUNDS).get(line.kind, "") or BOUNDS.get(line.kind, "")
    if line.kind == "text" and line.pattern and with_pattern:
        pattern = LIKE
    if not pattern:
        return line.bounds
    return Said(
        pattern,
        low="" if line.low is None else f"{line.low:g}",
        high="" if line.high is None else f"{line.high:g}",
        unit=Word(line.unit),
        options=", ".join(option or "(empty)" for option in line.options),
        most=line.max_length,
        like=line.pattern,
    )


def refusal(error: InputRejected, lines: Iterable[Described]) -> str:
    """Why a value was refused, with the setting's name instead of its path where it is about a setting's bounds.

    Anything else is said as the library, or a policy, said it.
    """
    text: str = error.args[0]
    for line in lines:
        begin, end = f"{line.path} is ", f"; allowed is {line.bounds}."
        if not isinstance(text, Said) and text.startswith(begin) and text.endswith(end):
            return Said(REFUSED, name=Word(line.label), value=text[len(begin) : -len(end)], bounds=bounds(line))
    return text
