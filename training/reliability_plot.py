"""Draw how far the removers' confidence can be believed: `python -m training.reliability_plot FILE.svg`.

The figures are those that `fit_trust.py` measured on pictures it did not fit and wrote into `trust.json`: per tenth of
predicted chance the share of cut-outs that were right (IoU >= 0.9 with the exact mask). The form is that of DeGroot and
Fienberg (1983). On the diagonal a chance is worth what it says.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TRUST = Path(__file__).resolve().parents[1] / "processing" / "removal" / "trust.json"
_SIDE, _LEFT, _TOP = 320, 60, 24
_COLOURS = {"studio": "#2b6cb0", "compact": "#c05621"}


def plot(held_out: Mapping[str, Mapping[str, Any]]) -> str:
    """Return an SVG: a line per remover over the diagonal, each dot as large as its tenth is full."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_LEFT + _SIDE + 20} {_TOP + _SIDE + 56}" '
        'font-family="sans-serif" font-size="12">',
        "<title>Predicted chance of a right cut-out beside the share that was right, on held-out pictures</title>",
        f'<rect width="{_LEFT + _SIDE + 20}" height="{_TOP + _SIDE + 56}" fill="#fff"/>',
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIDE}" height="{_SIDE}" fill="none" stroke="#718096"/>',
        f'<line x1="{_x(0):g}" y1="{_y(0):g}" x2="{_x(1):g}" y2="{_y(1):g}" stroke="#a0aec0" stroke-dasharray="4 4"/>',
    ]
    for tenth in range(0, 11, 2):
        share = tenth / 10
        parts.append(f'<text x="{_x(share):g}" y="{_TOP + _SIDE + 16}" text-anchor="middle">{share:g}</text>')
        parts.append(f'<text x="{_LEFT - 6}" y="{_y(share) + 4:g}" text-anchor="end">{share:g}</text>')
    middle = _TOP + _SIDE / 2
    parts.append(f'<text x="{_x(0.5):g}" y="{_TOP + _SIDE + 36}" text-anchor="middle">predicted chance</text>')
    parts.append(
        f'<text x="16" y="{middle:g}" text-anchor="middle" transform="rotate(-90 16 {middle:g})">share right</text>'
    )
    for place, (name, facts) in enumerate(held_out.items()):
        parts += _curve(name, facts, place)
    return "\n".join([*parts, "</svg>", ""])


def _curve(name: str, facts: Mapping[str, Any], place: int) -> list[str]:
    colour, rows = _COLOURS[name], facts["reliability"]
    largest = max(row["n"] for row in rows)
    line = " ".join(f"{_x(row['predicted']):.1f},{_y(row['good']):.1f}" for row in rows)
    dots = []
    for row in rows:
        place_of = f'cx="{_x(row["predicted"]):.1f}" cy="{_y(row["good"]):.1f}"'
        radius = 2 + 6 * (row["n"] / largest) ** 0.5
        dots.append(f'<circle {place_of} r="{radius:.1f}" fill="{colour}" fill-opacity="0.6"/>')
    pictures = sum(row["n"] for row in rows)
    words = f"{name}: AUC {facts['auc']:.3f}, {pictures} pictures"
    label = f'<text x="{_LEFT + 10}" y="{_TOP + 18 + 16 * place}" fill="{colour}">{words}</text>'
    return [f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.5"/>', *dots, label]


def _x(share: float) -> float:
    return _LEFT + share * _SIDE


def _y(share: float) -> float:
    return _TOP + (1 - share) * _SIDE


def main(words: Sequence[str]) -> int:
    """Write the plot to the named file; 2 without one."""
    if len(words) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    Path(words[0]).write_text(plot(json.loads(TRUST.read_text("utf-8"))["held_out"]), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
