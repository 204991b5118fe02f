"""Whose turn it is: priorities, clients in turn, ageing, and the whole line paused (SCH-02, SCH-18, SCH-27)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from reviewapp import queues
from reviewapp.enums import Role, Step, TaskState
from reviewapp.jobs import runner
from reviewapp.models import AuditEvent, Batch, ClientTurn, Task
from reviewapp.selectors import tasks
from reviewapp.services import batches, line, runs, turns
from reviewapp.services.people import NotAllowed
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


def send(batch: Batch, photos: int) -> list[int]:
    """So many photos come into the line; ids of their first tasks."""
    assets = [factories.make_asset(batch, priority=batch.priority) for _ in range(photos)]
    return [runs.create_task(asset, Step.VALIDATE, f"validate:{asset.pk}").pk for asset in assets]


def served(count: int) -> list[int]:
    """The next `count` tasks as workers take them, each done at once."""
    done = []
    for _ in range(count):
        head = tasks.due_ids(1)[0]
        held = runs.claim(head, "w")
        assert held
        runs.complete(held, lambda: None)
        done.append(head)
    return done


def test_sch27_twenty_photos_behind_two_thousand_take_every_other_place() -> None:
    big, small = factories.make_batch(), factories.make_batch()
    assert big.client_id != small.client_id
    first = send(big, 1)[0]
    turn = Task.objects.get(pk=first).turn
    # The other 1,999 as the door writes them, in one statement: 4,000 single ones would only cost time.
    assets = [factories.make_asset(big) for _ in range(50)]
    now = timezone.now()
    Task.objects.bulk_create(
        Task(asset=assets[n % 50], step=Step.VALIDATE, key=f"big:{n}", turn=turn + n, available_at=now)
        for n in range(1, 2000)
    )
    ClientTurn.objects.filter(client=big.client, priority=5).update(last=turn + 1999)
    before = served(30)
    few = send(small, 20)
    after = served(41)
    assert not set(before) & set(few)
    assert set(few) <= set(after), "all twenty within the next forty"
    assert [pk for pk in after if pk in few] == few, "a client's own photos go in the order they came"
    more = send(big, 1)
    assert Task.objects.get(pk=more[0]).turn == turn + 2000, "the big one's next photo goes behind its own"


def test_sch27_a_client_that_waited_for_nothing_is_not_punished_for_what_it_had() -> None:
    old, new = factories.make_batch(), factories.make_batch()
    send(old, 5)
    served(5)
    third, first = send(new, 3), send(old, 1)
    order = served(4)
    assert order[0] == third[0] and order.index(first[0]) < order.index(third[2]), "neither waits for all of the other"


def test_sch02_a_priority_goes_before_turns_and_later_steps_keep_the_photos_turn() -> None:
    normal, urgent = factories.make_batch(), factories.make_batch(priority=1)
    waiting = send(normal, 3)
    now = send(urgent, 1)
    assert served(2) == [now[0], waiting[0]]
    task = Task.objects.select_related("asset").get(pk=waiting[0])
    step = runs.create_task(task.asset, Step.CLASSIFY, f"classify:{task.asset_id}")
    assert step.turn == Task.objects.get(pk=waiting[1]).turn, "no further back than what is served now"


def test_sch02_a_batch_moved_forward_begins_where_that_priority_stands() -> None:
    ahead, moved = factories.make_batch(priority=1), factories.make_batch()
    send(moved, 3)
    served(3)
    late, early = send(moved, 2), send(ahead, 2)
    batches.set_priority(moved, 1)
    order = served(4)
    assert order.index(late[0]) < order.index(early[1]) and order.index(early[0]) < order.index(late[1])


def test_sch02_what_waits_long_moves_up_and_starves_never() -> None:
    low = send(factories.make_batch(priority=9), 1)[0]
    assert turns.age() == 0
    moment = timezone.now()
    for hops in range(1, 9):
        moment += turns.AGE
        assert turns.age(moment + timedelta(minutes=1)) == 1
        assert turns.age(moment + timedelta(minutes=1)) == 0, "once in each while"
        moment += timedelta(minutes=1)
        assert Task.objects.get(pk=low).priority == 9 - hops
    assert turns.age(moment + turns.AGE * 2) == 0, "nothing is before the first"
    urgent = send(factories.make_batch(priority=1), 1)[0]
    assert served(2) == [low, urgent]


def test_the_order_is_one_question_answered_by_its_index(django_assert_num_queries: Any) -> None:
    send(factories.make_batch(), 40)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
            cursor.execute("SET enable_sort = off")
            cursor.execute("ANALYZE")
        plan = tasks.due_tasks().values("pk")[:1].explain()
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = on")
            cursor.execute("SET enable_sort = on")
    if connection.vendor == "sqlite":
        ages = Task.objects.filter(state="pending", priority__gt=1, ages_at__lte=timezone.now()).order_by("ages_at")
        assert "task_ages" in ages.values("pk")[:9].explain()
    assert "task_order" in plan, plan
    assert "TEMP B-TREE" not in plan and "Sort" not in plan, plan
    with django_assert_num_queries(1):
        tasks.due_ids(1)


def test_a_bell_does_one_task_the_most_urgent() -> None:
    """Graceful stop: a worker that is told to stop has one step to finish, not all that goes before its bell's."""
    low, high = send(factories.make_batch(priority=9), 1), send(factories.make_batch(priority=1), 2)
    runner.run_task(low[0])
    begun = Task.objects.exclude(attempts=0).values_list("pk", flat=True)
    assert list(begun) == [high[0]]


