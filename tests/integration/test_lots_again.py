"""A stopped lot: done again with the preset before in one click, or handed to editors."""

from __future__ import annotations

import pytest
from django.utils import timezone

from reviewapp.enums import AssetState, EditReason, LifeState, LotState, Role, Sampling, Step
from reviewapp.models import Asset, AuditEvent, Batch, Client, Look, Lot, PresetLife, PresetVersion, Task
from reviewapp.selectors import deliveries, presets
from reviewapp.services import lives, scopes, strata
from reviewapp.services import people as people_service
from reviewapp.services import presets as preset_services
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
    chosen = lot.places.get(rank=1).asset_id  # a manager had chosen the version for this one by itself (CLS-17)
    Asset.objects.filter(pk=chosen).update(own_preset=lot.scope.preset_version)
    done = strata.reprocess(lot.pk, manager)
    assert (done.photos, done.version.number) == (29, 1)
    assert batch.assets.filter(state=AssetState.REDO, attempt=2, sample_block=None).count() == 29
    assert Task.objects.filter(step=Step.PROCESS, asset__batch=batch).count() == 29
    again = batch.assets.filter(state=AssetState.REDO)[0]
    assert presets.version_for(again).number == 1, "the line does them with the version before"
    assert presets.version_for(Asset.objects.get(pk=chosen)).number == 1
    assert not Look.objects.filter(lot=lot, verdict="", is_void=False).exists()
    with pytest.raises(scopes.HoldRefused):
        strata.reprocess(lot.pk, manager)
    assert AuditEvent.objects.filter(verb="lot.reprocessed", actor=manager).count() == 1
    found.refresh_from_db()
    assert found.state == AssetState.EDITING


def test_what_only_lost_or_was_rolled_back_is_no_preset_before() -> None:
    lot = held_lot()
    made = lot.scope.preset_version
    first = strata.previous_version(lot)
    assert first is not None and first.number == 1
    PresetVersion.objects.filter(pk=made.pk).update(number=5)
    lost, back = (
        PresetVersion.objects.create(preset=made.preset, number=n, params=made.params, digest=f"{n:064d}", note="n")
        for n in (3, 4)
    )
    lives.begin(lost, first)
    lives.begin(back, first)
    PresetLife.objects.filter(version=lost).update(state=LifeState.RETIRED)
    PresetLife.objects.filter(version=back).update(state=LifeState.ROLLED_BACK, activated_at=timezone.now())
    assert strata.previous_version(Lot.objects.get(pk=lot.pk)) == first
    admin = factories.make_user("", Role.ADMIN)
    with pytest.raises(preset_services.PresetRefused, match="rolled back"):
        preset_services.set_current(back, admin)


def test_a_lot_on_hold_ships_nothing_though_its_client_opts_out_of_samples() -> None:
    lot = held_lot()
    batch = lot.places.first().asset.batch  # type: ignore[union-attr]
    Client.objects.filter(pk=batch.client_id).update(sampling=Sampling.SIMPLE, waits_for_samples=False)
    plan = deliveries.plan(Batch.objects.get(pk=batch.pk))
    assert len(plan.withheld) == 30 and {one.code for one in plan.withheld} == {"not_proven"}
    assert [one.pk for one in plan.lots_open] == [lot.pk]


def test_without_an_earlier_preset_the_lot_goes_to_editors() -> None:
    lot = held_lot(previous=False)
    manager = factories.make_user("", Role.MANAGER)
    with pytest.raises(scopes.HoldRefused, match="no earlier version"):
        strata.reprocess(lot.pk, manager)
    assert strata.hand_to_editors(lot.pk, manager) == 30
    assert Asset.objects.filter(state=AssetState.EDITING).count() == 30
