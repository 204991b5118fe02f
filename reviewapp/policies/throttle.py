"""How long somebody waits after failed tries to sign in: longer each time, never for good."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_WAIT_S = 30


@dataclass(frozen=True, slots=True)
class Limit:
    """So many tries are free; each further one doubles the wait, up to a cap. Forgotten after a time without any."""

    free: int
    cap_s: int
    forget_s: int

    def wait_s(self, failures: int) -> int:
        """Seconds to wait after so many failures in a row; 0: none."""
        over = failures - self.free
        return min(self.cap_s, FIRST_WAIT_S * 2 ** min(over, 20)) if over >= 0 else 0


ACCOUNT = Limit(free=5, cap_s=900, forget_s=24 * 3600)
"""A quarter of an hour at most: longer would let anybody who knows a name keep its person out."""
ADDRESS = Limit(free=30, cap_s=3600, forget_s=3600)
"""An office behind one address may mistype a few times."""
