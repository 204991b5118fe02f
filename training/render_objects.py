"""Blender: made-up objects in made-up rooms, each as a scene and as a cut-out with exact alpha.

    blender -b -t 1 -P training/render_objects.py -- --out RENDERS --first 0 --count 300 --seed 1

Writes NNNNN_scene.png (RGB) and NNNNN_cut.png (RGBA, the object alone, same camera). Shapes, surfaces and lights
are all made here; nothing is loaded. Blender 3.4, Cycles on the CPU; a picture takes a few seconds.
"""

import argparse
import math
import os
import random
import sys

import bpy
from mathutils import Vector

SIDE = 256


def reset():
    """Empty scene, Cycles, small transparent picture."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = 20
    scene.cycles.use_adaptive_sampling = True
    scene.cycles.max_bounces = 4
    scene.cycles.use_denoising = False
    scene.render.resolution_x = scene.render.resolution_y = SIDE
    scene.render.image_settings.file_format = "PNG"
    scene.view_settings.view_transform = random.choice(["Standard", "Standard", "Filmic"])
    return scene


def colour(vivid=0.35):
    """A surface colour, linear RGBA."""
    if random.random() < 0.25:
        grey = random.choice([random.uniform(0.5, 0.9), random.uniform(0.005, 0.06), random.uniform(0.1, 0.5)])
        return (grey, grey, grey, 1)
    import colorsys

    saturation = random.uniform(0.5, 0.95) if random.random() < vivid else random.uniform(0.05, 0.5)
    return (*colorsys.hsv_to_rgb(random.random(), saturation, random.uniform(0.05, 0.85)), 1)


def material(glass=True):
    """A principled surface, plain or with a procedural pattern, sometimes bumpy, metallic or clear."""
    made = bpy.data.materials.new("surface")
    made.use_nodes = True
    nodes, links = made.node_tree.nodes, made.node_tree.links
    shader = nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = colour()
    shader.inputs["Roughness"].default_value = random.uniform(0.1, 0.9)
    lot = random.random()
    if lot < 0.12:
        shader.inputs["Metallic"].default_value = 1.0
    elif lot < 0.17 and glass:
        shader.inputs["Transmission"].default_value = 1.0
        shader.inputs["Roughness"].default_value = random.uniform(0, 0.15)
        return made
    if random.random() < 0.6:
        kind = random.choice(["Noise", "Wave", "Voronoi", "Checker", "Musgrave", "Magic", "Brick"])
        pattern = nodes.new(f"ShaderNodeTex{kind}")
        pattern.inputs["Scale"].default_value = math.exp(random.uniform(math.log(0.8), math.log(14)))
        if "Distortion" in pattern.inputs:
            pattern.inputs["Distortion"].default_value = random.choice([0, random.uniform(0, 6)])
        place = nodes.new("ShaderNodeTexCoord")
        links.new(place.outputs["Object"], pattern.inputs["Vector"])
        ramp = nodes.new("ShaderNodeValToRGB")
        base = colour()
        for stop in ramp.color_ramp.elements:
            near = [min(1, max(0, c * random.uniform(0.5, 1.5))) for c in base[:3]]
            stop.color = colour() if random.random() < 0.4 else (*near, 1)
        out = pattern.outputs["Fac"] if "Fac" in pattern.outputs else pattern.outputs[0]
        links.new(out, ramp.inputs["Fac"])
        links.new(ramp.outputs["Color"], shader.inputs["Base Color"])
        if random.random() < 0.4:
            bump = nodes.new("ShaderNodeBump")
            bump.inputs["Strength"].default_value = random.uniform(0.1, 0.8)
            links.new(out, bump.inputs["Height"])
            links.new(bump.outputs["Normal"], shader.inputs["Normal"])
    return made


def lathe():
    """A turned body: bottle, bowl, vase, lamp, chess piece."""
    count, rings = random.randint(4, 9), 32
    profile = [(random.uniform(0.15, 1), k / (count - 1)) for k in range(count)]
    high = random.uniform(0.8, 3)
    corners = [(r * math.cos(2 * math.pi * s / rings), r * math.sin(2 * math.pi * s / rings), (z - 0.5) * high)
               for r, z in profile for s in range(rings)]  # fmt: skip
    faces = [(i * rings + s, i * rings + (s + 1) % rings, (i + 1) * rings + (s + 1) % rings, (i + 1) * rings + s)
             for i in range(count - 1) for s in range(rings)]  # fmt: skip
    faces += [tuple(range(rings))[::-1], tuple(range((count - 1) * rings, count * rings))]
    mesh = bpy.data.meshes.new("lathe")
    mesh.from_pydata(corners, [], faces)
    made = bpy.data.objects.new("lathe", mesh)
    bpy.context.collection.objects.link(made)
    bpy.context.view_layer.objects.active = made
    return made


def tube():
    """A bent wire, handle, cable or leg."""
    curve = bpy.data.curves.new("tube", "CURVE")
    curve.dimensions, curve.bevel_depth = "3D", random.uniform(0.03, 0.2)
    spline = curve.splines.new("NURBS")
    spline.points.add(random.randint(3, 6))
    for point in spline.points:
        point.co = (*(random.gauss(0, 0.8) for _ in range(3)), 1)
    spline.use_endpoint_u = True
    made = bpy.data.objects.new("tube", curve)
    bpy.context.collection.objects.link(made)
    return made


def blob():
    """Soft joined balls: fruit, toy, animal."""
    name = f"{random.randrange(10**9):09d}"  # metaballs of one family name would flow together
    balls = bpy.data.metaballs.new(name)
    balls.resolution = balls.render_resolution = 0.12
    for _ in range(random.randint(3, 9)):
        ball = balls.elements.new(type=random.choice(["BALL", "BALL", "CAPSULE", "ELLIPSOID"]))
        ball.co = [random.gauss(0, 0.5) for _ in range(3)]
        ball.radius = random.uniform(0.3, 0.9)
        ball.rotation = Vector((1, 0, 0)).rotation_difference(Vector([random.gauss(0, 1) for _ in range(3)]))
    made = bpy.data.objects.new("b" + name, balls)
    bpy.context.collection.objects.link(made)
    return made


def solid():
    """A cube, ball, can, ring or cone with rounded edges."""
    add = bpy.ops.mesh
    random.choice([
        lambda: add.primitive_cube_add(), lambda: add.primitive_cylinder_add(vertices=40),
        lambda: add.primitive_uv_sphere_add(), lambda: add.primitive_cone_add(radius2=random.uniform(0, 0.9)),
        lambda: add.primitive_torus_add(minor_radius=random.uniform(0.05, 0.45)),
        lambda: add.primitive_ico_sphere_add(subdivisions=random.choice([1, 2])),
    ])()  # fmt: skip
    made = bpy.context.object
    if random.random() < 0.6:
        made.modifiers.new("edge", "BEVEL").width = random.uniform(0.02, 0.25)
    return made


def piece(glass=True):
    """One part with a surface, some of them warped or hollow."""
    made = random.choices([lathe, solid, blob, tube], [0.3, 0.4, 0.2, 0.1])[0]()
    if made.type == "MESH":
        if random.random() < 0.3:
            made.modifiers.new("smooth", "SUBSURF").render_levels = 2
            grain = bpy.data.textures.new("grain", "CLOUDS")
            grain.noise_scale = random.uniform(0.3, 1.5)
            bend = made.modifiers.new("bend", "DISPLACE")
            bend.texture, bend.strength = grain, random.uniform(0.1, 0.5)
        elif random.random() < 0.15:
            made.modifiers.new("frame", "WIREFRAME").thickness = random.uniform(0.04, 0.15)
        for face in made.data.polygons:
            face.use_smooth = True
        made.data.use_auto_smooth = True
    made.data.materials.append(material(glass))
    return made


def assembly(parts):
    """Several parts joined around one place; returns the objects."""
    made = []
    for index in range(parts):
        part = piece()
        part.scale = [math.exp(random.gauss(-0.35 if index else 0, 0.35)) for _ in range(3)]
        part.rotation_euler = [random.choice([0, 0, random.uniform(0, 6.3)]) for _ in range(3)]
        part.location = [random.gauss(0, 0.55 if index else 0) for _ in range(3)]
        made.append(part)
    return made


def corners_of(objects):
    """World-space corners of the objects' boxes."""
    bpy.context.view_layer.update()
    return [made.matrix_world @ Vector(corner) for made in objects for corner in made.bound_box]


