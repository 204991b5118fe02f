"""Which rows name a stored file: every field that holds a key stands here, and nowhere else."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Generator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from django.db import connection, models
from django.db.models import F, Q, Value
from django.db.models.functions import Collate

from reviewapp.models import Asset, Batch, ChannelView, Client, EditTask, ProcessingRun, ReferencePicture, Rendition

ORIGINAL, RESULT, REFERENCE = "original", "result", "reference"
REMOVED = {ORIGINAL: "originals_removed_at", RESULT: "results_removed_at"}
"""Which field of a batch says that retention removed files of this kind: its rows name them no more."""
AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class FileField:
    """A field that holds a storage key. `batch` and `client` are the ways to its batch and client; "" where it has no
    batch. `sha256` and `size` are the fields with the file's hash and bytes, where the row keeps them too."""

    model: type[models.Model]
    key: str
    kind: str
    batch: str
    client: str
    sha256: str = ""
    size: str = ""

    @property
    def name(self) -> str:
        """As people read it: "ProcessingRun.after_key"."""
        return f"{self.model.__name__}.{self.key}"


def _of_run(key: str, kind: str = RESULT) -> FileField:
    return FileField(ProcessingRun, key, kind, "asset__batch", "asset__batch__client")


FIELDS = (
    FileField(Asset, "original_key", ORIGINAL, "batch", "batch__client", "sha256", "byte_size"),
    FileField(EditTask, "upload_key", ORIGINAL, "asset__batch", "asset__batch__client", "upload_sha256"),
    _of_run("pixels_key", ORIGINAL),
    *(
        _of_run(key)
        for key in ("alpha_key", "after_key", "matte_key", "before_key", "thumb_before_key", "thumb_after_key")
    ),
    FileField(ChannelView, "key", RESULT, "run__asset__batch", "run__asset__batch__client"),
    FileField(ChannelView, "matte_key", RESULT, "run__asset__batch", "run__asset__batch__client"),
    FileField(Rendition, "storage_key", RESULT, "asset__batch", "asset__batch__client", "sha256", "byte_size"),
    FileField(ReferencePicture, "key", REFERENCE, "", "client"),
)

NO_FILES = frozenset(
    {
        "Alarm.key",
        "OutboundMessage.key",
        "PersonSession.session_key",
        "SignInTries.key",
        "Channel.key",
        "ReviewDecision.idempotency_key",
        "SheetRow.name_key",
        "SheetRow.path_key",
        "Tally.key",
        "Task.key",
    }
)
"""Fields that are called a key and name no file."""


@dataclass(frozen=True, slots=True, order=True)
class Named:
    """One row's claim on a file. `sha256` is "" and `byte_size` -1 where the row doesn't keep them."""

    key: str
    field: str
    pk: int
    sha256: str
    byte_size: int


def named(
    batch: Batch | None = None, client: Client | None = None, *, kind: str = "", also_removed: bool = False
) -> Generator[Named, None, None]:
    """Yield every claim, sorted by key as bytes sort: the database sorts, this merges, so memory stays flat.

    Of one batch, client or kind of file, if asked so; with `also_removed` what retention took the names of counts too.
    Close it when it isn't read to its end: it holds a cursor for every field.
    """
    with ExitStack() as cursors:
        fields = [one for one in FIELDS if (one.batch or batch is None) and kind in ("", one.kind)]
        streams = (_claims(one, batch, client, also_removed) for one in fields)
        yield from heapq.merge(*[cursors.enter_context(closing(stream)) for stream in streams])


def still_named(keys: Collection[str], *, but_not: Client | None = None) -> set[str]:
    """Return those of `keys` that a row names; rows of the client `but_not` don't count."""
    found: set[str] = set()
    wanted = sorted(keys)
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        for one in FIELDS:
            rows = _rows(one).filter(**{f"{one.key}__in": some})
            if but_not is not None:
                rows = rows.exclude(**{one.client: but_not})
            found.update(rows.values_list(one.key, flat=True))
    return found


def holds(claim: Named) -> bool:
    """Say whether the row still names the file."""
    one = next(it for it in FIELDS if it.name == claim.field)
    return _rows(one).filter(pk=claim.pk, **{one.key: claim.key}).exists()


def _claims(
    one: FileField, batch: Batch | None, client: Client | None, also_removed: bool
) -> Generator[Named, None, None]:
    rows = _rows(one, also_removed)
    if batch is not None:
        rows = rows.filter(**{one.batch: batch})
    if client is not None:
        rows = rows.filter(**{one.client: client})
    as_bytes = "C" if connection.vendor == "postgresql" else "BINARY"
    sha256 = F(one.sha256) if one.sha256 else Value("")
    size = F(one.size) if one.size else Value(-1)
    facts = rows.order_by(Collate(F(one.key), as_bytes)).values_list(one.key, "pk", sha256, size)
    for key, pk, sha, byte_size in facts.iterator(chunk_size=2000):
        yield Named(key, one.name, pk, sha, byte_size)


def _rows(one: FileField, also_removed: bool = False) -> models.QuerySet[Any]:
    rows: models.QuerySet[Any] = one.model._default_manager.exclude(**{one.key: ""}).order_by()
    if one.kind in REMOVED and not also_removed:
        rows = rows.filter(Q(**{f"{one.batch}__{REMOVED[one.kind]}__isnull": True}))
    return rows
