"""Thresholds and category rules: everybody who plans work reads them, an admin changes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from reviewapp.models import PolicyDraft, RoutingPolicy
from reviewapp.selectors import thresholds as selectors
from reviewapp.selectors import what_if as drafts
from reviewapp.services import policies_admin
from reviewapp.templatetags.states import percent
from reviewapp.web.forms.quality import CategoryForm, PolicyForm
from reviewapp.web.lists import asked_list, cursor_of
from reviewapp.web.permissions import ADMINS, MANAGERS, role_required, user_has_role

LISTS: Mapping[str, Callable[[str], Any]] = {"versions": selectors.version_page, "rules": selectors.rule_page}
"""The lists of the page that go on."""


def _page(request: HttpRequest, status: int = 200, **parts: Any) -> HttpResponse:
    details = selectors.threshold_page(cursor_of(request, "versions"), cursor_of(request, "rules"))
    forms: dict[str, Any] = {"form": PolicyForm(current=details.current)}
    if user_has_role(request.user, *ADMINS):
        forms["category_form"] = CategoryForm()
    told = {
        "is_covered": details.certified.covers(details.current.approve_at),
        "is_own": details.draft is not None and details.draft.drafted_by_id == request.user.pk,
    }
    context = {"active": "thresholds", "details": details, **told, **forms, **parts}
    return render(request, "quality/thresholds.html", context, status=status)


@role_required(*MANAGERS, every_client=True)
@require_GET
def thresholds(request: HttpRequest) -> HttpResponse:
    """The thresholds in force, what scores look like against them, and every version there was."""
    if name := asked_list(request, LISTS):
        context = {"page": LISTS[name](cursor_of(request, name))}
        return render(request, f"quality/_{name}_rows.html", context)
    return _page(request)


FATES = {
    "passes": gettext_lazy("Passes by itself"),
    "band": gettext_lazy("Waits for a person"),
    "low": gettext_lazy("Done again, then an editor"),
}
VERDICTS = {
    "unknown": (
        "neutral",
        "circle-question-mark",
        gettext_lazy("Nobody judged any photo of a part that would pass: what slips through is unknown."),
    ),
    "below": (
        "approve",
        "check",
        gettext_lazy("Of what would pass, people would reject %(low)s to %(high)s: all below the limit of %(limit)s."),
    ),
    "reaches": (
        "hold",
        "triangle-alert",
        gettext_lazy(
            "Of what would pass, people would reject %(rate)s, but it could be up to %(high)s: "
            "past the limit of %(limit)s. Judge more samples first."
        ),
    ),
    "above": (
        "reject",
        "octagon-alert",
        gettext_lazy(
            "Of what would pass, people would reject %(rate)s (%(low)s to %(high)s): above the limit of %(limit)s."
        ),
    ),
}
"""Verdict -> tone, icon, sentence. The limit is the share of rejected samples that pauses a batch."""


@role_required(*MANAGERS, every_client=True)
@require_GET
def what_if(request: HttpRequest) -> HttpResponse:
    """The fragment under the histogram: what a draft of the two lines would change. Changes nothing."""
    return render(request, "quality/_what_if.html", _would(request.GET))


def _would(typed: Mapping[str, Any]) -> dict[str, Any]:
    """What the fragment shows for the two lines as they were typed."""
    try:
        lines = [float(typed.get(name, "")) for name in ("approve_at", "review_at")]
        found = drafts.what_if(*lines)
    except ValueError:
        return {"refused": _("Two numbers from 0 to 100, the review line not above the pass line.")}
    tone, mark, sentence = VERDICTS[found.verdict]
    shares = {"rate": found.rate or 0.0, "low": found.low, "high": found.high, "limit": found.limit}
    return {
        "found": found,
        "slipped": (found.now, found.draft),
        "rows": [(FATES[fate.key], fate) for fate in found.fates],
        "tone": tone,
        "mark": mark,
        "sentence": sentence % {name: percent(share, 1) for name, share in shares.items()},
    }


@role_required(*ADMINS, every_client=True)
@require_POST
def publish(request: HttpRequest) -> HttpResponse:
    """Put new thresholds in force. 409 when somebody published meanwhile, 422 with a sentence per field."""
    current: RoutingPolicy = selectors.current_policy()
    form = PolicyForm(request.POST, current=current)
    if not form.is_valid():
        return _page(request, 422, form=form, **_would(request.POST))
    if form.cleaned_data["seen"] != current.number:
        return _page(request, 409, form=form, conflict=current)
    try:
        made = policies_admin.submit(form.values(), form.cleaned_data["note"], request.user)  # type: ignore[arg-type]
    except policies_admin.PolicyRefused as refused:
        for name, sentence in refused.errors.items():
            form.add_error(name or None, sentence)
        return _page(request, 422, form=form, **_would(request.POST))
    if isinstance(made, RoutingPolicy):
        messages.success(request, IN_FORCE % {"n": made.number})
    else:
        messages.info(request, _("Drafted. A second admin has to agree, because it lets more through unseen."))
    return redirect("quality:thresholds")


IN_FORCE = gettext_lazy("Version %(n)d is in force for whatever is scored from now on.")


@role_required(*ADMINS, every_client=True)
@require_POST
def decide_draft(request: HttpRequest, pk: int) -> HttpResponse:
    """A second admin agrees with drafted thresholds, or anybody drops them. 409 with the sentence when they can't."""
    draft = get_object_or_404(PolicyDraft.objects.select_related("drafted_by"), pk=pk)
    if "drop" in request.POST:
        policies_admin.drop_draft(draft, request.user)  # type: ignore[arg-type]
        messages.info(request, _("Dropped. The thresholds stay as they are."))
        return redirect("quality:thresholds")
    try:
        policy = policies_admin.confirm(draft, request.user)  # type: ignore[arg-type]
    except policies_admin.PolicyRefused as refused:
        return _page(request, 409, draft_refused=str(refused))
    messages.success(request, IN_FORCE % {"n": policy.number})
    return redirect("quality:thresholds")


@role_required(*ADMINS, every_client=True)
@require_POST
def save_category(request: HttpRequest) -> HttpResponse:
    """Add or change the rule of one category."""
    form = CategoryForm(request.POST)
    if not form.is_valid():
        return _page(request, 422, category_form=form)
    data = form.cleaned_data
    try:
        rule = policies_admin.save_category_rule(
            data["category"],
            data["complexity"],
            always_human=data["always_human"],
            checks_colour=data["checks_colour"],
            preset=data["preset"],
            actor=request.user,  # type: ignore[arg-type]
        )
    except policies_admin.PolicyRefused as refused:
        for name, sentence in refused.errors.items():
            form.add_error(name or None, sentence)
        return _page(request, 422, category_form=form)
    messages.success(request, _("The rule of %(name)s is saved.") % {"name": rule.category})
    return redirect("quality:thresholds")
