"""The review desk: its pages, the small JSON protocol of its script, and the same by plain forms."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import uuid4

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from reviewapp.enums import RejectReason
from reviewapp.policies.choosing import Choice
from reviewapp.policies.numbers import whole
from reviewapp.selectors import access, choosing, deliveries, people_at_work
from reviewapp.selectors import review as selectors
from reviewapp.selectors.pages import keyset_by
from reviewapp.selectors.people import is_senior
from reviewapp.services import afterwards
from reviewapp.services import review as desk
from reviewapp.services.leases import lease_end
from reviewapp.web.forms.choosing import ChoiceForm, named
from reviewapp.web.htmx import is_fragment
from reviewapp.web.permissions import REVIEWERS, SENIORS, role_required
from reviewapp.web.viewer_items import review_item
from reviewapp.web.views.choosing import address

Answer = TypeVar("Answer", bound=HttpResponse)
CLAIM = 8
"""Photos lent at once (REVIEW_UI section 6)."""
STATUS_CODES = {"saved": 200, "replayed": 200, "conflict": 409, "lease_gone": 410, "invalid": 422}
HELD = 50
"""Photos on hold listed at once."""
QUEUE_WORDS = {"mixed": gettext_lazy("Review"), "assisted": gettext_lazy("Assisted review")}
PAST = 8
"""Decided photos a page starts with; older ones are asked for when undo walks back that far."""
ICONS = (
    "check", "x", "pause", "skip-forward", "users", "hourglass", "wifi-off", "triangle-alert", "arrow-up", "package-x",
)  # fmt: skip
"""Icons the script puts into notes and filmstrip, kept in the page as templates."""


def _who(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _counts(user: User, queue: selectors.Queue, choice: Choice) -> dict[str, int]:
    """What the desk says of what is left.

    Of the assisted queue only whether there is any: its number beside that of the mixed queue would be the number of
    blind samples (SMP-01). What one holds from the other queue counts as left, or the words would tell samples apart.
    """
    counts = choosing.counts(user, queue, choice)
    if queue == "assisted":
        any_elsewhere = int(counts.elsewhere > 0)
        return {
            "waiting": max(int(counts.waiting > 0), any_elsewhere),
            "free": int(counts.free > 0),
            "others": int(counts.others > 0),
            "elsewhere": any_elsewhere,
            "held": 0,
        }
    return {
        "waiting": counts.waiting,
        "free": counts.free,
        "others": counts.others,
        "elsewhere": counts.elsewhere,
        "held": counts.held,
    }


def _body(request: HttpRequest) -> dict[str, Any]:
    """The JSON object of a request; an empty one when it is not an object."""
    try:
        data = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):  # the latter: brackets in brackets without end
        return {}
    return data if isinstance(data, dict) else {}


@require_GET
@never_cache
@role_required(*REVIEWERS)
def chooser(request: HttpRequest) -> HttpResponse:
    """Which queue: the blind one with the samples, the assisted one, and what is on hold."""
    user = _who(request)
    held = keyset_by(selectors.held_tasks("mixed", user), ("decided_at", "pk"), request.GET.get("after", ""), HELD)
    holds = selectors.holds_of(held.rows)
    rows = [(task, holds.get(task.pk)) for task in held.rows]
    if is_fragment(request):
        return render(request, "review/_held.html", {"held": held, "rows": rows})
    values, wrong = named(user, request.GET.dict())
    wide = _choice(values, "assisted")
    context = {
        "active": "review",
        "mixed": selectors.queue_counts(user, "mixed"),
        "held": held,
        "rows": rows,
        "saved": [(row, address(row.queue, _choice(row.values, row.queue))) for row in choosing.all_saved(user)],
        "form": ChoiceForm(user, initial=wide.values | ({"client": request.GET["client"]} if wrong else {})),
        "found": _found(user, wide) if wide.values and not wrong else None,
        "wrong": wrong,
    }
    return render(request, "review/chooser.html", context)


def _found(user: User, wide: Choice) -> dict[str, Any]:
    """What a choice holds in each queue, and where to go with it."""
    blind = Choice.read(wide.values, blind=True)
    return {
        "words": choosing.words(user, wide),
        "values": wide.values,
        "is_telling": blind != wide,
        "mixed": (choosing.waiting(user, "mixed", blind), address("mixed", blind)),
        "assisted": address("assisted", wide),
        "bulk": _bulk_address(wide) if wide.is_narrow and is_senior(user) else "",
    }


def _bulk_address(wide: Choice) -> str:
    return address("assisted", wide).replace(reverse("review:queue", args=["assisted"]), reverse("review:bulk"))


def _past(user: User, queue: selectors.Queue, before: int | None = None) -> list[dict[str, Any]]:
    """The person's latest decisions in this queue, oldest first: what Z takes back after a reload."""
    blind = queue == "mixed"
    decisions = list(selectors.my_recent_decisions(user, PAST, blind=blind, before=before))
    tasks = selectors.tasks_for_display([decision.task_id for decision in decisions], blind=blind)
    return [
        {
            "item": review_item(tasks[decision.task_id], user, blind=blind),
            "verdict": decision.verdict,
            "decision": str(decision.pk),
        }
        for decision in reversed(decisions)
    ]


