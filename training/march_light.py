"""Colour, light and camera of one scene (march_solids.py has its shapes). Scalar code for native.py.

Sphere tracing after Hart (1996); soft shadows and ambient occlusion from distances after Quilez.
"""

from __future__ import annotations

from math import cos, exp, floor, pow, sin, sqrt

from training.march_solids import (
    AT_MATERIALS,
    AT_OBJECTS,
    BACK,
    FIRST_OBJECT,
    FLOOR,
    GROUND,
    MATERIAL,
    NOTHING,
    OBJECT,
    RELIEF,
    Floats,
    Vec3,
    Vec4,
    bound,
    clearance,
    distance,
    eased,
    fraction,
    hashed,
    layered,
    length3,
    mix,
    nearest_part,
    noise,
    object_point,
)

Buffer = list[float]

SAMPLES, SEED = 15, 16
SKY, HORIZON, BOUNCE, SUN, SUN_COLOUR, SHADOW, FILL, FILL_COLOUR = 29, 32, 35, 38, 41, 44, 45, 48
CLOUDS, HILLS, FOLIAGE, FOLIAGE_SCALE, FAR_A, FAR_B = 51, 52, 53, 54, 55, 58
HAZE, OCCLUSION, SOFTBOX, FALL_OFF, ASPECT = 61, 62, 63, 64, 65
REACH = 70.0
LENS, FOCUS, FIELD = 13, 14, 12
SUBJECT = 16


def pattern(kind: int, x: float, y: float, z: float) -> float:
    """Share of the second colour, 0..1, at a point in units of the pattern."""
    if kind == 1:
        return bound(0.5 + 0.7 * layered(x, y, z, 4), 0.0, 1.0)
    if kind == 2:
        return eased(-0.12, 0.12, sin(6.28 * x))
    if kind == 3:
        return fraction(0.5 * (floor(x) + floor(y) + floor(z))) * 2.0
    if kind == 4:  # spots
        q = length3(fraction(x) - 0.5, fraction(y) - 0.5, fraction(z) - 0.5)
        return eased(0.42, 0.36, q)
    if kind == 5:  # wood
        r = sqrt(x * x + 0.04 * y * y + z * z) + 0.25 * layered(x * 0.8, y * 0.15, z * 0.8, 3)
        return 0.5 + 0.35 * sin(9.0 * r) + 0.25 * noise(x * 9.0, y * 0.7, z * 9.0)
    if kind == 6:  # marble
        return bound(1.6 * pow(abs(sin(2.0 * x + 3.5 * layered(x, y, z, 4))), 0.4) - 0.5, 0.0, 1.0)
    if kind == 7:  # lines of writing
        line = floor(y * 3.0)
        row = fraction(y * 3.0)
        ink = hashed(int(floor(x * 9.0)), int(line), 3) + 0.25 * hashed(int(floor(x * 27.0)), int(line), 5)
        inside = 1.0 if row > 0.25 and row < 0.25 + 0.5 * hashed(int(line), 7, 2) + 0.15 else 0.0
        return inside * (1.0 if ink > 0.45 else 0.0) * (1.0 if z > -0.2 else 0.0)
    if kind == 8:  # tiles or bricks
        row = floor(z) + floor(y)
        u = fraction(x * 0.5 + 0.5 * row)
        v = fraction(z + y)
        gap = eased(0.03, 0.05, min(min(u, 1.0 - u) * 2.0, min(v, 1.0 - v)))
        return gap * (0.55 + 0.45 * hashed(int(floor(x * 0.5 + 0.5 * row)), int(row), 11))
    if kind == 9:  # fur, straw, brushed metal
        return bound(0.5 + 0.6 * noise(x * 9.0, y * 1.2, z * 9.0) + 0.3 * noise(x * 23.0, y * 3.0, z * 23.0), 0.0, 1.0)
    if kind == 10:
        return eased(-1.0, 1.0, y)
    if kind == 11:  # patches
        return eased(0.0, 0.08, layered(x, y, z, 3))
    if kind == 12:  # plaid
        return 0.5 * eased(-0.1, 0.1, sin(6.28 * x)) + 0.5 * eased(-0.1, 0.1, sin(6.28 * (y + z)))
    if kind == 13:  # pebbles or leaves on the ground
        u = x + 0.4 * noise(x * 1.3, 1.0, z * 1.3)
        v = z + 0.4 * noise(x * 1.3, 5.0, z * 1.3)
        q = sqrt((fraction(u) - 0.5) * (fraction(u) - 0.5) + (fraction(v) - 0.5) * (fraction(v) - 0.5))
        return eased(0.55, 0.25, q) * hashed(int(floor(u)), 3, int(floor(v)))
    return 0.0


