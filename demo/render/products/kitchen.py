"""Kitchen: mug, insulated bottle, kettle, porcelain bowl, candle jar."""

import itertools
import math

from scene import geo, materials


def mug(color="#2f6f73", dip="#efe6d6", speck="#5a4a3a", height=0.98, radius=0.42):
    """Stoneware mug: dipped glaze, raw foot, ear handle."""
    outer = [
        (0, 0.03, 0),
        (radius * 0.74, 0.03, 0.01),
        (radius * 0.78, 0, 0.015),
        (radius * 0.86, 0, 0.02),
        (radius, 0.16, 0.12),
        (radius * 1.0, height, 0.022),
        (radius * 0.925, height, 0.02),
        (radius * 0.91, 0.14, 0.12),
        (0, 0.08, 0),
    ]
    prof = geo.fillet(outer, 8)
    glaze = materials.dipped(color, dip, speck, height * 0.3)
    geo.lathe("mug", _densify(prof, 0.03), glaze, 160)
    _handle(radius, height, materials.ceramic(color, speck))


def _densify(prof, step):
    out = [prof[0]]
    for a, b in itertools.pairwise(prof):
        n = max(1, int(math.dist(a, b) / step))
        out += [(a[0] + (b[0] - a[0]) * k / n, a[1] + (b[1] - a[1]) * k / n) for k in range(1, n + 1)]
    return out


def _handle(radius, height, mat):
    path = geo.spline(
        [
            (radius - 0.03, 0, height * 0.8),
            (radius + 0.12, 0, height * 0.84),
            (radius + 0.26, 0, height * 0.72),
            (radius + 0.285, 0, height * 0.52),
            (radius + 0.2, 0, height * 0.34),
            (radius + 0.06, 0, height * 0.25),
            (radius - 0.03, 0, height * 0.23),
        ],
        8,
    )
    loops = []
    for i, p in enumerate(path):
        a, b = path[max(i - 1, 0)], path[min(i + 1, len(path) - 1)]
        tx, tz = b[0] - a[0], b[2] - a[2]
        ln = math.hypot(tx, tz)
        nx, nz = -tz / ln, tx / ln
        flare = 1 + 0.5 * (abs(i / (len(path) - 1) - 0.5) * 2) ** 6
        loop = []
        for k in range(20):
            t = math.tau * k / 20
            u, v = 0.042 * math.cos(t) * flare, 0.085 * math.sin(t) * flare
            loop.append((p[0] + nx * u, v, p[2] + nz * u))
        loops.append(loop)
    geo.loft("handle", loops, mat)


def bottle(color="#29483a", mark="TARN & FELL", print_color="#d9d6cc"):
    """Powder-coated insulated bottle, steel ring, screw cap with a loop."""
    coat = materials.plain(color, 0.42, spec=0.45, grain=0.35, grain_scale=150)
    metal = materials.steel(rough=0.2, brush=(1, 1, 30))
    cap = materials.plain("#1c1d1e", 0.45, grain=0.2, grain_scale=120)
    body = geo.fillet(
        [
            (0, 0.03, 0),
            (0.33, 0.03, 0.0),
            (0.36, 0.045, 0.03),
            (0.365, 0.1, 0.0),
            (0.365, 1.72, 0.3),
            (0.235, 2.02, 0.1),
            (0.235, 2.1, 0.0),
            (0, 2.1, 0),
        ],
        10,
    )
    geo.lathe("body", body, coat, 128)
    geo.lathe("foot", geo.fillet([(0, 0, 0), (0.34, 0, 0.012), (0.345, 0.045, 0.004), (0, 0.045, 0)]), metal, 128)
    geo.lathe("ring", geo.fillet([(0, 2.09, 0), (0.232, 2.09, 0.006), (0.232, 2.125, 0.006), (0, 2.125, 0)]), metal, 96)
    top = geo.fillet([(0, 2.125, 0), (0.262, 2.125, 0.012), (0.262, 2.43, 0.04), (0.2, 2.46, 0.03), (0, 2.46, 0)], 6)

    def ridged(r, z, a):
        rr = r - (0.006 * (0.5 + 0.5 * math.cos(60 * a)) if r > 0.25 and 2.15 < z < 2.39 else 0)
        return (rr * math.cos(a), rr * math.sin(a), z)

    geo.lathe("cap", _densify(top, 0.03), cap, 480, ridged)
    loop = geo.spline(
        [(-0.2, 0, 2.44), (-0.19, 0, 2.58), (-0.08, 0, 2.66), (0.08, 0, 2.66), (0.19, 0, 2.58), (0.2, 0, 2.44)], 8
    )
    geo.wire("loop", loop, 0.04, cap)
    ink = materials.plain(print_color, 0.5)
    geo.text_round(mark, 0.105, ink, 0.365, 1.05, -90, font="bold", spacing=1.15)
    geo.text_round("750 ml", 0.06, ink, 0.365, 0.91, -90, font="sans", spacing=1.1)


