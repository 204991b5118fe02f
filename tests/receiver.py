"""A client's server: takes webhooks, checks their signature by the documented rule alone, and can misbehave."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """`script` says how the next requests are answered (a status each, then 200); `first` is called before that."""

    url: str = ""
    script: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    pause_s: float = 0.0
    drips: bool = False
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    first: Any = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def events(self) -> list[dict[str, Any]]:
        """What arrived, as JSON, doubles and all."""
        return [json.loads(body) for _headers, body in self.got]

    @property
    def distinct(self) -> list[str]:
        """Events as a receiver that drops doubles sees them, in their order."""
        return list({one["id"]: one["event"] for one in self.events}.values())

    def is_signed(self, secret: str, at: int = -1, tolerance_s: int = 300) -> bool:
        """Check one request as docs/deployment.md tells receivers to."""
        headers, body = self.got[at]
        parts = dict(part.split("=", 1) for part in headers["Softproof-Signature"].split(","))
        signed = f"{parts['t']}.{headers['Softproof-Event-Id']}.".encode() + body
        wanted = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted, parts["v1"]) and abs(time.time() - int(parts["t"])) <= tolerance_s


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port of the loopback; settings.WEBHOOKS_TO_PRIVATE has to let it through."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with receiver.lock:
                receiver.got.append((dict(self.headers), body))
                status = receiver.script.pop(0) if receiver.script else 200
            if receiver.first is not None:
                receiver.first()
            time.sleep(receiver.pause_s)
            try:
                if receiver.drips:
                    self._drip()
                    return
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.end_headers()
            except OSError:
                pass  # the sender hung up

        def _drip(self) -> None:
            self.wfile.write(b"HTTP/1.0 200 OK\r\n")
            for n in range(600):
                self.wfile.write(f"X-{n}: slow\r\n".encode())
                self.wfile.flush()
                time.sleep(0.1)

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hooks?from=softproof"
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
