"""Work by hand: taken, handed in, scored again, signed by somebody else, or sent back (PRO-20, REV-10, B19)."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from PIL import Image

from reviewapp import storage
from reviewapp.enums import AssetState, EditTaskState, Role, RunKind, Step
from reviewapp.models import AuditEvent, EditTask, QualityReport, Task
from reviewapp.selectors import editing as selectors
from reviewapp.services import editing
from reviewapp.services.people import NotAllowed
from tests import factories as make

from .test_review_claims import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def editor() -> User:
    return make.make_user("ed", Role.EDITOR)


@pytest.fixture
def senior() -> User:
    return make.make_user("sue", Role.SENIOR)


def png(colour: tuple[int, int, int] = (200, 30, 30)) -> Iterator[bytes]:
    """A real picture in small pieces, as an upload arrives."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), colour).save(out, "PNG")
    data = out.getvalue()
    return (data[at : at + 50] for at in range(0, len(data), 50))


def handed_in(editor: User, **edit: Any) -> EditTask:
    """A task whose corrected file has just been uploaded."""
    task = make.make_edit(**edit)
    editing.claim(editor, task.pk)
    return editing.submit(editor, task.pk, png(), "fixed.png", {"colour": True, "bogus": True}, "evened the rim")


def scored(editor: User, **edit: Any) -> EditTask:
    """A task that waits for a signature."""
    task = handed_in(editor, **edit)
    run = make.make_run(task.asset, kind=RunKind.EDITED, total=92.0)
    with transaction.atomic():
        editing.rescored(task, run)
    task.refresh_from_db()
    return task


def test_pro20_claim_is_by_one_editor_and_repeatable_by_the_same(editor: User) -> None:
    task, other = make.make_edit(), make.make_user("olga", Role.EDITOR)
    assert editing.claim(editor, task.pk).editor == editor
    assert editing.claim(editor, task.pk).state == EditTaskState.CLAIMED
    with pytest.raises(editing.EditRefused, match="ed has this photo"):
        editing.claim(other, task.pk)


def test_five_editors_claiming_at_once_one_gets_it() -> None:
    task = make.make_edit()
    people = [make.make_user(f"e{n}", Role.EDITOR) for n in range(5)]

    def work(n: int) -> bool:
        try:
            editing.claim(people[n], task.pk)
        except editing.EditRefused:
            return False
        return True

    assert sum(in_threads(5, work)) == 1


def test_release_is_for_the_editor_or_a_senior(editor: User, senior: User) -> None:
    task, other = make.make_edit(), make.make_user("olga", Role.EDITOR)
    editing.claim(editor, task.pk)
    with pytest.raises(NotAllowed, match="somebody else"):
        editing.release(other, task.pk)
    assert editing.release(senior, task.pk).editor is None
    editing.claim(other, task.pk)
    assert editing.release(other, task.pk).state == EditTaskState.OPEN
    with pytest.raises(editing.EditRefused):
        handed = handed_in(editor)
        editing.release(editor, handed.pk)


def test_submit_stores_the_file_and_has_it_scored_again(editor: User) -> None:
    task = handed_in(editor)
    assert task.state == EditTaskState.SUBMITTED and task.version == 1
    assert storage.verify(task.upload_key, task.upload_sha256) and task.upload_key.startswith("e/")
    assert task.checklist == {"colour": True}, "unknown boxes are dropped"
    job = Task.objects.get(step=Step.RESCORE)
    assert job.key == f"rescore:{task.pk}:1" and job.args == {"edit_task_id": task.pk}
    assert task.asset.state == AssetState.EDITING


@pytest.mark.parametrize(
    ("chunks", "says"),
    [([], "empty"), ([b"just text, no picture"], "notes.png"), ([b"\x89PNG\r\n\x1a\n" + b"\0" * 40], "notes.png")],
)
def test_submit_refuses_what_is_no_picture_with_a_sentence(editor: User, chunks: list[bytes], says: str) -> None:
    task = make.make_edit()
    editing.claim(editor, task.pk)
    with pytest.raises(editing.EditRefused, match=says):
        editing.submit(editor, task.pk, chunks, "notes.png")
    task.refresh_from_db()
    assert task.state == EditTaskState.CLAIMED and not Task.objects.exists()


