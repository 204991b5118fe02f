"""The pages that are measured: their addresses in the loaded database, and how many queries each makes."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client as Visitor
from django.test.utils import CaptureQueriesContext

from reviewapp.enums import Role
from reviewapp.models import Asset, Batch, PersonScope

PEOPLE = 16
MANAGER = "manager"


def hire(reviewers: int = PEOPLE) -> tuple[list[int], dict[str, str]]:
    """Make reviewers and a manager. Returns the ids of all, and {name: key of a session}."""
    from reviewapp.services.people import seed_roles

    seed_roles()
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore
    users, sessions = [], {}
    for name in (*(f"reviewer{n}" for n in range(reviewers)), MANAGER):
        user, _ = User.objects.get_or_create(username=name)
        PersonScope.objects.update_or_create(user=user, defaults={"all_clients": True})
        user.groups.add(Group.objects.get(name=Role.MANAGER if name == MANAGER else Role.REVIEWER))
        session = store()
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        users.append(user.pk)
        sessions[name] = str(session.session_key)
    return users, sessions


def manager_pages() -> list[tuple[str, str]]:
    """(name, path) of what a manager opens. Pages of one kind share a name: their times are one figure."""
    # One of each kind: a batch with failures to retry asks for more than one whose failures were given up.
    biggest = _biggest("delivered")
    busy, middle = _biggest("review"), Batch.objects.count() // 2
    photo = Asset.objects.filter(batch=busy, current_run__isnull=False).order_by("pk")[1]
    deep = Asset.objects.filter(pk__gte=Asset.objects.latest("pk").pk // 2).earliest("pk").pk
    searches = {
        "a SKU in part": f"q={photo.sku[:7]}",
        "a file name": f"q={photo.filename}",
        "a common word": "q=navy",
        "two words": f"q={photo.description.split(' number')[0].replace(' ', '+')}",
        "no match": "q=zebra+crossing",
        "two letters": "q=zq",
        "an ASIN": f"q={photo.asin}",
        "SKU": f"sku={photo.sku.lower()}",
        "state": "state=failed",
        "category and state": "category=mug&state=in_review",
        "client": f"client={photo.batch.client_id}",
        "client and state": f"client={photo.batch.client_id}&state=failed",
        "low scores": "low=0&high=55",
        "scores and state": "low=60&high=62&state=approved",
        "a batch": f"batch={busy.pk}&state=in_review",
        "a batch by name": f"batch={busy.name[:12].replace(' ', '+')}",
        "deep": f"state=approved&after={deep}",
    }
    return [
        ("home, manager", "/"),
        ("batch list", "/batches/"),
        ("batch list", f"/batches/?after={middle}"),
        ("batch list, filter", "/batches/?filter=attention"),
        ("batch list, search", f"/batches/?q={photo.sku[:7]}"),
        ("batch list, search", "/batches/?q=zebra"),
        ("batch page", f"/batches/{busy.pk}/"),
        ("batch page, delivered", f"/batches/{biggest.pk}/"),
        ("batch as a set", f"/batches/{biggest.pk}/set/"),
        ("batch progress", f"/batches/{busy.pk}/progress/"),
        ("batch tiles", f"/batches/{biggest.pk}/images/?show=approved&after={_late(biggest)}"),
        ("images page", "/images/"),
        ("images page", f"/images/?after={deep}"),
        *((f"search, {name}", f"/images/?{query}") for name, query in searches.items()),
        ("one image", f"/images/{photo.pk}/"),
        ("deliveries", "/deliveries/"),
        ("thresholds", "/quality/thresholds/"),
    ]


def reviewer_pages() -> list[tuple[str, str]]:
    """(name, path) of what a reviewer opens."""
    return [("home, reviewer", "/"), ("review chooser", "/review/"), ("review queue page", "/review/mixed/")]


def query_counts(pages: list[tuple[str, str]], name: str) -> dict[str, list[int]]:
    """How many queries each page makes for the person of that name, {page: one number per address}."""
    visitor = Visitor()
    visitor.force_login(User.objects.get(username=name))
    found: dict[str, list[int]] = {}
    for title, path in pages:
        visitor.get(path)  # what a process asks once in its life is not the page's
        with CaptureQueriesContext(connection) as caught:
            answer: Any = visitor.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        found.setdefault(title, []).append(len(caught))
    return found


def changed(small: Mapping[str, list[int]], full: Mapping[str, list[int]]) -> dict[str, str]:
    """Pages whose number of queries depends on the number of photos."""
    return {name: f"{small[name]} -> {full[name]}" for name in full if small[name] != full[name]}


def _biggest(*states: str) -> Batch:
    ids = Batch.objects.filter(state__in=states).values_list("pk", flat=True)
    sizes = {pk: Asset.objects.filter(batch_id=pk).count() for pk in list(ids)[-400:]}
    return Batch.objects.get(pk=max(sizes, key=lambda pk: sizes[pk]))


def _late(batch: Batch) -> int:
    return Asset.objects.filter(batch=batch).order_by("pk")[Asset.objects.filter(batch=batch).count() * 3 // 4].pk