@require_GET
@never_cache
@role_required(*REVIEWERS)
def past(request: HttpRequest, queue: selectors.Queue) -> JsonResponse:
    """The person's decisions before ?before=ID, oldest first: {past}. Undo walks back as far as it may."""
    return JsonResponse({"past": _past(_who(request), queue, whole(request.GET.get("before", "")))})


def _then(response: Answer, kept: afterwards.Kept) -> Answer:
    """Let what follows a decision wait until the answer has left: its time would tell what the photo is."""
    response._resource_closers.append(kept.leave)  # type: ignore[attr-defined] # what Django itself closes with
    return response


def _choice(values: Mapping[str, Any], queue: str) -> Choice:
    return Choice.read(values, blind=queue == "mixed")


def _words(user: User, choice: Choice) -> str:
    """A choice in words; one of a client who isn't theirs, or isn't at all, has none of its own."""
    return choosing.words(user, choice) or (_("this choice") if choice.is_narrow else "")


def _boot(request: HttpRequest, queue: selectors.Queue, item: dict[str, Any] | None, choice: Choice) -> dict[str, Any]:
    """What the desk's script starts from."""
    user = _who(request)
    urls = {name: reverse(f"review:{name}", args=[queue]) for name in ("claim", "beat", "release", "past")}
    return {
        "queue": queue,
        "blind": queue == "mixed",
        "user": user.pk,
        "person": user.get_full_name() or user.get_username(),
        "csrf": get_token(request),
        "urls": {**urls, "decide": reverse("review:decide", args=[0]), "undo": reverse("review:undo", args=[0])},
        "items": [item] if item else [],
        "past": _past(user, queue),
        "choice": choice.values,
        "narrow": _words(user, choice) if choice.is_narrow else "",
        "reach": access.reach_of(user),
        "counts": _counts(user, queue, choice),
        "done": people_at_work.decided_today(user),
        "reasons": selectors.REJECT_REASONS,
        "ways": {reason: dict(zip(("less", "more"), pairs, strict=True)) for reason, pairs in selectors.ways().items()},
    }


@require_GET
@never_cache
@role_required(*REVIEWERS)
def queue_page(request: HttpRequest, queue: selectors.Queue) -> HttpResponse:
    """The desk with its first photo. The script claims more; without it, forms decide one photo per page."""
    user, choice = _who(request), _choice(request.GET.dict(), queue)
    task = next(iter(desk.claim_next(user, 1, queue, choice)), None)
    item = review_item(task, user, blind=queue == "mixed") if task else None
    context = {
        "queue": queue,
        "queue_word": QUEUE_WORDS[queue],
        "blind": queue == "mixed",
        "task": task,
        "item": item,
        "reasons": selectors.REJECT_REASONS,
        "icon_names": ICONS,
        "is_senior": is_senior(user),
        "last": next(iter(selectors.my_recent_decisions(user, 1)), None),
        "key": str(uuid4()),
        "choice_words": _words(user, choice),
        "boot": _boot(request, queue, item, choice),
    }
    return render(request, "review/queue.html", context)


