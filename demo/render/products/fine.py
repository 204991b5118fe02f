"""Small precious things and glass: watch, chain, ring, wine glass, carafe, vase."""

import math
import random

from mathutils import Matrix, Vector
from scene import geo, materials


def watch():
    """Wrist watch laid flat: steel case, sunburst dial, leather strap."""
    steel = materials.steel((0.66, 0.65, 0.64), 0.14, (1, 1, 40), 0.05)
    hide = materials.leather("#6b3d22", 42, 0.4, 0.45)
    pale = materials.plain("#d9d4c8", 0.35)
    geo.lathe(
        "case",
        geo.fillet(
            [
                (0, 0.03, 0),
                (0.17, 0.03, 0.01),
                (0.2, 0.07, 0.02),
                (0.2, 0.115, 0.012),
                (0.178, 0.128, 0.008),
                (0.168, 0.118, 0),
                (0.168, 0.1, 0),
                (0, 0.1, 0),
            ],
            8,
        ),
        steel,
        160,
    )
    dial = _sunburst()
    geo.lathe("dial", [(0.168, 0.1015), (0, 0.1015)], dial, 128)
    _dial_marks(pale, steel)
    for side in (-1, 1):
        for x in (-0.115, 0.115):
            lug = geo.box("lug", (0.035, 0.12, 0.05), steel, (x, side * 0.205, 0.05), (side * 14, 0, 0), round_=0.012)
            lug.name = "lug"
        _strap(side, hide, steel)
    crown = geo.lathe(
        "crown",
        geo.fillet([(0, 0, 0), (0.027, 0, 0.004), (0.027, 0.04, 0.005), (0, 0.04, 0)]),
        steel,
        48,
        lambda r, z, a: (
            r * (1 - 0.06 * (math.cos(24 * a) > 0)) * math.cos(a),
            r * (1 - 0.06 * (math.cos(24 * a) > 0)) * math.sin(a),
            z,
        ),
    )
    geo.place(crown, (0.198, 0, 0.092), (0, 90, 0))


def _sunburst():
    n = materials.Nodes("dial")
    xyz = n.new("ShaderNodeSeparateXYZ", {0: n.coords()})
    ang = n.math("ARCTAN2", xyz.outputs["Y"], xyz.outputs["X"])
    vec = n.new("ShaderNodeCombineXYZ", {"X": ang}).outputs[0]
    ray = n.new("ShaderNodeTexNoise", {"Vector": vec, "Scale": 60.0, "Detail": 4.0}).outputs["Fac"]
    n.set(Base_Color=n.ramp(ray, [(0.3, (0.008, 0.02, 0.05)), (0.7, (0.02, 0.05, 0.11))]), Metallic=0.6)
    n.set(Roughness=n.span(ray, 0.25, 0.42), Clearcoat=0.4)
    return n.mat


def _dial_marks(pale, steel):
    for k in range(60):
        a = math.tau * k / 60
        size = (0.012, 0.03, 0.006) if k % 5 == 0 else (0.0025, 0.009, 0.0015)
        mark = geo.box("mark", size, steel if k % 5 == 0 else pale, round_=0.001, segments=1)
        geo.place(mark, (0.148 * math.sin(a), 0.148 * math.cos(a), 0.1015), (0, 0, -math.degrees(a)))
    geo.text_on("HALVARD", 0.026, pale, (0, 0.075, 0.1022), (0, 0, 0), font="serif", spacing=1.1)
    geo.text_on("automatic", 0.015, pale, (0, -0.07, 0.1022), (0, 0, 0), font="sans")
    for length, width, deg, z in [(0.092, 0.014, -50, 0.106), (0.135, 0.009, 60, 0.109), (0.15, 0.003, 198, 0.112)]:
        hand = geo.box("hand", (width, length, 0.002), steel, round_=0.001, segments=1)
        for v in hand.data.vertices:
            v.co.y += length / 2 - 0.02
            if v.co.y > 0:
                v.co.x *= 0.45
        geo.place(hand, (0, 0, z), (0, 0, -deg))
    geo.lathe("pin", geo.fillet([(0, 0.1, 0), (0.009, 0.1, 0), (0.009, 0.115, 0.003), (0, 0.115, 0)]), steel, 24)


