"""Develop raw renders into camera JPEGs: denoise, meter, tone curve, lens, sensor noise, EXIF, sRGB profile.

    python demo/render/finish.py [--raw /tmp/softproof-demo] [NAME ...]

Needs numpy, Pillow, OpenEXR and pyoidn (Intel Open Image Denoise); not needed to run the demo.
"""

import argparse
import datetime as dt
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pyoidn
import shots
from PIL import Image, ImageCms

DEMO = Path(__file__).resolve().parent.parent
CAMERAS = {
    "A": ("Kestrel", "Kestrel R7", "Kestrel 85mm F2 Macro", 85.0, (1, 125), (9, 1), 100),
    "B": ("Kestrel", "Kestrel R7", "Kestrel 24-105mm F4", 85.0, (1, 160), (8, 1), 100),
    "C": ("Halden", "Halden S-40", "Halden Tessa 100mm F2.8", 100.0, (1, 60), (11, 1), 64),
    "D": ("Halden", "Halden S-40", "Halden Tessa 100mm F2.8", 100.0, (1, 80), (10, 1), 200),
}
# channel gains per camera body: no studio is perfectly neutral
CASTS = {"A": (1.0, 0.996, 0.985), "B": (0.99, 1.0, 1.006), "C": (1.008, 1.0, 0.984), "D": (1.0, 1.0, 1.0)}
KNEE = 0.62


def curve(linear: np.ndarray) -> np.ndarray:
    """Scene light to display 0..1: sRGB with a soft shoulder and a little contrast."""
    x = np.maximum(linear, 0.0)
    x = np.where(x < KNEE, x, KNEE + (1 - KNEE) * (1 - np.exp(-np.minimum((x - KNEE) / (1 - KNEE), 30.0))))
    y = np.where(x <= 0.0031308, x * 12.92, 1.055 * np.power(np.maximum(x, 1e-6), 1 / 2.4) - 0.055)
    return y + 0.045 * np.sin(2 * np.pi * (y - 0.5)) * y * (1 - y) * 2


def gain_for(value: float, level: float) -> float:
    """Exposure that brings linear `value` to display `level` (0..255)."""
    low, high = 1e-4, 1e4
    for _ in range(60):
        mid = (low * high) ** 0.5
        low, high = (mid, high) if float(curve(np.array(mid * value))) * 255 < level else (low, mid)
    return (low * high) ** 0.5


