"""A manager's connection: files sent as the upload page sends them, as a tus client does, and by the plain form."""

from __future__ import annotations

import base64
import http.client
import json
import time
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

from benchmarks.fuzzing.samples import Sample
from benchmarks.fuzzing.tally import Tally

CSRF = "s" * 32
SLOW_S = 20.0
FULL = 507
NOT_LET_IN = (401, 403)
_BOUNDARY = "softproofFuzzBoundary"


class Sender:
    """One signed-in connection, kept open; every answer of 500 and more but "full" is noted as a fault."""

    def __init__(self, url: str, session: str, tally: Tally) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=180)
        self._cookies = f"sessionid={session}; csrftoken={CSRF}"
        self._tally = tally

    def ask(
        self, what: str, method: str, path: str, body: bytes = b"", **headers: str
    ) -> tuple[int, bytes, dict[str, str]]:
        """Send one request; return status, body and headers."""
        sent = {"Cookie": self._cookies, "X-CSRFToken": CSRF, "Accept": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        started = time.monotonic()
        for is_last in (False, True):
            try:
                answer = self._answered(method, path, body, sent)
                found = answer.read()
                break
            except (http.client.HTTPException, OSError) as error:
                self._connection.close()
                if is_last:
                    self._tally.note(self._tally.faults, f"{what}: {error!r}")
                    return 599, b"", {}
        self._tally.took(what, time.monotonic() - started, SLOW_S)
        if answer.status in NOT_LET_IN:  # the bench would measure nothing: no file gets as far as a parser
            self._tally.note(self._tally.faults, f"{what}: {answer.status} {method} {path[:80]}: nobody was let in")
        if answer.status >= 500 and answer.status != FULL:
            self._tally.note(self._tally.faults, f"{what}: {answer.status} {method} {path[:80]}")
        return answer.status, found, dict(answer.headers.items())

    def _answered(self, method: str, path: str, body: bytes, sent: dict[str, str]) -> http.client.HTTPResponse:
        """What the server says, also where it says so before it took the whole body and closes."""
        with suppress(BrokenPipeError):
            self._connection.request(method, path, body, sent)
        return self._connection.getresponse()

    def raw(self, batch: int, sample: Sample) -> list[dict[str, str]]:
        """One file as the body of a request."""
        path = f"/batches/{batch}/upload/file/?path={quote(_path(sample))}"
        _status, body, _ = self.ask(
            f"{sample.kind} (raw)", "POST", path, sample.data, Content_Type="application/octet-stream"
        )
        return _lines(body)

    def tus(self, batch: int, sample: Sample) -> list[dict[str, str]]:
        """Begun, then sent in two pieces; the result is asked for."""
        half = len(sample.data) // 2
        told = {"batch": str(batch), "path": _path(sample)}
        metadata = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items())
        what = f"{sample.kind} (tus)"
        status, body, headers = self.ask(
            what, "POST", "/uploads/", Tus_Resumable="1.0.0", Upload_Length=str(len(sample.data)),
            Upload_Metadata=metadata,
        )  # fmt: skip
        if status != 201:
            return [{"status": "rejected", "message": body.decode("utf-8", "replace")}]
        place = headers["Location"]
        for start, end in ((0, half), (half, len(sample.data))):
            self.ask(
                what, "PATCH", place, sample.data[start:end], Tus_Resumable="1.0.0", Upload_Offset=str(start),
                Content_Type="application/offset+octet-stream",
            )  # fmt: skip
        return _lines(self.ask(what, "GET", place)[1])

    def form(self, batch: int, sample: Sample, field: str = "photos") -> list[dict[str, str]]:
        """The plain form; with a list as `csv` it needs a photo beside it, so lists go by `sheet`."""
        head = (
            f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{_path(sample)}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode("utf-8", "replace")
        body = head + sample.data + f"\r\n--{_BOUNDARY}--\r\n".encode()
        kind = f"multipart/form-data; boundary={_BOUNDARY}"
        _status, found, _ = self.ask(
            f"{sample.kind} (form)", "POST", f"/batches/{batch}/upload/", body, Content_Type=kind
        )
        return _lines(found)

    def sheet(self, batch: int, sample: Sample) -> list[dict[str, str]]:
        """A list: looked at first, then used."""
        told = {"Content_Type": "text/csv"}
        self.ask("csv (look)", "POST", f"/batches/{batch}/upload/csv/look/", sample.data, **told)
        status, body, _ = self.ask("csv (use)", "POST", f"/batches/{batch}/upload/csv/", sample.data, **told)
        lines = _lines(body)
        if status == 200:
            return [{"status": "accepted", "message": lines[0].get("message", "") or "read" if lines else "read"}]
        return lines


def _path(sample: Sample) -> str:
    """A name as bad as its file, now and then; the ending stays."""
    odd = ("../../", "C:\\x\\", "\u202e", "a" * 300, "ünï ", "", "", "", "=1+1")[sample.number % 9]
    return f"{odd}{sample.name}"


def _lines(body: bytes) -> list[dict[str, str]]:
    """The answer as lines of status and sentence; one that can't be read is none."""
    try:
        found: Any = json.loads(body)
    except ValueError:
        return []
    if not isinstance(found, dict):
        return []
    if found.get("lines"):
        return list(found["lines"])
    if "status" not in found or found["status"] == "archive":
        return [
            {
                "status": "accepted" if not found.get("message") else "rejected",
                "message": found.get("message") or "nothing in it",
            }
        ]
    return [found]