def _strap(side, hide, steel):
    length = 0.72 if side > 0 else 1.0
    loops, n = [], 32
    for k in range(n + 1):
        t = k / n
        y = side * (0.2 + length * t)
        half = 0.098 - 0.018 * t
        if t > 0.93 and side < 0:
            half *= math.sqrt(max(0.08, 1 - ((t - 0.93) / 0.075) ** 2))
        z = 0.075 * (1 - t) ** 2 + 0.022 + 0.012 * math.sin(6 * t)
        pad = 0.024 * (1 - 0.5 * t)
        ring = [math.tau * i / 24 for i in range(24)]
        loops.append([(half * _sq(math.cos(a)), y, z + pad * _sq(math.sin(a))) for a in ring])
    geo.subsurf(geo.loft("strap", loops, hide), 1)
    _strap_stitches(loops, n)
    _strap_end(side, length, hide, steel)


def _strap_stitches(loops, n):
    thread = materials.plain("#e3cfae", 0.7)
    for edge in (-1, 1):
        k = 2
        while k < n - 2:
            a, b = loops[k], loops[k + 1]
            top = [Vector(max(q, key=lambda p: p[2])) for q in (a, b)]
            x = edge * (0.098 - 0.018 * k / n - 0.016)
            geo.wire(
                "stitch", [(x, p.y, p.z - 0.0005) for p in (top[0], top[0].lerp(top[1], 0.68))], 0.0032, thread, res=2
            )
            k += 1


def _strap_end(side, length, hide, steel):
    """Buckle and keepers on one half, holes on the other."""
    if side > 0:
        y = side * (0.2 + length)
        geo.wire(
            "buckle",
            [(-0.11, y, 0.03), (-0.115, y + 0.1, 0.03), (0.115, y + 0.1, 0.03), (0.11, y, 0.03)],
            0.012,
            steel,
            closed=True,
        )
        geo.wire("tongue", [(0, y, 0.03), (0, y + 0.11, 0.04)], 0.009, steel)
        for f in (0.72, 0.86):
            keeper = geo.box("keeper", (0.2, 0.035, 0.066), hide, (0, side * (0.2 + length * f), 0.001), round_=0.012)
            keeper.name = "keeper"
    else:
        dark = materials.plain("#160d08", 0.9)
        for k in range(6):
            f = 0.45 + 0.085 * k
            hole = geo.lathe("hole", [(0.0, 0), (0.011, 0)], dark, 24)
            z = 0.075 * (1 - f) ** 2 + 0.022 + 0.012 * math.sin(6 * f) + 0.024 * (1 - 0.5 * f) + 0.0012
            geo.place(hole, (0, side * (0.2 + length * f), z))


def _sq(c):
    return math.copysign(abs(c) ** 0.45, c)


def _links(path, mat, pitch, long_, wide, rad):
    """Cable chain along a path, every second link on edge."""
    pts = [Vector(p) for p in path]
    seg, acc, k = 0, 0.0, 0
    rng = random.Random(3)
    while seg < len(pts) - 1:
        d = (pts[seg + 1] - pts[seg]).length
        if acc > d:
            acc -= d
            seg += 1
            continue
        tangent = (pts[seg + 1] - pts[seg]).normalized()
        pos = pts[seg] + tangent * acc
        loop = []
        for i in range(28):
            a = math.tau * i / 28
            loop.append((long_ / 2 * math.copysign(abs(math.cos(a)) ** 0.8, math.cos(a)), wide / 2 * math.sin(a), 0))
        obj = geo.wire("link", loop, rad, mat, closed=True, res=5)
        roll = (32 if k % 2 else -40) + rng.uniform(-9, 9)
        turn = tangent.to_track_quat("X", "Z").to_matrix().to_4x4() @ Matrix.Rotation(math.radians(roll), 4, "X")
        lift = rad + wide / 2 * abs(math.sin(math.radians(roll))) * 0.92
        obj.matrix_world = Matrix.Translation((pos.x, pos.y, pos.z + lift)) @ turn
        acc += pitch
        k += 1