def test_submit_refuses_the_untouched_original(editor: User) -> None:
    task = make.make_edit()
    original = storage.put_stream(png(), prefix="o", max_bytes=10**6)
    type(task.asset).objects.filter(pk=task.asset_id).update(sha256=original.sha256)
    editing.claim(editor, task.pk)
    with pytest.raises(editing.EditRefused, match="untouched original"):
        editing.submit(editor, task.pk, png(), "same.png")


def test_submit_refuses_a_file_past_the_cap(editor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editing, "MAX_UPLOAD_BYTES", 100)
    task = make.make_edit()
    editing.claim(editor, task.pk)
    with pytest.raises(editing.EditRefused, match="larger"):
        editing.submit(editor, task.pk, png(), "big.png")


def test_only_the_person_who_claimed_it_hands_in(editor: User) -> None:
    task, other = make.make_edit(), make.make_user("olga", Role.EDITOR)
    with pytest.raises(editing.EditRefused):
        editing.submit(editor, task.pk, png(), "x.png")
    editing.claim(editor, task.pk)
    with pytest.raises(editing.EditRefused, match="ed has this photo"):
        editing.submit(other, task.pk, png(), "x.png")


def test_a_scored_file_waits_for_a_senior(editor: User, senior: User) -> None:
    task = scored(editor)
    assert task.state == EditTaskState.AWAITING_SIGNOFF and task.result_run is not None
    asset = task.asset
    assert (asset.state, asset.current_run) == (AssetState.AWAITING_SIGNOFF, task.result_run)
    assert list(selectors.awaiting_signoff(senior)) == [task]
    assert list(selectors.awaiting_signoff(editor)) == []


def test_a_file_that_cannot_be_scored_goes_back_to_its_editor_with_the_reason(editor: User) -> None:
    task = handed_in(editor)
    editing.rescore_failed(task, "The file is 64 px wide; the original has 2000.")
    task.refresh_from_db()
    assert (task.state, task.editor) == (EditTaskState.CLAIMED, editor)
    assert "64 px" in task.signoff_note
    again = editing.submit(editor, task.pk, png((1, 2, 3)), "better.png")
    assert Task.objects.filter(key=f"rescore:{task.pk}:{again.version}").exists() and again.version == 2


def test_rev10_a_senior_signs_and_the_photo_is_approved_and_rendered(editor: User, senior: User) -> None:
    task = scored(editor)
    editing.sign_off(senior, task.pk, "good")
    task.refresh_from_db()
    assert (task.state, task.signed_by, task.signoff_note) == (EditTaskState.SIGNED_OFF, senior, "good")
    assert task.asset.state == AssetState.APPROVED
    assert Task.objects.get(step=Step.RENDER).key == f"render:{task.result_run_id}"
    assert AuditEvent.objects.filter(verb="edit.signed_off", actor=senior).exists()
    with pytest.raises(editing.EditRefused):
        editing.sign_off(make.make_user("sam", Role.SENIOR), task.pk)


def test_rev10_nobody_signs_their_own_work(senior: User) -> None:
    task = scored(senior)
    with pytest.raises(NotAllowed, match="Another senior"):
        editing.sign_off(senior, task.pk)
    with pytest.raises(IntegrityError):
        EditTask.objects.filter(pk=task.pk).update(signed_by=senior)
    task.refresh_from_db()
    assert task.state == EditTaskState.AWAITING_SIGNOFF


def test_rev10_only_a_senior_signs_sends_back_or_gives_up(editor: User) -> None:
    task = scored(make.make_user("olga", Role.EDITOR))
    for role in (Role.EDITOR, Role.REVIEWER, Role.MANAGER):
        person = make.make_user("", role)
        for act in (editing.sign_off, editing.send_back, editing.give_up):
            with pytest.raises(NotAllowed):
                act(person, task.pk, "note")


def test_rev19_editing_needs_the_editors_role() -> None:
    task = make.make_edit()
    for role in (Role.REVIEWER, Role.MANAGER):
        with pytest.raises(NotAllowed):
            editing.claim(make.make_user("", role), task.pk)


