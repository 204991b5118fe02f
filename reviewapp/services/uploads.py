"""Taking in one file: stored under its content hash, one row, one task. Safe to repeat, file by file."""

from __future__ import annotations

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from processing import formats
from reviewapp import storage
from reviewapp.enums import AssetState, BatchState, Step
from reviewapp.models import Asset, Batch, SheetRow
from reviewapp.policies.paths import path_key
from reviewapp.selectors.sheet_rows import choose_row, row_of

from . import assets, audit, batches, late_rows, runs
from .csv_rows import CsvRow
from .refusals import BatchClosed, IngestRefused

MAX_FILE_BYTES = 50 * 1024 * 1024
MIN_FILE_BYTES = 1024
METADATA_MISSING = "metadata_missing"
MAX_PATH_CHARS = 400
MAX_NAME_CHARS = 200
SUFFIXES = formats.endings()
SHEET_SUFFIXES = frozenset({".csv", ".tsv"})
# A file over the limit is still read this far, so that its row carries its true hash and size.
MAX_DRAIN_BYTES = 8 * MAX_FILE_BYTES

EARLY = (AssetState.RECEIVED, AssetState.VALIDATED)
"""What is known of a photo then, the sheet may say freely: nothing was decided by it yet."""
_OVER = (BatchState.DELIVERED, BatchState.CANCELLED)
# These make "gpj.exe" read "exe.jpg" (with the marks that go with them), or one name look like another.
_REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSEEN = frozenset("\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\ufeff\u2028\u2029\ufff9\ufffa\ufffb")
_NEVER_SHOWN = _REORDERING | _UNSEEN

Status = Literal["accepted", "duplicate", "already_here", "rejected", "sheet"]


