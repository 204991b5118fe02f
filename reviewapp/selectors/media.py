"""Which pictures somebody may see (SEC-01): by client and by role. One row or None; the views turn None into 404."""

from typing import Any

from django.db.models import Q

from reviewapp.enums import Role
from reviewapp.models import Adjustment, Asset, ChannelView, ProcessingRun, ReferencePicture, Rendition, ReviewTask
from reviewapp.selectors.access import limit
from reviewapp.selectors.pairs import pair_of
from reviewapp.selectors.people import roles_of

SEES_EVERYTHING = frozenset({Role.EDITOR, Role.SENIOR, Role.MANAGER, Role.ADMIN})
"""Roles that may open every picture of their clients, originals and cut-outs too. Reviewers see what they review."""
SEES_DELIVERABLES = frozenset({Role.SENIOR, Role.MANAGER, Role.ADMIN})
REVIEW_KINDS = frozenset({"before", "after", "matte", "thumb-before", "thumb-after"})


def run_for(run_id: int, kind: str, user: Any) -> ProcessingRun | None:
    """The run when `user` may see this kind of its pictures; reviewers only runs that are or were up for review,
    and the other photos of the same product in the batch (REV-20): whether those are up for review must not show."""
    roles = roles_of(user)
    runs = ProcessingRun.objects.select_related("asset__batch")
    run = limit(runs, user, "asset__batch__client").filter(pk=run_id).first()
    if run is None or SEES_EVERYTHING & roles:
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


def view_for(view_id: int, kind: str, user: Any) -> tuple[ChannelView, ProcessingRun] | None:
    """What a further channel gets of a run, and that run; who may see the run's own picture may see it."""
    view = ChannelView.objects.filter(pk=view_id).first()
    run = run_for(view.run_id, kind, user) if view is not None else None
    return None if view is None or run is None else (view, run)


def original_for(asset_id: int, user: Any) -> Asset | None:
    """The photo when `user` may download its original."""
    if not SEES_EVERYTHING & roles_of(user):
        return None
    return limit(Asset.objects.select_related("batch"), user).filter(pk=asset_id).first()


def rendition_for(rendition_id: int, user: Any) -> Rendition | None:
    """The channel file when `user` may open it."""
    if not SEES_DELIVERABLES & roles_of(user):
        return None
    files = Rendition.objects.select_related("asset__batch").exclude(storage_key="")
    return limit(files, user, "asset__batch__client").filter(pk=rendition_id).first()


def reference_for(picture_id: int, user: Any) -> ReferencePicture | None:
    """A client's reference picture, for everybody who works on their photos."""
    return limit(ReferencePicture.objects.all(), user, "client").filter(pk=picture_id).first()