def skin(s: Floats, m: int, x: float, y: float, z: float) -> Vec3:
    """Colour of a material at a point in its object's coordinates."""
    f = s[m + 10]
    kind: int = int(s[m + 9])
    off = s[m + 23]
    share = pattern(kind, x * f + off, y * f, z * f + 0.3 * off) * s[m + 11]
    third = eased(0.1, 0.5, noise(x * f * 0.37 + off, y * f * 0.37, z * f * 0.37)) * s[m + 22]
    g = s[m + 13]
    grain = 1.0 + s[m + 12] * layered(x * g, y * g + off, z * g, 3)
    r = mix(mix(s[m], s[m + 3], share), s[m + 6], third) * grain
    gr = mix(mix(s[m + 1], s[m + 4], share), s[m + 7], third) * grain
    b = mix(mix(s[m + 2], s[m + 5], share), s[m + 8], third) * grain
    return max(r, 0.0), max(gr, 0.0), max(b, 0.0)


def sky(s: Floats, x: float, y: float, z: float, sharp: float) -> Vec3:
    """Light that comes from a direction: gradient, clouds, hills or trees, softboxes indoors."""
    h = eased(-0.05, 0.7, y)
    r = mix(s[HORIZON], s[SKY], h)
    g = mix(s[HORIZON + 1], s[SKY + 1], h)
    b = mix(s[HORIZON + 2], s[SKY + 2], h)
    if s[CLOUDS] > 0.0 and y > 0.0:
        puff = eased(0.0, 0.6, layered(2.0 * x / (y + 0.15) + s[SEED], 3.0, 2.0 * z / (y + 0.15), 4)) * s[CLOUDS]
        r, g, b = mix(r, 1.2, puff), mix(g, 1.2, puff), mix(b, 1.2, puff)
    if s[FOLIAGE] > 0.0:
        f = s[FOLIAGE_SCALE]
        rim = s[HILLS] * (1.0 + 0.6 * layered(x * f * 0.5, 1.0, z * f * 0.5 + s[SEED], 4))
        share = eased(rim, rim - sharp, y) * s[FOLIAGE]
        walk = bound(0.5 + 0.9 * layered(x * f, y * f, z * f + s[SEED], 4), 0.0, 1.0)
        r = mix(r, mix(s[FAR_A], s[FAR_B], walk), share)
        g = mix(g, mix(s[FAR_A + 1], s[FAR_B + 1], walk), share)
        b = mix(b, mix(s[FAR_A + 2], s[FAR_B + 2], walk), share)
    if y < -0.02:
        under = eased(-0.02, -0.3, y)
        r, g, b = mix(r, s[BOUNCE], under), mix(g, s[BOUNCE + 1], under), mix(b, s[BOUNCE + 2], under)
    if s[SOFTBOX] > 0.0:
        lamp = eased(0.86, 0.9, x * s[SUN] + y * s[SUN + 1] + z * s[SUN + 2])
        lamp += 0.6 * eased(0.9, 0.93, x * s[FILL] + y * s[FILL + 1] + z * s[FILL + 2])
        r, g, b = r + lamp * s[SOFTBOX], g + lamp * s[SOFTBOX], b + lamp * s[SOFTBOX]
    return r, g, b


