"""Paper and board: product box, shipping-style box, books."""

import math
import random

from scene import geo, materials


def headset_box(color="#20242b", accent="#e2703a"):
    """Matte telescoping box with a printed front and a lid seam."""
    board = materials.plain(color, 0.55, spec=0.35, grain=0.12, grain_scale=90)
    ink = materials.plain("#e9e6df", 0.5)
    mark = materials.plain(accent, 0.5)
    w, d, h = 2.0, 0.9, 2.3
    geo.box("base", (w, d, h * 0.42), board, round_=0.018)
    geo.box("lid", (w + 0.024, d + 0.024, h * 0.58 - 0.008), board, (0, 0, h * 0.42 + 0.008), round_=0.018)
    front = -d / 2 - 0.0128
    geo.text_on("ORREN", 0.3, ink, (0, front, 1.98), font="bold", spacing=1.3)
    geo.text_on("wireless headset  H2", 0.1, ink, (0, front, 1.76), font="sans", spacing=1.1)
    geo.wire("arc", [(x, front + 0.008, z) for x, _, z in _arc(0.36, 1.28)], 0.022, ink, res=4)
    for side in (-1, 1):
        pad = geo.fillet([(0, -0.17, 0), (0.085, -0.17, 0.06), (0.085, 0.17, 0.06), (0, 0.17, 0)], 6)
        verts = [(side * 0.36 + x * side, front, 1.2 + z) for x, z in pad]
        geo.mesh("pad", verts, [tuple(range(len(verts)))], mark, smooth=False)
    base = -d / 2 - 0.0008
    geo.text_on("40 h play   |   bluetooth 5.4   |   foldable", 0.07, ink, (0, base, 0.62), font="narrow", spacing=1.1)
    geo.text_on("Model H2-BLK   Made for testing pictures", 0.05, ink, (0, base, 0.2), font="narrow", spacing=1.1)
    side = w / 2 + 0.0128
    geo.text_on("ORREN", 0.2, ink, (side, 0, 1.9), (90, 0, 90), font="bold", spacing=1.3)
    geo.box("stripe", (0.004, d * 0.9, 0.05), mark, (w / 2 + 0.0125, 0, 1.6), round_=0)


def _arc(rad, z):
    return [(rad * math.cos(a), 0, z + rad * math.sin(a)) for a in [math.pi * k / 40 for k in range(41)]]


def gift_box(color="#8f3b34", ribbon="#e8dcc6"):
    """Rigid gift box with a cloth ribbon."""
    board = materials.paper(color, 0.7, 0.25, scale=60)
    band = materials.weave(ribbon, 40, 0.3, 0.5, 0.85)
    geo.box("base", (1.9, 1.9, 0.8), board, round_=0.02)
    geo.box("lid", (1.97, 1.97, 0.32), board, (0, 0, 0.6), round_=0.025)
    geo.box("rib1", (0.24, 1.99, 0.33), band, (0, 0, 0.597), round_=0.02)
    geo.box("rib2", (1.99, 0.24, 0.334), band, (0, 0, 0.597), round_=0.02)
    geo.box("rib3", (0.24, 1.92, 0.62), band, (0, 0, 0), round_=0.01)
    geo.box("rib4", (1.92, 0.24, 0.62), band, (0, 0, 0), round_=0.01)
    for side in (-1, 1):
        loop = geo.spline(
            [
                (0, 0, 0.95),
                (side * 0.22, -0.08, 1.16),
                (side * 0.5, -0.12, 1.24),
                (side * 0.62, -0.08, 1.1),
                (side * 0.42, 0.02, 0.98),
                (side * 0.05, 0.04, 0.95),
            ],
            10,
        )
        geo.ribbon(loop, 0.24, band)
        geo.ribbon(
            geo.spline(
                [(0, 0, 0.96), (side * 0.2, -0.3, 0.98), (side * 0.38, -0.62, 0.94), (side * 0.46, -0.8, 0.97)], 10
            ),
            0.22,
            band,
            flat=True,
        )
    knot = geo.lathe("knot", geo.spline([(0, -0.1), (0.1, -0.09), (0.14, 0), (0.1, 0.09), (0, 0.1)], 6), band, 40)
    geo.place(knot, (0, -0.02, 1.0), (0, 0, 0), (1.0, 1.15, 0.9))