def room(low, size):
    """Floor at height `low`, perhaps a wall, and other things around."""
    bpy.ops.mesh.primitive_plane_add(size=80, location=(0, 0, low))
    bpy.context.object.data.materials.append(material(False))
    made = [bpy.context.object]
    if random.random() < 0.6:
        bpy.ops.mesh.primitive_plane_add(
            size=80, location=(0, random.uniform(2, 8) * size, 0), rotation=(math.pi / 2, 0, 0)
        )
        bpy.context.object.data.materials.append(material(False))
        made.append(bpy.context.object)
    for _ in range(random.choice([0, 0, 1, 2, 4, 7])):
        other = piece()
        other.scale = [size * random.uniform(0.15, 0.5)] * 3
        away, turn = size * random.uniform(1.8, 4.5), random.uniform(0.05, math.pi - 0.05)
        other.location = (away * math.cos(turn), away * math.sin(turn), low + size * 0.3)
        made.append(other)
    return made


def lights(size):
    """One to three lamps and a sky."""
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    shade = world.node_tree.nodes["Background"]
    shade.inputs[0].default_value, shade.inputs[1].default_value = colour(0.2), random.uniform(0.2, 1.2)
    for _ in range(random.randint(1, 3)):
        lamp = bpy.data.lights.new("lamp", "AREA")
        lamp.size, lamp.energy = size * random.uniform(0.3, 4), size * size * random.uniform(40, 350)
        made = bpy.data.objects.new("lamp", lamp)
        bpy.context.collection.objects.link(made)
        made.location = (random.gauss(0, 3) * size, -random.uniform(0.5, 4) * size, random.uniform(1, 4) * size)
        made.rotation_euler = (-made.location).to_track_quat("-Z", "Y").to_euler()


