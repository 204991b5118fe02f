"""`run --even`: exposures come together and variants of one SKU get one correction (PRO-08, PRO-13, QC-17, QC-35)."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from processing import __main__, codecs
from processing.colour import ColourTransform
from processing.evening import to_make_again
from processing.folder import Job
from processing.params import STANDARD_PRESET
from processing.pipeline import Made
from processing.quality.difference import to_lab
from tests.processing.pictures import saved
from tests.processing.scenes import draw

SHOTS = {"product-SKU1-front-v1": -0.35, "product-SKU1-back-v1": 0.0, "IMG_0007": 0.1, "IMG_0008": 0.3}
"""One product shot four times, so many EV more or less exposed."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("shoot")
    scene = draw(21, shape="mug", size=(700, 650), fill=0.7, shadow=0.0)
    for name, ev in SHOTS.items():
        tint = replace(ColourTransform(), gains=(1.03, 1.0, 0.98)) if name.endswith("back-v1") else ColourTransform()
        saved(place / f"{name}.jpg", tint.exposed(ev - 0.5).apply(scene.rgb), quality=95)
    return place


@pytest.fixture(scope="module")
def preset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shoot whose exposure is meant: each photo is balanced, none is brightened by itself."""
    path = tmp_path_factory.mktemp("preset") / "preset.json"
    params = replace(STANDARD_PRESET, colour=replace(STANDARD_PRESET.colour, exposure="off"))
    path.write_text(json.dumps(params.to_dict()))
    return path


def run(folder: Path, out: Path, preset: Path, *more: str) -> tuple[int, dict[str, Any]]:
    words = ["run", str(folder), "--out", str(out), "--channel", "shopify", "--remover", "studio"]
    status = __main__.main([*words, "--preset", str(preset), "--workers", "1", *more])
    return status, json.loads((out / "report.json").read_text())


def lightness(out: Path, report: dict[str, Any]) -> dict[str, float]:
    """Mean L* of the product in each finished file, by the photo's name."""
    found = {}
    for row in report["photos"]:
        light = to_lab(codecs.decode(out / row["outputs"]["rendered"])[0])[..., 0]
        found[row["file"].removesuffix(".jpg")] = float(light[light < 92].mean())
    return found


def spread(values: Any) -> float:
    return max(values) - min(values)


def test_pro13_finished_files_of_a_set_come_together(folder: Path, preset: Path, tmp_path: Path) -> None:
    _, plain = run(folder, tmp_path / "plain", preset, "--set")
    status, evened = run(folder, tmp_path / "even", preset, "--even")
    assert status == 0 and all(row["is_verified"] for row in evened["photos"])
    apart, together = lightness(tmp_path / "plain", plain), lightness(tmp_path / "even", evened)
    assert spread(apart.values()) > 6 and spread(together.values()) < 0.15 * spread(apart.values())
    assert evened["set"]["plan"] == plain["set"]["plan"] and evened["set"]["before"] == plain["set"]["consistency"]
    assert evened["set"]["consistency"]["score"] > plain["set"]["consistency"]["score"]


def test_pro08_variants_of_one_sku_have_one_correction(folder: Path, preset: Path, tmp_path: Path) -> None:
    _, report = run(folder, tmp_path / "even", preset, "--even")
    rows = {row["file"]: row for row in report["photos"]}
    front, back = (rows[f"product-SKU1-{side}-v1.jpg"]["set"]["correction"] for side in ("front", "back"))
    plan = report["set"]["plan"]
    shared = [
        np.array(made["gains"]) / 2.0 ** plan[f"product-SKU1-{side}-v1.jpg"]["offset_ev"]
        for side, made in (("front", front), ("back", back))
    ]
    assert np.abs(shared[0] - shared[1]).max() < 2e-3, "exposure left out: the offset is each photo's own"
    assert (front["contrast"], front["saturation"]) == (back["contrast"], back["saturation"])


def test_a_second_run_makes_nothing_again_and_a_plain_one_everything(
    folder: Path, preset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    _, first = run(folder, out, preset, "--even")
    told = capsys.readouterr().err
    assert "Total: 4" in told and "Brought in line with their set: " in told
    stamps = {path: path.stat().st_mtime_ns for path in out.glob("*.jpg")}
    status, again = run(folder, out, preset, "--even")
    assert status == 0 and again == first and "Already done: 4" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in out.glob("*.jpg")} == stamps
    _, plain = run(folder, out, preset, "--set")
    _, fresh = run(folder, tmp_path / "fresh", preset, "--set")
    assert lightness(out, plain) == lightness(tmp_path / "fresh", fresh), (
        "the evened files are not taken for plain ones"
    )


def test_sch10_a_run_stopped_between_the_passes_says_so_and_goes_on(
    folder: Path, preset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the last photo of the first pass: everything was cut out, nothing is even yet."""
    from processing import folder as folders

    made = folders.pipeline.make
    seen = []

    def interrupted(*words: Any, **more: Any) -> Made:
        seen.append(words)
        if len(seen) == len(SHOTS):
            signal.raise_signal(signal.SIGINT)
        return made(*words, **more)

    monkeypatch.setattr(folders.pipeline, "make", interrupted)
    out = tmp_path / "out"
    status, report = run(folder, out, preset, "--even")
    assert status == 130 and len(seen) == len(SHOTS)
    monkeypatch.undo()
    status, report = run(folder, out, preset, "--even")
    _, whole = run(folder, tmp_path / "whole", preset, "--even")
    assert status == 0 and report["set"] == whole["set"]
    assert lightness(out, report) == lightness(tmp_path / "whole", whole)


def test_two_ways_to_one_look_are_refused(
    folder: Path, preset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", str(folder), "--out", str(tmp_path / "o"), "--even", "--reference", str(folder / "IMG_0007.jpg")]
    assert __main__.main(words) == 2 and "take one of them" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_a_set_bent_to_a_reference_is_reported_without_a_plan(folder: Path, preset: Path, tmp_path: Path) -> None:
    status, report = run(folder, tmp_path / "out", preset, "--set", "--reference", str(folder / "IMG_0007.jpg"))
    assert status == 0 and report["set"]["photos"] == 4 and report["set"]["plan"] == {}


def test_a_photo_without_facts_is_not_made_again() -> None:
    job = Job(Path("a.jpg"), "a.jpg", "a")
    assert to_make_again([job], [{"file": "a.jpg", "status": "failed"}]) == []
    own = {"look": None, "phash": "0", "correction": ColourTransform().to_dict(), "bytes": 1}
    assert to_make_again([job], [{"file": "a.jpg", "set": own}]) == [], "alone it is its set's middle"
