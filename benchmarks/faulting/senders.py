"""People at the site over HTTP who don't give up: what is not answered is asked again, the same way, until it is.

What was answered is written down: that is what must be found afterwards.
"""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

FORM = "application/x-www-form-urlencoded"
CSRF = "s" * 32
PATIENCE_S = 240.0
AGAIN_S = 0.25
CLAIM = 8
PASSING = frozenset({429, 500, 502, 503, 504, 507})
"""Answers after which the same is asked again."""


class GaveUp(RuntimeError):
    """No answer for PATIENCE_S."""


@dataclass
class Ledger:
    """What the site said yes to."""

    photos: dict[tuple[int, str], str] = field(default_factory=dict)
    decisions: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def took(self, batch: int, path: str, sha256: str) -> None:
        """A photo was acknowledged."""
        with self._lock:
            self.photos[batch, path] = sha256

    def decided(self, **what: Any) -> None:
        """A decision was acknowledged."""
        with self._lock:
            self.decisions.append(what)

    def count(self, name: str) -> None:
        """One more answer of that kind."""
        with self._lock:
            self.answers[name] = self.answers.get(name, 0) + 1


class Person:
    """One signed-in person; their connection is made anew when it breaks."""

    def __init__(self, url: str, session: str, ledger: Ledger) -> None:
        self._address = urlsplit(url).netloc
        self._cookies = f"sessionid={session}; csrftoken={CSRF}"
        self._connection: http.client.HTTPConnection | None = None
        self.ledger = ledger

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """Ask until there is an answer that isn't "not now". Raises GaveUp."""
        sent = {"Cookie": self._cookies, "X-CSRFToken": CSRF, "Accept": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                status, found = self._once(method, path, body, sent)
            except (http.client.HTTPException, OSError):
                self.close()
                self.ledger.count("no answer")
            else:
                self.ledger.count(str(status))
                if status not in PASSING:
                    return status, found
            time.sleep(AGAIN_S)
        raise GaveUp(f"{method} {path}")

    def _once(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._address, timeout=40)
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def close(self) -> None:
        """Hang up."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def post_json(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """Post JSON; {} where the answer is none."""
        status, found = self.ask("POST", path, json.dumps(body).encode(), Content_Type="application/json", **headers)
        try:
            return status, json.loads(found or b"{}")
        except ValueError:
            return status, {}


def send(person: Person, batch: int, photos: list[tuple[str, bytes, str]], pace_s: float = 0.0) -> list[str]:
    """Upload (path, data, sha256) one by one. Returns what was refused for good."""
    refused = []
    for path, data, sha256 in photos:
        status, _said = person.ask(
            "POST", f"/batches/{batch}/upload/file/?path={quote(path)}", data, Content_Type="application/octet-stream"
        )
        if status in (200, 201):
            person.ledger.took(batch, path, sha256)
        else:
            refused.append(f"{path}: {status}")
        time.sleep(pace_s)
    person.close()
    return refused


def at_once(people: list[Person], path: str) -> list[int]:
    """Everybody posts the same at the same moment. Returns the answers."""
    together = threading.Barrier(len(people))

    def one(person: Person) -> int:
        together.wait()
        return person.ask("POST", path, b"", Content_Type=FORM)[0]

    with ThreadPoolExecutor(len(people)) as pool:
        return list(pool.map(one, people))


class Desk:
    """Reviewers who all decide the same photos at the same time: one is lent eight, gives them back, all judge each."""

    def __init__(self, people: list[Person], mixed: str, seed: int) -> None:
        self._people, self._mixed, self._rng = people, mixed, random.Random(seed)
        self._pool = ThreadPoolExecutor(len(people))
        self.contested = 0

    def work(self, is_over: Callable[[], bool], think_s: float) -> None:
        """Decide until `is_over` and nothing is left."""
        turn = 0
        while True:
            is_last = is_over()
            dealer = self._people[turn % len(self._people)]
            turn += 1
            _status, given = dealer.post_json("/review/mixed/claim/", {"count": CLAIM})
            items = given.get("items", [])
            ids = urlencode([("ids", item["id"]) for item in items])
            dealer.ask("POST", "/review/mixed/release/", ids.encode(), Content_Type=FORM)
            for item in items:
                self._decide(item)
            if is_last and not items and turn % len(self._people) == 0:
                break
            time.sleep(think_s)
        self._pool.shutdown()

    def _decide(self, item: dict[str, Any]) -> None:
        together = threading.Barrier(len(self._people))
        self.contested += 1

        def one(person: Person, verdict: str) -> None:
            together.wait()
            _judge(person, item, verdict)

        list(self._pool.map(one, self._people, [self._verdict(item) for _person in self._people]))

    def _verdict(self, item: dict[str, Any]) -> str:
        """Only in the batch named `mixed`, which needn't come to its end, is anything rejected or held."""
        if not str(item["batch"]).endswith(f", {self._mixed}"):
            return "approve"
        return self._rng.choice(("approve",) * 6 + ("reject", "hold"))


def _judge(person: Person, item: dict[str, Any], verdict: str) -> None:
    body = {"verdict": verdict, "version": item["version"], "seconds": 1.0, "queue": "mixed", "colour": True}
    body["reasons"] = ["edge_halo"] if verdict == "reject" else []
    key = uuid.uuid4().hex
    status, said = person.post_json(f"/review/items/{item['id']}/decision/", body, Idempotency_Key=key)
    person.ledger.count(f"decide: {said.get('status', status)}")
    if status == 200:
        person.ledger.decided(task=int(item["id"]), version=item["version"] + 1, verdict=verdict, key=key)
