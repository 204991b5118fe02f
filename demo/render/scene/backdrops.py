"""What stands behind the product: paper sweep, wooden table, cluttered kitchen."""

import random

from . import geo, materials, studio


def sweep(size, shot):
    studio.sweep(size, shot.color, shot.sweep_spec, shot.sweep_rough, half=shot.sweep_half)


def table(size, shot):
    """Planks of a wooden table top with dark gaps; a soft wall far behind."""
    geo.into("set")
    wide, rng = 1.1 * max(1.0, size / 1.2), random.Random(shot.seed)
    tones = ["#b98a5e", "#a97a50", "#c0946a", "#b08057"]
    mats = [materials.wood(t, "#6b4426", rough=0.45, axis="X", scale=0.8, strength=0.12) for t in tones]
    for i in range(-6, 14):
        plank = geo.box("plank", (60, wide - 0.02, 0.3), mats[rng.randrange(4)], round_=0.02, segments=2)
        geo.place(plank, (0, i * wide, -0.3 + rng.uniform(-0.004, 0.004)))
        # every plank gets its own grain: shift the mesh, not the object
        shift = rng.uniform(-40, 40)
        for v in plank.data.vertices:
            v.co.x += shift * 0.2
    wall = materials.paper("#8c8a84", 0.9, 0.05)
    geo.mesh("wall", [(-60, 16, -2), (60, 16, -2), (60, 16, 40), (-60, 16, 40)], [(0, 1, 2, 3)], wall)
    geo.into("product")


def _jar(x, y, rad, high, color, lid):
    body = geo.fillet([(0, 0, 0), (rad, 0, 0.08), (rad, high, 0.15), (rad * 0.8, high + 0.1, 0.02), (0, high + 0.1, 0)])
    geo.place(geo.lathe("jar", body, materials.ceramic(color), 48), (x, y, 0))
    top = geo.fillet(
        [(0, high + 0.1, 0), (rad * 0.86, high + 0.1, 0.02), (rad * 0.86, high + 0.34, 0.05), (0, high + 0.36, 0)]
    )
    geo.place(geo.lathe("lid", top, materials.wood(lid, "#5a3a20"), 48), (x, y, 0))


def kitchen(size, shot):
    """Worktop with other things standing about and a tiled wall: a hard background."""
    table(size, shot)
    geo.into("set")
    rng = random.Random(shot.seed)
    tile = materials.ceramic("#dfe4df", rough=0.12)
    for i in range(-9, 10):
        for k in range(14):
            geo.place(
                geo.box("tile", (1.46, 0.1, 0.71), tile, round_=0.03, segments=2),
                (i * 1.5 + (0.75 if k % 2 else 0), 5.4 + rng.uniform(-0.006, 0.006), k * 0.75),
            )
    geo.mesh(
        "grout",
        [(-20, 5.38, 0), (20, 5.38, 0), (20, 5.38, 11), (-20, 5.38, 11)],
        [(0, 1, 2, 3)],
        materials.paper("#a9a8a0", 0.9),
    )
    _jar(-2.6, 3.0, 0.62, 1.6, "#c9b58e", "#b58a5a")
    _jar(-1.15, 3.7, 0.5, 1.2, "#5d7f86", "#b58a5a")
    _jar(2.9, 3.3, 0.55, 2.1, "#b4553b", "#8a6a4a")
    board = geo.box("board", (2.6, 0.18, 3.6), materials.wood("#c79a68", "#7a5030", axis="Z"), round_=0.08)
    geo.place(board, (1.3, 4.9, 0.02), (-10, 0, 0))
    cup = geo.fillet(
        [(0, 0.02, 0), (0.34, 0, 0.05), (0.42, 0.95, 0.02), (0.38, 0.96, 0.01), (0.3, 0.06, 0.05), (0, 0.05, 0)]
    )
    geo.place(geo.lathe("cup", cup, materials.ceramic("#e8e3d8", "#6b5440")), (2.0, 1.9, 0))
    for i, col in enumerate(["#3a5a40", "#a33b2e", "#d8c9a8"]):
        book = geo.box("cookbook", (0.34, 1.5, 2.1 + 0.2 * (i % 2)), materials.plain(col, 0.5), round_=0.03)
        geo.place(book, (-3.9 - 0.37 * i, 3.6, 0))
    for i in range(5):
        lemon = geo.lathe(
            "lemon",
            geo.spline([(0, -0.42), (0.1, -0.36), (0.3, -0.15), (0.32, 0.1), (0.14, 0.33), (0, 0.42)], 6),
            materials.plain("#e0b020", 0.45, grain=0.4, grain_scale=30),
            40,
        )
        geo.place(
            lemon,
            (-2.9 + 0.62 * (i % 3) + 0.2 * (i // 3), 1.5 + 0.5 * (i // 3), 0.3),
            (90 + rng.uniform(-25, 25), 0, rng.uniform(0, 180)),
        )
    geo.into("product")
