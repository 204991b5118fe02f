"""SCH-24, C27: a batch is cancelled while workers finish steps of its photos: none stays between two states."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from reviewapp.enums import MACHINE_STATES, AssetState
from reviewapp.services import assets, batches
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def test_sch24_a_step_that_commits_while_its_batch_is_cancelled_leaves_no_photo_behind() -> None:
    """The worker's transaction is open when the list of what is to do is read, and commits before its photo's turn."""
    batch = factories.make_batch()
    photos = [factories.make_asset(batch, AssetState.RECEIVED) for _ in range(2)]
    cancelled: list[int] = []

    def cancel() -> None:
        try:
            cancelled.append(batches.cancel(batch, "Not wanted"))
        finally:
            connection.close()

    manager = threading.Thread(target=cancel)
    with transaction.atomic():
        assets.move(photos[1], AssetState.VALIDATED)
        manager.start()
        manager.join(1.0)
    manager.join(30)
    assert cancelled == [2]
    assert not batch.assets.filter(state__in=MACHINE_STATES).exists()
