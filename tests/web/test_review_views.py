"""The review desk's pages and JSON answers (REV-01, REV-04, REV-05, REV-23, SMP-01)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from reviewapp.enums import ReviewTaskState, Role
from reviewapp.models import ReviewDecision
from reviewapp.web.viewer_items import css_matrix
from tests import factories

pytestmark = pytest.mark.django_db

TELLING = ("Secret advice", "score_band", "Score in the band", "human_review", "81.5", '"assist"', "Statistical sample")


@pytest.fixture
def rita(client: Client) -> User:
    """A reviewer, signed in."""
    user = factories.make_user("rita", Role.REVIEWER)
    client.force_login(user)
    return user


def boot(page: str) -> dict[str, Any]:
    """The JSON the desk's script starts from."""
    found = re.search(r'<script id="boot" type="application/json">(.*?)</script>', page, re.S)
    assert found
    return dict(json.loads(found[1]))


def decide(client: Client, task_id: int, key: str = "k1", **body: Any) -> Any:
    return client.post(
        f"/review/items/{task_id}/decision/",
        json.dumps({"verdict": "approve", "version": 0, "queue": "mixed", **body}),
        content_type="application/json",
        headers={"Idempotency-Key": key},
    )


def test_rev01_the_page_lends_one_photo_and_claim_lends_up_to_eight(client: Client, rita: User) -> None:
    tasks = [factories.make_review() for _ in range(10)]
    page = boot(client.get("/review/mixed/").content.decode())
    assert [item["id"] for item in page["items"]] == [tasks[0].pk]
    answer = client.post("/review/mixed/claim/", "{}", content_type="application/json").json()
    assert [item["id"] for item in answer["items"]] == [task.pk for task in tasks[:8]]
    assert answer["counts"]["waiting"] == 10


def test_smp01_nothing_of_the_blind_queue_tells_the_score_or_the_sample(client: Client, rita: User) -> None:
    factories.make_review(total=81.5)
    factories.make_sample()
    page = client.get("/review/mixed/").content.decode()
    claimed = client.post("/review/mixed/claim/", "{}", content_type="application/json")
    items = claimed.json()["items"]
    assert len(items) == 2
    assert set(items[0]) == set(items[1]), "a sample has the very same fields"
    for word in TELLING:
        assert word not in page and word not in claimed.content.decode(), word


def test_rev05_rev23_the_assisted_queue_has_score_parts_and_reason_and_no_sample(client: Client, rita: User) -> None:
    task = factories.make_review(total=81.5)
    factories.make_sample()
    items = client.post("/review/assisted/claim/", "{}", content_type="application/json").json()["items"]
    assert [item["id"] for item in items] == [task.pk]
    assist = items[0]["assist"]
    assert assist["total"] == 81
    assert set(assist["parts"]) == {"background", "edge", "fill", "colour"}
    assert assist["why"] == "Score in the band"


def test_rev04_answers_200_then_replayed_then_409_410_422(client: Client, rita: User) -> None:
    task, other = factories.make_review(), factories.make_review()
    client.post("/review/mixed/claim/", "{}", content_type="application/json")
    first = decide(client, task.pk)
    assert (first.status_code, first.json()["status"]) == (200, "saved")
    again = decide(client, task.pk)
    assert (again.status_code, again.json()["status"]) == (200, "replayed")
    assert again.json()["decision"] == first.json()["decision"]
    assert decide(client, task.pk, "k2").status_code == 409
    assert decide(client, other.pk, "k3", verdict="reject").status_code == 422
    assert decide(client, other.pk, "k4", version=7).status_code == 410
    assert ReviewDecision.objects.count() == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"version": "x", "reasons": 3}'])
def test_rev04_a_broken_body_is_refused_and_stores_nothing(client: Client, rita: User, body: bytes) -> None:
    task = factories.make_review()
    answer = client.post(f"/review/items/{task.pk}/decision/", body, content_type="application/json")
    assert answer.status_code == 422
    assert not ReviewDecision.objects.exists()


def test_rev04_undo_gives_the_photo_back_with_its_new_version(client: Client, rita: User) -> None:
    task = factories.make_review()
    client.post("/review/mixed/claim/", "{}", content_type="application/json")
    decision = decide(client, task.pk).json()["decision"]
    answer = client.post(f"/review/decisions/{decision}/undo/", "{}", content_type="application/json")
    assert answer.status_code == 200
    assert answer.json()["item"]["version"] == 2
    task.refresh_from_db()
    assert (task.state, task.lease_owner) == (ReviewTaskState.OPEN, rita)


def test_rev04_undo_of_somebody_elses_decision_is_refused(client: Client, rita: User) -> None:
    task = factories.make_review()
    decision = decide(client, task.pk).json()["decision"]
    client.force_login(factories.make_user("otto", Role.REVIEWER))
    answer = client.post(f"/review/decisions/{decision}/undo/", "{}", content_type="application/json")
    assert answer.status_code == 409


