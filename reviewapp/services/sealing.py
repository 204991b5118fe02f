"""Sealing the audit log and the decisions: a chain of hashes that shows what was changed, removed or put in between.

Sealed afterwards, by the sweep: chained at the insert, every decision would wait for every other one's transaction.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from reviewapp.models import AuditSeal
from reviewapp.policies import sealing as maths
from reviewapp.selectors import sealing as selectors

logger = logging.getLogger("softproof.audit")

SIZE = 1000
"""Rows of one seal at most."""
PIECES = 20
"""Seals of one table in one round at most: an old archive is sealed bit by bit."""
MARGIN = timedelta(seconds=60)
"""Between a row's time and its seal; covers clocks that differ between machines."""
EVERY = timedelta(minutes=5)
"""A seal with fewer than SIZE rows is made this often."""


def tick() -> int:
    """One round of the sweep. Returns how many seals were made."""
    return sum(len(_round(stream, pieces=PIECES, every=EVERY, margin=MARGIN)) for stream in selectors.STREAMS)


def seal_all(margin: timedelta = MARGIN) -> int:
    """Seal everything that is older than `margin`, however much it is. Returns how many seals were made."""
    made = 0
    for stream in selectors.STREAMS:
        while here := _round(stream, pieces=PIECES, margin=margin):
            made += len(here)
    return made


def _round(stream: str, *, pieces: int, every: timedelta = timedelta(0), margin: timedelta = MARGIN) -> list[AuditSeal]:
    made: list[AuditSeal] = []
    try:
        if late := _seal_late(stream):
            made.append(late)
        for _ in range(pieces):
            seal = _seal_next(stream, every, margin)
            if seal is None:
                break
            made.append(seal)
    except IntegrityError:  # another sweeper made the seal of this number; it carries on
        logger.info("audit_seal_taken", extra={"stream": stream})
    return made


def _seal_next(stream: str, every: timedelta, margin: timedelta) -> AuditSeal | None:
    """Seal the next piece; None when there is nothing, or too little yet."""
    until = selectors.horizon() - margin
    # Read before where this table stands: whoever seals in between takes the number, and ours is refused.
    head = _head()
    latest = AuditSeal.objects.filter(stream=stream).order_by("-number").values_list("last_id", "made_at").first()
    after, made_at = latest or (maths.FIRST_ID, None)
    found = selectors.settled(stream, after, until, SIZE)
    if not found or (len(found) < SIZE and made_at is not None and timezone.now() - made_at < every):
        return None
    layout = selectors.layout_of(selectors.STREAMS[stream])
    last = int(found[-1][layout.index("id")])
    return _close(stream, head, found, after_id=after, last_id=last, is_late=False)


def _seal_late(stream: str) -> AuditSeal | None:
    """Seal rows that came into a sealed range afterwards, and say so: they are covered, and known to be late."""
    head = _head()
    missed = selectors.latecomers(stream)
    if not missed:
        return None
    model = selectors.STREAMS[stream]
    last = AuditSeal.objects.filter(stream=stream).order_by("-number").values_list("last_id", flat=True)[0]
    found = list(selectors.rows(model, selectors.layout_of(model), pk__in=missed[:SIZE]))
    logger.warning("audit_late", extra={"stream": stream, "ids": missed[:20], "rows": len(missed)})
    return _close(stream, head, found, after_id=last, last_id=last, is_late=True)


def _head() -> tuple[int, str]:
    found = AuditSeal.objects.order_by("-number").values_list("number", "digest").first()
    return found or (0, maths.FIRST)


def _close(stream: str, head: tuple[int, str], found: Sequence[tuple[Any, ...]], **where: Any) -> AuditSeal:
    """Write the seal after `head`. Raises IntegrityError when somebody else's has that number."""
    layout = selectors.layout_of(selectors.STREAMS[stream])
    at = layout.index("id")
    members = [(int(row[at]), maths.leaf(layout, row)) for row in found]
    key: bytes | None = settings.AUDIT_KEYS[0] if settings.AUDIT_KEYS else None
    seal = AuditSeal(
        number=head[0] + 1,
        stream=stream,
        layout=",".join(layout),
        count=len(members),
        members=maths.pack(members),
        leaves=maths.leaves_digest(one for _pk, one in members),
        previous=head[1],
        key_id=maths.key_id(key) if key else "",
        made_at=timezone.now(),
        **where,
    )
    seal.digest = maths.seal_digest(selectors.facts(seal), key)
    with transaction.atomic():
        seal.save()
    _tell(seal)
    return seal


def _tell(seal: AuditSeal) -> None:
    """Put the head of the chain where whoever can write the database can't: into the log and the anchor file."""
    said = {"seal": seal.number, "digest": seal.digest, "stream": seal.stream, "last_id": seal.last_id}
    logger.info("audit_sealed", extra={**said, "rows": seal.count, "late": seal.is_late, "key": seal.key_id})
    path: Path | None = settings.AUDIT_ANCHOR
    if path is None:
        return
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write(json.dumps({**said, "made_at": seal.made_at.isoformat()}).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:  # the chain itself stands; the log has its head
        logger.warning("audit_anchor_failed", extra={"error": str(error)})
