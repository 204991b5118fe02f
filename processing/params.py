"""Every setting of the imaging line as frozen, validated data: processing presets, thresholds, channel rules.

Building any of these with a wrong value raises InputRejected(code="invalid_parameter") that names the field, the value
and the bounds. `to_dict`/`from_dict` round-trip through JSON and YAML; `digest` is stable across processes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import ClassVar, Self

from processing import channel_rules, formats
from processing.errors import InputRejected
from processing.tunables import (
    Described,
    Tunables,
    choice,
    flag,
    lines,
    names,
    real,
    text,
    whole,
    whole_pair,
)

SCHEMA_VERSION = 1
COLOUR_PATTERN = r"#[0-9A-Fa-f]{6}"
REMOVERS = ("auto", "studio", "compact", "rembg")
REFINEMENTS = ("low", "medium", "high")
FILE_PATTERN = r"([A-Za-z0-9_-][A-Za-z0-9._-]*)?"
OUTPUT_FORMATS = tuple(formats.writable())
CORNERS = ("bottom_right", "bottom_left", "top_right", "top_left", "centre")
TAGLINE_PLACES = ("bottom_centre", "top_centre", *CORNERS)
CHANNEL_BACKGROUNDS = (
    "pure_white",
    "white_recommended",
    "white_or_light_grey",
    "any",
    "gradient",
)

__all__ = [
    "SCHEMA_VERSION",
    "STANDARD_PRESET",
    "BackgroundParams",
    "ChannelSpec",
    "ClassificationParams",
    "ColourParams",
    "Described",
    "EdgeParams",
    "GeometryParams",
    "OutputParams",
    "ProcessingParams",
    "RemovalParams",
    "ScoringParams",
    "ShadowParams",
    "TaglineParams",
    "WatermarkParams",
]


@dataclass(frozen=True, slots=True)
class RemovalParams(Tunables):
    """Which remover makes the mask. `model_name` is a rembg model; `model_file` a file inside the model directory."""

    remover: str = choice("auto", REMOVERS, "Background remover")
    model_name: str = text("", "rembg model", max_length=60, pattern=r"[a-z0-9_-]*")
    model_file: str = text("", "Model file", max_length=120, pattern=r"([A-Za-z0-9_-][A-Za-z0-9._-]*)?")
    transparency: str = choice("preserve", ("preserve", "discard"), "Transparency already in the file")


@dataclass(frozen=True, slots=True)
class EdgeParams(Tunables):
    """How the mask edge is refined. `radius_ratio` is the guided filter's radius as a share of the longest side."""

    refinement: str = choice("high", REFINEMENTS, "Edge refinement")
    decontaminate: bool = flag(True, "Remove backdrop colour from soft edges")
    radius_ratio: float = real(0.006, 0.001, 0.03, "Refinement radius", "of the longest side")
    working_side: int = whole(1600, 400, 4000, "Longest side while refining", "px")


@dataclass(frozen=True, slots=True)
class GeometryParams(Tunables):
    """How the product sits in the frame. `max_enlarge` above 1 allows upscaling, always with a finding."""

    fill_ratio: float = real(0.85, 0.1, 1.0, "Share of the frame the product's longest side fills")
    centring: str = choice("box", ("box", "mass"), "Centre on")
    max_enlarge: float = real(1.0, 1.0, 2.0, "Largest enlargement", "times")


@dataclass(frozen=True, slots=True)
class ColourParams(Tunables):
    """Declared colour correction; scoring compares against it, so it is never taken for an error."""

    white_balance: str = choice("auto_reference", ("auto_reference", "off"), "White balance")
    saturation: int = whole(5, -100, 100, "Saturation", "%")
    contrast: int = whole(10, -100, 100, "Contrast", "%")
    exposure: str = choice("auto", ("auto", "off"), "Exposure")
    exposure_limit: float = real(0.15, 0.0, 1.0, "Largest exposure lift", "EV")
    balance_limit: float = real(0.15, 0.0, 0.5, "Largest white balance gain", "share")
    neutral_chroma: float = real(10.0, 0.0, 40.0, "Backdrop counts as neutral up to chroma", "Lab")


