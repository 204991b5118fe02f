"""More random things: vehicles, hardware, food, insects, buildings, blends; and the choice among all of them."""

from __future__ import annotations

import numpy as np

from training.march_objects import (
    BOX,
    CORD,
    ELLIPSOID,
    FRUSTUM,
    RING,
    TURNED,
    Rng,
    Thing,
    carton,
    creature,
    furniture,
    garment,
    person,
    plant,
    turn,
    vessel,
)


def vehicle(rng: Rng) -> Thing:
    """Car, cart, plane, boat."""
    t, u = Thing(), rng.uniform
    long, wide, high = u(0.6, 1.1), u(0.25, 0.4), u(0.12, 0.26)
    kind = int(rng.integers(4))
    if kind < 2:
        wheel = u(0.12, 0.22)
        y = wheel + high
        t.add(BOX, (0, y, 0), [wide, high, long], rounded=u(0.02, 0.1), k=0.1)
        cab = u(0.1, 0.25)
        t.add(ELLIPSOID if rng.random() < 0.5 else BOX, (0, y + high + cab * 0.6, u(-0.4, 0.2)),
              [wide * 0.85, cab, long * u(0.35, 0.65)], rounded=0.04, k=0.08)  # fmt: skip
        t.add(BOX, (wide * 0.8, y + high + cab * 0.8, -0.1), [0.1, cab * 0.4, long * 0.3], fold=1, slot=3, rounded=0.02)
        for z in (long * 0.62, -long * 0.62):
            t.add(
                FRUSTUM, (wide + 0.03, wheel, z), [0.06, wheel, wheel], turn(z=np.pi / 2), fold=1, slot=3, rounded=0.02
            )
            t.add(FRUSTUM, (wide + 0.1, wheel, z), [0.02, wheel * 0.6, wheel * 0.5], turn(z=np.pi / 2), fold=1, slot=2)
        t.add(ELLIPSOID, (wide * 0.7, y, long + 0.05), [0.07, 0.05, 0.05], fold=1, slot=2)
    elif kind == 2:  # plane
        body = u(0.1, 0.2)
        t.add(ELLIPSOID, (0, 0.5, 0), [body, body, long])
        t.add(ELLIPSOID, (0.5, 0.5, 0.05), [u(0.5, 0.9), 0.025, u(0.12, 0.25)], turn(y=u(-0.4, 0.1)), fold=1, slot=1)
        t.add(ELLIPSOID, (0, 0.65, -long * 0.85), [0.02, 0.25, 0.14], slot=2)
        t.add(ELLIPSOID, (0.15, 0.55, -long * 0.9), [0.25, 0.02, 0.1], fold=1, slot=1)
    else:  # boat
        t.add(ELLIPSOID, (0, 0.3, 0), [wide, 0.3, long])
        t.add(BOX, (0, 0.6, 0), [1, 0.25, 2], op=1, k=0.02)
        t.add(BOX, (0, 0.45, -0.1), [wide * 0.6, 0.15, long * 0.4], slot=1, rounded=0.02)
        t.limb((0, 0.3, 0), (0, u(0.8, 1.8), 0), 0.03, 0.02, slot=3)
        t.add(ELLIPSOID, (0, 0.95, -0.25), [0.02, 0.5, 0.35], slot=2)
    return t


