"""What goes wrong with S3, in the words of files: botocore's errors are no OSError, so nobody would know what to do.

Around every call of the bucket stands `reaching`. A bucket that gives no answer, or says that it can't now, is away: it
waits. One that refuses (keys, rights, a bucket that isn't there) is for people: asking again changes nothing.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from django.utils.translation import gettext as _

MISSING = ("404", "NoSuchKey")
BUSY = ("RequestTimeout", "Throttling", "ThrottlingException", "TooManyRequests", "SlowDown")
NO_ROOM, TOO_MANY, SERVER_FAULT = 507, 429, 500


class StorageFull(OSError):
    """There's no room for more files; nothing was kept. Free space, then try again."""

    def __init__(self, message: str = "") -> None:
        super().__init__(errno.ENOSPC, message or _("The disk is full. Free some space, then try again."))


class StorageAway(ConnectionError):
    """The bucket can't be reached, or can't answer now. Nothing was kept; it is there again when it is."""

    def __init__(self) -> None:
        super().__init__(_("The file storage can't be reached. Nothing was kept of this; try again in a moment."))


class StorageRefused(OSError):
    """The bucket refuses us: its keys, rights or name are wrong, and somebody must put that right."""

    def __init__(self, why: str) -> None:
        told = _("The file storage refused (%(why)s). An admin must look at its keys and rights; then try again.")
        super().__init__(told % {"why": why})


@contextmanager
def reaching(key: str) -> Iterator[None]:
    """Turn the errors of S3's client into FileNotFoundError, StorageFull, StorageAway or StorageRefused."""
    from boto3.exceptions import Boto3Error  # slow to load, so only where files lie on S3
    from botocore.exceptions import BotoCoreError, ClientError
    from s3transfer.exceptions import RetriesExceededError

    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error, RetriesExceededError) as error:
        raise _ours(error, key) from error


def _ours(error: Exception, key: str) -> OSError:
    from botocore import exceptions as known

    if isinstance(error, known.ClientError):
        return _answered(error.response, key)
    # boto3 and s3transfer wrap what the bucket said.
    inner = error.__cause__ or error.__context__ or getattr(error, "last_exception", None)
    if not isinstance(error, known.BotoCoreError):
        return _ours(inner, key) if isinstance(inner, known.ClientError | known.BotoCoreError) else StorageAway()
    away = (known.HTTPClientError, known.ConnectionError, known.IncompleteReadError, known.ChecksumError)
    return StorageAway() if isinstance(error, away) else StorageRefused(str(error))


def _answered(response: dict[str, dict[str, object]], key: str) -> OSError:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(str(response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0))
    if code in MISSING:
        return FileNotFoundError(errno.ENOENT, "No such file", key)
    if status == NO_ROOM:
        return StorageFull()
    if status >= SERVER_FAULT or status == TOO_MANY or code in BUSY:
        return StorageAway()
    return StorageRefused(code or str(status))
