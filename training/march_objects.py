"""Random things in three dimensions, as lists of primitives for march_solids.py: what stands before the camera."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from training.march_solids import PRIM

Rng = np.random.Generator
Point = npt.NDArray[np.float64]
ELLIPSOID, BOX, CONE, RING, FRUSTUM, TURNED, CORD = range(7)
SLOTS = 4
"""Materials of one thing: the body's, a second one, details, dark details."""


def facing(towards: Point, roll: float = 0.0) -> Point:
    """Rotation (3, 3) whose rows turn object coordinates so that `towards` becomes the second axis."""
    up = towards / max(float(np.linalg.norm(towards)), 1e-9)
    side = np.cross(up, [0.0, 0.0, 1.0] if abs(up[2]) < 0.9 else [1.0, 0.0, 0.0])
    side /= np.linalg.norm(side)
    front = np.cross(side, up)
    turned = side * np.cos(roll) + front * np.sin(roll)
    return np.stack([turned, up, np.cross(turned, up)])


def turn(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Point:
    """Rotation (3, 3), object to primitive, by angles in radians."""
    cx, sx, cy, sy, cz, sz = np.cos(x), np.sin(x), np.cos(y), np.sin(y), np.cos(z), np.sin(z)
    return np.asarray(
        np.array([[1, 0, 0], [0, cx, sx], [0, -sx, cx]])
        @ np.array([[cy, 0, -sy], [0, 1, 0], [sy, 0, cy]])
        @ np.array([[cz, sz, 0], [-sz, cz, 0], [0, 0, 1]])
    )


@dataclass
class Thing:
    """`rows`: primitives; `low`, `high`: corners of their box. Displacement: amount, scale, kind (0 rough, 1 folds)."""

    rows: list[list[float]] = field(default_factory=list)
    low: Point = field(default_factory=lambda: np.full(3, np.inf))
    high: Point = field(default_factory=lambda: np.full(3, -np.inf))
    rough: tuple[float, float, float] = (0.0, 1.0, 0.0)

    def add(self, kind: int, at: tuple[float, float, float] | Point, sizes: list[float], way: Point | None = None, *,
            op: int = 0, k: float = 0.0, fold: int = 0, shell: float = 0.0, rounded: float = 0.0,
            slot: int = 0) -> None:  # fmt: skip
        """Add a primitive at a place. op 0 joins (smoothly by k), 1 cuts away, 2 keeps what both have."""
        rows = np.eye(3) if way is None else way
        row = [kind, op, k, fold, shell, rounded, slot, *np.asarray(at, float), *rows.ravel(), *sizes]
        self.rows.append([float(v) for v in row] + [0.0] * (PRIM - len(row)))
        if op == 0:
            self._grow(np.asarray(at, float), rows, _reach(kind, sizes), kind, fold, rounded + shell)

    def _grow(self, at: Point, rows: Point, reach: tuple[Point, Point], kind: int, fold: int, more: float) -> None:
        low, high = reach
        if kind in (ELLIPSOID,):
            half = np.sqrt(((rows.T * high) ** 2).sum(axis=1))
            middle = np.zeros(3)
        else:
            middle, half = rows.T @ ((low + high) / 2), np.abs(rows.T) @ ((high - low) / 2)
        first, last = at + middle - half - more, at + middle + half + more
        if fold == 1:
            most = max(abs(first[0]), abs(last[0]))
            first[0], last[0] = -most, most
        elif fold > 1:
            most = float(np.hypot(max(abs(first[0]), abs(last[0])), max(abs(first[2]), abs(last[2]))))
            first[[0, 2]], last[[0, 2]] = -most, most
        self.low, self.high = np.minimum(self.low, first), np.maximum(self.high, last)

    def limb(self, start: Point | tuple[float, float, float], end: Point | tuple[float, float, float], thick: float,
             thin: float, *, k: float = 0.0, fold: int = 0, slot: int = 0) -> None:  # fmt: skip
        """Add a rounded cone between two points."""
        a, b = np.asarray(start, float), np.asarray(end, float)
        span = max(float(np.linalg.norm(b - a)), 1e-3)
        self.add(CONE, a, [thick, thin, span], facing(b - a), k=k, fold=fold, slot=slot)


def _reach(kind: int, sizes: list[float]) -> tuple[Point, Point]:
    if kind in (ELLIPSOID, BOX):
        half = np.array(sizes[:3])
    elif kind == CONE:
        most = max(sizes[:2])
        return np.array([-most, -sizes[0], -most]), np.array([most, sizes[2] + sizes[1], most])
    elif kind == RING:
        half = np.array([sizes[0] + sizes[1], (sizes[0] + sizes[1]) / sizes[2], sizes[1] / sizes[3]])
    elif kind == FRUSTUM:
        most = max(sizes[1:3])
        half = np.array([most, sizes[0], most])
    elif kind == TURNED:
        most = 1.08 * max(sizes[1:7])
        half = np.array([most, sizes[0], most])
    else:
        half = np.array([sizes[0], sizes[2] + sizes[1] * 1.2, sizes[2] + sizes[1] * 1.2])
    return -half, half


def vessel(rng: Rng) -> Thing:
    """Bottle, jar, vase, bowl, cup, lamp foot, chessman."""
    t, u = Thing(), rng.uniform
    h = u(0.35, 1.3)
    profile = np.array([u(0.25, 0.5), *u(0.2, 0.55, 2), u(0.15, 0.5), *u(0.08, 0.4, 2)])
    if rng.random() < 0.4:  # a bottle
        r = u(0.2, 0.45)
        neck = r * u(0.2, 0.6)
        profile = np.array([r, r * u(0.9, 1.05), r, r * u(0.8, 1), neck, neck])
    is_open = rng.random() < 0.3
    t.add(TURNED, (0, h, 0), [h, *profile], shell=0.02 if is_open else 0.0, rounded=u(0, 0.04))
    if is_open:
        t.add(FRUSTUM, (0, 2 * h, 0), [0.06, profile[5] * 1.0, profile[5] * 1.02], op=1)
    else:
        t.add(FRUSTUM, (0, 2 * h + 0.05, 0), [u(0.04, 0.16), profile[5] * u(1, 1.3), profile[5] * u(0.8, 1.25)],
              slot=1, rounded=0.01)  # fmt: skip
    if rng.random() < 0.45:
        t.add(FRUSTUM, (0, h * u(0.7, 1.1), 0), [h * u(0.2, 0.5), *[profile[1:4].max() * 1.015] * 2], slot=2)
    if rng.random() < 0.3:
        t.add(RING, (profile[2] + 0.05, h * u(0.8, 1.2), 0), [h * u(0.2, 0.4), u(0.03, 0.07), u(0.7, 1.2), 1.0], k=0.05)
    return t


def carton(rng: Rng) -> Thing:
    """Box, book, device, suitcase, furniture with fronts, stacks of them."""
    t, u = Thing(), rng.uniform
    w, h, d = np.exp(rng.normal(-0.6, 0.45, 3))
    y = 0.0
    for index in range(int(rng.choice([1, 2, 4], p=[0.7, 0.15, 0.15]))):
        if index:
            h *= u(0.5, 1)
            w, d = w * u(0.8, 1), d * u(0.8, 1)
        r = u(0, 0.35) * min(w, h, d) if rng.random() < 0.6 else 0.01
        t.add(BOX, (0, y + h, 0), [w - r, h - r, d - r], turn(y=rng.normal(0, 0.15) * (index > 0)), rounded=r,
              slot=index % 2)  # fmt: skip
        y += 2 * h
    for _ in range(int(rng.integers(0, 4))):
        x, up, size = u(-0.6, 0.6) * w, u(0.2, 0.8) * y, u(0.06, 0.3) * min(w, y)
        if rng.random() < 0.5:
            t.add(FRUSTUM, (x, up, d), [0.03, size, size * u(0.6, 1)], turn(x=np.pi / 2), slot=2, op=int(u() < 0.3))
        else:
            t.add(BOX, (x, up, d), [size * u(0.5, 2), size, 0.02], slot=2)
    if rng.random() < 0.35:
        t.add(RING, (0, y, 0), [w * u(0.3, 0.6), u(0.02, 0.06), u(0.8, 1.4), 1.0], slot=3)
    if rng.random() < 0.3:
        t.add(CONE, (w * 0.75, -0.05, d * 0.6), [0.04, 0.03, 0.2], turn(x=np.pi), fold=1, slot=3)
    return t


def creature(rng: Rng) -> Thing:
    """Beast, bird, toy: body, neck, head, legs in pairs, tail; proportions from tortoise to giraffe."""
    t, u = Thing(), rng.uniform
    long, fat, leg = u(0.45, 0.95), u(0.18, 0.42), float(np.exp(rng.uniform(np.log(0.12), np.log(1.0))))
    y, k = leg + fat * 0.8, u(0.08, 0.25)
    rise = u(-0.25, 0.5)
    t.add(ELLIPSOID, (0, y, 0), [fat * u(0.8, 1), fat, long], turn(x=rise * 0.6), k=k)
    t.add(ELLIPSOID, (0, y + rise * 0.35, long * 0.55), [fat * u(0.7, 1), fat * u(0.75, 1.1), long * 0.45], k=k)
    neck = np.array([0, y + rise * 0.4 + u(0.1, 1.0) * u(0.2, 1), long * u(0.9, 1.5)])
    head = u(0.13, 0.3)
    t.limb((0, y + rise * 0.3, long * 0.7), neck, fat * u(0.4, 0.8), head * u(0.5, 0.9), k=k)
    t.add(ELLIPSOID, neck, [head * u(0.7, 1), head * u(0.7, 1), head * u(0.9, 1.4)], k=0.1)
    t.limb(neck, neck + [0, -head * u(0, 0.6), head * u(1, 2.2)], head * u(0.4, 0.7), head * u(0.15, 0.5), k=0.08,
           slot=int(rng.random() < 0.3))  # fmt: skip
    ear = head * u(0.2, 1.3)
    t.add(ELLIPSOID, neck + [head * u(0.4, 0.9), head * 0.7 + ear * 0.4, -0.2 * head],
          [ear * 0.4, ear, ear * u(0.1, 0.4)], turn(z=u(-0.9, 0.5)), fold=1, k=0.03)  # fmt: skip
    t.add(ELLIPSOID, neck + [head * 0.6, head * 0.3, head * 0.65], [head * u(0.12, 0.25)] * 3, fold=1, slot=3)
    thick = fat * u(0.2, 0.5)
    if rng.random() < 0.8:
        for z in (long * 0.65, -long * 0.7):
            step = rng.normal(0, 0.22)
            knee = np.array([fat * 0.7, leg * 0.5, z + step * 0.6])
            t.limb((fat * 0.6, y, z), knee, thick, thick * 0.65, fold=1, k=0.1)
            t.limb(knee, knee + [0, -leg * 0.5, step], thick * 0.65, thick * 0.5, fold=1, k=0.04, slot=int(u() < 0.3))
    if rng.random() < 0.7:
        end = np.array([0, y + rng.normal(0, 0.4), -long * u(1.2, 2.2)])
        t.limb((0, y, -long * 0.8), end, fat * u(0.15, 0.5), fat * u(0.03, 0.4), k=0.1, slot=int(rng.random() < 0.2))
    if rng.random() < 0.25:
        t.add(ELLIPSOID, (fat * u(0.8, 2.2), y + u(0, 0.4), -0.1), [u(0.3, 0.9), 0.05, u(0.2, 0.45)],
              turn(z=u(-0.9, 0.7)), fold=1, k=0.05, slot=1)  # fmt: skip
    if rng.random() < 0.5:
        t.rough = (u(0.004, 0.02), u(12, 40), 0.0)
    return t


def person(rng: Rng) -> Thing:
    """Figure or doll: clothes, skin, hair; standing, walking, sitting."""
    t, u = Thing(), rng.uniform
    hip, wide = u(0.75, 1.0), u(0.14, 0.22)
    lean = rng.normal(0, 0.15)
    chest = np.array([0, hip + 0.5, lean * 0.5])
    t.limb((0, hip, 0), chest, wide * u(0.9, 1.2), wide * u(1, 1.3), k=0.05)
    t.add(ELLIPSOID, chest + [0, -0.05, 0], [wide * 1.5, 0.2, wide * 0.95], k=0.08)
    neck = chest + [0, 0.22, lean * 0.2]
    size = u(0.12, 0.2)
    t.limb(chest, neck, 0.07, 0.06, slot=2, k=0.02)
    t.add(ELLIPSOID, neck + [0, size, 0.03], [size * 0.82, size * 1.1, size * 0.95], slot=2)
    t.add(
        ELLIPSOID, neck + [0, size * 1.25, -0.03], [size * u(0.9, 1.15), size * u(0.9, 1.2), size * u(0.9, 1.1)], slot=3
    )
    if rng.random() < 0.4:
        t.add(
            ELLIPSOID, neck + [0, size * 0.5, -0.07], [size * u(0.8, 1.3), size * u(1, 2.2), size * 0.6], slot=3, k=0.05
        )
    for sign in (-1, 1):
        elbow = chest + [sign * (wide * 1.5 + u(0.02, 0.25)), -u(0, 0.3), u(-0.15, 0.3)]
        hand = elbow + [sign * rng.normal(0, 0.12), u(-0.3, 0.25), u(0, 0.28)]
        t.limb(chest + [sign * wide * 1.4, 0.08, 0], elbow, 0.075, 0.06, k=0.04)
        t.limb(elbow, hand, 0.055, 0.045, slot=int(rng.choice([0, 2])), k=0.02)
        t.add(ELLIPSOID, hand, [0.06, 0.07, 0.06], slot=2)
        knee = np.array([sign * wide * u(0.5, 1.2), hip * 0.5, rng.normal(0.05, 0.15)])
        foot = knee + [0, -hip * 0.48, rng.normal(-0.05, 0.12)]
        t.limb((sign * wide * 0.6, hip, 0), knee, 0.11, 0.08, slot=1, k=0.05)
        t.limb(knee, foot, 0.075, 0.055, slot=1, k=0.02)
        t.limb(foot, foot + [0, -0.02, 0.16], 0.06, 0.05, slot=3)
    if rng.random() < 0.35:
        t.add(
            FRUSTUM, (0, hip - u(0.05, 0.25), 0), [u(0.2, 0.4), wide * u(1.5, 2.8), wide], slot=1, rounded=0.02, k=0.04
        )
    t.rough = (u(0.0, 0.014), u(5, 14), 1.0)
    return t


def plant(rng: Rng) -> Thing:
    """Flower, pot plant, tree, mushroom, cactus; many leaves around a stem."""
    t, u = Thing(), rng.uniform
    tall = u(0.3, 1.4)
    if rng.random() < 0.5:
        t.add(TURNED, (0, 0.25, 0), [0.25, 0.2, 0.24, 0.27, 0.3, 0.32, 0.33], slot=2)
    kind = rng.random()
    y = 0.4
    t.limb((0, 0.2, 0), (rng.normal(0, 0.1), y + tall, 0), u(0.02, 0.07), u(0.01, 0.04), slot=1)
    if kind < 0.55:  # tiers of leaves
        for _ in range(int(rng.integers(2, 6))):
            long, wide = u(0.2, 0.65), u(0.05, 0.2)
            t.add(ELLIPSOID, (long * 0.8, y + tall * u(0, 1), 0), [long, 0.02, wide],
                  turn(z=u(-0.5, 1.2)) @ turn(y=np.pi / 2) if rng.random() < 0.3 else turn(z=u(-0.5, 1.2)),
                  fold=int(rng.integers(3, 9)))  # fmt: skip
    if kind > 0.4:  # a blossom
        petals, long = int(rng.integers(4, 14)), u(0.15, 0.5)
        tip = rng.uniform(-0.4, 1.0)
        for ring in range(int(rng.integers(1, 3))):
            t.add(ELLIPSOID, (long * 0.85, y + tall + 0.05 * ring, 0), [long, u(0.015, 0.04), long * u(0.2, 0.55)],
                  turn(z=tip + 0.4 * ring), fold=petals, slot=2)  # fmt: skip
        t.add(ELLIPSOID, (0, y + tall + 0.03, 0), [long * u(0.2, 0.6), long * u(0.15, 0.4), long * u(0.2, 0.6)], slot=3)
    if 0.3 < kind < 0.45:  # a crown
        for _ in range(4):
            at = rng.normal(0, 0.28, 3) + [0, y + tall, 0]
            t.add(ELLIPSOID, at, list(u(0.25, 0.5, 3)), k=0.15)
        t.rough = (u(0.03, 0.09), u(5, 14), 0.0)
    return t


def furniture(rng: Rng) -> Thing:
    """Chair, stool, table, floor lamp, easel: thin legs, air between."""
    t, u = Thing(), rng.uniform
    w, d, h, thin = u(0.3, 0.7), u(0.3, 0.6), u(0.3, 0.9), u(0.015, 0.06)
    splay = u(0, 0.15)
    top = u(0.02, 0.12)
    if rng.random() < 0.3:
        t.add(FRUSTUM, (0, h, 0), [top, w, w * u(0.9, 1)], rounded=0.01)
        t.limb(
            (w * 0.5, h, w * 0.5),
            (w * 0.5 + splay, 0, w * 0.5 + splay),
            thin,
            thin,
            fold=int(rng.choice([3, 4])),
            slot=1,
        )
    else:
        t.add(BOX, (0, h, 0), [w, top, d], rounded=u(0, 0.08))
        for z in (d * 0.85, -d * 0.85):
            t.limb((w * 0.85, h, z), (w * 0.85 + splay, 0, z * (1 + splay)), thin, thin * u(0.6, 1), fold=1, slot=1)
    kind = rng.random()
    if kind < 0.5:  # a back
        back = h + u(0.4, 0.9)
        t.limb((w * 0.85, h, -d * 0.9), (w * 0.85, back, -d * u(0.9, 1.3)), thin, thin, fold=1, slot=1)
        for y in np.linspace(h + 0.15, back, int(rng.integers(1, 5))):
            t.add(BOX, (0, y, -d), [w * 0.85, u(0.03, 0.1), thin * 0.7], rounded=0.01, slot=int(rng.integers(2)))
        if rng.random() < 0.4:
            t.add(BOX, (0, (h + back) / 2, -d), [w * 0.8, (back - h) / 2, 0.06], rounded=0.05)
    elif kind < 0.7:  # a lamp
        t.limb((0, h, 0), (0, h + 0.9, 0), thin, thin, slot=1)
        t.add(FRUSTUM, (0, h + 1.0, 0), [u(0.15, 0.3), u(0.25, 0.45), u(0.1, 0.3)], slot=2)
    return t


def garment(rng: Rng) -> Thing:
    """Shirt, hat, shoe, bag, cushion: soft blends with folds."""
    t, u = Thing(), rng.uniform
    kind = int(rng.integers(5))
    if kind == 0:  # shirt or coat, hung up
        t.add(BOX, (0, 0.7, 0), [u(0.25, 0.4), u(0.4, 0.6), 0.06], rounded=0.06, k=0.1)
        t.limb((0.3, 1.15, 0), (u(0.5, 0.9), u(0.2, 0.9), 0), 0.16, u(0.08, 0.14), fold=1, k=0.1)
        t.add(FRUSTUM, (0, 1.3, 0), [0.1, u(0.1, 0.16), 0.1], slot=1, shell=0.01)
        t.add(BOX, (0, 0.7, 0.13), [0.012, 0.5, 0.01], slot=2)
    elif kind == 1:  # hat
        t.add(ELLIPSOID, (0, 0.25, 0), [0.42, u(0.3, 0.5), 0.46], k=0.06)
        t.add(ELLIPSOID, (0, 0.1, u(0, 0.35)), [u(0.45, 0.8), 0.03, u(0.45, 0.8)], k=0.05, slot=int(rng.integers(2)))
        t.add(FRUSTUM, (0, 0.17, 0), [0.05, 0.43, 0.43], slot=2)
    elif kind == 2:  # shoe
        high = u(0.25, 0.8)
        t.add(ELLIPSOID, (0, 0.22, 0.45), [0.2, u(0.12, 0.2), 0.45], k=0.2)
        t.add(ELLIPSOID, (0, 0.25, -0.1), [0.19, 0.22, 0.35], k=0.2)
        t.limb((0, 0.25, -0.2), (0, high, -0.25), 0.19, 0.17, k=0.15, slot=0)
        t.add(ELLIPSOID, (0, high + 0.1, -0.27), [0.13, 0.14, 0.15], op=1, k=0.03)
        t.add(BOX, (0, 0.04, 0.2), [0.17, 0.02, 0.62], rounded=u(0.02, 0.07), slot=1)
        for z in np.linspace(0.1, 0.4, 4):
            t.add(BOX, (0, 0.44 - z * 0.5, z), [0.1, 0.012, 0.015], turn(x=0.5), rounded=0.01, slot=2)
    elif kind == 3:  # bag
        w, h, d = u(0.35, 0.65), u(0.25, 0.55), u(0.1, 0.25)
        t.add(BOX, (0, h, 0), [w - 0.08, h - 0.08, d - 0.06], rounded=0.08)
        t.add(BOX, (0, h * u(0.6, 1.3), d), [w * u(0.4, 0.9), h * u(0.2, 0.5), 0.02], rounded=0.03, slot=1)
        t.add(RING, (0, 2 * h, 0.1), [w * u(0.4, 0.7), u(0.02, 0.04), u(0.5, 1.1), 1.0], slot=1)
        t.add(ELLIPSOID, (0, h * 1.1, d + 0.04), [0.05, 0.04, 0.03], slot=2)
    else:  # cushion, sack, crumpled sheet
        t.add(ELLIPSOID, (0, 0.3, 0), list(u(0.2, 0.7, 3)), turn(*u(-0.4, 0.4, 3)), k=0.1)
        t.add(BOX, (0, 0.3, 0), list(u(0.15, 0.5, 3)), turn(*u(-0.3, 0.3, 3)), rounded=0.1, k=0.25)
    t.rough = (u(0.005, 0.045), u(4, 12), 1.0)
    return t
