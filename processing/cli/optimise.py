"""`python -m processing optimise IN --out OUT`: resize, compress and convert a folder of pictures, nothing else."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from processing.cli.progress import Progress, Stop
from processing.errors import ProcessingError
from processing.memory import share_one_heap
from processing.optimise.folder import Job, Journal, find_pictures, optimise_folder, plan
from processing.optimise.options import (
    KERNELS,
    OPERATIONS,
    STRATEGIES,
    Options,
    box_from,
    format_named,
    from_config,
    size_in_bytes,
    workers_from,
    wrong,
)
from processing.resumable import check_report, default_out, write_report

STOPPED = 130


def arguments(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command's words; both spellings of INT-13 are taken."""
    parser = argparse.ArgumentParser(prog="python -m processing optimise", description=__doc__)
    parser.add_argument("source", type=Path, nargs="?", help="a picture, or a folder with everything below it")
    parser.add_argument("--input", type=Path, dest="source_option", help="the same, as an option")
    parser.add_argument("--out", "--output", type=Path, help="folder for the results, IN_processed if not given")
    parser.add_argument("--resize", metavar="800x600", help="box to fit into; pictures are never enlarged")
    parser.add_argument("--quality", type=int, help="1 to 100, for lossy formats; without it the strategy decides")
    parser.add_argument("--max-size", metavar="500kb", help="largest quality that fits; what can't fit fails")
    parser.add_argument("--format", "--target-format", dest="format", help="jpg, png, webp, tiff or avif")
    parser.add_argument("--operations", help=f"only these, comma-separated: {','.join(OPERATIONS)}")
    parser.add_argument("--workers", "--parallel", dest="workers", help="pictures at once, or auto: one per core")
    parser.add_argument("--config", type=Path, help="config.json with defaults")
    parser.add_argument("--strategy", choices=STRATEGIES, help="how quality is chosen when none is given")
    parser.add_argument("--kernel", choices=KERNELS, help="resampling, lanczos3 if not given")
    parser.add_argument("--timeout", type=float, default=30.0, metavar="S", help="seconds a picture may take")
    parser.add_argument("--json", type=Path, help="write a report of every picture here")
    parser.add_argument("-v", "--verbose", action="store_true", help="a line for each picture")
    return parser.parse_args(argv)


def options_from(words: argparse.Namespace) -> tuple[Options, int]:
    """Join defaults, configuration file and options, the last word winning; return them and the workers (0 auto)."""
    config: dict[str, object] = {}
    if words.config:
        try:
            config = json.loads(words.config.read_text("utf-8"))
        except (OSError, ValueError) as exc:
            raise wrong(f"{words.config} can't be read as JSON: {exc}") from exc
        if not isinstance(config, dict):
            raise wrong(f"{words.config} must hold one JSON object.")
    options, workers = from_config(config)
    if words.resize:
        options = replace(options, box=box_from(words.resize))
    if words.quality is not None:
        options = replace(options, quality=words.quality, strategy="fixed")
    if words.strategy:
        options = replace(options, strategy=words.strategy)
    if words.max_size:
        options = replace(options, max_bytes=size_in_bytes(words.max_size))
    if words.kernel:
        options = replace(options, kernel=words.kernel)
    operations = tuple(word.strip() for word in words.operations.split(",")) if words.operations else OPERATIONS
    options = replace(options, format=format_named(words.format) if words.format else "", operations=operations)
    return options, workers_from(words.workers) if words.workers else workers


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 when every picture came through, 1 when one did not, 2 for a wrong call, 130 when stopped."""
    share_one_heap()
    words = arguments(argv)
    source: Path | None = words.source or words.source_option
    try:
        if source is None:
            raise wrong("Name the folder: python -m processing optimise IN --out OUT.")
        words.out = words.out or default_out(source)
        options, workers = options_from(words)
        jobs = plan(find_pictures(source, words.out, options.formats_in), source, words.out, options)
        if not jobs:
            raise wrong(f"No pictures ({', '.join(options.formats_in)}) in {source}.")
        if words.json:
            check_report(words.json)
        print(f"Found {len(jobs)} images to process", file=sys.stderr)
        return _run(jobs, options, workers, words)
    except (ProcessingError, OSError) as exc:
        print(exc, file=sys.stderr)
        return 2


def _run(jobs: Sequence[Job], options: Options, workers: int, words: argparse.Namespace) -> int:
    report: list[dict[str, object]] = []
    stop = Stop()
    was_cut = False
    with Journal(words.out, options) as journal, Progress(len(jobs), verbose=words.verbose) as progress:
        try:
            for outcome in optimise_folder(
                jobs, options, journal, workers=workers, timeout_s=words.timeout, is_stopped=lambda: stop.is_asked,
                is_verbose=words.verbose,
            ):  # fmt: skip
                note = outcome.reason or (f"{outcome.result.bytes_after / 1024:.0f} KB" if outcome.result else "")
                progress.add(outcome.job.name, outcome.status, note)
                if words.json:
                    report.append(outcome.to_dict())
        except KeyboardInterrupt:  # asked a second time; what is done is still told
            was_cut = True
        finally:
            stop.restore()
    print(progress.summary(), *filter(None, [journal.trouble]), sep="\n", file=sys.stderr)
    if words.json:
        write_report(words.json, json.dumps({"totals": dict(progress.counts), "pictures": report}, indent=2))
    if was_cut or (stop.is_asked and sum(progress.counts.values()) < len(jobs)):
        return STOPPED
    return 1 if progress.counts["failed"] else 0
