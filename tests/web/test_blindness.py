"""In a blind queue nothing tells one photo from another: every kind of task is walked through the same requests, and
what comes back is held against the others byte for byte, with the SQL it took, once numbers and names are masked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.client import ClientHandler
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from processing.params import STANDARD_PRESET
from reviewapp import storage
from reviewapp.enums import (
    AdjustmentState,
    AssetState,
    BatchState,
    GoldSource,
    LookKind,
    LotState,
    Role,
    RunKind,
    Side,
    Step,
    TaskState,
)
from reviewapp.models import (
    Adjustment,
    Asset,
    Batch,
    CategoryRule,
    Delivery,
    DeliveryItem,
    GoldItem,
    Look,
    Lot,
    ProcessingRun,
    Rendition,
    ReviewTask,
    Scope,
    Task,
)
from reviewapp.selectors.quality import current_policy
from reviewapp.services import hidden
from tests import duels, factories

pytestmark = pytest.mark.django_db

KEYS = ("pixels_key", "after_key", "before_key", "thumb_before_key", "thumb_after_key", "matte_key")
NUMBERS = re.compile(r"[0-9a-f]{12,}|[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9:.+]+|[0-9]+")
TOKENS = re.compile(r'((?i:csrf)[A-Za-z]*"?(?: value=|": ")"?)[A-Za-z0-9]+|nonce-?[^"; ]*|[0-9a-f-]{36}')


def masked(text: str) -> str:
    return NUMBERS.sub("#", TOKENS.sub(r"\1~", text))


@dataclass
class Walk:
    """One kind's way through the desk: what each request answered, and the SQL until it did."""

    answers: list[tuple[str, int, str, str]] = field(default_factory=list)
    sql: list[tuple[str, list[str]]] = field(default_factory=list)


class Timed(ClientHandler):
    """Notes how many queries had been made when the answer was ready; what follows it comes later."""

    made = 0

    def get_response(self, request: HttpRequest) -> HttpResponse:
        answer = super().get_response(request)
        self.made = len(connection.queries_log)
        return answer  # type: ignore[return-value]


def stored_run(asset: Asset, **fields: Any) -> ProcessingRun:
    run = factories.make_run(asset, total=95.0, **fields)
    store(run)
    return run


def store(run: ProcessingRun) -> None:
    """Give a result its files."""
    for number, name in enumerate(KEYS):
        setattr(run, name, storage.put_bytes(f"{run.pk:06}{number}".encode() * 90, prefix="d").key)
    run.save()


def lot_of(asset: Asset, run: ProcessingRun, state: str = LotState.OPEN) -> Lot:
    scope = Scope.objects.create(
        client=asset.batch.client, preset_version=run.preset_version, policy=current_policy(), pipeline_version="1",
        category="mug", lot_count=1,
    )  # fmt: skip
    plan = {
        "mode": "learn", "size": 1, "first": 1, "boundaries": [], "hold_at": 0, "pi_cert": 1.0, "alpha": 0.02,
        "delta": 0.05, "sensitivity": 0.85, "order_seed_hash": "", "reason": "",
    }  # fmt: skip
    lot = Lot.objects.create(scope=scope, number=1, state=state, size=1, plan=plan, seed="00" * 32)
    lot.places.create(asset=asset, run=run, rank=0, pi=1.0)
    return lot


def spring() -> Batch:
    return factories.make_batch(client=factories.make_client(brand_notes="White only"), name="Spring")


def photo(state: AssetState) -> Asset:
    batch = spring()
    return factories.make_asset(batch, state, category="mug", filename="photo00001.jpg", sku="SKU-0001")


def ordinary() -> ReviewTask:
    asset = photo(AssetState.IN_REVIEW)
    run = stored_run(asset)
    return ReviewTask.objects.create(asset=asset, run=run, reason="score_band", why="Score in the band")


