"""Clogs: lofted sole, smooth upper, strap and buckle."""

import math

from mathutils import Matrix, Vector
from scene import geo, materials

HALF = [
    (0, 0.0),
    (0.012, 0.17),
    (0.05, 0.31),
    (0.12, 0.42),
    (0.22, 0.475),
    (0.33, 0.48),
    (0.46, 0.42),
    (0.6, 0.365),
    (0.74, 0.375),
    (0.87, 0.355),
    (0.955, 0.25),
    (0.99, 0.12),
    (1, 0.0),
]
MID = [(0, 0.1), (0.2, 0.06), (0.4, 0.0), (0.6, -0.03), (0.8, 0.0), (1, 0.0)]
HIGH = [
    (-0.01, 0.0),
    (0, 0.0),
    (0.01, 0.14),
    (0.04, 0.27),
    (0.12, 0.42),
    (0.25, 0.53),
    (0.4, 0.65),
    (0.55, 0.8),
    (0.7, 0.95),
]
LENGTH = 2.7


def _at(table, t):
    """Smooth table lookup (cubic Hermite with limited slopes)."""
    n = len(table)
    i = max(k for k in range(n - 1) if table[k][0] <= t or k == 0)
    (x0, y0), (x1, y1) = table[i], table[i + 1]
    h = x1 - x0

    def slope(k):
        if k in (0, n - 1):
            return (y1 - y0) / h
        left = (table[k][1] - table[k - 1][1]) / (table[k][0] - table[k - 1][0])
        right = (table[k + 1][1] - table[k][1]) / (table[k + 1][0] - table[k][0])
        return 0.0 if left * right <= 0 else 2 * left * right / (left + right)

    u = min(1.0, max(0.0, (t - x0) / h))
    m0, m1 = slope(i) * h, slope(i + 1) * h
    return (2 * u**3 - 3 * u**2 + 1) * y0 + (u**3 - 2 * u**2 + u) * m0 + (3 * u**2 - 2 * u**3) * y1 + (u**3 - u**2) * m1


def _spring(t):
    return 0.16 * max(0.0, (0.3 - t) / 0.3) ** 2


def _outline(inset, z):
    ts = [0.5 - 0.5 * math.cos(math.pi * k / 60) for k in range(61)]
    left = [(_at(MID, t) - max(0, _at(HALF, t) - inset), t) for t in ts]
    right = [(_at(MID, t) + max(0, _at(HALF, t) - inset), t) for t in reversed(ts[1:-1])]
    span = LENGTH - 2 * inset
    return [(x, -span / 2 + span * t, z + _spring(t)) for x, t in left + right]


def _arch(t, grow, lean=0.14, steps=36):
    hw, mid, high = _at(HALF, t) + grow, _at(MID, t), _at(HIGH, t) + grow
    loop = []
    for k in range(steps + 1):
        a = math.pi * k / steps
        c, s = math.cos(a), math.sin(a)
        loop.append(
            (
                mid + hw * (abs(c) ** 0.82) * (1 if c > 0 else -1),
                -LENGTH / 2 + LENGTH * t + lean * (1 - s) * min(1, t * 3),
                0.24 + _spring(t) + high * s**0.85,
            )
        )
    return loop


def _clog(leather, cork, rubber, metal, lining):
    geo.loft("outsole", [_outline(0.02, 0.0), _outline(0.0, 0.012), _outline(0.0, 0.09), _outline(0.02, 0.1)], rubber)
    geo.loft(
        "cork",
        [
            _outline(0.02, 0.1),
            _outline(0.005, 0.115),
            _outline(0.0, 0.26),
            _outline(0.02, 0.285),
            _outline(0.06, 0.27),
            _outline(0.13, 0.235),
        ],
        cork,
    )
    geo.loft(
        "bed", [_outline(0.055, 0.262), _outline(0.07, 0.279), _outline(0.12, 0.252), _outline(0.2, 0.235)], lining
    )
    upper = geo.loft(
        "upper", [_arch(0.004 + 0.55 * k / 40, 0.012) for k in range(41)], leather, caps=False, closed=False
    )
    geo.subsurf(geo.solidify(upper, 0.045, 1), 1)
    geo.wire("edge", _arch(0.5545, 0.036), 0.032, leather)
    strap = geo.loft("strap", [_arch(0.40 + 0.085 * k / 6, 0.068) for k in range(7)], leather, caps=False, closed=False)
    geo.bevel(geo.solidify(strap, 0.035, 1), 0.008, 2)
    arc = [Vector(p) for p in _arch(0.442, 0.125)]
    along = (arc[11] - arc[7]).normalized()
    across = Vector((0, 1, 0))
    frame = [(-0.15, -0.17), (0.15, -0.17), (0.15, 0.17), (-0.15, 0.17)]
    ring = geo.spline([arc[9] + along * a * (1 - 0.0 * b) + across * b for a, b in frame], 1, closed=True)
    geo.wire("buckle", ring, 0.022, metal, closed=True)
    geo.wire("pin", [arc[9] - along * 0.14, arc[9] + along * 0.17], 0.018, metal)


def clogs(color="#7d6247"):
    leather = materials.leather(color, 60, 0.18, 0.8)
    cork = _cork()
    rubber = materials.plain("#2a2623", 0.7, grain=0.3, grain_scale=40)
    metal = materials.steel((0.7, 0.62, 0.48), 0.2, (1, 1, 30), 0.05)
    lining = materials.leather("#b9a184", 70, 0.12, 0.85)
    before = geo.names()
    _clog(leather, cork, rubber, metal, lining)
    right = geo.since(before)
    geo.group_pose(right, (0.62, 0.1, 0), (0, 0, -6))
    before = geo.names()
    _clog(leather, cork, rubber, metal, lining)
    left = geo.since(before)
    for o in left:
        o.data.transform(_mirror())
        if o.type == "MESH":
            o.data.flip_normals()
        o.matrix_world = _mirror() @ o.matrix_world @ _mirror()
    geo.group_pose(left, (-0.62, -0.25, 0), (0, 0, 9))


def _mirror():
    return Matrix.Scale(-1, 4, (1, 0, 0))


def _cork():
    n = materials.Nodes("cork")
    chips = n.new("ShaderNodeTexVoronoi", {"Vector": n.coords(), "Scale": 26.0})
    tone = n.math("ADD", n.math("MULTIPLY", chips.outputs["Color"], 0.5), n.math("MULTIPLY", n.noise(50.0, 3.0), 0.5))
    n.set(Base_Color=n.ramp(tone, [(0.25, (0.10, 0.055, 0.025)), (0.45, (0.36, 0.22, 0.11)), (0.8, (0.5, 0.33, 0.18))]))
    n.set(Roughness=0.8, Specular=0.2, Normal=n.bump(tone, 0.4, 0.01))
    return n.mat
