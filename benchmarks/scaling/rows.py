"""Filling the database with what two years of work leave: every row a photo would have, written by the database."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from itertools import islice
from typing import Any

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, models, transaction
from django.utils import timezone

from benchmarks.scaling import people
from processing.types import Gate, Look, Measure
from reviewapp.models import (
    Asset,
    AuditEvent,
    Batch,
    BatchChannel,
    Channel,
    Client,
    Delivery,
    DeliveryItem,
    EditTask,
    PresetVersion,
    ProcessingRun,
    QualityReport,
    Rendition,
    ReviewDecision,
    ReviewTask,
    RoutingPolicy,
    SampleDraw,
    SampleMember,
    Task,
)
from reviewapp.services import tallies

STAGE = "scale_stage"
FILLED = (
    Client, Batch, BatchChannel, Asset, ProcessingRun, QualityReport, ReviewTask, ReviewDecision, EditTask, Rendition,
    Delivery, DeliveryItem, SampleDraw, SampleMember, Task, AuditEvent,
)  # fmt: skip
EXIF = json.dumps({f"Tag{n}": f"value {n} of a camera" for n in range(14)})
MEASURES = json.dumps(
    [
        Measure(f"measure_{n}", 0.5, "px", "edge", 1.0, True, "", ((1, 2, 3, 4), (5, 6, 7, 8))).to_dict()
        | {"lost": 0.0}
        for n in range(20)
    ]
)
PARAMS = json.dumps({f"group_{n}": {"enabled": True, "amount": 0.25, "limit": 12, "mode": "auto"} for n in range(14)})
LOOK = json.dumps(Look(48.1234, 3.2109, -7.6543, 14.321, 0.8512, 0.9087).to_dict())
GATES = json.dumps([Gate("wrong_file", True, "The result is of another photo.").to_dict()])


def _is_postgres() -> bool:
    return connection.vendor == "postgresql"


def ago(seconds: str) -> str:
    """SQL for the moment `seconds` (an SQL expression) ago, as the database's driver writes it."""
    if _is_postgres():
        return f"(now() - ({seconds}) * interval '1 second')"
    return f"(strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || ({seconds}) || ' seconds') || '.000000')"


def hex64(number: str) -> str:
    """SQL for 64 hexadecimal digits."""
    return f"lpad(to_hex({number}), 64, '0')" if _is_postgres() else f"printf('%064x', {number})"


def _literal(field: models.Field[Any, Any]) -> str:
    if isinstance(field, models.JSONField):
        return _quoted(json.dumps(field.get_default()))
    value = field.get_default()
    if isinstance(value, bool):
        return ("true" if value else "false") if _is_postgres() else str(int(value))
    return _quoted(str(value)) if isinstance(value, str) else str(value)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def fill(model: type[models.Model], where: str, **values: str) -> None:
    """Insert one row of `model` per staged photo that fits `where`; fields not given take their default."""
    columns: dict[str, str] = {}
    for field in model._meta.local_concrete_fields:
        name = str(field.column)
        if name in values:
            columns[name] = values.pop(name)
        elif getattr(field, "auto_now_add", False):
            columns[name] = ago("p.age_s")
        elif not field.null and not field.primary_key:
            columns[name] = _literal(field)
    assert not values, f"{model.__name__} has no {sorted(values)}"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) "
            f"SELECT {', '.join(columns.values())} FROM {STAGE} p WHERE {where} ORDER BY p.id"
        )


