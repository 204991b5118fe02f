"""Whole pictures with an exact alpha: a backdrop, perhaps clutter, a lit object, its shadows, a camera."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.foregrounds import Foregrounds, Place
from training.shapes import draw_parts
from training.textures import FloatArray, Material, TextureBank, draw_material, natural_colour, paint


@dataclass(frozen=True, slots=True)
class Scene:
    """`rgb` (side, side, 3) uint8; `alpha` (side, side) float32 0..1, the product's share of each pixel; `kind`."""

    rgb: npt.NDArray[np.uint8]
    alpha: FloatArray
    kind: str


@dataclass(frozen=True, slots=True)
class _Layer:
    """`colour` (side, side, 3) float32 0..255, straight; `alpha` (side, side) float32 0..1."""

    colour: FloatArray
    alpha: FloatArray


class SceneMaker:
    """Draws endless pictures. One per process; `seed` decides everything.

    `foregrounds`: cut-outs of our own renders to use beside drawn objects, may be empty.
    """

    def __init__(self, seed: int, side: int, bank: TextureBank, foregrounds: Foregrounds | None = None) -> None:
        self.rng = np.random.default_rng(seed)
        self.side = side
        self.bank = bank
        self.foregrounds = foregrounds
        rows, columns = np.mgrid[0:side, 0:side].astype(np.float32)
        self._y, self._x = rows / side, columns / side

    def draw(self) -> Scene:
        """Draw one picture."""
        rng = self.rng
        kind = str(rng.choice(["studio", "layers", "clutter"], p=[0.36, 0.36, 0.28]))
        light = _unit(rng.normal(0, 1, 2) + np.array([0, -0.8]))
        backdrop, material = getattr(self, "_" + kind)(light)
        count = int(rng.choice([1, 2, 3], p=[0.82, 0.13, 0.05]))
        subject = self._subject(material, light, kind)
        layers = [subject]
        for _ in range(count - 1):
            again = subject if rng.random() < 0.6 else self._subject(material, light, kind)
            layers.append(self._moved(again))
        alpha = np.zeros((self.side, self.side), np.float32)
        picture = backdrop
        for layer in layers:
            picture = self._shadowed(picture, layer.alpha, kind)
            share = layer.alpha[..., None]
            picture = layer.colour * share + picture * (1 - share)
            alpha = np.maximum(alpha, layer.alpha)
        return Scene(self._photographed(picture, alpha), alpha, kind)

    # Backdrops ------------------------------------------------------------------------------------------------------

    def _studio(self, light: FloatArray) -> tuple[FloatArray, Material]:
        """Paper sweep: white, grey, coloured or black, with fall-off, a horizon and sometimes weave or wrinkles."""
        rng = self.rng
        kind = rng.choice(4, p=[0.42, 0.26, 0.22, 0.10])
        base = (rng.uniform(228, 255), rng.uniform(150, 235), rng.uniform(60, 240), rng.uniform(4, 70))[kind]
        colour = base + (rng.uniform(-45, 45, 3) if kind == 2 else rng.uniform(-4, 4, 3))
        surface = np.ones((self.side, self.side, 3), np.float32) * colour.astype(np.float32)
        surface += self._falloff(16)[..., None]
        if rng.random() < 0.4:
            level, soft = rng.uniform(0.45, 0.88), rng.uniform(0.004, 0.08)
            step = 1 / (1 + np.exp(-np.clip((self._y - level) / soft, -30, 30)))
            surface -= (rng.uniform(-8, 34) * step)[..., None]
        if rng.random() < 0.3:
            surface += self.bank.patch(rng, self.side)[..., None] * np.float32(rng.uniform(1, 9))
        return surface, Material(np.stack([colour, colour]).astype(np.float32), 0.05, 0.0)

    def _layers(self, light: FloatArray) -> tuple[FloatArray, Material]:
        """Open air or a room: far plane, wavy bands or a floor in front, softer the farther; few other things."""
        rng = self.rng
        material = draw_material(rng)
        surface = paint(rng, self.bank, material, self.side, float(np.exp(rng.uniform(-0.5, 1.2))))
        softness = rng.choice([0.0, rng.uniform(0.5, 6)])
        surface = _blurred(surface, softness)
        for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.3, 0.4, 0.2, 0.1]))):
            tilt, level = rng.normal(0, 0.25), rng.uniform(0.15, 0.95)
            wave = self.bank.patch(rng, self.side, 2.0)[0] * np.float32(rng.choice([0.0, rng.uniform(0, 0.08)]))
            under = self._y > level + tilt * (self._x - 0.5) + wave[None, :]
            material = draw_material(rng, material if rng.random() < 0.3 else None)
            softness *= rng.uniform(0.2, 1)
            share = _blurred(under.astype(np.float32), 0.4 + softness)[..., None]
            surface = _blurred(paint(rng, self.bank, material, self.side), softness) * share + surface * (1 - share)
        for _ in range(int(rng.choice([0, 1, 2, 4], p=[0.5, 0.2, 0.2, 0.1]))):
            surface = self._with_thing(surface, light, rng.uniform(0, 5))
        surface = surface + self._falloff(30)[..., None]
        return surface.astype(np.float32), material

    def _clutter(self, light: FloatArray) -> tuple[FloatArray, Material]:
        """Shapes upon shapes, in or out of focus."""
        rng = self.rng
        material = draw_material(rng)
        surface = paint(rng, self.bank, material, self.side)
        common = rng.random() < 0.5
        count = int(np.exp(rng.uniform(np.log(5), np.log(60))))
        sizes = np.sort(np.clip(0.05 / np.sqrt(rng.uniform(0.01, 1, count)), 0.03, 0.4))[::-1]
        for size in sizes:
            stuff = draw_material(rng, material if common or rng.random() < 0.3 else None)
            surface = self._with_patch(surface, stuff, float(size))
        for _ in range(int(rng.integers(0, 4))):
            surface = self._with_thing(surface, light, 0.0)
        surface = _blurred(surface, float(rng.choice([0.0, rng.uniform(0.4, 2), rng.uniform(2, 7)])))
        return surface + self._falloff(30)[..., None], material

    def _with_patch(self, surface: FloatArray, stuff: Material, size: float) -> FloatArray:
        rng = self.rng
        centre, half = rng.uniform(-0.05, 1.05, 2) * self.side, max(3.0, size * self.side)
        corners = int(rng.integers(3, 12))
        angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
        reach = half * rng.uniform(0.5, 1, corners)
        outline = np.stack([np.cos(angle) * reach, np.sin(angle) * reach * rng.uniform(0.4, 1)], axis=1) + centre
        mask = np.zeros((self.side, self.side), np.uint8)
        cv2.fillPoly(mask, [np.round(outline).astype(np.int32)], 255, cv2.LINE_AA)
        x, y, wide, high = cv2.boundingRect(mask)
        if wide == 0 or high == 0:
            return surface
        window = (slice(y, y + high), slice(x, x + wide))
        share = mask[window][..., None].astype(np.float32) / np.float32(255)
        colour = paint(rng, self.bank, stuff, max(wide, high))[:high, :wide] * np.float32(rng.uniform(0.7, 1.2))
        surface[window] = colour * share + surface[window] * (1 - share)
        return surface

    def _with_thing(self, surface: FloatArray, light: FloatArray, softness: float) -> FloatArray:
        """Another object that is not the subject: small, or cut by the frame."""
        rng = self.rng
        size = rng.uniform(0.1, 0.5)
        if rng.random() < 0.3:
            at = rng.uniform(0, 1, 2)
            size *= 0.4
        else:
            at = rng.uniform(0, 1, 2)
            at[int(rng.integers(2))] = rng.choice([rng.uniform(-0.1, 0.06), rng.uniform(0.94, 1.1)])
        thing = self._object(draw_material(rng), light, at, size)
        share = _blurred(thing.alpha, softness)[..., None]
        return np.asarray(_blurred(thing.colour, softness) * share + surface * (1 - share), np.float32)

    def _falloff(self, strength: float) -> FloatArray:
        rng = self.rng
        slope = rng.normal(0, strength / 2) * (self._y - 0.5) + rng.normal(0, strength / 2) * (self._x - 0.5)
        ring = (self._y - rng.uniform(0.3, 0.7)) ** 2 + (self._x - rng.uniform(0.3, 0.7)) ** 2
        return np.asarray(slope - abs(rng.normal(0, strength)) * 1.5 * ring, np.float32)

    # Subjects -------------------------------------------------------------------------------------------------------

    def _subject(self, backdrop: Material, light: FloatArray, kind: str) -> _Layer:
        rng = self.rng
        size = float(np.exp(rng.uniform(np.log(0.3), np.log(0.98))))
        at = np.clip(rng.normal(0.5, 0.11 * (1.4 - size), 2), 0.25, 0.75)
        if rng.random() < 0.16:  # cut by the frame, mostly below
            at[1] = 1 - size * rng.uniform(0.15, 0.5)
        like = backdrop if rng.random() < 0.3 else None
        return self._object(draw_material(rng, like), light, at, size)

    def _object(self, material: Material, light: FloatArray, at: Place, size: float) -> _Layer:
        if self.foregrounds and self.rng.random() < 0.2:
            colour, alpha = self.foregrounds.draw(self.rng, self.side, at, size)
            return _Layer(colour, alpha)
        return self._drawn(material, light, at, size)

    def _drawn(self, material: Material, light: FloatArray, at: Place, size: float) -> _Layer:
        """Place a drawn object: bounding box of `size` (share of the side) centred on `at` (x, y shares)."""
        rng = self.rng
        parts = draw_parts(rng)
        union = np.bitwise_or.reduce(parts)
        x, y, wide, high = cv2.boundingRect(union)
        scale = size * self.side / max(wide, high)
        turn = rng.normal(0, 12) if rng.random() < 0.7 else rng.uniform(0, 360)
        place = cv2.getRotationMatrix2D((x + wide / 2, y + high / 2), float(turn), float(scale))
        place[:, 0] *= rng.choice([-1, 1])
        place[:, 2] += np.asarray(at) * self.side - place @ np.array([x + wide / 2, y + high / 2, 1])
        same = rng.random() < 0.35
        colour = paint(rng, self.bank, material, self.side)
        alpha = np.zeros((self.side, self.side), np.float32)
        for index, part in enumerate(parts):
            whole = _placed(part, place, self.side, scale)
            left, top, across, down = cv2.boundingRect((whole > 0).astype(np.uint8))
            if across == 0 or down == 0:
                continue
            window = (slice(top, top + down), slice(left, left + across))
            share, skin = whole[window], colour[window]
            if index and not same:
                other = draw_material(rng, material if rng.random() < 0.5 else None)
                skin = paint(rng, self.bank, other, max(across, down))[:down, :across]
            lit = self._lit(skin, share, light)
            colour[window] = lit * share[..., None] + colour[window] * (1 - share[..., None])
            alpha[window] = np.maximum(alpha[window], share)
        if rng.random() < 0.25:
            colour = self._printed(colour)
        return _Layer(np.asarray(colour, np.float32), alpha)

    def _lit(self, skin: FloatArray, share: FloatArray, light: FloatArray) -> FloatArray:
        """Shade a part as if it bulged: height from the distance to its outline, a lamp, rim and gloss."""
        rng = self.rng
        bulge = rng.choice([0.0, rng.uniform(0.2, 1.2)], p=[0.25, 0.75])
        if bulge == 0:
            return skin * np.float32(rng.uniform(0.6, 1.15))
        depth = cv2.distanceTransform((share > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
        top = float(depth.max())
        if top < 2:
            return skin
        height = np.sqrt(1 - (1 - np.clip(depth / (top * rng.uniform(0.4, 1.05)), 0, 1)) ** 2) * top
        height = cv2.GaussianBlur(height, (0, 0), max(0.8, top * 0.12))
        dx, dy = cv2.Sobel(height, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(height, cv2.CV_32F, 0, 1) / 8
        slope = (dx * light[0] + dy * light[1]) / np.sqrt(1 + dx * dx + dy * dy)
        shade = np.clip(1.05 - bulge * slope * 0.6 - rng.uniform(0, 0.25) * np.hypot(dx, dy), 0.15, 1.7)
        lit = skin * shade[..., None]
        if rng.random() < 0.35:
            gloss = np.clip(-slope * 1.4, 0, 1) ** rng.uniform(4, 20)
            lit = lit + (gloss * rng.uniform(40, 200))[..., None]
        return np.asarray(lit, np.float32)

    def _printed(self, colour: FloatArray) -> FloatArray:
        rng = self.rng
        ink = np.zeros((self.side, self.side), np.uint8)
        word = "".join(rng.choice(list("ABCDEFGHKMNPRSTUVXZ0123456789"), int(rng.integers(2, 8))))
        corner = (int(rng.uniform(0.15, 0.5) * self.side), int(rng.uniform(0.35, 0.7) * self.side))
        cv2.putText(ink, word, corner, int(rng.integers(0, 5)), float(rng.uniform(0.3, 1.6)), 255,
                    int(rng.integers(1, 4)), cv2.LINE_AA)  # fmt: skip
        share = ink[..., None].astype(np.float32) / np.float32(255)
        return np.asarray(natural_colour(rng) * share + colour * (1 - share), np.float32)

    def _moved(self, layer: _Layer) -> _Layer:
        """A second copy beside the first."""
        rng = self.rng
        scale = rng.uniform(0.5, 1.0)
        move = np.array([[scale, 0, rng.uniform(-0.3, 0.6) * self.side], [0, scale, rng.uniform(0, 0.4) * self.side]])
        move = move * np.array([[rng.choice([-1, 1]), 1, 1], [1, 1, 1]])
        if move[0, 0] < 0:
            move[0, 2] += self.side
        size = (self.side, self.side)
        return _Layer(
            np.asarray(cv2.warpAffine(layer.colour, move, size, borderMode=cv2.BORDER_REFLECT), np.float32),
            np.asarray(cv2.warpAffine(layer.alpha, move, size), np.float32),
        )

    # Light and camera -----------------------------------------------------------------------------------------------

    def _shadowed(self, picture: FloatArray, alpha: FloatArray, kind: str) -> FloatArray:
        """Contact and cast shadow: the shape shifted, flattened towards its foot and blurred; light is scaled."""
        rng = self.rng
        if rng.random() > (0.8 if kind == "studio" else 0.45):
            return picture
        rows = np.flatnonzero((alpha > 0.5).any(axis=1))
        if len(rows) == 0:
            return picture
        foot = float(rows[-1])
        lean, flat = rng.normal(0, 0.5), rng.choice([1.0, rng.uniform(0.08, 0.6)])
        cast = np.array([[1, -lean * (1 - flat), lean * (1 - flat) * foot + rng.normal(0, 0.02) * self.side],
                         [0, flat, foot * (1 - flat) + rng.uniform(0, 0.04) * self.side]])  # fmt: skip
        dark = cv2.warpAffine(alpha, cast, (self.side, self.side))
        dark = cv2.GaussianBlur(dark, (0, 0), float(np.exp(rng.uniform(np.log(0.7), np.log(14)))))
        return np.asarray(picture * (1 - rng.uniform(0.03, 0.65) * dark)[..., None], np.float32)

    def _photographed(self, picture: FloatArray, alpha: FloatArray) -> npt.NDArray[np.uint8]:
        rng = self.rng
        if rng.random() < 0.12:  # flash in a dark room, or a lamp's pool
            picture = (
                picture * (1.1 - rng.uniform(0.3, 1.0) * ((self._y - 0.5) ** 2 + (self._x - 0.5) ** 2) * 2)[..., None]
            )
        picture = np.clip(picture, 0, 255) / np.float32(255)
        picture = picture ** np.float32(np.exp(rng.normal(0, 0.18))) * np.float32(rng.uniform(0.75, 1.12))
        picture = picture * rng.uniform(0.93, 1.07, 3).astype(np.float32) + np.float32(rng.uniform(-0.04, 0.05))
        picture = _blurred(picture.astype(np.float32), float(rng.choice([0.0, rng.uniform(0.3, 1.1)], p=[0.6, 0.4])))
        grainy = picture * np.float32(255) + rng.normal(0, rng.uniform(0.3, 6), picture.shape[:2])[..., None]
        image = np.clip(grainy, 0, 255).astype(np.uint8)
        if rng.random() < 0.6:
            coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))])[1]
            image = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))[..., ::-1]
        return np.ascontiguousarray(image, dtype=np.uint8)


def _unit(vector: npt.NDArray[np.floating]) -> FloatArray:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-6), np.float32)


def _blurred(values: FloatArray, sigma: float) -> FloatArray:
    return values if sigma < 0.25 else np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)


def _placed(part: npt.NDArray[np.uint8], place: npt.NDArray[np.generic], side: int, scale: float) -> FloatArray:
    """Warp a part from its canvas into the picture, anti-aliased; values 0..1."""
    soft = cv2.GaussianBlur(part, (0, 0), 0.45 / scale) if scale < 0.9 else part
    return np.asarray(
        cv2.warpAffine(soft, np.asarray(place, np.float64), (side, side)).astype(np.float32) / np.float32(255),
        np.float32,
    )