@dataclass(frozen=True, slots=True)
class ShadowParams(Tunables):
    """Generated shadow, drawn only on channels that allow one. `angle_deg`: where it falls, 0 = right, 90 = down."""

    enabled: bool = flag(True, "Draw a shadow where the channel allows it")
    angle_deg: float = real(45.0, 0.0, 360.0, "Shadow angle", "degrees")
    opacity: float = real(0.20, 0.0, 1.0, "Shadow opacity")
    blur_px: int = whole(15, 0, 200, "Shadow blur", "px")
    offset_px: tuple[int, int] = whole_pair((5, 5), -200, 200, "Shadow offset", "px")


@dataclass(frozen=True, slots=True)
class BackgroundParams(Tunables):
    """What stands behind the product where the channel leaves the choice. Gradient runs from top to bottom.

    `image` names a picture of the installation's brand folder; it covers the frame, cut evenly where it is too long.
    """

    kind: str = choice("white", ("white", "colour", "gradient", "image"), "Background")
    colour: str = text("#FFFFFF", "Background colour", max_length=7, pattern=COLOUR_PATTERN)
    gradient_top: str = text("#F5F5F5", "Gradient top", max_length=7, pattern=COLOUR_PATTERN)
    gradient_bottom: str = text("#FFFFFF", "Gradient bottom", max_length=7, pattern=COLOUR_PATTERN)
    image: str = text("", "Background picture", max_length=120, pattern=FILE_PATTERN)

    def check(self) -> None:
        """Raise InputRejected for a picture background without a picture."""
        if self.kind == "image" and not self.image:
            raise InputRejected(
                'background.kind is "image", so background.image must name a picture of the brand folder.',
                code="invalid_parameter",
            )


@dataclass(frozen=True, slots=True)
class WatermarkParams(Tunables):
    """The logo put over finished pictures, on the named channels only; none named = no logo.

    `logo` names a picture of the brand folder. Width and margin are shares of the frame's shorter side.
    """

    group: ClassVar[str] = "watermark"
    channels: tuple[str, ...] = names((), "Channels that get the logo")
    logo: str = text("", "Logo", max_length=120, pattern=FILE_PATTERN)
    position: str = choice("bottom_right", CORNERS, "Logo position")
    opacity: float = real(0.5, 0.0, 1.0, "Logo opacity")
    width_ratio: float = real(0.15, 0.02, 0.6, "Logo width", "of the shorter side")
    margin_ratio: float = real(0.03, 0.0, 0.2, "Distance from the edge", "of the shorter side")

    def check(self) -> None:
        """Raise InputRejected for a marketplace among the channels (overlay_refused), or a logo that isn't named."""
        _no_marketplace(self.group, self.channels)
        if self.channels and not self.logo:
            raise InputRejected(
                "watermark.channels is set, so watermark.logo must name a picture of the brand folder.",
                code="invalid_parameter",
            )


@dataclass(frozen=True, slots=True)
class TaglineParams(Tunables):
    """The brand's line of text over finished pictures, on the named channels only; none named = no text.

    Height and margin are shares of the frame's shorter side; words too long for the frame are written smaller.
    `font` names a .ttf or .otf file of the brand folder; without one the letters are English only.
    """

    group: ClassVar[str] = "tagline"
    channels: tuple[str, ...] = names((), "Channels that get the tagline")
    words: str = text("", "Tagline", max_length=80)
    font: str = text("", "Font file", max_length=120, pattern=FILE_PATTERN)
    position: str = choice("bottom_centre", TAGLINE_PLACES, "Tagline position")
    colour: str = text("#333333", "Tagline colour", max_length=7, pattern=COLOUR_PATTERN)
    height_ratio: float = real(0.045, 0.01, 0.2, "Letter height", "of the shorter side")
    margin_ratio: float = real(0.04, 0.0, 0.2, "Distance from the edge", "of the shorter side")

    def check(self) -> None:
        """Raise InputRejected for a marketplace among the channels (overlay_refused), or without words."""
        _no_marketplace(self.group, self.channels)
        if self.channels and not self.words.strip():
            raise InputRejected(
                "tagline.channels is set, so tagline.words must say something.", code="invalid_parameter"
            )


def _no_marketplace(group: str, channels: tuple[str, ...]) -> None:
    refusing = sorted(set(channels) & channel_rules.marketplaces())
    if refusing:
        raise InputRejected(
            f"{group}.channels names {', '.join(refusing)}; marketplaces allow no logo or text over a product photo. "
            "Take it off the list.",
            code="overlay_refused",
        )


