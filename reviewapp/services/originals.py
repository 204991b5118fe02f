"""Reading what the line works from: never a damaged file, and a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from processing.errors import StageFailed
from reviewapp import storage
from reviewapp.models import Asset

DAMAGED = "original_damaged"
REMOVED = "removed_by_retention"


@contextmanager
def of(asset: Asset) -> Iterator[Path]:
    """Give the path of a photo's original, its SHA-256 held against the row's. Raises StageFailed."""
    if asset.batch.originals_removed_at is not None:
        raise StageFailed(
            "The original was removed by the client's retention. Upload the photo again in a new batch.", code=REMOVED
        )
    sentence = "The stored original is missing or damaged. Upload the photo again in a new batch."
    if storage.sha_of(asset.original_key) != asset.sha256:
        raise StageFailed(sentence, code=DAMAGED)
    with whole(asset.original_key, sentence, DAMAGED) as path:
        yield path


@contextmanager
def whole(key: str, sentence: str, code: str) -> Iterator[Path]:
    """Give the path of a stored file whose bytes are what its key promises. Raises StageFailed with `sentence`."""
    with ExitStack() as held:
        try:
            path = held.enter_context(storage.verified_path(key))
        except (FileNotFoundError, storage.FileDamaged) as error:
            raise StageFailed(sentence, code=code) from error
        yield path
