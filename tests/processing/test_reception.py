"""What a run asks of its photos and says of them: VAL-13, VAL-15, CLS-05, ING-12; the set: QC-16, QC-17, PRO-08."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from processing import __main__, convention, pipeline
from processing.channels import load_channels
from processing.intake import PROFILES, ValidationProfile, inspect
from processing.params import STANDARD_PRESET, ScoringParams
from processing.reception import Reception, judged
from processing.removal.base import create_remover
from processing.set_report import facts_of, report_on
from tests.processing.pictures import saved, textured
from tests.processing.scenes import draw

SHOPIFY = load_channels()["shopify"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("shoot")
    for seed, name in ((21, "product-SKU1-front-v1"), (22, "product-SKU1-back-v1"), (23, "IMG_0007")):
        saved(place / f"{name}.jpg", draw(seed, shape="mug", size=(700, 650), fill=0.7).rgb, quality=92)
    return place


def _run(folder: Path, out: Path, *more: str) -> tuple[int, dict[str, Any]]:
    words = ["run", str(folder), "--out", str(out), "--channel", "shopify", "--remover", "studio", "--workers", "1"]
    return __main__.main([*words, *more]), json.loads((out / "report.json").read_text())


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("product-SKU12345-front-v1.jpg", ("product", "SKU12345", "front", "v1")),
        ("product-SKU12345-front-processed.jpg", ("product", "SKU12345", "front", "processed")),
        ("wedding-smith-ceremony-IMG0234.jpg", ("wedding", "smith", "ceremony", "IMG0234")),
        ("realestate-123main-kitchen-01.jpg", ("realestate", "123main", "kitchen", "01")),
        ("product-A1-left-side-v2.png", ("product", "A1", "left-side", "v2")),
    ],
)
def test_ing12_a_conventional_name_has_four_parts(name: str, parts: tuple[str, ...]) -> None:
    found = convention.parse(name)
    assert found is not None and (found.category, found.id, found.descriptor, found.version) == parts


@pytest.mark.parametrize(
    "name", ["IMG_0007.jpg", "product-SKU1-v1.jpg", "product--front-v1.jpg", "a-b-c-d", "ü-1-2-3.jpg"]
)
def test_ing12_other_names_have_none(name: str) -> None:
    assert convention.parse(name) is None


def test_val13_a_profile_can_flag_or_refuse_other_names(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", textured(), quality=90)
    for naming, name, passed, codes in (
        ("", "IMG_0007.jpg", True, set()),
        ("flag", "IMG_0007.jpg", True, {"bad_name"}),
        ("flag", "product-SKU1-front-v1.jpg", True, set()),
        ("reject", "product-SKU1-front-v1.jpg", True, set()),
    ):
        report = inspect(path, ValidationProfile("any", "Any", naming=naming), name)  # type: ignore[arg-type]
        assert report.passed is passed
        assert {finding.code for finding in report.findings} & {"bad_name"} == codes
    refused = inspect(path, ValidationProfile("any", "Any", naming="reject"), "IMG_0007.jpg")
    assert (refused.passed, refused.code) == (False, "bad_name") and "IMG_0007.jpg" in refused.reason


def test_val13_the_command_flags_and_refuses(folder: Path, tmp_path: Path) -> None:
    status, report = _run(folder, tmp_path / "flagged", "--naming", "flag")
    assert status == 0
    flagged = {
        row["file"]: [finding["code"] for finding in row["intake"]["findings"]].count("bad_name")
        for row in report["photos"]
    }
    assert flagged == {"IMG_0007.jpg": 1, "product-SKU1-back-v1.jpg": 0, "product-SKU1-front-v1.jpg": 0}
    status, report = _run(folder, tmp_path / "refused", "--naming", "reject")
    assert status == 1
    assert {row["file"]: row.get("code") for row in report["photos"]}["IMG_0007.jpg"] == "bad_name"


def test_a_run_says_what_falls_short_of_the_channel_and_refuses_it_when_asked(folder: Path, tmp_path: Path) -> None:
    _, report = _run(folder, tmp_path / "told")
    assert {row["intake"]["profile"] for row in report["photos"]} == {"basic-500"}
    assert all(row["intake"]["passed"] for row in report["photos"])
    status, report = _run(folder, tmp_path / "asked", "--profile", "marketplace-1000")
    assert status == 1
    assert {(row["code"], row["category"]) for row in report["photos"]} == {("resolution_too_low", "photo")}


def test_val15_cls05_a_closer_look_names_lane_class_and_rule(folder: Path, tmp_path: Path) -> None:
    _, report = _run(folder, tmp_path / "out", "--intake")
    for row in report["photos"]:
        direct = inspect(folder / row["file"], PROFILES["basic-500"], row["file"])
        told = row["intake"]
        assert told["lane"] == direct.suggested_lane
        assert [finding["code"] for finding in told["findings"]] == [finding.code for finding in direct.findings]
        assert told["class"]["complexity"] in ("simple", "medium", "complex") and "limits" in told["class"]["rule"]


def test_val15_white_on_white_reaches_people(tmp_path: Path) -> None:
    pale = draw(3, shape="disc", colour=(229.0, 229.0, 227.0), shadow=0.05, size=(900, 900)).rgb
    path = saved(tmp_path / "pale.jpg", pale, quality=95)
    made = pipeline.make(path, STANDARD_PRESET, SHOPIFY, ScoringParams(), create_remover("studio"))
    told = judged(made, path, Reception(looks_closely=True), SHOPIFY)
    assert "white_on_white" in [finding["code"] for finding in told["findings"]]
    assert told["lane"] == "automated_then_review" and told["class"]["rule"].startswith("Colour match risk")


def test_qc17_the_set_is_reported(folder: Path, tmp_path: Path) -> None:
    _, report = _run(folder, tmp_path / "out", "--set")
    told = report["set"]
    assert told["photos"] == 3 and 0 < told["consistency"]["score"] <= 100
    assert set(told["plan"]) == {row["file"] for row in report["photos"]}
    front, back = (told["plan"][f"product-SKU1-{side}-v1.jpg"] for side in ("front", "back"))
    apart = np.array(front["gains"]) / 2.0 ** front["offset_ev"] - np.array(back["gains"]) / 2.0 ** back["offset_ev"]
    assert np.abs(apart).max() < 2e-3  # PRO-13: two shots of one SKU get one correction, exposure left out
    _, again = _run(folder, tmp_path / "out", "--set")
    assert again["set"] == told


def test_qc16_who_stands_out_and_who_is_there_twice(folder: Path) -> None:
    path = folder / "IMG_0007.jpg"
    made = pipeline.make(path, STANDARD_PRESET, SHOPIFY, ScoringParams(), create_remover("studio"))
    usual = facts_of(made, 100_000)
    facts: dict[str, dict[str, Any]] = {f"{number}.jpg": {**usual, "bytes": 100_000 + number} for number in range(11)}
    lighter = {**usual["look"], "lightness": usual["look"]["lightness"] + 30}
    facts["odd.jpg"] = {**usual, "look": lighter, "bytes": 9_000_000}
    told = report_on(facts)
    assert {(row["file"], row["reason"]) for row in told["outliers"]} == {
        ("odd.jpg", "File size anomaly"), ("odd.jpg", "lighter or darker than the rest of the set")}  # fmt: skip
    assert len(told["near_duplicates"]) == 66 and told["near_duplicates"][0]["bits_apart"] == 0
    assert report_on({})["photos"] == 0