def necklace(color=(0.86, 0.62, 0.28)):
    """Fine cable chain in a loose loop, with a disc pendant."""
    gold = materials.steel(color, 0.13, (1, 1, 20), 0.03, 0.2)
    curve = [
        (-0.12, -0.78, 0),
        (-0.45, -0.52, 0),
        (-0.78, -0.05, 0),
        (-0.8, 0.42, 0),
        (-0.5, 0.78, 0),
        (-0.08, 0.74, 0),
        (0.2, 0.86, 0),
        (0.55, 0.82, 0),
        (0.84, 0.5, 0),
        (0.8, 0.05, 0),
        (0.5, -0.5, 0),
        (0.12, -0.78, 0),
    ]
    _links(geo.spline(curve, 24), gold, 0.062, 0.088, 0.056, 0.0095)
    _pendant(gold, color)


def _pendant(gold, color):
    """Disc with a sunburst, two end rings and a bail."""
    for side in (-1, 1):
        ring = [
            (side * 0.085 + 0.045 * math.cos(math.tau * k / 32), -0.82 + 0.045 * math.sin(math.tau * k / 32), 0.02)
            for k in range(32)
        ]
        geo.wire("ring", ring, 0.01, gold, closed=True)
    disc = geo.lathe(
        "disc",
        geo.fillet(
            [
                (0, 0, 0),
                (0.17, 0, 0.01),
                (0.175, 0.024, 0.01),
                (0.15, 0.03, 0.004),
                (0.145, 0.022, 0.003),
                (0, 0.022, 0),
            ],
            6,
        ),
        materials.steel(color, 0.24, (60, 1, 1), 0.2, 0.3),
        128,
    )
    geo.place(disc, (0, -1.04, 0.006))
    for k in range(8):
        a = math.tau * k / 8
        geo.wire(
            "ray",
            [(r * math.cos(a), -1.04 + r * math.sin(a), 0.0285) for r in (0.035, 0.1 if k % 2 else 0.125)],
            0.004,
            gold,
            res=2,
        )
    geo.wire(
        "bail",
        [(0.05 * math.cos(math.tau * k / 32), -0.85 + 0.035 * math.sin(math.tau * k / 32), 0.03) for k in range(32)],
        0.011,
        gold,
        closed=True,
    )


def ring():
    """Solitaire ring; it stands in a slit of the paper, as jewellers do."""
    gold = materials.steel((0.9, 0.87, 0.83), 0.08, (1, 1, 20), 0.02, 0.1)
    rose = materials.glass((0.72, 0.86, 0.97), 0.0, 1.9, 0.6)
    prof = [(0.1 + 0.014 * math.cos(t), 0.02 * math.sin(t)) for t in [math.tau * k / 20 for k in range(21)]]
    band = geo.lathe("band", prof, gold, 128)
    geo.place(band, (0, 0, 0.112), (90, 0, 0))
    gem_z = 0.262
    rows = [(0.0, -0.05, 1), (0.058, 0.0, 8), (0.06, 0.006, 8), (0.04, 0.024, 8)]
    verts, faces = [(0, 0, -0.05)], []
    for ri, (r, z, _) in enumerate(rows[1:]):
        for k in range(12):
            a = math.tau * (k + 0.5 * (ri % 2)) / 12
            verts.append((r * math.cos(a), r * math.sin(a), z))
    faces += [(0, 1 + (k + 1) % 12, 1 + k) for k in range(12)]
    for ri in range(2):
        lo, hi, odd = 1 + 12 * ri, 13 + 12 * ri, ri % 2
        for k in range(12):
            n = (k + 1) % 12
            faces += [(lo + k, lo + n, hi + (k if not odd else n)), (lo + (n if not odd else k), hi + n, hi + k)]
    faces.append(tuple(25 + k for k in range(12)))
    geo.place(geo.mesh("gem", verts, faces, rose, smooth=False), (0, 0, gem_z))
    for k in range(4):
        a = math.tau * (k + 0.5) / 4
        c, s = math.cos(a), math.sin(a)
        geo.wire(
            "prong",
            geo.spline(
                [
                    (0.012 * c, 0.012 * s, gem_z - 0.06),
                    (0.05 * c, 0.05 * s, gem_z - 0.02),
                    (0.064 * c, 0.064 * s, gem_z + 0.006),
                    (0.052 * c, 0.052 * s, gem_z + 0.016),
                ],
                5,
            ),
            0.0062,
            gold,
        )


