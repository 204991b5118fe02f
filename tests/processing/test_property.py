"""Photos of rooms and buildings: brackets (PRO-26), verticals (PRO-27) and the channel `mls` (EXP-22)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from processing import codecs
from processing.__main__ import main
from processing.brackets import _laid_on, clipped_share, fuse
from processing.channels import load_channels, render_whole
from processing.errors import InputRejected, StageFailed
from processing.keystone import straighten, undistorted
from processing.params import ChannelSpec
from processing.types import RGBArray
from tests.processing.pictures import textured

EV = 2.0


def room(ev: float) -> RGBArray:
    """A dim room with a bright window, as a camera with a hard limit sees it at `ev`."""
    light = np.full((300, 400), 0.05)
    light[:, :400] *= np.linspace(0.4, 1.6, 400)
    for x, y, size in ((30, 40, 50), (60, 150, 40), (130, 220, 60), (260, 220, 45)):
        light[y : y + size, x : x + size] *= 0.45
    light[60:180, 220:340] = 2.2 * np.linspace(0.6, 1.3, 120)
    colour = light[..., None] * np.array([1.0, 0.92, 0.8])
    seen = np.clip(colour * 2.0**ev, 0, 1) ** (1 / 2.2)
    return np.asarray(np.round(seen * 255), np.uint8)


def test_pro26_a_fused_bracket_has_fewer_clipped_pixels_than_its_middle() -> None:
    under, middle, over = room(-EV), room(0.0), room(EV)
    fused = fuse([under, middle, over])
    assert clipped_share(middle) > 0.1
    assert clipped_share(fused) < 0.1 * clipped_share(middle)
    window, wall = fused[100:140, 260:300].astype(int), fused[200:290, 20:120].astype(int)
    assert window.max() < 254 and wall.mean() > middle[200:290, 20:120].mean()
    shaken = np.roll(over, (3, -5), axis=(0, 1))
    assert np.array_equal(_laid_on(shaken, middle)[20:-20, 20:-20], over[20:-20, 20:-20])
    still = fuse([under, middle, shaken])[20:-20, 20:-20].astype(int)
    loose = fuse([under, middle, shaken], align=False)[20:-20, 20:-20].astype(int)
    wanted = fused[20:-20, 20:-20].astype(int)
    assert np.abs(still - wanted).mean() < np.abs(loose - wanted).mean()


def test_pro26_what_is_no_bracket_is_refused() -> None:
    for frames in ([room(0)], [room(0)] * 10, [room(0), room(0)[:-1]]):
        with pytest.raises(InputRejected) as failure:
            fuse(frames)
        assert failure.value.code == "bracket_unfit"


def facade() -> RGBArray:
    picture = np.full((1200, 1600, 3), 205, np.uint8)
    for x in range(120, 1500, 160):
        cv2.rectangle(picture, (x, 150), (x + 90, 1080), (96, 104, 120), -1)
        for y in range(220, 1050, 140):
            cv2.rectangle(picture, (x + 16, y), (x + 74, y + 90), (226, 230, 235), -1)
    cv2.line(picture, (40, 1150), (1560, 1120), (60, 60, 60), 4)
    return np.asarray(picture, np.uint8)


def leaning(pitch: float, roll: float = 0.0) -> tuple[RGBArray, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """The facade as a camera pitched and rolled by degrees sees it, and the matrix from facade to photo."""
    p, r = math.radians(pitch), math.radians(roll)
    focal, centre = 1500.0, (799.5, 599.5)
    camera = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, math.cos(p), -math.sin(p)], [0, math.sin(p), math.cos(p)]])
    about_z = np.array([[math.cos(r), -math.sin(r), 0], [math.sin(r), math.cos(r), 0], [0, 0, 1]])
    matrix = camera @ about_z @ about_x @ np.linalg.inv(camera)
    seen = cv2.warpPerspective(facade(), matrix, (1600, 1200), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8), matrix


def lean_deg(matrix: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> float:
    """How far the facade's own verticals lean after `matrix`, at most."""
    worst = 0.0
    for x in (120, 450, 800, 1150, 1490):
        ends = cv2.perspectiveTransform(np.array([[[x, 150.0], [x, 1080.0]]]), matrix)[0]
        worst = max(worst, abs(math.degrees(math.atan2(ends[1, 0] - ends[0, 0], ends[1, 1] - ends[0, 1]))))
    return worst


