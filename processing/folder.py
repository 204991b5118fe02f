"""A folder of photos through the line: which they are, one of them from file to files, and which are done already."""

from __future__ import annotations

import hashlib
import string
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from processing import PIPELINE_VERSION, codecs, pipeline, reception
from processing.channels import Prepared, render
from processing.colour import ColourTransform
from processing.correction import NO_AIDS, Aids
from processing.intake import SUFFIXES
from processing.mishaps import explain, tell
from processing.params import ChannelSpec, ProcessingParams, ScoringParams
from processing.plates import load_plates, plates_digest
from processing.reception import ORDINARY, Reception
from processing.removal.base import Remover, weights_sha256
from processing.resumable import RUN_JOURNAL, Notes, find_files, fitting, stamp, write_whole
from processing.set_report import facts_of
from processing.types import Rendered

JOURNAL = RUN_JOURNAL
_ROOM = 64  # bytes that a result's name has beyond the photo's: the channel, a part, the ending

Report = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One photo: `name` is its path below the folder with forward slashes, `stem` that of its results below `out`.

    `shared`: the correction its set gives it (`evening`); None: what the photo itself asks for.
    """

    source: Path
    name: str
    stem: str
    shared: ColourTransform | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What every photo of a run is made with. Travels to the processes as it is.

    `brand`: folder of the logo and background pictures that the preset names. `today`: see channels.render. `aids`:
    what is known of the shoot's colours. `is_verbose`: say where an error that nobody foresaw came from.
    `reception`: what is asked of a photo and told of it.
    """

    out: Path
    params: ProcessingParams
    channel: ChannelSpec
    remover: str = "auto"
    model: str = ""
    model_dir: Path | None = None
    brand: Path | None = None
    today: date | None = None
    aids: Aids = NO_AIDS
    is_verbose: bool = False
    reception: Reception = ORDINARY

    def digest(self) -> str:
        """Tell runs apart whose results differ: by settings, and by what brand files and model weights hold.

        Reads those files. Raises as `weights_sha256`.
        """
        known = repr(replace(self.aids, reference=None)).encode()
        known += b"" if self.aids.reference is None else self.aids.reference.tobytes()
        aids = hashlib.sha256(known).hexdigest()[:16]
        rules = self.channel if self.today is None else self.channel.on(self.today)
        weights = weights_sha256(self.remover, model_name=self.model, model_dir=self.model_dir)
        made_with = (
            PIPELINE_VERSION, self.params.digest(), rules.digest(), self.remover, self.model, weights,
            plates_digest(self.params, self.brand), aids, self.reception.digest(),
        )  # fmt: skip
        return ":".join(str(part) for part in made_with)


def find_photos(source: Path, out: Path) -> list[Job]:
    """Return the photos at or below `source`, sorted, never those below `out`; each stem once (`a.jpg`, `a-png`).

    Raises InputRejected as resumable.find_files.
    """
    base = source.parent if source.is_file() else source
    taken: set[str] = set()
    jobs = []
    for path in find_files(source, out, lambda suffix: suffix.lower() in SUFFIXES):
        name = PurePosixPath(path.relative_to(base).as_posix())
        name_of_results = fitting(name.stem, _ROOM)
        stem, count = str(name.with_name(name_of_results)), 1
        while stem.casefold() in taken:
            number = "" if count == 1 else f"-{count}"
            stem = str(name.with_name(f"{name_of_results}-{name.suffix.lstrip('.')}{number}"))
            count += 1
        taken.add(stem.casefold())
        jobs.append(Job(path, str(name), stem))
    return jobs


def process_one(job: Job, plan: Plan, remover: Remover) -> Report:
    """Cut out, score and render one photo and write `<stem>.alpha.png` and the channel's file.

    Never raises for it, whatever it is: a photo that failed has `code`, `category` and `reason` (mishaps.Mishap).
    """
    try:
        return _made(job, plan, remover)
    except Exception as error:  # noqa: BLE001 - no photo may stop the others
        if plan.is_verbose:
            tell(job.name, error)
        return failed(job, reception.better_reason(error, job.source, plan.reception, plan.channel))


