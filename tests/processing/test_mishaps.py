"""Nothing a single file does stops a run, and nothing it leaves is stale (PRO-16, SCH-10, SCH-26, C35, D14)."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from processing import __main__, codecs
from processing.channels import load_channels
from processing.errors import InputRejected, ResourceUnavailable, StageFailed
from processing.folder import Job, Plan, find_photos, process_one
from processing.glance import glance
from processing.optimise.options import Options
from processing.optimise.picture import optimise
from processing.params import STANDARD_PRESET, ProcessingParams, WatermarkParams
from processing.pool import Pool
from processing.quality.outline import trace
from processing.removal.base import create_remover, weights_sha256
from processing.removal.confidence import _bites
from processing.resumable import Notes, find_files, fitting, write_whole
from processing.types import Removal, RGBArray
from tests.processing.pictures import saved, textured
from tests.processing.scenes import draw

SHOPIFY = load_channels()["shopify"]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def mug(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(
        tmp_path_factory.mktemp("mug") / "mug.jpg", draw(21, shape="mug", size=(700, 650), fill=0.7).rgb, quality=92
    )


def _run(source: Path, out: Path, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    status = __main__.main(
        ["run", str(source), "--out", str(out), "--channel", "shopify", "--remover", "studio", "--workers", "1", *more]
    )
    report = json.loads((out / "report.json").read_text()) if (out / "report.json").is_file() else {"photos": []}
    return status, {photo["file"]: photo for photo in report["photos"]}


class _Falls:
    """A remover that meets what nobody foresaw."""

    name, model_name, model_sha256 = "falls", "", ""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def remove(self, image: RGBArray) -> Removal:
        raise self._error


@pytest.mark.parametrize(
    ("error", "code", "category", "words"),
    [
        (ZeroDivisionError("division by zero"), "unexpected", "unexpected", "ZeroDivisionError: division by zero"),
        (MemoryError(), "out_of_memory", "resource", "not enough memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "unreadable", "storage", "No space left"),
        (StageFailed("Nothing.", code="nothing_cut_out"), "nothing_cut_out", "stage", "Nothing."),
        (ResourceUnavailable("No weights.", code="model_missing"), "model_missing", "resource", "No weights."),
        (InputRejected("No logo.", code="plate_missing"), "plate_missing", "setting", "No logo."),
        (InputRejected("Cut short.", code="unreadable"), "unreadable", "photo", "Cut short."),
    ],
)
def test_pro16_whatever_a_photo_raises_is_named_and_sorted(
    error: Exception, code: str, category: str, words: str, mug: Path, tmp_path: Path
) -> None:
    plan = Plan(tmp_path, STANDARD_PRESET, SHOPIFY, "studio")
    report = process_one(Job(mug, "mug.jpg", "mug"), plan, _Falls(error))
    assert (report["status"], report["code"], report["category"]) == ("failed", code, category)
    assert words in report["reason"]
    assert not list(tmp_path.iterdir())


def test_pro16_a_traceback_is_printed_for_those_who_ask_and_ctrl_c_is_never_swallowed(
    mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job, plan = Job(mug, "mug.jpg", "mug"), Plan(tmp_path, STANDARD_PRESET, SHOPIFY, "studio")
    process_one(job, plan, _Falls(KeyError("x")))
    assert capsys.readouterr().err == ""
    process_one(job, replace(plan, is_verbose=True), _Falls(KeyError("x")))
    told = capsys.readouterr().err
    assert told.startswith("mug.jpg:") and "in remove" in told and "KeyError: 'x'" in told
    with pytest.raises(KeyboardInterrupt):
        process_one(job, plan, _Falls(KeyboardInterrupt()))


def test_pro16_a_folder_of_odd_files_is_worked_through(
    mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "in"
    place.mkdir()
    saved(place / "band.png", np.tile(textured(20, 20), (1, 600, 1)))  # 12,000 x 20 px
    (place / "dead.jpg").symlink_to(tmp_path / "nowhere.jpg")
    os.mkfifo(place / "pipe.jpg")
    (place / "tiny.png").write_bytes(codecs.encode_png(np.zeros((1, 1, 3), np.uint8)))
    named = os.fsencode(place) + b"/caf\xe9.jpg"
    Path(os.fsdecode(named)).write_bytes(mug.read_bytes())
    (place / f"{'n' * 245}.jpg").write_bytes(mug.read_bytes())
    (place / "None.jpg").write_bytes(mug.read_bytes())
    status, found = _run(place, tmp_path / "out")
    assert status == 1
    assert {name: row.get("code", "ok") for name, row in found.items()} == {
        "None.jpg": "ok", f"{'n' * 245}.jpg": "ok", os.fsdecode(b"caf\xe9.jpg"): "ok", "dead.jpg": "missing",
        "pipe.jpg": "no_file", "tiny.png": "file_too_small", "band.png": found["band.png"]["code"],
    }  # fmt: skip
    assert found["band.png"]["category"] in ("photo", "stage")
    assert all(
        (tmp_path / "out" / name).is_file() for row in found.values() for name in row.get("outputs", {}).values()
    )
    assert "Total: 7" in capsys.readouterr().err
    again, _ = _run(place, tmp_path / "out")
    assert again == 1 and "Already done: 3" in capsys.readouterr().err
    begun = time.monotonic()
    words = ["optimise", str(place), "--out", str(tmp_path / "small"), "--json", str(tmp_path / "small.json")]
    assert __main__.main(words) == 1
    rows = {row["file"]: row for row in json.loads((tmp_path / "small.json").read_text())["pictures"]}
    failed = {name: row["code"] for name, row in rows.items() if row["status"] == "failed"}
    assert failed == {"dead.jpg": "missing", "pipe.jpg": "no_file"}
    assert time.monotonic() - begun < 30


def test_a_picture_of_one_grey_pixel_is_glanced_at(tmp_path: Path) -> None:
    path = tmp_path / "dot.jpg"
    Image.new("L", (1, 1), 128).save(path, comment=b"x" * 2000)
    assert glance(path, 400).rgb.shape == (1, 1, 3)


def test_an_outline_longer_than_opencv_remaps_in_one_row_is_read() -> None:
    alpha = np.zeros((700, 1200), np.float32)
    alpha[20:680, 10:1190] = 1.0
    alpha[40:680, 20:1190:6] = 0.0
    alpha[40:680, 21:1190:6] = 0.0  # a comb of some 195 teeth: one ring of over 200,000 px
    outline = trace(alpha)
    assert outline is not None and outline.length_px > 200_000


@pytest.mark.parametrize("shape", [(20, 30_000), (30_000, 20), (1, 700), (1, 1)])
def test_a_very_narrow_picture_has_bites_too(shape: tuple[int, int]) -> None:
    assert _bites(np.ones(shape, np.uint8)) == 0.0


def test_c35_another_logo_or_other_weights_make_results_anew(mug: Path, tmp_path: Path) -> None:
    params = ProcessingParams(watermark=WatermarkParams(channels=("website",), logo="logo.png"))
    brand = tmp_path / "brand"
    brand.mkdir()
    saved(brand / "logo.png", np.full((40, 90, 3), (200, 0, 0), np.uint8))
    plan = Plan(tmp_path / "out", params, load_channels()["website"], "studio", brand=brand)
    first = plan.digest()
    assert plan.digest() == first
    saved(brand / "logo.png", np.full((40, 90, 3), (0, 0, 200), np.uint8))
    assert plan.digest() != first
    models = tmp_path / "models"
    models.mkdir()
    digests = set()
    for weights in (b"one", b"two"):
        (models / "u2net_shop.onnx").write_bytes(weights)
        rembg = Plan(tmp_path / "out", STANDARD_PRESET, SHOPIFY, "rembg", "u2net_shop.onnx", models)
        digests.add(rembg.digest())
    digests |= {Plan(tmp_path / "out", STANDARD_PRESET, SHOPIFY, name).digest() for name in ("studio", "compact")}
    assert len(digests) == 4
    assert weights_sha256("studio") == "" and weights_sha256("compact") == create_remover("compact").model_sha256


def test_d14_a_new_logo_reaches_the_files_of_the_same_command(mug: Path, tmp_path: Path) -> None:
    preset = tmp_path / "preset.json"
    params = ProcessingParams(watermark=WatermarkParams(channels=("website",), logo="logo.png", opacity=1.0))
    preset.write_text(json.dumps(params.to_dict()))
    brand = tmp_path / "brand"
    brand.mkdir()
    words = ["run", str(mug), "--out", str(tmp_path / "out"), "--channel", "website", "--remover", "studio",
             "--preset", str(preset), "--brand", str(brand), "--workers", "1"]  # fmt: skip
    made = []
    for colour in ((200, 0, 0), (0, 0, 200)):
        saved(brand / "logo.png", np.full((40, 90, 3), colour, np.uint8))
        assert __main__.main(words) == 0
        made.append((tmp_path / "out" / "mug.website.jpg").read_bytes())
    assert made[0] != made[1]


def test_a_damaged_logo_is_told_once_and_no_photo_is_blamed(
    mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    preset = tmp_path / "preset.json"
    params = ProcessingParams(watermark=WatermarkParams(channels=("website",), logo="logo.png"))
    preset.write_text(json.dumps(params.to_dict()))
    (tmp_path / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 3000)
    words = ["run", str(mug), "--out", str(tmp_path / "out"), "--channel", "website", "--remover", "studio"]
    assert __main__.main([*words, "--preset", str(preset), "--brand", str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert "logo logo.png in the brand folder" in told and "Export it" not in told


@pytest.mark.parametrize("command", ["run", "optimise"])
def test_a_place_that_takes_no_results_or_no_report_is_told_before_the_work(
    command: str, mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    assert __main__.main([command, str(mug), "--out", str(blocked / "out")]) == 2
    assert "can't be written" in capsys.readouterr().err
    words = [command, str(mug), "--out", str(tmp_path / "out"), "--json"]
    assert __main__.main([*words, str(blocked / "deep" / "report.json")]) == 2
    assert __main__.main([*words, str(tmp_path)]) == 2
    assert "The report can't be written" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_workers_are_a_number_from_one(mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert __main__.main(["run", str(mug), "--out", str(tmp_path / "out"), "--workers", "-3"]) == 2
    assert "1 to 256" in capsys.readouterr().err


def test_a_full_disk_leaves_no_halves_and_no_empty_report(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("the last one")
    (tmp_path / "sub").mkdir()
    with pytest.raises(StageFailed, match="can't be written"):
        write_whole(tmp_path / "sub", b"data")  # a folder stands where the file should go
    assert target.read_text() == "the last one"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["report.json", "sub"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_notes_that_cannot_be_taken_cost_the_notes_only(tmp_path: Path) -> None:
    (tmp_path / ".run.jsonl").symlink_to("/dev/full")
    notes = Notes(tmp_path / ".run.jsonl")
    for _ in range(3):
        notes.add("a.jpg", "key", {"a": 1})
    notes.close()
    assert "can't be noted" in notes.trouble


def test_results_of_another_run_are_no_photos(mug: Path, tmp_path: Path) -> None:
    place = tmp_path / "in"
    place.mkdir()
    (place / "mug.jpg").write_bytes(mug.read_bytes())
    status, _ = _run(place, place / "results")
    assert status == 0 and (place / "results" / "mug.alpha.png").is_file()
    assert [job.name for job in find_photos(place, tmp_path / "elsewhere")] == ["mug.jpg"]
    assert find_files(place / "results", tmp_path, lambda suffix: suffix == ".png")  # unless they are asked for


def test_a_long_name_is_cut_the_same_way_every_time_and_short_ones_are_left_alone() -> None:
    assert fitting("mug", 64) == "mug"
    long, other = "ö" * 120, "ö" * 119 + "o"
    assert len(fitting(long, 64).encode()) <= 255 - 64
    assert fitting(long, 64) == fitting(long, 64) != fitting(other, 64)


@pytest.mark.parametrize("resize", [True, False])
def test_cmyk_without_a_profile_looks_the_same_from_both_commands(resize: bool, tmp_path: Path) -> None:
    inks = np.zeros((64, 64, 4), np.uint8)
    inks[:] = (160, 100, 120, 10)
    Image.fromarray(inks, "CMYK").save(tmp_path / "press.jpg", quality=98)
    line, _ = codecs.decode(tmp_path / "press.jpg")
    options = Options(strategy="fixed", quality=98, operations=("resize", "compress") if resize else ("compress",))
    optimise(tmp_path / "press.jpg", tmp_path / "out.jpg", options)
    plain, _ = codecs.decode(tmp_path / "out.jpg")
    assert np.abs(plain.astype(int) - line).max() <= 2


def _started(words: list[str], cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "processing", *words], cwd=cwd, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def test_ctrl_c_twice_still_leaves_a_report_and_says_how_much_was_left(mug: Path, tmp_path: Path) -> None:
    place = tmp_path / "in"
    place.mkdir()
    for number in range(200):
        (place / f"{number:03}.jpg").write_bytes(mug.read_bytes())
    words = ["run", str(place), "--out", str(tmp_path / "out"), "--channel", "shopify", "--workers", "2", "-v",
             "--remover", "studio"]  # fmt: skip
    with _started(words, ROOT) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        while "Successfully" not in line:
            assert line, "it ended by itself"
            line = process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the command
        while "Stopping after" not in process.stderr.readline():
            pass
        os.killpg(process.pid, signal.SIGINT)
        told = process.stderr.read()
        assert process.wait(timeout=60) == 130
    assert "Traceback" not in told and "of 200 not done" in told
    assert "Batch processing complete" not in told
    photos = json.loads((tmp_path / "out" / "report.json").read_text())["photos"]
    assert photos and len(photos) < 200


def test_workers_leave_ctrl_c_to_the_first_process(mug: Path, tmp_path: Path) -> None:
    pool = Pool(Plan(tmp_path, STANDARD_PRESET, SHOPIFY, "studio"), 1)
    try:
        pool.submit(Job(mug, "mug.jpg", "mug"))
        ended: list[tuple[Job, dict[str, Any]]] = []
        while not pool.is_idle:
            ended += pool.finished()
        (process,) = pool.pids()
        os.kill(process, signal.SIGINT)
        pool.submit(Job(mug, "mug.jpg", "mug"))
        while not pool.is_idle:
            ended += pool.finished()
        assert [report["status"] for _, report in ended] == ["ok", "ok"] and pool.pids() == [process]
    finally:
        pool.kill()


def test_a_matrix_without_area_is_no_place(mug: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for numbers in ("0 0 0 0 0 0", "1 1 0 1 1 0", "nan 0 0 0 1 0"):
        assert __main__.main(["score", str(mug), str(mug), "--affine", *numbers.split()]) == 2
        assert "--affine takes six numbers" in capsys.readouterr().err


def test_a_side_beyond_what_opencv_moves_is_refused_from_the_header(tmp_path: Path) -> None:
    longest = saved(tmp_path / "longest.png", np.full((400, 32_766, 3), 200, np.uint8))
    assert codecs.open_photo(longest).rgb.shape == (400, 32_766, 3)
    longer = saved(tmp_path / "longer.png", np.full((400, 32_767, 3), 200, np.uint8))
    for look in (codecs.open_photo, codecs.probe):
        with pytest.raises(InputRejected, match="32,766") as refused:
            look(longer)
        assert refused.value.code == "too_many_pixels"


def test_the_score_command_ends_with_a_sentence_whatever_comes(
    mug: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "deep.json").write_text("[" * 200_000)
    words = ["score", str(mug), str(mug), "--preset", str(tmp_path / "deep.json")]
    assert __main__.main(words) == 2
    told = capsys.readouterr().err
    assert told.startswith("RecursionError") and "Traceback" not in told
    assert __main__.main([*words, "-v"]) == 2
    assert "Traceback" in capsys.readouterr().err
