"""The editing pages without a browser: who sees which form, and what each answer says."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from reviewapp.enums import AssetState, BatchState, EditTaskState, Role
from reviewapp.models import AuditEvent, EditTask
from reviewapp.selectors import batches as batch_reads
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

WHY = "The product is cut off; please shoot it again."


@pytest.fixture
def senior(client: Client) -> User:
    """A senior editor, signed in."""
    user = factories.make_user("sam", Role.SENIOR)
    client.force_login(user)
    return user


@pytest.fixture
def task() -> EditTask:
    """The last photo of a batch that waits for people."""
    return factories.make_edit(factories.make_batch(state=BatchState.REVIEW))


def give_up(client: Client, task: EditTask, **fields: str) -> str:
    """The page that follows."""
    return client.post(reverse("editing:give_up", args=[task.pk]), fields, follow=True).content.decode()


def state_of(task: EditTask) -> tuple[str, str, str]:
    """The task's, its photo's and its batch's state."""
    task = EditTask.objects.select_related("asset__batch").get(pk=task.pk)
    return task.state, task.asset.state, task.asset.batch.state


def test_a_photo_is_given_up_after_a_second_look_and_its_batch_goes_on(
    client: Client, senior: User, task: EditTask
) -> None:
    page = client.get(reverse("editing:task", args=[task.pk])).content.decode()
    assert reverse("editing:give_up", args=[task.pk]) in page
    asked = give_up(client, task, note=WHY)
    assert WHY in asked and "The client will read" in asked
    assert state_of(task) == (EditTaskState.OPEN, AssetState.EDITING, BatchState.REVIEW)
    done = give_up(client, task, note=WHY, confirmed="yes")
    assert "Given up." in done and WHY in done
    assert state_of(task) == (EditTaskState.WITHDRAWN, AssetState.FAILED, BatchState.READY)
    event = AuditEvent.objects.get(verb="edit.given_up")
    assert (event.actor, event.note) == (senior, WHY)


@pytest.mark.usefixtures("senior")
@pytest.mark.parametrize(
    ("note", "words"), [(" ", "the client reads this sentence"), ("x" * 501, "The note has 501 characters; 500 fit.")]
)
def test_the_sentence_is_needed_and_has_a_length(client: Client, task: EditTask, note: str, words: str) -> None:
    assert words in give_up(client, task, note=note, confirmed="yes")
    assert state_of(task)[:2] == (EditTaskState.OPEN, AssetState.EDITING)


@pytest.mark.usefixtures("senior")
def test_what_waits_for_a_signature_is_sent_back_before_it_is_given_up(client: Client) -> None:
    task = factories.make_edit(state=EditTaskState.AWAITING_SIGNOFF)
    assert "Can't be saved?" not in client.get(reverse("editing:task", args=[task.pk])).content.decode()
    assert "Only a photo that is open or on a desk can be given up." in give_up(client, task, note=WHY)


def test_an_editor_sees_no_such_form(client: Client, task: EditTask) -> None:
    client.force_login(factories.make_user("ed", Role.EDITOR))
    page = client.get(reverse("editing:task", args=[task.pk])).content.decode()
    assert "give-up" not in page
    assert client.post(reverse("editing:give_up", args=[task.pk]), {"note": WHY}).status_code == 403


@pytest.mark.usefixtures("senior")
def test_the_batch_page_says_each_sentence_and_offers_no_retry(client: Client, task: EditTask) -> None:
    other = factories.make_edit(task.asset.batch)
    give_up(client, task, note=WHY, confirmed="yes")
    give_up(client, other, note="Another reason.", confirmed="yes")
    groups = batch_reads.failures(task.asset.batch)
    assert {(g.sentence, g.count, g.can_retry) for g in groups} == {(WHY, 1, False), ("Another reason.", 1, False)}
    client.force_login(factories.make_user("mona", Role.MANAGER))
    page = client.get(reverse("batches:detail", args=[task.asset.batch_id])).content.decode()
    assert "Given up by a senior editor." in page and "Refused at intake" not in page
