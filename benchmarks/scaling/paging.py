"""What a page costs by its place in the list: by keyset, as the site asks, and by OFFSET on the same table."""

from __future__ import annotations

import statistics
import time
from typing import Any

from reviewapp.models import Asset
from reviewapp.selectors import assets

ROUNDS = 3


def compare() -> dict[str, Any]:
    """Milliseconds (median) of a page of 60 at the start, middle and end, both ways; and the ratio at the end."""
    found: dict[str, Any] = {}
    last = Asset.objects.latest("pk").pk
    count = Asset.objects.count()
    for place, share in (("start", 0.0), ("middle", 0.5), ("end", 0.99)):
        after, offset = int(last * share), int(count * share)
        ways: dict[str, list[float]] = {"keyset": [], "offset": []}
        for _ in range(ROUNDS):
            ways["keyset"].append(_timed(lambda after=after: assets.page(assets.AssetFilter(), after=after or None)))
            ways["offset"].append(_timed(lambda offset=offset: list(_rows()[offset : offset + assets.PAGE_SIZE])))
        found[place] = {way: round(statistics.median(times) * 1000, 2) for way, times in ways.items()}
    found["offset_over_keyset_at_the_end"] = round(found["end"]["offset"] / found["end"]["keyset"], 1)
    return found


def _rows() -> Any:
    return Asset.objects.order_by("pk").select_related("batch__client", "current_run__quality", "duplicate_of")


def _timed(ask: Any) -> float:
    started = time.perf_counter()
    ask()
    return time.perf_counter() - started