def hardware(rng: Rng) -> Thing:
    """Ring, watch, spectacles, tool, key, headphones, wheel, cord: metal, wires, holes seen through."""
    t, u = Thing(), rng.uniform
    kind = int(rng.integers(6))
    thin = u(0.02, 0.06)
    if kind == 0:  # ring or watch, standing
        t.add(RING, (0, 0.5, 0), [0.4, u(0.03, 0.1), 1.0, u(0.3, 1.0)])
        t.add(ELLIPSOID if u() < 0.5 else FRUSTUM, (0, 0.95, 0), [u(0.06, 0.2), u(0.1, 0.25), u(0.1, 0.2)], slot=2)
    elif kind == 1:  # spectacles
        for sign in (-1, 1):
            t.add(RING, (0.33 * sign, 0.4, 0), [0.25, thin, u(0.9, 1.5), 1.0])
            t.limb((0.58 * sign, 0.45, 0), (0.62 * sign, 0.4, -0.9), thin, thin * 0.7)
        t.limb((-0.1, 0.45, 0), (0.1, 0.45, 0), thin, thin)
    elif kind == 2:  # hammer, spanner, spoon, brush
        t.limb((0, 0.1, 0), (0, 1.3, 0), u(0.04, 0.1), u(0.03, 0.07))
        head = [u(0.1, 0.4), u(0.06, 0.25), u(0.03, 0.12)]
        t.add(BOX if u() < 0.5 else ELLIPSOID, (0, 1.4, 0), head, rounded=0.02, k=0.05, slot=1)
        if u() < 0.4:
            t.add(FRUSTUM, (0, 1.45, 0), [0.5, 0.08, 0.08], turn(x=np.pi / 2), op=1)
    elif kind == 3:  # headphones
        t.add(RING, (0, 0.5, 0), [0.5, thin, u(0.75, 1.1), 0.7])
        t.add(BOX, (0, -0.25, 0), [1.0, 0.55, 1.0], op=1)
        t.add(
            FRUSTUM,
            (0.5, 0.35, 0),
            [u(0.06, 0.14), 0.22, u(0.15, 0.22)],
            turn(z=np.pi / 2),
            fold=1,
            slot=1,
            rounded=0.04,
        )
    elif kind == 4:  # wheel with spokes, or a bicycle
        for x in (-0.75, 0.75)[: int(rng.integers(1, 3))]:
            t.add(RING, (x, 0.5, 0), [0.46, thin, 1.0, 1.0], slot=1)
            for a in np.linspace(0, np.pi, int(rng.integers(2, 6)), endpoint=False):
                v = 0.45 * np.array([np.cos(a), np.sin(a), 0])
                t.limb(np.array([x, 0.5, 0]) - v, np.array([x, 0.5, 0]) + v, 0.012, 0.012, slot=2)
        if len(t.rows) > 7:
            for a, b in (((-0.75, 0.5), (0, 0.5)), ((0, 0.5), (0.55, 1.0)), ((-0.25, 1.0), (0, 0.5)),
                         ((-0.25, 0.95), (0.55, 0.95)), ((0.75, 0.5), (0.5, 1.15)),
                         ((-0.75, 0.5), (-0.3, 1.05))):  # fmt: skip
                t.limb((*a, 0), (*b, 0), thin * 0.8, thin * 0.8)
            t.add(ELLIPSOID, (-0.3, 1.1, 0), [0.15, 0.04, 0.08], slot=3)
    else:  # cord, chain of balls, spring
        t.add(CORD, (0, 0.3, 0), [u(0.6, 1.0), u(0.015, 0.05), u(0.05, 0.2), u(4, 14)])
        t.add(BOX, (0.8, 0.3, 0), [0.12, 0.08, 0.1], rounded=0.03, slot=1)
    return t


