"""`python -m processing COMMAND …`: the imaging library as a program; `COMMAND --help` explains each one.

commands:
  run        cut out, correct, frame and score every photo of a folder
  score      score any finished file against its photo
  card       find the reference card in a photo and print its correction matrix
  optimise   resize, compress and convert a folder of pictures, nothing else
  fuse       make one picture of several exposures of a room
  export     bring whole photos, not cut out, to a channel's rules
  straighten make the verticals of a room or building upright
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

COMMANDS = ("run", "score", "card", "optimise", "fuse", "straighten", "export")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status; 2 for a wrong call."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words and words[0] in COMMANDS:
        # Loaded by name: the plain batch tool must not pay for the model runtime the other commands need.
        status = importlib.import_module(f"processing.cli.{words[0]}").main(words[1:])
        return int(status)
    asked = bool(words) and words[0] in ("-h", "--help")
    print(__doc__, file=sys.stdout if asked else sys.stderr)
    return 0 if asked else 2


if __name__ == "__main__":
    # One picture per core: numpy's threads would only wait for each other. It reads this when it is imported.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    raise SystemExit(main())
