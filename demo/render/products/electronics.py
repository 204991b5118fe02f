"""Electronics: fabric loudspeaker, headset, desk lamp."""

import math

from scene import geo, materials


def _mesh_cloth(color, radius):
    """Knitted loudspeaker cloth, mapped round the cylinder."""
    n = materials.Nodes("cloth")
    xyz = n.new("ShaderNodeSeparateXYZ", {0: n.coords()})
    ang = n.math("MULTIPLY", n.math("ARCTAN2", xyz.outputs["Y"], xyz.outputs["X"]), radius)
    vec = n.new("ShaderNodeCombineXYZ", {"X": ang, "Y": xyz.outputs["Z"]}).outputs[0]
    args = {"Vector": vec, "Scale": 19.0, "Distortion": 0.4, "Detail": 1.0, "Detail Scale": 3.0}
    waves = [n.new("ShaderNodeTexWave", args, bands_direction=axis).outputs["Fac"] for axis in "XY"]
    high = n.math("MULTIPLY", waves[0], waves[1])
    melange = n.noise(26.0, 4.0, rough=0.8)
    tone = n.math("ADD", n.math("MULTIPLY", high, 0.55), n.math("MULTIPLY", melange, 0.5))
    c = materials.rgb(color)[:3]
    n.set(Base_Color=n.ramp(tone, [(0.2, tuple(v * 0.35 for v in c)), (0.8, tuple(min(1, v * 1.25) for v in c))]))
    n.set(Roughness=0.9, Specular=0.15, Sheen=0.3, Normal=n.bump(high, 0.8, 0.012))
    return n.mat


def speaker(color="#5b6770"):
    """Upright cylinder speaker with a leather strap and rubber ends."""
    rad = 0.48
    rubber = materials.plain("#1d1f21", 0.6, grain=0.15, grain_scale=80)
    cloth = _mesh_cloth(color, rad)
    geo.lathe("foot", geo.fillet([(0, 0, 0), (0.43, 0, 0.03), (0.47, 0.1, 0.02), (0, 0.1, 0)]), rubber, 128)
    geo.lathe(
        "cloth",
        [(0.468, 0.1), (rad, 0.125)] + [(rad, 0.125 + 1.55 * k / 12) for k in range(1, 13)] + [(0.468, 1.7)],
        cloth,
        160,
    )
    geo.lathe(
        "head",
        geo.fillet(
            [(0, 1.7, 0), (0.47, 1.7, 0.012), (0.47, 1.8, 0.05), (0.4, 1.83, 0.03), (0.37, 1.79, 0.02), (0, 1.79, 0)], 8
        ),
        rubber,
        128,
    )
    light = materials.plain("#9fb0b8", 0.5)
    for i, sign in enumerate(["-", "o", "+"]):
        geo.text_on(sign, 0.14, light, (-0.16 + 0.16 * i, -0.02, 1.7925), (0, 0, 0), font="bold")
    plate = materials.steel((0.7, 0.7, 0.7), 0.25, (40, 1, 1), 0.08)
    geo.patch_round(rad, 0.28, 0.40, 19, plate, lift=0.008)
    geo.text_round("ORREN", 0.075, materials.plain("#26292b", 0.4), rad + 0.008, 0.34, -90, font="bold", spacing=1.25)
    strap = materials.leather("#8a5a36", 30, 0.3)
    path = geo.spline(
        [
            (rad + 0.0, 0, 1.6),
            (rad + 0.09, 0.0, 1.5),
            (rad + 0.13, 0.0, 1.2),
            (rad + 0.12, 0.0, 0.9),
            (rad + 0.07, 0, 0.72),
            (rad, 0, 0.66),
        ],
        10,
    )
    verts = [(p[0], s * 0.08, p[2]) for p in path for s in (-1, 1)]
    faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(path) - 1)]
    geo.bevel(geo.solidify(geo.mesh("strap", verts, faces, strap), 0.028, 0), 0.01, 2)
    for z in (1.55, 0.7):
        rivet = geo.lathe("rivet", geo.spline([(0, 0.03), (0.03, 0.022), (0.036, 0)], 4), plate, 32)
        geo.place(rivet, (rad + (0.06 if z > 1 else 0.07), 0, z), (0, 90, 0))


