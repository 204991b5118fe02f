"""`manage.py ingest`: take a folder or a ZIP of photos through the line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from processing.errors import InputRejected
from reviewapp.jobs import runner
from reviewapp.models import Batch, Preset, PresetVersion
from reviewapp.selectors import batches as reads
from reviewapp.selectors import tasks
from reviewapp.services import batches, ingest
from reviewapp.services.seeds import STANDARD_SLUG
from reviewapp.storage import StorageFull, chunks_of

PROGRESS_S = 5.0
POLL_S = 0.5


class Command(BaseCommand):
    """Originals are read, never changed or moved."""

    help = "Take every photo below a folder (or in a ZIP) in as one batch."

    def add_arguments(self, parser: CommandParser) -> None:
        """What, whose, how."""
        parser.add_argument("path", type=Path, help="A folder, searched with its subfolders, or a ZIP file.")
        parser.add_argument("--client", required=True, help="Name of the client; made if there is none.")
        parser.add_argument("--name", default="", help="Name of the batch; default: the folder's and the date.")
        parser.add_argument("--csv", type=Path, help="Sheet with file, sku, asin, category, shoot_group, description.")
        parser.add_argument("--preset", default=STANDARD_SLUG, help="Slug of a preset; its current version is pinned.")
        parser.add_argument("--channel", action="append", default=[], help="Channel key; give it once per channel.")
        parser.add_argument("--profile", default="", help="Validation profile; default: what the channels need.")
        parser.add_argument("--priority", type=int, default=5, help="1 is first, 10 is last.")
        parser.add_argument("--wait", action="store_true", help="Wait until the machine is done and print the counts.")
        parser.add_argument("--timeout", type=float, default=0.0, help="Seconds to wait at most; 0 is no limit.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ingest, and wait when asked to. Raises CommandError with what to do."""
        path: Path = options["path"]
        if not path.exists():
            raise CommandError(f"{path} isn't there.")
        started = time.monotonic()
        try:
            batch = self._take_in(path, options)
        except (InputRejected, StorageFull) as error:
            raise CommandError(str(error)) from error
        if options["wait"]:
            self._wait(batch, options["timeout"])
            self._summary(batch, time.monotonic() - started)

    def _take_in(self, path: Path, options: dict[str, Any]) -> Batch:
        rows = ingest.read_csv_bytes(options["csv"].read_bytes()) if options["csv"] else {}
        has_asins = bool(rows) and all(row.asin for row in rows.values())
        channels = options["channel"] or (["amazon_main"] if has_asins else ["shopify"])
        client = ingest.ensure_client(options["client"])
        batch = ingest.create_batch(
            client,
            options["name"] or f"{path.resolve().stem} {time.strftime('%Y-%m-%d %H:%M')}",
            preset_version=_preset_version(options["preset"]),
            channel_keys=channels,
            validation_profile=options["profile"],
            priority=options["priority"],
        )
        if rows:
            ingest.attach_rows(batch, rows)
        self.stdout.write(f"Batch {batch.pk}: {client.name}, for {', '.join(channels)}")
        counts: dict[str, int] = {}
        try:
            for result in self._results(batch, path):
                counts[result.status] = counts.get(result.status, 0) + 1
                if result.status != "accepted":
                    self.stdout.write(f"  {result.filename}: {result.message}")
        finally:
            ingest.close_batch(batch)
        taken = ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in sorted(counts.items()))
        self.stdout.write(f"Taken in: {taken or 'nothing'}")
        return batch

    def _results(self, batch: Batch, path: Path) -> Iterator[ingest.UploadResult]:
        if path.is_file() and path.suffix.lower() == ".zip":
            with path.open("rb") as archive:
                yield from ingest.expand_zip(batch, archive)
            return
        found = [path] if path.is_file() else list(_photos(path, self._say_skipped))
        self.stdout.write(f"Found {len(found)} images to process")
        root = path.parent if path.is_file() else path
        for photo in found:
            with photo.open("rb") as file:
                yield ingest.register_upload(batch, chunks_of(file), str(photo.relative_to(root)))

    def _say_skipped(self, path: Path) -> None:
        self.stdout.write(f"  {path.name}: not a photo by its suffix, skipped")

    def _wait(self, batch: Batch, timeout_s: float) -> None:
        """Watch the workers, or do the work here when there are none."""
        until = time.monotonic() + timeout_s if timeout_s else None
        said = 0.0
        has_workers = tasks.live_workers().exists()
        if not has_workers:
            self.stdout.write("No worker is running: processing here.")
        while not reads.is_machine_done(batch):
            if until is not None and time.monotonic() > until:
                raise CommandError(f"Batch {batch.pk} isn't done after {timeout_s:g} s. It goes on by itself.")
            batch.refresh_from_db()
            if batch.state == "paused":
                raise CommandError(f"Batch {batch.pk} is paused. {batch.paused_reason}")
            if time.monotonic() - said >= PROGRESS_S:
                self._say_progress(batch)
                said = time.monotonic()
            if has_workers or not runner.run_due(1):
                time.sleep(POLL_S)
        batches.refresh(batch.pk)

    def _say_progress(self, batch: Batch) -> None:
        now = reads.progress(batch.pk)
        eta = f", about {now.eta_s:.0f} s left" if now.eta_s is not None else ""
        counts = now.counts
        self.stdout.write(
            f"{counts.done_ratio:.0%} ({counts.done}/{counts.total}: {counts.approved} approved, "
            f"{counts.people} for people, {counts.failed + counts.rejected} failed){eta}"
        )

    def _summary(self, batch: Batch, seconds: float) -> None:
        states = reads.counts(batch)
        self.stdout.write(f"Photos per state ({sum(states.values())} in all):")
        for state, number in sorted(states.items()):
            self.stdout.write(f"  {state.replace('_', ' ')}: {number}")
        for group in reads.failures(batch):
            self.stdout.write(f"  {group.count} x {group.code}: {group.sentence}")
        files = ", ".join(f"{number} {state}" for state, number in sorted(reads.renditions(batch).items()))
        self.stdout.write(f"Channel files: {files or 'none yet'}")
        made = reads.removers(batch)
        source = "MODEL_DIR" if _has_model_dir() else "rembg's own folder"
        named = {"rembg": 0, "studio": 0, "compact": 0} | {name: 0 for name, _model in made}
        words = []
        for name in named:
            models = {model: number for (maker, model), number in made.items() if maker == name}
            total = sum(models.values())
            listed = " ".join(sorted(model for model in models if model))
            words.append(f"{name} {listed} ({source}) {total}" if listed else f"{name} {total}")
        self.stdout.write("Cut out by: " + ", ".join(words))
        processed = sum(made.values())
        if processed:
            self.stdout.write(f"{seconds / processed:.1f} s per photo, {processed} photos in {seconds:.0f} s")


def _photos(folder: Path, skipped: Any) -> Iterator[Path]:
    """Photos below `folder` in a stable order; links and litter are passed over, other files are reported."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() or not path.is_file() or ingest.is_litter(str(path.relative_to(folder))):
            continue
        if path.suffix.lower() in ingest.SUFFIXES:
            yield path
        else:
            skipped(path)


def _preset_version(slug: str) -> PresetVersion:
    preset = Preset.objects.select_related("current").filter(slug=slug).first()
    if preset is None or preset.current is None:
        known = ", ".join(Preset.objects.filter(current__isnull=False).values_list("slug", flat=True))
        raise CommandError(f"There is no preset {slug!r}. Known: {known or 'none; run manage.py seed'}.")
    return preset.current


def _has_model_dir() -> bool:
    return settings.MODEL_DIR is not None
