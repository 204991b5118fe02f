"""Geometry helpers. 1 Blender unit = 10 cm. Everything is made by code, no outside assets."""

import math
import os

import bpy
from mathutils import Matrix, Vector

_STATE = {"collection": "product"}
FONTS = {
    "sans": "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "bold": "/usr/share/fonts/truetype/liberation/LiberationSans-Bold.ttf",
    "narrow": "/usr/share/fonts/truetype/liberation/LiberationSansNarrow-Regular.ttf",
    "serif": "/usr/share/fonts/truetype/dejavu/DejaVuSerif.ttf",
    "serifbold": "/usr/share/fonts/truetype/dejavu/DejaVuSerif-Bold.ttf",
}


def into(name):
    """Choose the collection that new objects go to: 'product' or 'set'."""
    if name not in bpy.data.collections:
        bpy.context.scene.collection.children.link(bpy.data.collections.new(name))
    _STATE["collection"] = name


def link(obj, mat=None):
    bpy.data.collections[_STATE["collection"]].objects.link(obj)
    if mat is not None:
        obj.data.materials.append(mat)
    return obj


def mesh(name, verts, faces, mat=None, smooth=True):
    data = bpy.data.meshes.new(name)
    data.from_pydata([tuple(v) for v in verts], [], faces)
    data.validate()
    data.update()
    if smooth:
        for poly in data.polygons:
            poly.use_smooth = True
    return link(bpy.data.objects.new(name, data), mat)


def place(obj, loc=(0, 0, 0), rot=(0, 0, 0), scale=None):
    """Set a pose; rot in degrees."""
    obj.location = loc
    obj.rotation_euler = [math.radians(a) for a in rot]
    if scale is not None:
        obj.scale = (scale,) * 3 if isinstance(scale, (int, float)) else scale
    return obj


def bevel(obj, width, segments=3, angle=30):
    mod = obj.modifiers.new("bevel", "BEVEL")
    mod.width, mod.segments, mod.limit_method = width, segments, "ANGLE"
    mod.angle_limit = math.radians(angle)
    mod.harden_normals = False
    return obj


def subsurf(obj, levels=2):
    mod = obj.modifiers.new("subsurf", "SUBSURF")
    mod.levels = mod.render_levels = levels
    return obj


def solidify(obj, thickness, offset=-1.0):
    mod = obj.modifiers.new("solidify", "SOLIDIFY")
    mod.thickness, mod.offset = thickness, offset
    return obj


def displace(obj, strength, size, seed=0, kind="CLOUDS"):
    tex = bpy.data.textures.new(f"disp{seed}", kind)
    tex.noise_scale = size
    mod = obj.modifiers.new("displace", "DISPLACE")
    mod.texture, mod.strength, mod.mid_level = tex, strength, 0.5
    mod.texture_coords = "LOCAL"
    return obj


def fillet(points, segments=6):
    """Polyline [(x, y, radius)] with each corner rounded by an arc of that radius."""
    out = []
    last = len(points) - 1
    for i, (x, y, rad) in enumerate(points):
        if i in (0, last) or rad <= 0:
            out.append((x, y))
            continue
        p = Vector((x, y))
        a, b = Vector(points[i - 1][:2]) - p, Vector(points[i + 1][:2]) - p
        half = a.angle(b) / 2
        cut = min(rad / max(math.tan(half), 1e-4), a.length * 0.49, b.length * 0.49)
        a.normalize()
        b.normalize()
        for k in range(segments + 1):
            t = k / segments
            q = p + a * cut * (1 - t) ** 2 + b * cut * t**2
            out.append((q.x, q.y))
    return out


def spline(points, per=8, closed=False):
    """Catmull-Rom through 2-D or 3-D points."""
    pts = [Vector(p) for p in points]
    n = len(pts)
    out = []
    for i in range(n if closed else n - 1):
        if closed:
            p0, p1, p2, p3 = (pts[(i + k) % n] for k in (-1, 0, 1, 2))
        else:
            p0, p1, p2, p3 = (pts[min(max(i + k, 0), n - 1)] for k in (-1, 0, 1, 2))
        for k in range(per):
            t = k / per
            out.append(
                0.5
                * (
                    2 * p1
                    + (p2 - p0) * t
                    + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t * t
                    + (3 * p1 - p0 - 3 * p2 + p3) * t**3
                )
            )
    if not closed:
        out.append(pts[-1])
    return [tuple(p) for p in out]


def lathe(name, profile, mat=None, steps=96, squash=None):
    """Spin (r, z) points round z. squash(r, z, angle) -> (x, y, z) may bend the form."""
    verts, faces = [], []
    n = len(profile)
    for s in range(steps):
        ang = 2 * math.pi * s / steps
        for r, z in profile:
            verts.append(squash(r, z, ang) if squash else (r * math.cos(ang), r * math.sin(ang), z))
    for s in range(steps):
        a, b = s * n, ((s + 1) % steps) * n
        faces += [(a + i, b + i, b + i + 1, a + i + 1) for i in range(n - 1)]
    obj = mesh(name, verts, faces, mat)
    weld = obj.modifiers.new("weld", "WELD")
    weld.merge_threshold = 1e-5
    return obj


def loft(name, sections, mat=None, caps=True, closed=True):
    """Skin through loops of equal length."""
    n = len(sections[0])
    verts = [p for loop in sections for p in loop]
    faces = []
    for s in range(len(sections) - 1):
        for i in range(n if closed else n - 1):
            j = (i + 1) % n
            faces.append((s * n + i, s * n + j, (s + 1) * n + j, (s + 1) * n + i))
    if caps:
        faces.append(tuple(reversed(range(n))))
        faces.append(tuple(range((len(sections) - 1) * n, len(sections) * n)))
    return mesh(name, verts, faces, mat)


