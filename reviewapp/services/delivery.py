"""Delivery: fix the list of verified files a client gets, say what is withheld and why, stream it as a ZIP.

What is made waits for its grace period; handing it over and calling it back are services/recalls.py.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import timedelta
from pathlib import PurePosixPath

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from reviewapp import storage
from reviewapp.enums import OUT_STATES, BatchState, DeliveryState, LotState, Role
from reviewapp.models import Batch, Client, Delivery, DeliveryItem, Lot, Rendition
from reviewapp.selectors import deliveries as selectors

from . import audit, batches, recalls
from .manifest import build_manifest, files_csv, withheld_csv
from .people import require, require_client
from .words import stored

__all__ = [
    "DeliveryClosed",
    "DeliveryCorrupt",
    "DeliveryHeld",
    "archive_name",
    "build_manifest",
    "release",
    "stream_zip",
]

_RESERVED = re.compile(r"con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]", re.IGNORECASE)
CHUNK = 256 * 1024
ZIP64_FROM = 2**31 - 1
NO_DELIVERY = {
    BatchState.UPLOADING: gettext_lazy("The batch is still being uploaded. Close it first."),
    BatchState.CANCELLED: gettext_lazy("The batch was cancelled."),
}


class DeliveryHeld(RuntimeError):
    """Nothing can be delivered now. `reasons` are sentences for the manager, `open_samples` how many samples wait."""

    def __init__(self, reasons: Sequence[str], open_samples: int = 0) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = list(reasons)
        self.open_samples = open_samples


class DeliveryCorrupt(RuntimeError):
    """A stored file is missing, or not the bytes that were verified: the stream stops, nothing wrong leaves."""


class DeliveryClosed(RuntimeError):
    """A delivery that waits or was called back isn't given to anybody; the message says which."""


def release(batch: Batch, actor: User | None, *, at_once: bool = False) -> Delivery:
    """Make a delivery of every verified file of every approved photo of `batch`; the rest is listed as withheld.

    It waits until its grace period is over, then it is handed over; `at_once` leaves the wait out. The batch becomes
    delivered with that when nothing can be added any more, otherwise this is a partial delivery and a later one holds
    everything again. `actor` None is the line itself. Raises NotAllowed, and DeliveryHeld while samples are open
    (unless the client opted out, B12) or another delivery waits, when nothing is deliverable, or nothing changed since
    the last one.
    """
    if actor is not None:
        require(actor, Role.MANAGER, to=_("deliver a batch"))
        require_client(actor, batch.client_id)
    batches.refresh(batch.pk)  # a block of samples that became due must be drawn before anything leaves
    with transaction.atomic():
        locked = Batch.objects.select_for_update(of=("self",), no_key=True)
        fresh = locked.select_related("client", "preset_version__preset").get(pk=batch.pk)
        with stored():  # what is withheld and why is written down
            plan = selectors.plan(fresh)
        made = list(Delivery.objects.filter(batch=fresh).order_by("-number"))
        if reasons := _hindrances(fresh, plan, made):
            raise DeliveryHeld(reasons, plan.open_samples)
        wait = timedelta(0) if at_once else grace_of(fresh.client)
        delivery = _create(fresh, plan, made, wait, actor)
        if not wait:
            recalls.open_now(delivery, fresh, delivery.created_at, actor)
    batch.refresh_from_db()
    return delivery


def grace_of(client: Client) -> timedelta:
    """How long a delivery of this client waits."""
    own = client.grace_minutes
    return timedelta(minutes=settings.DELIVERY_GRACE_MIN if own is None else own)


def archive_name(delivery: Delivery) -> str:
    """The name the ZIP is saved under: client, batch and number, safe on every file system."""
    parts = (slugify(delivery.batch.client.name), slugify(delivery.batch.name), str(delivery.number))
    return "-".join(part for part in parts if part) + ".zip"


