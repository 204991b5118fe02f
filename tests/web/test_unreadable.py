"""SEC-04: bytes no text has, and numbers no row has, are a request that can't be read, never a fault of the program."""

from __future__ import annotations

import json

import pytest
from django.test import Client as Browser

from tests import factories

pytestmark = pytest.mark.django_db
NUL = "a\0b"
CURSOR = '["a\\u0000b",1]'
SEARCHES = [
    ("/people/", {"q": NUL}),
    ("/people/", {"after": '["a\\u0000b"]'}),
    ("/people/", {"after": NUL}),
    ("/clients/", {"q": NUL}),
    ("/presets/", {"q": NUL}),
    ("/presets/", {"after": '["a\\u0000b"]'}),
    ("/channels/", {"after": CURSOR}),
    ("/batches/", {"q": NUL}),
    ("/images/", {"q": NUL, "sku": NUL, "batch": NUL}),
    ("/deliveries/", {"q": NUL}),
    ("/audit/", {"actor": NUL}),
    ("/audit/", {"after": NUL}),
    ("/quality/reviewers/", {"after": '["a\\u0000b"]'}),
    ("/quality/thresholds/", {"list": "rules", "after": '["a\\u0000b"]'}),
    ("/review/mixed/", {"sku": NUL}),
    ("/review/mixed/", {"category": NUL}),
    ("/review/bulk/", {"sku": NUL}),
    ("/channels/a%00b/", {}),
    ("/editing/", {"list": "open", "after": '[1,"a\\u0000b","b",1]'}),
]


@pytest.mark.parametrize("path, asked", SEARCHES)
def test_sec04_a_search_for_a_zero_byte_is_answered(ada: Browser, path: str, asked: dict[str, str]) -> None:
    assert ada.get(path, asked).status_code in (200, 400, 404)


@pytest.mark.parametrize("way", ["release", "decide", "undo"])
@pytest.mark.parametrize("number", ["\u00b2", "9" * 30, "9" * 5000])
def test_sec04_the_desk_answers_numbers_that_are_none(ada: Browser, way: str, number: str) -> None:
    sent = {"ids": number, "task": number, "version": number, "decision": number, "verdict": "approve", "key": "k" * 20}
    assert ada.post(f"/review/mixed/{way}/", sent).status_code in (204, 302, 400)


def test_sec04_a_cookie_with_a_zero_byte_is_no_session(client: Browser) -> None:
    client.cookies["sessionid"] = "a" * 20 + "\0"
    assert client.get("/").status_code == 302


def test_sec04_a_note_with_a_zero_byte(ada: Browser) -> None:
    task = factories.make_review()
    ada.post("/review/mixed/claim/", json.dumps({"count": 1}), content_type="application/json")
    body = {"verdict": "hold", "note": NUL, "version": 0, "queue": "mixed", "seconds": 2}
    sent, key = json.dumps(body), {"Idempotency-Key": "k" * 30}
    answer = ada.post(f"/review/items/{task.pk}/decision/", sent, content_type="application/json", headers=key)
    assert answer.status_code in (200, 400, 422), answer.content
    answer = ada.post(f"/batches/{task.asset.batch_id}/cancel/", {"reason": NUL})
    assert answer.status_code in (302, 400)
    answer = ada.post(f"/batches/{task.asset.batch_id}/hold/", {"set": "1", "note": NUL})
    assert answer.status_code in (302, 400)
