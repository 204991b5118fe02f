"""Leather handbag and canvas tote."""

import math

from mathutils import Matrix
from scene import geo, materials


def _soft_box(w, d, h, mat, belly, name="body"):
    """Upholstered form: rounded sections, fuller in the middle."""
    loops = []
    for k in range(25):
        t = k / 24
        full = 1 + belly * math.sin(math.pi * t)
        edge = min(t, 1 - t) * h
        inset = 0.06 * (1 - min(1, edge / 0.08)) ** 2
        loop = []
        for i in range(64):
            a = math.tau * i / 64
            c, s = math.cos(a), math.sin(a)
            p = 7.0
            r = (abs(c) ** p + abs(s) ** p) ** (-1 / p)
            taper = 1 - 0.10 * t
            loop.append(
                (r * c * (w / 2 - inset) * (1 + (full - 1) * 0.3), r * s * (d / 2 - inset) * full * taper, h * t)
            )
        loops.append(loop)
    return geo.subsurf(geo.loft(name, loops, mat), 1)


def _flap(h):
    """Cross lines of the flap, from the back edge over the top and down the front."""
    loops = []
    for k in range(31):
        t = k / 30
        if t < 0.4:
            y, z = 0.24 - 0.68 * (t / 0.4), h + 0.035 + 0.03 * math.sin(math.pi * t / 0.4)
        else:
            u = (t - 0.4) / 0.6
            y, z = -0.44 - 0.15 * math.sin(math.pi * 0.5 * min(1, u * 1.3)), h + 0.035 - 1.05 * u
        half = 1.29 - 0.12 * max(0.0, 1 - t / 0.12) ** 2 - 0.10 * max(0.0, (t - 0.82) / 0.18) ** 2.2
        loops.append(
            [
                (
                    half * (2 * i / 30 - 1),
                    y - 0.03 * (1 - (2 * i / 30 - 1) ** 2),
                    z - 0.17 * max(0.0, (t - 0.4) / 0.6) * (1 - abs(2 * i / 30 - 1) ** 3),
                )
                for i in range(31)
            ]
        )
    return loops


def handbag(color="#7a3f26"):
    """Structured leather bag: flap, stitching, lock, top handle."""
    hide = materials.leather(color, 26, 0.35, 0.42)
    thread = materials.plain("#d8b98f", 0.7)
    brass = materials.steel((0.83, 0.64, 0.32), 0.16, (1, 1, 30), 0.04)
    w, d, h = 2.7, 0.95, 1.95
    _soft_box(w, d, h, hide, 0.16)
    loops = _flap(h)
    flap = geo.loft("flap", loops, hide, caps=False, closed=False)
    geo.bevel(geo.solidify(flap, 0.045, 0), 0.014, 3)
    edge = [loops[-2][i] for i in range(31)]
    _stitches([(x * 0.965, y - 0.03, z + 0.055) for x, y, z in edge], thread)
    _x, y, z = loops[-1][15]
    geo.box("lock", (0.34, 0.07, 0.3), brass, (0, y - 0.03, z - 0.08), round_=0.03)
    geo.box("slot", (0.05, 0.09, 0.16), brass, (0, y - 0.04, z - 0.02), round_=0.02)
    for side in (-1, 1):
        ring = [
            (side * 0.72 + 0.1 * math.cos(math.tau * k / 40), 0, h + 0.13 + 0.1 * math.sin(math.tau * k / 40))
            for k in range(40)
        ]
        geo.wire("ring", ring, 0.02, brass, closed=True)
        geo.box("tab", (0.2, 0.3, 0.05), hide, (side * 0.72, 0, h + 0.045), round_=0.02)
    path = geo.spline(
        [
            (-0.72, 0, h + 0.2),
            (-0.7, 0, h + 0.5),
            (-0.4, 0, h + 0.85),
            (0, 0, h + 0.95),
            (0.4, 0, h + 0.85),
            (0.7, 0, h + 0.5),
            (0.72, 0, h + 0.2),
        ],
        12,
    )
    geo.wire("handle", path, 0.062, hide, res=8)


