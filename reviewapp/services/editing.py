"""Editing: a person takes a photo, hands in a corrected file, it is scored again, another signs (PRO-20, REV-10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from processing import apart
from processing.errors import InputRejected
from reviewapp import storage
from reviewapp.enums import AssetState, EditTaskState, Role, Step
from reviewapp.models import EditTask, ProcessingRun
from reviewapp.selectors import editing as selectors

from . import assets, audit, batches, runs, scanning
from .people import NotAllowed, require

MAX_UPLOAD_BYTES = 200 * 1024 * 1024
MAX_NOTE = 500
SENT_BACK_LEASES = 3
"""What was sent back is kept for who did it this many times as long."""


class EditRefused(ValueError):
    """What was asked can't be done with this task now; the message says why and the way out."""


def claim(user: User, task_id: int) -> EditTask:
    """Take an open task. Work that was sent back is kept for the editor who did it.

    Raises NotAllowed without the role, EditRefused when somebody else has it.
    """
    require(user, Role.EDITOR, Role.SENIOR, to=_("edit photos"))
    now = timezone.now()
    with transaction.atomic():
        mine_or_free = Q(editor__isnull=True) | Q(editor=user)
        won = EditTask.objects.filter(mine_or_free, pk=task_id, state=EditTaskState.OPEN).update(
            state=EditTaskState.CLAIMED, editor=user, claimed_at=now, lease_until=now + lease()
        )
        task = selectors.task_for_display(task_id, user)
        if not won and not (task.state == EditTaskState.CLAIMED and task.editor_id == user.pk):
            raise EditRefused(_taken(task))
        if won:
            audit.record("edit.claimed", task, actor=user)
        return task


def lease() -> timedelta:
    """How long a photo stays on the desk of an editor who doesn't touch it. Signing out leaves it there: the work is in
    another program, and goes on."""
    return timedelta(hours=settings.EDIT_LEASE_H)


def beat(user: User, task: EditTask) -> None:
    """Keep a photo on its editor's desk: its page was opened. Writes at most once in a tenth of the lease."""
    now = timezone.now()
    mine = EditTask.objects.filter(pk=task.pk, state=EditTaskState.CLAIMED, editor=user)
    mine.exclude(lease_until__gt=now + lease() * 0.9).update(lease_until=now + lease())


def free_expired(now: datetime | None = None) -> int:
    """Give back what nobody touched until its lease ended, also what was sent back to somebody. Returns how many."""
    moment = now or timezone.now()
    kept = Q(state=EditTaskState.CLAIMED) | Q(state=EditTaskState.OPEN, editor__isnull=False)
    freed = 0
    for task in EditTask.objects.filter(kept, lease_until__lt=moment).order_by("pk")[:200]:
        with transaction.atomic():
            # Whoever came back at this moment has extended it, and keeps it.
            same = EditTask.objects.filter(kept, pk=task.pk, editor=task.editor_id, lease_until__lt=moment)
            if same.update(state=EditTaskState.OPEN, editor=None, claimed_at=None, lease_until=None):
                audit.record("edit.lease_expired", task, before={"editor": task.editor_id})
                freed += 1
    return freed


def release(user: User, task_id: int) -> EditTask:
    """Put a task back for anyone; a senior may for somebody who is away. Raises NotAllowed, EditRefused."""
    require(user, Role.EDITOR, Role.SENIOR, to=_("release an edit"))
    with transaction.atomic():
        task = selectors.task_for_display(task_id, user)
        if task.editor_id != user.pk:
            require(user, Role.SENIOR, to=_("release somebody else's edit"))
        freed = EditTask.objects.filter(
            pk=task_id, editor=task.editor_id, state__in=[EditTaskState.OPEN, EditTaskState.CLAIMED]
        ).update(state=EditTaskState.OPEN, editor=None, claimed_at=None, lease_until=None)
        if not freed:
            raise EditRefused(_("This photo isn't on anyone's desk. Load the page again."))
        audit.record("edit.released", task, actor=user, before={"editor": task.editor_id})
        task.refresh_from_db()
        return task