def test_rev01_beat_keeps_only_ones_own_and_release_frees_them(client: Client, rita: User) -> None:
    mine, theirs = factories.make_review(), factories.make_review()
    client.post("/review/mixed/claim/", json.dumps({"count": 1}), content_type="application/json")
    ids = [mine.pk, theirs.pk, "x"]
    answer = client.post("/review/mixed/beat/", json.dumps({"ids": ids}), content_type="application/json")
    assert answer.json()["ids"] == [mine.pk]
    assert client.post("/review/mixed/release/", {"ids": [mine.pk, "x"]}).status_code == 204
    mine.refresh_from_db()
    assert mine.lease_owner is None


def test_rev01_a_page_that_is_left_takes_nothing_from_the_next_one(client: Client, rita: User) -> None:
    """The beacon of a page that is loaded anew may arrive after the new one was lent the same photos."""
    task = factories.make_review()
    lent = client.post("/review/mixed/claim/", "{}", content_type="application/json").json()["items"][0]["leaseUntil"]
    beat = client.post("/review/mixed/beat/", json.dumps({"ids": [task.pk]}), content_type="application/json").json()
    assert client.post("/review/mixed/release/", {"ids": [task.pk], "until": lent}).status_code == 204
    task.refresh_from_db()
    assert task.lease_owner == rita
    assert client.post("/review/mixed/release/", {"ids": [task.pk], "until": beat["until"]}).status_code == 204
    task.refresh_from_db()
    assert task.lease_owner is None
    assert client.post("/review/mixed/release/", {"ids": [task.pk], "until": "2026-99-99"}).status_code == 204


def test_rev01_nothing_is_stored_or_lent_for_a_page_of_somebody_else(client: Client, rita: User) -> None:
    task = factories.make_review()
    page = {"Softproof-User": str(rita.pk)}
    client.force_login(factories.make_user("otto", Role.REVIEWER))
    for path in (f"/review/items/{task.pk}/decision/", "/review/mixed/claim/", "/review/mixed/beat/"):
        body = json.dumps({"verdict": "approve", "version": 0})
        answer = client.post(path, body, content_type="application/json", headers={**page, "Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()["status"], answer.json()["now"]) == (401, "other_person", "otto")
    task.refresh_from_db()
    assert task.lease_owner is None and not ReviewDecision.objects.exists()


def test_rev04_the_plain_form_decides_and_undoes(client: Client, rita: User) -> None:
    task = factories.make_review()
    client.get("/review/mixed/")
    form = {"task": task.pk, "version": 0, "key": "form-1", "verdict": "reject", "reasons": ["shadow", "nonsense"]}
    page = client.post("/review/mixed/decide/", form, follow=True).content.decode()
    assert "Rejected. An editor gets it." in page
    decision = ReviewDecision.objects.get()
    assert decision.reasons == ["shadow"]
    page = client.post("/review/mixed/undo/", {"decision": decision.pk}, follow=True).content.decode()
    assert "Undone." in page


def test_rev04_the_plain_form_says_what_is_missing(client: Client, rita: User) -> None:
    task = factories.make_review()
    page = client.post(
        "/review/mixed/decide/", {"task": task.pk, "version": 0, "key": "f", "verdict": "reject"}, follow=True
    )
    assert "needs at least one reason" in page.content.decode()


def test_rev04_held_photos_can_be_taken_up_again(client: Client, rita: User) -> None:
    task = factories.make_review(sku="HELD-1")
    client.get("/review/mixed/")
    assert decide(client, task.pk, verdict="hold", note="Is the lid meant to be off?").status_code == 200
    page = client.get("/review/").content.decode()
    assert "HELD-1" in page and "rita, " in page and "Is the lid meant to be off?" in page
    assert client.post(f"/review/mixed/held/{task.pk}/").status_code == 302
    task.refresh_from_db()
    assert (task.state, task.lease_owner) == (ReviewTaskState.OPEN, rita)
    again = client.post(f"/review/mixed/held/{task.pk}/", follow=True)
    assert "took this photo off hold already" in again.content.decode()


def test_rev01_an_unknown_queue_is_no_address(client: Client, rita: User) -> None:
    assert client.get("/review/secret/").status_code == 404


def test_rev02_the_css_matrix_maps_before_pixels_onto_the_frame() -> None:
    a, b, c, d, e, f = css_matrix([2.0, 0.5, 10.0, -0.5, 2.0, 20.0], 0.5)
    x, y = 30.0, 40.0  # a pixel of `before`; in the source it is (60, 80)
    assert (a * x + c * y + e, b * x + d * y + f) == (2 * 60 + 0.5 * 80 + 10, -0.5 * 60 + 2 * 80 + 20)


def test_rev04_older_decisions_come_page_by_page_at_a_fixed_cost(client: Client, rita: User) -> None:
    for n in range(10):
        decide(client, factories.make_review().pk, f"k{n}")
    first = client.get("/review/mixed/past/").json()["past"]
    assert len(first) == 8 and "assist" not in first[0]["item"]
    with CaptureQueriesContext(connection) as queries:
        rest = client.get(f"/review/mixed/past/?before={first[0]['decision']}").json()["past"]
    assert len(rest) == 2 and int(rest[-1]["decision"]) < int(first[0]["decision"])
    assert len(queries) <= 10
    assert client.get("/review/assisted/past/").json()["past"] == []
