"""Which pictures somebody may see (SEC-01). Roles in, one row or None out; the views turn None into 404."""

from collections.abc import Collection

from django.db.models import Q

from reviewapp.enums import Role
from reviewapp.models import Adjustment, Asset, ProcessingRun, Rendition, ReviewTask

SEES_EVERYTHING = frozenset({Role.EDITOR, Role.SENIOR, Role.MANAGER, Role.ADMIN})
"""Roles that may open every picture of the house, originals and cut-outs too. Reviewers see what they review."""
SEES_DELIVERABLES = frozenset({Role.SENIOR, Role.MANAGER, Role.ADMIN})
REVIEW_KINDS = frozenset({"before", "after", "thumb-before", "thumb-after"})


def run_for(run_id: int, kind: str, roles: Collection[Role]) -> ProcessingRun | None:
    """The run when the roles may see this kind of its pictures; reviewers only runs that are or were up for review."""
    run = ProcessingRun.objects.filter(pk=run_id).first()
    if run is None or SEES_EVERYTHING & set(roles):
        return run
    is_reviewer = Role.REVIEWER in roles and kind in REVIEW_KINDS
    return run if is_reviewer and _was_up_for_review(run_id) else None


def _was_up_for_review(run_id: int) -> bool:
    """Whether people judge or judged this run, or a reviewer asked for it."""
    asked = Adjustment.objects.filter(Q(result_run_id=run_id) | Q(base_run_id=run_id))
    return ReviewTask.objects.filter(run_id=run_id).exists() or asked.exists()


def original_for(asset_id: int, roles: Collection[Role]) -> Asset | None:
    """The photo when the roles may download its original."""
    if not SEES_EVERYTHING & set(roles):
        return None
    return Asset.objects.select_related("batch").filter(pk=asset_id).first()


def rendition_for(rendition_id: int, roles: Collection[Role]) -> Rendition | None:
    """The channel file when the roles may open it."""
    if not SEES_DELIVERABLES & set(roles):
        return None
    return Rendition.objects.filter(pk=rendition_id).exclude(storage_key="").first()
