"""Removers: overlap with the known truth, honest confidence, weights handling."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from processing.errors import InputRejected, ResourceUnavailable
from processing.matting import refine
from processing.params import EdgeParams
from processing.removal import onnx
from processing.removal.backdrop import fit_backdrop, to_lab
from processing.removal.base import create_remover
from processing.removal.shadow_rests import without_contact_shadow
from processing.removal.studio import StudioRemover
from tests.processing.scenes import draw, overlap

DEMO = Path(__file__).resolve().parents[2] / "demo"
PLAIN_SHOTS = ("NW-MUG-0101_front", "NW-SPK-0205_front", "NW-TOT-0602_01")


@pytest.mark.parametrize("shape", ["box", "bottle", "disc", "mug", "blob", "stand"])
@pytest.mark.parametrize("kind", ["white", "grey", "paper"])
def test_pro01_studio_scenes_overlap_the_truth(shape: str, kind: str) -> None:
    colour = (40.0, 60.0, 130.0) if kind == "paper" else (150.0, 60.0, 40.0)
    scene = draw(11, shape=shape, kind=kind, colour=colour)
    removal = StudioRemover().remove(scene.rgb)
    alpha = refine(scene.rgb, removal.mask, EdgeParams()).alpha / np.float32(255)
    assert removal.mask.ndim == 2 and removal.mask.dtype == np.float32
    assert overlap(alpha, scene.alpha) >= 0.95
    assert removal.confidence >= 0.6


@pytest.mark.parametrize("name", PLAIN_SHOTS)
def test_studio_remover_on_rendered_shots(name: str) -> None:
    photo, mask = DEMO / "photos" / f"{name}.jpg", DEMO / "masks" / f"{name}.png"
    if not photo.exists() or not mask.exists():
        pytest.skip("the demo shots are not rendered")
    rgb = np.asarray(Image.open(photo).convert("RGB"))
    truth = np.asarray(Image.open(mask).convert("L").resize(rgb.shape[1::-1])).astype(np.float32) / np.float32(255)
    removal = StudioRemover().remove(rgb)
    assert overlap(refine(rgb, removal.mask, EdgeParams()).alpha / np.float32(255), truth) >= 0.95
    assert removal.confidence >= 0.8


def test_the_remover_knows_a_hard_scene_from_an_easy_one() -> None:
    easy = [StudioRemover().remove(draw(s, shape="mug").rgb).confidence for s in range(4)]
    hard = [StudioRemover().remove(draw(s, shape="mug", kind="clutter").rgb).confidence for s in range(4)]
    assert min(easy) > max(hard)
    assert max(hard) < 0.5


def test_empty_backdrop_has_no_product_and_no_confidence() -> None:
    removal = StudioRemover().remove(draw(1, fill=0.001, shadow=0.0).rgb)
    assert removal.confidence == 0.0
    assert float(removal.mask.max()) < 0.5
    assert {finding.code for finding in removal.findings} == {"no_product_found"}


def test_a_white_print_eaten_by_a_white_backdrop_is_not_trusted() -> None:
    picture = np.full((600, 600, 3), 244, np.uint8)
    picture[100:500, 150:450] = (40, 60, 120)
    whole = StudioRemover().remove(picture)
    for y in range(120, 470, 50):
        picture[y : y + 24, 150:440] = 244  # stripes that reach the outline: the backdrop floods them
    eaten = StudioRemover().remove(picture)
    assert whole.confidence >= 0.75
    assert eaten.confidence < 0.4


def test_same_picture_same_mask() -> None:
    scene = draw(2, shape="blob")
    first, second = StudioRemover().remove(scene.rgb), StudioRemover().remove(scene.rgb)
    assert np.array_equal(first.mask, second.mask)
    assert first.confidence == second.confidence


def test_backdrop_surface_is_recovered_under_a_product() -> None:
    y, x = np.mgrid[0:200, 0:240].astype(np.float32)
    lab = np.stack([80 - 10 * (y / 200) ** 2, 3 * x / 240, np.full_like(x, -2)], axis=-1)
    truth = lab.copy()
    lab[60:200, 80:160] = (30, 20, 20)  # reaches the lower border
    found = fit_backdrop(lab)
    assert np.abs(found.surface - truth).max() < 1.0
    assert found.inliers < 1.0
    assert to_lab(np.full((2, 2, 3), 255, np.uint8))[0, 0, 0] == pytest.approx(100, abs=0.1)


def test_unknown_remover_is_refused() -> None:
    with pytest.raises(InputRejected):
        create_remover("bria-rmbg")


def test_rembg_without_weights_says_where_to_put_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("U2NET_HOME", "REMBG_HOME", "XDG_DATA_HOME", "HOME"):
        monkeypatch.setenv(key, str(tmp_path))
    with pytest.raises(ResourceUnavailable) as caught:
        create_remover("rembg", model_dir=tmp_path)
    assert "MODEL_DIR" in str(caught.value)


def test_weights_are_found_by_name_and_file_never_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("U2NET_HOME", "REMBG_HOME", "XDG_DATA_HOME", "HOME"):
        monkeypatch.setenv(key, str(tmp_path / "none"))
    models = tmp_path / "models"
    models.mkdir()
    (models / "u2netp.onnx").write_bytes(b"weights")
    (tmp_path / "secret.onnx").write_bytes(b"x")
    (models / "bria-rmbg.onnx").write_bytes(b"x")
    found = onnx.search("", models)
    assert found is not None and (found.name, found.session) == ("u2netp", "u2net_custom")
    assert onnx.search("u2netp.onnx", models) == found
    assert onnx.search("../secret.onnx", models) is None
    assert onnx.search("bria-rmbg", models) is None
    assert onnx.search("bria-rmbg.onnx", models) is None
    assert onnx.sha256_of(found.path) == hashlib.sha256(b"weights").hexdigest()


@pytest.mark.parametrize(
    ("undecided", "agreement", "trust"),
    [
        (0.0, 1.0, 1.0),
        (0.05, 0.97, 0.9329),
        (0.12, 0.17, 0.44176),
        (0.07, 0.56, 0.68448),
        (0.0, 0.0, 0.4),
        (1.5, 1.0, 0.0),
    ],
)
def test_a_decided_model_is_not_trusted_when_the_second_opinion_sees_something_else(
    undecided: float, agreement: float, trust: float
) -> None:
    assert onnx.agreed(undecided, agreement) == pytest.approx(trust)


def test_a_corrupt_model_is_a_missing_resource(tmp_path: Path) -> None:
    (tmp_path / "u2netp.onnx").write_bytes(b"not a model")
    with pytest.raises(ResourceUnavailable) as caught:
        create_remover("rembg", model_name="u2netp.onnx", model_dir=tmp_path)
    assert caught.value.code == "model_broken"


@pytest.mark.parametrize("brightest", [0, 90, 255])
def test_u2net_input_is_rembgs_to_the_digit(brightest: int) -> None:
    found = importlib.util.find_spec("rembg")
    assert found is not None and found.origin is not None
    # By its file: the package itself imports numba, which compiles for most of a minute when it is new on a machine.
    spec = importlib.util.spec_from_file_location("theirs", Path(found.origin).parent / "sessions" / "base.py")
    assert spec is not None and spec.loader is not None
    base = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(base)

    rgb = np.random.default_rng(brightest).integers(0, brightest + 1, (211, 340, 3)).astype(np.uint8)
    session = object.__new__(type("Bare", (base.BaseSession,), {}))
    session.inner_session = SimpleNamespace(get_inputs=lambda: [SimpleNamespace(name="x")])
    mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    theirs = session.normalize(Image.fromarray(rgb), mean, deviation, (320, 320))["x"]
    ours = onnx.u2net_input(rgb)
    assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)


def test_qc14_a_dark_rim_of_shadow_goes_where_the_network_sees_no_product_and_only_there() -> None:
    product, shadow = np.zeros((200, 200), bool), np.zeros((200, 200), bool)
    product[50:150, 50:150] = True
    shadow[146:150, 60:140] = True  # along the base
    shadow[80:84, 80:84] = True  # enclosed: a dark label
    shadow[50:150, 100:140] |= True  # a product of the backdrop's tint, all the way in
    sure, unsure = np.ones((200, 200), np.float32), np.ones((200, 200), np.float32)
    unsure[140:] = 0.05
    assert np.array_equal(without_contact_shadow(product, shadow, sure), product)
    kept = without_contact_shadow(product, shadow, unsure)
    gone = product & ~kept
    assert gone[147:150, 62:138].all() and not gone[:140].any()
    assert gone[:, 59:141].sum() == gone.sum() and not gone[:143].any()
