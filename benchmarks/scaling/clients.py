"""People at the site over HTTP: reviewers who claim, decide, undo and beat, and a manager who walks the pages."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any
from urllib.parse import urlsplit

CSRF = "s" * 32
LOW_WATER = 4
CLAIM = 8
VERDICTS = ("approve",) * 80 + ("reject",) * 12 + ("skip",) * 5 + ("hold",) * 3
UNDO_RATE, BEAT_EVERY, PAGE_EVERY = 0.05, 20, 25


class Times:
    """Seconds per operation and what went wrong, gathered from many threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.wrong: list[str] = []
        self._lock = threading.Lock()

    def add(self, name: str, seconds: float, status: int, wanted: tuple[int, ...]) -> None:
        """One answer; a status that isn't wanted is kept as a fault."""
        with self._lock:
            self.seconds[name].append(seconds)
            if status not in wanted:
                self.wrong.append(f"{name}: {status}")

    def table(self) -> dict[str, dict[str, float]]:
        """{operation: {n, p50, p95, max}} in milliseconds."""
        return {name: summary(found) for name, found in sorted(self.seconds.items())}


def summary(seconds: list[float]) -> dict[str, float]:
    """Count, median, 95th percentile and maximum of times, in milliseconds."""
    ordered = sorted(seconds)
    at = [ordered[min(len(ordered) - 1, int(share * len(ordered)))] for share in (0.5, 0.95)]
    return {
        "n": len(ordered),
        "p50": round(at[0] * 1000, 1),
        "p95": round(at[1] * 1000, 1),
        "max": round(ordered[-1] * 1000, 1),
    }


class Browser:
    """One signed-in person's connection, kept open."""

    def __init__(self, url: str, session: str, times: Times) -> None:
        self._address = urlsplit(url).netloc
        self._connection = http.client.HTTPConnection(self._address, timeout=60)
        self._cookies = f"sessionid={session}; csrftoken={CSRF}"
        self._times = times

    def get(self, name: str, path: str, wanted: tuple[int, ...] = (200,), **headers: str) -> bytes:
        """Open a page; its time is kept under `name`."""
        return self._ask(name, "GET", path, None, wanted, headers)[1]

    def post(self, name: str, path: str, body: Any, wanted: tuple[int, ...] = (200,), **headers: str) -> Any:
        """Send JSON and return the answer's."""
        status, found = self._ask(name, "POST", path, json.dumps(body), wanted, headers)
        return json.loads(found) if status in wanted and found else {}

    def _ask(
        self, name: str, method: str, path: str, body: str | None, wanted: tuple[int, ...], headers: dict[str, str]
    ) -> tuple[int, bytes]:
        sent = {"Cookie": self._cookies, "X-CSRFToken": CSRF, "Accept": "application/json" if body else "text/html"}
        sent |= {key.replace("_", "-"): value for key, value in headers.items()}
        started = time.perf_counter()
        for is_last in (False, True):
            try:
                self._connection.request(method, path, body, sent)
                answer = self._connection.getresponse()
                found = answer.read()
                break
            except (http.client.HTTPException, ConnectionError):  # the server closed a connection that was idle
                self._connection.close()
                if is_last:
                    raise
        self._times.add(name, time.perf_counter() - started, answer.status, wanted)
        return answer.status, found

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def review(browser: Browser, seed: int, think_s: tuple[float, float], stop: threading.Event) -> None:
    """Be a reviewer until `stop`: the protocol of the desk's script, with think times drawn from `think_s`."""
    held: list[dict[str, Any]] = []
    rng, done = random.Random(seed), 0
    while not stop.wait(rng.uniform(*think_s)):
        if done % PAGE_EVERY == seed % PAGE_EVERY:  # not everybody in the same second
            browser.get("home, reviewer", "/")
            browser.get("review chooser", "/review/")
            browser.get("review queue page", "/review/mixed/")
        if len(held) <= LOW_WATER:
            items = browser.post("claim", "/review/mixed/claim/", {"count": CLAIM}).get("items", [])
            known = {item["id"] for item in held}
            held += [item for item in items if item["id"] not in known]
        done += 1
        if not held:
            continue
        item, verdict = held.pop(0), rng.choice(VERDICTS)
        answer = _decide(browser, item, verdict)
        if verdict in ("approve", "hold") and answer.get("decision") and rng.random() < UNDO_RATE:
            back = browser.post("undo", f"/review/decisions/{answer['decision']}/undo/", {})
            if "item" in back:
                held.insert(0, back["item"])
        if done % BEAT_EVERY == 0:
            browser.post("beat", "/review/mixed/beat/", {"ids": [one["id"] for one in held]})
    browser.close()


def _decide(browser: Browser, item: dict[str, Any], verdict: str) -> Any:
    body = {"verdict": verdict, "version": item["version"], "seconds": 1.5, "queue": "mixed"}
    body["reasons"] = ["edge_halo"] if verdict == "reject" else []
    # 410 is an honest answer: the manager's batch was paused, or a lease ran out.
    path = f"/review/items/{item['id']}/decision/"
    return browser.post("decide", path, body, (200, 410), Idempotency_Key=uuid.uuid4().hex)


def manage(browser: Browser, pages: list[tuple[str, str]], think_s: float, stop: threading.Event) -> None:
    """Be a manager: walk `pages`, (name, path), over and over until `stop`."""
    while not stop.is_set():
        for name, path in pages:
            if stop.wait(think_s):
                break
            browser.get(name, path)
    browser.close()


def together(seconds: float, *people: Callable[[threading.Event], None]) -> None:
    """Let everybody work at once for `seconds`. Raises what one of them raised."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(people)) as pool:
        working = [pool.submit(person, stop) for person in people]
        wait(working, seconds, FIRST_EXCEPTION)
        stop.set()
    for one in working:
        one.result()
