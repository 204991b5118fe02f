"""A batch's legal hold: nothing of it is removed while it is set."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from reviewapp.services import retention as services
from reviewapp.web.permissions import MANAGERS, role_required
from reviewapp.web.theirs import their_batch


@role_required(*MANAGERS)
@require_POST
def hold(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the hold (`set=1`) or lift it, with a word why for the audit log."""
    batch = their_batch(request, pk)
    is_held = request.POST.get("set") == "1"
    changed = services.hold_batch(batch, request.user, is_held=is_held, note=request.POST.get("note", "")[:300])
    if not changed:
        messages.info(request, _("It was so already."))
    elif is_held:
        messages.success(request, _("The batch is on legal hold: nothing of it is removed."))
    else:
        messages.success(request, _("The legal hold is lifted."))
    return redirect("batches:detail", pk=pk)
