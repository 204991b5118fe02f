"""File names by convention: Category-ID-Descriptor-Version.ext (ING-12), as `product-SKU12345-front-v1.jpg`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

WORDS = "Category-ID-Descriptor-Version, for instance product-SKU12345-front-v1.jpg"
_NAME = re.compile(
    r"(?P<category>[A-Za-z]+)-(?P<id>[A-Za-z0-9]+)-(?P<descriptor>[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*)-(?P<version>[A-Za-z0-9]+)"
)
_INSIDE = frozenset({"inside", "label", "insidelabel"})


@dataclass(frozen=True, slots=True)
class ConventionalName:
    """The four parts of a file's name, as they stand in it."""

    category: str
    id: str
    descriptor: str
    version: str

    @property
    def is_inside(self) -> bool:
        """Whether the descriptor says that the inside label is shown: inside, label, inside-label, neck-inside."""
        return bool(_INSIDE & set(self.descriptor.lower().split("-")))

    @property
    def is_front(self) -> bool:
        """Whether the descriptor says that the front is shown."""
        return "front" in self.descriptor.lower().split("-")


def parse(filename: str) -> ConventionalName | None:
    """Take a file's name apart; None when it doesn't keep to the convention. A descriptor may hold hyphens."""
    path = PurePosixPath(filename)
    found = _NAME.fullmatch(path.stem) if path.suffix else None
    return None if found is None else ConventionalName(**found.groupdict())