@dataclass(frozen=True, slots=True)
class OutputParams(Tunables):
    """Output of the preset itself. `quality` applies to lossy formats only: PNG has none (EXP-29)."""

    format: str = choice("PNG", ("PNG", "JPEG", "WEBP", "TIFF"), "Format")
    width: int = whole(2000, 100, 10000, "Width", "px")
    height: int = whole(2000, 100, 10000, "Height", "px")
    colour_space: str = choice("sRGB", ("sRGB", "AdobeRGB"), "Colour space")
    quality: int = whole(85, 1, 100, "Quality of lossy formats")


@dataclass(frozen=True, slots=True)
class ProcessingParams(Tunables):
    """One processing preset. The defaults are the standard product photography preset (PRE-01)."""

    schema: int = whole(SCHEMA_VERSION, SCHEMA_VERSION, SCHEMA_VERSION, "Schema version")
    removal: RemovalParams = field(default_factory=RemovalParams)
    edge: EdgeParams = field(default_factory=EdgeParams)
    geometry: GeometryParams = field(default_factory=GeometryParams)
    colour: ColourParams = field(default_factory=ColourParams)
    shadow: ShadowParams = field(default_factory=ShadowParams)
    background: BackgroundParams = field(default_factory=BackgroundParams)
    watermark: WatermarkParams = field(default_factory=WatermarkParams)
    tagline: TaglineParams = field(default_factory=TaglineParams)
    output: OutputParams = field(default_factory=OutputParams)


@dataclass(frozen=True, slots=True)
class ClassificationParams(Tunables):
    """Thresholds of the pixel classifier (CLS-05); a score must be strictly above one to count."""

    edge_medium: float = real(0.30, 0.0, 1.0, "Edge complexity above which a photo is medium")
    edge_complex: float = real(0.60, 0.0, 1.0, "Edge complexity above which a photo is complex")
    colour_risk: float = real(0.30, 0.0, 1.0, "Colour match risk above which a photo is at least medium")
    model_confidence: float = real(0.80, 0.0, 1.0, "Confidence from which a model's category is followed")

    def check(self) -> None:
        """Raise InputRejected when the two edge thresholds are the wrong way round."""
        if self.edge_medium >= self.edge_complex:
            raise InputRejected(
                f"edge_medium is {self.edge_medium:g} and edge_complex is {self.edge_complex:g}; "
                "edge_medium must be the smaller one.",
                code="invalid_parameter",
            )


@dataclass(frozen=True, slots=True)
class ScoringParams(Tunables):
    """Values of the score (PRE-06). `white_tolerance` is the lowest channel value a background sample may have."""

    white_tolerance: int = whole(250, 0, 255, "White from", "of 255")
    compliance_rate: float = real(0.95, 0.0, 1.0, "Share of samples that must be white")
    perimeter_samples: int = whole(50, 4, 5000, "Samples along the frame")
    fill_target: float = real(0.85, 0.1, 1.0, "Product fills")