@dataclass(frozen=True, slots=True)
class UploadResult:
    """What became of one file; `message` is a sentence for its sender. `asset` is None when no row was made.

    `sheet` is a list inside an archive that was read as the batch's.
    """

    status: Status
    message: str
    asset: Asset | None = None
    filename: str = ""


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A file that was read to its end. `rejection` is (code, sentence) or None."""

    path: str
    sha256: str
    byte_size: int
    storage_key: str
    rejection: tuple[str, str] | None


def register_upload(
    batch: Batch, chunks: Iterable[bytes], relative_path: str, row: CsvRow | None = None, actor: Any = None
) -> UploadResult:
    """Take in one file of an UPLOADING batch (ING-01, 09, 14, 16, 20, 21, 25).

    The bytes are streamed to storage and hashed on the way; `relative_path` is shown and compared, never used as a
    path. The photo's row and its validate task are one transaction. Sent again, the same file under the same name
    answers `already_here`, so an upload that broke off is resumed by sending everything again; the same bytes under
    another name become a linked duplicate without a task. Files that can be seen to be unusable are rejected here,
    and what was rejected stands in the way of nothing: the same bytes under a name (or with a row) that is right are
    taken. Without `row` the batch's sheet is asked. Raises BatchClosed, storage.StorageFull; an error of `chunks`
    leaves no trace. A batch paused during its upload still takes files: they wait.
    """
    shown = display_path(relative_path)
    if not takes_files(batch):
        raise BatchClosed
    arrived = _receive(shown, chunks)
    known = row or sheet_row(batch, shown)
    if arrived.rejection is None and batch.requires_sku:
        arrived = _require_metadata(arrived, known)
    for _attempt in range(2):
        try:
            earlier = _earlier(batch, arrived, known, actor)
            if earlier is not None:
                return earlier
            with transaction.atomic():
                _still_takes_files(batch)
                return _insert(batch, arrived, known, actor)
        except IntegrityError:  # the same bytes arrived through another request between the look and the insert
            continue
    raise IngestRefused(f"{shown} arrives twice at the same moment. Send it again.", code="busy")


def attach_rows(batch: Batch, rows: Mapping[str, CsvRow], actor: Any = None) -> int:
    """Keep the sheet of a batch and apply it to the photos that are here. Returns how many it changed.

    A later sheet replaces the rows it names. Files that arrive afterwards find their row here. Photos whose channel
    files are made already keep what they were made with (late_rows.apply_late says the exception).
    """
    made = [
        SheetRow(
            batch=batch,
            path_key=key,
            name_key=key.rsplit("/", 1)[-1],
            sku=row.sku,
            asin=row.asin,
            category=row.category,
            shoot_group=row.shoot_group,
            description=row.description,
            inside=row.inside,
        )
        for key, row in rows.items()
    ]
    with transaction.atomic():
        SheetRow.objects.bulk_create(
            made,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["batch", "path_key"],
            update_fields=["sku", "asin", "category", "shoot_group", "description", "inside"],
        )
        applied = _apply_sheet(batch, actor)
        audit.record("batch.sheet_attached", batch, actor=actor, after={"rows": len(made), "applied": applied})
    batches.refresh(batch.pk)
    return applied


def _apply_sheet(batch: Batch, actor: Any) -> int:
    """Give every photo what the sheet says of it. Returns how many changed."""
    named: dict[str, list[SheetRow]] = defaultdict(list)
    for row in batch.sheet_rows.order_by("id"):
        named[row.name_key].append(row)
    is_open = Batch.objects.filter(pk=batch.pk).exclude(state__in=_OVER).exists()
    later = Q(state=AssetState.REJECTED_INTAKE, state_code=METADATA_MISSING) | Q(state__in=late_rows.STATES)
    early = Q(state__in=EARLY)
    applied = 0
    for asset in batch.assets.filter(early | later if is_open else early).select_related("current_run"):
        key = path_key(asset.relative_path)
        found = _row_for(asset.relative_path, choose_row(key, named[key.rsplit("/", 1)[-1]]))
        applied += found is not None and _apply_row(asset, found, actor)
    return applied


def _apply_row(asset: Asset, row: CsvRow, actor: Any) -> bool:
    """Give a photo what its row says; True when that changed it. Where a worker moved it meanwhile, as it is now."""
    while facts_of(row) != {name: getattr(asset, name) for name in facts_of(row)}:
        before = asset.state
        if _gives(asset, row, actor):
            return True
        if Asset.objects.filter(pk=asset.pk, state=before).exists():
            return False
        asset.refresh_from_db()
    return False


def _gives(asset: Asset, row: CsvRow, actor: Any) -> bool:
    if asset.state == AssetState.REJECTED_INTAKE:
        return asset.state_code == METADATA_MISSING and not _missing(row) and _reopen(asset, row, actor)
    if asset.state in late_rows.STATES:
        return late_rows.apply_late(asset, row, actor)
    # The state stands in the WHERE: a worker may classify the photo at this very moment.
    early = Asset.objects.filter(pk=asset.pk, state=asset.state, state__in=EARLY)
    return bool(early.update(**facts_of(row)))


def _reopen(asset: Asset, row: CsvRow, actor: Any) -> bool:
    """Take in a photo that was rejected for want of a row. False when its bytes are in the line under another name."""
    try:
        with transaction.atomic():
            assets.move(asset, AssetState.RECEIVED, reason="The sheet names it now.", actor=actor, **facts_of(row))
            runs.create_task(asset, Step.VALIDATE, f"validate:{asset.pk}")
    except (IntegrityError, assets.StateConflict):
        return False
    return True


def sheet_row(batch: Batch, relative_path: str) -> CsvRow | None:
    """Return what the batch's sheet says of a file: by its path, else by its name when one single row has it."""
    return _row_for(relative_path, row_of(batch.pk, relative_path))


def _row_for(relative_path: str, chosen: SheetRow | None) -> CsvRow | None:
    return None if chosen is None else CsvRow(relative_path, **facts_of(chosen))


