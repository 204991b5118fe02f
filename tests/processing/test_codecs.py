"""Reading and writing pictures, hostile and ordinary."""

from __future__ import annotations

import io
import struct
import tempfile
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import pyvips
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from processing import codecs, formats, icc, metadata
from processing.errors import InputRejected
from processing.glance import glance
from tests.processing.pictures import ADOBE_RGB, DISPLAY_P3, matrix_profile, saved, textured, to_xyz


def _codes(photo: codecs.Photo) -> set[str]:
    return {finding.code for finding in photo.findings}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_val08_format_is_told_by_content(tmp_path: Path, kind: str) -> None:
    path = saved(tmp_path / "photo.jpg", textured(), format=kind)
    rgb, info = codecs.decode(path)
    assert info.format == kind
    assert rgb.shape == (600, 700, 3)
    assert codecs.probe(path).to_dict() == info.to_dict()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_val06_half_a_file_is_rejected_although_verify_passes(tmp_path: Path, kind: str) -> None:
    whole = saved(tmp_path / "whole", textured(), format=kind).read_bytes()
    path = tmp_path / "half"
    path.write_bytes(whole[: len(whole) // 2])
    if kind == "JPEG":
        with Image.open(path) as image:
            image.verify()
    with pytest.raises(InputRejected) as caught:
        codecs.open_photo(path)
    assert caught.value.code == "unreadable"
    assert str(tmp_path) not in str(caught.value)
    assert str(caught.value) == "The file ends early: part of it is missing. Send the original again."


@pytest.mark.parametrize("kind", ["TIFF", "WEBP", "PNG"])
def test_a_file_of_several_pictures_gives_its_first(tmp_path: Path, kind: str) -> None:
    first, second = Image.fromarray(textured()), Image.fromarray(255 - textured())
    path = tmp_path / "pages"
    first.save(path, kind, save_all=True, append_images=[second], **({"lossless": True} if kind == "WEBP" else {}))
    photo = codecs.open_photo(path)
    assert np.array_equal(photo.rgb, textured())
    assert "several_frames" in _codes(photo)


def test_val06_a_jpeg_with_broken_data_is_told_although_pillow_loads_it(tmp_path: Path) -> None:
    whole = saved(tmp_path / "whole.jpg", textured(), format="JPEG")
    glance(whole, 200)
    data = bytearray(whole.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(data)
    codecs.open_photo(broken)
    with pytest.raises(InputRejected, match="picture data are damaged") as caught:
        glance(broken, 200)
    assert caught.value.code == "unreadable"


def test_surplus_bytes_of_some_cameras_are_no_damage(tmp_path: Path) -> None:
    data = saved(tmp_path / "whole.jpg", textured(), format="JPEG").read_bytes()
    path = tmp_path / "camera.jpg"
    path.write_bytes(data[:-2] + b"\0\0\0\0" + data[-2:] + bytes(64))
    glance(path, 200)


def test_a_tiff_of_floating_point_lab_is_called_a_tiff(tmp_path: Path) -> None:
    path = tmp_path / "lab.tif"
    pyvips.Image.black(600, 600, bands=3).copy(interpretation="srgb").colourspace("lab").write_to_file(str(path))
    with pytest.raises(InputRejected, match="TIFF of a kind we can't read") as caught:
        codecs.open_photo(path)
    assert caught.value.code == "unsupported_format"


def test_c24_gif_and_noise_are_not_photos(tmp_path: Path) -> None:
    gif = saved(tmp_path / "a.jpg", textured(), format="GIF")
    noise = tmp_path / "b.jpg"
    noise.write_bytes(np.random.default_rng(1).bytes(9000))
    for path in (gif, noise):
        with pytest.raises(InputRejected) as caught:
            codecs.open_photo(path)
        assert caught.value.code == "unsupported_format"


def _bomb(width: int, height: int) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 9000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(8000, 8000), (12000, 12000), (60000, 60000)])
def test_val20_bombs_are_refused_from_the_header(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_bomb(*size))
    with pytest.raises(InputRejected) as caught:
        codecs.open_photo(path)
    assert caught.value.code == "too_many_pixels"


def test_val12_byte_cap(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", textured())
    assert codecs.MAX_BYTES >= 50 * 1024 * 1024
    with pytest.raises(InputRejected) as caught:
        codecs.open_photo(path, max_bytes=1000)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turn_matches_pillow(tmp_path: Path, orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", textured(), exif=exif.tobytes())
    photo = codecs.open_photo(path)
    with Image.open(path) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(photo.rgb, wanted)
    assert (photo.info.width, photo.info.height) == (wanted.shape[1], wanted.shape[0])
    assert photo.info.exif_orientation == orientation


def test_ing06_camera_facts_without_the_place(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "Canon EOS R5"
    exif.get_ifd(0x8769)[0x9003] = "2026:03:04 10:11:12"
    exif.get_ifd(0x8769)[0xA431] = "serial-1234"
    exif.get_ifd(0x8825)[1] = "N"
    info = codecs.probe(saved(tmp_path / "a.jpg", textured(), exif=exif.tobytes()))
    assert (info.camera, info.taken_at) == ("Canon EOS R5", "2026-03-04T10:11:12")
    assert "serial-1234" not in str(info.to_dict())
    assert "gps" not in str(info.to_dict()).lower()


def test_val17_broken_exif_and_icc_are_dropped_not_fatal(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.jpg", textured(), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\xff", icc_profile=b"x" * 400)
    photo = codecs.open_photo(path)
    assert {"icc_dropped"} <= _codes(photo)
    assert photo.info.exif_orientation == 1


def _expected_srgb(colour: tuple[int, int, int], space: tuple[object, ...]) -> np.ndarray:
    srgb = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), 2.2)
    linear = (np.array(colour) / 255.0) ** space[3]  # type: ignore[operator]
    out = np.clip(np.linalg.solve(to_xyz(srgb), to_xyz(space) @ linear), 0, 1)  # type: ignore[arg-type]
    return np.where(out <= 0.0031308, out * 12.92, 1.055 * out ** (1 / 2.4) - 0.055) * 255


@pytest.mark.parametrize("space", [ADOBE_RGB, DISPLAY_P3])
@pytest.mark.parametrize("colour", [(90, 160, 120), (200, 180, 170), (60, 60, 200)])
def test_c28_profiles_are_converted_not_relabelled(
    tmp_path: Path, space: tuple[object, ...], colour: tuple[int, int, int]
) -> None:
    pixels = np.full((80, 80, 3), colour, np.uint8)
    path = saved(tmp_path / "a.png", pixels, icc_profile=matrix_profile(space))  # type: ignore[arg-type]
    photo = codecs.open_photo(path)
    assert "profile_converted" in _codes(photo)
    assert np.abs(photo.rgb[40, 40] - _expected_srgb(colour, space)).max() <= 2.0
    assert not np.array_equal(photo.rgb[40, 40], colour)


def test_srgb_profile_leaves_pixels_alone(tmp_path: Path) -> None:
    pixels = textured()
    photo = codecs.open_photo(saved(tmp_path / "a.png", pixels, icc_profile=icc.SRGB))
    assert np.array_equal(photo.rgb, pixels)
    assert not photo.findings


def test_val11_untagged_is_noted(tmp_path: Path) -> None:
    assert "untagged" in _codes(codecs.open_photo(saved(tmp_path / "a.png", textured())))


def test_cmyk_with_and_without_profile(tmp_path: Path) -> None:
    pixels = np.full((64, 64, 3), (150, 110, 90), np.uint8)
    source = pyvips.Image.new_from_memory(pixels.tobytes(), 64, 64, 3, "uchar").copy(interpretation="srgb")
    tagged = tmp_path / "tagged.jpg"
    tagged.write_bytes(source.icc_transform("cmyk", input_profile="srgb").jpegsave_buffer(Q=95))
    photo = codecs.open_photo(tagged)
    assert "cmyk_converted" in _codes(photo)
    assert np.abs(photo.rgb[32, 32].astype(int) - (150, 110, 90)).max() < 25
    plain = tmp_path / "plain.jpg"
    Image.fromarray(pixels).convert("CMYK").save(plain)
    photo = codecs.open_photo(plain)
    assert "cmyk_untagged" in _codes(photo)
    assert np.abs(photo.rgb[32, 32].astype(int) - (150, 110, 90)).max() < 12


def test_pro02_transparency_is_kept(tmp_path: Path) -> None:
    rgba = np.dstack([textured(), np.full((600, 700), 255, np.uint8)])
    rgba[:100, :, 3] = 0
    rgba[100:110, :, 3] = 128
    photo = codecs.open_photo(saved(tmp_path / "a.png", rgba))
    assert photo.alpha is not None
    assert photo.alpha[50, 5] == 0.0
    assert photo.alpha[105, 5] == pytest.approx(128 / 255)
    assert np.array_equal(codecs.decode_rgba(tmp_path / "a.png")[0], rgba)
    assert (codecs.decode(tmp_path / "a.png")[0][50, 5] == 255).all()


def test_opaque_alpha_counts_as_none(tmp_path: Path) -> None:
    rgba = np.dstack([textured(), np.full((600, 700), 255, np.uint8)])
    assert codecs.open_photo(saved(tmp_path / "a.png", rgba)).alpha is None


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "I;16"])
def test_odd_modes_become_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.png"
    grey = textured()[..., 0]
    if mode == "I;16":
        Image.fromarray(grey.astype(np.uint16) * 257).save(path)
    else:
        Image.fromarray(textured()).convert(mode).save(path)
    photo = codecs.open_photo(path)
    assert photo.rgb.shape == (600, 700, 3)
    if mode == "I;16":
        assert np.array_equal(photo.rgb[..., 0], grey)
        assert "bit_depth_reduced" in _codes(photo)


