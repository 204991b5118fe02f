"""Fur charm and lace garter."""

import math
import random

import bpy
from scene import geo, materials


def pompom(color="#b79a7c"):
    """Faux-fur bag charm with a metal clasp."""
    base = geo.lathe(
        "core",
        geo.spline([(0, 0.1), (0.28, 0.2), (0.4, 0.5), (0.28, 0.8), (0, 0.9)], 6),
        materials.plain(color, 0.9),
        40,
    )
    base.data.materials.append(materials.hair(color))
    mod = base.modifiers.new("fur", "PARTICLE_SYSTEM")
    cfg = mod.particle_system.settings
    cfg.type, cfg.count, cfg.hair_length, cfg.hair_step = "HAIR", 2600, 0.42, 5
    cfg.child_type, cfg.rendered_child_count, cfg.child_nbr = "INTERPOLATED", 22, 22
    cfg.clump_factor, cfg.child_length, cfg.child_radius = 0.25, 1.0, 0.2
    cfg.roughness_1, cfg.roughness_1_size, cfg.roughness_2, cfg.roughness_endpoint = 0.03, 0.6, 0.05, 0.06
    cfg.brownian_factor, cfg.factor_random = 0.05, 0.15
    cfg.effector_weights.gravity = 1.0
    cfg.root_radius, cfg.tip_radius, cfg.radius_scale = 0.45, 0.05, 0.01
    cfg.material = 2
    cfg.use_hair_bspline = True
    mod.particle_system.seed = 7
    metal = materials.steel((0.83, 0.66, 0.4), 0.15, (1, 1, 30), 0.03)
    cord = materials.leather("#3b2a20", 40, 0.3)
    geo.wire(
        "loop",
        geo.spline(
            [
                (0, 0, 0.9),
                (0.05, -0.1, 1.35),
                (0.18, -0.12, 1.62),
                (0.34, -0.1, 1.7),
                (0.36, -0.05, 1.62),
                (0.2, -0.02, 1.5),
                (0.06, 0, 1.3),
                (0, 0.05, 0.9),
            ],
            8,
        ),
        0.03,
        cord,
    )
    ring = [
        (
            0.52 + 0.2 * math.cos(math.tau * k / 60),
            -0.1 + 0.02 * math.sin(math.tau * k / 30),
            1.78 + 0.2 * math.sin(math.tau * k / 60),
        )
        for k in range(60)
    ]
    geo.wire("ring", ring, 0.022, metal, closed=True)


def lace(color="#f3ebe4"):
    """Lace garter laid flat: net, scalloped edge, flowers, satin bow."""
    thread = materials.plain(color, 0.75, spec=0.25)
    rng = random.Random(11)
    net = bpy.data.curves.new("net", "CURVE")
    net.dimensions, net.bevel_depth, net.bevel_resolution = "3D", 0.0042, 1

    def put(u, v, z=0.012):
        a = (u / 3.4) * 1.25
        r = 3.2 + v
        return (r * math.sin(a), r * math.cos(a) - 3.2 + 0.02 * math.sin(3 * u), z + 0.012 * math.sin(2.1 * u) + 0.012)

    def stroke(pts, rad=1.0, z=0.012):
        spl = net.splines.new("POLY")
        spl.points.add(len(pts) - 1)
        for p, (u, v) in zip(spl.points, pts, strict=True):
            p.co, p.radius = (*put(u, v, z), 1.0), rad

    _net(stroke)
    _edges(stroke)
    for k in range(13):
        _flower(stroke, -3.0 + 0.5 * k, 0.10 * (-1) ** k, 0.2, rng)
    geo.link(bpy.data.objects.new("net", net), thread)
    _bow(materials.weave("#e2b9b4", 200, 0.1, 0.35, 0.9))


def _net(stroke):
    cell = 0.062
    cols = int(6.4 / cell)
    for i in range(cols + 1):
        u0 = -3.2 + cell * i
        for sign in (-1, 1):
            pts = []
            for k in range(21):
                v = -0.42 + 0.84 * k / 20
                u = u0 + sign * v * 0.58
                if -3.2 <= u <= 3.2:
                    pts.append((u, v))
            if len(pts) > 1:
                stroke(pts, 0.62)
    for k in range(1, 20):
        stroke([(-3.2 + 6.4 * i / 200, -0.42 + 0.042 * k) for i in range(201)], 0.42)


def _edges(stroke):
    for side in (-1, 1):
        for lift, rad in ((0.0, 2.6), (0.035, 1.2), (-0.035, 1.6)):
            pts = []
            for i in range(641):
                u = -3.2 + 6.4 * i / 640
                pts.append((u, side * (0.42 + lift + 0.11 * abs(math.sin(math.pi * u / 0.4)))))
            stroke(pts, rad, 0.014)
        for j in range(16):
            uc = -3.0 + 0.4 * j
            for rr in (0.03, 0.055):
                stroke(
                    [
                        (uc + rr * math.cos(math.tau * k / 16), side * 0.47 + rr * math.sin(math.tau * k / 16))
                        for k in range(17)
                    ],
                    1.4,
                    0.014,
                )
    for u in (-3.2, 3.2):
        stroke([(u, -0.45 + 0.9 * k / 10) for k in range(11)], 2.4)


def _flower(stroke, u, v, size, rng):
    turn = rng.uniform(0, 1)
    for p in range(6):
        a = math.tau * p / 6 + turn
        for fill in (1.0, 0.82, 0.62, 0.42, 0.22):
            pts = []
            for k in range(17):
                t = math.tau * k / 16
                r = size * (0.58 + 0.4 * math.cos(t) * fill)
                w = size * 0.24 * math.sin(t) * fill
                pts.append((u + r * math.cos(a) - w * math.sin(a), v + r * math.sin(a) + w * math.cos(a)))
            stroke(pts, 1.9, 0.018)
    for rr in (0.02, 0.04):
        stroke(
            [(u + rr * math.cos(math.tau * k / 12), v + rr * math.sin(math.tau * k / 12)) for k in range(13)],
            2.4,
            0.022,
        )


def _bow(satin):

    for side in (-1, 1):
        geo.ribbon(
            geo.spline(
                [
                    (0, 0.02, 0.1),
                    (side * 0.2, 0.08, 0.2),
                    (side * 0.5, 0.1, 0.24),
                    (side * 0.58, 0.06, 0.14),
                    (side * 0.35, 0.0, 0.07),
                    (0, 0.0, 0.08),
                ],
                10,
            ),
            0.26,
            satin,
        )
        geo.ribbon(
            geo.spline(
                [(0, 0, 0.1), (side * 0.14, -0.25, 0.09), (side * 0.28, -0.6, 0.05), (side * 0.34, -0.85, 0.06)], 10
            ),
            0.2,
            satin,
            flat=True,
        )
    knot = geo.lathe("knot", geo.spline([(0, -0.08), (0.08, -0.07), (0.1, 0), (0.08, 0.07), (0, 0.08)], 6), satin, 32)
    geo.place(knot, (0, 0.01, 0.14))
