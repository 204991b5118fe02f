"""A stopped lot: done again with the preset before in one click, or handed to editors."""

from __future__ import annotations

import pytest

from reviewapp.enums import AssetState, EditReason, LotState, Role, Step
from reviewapp.models import Asset, AuditEvent, Batch, Look, Lot, PresetVersion, Task
from reviewapp.selectors import presets
from reviewapp.services import people as people_service
from reviewapp.services import scopes, strata
from reviewapp.services.handover import open_editing
from tests import factories
from tests.lots import approved, planned, proven_batch

pytestmark = pytest.mark.django_db(transaction=True)


def held_lot(previous: bool = True) -> Lot:
    batch = proven_batch()
    if previous:
        made = batch.preset_version
        factories.make_batch(preset_version=made)  # the version before was in use
        newer = PresetVersion.objects.create(
            preset=made.preset, number=2, params=made.params, digest=made.digest, note="newer"
        )
        Batch.objects.filter(pk=batch.pk).update(preset_version=newer)
        batch.refresh_from_db()
    approved(batch, 30)
    lot = planned(batch)
    Lot.objects.filter(pk=lot.pk).update(state=LotState.HELD, why="2 finds in 29 looks.")
    return lot


def test_one_click_does_the_stratum_again_with_the_preset_before() -> None:
    lot = held_lot()
    manager, batch = factories.make_user("", Role.MANAGER), lot.places.first().asset.batch  # type: ignore[union-attr]
    with pytest.raises(people_service.NotAllowed):
        strata.reprocess(lot.pk, factories.make_user("", Role.REVIEWER))
    found = lot.places.get(rank=0).asset
    open_editing(found, EditReason.SAMPLE_REJECTED, "Found", base_run=found.current_run)
    done = strata.reprocess(lot.pk, manager)
    assert (done.photos, done.version.number) == (29, 1)
    assert batch.assets.filter(state=AssetState.REDO, attempt=2, sample_block=None).count() == 29
    assert Task.objects.filter(step=Step.PROCESS, asset__batch=batch).count() == 29
    again = batch.assets.filter(state=AssetState.REDO)[0]
    assert presets.version_for(again).number == 1, "the line does them with the version before"
    assert not Look.objects.filter(lot=lot, verdict="", is_void=False).exists()
    with pytest.raises(scopes.HoldRefused):
        strata.reprocess(lot.pk, manager)
    assert AuditEvent.objects.filter(verb="lot.reprocessed", actor=manager).count() == 1
    found.refresh_from_db()
    assert found.state == AssetState.EDITING


def test_without_an_earlier_preset_the_lot_goes_to_editors() -> None:
    lot = held_lot(previous=False)
    manager = factories.make_user("", Role.MANAGER)
    with pytest.raises(scopes.HoldRefused, match="no earlier version"):
        strata.reprocess(lot.pk, manager)
    assert strata.hand_to_editors(lot.pk, manager) == 30
    assert Asset.objects.filter(state=AssetState.EDITING).count() == 30
