"""Reports of browsers about what the content policy stopped. Anybody may post here: it keeps little, says nothing."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from reviewapp.policies.numbers import whole

logger = logging.getLogger(__name__)

MAX_BYTES = 8 * 1024
PER_MINUTE = 10
"""Lines of one process in a minute; what is more is counted and said in one line."""
TYPES = frozenset({"application/csp-report", "application/reports+json", "application/json"})
MOST = 200
_lock = threading.Lock()
_minute = {"started": 0.0, "said": 0, "dropped": 0}


@csrf_exempt
@require_POST
def report(request: HttpRequest) -> HttpResponse:
    """204 whatever came: whoever fills it learns nothing, and fills no log."""
    length = whole(request.META.get("CONTENT_LENGTH") or "")
    if request.content_type in TYPES and length is not None and length <= MAX_BYTES:
        for facts in _read(request.body):
            if _may_say():
                logger.warning("csp_report", extra=facts)
    return HttpResponse(status=204)


def _read(body: bytes) -> list[dict[str, str]]:
    """Both forms browsers send, cut down to a few known fields; [] for anything else."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return []
    entries = said if isinstance(said, list) else [said]
    found = []
    for entry in entries[:3]:
        inner = (entry.get("csp-report") or entry.get("body")) if isinstance(entry, dict) else None
        if isinstance(inner, dict):
            found.append(_facts(inner))
    return found


def _facts(inner: dict[str, Any]) -> dict[str, str]:
    def one(*names: str) -> str:
        return next((str(inner[name])[:MOST] for name in names if isinstance(inner.get(name), str)), "")

    blocked = one("blocked-uri", "blockedURL")
    return {
        "directive": one("effective-directive", "effectiveDirective", "violated-directive"),
        "blocked": _place(blocked) if "://" in blocked else blocked,
        "page": _place(one("document-uri", "documentURL")),
        "source": _place(one("source-file", "sourceFile")),
    }


def _place(address: str) -> str:
    """Host and path: a query may hold what is nobody's business."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.hostname or ''}{parts.path}"


def _may_say() -> bool:
    with _lock:
        now = time.monotonic()
        if now - _minute["started"] >= 60:
            dropped = int(_minute["dropped"])
            _minute.update(started=now, said=0, dropped=0)
            if dropped:
                logger.warning("csp_reports_dropped", extra={"reports": dropped})
        if _minute["said"] >= PER_MINUTE:
            _minute["dropped"] += 1
            return False
        _minute["said"] += 1
        return True
