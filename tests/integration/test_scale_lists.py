"""Lists of managers, admins, editors: paged, and as many queries however many rows there are."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client as Visitor
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reviewapp.enums import AssetState, EditTaskState, ReviewTaskState, Role
from reviewapp.models import AuditEvent, EditTask, PresetProposal, ReviewTask
from reviewapp.selectors import editing, review
from reviewapp.selectors.pages import keyset_by
from tests import factories as make
from tests.lots import approved, planned, proven_batch

pytestmark = pytest.mark.django_db

# Session and user are two of each; the shell's counts five.
QUERIES = {
    "/clients/": 8,
    "/audit/": 11,
    "/presets/": 8,
    "/proposals/": 8,
    "/people/": 10,
    "/editing/": 11,
    "/review/": 16,
    "/deliveries/": 8,
    "/quality/proof/": 20,
}


def more_of_all(n: int) -> None:
    """Three more rows of every list."""
    for each in range(3):
        person = make.make_user(f"p{n}{each}", Role.EDITOR, Role.REVIEWER)
        batch = make.make_batch()
        version = make.make_preset_version(f"preset {n}{each}")
        PresetProposal.objects.create(
            base=version, reason_code="edge_halo", params=version.params, changes=[],
            evidence={"decisions": 20, "rejected_with_reason": 9, "share": 0.45, "limit": 0.05, "decision_ids": []},
        )  # fmt: skip
        AuditEvent.objects.create(actor=person, verb="batch.moved", noun="batch", object_id="1", batch=batch)
        make.make_edit(batch)
        make.make_edit(batch, state=EditTaskState.CLAIMED, editor=person)
        handed_in = make.make_edit(batch, state=EditTaskState.AWAITING_SIGNOFF, editor=person)
        EditTask.objects.filter(pk=handed_in.pk).update(submitted_at=timezone.now())
        held(batch=batch)
        proven = proven_batch()
        approved(proven, 30, f"thing {n}{each}")
        planned(proven)


def held(**fields: object) -> ReviewTask:
    task = make.make_review(**fields)  # type: ignore[arg-type]
    ReviewTask.objects.filter(pk=task.pk).update(state=ReviewTaskState.ON_HOLD, decided_at=timezone.now())
    return task


def counted(visitor: Visitor) -> dict[str, int]:
    found = {}
    for path in QUERIES:
        assert visitor.get(path).status_code == 200, path
        with CaptureQueriesContext(connection) as caught:
            visitor.get(path)
        found[path] = len(caught)
    return found


def test_every_list_makes_its_queries_however_many_rows(client: Visitor) -> None:
    client.force_login(make.make_user("ada", *Role))
    more_of_all(1)
    few = counted(client)
    more_of_all(2)
    assert counted(client) == few == QUERIES


def walked(visitor: Visitor, path: str, word: str) -> list[str]:
    """What every page of a list names, following its button as htmx does."""
    text = visitor.get(path).content.decode()
    names = re.findall(word, text)
    while found := re.search(r'hx-get="(\?[^"]*after=[^"]*)"', text):
        where = path + found[1].replace("&amp;", "&")
        text = visitor.get(where, headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in text
        names += re.findall(word, text)
    return names


def test_held_photos_editing_and_people_are_listed_to_the_last(client: Visitor) -> None:
    client.force_login(make.make_user("ada", *Role))
    batch = make.make_batch()
    for n in range(120):
        held(batch=batch, sku=f"HELD-{n:03d}")
        make.make_user(f"person-{n:03d}")
    for n in range(210):
        asset = make.make_asset(batch, AssetState.EDITING, sku=f"EDIT-{n:03d}")
        EditTask.objects.create(asset=asset, reason="low_score", why="Score 60", priority=5 - n % 3)
    assert walked(client, "/review/", r"HELD-\d+") == [f"HELD-{n:03d}" for n in range(120)]
    assert set(walked(client, "/people/", r"person-\d+")) == {f"person-{n:03d}" for n in range(120)}
    edits = walked(client, "/editing/", r"EDIT-\d+")
    assert len(edits) == 210 and len(set(edits)) == 210
    assert [int(sku[5:]) % 3 for sku in edits] == sorted((n % 3 for n in range(210)), reverse=True), "urgent ones first"
    assert client.get("/review/?after=[1]").status_code == client.get('/people/?after={"a":').status_code == 200


def test_what_was_sent_back_to_an_editor_comes_first_on_every_database() -> None:
    mine = make.make_user("ed", Role.EDITOR)
    make.make_edit()
    back = make.make_edit(editor=mine)
    make.make_edit(editor=make.make_user("eve", Role.EDITOR))
    listed = [task for part in editing.claimable_by(mine) for task in part]
    assert [task.pk == back.pk for task in listed] == [True, False]
    assert editing.counts(mine).open == 2


def test_rows_of_the_same_moment_are_neither_lost_nor_shown_twice() -> None:
    tasks = [held() for _ in range(7)]
    now = timezone.now()
    for n, task in enumerate(tasks):
        ReviewTask.objects.filter(pk=task.pk).update(decided_at=now + timedelta(microseconds=n // 3))
    cursor, found = "", []
    while True:
        page = keyset_by(review.held_tasks(), ("decided_at", "pk"), cursor, 2)
        found += [task.pk for task in page.rows]
        if not (cursor := page.next_cursor):
            break
    assert found == [task.pk for task in tasks]
