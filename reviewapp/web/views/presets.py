"""Presets: versions, what differs between them, new ones, and YAML in and out."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from reviewapp.models import LearningAlarm, Preset, PresetVersion
from reviewapp.selectors import preset_pages as pages
from reviewapp.selectors import presets as selectors
from reviewapp.selectors.pages import keyset_by
from reviewapp.services import alarms, audit, canaries, lives
from reviewapp.services import presets as services
from reviewapp.web.forms.presets import ImportForm, NoteForm
from reviewapp.web.forms.tunables import PresetForm
from reviewapp.web.htmx import render_page
from reviewapp.web.lists import asked_list, cursor_of
from reviewapp.web.permissions import ADMINS, MANAGERS, role_required

PAGE = 50


@role_required(*MANAGERS, every_client=True)
@require_GET
def listing(request: HttpRequest) -> HttpResponse:
    """Every preset with its current version, by name."""
    return _listing(request, ImportForm())


def _listing(request: HttpRequest, form: ImportForm, status: int = 200) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:80]
    page = keyset_by(selectors.presets(words), ("name",), request.GET.get("after", ""), PAGE)
    context = {"active": "presets", "page": page, "form": form, "words": words}
    return render_page(request, "presets/page.html", "presets/_rows.html", context, status=status)


@role_required(*MANAGERS, every_client=True)
@require_GET
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """One preset: settings of a version beside another one, the versions, what blind samples say of each."""
    preset = get_object_or_404(Preset.objects.select_related("current"), slug=slug)
    if name := asked_list(request, ("versions", "rates")):
        return _more(request, preset, name)
    return _detail(request, preset, NoteForm())


def _more(request: HttpRequest, preset: Preset, name: str) -> HttpResponse:
    """The next rows of one list of the page, whose chips and buttons depend on the version that is shown."""
    cursor = cursor_of(request, name)
    if name == "rates":
        page, rows = pages.rate_page(preset, cursor)
        return render(request, "presets/_rate_rows.html", {"preset": preset, "page": page, "rows": rows})
    shown = pages.shown_version(preset, request.GET.get("version", ""))
    context = {"preset": preset, "page": pages.version_page(preset, cursor), "shown": shown}
    return render(request, "presets/_version_rows.html", context | {"is_on_trial": pages.is_on_trial(preset)})


def _detail(request: HttpRequest, preset: Preset, form: NoteForm, status: int = 200) -> HttpResponse:
    cursors = {name: cursor_of(request, name) for name in ("versions", "rates")}
    details = pages.preset_page(preset, request.GET.get("version", ""), request.GET.get("compare", ""), **cursors)
    context = {"active": "presets", "preset": preset, "details": details, "form": form}
    return render(request, "presets/detail.html", context, status=status)


@role_required(*ADMINS, every_client=True)
@require_http_methods(["GET", "POST"])
def new_version(request: HttpRequest, slug: str) -> HttpResponse:
    """The next version, filled with the latest one. 409 when somebody saved a version meanwhile."""
    preset = get_object_or_404(Preset, slug=slug)
    latest = selectors.latest_version(preset)
    form = PresetForm(request.POST or None, base=latest.params, number=latest.number)
    context = {"active": "presets", "preset": preset, "latest": latest, "form": form}
    if not form.is_bound or not form.is_valid() or form.params is None:
        return render(request, "presets/new.html", context, status=422 if form.is_bound else 200)
    if form.cleaned_data["seen"] != latest.number:
        return render(request, "presets/new.html", context | {"conflict": latest}, status=409)
    try:
        version = services.create_version(preset, form.params, form.cleaned_data["note"], request.user)  # type: ignore[arg-type]
    except services.PresetRefused as refused:
        form.add_error(None, str(refused))
        return render(request, "presets/new.html", context, status=422)
    messages.success(request, _("Version %(n)d is saved. New batches keep the current one.") % {"n": version.number})
    return redirect(f"{preset_url(preset)}?version={version.number}")


def preset_url(preset: Preset) -> str:
    """Where a preset's page is."""
    return str(redirect("presets:detail", slug=preset.slug).url)


