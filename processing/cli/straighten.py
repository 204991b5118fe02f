"""`python -m processing straighten PHOTO --out FILE`: upright verticals and a standard ratio for buildings."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from processing import codecs
from processing.cli.prepared import check_target, write
from processing.errors import InputRejected, ProcessingError
from processing.keystone import straighten, undistorted


def _ratio(text: str) -> tuple[int, int]:
    width, _, height = text.partition(":")
    if not (width.isdigit() and height.isdigit()):
        raise InputRejected(f"{text!r} is no ratio. Write it like 4:3.", code="invalid_parameter")
    return int(width), int(height)


def main(argv: Sequence[str]) -> int:
    """Run the command; 2 with a sentence for a photo without verticals."""
    parser = argparse.ArgumentParser(prog="python -m processing straighten", description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the upright picture, .jpg or .png")
    parser.add_argument("--ratio", default="4:3", help="width to height of the result")
    parser.add_argument("--k1", type=float, default=0.0, help="the lens's radial term, below 0 for a barrel")
    words = parser.parse_args(argv)
    try:
        ratio = _ratio(words.ratio)
        check_target(words.out, [words.photo])
        rgb, _ = codecs.decode(words.photo)
        found = straighten(undistorted(rgb, words.k1) if words.k1 else rgb, ratio)
        write(words.out, found.rgb)
    except (ProcessingError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"The verticals leaned by up to {found.tilt_deg:.1f} degrees.")
    return 0
