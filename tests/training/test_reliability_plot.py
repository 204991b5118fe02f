"""The reliability plot of docs/removal.md is the one that trust.json gives."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from training.reliability_plot import main, plot

ROOT = Path(__file__).resolve().parents[2]


def test_the_plot_in_the_docs_is_what_the_shipped_chances_give(tmp_path: Path) -> None:
    assert main([str(tmp_path / "plot.svg")]) == 0
    assert (tmp_path / "plot.svg").read_text() == (ROOT / "docs" / "pictures" / "reliability.svg").read_text()
    assert main([]) == 2


def test_a_chance_worth_what_it_says_lies_on_the_diagonal() -> None:
    rows = [{"predicted": share, "good": share, "n": 10} for share in (0.0, 0.5, 1.0)]
    drawn = ElementTree.fromstring(plot({"studio": {"auc": 0.9, "reliability": rows}}))
    space = "{http://www.w3.org/2000/svg}"
    line = next(drawn.iter(f"{space}line")).attrib
    dots = [(float(dot.attrib["cx"]), float(dot.attrib["cy"])) for dot in drawn.iter(f"{space}circle")]
    assert dots[0] == (float(line["x1"]), float(line["y1"])) and dots[2] == (float(line["x2"]), float(line["y2"]))
    assert dots[1] == ((dots[0][0] + dots[2][0]) / 2, (dots[0][1] + dots[2][1]) / 2)
