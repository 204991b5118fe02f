"""Pass 2 (CLS-17): what the line could not do by itself is listed, and goes through it again with other facts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from reviewapp.enums import AssetState, BatchState, EditReason, EditTaskState, Role, Step, TaskState
from reviewapp.models import Asset, AuditEvent, Batch, CanaryPlace, CategoryRule, EditTask, ProcessingRun, Task
from reviewapp.selectors.batches import failures
from reviewapp.selectors.exceptions import exception_page
from reviewapp.services import rerun as service
from reviewapp.services.people import NotAllowed
from tests import factories, line

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mona() -> User:
    return factories.make_user("mona", Role.MANAGER)


def failed(batch: Batch, step: Step = Step.PROCESS, **fields: Any) -> Asset:
    values = {"state_code": "boom", "state_reason": "It broke.", "category": "mug", **fields}
    asset = factories.make_asset(batch, AssetState.FAILED, **values)
    key = f"{step}:{asset.pk}:a1" if step == Step.PROCESS else f"{step}:{asset.pk}"
    Task.objects.create(
        asset=asset, step=step, key=key, state=TaskState.DEAD, available_at=timezone.now(), args={"attempt": 1}
    )
    return asset


def uncategorised(batch: Batch, **task: Any) -> Asset:
    asset = factories.make_asset(
        batch, AssetState.EDITING, category="unknown", state_code="uncategorised", state_reason="Nobody knows it."
    )
    EditTask.objects.create(asset=asset, reason=EditReason.UNCATEGORISED, why="Nobody knows it.", **task)
    return asset


def test_cls17_the_list_holds_what_failed_and_what_nobody_could_name(mona: User) -> None:
    batch = factories.make_batch()
    broken, unknown = failed(batch), uncategorised(batch)
    failed(batch, state_code="given_up")
    uncategorised(batch, editor=factories.make_user("ed", Role.EDITOR), state=EditTaskState.CLAIMED)
    factories.make_edit(batch)
    failed(factories.make_batch())
    rows = exception_page(batch).rows
    assert [row.asset for row in rows] == [broken, unknown]
    assert [row.version for row in rows] == [batch.preset_version] * 2
    assert [row.asset for row in exception_page(batch, "uncategorised").rows] == [unknown]
    groups = {group.code: (group.count, group.can_retry, group.can_change) for group in failures(batch)}
    assert groups == {"boom": (1, True, True), "uncategorised": (1, False, True), "given_up": (1, False, False)}


def test_cls17_another_preset_starts_the_failed_step_again_with_that_version(mona: User) -> None:
    batch, other = factories.make_batch(), factories.make_preset_version("Soft edges")
    asset = failed(batch)
    before = str(batch.preset_version)
    assert service.rerun(batch, [asset.pk], mona, version=other) == 1
    asset.refresh_from_db()
    assert (asset.state, asset.own_preset, asset.attempt) == (AssetState.QUEUED, other, 1)
    assert Task.objects.get(asset=asset).state == TaskState.PENDING
    event = AuditEvent.objects.get(verb="asset.rerun")
    assert event.actor == mona
    assert (event.before, event.after) == (
        {"category": "mug", "preset": before}, {"category": "mug", "preset": str(other)},
    )  # fmt: skip


def test_cls17_another_category_is_classified_anew_as_a_new_attempt(mona: User) -> None:
    batch = factories.make_batch()
    asset = failed(batch)
    assert service.rerun(batch, [asset.pk], mona, category="Fine Jewellery") == 1
    asset.refresh_from_db()
    assert (asset.state, asset.category, asset.category_source) == (AssetState.VALIDATED, "fine_jewellery", "metadata")
    assert asset.attempt == 2
    waiting = Task.objects.get(asset=asset, state=TaskState.PENDING)
    assert (waiting.step, waiting.key) == (Step.CLASSIFY, f"classify:{asset.pk}:a2")


@pytest.mark.parametrize(
    ("step", "state"), [(Step.VALIDATE, AssetState.RECEIVED), (Step.CLASSIFY, AssetState.VALIDATED)]
)
def test_cls17_what_failed_before_processing_goes_on_from_there(mona: User, step: Step, state: AssetState) -> None:
    batch = factories.make_batch()
    asset = failed(batch, step)
    assert service.rerun(batch, [asset.pk], mona, category="shoes") == 1
    asset.refresh_from_db()
    assert (asset.state, asset.category) == (state, "shoes")
    assert list(Task.objects.filter(asset=asset).values_list("step", "state")) == [(step, TaskState.PENDING)]


def test_cls17_an_unknown_photo_leaves_the_editors_when_it_gets_a_category(mona: User) -> None:
    batch = factories.make_batch(state=BatchState.REVIEW)
    asset = uncategorised(batch)
    taken = uncategorised(batch, editor=factories.make_user("ed", Role.EDITOR), state=EditTaskState.CLAIMED)
    assert service.rerun(batch, [asset.pk, taken.pk], mona, category="mug") == 1
    asset.refresh_from_db()
    taken.refresh_from_db()
    assert (asset.state, taken.state) == (AssetState.VALIDATED, AssetState.EDITING)
    assert [edit.state for edit in asset.edit_tasks.all()] == [EditTaskState.WITHDRAWN]
    batch.refresh_from_db()
    assert batch.state == BatchState.PROCESSING


def test_cls17_what_is_no_exception_or_of_another_batch_or_cancelled_is_left_alone(mona: User) -> None:
    batch, stopped = factories.make_batch(), factories.make_batch(state=BatchState.CANCELLED)
    approved, elsewhere = factories.make_asset(batch, AssetState.APPROVED), failed(factories.make_batch())
    given_up, dead = failed(batch, state_code="given_up"), failed(stopped)
    ids = [asset.pk for asset in (approved, elsewhere, given_up)]
    assert service.rerun(batch, ids, mona, category="shoes") == 0
    assert service.rerun(stopped, [dead.pk], mona, category="shoes") == 0
    assert Asset.objects.filter(category="shoes").count() == 0


def test_cls17_a_delivered_batch_is_open_again(mona: User) -> None:
    batch = factories.make_batch(state=BatchState.DELIVERED)
    asset = failed(batch)
    service.rerun(batch, [asset.pk], mona, category="shoes")
    batch.refresh_from_db()
    assert batch.state == BatchState.PROCESSING


def test_cls17_without_a_change_it_is_refused_and_only_managers_may(mona: User) -> None:
    batch = factories.make_batch()
    asset = failed(batch)
    with pytest.raises(service.RerunRefused, match="Choose a category or a preset"):
        service.rerun(batch, [asset.pk], mona, category=" ")
    with pytest.raises(service.RerunRefused, match="at most 60"):
        service.rerun(batch, [asset.pk], mona, category="x" * 61)
    with pytest.raises(NotAllowed):
        service.rerun(batch, [asset.pk], factories.make_user("rita", Role.REVIEWER), category="shoes")


def test_cls17_the_line_makes_the_photo_with_the_chosen_preset_and_lane(mona: User) -> None:
    """On the real line: refused by nobody, failed in processing, done in the second pass."""
    own = factories.make_preset_version("Small in frame", geometry={"fill_ratio": 0.6})
    line.seeds.seed()
    CategoryRule.objects.update_or_create(category="jewelry", defaults={"complexity": "complex"})
    batch = line.open_batch("shopify", requires_sku=False)
    asset = line.send(batch, "mug.jpg", line.photo(1, side=640), category="drinkware").asset
    assert asset is not None
    line.run_line()
    # As if the worker had died over it: its run never came to be.
    Task.objects.filter(asset=asset, step=Step.PROCESS).update(state=TaskState.DEAD, attempts=3)
    Asset.objects.filter(pk=asset.pk).update(state=AssetState.FAILED, state_code="boom", current_run=None)
    assert service.rerun(batch, [asset.pk], mona, category="jewelry", version=own) == 1
    line.run_line()
    asset.refresh_from_db()
    assert asset.complexity == "complex" and asset.category == "jewelry"
    made = ProcessingRun.objects.filter(asset=asset).latest("pk")
    assert (made.preset_version, made.attempt, made.params["geometry"]["fill_ratio"]) == (own, 2, 0.6)
    assert not CanaryPlace.objects.filter(asset=asset).exists()
    assert asset.state in (AssetState.EDITING, AssetState.IN_REVIEW, AssetState.AUTO_APPROVED)


def test_cls17_the_page_changes_what_is_ticked(client: Browser, mona: User, django_assert_num_queries: Any) -> None:
    batch, other = factories.make_batch(), factories.make_preset_version("Soft edges")
    one, two = failed(batch), failed(batch)
    client.force_login(mona)
    url = reverse("batches:exceptions", args=[batch.pk])
    link = f'href="{url}?code=boom"'
    assert link in client.get(reverse("batches:failures", args=[batch.pk])).content.decode()
    text = client.get(url).content.decode()
    assert "It broke." in text and text.count('name="photos"') == 2 and "Soft edges v1" in text
    refused = client.post(url, {"photos": [one.pk]})
    assert refused.status_code == 422 and "Choose a category or a preset" in refused.content.decode()
    answer = client.post(url, {"photos": [one.pk, "x"], "preset": other.pk, "category": ""}, follow=True)
    assert "1 photo goes through the line again." in answer.content.decode()
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.state, two.state) == (AssetState.QUEUED, AssetState.FAILED)
    client.get(url)
    with django_assert_num_queries(9) as counted:
        client.get(url)
    for _ in range(10):
        failed(batch)
    with django_assert_num_queries(len(counted.captured_queries)):
        client.get(url)
