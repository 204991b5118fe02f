"""Cut-outs of our own renders (Blender objects, demo products) as further subjects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

FloatArray = npt.NDArray[np.float32]
Place = npt.NDArray[np.float64]
"""(x, y) in shares of the side."""
_KEPT = 320  # px, longest edge in memory

TRAINING_DEMO = (
    "NW-BAG-0601_front", "NW-BOK-0402_stack", "NW-BOX-0201_34", "NW-BTL-0110_01", "NW-CND-0150_wood",
    "NW-FUR-1101_charm", "NW-GFT-0210_01", "NW-HDP-0206_34", "NW-LMP-0801_on-white", "NW-MUG-0101_front",
    "NW-MUG-0101_side", "NW-RNG-1002_01", "NW-SPK-0205_front", "NW-SPK-0205_top", "NW-TUB-0301_pink",
    "NW-WGL-0130_01",
)  # fmt: skip
"""Demo products that the network may see. The others, and KSTR4471 (a sibling), are held out."""


@dataclass(frozen=True, slots=True)
class Foregrounds:
    """`pictures`: (H, W, 4) uint8 RGBA, straight alpha, cropped to the object."""

    pictures: tuple[npt.NDArray[np.uint8], ...]

    def __bool__(self) -> bool:
        return bool(self.pictures)

    @classmethod
    def load(cls, renders: Iterable[Path], demo: Path | None) -> Foregrounds:
        """Read RGBA renders and the TRAINING_DEMO products of the demo folder; both are cropped and reduced."""
        found = [_cropped(np.asarray(Image.open(path).convert("RGBA"))) for path in renders]
        if demo is not None:
            pairs = ((demo / "photos" / f"{name}.jpg", demo / "masks" / f"{name}.png") for name in TRAINING_DEMO)
            found += [_cropped(_cut_from(photo, mask)) for photo, mask in pairs]
        return cls(tuple(picture for picture in found if picture is not None))

    def draw(self, rng: np.random.Generator, side: int, at: Place, size: float) -> tuple[FloatArray, FloatArray]:
        """Place one, mirrored, turned and recoloured at random: colour (side, side, 3) 0..255, alpha (side, side)."""
        picture = self.pictures[int(rng.integers(len(self.pictures)))]
        high, wide = picture.shape[:2]
        scale = size * side / max(high, wide)
        if scale < 0.6:  # shrink by areas first: the warp below samples points
            picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
            high, wide = picture.shape[:2]
            scale = 1.0
        turn = rng.normal(0, 8) if rng.random() < 0.75 else rng.uniform(0, 360)
        place = cv2.getRotationMatrix2D((wide / 2, high / 2), float(turn), float(scale))
        place[:, 0] *= rng.choice([-1, 1])
        place[:, 2] += np.asarray(at) * side - place @ np.array([wide / 2, high / 2, 1])
        alpha = picture[..., 3:].astype(np.float32) / np.float32(255)
        weighted = np.concatenate([_recoloured(rng, picture[..., :3]) * alpha, alpha], axis=2)
        placed = cv2.warpAffine(np.ascontiguousarray(weighted, np.float32), place, (side, side))
        share = np.clip(placed[..., 3], 0, 1)
        colour = placed[..., :3] / np.maximum(share, 1e-3)[..., None]
        return np.asarray(colour, np.float32), np.asarray(share, np.float32)


def _cut_from(photo: Path, mask: Path) -> npt.NDArray[np.uint8]:
    with Image.open(photo) as picture, Image.open(mask) as cover:
        share = cover.convert("L")
        share.thumbnail((900, 900))
        rgba = picture.convert("RGB").resize(share.size).convert("RGBA")
        rgba.putalpha(share)
        return np.asarray(rgba)


def _cropped(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8] | None:
    x, y, wide, high = cv2.boundingRect((rgba[..., 3] > 8).astype(np.uint8))
    if wide < 24 or high < 24:
        return None
    cut = rgba[y : y + high, x : x + wide]
    scale = min(1.0, _KEPT / max(wide, high))
    return np.asarray(cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _recoloured(rng: np.random.Generator, rgb: npt.NDArray[np.uint8]) -> FloatArray:
    """Turn the hue, change saturation and brightness; texture and shading stay."""
    if rng.random() < 0.4:
        return rgb.astype(np.float32)
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV).astype(np.float32)
    hsv[..., 0] = (hsv[..., 0] + rng.uniform(0, 180)) % 180
    hsv[..., 1] *= rng.uniform(0.3, 1.3)
    hsv[..., 2] = np.clip(hsv[..., 2] * rng.uniform(0.6, 1.2) + rng.uniform(-20, 30), 0, 255)
    turned = cv2.cvtColor(np.clip(hsv, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB)
    return np.asarray(turned, np.float32)
