"""Whole scenes in three dimensions with an exact alpha: a subject, what stands around it, a place, light, a camera.

The subject is what a photographer would have meant: nearest, in focus, whole (or cut by the lower edge only). The same
kinds of things further back, smaller, out of focus or cut by the frame are background. march_native.py renders.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.march_film import Colour, lamps, linear, muted
from training.march_light import (
    ASPECT,
    CLOUDS,
    FALL_OFF,
    FAR_A,
    FAR_B,
    FIELD,
    FOCUS,
    FOLIAGE,
    FOLIAGE_SCALE,
    HAZE,
    HILLS,
    LENS,
    SAMPLES,
    SEED,
)
from training.march_objects import SLOTS, Thing, turn
from training.march_solids import (
    AT_MATERIALS,
    AT_OBJECTS,
    AT_PRIMS,
    FLOOR,
    MATERIAL,
    MAX_MATERIALS,
    MAX_OBJECTS,
    MAX_PRIMS,
    OBJECT,
    OBJECTS,
    PRIM,
    RELIEF,
    RELIEF_KIND,
    RELIEF_SCALE,
    SCENE,
    SIDE_WALL,
    SIDE_X,
    SIDE_Z,
    SWEEP,
    WALL,
    WALL_X,
    WALL_Z,
)
from training.march_things import random_thing
from training.textures import natural_colour

FloatArray = npt.NDArray[np.float32]
_NO_WALL = 999.0
PLACES = ("studio", "room", "outdoors", "table")
_CHANCES = (0.2, 0.25, 0.4, 0.15)


@dataclass(frozen=True, slots=True)
class Stand:
    """Where a thing stands: foot (x, y, z), height over all in scene units, turn about the vertical, radians."""

    x: float
    y: float
    z: float
    size: float
    way: float


class SceneDrawer:
    """Draws scene rows (SCENE,) float32 for march_native.py. `seed` decides everything."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._blank()

    def draw(self) -> FloatArray:
        """Return the next scene. The subject stands about the origin and is about one unit large."""
        self._blank()
        rng = self.rng
        place = str(rng.choice(PLACES, p=_CHANCES))
        middle, radius = self._subjects(place)
        distance = self._camera(place, middle, radius)
        getattr(self, "_" + place)(distance)
        if rng.random() < 0.2:  # colours shared with ground or wall: white on white and the like
            like, body = AT_MATERIALS + int(rng.integers(2)) * MATERIAL, AT_MATERIALS + 2 * MATERIAL
            self.row[body : body + 3] = np.clip(self.row[like : like + 3] * rng.uniform(0.7, 1.3), 0.003, 1)
        lamps(self.row, rng, place)
        if place != "studio" or rng.random() < 0.15:
            self._company(place, distance)
        self.row[OBJECTS] = self._objects
        self.row[SEED] = rng.integers(1, 5000)
        return self.row

    def _blank(self) -> None:
        self.row = np.zeros(SCENE, np.float32)
        self._objects = self._prims = 0
        self._materials = 2

    # Things ---------------------------------------------------------------------------------------------------------

    def add_thing(self, thing: Thing, stand: Stand, subject: bool, materials: list[int], tilt: float = 0.0) -> bool:
        """Put a thing into the scene; False if there is no room for it. Returns its bounding ball through the row."""
        if self._objects >= MAX_OBJECTS or self._prims + len(thing.rows) > MAX_PRIMS:
            return False
        extent = thing.high - thing.low
        scale = stand.size / max(float(extent.max()), 1e-3)
        way = turn(y=stand.way) if tilt == 0 else turn(y=stand.way) @ turn(x=tilt)
        centre = (thing.low + thing.high) / 2
        half = np.abs(way.T) @ (extent / 2) * scale
        at = AT_OBJECTS + self._objects * OBJECT
        ball = np.array([stand.x, stand.y + half[1] * 0.985, stand.z])
        radius = float(np.linalg.norm(extent)) / 2 * scale * 1.02 + thing.rough[0] * scale
        self.row[at : at + 5] = [self._prims, len(thing.rows), *ball]
        self.row[at + 5 : at + 14] = way.ravel()
        self.row[at + 14 : at + 20] = [radius, scale, float(subject), *thing.rough]
        for values in thing.rows:
            p = AT_PRIMS + self._prims * PRIM
            self.row[p : p + PRIM] = values
            self.row[p + 6] = materials[int(values[6]) % len(materials)]
            self._prims += 1
        self.row[at + 20 : at + 23] = centre
        self._objects += 1
        return True

    def _subjects(self, place: str) -> tuple[npt.NDArray[np.float64], float]:
        """Put one subject, or a small group, about the origin; returns the middle and radius of all."""
        rng = self.rng
        count = int(rng.choice([1, 2, 3], p=[0.8, 0.13, 0.07]))
        thing, palette = random_thing(rng), self._palette()
        low, high = np.full(3, np.inf), np.full(3, -np.inf)
        for index in range(count):
            if index and rng.random() < 0.35:
                thing, palette = random_thing(rng), self._palette()
            size = float(rng.uniform(0.6, 1.0)) if index else 1.0
            x = 0.0 if count == 1 else (index - (count - 1) / 2) * rng.uniform(0.4, 0.9)
            y = 0.0 if rng.random() < 0.9 or place == "studio" else float(rng.uniform(0, 0.6))
            stand = Stand(x, y, rng.normal(0, 0.15) * (count > 1), size, rng.uniform(0, 2 * np.pi))
            tilt = 0.0 if rng.random() < 0.85 else float(rng.normal(0, 0.8))
            if self.add_thing(thing, stand, True, palette, tilt):
                at = AT_OBJECTS + (self._objects - 1) * OBJECT
                ball, radius = self.row[at + 2 : at + 5], self.row[at + 14] * 0.85
                low, high = np.minimum(low, ball - radius), np.maximum(high, ball + radius)
        return (low + high) / 2, float(np.linalg.norm(high - low)) / 2 / np.sqrt(3) * 1.1

    def _company(self, place: str, distance: float) -> None:
        """Other things: behind, at the sides cut by the frame, small; sometimes the subject's own kind."""
        rng = self.rng
        forward, right = self.row[9:12], self.row[3:6]
        back = np.array([forward[0], 0, forward[2]]) / max(float(np.hypot(forward[0], forward[2])), 1e-3)
        most = 4 if place == "studio" else 9
        for _ in range(int(rng.integers(0, most))):
            behind = float(rng.uniform(0.8, 5.0)) if place != "table" else float(rng.uniform(0.7, 2.0))
            width = (distance + behind) * self.row[FIELD] * self.row[ASPECT]
            aside = float(rng.uniform(-1.15, 1.15)) * width
            if rng.random() < 0.2:  # beside the subject, cut by the frame
                behind = float(rng.uniform(-0.3, 0.6))
                aside = (
                    float(rng.choice([-1, 1]) * rng.uniform(0.95, 1.2))
                    * (distance + behind)
                    * self.row[FIELD]
                    * self.row[ASPECT]
                )
            spot = back * behind + right * aside
            size = float(np.exp(rng.uniform(np.log(0.25), np.log(1.6)))) * (1 + 0.25 * max(0.0, behind))
            if self.row[WALL] < 900 and self.row[WALL_X] * spot[0] + self.row[WALL_Z] * spot[2] > self.row[WALL] - 0.3:
                continue
            if np.hypot(spot[0], spot[2]) < 0.55 + size * 0.5:
                continue
            is_cut = abs(aside) + 0.3 * size > (distance + behind) * self.row[FIELD] * self.row[ASPECT]
            rivals = size / (distance + behind) > 0.55 / distance and not is_cut
            if rivals and self.row[LENS] == 0 and rng.random() < 0.85:
                continue
            level = 0.0 if place != "table" or behind < 0.9 else float(rng.choice([0.0, self.row[FLOOR]]))
            stand = Stand(spot[0], level, spot[2], size, rng.uniform(0, 2 * np.pi))
            self.add_thing(random_thing(rng), stand, False, self._palette())

    # Materials ------------------------------------------------------------------------------------------------------

    def _palette(self) -> list[int]:
        """Draw the materials of one thing."""
        rng = self.rng
        found: list[int] = []
        for slot in range(SLOTS):
            if found and (rng.random() < 0.25 or self._materials >= MAX_MATERIALS):
                found.append(found[0])
                continue
            if self._materials >= MAX_MATERIALS:
                found.append(int(rng.integers(2, MAX_MATERIALS)))
                continue
            colour = natural_colour(rng) / 255
            if slot == 3 and rng.random() < 0.7:
                colour = colour * 0.2
            found.append(self._material(self._materials, colour, float(np.exp(rng.uniform(0.3, 2.6))), slot == 0))
            self._materials += 1
        return found

    def _material(self, index: int, colour: Colour, scale: float, may_be_clear: bool, plain: float = 0.4) -> int:
        """Write one material and return its number."""
        rng = self.rng
        m = AT_MATERIALS + index * MATERIAL
        near = float(np.exp(rng.uniform(np.log(0.05), np.log(0.6))))
        other = natural_colour(rng) / 255 if rng.random() < 0.35 else np.clip(colour + rng.normal(0, near, 3), 0, 1)
        third = natural_colour(rng) / 255 if rng.random() < 0.2 else np.clip(colour + rng.normal(0, near, 3), 0, 1)
        kind = 0 if rng.random() < plain else int(rng.choice([1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 1, 1, 9, 11]))
        finish = rng.random()
        self.row[m : m + 9] = np.concatenate([linear(colour), linear(other), linear(third)])
        self.row[m + 9 : m + 14] = [kind, scale, rng.uniform(0.4, 1), rng.uniform(0, 0.35), scale * rng.uniform(2, 8)]
        gloss = finish > 0.55
        self.row[m + 14 : m + 17] = [rng.uniform(0.2, 1.2) * gloss, np.exp(rng.uniform(2, 5.5)), 0]
        if 0.86 < finish < 0.95:  # metal
            self.row[m + 14 : m + 17] = [1.0, np.exp(rng.uniform(3, 5.5)), rng.uniform(0.5, 0.95)]
        if rng.random() < 0.3:
            self.row[m + 17 : m + 19] = [rng.uniform(0.05, 0.4), scale * rng.uniform(3, 15)]
        if may_be_clear and finish > 0.955:
            self.row[m + 19] = rng.uniform(0.5, 0.95)
            self.row[m + 14] = 1.0
        self.row[m + 22] = rng.uniform(0, 0.6) * (rng.random() < 0.4)
        self.row[m + 23] = rng.uniform(0, 40)
        return index

    def _ground(self, index: int, colour: Colour, kinds: list[int], scale: float) -> None:
        self._material(index, colour, scale, False, plain=0.0)
        m = AT_MATERIALS + index * MATERIAL
        self.row[m + 9], self.row[m + 16] = int(self.rng.choice(kinds)), 0.0
        if self.rng.random() < 0.6:
            self.row[m + 14] = 0.0

    # Places ---------------------------------------------------------------------------------------------------------

    def _camera(self, place: str, middle: npt.NDArray[np.float64], radius: float) -> float:
        """Look at the subject so that it takes a random share of the frame, off centre; returns the distance."""
        rng = self.rng
        field = float(np.tan(np.radians(rng.uniform(8, 30))))
        high = np.radians(
            rng.choice([rng.uniform(2, 25), rng.uniform(20, 65), rng.uniform(-8, 5)], p=[0.65, 0.25, 0.1])
        )
        if place in ("studio", "table"):
            high = max(high, np.radians(3.0))
        fill = float(np.exp(rng.uniform(np.log(0.42), np.log(1.25))))
        aspect = float(np.exp(rng.uniform(-0.4, 0.45)))  # photos are squeezed to a square
        distance = radius / (fill * field * min(1.0, aspect))
        way = rng.uniform(0, 2 * np.pi)
        forward = -np.array([np.cos(high) * np.sin(way), np.sin(high), np.cos(high) * np.cos(way)])
        right = np.cross(forward, [0, 1, 0])
        right /= np.linalg.norm(right)
        up = np.cross(right, forward)
        roll = rng.normal(0, 0.04)
        right, up = right * np.cos(roll) + up * np.sin(roll), up * np.cos(roll) - right * np.sin(roll)
        frame = np.array([aspect, 1.0]) * field * distance
        aside = np.clip(rng.normal(0, 0.45, 2), -0.95, 0.95) * np.maximum(frame - radius * 0.9, 0.06 * frame)
        if rng.random() < 0.14:  # cut by the lower edge
            aside[1] = field * distance * (1 - fill * rng.uniform(-0.2, 0.6))
        target = middle + right * aside[0] + up * aside[1]
        origin = target - forward * distance
        origin[1] = max(origin[1], 0.08)
        self.row[:12] = np.concatenate([origin, right, up, forward])
        self.row[FIELD], self.row[ASPECT], self.row[FOCUS], self.row[SAMPLES] = field, aspect, distance, 2
        if rng.random() < (0.15 if place == "studio" else 0.5):
            self.row[LENS] = distance * field * np.exp(rng.uniform(np.log(0.01), np.log(0.12)))
            self.row[SAMPLES] = 3
        return distance

    def _wall(self, distance: float) -> None:
        forward = self.row[9:12]
        way = np.arctan2(forward[0], forward[2]) + self.rng.normal(0, 0.3)
        self.row[WALL], self.row[WALL_X], self.row[WALL_Z] = distance, np.sin(way), np.cos(way)

    def _open(self) -> None:
        self.row[WALL] = self.row[SIDE_WALL] = _NO_WALL

    def _studio(self, distance: float) -> None:
        """Paper sweep: white, grey, coloured or black, with fall-off, shadows, a horizon or none."""
        rng, row = self.rng, self.row
        self._open()
        self._wall(float(rng.uniform(0.8, 3)))
        row[SWEEP] = rng.choice([0.0, rng.uniform(0.5, 2.5)], p=[0.25, 0.75])
        kind = int(rng.choice(4, p=[0.4, 0.25, 0.25, 0.1]))
        base = np.full(
            3, (rng.uniform(0.85, 1), rng.uniform(0.5, 0.9), rng.uniform(0.2, 0.9), rng.uniform(0.01, 0.25))[kind]
        )
        colour = np.clip(base + rng.normal(0, 0.15 if kind == 2 else 0.01, 3), 0.01, 1).astype(np.float32)
        self._ground(0, colour, [0, 0, 0, 1, 10], rng.uniform(0.2, 3))
        m = AT_MATERIALS
        row[m + 3 : m + 9] = np.tile(row[m : m + 3], 2) * rng.uniform(0.85, 1.1)
        row[m + 12], row[m + 17] = rng.uniform(0, 0.03), 0
        row[m + 16] = rng.choice([0.0, rng.uniform(0.03, 0.3)], p=[0.8, 0.2])
        row[m + MATERIAL : m + 2 * MATERIAL] = row[m : m + MATERIAL]
        if rng.random() < 0.2:
            self._ground(1, natural_colour(rng) / 255, [0, 1, 10], 1.0)
        row[FALL_OFF] = rng.choice([0.0, rng.uniform(0, 0.25)])

    def _room(self, distance: float) -> None:
        """Floor and one or two walls, with boards, tiles, paper, plaster."""
        rng, row = self.rng, self.row
        self._open()
        self._wall(float(np.exp(rng.uniform(np.log(0.7), np.log(5)))))
        if rng.random() < 0.4:
            way = np.arctan2(row[WALL_X], row[WALL_Z]) + rng.choice([-1, 1]) * np.pi / 2
            row[SIDE_WALL], row[SIDE_X], row[SIDE_Z] = (
                row[FIELD] * distance * rng.uniform(0.7, 1.6),
                np.sin(way),
                np.cos(way),
            )
        self._ground(0, muted(rng), [1, 2, 3, 5, 5, 6, 8, 8, 12, 9, 11, 0], np.exp(rng.uniform(-0.3, 1.8)))
        self._ground(1, muted(rng), [0, 0, 1, 2, 4, 6, 7, 8, 12, 10, 9, 11], np.exp(rng.uniform(-0.3, 1.8)))
        if rng.random() < 0.2:
            row[AT_MATERIALS + 16] = rng.uniform(0.04, 0.25)
        row[RELIEF], row[RELIEF_SCALE] = rng.choice([0.0, rng.uniform(0.01, 0.06)], p=[0.8, 0.2]), rng.uniform(1, 12)

    def _outdoors(self, distance: float) -> None:
        """Meadow, sand, stones, street, water; sky, clouds, hills or foliage behind."""
        rng, row = self.rng, self.row
        self._open()
        kind = int(rng.integers(4))
        green, sand = rng.uniform([0.15, 0.3, 0.05], [0.5, 0.6, 0.3]), rng.uniform([0.5, 0.4, 0.25], [0.9, 0.8, 0.65])
        colour = np.asarray((green, sand, natural_colour(rng) / 255, natural_colour(rng) / 255)[kind], np.float32)
        self._ground(
            0, colour, [[9, 1, 1, 13], [1, 1, 9, 13], [13, 1, 11], [8, 1, 3, 5]][kind], np.exp(rng.uniform(0, 2.5))
        )
        row[AT_MATERIALS + 12] = rng.uniform(0.2, 0.7)
        if kind == 0 and rng.random() < 0.75:
            row[RELIEF_KIND], row[RELIEF], row[RELIEF_SCALE] = (
                1,
                np.exp(rng.uniform(np.log(0.03), np.log(0.3))),
                rng.uniform(8, 30),
            )
        elif kind == 2 and rng.random() < 0.6:
            row[RELIEF_KIND], row[RELIEF], row[RELIEF_SCALE] = 2, rng.uniform(0.03, 0.25), rng.uniform(2, 8)
        elif rng.random() < 0.6:
            row[RELIEF], row[RELIEF_SCALE] = rng.uniform(0.02, 0.2), rng.uniform(0.5, 5)
        row[CLOUDS] = rng.choice([0.0, rng.uniform(0.2, 1)])
        if rng.random() < 0.8:
            row[FOLIAGE], row[FOLIAGE_SCALE] = rng.uniform(0.6, 1), np.exp(rng.uniform(np.log(2), np.log(25)))
            row[HILLS] = rng.choice([rng.uniform(0.02, 0.3), rng.uniform(0.3, 2)])
        base = rng.uniform([0.1, 0.2, 0.05], [0.4, 0.5, 0.3]) if rng.random() < 0.6 else natural_colour(rng) / 255
        row[FAR_A : FAR_A + 3] = linear(np.asarray(base, np.float32))
        row[FAR_B : FAR_B + 3] = linear(
            np.asarray(np.clip(base * rng.uniform(0.2, 0.7) + rng.normal(0, 0.05, 3), 0, 1), np.float32)
        )
        row[HAZE] = rng.choice([0.0, rng.uniform(0, 0.02)])
        if rng.random() < 0.2:
            self._wall(float(rng.uniform(1, 6)))
            self._ground(1, natural_colour(rng) / 255, [8, 8, 1, 9, 5, 11, 2], np.exp(rng.uniform(0, 2)))

    def _table(self, distance: float) -> None:
        """A table top in a room whose wall is further off."""
        rng, row = self.rng, self.row
        self._room(distance)
        row[WALL] += rng.uniform(0.5, 3)
        row[FLOOR], row[RELIEF] = -rng.uniform(0.7, 1.2), 0.0
        top = Thing()
        half = rng.uniform(0.8, 2.0, 2)
        if rng.random() < 0.3:
            top.add(4, (0, -0.05, 0), [0.05, half[0], half[0]])
        else:
            top.add(1, (0, -0.05, 0), [half[0], 0.04, half[1]], rounded=0.01)
        top.limb((half[0] * 0.8, -0.1, half[1] * 0.6), (half[0] * 0.8, -1.3, half[1] * 0.6), 0.05, 0.04, fold=1)
        index = min(self._materials, MAX_MATERIALS - 1)
        self._ground(index, natural_colour(rng) / 255, [5, 5, 1, 6, 0, 9, 2, 12], np.exp(rng.uniform(0, 1.5)))
        self._materials = index + 1
        extent = top.high - top.low
        spot = rng.normal(0, 0.25, 2)
        stand = Stand(spot[0], -float(extent[1]) * 0.985, spot[1], float(extent.max()), rng.uniform(0, 6.28))
        self.add_thing(top, stand, False, [index])
