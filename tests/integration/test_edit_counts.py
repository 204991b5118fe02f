"""The pages count edit tasks by the running counts, and get what the lists themselves would count."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from reviewapp.enums import BatchState, EditTaskState, Role
from reviewapp.models import Client, EditTask
from reviewapp.selectors import editing, home, shell, tallies
from reviewapp.selectors.pages import keyset_through
from reviewapp.selectors.people import roles_of
from tests import factories as make

migration = import_module("reviewapp.migrations.0037_edits_counted")
STATES = (BatchState.REVIEW, BatchState.PAUSED, BatchState.CANCELLED)


def furnish(clients: list[Client], editors: list[User]) -> None:
    """Of each client a batch of each state, in it an edit in every state: nobody's and of each of the editors."""
    for client in clients:
        for state in STATES:
            batch = make.make_batch(client=client, state=state)
            for at in EditTaskState.values:
                for editor in (None, *editors):
                    make.make_edit(batch, with_start=False, state=at, editor=editor)


@pytest.mark.django_db
@pytest.mark.parametrize("sees", [0, 1, 2, None])
@pytest.mark.parametrize(
    "roles", [[Role.EDITOR], [Role.SENIOR], [Role.ADMIN], [Role.EDITOR, Role.SENIOR], [Role.REVIEWER]]
)
def test_every_number_of_edits_is_what_the_lists_hold(sees: int | None, roles: list[Role]) -> None:
    """Of some clients, all or none; nothing of a cancelled batch, no own work of a client they lost."""
    clients = [make.make_batch().client for _ in range(3)]
    who = make.make_user("", *roles, clients=None if sees is None else clients[:sees])
    furnish(clients, [who, make.make_user("", Role.EDITOR)])
    live, edits = editing.live(who), bool(set(roles) - {Role.REVIEWER})
    of = {state: live.filter(state=state).count() for state in EditTaskState}
    theirs = 3 if sees is None else sees
    assert set(of.values()) <= {0, 6 * theirs} and sum(of.values()) == 4 * 6 * theirs
    counted = shell.counts_for(who, roles_of(who)).waiting_editing
    assert counted == (sum(of[state] for state in shell.WAITING) if edits else 0)
    assert home.flow(who).waiting_editing == of[EditTaskState.OPEN] + of[EditTaskState.CLAIMED]
    lists = editing.claimable_by(who), [editing.claimed_by(who)], [editing.awaiting_signoff(who)]
    desk, wanted = home.desk(who), [sum(part.count() for part in parts) if edits else 0 for parts in lists]
    assert [desk.open_edits, desk.my_edits, desk.waiting_signoff] == wanted
    needs = {need.kind: need.count for need in home.needs(who, roles)}
    signs, may_edit = {Role.SENIOR, Role.ADMIN} & set(roles), {Role.EDITOR, Role.SENIOR} & set(roles)
    back = live.filter(editor=who, state=EditTaskState.OPEN).count()
    assert needs.get("signoff", 0) == (wanted[2] if signs else 0)
    assert needs.get("sent_back", 0) == (back if may_edit else 0)


@pytest.mark.django_db
def test_an_edit_that_goes_all_its_ways_is_counted_where_it_is() -> None:
    ed, senior = make.make_user("ed", Role.EDITOR), make.make_user("sam", Role.SENIOR)
    task = EditTask.objects.filter(pk=make.make_edit().pk)
    assert editing.counts(ed) == editing.counts(senior) == editing.Counts(open=1, mine=0, back=0, signoff=0)
    task.update(state="claimed", editor=ed)
    assert editing.counts(ed) == editing.Counts(open=0, mine=1, back=0, signoff=0)
    task.update(state="awaiting_signoff")
    assert editing.counts(senior) == editing.Counts(open=0, mine=0, back=0, signoff=1)
    assert editing.counts(ed) == editing.Counts(open=0, mine=0, back=0, signoff=0)
    task.update(state="open")
    assert editing.counts(ed) == editing.Counts(open=1, mine=0, back=1, signoff=0)
    assert editing.counts(senior) == editing.Counts(open=0, mine=0, back=0, signoff=0), "kept for who made it"
    task.update(editor=None)
    assert editing.counts(senior).open == 1
    task.update(state="signed_off")
    assert tallies.edits(None) == {}


