"""`python -m processing fuse A B C --out FILE`: one picture of several exposures of one scene."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from processing import codecs
from processing.brackets import fuse
from processing.cli.prepared import check_target, write
from processing.errors import ProcessingError


def main(argv: Sequence[str]) -> int:
    """Run the command; 2 with a sentence for what can't be fused."""
    parser = argparse.ArgumentParser(prog="python -m processing fuse", description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+", help="2 to 9 exposures from one place")
    parser.add_argument("--out", type=Path, required=True, help="the fused picture, .jpg or .png")
    parser.add_argument("--no-align", action="store_true", help="the frames lie on each other already")
    words = parser.parse_args(argv)
    try:
        check_target(words.out, words.photos)
        write(words.out, fuse([codecs.decode(path)[0] for path in words.photos], align=not words.no_align))
    except (ProcessingError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0