def test_send_back_keeps_it_for_the_same_editor_with_the_note(editor: User, senior: User) -> None:
    task, other = scored(editor), make.make_user("olga", Role.EDITOR)
    with pytest.raises(editing.EditRefused, match="what is to be done"):
        editing.send_back(senior, task.pk, "  ")
    editing.send_back(senior, task.pk, "the handle is cut off")
    task.refresh_from_db()
    assert (task.state, task.editor, task.signoff_note) == (EditTaskState.OPEN, editor, "the handle is cut off")
    assert task.asset.state == AssetState.EDITING
    with pytest.raises(editing.EditRefused):
        editing.claim(other, task.pk)
    assert [list(part) for part in selectors.claimable_by(other)] == [[], []]
    assert [list(part) for part in selectors.claimable_by(editor)] == [[task], []]
    editing.claim(editor, task.pk)
    editing.submit(editor, task.pk, png((9, 9, 9)), "again.png")
    assert Task.objects.filter(step=Step.RESCORE).count() == 2


def test_the_automatic_cut_out_can_be_handed_in_as_it_is(editor: User, senior: User) -> None:
    task = make.make_edit()
    editing.claim(editor, task.pk)
    editing.accept_start(editor, task.pk, note="nothing to do")
    task.refresh_from_db()
    assert (task.state, task.result_run) == (EditTaskState.AWAITING_SIGNOFF, task.base_run)
    assert not Task.objects.filter(step=Step.RESCORE).exists()
    editing.sign_off(senior, task.pk)
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.APPROVED


def test_a_cut_out_that_failed_a_gate_is_not_handed_in_without_a_reason(editor: User) -> None:
    task = make.make_edit()
    assert task.base_run is not None
    gates = [{"name": "artifacts", "passed": False, "message": "Background left beside the product."}]
    QualityReport.objects.filter(run=task.base_run).update(gates=gates)
    editing.claim(editor, task.pk)
    with pytest.raises(editing.EditRefused, match=r"failed a check \(Background left beside the product\)"):
        editing.accept_start(editor, task.pk, note="  ")
    task.refresh_from_db()
    assert task.state == EditTaskState.CLAIMED
    editing.accept_start(editor, task.pk, note="It is the glass's own rim.")
    task.refresh_from_db()
    assert (task.state, task.editor_note) == (EditTaskState.AWAITING_SIGNOFF, "It is the glass's own rim.")


def test_there_is_nothing_to_accept_without_an_automatic_cut_out(editor: User) -> None:
    task = make.make_edit(with_start=False)
    editing.claim(editor, task.pk)
    with pytest.raises(editing.EditRefused, match="no automatic cut-out"):
        editing.accept_start(editor, task.pk)


def test_a_hopeless_photo_is_given_up_with_a_sentence_for_the_client(editor: User, senior: User) -> None:
    task = make.make_edit()
    with pytest.raises(editing.EditRefused):
        editing.give_up(senior, task.pk, "")
    editing.give_up(senior, task.pk, "The product is cut off in the photo.")
    task.refresh_from_db()
    assert task.state == EditTaskState.WITHDRAWN
    assert (task.asset.state, task.asset.state_reason) == (AssetState.FAILED, "The product is cut off in the photo.")


def test_a_result_that_comes_after_the_task_was_withdrawn_changes_nothing(editor: User) -> None:
    task = handed_in(editor)
    EditTask.objects.filter(pk=task.pk).update(state=EditTaskState.WITHDRAWN)
    run = make.make_run(task.asset, kind=RunKind.EDITED)
    with pytest.raises(editing.EditRefused), transaction.atomic():
        editing.rescored(task, run)
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.EDITING


def test_buttons_follow_the_state_and_the_person(editor: User, senior: User) -> None:
    task = make.make_edit()
    assert selectors.allowed_actions(task, editor) == {
        "claim": True, "release": False, "submit": False, "accept_start": False, "sign_off": False, "send_back": False,
        "give_up": True,
    }  # fmt: skip
    claimed = editing.claim(editor, task.pk)
    assert selectors.allowed_actions(claimed, editor)["submit"]
    assert not selectors.allowed_actions(claimed, senior)["submit"]
    done = scored(make.make_user("olga", Role.EDITOR))
    assert selectors.allowed_actions(done, senior)["sign_off"]
    assert not selectors.allowed_actions(done, senior)["give_up"]
    assert not selectors.allowed_actions(done, done.editor)["sign_off"]  # type: ignore[arg-type]
    assert selectors.counts(senior) == selectors.Counts(open=0, mine=0, back=0, signoff=1)
