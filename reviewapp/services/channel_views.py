"""What a further channel would get of a run: made by the very functions of delivery when somebody looks, then kept."""

from __future__ import annotations

import threading

from django.db import transaction
from django.utils import timezone

from processing import channels
from processing.params import ChannelSpec, ProcessingParams
from reviewapp import storage
from reviewapp.models import Channel, ChannelView, ProcessingRun

from . import rendering

__all__ = ["view_of"]

# A render holds a whole photo in memory: one at a time per process.
_turn = threading.Lock()


def view_of(run: ProcessingRun, channel: Channel) -> ChannelView:
    """Return the view of `run` for `channel`, rendered now unless the same rules made it before.

    Raises InputRejected or StageFailed with the sentence that the channel's file would fail with, and StorageFull.
    """
    spec = ChannelSpec.from_dict(channel.spec).on(timezone.localdate())
    found = _kept(run, channel, spec)
    if found is not None:
        return found
    with _turn:
        return _kept(run, channel, spec) or _made(run, channel, spec)


def _kept(run: ProcessingRun, channel: Channel, spec: ChannelSpec) -> ChannelView | None:
    latest = ChannelView.objects.filter(run=run, channel=channel).order_by("-made_on").first()
    if latest is None or ChannelSpec.from_dict(channel.spec).on(latest.made_on) != spec:
        return None
    return latest if storage.exists(latest.key) else None


def _made(run: ProcessingRun, channel: Channel, spec: ChannelSpec) -> ChannelView:
    params = ProcessingParams.from_dict(run.params)
    seen = channels.preview(
        rendering.opened(run),
        spec,
        params=params,
        texts=rendering.metadata_for(run.asset),
        plates=rendering.plates_for(params),
    )
    fields = {
        "key": storage.put_bytes(seen.data, prefix="d").key,
        "matte_key": storage.put_bytes(seen.matte_png, prefix="d").key,
        "content_type": seen.content_type,
        "format": seen.format,
        "byte_size": seen.byte_size,
        "is_file": seen.is_file,
        "note": seen.note[:300],
        "width": seen.size[0],
        "height": seen.size[1],
        "frame_matrix": list(seen.matrix),
    }
    with transaction.atomic():
        view, _ = ChannelView.objects.get_or_create(
            run=run, channel=channel, made_on=timezone.localdate(), defaults=fields
        )
    return view
