"""Families of photos with what they need and a preset each (CLS-09), and the buckets of a mixed batch (CLS-10).

Product photos are what this library is made for. Of the others a family says what a person will have to do, and its
preset what the machine may do meanwhile: no cut-out look, no shadow, gentle colours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from processing.params import STANDARD_PRESET, ColourParams, ProcessingParams, ShadowParams

Bucket = Literal["portraits", "products", "landscapes", "documents", "other"]
Workflow = Literal["product", "portrait", "real_estate", "document", "manual"]
BUCKETS: tuple[Bucket, ...] = ("portraits", "products", "landscapes", "documents", "other")


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of photo: `needs` in words, the `preset` it starts with, and whether the whole line serves it."""

    key: str
    label: str
    needs: tuple[str, ...]
    preset: ProcessingParams
    is_complete: bool = False


def _gentle(contrast: int, saturation: int) -> ProcessingParams:
    return ProcessingParams(
        colour=ColourParams(contrast=contrast, saturation=saturation), shadow=ShadowParams(enabled=False)
    )


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        family.key: family
        for family in (
            Family("product", "Product", ("background removal", "white balance", "shadow", "one size and frame",
                                          "marketplace rules"), STANDARD_PRESET, is_complete=True),
            Family("portrait", "Portrait", ("skin tones", "blemishes", "background", "one look for a sitting"),
                   _gentle(5, 0)),
            Family("real_estate", "Real estate", ("exposure fusion of brackets", "straight verticals", "white balance",
                                                  "MLS sizes"), _gentle(5, 3)),
            Family("event", "Event", ("culling", "noise", "one look for mixed light"), _gentle(5, 3)),
            Family("render", "Renders, CGI", ("noise", "colour grading", "output sizes"), _gentle(0, 0)),
        )
    }
)  # fmt: skip

_BUCKET_OF: Mapping[str, Bucket] = MappingProxyType(
    {
        "portrait": "portraits", "portraits": "portraits", "headshot": "portraits", "wedding": "portraits",
        "product": "products", "products": "products", "apparel": "products", "jewelry": "products",
        "furniture": "products", "fur": "products", "lingerie": "products", "transparent": "products",
        "books": "products", "cosmetics_tube": "products", "electronics": "products", "glass": "products",
        "cosmetics": "products",
        "landscape": "landscapes", "landscapes": "landscapes", "realestate": "landscapes",
        "real_estate": "landscapes", "property": "landscapes",
        "document": "documents", "documents": "documents", "receipt": "documents", "invoice": "documents",
    }
)  # fmt: skip
WORKFLOW_OF: Mapping[Bucket, Workflow] = MappingProxyType(
    {
        "portraits": "portrait", "products": "product", "landscapes": "real_estate", "documents": "document",
        "other": "manual",
    }
)  # fmt: skip
"""Each bucket's own workflow. Nobody guesses for "other": a person looks."""


def bucket_of(category: str) -> Bucket:
    """Return the bucket of a category as a list, a file name or a model gives it; "other" for one that isn't known."""
    return _BUCKET_OF.get(category.strip().lower().replace(" ", "_"), "other")


def presorted(categories: Mapping[str, str]) -> dict[Bucket, tuple[str, ...]]:
    """Split a mixed batch: name to category in, bucket to names out, every bucket there and every name in one."""
    return {bucket: tuple(name for name, found in categories.items() if bucket_of(found) == bucket)
            for bucket in BUCKETS}  # fmt: skip
