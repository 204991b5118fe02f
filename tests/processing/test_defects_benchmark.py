"""The benchmark's own arithmetic: ranks, alarms, what would ship; and one product through it for real."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from benchmarks import defects as benchmark
from processing.quality import defects
from tests.processing import scenes


def row(kind: str, total: float, gates: list[str] | None = None, **measures: float) -> dict[str, object]:
    return {"kind": kind, "total": total, "gates": gates or [], "measures": measures, "number": 0}


def test_auc_is_the_chance_of_the_right_order() -> None:
    assert benchmark.auc([3, 4], [1, 2]) == 1.0
    assert benchmark.auc([1, 2], [3, 4]) == 0.0
    assert benchmark.auc([1, 3], [2, 2]) == 0.5
    assert benchmark.auc([2], [2]) == 0.5


def test_a_failed_gate_is_worse_than_any_number_of_points() -> None:
    gated = benchmark.badness(row("blank", 100.0, ["blank"]))
    assert gated >= benchmark.badness(row("halo_2px", 0.0))
    assert not benchmark.ships(row("blank", 100.0, ["blank"])) and benchmark.ships(row("good", 90.0))
    assert not benchmark.ships(row("good", 89.999))


def test_the_summary_counts_what_would_ship_and_what_is_seen() -> None:
    good = [row(kind, 98.0) for kind in defects.GOOD_KINDS for _ in range(10)]
    bad = [row(kind, 95.0 if kind == "fringe" else 60.0, fringe=0.9) for kind in defects.defect_kinds()]
    found = benchmark.summary([*good, *bad])  # type: ignore[list-item]
    assert found["good_shipped_ratio"] == 1.0
    assert found["kinds"]["fringe"] == {
        "auc": 1.0, "detected": 1.0, "would_ship": 1, "products": 1, "measure": "fringe", "measure_auc": 1.0,
    }  # fmt: skip
    assert found["kinds"]["bite"]["would_ship"] == 0


def test_one_product_goes_through_encoding_and_scoring(tmp_path: Path) -> None:
    scene = scenes.draw(3, shape="bottle", kind="grey", size=(900, 900), fill=0.9, shadow=0.1)
    Image.fromarray(scene.rgb).save(tmp_path / "photo.jpg", quality=95)
    cv2.imwrite(str(tmp_path / "mask.png"), np.round(scene.alpha * 255).astype(np.uint8))
    place = ("bottle", tmp_path / "photo.jpg", tmp_path / "mask.png")
    rows = {str(item["kind"]): item for item in benchmark.judged((0, place, place))}
    assert set(rows) == {*defects.GOOD_KINDS, *defects.defect_kinds()}
    assert benchmark.ships(rows["good"])
    assert not any(benchmark.ships(rows[kind]) for kind in defects.GATE_KINDS - {"wrong_file"})