@dataclass(frozen=True, slots=True)
class ChannelSpec(Tunables):
    """One marketplace's image rules as data. 0 and "" mean "no such rule".

    Sizes in px; `fill_min`/`fill_max` as a share of the frame's side; `naming` and `alt_text` are templates with
    {tokens}; `aspect` "1:1" means the frame is square; `sizing` "full_resolution" keeps the source's pixels.
    `marketplace` means that no logo or text may lie over the photo. `fallback_format` gives a second file of the same
    stem. `variants` ("thumbnail fill 300x300") gives several files from one picture (`channel_rules.parse_variant`).
    `as_of` and `source_note` date the row: marketplaces change their rules. `changes` are rules known to come
    ("2027-01-31 min_dimension = 500"); `on` gives the row as it is on a day.
    """

    key: str = text("", "Key", max_length=40, pattern=r"[a-z][a-z0-9_]*")
    name: str = text("", "Name", max_length=80)
    background: str = choice("pure_white", CHANNEL_BACKGROUNDS, "Background")
    min_dimension: int = whole(0, 0, 20000, "Smallest longest side", "px")
    recommended_dimension: int = whole(0, 0, 20000, "Recommended longest side", "px")
    max_dimension: int = whole(0, 0, 20000, "Largest longest side", "px")
    format: str = choice("JPEG", OUTPUT_FORMATS, "Format")
    progressive: bool = flag(False, "Progressive JPEG")
    quality: int = whole(0, 0, 100, "Quality of lossy formats, 0 = none given")
    colour_space: str = choice("sRGB", ("sRGB", "AdobeRGB"), "Colour space")
    bits: int = whole(8, 8, 16, "Bits per channel")
    dpi: int = whole(0, 0, 2400, "Resolution", "dpi")
    aspect: str = choice("", ("", "1:1"), "Aspect")
    fill_min: float = real(0.0, 0.0, 1.0, "Product fills at least")
    fill_max: float = real(1.0, 0.0, 1.0, "Product fills at most")
    max_bytes: int = whole(0, 0, 500_000_000, "Largest file", "bytes")
    max_megapixels: int = whole(0, 0, 400, "Largest picture", "megapixels")
    naming: str = text("{sku}_{view}.{ext}", "File name", max_length=200)
    sizing: str = choice("fit", ("fit", "full_resolution"), "Sizing")
    marketplace: bool = flag(False, "Marketplace")
    overlay_allowed: bool = flag(False, "Overlays allowed")
    shadow_allowed: bool = flag(False, "Shadow allowed")
    gradient_top: str = text("#F5F5F5", "Gradient top", max_length=7, pattern=COLOUR_PATTERN)
    gradient_bottom: str = text("#FFFFFF", "Gradient bottom", max_length=7, pattern=COLOUR_PATTERN)
    metadata: tuple[str, ...] = names((), "Metadata written into the file")
    alt_text: str = text("", "Alt text", max_length=400)
    fallback_format: str = choice("", ("", "JPEG", "PNG"), "Second file in")
    variants: tuple[str, ...] = lines((), "Several files from one picture", max_length=80)
    changes: tuple[str, ...] = lines((), "Changes to come", max_length=200)
    as_of: str = text("", "Rules as of", max_length=10)
    source_note: str = text("", "Where the rules come from", max_length=400)

    def check(self) -> None:
        """Raise InputRejected for rules that contradict each other (the key's pattern already refuses an empty key)."""
        if not self.name:
            raise InputRejected("A channel needs a name.", code="invalid_parameter")
        if self.bits not in (8, 16):
            raise InputRejected(f"bits is {self.bits}; allowed is 8 or 16.", code="invalid_parameter")
        if self.max_dimension and self.max_dimension < max(self.min_dimension, self.recommended_dimension):
            raise InputRejected(
                f"max_dimension is {self.max_dimension}; it must not be below the other sizes.",
                code="invalid_parameter",
            )
        if self.fill_min > self.fill_max:
            raise InputRejected(
                f"fill_min is {self.fill_min:g}; it must not be above fill_max {self.fill_max:g}.",
                code="invalid_parameter",
            )
        if self.marketplace and self.overlay_allowed:
            raise InputRejected(
                f"{self.name} is a marketplace: overlay_allowed must be false there.", code="overlay_refused"
            )
        if self.fallback_format == self.format:
            raise InputRejected(
                f"fallback_format is {self.format}, as format is; name another or none.", code="invalid_parameter"
            )
        self._check_lines()

    def _check_lines(self) -> None:
        made = [channel_rules.parse_variant(line) for line in self.variants]
        if len({variant.name for variant in made}) < len(made):
            raise InputRejected("Two variants have the same name.", code="invalid_parameter")
        if len(made) > 1 and "{variant" not in self.naming:
            raise InputRejected(
                "Several variants need {variant} in naming, or they would share a name.", code="invalid_parameter"
            )
        for day in self.change_days():
            self.on(day)

    def change_days(self) -> tuple[date, ...]:
        """Return the days on which rules of this row change, in order. Raises InputRejected for an unreadable line."""
        return tuple(sorted({channel_rules.parse_change(line).valid_from for line in self.changes}))

    def on(self, day: date) -> Self:
        """Return the row as it is on `day`: every change that is valid by then is in it, later ones still wait.

        Raises InputRejected when a change names an unknown rule or a value out of bounds.
        """
        known = [(channel_rules.parse_change(line), line) for line in self.changes]
        due = sorted((change for change, _ in known if change.valid_from <= day), key=lambda change: change.valid_from)
        if not due:
            return self
        waiting = [line for change, line in known if change.valid_from > day]
        values = {change.rule: change.value for change in due}
        return type(self).from_dict({**self.to_dict(), **values, "changes": waiting})


STANDARD_PRESET = ProcessingParams()
"""Product photography standard (PRE-01): the 13 seeded values, which are also the defaults above."""