def submit(
    user: User,
    task_id: int,
    chunks: Iterable[bytes],
    filename: str,
    checklist: Mapping[str, bool] | None = None,
    note: str = "",
) -> EditTask:
    """Store the corrected file and have it scored again; the task is then "being scored again".

    The file is streamed to storage, scanned, and its header read in a process apart; a worker decodes it. Raises
    NotAllowed, EditRefused (not yours, not a picture, the untouched original, too large), storage.StorageFull.
    """
    task = _on_my_desk(user, task_id)
    try:
        stored = storage.put_stream(chunks, prefix="e", max_bytes=MAX_UPLOAD_BYTES)
    except storage.TooLarge as error:
        raise EditRefused(_("%(error)s Save it as PNG or as JPEG at quality 95.") % {"error": error}) from error
    if stored.byte_size == 0:
        raise EditRefused(_("The file is empty. Export it again and upload it once more."))
    if stored.sha256 == task.asset.sha256:
        raise EditRefused(_("This is the untouched original. Upload the corrected file."))
    try:
        with storage.local_path(stored.key) as path:
            scanning.require_clean(path)
            apart.look(path)
    except (InputRejected, scanning.ScannerAway) as error:
        raise EditRefused(f"{filename}: {error}") from error
    with transaction.atomic():
        _hand_in(task, checklist, note, state=EditTaskState.SUBMITTED, upload=(stored.key, stored.sha256))
        runs.create_task(task.asset, Step.RESCORE, f"rescore:{task.pk}:{task.version}", args={"edit_task_id": task.pk})
        audit.record("edit.submitted", task, actor=user, after={"sha256": stored.sha256, "file": filename[:255]})
    return task


def accept_start(user: User, task_id: int, checklist: Mapping[str, bool] | None = None, note: str = "") -> EditTask:
    """Hand in the automatic cut-out as it is: nothing is scored again, a senior still signs.

    Raises NotAllowed, EditRefused when there is no automatic cut-out, or one that failed a hard gate and no `note` says
    why it is right all the same.
    """
    task = _on_my_desk(user, task_id)
    if task.base_run is None:
        raise EditRefused(_("There is no automatic cut-out for this photo. Upload a corrected file."))
    failed = selectors.failed_gates(task.base_run)
    if failed and not note.strip():
        gate = failed[0].rstrip(".")
        raise EditRefused(
            _("The automatic cut-out failed a check (%(gate)s). Say why it is right as it is.") % {"gate": gate}
        )
    with transaction.atomic():
        _hand_in(task, checklist, note, state=EditTaskState.SUBMITTED, upload=("", ""))
        audit.record("edit.start_accepted", task, actor=user, after={"run": task.base_run_id})
        rescored(task, task.base_run)
    return task


def rescored(task: EditTask, run: ProcessingRun) -> None:
    """The corrected file has its run and score: hand it to a senior. Call in the transaction that wrote the run.

    Raises StateConflict or EditRefused (nothing written) when the task or its photo moved on meanwhile.
    """
    won = EditTask.objects.filter(pk=task.pk, state=EditTaskState.SUBMITTED).update(
        state=EditTaskState.AWAITING_SIGNOFF, result_run=run
    )
    if not won:
        raise EditRefused(_("The edit was withdrawn while its file was being scored."))
    task.refresh_from_db()
    asset = task.asset
    if asset.state == AssetState.EDITING:
        assets.move(asset, AssetState.SCORED, reason="Corrected file scored", actor=task.editor, current_run=run)
    assets.move(asset, AssetState.AWAITING_SIGNOFF, reason="Waits for a senior's signature", current_run=run)
    batches.refresh(asset.batch_id)


def rescore_failed(task: EditTask, sentence: str) -> None:
    """The corrected file can't be used: back to its editor with the reason. Call in the failing step's transaction."""
    changed = EditTask.objects.filter(pk=task.pk, state=EditTaskState.SUBMITTED).update(
        state=EditTaskState.CLAIMED, signoff_note=sentence[:MAX_NOTE], lease_until=timezone.now() + lease()
    )
    if changed:
        audit.record("edit.rescore_failed", task, note=sentence[:MAX_NOTE])


def sign_off(user: User, task_id: int, note: str = "") -> EditTask:
    """A senior accepts somebody else's work: the photo is approved and rendered. Raises NotAllowed, EditRefused."""
    require(user, Role.SENIOR, to=_("sign off edits"))
    task = selectors.task_for_display(task_id, user)
    if task.editor_id == user.pk:
        raise NotAllowed(_("You edited this photo. Another senior signs it off."))
    with transaction.atomic():
        _close_signoff(task, state=EditTaskState.SIGNED_OFF, signoff_note=_fits(note), signed_by=user)
        if task.result_run_id is None:
            raise EditRefused(_("There is no scored result to sign. Send it back."))
        assets.move(task.asset, AssetState.APPROVED, reason="Signed off by a senior", actor=user)
        runs.create_task(task.asset, Step.RENDER, f"render:{task.result_run_id}", args={"run_id": task.result_run_id})
        audit.record("edit.signed_off", task, actor=user, note=note)
        batches.refresh(task.asset.batch_id)
    return task


