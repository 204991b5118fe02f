"""The shot list. Plain Python: read by render.py inside Blender and by finish.py outside."""

import importlib

from shots_base import SHOTS, Shot

for part in ("shots_simple", "shots_hard"):  # the order gives each shot its seed and its time of day
    importlib.import_module(part)

BY_NAME: dict[str, Shot] = {s.name: s for s in SHOTS}
