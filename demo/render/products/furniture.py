"""Furniture: a wooden chair and a three-legged stool."""

import math

from scene import geo, materials


def _leg(a, b, r0, r1, mat, name="leg"):
    loops = []
    for k in range(13):
        t = k / 12
        rad = r0 + (r1 - r0) * t
        rad *= 1 + 0.12 * math.sin(math.pi * t)
        c = [a[i] + (b[i] - a[i]) * t for i in range(3)]
        end = min(t, 1 - t)
        rad *= 1 if end > 0.004 else 0.93
        loops.append(
            [
                (c[0] + rad * math.cos(math.tau * i / 32), c[1] + rad * math.sin(math.tau * i / 32), c[2])
                for i in range(32)
            ]
        )
    return geo.loft(name, loops, mat)


def _fit(k):
    """The drawing is narrow: widen everything in plan."""
    for obj in geo.since(set()):
        if obj.type == "MESH":
            for v in obj.data.vertices:
                v.co.x, v.co.y = v.co.x * k, v.co.y * k
        else:
            for p in obj.data.splines[0].points:
                p.co = (p.co.x * k, p.co.y * k, p.co.z, 1)


def chair(light="#c99763", dark="#7d4d28"):
    """Dining chair: dished seat, turned legs, steam-bent back rails, spindles."""
    up = materials.wood(light, dark, 0.38, 0.7, "Z", coat=0.1)
    across = materials.wood(light, dark, 0.38, 0.7, "X", coat=0.1)
    _seat(across, 2.25, 2.15, 4.4)
    for sx in (-1, 1):
        _leg((sx * 1.02, -0.98, 0), (sx * 0.86, -0.82, 4.5), 0.075, 0.105, up)
        _leg((sx * 1.0, 1.12, 0), (sx * 0.82, 0.84, 4.5), 0.075, 0.105, up)
        _leg((sx * 0.84, 0.86, 4.3), (sx * 0.98, 1.5, 8.1), 0.085, 0.065, up, "post")
        rod = geo.wire("rung", [(sx * 0.985, -0.93, 1.5), (sx * 0.96, 0.0, 1.5), (sx * 0.94, 1.03, 1.5)], 0.075, across)
        rod.name = "rung"
    geo.wire("rung", [(-0.98, 0.05, 1.5), (0.98, 0.05, 1.5)], 0.075, across)
    geo.wire("rung", [(-0.94, -0.9, 2.2), (0.94, -0.9, 2.2)], 0.075, across)
    _rail(across, 7.4, 8.25, 1.38)
    _rail(across, 5.35, 5.7, 1.06)
    for k in range(5):
        x = -0.56 + 0.28 * k
        _leg((x * 0.95, 1.2 + 0.05, 5.6), (x * 1.06, 1.55, 7.5), 0.036, 0.036, up, "spindle")
    _fit(1.85)


def _seat(mat, w, d, z):
    loops = []
    for height, inset in (
        (z, 0.1),
        (z + 0.03, 0.02),
        (z + 0.12, 0.0),
        (z + 0.2, 0.01),
        (z + 0.235, 0.05),
        (z + 0.23, 0.16),
        (z + 0.2, 0.4),
        (z + 0.175, 0.7),
    ):
        loop = []
        for i in range(80):
            a = math.tau * i / 80
            c, s = math.cos(a), math.sin(a)
            r = (abs(c) ** 5 + abs(s) ** 5) ** -0.2
            trap = 1 - 0.07 * s
            loop.append((r * c * (w / 2 - inset) * trap, r * s * (d / 2 - inset), height))
        loops.append(loop)
    geo.subsurf(geo.loft("seat", loops, mat), 1)


def _rail(mat, z0, z1, y):
    loops = []
    for k in range(25):
        x = -1.12 + 2.24 * k / 24
        bend = 0.22 * (1 - (x / 1.12) ** 2)
        top = z1 - 0.14 * (abs(x) / 1.12) ** 3
        yy = y + bend - 0.12
        lean = 0.17
        edge = 1 if 0 < k < 24 else 0.8
        loop = []
        for i in range(24):
            a = math.tau * i / 24
            u = math.copysign(abs(math.cos(a)) ** 0.5, math.cos(a)) * 0.07 * edge
            v = math.copysign(abs(math.sin(a)) ** 0.35, math.sin(a)) * (top - z0) / 2 * (0.97 if edge < 1 else 1)
            loop.append((x, yy + u + lean * v, (z0 + top) / 2 + v))
        loops.append(loop)
    geo.subsurf(geo.loft("rail", loops, mat), 1)


def stool(color="#2f4f4a"):
    """Painted three-legged stool with a wooden seat."""
    paint = materials.plain(color, 0.4, spec=0.4, grain=0.06, grain_scale=12)
    seat = materials.wood("#d0a878", "#8a5a34", 0.4, 0.8, "X")
    geo.lathe(
        "seat",
        geo.fillet([(0, 4.35, 0), (1.5, 4.35, 0.08), (1.6, 4.55, 0.07), (1.45, 4.66, 0.1), (0, 4.58, 0)], 8),
        seat,
        128,
    )
    feet = []
    for k in range(3):
        a = math.tau * k / 3 + 0.35
        foot, top = (1.65 * math.cos(a), 1.65 * math.sin(a), 0), (1.05 * math.cos(a), 1.05 * math.sin(a), 4.38)
        _leg(foot, top, 0.11, 0.17, paint)
        feet.append([foot[i] + (top[i] - foot[i]) * 0.33 for i in range(3)])
    for k in range(3):
        geo.wire("rung", [feet[k], feet[(k + 1) % 3]], 0.075, paint)
