"""What a picture says about its subject without any knowledge of things: cue maps for the compact network.

Each map is a number per pixel that grows with "this stands out from what lies along the frame". They hold for paper
sweeps and for meadows alike, so a network that has only seen generated pictures can learn to weigh and clean them
instead of learning what things look like.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from processing.removal.backdrop import fit_backdrop, to_lab
from processing.types import RGBArray

FloatArray = npt.NDArray[np.float32]
CUE_SIDE = 96
CUES = (
    "surface", "levels", "levels_open", "geodesic", "frame_colours", "frame_share", "compact", "focus",
)  # fmt: skip

_STEPS = 10  # lightness and colour levels per channel
_COARSE = 48  # grid of the path and cluster cues, px
_CLUSTERS = 9
_PATH_FLOOR = 0.5  # Lab units per step that cost nothing much: noise


def cue_maps(rgb: RGBArray) -> FloatArray:
    """Return the cue maps (len(CUES), CUE_SIDE, CUE_SIDE) float32 0..1 of a picture (H, W, 3), squeezed to a square."""
    square = cv2.resize(rgb, (CUE_SIDE, CUE_SIDE), interpolation=cv2.INTER_AREA)
    lab = np.asarray(cv2.GaussianBlur(to_lab(np.asarray(square, np.uint8)), (0, 0), 0.8), np.float32)
    coarse = np.asarray(cv2.resize(lab, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA), np.float32)
    closed, opened = _surrounded(lab)
    share, compact = _cluster_cues(coarse)
    maps = (_off_surface(lab), closed, opened, _geodesic(coarse), _off_frame(lab), share, compact, _focus(rgb))
    return np.stack([_at_side(cue) for cue in maps])


def _at_side(cue: FloatArray) -> FloatArray:
    if cue.shape[0] != CUE_SIDE:
        cue = np.asarray(cv2.resize(cue, (CUE_SIDE, CUE_SIDE), interpolation=cv2.INTER_LINEAR), np.float32)
    return np.asarray(np.clip(cue, 0.0, 1.0), np.float32)


def _off_surface(lab: FloatArray) -> FloatArray:
    """Distance to the backdrop surface, measured by how well that surface fits the frame."""
    backdrop = fit_backdrop(lab)
    distance = np.linalg.norm(lab - backdrop.surface, axis=2)
    return np.asarray(1.0 - np.exp(-distance / (3.0 * backdrop.spread + 4.0)), np.float32)


def _surrounded(lab: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Share of level sets in which a pixel's region is closed off from the frame.

    Boolean map saliency (Zhang, Sclaroff 2013), a bound of the minimum barrier distance. The second map lets regions
    touch the lower edge: products are often cut there.
    """
    height, width = lab.shape[:2]
    totals = np.zeros((2, height, width), np.float32)
    for channel in range(3):
        plane = lab[..., channel]
        low, high = np.percentile(plane, (1, 99))
        weight = np.float32(min(high - low, 60.0) / 60.0)
        if high - low < 1.0:
            continue
        for level in np.linspace(low, high, _STEPS + 2)[1:-1]:
            for part in (plane > level, plane <= level):
                _add_closed(part, totals, weight)
    strongest = totals.reshape(2, -1).max(axis=1)
    return (
        np.asarray(totals[0] / max(float(strongest[0]), 1e-3), np.float32),
        np.asarray(totals[1] / max(float(strongest[1]), 1e-3), np.float32),
    )


def _add_closed(part: npt.NDArray[np.bool_], totals: FloatArray, weight: np.float32) -> None:
    height, width = part.shape
    framed = np.ones((height + 2, width + 2), np.uint8)
    framed[-1] = 0
    framed[1:-1, 1:-1] = part
    cv2.floodFill(framed, None, (0, 0), (0, 0, 0), flags=8)  # what the frame reaches, its lower edge left out
    totals[1] += weight * framed[1:-1, 1:-1]
    framed[-1] = 1
    cv2.floodFill(framed, None, (0, height + 1), (0, 0, 0), flags=8)
    totals[0] += weight * framed[1:-1, 1:-1]