def _made(job: Job, plan: Plan, remover: Remover) -> Report:
    reception.admit(job.source, plan.reception, plan.channel)
    aids = plan.aids if job.shared is None else replace(plan.aids, shared=job.shared)
    extras = pipeline.Extras(aids, load_plates(plan.params, plan.brand))
    made = pipeline.make(job.source, plan.params, plan.channel, ScoringParams(), remover, extras)
    tokens = tokens_for(plan.channel, PurePosixPath(job.stem).name)
    prepared = Prepared(made.framing, made.framed, made.frame)
    rendered = render(
        made.cut, plan.channel, params=plan.params, tokens=tokens, prepared=prepared, today=plan.today,
        plates=extras.plates,
    )  # fmt: skip
    files = _write(job, plan, codecs.encode_png(made.cut.alpha), rendered)
    return {
        "file": job.name,
        "status": "ok",
        "intake": reception.judged(made, job.source, plan.reception, plan.channel),
        **({"set": facts_of(made, job.source.stat().st_size)} if plan.reception.measures_set else {}),
        "outputs": files,
        "remover": made.remover,
        "model": made.model_name,
        "model_sha256": made.model_sha256,
        "confidence": round(made.confidence, 4),
        "score": made.quality.to_dict(),
        "checks": [check.to_dict() for file in rendered.files for check in file.checks],
        "is_verified": all(file.is_verified for file in rendered.files),
        "timings": [timing.to_dict() for timing in made.timings],
        "findings": [finding.to_dict() for finding in made.findings],
        "params_digest": plan.params.digest(),
    }


def failed(job: Job, error: Exception) -> Report:
    """Return the report of a photo that came to nothing."""
    return {"file": job.name, "status": "failed", **explain(error).to_dict()}


def tokens_for(channel: ChannelSpec, stem: str) -> dict[str, str]:
    """Return what fills the channel's templates.

    A lone file has no SKU or ASIN: its own name stands for every token, if a file name can be made of it.
    """
    if stem.lower() == "none" or not any(sign.isascii() and sign.isalnum() for sign in stem):
        stem = f"photo_{stem}"
    wanted = [name for _, name, _, _ in string.Formatter().parse(channel.naming + channel.alt_text) if name]
    return {name: stem for name in wanted if name != "ext"}


def _write(job: Job, plan: Plan, alpha: bytes, rendered: Rendered) -> dict[str, str]:
    files = {"alpha": f"{job.stem}.alpha.png"}
    contents = {"alpha": alpha}
    for made in rendered.files:
        kind = f"rendered-{made.part}" if made.part else "rendered"
        part = f".{made.part}" if made.part else ""
        files[kind] = f"{job.stem}.{plan.channel.key}{part}{Path(made.filename).suffix}"
        contents[kind] = made.data
    for kind, data in contents.items():
        write_whole(plan.out / files[kind], data)
    return files


class Journal:
    """The reports of photos that are done. One holds while the photo's size and time and the run's settings are those
    it was made with, and its files are there."""

    def __init__(self, plan: Plan) -> None:
        self._out, self._digest = plan.out, plan.digest()
        self._notes = Notes(plan.out / JOURNAL)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self._notes.close()

    def earlier(self, job: Job) -> Report | None:
        """Return the report of an earlier run that still holds."""
        report: Report | None = self._notes.earlier(self._entry(job), self._key(job))
        if report is None or not all((self._out / name).is_file() for name in report["outputs"].values()):
            return None
        return report

    @property
    def trouble(self) -> str:
        """Why something could not be noted; "" as long as all was."""
        return self._notes.trouble

    def add(self, job: Job, report: Report) -> None:
        """Note a photo as done."""
        self._notes.add(self._entry(job), self._key(job), report)

    @staticmethod
    def _entry(job: Job) -> str:
        """The first pass over a set stays known beside the second, which is planned from it."""
        return job.name if job.shared is None else f"{job.name}\0as its set"

    def _key(self, job: Job) -> str:
        own = "" if job.shared is None else f":{hashlib.sha256(repr(job.shared).encode()).hexdigest()[:16]}"
        return f"{stamp(job.source)}:{job.stem}:{self._digest}{own}"