def wine_glass():
    glass = materials.glass()
    outer = geo.spline(
        [
            (0.0, 0.0),
            (0.3, 0.0),
            (0.335, 0.008),
            (0.33, 0.02),
            (0.15, 0.045),
            (0.05, 0.1),
            (0.034, 0.3),
            (0.033, 0.7),
            (0.06, 0.86),
            (0.2, 0.98),
            (0.36, 1.2),
            (0.41, 1.45),
            (0.385, 1.75),
            (0.335, 2.05),
            (0.331, 2.062),
        ],
        10,
    )
    inner = geo.spline(
        [
            (0.322, 2.062),
            (0.32, 2.05),
            (0.37, 1.75),
            (0.394, 1.45),
            (0.345, 1.21),
            (0.19, 1.0),
            (0.06, 0.93),
            (0.0, 0.92),
        ],
        10,
    )
    geo.lathe("glass", outer + inner, glass, 160)


def carafe():
    """Carafe, half full of water."""
    glass = materials.glass((0.985, 0.995, 0.99))
    outer = geo.spline(
        [
            (0, 0.0),
            (0.42, 0.0),
            (0.5, 0.05),
            (0.52, 0.25),
            (0.5, 0.7),
            (0.4, 1.1),
            (0.25, 1.5),
            (0.215, 1.85),
            (0.27, 2.2),
            (0.285, 2.28),
        ],
        10,
    )
    inner = geo.spline(
        [
            (0.262, 2.28),
            (0.245, 2.2),
            (0.187, 1.85),
            (0.222, 1.5),
            (0.37, 1.1),
            (0.468, 0.7),
            (0.488, 0.27),
            (0.45, 0.13),
            (0, 0.12),
        ],
        10,
    )
    geo.lathe("carafe", outer + inner, glass, 160)
    water = materials.glass((0.97, 0.99, 1.0), 0.0, 1.33)
    fill = [(0.4885, 0.28), (0.4685, 0.7), (0.445, 0.8), (0.0, 0.795)]
    geo.lathe("water", geo.spline([(0, 0.1195), (0.4505, 0.1295), *fill[:2]], 10) + fill[2:], water, 160)


def vase(color="#101011", rough=0.5):
    """Ribbed black vase."""
    clay = materials.plain(color, rough, spec=0.45, grain=0.2, grain_scale=70)
    outer = geo.spline(
        [
            (0.0, 0.0),
            (0.42, 0.0),
            (0.47, 0.03),
            (0.62, 0.35),
            (0.72, 0.8),
            (0.66, 1.25),
            (0.42, 1.62),
            (0.25, 1.85),
            (0.24, 2.1),
            (0.3, 2.24),
        ],
        10,
    )
    inner = geo.spline([(0.28, 2.25), (0.21, 2.1), (0.21, 1.85), (0.3, 1.6)], 8)

    def rib(r, z, a):
        depth = 0.02 * max(0.0, min(1.0, (r - 0.3) / 0.2)) * (abs(math.cos(14 * a)) if z > 0.02 else 1)
        return ((r - depth) * math.cos(a), (r - depth) * math.sin(a), z)

    geo.lathe("vase", outer + inner, clay, 560, rib)


def white_vase():
    vase("#eeece7", 0.55)
