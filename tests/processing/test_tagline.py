"""The brand's line of text (PRO-25), folders in names (EXP-23), AVIF (EXP-25), progressive JPEG (EXP-28)."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFont

from processing import codecs, encoding, tagline
from processing.channel_rules import marketplaces
from processing.channels import load_channels
from processing.cli.optimise import main as optimise
from processing.errors import InputRejected
from processing.finishing import Labels, finish
from processing.naming import build_filename
from processing.params import OUTPUT_FORMATS, TAGLINE_PLACES, ProcessingParams, TaglineParams
from processing.plates import load_plates
from processing.quality.verification import verify
from processing.types import Rendered

CHANNELS = load_channels()
WORDS = "Made by hand in Bergen"
SAID = ProcessingParams(tagline=TaglineParams(channels=("social",), words=WORDS, colour="#000000"))
TOKENS = {"sku": "MUG-042", "view": "view-1", "stem": "mug", "description": "A mug"}


def _made(key: str, params: ProcessingParams) -> Rendered:
    frame, alpha = np.full((1080, 1080, 3), 200, np.uint8), np.zeros((1080, 1080), np.uint8)
    alpha[300:700, 300:700] = 255
    return finish(frame, alpha, CHANNELS[key], params=params, labels=Labels(TOKENS, {"sku": "MUG-042"}))


def _pixels(made: Rendered) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.asarray(Image.open(io.BytesIO(made.data)).convert("RGB")).astype(np.int64)


def test_pro25_the_tagline_is_on_the_named_channel_and_nowhere_else() -> None:
    said, silent = _made("social", SAID), _made("social", ProcessingParams())
    change = np.abs(_pixels(said) - _pixels(silent)).max(axis=2) > 60
    rows, columns = np.flatnonzero(change.any(axis=1)), np.flatnonzero(change.any(axis=0))
    margin = round(1080 * SAID.tagline.margin_ratio)
    assert 1080 - margin - 60 < rows[0] and rows[-1] < 1080 - margin
    assert abs((columns[0] + columns[-1]) / 2 - 540) < 4
    assert "add_tagline" in said.steps and "add_tagline" not in silent.steps
    assert said.is_verified
    for key in ("website", "shopify"):
        assert np.array_equal(_pixels(_made(key, SAID)), _pixels(_made(key, ProcessingParams())))


@pytest.mark.parametrize("key", sorted(marketplaces()))
def test_b47_a_tagline_on_a_marketplace_is_refused_by_the_preset(key: str) -> None:
    with pytest.raises(InputRejected, match=rf"tagline\.channels names {key}") as caught:
        ProcessingParams.from_dict({"tagline": {"channels": [key], "words": WORDS}})
    assert caught.value.code == "overlay_refused"


def test_pro25_channels_without_words_and_letters_without_a_shape_are_refused_by_name() -> None:
    with pytest.raises(InputRejected, match=r"tagline\.words"):
        TaglineParams(channels=("social",), words="  ")
    with pytest.raises(InputRejected, match="陶") as caught:
        _made("social", ProcessingParams(tagline=TaglineParams(channels=("social",), words="陶 by hand")))
    assert caught.value.code == "font_missing"
    assert tagline.missing_letters(WORDS) == "" and tagline.missing_letters("Café, über") == "éü"


def test_pro25_the_brands_own_font_has_its_letters_and_must_be_there(tmp_path: Path) -> None:
    params = ProcessingParams(tagline=TaglineParams(channels=("social",), words="Café", font="brand.ttf"))
    with pytest.raises(InputRejected, match=r"font brand\.ttf isn't in the brand folder") as caught:
        load_plates(params, tmp_path)
    assert caught.value.code == "plate_missing"
    (tmp_path / "brand.ttf").write_bytes(b"no font")
    with pytest.raises(InputRejected, match="can't be read"):
        load_plates(params, tmp_path)
    (tmp_path / "brand.ttf").write_bytes(ImageFont.load_default(10).font_bytes)  # type: ignore[union-attr]
    with pytest.raises(InputRejected, match="letters é aren't in the font"):
        load_plates(params, tmp_path)
    english = replace(params, tagline=replace(params.tagline, words="Cafe"))
    picture = np.full((300, 400, 3), 255, np.uint8)
    own = tagline.write(picture, english.tagline, load_plates(english, tmp_path).font)
    assert np.array_equal(own, tagline.write(picture, english.tagline)) and own.min() < 100


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(8, 500), st.integers(8, 500)), st.text("abcXYZ ,.&", min_size=1, max_size=80),
    st.sampled_from(TAGLINE_PLACES), st.floats(0.01, 0.2), st.floats(0.0, 0.2),
)  # fmt: skip
def test_pro25_only_pixels_between_the_margins_change(
    size: tuple[int, int], words: str, position: str, height: float, margin: float
) -> None:
    picture = np.full((*size, 3), 255, np.uint8)
    params = TaglineParams(words=words, position=position, height_ratio=height, margin_ratio=margin)
    out = tagline.write(picture, params)
    assert out.shape == picture.shape and (picture == 255).all()
    if min(size) > 120 and len(words) < 12:
        edge = max(0, round(min(size) * margin) - 1)
        inside = np.zeros(size, bool)
        inside[edge : size[0] - edge, edge : size[1] - edge] = True
        assert (out[~inside] == 255).all()


@pytest.mark.parametrize(
    ("naming", "name"),
    [("no_bg_{stem}.{ext}", "no_bg_mug.jpg"), ("processed/{sku}.{ext}", "processed/MUG-042.jpg"),
     ("{sku}_processed/{view}.{ext}", "MUG-042_processed/view-1.jpg")],
)  # fmt: skip
def test_exp23_the_three_forms_of_the_seed(naming: str, name: str) -> None:
    assert build_filename(replace(CHANNELS["social"], naming=naming), TOKENS) == name


def test_exp23_a_slash_in_a_token_makes_no_folder_and_a_folder_has_a_name() -> None:
    row = replace(CHANNELS["social"], naming="out/{sku}.{ext}")
    assert build_filename(row, {"sku": "../../etc/passwd"}) == "out/etc-passwd.jpg"
    for naming in ("/{sku}.{ext}", "a//{sku}.{ext}", "../{sku}.{ext}", "a/./{sku}.{ext}"):
        with pytest.raises(InputRejected, match="folder without a name"):
            build_filename(replace(row, naming=naming), TOKENS)


def test_exp23_results_go_beside_the_folder_when_nobody_says_where(tmp_path: Path) -> None:
    shoot = tmp_path / "spring.24"
    shoot.mkdir()
    Image.new("RGB", (60, 40), "red").save(shoot / "a.jpg")
    assert optimise([str(shoot), "--resize", "30x30"]) == 0
    assert [path.name for path in (tmp_path / "spring.24_processed").glob("*.jpg")] == ["a.jpg"]


def test_exp25_avif_keeps_white_its_profile_and_its_rules() -> None:
    assert "AVIF" in OUTPUT_FORMATS  # Pillow's own wheels have it
    row = replace(CHANNELS["shopify"], format="AVIF", fallback_format="JPEG", quality=0, max_bytes=0)
    made = _made("shopify", ProcessingParams())
    frame = _pixels(made).astype(np.uint8)
    data = encoding.encode(frame, row, b"")
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "AVIF" and image.size == (1080, 1080) and image.info["icc_profile"]
        assert np.asarray(image.convert("RGB"))[:20].min() == 255
    failed = {check.rule for check in verify(data, row, alpha=None, filename="a.avif") if not check.passed}
    assert failed <= {"below_recommended", "metadata_kept"}
    files = finish(frame, np.zeros((1080, 1080), np.uint8), row, params=ProcessingParams(), labels=Labels(TOKENS)).files
    assert [(Path(file.filename).suffix, file.content_type) for file in files] == [
        (".avif", "image/avif"), (".jpg", "image/jpeg"),
    ]  # fmt: skip


def test_exp28_a_progressive_channel_gets_progressive_files_and_baseline_ones_are_refused() -> None:
    made = _made("website", ProcessingParams())
    with Image.open(io.BytesIO(made.data)) as image:
        assert image.info.get("progressive") == 1
    assert {check.rule: check.passed for check in made.checks}["progressive"]
    baseline = codecs.encode_jpeg(_pixels(made).astype(np.uint8))
    assert not {c.rule: c.passed for c in verify(baseline, CHANNELS["website"], alpha=None)}["progressive"]
    with Image.open(io.BytesIO(_made("social", ProcessingParams()).data)) as image:
        assert "progressive" not in image.info
