"""Addresses of pictures. Each carries a piece of its content hash, so a browser may keep it for ever."""

from django.urls import reverse

from reviewapp.models import Asset, ChannelView, ProcessingRun, ReferencePicture, Rendition

HASH_LENGTH = 16

RUN_KEYS = {
    "before": "before_key",
    "after": "after_key",
    "matte": "matte_key",
    "thumb-before": "thumb_before_key",
    "thumb-after": "thumb_after_key",
    "cutout": "alpha_key",
}
"""Kind in the URL -> field of ProcessingRun that holds its storage key. A cut-out is put together when it is asked for;
its matte's key stands for it."""


def tag(key: str) -> str:
    """The content hash of a content-addressed key, shortened. Keys look like `d/ab/<sha256>`."""
    return key.rsplit("/", 1)[-1][:HASH_LENGTH]


def run_url(run: ProcessingRun, kind: str) -> str:
    """Address of one picture of a run. Raises KeyError for a kind that is not in RUN_KEYS."""
    key = getattr(run, RUN_KEYS[kind]) or run.pixels_key
    return f"{reverse('media:run', args=[run.pk, kind])}?v={tag(key)}"


def matte_url(run: ProcessingRun) -> str:
    """Address of the matte in the grid of `after`; "" for runs made before it was kept."""
    return run_url(run, "matte") if run.matte_key else ""


def view_url(view: ChannelView, kind: str) -> str:
    """Address of what a further channel gets of a run: `after` or `matte`."""
    key = view.matte_key if kind == "matte" else view.key
    return f"{reverse('media:view', args=[view.pk, kind])}?v={tag(key)}"


def reference_url(picture: ReferencePicture) -> str:
    """Address of a client's reference picture."""
    return f"{reverse('media:reference', args=[picture.pk])}?v={tag(picture.key)}"


def original_url(asset: Asset) -> str:
    """Address of the untouched upload; opening it is recorded."""
    return f"{reverse('media:original', args=[asset.pk])}?v={asset.sha256[:HASH_LENGTH]}"


def rendition_url(rendition: Rendition) -> str:
    """Address of a verified channel file."""
    return f"{reverse('media:rendition', args=[rendition.pk])}?v={rendition.sha256[:HASH_LENGTH]}"
