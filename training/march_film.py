"""The light of a scene, from light to a picture, and whether the picture can be used."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from training.march_light import (
    BOUNCE,
    FILL,
    FILL_COLOUR,
    HORIZON,
    OCCLUSION,
    SHADOW,
    SKY,
    SOFTBOX,
    SUN,
    SUN_COLOUR,
)
from training.march_objects import Rng
from training.march_solids import AT_MATERIALS
from training.textures import natural_colour

FloatArray = npt.NDArray[np.float32]
Colour = npt.NDArray[np.floating]


def lamps(row: FloatArray, rng: Rng, place: str) -> None:
    """Sun or lamp with its shadows, fill light, sky and bounce."""
    forward = row[9:12]
    way = rng.uniform(0, 2 * np.pi)
    high = rng.uniform(0.35, 1.4)
    sun = np.array([np.cos(high) * np.sin(way), np.sin(high), np.cos(high) * np.cos(way)])
    if sun @ forward > 0.3 and rng.random() < 0.7:  # mostly not against the light
        sun[[0, 2]] *= -1
    warm = rng.uniform(-0.12, 0.25)
    power = np.exp(rng.uniform(np.log(0.15), np.log(1.6)))
    row[SUN : SUN + 3], row[SUN_COLOUR : SUN_COLOUR + 3] = sun, power * np.array([1 + warm, 1, 1 - warm])
    row[SHADOW] = np.exp(rng.uniform(np.log(4), np.log(40)))
    fill = np.array([rng.normal(), abs(rng.normal()) * 0.7 + 0.1, rng.normal()]) - forward
    row[FILL : FILL + 3] = fill / np.linalg.norm(fill)
    row[FILL_COLOUR : FILL_COLOUR + 3] = rng.uniform(0.05, 0.45) * rng.uniform(0.9, 1.1, 3)
    base = rng.uniform(0.4, 1.1)
    if place == "outdoors":
        blue = rng.uniform(0, 0.6)
        row[SKY : SKY + 3] = base * np.array([1 - blue, 1 - blue * 0.5, 1.0])
        row[HORIZON : HORIZON + 3] = base * np.array([1 - blue * 0.3, 1 - blue * 0.15, 1.0]) * rng.uniform(0.8, 1.2)
    else:
        row[SKY : SKY + 3] = base * rng.uniform(0.85, 1.1, 3)
        row[HORIZON : HORIZON + 3] = row[SKY : SKY + 3] * rng.uniform(0.3, 1)
    ground = row[AT_MATERIALS : AT_MATERIALS + 3]
    row[BOUNCE : BOUNCE + 3] = ground * base * rng.uniform(0.3, 0.9)
    row[OCCLUSION] = rng.uniform(0.4, 0.95)
    row[SOFTBOX] = rng.choice([0.0, rng.uniform(1, 3)]) if place != "outdoors" else 0.0


def muted(rng: Rng) -> FloatArray:
    """A colour of walls and floors."""
    colour = natural_colour(rng) / 255
    return np.asarray(colour + (colour.mean() - colour) * rng.uniform(0, 0.9), np.float32)


def linear(colour: Colour) -> FloatArray:
    """Turn display colours 0..1 into light."""
    return np.asarray(np.clip(colour, 0.003, 1) ** 2.2, np.float32)


def exposed(light: FloatArray, rng: Rng) -> FloatArray:
    """Turn rendered light (side, side, 3) into a picture 0..255: exposure by its brighter parts, a film's shoulder."""
    level = float(np.percentile(light.mean(axis=2), rng.uniform(60, 97)))
    gain = rng.uniform(0.45, 1.0) / max(level, 0.02)
    seen = np.maximum(light, 0) * np.float32(min(gain, 8.0))
    shoulder = seen * (1 + seen / 6) / (1 + seen * np.float32(rng.uniform(0, 0.5)))
    return np.asarray(255 * np.clip(shoulder, 0, 1.2) ** np.float32(1 / 2.2), np.float32)


def usable(alpha: FloatArray) -> bool:
    """Whether a picture (side, side) shows enough of its subject, and something else too."""
    share = float((alpha > 0.5).mean())
    if not 0.015 < share < 0.75:
        return False
    border = np.concatenate([alpha[0], alpha[:, 0], alpha[:, -1]])
    return float((border > 0.5).mean()) < 0.25
