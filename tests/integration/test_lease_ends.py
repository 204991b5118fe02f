"""No photo stays with somebody who is gone: review and edit leases end by themselves (REV-01, PRO-20)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from reviewapp.enums import EditTaskState, ReviewTaskState, Role, RunKind, Step, TaskState
from reviewapp.management.commands.sweep import sweep_once
from reviewapp.models import AuditEvent, EditTask, ReviewTask, Task
from reviewapp.services import editing, leases, routing, runs
from tests import factories as make

from .test_editing import handed_in, png, scored
from .test_review_claims import in_threads

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def editor() -> User:
    return make.make_user("ed", Role.EDITOR)


def hours(n: float) -> Any:
    return timezone.now() + n * HOUR


def fresh(task: EditTask) -> EditTask:
    task.refresh_from_db()
    return task


def test_pro20_an_edit_nobody_touches_is_free_again_after_its_lease_once(editor: User) -> None:
    task = make.make_edit()
    editing.claim(editor, task.pk)
    assert (editing.free_expired(), editing.free_expired(hours(23.9))) == (0, 0)
    assert fresh(task).editor == editor
    assert sum(in_threads(3, lambda _n: editing.free_expired(hours(24.1)))) == 1
    assert editing.free_expired(hours(24.1)) == 0
    assert (fresh(task).state, task.editor, task.lease_until) == (EditTaskState.OPEN, None, None)
    assert AuditEvent.objects.get(verb="edit.lease_expired").before == {"editor": editor.pk}
    other = make.make_user("eva", Role.EDITOR)
    assert editing.claim(other, task.pk).editor == other


def test_the_sweep_frees_expired_edits(editor: User) -> None:
    task = make.make_edit()
    editing.claim(editor, task.pk)
    EditTask.objects.update(lease_until=timezone.now() - HOUR)
    sweep_once(look_over_batches=False)
    assert fresh(task).state == EditTaskState.CLAIMED
    for _twice in range(2):
        sweep_once(look_over_batches=True)
        assert (fresh(task).state, task.editor) == (EditTaskState.OPEN, None)


def test_opening_the_page_keeps_the_photo_and_costs_a_write_now_and_then(
    editor: User, client: Client, django_assert_num_queries: Any
) -> None:
    task = make.make_edit()
    editing.claim(editor, task.pk)
    client.force_login(editor)
    EditTask.objects.update(lease_until=hours(1))
    assert client.get(f"/editing/{task.pk}/").status_code == 200
    kept = fresh(task).lease_until
    assert kept is not None and kept > hours(23)
    with django_assert_num_queries(1):
        editing.beat(editor, task)
    assert fresh(task).lease_until == kept
    client.force_login(make.make_user("eva", Role.EDITOR))
    EditTask.objects.update(lease_until=hours(1))
    client.get(f"/editing/{task.pk}/")
    assert fresh(task).lease_until < hours(2), "a visitor keeps nothing for somebody else"  # type: ignore[operator]


def test_who_comes_back_at_the_last_moment_keeps_it_or_finds_it_free(editor: User) -> None:
    """Sweep and page at once: the row says one thing, and what it says is what the editor is told."""
    for _turn in range(6):
        task = make.make_edit()
        editing.claim(editor, task.pk)
        EditTask.objects.filter(pk=task.pk).update(lease_until=timezone.now() - HOUR)

        def work(n: int, task: EditTask = task) -> int:
            if n:
                return editing.free_expired()
            editing.beat(editor, task)
            return 0

        freed = in_threads(2, work)[1]
        assert (fresh(task).state == EditTaskState.OPEN) == bool(freed)
        assert (task.lease_until is None) == bool(freed)


def test_late_work_is_handed_in_after_claiming_the_photo_again(editor: User) -> None:
    task = make.make_edit()
    editing.claim(editor, task.pk)
    editing.free_expired(hours(25))
    with pytest.raises(editing.EditRefused):
        editing.submit(editor, task.pk, png(), "fixed.png")
    editing.claim(editor, task.pk)
    assert editing.submit(editor, task.pk, png(), "fixed.png").state == EditTaskState.SUBMITTED


def test_what_is_handed_in_or_waits_for_a_signature_has_no_lease_to_lose(editor: User) -> None:
    assert handed_in(editor).lease_until is None
    waits = scored(editor)
    assert editing.free_expired(hours(1000)) == 0 and fresh(waits).state == EditTaskState.AWAITING_SIGNOFF


def test_a_file_that_could_not_be_scored_is_back_with_a_lease_of_its_own(editor: User) -> None:
    """The worker that scored it died three times: the task is buried, the edit is its editor's again, for a time."""
    task = handed_in(editor)
    row = Task.objects.get(step=Step.RESCORE)
    for _try in range(row.max_attempts):
        assert runs.claim(row.pk, "gone") is not None
        Task.objects.filter(pk=row.pk).update(lease_until=timezone.now() - HOUR)
        runs.sweep(on_dead=routing.task_died)
    row.refresh_from_db()
    assert row.state == TaskState.DEAD
    assert (fresh(task).state, task.editor) == (EditTaskState.CLAIMED, editor) and task.signoff_note
    assert editing.free_expired(hours(25)) == 1


def test_what_was_sent_back_is_kept_three_times_as_long_and_not_for_ever(editor: User) -> None:
    task = scored(editor)
    editing.send_back(make.make_user("sue", Role.SENIOR), task.pk, "The rim")
    assert (fresh(task).state, task.editor) == (EditTaskState.OPEN, editor)
    assert editing.free_expired(hours(71)) == 0
    assert editing.free_expired(hours(73)) == 1
    assert (fresh(task).state, task.editor) == (EditTaskState.OPEN, None)
    assert task.asset.runs.filter(kind=RunKind.EDITED).exists(), "the work itself is kept"


def test_signing_out_gives_lent_photos_back_and_leaves_the_edit_on_the_desk(client: Client) -> None:
    """The work on an edit is in another program; a photo on the review desk is only looked at."""
    both = make.make_user("sam", Role.SENIOR, Role.EDITOR)
    make.make_review()
    edit = make.make_edit()
    editing.claim(both, edit.pk)
    assert leases.claim_next(both, 1)
    client.force_login(both)
    for _twice in range(2):
        client.post("/logout/")
        assert ReviewTask.objects.filter(lease_owner__isnull=False).count() == 0
    assert (fresh(edit).state, edit.editor) == (EditTaskState.CLAIMED, both)


def test_rev01_a_web_process_that_dies_leaves_nothing_lent_for_longer_than_the_lease() -> None:
    """Nothing is kept in a process: the row's time alone says who has the photo."""
    rita, otto = make.make_user("rita", Role.REVIEWER), make.make_user("otto", Role.REVIEWER)
    task = make.make_review()
    assert leases.claim_next(rita, 1)
    assert leases.claim_next(otto, 1) == []
    ReviewTask.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert [one.pk for one in leases.claim_next(otto, 1)] == [task.pk]
    assert leases.beat(rita, [task.pk]) == [], "who comes back late doesn't take it away again"
    assert leases.release(rita) == 0
    task.refresh_from_db()
    assert (task.lease_owner, task.state) == (otto, ReviewTaskState.OPEN)