def kettle():
    """Polished stove-top kettle: mirror body, black knob, bail handle."""
    body = materials.steel(rough=0.09, brush=(1, 1, 12), strength=0.02, aniso=0.2)
    black = materials.plain("#141414", 0.38, grain=0.15, grain_scale=90)
    prof = [
        *geo.spline(
            [(0.0, 0.02), (0.7, 0.0), (0.86, 0.03), (0.93, 0.16), (0.9, 0.5), (0.74, 0.82), (0.5, 1.02), (0.42, 1.06)],
            8,
        ),
        (0.415, 1.075),
        (0.0, 1.075),
    ]
    geo.lathe("kettle", prof, body, 160)
    lid = geo.spline([(0.425, 1.07), (0.43, 1.085), (0.4, 1.12), (0.25, 1.17), (0.06, 1.2), (0.0, 1.2)], 6)
    geo.lathe("lid", lid, body, 96)
    knob = geo.spline(
        [(0.0, 1.18), (0.05, 1.19), (0.05, 1.24), (0.11, 1.3), (0.12, 1.36), (0.07, 1.41), (0.0, 1.42)], 5
    )
    geo.lathe("knob", knob, black, 64)
    path = geo.spline([(0.74, 0, 0.5), (0.98, 0, 0.66), (1.1, 0, 0.86), (1.24, 0, 1.02)], 8)
    loops = []
    for i, p in enumerate(path):
        t = i / (len(path) - 1)
        rad = 0.19 - 0.11 * t
        loops.append(
            [
                (
                    p[0] - 0.55 * rad * math.cos(math.tau * k / 32),
                    rad * math.sin(math.tau * k / 32),
                    p[2] + 0.85 * rad * math.cos(math.tau * k / 32),
                )
                for k in range(32)
            ]
        )
    geo.solidify(geo.loft("spout", loops, body, caps=False), 0.02)
    for side in (-1, 1):
        ear = geo.box("ear", (0.1, 0.05, 0.26), body, round_=0.02)
        geo.place(ear, (side * 0.63, 0, 0.84), (0, side * -8, 0))
    angles = [math.radians(-28 + 236 * k / 100) for k in range(101)]
    bail = [(0.71 * math.cos(a), 0, 1.3 + 0.66 * math.sin(a)) for a in angles]
    geo.wire("bail", bail, 0.035, body, res=10)
    n = len(bail)
    geo.wire("grip", bail[int(n * 0.28) : int(n * 0.72)], 0.085, black)


def bowl(color="#f1efea"):
    """White porcelain bowl with a saucer."""
    mat = materials.ceramic(color, rough=0.12, wobble=0.03)
    geo.lathe(
        "saucer",
        geo.fillet(
            [
                (0, 0.03, 0),
                (0.5, 0.03, 0),
                (0.52, 0, 0.01),
                (0.58, 0, 0.01),
                (0.62, 0.035, 0.04),
                (1.06, 0.13, 0.016),
                (1.05, 0.155, 0.014),
                (0.6, 0.075, 0.1),
                (0, 0.065, 0),
            ],
            8,
        ),
        mat,
        160,
    )
    prof = geo.spline(
        [
            (0, 0.1),
            (0.34, 0.1),
            (0.36, 0.075),
            (0.4, 0.075),
            (0.42, 0.12),
            (0.62, 0.24),
            (0.76, 0.5),
            (0.8, 0.72),
            (0.806, 0.735),
            (0.796, 0.745),
            (0.78, 0.73),
            (0.735, 0.52),
            (0.6, 0.28),
            (0.38, 0.17),
            (0, 0.15),
        ],
        8,
    )
    geo.lathe("bowl", prof, mat, 160)


def candle():
    """Amber jar candle with a kraft label."""
    wax = materials.plain("#eadfc6", 0.4, spec=0.4)
    amber = materials.plain("#3a1806", 0.06, spec=0.6, coat=0.6)
    label = materials.paper("#d9c7a6", 0.85, 0.2)
    ink = materials.plain("#2a241d", 0.7)
    geo.lathe(
        "jar",
        geo.fillet(
            [(0, 0, 0), (0.4, 0, 0.07), (0.4, 0.92, 0.02), (0.375, 0.92, 0.015), (0.37, 0.7, 0.01), (0, 0.7, 0)], 8
        ),
        amber,
        128,
    )
    geo.lathe(
        "wax",
        geo.fillet([(0, 0.76, 0), (0.33, 0.75, 0.02), (0.368, 0.765, 0.0), (0.368, 0.69, 0), (0, 0.69, 0)]),
        wax,
        96,
    )
    geo.wire(
        "wick", geo.spline([(0, 0, 0.74), (0.0, 0, 0.84), (0.015, 0.01, 0.9)]), 0.012, materials.plain("#dcd3c0", 0.9)
    )
    geo.patch_round(0.4, 0.2, 0.7, 62, label)
    for txt, size, z, font in [
        ("CEDAR", 0.115, 0.53, "serif"),
        ("& smoke", 0.075, 0.415, "serif"),
        ("soy wax  220 g", 0.042, 0.29, "sans"),
    ]:
        geo.text_round(txt, size, ink, 0.401, z, -90, font=font, spacing=1.12)