def food(rng: Rng) -> Thing:
    """Fruit, loaf, cake, stone, ring cake, heap."""
    t, u = Thing(), rng.uniform
    kind = int(rng.integers(4))
    if kind == 0:
        t.add(ELLIPSOID, (0, 0.5, 0), [u(0.3, 0.6), u(0.3, 0.6), u(0.3, 0.6)], k=0.1)
        t.add(ELLIPSOID, (0, u(0.8, 1.1), 0), [0.12, 0.1, 0.12], op=1, k=0.25)
        t.limb((0, 0.8, 0), (0.08, 1.15, 0), 0.025, 0.02, slot=1)
        if u() < 0.5:
            t.add(ELLIPSOID, (0.2, 1.1, 0), [0.2, 0.015, 0.09], turn(z=0.4), slot=2)
    elif kind == 1:
        y = 0.0
        for slot in range(int(rng.integers(1, 5))):
            h = u(0.06, 0.22)
            r = 0.6 * u(0.75, 1.0)
            t.add(FRUSTUM, (0, y + h, 0), [h, r, r * u(0.85, 1)], rounded=0.03, slot=slot % 3)
            y += 2 * h
        t.add(ELLIPSOID, (0.25, y + 0.06, 0), [0.1, 0.1, 0.1], fold=int(rng.integers(2, 8)), slot=3)
    elif kind == 2:
        t.add(RING, (0, 0.22, 0), [0.45, u(0.15, 0.25), 1.0, u(0.8, 1.1)], turn(x=np.pi / 2))
        t.add(ELLIPSOID, (0.45, 0.4, 0), [0.12, 0.08, 0.12], fold=int(rng.integers(3, 9)), slot=1, k=0.1)
    else:
        for _ in range(int(rng.integers(3, 9))):
            r = u(0.12, 0.4)
            at = rng.normal(0, 0.3, 3) * [1, 0.5, 1] + [0, 0.4, 0]
            t.add(ELLIPSOID, at, [r, r * u(0.6, 1), r * u(0.7, 1)], turn(*u(-1, 1, 3)), k=u(0, 0.1),
                  slot=int(rng.integers(2)))  # fmt: skip
    t.rough = (u(0.0, 0.04), u(3, 14), 0.0)
    return t


def insect(rng: Rng) -> Thing:
    """Butterfly, beetle, spider, fish, star: wings and limbs in pairs or in a round."""
    t, u = Thing(), rng.uniform
    kind = int(rng.integers(3))
    if kind == 0:
        lift = u(-0.2, 1.2)
        t.add(ELLIPSOID, (0.4, 0.6, 0.15), [0.5, 0.02, u(0.2, 0.4)], turn(z=lift) @ turn(y=0.4), fold=1, slot=1)
        t.add(ELLIPSOID, (0.3, 0.6, -0.3), [0.38, 0.02, u(0.2, 0.35)], turn(z=lift) @ turn(y=-0.5), fold=1, slot=2)
        t.limb((0, 0.55, -0.5), (0, 0.6, 0.4), 0.05, 0.07, slot=3)
        t.limb((0.03, 0.6, 0.4), (0.25, 0.8, 0.85), 0.01, 0.015, fold=1, slot=3)
    elif kind == 1:
        t.add(ELLIPSOID, (0, 0.35, -0.1), [0.35, u(0.2, 0.4), 0.5], k=0.1)
        t.add(ELLIPSOID, (0, 0.3, 0.5), [0.2, 0.16, 0.2], k=0.1, slot=1)
        for z in (-0.3, 0.05, 0.35):
            t.limb((0.2, 0.3, z), (0.6, u(0.3, 0.6), z * 1.5), 0.04, 0.03, fold=1, slot=3)
            t.limb((0.6, 0.45, z * 1.5), (0.85, 0, z * 2), 0.03, 0.015, fold=1, slot=3)
    else:
        t.add(ELLIPSOID, (0, 0.5, 0), [u(0.08, 0.2), u(0.2, 0.4), 0.7], k=0.05)
        t.add(ELLIPSOID, (0, 0.5, -0.85), [0.03, u(0.2, 0.45), 0.2], k=0.1, slot=1)
        t.add(ELLIPSOID, (0, 0.85, 0.0), [0.02, 0.2, u(0.2, 0.4)], slot=1)
        t.add(ELLIPSOID, (0.15, 0.4, 0.2), [0.2, 0.02, 0.12], turn(z=-0.6), fold=1, slot=1)
        t.add(ELLIPSOID, (0.1, 0.58, 0.48), [0.05, 0.05, 0.05], fold=1, slot=3)
    return t