def display_path(relative_path: str) -> str:
    """Return a client's path fit to be shown and stored: no control characters, no `..`, no drive, 400 characters.

    Lone surrogates of badly encoded names become "?"; an empty name becomes "unnamed". A name too long loses its
    middle and keeps its suffix; a path too long loses its first folders.
    """
    plain = unicodedata.normalize("NFC", relative_path.encode("utf-8", "replace").decode("utf-8", "replace"))
    plain = "".join(char for char in plain if unicodedata.category(char) != "Cc" and char not in _NEVER_SHOWN)
    parts = [part.strip() for part in plain.replace("\\", "/").split("/")]
    kept = [part for part in parts if part not in ("", ".", "..") and not (len(part) == 2 and part[1] == ":")]
    if not kept:
        return "unnamed"
    suffix = PurePosixPath(kept[-1]).suffix[:12]
    if len(kept[-1]) > MAX_NAME_CHARS:
        kept[-1] = kept[-1][: MAX_NAME_CHARS - len(suffix) - 1] + "…" + suffix
    while len(kept) > 1 and len("/".join(kept)) > MAX_PATH_CHARS:
        kept.pop(0)
    return "/".join(kept)


def _receive(shown: str, chunks: Iterable[bytes]) -> _Arrived:
    """Read the file to its end: into storage when it may be a photo, else only through the hash."""
    meter = _Meter(chunks)
    suffix = PurePosixPath(shown).suffix.lower()
    if suffix not in SUFFIXES:
        meter.drain()
        return _Arrived(shown, meter.sha256, meter.byte_size, "", ("unsupported_format", _wrong_suffix(suffix)))
    try:
        stored = storage.put_stream(meter, prefix="o", max_bytes=MAX_FILE_BYTES)
    except storage.TooLarge:
        meter.drain()
        sentence = f"File too large: over {MAX_FILE_BYTES // 2**20} MB. Export it smaller and send it again."
        return _Arrived(shown, meter.sha256, meter.byte_size, "", ("file_too_large", sentence))
    rejection = None
    if stored.byte_size == 0:
        rejection = ("file_too_small", "File too small: it is empty. Export it again and send it again.")
    elif stored.byte_size < MIN_FILE_BYTES:
        sentence = f"File too small: {stored.byte_size} bytes is no photo. Export it again and send it again."
        rejection = ("file_too_small", sentence)
    return _Arrived(shown, stored.sha256, stored.byte_size, stored.key, rejection)


def _wrong_suffix(suffix: str) -> str:
    if suffix in SHEET_SUFFIXES:
        return "This is a list, not a photo. Add it by itself with Add a CSV; a later list replaces the rows it names."
    return formats.refusal(suffix, formats.enabled())


def _require_metadata(arrived: _Arrived, row: CsvRow | None) -> _Arrived:
    missing = _missing(row)
    if not missing:
        return arrived
    words = " and ".join("SKU" if name == "sku" else name for name in missing)
    sentence = f"Metadata missing: this batch needs a SKU and a category for every photo; the sheet gives no {words}."
    return _Arrived(arrived.path, arrived.sha256, arrived.byte_size, arrived.storage_key, (METADATA_MISSING, sentence))


def _missing(row: CsvRow | None) -> list[str]:
    return [name for name in ("sku", "category") if not getattr(row, name, "")]


def takes_files(batch: Batch) -> bool:
    """Say whether the batch is still open for uploads."""
    return Batch.objects.filter(_takes_files(), pk=batch.pk).exists()


def _takes_files() -> Q:
    return Q(state=BatchState.UPLOADING) | Q(state=BatchState.PAUSED, closed_at__isnull=True)


def _still_takes_files(batch: Batch) -> None:
    """Hold the batch open until the transaction ends; a file that was on its way when it was closed is refused.

    Raises BatchClosed.
    """
    if Batch.objects.select_for_update(no_key=True).filter(_takes_files(), pk=batch.pk).first() is None:
        raise BatchClosed


