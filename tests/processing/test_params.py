"""Parameters: strict reading, round trips, the 13 seeded values."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processing.errors import InputRejected
from processing.params import (
    STANDARD_PRESET,
    ChannelSpec,
    ClassificationParams,
    ColourParams,
    GeometryParams,
    ProcessingParams,
    ScoringParams,
    ShadowParams,
)


def test_pre01_standard_preset_has_the_thirteen_values() -> None:
    p = STANDARD_PRESET
    assert (p.edge.refinement, p.removal.transparency) == ("high", "preserve")
    assert (p.colour.white_balance, p.colour.saturation, p.colour.contrast) == ("auto_reference", 5, 10)
    assert (p.shadow.angle_deg, p.shadow.opacity, p.shadow.blur_px, p.shadow.offset_px) == (45.0, 0.20, 15, (5, 5))
    assert (p.output.format, p.output.width, p.output.height) == ("PNG", 2000, 2000)
    assert (p.output.colour_space, p.output.quality) == ("sRGB", 85)


def test_pre06_scoring_defaults() -> None:
    s = ScoringParams()
    assert (s.white_tolerance, s.compliance_rate, s.perimeter_samples, s.fill_target) == (250, 0.95, 50, 0.85)


@given(
    st.builds(ColourParams, saturation=st.integers(-100, 100), exposure_limit=st.floats(0, 1)),
    st.builds(GeometryParams, fill_ratio=st.floats(0.1, 1.0), centring=st.sampled_from(["box", "mass"])),
    st.builds(ShadowParams, offset_px=st.tuples(st.integers(-200, 200), st.integers(-200, 200))),
)
def test_pre02_params_round_trip_through_json(
    colour: ColourParams, geometry: GeometryParams, shadow: ShadowParams
) -> None:
    params = ProcessingParams(colour=colour, geometry=geometry, shadow=shadow)
    again = ProcessingParams.from_dict(json.loads(json.dumps(params.to_dict())))
    assert again == params
    assert again.digest() == params.digest()


def test_digest_changes_with_every_described_field() -> None:
    seen = {STANDARD_PRESET.digest()}
    for line in ProcessingParams.describe():
        if line.path == "schema":
            continue
        data = STANDARD_PRESET.to_dict()
        group, name = line.path.split(".")
        data[group][name] = _other(line, data[group][name])
        if line.path in ("watermark.channels", "tagline.channels", "background.kind"):
            data["watermark"]["logo"] = data["background"]["image"] = "brand.png"
            data["tagline"]["words"] = "By hand"
        seen.add(ProcessingParams.from_dict(data).digest())
    assert len(seen) == len(ProcessingParams.describe())


def _other(line: Any, value: Any) -> Any:
    if line.kind == "flag":
        return not value
    if line.kind == "choice":
        return next(option for option in line.options if option != value)
    if line.kind == "whole_pair":
        return [value[0] + 1, value[1]]
    if line.kind == "names":
        return ["website"]
    if line.kind == "text":
        return "#123456" if value.startswith("#") else "other"
    return line.low if value != line.low else line.high


@pytest.mark.parametrize(
    ("data", "path", "bounds"),
    [
        ({"colour": {"contrast": 101}}, "colour.contrast", "-100 to 100"),
        ({"colour": {"contrast": True}}, "colour.contrast", "-100 to 100"),
        ({"geometry": {"fill_ratio": math.nan}}, "geometry.fill_ratio", "0.1 to 1"),
        ({"shadow": {"offset_px": [5]}}, "shadow.offset_px", "two numbers"),
        ({"edge": {"refinement": "ultra"}}, "edge.refinement", "low, medium, high"),
        ({"background": {"colour": "white"}}, "background.colour", "#"),
        ({"removal": {"model_file": "../weights.onnx"}}, "removal.model_file", "text"),
        ({"schema": 2}, "schema", "1 to 1"),
        ({"colour": {"sharpness": 1}}, "colour.sharpness", "saturation"),
        ({"edge": 5}, "edge", "mapping"),
    ],
)
def test_wrong_parameters_name_field_value_and_bounds(data: dict[str, Any], path: str, bounds: str) -> None:
    with pytest.raises(InputRejected) as caught:
        ProcessingParams.from_dict(data)
    assert path in str(caught.value)
    assert bounds in str(caught.value)
    assert caught.value.code == "invalid_parameter"


def test_cls05_thresholds_must_be_ordered() -> None:
    with pytest.raises(InputRejected):
        ClassificationParams(edge_medium=0.7, edge_complex=0.6)


def test_pre03_channel_is_data_and_round_trips() -> None:
    spec = ChannelSpec(key="new_shop", name="New shop", min_dimension=800, bits=16, metadata=("sku", "copyright"))
    assert ChannelSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    "wrong",
    [{"bits": 12}, {"max_dimension": 500, "min_dimension": 800}, {"fill_min": 0.9, "fill_max": 0.5}, {"name": ""}],
)
def test_channel_refuses_contradictions(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputRejected):
        ChannelSpec.from_dict({"key": "shop", "name": "Shop", **wrong})
