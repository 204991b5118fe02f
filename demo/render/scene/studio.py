"""Sweep, lights, camera and render settings. Sizes follow the product's radius S, so exposure does not depend on it."""

import math

import bpy
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from . import geo, materials

LIGHTS = {
    # name: list of (direction in S, size in S, power, colour temperature tint)
    "soft": [
        ((-3.8, -1.2, 4.2), (2.4, 2.4), 130, "neutral"),
        ((4.6, -2.2, 2.6), (2.4, 4.0), 16, "neutral"),
        ((0.4, 1.6, 6.5), (5.0, 3.6), 70, "neutral"),
    ],
    "key_right": [
        ((3.8, -2.4, 3.9), (2.4, 2.4), 95, "warm"),
        ((-5.0, -1.5, 2.6), (3.5, 5.0), 26, "cool"),
        ((-0.4, 1.5, 6.5), (6.0, 4.5), 80, "neutral"),
    ],
    "beauty": [
        ((-2.6, -1.4, 5.2), (2.2, 3.2), 110, "neutral"),
        ((3.4, -1.8, 2.2), (1.2, 4.6), 32, "neutral"),
        ((-4.4, 0.2, 2.4), (1.2, 4.6), 36, "neutral"),
        ((0.0, 2.0, 6.0), (5.0, 3.0), 60, "neutral"),
    ],
    "strips": [
        ((-4.0, -0.6, 2.6), (1.0, 5.2), 60, "neutral"),
        ((4.0, -0.4, 2.8), (1.3, 5.2), 52, "neutral"),
        ((0.0, 0.6, 5.6), (4.4, 3.4), 90, "neutral"),
    ],
    "window": [((-5.0, 0.6, 3.4), (3.0, 3.6), 170, "cool"), ((5.0, -2.6, 3.0), (5.0, 5.0), 18, "warm")],
    "low": [
        ((-3.0, 0.8, 4.2), (1.6, 3.6), 55, "neutral"),
        ((3.6, 0.4, 3.0), (0.8, 4.6), 34, "cool"),
        ((0.0, 1.0, 6.0), (4.0, 2.0), 22, "neutral"),
    ],
    "flat": [((-3.2, -0.6, 5.0), (3.0, 3.0), 120, "neutral"), ((2.8, 0.8, 5.4), (4.0, 4.0), 60, "neutral")],
}
TINTS = {"neutral": (1, 1, 1), "warm": (1.0, 0.93, 0.85), "cool": (0.9, 0.96, 1.0)}


def reset(seed):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.seed = seed
    world = bpy.data.worlds.new("room")
    scene.world = world
    world.use_nodes = True
    geo.into("set")
    geo.into("product")
    return scene