def _stitches(path, mat):
    pts = geo.spline(path, 6)
    dist, last, draw = 0.0, pts[0], []
    for p in pts[1:]:
        dist += math.dist(p, last)
        last = p
        draw.append(p)
        if dist > 0.055:
            if len(draw) > 1:
                geo.wire("stitch", draw[: max(2, int(len(draw) * 0.75))], 0.008, mat, res=2)
            dist, draw = 0.0, []


def tote(color="#d8cdb6", ink="#27404f"):
    """Canvas tote standing half full, cotton handles, a print on the front."""
    cloth = materials.weave(color, 17, 0.45, 0.9, 0.72)
    w, h = 3.4, 3.7
    loops = []
    for k in range(41):
        t = k / 40
        loop = []
        for i in range(120):
            a = math.tau * i / 120
            c, s = math.cos(a), math.sin(a)
            p = 5 - 2.6 * t
            r = (abs(c) ** p + abs(s) ** p) ** (-1 / p)
            depth = 0.52 - 0.36 * t**0.8
            fold = 0.035 * t * (1 - t) * 4 * (math.sin(5 * a + 4 * t) + 0.7 * math.sin(9 * a - 6 * t + 1))
            sag = 0.03 * math.sin(3 * a + 7 * t) * math.sin(math.pi * t)
            crease = 0.02 * math.sin(14 * t + 3 * c) * math.sin(math.pi * t)
            x = r * c * (w / 2) * (0.93 + 0.07 * t + 0.02 * math.sin(math.pi * t) + sag * 0.5)
            y = r * s * depth + (fold + crease) * abs(s) + 0.05 * t
            base = 0.06 * (1 - min(1, t * 12)) ** 2
            loop.append((x * (1 - base), y * (1 - base), h * t + 0.05 * t * math.cos(2 * a)))
        loops.append(loop)
    body = geo.loft("tote", loops, cloth, caps=False)
    geo.displace(body, 0.11, 0.8, 3)
    geo.displace(body, 0.035, 0.22, 4)
    geo.solidify(body, 0.03)
    geo.mesh("bottom", loops[0], [tuple(range(120))], cloth)
    _tote_trim(loops, cloth, h)
    obj = geo.text_mesh("slow\nmornings", 0.62, materials.plain(ink, 0.85), font="serif", spacing=1.0)
    shrink = obj.modifiers.new("wrap", "SHRINKWRAP")
    obj.data.transform(Matrix.Rotation(math.pi / 2, 4, "X"))
    geo.place(obj, (0, -1.2, 1.95))
    rm = obj.modifiers.new("fine", "REMESH")
    obj.modifiers.remove(rm)
    shrink.target, shrink.wrap_method, shrink.use_project_y = body, "PROJECT", True
    shrink.use_positive_direction, shrink.use_negative_direction, shrink.offset = True, False, 0.012


def _tote_trim(loops, cloth, h):
    for side, back in ((-1, 0), (1, 1)):
        path = geo.spline(
            [
                (-0.72, 0, h - 0.35),
                (-0.74, 0, h + 0.1),
                (-0.7, 0, h + 0.75),
                (-0.45, 0, h + 1.3),
                (0.0, 0, h + 1.48),
                (0.45, 0, h + 1.3),
                (0.7, 0, h + 0.75),
                (0.74, 0, h + 0.1),
                (0.72, 0, h - 0.35),
            ],
            12,
        )
        verts = []
        for i, (x, _, z) in enumerate(path):
            u = i / (len(path) - 1)
            ux = math.sin(math.pi * (u - 0.5))
            uz = math.cos(math.pi * (u - 0.5))
            lift = max(0.0, z - h)
            y = side * (0.20 - 0.06 * min(1, lift)) + 0.05 + (0.16 * lift if not back else 0.1 * lift)
            dx = 0.11 * (1 if z < h + 0.3 else abs(ux)) * (-1 if x > 0 else 1)
            dz = 0.11 * uz * (z > h + 0.3)
            verts += [(x - dx, y, z - dz), (x + dx, y, z + dz)]
        faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(path) - 1)]
        geo.subsurf(geo.solidify(geo.mesh("strap", verts, faces, cloth), 0.035, 0), 1)