@require_POST
@never_cache
@role_required(*REVIEWERS)
def claim(request: HttpRequest, queue: selectors.Queue) -> JsonResponse:
    """Lends the next photos: {items, counts}. Body: {count: 1..16, choice: {...}}."""
    user, body = _who(request), _body(request)
    count = body.get("count", CLAIM)
    choice = _choice(body["choice"] if isinstance(body.get("choice"), dict) else {}, queue)
    tasks = desk.claim_next(user, count if isinstance(count, int) else CLAIM, queue, choice)
    items = [review_item(task, user, blind=queue == "mixed") for task in tasks]
    return JsonResponse({"items": items, "counts": _counts(user, queue, choice)})


@require_POST
@role_required(*REVIEWERS)
def beat(request: HttpRequest, queue: selectors.Queue) -> JsonResponse:
    """Renews the leases on {ids}: answers with those that are still the person's, until when, and the counts."""
    user, body = _who(request), _body(request)
    ids = [pk for pk in body.get("ids", []) if isinstance(pk, int)]
    choice = _choice(body["choice"] if isinstance(body.get("choice"), dict) else {}, queue)
    until = lease_end()
    held = desk.beat(user, ids, until)
    return JsonResponse({"ids": held, "until": until.isoformat(), "counts": _counts(user, queue, choice)})


def _moment(text: str) -> datetime | None:
    try:
        return parse_datetime(text)
    except ValueError:
        return None


@require_POST
@role_required(*REVIEWERS)
def release(request: HttpRequest, queue: selectors.Queue) -> HttpResponse:
    """Gives photos back when the page is left; a beacon sends the ids, and until when they were lent, as a form.

    It may arrive after the person's next page (the same one, loaded anew) was lent the same photos.
    """
    ids = [number for one in request.POST.getlist("ids") if (number := whole(one)) is not None]
    desk.release(_who(request), ids, _moment(request.POST.get("until", "")))
    return HttpResponse(status=204)


@require_POST
@role_required(*REVIEWERS)
def decide(request: HttpRequest, task_id: int) -> JsonResponse:
    """One decision: {verdict, reasons, note, marks, colour, version, seconds, queue} with an Idempotency-Key header.

    200 saved, 409 somebody was first, 410 the lease is gone, 422 something is missing (`needs` says what, if anything).
    """
    data = _body(request)
    reasons = data.get("reasons", [])
    with afterwards.kept() as kept:
        result = desk.record_decision(
            _who(request),
            task_id,
            seen_version=data["version"] if isinstance(data.get("version"), int) else -1,
            verdict=str(data.get("verdict", "")),
            reasons=[str(reason) for reason in reasons] if isinstance(reasons, list) else [],
            note=str(data.get("note", "")),
            idempotency_key=request.headers.get("Idempotency-Key", ""),
            seconds_taken=data["seconds"] if isinstance(data.get("seconds"), int | float) else None,
            queue="assisted" if data.get("queue") == "assisted" else "mixed",
            marks=data["marks"] if isinstance(data.get("marks"), list) else [],
            colour_checked=data.get("colour") is True,
        )
    return _then(JsonResponse(_told(result), status=STATUS_CODES[result.status]), kept)


def _told(result: desk.DecisionResult) -> dict[str, str]:
    """`decision` is the row this request left; `yours` one of the person's own that stands instead, and its verdict."""
    told = {"status": result.status, "message": result.message}
    if result.needs:
        told["needs"] = result.needs
    if result.decision is None:
        return told
    number = str(result.decision.pk)
    if result.status == "conflict" and not result.decision.is_second_opinion:
        return told | {"yours": number, "stands": result.decision.verdict}
    return told | {"decision": number}


