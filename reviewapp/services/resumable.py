"""A file in pieces: begun, gone on with after whatever broke it off, and taken into its batch when it is whole."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from processing.errors import InputRejected
from reviewapp import parts, storage
from reviewapp.models import Batch, PartialUpload

from .archives import expand_zip
from .refusals import BatchClosed, IngestRefused
from .uploads import UploadResult, display_path, register_upload, takes_files

ARCHIVE = ".zip"
CHOSEN = re.compile(r"[A-Za-z0-9_-]{32}")


def begin(batch: Batch, user: Any, path: str, byte_size: int, token: str = "") -> PartialUpload:
    """Open an upload of `byte_size` bytes, or return the very one that `token` opened already.

    A sender who chooses the token (32 of A-Z, a-z, 0-9, - and _, at random) knows the upload's address before the first
    byte leaves: a connection that breaks before the answer strands nothing. Raises IngestRefused when the token is no
    such word or names another upload; BatchClosed, storage.StorageFull before a byte is sent.
    """
    if token:
        if not CHOSEN.fullmatch(token):
            raise IngestRefused(_("The upload's token must be 32 of A-Z, a-z, 0-9, - and _."), code="token")
        earlier = PartialUpload.objects.filter(token=token).first()
        if earlier is not None:
            return _the_same(earlier, batch, user, path, byte_size)
    if not takes_files(batch):
        raise BatchClosed
    if not storage.has_room(2 * byte_size):  # the parts and the stored file lie side by side for a moment
        raise storage.StorageFull
    token = token or secrets.token_urlsafe(24)
    parts.create(token)
    facts = {"batch": batch, "user": user, "path": display_path(path), "byte_size": byte_size}
    made, is_new = PartialUpload.objects.get_or_create(token=token, defaults=facts)
    return made if is_new else _the_same(made, batch, user, path, byte_size)


def _the_same(earlier: PartialUpload, batch: Batch, user: Any, path: str, byte_size: int) -> PartialUpload:
    asked = (batch.pk, user.pk, display_path(path), byte_size)
    if (earlier.batch_id, earlier.user_id, earlier.path, earlier.byte_size) != asked:
        raise IngestRefused(_("The upload's token is taken. Choose another one."), code="token")
    return earlier


def offset(upload: PartialUpload) -> int:
    """Return how many bytes are confirmed. Raises FileNotFoundError when the upload was given up."""
    return upload.byte_size if upload.result else parts.size(upload.token)


def append(upload: PartialUpload, start: int, chunks: Iterable[bytes]) -> int:
    """Append a piece and return how many bytes are confirmed; the last one takes the file into its batch.

    Raises parts.WrongOffset, parts.Busy, storage.StorageFull, FileNotFoundError, and whatever `chunks` raises: what
    came before that is kept.
    """
    if upload.result:
        if start != upload.byte_size:
            raise parts.WrongOffset(upload.byte_size)
        return upload.byte_size
    try:
        end = parts.append(upload.token, start, chunks)
    finally:
        PartialUpload.objects.filter(pk=upload.pk).update(touched_at=timezone.now())
    if end == upload.byte_size:
        finish(upload)
    return end


def finish(upload: PartialUpload) -> PartialUpload:
    """Take a whole file into its batch, once; asked again it only returns what became of it.

    Raises storage.StorageFull, parts.Busy while another request does it.
    """
    held = _again(upload)
    if not held.result:
        # The file's own lock, not a transaction: a ZIP takes minutes, and a killed process lets go of it by itself.
        with parts.held(held.token):
            held = _again(upload)
            if not held.result and parts.size(held.token) >= held.byte_size:
                held.result = _taken(held)
                held.save(update_fields=["result", "touched_at"])
    if held.result:
        parts.remove(held.token)
    upload.result = held.result
    return held


def _again(upload: PartialUpload) -> PartialUpload:
    return PartialUpload.objects.select_related("user").get(pk=upload.pk)


def abandon(upload: PartialUpload) -> None:
    """Give an upload up and free its bytes; a file that is in the batch already stays there."""
    parts.remove(upload.token)
    PartialUpload.objects.filter(pk=upload.pk).delete()


def expire() -> int:
    """Give up what nobody went on with for three days. Returns how many."""
    given_up = 0
    for token in parts.stale():
        parts.remove(token)
        given_up += PartialUpload.objects.filter(token=token).delete()[0]
    return given_up


def _taken(upload: PartialUpload) -> dict[str, Any]:
    """Register the file, or every photo of the archive. A refusal is a result like any other."""
    batch = Batch.objects.get(pk=upload.batch_id)
    try:
        with parts.open_read(upload.token) as file:
            if upload.path.lower().endswith(ARCHIVE):
                lines = [_line(result) for result in expand_zip(batch, file, None, upload.user)]
                return {"status": "archive", "message": "", "lines": lines}
            result = register_upload(batch, storage.chunks_of(file), upload.path, None, upload.user)
            return {**_line(result), "path": upload.path}
    except InputRejected as error:
        return {"status": "rejected", "message": str(error), "path": upload.path}


def _line(result: UploadResult) -> dict[str, str]:
    path = result.asset.relative_path if result.asset is not None else result.filename
    return {"status": result.status, "message": result.message, "path": path}
