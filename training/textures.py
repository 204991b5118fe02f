"""A bank of grey textures and the materials made of them.

Objects and backdrops draw from the same materials on purpose: what tells a product from its surroundings must be
layout, closure, light and focus, never a texture that only objects have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
Rng = np.random.Generator
TILE = 320
_CONTRAST = 2.5  # standard deviations kept


def _field(values: npt.NDArray[np.generic]) -> FloatArray:
    """Bring any field to zero mean and unit deviation, clipped."""
    grey = np.asarray(values, np.float32)
    spread = float(grey.std())
    return np.asarray(np.clip((grey - grey.mean()) / max(spread, 1e-6), -_CONTRAST, _CONTRAST), np.float32)


def power_noise(rng: Rng, side: int = TILE, slope: float | None = None) -> FloatArray:
    """Noise with a 1/f^slope spectrum, as natural pictures have (Field 1987), sometimes stretched along one way."""
    slope = float(rng.uniform(0.9, 2.4)) if slope is None else slope
    fy, fx = np.fft.fftfreq(side)[:, None] * side, np.fft.rfftfreq(side)[None] * side
    turn, squeeze = rng.uniform(0, np.pi), np.exp(rng.normal(0, 0.6))
    u, v = fx * np.cos(turn) + fy * np.sin(turn), -fx * np.sin(turn) + fy * np.cos(turn)
    radius = np.maximum(np.hypot(u * squeeze, v / squeeze), 0.7)
    spectrum = (rng.normal(size=radius.shape) + 1j * rng.normal(size=radius.shape)) / radius**slope
    return _field(np.fft.irfft2(spectrum, s=(side, side)))


def _marble(rng: Rng) -> FloatArray:
    return _field(np.sin(power_noise(rng, slope=float(rng.uniform(1.5, 2.4))) * rng.uniform(2, 9)))


def _stripes(rng: Rng) -> FloatArray:
    rows, columns = np.mgrid[0:TILE, 0:TILE].astype(np.float32) / TILE
    bend = power_noise(rng, slope=2.2) * rng.choice([0.0, 0.02, 0.08])
    wave = np.sin((columns + bend) * 2 * np.pi * rng.uniform(4, 40))
    if rng.random() < 0.4:
        wave = wave * np.sin((rows + bend) * 2 * np.pi * rng.uniform(4, 40))
    return _field(np.sign(wave - rng.uniform(-0.5, 0.5)) if rng.random() < 0.5 else wave)


def _cells(rng: Rng) -> FloatArray:
    """Pebbles, mosaic or cracks: a Voronoi diagram of random points."""
    seeds = np.full((TILE, TILE), 255, np.uint8)
    points = rng.integers(0, TILE, (int(rng.integers(30, 900)), 2))
    seeds[points[:, 0], points[:, 1]] = 0
    distance, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    shade = rng.normal(size=int(labels.max()) + 1).astype(np.float32)[labels]
    kind = rng.integers(3)
    if kind == 0:
        return _field(shade)
    if kind == 1:
        return _field(-distance + rng.uniform(0, 4) * shade)
    return _field(cv2.morphologyEx(shade, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0)


def _leaves(rng: Rng) -> FloatArray:
    """Dead leaves: shapes with power-law sizes that hide each other (Lee, Mumford, Huang 2001)."""
    canvas = np.zeros((TILE, TILE), np.float32)
    smallest = rng.uniform(3, 10)
    sizes = smallest / np.sqrt(rng.uniform(0.004, 1, int(rng.integers(200, 600))))
    turn, flat = rng.uniform(0, 180), rng.uniform(0.25, 1)
    for size in np.sort(sizes)[::-1]:
        centre = tuple(int(v) for v in rng.integers(0, TILE, 2))
        axes = (max(1, int(size)), max(1, int(size * flat)))
        cv2.ellipse(canvas, centre, axes, turn + rng.normal(0, 40), 0, 360, float(rng.normal()), -1)
    return _field(canvas)


def _strands(rng: Rng) -> FloatArray:
    """Grass, hair, straw, brushed metal."""
    canvas = np.zeros((TILE, TILE), np.float32)
    main, scatter, length = rng.uniform(0, np.pi), rng.uniform(0.02, 0.6), rng.uniform(15, 90)
    for _ in range(int(rng.integers(300, 900))):
        x, y = rng.uniform(-20, TILE + 20, 2)
        turn = main + rng.normal(0, scatter)
        end = (int(x + length * np.cos(turn)), int(y + length * np.sin(turn)))
        cv2.line(canvas, (int(x), int(y)), end, float(rng.normal()), int(rng.integers(1, 4)))
    return _field(canvas)


def _dots(rng: Rng) -> FloatArray:
    canvas = np.zeros((TILE, TILE), np.float32)
    step = int(rng.integers(10, 50))
    jitter, radius = rng.uniform(0, 0.4) * step, rng.uniform(0.15, 0.5) * step
    for y in range(0, TILE + step, step):
        for x in range(0, TILE + step, step):
            dy, dx = rng.normal(0, jitter + 0.01, 2)
            shift = step // 2 if (y // step) % 2 else 0
            cv2.circle(canvas, (int(x + dx + shift), int(y + dy)), max(1, int(radius)), 1.0, -1, cv2.LINE_AA)
    return _field(canvas)


def _bricks(rng: Rng) -> FloatArray:
    canvas = np.full((TILE, TILE), rng.uniform(-2, 2), np.float32)
    high, wide = int(rng.integers(12, 50)), int(rng.integers(16, 110))
    gap, spread = int(rng.integers(1, 4)), rng.uniform(0.1, 1)
    for row, y in enumerate(range(0, TILE, high)):
        for x in range(-wide, TILE, wide):
            left = x + (row % 2) * wide // 2
            cv2.rectangle(canvas, (left, y), (left + wide - gap, y + high - gap), float(rng.normal(0, spread)), -1)
    return _field(canvas)


def _letters(rng: Rng) -> FloatArray:
    canvas = np.zeros((TILE, TILE), np.uint8)
    size = rng.uniform(0.4, 2)
    for y in range(10, TILE, int(28 * size) + 4):
        word = "".join(rng.choice(list("ABCDEFGHKLMNOPRSTUVXYZ abcdefghiklmnoprstuvxyz 0123456789"), 40))
        cv2.putText(canvas, word, (-5, y), int(rng.integers(0, 5)), size, 255, int(rng.integers(1, 3)), cv2.LINE_AA)
    return _field(canvas)


_KINDS: tuple[tuple[Callable[[Rng], FloatArray], float], ...] = (
    (power_noise, 0.3), (_marble, 0.1), (_stripes, 0.1), (_cells, 0.14), (_leaves, 0.14), (_strands, 0.1),
    (_dots, 0.05), (_bricks, 0.04), (_letters, 0.03),
)  # fmt: skip


def _warped(rng: Rng, tile: FloatArray) -> FloatArray:
    rows, columns = np.mgrid[0:TILE, 0:TILE].astype(np.float32)
    reach = np.float32(rng.uniform(2, 20))
    return np.asarray(
        cv2.remap(
            tile,
            columns + reach * power_noise(rng, slope=2.0),
            rows + reach * power_noise(rng, slope=2.0),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        ),
        np.float32,
    )


class TextureBank:
    """`tiles` (count, TILE, TILE) int8, 1/50 standard deviations; made once per process from its own seed."""

    def __init__(self, seed: int, count: int = 240) -> None:
        rng = np.random.default_rng(seed)
        chances = np.array([chance for _, chance in _KINDS])
        self.tiles = np.zeros((count, TILE, TILE), np.int8)
        for index in range(count):
            make = _KINDS[int(rng.choice(len(_KINDS), p=chances / chances.sum()))][0]
            tile = make(rng)
            if rng.random() < 0.4:
                tile = _warped(rng, tile)
            if rng.random() < 0.4:
                tile = _field(tile + rng.uniform(0.2, 1) * power_noise(rng))
            self.tiles[index] = np.round(_field(tile) * 50)

    def patch(self, rng: Rng, side: int, zoom: float | None = None) -> FloatArray:
        """Return a turned, scaled cut of a random tile, (side, side) float32 in standard deviations."""
        zoom = float(np.exp(rng.uniform(-1.1, 0.9))) if zoom is None else zoom
        tile = self.tiles[int(rng.integers(len(self.tiles)))]
        turn = cv2.getRotationMatrix2D((side / 2, side / 2), float(rng.uniform(0, 360)), zoom)
        turn[:, 2] = turn[:, 2] + rng.uniform(-TILE, TILE, 2)
        flags = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        cut = cv2.warpAffine(tile.astype(np.float32), turn, (side, side), flags=flags, borderMode=cv2.BORDER_REFLECT)
        return np.asarray(cut / np.float32(50), np.float32)


@dataclass(frozen=True, slots=True)
class Material:
    """Colours 0..255 of a surface: `palette` (count, 3), `contrast` in texture deviations, `grain` brightness steps."""

    palette: FloatArray
    contrast: float
    grain: float


def natural_colour(rng: Rng) -> FloatArray:
    """A colour: mostly the muted ones of nature and interiors, sometimes a vivid one, white or black."""
    kind = rng.random()
    if kind < 0.14:
        return np.asarray(rng.uniform(205, 255) + rng.uniform(-8, 8, 3), np.float32)
    if kind < 0.24:
        return np.asarray(rng.uniform(5, 55) + rng.uniform(-6, 6, 3), np.float32)
    hue = rng.choice([rng.normal(16, 9), rng.normal(50, 14), rng.normal(105, 12), rng.uniform(0, 180)])
    saturation = 255 * (rng.beta(1.3, 3.0) if kind < 0.75 else rng.beta(4, 1.6))
    pixel = np.array([[[int(hue) % 180, int(saturation), int(255 * rng.beta(2.2, 1.8))]]], np.uint8)
    return np.asarray(cv2.cvtColor(pixel, cv2.COLOR_HSV2RGB)[0, 0], np.float32)


def draw_material(rng: Rng, like: Material | None = None) -> Material:
    """Draw a material. `like` makes it a look-alike: a shared colour, or a slightly shifted palette."""
    base = natural_colour(rng)
    if like is not None:
        base = like.palette[int(rng.integers(len(like.palette)))] + rng.normal(0, 12, 3).astype(np.float32)
    spread = float(np.exp(rng.uniform(np.log(4), np.log(70))))
    colours = [base]
    for _ in range(int(rng.integers(1, 4))):
        other = natural_colour(rng) if rng.random() < 0.25 else base + rng.normal(0, spread, 3) * 0.4
        colours.append(np.asarray(other + rng.normal(0, spread), np.float32))
    flat = rng.random() < 0.3
    contrast = 0.05 if flat else float(np.exp(rng.uniform(np.log(0.1), np.log(1.2))))
    return Material(np.clip(np.stack(colours), 0, 255), contrast, float(rng.uniform(0, 14)))


def paint(rng: Rng, bank: TextureBank, material: Material, side: int, zoom: float | None = None) -> FloatArray:
    """Return a surface (side, side, 3) float32 about 0..255: the texture walks along the palette."""
    walk = bank.patch(rng, side, zoom) * np.float32(material.contrast)
    place = np.clip(walk * np.float32(127.5) + np.float32(127.5), 0, 255).astype(np.uint8)
    stops = np.linspace(0, 255, len(material.palette))
    ramp = np.stack([np.interp(np.arange(256), stops, material.palette[:, c]) for c in range(3)], axis=1)
    surface = cv2.LUT(cv2.merge([place, place, place]), ramp.astype(np.float32).reshape(256, 1, 3))
    if material.grain > 3:
        surface = surface + bank.patch(rng, side)[..., None] * np.float32(material.grain)
    return np.asarray(surface, np.float32)