def load(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ch = OpenEXR.File(str(path)).parts[0].channels
    rgb = ch["ViewLayer.Combined"].pixels[..., :3].astype(np.float32)
    albedo = ch["ViewLayer.Denoising Albedo"].pixels[..., :3].astype(np.float32)
    normal = np.stack([ch[f"ViewLayer.Denoising Normal.{a}"].pixels for a in "XYZ"], -1).astype(np.float32)
    return rgb, np.clip(albedo, 0, 1), normal


def denoise(path: Path) -> np.ndarray:
    """Denoise with the albedo and normal passes, so that fine texture survives."""
    rgb, albedo, normal = load(path)
    clean = pyoidn.denoise(np.minimum(rgb, 60.0), albedo=albedo, normal=normal, hdr=True)
    return np.asarray(clean, dtype=np.float32)


def resize(img: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if (img.shape[1], img.shape[0]) == size:
        return img
    bands = [
        Image.fromarray(np.ascontiguousarray(img[..., i])).resize(size, Image.Resampling.BICUBIC) for i in range(3)
    ]
    return np.stack([np.asarray(b) for b in bands], -1)


def gauss(img: np.ndarray, sigma: float) -> np.ndarray:
    """Separable Gaussian on (H, W, C)."""
    if sigma <= 0:
        return img
    rad = max(1, int(sigma * 3 + 0.5))
    k = np.exp(-0.5 * (np.arange(-rad, rad + 1) / sigma) ** 2)
    k = (k / k.sum()).astype(np.float32)
    for axis in (0, 1):
        pad = [(0, 0)] * img.ndim
        pad[axis] = (rad, rad)
        src = np.pad(img, pad, mode="edge")
        n = img.shape[axis]
        img = sum(k[i] * np.take(src, range(i, i + n), axis=axis) for i in range(2 * rad + 1))
    return img.astype(np.float32)


def expose(img: np.ndarray, shot: shots.Shot) -> np.ndarray:
    lum = img @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    if shot.meter == "border":
        h, w = lum.shape
        edge = np.concatenate([lum[: h // 12].ravel(), lum[:, : w // 16].ravel(), lum[:, -(w // 16) :].ravel()])
        value = float(np.median(edge))
    else:
        value = float(np.exp(np.mean(np.log(np.maximum(lum, 0) + 1e-3))))
    return img * gain_for(value, shot.level)


def sensor(img: np.ndarray, shot: shots.Shot, rng: np.random.Generator) -> np.ndarray:
    """Vignette, lens blur, tone curve, then noise as a raw converter leaves it and light sharpening."""
    h, w = img.shape[:2]
    yy, xx = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    fall = (1 - 0.05 * ((xx**2 + yy**2) / 2)).astype(np.float32)
    img = img * fall[..., None] * np.array(CASTS[shot.group[0]], np.float32)
    scale = w / (shot.width if shot.width < 3000 else 3000)
    img = gauss(img, shot.blur * scale)
    out = curve(img).astype(np.float32)
    out += 0.35 * (out - gauss(out, 1.4))
    luma = rng.standard_normal((h, w, 1)).astype(np.float32)
    chroma = rng.standard_normal((h, w, 3)).astype(np.float32)
    grain = 1.15 * gauss(luma, 0.45) + 0.9 * gauss(chroma, 0.9)
    mid = np.sqrt(np.clip(out, 0.02, 1.0)) * np.clip(1.25 - out, 0.25, 1.0) * 2.0
    return out + grain * mid * (shot.noise / 255.0) * 2.7


def exif_for(shot: shots.Shot, number: int) -> Image.Exif:
    make, model, lens, focal, speed, aperture, iso = CAMERAS[shot.group[0]]
    day = dt.datetime(2026, 3, 2 + ord(shot.group[0]) - 65, 9, 12) + dt.timedelta(
        minutes=7 * number, seconds=number * 13
    )
    stamp = day.strftime("%Y:%m:%d %H:%M:%S")
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = make, model, 1
    exif[0x011A], exif[0x011B], exif[0x0128] = 300.0, 300.0, 2
    exif[0x0131], exif[0x0132] = f"{model} v1.2", stamp
    exif[0x8298] = "Softproof demo, MIT"
    sub: dict[int, Any] = {
        0x829A: speed[0] / speed[1],
        0x829D: aperture[0] / aperture[1],
        0x8827: iso,
        0x9003: stamp,
        0x9004: stamp,
        0x920A: focal,
        0xA001: 1,
        0xA002: shot.width,
        0xA003: shot.height,
        0xA405: int(focal),
        0xA433: make,
        0xA434: lens,
        0x9209: 16,
        0xA403: 1,
    }
    exif.get_ifd(0x8769).update(sub)
    return exif


def srgb() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def develop(raw: Path, shot: shots.Shot, size: tuple[int, int]) -> Image.Image:
    seed = int(hashlib.sha256(shot.name.encode()).hexdigest()[:8], 16)
    img = expose(resize(denoise(raw), size), shot)
    out = sensor(np.maximum(img, 0), shot, np.random.default_rng(seed))
    return Image.fromarray((np.clip(out, 0, 1) * 255 + 0.5).astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--raw", type=Path, default=Path("/tmp/softproof-demo"))
    parser.add_argument("--preview", type=Path, help="write small previews here instead")
    args = parser.parse_args()
    for number, (name, shot) in enumerate(shots.BY_NAME.items()):
        raw = args.raw / f"{name}.exr"
        if (args.names and name not in args.names) or not raw.exists():
            continue
        if args.preview:
            h, w = load(raw)[0].shape[:2]
            develop(raw, shot, (w, h)).save(args.preview / f"{name}.png")
            continue
        photo = develop(raw, shot, (shot.width, shot.height))
        target = DEMO / "photos" / f"{name}.jpg"
        photo.save(target, quality=90, subsampling=2, exif=exif_for(shot, number), icc_profile=srgb(), dpi=(300, 300))
        mask = args.raw / f"{name}.mask.png"
        if mask.exists():
            Image.open(mask).getchannel("A").save(DEMO / "masks" / f"{name}.png", optimize=True)
        print(name, photo.size, target.stat().st_size // 1000, "kB", flush=True)


if __name__ == "__main__":
    main()
