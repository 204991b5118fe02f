"""Fit the models of processing/removal/trust.py on held-out pictures of our own, and print how well they hold.

    python -m training.fit_trust --renders RENDERS --demo demo --marched RUN --count 1600 \
        --cache trust.npz --out processing/removal/trust.json

A quarter each are rendered scenes, the demo's photos (cropped, mirrored, recoloured), drawn, and marched (each once).
Half of the pictures fit the weights, the other half measures them. Signs are fixed in advance: more agreement never
lowers a chance, a rougher backdrop never raises it. That costs nothing on our pictures and keeps the model sane on
others.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from processing import codecs
from processing.geometry import shrunk
from processing.matting import refine
from processing.params import EdgeParams
from processing.removal.chain import PairRemover
from processing.removal.compact import WEIGHTS_SHA256
from processing.removal.trust import FEATURES
from training.foregrounds import Foregrounds
from training.renders import RenderedScenes
from training.scenes import SceneMaker
from training.textures import TextureBank

FloatArray = npt.NDArray[np.float64]
SIDE = 480
_GOOD = 0.9
_SIGNS = dict.fromkeys(FEATURES, 0) | {
    "spread": -1, "inliers": 1, "at_frame": -1, "edge": 1, "clear_edge": 1, "gap": 1, "texture": -1, "shadow_like": -1,
    "parts": -1, "agreement": 1, "outline_agreement": 1, "undecided": -1, "support": 1, "leak": -1, "missed": -1,
    "backing": 1,
}  # fmt: skip
_FAR_OUT = 3.0


class DemoPhotos:
    """The demo's own photos with their exact mattes: square parts round the product, mirrored and recoloured."""

    def __init__(self, folder: Path) -> None:
        self._pairs: list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]] = []
        for mask in sorted((folder / "masks").glob("*.png")):
            photo = folder / "photos" / f"{mask.stem}.jpg"
            if photo.is_file():
                rgb, alpha = codecs.decode(photo)[0], codecs.decode_grey(mask)
                self._pairs.append((shrunk(rgb, 1000)[0], shrunk(alpha, 1000)[0]))

    def draw(self, rng: np.random.Generator) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """Return one picture (SIDE, SIDE, 3) and its alpha."""
        rgb, alpha = self._pairs[int(rng.integers(len(self._pairs)))]
        height, width = alpha.shape
        x, y, across, down = cv2.boundingRect((alpha > 127).astype(np.uint8))
        most = min(height, width)
        side = int(rng.integers(min(most, int(1.05 * max(across, down))), most + 1))
        left = int(np.clip(rng.integers(x + across - side, x + 1) if side > across else x, 0, width - side))
        top = int(np.clip(rng.integers(y + down - side, y + 1) if side > down else y, 0, height - side))
        parts = (part[top : top + side, left : left + side] for part in (rgb, alpha))
        picture, matte = (cv2.resize(part, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for part in parts)
        if rng.random() < 0.5:
            picture, matte = picture[:, ::-1], matte[:, ::-1]
        tint = rng.uniform(0.85, 1.1) * rng.uniform(0.95, 1.05, 3)
        picture = np.clip(picture * tint + rng.normal(0, rng.uniform(0, 3), picture.shape), 0, 255)
        return picture.round().astype(np.uint8), matte.astype(np.float32) / np.float32(255)


def pictures(
    count: int, renders: Path | None, demo: Path | None, marched: Path | None, seed: int
) -> Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]]:
    """Draw held-out pictures: other textures than in training, and rendered scenes that were never trained on."""
    maker = SceneMaker(seed, SIDE, TextureBank(2, 200), Foregrounds(()))
    scenes = RenderedScenes.load(renders) if renders else None
    photos = DemoPhotos(demo) if demo else None
    others = RenderedScenes.packed(marched, "large").scenes if marched else ()
    kinds = 4 if others else 3
    rng = np.random.default_rng(seed)
    for index in range(count):
        if scenes and index % kinds == 0:
            yield scenes.draw(rng, SIDE)
        elif photos and index % kinds == 1:
            yield photos.draw(rng)
        elif index % kinds == 3 and index // kinds < len(others):  # each once
            picture, alpha = others[index // kinds]
            yield picture, alpha.astype(np.float32) / np.float32(255)
        else:
            scene = maker.draw()
            yield scene.rgb, scene.alpha


def collect(count: int, renders: Path | None, demo: Path | None, marched: Path | None, seed: int) -> dict[str, Any]:
    """Run the pair over the pictures; features (n, 2, F) and overlaps (n, 2) of studio and compact."""
    pair = PairRemover()
    features, overlaps = [], []
    for done, (rgb, alpha) in enumerate(pictures(count, renders, demo, marched, seed), 1):
        truth = alpha > 0.5
        if not 0.005 < truth.mean() < 0.9:
            continue
        rows, found = [], []
        for _, soft, evidence in pair.opinions(rgb):
            mask = cv2.resize(soft, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
            product = refine(rgb, np.asarray(mask, np.float32), EdgeParams()).alpha > 127
            found.append(float((product & truth).sum() / max(1, (product | truth).sum())))
            rows.append(evidence.features())
        features.append(rows)
        overlaps.append(found)
        if done % 100 == 0:
            print(done, np.mean(overlaps, axis=0).round(3), flush=True)
    return {"features": np.array(features), "overlaps": np.array(overlaps)}


def fit(inputs: FloatArray, good: npt.NDArray[np.bool_], penalty: float = 0.02) -> dict[str, Any]:
    """Logistic regression by projected gradient on standardised, clipped inputs (n, F)."""
    centre, scale = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-3)
    table = np.clip((inputs - centre) / scale, -_FAR_OUT, _FAR_OUT)
    signs = np.array([_SIGNS[name] for name in FEATURES])
    weights, bias = np.zeros(len(FEATURES)), 0.0
    for _ in range(6000):
        error = 1 / (1 + np.exp(-(table @ weights + bias))) - good
        weights -= 0.1 * (table.T @ error / len(table) + penalty * weights)
        bias -= 0.1 * float(error.mean())
        weights = np.where(signs > 0, np.maximum(weights, 0), np.where(signs < 0, np.minimum(weights, 0), weights))
    return {"centre": centre.round(4).tolist(), "scale": scale.round(4).tolist(),
            "weights": weights.round(4).tolist(), "bias": round(float(bias), 4)}  # fmt: skip


def chances(model: dict[str, Any], inputs: FloatArray) -> FloatArray:
    """The fitted chance for every row."""
    table = np.clip((inputs - model["centre"]) / np.array(model["scale"]), -_FAR_OUT, _FAR_OUT)
    return np.asarray(1 / (1 + np.exp(-(table @ np.array(model["weights"]) + model["bias"]))))


def auc(scores: FloatArray, good: npt.NDArray[np.bool_]) -> float:
    """Chance that a good cut-out scores above a bad one."""
    above, below = scores[good], scores[~good]
    return float((above[:, None] > below).mean() + 0.5 * (above[:, None] == below).mean())


def reliability(scores: FloatArray, good: npt.NDArray[np.bool_]) -> list[dict[str, float]]:
    """Ten bins: mean predicted chance beside the share that was good."""
    rows = []
    for low in np.arange(0, 1, 0.1):
        inside = (scores >= low) & (scores < low + 0.1 + (low > 0.85))
        if inside.any():
            rows.append({"from": round(float(low), 1), "n": int(inside.sum()),
                         "predicted": round(float(scores[inside].mean()), 3),
                         "good": round(float(good[inside].mean()), 3)})  # fmt: skip
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--renders", type=Path)
    parser.add_argument("--demo", type=Path, help="the demo folder")
    parser.add_argument("--marched", type=Path, help="a folder with large_N.npz of training/gpu.py")
    parser.add_argument("--count", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=88000000)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    wanted = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    if not wanted.cache.exists():
        np.savez(wanted.cache, **collect(wanted.count, wanted.renders, wanted.demo, wanted.marched, wanted.seed))
    data = np.load(wanted.cache)
    models, notes = {}, {}
    for place, name in enumerate(("studio", "compact")):
        inputs, good = data["features"][:, place], data["overlaps"][:, place] >= _GOOD
        models[name] = fit(inputs[::2], good[::2])
        scores = chances(models[name], inputs[1::2])
        notes[name] = {"auc": round(auc(scores, good[1::2]), 4), "good": round(float(good.mean()), 3),
                       "reliability": reliability(scores, good[1::2])}  # fmt: skip
        print(name, json.dumps(notes[name], indent=1))
    document = {"network_sha256": WEIGHTS_SHA256, "pictures": len(data["overlaps"]), "seed": wanted.seed,
                "features": list(FEATURES), "models": models, "held_out": notes}  # fmt: skip
    wanted.out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