def box(name, size, mat=None, loc=(0, 0, 0), rot=(0, 0, 0), round_=0.02, segments=3):
    """Box standing on z = loc.z with rounded edges."""
    x, y, z = size[0] / 2, size[1] / 2, size[2]
    verts = [(-x, -y, 0), (x, -y, 0), (x, y, 0), (-x, y, 0), (-x, -y, z), (x, -y, z), (x, y, z), (-x, y, z)]
    faces = [(3, 2, 1, 0), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
    obj = mesh(name, verts, faces, mat)
    if round_:
        bevel(obj, round_, segments)
    obj.data.use_auto_smooth = True
    obj.data.auto_smooth_angle = math.radians(40)
    return place(obj, loc, rot)


def wire(name, points, radius, mat=None, closed=False, res=6, poly=True):
    """A round wire along points."""
    curve = bpy.data.curves.new(name, "CURVE")
    curve.dimensions = "3D"
    curve.bevel_depth, curve.bevel_resolution = radius, res
    curve.use_fill_caps = True
    spl = curve.splines.new("POLY" if poly else "NURBS")
    spl.points.add(len(points) - 1)
    for p, co in zip(spl.points, points, strict=True):
        p.co = (*co[:3], 1.0)
    spl.use_cyclic_u = closed
    spl.use_smooth = True
    if not poly:
        spl.order_u, spl.use_endpoint_u = 4, True
    return link(bpy.data.objects.new(name, curve), mat)


def text_mesh(body, size, mat, font="sans", align="CENTER", spacing=1.0, extrude=0.0004):
    """Text as a mesh in the xy plane; pose it afterwards."""
    curve = bpy.data.curves.new("t", "FONT")
    curve.body, curve.size, curve.extrude = body, size, extrude
    curve.align_x, curve.align_y = align, "CENTER"
    curve.space_character = spacing
    if os.path.exists(FONTS[font]):
        curve.font = bpy.data.fonts.load(FONTS[font], check_existing=True)
    tmp = bpy.data.objects.new("t", curve)
    bpy.context.scene.collection.objects.link(tmp)
    bpy.context.view_layer.update()
    data = bpy.data.meshes.new_from_object(tmp.evaluated_get(bpy.context.evaluated_depsgraph_get()))
    bpy.data.objects.remove(tmp)
    data.materials.clear()
    return link(bpy.data.objects.new("text_" + body[:8], data), mat)


def text_on(body, size, mat, loc, rot=(90, 0, 0), **kw):
    """Flat text; rot (90, 0, 0) faces the camera (-y)."""
    return place(text_mesh(body, size, mat, **kw), loc, rot)


def text_round(body, size, mat, radius, z, angle=-90.0, radius_at=None, **kw):
    """Text wrapped on an upright cylinder (or on r(z) with radius_at)."""
    obj = text_mesh(body, size, mat, **kw)
    for v in obj.data.vertices:
        zz = z + v.co.y
        rad = (radius_at(zz) if radius_at else radius) + 0.0012 + v.co.z
        a = math.radians(angle) + v.co.x / radius
        v.co = (rad * math.cos(a), rad * math.sin(a), zz)
    return obj


def patch_round(radius, z0, z1, half_deg, mat, angle=-90.0, lift=0.0008, radius_at=None):
    """A label wrapped on a cylinder."""
    verts, faces, n, m = [], [], 48, 12
    for i in range(n + 1):
        a = math.radians(angle - half_deg + 2 * half_deg * i / n)
        for k in range(m + 1):
            z = z0 + (z1 - z0) * k / m
            r = (radius_at(z) if radius_at else radius) + lift
            verts.append((r * math.cos(a), r * math.sin(a), z))
    for i in range(n):
        for k in range(m):
            j = i * (m + 1) + k
            faces.append((j, j + m + 1, j + m + 2, j + 1))
    return mesh("label", verts, faces, mat)


def group_pose(objs, loc=(0, 0, 0), rot=(0, 0, 0)):
    """Move several objects as one body."""
    turn = Matrix.Translation(loc)
    for axis, deg in zip("XYZ", rot, strict=True):
        turn = turn @ Matrix.Rotation(math.radians(deg), 4, axis)
    bpy.context.view_layer.update()
    for o in objs:
        if o.parent is None:
            o.matrix_world = turn @ o.matrix_world


def since(before):
    """Objects made after the snapshot `before` (a set of names)."""
    return [o for o in bpy.data.objects if o.name not in before]


def names():
    return {o.name for o in bpy.data.objects}


def ribbon(path, width, mat, flat=False):
    """A soft band along a path, pinched at its ends."""
    verts = []
    for i, p in enumerate(path):
        a, b = path[max(i - 1, 0)], path[min(i + 1, len(path) - 1)]
        dx, dy = b[0] - a[0], b[1] - a[1]
        n = math.hypot(dx, dy) or 1
        ux, uy = (-dy / n, dx / n) if flat else (0.0, 1.0)
        pinch = width / 2 * (0.55 + 0.45 * min(1, 4 * i / len(path)) * (1 if flat else min(1, 4 * (1 - i / len(path)))))
        verts += [(p[0] - ux * pinch, p[1] - uy * pinch, p[2]), (p[0] + ux * pinch, p[1] + uy * pinch, p[2])]
    faces = [(2 * i, 2 * i + 1, 2 * i + 3, 2 * i + 2) for i in range(len(path) - 1)]
    subsurf(solidify(mesh("ribbon", verts, faces, mat), 0.012), 1)