@pytest.mark.parametrize(("pitch", "roll"), [(8, 0), (-8, 0), (14, 0), (6, 3), (-5, -2), (0, 0)])
@pytest.mark.parametrize("ratio", [(4, 3), (3, 2), (1, 1)])
def test_pro27_keystone_comes_under_one_degree_and_the_ratio_is_the_wanted_one(
    pitch: float, roll: float, ratio: tuple[int, int]
) -> None:
    photo, matrix = leaning(pitch, roll)
    found = straighten(photo, ratio)
    height, width = found.rgb.shape[:2]
    assert width * ratio[1] == height * ratio[0]
    assert lean_deg(found.matrix @ matrix) < 1.0
    if pitch:
        assert lean_deg(matrix) > 2.0 and found.tilt_deg > 2.0
    assert width * height > 0.4 * 1600 * 1200 * (0.7 if ratio == (1, 1) else 1.0)
    corners = np.array([[[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]], np.float64)
    back = cv2.perspectiveTransform(corners, np.linalg.inv(found.matrix))[0]
    assert (back >= -1).all() and (back <= (1600, 1200)).all()  # nothing beyond the photo is made up


def test_pro27_a_photo_without_verticals_is_left_to_people() -> None:
    with pytest.raises(StageFailed) as failure:
        straighten(textured(800, 600))
    assert failure.value.code == "no_verticals"
    with pytest.raises(InputRejected, match="no ratio"):
        straighten(facade(), (9, 1))


def test_pro27_a_barrel_becomes_straight() -> None:
    grid = np.full((600, 800, 3), 255, np.uint8)
    grid[:, 60:66] = 0
    k1 = -0.12
    half = math.hypot(800, 600) / 2
    camera = np.array([[half, 0, 399.5], [0, half, 299.5], [0, 0, 1]])
    places = np.stack(np.meshgrid(np.arange(800.0), np.arange(600.0)), axis=-1).reshape(-1, 1, 2)
    straight = cv2.undistortPoints(places, camera, np.array([k1, 0, 0, 0.0]), P=camera).reshape(600, 800, 2)
    barrel = cv2.remap(grid, straight.astype(np.float32), None, cv2.INTER_LINEAR, borderValue=(255, 255, 255))

    def bow(picture: RGBArray) -> float:
        rows = picture[60:540, :200, 0] < 128
        return float(np.ptp([np.flatnonzero(row).mean() for row in rows if row.any()]))

    assert bow(np.asarray(barrel, np.uint8)) > 4.0 and bow(undistorted(np.asarray(barrel, np.uint8), k1)) < 1.0
    with pytest.raises(InputRejected, match="Lens terms"):
        undistorted(grid, 2.0)


def test_the_commands_write_a_picture_and_say_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = []
    for number, ev in enumerate((-EV, 0.0, EV)):
        (tmp_path / f"{number}.jpg").write_bytes(codecs.encode_jpeg(room(ev)))
        names.append(str(tmp_path / f"{number}.jpg"))
    assert main(["fuse", *names, "--out", str(tmp_path / "room.jpg")]) == 0
    assert codecs.decode(tmp_path / "room.jpg")[0].shape == (300, 400, 3)
    assert main(["fuse", names[0], "--out", str(tmp_path / "x.jpg")]) == 2
    (tmp_path / "house.jpg").write_bytes(codecs.encode_jpeg(leaning(8)[0]))
    words = ["straighten", str(tmp_path / "house.jpg"), "--out", str(tmp_path / "up.png")]
    assert main([*words, "--ratio", "3:2"]) == 0
    height, width = codecs.decode(tmp_path / "up.png")[0].shape[:2]
    assert width * 2 == height * 3
    assert main([*words, "--ratio", "wide"]) == 2
    assert "Write it like 4:3" in capsys.readouterr().err
    assert main(["straighten", names[0], "--out", names[0]]) == 2
    assert "never written over" in capsys.readouterr().err


def test_exp22_a_property_photo_keeps_to_the_size_and_metadata_rules_of_mls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wide = cv2.resize(facade(), (4000, 3000), interpolation=cv2.INTER_LINEAR)
    tags = Image.Exif()
    tags[0x8825] = {1: "N", 2: (52.0, 31.0, 0.0)}
    tags[0x010F] = "Camera"
    Image.fromarray(wide).save(tmp_path / "house.jpg", quality=95, exif=tags)
    words = ["export", str(tmp_path / "house.jpg"), "--out", str(tmp_path / "out"), "--copyright", "Owner GmbH"]
    assert main([*words, "--description", "House by the sea"]) == 0
    (name,) = json.loads(capsys.readouterr().out)["outputs"]
    path = tmp_path / "out" / name
    with Image.open(path) as image:  # Pillow, not our own reader
        assert (image.format, image.size, image.mode) == ("JPEG", (2048, 1536), "RGB")
        assert image.info.get("progressive") and "icc_profile" in image.info
        exif = image.getexif()
        assert exif[0x8298] == "Owner GmbH" and exif[0x010E] == "House by the sea"
        assert not exif.get_ifd(0x8825) and 0x010F not in exif
    assert path.stat().st_size <= load_channels()["mls"].max_bytes
    seen = codecs.decode(path)[0].astype(int)
    assert np.abs(seen - cv2.resize(wide, (2048, 1536), interpolation=cv2.INTER_AREA)).mean() < 2.0
    (tmp_path / "small.png").write_bytes(codecs.encode_png(textured(900, 700)))
    assert main(["export", str(tmp_path / "small.png"), "--out", str(tmp_path / "out")]) == 1
    assert json.loads(capsys.readouterr().out)["code"] == "too_small"


def test_exp22_the_row_is_data_and_products_are_no_whole_photos() -> None:
    row = load_channels()["mls"]
    edited = ChannelSpec.from_dict({**row.to_dict(), "variants": ["web limit 1600x1200"], "max_bytes": 200_000})
    made = render_whole(facade(), edited, tokens={"sku": "H1", "view": "front"}, metadata={"copyright": "Owner"})
    assert (made.width, made.height) == (1600, 1200) and len(made.data) <= 200_000 and made.is_verified
    assert made.filename == "H1_front_mls.jpg"
    with pytest.raises(InputRejected) as failure:
        render_whole(facade(), load_channels()["amazon_main"], tokens={"asin": "B0"})
    assert failure.value.code == "needs_cutout"