def stage(rows: Iterable[tuple[object, ...]]) -> None:
    """Write the plain tuples into the staging table."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {STAGE} ({', '.join(people.COLUMNS)})")
        if not _is_postgres():
            marks = ", ".join(["%s"] * len(people.COLUMNS))
            cursor.executemany(f"INSERT INTO {STAGE} VALUES ({marks})", rows)  # type: ignore[arg-type]
            return
        left = iter(rows)
        while block := list(islice(left, 100_000)):
            text = io.StringIO("\n".join("\t".join(map(str, row)) for row in block) + "\n")
            cursor.cursor.copy_from(text, STAGE, null="NULL")


@contextmanager
def bulk() -> Iterator[None]:
    """Without indexes, triggers and foreign-key checks on the filled tables: they come back as they were."""
    tables = [model._meta.db_table for model in FILLED]
    marks = ", ".join(["%s"] * len(tables))
    with connection.cursor() as cursor:
        if _is_postgres():
            cursor.execute("SET session_replication_role = replica")
            cursor.execute(
                f"SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.tablename IN ({marks}) AND NOT EXISTS "
                "(SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)",
                tables,
            )
        else:
            cursor.execute("PRAGMA foreign_keys=OFF")
            cursor.execute(
                f"SELECT name, sql, type FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL "
                f"AND tbl_name IN ({marks})",
                tables,
            )
        parts = cursor.fetchall()
        for part in parts:
            cursor.execute(f'DROP {part[2] if len(part) > 2 else "INDEX"} "{part[0]}"')
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for part in parts:
                cursor.execute(part[1])
            if "asset_words" in connection.introspection.table_names():
                cursor.execute("DELETE FROM asset_words")
                cursor.execute("DELETE FROM asset_starts")
                for fill in import_module("reviewapp.migrations._counted").FILL_SEARCH:
                    cursor.execute(fill)
            cursor.execute("SET session_replication_role = DEFAULT" if _is_postgres() else "PRAGMA foreign_keys=ON")
            for statement in connection.ops.sequence_reset_sql(no_style(), list(FILLED)):
                cursor.execute(statement)


def empty() -> None:
    """Take everything away and seed anew, so that the same ids can be filled again."""
    call_command("flush", interactive=False, verbosity=0)
    call_command("seed", verbosity=0)


def load(rows: int, users: list[int]) -> dict[str, Any]:
    """Fill the seeded database with `rows` photos and all that hangs on them. Returns what it wrote, and the time."""
    preset, policy = PresetVersion.objects.earliest("pk").pk, RoutingPolicy.objects.latest("number").pk
    channel = Channel.objects.filter(key="shopify").latest("version").pk
    started = time.monotonic()
    found = people.lots(rows)
    with bulk():
        with transaction.atomic():
            _batches(found, users, preset=preset, channel=channel)
            stage(people.photos(found, len(users)))
            _photos(preset=preset, channel=channel, policy=policy)
            _judged(users, preset=preset, channel=channel, policy=policy)
        written = time.monotonic()
    indexed = time.monotonic()
    tallies.recount()
    counted = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {STAGE}")
        cursor.execute("VACUUM ANALYZE" if _is_postgres() else "ANALYZE")
    return {
        "photos": rows,
        "batches": len(found),
        "clients": Client.objects.count(),
        "waiting_for_review": ReviewTask.objects.filter(state="open").count(),
        "decisions": ReviewDecision.objects.count(),
        "audit_events": AuditEvent.objects.count(),
        "load_s": {
            "rows": round(written - started, 1),
            "indexes": round(indexed - written, 1),
            "recount": round(counted - indexed, 1),
            "analyze": round(time.monotonic() - counted, 1),
        },
    }


def _batches(found: list[people.Lot], users: list[int], *, preset: int, channel: int) -> None:
    now = timezone.now()
    clients = sorted({lot.client for lot in found})
    Client.objects.bulk_create(Client(id=pk, name=f"Studio client {pk}", slug=f"client-{pk}") for pk in clients)
    batches = []
    for lot in found:
        made = now - timedelta(seconds=lot.age_s)
        values = {"name": f"Delivery note {lot.id}", "client_id": lot.client, "preset_version_id": preset}
        values |= {"state": lot.state, "closed_at": made, "created_by_id": users[0], "validation_profile": "basic-500"}
        batch = Batch(id=lot.id, sample_seed="5a" * 32, sample_seed_hash="b" * 64, **values)
        batch.completed_at = made + timedelta(hours=3) if lot.state == "delivered" else None
        batches.append(batch)
    Batch.objects.bulk_create(batches, batch_size=500)
    for lot in found:
        Batch.objects.filter(pk=lot.id).update(created_at=now - timedelta(seconds=lot.age_s))
    BatchChannel.objects.bulk_create(BatchChannel(batch_id=lot.id, channel_id=channel) for lot in found)
    done = [lot for lot in found if lot.state == "delivered"]
    Delivery.objects.bulk_create(
        Delivery(
            id=lot.id,
            batch_id=lot.id,
            number=1,
            manifest={},
            file_count=lot.size,
            created_by_id=users[0],
            handed_over_at=now,
        )
        for lot in done
    )
    SampleDraw.objects.bulk_create(
        SampleDraw(id=lot.id, batch_id=lot.id, block=1, population=lot.size, population_sha256=[],
                   rate=people.SAMPLE_RATE, size=max(1, round(lot.size * people.SAMPLE_RATE)))
        for lot in found
    )  # fmt: skip


def _photos(*, preset: int, channel: int, policy: int) -> None:
    key = f"'o/' || {hex64('p.id')}"
    has_run, closed = "p.total >= 0", ago("p.age_s / 2")
    fill(
        Asset, "1=1", id="p.id", batch_id="p.batch_id", relative_path="'shoot/' || p.sku || '_' || p.n || '.jpg'",
        filename="p.sku || '_' || p.n || '.jpg'", sha256=hex64("p.id"), original_key=key, byte_size="4200000 + p.id",
        state="p.state", state_reason="CASE WHEN p.state = 'failed' THEN 'Could not be processed.' ELSE '' END",
        state_code="CASE WHEN p.state <> 'failed' THEN '' WHEN p.phase = 'delivered' THEN 'given_up' "
                   "ELSE 'matte_empty' END",
        format="'JPEG'", width="4000", height="3000", exif=_quoted(EXIF), phash=f"substr({hex64('p.id')}, 49)",
        sku="p.sku", asin="p.asin", category="p.category", category_source="'sheet'",
        description="p.words || ' number ' || p.n", complexity="'simple'", lane="'automated'",
        current_run_id="CASE WHEN p.total >= 0 THEN p.id END", state_changed_at=ago("p.age_s / 2"),
        sample_block="CASE WHEN p.state = 'auto_approved' THEN 1 END", resolved_at=closed,
    )  # fmt: skip
    fill(
        ProcessingRun, has_run, id="p.id", asset_id="p.id", preset_version_id=str(preset), channel_id=str(channel),
        pipeline_version="'7'", params_digest=hex64("7"), params=_quoted(PARAMS), remover="'studio'", confidence="0.93",
        pixels_key=key, alpha_key=key, after_key=key, before_key=key, thumb_before_key=key, thumb_after_key=key,
        frame_matrix="'[0.5, 0, 0, 0, 0.5, 0]'", source_width="4000", source_height="3000", after_width="2000",
        after_height="2000", worker="'worker-1'", after_format="'JPEG'", after_bytes="250000 + p.id % 977 * 100",
        look=_quoted(LOOK),
    )  # fmt: skip
    fill(
        QualityReport, has_run, id="p.id", run_id="p.id", total="p.total", background="24", edge="p.total / 4",
        fill="22", colour="23", background_status="'PASS'", compliance_rate="0.99", measures=_quoted(MEASURES),
        gates=_quoted(GATES), routing="CASE WHEN p.state = 'auto_approved' THEN 'auto_approve' ELSE 'human_review' END",
        routing_rule="'Score against the lines'", policy_id=str(policy),
    )  # fmt: skip


def _judged(users: list[int], *, preset: int, channel: int, policy: int) -> None:
    key, closed = f"'o/' || {hex64('p.id')}", ago("p.age_s / 2")
    person = f"{min(users)} + p.reviewer - 1"
    fill(
        ReviewTask, "p.task <> ''", id="p.id", asset_id="p.id", run_id="p.id", reason="p.reason",
        why="'Score in the review band'", state="p.task", version="CASE WHEN p.task = 'done' THEN 1 ELSE 0 END",
        priority="4 + p.batch_id % 3", decided_at=f"CASE WHEN p.task IN ('done', 'on_hold') THEN {closed} END",
    )  # fmt: skip
    fill(
        ReviewDecision, "p.task = 'done'", id="p.id", task_id="p.id", asset_id="p.id", run_id="p.id",
        preset_version_id=str(preset), policy_id=str(policy), version="1", reviewer_id=person,
        verdict="CASE WHEN p.state = 'editing' THEN 'reject' ELSE 'approve' END", score_total="p.total",
        reasons=f"""(CASE WHEN p.state = 'editing' THEN '["edge_halo"]' ELSE '[]' END){_json_cast()}""",
        idempotency_key="'load-' || p.id", created_at=closed,
    )  # fmt: skip
    fill(
        EditTask, "p.state IN ('editing', 'awaiting_signoff')", id="p.id", asset_id="p.id", reason="'rejected'",
        why="'Rejected in review'", base_run_id="p.id", editor_id=person,
        state="CASE WHEN p.state = 'editing' THEN 'open' ELSE 'awaiting_signoff' END",
    )  # fmt: skip
    is_approved = "p.state IN ('auto_approved', 'approved')"
    fill(
        Rendition, is_approved, id="p.id", run_id="p.id", asset_id="p.id", channel_id=str(channel), state="'verified'",
        filename="p.sku || '.jpg'", storage_key=key, sha256=hex64("p.id"), byte_size="300000", width="2000",
        height="2000", content_type="'image/jpeg'",
    )  # fmt: skip
    fill(
        DeliveryItem, "p.is_delivered = 1", id="p.id", delivery_id="p.batch_id", rendition_id="p.id",
        path="p.sku || '_' || p.n || '.jpg'",
    )  # fmt: skip
    fill(
        SampleMember, "p.reason = 'sample'", id="p.id", draw_id="p.batch_id", asset_id="p.id", review_task_id="p.id",
        rank="p.n + 1", outcome="CASE WHEN p.task = 'done' THEN 'accepted' ELSE 'pending' END",
    )  # fmt: skip
    _tasks_and_events(person)


def _json_cast() -> str:
    return "::jsonb" if _is_postgres() else ""


def _state_json() -> str:
    return f"""('{{"state": "' || p.state || '"}}'){_json_cast()}"""


def _tasks_and_events(person: str) -> None:
    for at, (step, where) in enumerate((("process", "p.total >= 0"), ("render", "p.state LIKE '%approved'"))):
        fill(
            Task, where, id=f"p.id * 2 + {at}", asset_id="p.id", step=f"'{step}'", key=f"'{step}:' || p.id",
            state="'done'", attempts="1", token="1", available_at=ago("p.age_s"), finished_at=ago("p.age_s"),
        )  # fmt: skip
    moves = ("validated", "classified", "queued", "scored", "auto_approved")
    for at, (before, after) in enumerate(zip(("received", *moves), moves, strict=False)):
        is_last = after == moves[-1]
        fill(
            AuditEvent, "p.total >= 0", id=f"p.id * 8 + {at}", verb="'asset.moved'", noun="'asset'",
            object_id="CAST(p.id AS varchar(40))", batch_id="p.batch_id", asset_id="p.id",
            before=_quoted(json.dumps({"state": before})),
            after=_state_json() if is_last else _quoted(json.dumps({"state": after})),
            actor_id=f"CASE WHEN p.task = 'done' THEN {person} END" if is_last else "NULL",
        )  # fmt: skip
    fill(
        AuditEvent, "p.n < 4", id="p.id * 8 + 7", verb="'batch.moved'", noun="'batch'",
        object_id="CAST(p.batch_id AS varchar(40))", batch_id="p.batch_id",
    )  # fmt: skip