def stream_zip(delivery: Delivery, actor: User | None = None) -> Iterator[bytes]:
    """Yield the package as ZIP bytes: a folder per channel, manifest.json, manifest.csv, withheld.csv.

    Files are read from storage in chunks and held against their SHA-256 on the way out; memory stays flat. Raises
    DeliveryClosed at once for a delivery that isn't out, and DeliveryCorrupt in mid-stream (the download then fails)
    rather than end an archive with a wrong file in it.
    """
    if delivery.state not in OUT_STATES or delivery.batch.client.purged_at is not None:
        raise DeliveryClosed(closed_words(delivery))
    return _stream(delivery, actor)


def closed_words(delivery: Delivery) -> str:
    """Why a delivery can't be downloaded."""
    number = {"n": delivery.number}
    if delivery.batch.client.purged_at is not None:
        return _("The files of delivery %(n)d were deleted with all data of its client.") % number
    if delivery.state == DeliveryState.RECALLED:
        return _("Delivery %(n)d was called back. Download the one that replaces it.") % number
    return _("Delivery %(n)d still waits. Hand it over first.") % number


def _stream(delivery: Delivery, actor: User | None) -> Iterator[bytes]:
    sink = _Sink()
    stamp = delivery.created_at.timetuple()[:6]
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for item in selectors.items_of(delivery).iterator(chunk_size=200):
            yield from _add_file(archive, sink, item, stamp)
        texts = {
            "manifest.json": json.dumps(delivery.manifest, ensure_ascii=False, indent=1, sort_keys=True),
            "manifest.csv": "\ufeff" + files_csv(delivery.manifest),
            "withheld.csv": "\ufeff" + withheld_csv(delivery.manifest),
        }
        for name, text in texts.items():
            archive.writestr(_info(name, stamp), text.encode(), zipfile.ZIP_DEFLATED)
            yield sink.drain()
    yield sink.drain()
    _mark_downloaded(delivery, actor)


