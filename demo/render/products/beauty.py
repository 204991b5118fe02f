"""Cosmetics: tube on its cap, cream jar, lipstick."""

import math

from scene import geo, materials


def tube(color="#e9e2d6", cap="#b98a6a", ink="#4a3a30"):
    """Soft tube standing on its cap, crimped flat at the top."""
    skin = materials.plain(color, 0.38, spec=0.45, grain=0.05, grain_scale=40)
    lid = materials.plain(cap, 0.3, spec=0.5)
    print_ = materials.plain(ink, 0.45)
    loops, n, z0, z1 = [], 96, 0.36, 1.72
    for k in range(41):
        t = k / 40
        z = z0 + (z1 - z0) * t
        flat = 1 - t**1.7 * 0.965
        rx, ry = 0.25 * (1 + 0.36 * t**1.4), 0.25 * flat
        if k < 2:
            rx, ry = rx * (0.96 + 0.02 * k), ry * (0.96 + 0.02 * k)
        loop = []
        for i in range(n):
            a = math.tau * i / n
            dent = 1 - 0.035 * math.exp(-(((t - 0.55) / 0.16) ** 2)) * max(0, math.cos(a + 1.9)) ** 4
            loop.append((rx * math.cos(a) * dent, ry * math.sin(a) * dent, z))
        loops.append(loop)
    geo.loft("tube", loops, skin)
    crimp = geo.box("crimp", (0.68, 0.02, 0.2), _crimp_mat(color), (0, 0, z1 - 0.03), round_=0.006)
    crimp.name = "crimp"
    geo.lathe(
        "cap",
        geo.fillet([(0, 0, 0), (0.235, 0, 0.025), (0.262, 0.33, 0.02), (0.24, 0.352, 0.01), (0, 0.352, 0)]),
        lid,
        96,
    )

    def rad(z):
        t = (z - z0) / (z1 - z0)
        return 0.25 * (1 - t**1.7 * 0.965)

    for txt, size, z, font in [
        ("Oat & Linden", 0.092, 1.16, "serif"),
        ("hand cream", 0.062, 1.04, "sans"),
        ("for dry skin", 0.042, 0.955, "sans"),
        ("75 ml  e  2.5 fl oz", 0.034, 0.52, "sans"),
    ]:
        _front_text(txt, size, print_, z, rad, font)


def _front_text(txt, size, mat, z, rad, font):
    obj = geo.text_mesh(txt, size, mat, font=font, spacing=1.1)
    for v in obj.data.vertices:
        zz = z + v.co.y
        t = (zz - 0.36) / 1.36
        rx = 0.25 * (1 + 0.36 * t**1.4)
        a = math.asin(max(-0.98, min(0.98, v.co.x / rx)))
        v.co = (v.co.x, -(rad(zz) * math.cos(a) + 0.0012), zz)


def _crimp_mat(color):
    n = materials.Nodes("crimp")
    wave = n.new("ShaderNodeTexWave", {"Vector": n.coords(), "Scale": 14.0}, bands_direction="X").outputs["Fac"]
    n.set(Base_Color=materials.rgb(color), Roughness=0.4, Normal=n.bump(wave, 0.5, 0.01))
    return n.mat


def cream_jar():
    """Frosted jar with a brushed lid and a printed band."""
    frost = materials.plain("#cfdcd6", 0.3, spec=0.5, coat=0.35, coat_rough=0.2)
    lid = materials.steel((0.72, 0.6, 0.48), 0.24, (1, 1, 60), 0.1)
    ink = materials.plain("#37433f", 0.5)
    geo.lathe(
        "jar",
        geo.fillet([(0, 0, 0), (0.34, 0, 0.06), (0.36, 0.36, 0.05), (0.33, 0.385, 0.01), (0, 0.385, 0)], 8),
        frost,
        128,
    )
    geo.lathe(
        "lid", geo.fillet([(0, 0.392, 0), (0.352, 0.392, 0.008), (0.352, 0.62, 0.025), (0, 0.625, 0)], 8), lid, 160
    )
    for txt, size, z, font in [("MOSS + CLAY", 0.07, 0.235, "bold"), ("night balm", 0.048, 0.15, "serif")]:
        geo.text_round(txt, size, ink, 0.352, z, -90, font=font, spacing=1.15, radius_at=lambda zz: 0.34 + 0.055 * zz)


def lipstick():
    """Lipstick open, its cap lying beside it."""
    black = materials.plain("#16120f", 0.16, spec=0.6, coat=0.3)
    gold = materials.steel((0.78, 0.58, 0.32), 0.16, (1, 1, 50), 0.06)
    wax = materials.plain("#a3192c", 0.34, spec=0.5)
    sq = geo.box("base", (0.2, 0.2, 0.34), black, round_=0.02)
    geo.box("collar", (0.165, 0.165, 0.22), gold, (0, 0, 0.335), round_=0.015)
    sq.name = "base"
    geo.lathe(
        "inner",
        geo.fillet([(0, 0.54, 0), (0.068, 0.54, 0.005), (0.068, 0.62, 0.006), (0.06, 0.62, 0.003), (0, 0.61, 0)]),
        gold,
        64,
    )
    loops = []
    for k in range(25):
        t = k / 24
        r = 0.057 * (1 if t < 0.86 else math.sqrt(max(0.02, 1 - ((t - 0.86) / 0.145) ** 2)))
        loops.append(
            [
                (
                    r * math.cos(math.tau * i / 40),
                    r * math.sin(math.tau * i / 40),
                    0.6 + 0.26 * t - 0.55 * r * math.cos(math.tau * i / 40) * t**3 - 0.05 * t**4,
                )
                for i in range(40)
            ]
        )
    geo.loft("wax", loops, wax)
    cap = geo.box("cap", (0.2, 0.2, 0.5), black, round_=0.02)
    geo.place(cap, (0.12, -0.42, 0.1), (90, 0, 64))
    band = geo.box("band", (0.203, 0.203, 0.03), gold, round_=0.008)
    geo.place(band, (0.12, -0.42, 0.1), (90, 0, 64))
