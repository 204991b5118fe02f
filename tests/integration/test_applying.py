"""What managers do with a first sample (SMP-06): apply it once, draw another, choose the version; two at once."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from reviewapp.enums import AssetState, Role, Step
from reviewapp.models import Asset, AuditEvent, Batch, FirstMember, Task
from reviewapp.policies import sampling as policy
from reviewapp.selectors.presets import version_for
from reviewapp.services import applying, batches, lanes, lives, presets
from reviewapp.services.people import NotAllowed
from tests import factories
from tests.first_samples import at_once, drawn, judged, newer, states

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mona() -> User:
    return factories.make_user("mona", Role.MANAGER)


def test_smp06_a_newer_version_is_for_the_rest_alone_and_is_in_the_audit_log(mona: User) -> None:
    batch, sample = drawn(10)
    judged(sample)
    old, new = batch.preset_version, newer(batch)
    applying.apply(batch, new, mona, seen=1)
    assert (batch.preset_version, batch.rest_version) == (old, new)
    for asset in batch.assets.select_related("batch__preset_version"):
        is_sampled = FirstMember.objects.filter(asset=asset).exists()
        assert version_for(asset) == (old if is_sampled else new)
    event = AuditEvent.objects.get(verb="first_sample.applied")
    assert (event.actor, event.before["preset"], event.after["preset"]) == (mona, str(old), str(new))
    late = factories.make_asset(batch, AssetState.CLASSIFIED, complexity="simple")
    lanes.take_on(Asset.objects.select_related("batch").get(pk=late.pk))
    late.refresh_from_db()
    assert late.state == AssetState.QUEUED and version_for(Asset.objects.get(pk=late.pk)) == new


def test_smp06_another_sample_is_of_what_waits_and_has_its_own_version(mona: User) -> None:
    batch, first = drawn(60)
    judged(first)
    new = newer(batch)
    second = applying.sample_again(batch, new, mona, seen=1)
    assert (second.number, second.population, second.size) == (2, 54, 5)
    one, two = (set(sample.members.values_list("asset", flat=True)) for sample in (first, second))
    assert not one & two
    assert {version_for(asset) for asset in Asset.objects.filter(pk__in=two)} == {new}
    assert {version_for(asset) for asset in Asset.objects.filter(pk__in=one)} == {batch.preset_version}
    assert states(batch)[AssetState.QUEUED] == 5
    everything = list(batch.assets.values_list("sha256", flat=True))
    both = [m.asset.sha256 for sample in (first, second) for m in sample.members.order_by("rank")]
    assert both == policy.draw(batch.sample_seed, everything, 11), "it goes on in the same order"
    with pytest.raises(applying.FirstSampleRefused, match="another sample meanwhile"):
        applying.apply(batch, new, mona, seen=1)


def test_smp07_a_preset_locked_after_its_sample_stays_as_it_was_tested(mona: User) -> None:
    batch, sample = drawn(10)
    judged(sample)
    pinned = batch.preset_version
    lives.lock(pinned.preset, factories.make_user("ada", Role.ADMIN), "The sample was right")
    made = presets.create_version(pinned.preset, {**pinned.params, "geometry": {"fill_ratio": 0.6}}, "larger", None)
    with pytest.raises(presets.PresetRefused, match="locked"):
        presets.set_current(made, None)
    with pytest.raises(applying.FirstSampleRefused, match="newer one that is in use"):
        applying.apply(batch, made, mona, seen=1)
    applying.apply(batch, pinned, mona, seen=1)
    assert states(batch) == {AssetState.APPROVED: 5, AssetState.QUEUED: 5}


@pytest.mark.parametrize("kind", ["draft", "rolled back", "another preset", "older"])
def test_smp06_only_the_pinned_version_or_a_newer_one_in_use_may_be_chosen(mona: User, kind: str) -> None:
    batch, sample = drawn(10)
    judged(sample)
    pinned = batch.preset_version
    if kind == "another preset":
        version = factories.make_preset_version()
    elif kind == "older":
        version, new = pinned, newer(batch)
        Batch.objects.filter(pk=batch.pk).update(preset_version=new)
        batch.refresh_from_db()
    else:
        version = presets.create_version(pinned.preset, {**pinned.params, "geometry": {"fill_ratio": 0.5}}, "x", None)
        if kind == "rolled back":
            presets.set_current(version, None)
            presets.set_current(pinned, None)
            version.life.state = "rolled_back"
            version.life.save()
    with pytest.raises(applying.FirstSampleRefused, match="newer one that is in use"):
        applying.apply(batch, version, mona, seen=1)
    assert Batch.objects.get(pk=batch.pk).applied_at is None


def test_smp06_before_all_was_looked_at_applying_needs_a_reason(mona: User) -> None:
    batch, _sample = drawn(10)
    with pytest.raises(applying.FirstSampleRefused, match="5 photos of the sample have not been looked at"):
        applying.apply(batch, batch.preset_version, mona, seen=1)
    applying.apply(batch, batch.preset_version, mona, seen=1, why="The client can't wait")
    event = AuditEvent.objects.get(verb="first_sample.applied")
    assert (event.note, event.after["unlooked"]) == ("The client can't wait", 5)


def test_smp06_only_managers_and_admins_decide(mona: User) -> None:
    batch, sample = drawn(10)
    judged(sample)
    for role in (Role.REVIEWER, Role.EDITOR, Role.SENIOR):
        with pytest.raises(NotAllowed):
            applying.apply(batch, batch.preset_version, factories.make_user("", role), seen=1)
        with pytest.raises(NotAllowed):
            applying.sample_again(batch, batch.preset_version, factories.make_user("", role), seen=1)
    applying.apply(batch, batch.preset_version, factories.make_user("", Role.ADMIN), seen=1)


def test_smp06_two_managers_at_once_apply_once_and_the_second_is_told(mona: User) -> None:
    batch, sample = drawn(30)
    judged(sample)
    version = batch.preset_version
    answers = at_once(4, lambda: applying.apply(Batch.objects.get(pk=batch.pk), version, mona, seen=1))
    refused = [str(answer) for answer in answers if answer is not None]
    assert len(refused) == 3 and all("already" in words for words in refused)
    assert AuditEvent.objects.filter(verb="first_sample.applied").count() == 1
    assert states(batch) == {AssetState.APPROVED: 5, AssetState.QUEUED: 25}
    assert Task.objects.filter(step=Step.PROCESS).count() == 30


def test_smp06_two_managers_at_once_draw_one_more_sample(mona: User) -> None:
    batch, sample = drawn(30)
    judged(sample)
    version = batch.preset_version
    at_once(4, lambda: applying.sample_again(Batch.objects.get(pk=batch.pk), version, mona, seen=1))
    assert sorted(batch.first_samples.values_list("number", flat=True)) == [1, 2]
    assert FirstMember.objects.count() == 10


def test_smp06_a_photo_that_begins_to_wait_at_the_moment_of_applying_is_let_through(mona: User) -> None:
    batch, sample = drawn(10)
    judged(sample)
    applying.apply(batch, batch.preset_version, mona, seen=1)
    Task.objects.update(state="done")
    batch.assets.filter(state=AssetState.QUEUED).update(state=AssetState.APPROVED)
    caught = factories.make_asset(batch, AssetState.WAITS_FOR_SAMPLE, complexity="simple")
    batches.refresh(batch.pk)
    caught.refresh_from_db()
    assert caught.state == AssetState.QUEUED


def test_smp06_a_paused_batch_lets_nothing_through_and_goes_on_when_resumed(mona: User) -> None:
    batch, sample = drawn(10)
    judged(sample)
    batches.pause(batch, "Wait")
    applying.apply(batch, batch.preset_version, mona, seen=1)
    batches.refresh(batch.pk)
    assert states(batch)[AssetState.WAITS_FOR_SAMPLE] == 5
    batches.resume(batch)
    assert states(batch) == {AssetState.APPROVED: 5, AssetState.QUEUED: 5}


def test_smp06_what_waits_is_cancelled_with_its_batch_and_nothing_can_be_applied_then(mona: User) -> None:
    batch, sample = drawn(10)
    judged(sample)
    assert batches.cancel(batch) == 5
    assert states(batch) == {AssetState.APPROVED: 5, AssetState.CANCELLED: 5}
    for act in (applying.apply, applying.sample_again):
        with pytest.raises(applying.FirstSampleRefused, match="over"):
            act(batch, batch.preset_version, mona, seen=1)


def test_smp06_priority_reaches_what_waits(mona: User) -> None:
    batch, sample = drawn(10)
    judged(sample)
    batches.set_priority(batch, 1)
    applying.apply(batch, batch.preset_version, mona, seen=1)
    assert set(Task.objects.filter(state="pending").values_list("priority", flat=True)) == {1}