def bounds(objs):
    """Sample points of the evaluated product in world space."""
    deps = bpy.context.evaluated_depsgraph_get()
    pts = []
    for o in objs:
        if o.type not in {"MESH", "CURVE", "FONT"}:
            continue
        ev = o.evaluated_get(deps)
        data = ev.to_mesh()
        step = max(1, len(data.vertices) // 3000)
        pts += [o.matrix_world @ v.co for i, v in enumerate(data.vertices) if i % step == 0]
        ev.to_mesh_clear()
    return pts


def sweep(size, color, spec=0.25, rough=0.75, curve=4.6, back=1.6, half=14.0):
    """A paper roll: floor, round transition, wall."""
    geo.into("set")
    prof = [(-9 * size, 0.0)]
    r = curve * size
    for k in range(33):
        a = math.pi / 2 * k / 32
        prof.append((back * size + r * math.sin(a), r - r * math.cos(a)))
    prof.append((back * size + r, 12 * size))
    verts = [(x, y, z) for x in (-half * size, half * size) for y, z in prof]
    n = len(prof)
    mat = materials.paper(color, rough, 0.05, spec, 30.0 / size)
    obj = geo.mesh("sweep", verts, [(i, n + i, n + i + 1, i + 1) for i in range(n - 1)], mat)
    geo.into("product")
    return obj


def lights(kind, size, center, ambient=0.5, gain=1.0):
    geo.into("set")
    for i, (pos, dims, power, tint) in enumerate(LIGHTS[kind]):
        data = bpy.data.lights.new(f"softbox{i}", "AREA")
        data.shape = "RECTANGLE"
        data.size, data.size_y = dims[0] * size, dims[1] * size
        data.energy = power * size * size * gain
        data.color = TINTS[tint]
        obj = bpy.data.objects.new(f"softbox{i}", data)
        geo.link(obj)
        obj.location = Vector(pos) * size
        aim = Vector((center.x, center.y, center.z * 0.6)) - obj.location
        obj.rotation_euler = aim.to_track_quat("-Z", "Y").to_euler()
    bg = bpy.context.scene.world.node_tree.nodes["Background"]
    bg.inputs[0].default_value = (0.95, 0.97, 1.0, 1)
    bg.inputs[1].default_value = ambient
    geo.into("product")


def camera(points, lens, azim, elev, fill, offset=(0.0, 0.0), fstop=None, roll=0.0):
    """Aim at the product so that it fills `fill` of the tighter frame side; offset moves it in the frame."""
    scene = bpy.context.scene
    data = bpy.data.cameras.new("camera")
    data.lens, data.sensor_width = lens, 36.0
    cam = bpy.data.objects.new("camera", data)
    scene.collection.objects.link(cam)
    scene.camera = cam
    lo = Vector([min(p[i] for p in points) for i in range(3)])
    hi = Vector([max(p[i] for p in points) for i in range(3)])
    target = (lo + hi) / 2
    az, el = math.radians(azim), math.radians(elev)
    aim = Vector((math.sin(az) * math.cos(el), -math.cos(az) * math.cos(el), math.sin(el)))
    dist = (hi - lo).length * lens / 20
    for _ in range(6):
        cam.location = target + aim * dist
        cam.rotation_euler = (-aim).to_track_quat("-Z", "Y").to_euler()
        cam.rotation_euler.rotate_axis("Z", math.radians(roll))
        bpy.context.view_layer.update()
        ndc = [world_to_camera_view(scene, cam, p) for p in points]
        x0, x1 = min(p.x for p in ndc), max(p.x for p in ndc)
        y0, y1 = min(p.y for p in ndc), max(p.y for p in ndc)
        dist *= max(x1 - x0, y1 - y0) / fill
        wide, high = scene.render.resolution_x, scene.render.resolution_y
        data.shift_x += ((x0 + x1) / 2 - 0.5 - offset[0]) * wide / max(wide, high)
        data.shift_y += ((y0 + y1) / 2 - 0.5 - offset[1]) * high / max(wide, high)
    ndc = [world_to_camera_view(scene, cam, p) for p in points]
    scene["product_low"] = [min(p.x for p in ndc), min(p.y for p in ndc)]
    scene["product_high"] = [max(p.x for p in ndc), max(p.y for p in ndc)]
    data.clip_end = 1000
    if fstop:
        data.dof.use_dof = True
        data.dof.aperture_fstop = fstop / 10  # the scene is ten times life size
        data.dof.focus_distance = dist
    return cam


def settings(width, height, pct, spp, noise=0.03, bounces=6):
    scene = bpy.context.scene
    r, c = scene.render, scene.cycles
    r.resolution_x, r.resolution_y, r.resolution_percentage = width, height, pct
    c.samples, c.use_adaptive_sampling, c.adaptive_threshold = spp, True, noise
    c.adaptive_min_samples = min(8, spp)
    c.use_denoising = False
    c.max_bounces, c.diffuse_bounces, c.glossy_bounces = bounces, 3, 4
    c.transmission_bounces, c.transparent_max_bounces = bounces + 2, 12
    c.caustics_reflective = c.caustics_refractive = False
    c.sample_clamp_indirect, c.sample_clamp_direct = 6.0, 0.0
    c.blur_glossy = 0.5
    r.use_persistent_data = False
    r.image_settings.file_format = "OPEN_EXR_MULTILAYER"
    r.image_settings.color_depth = "16"
    r.image_settings.exr_codec = "ZIP"
    bpy.context.view_layer.cycles.denoising_store_passes = True


def render_mask(path, spp=12):
    """White product on nothing, same camera: exact coverage."""
    scene = bpy.context.scene
    for obj in bpy.data.collections["set"].objects:
        obj.is_holdout = True
        obj.hide_render = obj.type == "LIGHT"
    white = materials.glow((1, 1, 1))
    bpy.context.view_layer.material_override = white
    bpy.context.view_layer.cycles.denoising_store_passes = False
    scene.render.film_transparent = True
    r = scene.render
    r.resolution_percentage, r.use_border, r.use_crop_to_border = 100, True, False
    low, high = scene["product_low"], scene["product_high"]
    hairy = any(o.particle_systems for o in bpy.data.collections["product"].objects)
    margin = 0.4 if hairy else 0.06  # strands reach beyond the mesh that was measured
    r.border_min_x, r.border_min_y = (max(0.0, v - margin) for v in low)
    r.border_max_x, r.border_max_y = (min(1.0, v + margin) for v in high)
    c = scene.cycles
    c.samples, c.adaptive_threshold, c.adaptive_min_samples = spp, 0.01, 3
    c.max_bounces = 0
    scene.world.node_tree.nodes["Background"].inputs[1].default_value = 0
    s = scene.render.image_settings
    s.file_format, s.color_mode, s.color_depth = "PNG", "RGBA", "8"
    scene.view_settings.view_transform = "Standard"
    scene.render.filepath = path
    bpy.ops.render.render(write_still=True)
