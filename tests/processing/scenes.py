"""Drawn product photos with known alpha: bodies on sweeps with falloff, cast shadow and grain; and hard cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

RGB = npt.NDArray[np.uint8]
Alpha = npt.NDArray[np.float32]
SHAPES = ("box", "bottle", "disc", "mug", "blob", "stand")
BACKDROPS = ("white", "grey", "paper", "texture", "clutter", "horizon")


@dataclass(frozen=True)
class Scene:
    """`rgb` (H, W, 3) uint8 and the exact alpha (H, W) float32 of its product."""

    rgb: RGB
    alpha: Alpha


def shape_alpha(kind: str, size: tuple[int, int], rng: np.random.Generator, fill: float = 0.6) -> Alpha:
    """Draw a shape of `size` (w, h) centred, anti-aliased by drawing at three times the size."""
    width, height = size
    big = np.zeros((height * 3, width * 3), np.uint8)
    cx, cy, unit = width * 3 // 2, height * 3 // 2, min(width, height) * 3 * fill / 2

    def px(value: float) -> int:
        return round(value * unit)

    if kind == "box":
        corners = [(-0.9, -0.7), (0.2, -0.9), (0.95, -0.65), (0.9, 0.75), (0.1, 0.95), (-0.85, 0.7)]
        cv2.fillPoly(big, [np.array([(cx + px(x), cy + px(y)) for x, y in corners])], 255)
    elif kind == "bottle":
        cv2.rectangle(big, (cx - px(0.35), cy - px(0.4)), (cx + px(0.35), cy + px(0.98)), 255, -1)
        cv2.rectangle(big, (cx - px(0.15), cy - px(0.98)), (cx + px(0.15), cy), 255, -1)
        cv2.ellipse(big, (cx, cy - px(0.4)), (px(0.35), px(0.22)), 0, 0, 360, 255, -1)
    elif kind == "disc":
        cv2.ellipse(big, (cx, cy), (px(0.95), px(0.6)), 0, 0, 360, 255, -1)
    elif kind == "mug":
        cv2.ellipse(big, (cx + px(0.5), cy), (px(0.42), px(0.5)), 0, 0, 360, 255, -1)
        cv2.ellipse(big, (cx + px(0.5), cy), (px(0.24), px(0.32)), 0, 0, 360, 0, -1)
        cv2.rectangle(big, (cx - px(0.8), cy - px(0.85)), (cx + px(0.5), cy + px(0.85)), 255, -1)
    elif kind == "blob":
        turn = np.linspace(0, 2 * np.pi, 160, endpoint=False)
        reach = 0.75 + sum(rng.uniform(-0.1, 0.1) * np.cos(k * turn + rng.uniform(0, 6)) for k in range(2, 6))
        points = np.stack([cx + unit * reach * np.cos(turn), cy + unit * reach * np.sin(turn)], axis=1)
        cv2.fillPoly(big, [np.round(points).astype(np.int32)], 255)
    else:
        cv2.ellipse(big, (cx, cy - px(0.75)), (px(0.8), px(0.2)), 0, 0, 360, 255, -1)
        for x in (-0.5, 0.0, 0.5):
            cv2.line(big, (cx + px(x), cy - px(0.7)), (cx + px(1.3 * x), cy + px(0.95)), 255, max(6, px(0.09)))
    return cv2.resize(big, size, interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)


def backdrop(kind: str, size: tuple[int, int], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Draw an empty backdrop (H, W, 3) float32 0..255."""
    width, height = size
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    y, x = y / height - 0.5, x / width - 0.5
    base = {"white": 243.0, "grey": 205.0}.get(kind, 185.0)
    colour = np.array([base, base, base]) + rng.uniform(-2, 2, 3)
    if kind == "paper":
        colour = np.array([rng.uniform(120, 225) for _ in range(3)])
    scene = np.ones((height, width, 3), np.float32) * colour.astype(np.float32)
    scene += (rng.uniform(-8, 8) * y + rng.uniform(-8, 8) * x - rng.uniform(0, 18) * (x * x + y * y))[..., None]
    if kind == "texture":
        scene += cv2.resize(rng.normal(0, 26, (height // 6, width // 6, 1)).astype(np.float32), size)[..., None]
    elif kind == "horizon":
        scene[y > rng.uniform(0.0, 0.25)] -= rng.uniform(25, 90)
    elif kind == "clutter":
        for _ in range(14):
            at = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
            radii = (int(rng.uniform(0.04, 0.2) * width), int(rng.uniform(0.04, 0.2) * height))
            shade = tuple(float(value) for value in rng.uniform(20, 240, 3))
            cv2.ellipse(scene, at, radii, rng.uniform(0, 180), 0, 360, shade, -1)
        scene = np.asarray(cv2.GaussianBlur(scene, (0, 0), 3.0), np.float32)
    return scene


def shaded(alpha: Alpha, colour: tuple[float, float, float], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Give a body its colour, light from the left, and a printed band."""
    height, width = alpha.shape
    light = np.linspace(1.12, 0.85, width, dtype=np.float32)[None, :, None]
    body = np.ones((height, width, 3), np.float32) * np.array(colour, np.float32) * light
    body[int(height * 0.48) : int(height * 0.56)] *= np.float32(rng.uniform(0.6, 0.95))
    return body


def draw(
    seed: int,
    *,
    shape: str = "box",
    kind: str = "white",
    colour: tuple[float, float, float] = (40.0, 90.0, 110.0),
    size: tuple[int, int] = (900, 800),
    fill: float = 0.6,
    shadow: float = 0.25,
    grain: float = 1.5,
) -> Scene:
    """Draw one scene; equal arguments give equal pixels."""
    rng = np.random.default_rng(seed)
    alpha = shape_alpha(shape, size, rng, fill)
    scene = backdrop(kind, size, rng)
    height, width = alpha.shape
    moved = np.roll(alpha, (round(height * 0.02), round(width * 0.02)), (0, 1))
    scene *= 1 - np.float32(shadow) * cv2.GaussianBlur(moved, (0, 0), max(height, width) * 0.02)[..., None]
    picture = shaded(alpha, colour, rng) * alpha[..., None] + scene * (1 - alpha[..., None])
    picture += rng.normal(0, grain, (height, width, 1))
    return Scene(np.clip(np.round(picture), 0, 255).astype(np.uint8), alpha)


def overlap(alpha: npt.NDArray[np.floating[Any]], truth: Alpha) -> float:
    """Return intersection over union at 0.5."""
    first, second = alpha > 0.5, truth > 0.5
    return float((first & second).sum() / max(1, (first | second).sum()))
