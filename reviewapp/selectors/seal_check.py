"""Recomputing the chain: is what was written once still there, unchanged, and nothing put in between?"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import FieldError
from django.utils import timezone

from reviewapp.models import AuditSeal
from reviewapp.policies import sealing as maths

from . import sealing

MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that isn't as it was sealed. `kind`: changed, removed, inserted, seal, chain, cut, anchor, key."""

    kind: str
    seal: int
    stream: str
    ids: list[int]
    text: str


@dataclass(slots=True)
class Report:
    """What a check of the whole chain found."""

    seals: int = 0
    rows: int = 0
    late: int = 0
    unsigned: int = 0
    unsealed: int = 0
    oldest_unsealed: datetime | None = None
    anchors: int = 0
    head: str = maths.FIRST
    problems: list[Problem] = field(default_factory=list)
    unchecked: list[Problem] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0: as sealed. 1: something differs. 2: something could not be checked."""
        return 1 if self.problems else 2 if self.unchecked else 0


class _Walk:
    """One pass over the chain, seal by seal."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.report = Report()
        self._keys = {maths.key_id(key): key for key in keys}
        self._previous = maths.FIRST
        self._ends = dict.fromkeys(sealing.STREAMS, maths.FIRST_ID)
        self._late = {stream: sealing.late_ids(stream) for stream in sealing.STREAMS}
        self._forgiven_from = timezone.now() - timedelta(seconds=sealing.LATE_S)
        self.digests: dict[int, str] = {}

    def step(self, seal: AuditSeal) -> None:
        """Check one seal against the one before it and the rows it holds."""
        report = self.report
        expected = report.seals + 1 if not self.digests else max(self.digests) + 1
        if seal.number != expected:
            gone = f"seal {expected}" if seal.number == expected + 1 else f"seals {expected} to {seal.number - 1}"
            self._wrong("chain", seal, [], f"{gone} missing before seal {seal.number}")
        elif seal.previous != self._previous:
            self._wrong("chain", seal, [], f"seal {seal.number} doesn't follow on seal {seal.number - 1}")
        self._check_digest(seal)
        if not seal.is_late and seal.after_id != self._ends.get(seal.stream):
            self._wrong("chain", seal, [], f"seal {seal.number} doesn't begin where the one before it ended")
        self._check_rows(seal)
        self._ends[seal.stream] = seal.last_id
        self._previous, report.head = seal.digest, seal.digest
        self.digests[seal.number] = seal.digest
        report.seals += 1
        report.rows += seal.count
        report.late += seal.count if seal.is_late else 0
        report.unsigned += not seal.key_id

    def finish(self) -> None:
        """Count what no seal holds yet."""
        for stream, last in self._ends.items():
            waiting = sealing.STREAMS[stream]._default_manager.filter(pk__gt=last)
            self.report.unsealed += waiting.count()
            first = waiting.order_by("pk").values_list("created_at", flat=True).first()
            if first is not None:
                self.report.oldest_unsealed = min(first, self.report.oldest_unsealed or first)

    def _check_digest(self, seal: AuditSeal) -> None:
        key = self._keys.get(seal.key_id)
        if seal.key_id and key is None:
            text = f"seal {seal.number} is closed by key {seal.key_id}, which isn't among the keys given"
            self.report.unchecked.append(Problem("key", seal.number, seal.stream, [], text))
        elif maths.seal_digest(sealing.facts(seal), key) != seal.digest:
            self._wrong("seal", seal, [], f"seal {seal.number} was changed")

    def _check_rows(self, seal: AuditSeal) -> None:
        try:
            members = maths.unpack(bytes(seal.members))
        except ValueError:
            self._wrong("seal", seal, [], f"seal {seal.number}: its list of rows is cut")
            return
        layout, model = seal.layout.split(","), sealing.STREAMS.get(seal.stream)
        if model is None:
            self._wrong("seal", seal, [], f"seal {seal.number} is about {seal.stream!r}, which is no table of ours")
            return
        where: dict[str, Any] = {"pk__in": list(members)}
        if not seal.is_late:
            where = {"pk__gt": seal.after_id, "pk__lte": seal.last_id}
        try:
            found = {row[layout.index("id")]: maths.leaf(layout, row) for row in sealing.rows(model, layout, **where)}
        except (FieldError, ValueError):
            text = f"seal {seal.number} was made of columns that are gone"
            self.report.unchecked.append(Problem("layout", seal.number, seal.stream, [], text))
            return
        self._compare(seal, members, found)

    def _compare(self, seal: AuditSeal, members: Mapping[int, bytes], found: Mapping[int, bytes]) -> None:
        changed = [pk for pk, mark in members.items() if pk in found and found[pk][:8] != mark]
        removed = [pk for pk in members if pk not in found]
        extra = [pk for pk in found if pk not in members and pk not in self._late[seal.stream]]
        if changed:
            self._wrong("changed", seal, changed, f"{len(changed)} of {seal.stream} changed since seal {seal.number}")
        if removed:
            self._wrong("removed", seal, removed, f"{len(removed)} of {seal.stream} gone since seal {seal.number}")
        if extra and seal.made_at >= self._forgiven_from:
            self.report.unsealed += len(extra)  # a transaction that took long; the next round seals it as late
        elif extra:
            self._wrong(
                "inserted", seal, extra, f"{len(extra)} of {seal.stream} put into what seal {seal.number} holds"
            )
        if not changed and not removed:
            whole = maths.leaves_digest(found[pk] for pk in members)
            if whole != seal.leaves or len(members) != seal.count:
                self._wrong("changed", seal, [], f"the rows of seal {seal.number} aren't those it was made of")

    def _wrong(self, kind: str, seal: AuditSeal, ids: list[int], text: str) -> None:
        self.report.problems.append(Problem(kind, seal.number, seal.stream, ids[:MOST_NAMED], text))


def check(keys: Sequence[bytes] = (), anchors: Iterable[Path] = ()) -> Report:
    """Recompute the whole chain and hold it against the heads kept in `anchors`. Reads, never writes."""
    walk = _Walk(keys)
    for seal in sealing.seals():
        walk.step(seal)
    walk.finish()
    for path in anchors:
        _hold_against(path, walk)
    return walk.report


def _hold_against(path: Path, walk: _Walk) -> None:
    """Compare with heads that were written down outside the database: JSON lines with `seal` and `digest`."""
    report = walk.report
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        report.unchecked.append(Problem("anchor", 0, "", [], f"{path} can't be read: {error.strerror}"))
        return
    kept = dict(filter(None, map(_head_in, lines)))
    report.anchors += len(kept)
    newest = max(walk.digests, default=0)
    lost = sorted(number for number in kept if number > newest)
    if lost:
        text = f"the chain ends at seal {newest}, and there was a seal {lost[-1]}: its end was cut off"
        report.problems.append(Problem("cut", newest, "", [], text))
    for number, digest in sorted(kept.items()):
        if walk.digests.get(number, digest) != digest:
            text = f"seal {number} isn't the one that was made then: the chain was written anew"
            report.problems.append(Problem("anchor", number, "", [], text))
            return


def _head_in(line: str) -> tuple[int, str] | None:
    try:
        said = json.loads(line)
        return int(said["seal"]), str(said["digest"])
    except (ValueError, KeyError, TypeError):  # another line of a log, or one cut by a power cut
        return None