@require_POST
@role_required(*REVIEWERS)
def undo(request: HttpRequest, decision_id: int) -> JsonResponse:
    """Takes back one's own decision: 200 with the photo, lent again; 409 with the reason why not (`later`: for now)."""
    user = _who(request)
    with afterwards.kept() as kept:
        result = desk.undo(user, decision_id)
    if not result.is_undone or result.task is None:
        refused = {"status": "refused", "message": result.message, "later": result.is_passing}
        if result.seals:
            refused["callBack"] = reverse("review:call_back", args=[decision_id])
        return JsonResponse(refused, status=409)
    # As it was decided, not as the page asks: a blind photo's score must not be had by undoing it elsewhere.
    item = review_item(result.task, user, blind=result.was_blind)
    told = {"status": "undone", "message": result.message, "item": item}
    if result.recalled:
        told["recalled"] = result.recalled
    return _then(JsonResponse(told), kept)


@require_POST
@role_required(*REVIEWERS)
def decide_plain(request: HttpRequest, queue: selectors.Queue) -> HttpResponse:
    """The same decision from a form; says how it went on the next page."""
    form = request.POST
    version = whole(form.get("version", ""))
    with afterwards.kept() as kept:
        result = desk.record_decision(
            _who(request),
            whole(form.get("task", "")) or 0,
            seen_version=-1 if version is None else version,
            verdict=form.get("verdict", ""),
            reasons=[value for value in form.getlist("reasons") if value in RejectReason.values],
            note=form.get("note", ""),
            idempotency_key=form.get("key", ""),
            queue=queue,
            colour_checked="colour" in form,
        )
    if result.status in ("saved", "replayed"):
        messages.success(request, result.message)
    else:
        messages.warning(request, result.message)
    return _then(redirect("review:queue", queue=queue), kept)


@require_POST
@role_required(*REVIEWERS)
def undo_plain(request: HttpRequest, queue: selectors.Queue) -> HttpResponse:
    """Undo from a form: the photo comes back as the first of the page."""
    decision_id = whole(request.POST.get("decision", "")) or 0
    with afterwards.kept() as kept:
        result = desk.undo(_who(request), decision_id)
    if result.seals:
        return redirect("review:call_back", decision_id=decision_id)
    (messages.success if result.is_undone else messages.warning)(request, result.message)
    return _then(redirect("review:queue", queue=queue), kept)


@require_http_methods(["GET", "POST"])
@never_cache
@role_required(*SENIORS)
def call_back(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Undo one's own decision about a photo that was handed over: first what that means, then it is done."""
    user = _who(request)
    decision = selectors.own_decision(user, decision_id)
    if decision is None:
        raise Http404("No such decision of yours.")
    queue = "mixed" if decision.was_blind else "assisted"
    if request.method == "POST":
        with afterwards.kept() as kept:
            result = desk.undo(user, decision_id, calls_back=True)
        (messages.success if result.is_undone else messages.warning)(request, result.message)
        return _then(redirect("review:chooser"), kept)  # it says so there; the photo is the first of its queue
    context = {
        "active": "review",
        "decision": decision,
        "asset": decision.asset,
        "queue": queue,
        "deliveries": deliveries.out_with(decision.asset),
    }
    return render(request, "review/call_back.html", context)


@require_POST
@role_required(*REVIEWERS)
def take_back(request: HttpRequest, queue: selectors.Queue, task_id: int) -> HttpResponse:
    """Takes a photo off hold and opens the desk, where it is lent to the person."""
    task = desk.take_back(_who(request), task_id, queue)
    if task is None:
        messages.warning(request, _("Somebody took this photo off hold already."))
        return redirect("review:chooser")
    return redirect("review:queue", queue=queue)
