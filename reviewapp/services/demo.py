"""The demo batch: our own photos, taken in through the same front door as a client's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reviewapp.enums import BatchState
from reviewapp.models import Batch, Preset

from . import ingest

CLIENT = "Northwind Home"
BATCH = "Spring catalogue"
CHANNELS = ("amazon_main", "shopify", "google_shopping")
BRAND_NOTES = "Soft, even light. Product centred, no props. Colours as on the sample card; warm greys stay warm."
CHUNK = 1024 * 1024


class DemoMissing(RuntimeError):
    """There is nothing to make the demo from; the message says what to run first."""


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What a call did: the batch, whether this call filled it, and how many files ended in each upload status."""

    batch: Batch
    is_filled_now: bool
    counts: dict[str, int]


def seed_demo_batch(folder: Path) -> DemoReport:
    """Take in `folder`/photos with `folder`/batch.csv as the demo client's batch, unless that was done.

    An interrupted call is finished by the next one: files that are there already are passed over. Raises DemoMissing.
    """
    photos = folder / "photos"
    if not photos.is_dir():
        raise DemoMissing(f"There are no demo photos in {photos}.")
    batch = Batch.objects.filter(is_demo=True).order_by("pk").first() or _open_batch()
    if batch.state != BatchState.UPLOADING:
        return DemoReport(batch, False, {})
    sheet = folder / "batch.csv"
    rows = ingest.read_csv_bytes(sheet.read_bytes()) if sheet.is_file() else {}
    ingest.attach_rows(batch, rows)
    counts: Counter[str] = Counter()
    for path in _files(photos):
        name = path.relative_to(photos).as_posix()
        counts[ingest.register_upload(batch, _chunks(path), name, ingest.find_row(rows, name)).status] += 1
    ingest.close_batch(batch)
    batch.refresh_from_db()
    return DemoReport(batch, True, dict(counts))


def _open_batch() -> Batch:
    preset = Preset.objects.select_related("current").filter(current__isnull=False).order_by("pk").first()
    if preset is None or preset.current is None:
        raise DemoMissing("There is no preset yet. Run manage.py migrate, then manage.py seed.")
    client = ingest.ensure_client(CLIENT)
    if not client.brand_notes:
        client.brand_notes = BRAND_NOTES
        client.save(update_fields=["brand_notes"])
    return ingest.create_batch(
        client, BATCH, preset_version=preset.current, channel_keys=CHANNELS, is_demo=True, priority=5
    )


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not ingest.is_litter(path.name))


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
