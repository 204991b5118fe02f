"""`python -m processing export IN --out OUT --channel mls`: whole photos, not cut out, by a channel's rules."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from processing import codecs
from processing.channels import load_channels, render_whole
from processing.errors import ProcessingError
from processing.folder import Job, find_photos, tokens_for
from processing.mishaps import explain
from processing.params import ChannelSpec
from processing.resumable import default_out, write_whole


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    takes = sorted(key for key, row in load_channels().items() if row.background == "any" and not row.fill_min)
    parser = argparse.ArgumentParser(prog="python -m processing export", description=__doc__)
    parser.add_argument("source", type=Path, help="a photo, or a folder with everything below it")
    parser.add_argument("--out", type=Path, help="folder for the results, IN_processed if not given")
    parser.add_argument("--channel", default="mls", choices=takes)
    parser.add_argument("--copyright", default="", help="written into every file")
    parser.add_argument("--description", default="", help="written into every file")
    words = parser.parse_args(argv)
    words.out = words.out or default_out(words.source)
    return words


def main(argv: Sequence[str]) -> int:
    """Print a line of JSON per photo; 0 when all keep to the rules, 1 when one doesn't, 2 for a wrong call."""
    words = _arguments(argv)
    try:
        jobs = find_photos(words.source, words.out)
        if not jobs:
            raise ProcessingError(f"No photos in {words.source}.")
    except (ProcessingError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    told = [_exported(job, load_channels()[words.channel], words) for job in jobs]
    return 0 if all(row["status"] == "ok" and row["is_verified"] for row in told) else 1


def _exported(job: Job, channel: ChannelSpec, words: argparse.Namespace) -> dict[str, Any]:
    row: dict[str, Any] = {"file": job.name, "status": "ok"}
    try:
        tokens = tokens_for(channel, Path(job.stem).name)
        texts = {"sku": Path(job.stem).name, "copyright": words.copyright, "description": words.description}
        made = render_whole(codecs.decode(job.source)[0], channel, tokens=tokens, metadata=texts, today=date.today())
        row["outputs"] = []
        for file in made.files:
            part = f".{file.part}" if file.part else ""
            name = f"{job.stem}.{channel.key}{part}{Path(file.filename).suffix}"
            write_whole(words.out / name, file.data)
            row["outputs"].append(name)
        row["is_verified"] = all(file.is_verified for file in made.files)
        row["checks"] = [check.to_dict() for file in made.files for check in file.checks if not check.passed]
    except Exception as error:  # noqa: BLE001 - no photo may stop the others
        row |= {"status": "failed", **explain(error).to_dict()}
    print(json.dumps(row))
    return row
