"""Which pictures somebody may see (SEC-01). Roles in, one row or None out; the views turn None into 404."""

from collections.abc import Collection

from django.db.models import Q

from reviewapp.enums import Role
from reviewapp.models import Adjustment, Asset, ProcessingRun, Rendition, ReviewTask
from reviewapp.selectors.pairs import pair_of

SEES_EVERYTHING = frozenset({Role.EDITOR, Role.SENIOR, Role.MANAGER, Role.ADMIN})
"""Roles that may open every picture of the house, originals and cut-outs too. Reviewers see what they review."""
SEES_DELIVERABLES = frozenset({Role.SENIOR, Role.MANAGER, Role.ADMIN})
REVIEW_KINDS = frozenset({"before", "after", "matte", "thumb-before", "thumb-after"})


def run_for(run_id: int, kind: str, roles: Collection[Role]) -> ProcessingRun | None:
    """The run when the roles may see this kind of its pictures; reviewers only runs that are or were up for review,
    and the other photos of the same product in the batch (REV-20): whether those are up for review must not show."""
    run = ProcessingRun.objects.select_related("asset__batch").filter(pk=run_id).first()
    if run is None or SEES_EVERYTHING & set(roles):
        return run
    if Role.REVIEWER not in roles or kind not in REVIEW_KINDS:
        return None
    wanted = Q(run_id=run_id)
    if run.asset.sku:
        wanted |= Q(asset__batch_id=run.asset.batch_id, asset__sku=run.asset.sku)
    asked = Adjustment.objects.filter(Q(result_run_id=run_id) | Q(base_run_id=run_id))
    if ReviewTask.objects.filter(wanted).exists() or asked.exists():
        return run
    pair = pair_of(run.asset)  # what belongs to a photo up for review, whatever its SKU (REV-15)
    return run if pair is not None and ReviewTask.objects.filter(asset=pair.asset).exists() else None


def original_for(asset_id: int, roles: Collection[Role]) -> Asset | None:
    """The photo when the roles may download its original."""
    if not SEES_EVERYTHING & set(roles):
        return None
    return Asset.objects.select_related("batch").filter(pk=asset_id).first()


def rendition_for(rendition_id: int, roles: Collection[Role]) -> Rendition | None:
    """The channel file when the roles may open it."""
    if not SEES_DELIVERABLES & set(roles):
        return None
    return Rendition.objects.select_related("asset__batch").filter(pk=rendition_id).exclude(storage_key="").first()