def landmark(rng: Rng) -> Thing:
    """House, tower, sign, hydrant, statue on its plinth, balloon."""
    t, u = Thing(), rng.uniform
    kind = int(rng.integers(4))
    if kind == 0:  # house
        w, h, d = u(0.3, 0.6), u(0.25, 0.8), u(0.3, 0.6)
        t.add(BOX, (0, h, 0), [w, h, d])
        t.add(BOX, (0, 2 * h, 0), [w * 0.78, w * 0.78, d * 1.05], turn(z=np.pi / 4), slot=1)
        for x in np.linspace(-0.6, 0.6, int(rng.integers(2, 4))) * w:
            t.add(BOX, (x, h * u(0.9, 1.3), d), [w * 0.13, h * 0.2, 0.02], slot=3)
    elif kind == 1:  # sign or lollipop
        t.limb((0, 0, 0), (0, 1.2, 0), 0.05, 0.05, slot=1)
        size = u(0.25, 0.5)
        t.add(FRUSTUM, (0, 1.4, 0.03), [0.03, size, size], turn(x=np.pi / 2))
        t.add(BOX, (0, 1.4, 0.06), [size * 0.6, size * 0.25, 0.02], slot=2)
    elif kind == 2:  # tower, hydrant
        t.add(TURNED, (0, 0.9, 0), [0.9, 0.35, *u(0.2, 0.35, 3), u(0.15, 0.4), u(0.02, 0.2)])
        t.add(
            FRUSTUM, (0.3, u(0.6, 1.2), 0), [0.12, 0.12, 0.12], turn(z=np.pi / 2), fold=int(rng.integers(2, 5)), slot=1
        )
        t.add(FRUSTUM, (0, 0.05, 0), [0.06, 0.5, 0.45], slot=2)
    else:  # balloon
        t.add(ELLIPSOID, (0, 1.2, 0), [0.5, u(0.5, 0.7), 0.5], k=0.1)
        t.limb((0, 0.9, 0), (0, 0.5, 0), 0.25, 0.05, k=0.2)
        t.add(BOX, (0, 0.3, 0), [0.1, 0.1, 0.1], slot=1)
        t.limb((0.1, 0.4, 0), (0.25, 0.8, 0), 0.008, 0.008, fold=4, slot=2)
    return t


def blend(rng: Rng) -> Thing:
    """Anything: solids joined softly, holes cut through, parts repeated around."""
    t, u = Thing(), rng.uniform
    for index in range(int(rng.integers(2, 8))):
        kind = int(rng.choice([ELLIPSOID, BOX, RING, FRUSTUM]))
        sizes = {ELLIPSOID: list(u(0.08, 0.5, 3)), BOX: list(u(0.05, 0.4, 3)), FRUSTUM: list(u(0.06, 0.45, 3)),
                 RING: [u(0.2, 0.5), u(0.03, 0.12), u(0.7, 1.2), 1.0]}[kind]  # fmt: skip
        op = int(index > 1 and rng.random() < 0.2)
        t.add(kind, rng.normal(0, 0.35, 3) + [0, 0.6, 0], sizes, turn(*u(-1.5, 1.5, 3)), op=op, k=float(u(0, 0.2)),
              fold=int(rng.choice([0, 1, 3, 6], p=[0.4, 0.4, 0.1, 0.1])), rounded=u(0, 0.05),
              slot=index % 3)  # fmt: skip
    if rng.random() < 0.3:
        t.rough = (u(0.005, 0.05), u(4, 20), float(rng.integers(2)))
    return t


THINGS = (
    (vessel, 0.11), (carton, 0.12), (creature, 0.18), (person, 0.1), (plant, 0.11), (furniture, 0.06),
    (garment, 0.09), (vehicle, 0.06), (hardware, 0.05), (food, 0.05), (insect, 0.04), (landmark, 0.04), (blend, 0.06),
)  # fmt: skip


def random_thing(rng: Rng) -> Thing:
    """Draw one thing of any kind."""
    chances = np.array([chance for _, chance in THINGS])
    return THINGS[int(rng.choice(len(THINGS), p=chances / chances.sum()))][0](rng)