def camera(corners, size):
    """Look at the object from the front, filling 35-90 % of the picture, sometimes with a shallow focus."""
    lens = bpy.data.cameras.new("camera")
    made = bpy.data.objects.new("camera", lens)
    bpy.context.collection.objects.link(made)
    bpy.context.scene.camera = made
    middle = sum(corners, Vector()) / len(corners)
    lens.lens = random.uniform(35, 90)
    away = size * lens.lens / 36 * 2 / random.uniform(0.45, 0.95)
    turn, rise = random.gauss(0, 0.4), random.uniform(0.02, 0.9)
    made.location = middle + away * Vector(
        (math.sin(turn) * math.cos(rise), -math.cos(turn) * math.cos(rise), math.sin(rise))
    )
    made.rotation_euler = (middle - made.location).to_track_quat("-Z", "Y").to_euler()
    lens.shift_x, lens.shift_y = random.gauss(0, 0.06), random.gauss(0, 0.06)
    if random.random() < 0.4:
        lens.dof.use_dof, lens.dof.focus_distance = True, (middle - made.location).length
        lens.dof.aperture_fstop = random.uniform(0.2, 2.5)


def make(index, out, seed):
    """Render one scene and its cut-out."""
    random.seed(seed * 100003 + index)
    scene = reset()
    subject = assembly(random.choices([1, 2, 3, 5], [0.3, 0.3, 0.25, 0.15])[0])
    corners = corners_of(subject)
    middle = sum(corners, Vector()) / len(corners)
    size = max((corner - middle).length for corner in corners) * 0.75
    around = room(min(corner.z for corner in corners), size)
    lights(size)
    camera(corners, size)
    scene.render.filepath = os.path.join(out, f"{index:05d}_scene.png")
    scene.render.image_settings.color_mode = "RGB"
    bpy.ops.render.render(write_still=True)
    for made in around:
        made.visible_camera = False
    scene.render.film_transparent = True
    scene.render.image_settings.color_mode = "RGBA"
    scene.render.filepath = os.path.join(out, f"{index:05d}_cut.png")
    bpy.ops.render.render(write_still=True)


def main():
    """Command line, after blender's own `--`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    wanted = parser.parse_args(sys.argv[sys.argv.index("--") + 1 :])
    os.makedirs(wanted.out, exist_ok=True)
    for index in range(wanted.first, wanted.first + wanted.count):
        if not os.path.exists(os.path.join(wanted.out, f"{index:05d}_cut.png")):
            make(index, wanted.out, wanted.seed)


main()