def headphones(color="#d8d3ca"):
    """Over-ear headset standing on its cups."""
    shell = materials.plain(color, 0.42, spec=0.4, grain=0.1, grain_scale=120)
    pad = materials.leather("#2c2a29", 34, 0.3, 0.55)
    metal = materials.steel((0.66, 0.65, 0.63), 0.22, (1, 1, 40), 0.05)
    arc = []
    for k in range(61):
        a = math.pi * k / 60
        arc.append((0.86 * math.cos(a), 0, 1.12 + 0.88 * math.sin(a)))
    full = [(0.9, 0, 0.72), (0.88, 0, 0.95), *arc, (-0.88, 0, 0.95), (-0.9, 0, 0.72)]
    geo.wire("yoke", full, 0.026, metal)
    loops = []
    for k in range(7, 54):
        a = math.pi * k / 60
        edge = min(1.0, (min(k - 7, 53 - k) + 1) / 4)
        loop = []
        for i in range(24):
            t = math.tau * i / 24
            u, v = 0.075 * math.cos(t) * edge, 0.19 * math.sin(t) * (0.6 + 0.4 * edge)
            loop.append(((0.845 + u) * math.cos(a), v, 1.12 + (0.865 + u) * math.sin(a)))
        loops.append(loop)
    geo.subsurf(geo.loft("band", loops, pad), 1)
    for side in (-1, 1):
        before = geo.names()
        cup = geo.spline(
            [(0, 0.3), (0.24, 0.285), (0.38, 0.22), (0.43, 0.1), (0.42, 0.0), (0.36, -0.02), (0, -0.02)], 8
        )
        geo.lathe("cup", cup, shell, 96)
        geo.lathe(
            "ring",
            geo.fillet([(0.25, 0.28, 0), (0.265, 0.292, 0.01), (0.285, 0.276, 0.01), (0.28, 0.25, 0)]),
            metal,
            96,
        )
        torus = [
            (0.29 + 0.125 * math.cos(math.tau * i / 24), -0.09 + 0.1 * math.sin(math.tau * i / 24)) for i in range(25)
        ]
        geo.lathe("pad", torus, pad, 96)
        geo.lathe("inner", [(0, -0.04), (0.3, -0.04)], materials.weave("#1b1b1c", 90), 48)
        geo.group_pose(geo.since(before), (side * 0.74, 0, 0.52), (0, side * 84, 0))
        for o in geo.since(before):
            o.scale = (1.2, 1.0, 1.0)


def lamp(color="#c8452f"):
    """Desk lamp: enamel dome on a bent arm, heavy foot (cordless)."""
    enamel = materials.plain(color, 0.22, spec=0.5, coat=0.4, grain=0.03, grain_scale=20)
    white = materials.plain("#f4f1ea", 0.4)
    black = materials.plain("#181818", 0.42, grain=0.2, grain_scale=90)
    brass = materials.steel((0.75, 0.56, 0.3), 0.22, (1, 1, 40), 0.06)
    geo.lathe(
        "foot",
        geo.fillet(
            [(0, 0, 0), (0.95, 0, 0.03), (0.95, 0.12, 0.06), (0.3, 0.2, 0.2), (0.09, 0.3, 0.05), (0, 0.3, 0)], 10
        ),
        black,
        128,
    )
    arm = geo.spline(
        [(0, 0, 0.25), (0, 0, 1.5), (0, 0, 2.9), (0.1, 0, 3.6), (0.5, 0, 4.05), (1.0, 0, 4.05), (1.3, 0, 3.8)], 14
    )
    geo.wire("arm", arm, 0.06, brass, res=10)
    prof = geo.spline([(0.09, 0.72), (0.12, 0.6), (0.3, 0.5), (0.66, 0.26), (0.86, -0.1), (0.92, -0.3)], 10)
    before = geo.names()
    shade = geo.lathe("shade", prof, enamel, 128)
    geo.solidify(shade, 0.02, 0)
    inner = geo.lathe("inner", [(r - 0.014, z - 0.014) for r, z in prof[6:]], white, 128)
    inner.name = "inner"
    geo.lathe(
        "rim", geo.fillet([(0.905, -0.31, 0), (0.94, -0.31, 0.01), (0.94, -0.28, 0.01), (0.905, -0.28, 0)]), enamel, 128
    )
    geo.lathe("socket", geo.fillet([(0, 0.86, 0), (0.1, 0.86, 0.03), (0.13, 0.6, 0.02), (0, 0.6, 0)]), brass, 64)
    bulb = geo.spline([(0, -0.22), (0.16, -0.18), (0.24, -0.02), (0.17, 0.2), (0.09, 0.34), (0.09, 0.5)], 8)
    geo.lathe("bulb", bulb, materials.plain("#f6f2e8", 0.15, coat=0.5), 64)
    geo.group_pose(geo.since(before), (1.52, 0, 3.05), (0, -14, 0))
    geo.lathe("knob", geo.fillet([(0, 0.28, 0), (0.1, 0.3, 0.01), (0.1, 0.36, 0.02), (0, 0.36, 0)]), brass, 48)
