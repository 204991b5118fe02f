"""Photos unlike the rest of their set: the words for it, and which of them a person looks at before they ship. Pure.

processing.quality.consistency finds them and the batch page lists all of them. People are asked about fewer: only where
the rest is a set (a mixed catalogue's red shoe is no fault), and only what is far off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from processing.quality.consistency import Anomaly, measure_consistency
from processing.types import Look
from reviewapp.policies.words import gettext_noop

SET_FROM = 60.0
"""Score 0..100 (QC-17) from which photos read as one set on the whole."""
MOST_ODD = 0.2
"""Share 0..1 of a set that may stand out of it; where more do there is no rest to be unlike."""
FAR = 6.0
"""Distance |z| of a look from which people are asked. The page lists from 3.5, which is not rare enough."""
SIZE_RATIO = 2.0
"""And a file of this many times the usual size, or this part of it."""
ODD: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "lightness": (gettext_noop("darker than the rest"), gettext_noop("lighter than the rest")),
        "chroma_a": (gettext_noop("greener than the rest"), gettext_noop("redder than the rest")),
        "chroma_b": (gettext_noop("bluer than the rest"), gettext_noop("yellower than the rest")),
        "contrast": (gettext_noop("flatter than the rest"), gettext_noop("more contrast than the rest")),
        "fill": (gettext_noop("smaller in its frame"), gettext_noop("larger in its frame")),
        "aspect": (gettext_noop("narrower than the rest"), gettext_noop("wider than the rest")),
        "file_size": (gettext_noop("a smaller file than the rest"), gettext_noop("a larger file than the rest")),
    }
)
"""What is odd -> words for less and for more of it, in English: whoever shows them translates."""


def word(anomaly: Anomaly) -> str:
    """What is odd about it and which way."""
    return ODD[anomaly.what][anomaly.z > 0]


def told(words: Iterable[tuple[str, Anomaly]]) -> str:
    """The given words, each with its distance."""
    return ", ".join(f"{said} (z\u00a0{abs(anomaly.z):.1f})" for said, anomaly in words)


def why(anomalies: Sequence[Anomaly]) -> str:
    """The sentence a reviewer reads: "Darker than the rest (z 7.1), smaller in its frame (z 6.4)." """
    said = told((word(one), one) for one in anomalies)
    return f"{said[:1].upper()}{said[1:]}."


def is_set(photos: int, rest: Collection[Look]) -> bool:
    """Say whether `photos` measured photos are a set: `rest`, those of them that don't stand out, is most and alike."""
    is_most = photos - len(rest) <= MOST_ODD * photos
    return is_most and len(rest) > 1 and measure_consistency(list(rest)).score >= SET_FROM


def is_far(anomaly: Anomaly, usual: float) -> bool:
    """Say whether it is far enough off for a person to look; `usual` is the middle of what was compared."""
    if anomaly.what == "file_size":
        return anomaly.value >= usual * SIZE_RATIO or anomaly.value * SIZE_RATIO <= usual
    return abs(anomaly.z) >= FAR