def unlike_the_rest() -> ReviewTask:
    """Passed by its score and picked because it stands out of its batch (REV-18)."""
    asset = photo(AssetState.IN_REVIEW)
    run = stored_run(asset)
    why = "Darker than the rest (z\u00a017.5)."
    Asset.objects.filter(pk=asset.pk).update(state_code="anomaly", state_reason=why)
    return ReviewTask.objects.create(asset=asset, run=run, reason="anomaly", why=why)


def simple_sample() -> ReviewTask:
    task = factories.make_sample(spring(), category="mug", filename="photo00001.jpg", sku="SKU-0001")
    run = stored_run(task.asset)
    ReviewTask.objects.filter(pk=task.pk).update(run=run)
    return task


def hidden_look(kind: LookKind, state: str = LotState.OPEN) -> ReviewTask:
    asset = photo(AssetState.AUTO_APPROVED)
    run = stored_run(asset)
    lot = lot_of(asset, run, state)
    flag = None
    if kind == LookKind.AGAIN:  # the first inspection is over
        first = hidden.open_looks([hidden.Wanted(asset, run.pk, LookKind.FIRST, lot=lot)])[0]
        Look.objects.filter(pk=first.pk).update(verdict="approve", judged_at=timezone.now())
        ReviewTask.objects.filter(pk=first.task_id).update(state="done", version=1)
        Lot.objects.filter(pk=lot.pk).update(passes=2)
    if kind == LookKind.SECOND:
        flag = hidden.open_looks([hidden.Wanted(asset, run.pk, LookKind.FIRST, lot=lot)])[0]
        other = factories.make_user("otto", Role.REVIEWER)
        Look.objects.filter(pk=flag.pk).update(verdict="reject", reviewer=other, judged_at=timezone.now())
        ReviewTask.objects.filter(pk=flag.task_id).update(state="done", version=1)
    number = 2 if kind == LookKind.AGAIN else 1
    return hidden.open_looks([hidden.Wanted(asset, run.pk, kind, lot=lot, of=flag, number=number)])[0].task


def known(is_defective: bool) -> ReviewTask:
    asset = photo(AssetState.APPROVED)
    base = stored_run(asset)
    delivered(asset)
    run = stored_run(asset, kind=RunKind.GOLD, pipeline_version="1g")
    Asset.objects.filter(pk=asset.pk).update(current_run=base)
    item = GoldItem.objects.create(
        asset=asset, run=run, is_defective=is_defective, source=GoldSource.INJECTED, reasons=["shadow"]
    )
    return hidden.open_looks([hidden.Wanted(asset, run.pk, LookKind.GOLD, gold=item)])[0].task


def delivered(asset: Asset) -> None:
    """The photo left a while ago."""
    made = factories.make_rendition(asset, asset.batch.batch_channels.all()[0].channel)
    package = Delivery.objects.create(
        batch=asset.batch, number=1, manifest={}, withheld=[], file_count=1, byte_size=1, handed_over_at=timezone.now()
    )
    DeliveryItem.objects.create(delivery=package, rendition=made, path="a.jpg")
    Batch.objects.filter(pk=asset.batch_id).update(state=BatchState.DELIVERED)
    assert Rendition.objects.filter(asset=asset).exists()


def looked_back() -> ReviewTask:
    task = hidden_look(LookKind.RETRO, LotState.RELEASED)
    delivered(task.asset)
    return task


def compared(side: Side) -> ReviewTask:
    """One side of a duel between two versions of a preset, the other judged already."""
    study = duels.make_study(1, batch=spring())
    asset = study.replay.items.get().asset
    Asset.objects.filter(pk=asset.pk).update(category="mug", filename="photo00001.jpg", sku="SKU-0001")
    for one in study.runs.select_related("run", "review_task"):
        assert one.run is not None and one.review_task is not None
        store(one.run)
        if one.side == side:
            task = one.review_task
        else:
            ReviewTask.objects.filter(pk=one.review_task.pk).update(state="done", version=1)
    return ReviewTask.objects.get(pk=task.pk)


