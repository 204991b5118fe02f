"""The plain batch tool: INT-13, PRE-10, EXP-15..17, PRO-16, PRO-18, PRO-19, PRO-47, SCH-10, SCH-13, SCH-16, SCH-26."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from processing import __main__
from processing.errors import InputRejected, StageFailed
from processing.optimise import compression
from processing.optimise.folder import Job, Journal, find_pictures, optimise_folder, plan, worker_count
from processing.optimise.options import Options, box_from, from_config, size_in_bytes, workers_from
from processing.optimise.picture import optimise
from tests.processing.pictures import ADOBE_RGB, matrix_profile, textured

ROOT = Path(__file__).resolve().parents[2]


def picture(path: Path, width: int = 900, height: int = 700, **save: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(textured(width, height)).save(path, **save)
    return path


def folder(tmp_path: Path) -> Path:
    source = tmp_path / "in"
    picture(source / "front.JPG", 2400, 1800, quality=90)
    picture(source / "a" / "square.png", 2000, 2000, compress_level=1)
    picture(source / "a" / "b" / "small.webp", 300, 200)
    (source / "note.txt").write_text("no picture")
    return source


def sizes(out: Path) -> dict[str, tuple[str | None, tuple[int, int]]]:
    found = {}
    for path in sorted(out.rglob("*")):
        if path.is_file() and path.name != ".optimise.jsonl":
            with Image.open(path) as image:
                image.load()
                found[path.relative_to(out).as_posix()] = (image.format, image.size)
    return found


def test_first_invocation_of_int_13(tmp_path: Path) -> None:
    source, out = folder(tmp_path), tmp_path / "out"
    assert __main__.main(["optimise", "--input", str(source), "--output", str(out), "--resize", "800x600",
                          "--quality", "85"]) == 0  # fmt: skip
    # PRO-18: proportions kept, the box is a limit, nothing is enlarged
    assert sizes(out) == {
        "front.JPG": ("JPEG", (800, 600)),
        "a/square.png": ("PNG", (600, 600)),
        "a/b/small.webp": ("WEBP", (300, 200)),
    }


def test_second_invocation_of_int_13(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = folder(tmp_path), tmp_path / "out"
    words = ["--operations", "resize,compress,convert", "--target-format", "jpg", "--max-size", "500kb"]
    assert __main__.main(["optimise", "--input", str(source), "--output", str(out), *words, "--parallel", "8"]) == 0
    assert sizes(out) == {
        "front.jpg": ("JPEG", (1920, 1440)),
        "a/square.jpg": ("JPEG", (1920, 1920)),
        "a/b/small.jpg": ("JPEG", (300, 200)),
    }
    assert all(path.stat().st_size <= 500 * 1024 for path in out.rglob("*.jpg"))
    said = capsys.readouterr().err
    assert "Found 3 images to process" in said
    assert "Total: 3\nSuccessful: 3 (100.0%)\nFailed: 0 (0.0%)" in said


@pytest.mark.parametrize(
    ("size_at", "target", "expected"),
    [
        (lambda q: q * 10, 500, 50),  # INVENTORY D: size = q x 10 KB, target 500 KB
        (lambda q: 1, 500, 95),
        (lambda q: 501, 500, None),  # the seed code answers 95 here (D18)
        (lambda q: 0 if q <= 10 else 999, 500, 10),
    ],
)
def test_largest_quality(size_at, target: int, expected: int | None) -> None:
    assert compression.largest_quality(size_at, target) == expected


@given(st.lists(st.integers(1, 60), min_size=86, max_size=86), st.integers(1, 3000))
def test_largest_quality_is_the_largest_that_fits(steps: list[int], target: int) -> None:
    by_quality = dict(zip(range(10, 96), np.cumsum(steps).tolist(), strict=True))
    fitting = [quality for quality, size in by_quality.items() if size <= target]
    assert compression.largest_quality(by_quality.__getitem__, target) == (max(fitting) if fitting else None)


def test_size_target_is_met_and_the_next_quality_exceeds_it(tmp_path: Path) -> None:
    image = pyvips.Image.new_from_file(str(picture(tmp_path / "x.png")))
    data, quality = compression.within_size(image, "jpg", 60 * 1024)
    assert len(data) <= 60 * 1024 < len(compression.encode(image, "jpg", quality + 1))


@pytest.mark.parametrize("name", ["jpg", "png"])
def test_a_target_that_cannot_be_met_fails_and_says_the_smallest_size(tmp_path: Path, name: str) -> None:
    source, out = picture(tmp_path / "in" / "x.png"), tmp_path / "out"
    target = out / f"x.{name}"
    options = Options(box=(900, 900), max_bytes=1024, format=name)
    with pytest.raises(InputRejected, match=r"smallest file possible here has \d+ KB; 1 KB were allowed") as caught:
        optimise(source, target, options)
    assert caught.value.code == "too_large_for_target"
    assert not target.exists()
    assert not out.exists() or not list(out.iterdir())


def test_adaptive_takes_less_for_flat_than_for_detailed_and_keeps_both_above_the_floor() -> None:
    rng = np.random.default_rng(5)
    flat = np.full((500, 500, 3), 200, np.uint8)
    flat[100:400, 100:400] = (40, 90, 160)
    detailed = np.clip(rng.normal(128, 22, (500, 500, 1)) + rng.normal(0, 4, (500, 500, 3)), 0, 255).astype(np.uint8)
    chosen = []
    for pixels in (flat, detailed):
        image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
        quality = compression.adaptive_quality(image, "jpg")
        back = pyvips.Image.new_from_buffer(compression.encode(image, "jpg", quality), "")
        assert compression.ssim(image, back) >= compression.SSIM_FLOOR
        chosen.append(quality)
    assert chosen[0] == compression.ADAPTIVE_FROM < chosen[1]


def test_ssim_is_one_for_the_same_picture_and_agrees_with_scikit_image() -> None:
    from skimage.metrics import structural_similarity

    first = np.asarray(Image.fromarray(textured(300, 240)).convert("L"))
    second = np.asarray(Image.fromarray(first).resize((60, 48)).resize((300, 240)))
    a, b = (pyvips.Image.new_from_array(pixels) for pixels in (first, second))
    assert compression.ssim(a, a) == pytest.approx(1.0, abs=1e-6)
    peer = structural_similarity(first, second, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
    assert compression.ssim(a, b) == pytest.approx(peer, abs=0.01)


def test_convert_alone_leaves_size_and_depth_of_compression_alone(tmp_path: Path) -> None:
    source = picture(tmp_path / "x.jpg", 2500, 2000, quality=80)
    result = optimise(source, tmp_path / "out.webp", Options(operations=("convert",), format="webp"))
    assert (result.width, result.height, result.format, result.quality) == (2500, 2000, "webp", 95)


def test_transparency_becomes_white_in_jpeg(tmp_path: Path) -> None:
    pixels = np.dstack([np.full((400, 400, 3), 30, np.uint8), np.zeros((400, 400), np.uint8)])
    pixels[150:250, 150:250, 3] = 255
    Image.fromarray(pixels).save(tmp_path / "cut.png")
    optimise(tmp_path / "cut.png", tmp_path / "cut.jpg", Options(format="jpg", quality=95, strategy="fixed"))
    back = np.asarray(Image.open(tmp_path / "cut.jpg"))
    assert tuple(back[10, 10]) == (255, 255, 255)
    assert np.abs(back[200, 200].astype(int) - 30).max() <= 2


def test_turned_and_wide_gamut_pictures_come_out_upright_in_srgb(tmp_path: Path) -> None:
    pixels = np.full((200, 400, 3), (200, 60, 60), np.uint8)
    exif = Image.Exif()
    exif[0x0112], exif[0x010F], exif[0x8825] = 6, "Acme", {1: "N"}
    source, wide = tmp_path / "turned.jpg", matrix_profile(ADOBE_RGB)
    Image.fromarray(pixels).save(source, quality=95, subsampling=0, exif=exif, icc_profile=wide)
    optimise(source, tmp_path / "out.jpg", Options(quality=95, strategy="fixed"))
    peer = ImageCms.profileToProfile(Image.fromarray(pixels), io.BytesIO(wide), ImageCms.createProfile("sRGB"))
    expected = np.asarray(peer)[0, 0].astype(int)
    assert np.abs(expected - (200, 60, 60)).max() > 15  # merely relabelled, the colour would stay as it was
    with Image.open(tmp_path / "out.jpg") as image:
        assert image.size == (200, 400)
        assert dict(image.getexif()) == {}
        profile = ImageCms.getOpenProfile(io.BytesIO(image.info["icc_profile"]))
        assert "sRGB" in ImageCms.getProfileDescription(profile)
        assert np.abs(np.asarray(image)[100, 100].astype(int) - expected).max() <= 4


def test_a_broken_profile_is_dropped(tmp_path: Path) -> None:
    source = picture(tmp_path / "x.jpg", quality=90, icc_profile=b"\0\0\0\x88broken" + b"\0" * 120)
    optimise(source, tmp_path / "out.jpg", Options())
    with Image.open(tmp_path / "out.jpg") as image:
        assert "icc_profile" not in image.info


def test_bad_files_fail_with_a_reason_and_stop_nothing(tmp_path: Path) -> None:
    source, out, report = folder(tmp_path), tmp_path / "out", tmp_path / "report.json"
    data = (source / "front.JPG").read_bytes()
    (source / "half.jpg").write_bytes(data[: len(data) // 2])
    (source / "text.jpg").write_text("not a picture")
    (source / "bomb.png").write_bytes(bomb())
    assert __main__.main(["optimise", str(source), "--out", str(out), "--json", str(report)]) == 1
    rows = {row["file"]: row for row in json.loads(report.read_text())["pictures"]}
    assert {name: row.get("code") for name, row in rows.items() if row["status"] == "failed"} == {
        "half.jpg": "unreadable",
        "text.jpg": "unsupported_format",
        "bomb.png": "too_many_pixels",
    }
    assert sum(row["status"] == "done" for row in rows.values()) == 3
    assert not [path for path in out.rglob("*") if path.name.startswith(".optimise-")]


def bomb() -> bytes:
    out = io.BytesIO()
    Image.new("L", (9000, 9000)).save(out, "PNG")
    return out.getvalue()


def test_a_second_run_does_only_what_is_missing_changed_or_failed(tmp_path: Path) -> None:
    source, out, report = folder(tmp_path), tmp_path / "out", tmp_path / "report.json"
    call = ["optimise", str(source), "--out", str(out), "--quality", "80", "--json", str(report)]

    def statuses() -> dict[str, str]:
        return {row["file"]: row["status"] for row in json.loads(report.read_text())["pictures"]}

    assert __main__.main(call) == 0
    assert set(statuses().values()) == {"done"}
    (out / "a" / "square.png").unlink()
    picture(source / "front.JPG", 1000, 800, quality=90)
    assert __main__.main(call) == 0
    assert statuses() == {"front.JPG": "done", "a/square.png": "done", "a/b/small.webp": "skipped"}
    call[5] = "70"  # other options: everything again
    assert __main__.main(call) == 0
    assert set(statuses().values()) == {"done"}


def test_originals_are_never_written_over_and_results_inside_the_folder_are_not_taken_again(tmp_path: Path) -> None:
    source = folder(tmp_path)
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    assert __main__.main(["optimise", str(source), "--out", str(source)]) == 2
    for _ in range(2):
        assert __main__.main(["optimise", str(source), "--out", str(source / "web"), "--quality", "80"]) == 0
    assert len(sizes(source / "web")) == 3
    assert {path: path.read_bytes() for path in before} == before


def test_pictures_that_want_one_name_all_survive(tmp_path: Path) -> None:
    source, out = tmp_path / "in", tmp_path / "out"
    pictures = [source / name for name in ("x/front.jpg", "x/front.png", "x/Front.webp", "y/front.jpg")]
    jobs = plan(pictures, source, out, Options(format="jpg"))
    names = [job.target.relative_to(out).as_posix() for job in jobs]
    assert names == ["x/front.jpg", "x/front-png.jpg", "x/Front-webp.jpg", "y/front.jpg"]


def test_a_picture_that_takes_too_long_is_stopped_itself(tmp_path: Path) -> None:
    source = tmp_path / "slow.png"
    noise = np.random.default_rng(1).integers(0, 256, (7000, 8000, 1), dtype=np.uint8)
    Image.fromarray(noise[..., 0]).save(source, compress_level=1)
    out = tmp_path / "out"
    options = Options(operations=("convert",), format="avif")  # far slower than the limit
    started = time.monotonic()
    with Journal(out, options) as journal:
        job = Job(source, "slow.png", out / "slow.avif")
        (outcome,) = optimise_folder([job], options, journal, workers=1, timeout_s=0.05)
    assert (outcome.status, outcome.code) == ("failed", "stopped")
    assert not job.target.exists()
    assert time.monotonic() - started < 120


def test_a_folder_that_cannot_be_written_is_our_failure(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(StageFailed, match="can't be written") as caught:
        optimise(picture(tmp_path / "x.jpg"), blocked / "out.jpg", Options())
    assert caught.value.code == "not_written"


def test_config_keys(tmp_path: Path) -> None:
    values = {
        "default_quality": 70,
        "max_dimension": 640,
        "supported_formats": ["jpg", "PNG"],
        "compression_strategy": "fixed",
        "parallel_workers": 3,
    }
    options, workers = from_config(values)
    assert (options.quality, options.box, options.formats_in, options.strategy) == (
        70,
        (640, 640),
        ("jpg", "png"),
        "fixed",
    )
    assert workers == 3 and workers_from("auto") == 0
    assert from_config({}) == (Options(), 0)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(values))
    source, out = folder(tmp_path), tmp_path / "out"
    assert __main__.main(["optimise", str(source), "--out", str(out), "--config", str(config)]) == 0
    assert sizes(out) == {"front.JPG": ("JPEG", (640, 480)), "a/square.png": ("PNG", (640, 640))}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--resize", "800by600"], "Write it like 800x600"),
        (["--resize", "0x600"], "each side is 1 to"),
        (["--quality", "101"], "outside 1 to 100"),
        (["--max-size", "big"], "Write it like 500kb"),
        (["--max-size=-5kb"], "Write it like 500kb"),
        (["--format", "bmp"], "no format 'bmp'"),
        (["--operations", "resize,polish"], "no operation 'polish'"),
        (["--operations", "convert"], "needs a target format"),
        (["--workers", "many"], "no number of workers"),
    ],
)
def test_wrong_words_are_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    source = picture(tmp_path / "x.jpg")
    assert __main__.main(["optimise", str(source), "--out", str(tmp_path / "out"), *words]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("key", [{"quality": 3}, {"default_quality": "85"}, {"parallel_workers": 0},
                                 {"supported_formats": "jpg"}, {"compression_strategy": "clever"}])  # fmt: skip
def test_wrong_configurations_are_refused(key: dict[str, object]) -> None:
    with pytest.raises(InputRejected):
        from_config(key)


def test_sizes_and_workers() -> None:
    assert [size_in_bytes(word) for word in ("500kb", "500 KB", "2MB", "1.5mb", "999")] == [
        512_000, 512_000, 2_097_152, 1_572_864, 999,
    ]  # fmt: skip
    assert box_from("800x600") == (800, 600) and box_from("1920") == (1920, 1920)
    assert worker_count(8, 3) == 3 and worker_count(2, 10) == 2 and worker_count(0, 1) == 1


def test_no_pictures_and_no_folder_are_wrong_calls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    for source, sentence in (("empty", "No pictures"), ("missing", "no file or folder")):
        assert __main__.main(["optimise", str(tmp_path / source), "--out", str(tmp_path / "out")]) == 2
        assert sentence in capsys.readouterr().err
    assert find_pictures(picture(tmp_path / "one.jpg"), tmp_path / "out", ("jpg",)) == [tmp_path / "one.jpg"]


def test_the_batch_tool_loads_no_model_runtime() -> None:
    program = (
        "import sys, processing.__main__ as m, processing.cli.optimise, processing.optimise.folder;"
        "print([name for name in ('numpy', 'cv2', 'onnxruntime', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
