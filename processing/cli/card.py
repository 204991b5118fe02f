"""`python -m processing card PHOTO`: find the 24-patch reference card in a photo and print its correction matrix."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from processing import codecs
from processing.errors import InputRejected
from processing.reference_card import correct_from_card


def _corner(text: str) -> tuple[float, float]:
    x, y = text.split(",")
    return float(x), float(y)


def main(argv: Sequence[str]) -> int:
    """Print one JSON object with the matrix and its residual; 1 with a sentence when there is no usable card."""
    parser = argparse.ArgumentParser(prog="python -m processing card", description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument(
        "--corners",
        type=_corner,
        nargs=4,
        metavar="X,Y",
        help="centres of the corner patches in px: dark skin, bluish green, black, white; else they are looked for",
    )
    words = parser.parse_args(argv)
    try:
        rgb, _ = codecs.decode(words.photo)
        fit, reading = correct_from_card(rgb, words.corners)
    except (InputRejected, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps({**fit.to_dict(), "positions": reading.positions.round(1).tolist()}))
    return 0