KINDS: dict[str, Callable[[], ReviewTask]] = {
    "ordinary": ordinary,
    "unlike the rest": unlike_the_rest,
    "sample of simple mode": simple_sample,
    "sample of a lot": lambda: hidden_look(LookKind.FIRST),
    "second person": lambda: hidden_look(LookKind.SECOND),
    "second inspection": lambda: hidden_look(LookKind.AGAIN),
    "looked at after it shipped": looked_back,
    "known good": lambda: known(False),
    "known defective": lambda: known(True),
    "proposed settings": lambda: compared(Side.CHALLENGER),
    "settings in use, made anew": lambda: compared(Side.CHAMPION),
}


class Undone(Exception):
    """Leaves the database as it was."""


def walk(kind: str, *, asks_colour: bool = False) -> Walk:
    """Take one task of a kind through everything a reviewer's browser may ask of it.

    With `asks_colour` its category wants the colour checked against the product (REV-11).
    """
    found = Walk()
    try:
        with transaction.atomic():
            if asks_colour:
                CategoryRule.objects.create(category="mug", complexity="simple", checks_colour=True)
            user: User = factories.make_user("rita", Role.REVIEWER)
            factories.make_user("sena", Role.SENIOR)
            task = ReviewTask.objects.select_related("run").get(pk=KINDS[kind]().pk)
            Asset.objects.filter(pk=task.asset_id).update(original_key=task.run.pixels_key)
            ProcessingRun.objects.filter(pk=task.run_id).update(params=STANDARD_PRESET.to_dict())
            # What every photo has that came through the line: its steps, and with them its turn.
            done = {"state": TaskState.DONE, "available_at": timezone.now()}
            Task.objects.create(asset_id=task.asset_id, step=Step.PROCESS, key=f"process:{task.asset_id}", **done)
            client = Client()
            client.handler = Timed(enforce_csrf_checks=False)
            client.force_login(user)
            _requests(client, task, found, asks_colour=asks_colour)
            raise Undone
    except Undone:
        return found


def _requests(client: Client, task: ReviewTask, found: Walk, *, asks_colour: bool) -> None:
    def ask(name: str, address: str, body: Any = None, **headers: str) -> Any:
        with CaptureQueriesContext(connection) as queries:
            if body is None:
                answer = client.get(address, headers=headers)
            else:
                answer = client.post(address, json.dumps(body), content_type="application/json", headers=headers)
        text = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
        heads = "\n".join(f"{key}: {value}" for key, value in sorted(answer.headers.items()))
        found.answers.append((name, answer.status_code, masked(heads), masked(text)))
        handler: Any = client.handler
        made = queries.captured_queries[: max(0, handler.made - queries.initial_queries)]
        found.sql.append((name, [masked(re.sub(r"'[^']*'", "'~'", query["sql"])) for query in made]))
        return answer

    page = ask("page", "/review/mixed/")
    item = json.loads(re.search(r'id="boot" type="application/json">(.*?)</script>', page.content.decode(), re.S)[1])
    (shown,) = item["items"]
    assert shown["id"] == task.pk and shown["asksColour"] is asks_colour
    if asks_colour:
        body = {"verdict": "approve", "version": 0, "queue": "mixed", "seconds": 3}
        refused = ask("approve, not ticked", f"/review/items/{task.pk}/decision/", body, idempotency_key="k0")
        assert refused.status_code == 422 and refused.json()["needs"] == "colour"
    ask("claim", "/review/mixed/claim/", {"count": 8})
    ask("beat", "/review/mixed/beat/", {"ids": [task.pk]})
    for name in ("before", "after", "thumb", "matte"):
        answer = ask(name, shown[name])
        again = ask(f"{name} again", shown[name], if_none_match=answer["ETag"])
        assert again.status_code == 304
    ask("siblings", shown["side"]["siblings"])
    version = 0
    for number, verdict in enumerate(("skip", "approve", "reject", "hold", "approve", "reject")):
        body = {"verdict": verdict, "version": version, "queue": "mixed", "seconds": 3, "marks": []}
        body["reasons"] = ["shadow"] if verdict == "reject" else []
        body["colour"] = asks_colour
        said = ask(f"{number} {verdict}", f"/review/items/{task.pk}/decision/", body, idempotency_key=f"k{number}")
        assert said.status_code == 200, (verdict, said.content)
        version += 1
        ask(f"{number} past", "/review/mixed/past/")
        if verdict in ("approve", "reject", "hold"):
            back = ask(f"{number} undo", f"/review/decisions/{said.json()['decision']}/undo/", {})
            assert back.status_code == 200, (verdict, back.content)
            version = back.json()["item"]["version"]
    _adjusts(ask, task, version)
    body = {"verdict": "escalate", "version": version + 2, "queue": "mixed", "note": "Which grey?"}
    said = ask("escalate", f"/review/items/{task.pk}/decision/", body, idempotency_key="k9")
    assert said.status_code == 200, said.content
    ask("page after", "/review/mixed/")
    ask("home", "/")