def march(s: Floats, o: Vec3, d: Vec3, start: float, skip: int) -> float:
    """Return how far along the ray the first surface is, or -1."""
    t = start
    for _i in range(120):
        near = distance(s, o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2], skip)
        if near < 0.0004 * t + 0.0001:
            return t
        t += near * 0.92
        if t > REACH:
            return -1.0
    return t if t < 0.4 * REACH else -1.0


def shadow(s: Floats, p: Vec3, dx: float, dy: float, dz: float, reach: float) -> float:
    """Share of a lamp's light that arrives, 0..1; s[SHADOW] is how hard its shadows are."""
    light = 1.0
    t = 0.02
    for _i in range(28):
        step, near = clearance(s, p[0] + t * dx, p[1] + t * dy, p[2] + t * dz)
        light = min(light, s[SHADOW] * near / t)
        if light < 0.01 or t > reach:
            break
        t += bound(step, 0.015, 0.5)
    light = bound(light, 0.0, 1.0)
    return light * light * (3.0 - 2.0 * light)


def normal(s: Floats, p: Vec3, eps: float, skip: int) -> Vec3:
    """Direction away from the surface at a point."""
    a = distance(s, p[0] + eps, p[1] - eps, p[2] - eps, skip)
    b = distance(s, p[0] - eps, p[1] - eps, p[2] + eps, skip)
    c = distance(s, p[0] - eps, p[1] + eps, p[2] - eps, skip)
    e = distance(s, p[0] + eps, p[1] + eps, p[2] + eps, skip)
    x, y, z = a - b - c + e, -a - b + c + e, -a + b - c + e
    q = length3(x, y, z)
    return x / q, y / q, z / q


def lit(s: Floats, p: Vec3, d: Vec3, n: Vec3, m: int, colour: Vec3) -> Vec3:
    """Light that a surface point sends back along a ray: lamp with shadow, fill, sky, occlusion, gloss."""
    _step, near = clearance(s, p[0] + 0.08 * n[0], p[1] + 0.08 * n[1], p[2] + 0.08 * n[2])
    _step, wide = clearance(s, p[0] + 0.3 * n[0], p[1] + 0.3 * n[1], p[2] + 0.3 * n[2])
    open_ = 1.0 - s[OCCLUSION] * (1.0 - bound(0.45 * min(near / 0.08, 1.0) + 0.55 * min(wide / 0.3, 1.0), 0.0, 1.0))
    facing = n[0] * s[SUN] + n[1] * s[SUN + 1] + n[2] * s[SUN + 2]
    sun = 0.0
    if facing > 0.0:
        e = 0.006
        sun = facing * shadow(
            s, (p[0] + e * n[0], p[1] + e * n[1], p[2] + e * n[2]), s[SUN], s[SUN + 1], s[SUN + 2], 9.0
        )
    fill = max(0.0, 0.2 + 0.8 * (n[0] * s[FILL] + n[1] * s[FILL + 1] + n[2] * s[FILL + 2])) * open_
    up = 0.5 + 0.5 * n[1]
    k = open_ * 0.5
    r = colour[0] * (sun * s[SUN_COLOUR] + fill * s[FILL_COLOUR] + k * mix(s[BOUNCE], s[SKY], up))
    g = colour[1] * (sun * s[SUN_COLOUR + 1] + fill * s[FILL_COLOUR + 1] + k * mix(s[BOUNCE + 1], s[SKY + 1], up))
    b = colour[2] * (sun * s[SUN_COLOUR + 2] + fill * s[FILL_COLOUR + 2] + k * mix(s[BOUNCE + 2], s[SKY + 2], up))
    along = d[0] * n[0] + d[1] * n[1] + d[2] * n[2]
    rx, ry, rz = d[0] - 2.0 * along * n[0], d[1] - 2.0 * along * n[1], d[2] - 2.0 * along * n[2]
    rim = pow(bound(1.0 + along, 0.0, 1.0), 5.0)
    gloss = max(0.0, rx * s[SUN] + ry * s[SUN + 1] + rz * s[SUN + 2])
    spark = pow(gloss, s[m + 15]) * s[m + 14] * sun
    metal = s[m + 16]
    mirror = min(1.0, metal + rim * min(1.0, s[m + 14])) * (0.4 + 0.6 * open_)
    if mirror > 0.01:
        er, eg, eb = sky(s, rx, ry, rz, 0.15)
        tr, tg, tb = (
            mix(1.0, 2.0 * colour[0], metal),
            mix(1.0, 2.0 * colour[1], metal),
            mix(1.0, 2.0 * colour[2], metal),
        )
        r, g, b = mix(r, er * tr, mirror), mix(g, eg * tg, mirror), mix(b, eb * tb, mirror)
    r, g, b = r + spark * s[SUN_COLOUR], g + spark * s[SUN_COLOUR + 1], b + spark * s[SUN_COLOUR + 2]
    glow = s[m + 20]
    return r + glow * colour[0], g + glow * colour[1], b + glow * colour[2]


