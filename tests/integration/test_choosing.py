"""Own filters and orders of a queue, and one decision for all results of a filter (REV-01, REV-20, SMP-01)."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewapp.enums import AssetState, BatchState, BulkState, Role, Verdict
from reviewapp.models import BulkDecision, ReviewDecision, ReviewTask, SavedFilter
from reviewapp.policies.choosing import ORDERS, Choice
from reviewapp.selectors import choosing as selectors
from reviewapp.selectors import review as review_selectors
from reviewapp.services import bulk, leases
from reviewapp.services.people import NotAllowed
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def reviewer() -> User:
    return make.make_user("ria", Role.REVIEWER)


@pytest.fixture
def senior() -> User:
    return make.make_user("sena", Role.SENIOR)


def some() -> dict[str, ReviewTask]:
    """Four photos of two batches, and a blind sample of the first."""
    one, two = make.make_batch(name="One"), make.make_batch(name="Two")
    tasks = {
        "a": make.make_review(one, total=72, category="shoes", sku="NW-1", priority=5),
        "b": make.make_review(one, total=88, category="bags", sku="NW-2", priority=1),
        "c": make.make_review(two, total=80, category="shoes", sku="nw%9", priority=5),
        "d": make.make_review(two, total=76, category="bags", sku="XX-1", priority=5),
    }
    make.make_sample(one, category="shoes", sku="NW-3")
    return tasks


def names(tasks: dict[str, ReviewTask], found: list[ReviewTask]) -> str:
    by_id = {task.pk: name for name, task in tasks.items()}
    return "".join(by_id.get(task.pk, "s") for task in found)


@pytest.mark.parametrize(
    ("values", "mixed", "assisted"),
    [
        ({}, "bacds", "bacd"),
        ({"category": "shoes"}, "acs", "ac"),
        ({"sku": "nw-"}, "bas", "ba"),
        ({"sku": "nw%"}, "c", "c"),
        ({"order": "oldest"}, "abcds", "abcd"),
        ({"order": "newest"}, "sdcba", "dcba"),
        ({"order": "lowest"}, "bacds", "adcb"),
        ({"order": "highest", "low": "75"}, "bacds", "bcd"),
        ({"low": "76", "high": "88"}, "bacds", "cd"),
        ({"reason": "gate"}, "bacds", ""),
        ({"reason": "sample"}, "bacds", "bacd"),
        ({"client": "999999"}, "", ""),
        ({"batch": "x", "low": "nan?", "order": "DROP TABLE"}, "bacds", "bacd"),
    ],
)
def test_rev01_a_choice_narrows_and_orders_and_the_blind_queue_ignores_what_would_tell(
    reviewer: User, values: dict[str, str], mixed: str, assisted: str
) -> None:
    tasks = some()
    for queue, wanted in (("mixed", mixed), ("assisted", assisted)):
        choice = Choice.read(values, blind=queue == "mixed")
        queue_: Any = queue
        assert names(tasks, list(selectors.chosen(reviewer, queue_, choice))) == wanted
        assert names(tasks, leases.claim_next(reviewer, 16, queue_, choice)) == wanted
        assert selectors.counts(reviewer, queue_, choice).mine == len(wanted)
        leases.release(reviewer)


def test_batch_by_batch_and_by_client(reviewer: User) -> None:
    tasks = some()
    choice = Choice.read({"order": "batch"}, blind=True)
    assert names(tasks, leases.claim_next(reviewer, 16, "mixed", choice)) == "abscd"
    leases.release(reviewer)
    client = tasks["c"].asset.batch.client_id
    only = leases.claim_next(reviewer, 16, "mixed", Choice.read({"client": client}, blind=True))
    assert names(tasks, only) == "cd"


def test_every_order_is_known_to_both_ways_of_asking() -> None:
    assert set(ORDERS) == set(leases.ORDERS) == set(selectors.ORDERINGS)
    assert set(get_args(review_selectors.Queue)) == {"mixed", "assisted"}


@settings(suppress_health_check=[HealthCheck.too_slow])  # beside other tests on a busy machine it may be
@given(st.dictionaries(st.sampled_from(["client", "batch", "low", "high", "sku", "order", "reason", "category", "x"]),
                       st.none() | st.text(max_size=12) | st.integers() | st.floats() | st.booleans()))  # fmt: skip
def test_reading_a_choice_never_fails_and_reads_itself_back(values: dict[str, Any]) -> None:
    for blind in (True, False):
        choice = Choice.read(values, blind=blind)
        assert Choice.read(choice.values, blind=blind) == choice
        if blind:
            assert not choice.reason and choice.low is None and choice.high is None


def test_rev20_a_bulk_decision_is_a_decision_for_each_and_can_be_taken_back(senior: User) -> None:
    tasks = some()
    made = bulk.apply(
        senior, Choice.read({"category": "shoes"}, blind=False), "reject", seen=2, reasons=["shadow"], note="all"
    )
    assert made.items == [[tasks["a"].pk, 0], [tasks["c"].pk, 0]], "never the blind sample"
    done = bulk.advance(senior, made, budget_s=60)
    assert (done.state, done.position, done.saved, done.left_out) == (BulkState.DONE, 2, 2, 0)
    rows = ReviewDecision.objects.values_list("task_id", "verdict", "reasons", "note", "was_blind")
    assert list(rows) == [(task.pk, "reject", ["shadow"], "all", False) for task in (tasks["a"], tasks["c"])]
    assert bulk.advance(senior, done).saved == 2 and ReviewDecision.objects.count() == 2
    undone = bulk.take_back(senior, done, budget_s=60)
    assert undone.state == BulkState.UNDONE
    for task in (tasks["a"], tasks["c"]):
        task.refresh_from_db()
        assert (task.state, task.lease_owner, task.asset.state) == ("open", None, AssetState.IN_REVIEW)


def test_rev20_what_somebody_else_has_or_decided_is_left_out_and_counted(senior: User) -> None:
    tasks = some()
    other = make.make_user("otto", Role.REVIEWER)
    made = bulk.apply(senior, Choice.read({"sku": "nw-"}, blind=False), "approve", seen=2)
    leases.claim_next(other, 1, "assisted", Choice.read({"sku": "NW-1"}, blind=False))
    done = bulk.advance(senior, made, budget_s=60)
    assert (done.saved, done.left_out) == (1, 1)
    assert list(ReviewDecision.objects.values_list("task_id", flat=True)) == [tasks["b"].pk]


@pytest.mark.parametrize(
    ("values", "verdict", "extra", "words"),
    [
        ({"sku": "nw-"}, "approve", {"seen": 3}, "holds 2 photos now, not 3"),
        ({}, "approve", {"seen": 4}, "Choose which photos first"),
        ({"order": "newest"}, "approve", {"seen": 4}, "Choose which photos first"),
        ({"sku": "nw-"}, "reject", {"seen": 2}, "reason"),
        ({"sku": "nw-"}, "skip", {"seen": 2}, "approve, reject or hold"),
        ({"sku": "none"}, "approve", {"seen": 0}, "No photo waits"),
    ],
)
def test_rev20_nothing_is_applied_that_was_not_looked_at(
    senior: User, values: dict[str, str], verdict: str, extra: dict[str, Any], words: str
) -> None:
    some()
    with pytest.raises(bulk.BulkRefused, match=words):
        bulk.apply(senior, Choice.read(values, blind=False), verdict, **extra)
    assert not BulkDecision.objects.exists() and not ReviewDecision.objects.exists()


def test_rev20_the_pages_count_show_apply_and_go_on_by_themselves(client: Client, senior: User) -> None:
    some()
    client.force_login(senior)
    page = client.get("/review/bulk/?sku=nw-").content.decode()
    assert "Apply to 2 photos" in page and page.count('class="tile"') == 2 and not ReviewDecision.objects.exists()
    answer = client.post("/review/bulk/apply/", {"sku": "nw-", "verdict": "approve", "seen": "9"})
    assert answer.status_code == 409 and "holds 2 photos now, not 9" in answer.content.decode()
    assert 'name="seen" value="2"' in answer.content.decode(), "the next Apply is about what is shown"
    answer = client.post("/review/bulk/apply/", {"sku": "nw-", "verdict": "approve", **looked_at(answer)})
    url = answer["Location"]
    assert 'hx-trigger="load"' in client.get(url).content.decode()
    fragment = client.post(f"{url}advance/", headers={"HX-Request": "true"}).content.decode()
    assert "hx-trigger" not in fragment and "2 decided, 0 left out" in fragment
    assert set(ReviewDecision.objects.values_list("verdict", flat=True)) == {Verdict.APPROVE}
    back = client.post(f"{url}undo/", headers={"HX-Request": "true"}).content.decode()
    assert "Taken back" in back and "2 were decided. Each is taken back" in back and "left out" not in back
    for role, status in ((Role.SENIOR, 404), (Role.REVIEWER, 403)):
        client.force_login(make.make_user(f"otto-{role}", role))
        assert client.get(url).status_code == status, "somebody else's"


def looked_at(answer: Any) -> dict[str, str]:
    """What the page's form sends of the photos it shows."""
    page = answer.content.decode()
    found = {name: re.search(rf'name="{name}" value="(\w+)"', page) for name in ("seen", "digest")}
    return {name: match[1] for name, match in found.items() if match}