def _adjusts(ask: Callable[..., Any], task: ReviewTask, version: int) -> None:
    """Other settings are asked for, made (here: by hand), looked at, taken and put back."""
    asked = ask("adjust", f"/review/items/{task.pk}/adjust/", {"values": {"edge.refinement": "low"}})
    assert asked.status_code in (200, 202), asked.content
    adjustment = Adjustment.objects.get(task=task)
    ask("adjust, waiting", f"/review/adjustments/{adjustment.pk}/")
    current = Asset.objects.get(pk=task.asset_id).current_run_id
    made = stored_run(adjustment.asset, kind=RunKind.ADJUSTED, preset_version=adjustment.base_run.preset_version)
    Asset.objects.filter(pk=task.asset_id).update(current_run=current)
    Adjustment.objects.filter(pk=adjustment.pk).update(state=AdjustmentState.READY, result_run=made)
    ask("adjust, ready", f"/review/adjustments/{adjustment.pk}/")
    for name, body in (("taken", {}), ("put back", {"back": True})):
        swapped = ask(f"adjust, {name}", f"/review/adjustments/{adjustment.pk}/use/", body)
        assert swapped.status_code == 200, swapped.content
        version += 1
        assert swapped.json()["item"]["version"] == version


@pytest.mark.parametrize("asks_colour", [False, True])
def test_no_page_json_header_or_query_tells_what_a_task_is(asks_colour: bool) -> None:
    plain = walk("ordinary", asks_colour=asks_colour)
    assert len(plain.answers) > 25
    assert all(len(made) > 7 for name, made in plain.sql if name.endswith(("approve", "reject", "undo"))), "it counts"
    for kind in KINDS:
        if kind == "ordinary":
            continue
        other = walk(kind, asks_colour=asks_colour)
        assert [answer[0] for answer in other.answers] == [answer[0] for answer in plain.answers]
        for mine, theirs in zip(plain.answers, other.answers, strict=True):
            assert theirs == mine, f"{kind}: {mine[0]}"
        for (name, mine_sql), (_, their_sql) in zip(plain.sql, other.sql, strict=True):
            assert their_sql == mine_sql, f"{kind}: {name}"


def test_what_follows_a_decision_comes_after_its_answer() -> None:
    task = ordinary()
    client = Client()
    client.handler = Timed(enforce_csrf_checks=False)
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    body = {"verdict": "approve", "version": 0, "queue": "mixed"}
    with CaptureQueriesContext(connection) as queries:
        client.post(
            f"/review/items/{task.pk}/decision/", json.dumps(body), content_type="application/json",
            headers={"Idempotency-Key": "k"},
        )  # fmt: skip
        handler: Any = client.handler
        before = handler.made - queries.initial_queries
    later = " ".join(query["sql"] for query in queries.captured_queries[before:])
    assert "reviewapp_task" in later and "reviewapp_auditevent" in later
    task.asset.refresh_from_db()
    assert task.asset.state == AssetState.APPROVED, "and it does come"


def test_a_known_picture_waits_as_long_as_any_other() -> None:
    """Leases, priorities and expiry are those of the task beside it."""
    task = known(True)
    assert task.lease_owner is None and task.priority == task.asset.priority
    assert timezone.now() - task.created_at < timedelta(minutes=1)