def book(color="#1f3f5b", title=("THE QUIET", "HARBOUR"), author="Ines Corvald", thick=0.32, ink="#e9dcc0", deco=0):
    """Hardback lying on its back in book space: width x, height y, thickness z. Stand it with group_pose."""
    w, h = 1.4, 2.1
    cloth = materials.weave(color, 34, 0.3, 0.7, 0.8)
    foil = materials.plain(ink, 0.38, spec=0.4)
    geo.box("front", (w, h, 0.032), cloth, (0, 0, thick - 0.032), round_=0.012)
    geo.box("back", (w, h, 0.032), cloth, (0, 0, 0), round_=0.012)
    spine = [
        (-w / 2 + 0.02 - 0.06 * math.sin(a), thick / 2 - (thick / 2) * math.cos(a))
        for a in [math.pi * k / 16 for k in range(17)]
    ]
    loops = [[(x, y, z) for x, z in spine] for y in (-h / 2, h / 2)]
    geo.solidify(geo.loft("spine", loops, cloth, caps=False, closed=False), 0.03, 0)
    _pages(w, h, thick)
    top = thick + 0.0006
    for i, line in enumerate(title):
        geo.text_on(line, 0.21, foil, (0.02, 0.62 - 0.25 * i, top), (0, 0, 0), font="serifbold", spacing=1.05)
    geo.text_on(author, 0.11, foil, (0.02, -0.82, top), (0, 0, 0), font="serif", spacing=1.05)
    _cover_art(foil, top, deco)
    geo.text_on(" ".join(title), 0.12, foil, (-w / 2 - 0.0565, 0.1, thick / 2), (90, 0, -90), font="serifbold")


def _cover_art(foil, top, deco):
    if deco == 0:
        for k in range(7):
            pts = [
                (0.02 + x / 40 * 0.9 - 0.45, -0.42 + 0.06 * k + 0.035 * math.sin(x / 40 * 9 + k * 0.7), top)
                for x in range(41)
            ]
            geo.wire("wave", pts, 0.006, foil, res=2)
    else:
        for k in range(9):
            a = math.pi * k / 8
            pts = [(0.02 + r * math.cos(a), -0.5 + r * math.sin(a), top) for r in (0.16, 0.44)]
            geo.wire("ray", pts, 0.008, foil, res=2)


def _pages(w, h, thick):
    """Page block: many thin leaves, a little uneven."""
    n = materials.Nodes("pages")
    streak = n.noise(20.0, 3.0, stretch=(0.15, 0.15, 9))
    n.set(
        Base_Color=n.ramp(streak, [(0.3, (0.60, 0.54, 0.43)), (0.6, (0.83, 0.78, 0.68))]), Roughness=0.85, Specular=0.15
    )
    n.set(Normal=n.bump(streak, 0.5, 0.01))
    geo.box("pages", (w - 0.09, h - 0.09, thick - 0.064), n.mat, (-0.03, 0, 0.032), round_=0.004, segments=1)


def book_lying():
    book()


def book_standing():
    before = geo.names()
    book("#7a2e2a", ("SALT", "& ROOTS"), "Maren Oakley", 0.36, "#ead9b0", 1)
    geo.group_pose(geo.since(before), (0, 0, 1.05), (90, 0, 0))


def book_stack():
    """Three books, not quite square on each other."""
    rng = random.Random(5)
    z = 0.0
    for col, title, auth, th, deco in [
        ("#2d4a3e", ("FIELD", "NOTES"), "T. Ashgrove", 0.38, 0),
        ("#b58a2e", ("A SMALL", "ATLAS"), "Jo Lindqvist", 0.26, 1),
        ("#33415c", ("NIGHT", "FERRIES"), "Ada Brandt", 0.3, 0),
    ]:
        before = geo.names()
        book(col, title, auth, th, "#efe6d2", deco)
        geo.group_pose(
            geo.since(before), (rng.uniform(-0.05, 0.05), rng.uniform(-0.05, 0.05), z), (0, 0, 90 + rng.uniform(-9, 9))
        )
        z += th + 0.003
