"""What the compare viewer asks for beside its pictures: a further channel's file, the other photos of a product."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from processing.errors import InputRejected, StageFailed
from reviewapp.models import Asset, ProcessingRun
from reviewapp.selectors import media as media_selectors
from reviewapp.selectors import siblings as selectors
from reviewapp.selectors.pairs import pair_of
from reviewapp.services.channel_views import view_of
from reviewapp.web.media_urls import run_url
from reviewapp.web.permissions import MANAGERS, role_required, user_has_role
from reviewapp.web.viewer_items import channel_item

SAYS = {"approve": gettext_lazy("You approved it"), "reject": gettext_lazy("You rejected it")}


def _run(request: HttpRequest, run_id: int) -> ProcessingRun:
    run = media_selectors.run_for(run_id, "after", request.user)
    if run is None:
        raise Http404("No such run.")
    return run


@require_GET
@never_cache
@role_required()
def channel(request: HttpRequest, run_id: int, channel_id: int) -> JsonResponse:
    """The file another channel of the batch would get, with its own geometry; 422 with the sentence if none."""
    run = _run(request, run_id)
    wanted = selectors.channel_of(run, channel_id)
    if wanted is None:
        raise Http404("The batch has no such channel.")
    try:
        view = view_of(run, wanted)
    except (InputRejected, StageFailed) as error:
        return JsonResponse({"message": f"{wanted.name}: {error}"}, status=422)
    return JsonResponse(channel_item(run, view))


@require_GET
@never_cache
@role_required()
def siblings(request: HttpRequest, run_id: int) -> JsonResponse:
    """The other photos of the product, the second one of a pair beside it.

    Only a manager, and only who asks for it, is told where they stand. A desk never asks: that a photo is approved
    already would tell how it was scored, and with it a blind sample.
    """
    run = _run(request, run_id)
    assert isinstance(request.user, User)
    is_told = "states" in request.GET and user_has_role(request.user, *MANAGERS)
    mine = selectors.own_verdicts(request.user, run.asset)
    pair = pair_of(run.asset)
    found = selectors.siblings_of(run)
    if pair is not None:  # beside this one, whatever its SKU
        found = [one for one in found if one.pk != pair.asset.pk]
        at = next((at + 1 for at, one in enumerate(found) if one.pk == run.asset_id), 0)
        found.insert(at, pair.asset)
    photos = [_photo(asset, run, mine, is_told) for asset in found]
    for asset, photo in zip(found, photos, strict=True):
        if pair is not None and asset.pk == pair.asset.pk:
            part = _("Inside label") if pair.is_inside else _("The outside of it")
            photo |= {"isPair": True, "word": f"{part}. {photo['word']}" if photo["word"] else part}
    return JsonResponse({"photos": photos})


def _photo(asset: Asset, run: ProcessingRun, mine: dict[int, str], is_told: bool) -> dict[str, Any]:
    shown = run if asset.pk == run.asset_id else asset.current_run
    if asset.pk == run.asset_id:
        word = _("This photo")
    elif is_told:
        word = asset.get_state_display()
    elif shown is None:
        word = _("No result yet")
    else:
        word = str(SAYS.get(mine.get(asset.pk, ""), ""))
    photo: dict[str, Any] = {"name": asset.filename, "word": word, "isThis": asset.pk == run.asset_id}
    if shown is not None:
        photo |= {
            "thumb": run_url(shown, "thumb-after"),
            "after": run_url(shown, "after"),
            "width": shown.after_width,
            "height": shown.after_height,
        }
    return photo
