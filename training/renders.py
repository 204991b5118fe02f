"""Rendered scenes (render_objects.py) as training or held-out pictures: cropped, turned over, photographed anew."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image


@dataclass(frozen=True, slots=True)
class RenderedScenes:
    """`scenes`: pairs of rgb (S, S, 3) uint8 and alpha (S, S) uint8."""

    scenes: tuple[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]], ...]

    def __bool__(self) -> bool:
        return bool(self.scenes)

    @classmethod
    def packed(cls, folder: Path, name: str) -> RenderedScenes:
        """Read NAME_0.npz and so on, as training/gpu.py writes them: JPEG and PNG bytes."""
        found = []
        for path in sorted(folder.glob(f"{name}_*.npz")):
            with np.load(path) as arrays:
                for key in sorted(key for key in arrays.files if key.startswith("rgb")):
                    rgb = np.asarray(cv2.imdecode(arrays[key], cv2.IMREAD_COLOR))[..., ::-1]
                    alpha = cv2.imdecode(arrays[key.replace("rgb", "alpha")], cv2.IMREAD_GRAYSCALE)
                    found.append((np.ascontiguousarray(rgb, np.uint8), np.asarray(alpha, np.uint8)))
        return cls(tuple(found))

    @classmethod
    def load(cls, folder: Path) -> RenderedScenes:
        """Read NNNNN_scene.png and NNNNN_cut.png; scenes whose subject is hardly seen are left out."""
        found = []
        for cut in sorted(folder.glob("*_cut.png")):
            alpha = np.asarray(Image.open(cut).convert("RGBA"))[..., 3]
            if 0.01 < float((alpha > 127).mean()) < 0.85:
                scene = cut.with_name(cut.name.replace("_cut", "_scene"))
                found.append((np.asarray(Image.open(scene).convert("RGB")), alpha))
        return cls(tuple(found))

    def draw(self, rng: np.random.Generator, side: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """Return rgb (side, side, 3) and alpha (side, side) 0..1 of one scene, mirrored, cropped and recoloured."""
        rgb, alpha = self.scenes[int(rng.integers(len(self.scenes)))]
        high, wide = alpha.shape
        share = rng.uniform(0.75, 1.0)
        tall, broad = int(high * share), int(wide * min(1.0, share * rng.uniform(0.85, 1.15)))
        top, left = int(rng.integers(0, high - tall + 1)), int(rng.integers(0, wide - broad + 1))
        window = (slice(top, top + tall), slice(left, left + broad))
        size, way = (side, side), cv2.INTER_AREA if side < tall else cv2.INTER_CUBIC
        picture = cv2.resize(rgb[window], size, interpolation=way).astype(np.float32)
        mask = cv2.resize(alpha[window], size, interpolation=way).astype(np.float32) / np.float32(255)
        if rng.random() < 0.5:
            picture, mask = picture[:, ::-1], mask[:, ::-1]
        if rng.random() < 0.3:
            picture = picture[..., rng.permutation(3)]
        toned = picture * rng.uniform(0.8, 1.15) * rng.uniform(0.93, 1.07, 3) + rng.uniform(-12, 12)
        image = np.ascontiguousarray(np.clip(toned, 0, 255).astype(np.uint8))
        if rng.random() < 0.6:
            coded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 96))])[1]
            image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
        return image, np.ascontiguousarray(mask)
