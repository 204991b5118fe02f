"""`python -m processing score BEFORE AFTER --channel C`: score any finished file against its photo, whoever made it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from processing import PIPELINE_VERSION, codecs
from processing.channels import load_channels
from processing.errors import InputRejected, ProcessingError
from processing.mishaps import explain, tell
from processing.params import STANDARD_PRESET, ProcessingParams, ScoringParams
from processing.quality.pair import PairReport, score_pair
from processing.resumable import write_report
from processing.types import MaskArray

_LOSSLESS = {"PNG", "TIFF"}
_LEAST_AREA = 1e-6  # of a photo's pixel in the finished file


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("before", type=Path, help="the photo")
    parser.add_argument("after", type=Path, help="the finished file")
    parser.add_argument("--channel", default="amazon_main", choices=sorted(load_channels()))
    parser.add_argument("--alpha", type=Path, help="matte, grey: of the photo's size or the finished file's")
    parser.add_argument("--affine", type=float, nargs=6, metavar="N", help="a b c d e f: photo to finished pixels")
    parser.add_argument(
        "--preset", help='declared colour correction: a JSON file or "standard"; else colours are held to the photo'
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="say where an unforeseen error came from")
    parser.add_argument("--json", default="", help="write the report to this file, - for the standard output")


def main(argv: Sequence[str]) -> int:
    """Score the pair and print it. 0: scored; 2: a file or argument that can't be used."""
    parser = argparse.ArgumentParser(prog="python -m processing score", description=__doc__)
    _add_arguments(parser)
    arguments = parser.parse_args(argv)
    try:
        report = _scored(arguments)
    except (ProcessingError, json.JSONDecodeError, OSError) as failure:
        print(failure, file=sys.stderr)
        return 2
    except Exception as failure:  # noqa: BLE001 - files of anybody's making come here
        if arguments.verbose:
            tell(arguments.after.name, failure)
        print(explain(failure).reason, file=sys.stderr)
        return 2
    document = json.dumps(_document(arguments, report), indent=2)
    if arguments.json == "-":
        print(document)
        return 0
    if arguments.json:
        try:
            write_report(Path(arguments.json), document)
        except ProcessingError as failure:
            print(failure, file=sys.stderr)
            return 2
    print(_text(report))
    return 0


def _scored(arguments: argparse.Namespace) -> PairReport:
    before, _ = codecs.decode(arguments.before)
    finished = codecs.open_photo(arguments.after)
    alpha = _matte(arguments.alpha) if arguments.alpha else finished.alpha
    affine = None
    if arguments.affine:
        affine = _affine(arguments.affine)
    declared = _preset(arguments.preset) if arguments.preset else None
    is_encoded = finished.info.format not in _LOSSLESS
    channel = load_channels()[arguments.channel]
    return score_pair(
        before, finished.rgb, channel, ScoringParams(), alpha=alpha, affine=affine, declared=declared,
        is_encoded=is_encoded,
    )  # fmt: skip


def _affine(numbers: Sequence[float]) -> npt.NDArray[np.float64]:
    """Return (2, 3). Raises InputRejected for numbers that don't lay the photo out as a picture."""
    matrix = np.array(numbers, np.float64).reshape(2, 3)
    area = abs(float(np.linalg.det(matrix[:, :2]))) if np.isfinite(matrix).all() else 0.0
    if not _LEAST_AREA <= area <= 1 / _LEAST_AREA:
        raise InputRejected(
            "--affine takes six numbers a b c d e f, for x' = a x + b y + c and y' = d x + e y + f; these turn "
            "the photo into a line or a point. Leave it out, and the place is found.",
            code="invalid_parameter",
        )
    return matrix


def _matte(path: Path) -> MaskArray:
    data = np.fromfile(path, np.uint8)  # not imread: a name need not be UTF-8
    pixels = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size else None
    if pixels is None:
        raise InputRejected(f"{path} can't be read as a picture.", code="unreadable")
    return np.asarray(pixels, np.float32) / np.float32(255)


def _preset(text: str) -> ProcessingParams:
    return STANDARD_PRESET if text == "standard" else ProcessingParams.from_dict(json.loads(Path(text).read_text()))


def _document(arguments: argparse.Namespace, report: PairReport) -> dict[str, object]:
    return {
        "pipeline": PIPELINE_VERSION,
        "before": str(arguments.before),
        "after": str(arguments.after),
        "channel": arguments.channel,
        "correction": arguments.preset or "none declared",
        "alpha": report.alpha_source,
        "affine": report.affine,
        "registered": report.affine is not None,
        "score": report.quality.to_dict(),
        "findings": [finding.to_dict() for finding in report.findings],
    }


def _text(report: PairReport) -> str:
    quality = report.quality
    lines = [
        f"{int(quality.total)} of 100: background {quality.background:.0f}, edge {quality.edge:.1f}, "
        f"fill {quality.fill:.0f}, colour {quality.colour:.1f}{'' if quality.colour_measured else ' (not measured)'}"
    ]
    lines += [f"gate failed: {gate.message}" for gate in quality.gates if not gate.passed]
    lines += [
        f"{measure.name}: {measure.value:g} {measure.unit} (limit {measure.threshold:g})"
        for measure in quality.measures
        if measure.passed is False and measure.threshold is not None
    ]
    lines += [finding.message for finding in report.findings]
    return "\n".join([*lines, quality.advice] if quality.advice else lines)