@pytest.mark.django_db
def test_the_numbers_cost_one_query_that_reads_one_persons_tasks_only() -> None:
    ed = make.make_user("ed", Role.EDITOR)
    furnish([make.make_batch().client for _ in range(2)], [ed, *(make.make_user("", Role.EDITOR) for _ in range(5))])
    editing.clients_of(ed)
    with CaptureQueriesContext(connection) as made:
        assert editing.counts(ed).mine > 0
    assert len(made.captured_queries) == 1
    explain = "EXPLAIN " if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN "
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # a few hundred rows are read faster than looked up
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(explain + made.captured_queries[0]["sql"])
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert "edit_own" in plan, plan


@pytest.mark.django_db
def test_the_list_costs_the_same_for_few_and_for_many(client: Browser) -> None:
    """Also with work that was sent back; of each row only what it shows is read."""
    senior, asked = make.make_user("sam", Role.EDITOR, Role.SENIOR), []
    client.force_login(senior)
    for n in (1, 20):
        for _ in range(n):
            batch = make.make_batch(name="Mugs")
            make.make_edit(batch)
            make.make_edit(batch, editor=senior)
            make.make_edit(batch, state="claimed", editor=senior)
            make.make_edit(batch, state="awaiting_signoff", editor=make.make_user("", Role.EDITOR))
        with CaptureQueriesContext(connection) as made:
            page = client.get("/editing/").content.decode()
        assert page.count("Mugs") == len(re.findall(r"thumb-after", page)) == EditTask.objects.count()
        asked.append([query["sql"] for query in made.captured_queries])
    assert len(asked[0]) == len(asked[1])
    assert not [sql for sql in asked[1] for wide in ("exif", "params", "measures") if wide in sql]


@pytest.mark.django_db
def test_own_work_that_came_back_comes_first_and_the_list_goes_on_with_what_is_free(client: Browser) -> None:
    ed = make.make_user("ed", Role.EDITOR)
    client.force_login(ed)
    for back, free in ((0, 3), (2, 0), (2, 1), (1, 2), (3, 2), (4, 4)):
        EditTask.objects.update(state="withdrawn")
        lists = [
            [make.make_edit(editor=whose, priority=5 - n % 2) for n in range(count)]
            for whose, count in ((ed, back), (None, free))
        ]
        wanted = [task.pk for part in lists for task in sorted(part, key=lambda one: (one.priority, one.pk))]
        cursor, found, pages = "", list[int](), 0
        while pages == 0 or cursor:
            page = keyset_through(editing.claimable_by(ed), editing.BY_AGE, cursor, 2)
            cursor, found, pages = page.next_cursor, found + [task.pk for task in page.rows], pages + 1
        assert found == wanted and pages == max(1, -(-len(wanted) // 2)), (back, free)
    for odd in (
        "[",
        "7",
        "[9]",
        "[-1]",
        '["a"]',
        "[true, 1]",
        "null",
        "{}",
        '[0, "x"]',
        "[1, 5]",
        "[0, null, null]",
        "[0, Infinity, 1]",
        "[1, NaN, 1]",
    ):
        assert client.get("/editing/", {"list": "open", "after": odd}).status_code == 200, odd


@pytest.mark.django_db(transaction=True)
def test_the_migration_counts_what_was_there_before() -> None:
    ed = make.make_user("ed", Role.EDITOR)
    try:
        with connection.schema_editor() as before:
            migration.leave(None, before)
        furnish([make.make_batch().client], [ed])
        assert tallies.edits(None) == {} and {one.kind for one in tallies.drift()} == {"edit"}
    finally:
        with connection.schema_editor() as after:
            migration.count(None, after)
    assert tallies.drift() == []
    assert tallies.edits(None)["open"] == 2 and tallies.edits(None)["open:kept"] == 2
    EditTask.objects.update(state="withdrawn")
    assert tallies.drift() == [] and tallies.edits(None) == {}
