"""Scenes for training: same seed, same picture; the alpha is the subject's; the subject is in the frame."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest

from training import march_solids
from training.march_film import exposed, usable
from training.march_light import ASPECT, FIELD, HORIZON, SAMPLES, SKY, SUBJECT, pattern
from training.march_native import render_in_python, source
from training.march_objects import ELLIPSOID, Thing
from training.march_solids import AT_OBJECTS, FLOOR, OBJECT, OBJECTS, SIDE_WALL, WALL
from training.march_things import THINGS
from training.native import translated
from training.raymarch import SceneDrawer, Stand

SMALL = 12


def ball_scene(radius: float, away: float) -> npt.NDArray[np.float32]:
    """A ball at height 0 to 2 `radius`, seen level from `away`, nothing else."""
    drawer = SceneDrawer(1)
    thing = Thing()
    thing.add(ELLIPSOID, (0, 0, 0), [1.0, 1.0, 1.0])
    assert drawer.add_thing(thing, Stand(0, 0, 0, 2 * radius, 0.7), True, [2])
    row = drawer.row
    row[0:12] = [0, radius * 0.985, away, 1, 0, 0, 0, 1, 0, 0, 0, -1]
    row[FIELD], row[ASPECT], row[SAMPLES], row[FLOOR] = 0.5, 1, 2, -1e5
    row[WALL] = row[SIDE_WALL] = 999.0
    row[SKY : SKY + 3] = row[HORIZON : HORIZON + 3] = 1.0
    row[OBJECTS] = 1
    return row


def test_the_share_of_a_ball_is_what_geometry_says() -> None:
    radius, away = 0.6, 3.0
    alpha = render_in_python(ball_scene(radius, away), SMALL)[..., 3]
    places = (np.arange(2 * SMALL) + 0.5) / SMALL - 1
    x, y = np.meshgrid(places * 0.5, -places * 0.5)
    is_hit = (away**2 - radius**2) * (x**2 + y**2 + 1) < away**2  # the ray's angle is below asin(radius / away)
    expected = is_hit.reshape(SMALL, 2, SMALL, 2).mean(axis=(1, 3))
    assert np.array_equal(alpha, expected.astype(np.float32))
    assert 0.1 < alpha.mean() < 0.9


def test_same_seed_same_scene_and_picture() -> None:
    one, two = SceneDrawer(5), SceneDrawer(5)
    for _ in range(4):
        first, second = one.draw().copy(), two.draw().copy()
        assert np.array_equal(first, second)
    assert not np.array_equal(first, SceneDrawer(6).draw())
    first[SAMPLES] = 1
    light = render_in_python(first, 6)
    assert np.array_equal(light, render_in_python(first, 6))
    assert np.isfinite(light).all()
    assert light[..., :3].std() > 0


def test_the_subject_is_before_the_camera_and_in_the_frame() -> None:
    drawer = SceneDrawer(11)
    for _ in range(200):
        row = drawer.draw()
        subjects = [
            at for at in range(AT_OBJECTS, AT_OBJECTS + int(row[OBJECTS]) * OBJECT, OBJECT) if row[at + SUBJECT]
        ]
        assert subjects
        seen = []
        for at in subjects:
            off = row[at + 2 : at + 5] - row[0:3]
            depth = float(off @ row[9:12])
            assert depth > 0
            reach = np.array([abs(float(off @ row[3:6])), abs(float(off @ row[6:9]))]) - row[at + 14]
            seen.append(bool((reach < depth * row[FIELD] * np.array([row[ASPECT], 1])).all()))
        assert any(seen)


@pytest.mark.parametrize("make", [make for make, _ in THINGS])
def test_things_lie_within_their_box(make: object) -> None:
    """The bounding ball that hides far objects from the tracer must hold all of the solid."""
    for seed in range(6):
        thing = make(np.random.default_rng(seed))  # type: ignore[operator]
        drawer = SceneDrawer(1)
        assert drawer.add_thing(thing, Stand(0, 0, 0, 1.0, 0.4), True, [2])
        values = [float(v) for v in drawer.row]
        rng = np.random.default_rng(seed)
        directions = rng.normal(size=(40, 3))
        ball, radius = np.array(values[AT_OBJECTS + 2 : AT_OBJECTS + 5]), values[AT_OBJECTS + 14]
        for direction in directions / np.linalg.norm(directions, axis=1)[:, None]:
            x, y, z = (float(v) for v in ball + direction * radius * 1.05)
            distance, _ = march_solids.solid(values, AT_OBJECTS, x, y, z)
            assert distance > 0


def test_what_cannot_be_used_is_told() -> None:
    alpha = np.zeros((20, 20), np.float32)
    assert not usable(alpha)
    alpha[5:15, 5:15] = 1
    assert usable(alpha)
    alpha[:] = 1
    assert not usable(alpha)
    picture = exposed(np.full((8, 8, 3), 0.3, np.float32), np.random.default_rng(1))
    assert picture.dtype == np.float32
    assert 0 <= picture.min() <= picture.max() <= 255 * 1.2


def test_patterns_stay_within_their_range() -> None:
    rng = np.random.default_rng(2)
    for kind in range(14):
        values = [pattern(kind, *(float(v) for v in rng.uniform(-9, 9, 3))) for _ in range(200)]
        assert min(values) >= -0.3
        assert max(values) <= 1.3
        assert kind == 0 or np.ptp(values) > 0.1


def test_the_c_text_says_what_the_python_says() -> None:
    module = ModuleType("sample")
    exec(compile(SAMPLE, "sample.py", "exec"), vars(module))
    text = translated([_with_source(module)])
    assert "#define HALF (0.5f)" in text
    assert "FN float sp_bent(float x, int n) {" in text
    assert "for (i = 0; i < n; i++) {" in text
    assert "y += ((x > (1.0f)) ? fminf(x, HALF) : sqrtf(x));" in text
    assert "FN float sp_pixel" not in text
    assert "FN void sp_pixel(const float* s" in source(on_gpu=False)
    assert "__global__ void render" in source(on_gpu=True)


SAMPLE = """
from math import sqrt
HALF = 0.5
def bent(x: float, n: int) -> float:
    y = 0.0
    for i in range(n):
        y += min(x, HALF) if x > 1.0 else sqrt(x)
    return y
"""


def _with_source(module: ModuleType) -> ModuleType:
    """Give a module made here a text that inspect finds."""
    import linecache

    linecache.cache["sample.py"] = (len(SAMPLE), None, SAMPLE.splitlines(keepends=True), "sample.py")
    module.__file__ = "sample.py"
    return module