def _geodesic(lab: FloatArray) -> FloatArray:
    """Length of the cheapest path to the frame, steps costing their colour change (Wei, Wen, Zhu, Sun 2012)."""
    # Most of a process's start: paid only by one that runs the network.
    from scipy import sparse
    from scipy.sparse import csgraph

    height, width = lab.shape[:2]
    numbers = np.arange(height * width).reshape(height, width)
    starts, ends, costs = [], [], []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        near = (slice(0, height - dy), slice(max(0, -dx), width - max(0, dx)))
        far = (slice(dy, height), slice(max(0, dx), width + min(0, dx)))
        change = np.linalg.norm(lab[near] - lab[far], axis=2)
        starts.append(numbers[near].ravel())
        ends.append(numbers[far].ravel())
        costs.append((np.maximum(change - _PATH_FLOOR, 0.0) + 0.02 * np.hypot(dx, dy)).ravel())
    graph = sparse.csr_matrix(
        (np.concatenate(costs), (np.concatenate(starts), np.concatenate(ends))), shape=(height * width,) * 2
    )
    frame = np.concatenate([numbers[0], numbers[-1], numbers[1:-1, 0], numbers[1:-1, -1]])
    length = csgraph.dijkstra(graph, directed=False, indices=frame, min_only=True).reshape(height, width)
    return np.asarray(length / max(float(np.percentile(length, 98)), 4.0), np.float32)


def _off_frame(lab: FloatArray) -> FloatArray:
    """Distance to the colours of the four edges, the least like one left out (Zhang et al. 2015, MB+)."""
    depth = max(3, round(0.06 * lab.shape[0]))
    edges = (lab[:depth], lab[-depth:], lab[:, :depth], lab[:, -depth:])
    distances = []
    for edge in edges:
        colours = edge.reshape(-1, 3)
        off = lab - colours.mean(axis=0)
        precision = np.linalg.inv(np.cov(colours.T) + 6.0 * np.eye(3)).astype(np.float32)
        distances.append(np.sqrt(np.maximum(((off @ precision) * off).sum(axis=2), 0.0)))
    stack = np.sort(np.stack(distances), axis=0)
    return np.asarray(1.0 - np.exp(-stack[:3].mean(axis=0) / 4.0), np.float32)


def _cluster_cues(lab: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Colour clusters: how little of a cluster lies on the frame (Zhu et al. 2014) and how gathered it is."""
    height, width = lab.shape[:2]
    cv2.setRNGSeed(1)
    criteria = (cv2.TERM_CRITERIA_MAX_ITER, 8, 0.0)
    flat = np.ascontiguousarray(lab.reshape(-1, 3))
    start = np.zeros((len(flat), 1), np.int32)
    _, _, centres = cv2.kmeans(flat, _CLUSTERS, start, criteria, 1, cv2.KMEANS_PP_CENTERS)
    closeness = np.exp(-((flat[:, None, :] - centres[None]) ** 2).sum(axis=2) / (2 * 10.0**2)) + 1e-6
    belongs = closeness / closeness.sum(axis=1, keepdims=True)
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32) / height
    on_frame = np.zeros((height, width), bool)
    on_frame[:2] = on_frame[-2:] = True
    on_frame[:, :2] = on_frame[:, -2:] = True
    mass = belongs.sum(axis=0)
    bound = belongs[on_frame.ravel()].sum(axis=0) / np.sqrt(np.maximum(mass, 1.0))
    x = (belongs * columns.ravel()[:, None]).sum(axis=0) / mass
    y = (belongs * rows.ravel()[:, None]).sum(axis=0) / mass
    spread = (belongs * ((columns.ravel()[:, None] - x) ** 2 + (rows.ravel()[:, None] - y) ** 2)).sum(axis=0) / mass
    share = belongs @ np.exp(-((bound / 2.0) ** 2))
    gathered = np.exp(-spread / 0.08)
    compact = belongs @ ((gathered - gathered.min()) / max(float(np.ptp(gathered)), 0.02))
    return (
        np.asarray(share.reshape(height, width), np.float32),
        np.asarray(compact.reshape(height, width), np.float32),
    )


def _focus(rgb: RGBArray) -> FloatArray:
    """Where fine detail is: what a lens was focused on."""
    grey = np.asarray(cv2.cvtColor(cv2.resize(rgb, (2 * CUE_SIDE, 2 * CUE_SIDE), interpolation=cv2.INTER_AREA),
                                   cv2.COLOR_RGB2GRAY), np.float32)  # fmt: skip
    detail = np.abs(grey - cv2.GaussianBlur(grey, (0, 0), 1.0))
    gathered = cv2.resize(cv2.GaussianBlur(detail, (0, 0), 4.0), (CUE_SIDE, CUE_SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(gathered / max(float(np.percentile(gathered, 98)), 1.0), np.float32)
