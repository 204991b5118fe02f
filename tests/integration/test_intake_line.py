"""Intake in the line: measured once, flags that choose the lane, a model that names categories."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageOps

from processing.classification import Opinion
from reviewapp.enums import Lane, Step
from reviewapp.jobs import runner
from reviewapp.models import Asset, Task
from tests import factories, line

pytestmark = pytest.mark.django_db(transaction=True)
SIDE = 640


def jewelry_model(rgb: npt.NDArray[np.uint8], product: npt.NDArray[np.bool_]) -> Opinion | None:
    """A model of the tests: everything that has a product is jewelry."""
    return Opinion("jewelry", 0.97, "test model") if product.any() else None


def _saved(pixels: npt.NDArray[np.uint8]) -> bytes:
    target = io.BytesIO()
    Image.fromarray(pixels).save(target, "JPEG", quality=95)
    return target.getvalue()


def _kettle() -> bytes:
    """A cylinder of polished steel on grey: black flags and a softbox in it."""
    tones = np.interp(np.arange(260), [0, 30, 65, 110, 135, 190, 215, 259], [25, 110, 60, 180, 255, 255, 90, 20])
    rgb = np.full((SIDE, SIDE, 3), 205, np.uint8)
    rgb[130:520, 190:450] = np.repeat(tones[None, :, None], 3, axis=2).astype(np.uint8)
    return _saved(np.asarray(cv2.GaussianBlur(rgb, (0, 0), 1.0), np.uint8))


def _until_classified() -> None:
    for step in (Step.VALIDATE, Step.CLASSIFY):
        for task in Task.objects.filter(step=step).order_by("id"):
            assert runner.run_one(task.pk) == "done"


def test_cls21_what_validation_measured_is_what_classification_decides_on() -> None:
    batch = line.open_batch(validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(3, side=SIDE), sku="A", category="mugs")
    assert runner.run_one(Task.objects.get(step=Step.VALIDATE).pk) == "done"
    measured = Asset.objects.get()
    assert measured.edge_score is not None and measured.colour_match_risk is not None and measured.colour_family
    Asset.objects.update(edge_score=0.99)
    assert runner.run_one(Task.objects.get(step=Step.CLASSIFY).pk) == "done"
    found = Asset.objects.get()
    assert (found.complexity, found.edge_score) == ("complex", 0.99)
    assert found.classification_rule.startswith("Edge complexity 0.99")


def test_cls14_rte10_polished_metal_never_takes_the_generic_automatic_way() -> None:
    batch = line.open_batch(validation_profile="basic-500")
    line.send(batch, "kettle.jpg", _kettle(), sku="K", category="electronics")
    line.send(batch, "box.jpg", line.photo(3, side=SIDE), sku="B", category="electronics")
    _until_classified()
    lanes = dict(Asset.objects.values_list("filename", "lane"))
    assert lanes == {"kettle.jpg": Lane.AUTOMATED_THEN_REVIEW, "box.jpg": Lane.AUTOMATED}
    kettle = Asset.objects.get(filename="kettle.jpg")
    assert "reflective" in {finding["code"] for finding in kettle.findings}
    assert "mirror" in kettle.lane_reason


def test_cls07_cls11_the_operators_model_names_what_nobody_named(settings: Any) -> None:
    settings.CATEGORY_MODEL = "tests.integration.test_intake_line:jewelry_model"
    batch = line.open_batch(validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(3, side=SIDE), sku="A")
    line.send(batch, "b.jpg", line.photo(4, side=SIDE), sku="B", category="books")
    _until_classified()
    named = Asset.objects.get(filename="a.jpg")
    assert (named.category, named.category_source, named.complexity) == ("jewelry", "model", "complex")
    assert named.classification_rule.startswith("test model says jewelry (0.97)")
    assert named.lane == Lane.EDITING_WITH_START
    assert Asset.objects.get(filename="b.jpg").category_source == "metadata"


def test_ing09_a_mirrored_near_duplicate_is_called_one() -> None:
    factories.make_policy()
    batch = line.open_batch(validation_profile="basic-500")
    pixels = np.asarray(Image.open(io.BytesIO(line.photo(3, side=SIDE)))).copy()
    pixels[200:330, 200:300] = (220, 40, 40)
    line.send(batch, "first.jpg", _saved(pixels), sku="A", category="mugs")
    line.send(
        batch, "turned.jpg", _saved(np.asarray(ImageOps.mirror(Image.fromarray(pixels)))), sku="A", category="mugs"
    )
    _until_classified()
    messages = [finding["message"] for finding in Asset.objects.get(filename="turned.jpg").findings]
    assert "Looks like first.jpg mirrored, but isn't the same file." in messages
