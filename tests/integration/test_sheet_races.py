"""RTE-09, ING-20: a sheet that comes while workers have its photos; no row is lost, nobody is passed by."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from reviewapp.enums import AssetState, Step
from reviewapp.models import Task
from reviewapp.services import assets, execution, ingest
from tests import factories, line

pytestmark = pytest.mark.django_db(transaction=True)


def test_ing20_a_step_that_commits_while_a_sheet_is_applied_costs_no_row() -> None:
    """The worker's transaction is open when the photos are read, and commits before its photo's turn."""
    batch = factories.make_batch()
    photo = factories.make_asset(batch, AssetState.RECEIVED, filename="a.jpg", relative_path="a.jpg", sku="")
    rows = ingest.read_csv("file,sku,category\na.jpg,NW-1,jewelry\n")

    def attach() -> None:
        try:
            ingest.attach_rows(batch, rows)
        finally:
            connection.close()

    manager = threading.Thread(target=attach)
    with transaction.atomic():
        assets.move(photo, AssetState.VALIDATED)
        manager.start()
        manager.join(1.0)
    manager.join(30)
    photo.refresh_from_db()
    assert (photo.state, photo.sku, photo.category) == (AssetState.VALIDATED, "NW-1", "jewelry")


def test_rte09_a_category_that_comes_while_a_photo_is_processed_still_gets_its_person(monkeypatch: Any) -> None:
    factories.make_policy(approve_at=30.0, review_at=10.0)
    batch = line.open_batch(validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(1, side=640), sku="A", category="books")
    ingest.close_batch(batch)
    while not Task.objects.filter(step=Step.PROCESS).exists():
        line.run_line(1)
    rows, real = ingest.read_csv("file,sku,category\na.jpg,A,jewelry\n"), execution.remover_for

    def meanwhile(params: Any) -> Any:
        """The worker has read its photo, and the list arrives."""
        assert ingest.attach_rows(batch, rows) == 1
        return real(params)

    with monkeypatch.context() as patched:
        patched.setattr(execution, "remover_for", meanwhile)
        line.run_line(1)
    photo = batch.assets.get()
    assert (photo.category, photo.state) == ("jewelry", AssetState.EDITING)
