"""Files of a form go to temporary files on the data disk, and no further than the form's own limit."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpRequest
from django.utils.translation import gettext as _

FORM_REST_BYTES = 1024 * 1024
"""Room for the other fields of a form beside its file."""
MAX_FORM_BYTES = 5 * 1024 * 1024
"""A form of a page that asked for no more (web.streams.limited_form). The parser runs before anybody is known."""


def too_large(limit: int) -> RequestDataTooBig:
    """Return the refusal; the error pages answer it with 413."""
    most = f"{limit / 1_000_000:,.0f}"
    return RequestDataTooBig(_("The form is larger than the %(most)s MB this page takes.") % {"most": most})


class CappedUploadHandler(TemporaryFileUploadHandler):
    """Refuses by the announced length before a byte is kept, and by what really comes while it comes (SEC-13).

    `max_file_bytes` bounds each file that is no archive; an archive may fill the form.
    """

    def __init__(
        self, request: HttpRequest | None = None, max_bytes: int = MAX_FORM_BYTES, max_file_bytes: int = 0
    ) -> None:
        super().__init__(request)
        self._max_bytes = max_bytes
        self._max_file_bytes = max_file_bytes or max_bytes
        self._seen = 0
        self._limit = self._max_file_bytes

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, boundary: Any, encoding: str | None = None
    ) -> None:
        """Refuse a form announced larger than its page takes."""
        if content_length > self._max_bytes:
            raise too_large(self._max_bytes)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """Begin to count a file."""
        super().new_file(*args, **kwargs)
        self._seen = 0
        is_archive = str(self.file_name or "").lower().endswith(".zip")
        self._limit = self._max_bytes if is_archive else self._max_file_bytes

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep a piece, or stop the whole form: Django deletes what it kept so far."""
        self._seen += len(raw_data)
        if self._seen > self._limit:
            self.upload_interrupted()
            raise too_large(self._limit)
        super().receive_data_chunk(raw_data, start)
