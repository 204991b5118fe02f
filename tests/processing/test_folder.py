"""Folders through the line: what lies where, one bad photo, resume, several processes, one that dies."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from processing import __main__
from processing.channels import load_channels
from processing.errors import InputRejected, ResourceUnavailable
from processing.folder import Job, Journal, Plan, find_photos
from processing.params import STANDARD_PRESET
from processing.pool import Pool, process_folder
from tests.processing.cards import card_photo
from tests.processing.pictures import saved
from tests.processing.scenes import Scene, draw, overlap

SHOPIFY = load_channels()["shopify"]


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [draw(seed, shape="mug", size=(1100, 1050), fill=0.7) for seed in (21, 22, 23)]


@pytest.fixture
def folder(tmp_path: Path, scenes: list[Scene]) -> Path:
    place = tmp_path / "in"
    (place / "sub").mkdir(parents=True)
    saved(place / "a.jpg", scenes[0].rgb, quality=95)
    saved(place / "a.png", scenes[1].rgb)
    saved(place / "sub" / "c.jpg", scenes[2].rgb, quality=95)
    (place / "bad.jpg").write_bytes(b"\xff\xd8" + b"0" * 3000)
    return place


def _plan(out: Path) -> Plan:
    return Plan(out, STANDARD_PRESET, SHOPIFY, "studio", today=date(2026, 11, 27))


def _run(folder: Path, out: Path, workers: int) -> dict[str, tuple[str, bool]]:
    plan = _plan(out)
    jobs = find_photos(folder, out)
    with Journal(plan) as journal:
        ended = process_folder(jobs, plan, journal, workers=workers)
        return {job.name: (report["status"], is_earlier) for job, report, is_earlier in ended}


def test_every_photo_has_a_stem_of_its_own_and_results_are_no_photos(folder: Path) -> None:
    out = folder / "results"
    out.mkdir()
    saved(out / "old.png", np.zeros((4, 4, 3), np.uint8))
    jobs = find_photos(folder, out)
    assert [(job.name, job.stem) for job in jobs] == [
        ("a.jpg", "a"), ("a.png", "a-png"), ("bad.jpg", "bad"), ("sub/c.jpg", "sub/c")]  # fmt: skip
    with pytest.raises(InputRejected, match="folder of their own"):
        find_photos(folder, folder)
    with pytest.raises(InputRejected, match="no file or folder"):
        find_photos(folder / "nowhere", out)


def test_sch10_two_processes_one_bad_photo_and_a_second_run_does_nothing_twice(
    folder: Path, tmp_path: Path, scenes: list[Scene]
) -> None:
    out = tmp_path / "out"
    first = _run(folder, out, workers=2)
    assert first == {
        "a.jpg": ("ok", False), "a.png": ("ok", False), "bad.jpg": ("failed", False), "sub/c.jpg": ("ok", False)
    }  # fmt: skip
    for stem, scene in zip(("a", "a-png", "sub/c"), scenes, strict=True):
        with Image.open(out / f"{stem}.alpha.png") as matte:
            assert matte.mode == "L" and matte.size == scene.alpha.shape[::-1]
            assert overlap(np.asarray(matte) / np.float32(255), scene.alpha) > 0.95
        assert (out / f"{stem}.shopify.webp").is_file()
    second = _run(folder, out, workers=1)
    assert second == {
        "a.jpg": ("ok", True), "a.png": ("ok", True), "bad.jpg": ("failed", False), "sub/c.jpg": ("ok", True)
    }  # fmt: skip
    (out / "a.shopify.webp").unlink()
    os.utime(folder / "sub" / "c.jpg")
    third = _run(folder, out, workers=1)
    assert [name for name, (status, is_earlier) in third.items() if status == "ok" and not is_earlier] == [
        "a.jpg", "sub/c.jpg"]  # fmt: skip


def test_one_and_two_processes_give_the_same_files(folder: Path, tmp_path: Path) -> None:
    _run(folder, tmp_path / "one", workers=1)
    _run(folder, tmp_path / "two", workers=2)
    for file in sorted((tmp_path / "one").rglob("*.png")) + sorted((tmp_path / "one").rglob("*.webp")):
        assert (tmp_path / "two" / file.relative_to(tmp_path / "one")).read_bytes() == file.read_bytes()


def test_a_photo_whose_process_is_killed_is_tried_again_alone(folder: Path, tmp_path: Path) -> None:
    plan = _plan(tmp_path / "out")
    job = Job(folder / "a.jpg", "a.jpg", "a")
    pool = Pool(plan, 1)
    try:
        pool.submit(job)
        for process in pool.pids():
            os.kill(process, signal.SIGKILL)
        ended: list[tuple[Job, dict[str, object]]] = []
        while pool.running or not ended:
            ended += pool.finished()
    finally:
        pool.close()
    assert [(name.name, report["status"]) for name, report in ended] == [("a.jpg", "ok")]


def test_a_process_that_died_between_two_photos_costs_neither(folder: Path, tmp_path: Path) -> None:
    pool = Pool(_plan(tmp_path / "out"), 1)
    ended: list[tuple[Job, dict[str, object]]] = []
    try:
        pool.submit(Job(folder / "a.jpg", "a.jpg", "a"))
        while not pool.is_idle:
            ended += pool.finished()
        (process,) = pool.pids()
        os.kill(process, signal.SIGKILL)
        time.sleep(1.0)  # the pool notices by itself
        pool.submit(Job(folder / "a.png", "a.png", "a-png"))
        assert [job.name for job in pool.lost] == ["a.png"]
        while not pool.is_idle:
            ended += pool.finished()
    finally:
        pool.close()
    assert [(job.name, report["status"]) for job, report in ended] == [("a.jpg", "ok"), ("a.png", "ok")]


def test_a_result_that_cannot_be_written_fails_its_photo_only(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "a.shopify.webp").mkdir(parents=True)  # a folder where the file should go
    found = _run(folder, out, workers=1)
    assert found["a.jpg"] == ("failed", False) and found["a.png"] == ("ok", False)


def test_stopping_begins_nothing_new(folder: Path, tmp_path: Path) -> None:
    plan = _plan(tmp_path / "out")
    with Journal(plan) as journal:
        for workers in (1, 2):
            jobs = find_photos(folder, tmp_path / "out")
            assert list(process_folder(jobs, plan, journal, workers=workers, is_stopped=lambda: True)) == []


def test_pro11_a_card_and_a_reference_of_the_shoot_reach_every_photo(folder: Path, tmp_path: Path) -> None:
    card = saved(tmp_path / "card.png", card_photo())
    plain, helped = tmp_path / "plain", tmp_path / "helped"
    words = ["run", str(folder / "sub"), "--channel", "shopify", "--remover", "studio", "--workers", "1"]
    assert __main__.main([*words, "--out", str(plain)]) == 0
    reference = str(plain / "c.shopify.webp")
    assert __main__.main([*words, "--out", str(helped), "--card", str(card), "--reference", reference]) == 0
    report = json.loads((helped / "report.json").read_text())["photos"][0]
    assert "reference" in " ".join(finding["code"] for finding in report["findings"])
    assert (helped / "c.shopify.webp").read_bytes() != (plain / "c.shopify.webp").read_bytes()
    assert __main__.main([*words, "--out", str(helped), "--card", str(folder / "a.jpg")]) == 2


def test_pro19_the_command_reports_scores_measures_remover_and_timings(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", str(folder), "--out", str(tmp_path / "out"), "--channel", "shopify", "--remover", "studio",
             "--workers", "1", "--json", "-"]  # fmt: skip
    assert __main__.main(words) == 1
    told = capsys.readouterr()
    assert "Total: 4" in told.err and "Failed: 1" in told.err
    report = json.loads(told.out)
    good = next(row for row in report["photos"] if row["file"] == "a.jpg")
    assert 0 <= good["score"]["total"] <= 100 and good["score"]["measures"]
    assert good["remover"] == "studio" and 0 <= good["confidence"] <= 1
    assert [row["name"] for row in good["timings"]] == ["decode", "removal", "rgb_verify", "crop", "colour", "score"]
    assert good["is_verified"] and {row["rule"] for row in good["checks"]} >= {"decodes", "format", "profile"}
    assert __main__.main(["run", str(tmp_path / "nowhere"), "--out", str(tmp_path / "x")]) == 2


@pytest.mark.parametrize("workers", [1, 2])
def test_weights_that_cannot_be_loaded_end_the_run_however_many_work(
    folder: Path, tmp_path: Path, workers: int
) -> None:
    (tmp_path / "u2netp.onnx").write_bytes(b"no network")
    plan = replace(_plan(tmp_path / "out"), remover="rembg", model="u2netp.onnx", model_dir=tmp_path)
    with Journal(plan) as journal, pytest.raises(ResourceUnavailable) as broken:
        list(process_folder(find_photos(folder, plan.out), plan, journal, workers=workers))
    assert broken.value.code == "model_broken"


def test_each_process_of_a_pool_uses_one_thread_and_the_caller_keeps_its_own(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    pool = Pool(_plan(tmp_path / "out"), 1)
    try:
        pool.submit(Job(folder / "a.jpg", "a.jpg", "a"))
        (process,) = pool.pids()
        told = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
        assert {b"OMP_NUM_THREADS=1", b"OPENBLAS_NUM_THREADS=1"} <= set(told)
    finally:
        pool.close()
    assert os.environ["OMP_NUM_THREADS"] == "7" and "OPENBLAS_NUM_THREADS" not in os.environ
