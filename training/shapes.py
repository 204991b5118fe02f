"""Outlines of made-up objects: bodies with parts, limbs, holes, handles, wires, lace and fur.

Every maker draws on a square canvas of CANVAS px, about centred, and returns parts: a list of uint8 masks (0 or 255)
in painting order. The silhouette is their union.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]
Rng = np.random.Generator
CANVAS = 384
_MID = CANVAS / 2


def _blank() -> Mask:
    return np.zeros((CANVAS, CANVAS), np.uint8)


def _filled(points: Points) -> Mask:
    canvas = _blank()
    cv2.fillPoly(canvas, [np.round(points).astype(np.int32)], 255)
    return canvas


def _smooth(points: Points, width: int = 9) -> Points:
    """Round the corners of a closed outline."""
    padded = np.concatenate([points[-width:], points, points[:width]])
    kernel = np.hanning(width + 2)[1:-1]
    kernel /= kernel.sum()
    rounded = np.stack([np.convolve(padded[:, axis], kernel, "same") for axis in (0, 1)], axis=1)
    return np.asarray(rounded[width:-width])


def _dense(points: Points, count: int = 160) -> Points:
    closed = np.concatenate([points, points[:1]])
    length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1))])
    place = np.linspace(0, length[-1], count, endpoint=False)
    return np.stack([np.interp(place, length, closed[:, axis]) for axis in (0, 1)], axis=1)


def _ring_outline(rng: Rng, size: float, rough: float) -> Points:
    """A closed outline by a random Fourier series; `rough` 0 is a circle."""
    angle = np.linspace(0, 2 * np.pi, 160, endpoint=False)
    radius = np.ones_like(angle)
    for k in range(1, 9):
        radius += rough * rng.normal() / k * np.cos(k * angle + rng.uniform(0, 6.3))
    flat = rng.uniform(0.4, 1)
    outline = np.stack([np.cos(angle), flat * np.sin(angle)], axis=1) * np.maximum(radius, 0.15)[:, None] * size
    return _turned(outline, rng.uniform(0, np.pi)) + _MID


def _turned(points: Points, turn: float) -> Points:
    cos, sin = np.cos(turn), np.sin(turn)
    return np.asarray(points @ np.array([[cos, sin], [-sin, cos]]))


def _blob(rng: Rng) -> list[Mask]:
    parts = [_filled(_ring_outline(rng, rng.uniform(60, 120), rng.uniform(0, 0.35)))]
    for _ in range(int(rng.integers(0, 4))):
        shift = rng.normal(0, 55, 2)
        parts.append(_filled(_ring_outline(rng, rng.uniform(20, 80), rng.uniform(0, 0.3)) + shift))
    return parts


def _box(rng: Rng) -> list[Mask]:
    """A cuboid seen from anywhere, its three visible faces as parts."""
    half = rng.uniform(0.3, 1, 3)
    yaw, pitch = rng.uniform(0, np.pi / 2), rng.uniform(-0.1, 0.9)
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * half
    turn_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    turn_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
    seen = corners @ turn_y.T @ turn_x.T
    flat = seen[:, :2] / (5 + seen[:, 2:]) * 5
    flat = flat / np.abs(flat).max() * rng.uniform(80, 150) + _MID
    parts = []
    for axis in range(3):
        for sign in (-1, 1):
            normal = turn_x @ turn_y @ (np.eye(3)[axis] * sign)
            if normal[2] < -0.02:
                face = [i for i in range(8) if np.sign(corners[i, axis]) == sign]
                hull = cv2.convexHull(flat[face].astype(np.float32))[:, 0]
                parts.append(_filled(np.asarray(hull, np.float64)))
    return parts or _blob(rng)


def _vessel(rng: Rng) -> list[Mask]:
    """Bottle, jar, vase, cup, lamp: a turned profile with cap, label, handle or stem."""
    high = rng.uniform(70, 150)
    wide = rng.uniform(0.25, 0.9) * high
    rows = np.linspace(-high, high, 90)
    knots = int(rng.integers(2, 8))
    profile = np.interp(np.linspace(0, knots - 1, 90), range(knots), rng.uniform(0.2, 1, knots)) * wide
    profile = np.convolve(np.pad(profile, 4, mode="edge"), np.hanning(11)[1:-1] / np.hanning(11).sum(), "valid")
    right = np.stack([profile, rows], axis=1)
    left = np.stack([-profile, rows], axis=1)[::-1]
    body = _filled(np.concatenate([right, left]) + _MID)
    parts = [body]
    if rng.random() < 0.4:
        handle = _blank()
        side = int(_MID + rng.choice([-1, 1]) * profile[45])
        axes = (int(rng.uniform(0.3, 0.6) * wide) + 4, int(rng.uniform(0.3, 0.7) * high))
        cv2.ellipse(handle, (side, int(_MID + rng.normal(0, 15))), axes, 0, 0, 360, 255, int(rng.integers(5, 20)))
        parts.insert(0, handle)
    for _ in range(int(rng.integers(0, 3))):
        band = body.copy()
        low, top = np.sort(rng.uniform(-high, high, 2)) + _MID
        band[: int(low)] = 0
        band[int(top) :] = 0
        parts.append(band)
    return parts


def _limb(canvas: Mask, rng: Rng, start: Points, turn: float, length: float, thick: float) -> tuple[Points, float]:
    """Draw a tapering, bending limb; return its end and direction."""
    at, taper = start, rng.uniform(0.45, 1.0)
    steps = 8
    bend = rng.normal(0, 0.12)
    for step in range(steps):
        width = thick * (1 + (taper - 1) * step / steps)
        following = at + length / steps * np.array([np.cos(turn), np.sin(turn)])
        cv2.line(canvas, _pixel(at), _pixel(following), 255, max(2, int(width)), cv2.LINE_AA)
        at, turn = following, turn + bend
    return at, turn


def _pixel(point: Points) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def _creature(rng: Rng) -> list[Mask]:
    """Trunk, head, limbs and tail; standing, lying or flying."""
    long, thick = rng.uniform(70, 170), rng.uniform(25, 80)
    lie = rng.choice([0.0, np.pi / 2]) + rng.normal(0, 0.35)
    way = np.array([np.cos(lie), np.sin(lie)])
    back, trunk, limbs = np.array([_MID, _MID]) - way * long / 2, _blank(), _blank()
    end, turn = _limb(trunk, rng, back, lie, long, thick)
    for _ in range(int(rng.integers(2, 7))):
        root = back + way * long * rng.choice([rng.uniform(0, 0.25), rng.uniform(0.7, 1)])
        angle = rng.normal(np.pi / 2, 0.45) if rng.random() < 0.7 else rng.uniform(0, 2 * np.pi)
        reach, width = rng.uniform(40, 120), rng.uniform(0.15, 0.5) * thick
        knee, direction = _limb(limbs, rng, root, angle, reach / 2, width)
        _limb(limbs, rng, knee, direction + rng.normal(0, 0.5), reach / 2, width * 0.8)
    neck, _ = _limb(trunk, rng, end, turn + rng.normal(0, 0.7), rng.uniform(5, 60), thick * rng.uniform(0.3, 0.8))
    head = _filled(_ring_outline(rng, thick * rng.uniform(0.4, 0.9), rng.uniform(0, 0.2)) - _MID + neck)
    if rng.random() < 0.5:
        _limb(limbs, rng, back, lie + np.pi + rng.normal(0, 0.6), rng.uniform(20, 110), thick * rng.uniform(0.1, 0.4))
    patch = _filled(_ring_outline(rng, thick * rng.uniform(0.3, 0.9), 0.3) + way * rng.normal(0, long / 4)) & trunk
    return [limbs, trunk, patch, head] if rng.random() < 0.7 else [trunk, limbs, head]


def _plant(rng: Rng) -> list[Mask]:
    """A flower or leaf bunch: petals around a heart, stem and leaves, perhaps a pot."""
    petals, heart, green = _blank(), _blank(), _blank()
    centre = np.array([_MID, _MID - rng.uniform(0, 50)])
    count, length, width = int(rng.integers(4, 18)), rng.uniform(35, 110), rng.uniform(0.15, 0.5)
    for k in range(count):
        turn = 2 * np.pi * k / count + rng.normal(0, 0.1)
        reach = length * rng.uniform(0.8, 1.1)
        middle = centre + reach / 2 * np.array([np.cos(turn), np.sin(turn)])
        axes = (int(reach / 2), max(2, int(reach * width / 2)))
        cv2.ellipse(petals, _pixel(middle), axes, float(np.degrees(turn)), 0, 360, 255, -1)
    cv2.circle(heart, _pixel(centre), max(3, int(length * rng.uniform(0.1, 0.4))), 255, -1)
    if rng.random() < 0.6:
        turn = np.pi / 2
        foot, _ = _limb(green, rng, centre, turn + rng.normal(0, 0.2), rng.uniform(60, 150), rng.uniform(3, 12))
        for _ in range(int(rng.integers(0, 4))):
            root = centre + (foot - centre) * rng.uniform(0.4, 1)
            axes = (int(rng.uniform(15, 50)), int(rng.uniform(5, 20)))
            cv2.ellipse(green, _pixel(root + rng.normal(0, 20, 2)), axes, rng.uniform(0, 180), 0, 360, 255, -1)
    return [green, petals, heart]


def _garment(rng: Rng) -> list[Mask]:
    """Shirt, dress, trousers, shoe sole, bag: a mirror-symmetric outline with sleeves, legs or straps."""
    high = rng.uniform(70, 140)
    knots = int(rng.integers(4, 8))
    rows = np.linspace(-high, high, knots)
    widths = rng.uniform(0.35, 0.9, knots) * high * rng.uniform(0.6, 1.1)
    right = np.stack([widths, rows], axis=1)
    left = np.stack([-widths, rows], axis=1)[::-1]
    parts = [_filled(_smooth(_dense(np.concatenate([right, left]))) + _MID)]
    if rng.random() < 0.6:
        reach, drop, thick = rng.uniform(20, 120), rng.uniform(-0.2, 1.4), rng.uniform(20, 55)
        for sign in (-1, 1):
            sleeve = _blank()
            root = np.array([_MID + sign * widths[0] * 0.75, _MID - high * 0.8])
            tip = root + reach * np.array([sign * np.cos(drop), np.sin(drop)])
            cv2.line(sleeve, _pixel(root), _pixel(tip), 255, int(thick))
            parts.append(sleeve)
    cut = _blank()
    if rng.random() < 0.4:
        cv2.ellipse(
            cut, (int(_MID), int(_MID - high)), (int(widths[0] * 0.4), int(rng.uniform(8, 40))), 0, 0, 360, 255, -1
        )
    elif rng.random() < 0.4:
        split = np.array(
            [[-rng.uniform(2, 25), high + 5], [0, -high * rng.uniform(0, 0.6)], [rng.uniform(2, 25), high + 5]]
        )
        cv2.fillPoly(cut, [np.round(split + _MID).astype(np.int32)], 255)
    elif rng.random() < 0.5:
        strap = _blank()
        axes = (int(widths[0] * rng.uniform(0.3, 0.8)), int(rng.uniform(20, 90)))
        cv2.ellipse(strap, (int(_MID), int(_MID - high)), axes, 0, 180, 360, 255, int(rng.integers(3, 14)))
        parts.insert(0, strap)
    return [part & ~cut for part in parts]


def _wires(rng: Rng) -> list[Mask]:
    """Chair legs, racks, glasses, bicycles, cables, rings: thin members with the backdrop showing through."""
    frame = _blank()
    thick = int(rng.integers(3, 14))
    nodes = rng.uniform(_MID - 130, _MID + 130, (int(rng.integers(4, 9)), 2))
    for _ in range(int(rng.integers(4, 11))):
        first, second = rng.choice(len(nodes), 2, replace=False)
        cv2.line(frame, _pixel(nodes[first]), _pixel(nodes[second]), 255, thick, cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 4))):
        radius = int(rng.uniform(15, 70))
        cv2.circle(frame, _pixel(nodes[int(rng.integers(len(nodes)))]), radius, 255, thick, cv2.LINE_AA)
    parts = [frame]
    if rng.random() < 0.6:
        seat = _ring_outline(rng, rng.uniform(30, 80), rng.uniform(0, 0.2)) - _MID + nodes[0]
        parts.append(_filled(seat))
    return parts


def _slab(rng: Rng) -> list[Mask]:
    """Sign, phone, book, tool, vehicle: a rounded polygon with insets, wheels or a pole."""
    half = rng.uniform(40, 140, 2)
    corners = int(rng.choice([3, 4, 4, 4, 5, 6, 8]))
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False) + np.pi / corners + rng.normal(0, 0.08, corners)
    outline = np.stack([np.cos(angle), np.sin(angle)], axis=1) * 1.2 * half
    outline = _smooth(_dense(outline), int(rng.integers(2, 14)))
    body = _filled(_turned(outline, rng.choice([0.0, rng.uniform(0, np.pi)])) + _MID)
    parts = [body]
    for _ in range(int(rng.integers(0, 5))):
        inset = _ring_outline(rng, rng.uniform(8, 45), rng.choice([0.0, 0.2])) + rng.uniform(-0.6, 0.6, 2) * half
        parts.append(_filled(inset) & body)
    if rng.random() < 0.25:
        for x in (-0.6, 0.6):
            wheel = _blank()
            cv2.circle(wheel, (int(_MID + x * half[0]), int(_MID + half[1])), int(rng.uniform(15, 40)), 255, -1)
            parts.append(wheel)
    if rng.random() < 0.25:
        pole = _blank()
        cv2.line(
            pole, (int(_MID), int(_MID)), (int(_MID + rng.normal(0, 10)), CANVAS - 20), 255, int(rng.integers(4, 20))
        )
        parts.insert(0, pole)
    return parts


_KINDS: tuple[tuple[Callable[[Rng], list[Mask]], float], ...] = (
    (_blob, 0.13), (_box, 0.1), (_vessel, 0.16), (_creature, 0.24), (_plant, 0.1), (_garment, 0.11), (_wires, 0.05),
    (_slab, 0.11),
)  # fmt: skip
_CHANCES = np.array([chance for _, chance in _KINDS])


def _with_fur(rng: Rng, parts: list[Mask]) -> list[Mask]:
    """Let strands grow out of the outline."""
    union = np.bitwise_or.reduce(parts)
    contours, _ = cv2.findContours(union, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    fur, length = _blank(), rng.uniform(5, 26)
    lean = rng.uniform(0, 2 * np.pi)
    for contour in contours:
        points = contour[:: int(rng.integers(2, 6)), 0].astype(np.float64)
        for point in points:
            turn = np.arctan2(point[1] - _MID, point[0] - _MID) + rng.normal(0, 0.5)
            tip = point + length * rng.uniform(0.3, 1) * np.array([np.cos(turn), np.sin(turn) + 0.4 * np.sin(lean)])
            cv2.line(fur, _pixel(point), _pixel(tip), 255, int(rng.integers(1, 3)), cv2.LINE_AA)
    return [fur, *parts]


def _with_lace(rng: Rng, parts: list[Mask]) -> list[Mask]:
    """Punch a regular pattern of holes through."""
    holes = _blank()
    step = int(rng.integers(14, 40))
    for y in range(0, CANVAS, step):
        for x in range(0, CANVAS, step):
            shift = step // 2 if (y // step) % 2 else 0
            cv2.circle(holes, (x + shift, y), max(2, int(step * rng.uniform(0.2, 0.38))), 255, -1, cv2.LINE_AA)
    return [part & ~holes for part in parts]


def draw_parts(rng: Rng) -> list[Mask]:
    """Draw one object of a random kind; sometimes two joined, warped, furry, pierced or doubled."""
    parts = _KINDS[int(rng.choice(len(_KINDS), p=_CHANCES / _CHANCES.sum()))][0](rng)
    if rng.random() < 0.18:
        parts = parts + _KINDS[int(rng.choice(len(_KINDS), p=_CHANCES / _CHANCES.sum()))][0](rng)
    extra = rng.random()
    if extra < 0.12:
        parts = _with_fur(rng, parts)
    elif extra < 0.16:
        parts = _with_lace(rng, parts)
    elif extra < 0.3:
        hole = _filled(_ring_outline(rng, rng.uniform(12, 60), 0.15) + rng.normal(0, 35, 2))
        parts = [part & ~hole for part in parts]
    return [part for part in parts if part.any()] or _blob(rng)
