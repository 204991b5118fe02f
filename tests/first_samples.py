"""A batch that does a sample first, for tests: photos that wait, a round that is drawn, judged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

from reviewapp.enums import AssetState
from reviewapp.models import Asset, Batch, FirstSample, Task
from reviewapp.selectors import batches as reads
from reviewapp.services import applying, batches, presets
from tests import factories


def waiting(count: int, **fields: Any) -> Batch:
    """A closed batch whose photos are classified and wait; nothing is drawn yet."""
    batch = factories.make_batch(first_share=0.1, **fields)
    for _ in range(count):
        factories.make_asset(batch, AssetState.WAITS_FOR_SAMPLE, complexity="simple", lane="")
    return batch


def drawn(count: int, **fields: Any) -> tuple[Batch, FirstSample]:
    batch = waiting(count, **fields)
    batches.refresh(batch.pk)
    batch.refresh_from_db()
    return batch, batch.first_samples.get()


def judged(sample: FirstSample) -> None:
    """As if reviewers had approved all of it."""
    Asset.objects.filter(first_member__sample=sample).update(state=AssetState.APPROVED)
    Task.objects.filter(asset__first_member__sample=sample).update(state="done")
    batches.refresh(sample.batch_id)


def states(batch: Batch) -> dict[str, int]:
    return reads.counts(batch)


def newer(batch: Batch) -> Any:
    """The next version of the batch's preset, in use."""
    pinned = batch.preset_version
    made = presets.create_version(pinned.preset, {**pinned.params, "geometry": {"fill_ratio": 0.6}}, "larger", None)
    presets.set_current(made, None)
    return made


def at_once(count: int, work: Callable[[], object]) -> list[object]:
    """What `count` threads got that did `work` at the same time; an exception is an answer too."""
    found: list[object] = []

    def one() -> None:
        try:
            found.append(work())
        except applying.FirstSampleRefused as refused:
            found.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == count
    return found
