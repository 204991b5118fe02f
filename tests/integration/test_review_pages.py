"""What a reviewer is told: everything in the assisted queue, nothing that gives a sample away in the blind one."""

from __future__ import annotations

import json

import pytest

from reviewapp.enums import EditTaskState, Role
from reviewapp.selectors import review as selectors
from tests import factories as make

pytestmark = pytest.mark.django_db

SECRETS = (
    "score", "reason", "why", "preset", "route", "routing", "gates", "failures", "findings", "advice", "confidence",
)  # fmt: skip


def walk(value: object) -> set[str]:
    if isinstance(value, dict):
        return {str(key) for key in value}.union(*(walk(inner) for inner in value.values()))
    return set().union(*(walk(inner) for inner in value)) if isinstance(value, list) else set()


def test_rev23_the_blind_payload_says_nothing_of_score_route_or_preset() -> None:
    user = make.make_user("r", Role.REVIEWER)
    for task in (make.make_review(total=71.25), make.make_sample()):
        payload = selectors.item_payload(task, user, blind=True)
        assert walk(payload).isdisjoint(SECRETS)
        text = json.dumps(payload)
        assert "71.25" not in text and "Secret advice" not in text and "sample" not in text.lower()


def test_smp02_a_sample_and_an_ordinary_photo_have_the_same_blind_keys() -> None:
    user = make.make_user("r", Role.REVIEWER)
    plain = selectors.item_payload(make.make_review(), user)
    sample = selectors.item_payload(make.make_sample(), user)
    assert plain.keys() == sample.keys() and walk(plain) == walk(sample)
    assert (plain["state"], plain["blind"]) == (sample["state"], sample["blind"])


def test_rev05_the_assisted_payload_has_parts_measures_gates_advice_and_why() -> None:
    user = make.make_user("r", Role.REVIEWER)
    task = make.make_review(total=79.9)
    assist = selectors.item_payload(task, user, blind=False)["assist"]
    assert assist["why"] == "Score in the band" and assist["reason"] == "score_band"
    score = assist["score"]
    assert score["total"] == 79.9 and score["shown_total"] == 79
    assert set(score["parts"]) == {"background", "edge", "fill", "colour"}
    assert score["advice"] == "Secret advice" and score["gates"] == [] and score["measures"] == []
    assert (score["approve_at"], score["review_at"]) == (90.0, 70.0)


def test_smp02_a_sample_stays_blind_whatever_is_asked() -> None:
    payload = selectors.item_payload(make.make_sample(), make.make_user("r", Role.REVIEWER), blind=False)
    assert payload["blind"] is True and walk(payload).isdisjoint(SECRETS)


def test_the_payload_is_plain_json_with_the_registered_frame() -> None:
    user = make.make_user("r", Role.REVIEWER)
    task = make.make_review(description="A mug")
    payload = json.loads(json.dumps(selectors.item_payload(task, user, blind=False)))
    assert payload["frame_matrix"] == [1, 0, 0, 0, 1, 0] and payload["before_scale"] == 1.0
    assert payload["source"] == {"width": 2000, "height": 2000}
    assert payload["sku"] == task.asset.sku and payload["client"] == task.asset.batch.client.name


def test_previous_edits_are_named_and_withdrawn_ones_left_out() -> None:
    user, editor = make.make_user("r", Role.REVIEWER), make.make_user("ed", Role.EDITOR)
    task = make.make_review()
    asset = task.asset
    from django.utils import timezone

    from reviewapp.models import EditTask

    common = {"asset": asset, "reason": "low_score", "why": "x", "editor": editor}
    EditTask.objects.create(**common, state=EditTaskState.WITHDRAWN, editor_note="never mind")
    EditTask.objects.create(**common, state=EditTaskState.SIGNED_OFF, editor_note="fixed the rim")
    assert selectors.item_payload(task, user)["previous_edits"] == [], "that came after this result: it would tell"
    task.run.created_at = timezone.now()
    assert selectors.item_payload(task, user)["previous_edits"] == [{"editor": "ed", "note": "fixed the rim"}]


def test_a_page_of_tasks_costs_a_fixed_number_of_queries(django_assert_num_queries: object) -> None:
    user = make.make_user("r", Role.REVIEWER)
    batch = make.make_batch()
    for _ in range(5):
        make.make_review(batch)
    with django_assert_num_queries(5):  # type: ignore[operator]
        tasks = list(selectors.with_details(selectors.open_tasks("assisted")))
        assert len([selectors.item_payload(task, user, blind=False) for task in tasks]) == 5


def test_the_eight_reasons_come_in_key_order() -> None:
    assert [key for key, _code, _label in selectors.REJECT_REASONS] == list(range(1, 9))
    assert selectors.REJECT_REASONS[0][1] == "edge_halo"
