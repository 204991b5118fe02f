"""Rows for who may see them: the way every view with an id in its address reads it (SEC-01)."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from reviewapp.models import Batch
from reviewapp.selectors.access import limit

M = TypeVar("M", bound=Model)


def theirs(request: HttpRequest, rows: QuerySet[M], path: str, **wanted: Any) -> M:
    """The one of `rows` that is `wanted`, where the person works for its client (`path` leads there). Raises Http404
    otherwise: what is somebody else's and what never was look the same."""
    return get_object_or_404(limit(rows, request.user, path), **wanted)


def their_batch(request: HttpRequest, pk: int, rows: QuerySet[Batch] | None = None) -> Batch:
    """A batch of one of the person's clients. Raises Http404."""
    return theirs(request, Batch.objects.all() if rows is None else rows, "client", pk=pk)
