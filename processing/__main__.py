"""Command line: `python -m processing run IN --out OUT` cuts out and frames every photo of a folder, and reports."""

from __future__ import annotations

import argparse
import json
import os
import string
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from processing import PIPELINE_VERSION, codecs, pipeline
from processing.channels import load_channels, render
from processing.cli import score
from processing.errors import ProcessingError
from processing.intake import SUFFIXES
from processing.params import STANDARD_PRESET, ChannelSpec, ProcessingParams, ScoringParams
from processing.removal.base import Remover, create_remover
from processing.types import Result

COMMANDS = {"score": score}
"""Commands with a file of their own in processing/cli."""


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m processing", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="process one photo or every photo in a folder")
    run.add_argument("source", type=Path, help="a photo or a folder")
    run.add_argument("--out", type=Path, required=True, help="folder for the results")
    run.add_argument("--channel", default="amazon_main", choices=sorted(load_channels()))
    run.add_argument("--remover", default="auto", choices=("auto", "studio", "rembg"))
    run.add_argument("--model", default="", help="rembg model name or file in the model folder")
    run.add_argument("--model-dir", type=Path, default=os.environ.get("MODEL_DIR") or None)
    run.add_argument("--preset", type=Path, help="JSON file with processing parameters")
    run.add_argument("--json", type=Path, help="write the report here as well")
    for name, command in COMMANDS.items():
        command.add_arguments(commands.add_parser(name, help=command.HELP))
    return parser.parse_args(argv)


def _photos(source: Path) -> list[Path]:
    if source.is_file():
        return [source]
    return sorted(path for path in source.rglob("*") if path.is_file() and path.suffix.lower() in SUFFIXES)


def _report(name: str, result: Result) -> dict[str, Any]:
    return {
        "file": name,
        "status": "ok",
        "remover": result.remover,
        "model": result.model_name,
        "model_sha256": result.model_sha256,
        "confidence": round(result.confidence, 4),
        "score": result.quality.to_dict(),
        "timings": [timing.to_dict() for timing in result.timings],
        "findings": [finding.to_dict() for finding in result.findings],
        "params_digest": result.params_digest,
    }


def _one(
    photo: Path, name: Path, out: Path, params: ProcessingParams, channel: ChannelSpec, remover: Remover
) -> dict[str, Any]:
    result = pipeline.process(photo, params, channel, ScoringParams(), remover)
    stem = out / name.with_suffix("")
    stem.parent.mkdir(parents=True, exist_ok=True)
    cutout = stem.with_name(f"{stem.name}.cutout.png")
    cutout.write_bytes(result.cutout_png)
    rgba, _ = codecs.decode_rgba(cutout)
    stem.with_name(f"{stem.name}.alpha.png").write_bytes(codecs.encode_png(rgba[..., 3].copy()))
    wanted = [name for _, name, _, _ in string.Formatter().parse(channel.naming + channel.alt_text) if name]
    tokens = {name: stem.name for name in wanted if name != "ext"}
    rendered = render(cutout, channel, params=params, tokens=tokens, metadata={})
    suffix = Path(rendered.filename).suffix
    stem.with_name(f"{stem.name}.{channel.key}{suffix}").write_bytes(rendered.data)
    report = _report(str(name), result)
    report["checks"] = [check.to_dict() for check in rendered.checks]
    report["is_verified"] = rendered.is_verified
    return report


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 when every photo came through, 1 when one did not, 2 for a wrong call."""
    arguments = _arguments(argv)
    if arguments.command in COMMANDS:
        return int(COMMANDS[arguments.command].run(arguments))
    photos = _photos(arguments.source)
    if not photos:
        print(f"No photos in {arguments.source}.", file=sys.stderr)
        return 2
    params = STANDARD_PRESET
    base = arguments.source if arguments.source.is_dir() else arguments.source.parent
    try:
        if arguments.preset:
            params = ProcessingParams.from_dict(json.loads(arguments.preset.read_text()))
        remover = create_remover(arguments.remover, model_name=arguments.model, model_dir=arguments.model_dir)
    except (ProcessingError, json.JSONDecodeError) as exc:
        print(exc, file=sys.stderr)
        return 2
    reports = []
    channel = load_channels()[arguments.channel]
    for photo in photos:
        name = photo.relative_to(base)
        try:
            reports.append(_one(photo, name, arguments.out, params, channel, remover))
        except ProcessingError as exc:
            reports.append({"file": str(name), "status": "failed", "code": exc.code, "reason": str(exc)})
        print(f"{name}: {reports[-1].get('score', {}).get('total', reports[-1].get('reason'))}", file=sys.stderr)
    document = json.dumps({"pipeline": PIPELINE_VERSION, "params": params.digest(), "photos": reports}, indent=2)
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.json or arguments.out / "report.json").write_text(document)
    return 0 if all(report["status"] == "ok" for report in reports) else 1


if __name__ == "__main__":
    raise SystemExit(main())
