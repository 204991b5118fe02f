"""Check the demo batch: python demo/render/check.py (Pillow only)."""

import csv
import json
import sys
from pathlib import Path

from PIL import Image

DEMO = Path(__file__).resolve().parent.parent
PHOTOS, MASKS = DEMO / "photos", DEMO / "masks"
CATEGORIES = {
    "electronics",
    "books",
    "cosmetics_tube",
    "jewelry",
    "fur",
    "lingerie",
    "transparent",
    "kitchenware",
    "homeware",
    "footwear",
    "bags",
    "furniture",
    "lighting",
    "watches",
    "other",
    "",
}
BACKGROUNDS = {"white_sweep", "grey", "paper", "wood", "clutter"}
LIMIT = 40_000_000
problems: list[str] = []


def need(ok: bool, text: str) -> None:
    if not ok:
        problems.append(text)


def upright(img: Image.Image) -> tuple[int, int]:
    turned = img.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    return (img.height, img.width) if turned else img.size


def check_photo(path: Path, want: dict[str, object]) -> bool:
    """One product photo and its mask; True if it has 12 MP."""
    with Image.open(path) as img:
        img.load()
        exif, size = img.getexif(), upright(img)
        need(size == (want["width"], want["height"]), f"{path.name}: {size} is not what expected.json says")
        need(max(size) >= 2000, f"{path.name}: longest edge {max(size)}")
        need(bool(exif.get(0x010F)) and bool(exif.get(0x0110)), f"{path.name}: no camera in EXIF")
        need(0x9003 in exif.get_ifd(0x8769), f"{path.name}: no DateTimeOriginal")
        need(bool(img.info.get("icc_profile")), f"{path.name}: no profile")
    need(want["background"] in BACKGROUNDS, f"{path.name}: background {want['background']}")
    mask_path = MASKS / f"{path.stem}.png"
    if not mask_path.exists():
        need(False, f"{path.name}: no mask")
        return False
    with Image.open(mask_path) as mask:
        need(mask.mode == "L", f"{mask_path.name}: mode {mask.mode}")
        need(mask.size == size, f"{mask_path.name}: {mask.size} instead of {size}")
        box = mask.point(lambda v: 255 if v > 8 else 0).getbbox()
        inside = box is not None and box[0] > 0 and box[1] > 0 and box[2] < size[0] and box[3] < size[1]
        need(inside, f"{mask_path.name}: empty or touches the frame {box}")
        share = sum(mask.histogram()[128:]) / (size[0] * size[1])
        need(0.01 < share < 0.8, f"{mask_path.name}: product covers {share:.1%}")
    return size[0] * size[1] >= 12_000_000


def check_csv(files: set[str]) -> set[str]:
    with (DEMO / "batch.csv").open(newline="", encoding="utf-8") as fh:
        rows = list(csv.DictReader(fh))
    need(list(rows[0]) == ["file", "sku", "asin", "category", "shoot_group", "description"], "batch.csv: header")
    for row in rows:
        need(row["file"] in files, f"batch.csv: {row['file']} is no file")
        need(row["category"] in CATEGORIES, f"batch.csv: category {row['category']}")
        need(len(row["asin"]) == 10 and row["asin"].startswith("B0"), f"batch.csv: ASIN {row['asin']}")
        need(bool(row["sku"]) and bool(row["shoot_group"]), f"batch.csv: {row['file']} has an empty field")
    need(len({r["file"] for r in rows}) == len(rows), "batch.csv: a file twice")
    need(sum(r["category"] == "" for r in rows) == 2, "batch.csv: two rows have no category")
    need(len(files - {r["file"] for r in rows}) == 1, "exactly one file is not in batch.csv")
    return {r["sku"] for r in rows}


def main() -> int:
    expected = json.loads((DEMO / "expected.json").read_text())
    files = {str(p.relative_to(PHOTOS)) for p in PHOTOS.rglob("*") if p.is_file()}
    need(
        {e["file"] for e in expected} == files,
        f"expected.json differs: {sorted({e['file'] for e in expected} ^ files)}",
    )
    products = [e for e in expected if "background" in e]
    present = [e for e in products if (PHOTOS / e["file"]).exists()]
    big = sum([check_photo(PHOTOS / e["file"], e) for e in present])
    need(len(present) >= 24, f"only {len(present)} product photos")
    need(big >= 3, f"only {big} photos of 12 MP")
    need(len(list(MASKS.glob("*.png"))) == len(present), "masks and photos differ in number")
    bad = [e for e in expected if "expect" in e]
    need(len(bad) >= 9, f"only {len(bad)} bad inputs")
    need(
        {e["expect"] for e in bad} <= {"rejected", "duplicate", "near_duplicate", "accepted"}, "expected.json: verdicts"
    )
    skus = check_csv(files)
    total = sum(p.stat().st_size for p in DEMO.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    need(total <= LIMIT, f"{total / 1e6:.1f} MB in all")
    for text in problems:
        print("PROBLEM", text)
    print(
        f"{len(present)} product photos ({big} of 12 MP), {len(bad)} bad inputs,",
        f"{len(skus)} SKUs, {total / 1e6:.1f} MB:",
        "FAILED" if problems else "all good",
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
