"""What a manager does with a first sample (SMP-06): apply it to the rest, or draw another with other settings."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from reviewapp.enums import BatchState, Role
from reviewapp.models import Batch, FirstSample, PresetVersion
from reviewapp.selectors import first_samples as selectors

from . import audit, batches, first_samples
from .people import require

OVER = (BatchState.CANCELLED, BatchState.DELIVERED)


class FirstSampleRefused(ValueError):
    """It can't be applied or drawn; the message says why."""


def apply(batch: Batch, version: PresetVersion, actor: Any, *, seen: int, why: str = "") -> None:
    """Let the rest of the batch through, done with `version`; what was sampled keeps the version it was done with.

    `seen` is the number of the round the person looked at. Before all of it was judged there must be a reason, which
    stays in the audit log. Once per batch: the second of two people is told. Raises NotAllowed, FirstSampleRefused.
    """
    require(actor, Role.MANAGER, to=_("apply a sample"))
    with transaction.atomic():
        fresh, sample = _locked(batch, seen)
        if sample is None:
            raise FirstSampleRefused(_("No sample has been drawn yet: there is nothing to apply."))
        _check_version(fresh, version)
        unlooked = selectors.pending(sample).count()
        if unlooked and not why.strip():
            words = _("%(n)d photos of the sample have not been looked at. Wait for them, or say why you don't.")
            raise FirstSampleRefused(words % {"n": unlooked})
        rest = None if version.pk == fresh.preset_version_id else version
        Batch.objects.filter(pk=fresh.pk).update(applied_at=timezone.now(), rest_version=rest)
        audit.record(
            "first_sample.applied",
            sample,
            actor=actor,
            before={"preset": str(fresh.preset_version)},
            after={"number": sample.number, "preset": str(version), "unlooked": unlooked},
            note=why.strip(),
        )
        batches.refresh(fresh.pk)
    batch.refresh_from_db()


def sample_again(batch: Batch, version: PresetVersion, actor: Any, *, seen: int) -> FirstSample:
    """Draw another round from what waits, done with `version`; also the first one, before the upload is closed.

    Photos of earlier rounds stay what people made of them. Raises NotAllowed, FirstSampleRefused.
    """
    require(actor, Role.MANAGER, to=_("draw a sample"))
    with transaction.atomic():
        fresh, _sample = _locked(batch, seen)
        _check_version(fresh, version)
        drawn = first_samples.draw(fresh, version, actor)
        if drawn is None:
            raise FirstSampleRefused(_("No photo waits for a sample any more."))
        batches.refresh(fresh.pk)
    return drawn


def _locked(batch: Batch, seen: int) -> tuple[Batch, FirstSample | None]:
    """Hold the batch and return it with its latest round; refuse what somebody else has overtaken."""
    Batch.objects.select_for_update(no_key=True).filter(pk=batch.pk).first()
    fresh = Batch.objects.select_related("preset_version__preset").get(pk=batch.pk)
    if fresh.first_share is None:
        raise FirstSampleRefused(_("This batch does all of its photos at once."))
    if fresh.state in OVER:
        raise FirstSampleRefused(_("This batch is over."))
    if fresh.applied_at is not None:
        raise FirstSampleRefused(_("Somebody applied the sample already: the rest is on its way."))
    sample = selectors.latest(fresh)
    if (sample.number if sample is not None else 0) != seen:
        raise FirstSampleRefused(_("Somebody drew another sample meanwhile. Look at that one first."))
    return fresh, sample


def _check_version(batch: Batch, version: PresetVersion) -> None:
    if not selectors.versions(batch).filter(pk=version.pk).exists():
        raise FirstSampleRefused(
            _("%(version)s can't be used here: choose the batch's own version or a newer one that is in use.")
            % {"version": version}
        )
