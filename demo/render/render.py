"""Render shots: blender -b -t 2 -P demo/render/render.py -- NAME... [--pct 60 --spp 32 --no-mask --out DIR]."""

import argparse
import importlib
import os
import random
import sys
import time

import bpy
from mathutils import Vector

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import shots  # noqa: E402
from scene import backdrops, geo, studio  # noqa: E402


def build(shot):
    """Model the product and its set; returns nothing, the scene is ready to render."""
    random.seed(shot.seed)
    studio.reset(shot.seed)
    scene = bpy.context.scene
    scene.render.resolution_x, scene.render.resolution_y = shot.width, shot.height
    module, func = shot.builder.split(".")
    getattr(importlib.import_module("products." + module), func)(**shot.args)
    bpy.context.view_layer.update()
    objs = list(bpy.data.collections["product"].objects)
    if shot.turn:
        geo.group_pose(objs, rot=(0, 0, shot.turn))
        bpy.context.view_layer.update()
    points = studio.bounds(objs)
    lo = Vector([min(p[i] for p in points) for i in range(3)])
    hi = Vector([max(p[i] for p in points) for i in range(3)])
    size = (hi - lo).length / 2
    center = (lo + hi) / 2
    studio.lights(shot.lights, size, center, shot.ambient)
    getattr(backdrops, shot.backdrop)(size, shot)
    studio.camera(points, shot.lens, shot.azim, shot.elev, shot.fill, shot.offset, shot.fstop, shot.roll)


def run(name, args):
    shot = shots.BY_NAME[name]
    start = time.time()
    build(shot)
    pct = args.pct or shot.pct
    studio.settings(shot.width, shot.height, pct, args.spp or shot.spp, bounces=shot.bounces)
    scene = bpy.context.scene
    scene.render.filepath = os.path.join(args.out, name + ".exr")
    if not args.mask_only:
        bpy.ops.render.render(write_still=True)
    mid = time.time()
    if not args.no_mask:
        studio.render_mask(os.path.join(args.out, name + ".mask.png"))
    print(f"SHOT {name} photo {mid - start:.0f} s mask {time.time() - mid:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--pct", type=int)
    parser.add_argument("--spp", type=int)
    parser.add_argument("--no-mask", action="store_true")
    parser.add_argument("--mask-only", action="store_true")
    parser.add_argument("--out", default="/tmp/softproof-demo")
    args = parser.parse_args(sys.argv[sys.argv.index("--") + 1 :])
    os.makedirs(args.out, exist_ok=True)
    for name in args.names or list(shots.BY_NAME):
        run(name, args)


main()
