"""`python -m processing run IN --out OUT`: cut out, correct, frame and score every photo of a folder."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from processing import PIPELINE_VERSION, codecs
from processing.channels import load_channels
from processing.cli.progress import Progress, Stop
from processing.correction import Aids
from processing.errors import ProcessingError
from processing.folder import Job, Journal, Plan, Report, find_photos, process_folder
from processing.matching import histogram
from processing.memory import keep_freed_memory
from processing.params import REMOVERS, STANDARD_PRESET, ProcessingParams
from processing.reference_card import correct_from_card
from processing.registration import alpha_from_white
from processing.resumable import default_out

STOPPED = 130


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    run = argparse.ArgumentParser(prog="python -m processing run", description=__doc__)
    run.add_argument("source", type=Path, help="a photo, or a folder with everything below it")
    run.add_argument("--out", type=Path, help="folder for the results, IN_processed if not given; run again to go on")
    run.add_argument("--channel", default="amazon_main", choices=sorted(load_channels()))
    run.add_argument("--preset", type=Path, help="JSON file with processing parameters")
    run.add_argument("--remover", default="auto", choices=REMOVERS)
    run.add_argument("--model", default="", help="rembg model name or file in the model folder")
    run.add_argument("--model-dir", type=Path, default=os.environ.get("MODEL_DIR") or None)
    run.add_argument("--brand", type=Path, help="folder of the logo and background pictures that the preset names")
    run.add_argument("--card", type=Path, help="photo of the shoot with its reference card, which corrects all photos")
    run.add_argument(
        "--reference", type=Path, help="finished picture on white: its tones are what the photos are matched to"
    )
    run.add_argument("--workers", type=int, default=0, help="photos at once; without it one per core")
    run.add_argument("--json", type=Path, help="where to write the report; OUT/report.json if not given, - for stdout")
    run.add_argument("-v", "--verbose", action="store_true", help="a line for each photo")
    words = run.parse_args(argv)
    words.out = words.out or default_out(words.source)
    return words


def _plan(words: argparse.Namespace) -> Plan:
    params = STANDARD_PRESET
    if words.preset:
        params = ProcessingParams.from_dict(json.loads(words.preset.read_text("utf-8")))
    channel = load_channels()[words.channel]
    return Plan(
        words.out, params, channel, words.remover, words.model, words.model_dir, words.brand, date.today(), _aids(words)
    )


def _aids(words: argparse.Namespace) -> Aids:
    card: tuple[float, ...] = ()
    if words.card:
        card = correct_from_card(codecs.decode(words.card)[0])[0].matrix
    reference = None
    if words.reference:
        picture = codecs.open_photo(words.reference)
        alpha = picture.alpha if picture.alpha is not None else alpha_from_white(picture.rgb)
        reference = histogram(picture.rgb, alpha)
    return Aids(card=card, reference=reference)


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 when every photo came through, 1 when one did not, 2 for a wrong call, 130 when stopped."""
    words = _arguments(argv)
    try:
        plan, jobs = _plan(words), find_photos(words.source, words.out)
        if not jobs:
            raise ProcessingError(f"No photos in {words.source}.")
        keep_freed_memory()
        reports, progress, was_stopped = _run(plan, jobs, words)
    except (ProcessingError, json.JSONDecodeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(progress.summary(), file=sys.stderr)
    document = {"pipeline": PIPELINE_VERSION, "params": plan.params.digest(), "channel": plan.channel.key,
                "photos": sorted(reports, key=lambda report: str(report["file"]))}  # fmt: skip
    _write(document, words)
    if was_stopped and len(reports) < len(jobs):
        return STOPPED
    return 1 if progress.counts["failed"] else 0


def _run(plan: Plan, jobs: Sequence[Job], words: argparse.Namespace) -> tuple[list[Report], Progress, bool]:
    reports: list[Report] = []
    stop = Stop()
    try:
        with Journal(plan) as journal, Progress(len(jobs), verbose=words.verbose) as progress:
            ended = process_folder(jobs, plan, journal, workers=words.workers, is_stopped=lambda: stop.is_asked)
            for job, report, is_earlier in ended:
                reports.append(dict(report))
                is_made = report["status"] == "ok"
                status = "failed" if not is_made else "skipped" if is_earlier else "done"
                progress.add(job.name, status, f"{report['score']['total']:.0f}" if is_made else str(report["reason"]))
    finally:
        stop.restore()
    return reports, progress, stop.is_asked


def _write(document: Mapping[str, object], words: argparse.Namespace) -> None:
    text = json.dumps(document, indent=2)
    if str(words.json) == "-":
        print(text)
        return
    target: Path = words.json or words.out / "report.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, "utf-8")
