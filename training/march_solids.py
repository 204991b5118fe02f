"""Signed distances to the solids of one scene. Scalar code for native.py: Python in tests, C on a CPU or a GPU.

A scene is one row of floats: a header, objects, primitives, materials (see the constants). Distances after Quilez
(iquilezles.org/articles/distfunctions); smooth unions by his polynomial minimum; value noise on a hashed lattice.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import atan2, cos, floor, sin, sqrt

Floats = Sequence[float]
Word = int
Pair = tuple[float, float]
Vec3 = tuple[float, float, float]
Vec4 = tuple[float, float, float, float]

MAX_OBJECTS = 16
MAX_PRIMS = 120
MAX_MATERIALS = 28
AT_OBJECTS = 96
OBJECT = 24
AT_PRIMS = 480
PRIM = 28
AT_MATERIALS = 3840
MATERIAL = 24
SCENE = 4512
"""Floats per scene."""

FLOOR, RELIEF, RELIEF_SCALE, RELIEF_KIND = 17, 18, 19, 20
WALL, WALL_X, WALL_Z, SIDE_WALL, SIDE_X, SIDE_Z, SWEEP = 21, 22, 23, 24, 25, 26, 27
OBJECTS = 28
FAR = 1e9
NOTHING = -1
GROUND = 0
BACK = 1
FIRST_OBJECT = 2


def hashed(i: int, j: int, k: int) -> float:
    """Return a number 0..1 for a lattice point."""
    h: Word = i & 4294967295
    h = (h * 374761393 + 668265263) & 4294967295
    h = ((h ^ (h >> 15)) + (j & 4294967295)) & 4294967295
    h = (h * 2246822519 + 3266489917) & 4294967295
    h = ((h ^ (h >> 13)) + (k & 4294967295)) & 4294967295
    h = (h * 3266489917 + 374761393) & 4294967295
    h = (h ^ (h >> 16)) & 4294967295
    h = (h * 668265263) & 4294967295
    h = h >> 8
    return float(h) * 5.9604645e-8


def fraction(x: float) -> float:
    """Return x less its floor."""
    return x - floor(x)


def mix(a: float, b: float, share: float) -> float:
    """Return a + (b - a) * share."""
    return a + (b - a) * share


def bound(x: float, low: float, high: float) -> float:
    """Return x kept within low..high."""
    return min(max(x, low), high)


def eased(low: float, high: float, x: float) -> float:
    """Smooth step from 0 at low to 1 at high."""
    t = bound((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def noise(x: float, y: float, z: float) -> float:
    """Value noise, -1..1, smooth."""
    i: int = int(floor(x))
    j: int = int(floor(y))
    k: int = int(floor(z))
    u = x - floor(x)
    v = y - floor(y)
    w = z - floor(z)
    u = u * u * (3.0 - 2.0 * u)
    v = v * v * (3.0 - 2.0 * v)
    w = w * w * (3.0 - 2.0 * w)
    a = mix(mix(hashed(i, j, k), hashed(i + 1, j, k), u), mix(hashed(i, j + 1, k), hashed(i + 1, j + 1, k), u), v)
    b = mix(
        mix(hashed(i, j, k + 1), hashed(i + 1, j, k + 1), u),
        mix(hashed(i, j + 1, k + 1), hashed(i + 1, j + 1, k + 1), u),
        v,
    )
    return 2.0 * mix(a, b, w) - 1.0


def layered(x: float, y: float, z: float, octaves: int) -> float:
    """Noise of several octaves, about -1..1."""
    total = 0.0
    weight = 0.5
    for _i in range(octaves):
        total += weight * noise(x, y, z)
        x, y, z = 2.03 * x + 1.7, 2.01 * y - 3.1, 1.99 * z + 5.3
        weight *= 0.5
    return total * 1.3


def length3(x: float, y: float, z: float) -> float:
    """Return the length of a vector."""
    return sqrt(x * x + y * y + z * z + 1e-12)


def ellipsoid(x: float, y: float, z: float, a: float, b: float, c: float) -> float:
    """Approximate distance to an ellipsoid of half axes a, b, c; exact for a sphere."""
    near = length3(x / a, y / b, z / c)
    steep = length3(x / (a * a), y / (b * b), z / (c * c))
    return near * (near - 1.0) / max(steep, 1e-6)


def box(x: float, y: float, z: float, a: float, b: float, c: float) -> float:
    """Exact distance to a box of half sides a, b, c."""
    qx = abs(x) - a
    qy = abs(y) - b
    qz = abs(z) - c
    outside = length3(max(qx, 0.0), max(qy, 0.0), max(qz, 0.0))
    return outside + min(max(qx, qy, qz), 0.0)


def round_cone(x: float, y: float, z: float, r1: float, r2: float, h: float) -> float:
    """Distance to the hull of two balls: radius r1 at the origin, r2 at height h."""
    b = bound((r1 - r2) / h, -0.98, 0.98)
    a = sqrt(1.0 - b * b)
    q = sqrt(x * x + z * z)
    k = a * y - b * q
    if k < 0.0:
        return sqrt(q * q + y * y) - r1
    if k > a * h:
        return sqrt(q * q + (y - h) * (y - h)) - r2
    return q * a + y * b - r1


def capped_cone(x: float, y: float, z: float, h: float, r1: float, r2: float) -> float:
    """Distance to a cone frustum of half height h, radius r1 below and r2 above."""
    q = sqrt(x * x + z * z)
    k2x = r2 - r1
    k2y = 2.0 * h
    cax = q - min(q, r1 if y < 0.0 else r2)
    cay = abs(y) - h
    t = bound(((r2 - q) * k2x + (h - y) * k2y) / (k2x * k2x + k2y * k2y), 0.0, 1.0)
    cbx = q - r2 + k2x * t
    cby = y - h + k2y * t
    inside = -1.0 if cbx < 0.0 and cay < 0.0 else 1.0
    return inside * sqrt(min(cax * cax + cay * cay, cbx * cbx + cby * cby))


def turned(x: float, y: float, z: float, s: Floats, at: int) -> float:
    """Body of revolution: half height s[at], six radii from foot to top, joined smoothly."""
    h = s[at]
    u = bound((y / h + 1.0) * 2.5, 0.0, 4.999)
    i: int = int(u)
    t = u - float(i)
    p1 = s[at + 1 + i]
    p2 = s[at + 2 + i]
    p0 = s[at + i] if i > 0 else p1
    p3 = s[at + 3 + i] if i < 4 else p2
    r = p1 + 0.5 * t * (p2 - p0 + t * (2.0 * p0 - 5.0 * p1 + 4.0 * p2 - p3 + t * (3.0 * (p1 - p2) + p3 - p0)))
    slope = (p2 - p1) * 2.5 / h
    side = (sqrt(x * x + z * z) - r) / sqrt(1.0 + slope * slope)
    lid = abs(y) - h
    return min(max(side, lid), 0.0) + sqrt(max(side, 0.0) * max(side, 0.0) + max(lid, 0.0) * max(lid, 0.0))


def primitive(s: Floats, at: int, x: float, y: float, z: float) -> float:
    """Distance to the primitive stored at `at`, in its own units. x, y, z: object coordinates."""
    fold = s[at + 3]
    if fold > 0.5:
        if fold < 1.5:
            x = abs(x)
        else:
            step = 6.2831853 / fold
            turn = atan2(z, x)
            turn = turn - step * floor(turn / step + 0.5)
            q = sqrt(x * x + z * z)
            x, z = q * cos(turn), q * sin(turn)
    x, y, z = x - s[at + 7], y - s[at + 8], z - s[at + 9]
    x, y, z = (
        s[at + 10] * x + s[at + 11] * y + s[at + 12] * z,
        s[at + 13] * x + s[at + 14] * y + s[at + 15] * z,
        s[at + 16] * x + s[at + 17] * y + s[at + 18] * z,
    )
    kind: int = int(s[at])
    a = s[at + 19]
    b = s[at + 20]
    c = s[at + 21]
    e = s[at + 22]
    d = 0.0
    if kind == 0:  # ellipsoid, bent along z
        d = ellipsoid(x, y + e * z * z, z, a, b, c) * (1.0 if e == 0.0 else 0.6)
    elif kind == 1:
        d = box(x, y, z, a, b, c)
    elif kind == 2:
        d = round_cone(x, y, z, a, b, c)
    elif kind == 3:  # ring around z, its tube pressed by e along z
        q = sqrt(x * x + y * y * c * c) - a
        d = sqrt(q * q + z * z * e * e) - b
        d = d / max(e, c)
    elif kind == 4:
        d = capped_cone(x, y, z, a, b, c)
    elif kind == 5:
        d = turned(x, y, z, s, at + 19)
    else:  # a cord that winds: half length a, radius b, swing c, waves e
        swing = c * sin(e * x)
        lift = c * cos(0.73 * e * x)
        steep = sqrt(1.0 + c * c * e * e)
        q = sqrt((y - swing) * (y - swing) + (z - lift) * (z - lift)) / steep - b
        d = max(q, abs(x) - a)
    if s[at + 4] > 0.0:
        d = abs(d) - s[at + 4]
    return d - s[at + 5]


def blended(a: float, b: float, k: float) -> float:
    """Polynomial smooth minimum; k = 0 is the plain one."""
    if k <= 0.0:
        return min(a, b)
    h = max(k - abs(a - b), 0.0) / k
    return min(a, b) - h * h * k * 0.25


def object_point(s: Floats, at: int, x: float, y: float, z: float) -> Vec3:
    """Bring a point of the world into the coordinates of the object stored at `at`."""
    x, y, z = x - s[at + 2], y - s[at + 3], z - s[at + 4]
    scale = 1.0 / s[at + 15]
    return (
        (s[at + 5] * x + s[at + 6] * y + s[at + 7] * z) * scale + s[at + 20],
        (s[at + 8] * x + s[at + 9] * y + s[at + 10] * z) * scale + s[at + 21],
        (s[at + 11] * x + s[at + 12] * y + s[at + 13] * z) * scale + s[at + 22],
    )


def solid(s: Floats, at: int, x: float, y: float, z: float) -> Pair:
    """Distance (world units) to the object stored at `at`, and the material of its nearest primitive."""
    x, y, z = object_point(s, at, x, y, z)
    d = FAR
    nearest = FAR
    material = 0.0
    first: int = int(s[at])
    count: int = int(s[at + 1])
    for i in range(count):
        p: int = AT_PRIMS + (first + i) * PRIM
        each = primitive(s, p, x, y, z)
        if s[p + 1] < 0.5:
            d = blended(d, each, s[p + 2])
            if each < nearest:
                nearest = each
                material = s[p + 6]
        elif s[p + 1] < 1.5:
            d = -blended(-d, each, s[p + 2])
        else:
            d = max(d, each)
    if s[at + 17] > 0.0:
        f = s[at + 18]
        if s[at + 19] < 0.5:
            d = (d - s[at + 17] * noise(x * f, y * f, z * f)) * 0.75
        else:
            d = (d - s[at + 17] * abs(sin(f * x + 2.0 * noise(x * f * 0.4, y * f * 0.4, z * f * 0.4)))) * 0.6
    return d * s[at + 15], material


def relief(s: Floats, x: float, z: float) -> float:
    """Height of the ground above its level."""
    f = s[RELIEF_SCALE]
    if s[RELIEF_KIND] < 0.5:
        return s[RELIEF] * (noise(x * f, 0.5, z * f) + 0.35 * noise(x * f * 2.7, 3.5, z * f * 2.7))
    if s[RELIEF_KIND] < 1.5:  # tufts
        tall = 0.5 + 0.5 * noise(x * f, 0.5, z * f)
        return s[RELIEF] * tall * tall * (0.6 + 0.8 * abs(noise(x * f * 0.21, 9.5, z * f * 0.21)))
    q = sqrt((fraction(x * f) - 0.5) * (fraction(x * f) - 0.5)
             + (fraction(z * f) - 0.5) * (fraction(z * f) - 0.5))  # fmt: skip
    return s[RELIEF] * eased(0.5, 0.2, q) * hashed(int(floor(x * f)), 1, int(floor(z * f)))


def surroundings(s: Floats, x: float, y: float, z: float) -> Pair:
    """Distance to ground and walls, and which of them is nearer (GROUND or BACK)."""
    ground = y - s[FLOOR]
    if s[RELIEF] > 0.0 and ground < 3.0 * s[RELIEF] + 0.05:
        ground = (ground - relief(s, x, z)) * (0.7 if s[RELIEF_KIND] < 0.5 else 0.45)
    elif s[RELIEF] > 0.0:
        ground = ground - 1.5 * s[RELIEF]
    wall = FAR
    if s[WALL] < 900.0:
        wall = s[WALL] - (s[WALL_X] * x + s[WALL_Z] * z)
    if s[SIDE_WALL] < 900.0:
        wall = min(wall, s[SIDE_WALL] - (s[SIDE_X] * x + s[SIDE_Z] * z))
    return blended(ground, wall, s[SWEEP]), 0.0 if ground < wall else 1.0


def distance(s: Floats, x: float, y: float, z: float, skip: int) -> float:
    """Distance to the nearest surface of the scene; objects far off count by their bounding balls."""
    d, _which = surroundings(s, x, y, z)
    count: int = int(s[OBJECTS])
    for i in range(count):
        at: int = AT_OBJECTS + i * OBJECT
        if i != skip:
            away = length3(x - s[at + 2], y - s[at + 3], z - s[at + 4]) - s[at + 14]
            if away < d:
                if away > 0.25 * s[at + 14] + 0.02:
                    d = away
                else:
                    each, _material = solid(s, at, x, y, z)
                    d = min(d, each)
    return d


def clearance(s: Floats, x: float, y: float, z: float) -> Pair:
    """A safe step, and the distance to what is near: bounding balls of far objects count in the first only."""
    d, _which = surroundings(s, x, y, z)
    step = d
    count: int = int(s[OBJECTS])
    for i in range(count):
        at: int = AT_OBJECTS + i * OBJECT
        away = length3(x - s[at + 2], y - s[at + 3], z - s[at + 4]) - s[at + 14]
        if away > 1.8 * s[at + 14]:
            step = min(step, away)
        elif away < d:
            each, _material = solid(s, at, x, y, z)
            d = min(d, each)
    return min(step, d), d


def nearest_part(s: Floats, x: float, y: float, z: float, skip: int) -> Pair:
    """What a surface point belongs to (GROUND, BACK or FIRST_OBJECT + object) and its material."""
    d, which = surroundings(s, x, y, z)
    material = which
    count: int = int(s[OBJECTS])
    for i in range(count):
        at: int = AT_OBJECTS + i * OBJECT
        if i != skip and length3(x - s[at + 2], y - s[at + 3], z - s[at + 4]) - s[at + 14] < d:
            each, own = solid(s, at, x, y, z)
            if each < d:
                d = each
                which = float(FIRST_OBJECT + i)
                material = own
    return which, material
