"""One JSON line per event on standard error; what a caller passes as `extra` becomes fields."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

_STANDARD = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}


_LINK = re.compile(r"(/link/)[^/?#\s\"\\]+")


def without_links(text: str) -> str:
    """Return `text` without the signed part of links to deliveries: a log opens none of them (SEC-14)."""
    return _LINK.sub(r"\1(signed)", text)


class JsonFormatter(logging.Formatter):
    """Formats a record as one line. Values that JSON doesn't know are written as text."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "ts": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        line.update({key: value for key, value in vars(record).items() if key not in _STANDARD})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return without_links(json.dumps(line, default=str))
