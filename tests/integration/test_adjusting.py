"""REV-08: a reviewer moves edge or shadow settings for one photo, sees it beside the old result, and it is recorded."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from reviewapp.enums import AdjustmentState, AssetState, Role, RunKind, SampleOutcome
from reviewapp.models import Adjustment, Asset, AuditEvent, Batch, ReviewTask, RoutingPolicy, SampleMember, Task
from reviewapp.selectors import certifying, replays
from reviewapp.services import adjusting, ingest, review
from tests import factories as make
from tests import line

pytestmark = pytest.mark.django_db(transaction=True)
MOVED = {"shadow.opacity": 0.5, "edge.refinement": "low"}


@pytest.fixture
def reviewer() -> User:
    return make.make_user("ria", Role.REVIEWER)


def processed(*, ships: bool = False) -> ReviewTask:
    """One photo through the real line, up for review; one that `ships` by its score is drawn as the blind sample."""
    batch = line.open_batch()
    latest = RoutingPolicy.objects.order_by("-number").values().first()
    assert latest is not None
    latest |= {"number": latest.pop("number") + 1, "min_confidence": 0.0 if ships else 1.0}
    latest.pop("id")
    RoutingPolicy.objects.create(**latest)
    line.send(batch, "a.jpg", line.photo(3, side=900), category="books")
    ingest.close_batch(batch)
    line.run_line()
    return ReviewTask.objects.select_related("asset", "run").get()


def test_rev08_the_photo_is_run_again_and_waits_beside_the_old_result(reviewer: User) -> None:
    task = processed()
    review.claim_next(reviewer)
    asked = adjusting.ask(reviewer, task.pk, {**MOVED, "shadow.blur_px": task.run.params["shadow"]["blur_px"]})
    assert asked.changes == MOVED, "only what differs is kept"
    assert Task.objects.get(key=f"adjust:{asked.pk}").priority == 0
    assert line.run_line() == ["done"]
    asked.refresh_from_db()
    run = asked.result_run
    assert asked.state == AdjustmentState.READY and run is not None
    assert (run.kind, run.attempt) == (RunKind.ADJUSTED, task.run.attempt + 1)
    assert run.params["shadow"]["opacity"] == 0.5 and run.params["edge"]["refinement"] == "low"
    assert run.after_key != task.run.after_key, "Shopify allows a shadow: another picture"
    task.refresh_from_db()
    assert task.run_id == asked.base_run_id and task.version == 0, "nothing changes until it is taken"
    assert task.asset.state == AssetState.IN_REVIEW


def test_rev08_what_is_taken_is_what_gets_decided_and_rendered_and_can_be_put_back(reviewer: User) -> None:
    task = processed()
    review.claim_next(reviewer)
    asked = adjusting.ask(reviewer, task.pk, MOVED)
    line.run_line()
    used = adjusting.use(reviewer, asked.pk)
    assert used.run.kind == RunKind.ADJUSTED and used.version == 1
    back = adjusting.keep_old(reviewer, asked.pk)
    assert back.run_id == asked.base_run_id and back.version == 2
    again = adjusting.use(reviewer, asked.pk)
    result = review.record_decision(
        reviewer, task.pk, seen_version=again.version, verdict="approve", idempotency_key="k"
    )
    assert result.status == "saved" and result.decision is not None
    assert result.decision.run.kind == RunKind.ADJUSTED
    line.run_line()
    asset = Asset.objects.get(pk=task.asset_id)
    assert asset.state == AssetState.APPROVED and asset.current_run_id == result.decision.run_id
    assert asset.current_run is not None and asset.current_run.renditions.filter(state="verified").count() == 1
    (seen,) = replays.of_version(task.run.preset_version)
    assert seen.is_bad and seen.run_id == asked.base_run_id, "what had to be moved first was defective as it came"
    found = certifying.looked()
    assert (found.seen.tolist(), found.bad.tolist()) == ([True], [True])
    verbs = AuditEvent.objects.filter(noun="adjustment").order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["adjustment.asked", "adjustment.used", "adjustment.taken_back", "adjustment.used"]


def test_rev08_the_work_done_twice_makes_one_run(reviewer: User) -> None:
    task = processed()
    review.claim_next(reviewer)
    asked = adjusting.ask(reviewer, task.pk, MOVED)
    line.run_line()
    Task.objects.filter(key=f"adjust:{asked.pk}").update(state="pending")
    assert line.run_line() == ["done"]
    assert task.asset.runs.count() == 2


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "Nothing is different"),
        ({"colour.contrast": 5}, "only edge and shadow"),
        ({"shadow.opacity": 7}, "0 to 1"),
        ({"edge.refinement": "best"}, "one of"),
        ({"shadow.opacity": "dark"}, "Shadow opacity is 'dark'"),
    ],
)
def test_rev08_what_can_not_be_is_refused_with_the_bounds(reviewer: User, wanted: dict[str, Any], words: str) -> None:
    task = make.make_review()
    review.claim_next(reviewer)
    make_original(task)
    with pytest.raises(adjusting.AdjustRefused, match=words):
        adjusting.ask(reviewer, task.pk, wanted)
    assert not Adjustment.objects.exists() and not Task.objects.exists()


def make_original(task: ReviewTask) -> None:
    """Let the run say that it was made of the original."""
    type(task.run).objects.filter(pk=task.run_id).update(pixels_key=task.asset.original_key)


def test_rev08_only_the_person_who_has_the_photo_may_adjust_or_take(reviewer: User) -> None:
    task, other = processed(), make.make_user("otto", Role.REVIEWER)
    with pytest.raises(adjusting.AdjustRefused, match="on loan"):
        adjusting.ask(reviewer, task.pk, MOVED)
    review.claim_next(reviewer)
    asked = adjusting.ask(reviewer, task.pk, MOVED)
    line.run_line()
    with pytest.raises(adjusting.AdjustRefused, match="on loan"):
        adjusting.use(other, asked.pk)


def test_rev08_a_photo_that_breaks_the_line_says_so_and_stays_as_it_is(reviewer: User) -> None:
    task = make.make_review()
    review.claim_next(reviewer)
    make_original(task)
    asked = adjusting.ask(reviewer, task.pk, MOVED)
    assert line.run_line()[-1] == "dead", "its original was never stored"
    asked.refresh_from_db()
    assert asked.state == AdjustmentState.FAILED and asked.error.endswith(".")
    task.refresh_from_db()
    assert (task.state, task.asset.state, task.version) == ("open", AssetState.IN_REVIEW, 0)


def test_smp01_a_blind_sample_that_had_to_be_adjusted_counts_as_an_escape_and_ships_better(reviewer: User) -> None:
    task = processed(ships=True)
    assert task.asset.state == AssetState.AUTO_APPROVED and task.reason == "sample"
    review.claim_next(reviewer)
    asked = adjusting.ask(reviewer, task.pk, MOVED)
    line.run_line()
    used = adjusting.use(reviewer, asked.pk)
    decided = review.record_decision(
        reviewer, task.pk, seen_version=used.version, verdict="approve", idempotency_key="k"
    )
    assert decided.status == "saved" and decided.decision is not None
    assert SampleMember.objects.get().outcome == SampleOutcome.REJECTED
    asset = Asset.objects.get()
    assert (asset.state, asset.current_run_id) == (AssetState.APPROVED, asked.base_run_id + 1)
    assert review.undo(reviewer, decided.decision.pk).is_undone
    asset.refresh_from_db()
    assert asset.state == AssetState.IN_REVIEW and SampleMember.objects.get().outcome == SampleOutcome.PENDING
    task.refresh_from_db()
    again = review.record_decision(
        reviewer, task.pk, seen_version=task.version, verdict="approve", idempotency_key="k2"
    )
    assert again.status == "saved"
    assert Batch.objects.get().assets.get().state == AssetState.APPROVED


def test_rev08_the_desk_asks_looks_and_takes_over_json_without_a_score(client: Client, reviewer: User) -> None:
    task = processed()
    client.force_login(reviewer)
    url = f"/review/items/{task.pk}/adjust/"
    assert client.get(url).status_code == 409, "not on loan yet"
    review.claim_next(reviewer)
    fields = {line_["path"]: line_ for line_ in client.get(url).json()["fields"]}
    assert set(fields) >= {"edge.refinement", "edge.decontaminate", "shadow.enabled", "shadow.opacity"}
    assert (fields["shadow.opacity"]["low"], fields["shadow.opacity"]["high"]) == (0.0, 1.0)
    answer = client.post(url, {"values": MOVED}, content_type="application/json")
    assert answer.status_code == 202
    state = f"/review/adjustments/{answer.json()['id']}/"
    assert client.get(state).json() == {"state": "pending", "message": ""}
    line.run_line()
    ready = client.get(state).json()
    assert ready["state"] == "ready" and client.get(ready["item"]["after"]).status_code == 200
    assert ready["item"]["matrix"] == pytest.approx([1, 0, 0, 1, 0, 0], abs=8), "the same frame but for the edge"
    taken = client.post(f"{state}use/", {}, content_type="application/json").json()
    assert taken["item"]["version"] == 1 and taken["item"]["after"] == ready["item"]["after"]
    assert "assist" not in taken["item"] and "score" not in str(taken).lower()
    assert client.get(url).json()["used"] == answer.json()["id"]
    back = client.post(f"{state}use/", {"back": True}, content_type="application/json").json()
    assert back["item"]["version"] == 2 and back["item"]["after"] != ready["item"]["after"]
    client.force_login(make.make_user("otto", Role.REVIEWER))
    assert client.get(state).status_code == 404
