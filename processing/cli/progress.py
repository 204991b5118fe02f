"""What a long run shows: a bar with the time left, and a summary whose numbers add up (SCH-12, SCH-13)."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from types import FrameType, TracebackType

from tqdm import tqdm


class Progress:
    """A bar on standard error while it is a terminal, nothing otherwise; failures are always told there, one a line."""

    def __init__(self, total: int, *, verbose: bool = False) -> None:
        self.counts: Counter[str] = Counter()
        self._planned = total
        self._verbose = verbose
        self._bar = tqdm(total=total, unit="photo", file=sys.stderr, disable=None, dynamic_ncols=True, smoothing=0.1)

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def expect(self, more: int) -> None:
        """Count on `more` items than were known at the start."""
        self._planned += more
        self._bar.total = self._planned
        self._bar.refresh()

    def add(self, name: str, status: str, note: str = "") -> None:
        """Count one item that ended with `status`: done, skipped, evened, failed. `note`: its score, size or reason."""
        self.counts[status] += 1
        self._bar.set_postfix(failed=self.counts["failed"], refresh=False)
        self._bar.update()
        name, note = (word.encode("utf-8", "backslashreplace").decode() for word in (name, note))
        if status == "failed":
            tqdm.write(f"Failed to process {name}: {note}", file=sys.stderr)
        elif self._verbose:
            done = "Already done" if status == "skipped" else "Successfully processed"
            tqdm.write(f"{done}: {name}" + (f" ({note})" if note else ""), file=sys.stderr)

    @property
    def is_short(self) -> bool:
        """Whether items are left that were planned."""
        return sum(self.counts.values()) < self._planned

    def summary(self) -> str:
        """Return the closing lines: whether all were reached, successful, already done, failed, with shares."""
        total = sum(self.counts.values()) - self.counts["evened"]
        left = self._planned - sum(self.counts.values())
        lines = ["Batch processing complete", f"Total: {total}"]
        if left:
            lines = [f"Stopped: {left} of {self._planned} not done; the same command goes on", f"Total so far: {total}"]
        for label, status in (("Successful", "done"), ("Already done", "skipped"), ("Failed", "failed")):
            count = self.counts[status]
            share = f" ({100 * count / total:.1f}%)" if total else ""
            if count or status != "skipped":
                lines.append(f"{label}: {count}{share}")
        if self.counts["evened"]:
            lines.append(f"Brought in line with their set: {self.counts['evened']}")
        return "\n".join(lines)


class Stop:
    """Ctrl-C once: finish what is in work, start nothing new. Twice: stop at once."""

    def __init__(self) -> None:
        self.is_asked = False
        self._before = signal.signal(signal.SIGINT, self._ask)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if self.is_asked:
            raise KeyboardInterrupt
        self.is_asked = True
        print("Stopping after what is in work; run the same command again to go on.", file=sys.stderr)

    def restore(self) -> None:
        """Give Ctrl-C back to whom it belonged."""
        signal.signal(signal.SIGINT, self._before)
