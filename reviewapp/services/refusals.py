"""What the front door says no with; every message is a sentence for the person who sent the files."""

from __future__ import annotations

from processing.errors import InputRejected


class IngestRefused(InputRejected):
    """What was sent can't be used, or asked for what there isn't. The message says what to do instead."""


class BatchClosed(IngestRefused):
    """The batch takes no more files."""

    def __init__(self) -> None:
        super().__init__("This batch takes no more files. Start a new batch for them.", code="batch_closed")
