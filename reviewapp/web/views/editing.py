"""The editing queue and the editor's and the senior's page of one photo."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.files.uploadedfile import UploadedFile
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from reviewapp.enums import Role
from reviewapp.models import EditTask, ProcessingRun
from reviewapp.selectors import editing as selectors
from reviewapp.selectors.pages import keyset_through
from reviewapp.selectors.pairs import pair_of
from reviewapp.services import editing as desk
from reviewapp.storage import StorageAway, StorageFull, StorageRefused, TooLarge
from reviewapp.web.htmx import is_fragment
from reviewapp.web.lists import asked_list, cursor_of
from reviewapp.web.permissions import EDITORS, SENIORS, role_required, user_has_role, wants_json
from reviewapp.web.streams import limited_form
from reviewapp.web.upload_handlers import FORM_REST_BYTES
from reviewapp.web.viewer_items import run_item

PAGE = 50
"""Rows of a list."""


def _who(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _task(task_id: int, user: User) -> EditTask:
    try:
        return selectors.task_for_display(task_id, user)
    except EditTask.DoesNotExist:
        raise Http404("No such edit.") from None


@require_GET
@never_cache
@role_required(*EDITORS)
def task_list(request: HttpRequest) -> HttpResponse:
    """What is on the person's desk, what is free, and for a senior what waits for a signature: three paged lists."""
    user = _who(request)
    signs = user_has_role(user, *SENIORS)
    counts = None if is_fragment(request) else selectors.counts(user)
    lists: dict[str, Sequence[QuerySet[EditTask]]] = {
        "mine": [selectors.claimed_by(user)],
        "signoff": [selectors.awaiting_signoff(user) if signs else EditTask.objects.none()],
        "open": selectors.claimable_by(user, has_back=counts is None or counts.back > 0),
    }
    more = request.GET.get("list", "")
    after = request.GET.get("after", "")
    if counts is None and more in lists:
        page = keyset_through(lists[more], selectors.BY_AGE, after, PAGE)
        return render(request, "editing/_list.html", {"page": page, "list": more})
    # Without a script one list goes on and the others show their beginning.
    pages = {
        name: keyset_through(parts, selectors.BY_AGE, after if name == more else "", PAGE)
        for name, parts in lists.items()
    }
    context = {"active": "editing", **pages, "counts": counts or selectors.counts(user), "signs": signs}
    return render(request, "editing/list.html", context)


def _scores(task: EditTask) -> list[dict[str, Any]]:
    """The score breakdown of the automatic start and of the corrected file, for whichever there is."""
    runs = [(_("Automatic cut-out"), task.base_run), (_("Corrected file"), task.result_run)]
    return [
        {"title": title, "run": run, "quality": run.quality}
        for title, run in runs
        if run is not None and not (run is task.result_run and task.base_run_id == run.pk)
    ]


def _compared(task: EditTask, shown: ProcessingRun) -> dict[str, Any]:
    """The pictures of the stage; rings belong to the automatic result only."""
    rings = selectors.rings_of(task) if shown.pk == task.base_run_id else []
    return run_item(shown) | {"key": f"run-{shown.pk}", "marks": rings}


@require_GET
@never_cache
@role_required(*EDITORS)
def task_page(request: HttpRequest, task_id: int) -> HttpResponse:
    """One photo: pictures, why it is here, the checklist, and what the person may do next."""
    user = _who(request)
    task = _task(task_id, user)
    if asked_list(request, ("history",)):
        page = selectors.history_of(task, cursor_of(request, "history"))
        return render(request, "editing/_history_rows.html", {"task": task, "page": page})
    desk.beat(user, task)
    shown = task.result_run or task.base_run
    context = {
        "active": "editing",
        "task": task,
        "asset": task.asset,
        "shown": shown,
        "item": _compared(task, shown) if shown else None,
        "checklist": selectors.checklist_of(task),
        "scores": _scores(task),
        "pair": pair_of(task.asset),
        "history": selectors.history_of(task, cursor_of(request, "history")),
        "can": selectors.allowed_actions(task, user),
        "is_mine": task.editor_id == user.pk,
        "signs": user_has_role(user, Role.SENIOR),
    }
    return render(request, "editing/task.html", context)


