"""The channel files of one approved run: rendered from its stored cut-out, verified, stored, one row each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from django.conf import settings
from django.utils import timezone

from processing import apart, channels, cutout
from processing.errors import InputRejected, StageFailed
from processing.params import ChannelSpec, ProcessingParams
from processing.plates import Plates, load_plates
from processing.types import Rendered
from reviewapp import storage
from reviewapp.enums import AssetState, RenditionState
from reviewapp.models import Asset, Channel, ProcessingRun, Rendition

from . import originals

CUT_OUT_DAMAGED = "The photo or its matte is missing or damaged in storage. Send the photo through the line again."
BRAND_FOLDER = "brand"
"""Folder of the data folder with the logos and background pictures that presets name."""
# Photos that take no place among the views of a product.
_NOT_A_VIEW = (AssetState.DUPLICATE, AssetState.REJECTED_INTAKE)


def make_missing(run: ProcessingRun) -> list[Rendition]:
    """Render `run` for every channel of its batch that has no file of it yet; unsaved rows, their files stored.

    A channel that can't be served gives a FAILED row with the sentence. Raises ResourceUnavailable, StorageFull.
    """
    batch = run.asset.batch
    done = set(run.renditions.values_list("channel_id", flat=True))
    wanted = [row.channel for row in batch.batch_channels.select_related("channel") if row.channel_id not in done]
    if not wanted:
        return []
    params = ProcessingParams.from_dict(run.params)
    tokens = tokens_for(run.asset)
    cut = opened(run)
    return [row for channel in wanted for row in _make(run, channel, cut, params, tokens)]


def cutout_png(run: ProcessingRun) -> bytes:
    """Return the run's cut-out as an RGBA PNG in the original's size, for an editor to work on.

    The client's photo is decoded in a process apart, because this one serves pages. Raises InputRejected when its files
    no longer fit each other, StageFailed when one is gone or damaged, apart.Busy.
    """
    with _files_of(run) as (pixels, alpha), storage.temp_path() as made:
        apart.cut_out(pixels, alpha, run.recipe, made)
        return made.read_bytes()


def opened(run: ProcessingRun) -> cutout.CutOut:
    """Return the run's cut-out, read from storage. Raises InputRejected when its files don't fit each other,
    StageFailed when one of them is gone or damaged."""
    with _files_of(run) as (pixels, alpha):
        return cutout.open_cutout(pixels, alpha, run.recipe)


@contextmanager
def _files_of(run: ProcessingRun) -> Iterator[tuple[Path, Path | None]]:
    with ExitStack() as files:
        pixels, alpha = (
            files.enter_context(originals.whole(key, CUT_OUT_DAMAGED, "cut_out_damaged")) if key else None
            for key in (run.pixels_key, run.alpha_key)
        )
        if pixels is None:
            raise StageFailed(CUT_OUT_DAMAGED, code="cut_out_damaged")
        yield pixels, alpha


def make_again(rendition: Rendition) -> bool:
    """Render a file whose stored bytes are gone or damaged; False when other bytes come out than were verified."""
    run = rendition.run
    params = ProcessingParams.from_dict(run.params)
    _make(run, rendition.channel, opened(run), params, tokens_for(run.asset))
    return storage.verify(rendition.storage_key, rendition.sha256)


def keep(made: list[Rendition]) -> None:
    """Write the rows; a channel that got its file meanwhile keeps it."""
    Rendition.objects.bulk_create(made, ignore_conflicts=True)


def plates_for(params: ProcessingParams) -> Plates:
    """Return the brand's pictures that a preset names. Raises InputRejected(code="plate_missing")."""
    return load_plates(params, Path(settings.DATA_DIR) / BRAND_FOLDER)


def tokens_for(asset: Asset) -> dict[str, str]:
    """What a channel's file name and alt text may be built from (EXP-12); "" where the sheet gave nothing.

    `shot` (MAIN, PT01, PT02, …) and `view` (view-1, …) count the views of one product in the order they arrived, so
    several angles never share a name. A photo without a SKU goes by its own file name; an ASIN is never made up.
    """
    stem = PurePosixPath(asset.filename).stem
    place = _place(asset)
    return {
        "asin": asset.asin,
        "sku": asset.sku or stem,
        "stem": stem,
        "shot": "MAIN" if place == 1 else f"PT{place - 1:02d}",
        "view": f"view-{place}",
        "client": asset.batch.client.slug,
        "batch": str(asset.batch_id),
        "category": asset.category.replace("_", " "),
        "shoot_group": asset.shoot_group,
        "description": asset.description or asset.sku or stem,
    }


def metadata_for(asset: Asset) -> dict[str, str]:
    """What may be written into a file's own metadata where the channel asks for it."""
    return {
        "title": asset.description or asset.sku,
        "description": asset.description,
        "sku": asset.sku,
        "asin": asset.asin,
        "creator": asset.batch.client.name,
        "copyright": asset.batch.client.name,
    }


def _place(asset: Asset) -> int:
    """1 for the first view of a product (same ASIN, else same SKU) in its batch, 2 for the next, …"""
    views = Asset.objects.filter(batch_id=asset.batch_id, pk__lte=asset.pk).exclude(state__in=_NOT_A_VIEW)
    if asset.asin:
        return max(1, views.filter(asin=asset.asin).count())
    if asset.sku:
        return max(1, views.filter(sku=asset.sku).count())
    return 1


def _make(
    run: ProcessingRun, channel: Channel, cut: cutout.CutOut, params: ProcessingParams, tokens: dict[str, str]
) -> list[Rendition]:
    try:
        rendered = channels.render(
            cut,
            ChannelSpec.from_dict(channel.spec),
            params=params,
            tokens=tokens,
            metadata=metadata_for(run.asset),
            plates=plates_for(params),
            today=timezone.localdate(),
        )
    except (InputRejected, StageFailed) as error:
        text = str(error)[:500]
        return [Rendition(run=run, asset=run.asset, channel=channel, state=RenditionState.FAILED, error=text)]
    return [_row(run, channel, file) for file in rendered.files]


def _row(run: ProcessingRun, channel: Channel, rendered: Rendered) -> Rendition:
    stored = storage.put_bytes(rendered.data, prefix="r")
    broken = [check for check in rendered.checks if not check.passed and check.severity == "error"]
    error = "; ".join(f"{check.rule}: {check.actual}, needed {check.expected}" for check in broken)
    return Rendition(
        run=run,
        asset=run.asset,
        channel=channel,
        part=rendered.part,
        state=RenditionState.FAILED if broken else RenditionState.VERIFIED,
        filename=rendered.filename,
        storage_key=stored.key,
        sha256=stored.sha256,
        byte_size=stored.byte_size,
        width=rendered.width,
        height=rendered.height,
        content_type=rendered.content_type,
        checks=[check.to_dict() for check in rendered.checks],
        steps=list(rendered.steps),
        alt_text=rendered.alt_text[:500],
        error=error[:500],
    )
