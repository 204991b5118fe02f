"""Reference pictures of a client: what their photos should look like, shown beside each of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from processing import apart
from processing.errors import InputRejected
from reviewapp import storage
from reviewapp.enums import Role
from reviewapp.models import Client, ReferencePicture

from . import audit, scanning
from .people import require

MAX_UPLOAD_BYTES = 40 * 1024 * 1024
MAX_PIXELS = 50_000_000
MOST = 6
MAX_CAPTION = 120
SHOWN_SIDE = 1600
_QUALITY = 90


class ReferenceRefused(ValueError):
    """A picture that can't be taken; the message says why and the way out."""


def add_reference(client: Client, chunks: Iterable[bytes], filename: str, caption: str, actor: Any) -> ReferencePicture:
    """Keep a picture of at most SHOWN_SIDE px a side, made anew from what came: nothing of the upload itself is served.

    It is scanned, and decoded in a process apart, because this one serves pages.
    Raises NotAllowed, ReferenceRefused (no picture, too large, too many) and storage.StorageFull.
    """
    require(actor, Role.MANAGER, to=_("add a reference picture"))
    if client.references.count() >= MOST:
        raise ReferenceRefused(
            _("There are %(most)s reference pictures already. Take one away first.") % {"most": MOST}
        )
    try:
        stored = storage.put_stream(chunks, prefix="d", max_bytes=MAX_UPLOAD_BYTES)
    except storage.TooLarge as error:
        raise ReferenceRefused(f"{filename}: {error}") from error
    try:
        with storage.local_path(stored.key) as path, storage.temp_path() as made:
            scanning.require_clean(path)
            width, height = apart.reduce(path, SHOWN_SIDE, made, max_pixels=MAX_PIXELS, quality=_QUALITY)
            kept = storage.put_bytes(made.read_bytes(), prefix="d")
    except (InputRejected, scanning.ScannerAway) as error:
        raise ReferenceRefused(f"{filename}: {error}") from error
    with transaction.atomic():
        picture = ReferencePicture.objects.create(
            client=client, key=kept.key, caption=" ".join(caption.split())[:MAX_CAPTION], width=width, height=height
        )
        audit.record(
            "client.reference_added", client, actor=actor, after={"file": filename[:120], "picture": kept.sha256}
        )
    return picture


def remove_reference(picture: ReferencePicture, actor: Any) -> None:
    """Take a picture away from the client's photos. Raises NotAllowed."""
    require(actor, Role.MANAGER, to=_("take a reference picture away"))
    with transaction.atomic():
        audit.record("client.reference_removed", picture.client, actor=actor, before={"caption": picture.caption})
        picture.delete()