def _answer(request: HttpRequest, task_id: int, act: Callable[[], EditTask], said: str) -> HttpResponse:
    """Runs one act of the service; says how it went as JSON for the uploader and as a message otherwise."""
    if not selectors.is_theirs(task_id, _who(request)):
        raise Http404("No such edit.")
    try:
        act()
    except (desk.EditRefused, StorageFull, StorageAway, StorageRefused, TooLarge) as refused:
        if wants_json(request):
            return JsonResponse({"status": "refused", "message": str(refused)}, status=422)
        messages.error(request, str(refused))
        return redirect("editing:task", task_id=task_id)
    except EditTask.DoesNotExist:
        raise Http404("No such edit.") from None
    messages.success(request, said)
    if wants_json(request):
        return JsonResponse({"status": "saved", "message": said})
    return redirect("editing:task", task_id=task_id)


@require_POST
@role_required(*EDITORS)
def claim(request: HttpRequest, task_id: int) -> HttpResponse:
    """Takes a photo onto the person's desk."""
    return _answer(request, task_id, lambda: desk.claim(_who(request), task_id), _("It is on your desk."))


@require_POST
@role_required(*EDITORS)
def release(request: HttpRequest, task_id: int) -> HttpResponse:
    """Puts a photo back for anyone."""
    return _answer(request, task_id, lambda: desk.release(_who(request), task_id), _("Back in the queue."))


def _ticked(request: HttpRequest) -> dict[str, bool]:
    return dict.fromkeys(request.POST.getlist("checklist"), True)


@limited_form(desk.MAX_UPLOAD_BYTES + FORM_REST_BYTES)
@role_required(*EDITORS)
@require_POST
def submit(request: HttpRequest, task_id: int) -> HttpResponse:
    """Takes the corrected file; it is scored again and then waits for a senior."""
    upload = request.FILES.get("file")
    note = request.POST.get("note", "")

    def act() -> EditTask:
        if not isinstance(upload, UploadedFile):
            raise desk.EditRefused(_("Choose the corrected file first."))
        return desk.submit(_who(request), task_id, upload.chunks(), upload.name or "", _ticked(request), note)

    return _answer(request, task_id, act, _("Handed in. It is being scored again."))


@limited_form(desk.MAX_UPLOAD_BYTES + FORM_REST_BYTES)
@role_required(*EDITORS)
@require_POST
def submit_as_is(request: HttpRequest, task_id: int) -> HttpResponse:
    """Hands in the automatic cut-out unchanged. Refused when a corrected file came along: it would be lost unseen."""
    note = request.POST.get("note", "")

    def act() -> EditTask:
        if request.FILES:
            raise desk.EditRefused(_("You chose a corrected file. Upload it, or take it out first."))
        return desk.accept_start(_who(request), task_id, _ticked(request), note)

    return _answer(request, task_id, act, _("Handed in as it is. A senior signs it off."))


@require_POST
@role_required(*SENIORS)
def sign_off(request: HttpRequest, task_id: int) -> HttpResponse:
    """A senior accepts somebody else's work."""
    note = request.POST.get("note", "")
    return _answer(request, task_id, lambda: desk.sign_off(_who(request), task_id, note), _("Signed off."))


@require_POST
@role_required(*SENIORS)
def send_back(request: HttpRequest, task_id: int) -> HttpResponse:
    """A senior returns work with a note."""
    note = request.POST.get("note", "")
    return _answer(
        request, task_id, lambda: desk.send_back(_who(request), task_id, note), _("Sent back with your note.")
    )


@require_POST
@role_required(*SENIORS)
def give_up(request: HttpRequest, task_id: int) -> HttpResponse:
    """A senior closes a photo that can't be saved; first the sentence is shown once more as the client will read it."""
    note = request.POST.get("note", "").strip()
    task = _task(task_id, _who(request))
    if note and selectors.allowed_actions(task, _who(request))["give_up"] and "confirmed" not in request.POST:
        context = {"active": "editing", "task": task, "asset": task.asset, "note": note}
        return render(request, "editing/give_up.html", context)
    return _answer(
        request,
        task_id,
        lambda: desk.give_up(_who(request), task_id, note),
        _("Given up. The delivery lists it with your sentence."),
    )
