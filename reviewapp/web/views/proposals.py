"""Proposals: what the reviews suggest, on what evidence, and an admin's yes or no."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from reviewapp.models import PresetProposal, PresetVersion
from reviewapp.selectors import presets as selectors
from reviewapp.selectors.pages import keyset
from reviewapp.selectors.proposals import proposal_page
from reviewapp.services import canaries, learning, studies
from reviewapp.templatetags.states import percent
from reviewapp.web.forms.presets import NoteForm
from reviewapp.web.permissions import ADMINS, MANAGERS, role_required


@role_required(*MANAGERS, every_client=True)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Every proposal, newest first."""
    page = keyset(selectors.proposals().order_by("-pk"), request.GET.get("after", ""), 50)
    return render(request, "proposals/page.html", {"active": "proposals", "page": page})


def _detail(request: HttpRequest, proposal: PresetProposal, form: NoteForm, status: int = 200) -> HttpResponse:
    context = {"active": "proposals", "details": proposal_page(proposal), "form": form}
    return render(request, "proposals/detail.html", context, status=status)


@role_required(*MANAGERS, every_client=True)
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One proposal with its evidence and the settings it changes."""
    return _detail(request, get_object_or_404(selectors.proposals(), pk=pk), NoteForm())


@role_required(*ADMINS, every_client=True)
@require_POST
def accept(request: HttpRequest, pk: int) -> HttpResponse:
    """Make the change the next version and current. 409 when it was decided, or its setting moved, meanwhile."""
    proposal = get_object_or_404(selectors.proposals(), pk=pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _detail(request, proposal, form, 422)
    try:
        version = learning.accept(proposal, request.user, form.cleaned_data["note"])  # type: ignore[arg-type]
    except learning.ProposalRefused as refused:
        form.add_error(None, str(refused))
        return _detail(request, get_object_or_404(selectors.proposals(), pk=pk), form, 409)
    messages.success(request, _("%(version)s is current. Running batches keep theirs.") % {"version": version})
    return redirect("proposals:detail", pk=pk)


@role_required(*ADMINS, every_client=True)
@require_POST
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep the preset; the reason is kept with the proposal."""
    proposal = get_object_or_404(selectors.proposals(), pk=pk)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _detail(request, proposal, form, 422)
    try:
        learning.decline(proposal, request.user, form.cleaned_data["note"])  # type: ignore[arg-type]
    except learning.ProposalRefused as refused:
        form.add_error("note", str(refused))
        return _detail(request, get_object_or_404(selectors.proposals(), pk=pk), form, 409)
    messages.success(request, _("Declined. The preset stays as it is."))
    return redirect("proposals:detail", pk=pk)


@role_required(*ADMINS, every_client=True)
@require_POST
def test(request: HttpRequest, pk: int) -> HttpResponse:
    """Order the test: the search, both results, the blind duel. 409 with the sentence when it can't begin."""
    proposal = get_object_or_404(selectors.proposals(), pk=pk)
    try:
        study = studies.start(proposal, request.user)  # type: ignore[arg-type]
    except studies.StudyRefused as refused:
        form = NoteForm(request.POST)
        form.add_error(None, str(refused))
        return _detail(request, proposal, form, 409)
    messages.success(request, _("The test has begun, on %(n)d photos.") % {"n": study.replay.size})
    return redirect("proposals:detail", pk=pk)


@role_required(*ADMINS, every_client=True)
@require_POST
def try_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the version that won its duel on trial. 409 with the sentence when something stands against it."""
    proposal = get_object_or_404(selectors.proposals(), pk=pk)
    version = get_object_or_404(PresetVersion.objects.select_related("preset"), study__proposal=proposal)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _detail(request, proposal, form, 422)
    try:
        trial = canaries.start(version, request.user, form.cleaned_data["note"])  # type: ignore[arg-type]
    except canaries.CanaryRefused as refused:
        form.add_error(None, str(refused))
        return _detail(request, get_object_or_404(selectors.proposals(), pk=pk), form, 409)
    share = percent(trial.share)
    messages.success(
        request,
        _("%(share)s of new products get it from now on; people look at every one of their photos.") % {"share": share},
    )
    return redirect("proposals:detail", pk=pk)
