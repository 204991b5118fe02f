"""A TCP proxy between a browser and the server that breaks off upload pieces in the middle, and keeps account.

Real sockets: what was forwarded before the cut has reached the server, as when a mobile connection drops.
"""

from __future__ import annotations

import random
import re
import socket
import threading
from dataclasses import dataclass, field


@dataclass
class Piece:
    """One upload request as it went by: where it began, how many bytes of it were let through."""

    url: str
    start: int
    length: int
    passed: int = 0
    was_cut: bool = False


@dataclass
class Account:
    """What went by, in order: pieces as they began, and (upload, byte) as the server confirmed it."""

    log: list[Piece | tuple[str, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def pieces(self) -> list[Piece]:
        """The pieces alone."""
        return [entry for entry in self.log if isinstance(entry, Piece)]


class CuttingProxy:
    """Forwards to `port`, cutting a `share` of the pieces at a random byte. Use as a context manager."""

    def __init__(self, port: int, share: float, seed: int) -> None:
        self._target = port
        self._share = share
        self._random = random.Random(seed)
        self.account = Account()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://localhost:{self._server.getsockname()[1]}"
        self._is_open = True

    def __enter__(self) -> CuttingProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_open = False
        self._server.close()

    def _accept(self) -> None:
        while self._is_open:
            try:
                client, _address = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One request per connection: the answer's Connection header is made to say so."""
        with client:
            head, rest = _read_head(client)
            if not head:
                return
            with socket.create_connection(("127.0.0.1", self._target)) as server:
                length = int(_header(head, "content-length") or 0)
                piece = self._piece(head, length)
                server.sendall(_without_keep_alive(head))
                if not self._forward_body(client, server, rest, length, piece):
                    client.setsockopt(
                        socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
                    )  # a reset, no farewell
                    return
                path = head.split(b" ", 2)[1].decode()
                self._forward_answer(server, client, path)

    def _piece(self, head: bytes, length: int) -> Piece | None:
        method, path, _version = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        if method not in ("PATCH", "POST") or not path.startswith("/uploads/") or not length:
            return None
        piece = Piece(path, int(_header(head, "upload-offset") or 0), length)
        with self.account.lock:
            piece.was_cut = self._random.random() < self._share
            self.account.log.append(piece)
        return piece

    def _forward_body(
        self, client: socket.socket, server: socket.socket, rest: bytes, length: int, piece: Piece | None
    ) -> bool:
        end = self._random.randrange(length) if piece is not None and piece.was_cut else length
        sent = 0
        chunk = rest
        while True:
            part = chunk[: end - sent]
            server.sendall(part)
            sent += len(part)
            if piece is not None:
                piece.passed = sent
            if sent >= end:
                return end == length
            chunk = client.recv(65536)
            if not chunk:
                return False

    def _forward_answer(self, server: socket.socket, client: socket.socket, path: str) -> None:
        head, rest = _read_head(server)
        offset, location = _header(head, "upload-offset"), _header(head, "location")
        if offset is not None:
            with self.account.lock:
                self.account.log.append((location or path, int(offset)))
        client.sendall(_without_keep_alive(head) + rest)
        while chunk := server.recv(65536):
            client.sendall(chunk)


def _read_head(source: socket.socket) -> tuple[bytes, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = source.recv(65536)
        if not chunk:
            return b"", b""
        data += chunk
    head, _gap, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def _header(head: bytes, name: str) -> str | None:
    found = re.search(rb"\r\n" + name.encode() + rb":[ \t]*([^\r]*)", head, re.IGNORECASE)
    return found[1].decode() if found else None


def _without_keep_alive(head: bytes) -> bytes:
    plain = re.sub(rb"\r\nconnection:[^\r]*", b"", head, flags=re.IGNORECASE)
    return plain[:-2] + b"Connection: close\r\n\r\n"