def test_rev20_as_many_others_are_not_what_was_looked_at(client: Client, senior: User) -> None:
    """One photo leaves the filter and another arrives: the number stays, and one was seen by nobody."""
    tasks = some()
    client.force_login(senior)
    shown = looked_at(client.get("/review/bulk/?sku=nw-"))
    changes = {
        "left, and another came": lambda: (leases.claim_next(senior, 1, "mixed"), make.make_review(sku="NW-7")),
        "decided and undone": lambda: ReviewTask.objects.filter(pk=tasks["a"].pk).update(version=2),
    }
    for name, change in changes.items():
        change()
        answer = client.post("/review/bulk/apply/", {"sku": "nw-", "verdict": "approve", **shown})
        assert answer.status_code == 409 and "other photos now" in answer.content.decode(), name
        assert not BulkDecision.objects.exists(), name
        shown = looked_at(answer)
        assert shown["seen"] == "2", name
    without = {"seen": shown["seen"], "digest": ""}
    assert client.post("/review/bulk/apply/", {"sku": "nw-", "verdict": "approve", **without}).status_code == 409
    assert client.post("/review/bulk/apply/", {"sku": "nw-", "verdict": "approve", **shown}).status_code == 302
    assert BulkDecision.objects.get().items, "these were looked at"


