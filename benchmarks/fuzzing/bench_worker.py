"""A process that does to a photo what a worker's first steps do, under a worker's own limits, and says how it ended.

    python -m benchmarks.fuzzing.bench_worker      (a JSON line in, a JSON line out)

It holds the same limits (jobs.worker.limits), keeps freed memory as workers do, and calls the same functions:
`intake.inspect`, then `classify`, then the full decode that cutting out begins with. It has no database: what the line
adds is shown by the share of files that is sent through it. A list is read by the function the web server uses.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import django

PROFILE = "basic-500"


def main() -> int:
    """Answer line by line until standard input ends."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.config.settings")
    django.setup()
    from processing.confinement import confine
    from processing.memory import keep_freed_memory
    from reviewapp.jobs.worker import MAX_WRITTEN_BYTES, limits

    held = limits()
    assert held.memory_bytes > 0 and MAX_WRITTEN_BYTES > 0
    confine(held)
    keep_freed_memory()
    for line in sys.stdin:
        asked = json.loads(line)
        started = time.monotonic()
        told = (
            _list_read(Path(asked["path"]))
            if asked["name"].endswith(".csv")
            else _photo(Path(asked["path"]), asked["name"])
        )
        told |= {"s": time.monotonic() - started, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        print(json.dumps(told), flush=True)
    return 0


def _photo(path: Path, name: str) -> dict[str, Any]:
    from processing import codecs, intake
    from processing.classification import classify
    from processing.errors import InputRejected
    from processing.params import ClassificationParams

    try:
        report = intake.inspect(path, intake.PROFILES[PROFILE], name, ClassificationParams())
        if not report.passed:
            return {"outcome": "rejected", "code": report.code, "reason": report.reason}
        found = classify(path, "", {}, ClassificationParams(), cues=report.cues)
        photo = codecs.open_photo(path)
    except InputRejected as error:
        return {"outcome": "rejected", "code": error.code, "reason": str(error)}
    except Exception as error:  # noqa: BLE001 - that it is not a refusal is what is counted
        return {"outcome": "unhandled", "code": type(error).__name__, "reason": repr(error)[:300]}
    assert photo.rgb.size
    return {"outcome": "accepted", "code": "valid", "reason": found.rule}


def _list_read(path: Path) -> dict[str, Any]:
    from processing.errors import InputRejected
    from reviewapp.services.csv_rows import read_csv_bytes

    try:
        rows = read_csv_bytes(path.read_bytes())
    except InputRejected as error:
        return {"outcome": "rejected", "code": error.code, "reason": str(error)}
    except Exception as error:  # noqa: BLE001 - as above
        return {"outcome": "unhandled", "code": type(error).__name__, "reason": repr(error)[:300]}
    return {"outcome": "accepted", "code": "rows", "reason": f"{len(rows)} rows"}


if __name__ == "__main__":
    sys.exit(main())