def surface(s: Floats, o: Vec3, d: Vec3, t: float, skip: int) -> Vec4:
    """Colour of the surface at distance t along a ray, and its object's number (or GROUND, BACK)."""
    p: Vec3 = (o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])
    which, material = nearest_part(s, p[0], p[1], p[2], skip)
    m: int = AT_MATERIALS + int(material) * MATERIAL
    x, y, z = p[0], p[1], p[2]
    if which > 1.5:
        x, y, z = object_point(s, AT_OBJECTS + (int(which) - FIRST_OBJECT) * OBJECT, x, y, z)
    n: Vec3 = normal(s, p, 0.0006 * t + 0.0004, skip)
    if s[m + 17] > 0.0:
        f = s[m + 18]
        a = s[m + 17]
        bx, by, bz = noise(x * f, y * f, z * f), noise(x * f + 7.0, y * f, z * f), noise(x * f, y * f + 7.0, z * f)
        nx, ny, nz = n[0] + a * bx, n[1] + a * by, n[2] + a * bz
        q = length3(nx, ny, nz)
        n = (nx / q, ny / q, nz / q)
    colour: Vec3 = skin(s, m, x, y, z)
    if int(which) == GROUND and s[RELIEF] > 0.0:
        deep = bound(0.45 + 0.55 * (p[1] - s[FLOOR]) / s[RELIEF], 0.35, 1.2)
        colour = (colour[0] * deep, colour[1] * deep, colour[2] * deep)
    r, g, b = lit(s, p, d, n, m, colour)
    if int(which) <= BACK and s[FALL_OFF] > 0.0:
        dark = 1.0 / (1.0 + s[FALL_OFF] * (p[0] * p[0] + p[2] * p[2]))
        r, g, b = r * dark, g * dark, b * dark
    fog = exp(-s[HAZE] * t)
    return mix(s[HORIZON], r, fog), mix(s[HORIZON + 1], g, fog), mix(s[HORIZON + 2], b, fog), which


def through(s: Floats, p: Vec3, d: Vec3, kind: int, m: int, r: float, g: float, b: float) -> Vec3:
    """What is seen through glass: the scene without the object, the ray a little bent."""
    skip: int = kind - FIRST_OBJECT
    n: Vec3 = normal(s, p, 0.001, NOTHING)
    x, y, z = d[0] - 0.25 * n[0], d[1] - 0.25 * n[1], d[2] - 0.25 * n[2]
    q = length3(x, y, z)
    bent: Vec3 = (x / q, y / q, z / q)
    t = march(s, p, bent, 0.01, skip)
    er, eg, eb = sky(s, bent[0], bent[1], bent[2], 0.05)
    if t > 0.0:
        er, eg, eb, _which = surface(s, p, bent, t, skip)
    facing = bound(-(d[0] * n[0] + d[1] * n[1] + d[2] * n[2]), 0.0, 1.0)
    share = s[m + 19] * (0.35 + 0.65 * facing)
    return mix(r, er * (0.5 + s[m]), share), mix(g, eg * (0.5 + s[m + 1]), share), mix(b, eb * (0.5 + s[m + 2]), share)