def send_back(user: User, task_id: int, note: str) -> EditTask:
    """A senior returns work with a note; the same editor finds it open again. Raises NotAllowed, EditRefused."""
    require(user, Role.SENIOR, to=_("send edits back"))
    if not note.strip():
        raise EditRefused(_("Say what is to be done: the editor reads this note."))
    task = selectors.task_for_display(task_id, user)
    with transaction.atomic():
        until = timezone.now() + SENT_BACK_LEASES * lease()
        _close_signoff(task, state=EditTaskState.OPEN, signoff_note=_fits(note), result_run=None, lease_until=until)
        assets.move(task.asset, AssetState.EDITING, reason=f"Sent back: {note.strip()}", actor=user)
        audit.record("edit.sent_back", task, actor=user, note=note)
        batches.refresh(task.asset.batch_id)
    return task


def give_up(user: User, task_id: int, note: str) -> EditTask:
    """A senior closes a photo that can't be saved; it counts as failed and is listed as withheld in the delivery.

    Raises NotAllowed, EditRefused (no note, or it isn't open or on the desk).
    """
    require(user, Role.SENIOR, to=_("give up a photo"))
    if not note.strip():
        raise EditRefused(_("Say why the photo can't be used: the client reads this sentence."))
    task = selectors.task_for_display(task_id, user)
    with transaction.atomic():
        closed = EditTask.objects.filter(pk=task_id, state__in=[EditTaskState.OPEN, EditTaskState.CLAIMED]).update(
            state=EditTaskState.WITHDRAWN, signoff_note=_fits(note)
        )
        if not closed:
            raise EditRefused(_("Only a photo that is open or on a desk can be given up."))
        assets.move(task.asset, AssetState.FAILED, reason=note.strip(), code="given_up", actor=user)
        audit.record("edit.given_up", task, actor=user, note=note)
        batches.refresh(task.asset.batch_id)
        task.refresh_from_db()
    return task


def _on_my_desk(user: User, task_id: int) -> EditTask:
    require(user, Role.EDITOR, Role.SENIOR, to=_("edit photos"))
    task = selectors.task_for_display(task_id, user)
    if task.state != EditTaskState.CLAIMED or task.editor_id != user.pk:
        raise EditRefused(_taken(task) if task.editor_id != user.pk else _("Claim the photo first."))
    return task


def _hand_in(
    task: EditTask, checklist: Mapping[str, bool] | None, note: str, *, state: EditTaskState, upload: tuple[str, str]
) -> None:
    known = {code for code, _label in selectors.CHECKLIST}
    ticked = {code: True for code, is_ticked in (checklist or {}).items() if is_ticked and code in known}
    won = EditTask.objects.filter(pk=task.pk, state=EditTaskState.CLAIMED, editor=task.editor_id).update(
        state=state,
        upload_key=upload[0],
        upload_sha256=upload[1],
        checklist=ticked,
        editor_note=_fits(note),
        submitted_at=timezone.now(),
        lease_until=None,
        version=F("version") + 1,
    )
    if not won:
        raise EditRefused(_("The photo left your desk meanwhile. Load the page again."))
    task.refresh_from_db()


def _close_signoff(task: EditTask, *, state: EditTaskState, signoff_note: str, **fields: Any) -> None:
    signed = {"signed_at": timezone.now()} if state == EditTaskState.SIGNED_OFF else {}
    won = EditTask.objects.filter(pk=task.pk, state=EditTaskState.AWAITING_SIGNOFF).update(
        state=state, signoff_note=signoff_note, **signed, **fields
    )
    if not won:
        raise EditRefused(_("This edit isn't waiting for a signature any more. Load the page again."))
    task.refresh_from_db()


def _fits(note: str) -> str:
    if len(note.strip()) > MAX_NOTE:
        raise EditRefused(
            _("The note has %(strip)s characters; %(max_note)s fit.")
            % {"strip": len(note.strip()), "max_note": MAX_NOTE}
        )
    return note.strip()


def _taken(task: EditTask) -> str:
    if task.editor is None:
        return _("This photo isn't open for editing any more.")
    return _("%(name)s has this photo.") % {"name": task.editor.get_full_name() or task.editor.get_username()}
