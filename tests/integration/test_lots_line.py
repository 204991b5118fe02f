"""A stopped lot on the real line: uploaded, processed, held, done again with the preset before, proven, shipped."""

from __future__ import annotations

import pytest

from reviewapp.enums import AssetState, LotState, Role, Sampling
from reviewapp.models import Asset, Lot, Preset, PresetVersion
from reviewapp.services import batches, delivery, ingest, lots, proof, scopes, seeds, strata
from tests import factories, line
from tests.lots import look_at, people

pytestmark = pytest.mark.django_db(transaction=True)


def newer_version() -> PresetVersion:
    """A second version of the seeded preset, current for new batches."""
    preset = (
        Preset.objects.get(slug="standard") if Preset.objects.filter(slug="standard").exists() else Preset.objects.get()
    )
    first = preset.current
    assert first is not None
    made = PresetVersion.objects.create(
        preset=preset, number=first.number + 1, params=first.params, digest=first.digest, note="untried"
    )
    Preset.objects.filter(pk=preset.pk).update(current=made)
    factories.make_batch(preset_version=first)  # the version before was in use
    return made


def test_a_failed_lot_is_done_again_by_the_line_and_ships_when_it_is_proven() -> None:
    seeds.seed()
    made = newer_version()
    factories.make_policy(tolerated_rate=0.5, medium_goes_to_people=False)  # four photos prove so little
    batch = line.open_batch(client=factories.make_client(sampling=Sampling.PROOF))
    for number in range(4):
        line.send(batch, f"{number}.jpg", line.photo(number), category="mug")
    ingest.close_batch(batch)
    line.run_line()
    states = list(batch.assets.values_list("state", flat=True))
    assert states == [AssetState.AUTO_APPROVED] * 4, states
    proof.tick()
    lot = Lot.objects.get()
    assert (lot.size, lot.scope.preset_version) == (4, made)
    assert lots.plan(lot.pk, at_once=True)
    with pytest.raises(delivery.DeliveryHeld):
        delivery.release(batch, None)
    scopes.hold(lot.scope, "Another lot of the scope failed.")
    lots.settle(lot.pk)
    lot.refresh_from_db()
    assert lot.state == LotState.HELD and "scope is on hold" in lot.why
    manager = factories.make_user("", Role.MANAGER)
    done = strata.reprocess(lot.pk, manager)
    assert done.photos == 4 and done.version.number == made.number - 1
    line.run_line()
    runs = {asset.current_run.preset_version.number for asset in Asset.objects.all() if asset.current_run}
    assert runs == {made.number - 1}, "the line really did them with the version before"
    proof.tick()
    again = Lot.objects.latest("pk")
    assert again.pk != lot.pk and again.scope != lot.scope
    assert lots.plan(again.pk, at_once=True)
    for person in people():
        look_at(person)
    again.refresh_from_db()
    assert again.state == LotState.RELEASED
    line.run_line()
    batches.refresh(batch.pk)
    assert delivery.release(batch, None).file_count == 4
