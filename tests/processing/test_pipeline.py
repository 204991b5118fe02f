"""The whole line on drawn photos: order of stages, determinism, honest refusals, editors' files."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from processing import __main__, codecs, geometry, matting, pipeline
from processing.channels import Prepared, load_channels, render
from processing.cutout import CutOut, framed, open_cutout, rgba
from processing.errors import InputRejected, StageFailed
from processing.params import STANDARD_PRESET, ChannelSpec, ProcessingParams, RemovalParams, ScoringParams
from processing.removal.studio import StudioRemover
from processing.types import MaskArray, Result, RGBArray
from tests.processing.pictures import saved
from tests.processing.scenes import Scene, draw, overlap

CHANNEL = ChannelSpec(
    key="amazon_main", name="Amazon", min_dimension=500, recommended_dimension=2000, quality=95, fill_min=0.85
)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return draw(21, shape="mug", size=(1300, 1200), fill=0.7)


@pytest.fixture(scope="module")
def photo(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved(tmp_path_factory.mktemp("photos") / "mug.jpg", scene.rgb, quality=95)


@pytest.fixture(scope="module")
def result(photo: Path) -> Result:
    return pipeline.process(photo, STANDARD_PRESET, CHANNEL, ScoringParams(), StudioRemover())


def _pixels(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def _cut_out(folder: Path, photo: Path, result: Result) -> CutOut:
    matte = folder / "matte.png"
    matte.write_bytes(result.alpha_png)
    return open_cutout(photo, matte, json.loads(json.dumps(result.recipe)))


def test_pro09_stages_run_in_order_with_their_cost(result: Result) -> None:
    names = [timing.name for timing in result.timings]
    assert [name for name in names if name in ("removal", "rgb_verify", "crop", "colour", "score")] == [
        "removal", "rgb_verify", "crop", "colour", "score"]  # fmt: skip
    assert all(timing.wall_s >= 0 and timing.cpu_s >= 0 for timing in result.timings)


def test_pro01_cutout_is_in_the_source_grid_and_overlaps_the_truth(result: Result, scene: Scene) -> None:
    alpha = _pixels(result.alpha_png)
    assert alpha.shape == scene.alpha.shape and alpha.dtype == np.uint8
    assert overlap(alpha / np.float32(255), scene.alpha) >= 0.95


def test_pro46_photo_matte_and_recipe_are_the_cut_out(tmp_path: Path, photo: Path, result: Result) -> None:
    cut = _cut_out(tmp_path, photo, result)
    pixels = rgba(cut)
    assert pixels.shape == (*cut.alpha.shape, 4) and (pixels[cut.alpha == 0] == 0).all()
    framing = geometry.plan_frame(cut.alpha, STANDARD_PRESET, CHANNEL)
    assert framing.matrix == result.frame_matrix
    assert np.array_equal(_pixels(result.after.matte_png), framed(cut, framing).matte)


def test_rev02_what_the_viewer_shows_is_the_file_that_is_delivered(tmp_path: Path, photo: Path, result: Result) -> None:
    shipped = render(
        _cut_out(tmp_path, photo, result), CHANNEL, params=STANDARD_PRESET, tokens={"sku": "MUG", "view": "view-1"}
    )
    seen = result.after
    assert seen.data == shipped.data
    assert (seen.is_file, seen.content_type, seen.format, seen.byte_size, seen.note) == (
        True, "image/jpeg", "JPEG", len(shipped.data), "",
    )  # fmt: skip


def test_pro04_frame_is_white_outside_and_filled(result: Result) -> None:
    after = _pixels(result.after.data)
    assert after.shape[:2] == result.after.size[::-1]
    edges = np.concatenate([after[0], after[-1], after[:, 0], after[:, -1]])
    assert (edges == 255).all()
    dark = (255 - after.min(axis=2).astype(np.float32) > 40).astype(np.float32)
    assert geometry.fill_ratio(dark) >= 0.84


def test_result_carries_score_provenance_and_small_pictures(result: Result) -> None:
    assert 0 <= result.quality.total <= 100
    assert result.quality.total >= 80
    assert result.remover == "studio" and result.params_digest == STANDARD_PRESET.digest()
    assert max(_pixels(result.thumb_after).shape) == pipeline.THUMB_SIDE
    assert max(_pixels(result.before).shape) <= pipeline.VIEWER_SIDE


def test_qc17_a_result_knows_its_look_whoever_made_it(tmp_path: Path, photo: Path, result: Result) -> None:
    """The same cut-out looks the same by machine and handed in by an editor."""
    found = result.look
    assert found is not None and found.fill == pytest.approx(0.85, abs=0.01)
    assert found.fill == pytest.approx(
        next(one.value for one in result.quality.measures if one.name == "fill"), abs=1e-4
    )
    cut = tmp_path / "edited.png"
    cut.write_bytes(codecs.encode_png(rgba(_cut_out(tmp_path, photo, result))))
    edited = pipeline.rescore(photo, cut, STANDARD_PRESET, CHANNEL, ScoringParams()).look
    assert edited is not None
    assert list(edited.to_dict().values()) == pytest.approx(list(found.to_dict().values()), abs=0.3)


def test_pre02_same_input_gives_the_same_bytes(photo: Path, result: Result) -> None:
    again = pipeline.process(photo, STANDARD_PRESET, CHANNEL, ScoringParams(), StudioRemover())
    assert again.alpha_png == result.alpha_png and again.recipe == result.recipe
    assert again.after == result.after
    assert again.quality == result.quality


def test_frame_matrix_maps_source_to_after(result: Result, scene: Scene) -> None:
    box = geometry.product_box(scene.alpha)
    assert box is not None
    a, _, c, _, e, f = result.frame_matrix
    after = _pixels(result.after.data)
    inside = after[round((box.y0 + box.y1) / 2 * e + f), round((box.x0 + 60) * a + c)]
    assert int(inside.min()) < 200


def test_pro02_own_transparency_is_preserved_or_discarded(tmp_path: Path, scene: Scene) -> None:
    rgba = np.dstack([scene.rgb, np.round(scene.alpha * 255).astype(np.uint8)])
    path = saved(tmp_path / "cut.png", rgba)
    kept = pipeline.process(path, STANDARD_PRESET, CHANNEL, ScoringParams(), StudioRemover())
    assert kept.remover == "source alpha"
    assert "transparency_kept" in {finding.code for finding in kept.findings}
    assert overlap(_pixels(kept.alpha_png) / np.float32(255), scene.alpha) > 0.999
    discard = ProcessingParams(removal=RemovalParams(transparency="discard"))
    assert pipeline.process(path, discard, CHANNEL, ScoringParams(), StudioRemover()).remover == "studio"


def test_an_empty_backdrop_fails_with_a_reason(tmp_path: Path) -> None:
    path = saved(tmp_path / "empty.png", draw(1, fill=0.001, shadow=0.0).rgb)
    with pytest.raises(StageFailed) as caught:
        pipeline.process(path, STANDARD_PRESET, CHANNEL, ScoringParams(), StudioRemover())
    assert caught.value.code == "nothing_cut_out"


def test_loose_specks_are_cleared_and_a_trifle_is_not_called_nothing(tmp_path: Path, scene: Scene) -> None:
    alpha = np.round(scene.alpha * 255).astype(np.uint8)
    alpha[5:7, 5:8] = 255
    kept = pipeline.process(saved(tmp_path / "specks.png", np.dstack([scene.rgb, alpha])), STANDARD_PRESET, CHANNEL,
                            ScoringParams(), StudioRemover())  # fmt: skip
    assert not _pixels(kept.alpha_png)[:10, :10].any()
    (said,) = [finding.message for finding in kept.findings if finding.code == "dust_removed"]
    assert said == "Loose specks were removed (under 0.01% of the product)."


def test_rescore_accepts_cutout_and_flat_white(tmp_path: Path, photo: Path, scene: Scene, result: Result) -> None:
    cut = tmp_path / "edited.png"
    cut.write_bytes(codecs.encode_png(rgba(_cut_out(tmp_path, photo, result))))
    by_alpha = pipeline.rescore(photo, cut, STANDARD_PRESET, CHANNEL, ScoringParams())
    assert by_alpha.remover == "editor" and by_alpha.alpha_png == result.alpha_png
    assert np.abs(_pixels(by_alpha.after.data).astype(int) - _pixels(result.after.data)).mean() < 0.5
    weight = scene.alpha[..., None]
    flat = np.round(scene.rgb * weight + 255 * (1 - weight)).astype(np.uint8)
    by_white = pipeline.rescore(photo, saved(tmp_path / "flat.png", flat), STANDARD_PRESET, CHANNEL, ScoringParams())
    assert overlap(_pixels(by_white.alpha_png) / np.float32(255), scene.alpha) > 0.97


def test_rescore_says_what_to_upload(tmp_path: Path, photo: Path, scene: Scene) -> None:
    small = saved(tmp_path / "small.png", scene.rgb[::2, ::2].copy())
    with pytest.raises(InputRejected) as caught:
        pipeline.rescore(photo, small, STANDARD_PRESET, CHANNEL, ScoringParams())
    assert caught.value.code == "wrong_size" and "1300 x 1200" in str(caught.value)
    with pytest.raises(InputRejected) as caught:
        pipeline.rescore(photo, photo, STANDARD_PRESET, CHANNEL, ScoringParams())
    assert caught.value.code == "no_cutout"


def test_pro16_command_line_isolates_the_bad_file(tmp_path: Path, photo: Path) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / "mug.jpg").write_bytes(photo.read_bytes())
    (folder / "bad.jpg").write_bytes(b"\xff\xd8" + b"0" * 3000)
    assert __main__.main(["run", str(folder), "--out", str(out), "--remover", "studio"]) == 1
    report = json.loads((out / "report.json").read_text())
    status = {row["file"]: row["status"] for row in report["photos"]}
    assert status == {"bad.jpg": "failed", "sub/mug.jpg": "ok"}
    assert (out / "sub" / "mug.alpha.png").exists()
    assert list((out / "sub").glob("mug.amazon_main.*"))


@pytest.mark.parametrize("key", ["amazon_main", "shopify", "website"])
def test_a_frame_at_hand_gives_the_file_that_a_fresh_one_gives(photo: Path, key: str) -> None:
    channel = load_channels()[key]
    made = pipeline.make(photo, STANDARD_PRESET, channel, ScoringParams(), StudioRemover())
    names = dict.fromkeys(("asin", "shot", "sku", "view", "stem", "product", "description", "shot_number"), "A1")
    fresh, quick = (
        render(made.cut, channel, params=STANDARD_PRESET, tokens=names, prepared=ready)
        for ready in (None, Prepared(made.framing, made.framed, made.frame))
    )
    assert [file.data for file in quick.files] == [file.data for file in fresh.files]
    assert made.framed.source is not None
    soft = (made.framed.alpha > 0) & (made.framed.alpha < 1)
    assert np.array_equal(made.framed.rgb[~soft], made.framed.source[~soft])
    assert np.array_equal(made.framed.rgb, _corrected_in_full(made.cut, made.framing, made.framed.alpha))


def _corrected_in_full(cut: CutOut, framing: geometry.Framing, alpha: MaskArray) -> RGBArray:
    return cut.transform.apply(matting.decontaminate(geometry.frame_source(cut.rgb, framing), geometry.levels(alpha)))


def test_memory_is_kept_where_the_c_library_can() -> None:
    code = (
        "import platform, resource, numpy as np\n"
        "from processing.memory import keep_freed_memory\n"
        "kept = keep_freed_memory()\n"
        "assert kept or platform.libc_ver()[0] != 'glibc'\n"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "for turn in range(9):\n"
        "    before = faults() if turn == 3 else 0 if turn < 3 else before\n"
        "    np.ones(36_000_000, np.uint8)\n"
        "print(kept, faults() - before)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == "False" or int(said[1]) < 1000  # taken anew, the pages of six such arrays are 50,000
