"""A worker's step: one known picture out of an approved photo's result, good as it is or spoilt on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from django.utils import timezone

from processing import channels, codecs, known
from processing.cutout import CutOut
from processing.errors import InputRejected, StageFailed
from processing.params import ChannelSpec, ProcessingParams
from processing.types import Shown
from reviewapp import storage
from reviewapp.enums import GoldSource, RejectReason, RunKind
from reviewapp.models import GoldItem, ProcessingRun

from . import gold, rendering, runs

REASONS: Mapping[str, tuple[RejectReason, ...]] = {
    "bite": (RejectReason.PARTIAL_REMOVAL, RejectReason.EDGE_ROUGH),
    "lost_part": (RejectReason.PARTIAL_REMOVAL,),
    "holes": (RejectReason.PARTIAL_REMOVAL,),
    "ghosted": (RejectReason.PARTIAL_REMOVAL,),
    "torn_edge": (RejectReason.EDGE_ROUGH, RejectReason.PARTIAL_REMOVAL),
    "jagged": (RejectReason.EDGE_ROUGH,),
    "halo_4px": (RejectReason.EDGE_HALO,),
    "blob_attached": (RejectReason.BACKGROUND_LEFT, RejectReason.EDGE_HALO),
}
"""Kind of defect -> reject reasons that name it."""

_PICTURES = (
    "alpha_key", "recipe", "after_key", "after_type", "after_format", "after_bytes", "after_is_file", "after_note",
    "matte_key", "thumb_after_key", "frame_matrix", "after_width", "after_height",
)  # fmt: skip


def make(claim: runs.Claim) -> None:
    """Make the known picture; nothing when there is one of this photo, or the photo moved on."""
    base = ProcessingRun.objects.select_related("asset__batch__client", "channel").get(pk=claim.args["run_id"])
    if base.asset.current_run_id != base.pk or GoldItem.objects.filter(asset_id=base.asset_id).exists():
        runs.complete(claim, _nothing)
        return
    run = ProcessingRun.objects.get(pk=base.pk)
    run.pk, run._state.adding = None, True
    run.kind, run.pipeline_version = RunKind.GOLD, gold.gold_version(base)
    defect = ""
    if claim.args.get("is_defective"):
        defect = _spoil(base, run, np.random.default_rng(int(claim.args.get("seed", 0))))

    def write() -> None:
        if GoldItem.objects.filter(asset_id=base.asset_id).exists():
            return
        source = GoldSource.INJECTED if defect else GoldSource.GOOD
        gold.keep(run, defect=defect, reasons=[str(one) for one in REASONS.get(defect, ())], source=source)
        gold.copy_score(base, run)

    runs.complete(claim, write)


def _spoil(base: ProcessingRun, run: ProcessingRun, rng: np.random.Generator) -> str:
    """Give `run` the pictures of a spoilt cut-out; "" (and nothing changed) when no defect would be seen on it."""
    cut = rendering.opened(base)
    good = _shown(base, cut)
    for kind in rng.permutation(np.array(known.KINDS)):
        try:
            bad = known.spoilt(cut, str(kind), rng)
            seen = _shown(base, bad)
        except (InputRejected, StageFailed, ValueError):
            continue  # too little of the product is left to frame
        if known.is_seen(good.data, seen.data):
            _use(run, bad, seen)
            return str(kind)
    return ""


def spoil_again(task_id: int, base: ProcessingRun, run: ProcessingRun) -> None:
    """Give `run`, an adjusted result of a spoilt known picture in a task, the very same defect; others stay.

    Adjusting would heal it otherwise: it would tell itself from a real photo, and count as found unseen.
    """
    item = GoldItem.objects.select_related("run").filter(looks__task_id=task_id, is_defective=True).first()
    if item is None:
        return
    good = ProcessingRun.objects.get(asset_id=item.asset_id, attempt=item.run.attempt, kind=RunKind.AUTOMATED)
    planted = rendering.opened(item.run).alpha.astype(np.int16) - rendering.opened(good).alpha
    try:
        cut = rendering.opened(run)
        bad = replace(cut, alpha=np.clip(cut.alpha + planted, 0, 255).astype(np.uint8))
        _use(run, bad, _shown(run, bad))
    except (InputRejected, StageFailed, ValueError):  # too little of the product is left to frame: as it was
        for name in _PICTURES:
            setattr(run, name, getattr(base, name))


def _shown(base: ProcessingRun, cut: CutOut) -> Shown:
    params = ProcessingParams.from_dict(base.params)
    return channels.preview(
        cut,
        ChannelSpec.from_dict(base.channel.spec).on(timezone.localdate()),
        params=params,
        texts=rendering.metadata_for(base.asset),
        plates=rendering.plates_for(params),
    )


def _use(run: ProcessingRun, cut: CutOut, seen: Shown) -> None:
    def stored(data: bytes) -> str:
        return storage.put_bytes(data, prefix="d").key

    run.alpha_key, run.recipe = stored(codecs.encode_png(cut.alpha)), dict(cut.recipe)
    run.after_key, run.after_type, run.after_format = stored(seen.data), seen.content_type, seen.format
    run.after_bytes, run.after_is_file, run.after_note = seen.byte_size, seen.is_file, seen.note[:300]
    run.matte_key, run.thumb_after_key = stored(seen.matte_png), stored(known.thumbnail(seen.data))
    run.frame_matrix = list(seen.matrix)
    run.after_width, run.after_height = seen.size


def _nothing() -> None:
    """Made before, or the photo moved on."""
