"""Thresholds and category rules: everybody who plans work reads them, an admin changes them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from reviewapp.models import RoutingPolicy
from reviewapp.selectors import thresholds as selectors
from reviewapp.services import policies_admin
from reviewapp.web.forms.quality import CategoryForm, PolicyForm
from reviewapp.web.permissions import ADMINS, MANAGERS, role_required


def _page(request: HttpRequest, status: int = 200, **parts: Any) -> HttpResponse:
    details = selectors.threshold_page()
    forms = {"form": PolicyForm(current=details.current), "category_form": CategoryForm()}
    context = {"active": "thresholds", "details": details, **forms, **parts}
    return render(request, "quality/thresholds.html", context, status=status)


@role_required(*MANAGERS)
@require_GET
def thresholds(request: HttpRequest) -> HttpResponse:
    """The thresholds in force, what scores look like against them, and every version there was."""
    return _page(request)


@role_required(*ADMINS)
@require_POST
def publish(request: HttpRequest) -> HttpResponse:
    """Put new thresholds in force. 409 when somebody published meanwhile, 422 with a sentence per field."""
    current: RoutingPolicy = selectors.current_policy()
    form = PolicyForm(request.POST, current=current)
    if not form.is_valid():
        return _page(request, 422, form=form)
    if form.cleaned_data["seen"] != current.number:
        return _page(request, 409, form=form, conflict=current)
    try:
        policy = policies_admin.publish_policy(form.values(), form.cleaned_data["note"], request.user)  # type: ignore[arg-type]
    except policies_admin.PolicyRefused as refused:
        for name, sentence in refused.errors.items():
            form.add_error(name or None, sentence)
        return _page(request, 422, form=form)
    messages.success(request, _("Version %(n)d is in force for whatever is scored from now on.") % {"n": policy.number})
    return redirect("quality:thresholds")


@role_required(*ADMINS)
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
            preset=data["preset"],
            actor=request.user,  # type: ignore[arg-type]
        )
    except policies_admin.PolicyRefused as refused:
        for name, sentence in refused.errors.items():
            form.add_error(name or None, sentence)
        return _page(request, 422, category_form=form)
    messages.success(request, _("The rule of %(name)s is saved.") % {"name": rule.category})
    return redirect("quality:thresholds")
