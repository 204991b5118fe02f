"""Make the bad and unusual inputs, batch.csv and expected.json from the developed photos.

    python demo/render/bad_inputs.py

Needs numpy and Pillow.
"""

import csv
import io
import json
import shutil
import struct
from pathlib import Path
from typing import Any

import finish
import numpy as np
import shots
from PIL import Image, ImageCms

DEMO = Path(__file__).resolve().parent.parent
PHOTOS, BAD = DEMO / "photos", DEMO / "photos" / "bad"
HEADER = ["file", "sku", "asin", "category", "shoot_group", "description"]
# D50-adapted RGB primaries (columns) of the two wide spaces, and their display gammas
SPACES = {
    "Adobe RGB (1998) compatible": (
        ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457)),
        2.19921875,
    ),
    "Display P3 compatible": (
        ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407)),
        0.0,
    ),
}


def s15(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def profile(name: str) -> bytes:
    """A small ICC v2 matrix profile, written by hand so that nobody's profile file is shipped."""
    columns, gamma = SPACES[name]
    text = name.encode() + b"\0"
    desc = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(8) + bytes(3) + bytes(67)
    if gamma:
        curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))
    else:  # the sRGB curve as a table
        x = np.linspace(0, 1, 1024)
        y = np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)
        curve = b"curv" + bytes(4) + struct.pack(">I", 1024) + (y * 65535 + 0.5).astype(">u2").tobytes()

    def xyz(v: tuple[float, ...]) -> bytes:
        return b"XYZ " + bytes(4) + b"".join(s15(c) for c in v)

    parts = [
        (b"desc", desc),
        (b"cprt", b"text" + bytes(4) + b"Softproof demo, MIT\0"),
        (b"wtpt", xyz((0.9642, 1.0, 0.8249))),
    ]
    parts += [(tag, xyz(col)) for tag, col in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)]
    parts += [(tag, curve) for tag in (b"rTRC", b"gTRC", b"bTRC")]
    table, body, offset = b"", b"", 128 + 4 + 12 * len(parts)
    for tag, data in parts:
        table += tag + struct.pack(">II", offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = offset + len(body)
    head = struct.pack(
        ">I4sI4s4s4s12s4s",
        size,
        bytes(4),
        0x02400000,
        b"mntr",
        b"RGB ",
        b"XYZ ",
        struct.pack(">6H", 2026, 3, 2, 9, 0, 0),
        b"acsp",
    )
    head += bytes(28) + s15(0.9642) + s15(1.0) + s15(0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(parts)) + table + body


def save(img: Image.Image, name: str, **kw: Any) -> None:
    img.save(BAD / name, quality=kw.pop("quality", 90), **kw)


def sibling(name: str, hue: int, sat: float = 1.0) -> Image.Image:
    """A product of its own: the photo in a mirror and in another colour (hue turn in 1/256)."""
    img = Image.open(PHOTOS / name)
    exif, icc = img.getexif(), img.info["icc_profile"]
    exif.get_ifd(0x8769)[0x9003] = exif[0x0132] = exif[0x0132][:11] + "16" + exif[0x0132][13:]
    mirror = img.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mask = Image.open((DEMO / "masks" / name).with_suffix(".png")).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    h, s, v = mirror.convert("HSV").split()
    turned = h.point(lambda p: (p + hue) % 256)
    out = Image.merge("HSV", (turned, s.point(lambda p: min(255, round(p * sat))), v)).convert("RGB")
    out = Image.composite(out, mirror, mask)
    out.info.update(icc_profile=icc, exif=exif.tobytes())
    return out


def wide(img: Image.Image, name: str, space: str) -> None:
    """Convert to a wide colour space and embed its profile."""
    icc = profile(space)
    out = ImageCms.profileToProfile(
        img,
        ImageCms.createProfile("sRGB"),
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
    )
    assert out is not None
    save(out, name, icc_profile=icc, exif=img.info["exif"])


def broken() -> None:
    """Truncated, too small, text, white blank."""
    whole = (PHOTOS / "NW-GFT-0210_01.jpg").read_bytes()
    (BAD / "NW-GFT-0210_02.jpg").write_bytes(whole[: int(len(whole) * 0.55)])
    small = Image.open(PHOTOS / "NW-CND-0150_wood.jpg").convert("RGB")
    save(small.resize((400, 300), Image.Resampling.LANCZOS), "NW-CND-0150_thumb.jpg", icc_profile=finish.srgb())
    lines = ["Shot list, table two", "", "NW-BOK-0403  hardback, cover and spine", "NW-BOK-0404  paperback, cover"]
    (BAD / "NW-BOK-0403_cover.jpg").write_text("\n".join(lines * 12) + "\n")
    rng = np.random.default_rng(7)
    blank = 252.0 + finish.gauss(rng.standard_normal((1500, 2000, 3)).astype(np.float32), 0.6) * 1.6
    save(Image.fromarray(np.clip(blank, 0, 255).astype(np.uint8)), "NW-MUG-0102_front.jpg", icc_profile=finish.srgb())


def doubles() -> None:
    """The same bytes again, and the same picture re-exported a little smaller and brighter."""
    shutil.copyfile(PHOTOS / "NW-SPK-0205_front.jpg", BAD / "NW-SPK-0205_front_copy.jpg")
    img = Image.open(PHOTOS / "NW-BTL-0110_01.jpg")
    near = np.asarray(img.resize((1504, 1880), Image.Resampling.LANCZOS), np.float32) * 1.02
    save(
        Image.fromarray(np.clip(near, 0, 255).astype(np.uint8)),
        "NW-BTL-0110_01_web.jpg",
        quality=80,
        icc_profile=img.info["icc_profile"],
    )


def unlisted() -> None:
    """A good photo under its camera name that the shop's list does not know."""
    img = sibling("NW-HDP-0206_34.jpg", 96, 1.8)
    save(img, "../KSTR4471.jpg", icc_profile=img.info["icc_profile"], exif=img.info["exif"])
    mask = Image.open(DEMO / "masks" / "NW-HDP-0206_34.png").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    mask.save(DEMO / "masks" / "KSTR4471.png", optimize=True)


def unusual() -> None:
    """CMYK, wide colour spaces, EXIF turn; each is a product of its own so that nothing is a near duplicate."""
    save(sibling("NW-GFT-0210_01.jpg", 100).convert("CMYK"), "NW-GFT-0211_print.jpg")
    wide(sibling("NW-MUG-0101_side.jpg", 150, 1.25), "NW-MUG-0103_adobergb.jpg", "Adobe RGB (1998) compatible")
    wide(sibling("NW-STL-0702_01.jpg", 145, 1.3), "NW-STL-0703_p3.jpg", "Display P3 compatible")
    img = sibling("NW-LIP-0303_open.jpg", 236)
    exif = Image.Exif()
    exif.load(img.info["exif"])
    exif[0x0112] = 6  # stored lying on its side: turn 90 degrees clockwise to view
    stored = img.crop((200, 0, 1800, 2000)).transpose(Image.Transpose.ROTATE_90)
    save(stored, "NW-LIP-0305_turned.jpg", exif=exif, icc_profile=img.info["icc_profile"])


ROWS = [
    # file, sku, number, category, group, description, expect, reason
    (
        "NW-GFT-0210_02.jpg",
        "NW-GFT-0210",
        17,
        "other",
        "A3-books",
        "Gift box, second view (upload broke off)",
        "rejected",
        "truncated",
    ),
    ("NW-CND-0150_thumb.jpg", "NW-CND-0150", 28, "homeware", "D6-scene", "Candle, thumbnail", "rejected", "small"),
    (
        "NW-BOK-0403_cover.jpg",
        "NW-BOK-0403",
        41,
        "books",
        "A3-books",
        "A text file with a photo's name",
        "rejected",
        "content is not",
    ),
    ("NW-MUG-0102_front.jpg", "NW-MUG-0102", 42, "kitchenware", "A1-white", "Empty frame, white", "rejected", "blank"),
    (
        "NW-SPK-0205_front_copy.jpg",
        "NW-SPK-0205",
        9,
        "electronics",
        "B2-grey",
        "Same bytes again",
        "duplicate",
        "NW-SPK-0205_front",
    ),
    (
        "NW-BTL-0110_01_web.jpg",
        "NW-BTL-0110",
        2,
        "kitchenware",
        "A1-white",
        "Same picture, smaller and brighter",
        "near_duplicate",
        "NW-BTL-0110_01",
    ),
    ("NW-GFT-0211_print.jpg", "NW-GFT-0211", 43, "other", "A3-books", "Gift box, green, CMYK", "accepted", ""),
    (
        "NW-MUG-0103_adobergb.jpg",
        "NW-MUG-0103",
        44,
        "kitchenware",
        "A1-white",
        "Stoneware mug, brown, Adobe RGB",
        "accepted",
        "",
    ),
    (
        "NW-STL-0703_p3.jpg",
        "NW-STL-0703",
        45,
        "furniture",
        "B1-large",
        "Three-legged stool, blue seat, Display P3",
        "accepted",
        "",
    ),
    (
        "NW-LIP-0305_turned.jpg",
        "NW-LIP-0305",
        46,
        "cosmetics_tube",
        "C1-paper",
        "Lipstick, EXIF turned",
        "accepted",
        "",
    ),
]


def tables() -> None:
    """batch.csv and expected.json."""
    expected: list[dict[str, Any]] = []
    with (DEMO / "batch.csv").open("w", newline="", encoding="utf-8") as fh:
        out = csv.writer(fh, lineterminator="\n")
        out.writerow(HEADER)
        for s in shots.SHOTS:
            if not (PHOTOS / f"{s.name}.jpg").exists():
                print("not there yet:", s.name)
                continue
            expected.append({"file": f"{s.name}.jpg", "background": s.background, "width": s.width, "height": s.height})
            out.writerow([f"{s.name}.jpg", s.sku, s.asin, s.category, s.group, s.description])
        expected.append({"file": "KSTR4471.jpg", "background": "grey", "width": 2000, "height": 2000})
        for name, sku, num, cat, group, text, expect, reason in ROWS:
            out.writerow([f"bad/{name}", sku, f"B0DEMO{num:04d}", cat, group, text])
            expected.append({"file": f"bad/{name}", "expect": expect, "reason_contains": reason})
    (DEMO / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


def main() -> None:
    BAD.mkdir(parents=True, exist_ok=True)
    tables()
    broken()
    doubles()
    unusual()
    unlisted()


if __name__ == "__main__":
    main()
