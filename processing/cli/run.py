"""`python -m processing run IN --out OUT`: cut out, correct, frame and score every photo of a folder."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from processing import PIPELINE_VERSION, codecs, evening
from processing.channels import load_channels
from processing.cli.progress import Progress, Stop
from processing.convention import WORDS
from processing.correction import Aids
from processing.errors import ProcessingError
from processing.folder import Job, Journal, Plan, Report, find_photos
from processing.intake import PROFILES
from processing.matching import histogram
from processing.memory import keep_freed_memory
from processing.optimise.options import workers_from
from processing.params import REMOVERS, STANDARD_PRESET, ProcessingParams
from processing.plates import load_plates
from processing.pool import process_folder
from processing.reception import Reception
from processing.reference_card import correct_from_card
from processing.registration import alpha_from_white
from processing.resumable import check_report, default_out, write_report
from processing.set_report import report_on

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
    run.add_argument("--profile", default="", choices=list(PROFILES), help="refuse photos that don't meet it")
    run.add_argument("--naming", default="", choices=["flag", "reject"], help=f"names that aren't {WORDS}")
    run.add_argument("--intake", action="store_true", help="look at each photo first: findings, lane, class and why")
    run.add_argument("--set", action="store_true", help="report on the set: consistency, outliers, near duplicates")
    run.add_argument(
        "--even", action="store_true", help="bring the set together: one exposure, one correction per SKU (with --set)"
    )
    run.add_argument("--workers", default="auto", help="photos at once, 1 to 256, or auto: one per core")
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
        words.out, params, channel, words.remover, words.model, words.model_dir, words.brand, date.today(),
        _aids(words),
        is_verbose=words.verbose,
        reception=Reception(words.profile, words.naming, words.intake, words.set or words.even, words.even),
    )  # fmt: skip


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
    target: Path = words.json or words.out / "report.json"
    try:
        words.workers = workers_from(words.workers)
        if words.even:
            evening.refuse_with(has_reference=words.reference is not None)
        plan, jobs = _plan(words), find_photos(words.source, words.out)
        if not jobs:
            raise ProcessingError(f"No photos in {words.source}.")
        load_plates(plan.params, plan.brand)  # what is wrong with a brand's file is told once
        if str(target) != "-":
            check_report(target)
        keep_freed_memory()
        ended = _run(plan, jobs, words)
    except (ProcessingError, json.JSONDecodeError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(ended.progress.summary(), *filter(None, [ended.trouble]), sep="\n", file=sys.stderr)
    try:
        _write(_document(plan, ended), target)
    except ProcessingError as error:
        print(error, file=sys.stderr)
        return 1
    if ended.was_stopped and ended.progress.is_short:
        return STOPPED
    return 1 if ended.progress.counts["failed"] else 0


@dataclass(slots=True)
class _Ended:
    """What is there when a run ends, however it ends. `evened`: what the second pass over a set made of some photos."""

    progress: Progress
    reports: list[Report] = field(default_factory=list)
    evened: dict[str, Report] = field(default_factory=dict)
    was_stopped: bool = False
    trouble: str = ""


def _run(plan: Plan, jobs: Sequence[Job], words: argparse.Namespace) -> _Ended:
    stop = Stop()
    try:
        with Journal(plan) as journal, Progress(len(jobs), verbose=words.verbose) as progress:
            ended = _Ended(progress)
            try:
                for _, report in _pass(plan, jobs, words, journal, stop, progress):
                    ended.reports.append(report)
                if plan.reception.evens_set and len(ended.reports) == len(jobs):
                    again = evening.to_make_again(jobs, ended.reports)
                    progress.expect(len(again))
                    for job, report in _pass(plan, again, words, journal, stop, progress):
                        ended.evened[job.name] = report
            except KeyboardInterrupt:  # asked a second time; what is done is still told
                stop.is_asked = True
            ended.was_stopped, ended.trouble = stop.is_asked, journal.trouble
    finally:
        stop.restore()
    return ended


def _pass(
    plan: Plan, jobs: Sequence[Job], words: argparse.Namespace, journal: Journal, stop: Stop, progress: Progress
) -> Iterator[tuple[Job, Report]]:
    each = process_folder(jobs, plan, journal, workers=words.workers, is_stopped=lambda: stop.is_asked)
    for job, report, is_earlier in each:
        yield job, dict(report)
        _count(progress, job, report, is_earlier)


def _count(progress: Progress, job: Job, report: Mapping[str, Any], is_earlier: bool) -> None:
    is_made = report["status"] == "ok"
    status = "failed" if not is_made else "evened" if job.shared else "skipped" if is_earlier else "done"
    progress.add(job.name, status, f"{report['score']['total']:.0f}" if is_made else str(report["reason"]))


def _document(plan: Plan, ended: _Ended) -> dict[str, object]:
    last = [ended.evened.get(str(report["file"]), report) for report in ended.reports]
    photos = sorted(last, key=lambda report: str(report["file"]))
    document: dict[str, object] = {
        "pipeline": PIPELINE_VERSION, "params": plan.params.digest(), "channel": plan.channel.key, "photos": photos
    }  # fmt: skip
    if plan.reception.evens_set:
        document["set"] = evening.report_after(ended.reports, photos)
    elif plan.reception.measures_set:
        document["set"] = report_on(evening.facts_in(photos))
    return document


def _write(document: Mapping[str, object], target: Path) -> None:
    text = json.dumps(document, indent=2)
    if str(target) == "-":
        print(text)
        return
    write_report(target, text)