def test_rev20_seniors_decide_many_at_once_and_reviewers_are_not_sent_there(
    client: Client, reviewer: User, senior: User
) -> None:
    """Beside the mixed queue's number the page's would be that of the samples, and it shows which photos are none."""
    some()
    for person, is_led in ((reviewer, False), (senior, True)):
        client.force_login(person)
        assert ("/review/bulk/?sku=nw-" in client.get("/review/?sku=nw-").content.decode()) is is_led
    with pytest.raises(NotAllowed):
        bulk.apply(reviewer, Choice.read({"sku": "nw-"}, blind=False), "approve", seen=2)


def test_people_choose_a_batch_by_its_name(client: Client, reviewer: User) -> None:
    tasks = some()
    done, gone = make.make_batch(name="Done"), make.make_batch(name="Gone", state=BatchState.CANCELLED)
    make.make_review(gone)
    sampled = make.make_batch(name="Samples only")
    make.make_sample(sampled)
    client.force_login(reviewer)
    one, two = tasks["a"].asset.batch, tasks["c"].asset.batch
    assert selectors.batches(reviewer) == [(batch.pk, str(batch)) for batch in (sampled, two, one)]
    page = client.get(f"/review/?batch={two.pk}").content.decode()
    assert f'<option value="{two.pk}" selected>{two}</option>' in page and f"{one}</option>" in page
    assert "Done" not in page and "Gone" not in page
    assert (
        f'<option value="{done.pk}" selected>{done}</option>'
        in client.get(f"/review/?batch={done.pk}").content.decode()
    )
    assert "batch Two" in client.get(f"/review/mixed/?batch={two.pk}").content.decode()
    ours = make.make_user("rita", Role.REVIEWER, clients=[two.client])
    theirs = [batch for batch in (two, one, sampled) if batch.client_id == two.client_id]
    assert selectors.batches(ours, one.pk) == [(batch.pk, str(batch)) for batch in theirs]
    ReviewTask.objects.filter(asset__batch=two).update(state="done")
    assert two.pk not in [pk for pk, _name in selectors.batches(reviewer)]


def test_own_filters_are_kept_replaced_opened_and_taken_away(client: Client, reviewer: User) -> None:
    some()
    client.force_login(reviewer)
    found = client.get("/review/?sku=nw-&low=80").content.decode()
    assert (
        "3 in the mixed queue" in found and "Open in the assisted queue" in found and "left out in the mixed" in found
    )
    for name in ("Shoes", " Shoes  "):
        client.post("/review/assisted/filters/", {"name": name, "category": "shoes", "order": "lowest"})
    kept = SavedFilter.objects.get()
    assert kept.values == {"category": "shoes", "order": "lowest"}
    page = client.get("/review/").content.decode()
    assert "/review/assisted/?category=shoes&amp;order=lowest" in page
    desk = client.get("/review/assisted/?category=shoes&order=lowest").content.decode()
    assert "shoes, lowest score first" in desk
    client.post("/review/assisted/filters/", {"name": "Nothing"})
    assert "Choose something first" in client.get("/review/").content.decode() and SavedFilter.objects.count() == 1
    other = make.make_user("otto", Role.REVIEWER)
    client.force_login(other)
    client.post(f"/review/filters/{kept.pk}/forget/")
    assert SavedFilter.objects.count() == 1, "not theirs"
    client.force_login(reviewer)
    client.post(f"/review/filters/{kept.pk}/forget/")
    assert not SavedFilter.objects.exists()


def test_the_pages_cost_the_same_for_four_and_for_forty(client: Client, senior: User) -> None:
    some()
    client.force_login(senior)
    costs = []
    for _round in range(2):
        with CaptureQueriesContext(connection) as queries:
            client.get("/review/bulk/?category=shoes")
        costs.append(len(queries))
        for n in range(36):
            make.make_review(category="shoes", sku=f"S-{n}")
    assert costs[0] == costs[1]


@pytest.mark.parametrize("choice", [{}, {"sku": "nw-"}])
def test_what_one_holds_from_the_other_queue_is_not_said_to_be_with_others(
    reviewer: User, choice: dict[str, str]
) -> None:
    tasks = some()
    other = make.make_user("otto", Role.REVIEWER)
    leases.claim_next(other, 1, "mixed", Choice.read({"sku": tasks["a"].asset.sku}, blind=True))
    held = leases.claim_next(reviewer, 16, "assisted", Choice.read(choice, blind=False))
    counts = selectors.counts(reviewer, "mixed", Choice.read(choice, blind=True))
    assert (counts.elsewhere, counts.others, counts.mine) == (len(held), 1, 0) and held
    assert counts.waiting == counts.free + counts.mine + counts.elsewhere + counts.others
