"""OBS-24: what the audit log and the decisions said cannot be changed unnoticed, by whoever writes the database."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError, close_old_connections, connection, transaction
from django.utils import timezone

from reviewapp.enums import Role
from reviewapp.management.commands.sweep import sweep_once
from reviewapp.models import AuditEvent, AuditSeal, Batch
from reviewapp.policies import sealing as maths
from reviewapp.selectors import seal_check
from reviewapp.selectors import sealing as reads
from reviewapp.services import audit, review, sealing
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timedelta(0)
TRIGGERS = {"reviewapp_auditevent", "reviewapp_reviewdecision", "reviewapp_auditseal"}


def write(count: int, batch: Batch | None = None) -> list[AuditEvent]:
    """So many events."""
    about = batch or factories.make_batch()
    return [audit.record("batch.priority", about, after={"priority": n, "share": n / 7}) for n in range(count)]


def sql(statement: str, *values: Any) -> None:
    """Do what only somebody can who owns the database: past the triggers."""
    on = " ON {0}" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for table in TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {table}_append_only{on.format(table)}")
        try:
            cursor.execute(statement, values)
        finally:
            _guard_again()


def _guard_again() -> None:
    from reviewapp.migrations._append_only import guard

    with connection.schema_editor() as editor:
        for table in TRIGGERS:
            guard(editor, table)


def kinds(*anchors: Path, keys: tuple[bytes, ...] = ()) -> list[str]:
    """What a check finds, in short."""
    return [one.kind for one in seal_check.check(keys, anchors).problems]


def age(hours: float) -> None:
    """Let seals be made so long ago; their digests with them, as nobody could tell from outside."""
    adapt = connection.ops.adapt_datetimefield_value
    seals = list(AuditSeal.objects.order_by("number"))
    previous = maths.FIRST
    for seal in seals:
        seal.made_at -= timedelta(hours=hours)
        seal.previous = previous
        seal.digest = previous = maths.seal_digest(reads.facts(seal), None)
        sql("UPDATE reviewapp_auditseal SET made_at = %s, previous = %s, digest = %s WHERE number = %s",
            adapt(seal.made_at), seal.previous, seal.digest, seal.number)  # fmt: skip


def test_obs24_events_and_decisions_are_sealed_once_and_verify(settings: Any) -> None:
    task = factories.make_review()
    review.record_decision(
        factories.make_user("ria", Role.REVIEWER), task.pk, seen_version=0, verdict="approve", idempotency_key="one"
    )
    write(5)
    events = AuditEvent.objects.count()
    assert sealing.seal_all(NOW) == 2
    assert sealing.seal_all(NOW) == 0, "sealing twice adds nothing"
    report = seal_check.check((), [settings.AUDIT_ANCHOR])
    assert (report.problems, report.unchecked, report.unsealed, report.rows) == ([], [], 0, events + 1)
    assert report.anchors == 2 and report.exit_code == 0
    write(1)
    late = seal_check.check()
    assert late.unsealed == 1 and late.oldest_unsealed is not None and late.exit_code == 0


def test_obs24_pieces_make_one_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "SIZE", 7)
    monkeypatch.setattr(sealing, "PIECES", 2)
    monkeypatch.setattr(sealing, "MARGIN", NOW)
    write(30)
    assert sealing.tick() == 2, "an old archive is sealed bit by bit"
    assert sealing.seal_all(NOW) == 3
    assert [seal.count for seal in AuditSeal.objects.order_by("number")] == [7, 7, 7, 7, 2]
    assert kinds() == []


def test_obs24_a_round_leaves_what_is_younger_than_a_minute_and_small_seals_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(3)
    assert sealing.tick() == 0
    monkeypatch.setattr(sealing, "MARGIN", NOW)
    assert sealing.tick() == 1
    write(3)
    assert sealing.tick() == 0, "five minutes or a thousand rows"
    monkeypatch.setattr(sealing, "EVERY", NOW)
    sweep_once(look_over_batches=True)
    assert AuditSeal.objects.count() == 2 and kinds() == []


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE reviewapp_auditevent SET note = 'never' WHERE id = %s", "changed"),
        ("UPDATE reviewapp_auditevent SET actor_id = NULL, verb = 'batch.named' WHERE id = %s", "changed"),
        ("DELETE FROM reviewapp_auditevent WHERE id = %s", "removed"),
    ],
)
def test_obs24_a_changed_or_removed_event_is_named(statement: str, expected: str) -> None:
    events = write(10)
    sealing.seal_all(NOW)
    sql(statement, events[4].pk)
    (found,) = seal_check.check().problems
    assert (found.kind, found.ids, found.stream) == (expected, [events[4].pk], "events")


def test_obs24_a_changed_time_or_value_is_seen_too() -> None:
    events = write(3)
    sealing.seal_all(NOW)
    earlier = connection.ops.adapt_datetimefield_value(events[0].created_at - timedelta(microseconds=1))
    sql("UPDATE reviewapp_auditevent SET created_at = %s WHERE id = %s", earlier, events[0].pk)
    sql("UPDATE reviewapp_auditevent SET after = %s WHERE id = %s", json.dumps({"priority": 9}), events[1].pk)
    (found,) = seal_check.check().problems
    assert found.ids == [events[0].pk, events[1].pk]


def test_obs24_a_changed_decision_is_named() -> None:
    task = factories.make_review()
    made = review.record_decision(
        factories.make_user("ria", Role.REVIEWER), task.pk, seen_version=0, verdict="approve", idempotency_key="one"
    )
    assert made.decision is not None
    sealing.seal_all(NOW)
    sql("UPDATE reviewapp_reviewdecision SET verdict = 'reject' WHERE id = %s", made.decision.pk)
    (found,) = seal_check.check().problems
    assert (found.kind, found.stream, found.ids) == ("changed", "decisions", [made.decision.pk])


def put_in(pk: int, like: AuditEvent) -> None:
    """Put an event in at an id of the past."""
    sql("INSERT INTO reviewapp_auditevent (id, verb, noun, object_id, batch_id, before, after, note, created_at) "
        "VALUES (%s, 'batch.named', 'batch', '1', %s, '{}', '{}', 'Put in', %s)",
        pk, like.batch_id, connection.ops.adapt_datetimefield_value(like.created_at))  # fmt: skip


@pytest.mark.parametrize("below", [True, False])
def test_obs24_an_event_put_in_between_or_before_is_named(below: bool) -> None:
    events = write(6)
    sql("DELETE FROM reviewapp_auditevent WHERE id = %s", events[3].pk)
    sealing.seal_all(NOW)
    age(2)
    assert kinds() == []
    pk = -5 if below else events[3].pk
    put_in(pk, events[3])
    (found,) = seal_check.check().problems
    assert (found.kind, found.ids) == ("inserted", [pk])
    assert sealing.seal_all(NOW) == 0, "no later round takes it in"
    assert kinds() == ["inserted"]


def test_obs24_a_row_that_comes_late_is_sealed_as_late_never_silently_left_out() -> None:
    events = write(6)
    sql("DELETE FROM reviewapp_auditevent WHERE id = %s", events[3].pk)
    sealing.seal_all(NOW)
    put_in(events[3].pk, events[3])  # as if its transaction had committed only now
    before = seal_check.check()
    assert (before.problems, before.unsealed) == ([], 1)
    assert sealing.seal_all(NOW) == 1
    after = seal_check.check()
    assert (after.problems, after.unsealed, after.late, after.rows) == ([], 0, 1, 6)
    assert sealing.seal_all(NOW) == 0
    sql("UPDATE reviewapp_auditevent SET note = 'x' WHERE id = %s", events[3].pk)
    assert kinds() == ["changed"]
    age(2)
    sql("DELETE FROM reviewapp_auditevent WHERE id = %s", events[3].pk)
    assert kinds() == ["removed"]


def test_obs24_an_open_transaction_holds_the_seal_back() -> None:
    """PostgreSQL gives ids before commits: nothing above one that may still come is sealed. SQLite has one writer."""
    if connection.vendor != "postgresql":
        assert reads.horizon() <= timezone.now()
        return
    batch = factories.make_batch()
    sealing.seal_all(NOW)
    written, go_on = threading.Event(), threading.Event()
    slow: list[int] = []

    def hold() -> None:
        with transaction.atomic():
            slow.append(audit.record("batch.named", batch, note="slow").pk)
            written.set()
            go_on.wait(20)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    assert written.wait(20)
    quick = write(2, batch)
    assert slow[0] < quick[0].pk
    assert sealing.seal_all(NOW) == 0, "the slow one's id is lower and not to be seen yet"
    go_on.set()
    thread.join(20)
    assert sealing.seal_all(NOW) == 1
    report = seal_check.check()
    assert (report.problems, report.late, report.unsealed) == ([], 0, 0)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE reviewapp_auditseal SET count = 1 WHERE number = 2", "seal"),
        ("UPDATE reviewapp_auditseal SET made_at = '2020-01-01 00:00:00+00:00' WHERE number = 2", "seal"),
        ("UPDATE reviewapp_auditseal SET key_id = '' , previous = digest WHERE number = 2", "chain"),
        ("DELETE FROM reviewapp_auditseal WHERE number = 2", "chain"),
        ("DELETE FROM reviewapp_auditseal WHERE number = 1", "chain"),
    ],
)
def test_obs24_a_changed_or_removed_seal_is_seen(
    monkeypatch: pytest.MonkeyPatch, statement: str, expected: str
) -> None:
    monkeypatch.setattr(sealing, "SIZE", 4)
    write(12)
    sealing.seal_all(NOW)
    sql(statement)
    assert expected in kinds()


def test_obs24_a_chain_written_anew_or_cut_off_differs_from_the_heads_kept_outside(
    settings: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sealing, "SIZE", 4)
    events = write(12)
    sealing.seal_all(NOW)
    heads: Path = settings.AUDIT_ANCHOR
    assert heads.stat().st_mode & 0o777 == 0o600
    assert kinds(heads) == []
    sql("DELETE FROM reviewapp_auditseal WHERE number = 3")
    sql("DELETE FROM reviewapp_auditevent WHERE id > %s", events[7].pk)
    assert kinds() == [], "the database alone can't tell"
    assert kinds(heads) == ["cut"]
    sql("UPDATE reviewapp_auditevent SET note = 'x' WHERE id = %s", events[0].pk)
    sql("DELETE FROM reviewapp_auditseal")
    settings.AUDIT_ANCHOR = tmp_path / "another"
    sealing.seal_all(NOW)
    assert kinds() == []
    assert kinds(heads) == ["cut", "anchor"]


def test_obs24_the_heads_are_in_the_log_and_the_log_serves_as_anchor(
    settings: Any, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    from reviewapp.config.logs import JsonFormatter

    settings.AUDIT_ANCHOR = None
    write(2)
    with caplog.at_level("INFO", logger="softproof.audit"):
        sealing.seal_all(NOW)
    log = tmp_path / "sweeper.log"
    log.write_text("\n".join(JsonFormatter().format(record) for record in caplog.records) + "\n{half a li")
    assert seal_check.check((), [log]).anchors == 1
    sql("DELETE FROM reviewapp_auditseal")
    assert kinds(log) == ["cut"]


def test_obs24_with_a_key_nobody_else_can_close_a_seal(settings: Any) -> None:
    old, new = b"k" * 40, b"n" * 40
    write(2)
    sealing.seal_all(NOW)
    settings.AUDIT_KEYS = [old]
    write(2)
    sealing.seal_all(NOW)
    settings.AUDIT_KEYS = [new, old]
    events = write(2)
    sealing.seal_all(NOW)
    report = seal_check.check((new, old))
    assert (report.problems, report.unchecked, report.unsigned) == ([], [], 1)
    assert seal_check.check((new,)).exit_code == 2, "the old key is still needed"
    sql("UPDATE reviewapp_auditevent SET note = 'x' WHERE id = %s", events[0].pk)
    seal = AuditSeal.objects.get(number=3)
    layout = seal.layout.split(",")
    rows = [(row[0], maths.leaf(layout, row)) for row in reads.rows(AuditEvent, layout, pk__gt=seal.after_id)]
    seal.members, seal.leaves = maths.pack(rows), maths.leaves_digest(one for _pk, one in rows)
    forged = maths.seal_digest(reads.facts(seal), None)
    sql("UPDATE reviewapp_auditseal SET members = %s, leaves = %s, digest = %s WHERE number = 3",
        seal.members, seal.leaves, forged)  # fmt: skip
    assert kinds(keys=(new, old)) == ["seal"]


def test_obs24_two_sealers_at_once_make_one_chain(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "SIZE", 5)
    write(60)
    start = threading.Barrier(2)

    def work() -> None:
        start.wait(20)
        for _ in range(8):
            sealing.seal_all(NOW)
        close_old_connections()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    report = seal_check.check((), [settings.AUDIT_ANCHOR])
    assert (report.problems, report.rows, report.unsealed) == ([], 60, 0)
    assert report.anchors == report.seals


def test_obs24_a_column_added_later_changes_no_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    old = [name for name in reads.layout_of(AuditEvent) if name != "note"]
    monkeypatch.setattr(reads, "layout_of", lambda model: old)
    write(3)
    sealing._round("events", pieces=1, margin=NOW)
    monkeypatch.undo()
    assert kinds() == []
    sql("UPDATE reviewapp_auditseal SET layout = 'id,gone'")
    assert seal_check.check().exit_code == 1


def test_obs24_seals_are_append_only() -> None:
    write(1)
    sealing.seal_all(NOW)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditSeal.objects.update(count=5)


def command(*words: str) -> tuple[int, str]:
    """Run `manage.py audit …`; return exit status and output."""
    out = StringIO()
    try:
        call_command("audit", *words, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_obs24_the_command_says_it_in_its_exit_status(settings: Any, tmp_path: Path) -> None:
    events = write(4)
    assert command("seal", "--margin", "0") == (0, "1 seals made.\n")
    status, said = command("verify")
    assert status == 0 and "1 seals hold 4 rows" in said and "All is as it was sealed." in said
    status, said = command("verify", "--json", "--anchor", str(tmp_path / "gone"))
    assert status == 2 and json.loads(said)["unchecked"][0]["kind"] == "anchor"
    sql("DELETE FROM reviewapp_auditevent WHERE id = %s", events[1].pk)
    status, said = command("verify")
    assert status == 1 and f"(ids {events[1].pk})" in said
    status, said = command("verify", "--json")
    assert status == 1 and json.loads(said)["problems"][0]["ids"] == [events[1].pk]


CANONICAL: list[tuple[Any, Any, bool]] = [
    ({"b": 1, "a": 2.0}, {"a": 2, "b": 1}, True),
    ({"a": 1e16}, {"a": 10**16}, True),
    ({"a": 0.1}, {"a": 0.10000001}, False),
    ({"a": "1"}, {"a": 1}, False),
    ({"a": None}, {}, False),
    ({"a": True}, {"a": 1}, False),
]


@pytest.mark.parametrize(("one", "other", "same"), CANONICAL)
def test_obs24_one_spelling_for_what_is_equal(one: Any, other: Any, same: bool) -> None:
    spell: Callable[[Any], bytes] = maths.canonical
    assert (spell(one) == spell(other)) is same
