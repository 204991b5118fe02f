"""Decide, take back, decide again through the web with the thread of follow-ups at work, as the server runs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from reviewapp.enums import AssetState, EditTaskState, ReviewTaskState, Role
from reviewapp.models import EditTask, ReviewTask, Task
from reviewapp.services import afterwards, undo
from reviewapp.services import review as desk
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 6


@pytest.fixture
def thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadPoolExecutor]:
    """The follow-ups' thread as wsgi.py switches it on; it ends with its work done."""
    monkeypatch.setattr(afterwards, "_background", None)
    afterwards.in_background()
    made = afterwards._background
    assert made is not None
    yield made
    made.submit(connections.close_all).result(30)
    made.shutdown()


def post(client: Client, path: str, key: str = "", **body: Any) -> Any:
    answer = client.post(path, json.dumps(body), content_type="application/json", headers={"Idempotency-Key": key})
    assert answer.status_code == 200, answer.content
    return answer.json()


@pytest.mark.parametrize("last", ["approve", "reject", "hold"])
def test_rev04_undo_and_decide_again_at_once_end_as_the_last_word_says(
    client: Client, thread: ThreadPoolExecutor, last: str
) -> None:
    client.force_login(make.make_user("ria", Role.REVIEWER))
    tasks = [make.make_review() for _ in range(3)]
    for task in tasks:
        version = 0
        for turn in range(ROUNDS):
            verdict = last if turn == ROUNDS - 1 else ("approve", "reject", "hold")[turn % 3]
            said = post(
                client, f"/review/items/{task.pk}/decision/", f"{task.pk}-{turn}", verdict=verdict, version=version,
                reasons=["shadow"] if verdict == "reject" else [], queue="mixed",
            )  # fmt: skip
            if turn == ROUNDS - 1:
                break
            version = post(client, f"/review/decisions/{said['decision']}/undo/")["item"]["version"]
    thread.submit(lambda: None).result(60)  # all that follows has followed
    ends = {"approve": AssetState.APPROVED, "reject": AssetState.EDITING, "hold": AssetState.ON_HOLD}
    for task in tasks:
        task.asset.refresh_from_db()
        assert task.asset.state == ends[last]
        open_edits = EditTask.objects.filter(asset=task.asset, state=EditTaskState.OPEN).count()
        assert open_edits == int(last == "reject")
        if last == "approve":
            assert Task.objects.filter(asset=task.asset, key=f"render:{task.run_id}").exists()
    is_done = ReviewTaskState.ON_HOLD if last == "hold" else ReviewTaskState.DONE
    assert set(ReviewTask.objects.values_list("state", flat=True)) == {is_done}
    assert desk.repair() + undo.repair() == 0, "nothing is left for the sweep"
