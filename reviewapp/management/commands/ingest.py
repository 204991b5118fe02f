"""`manage.py ingest`: take a folder or a ZIP of photos through the line."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from processing.errors import InputRejected
from reviewapp import storage
from reviewapp.jobs import runner
from reviewapp.models import Batch, Preset, PresetVersion
from reviewapp.selectors import batches as reads
from reviewapp.selectors import tasks
from reviewapp.services import batches, ingest
from reviewapp.services.seeds import STANDARD_SLUG
from reviewapp.storage import StorageAway, StorageFull, StorageRefused, chunks_of

PROGRESS_S = 5.0
POLL_S = 0.5


class Command(BaseCommand):
    """Originals are read, never changed or moved."""

    help = "Take every photo below a folder (or in a ZIP) in as one batch."

    def add_arguments(self, parser: CommandParser) -> None:
        """What, whose, how."""
        parser.add_argument("path", type=Path, help="A folder, searched with its subfolders, or a ZIP file.")
        parser.add_argument("--client", default="", help="Name of the client; made if there is none.")
        parser.add_argument("--into", type=int, help="Go on with this open batch, as when an earlier run broke off.")
        parser.add_argument("--name", default="", help="Name of the batch; default: the folder's and the date.")
        parser.add_argument(
            "--csv",
            type=Path,
            help="Sheet with file, sku, asin, category, shoot_group, description, inside; default: the one in PATH.",
        )
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
        if not options["client"] and not options["into"]:
            raise CommandError("Say whose photos these are: --client NAME. Or go on with a batch: --into NUMBER.")
        started = time.monotonic()
        try:
            batch = self._take_in(path, options)
        except (InputRejected, StorageFull, StorageAway, StorageRefused) as error:
            raise CommandError(str(error)) from error
        if options["wait"]:
            self._wait(batch, options["timeout"])
            self._summary(batch, time.monotonic() - started)

    def _take_in(self, path: Path, options: dict[str, Any]) -> Batch:
        sheet, rows = _sheet_of(path, options["csv"])
        batch = _open_batch(options["into"]) if options["into"] else _new_batch(path, rows, options)
        if rows:
            ingest.attach_rows(batch, rows)
        channels = batch.batch_channels.values_list("channel__key", flat=True)
        self.stdout.write(f"Batch {batch.pk}: {batch.client.name}, for {', '.join(channels)}")
        if sheet and options["csv"] is None:
            self.stdout.write(
                f"{sheet} lies in {path.name} and is read as the list of this batch. --csv names another."
            )
        counts: dict[str, int] = {}
        try:
            for result in self._results(batch, path, sheet):
                counts[result.status] = counts.get(result.status, 0) + 1
                if result.status != "accepted":
                    self.stdout.write(f"  {result.filename}: {result.message}")
        finally:
            ingest.close_batch(batch)
        taken = ", ".join(f"{number} {status.replace('_', ' ')}" for status, number in sorted(counts.items()))
        self.stdout.write(f"Taken in: {taken or 'nothing'}")
        if rows:
            found = ingest.standing(batch)
            missing = f"; no photo for {', '.join(found.names)}" if found.names else ""
            more = f" and {found.unnamed:,} more" if found.unnamed else ""
            self.stdout.write(f"List: {found.rows:,} rows, {found.applied:,} applied to photos{missing}{more}")
        return batch

    def _results(self, batch: Batch, path: Path, sheet: str) -> Iterator[ingest.UploadResult]:
        if _is_zip(path):
            with path.open("rb") as archive:
                results = ingest.expand_zip(batch, archive, reads_sheet=not sheet)
                yield from (result for result in results if result.filename != sheet)
            return
        found = [path] if path.is_file() else list(_photos(path, self._say_skipped, sheet))
        self.stdout.write(f"Found {len(found)} images to process")
        root = path.parent if path.is_file() else path
        for photo in found:
            name = str(photo.relative_to(root))
            try:
                file = photo.open("rb")
            except OSError as error:  # gone since the folder was read, or not ours to read: the others still are
                why = f"It can't be read: {error.strerror}. Nothing was taken in of it."
                yield ingest.UploadResult("rejected", why, None, ingest.display_path(name))
                continue
            with file:
                yield ingest.register_upload(batch, chunks_of(file), name)

    def _say_skipped(self, path: Path) -> None:
        self.stdout.write(f"  {ingest.display_path(path.name)}: not a photo by its suffix, skipped")

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
            if batch.state == "cancelled":
                raise CommandError(f"Batch {batch.pk} was cancelled.")
            if batch.state == "paused":
                raise CommandError(f"Batch {batch.pk} is paused. {batch.paused_reason}")
            if time.monotonic() - said >= PROGRESS_S:
                self._say_progress(batch)
                said = time.monotonic()
            if not storage.has_room():
                raise CommandError(f"{StorageFull().strerror} Batch {batch.pk} goes on by itself then.")
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


def _new_batch(path: Path, rows: dict[str, ingest.CsvRow], options: dict[str, Any]) -> Batch:
    has_asins = bool(rows) and all(row.asin for row in rows.values())
    return ingest.create_batch(
        ingest.ensure_client(options["client"]),
        options["name"] or f"{path.resolve().stem} {time.strftime('%Y-%m-%d %H:%M')}",
        preset_version=_preset_version(options["preset"]),
        channel_keys=options["channel"] or (["amazon_main"] if has_asins else ["shopify"]),
        validation_profile=options["profile"],
        priority=options["priority"],
    )


def _open_batch(pk: int) -> Batch:
    """A batch that still takes files: what is there already is passed over, so that nothing is done twice."""
    batch = Batch.objects.select_related("client").filter(pk=pk, closed_at__isnull=True).first()
    if batch is None:
        raise CommandError(f"Batch {pk} isn't there or takes no more files.")
    return batch


def _is_zip(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() == ".zip"


def _files(folder: Path) -> Iterator[Path]:
    """Files below `folder` in a stable order; links and litter are passed over."""
    for path in sorted(folder.rglob("*")):
        if not path.is_symlink() and path.is_file() and not ingest.is_litter(str(path.relative_to(folder))):
            yield path


def _photos(folder: Path, skipped: Any, sheet: str) -> Iterator[Path]:
    """Photos below `folder`; other files but its `sheet` are reported."""
    for path in _files(folder):
        if path.suffix.lower() in ingest.SUFFIXES:
            yield path
        elif str(path.relative_to(folder)) != sheet:
            skipped(path)


def _sheet_of(path: Path, given: Path | None) -> tuple[str, dict[str, ingest.CsvRow]]:
    """The list to use, the given one or the one that lies in the path: its name below the path ("" for none), its rows.

    Raises CommandError for a file that can't be read and for a folder with several; IngestRefused for no list.
    """
    if given is not None:
        return str(given), _rows(given)
    if _is_zip(path):
        with path.open("rb") as archive:
            packed = ingest.sheet_in(archive)
        return (ingest.display_path(packed.path), packed.rows) if packed else ("", {})
    found = [one for one in _files(path) if one.suffix.lower() in ingest.SHEET_SUFFIXES] if path.is_dir() else []
    if len(found) > 1:
        names = ", ".join(str(one.relative_to(path)) for one in found[:5])
        raise CommandError(f"{path} holds {len(found)} lists ({names}). Say with --csv which one is meant.")
    return (str(found[0].relative_to(path)), _rows(found[0])) if found else ("", {})


def _rows(sheet: Path) -> dict[str, ingest.CsvRow]:
    try:
        return ingest.read_csv_bytes(sheet.read_bytes())
    except OSError as error:
        raise CommandError(f"{sheet} can't be read: {error.strerror}.") from error
    except ingest.IngestRefused as error:
        raise CommandError(f"{sheet}: {error} --csv names another list.") from error


def _preset_version(slug: str) -> PresetVersion:
    preset = Preset.objects.select_related("current").filter(slug=slug).first()
    if preset is None or preset.current is None:
        known = ", ".join(Preset.objects.filter(current__isnull=False).values_list("slug", flat=True))
        raise CommandError(f"There is no preset {slug!r}. Known: {known or 'none; run manage.py seed'}.")
    return preset.current


def _has_model_dir() -> bool:
    return settings.MODEL_DIR is not None