def test_sixteen_bit_rgb_is_noted(tmp_path: Path) -> None:
    wide = textured().astype(np.uint16) * 257
    for suffix in ("png", "tiff"):
        image = pyvips.Image.new_from_memory(wide.tobytes(), 700, 600, 3, "ushort").copy(interpretation="rgb16")
        image.write_to_file(str(tmp_path / f"a.{suffix}"))
        photo = codecs.open_photo(tmp_path / f"a.{suffix}")
        assert "bit_depth_reduced" in _codes(photo)
        assert np.abs(photo.rgb.astype(int) - textured()).max() <= 1


_BASES = {kind: (lambda out, k=kind: (Image.fromarray(textured(90, 70)).save(out, k), out.getvalue())[1])(io.BytesIO())
          for kind in formats.ALWAYS}  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(formats.ALWAYS), st.integers(0, 10**6), st.binary(min_size=1, max_size=40), st.integers(0, 10**6)
)
def test_c24_hostile_bytes_never_escape_as_other_errors(kind: str, at: int, junk: bytes, cut: int) -> None:
    base = bytearray(_BASES[kind])
    at %= len(base)
    base[at : at + len(junk)] = junk
    with tempfile.NamedTemporaryFile() as file:
        file.write(base if cut % 3 else base[: cut % len(base)])
        file.flush()
        try:
            photo = codecs.open_photo(Path(file.name), max_pixels=2_000_000)
        except InputRejected:
            return
        assert photo.rgb.dtype == np.uint8
        assert photo.rgb.ndim == 3


