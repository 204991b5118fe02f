"""What became of every file, and what may not happen to any."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """Counts of one run, kept by many threads."""

    files: int = 0
    ended: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    ways: Counter[str] = field(default_factory=Counter)
    deaths: list[str] = field(default_factory=list)
    unrecovered: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    slow: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unhandled: list[str] = field(default_factory=list)
    unreasoned: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    peaks: dict[str, int] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    slowest: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def end(self, kind: str, way: str, outcome: str, code: str, reason: str) -> None:
        """One file ended: accepted, or rejected with a code and a sentence."""
        with self._lock:
            self.files += 1
            self.ways[way] += 1
            family = kind.split(" ", 1)[0]
            self.ended[family][outcome if outcome == "accepted" else f"{outcome}: {code}"] += 1
            if outcome == "unhandled":
                self.unhandled.append(f"{kind}: {reason}")
            elif not reason.strip():
                self.unreasoned.append(f"{kind}: {outcome} {code}")

    def took(self, what: str, seconds: float, limit: float) -> None:
        """How long an answer took; the longest of each kind is kept."""
        with self._lock:
            self.slowest[what] = max(seconds, self.slowest.get(what, 0.0))
            if seconds > limit:
                self.slow.append(f"{what}: {seconds:.1f} s")

    def peak(self, who: str, rss: int) -> None:
        """Resident memory of a process, in bytes; the largest is kept."""
        with self._lock:
            self.peaks[who] = max(rss, self.peaks.get(who, 0))

    def note(self, where: list[str], what: str) -> None:
        """Add to one of the lists of what may not happen."""
        with self._lock:
            where.append(what)

    def figures(self) -> dict[str, Any]:
        """All of it, for the report; of long lists the first ten."""
        slowest = sorted(self.slowest.items(), key=lambda item: -item[1])[:8]
        return {
            "files": self.files,
            "ways": dict(self.ways),
            "ended": {kind: dict(found.most_common()) for kind, found in sorted(self.ended.items())},
            "peak_rss_mib": {who: round(rss / 2**20) for who, rss in sorted(self.peaks.items())},
            "slowest_s": {what: round(seconds, 2) for what, seconds in slowest},
            "limits": self.limits,
            "worker_deaths": len(self.deaths),
            "deaths": self.deaths[:10],
            "hangs": self.hangs[:10],
            "slow": self.slow[:10],
            "server_faults": self.faults[:10],
            "unhandled": self.unhandled[:10],
            "unreasoned": self.unreasoned[:10],
            "unrecovered": self.unrecovered[:10],
            "left_over": self.left_over[:10],
        }