@role_required(*ADMINS, every_client=True)
@require_POST
def set_current(request: HttpRequest, pk: int) -> HttpResponse:
    """Give new batches this version."""
    version = get_object_or_404(PresetVersion.objects.select_related("preset"), pk=pk)
    try:
        preset = services.set_current(version, request.user)  # type: ignore[arg-type]
    except services.PresetRefused as refused:
        return _refused(request, version.preset, NoteForm(request.POST), refused)
    messages.success(request, _("New batches get version %(n)d.") % {"n": version.number})
    return redirect(preset_url(preset))


def _refused(request: HttpRequest, preset: Preset, form: NoteForm, refused: ValueError) -> HttpResponse:
    """The preset's page again with the sentence why it stays as it is."""
    form.full_clean()
    form.add_error(None, str(refused))
    return _detail(request, get_object_or_404(Preset.objects.select_related("current"), pk=preset.pk), form, 409)


@role_required(*ADMINS, every_client=True)
@require_POST
def try_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Put a version on trial: a share of new products, all of it reviewed."""
    version, form = get_object_or_404(PresetVersion.objects.select_related("preset"), pk=pk), NoteForm(request.POST)
    try:
        canaries.start(version, request.user, str(form.data.get("note", "")))  # type: ignore[arg-type]
    except canaries.CanaryRefused as refused:
        return _refused(request, version.preset, form, refused)
    messages.success(request, _("Version %(n)d is on trial.") % {"n": version.number})
    return redirect(preset_url(version.preset))


@role_required(*ADMINS, every_client=True)
@require_POST
def roll_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a version off new photos; the next batch gets the one it came from."""
    version, form = get_object_or_404(PresetVersion.objects.select_related("preset"), pk=pk), NoteForm(request.POST)
    try:
        parent = canaries.roll_back(version, request.user, str(form.data.get("note", "")))  # type: ignore[arg-type]
    except canaries.CanaryRefused as refused:
        return _refused(request, version.preset, form, refused)
    messages.success(request, _("Rolled back: new batches get version %(n)d.") % {"n": parent.number})
    return redirect(preset_url(version.preset))


@role_required(*ADMINS, every_client=True)
@require_POST
def lock(request: HttpRequest, slug: str) -> HttpResponse:
    """Lock a preset with the reason, or unlock it."""
    preset, form = get_object_or_404(Preset, slug=slug), NoteForm(request.POST)
    if "unlock" in request.POST:
        lives.unlock(preset, request.user)  # type: ignore[arg-type]
        messages.success(request, _("Unlocked."))
        return redirect(preset_url(preset))
    try:
        lives.lock(preset, request.user, str(form.data.get("note", "")))  # type: ignore[arg-type]
    except lives.LockRefused as refused:
        return _refused(request, preset, form, refused)
    messages.success(request, _("Locked: nothing changes this preset until an admin unlocks it."))
    return redirect(preset_url(preset))


@role_required(*MANAGERS, every_client=True)
@require_POST
def close_alarm(request: HttpRequest, pk: int) -> HttpResponse:
    """Close an alarm with what was done about it."""
    alarm = get_object_or_404(LearningAlarm.objects.select_related("preset"), pk=pk)
    if alarms.close(alarm, request.user, request.POST.get("note", "")):  # type: ignore[arg-type]
        messages.success(request, _("The alarm is closed."))
    return redirect(preset_url(alarm.preset))


@role_required(*MANAGERS, every_client=True)
@require_GET
def export_yaml(request: HttpRequest, pk: int) -> HttpResponse:
    """One version as a file that can be imported anywhere."""
    version = get_object_or_404(PresetVersion.objects.select_related("preset"), pk=pk)
    audit.record("preset.exported", version, actor=request.user, after={"number": version.number})
    response = HttpResponse(services.export_yaml(version), content_type="application/yaml; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{version.preset.slug}-v{version.number}.yaml"'
    return response


@role_required(*ADMINS, every_client=True)
@require_POST
def import_yaml(request: HttpRequest) -> HttpResponse:
    """Store a preset file as a version."""
    form = ImportForm(request.POST, request.FILES)
    if form.is_valid():
        try:
            version = services.import_yaml(form.cleaned_data["text"], request.user)  # type: ignore[arg-type]
            messages.success(request, _("%(name)s is here.") % {"name": version})
            return redirect(f"{preset_url(version.preset)}?version={version.number}")
        except services.PresetRefused as refused:
            form.add_error("file", str(refused))
    return _listing(request, form, 422)