def test_a_bell_whose_task_went_early_is_another_tasks() -> None:
    ids = send(factories.make_batch(), 3)
    for _bell in range(3):
        runner.run_task(ids[0])
    assert not Task.objects.filter(pk__in=ids, attempts=0).exists(), "no bell is used up for nothing"


def test_the_whole_line_is_paused_by_an_admin_and_goes_on() -> None:
    admin, manager = factories.make_user("ada", Role.ADMIN), factories.make_user("mo", Role.MANAGER)
    waiting = send(factories.make_batch(), 2)
    running = runs.claim(waiting[0], "w")
    assert running
    with pytest.raises(NotAllowed):
        line.pause("why not", manager)
    assert line.pause("The colour lamp is broken", admin) and not line.pause("again", admin)
    assert runs.claim(waiting[1], "w") is None and tasks.due_ids(5) == []
    assert runner.run_one(waiting[1]) == "refused"
    assert tasks.status()["is_paused"]
    runs.complete(running, lambda: None)  # what runs finishes
    with pytest.raises(NotAllowed):
        line.resume(manager)
    assert line.resume(admin) and not line.resume(admin)
    assert runs.claim(waiting[1], "w")
    verbs = AuditEvent.objects.filter(verb__startswith="line.").order_by("id").values_list("verb", "actor__username")
    assert list(verbs) == [("line.paused", "ada"), ("line.resumed", "ada")]


def test_sch18_ops14_a_backlog_is_said_and_uploads_go_on(settings: Any) -> None:
    settings.QUEUE_LIMIT = 10
    batch = factories.make_batch()
    send(batch, 10)
    assert tasks.backlog() == 0 and not tasks.status()["is_backlog"]
    send(batch, 1)
    assert tasks.backlog() == 10 and tasks.status()["is_backlog"]
    served(1)
    assert tasks.backlog() == 0, "it drains"


def test_sch18_a_full_queue_takes_no_more_bells_and_the_sweep_rings_later(
    settings: Any, valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RQ_QUEUES = {"default": {"URL": valkey_url, "SERIALIZER": "json"}}
    monkeypatch.setattr(queues, "MAX_BELLS", 3)
    queues.queue().empty()
    ids = send(factories.make_batch(), 5)
    assert queues.queue().count == 3
    unheard = Task.objects.filter(state=TaskState.PENDING, woken_at__isnull=True).values_list("pk", flat=True)
    assert sorted(unheard) == ids[3:]
    queues.queue().empty()
    assert runs.sweep(on_dead=lambda task: None).rung == 2