@pytest.mark.parametrize("channels", [3, 4])
def test_encode_png_is_lossless_and_tagged(channels: int) -> None:
    pixels = np.dstack([textured(), np.full((600, 700), 9, np.uint8)])[..., :channels].copy()
    with Image.open(io.BytesIO(codecs.encode_png(pixels))) as image:
        assert image.info["icc_profile"] == icc.SRGB
        assert np.array_equal(np.asarray(image), pixels)


def test_exp19_lossy_formats_are_tagged_and_jpeg_keeps_full_chroma() -> None:
    pixels = textured()
    for data in (codecs.encode_jpeg(pixels, quality=95, dpi=300), codecs.encode_webp(pixels)):
        with Image.open(io.BytesIO(data)) as image:
            assert image.info["icc_profile"] == icc.SRGB
            assert np.abs(np.asarray(image.convert("RGB")).astype(int) - pixels).mean() < 6
    with Image.open(io.BytesIO(codecs.encode_jpeg(pixels, dpi=300))) as image:
        assert image.info["dpi"] == (300, 300)
        assert all(layer[1:3] == (1, 1) for layer in image.layer)  # type: ignore[attr-defined]


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
@pytest.mark.parametrize("orientation", [3, 5, 6, 7, 8])
def test_a_turned_tiff_is_upright_whatever_its_mode(
    tmp_path: Path, orientation: int, mode: str, compression: str
) -> None:
    """Pillow 13 scrambles uncompressed grey and RGBA TIFFs that lie on their side when it opens them by path."""
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    source = Image.fromarray(textured()).convert(mode)
    source.save(tmp_path / "a.tif", exif=exif.tobytes(), compression=compression)
    source.save(tmp_path / "a.png", exif=exif.tobytes())
    with Image.open(tmp_path / "a.png") as image:
        wanted = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    photo, probed = codecs.open_photo(tmp_path / "a.tif"), codecs.probe(tmp_path / "a.tif")
    assert np.array_equal(photo.rgb, wanted)
    assert (probed.width, probed.height) == (photo.info.width, photo.info.height) == wanted.shape[1::-1]


@pytest.mark.parametrize(("dpi", "tags"), [(0, b""), (300, metadata.write({"sku": "MUG-042"}))])
def test_exp28_a_jpeg_is_to_the_byte_the_one_pillow_writes(dpi: int, tags: bytes) -> None:
    rng = np.random.default_rng(5)
    for quality in (1, 10, 50, 75, 90, 95, 100):
        height, width = (int(side) for side in rng.integers(1, 90, 2))
        rgb = np.asarray(cv2.blur(rng.integers(0, 256, (height, width, 3), np.uint8), (5, 5)), np.uint8)
        out = io.BytesIO()
        Image.fromarray(rgb).save(
            out, "JPEG", quality=quality, subsampling=0, icc_profile=icc.SRGB, exif=tags, dpi=(dpi or 72,) * 2
        )
        assert codecs.encode_jpeg(rgb, quality=quality, dpi=dpi, tags=tags) == out.getvalue(), quality