def mirrored(s: Floats, p: Vec3, d: Vec3, m: int, r: float, g: float, b: float) -> Vec3:
    """A polished floor: what stands on it is seen again in it."""
    up: Vec3 = (d[0], -d[1], d[2])
    t = march(s, (p[0], p[1] + 0.004, p[2]), up, 0.01, NOTHING)
    if t < 0.0:
        return r, g, b
    er, eg, eb, _which = surface(s, (p[0], p[1] + 0.004, p[2]), up, t, NOTHING)
    share = s[m + 16] + 0.5 * pow(bound(1.0 + d[1], 0.0, 1.0), 5.0) * min(1.0, s[m + 14])
    return mix(r, er, share), mix(g, eg, share), mix(b, eb, share)


def looked(s: Floats, o: Vec3, d: Vec3) -> Vec4:
    """Colour along a ray from the lens, and 1 if it first meets the subject; one bounce of glass or mirror."""
    t = march(s, o, d, 0.02, NOTHING)
    if t < 0.0:
        r, g, b = sky(s, d[0], d[1], d[2], 0.05)
        return r, g, b, 0.0
    r, g, b, _which = surface(s, o, d, t, NOTHING)
    p: Vec3 = (o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])
    kind, material = nearest_part(s, p[0], p[1], p[2], NOTHING)
    m: int = AT_MATERIALS + int(material) * MATERIAL
    subject = 0.0
    if kind > 1.5:
        subject = s[AT_OBJECTS + (int(kind) - FIRST_OBJECT) * OBJECT + SUBJECT]
    clear = s[m + 19]
    if clear > 0.0:
        r, g, b = through(s, p, d, int(kind), m, r, g, b)
    elif kind < 0.5 and s[m + 16] > 0.02:
        r, g, b = mirrored(s, p, d, m, r, g, b)
    return r, g, b, subject


def pixel(s: Floats, side: int, column: int, row: int, out: Buffer, at: int) -> None:
    """Write red, green, blue (linear) and the subject's share of one pixel to out[at : at + 4]."""
    per: int = int(s[SAMPLES])
    r, g, b, cover = 0.0, 0.0, 0.0, 0.0
    for i in range(per * per):
        u = (float(i % per) + 0.5) / float(per)
        v = (float(i // per) + 0.5) / float(per)
        x = (2.0 * (float(column) + u) / float(side) - 1.0) * s[FIELD] * s[ASPECT]
        y = (1.0 - 2.0 * (float(row) + v) / float(side)) * s[FIELD]
        d: Vec3 = (s[9] + x * s[3] + y * s[6], s[10] + x * s[4] + y * s[7], s[11] + x * s[5] + y * s[8])
        o: Vec3 = (s[0], s[1], s[2])
        if s[LENS] > 0.0:
            turn = 6.2831853 * hashed(column * 7 + i, row, int(s[SEED]))
            wide = s[LENS] * sqrt((float(i) + 0.5) / float(per * per))
            ax, ay = wide * cos(turn), wide * sin(turn)
            fx, fy, fz = d[0] * s[FOCUS], d[1] * s[FOCUS], d[2] * s[FOCUS]
            lx, ly, lz = ax * s[3] + ay * s[6], ax * s[4] + ay * s[7], ax * s[5] + ay * s[8]
            o = (s[0] + lx, s[1] + ly, s[2] + lz)
            d = (fx - lx, fy - ly, fz - lz)
        q = length3(d[0], d[1], d[2])
        er, eg, eb, mark = looked(s, o, (d[0] / q, d[1] / q, d[2] / q))
        r, g, b, cover = r + min(er, 4.0), g + min(eg, 4.0), b + min(eb, 4.0), cover + mark
    n = 1.0 / float(per * per)
    out[at], out[at + 1], out[at + 2], out[at + 3] = r * n, g * n, b * n, cover * n