def _earlier(batch: Batch, arrived: _Arrived, row: CsvRow | None, actor: Any) -> UploadResult | None:
    """Answer for bytes the batch has already: the same file again, or a linked duplicate. None when they are new."""
    same = list(batch.assets.filter(sha256=arrived.sha256).order_by("id"))
    name = PurePosixPath(arrived.path).name
    for asset in same:
        if asset.relative_path == arrived.path:
            if row is not None and _may_reopen(asset, arrived) and _reopen(asset, row, actor):
                return UploadResult("accepted", "Accepted.", asset, name)
            rejected = f" It was rejected: {asset.state_reason}" if asset.state == AssetState.REJECTED_INTAKE else ""
            return UploadResult("already_here", f"Already here.{rejected}", asset, name)
    first = next((one for one in same if one.duplicate_of_id is None and one.state != AssetState.REJECTED_INTAKE), None)
    if first is None:
        return None
    sentence = f"The same picture as {first.relative_path}, byte for byte: done once."
    with transaction.atomic():
        _still_takes_files(batch)
        asset = _create(
            batch, arrived, None, AssetState.DUPLICATE, reason=sentence, code="duplicate", duplicate_of=first
        )
        audit.record("asset.received", asset, actor=actor, after={"state": asset.state, "sha256": asset.sha256})
    return UploadResult("duplicate", sentence, asset, name)


def _may_reopen(asset: Asset, arrived: _Arrived) -> bool:
    is_rejected = asset.state == AssetState.REJECTED_INTAKE and asset.state_code == METADATA_MISSING
    return is_rejected and arrived.rejection is None


def _insert(batch: Batch, arrived: _Arrived, row: CsvRow | None, actor: Any) -> UploadResult:
    """Write the row of a file and its first task. Call inside a transaction."""
    name = PurePosixPath(arrived.path).name
    if arrived.rejection is not None:
        code, sentence = arrived.rejection
        asset = _create(batch, arrived, row, AssetState.REJECTED_INTAKE, reason=sentence, code=code)
    else:
        sentence = ""
        asset = _create(batch, arrived, row, AssetState.RECEIVED)
        runs.create_task(asset, Step.VALIDATE, f"validate:{asset.pk}")
    audit.record("asset.received", asset, actor=actor, after={"state": asset.state, "sha256": asset.sha256})
    if arrived.rejection is not None:
        return UploadResult("rejected", sentence, asset, name)
    return UploadResult("accepted", "Accepted.", asset, name)


def _create(
    batch: Batch,
    arrived: _Arrived,
    row: CsvRow | None,
    state: AssetState,
    *,
    reason: str = "",
    code: str = "",
    duplicate_of: Asset | None = None,
) -> Asset:
    return Asset.objects.create(
        batch=batch,
        relative_path=arrived.path,
        filename=PurePosixPath(arrived.path).name,
        sha256=arrived.sha256,
        original_key=arrived.storage_key,
        byte_size=arrived.byte_size,
        state=state,
        state_reason=reason[:500],
        state_code=code,
        priority=batch.priority,
        duplicate_of=duplicate_of,
        resolved_at=None if state == AssetState.RECEIVED else timezone.now(),
        **(facts_of(row) if row is not None else {}),
    )


def facts_of(row: CsvRow | SheetRow) -> dict[str, str]:
    """The row as asset fields. `category_source` is decided when the photo is classified."""
    return {
        "sku": row.sku,
        "asin": row.asin,
        "category": row.category,
        "shoot_group": row.shoot_group,
        "description": row.description,
    }


class _Meter:
    """Hashes and counts chunks as they pass."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._hash = hashlib.sha256()
        self.byte_size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._hash.update(chunk)
            self.byte_size += len(chunk)
            yield chunk

    def drain(self) -> None:
        """Read on to the end, or to MAX_DRAIN_BYTES, keeping nothing."""
        for _chunk in self:
            if self.byte_size > MAX_DRAIN_BYTES:
                return

    @property
    def sha256(self) -> str:
        """Hex digest of what passed so far."""
        return self._hash.hexdigest()
