"""A category's own preset on the real line (PRE-04), pinned when the batch is made (PRE-02)."""

from __future__ import annotations

import pytest

from reviewapp.enums import Role
from reviewapp.models import BatchCategoryPreset, CategoryRule, PresetProposal, ProcessingRun
from reviewapp.selectors.batch_pages import batch_details
from reviewapp.selectors.presets import version_for
from reviewapp.services import learning, presets
from reviewapp.services.review import record_decision
from tests import factories, line

pytestmark = pytest.mark.django_db(transaction=True)


def test_pre04_a_category_is_done_with_its_own_preset_and_the_rest_with_the_batch_s() -> None:
    own = factories.make_preset_version("Shoes", geometry={"fill_ratio": 0.6})
    line.seeds.seed()
    CategoryRule.objects.update_or_create(category="shoes", defaults={"complexity": "simple", "preset": own.preset})
    batch = line.open_batch("shopify", requires_sku=False)
    shoe = line.send(batch, "shoe.jpg", line.photo(1, side=640), category="shoes").asset
    mug = line.send(batch, "mug.jpg", line.photo(2, side=640), category="drinkware").asset
    line.run_line()
    assert shoe is not None and mug is not None
    runs = {run.asset_id: run for run in ProcessingRun.objects.select_related("preset_version")}
    assert runs[shoe.pk].preset_version == own
    assert runs[shoe.pk].params["geometry"]["fill_ratio"] == 0.6
    assert runs[mug.pk].preset_version == batch.preset_version
    assert [(row.category, row.preset_version) for row in batch_details(batch).category_presets] == [("shoes", own)]


def test_pre02_a_later_version_or_another_mapping_changes_no_batch_that_is_there() -> None:
    own = factories.make_preset_version("Shoes", geometry={"fill_ratio": 0.6})
    line.seeds.seed()
    rule, _ = CategoryRule.objects.update_or_create(
        category="shoes", defaults={"complexity": "simple", "preset": own.preset}
    )
    batch = line.open_batch("shopify")
    later = presets.create_version(own.preset, {**own.params, "geometry": {"fill_ratio": 0.5}}, "smaller", None)
    presets.set_current(later, None)
    rule.preset = None
    rule.save()
    shoe = line.send(batch, "shoe.jpg", line.photo(1, side=640), category="shoes").asset
    line.run_line()
    assert shoe is not None
    assert ProcessingRun.objects.get(asset=shoe).preset_version == own
    assert not BatchCategoryPreset.objects.filter(batch=line.open_batch("shopify", name="Next")).exists()


def test_fbk02_a_correction_learned_on_one_category_is_for_its_next_photos_and_no_others() -> None:
    own = factories.make_preset_version("Shoes")
    line.seeds.seed()
    CategoryRule.objects.update_or_create(category="shoes", defaults={"complexity": "simple", "preset": own.preset})
    rita, ada = factories.make_user("rita", Role.REVIEWER), factories.make_user("ada", Role.ADMIN)
    judged = factories.make_batch(preset_version=own)
    for _ in range(5):
        task = factories.make_review(judged, category="shoes")
        record_decision(
            rita, task.pk, seen_version=0, verdict="reject", reasons=["edge_halo"], idempotency_key=f"k{task.pk}"
        )
    learned = learning.accept(PresetProposal.objects.get(base=own), ada, "agreed")
    batch = line.open_batch("shopify")
    pinned = {row.category: row.preset_version for row in batch.category_presets.all()}
    assert pinned["shoes"] == learned and learned.number == 2
    for category in ("drinkware", "jewelry", ""):
        assert version_for(factories.make_asset(batch, category=category)) == batch.preset_version != learned
    assert version_for(factories.make_asset(batch, category="shoes")) == learned