class _Sink(io.RawIOBase):
    """Takes what zipfile writes and hands it on; not seekable, so sizes follow each file in a data descriptor."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        return len(part)

    def drain(self) -> bytes:
        """Return and forget everything written since the last call."""
        out = b"".join(self._parts)
        self._parts.clear()
        return out


def _add_file(archive: zipfile.ZipFile, sink: _Sink, item: DeliveryItem, stamp: tuple[int, ...]) -> Iterator[bytes]:
    rendition = item.rendition
    digest = hashlib.sha256()
    try:
        source = storage.open_read(rendition.storage_key)
    except FileNotFoundError as error:
        raise DeliveryCorrupt(f"{item.path} is missing from storage. Render the photo again.") from error
    with source, archive.open(_info(item.path, stamp), "w", force_zip64=rendition.byte_size > ZIP64_FROM) as target:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            target.write(chunk)
            yield sink.drain()
    if digest.hexdigest() != rendition.sha256:
        raise DeliveryCorrupt(f"{item.path} changed since it was verified. Render the photo again.")
    yield sink.drain()


def _info(path: str, stamp: tuple[int, ...]) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(path, date_time=(stamp[0], stamp[1], stamp[2], stamp[3], stamp[4], stamp[5]))
    info.external_attr = 0o644 << 16
    return info


def _hindrances(batch: Batch, plan: selectors.Plan, made: Sequence[Delivery]) -> list[str]:
    if refusal := NO_DELIVERY.get(BatchState(batch.state)):
        return [str(refusal)]
    if batch.state == BatchState.PAUSED:
        why = batch.paused_reason or _("no reason given")
        return [_("The batch is paused: %(why)s. Resume it first.") % {"why": why}]
    if batch.results_removed_at is not None:
        return [_("Its results and channel files were removed by the client's retention.")]
    if any(one.state == DeliveryState.WAITING for one in made):
        waits = _("Delivery %(n)d waits until it is handed over. Hand it over now, or call it back first.")
        return [waits % {"n": made[0].number}]
    if plan.lots_open:
        return [_waits_for(lot) for lot in plan.lots_open]
    if plan.open_samples and batch.client.waits_for_samples:
        waits = ngettext(
            "%(count)d sample waits for a reviewer. The batch can be delivered when they are judged.",
            "%(count)d samples wait for a reviewer. The batch can be delivered when they are judged.",
            plan.open_samples,
        )
        return [waits % {"count": plan.open_samples}]
    if not plan.renditions:
        return [_("No photo of this batch is approved and verified yet.")]
    previous = next((one for one in made if one.state in OUT_STATES), None)
    if previous is not None and batch.state != BatchState.READY:  # the last one may differ in what is withheld only
        before = set(previous.items.values_list("rendition_id", flat=True))
        if before == {rendition.pk for rendition in plan.renditions}:
            return [_("Nothing changed since delivery %(number)d. Download that one.") % {"number": previous.number}]
    return []


def _waits_for(lot: Lot) -> str:
    values = {"number": lot.number, "why": lot.why or _("it is being planned.")}
    if lot.state == LotState.HELD:
        words = _("Lot %(number)d is on hold: %(why)s It ships when it is proven, or when somebody decides about it.")
        return words % values
    if lot.state == LotState.WAITING:
        return _("Lot %(number)d waits: %(why)s") % values
    return _("Lot %(number)d is being proven: its looks wait for reviewers.") % values


def _create(
    batch: Batch, plan: selectors.Plan, made: Sequence[Delivery], wait: timedelta, actor: User | None
) -> Delivery:
    paths = _paths(plan.renditions)
    number = (made[0].number if made else 0) + 1
    replaces = _replaced(made)
    manifest = build_manifest(batch, number, paths, plan.withheld, actor, replaces.number if replaces else None)
    delivery = Delivery.objects.create(
        batch=batch,
        number=number,
        state=DeliveryState.WAITING,
        opens_at=timezone.now() + wait,
        completes=plan.is_complete,
        replaces=replaces,
        manifest=manifest,
        withheld=[asdict(item) for item in plan.withheld],
        file_count=len(paths),
        byte_size=sum(rendition.byte_size for rendition in plan.renditions),
        created_by=actor,
    )
    DeliveryItem.objects.bulk_create(
        DeliveryItem(delivery=delivery, rendition=rendition, path=path) for path, rendition in paths
    )
    audit.record(
        "delivery.released",
        delivery,
        actor=actor,
        after={"number": number, "files": len(paths), "withheld": len(plan.withheld)},
    )
    return delivery


def _replaced(made: Sequence[Delivery]) -> Delivery | None:
    """The delivery a new one corrects: the last that left and was called back, and that no other corrects already."""
    for one in made:  # newest first
        if one.state in OUT_STATES:
            return None
        if one.state == DeliveryState.RECALLED and one.handed_over_at is not None:
            return one
    return None


def _paths(renditions: Sequence[Rendition]) -> list[tuple[str, Rendition]]:
    """Give every file `{channel}/{name}`; two photos that want one name are numbered, also where only case differs."""
    taken: set[str] = set()
    paths: list[tuple[str, Rendition]] = []
    for rendition in renditions:
        path = PurePosixPath(rendition.channel.key, _safe(rendition.filename))
        candidate, count = str(path), 1
        while candidate.casefold() in taken:
            count += 1
            candidate = str(path.with_name(f"{path.stem}-{count}{path.suffix}"))
        taken.add(candidate.casefold())
        paths.append((candidate, rendition))
    return paths


def _safe(filename: str) -> str:
    """Return a path every file system and unzip tool takes: only downwards, no control or reserved characters."""
    parts = (
        re.sub(r'[\x00-\x1f\x7f<>:"|?*]', "_", part).strip(". ") for part in filename.replace("\\", "/").split("/")
    )
    return "/".join(_unreserved(part) for part in parts if part) or "file"


def _unreserved(part: str) -> str:
    """Windows opens a device for NUL.jpg, whatever follows the dot."""
    return f"_{part}" if _RESERVED.fullmatch(part.split(".", 1)[0].strip()) else part


def _mark_downloaded(delivery: Delivery, actor: User | None) -> None:
    with transaction.atomic():
        now = timezone.now()
        # Called back while it was downloaded: it stays so, and that somebody has the files is known.
        Delivery.objects.filter(pk=delivery.pk, downloaded_at__isnull=True).update(downloaded_at=now)
        Delivery.objects.filter(pk=delivery.pk, state=DeliveryState.READY).update(state=DeliveryState.DOWNLOADED)
        audit.record("delivery.downloaded", delivery, actor=actor, after={"number": delivery.number})
