"""The operator's virus scanner, asked before anything of ours opens a file (SEC-07). Off unless SCANNER names one.

    SCANNER=clamd:///run/clamav/clamd.ctl      a clamd on a socket; clamd://host:3310 one on the network
    SCANNER="/usr/bin/clamdscan --no-summary --fdpass"     a command, the file's path is added; 0 clean, 1 found, else
                                                           it is down

A scanner that gives no answer is never taken for "clean": the file waits.
"""

from __future__ import annotations

import re
import shlex
import socket
import struct
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from processing.errors import InputRejected, ResourceUnavailable

TIMEOUT_S = 120.0
FOUND = "infected"
_CLAMD = "clamd://"
_CHUNK = 256 * 1024
_CLEAN_CODE, _FOUND_CODE = 0, 1
_UNPRINTABLE = re.compile(r"[^\x20-\x7E]")


class ScannerAway(ResourceUnavailable):
    """The scanner gives no answer: the file waits, however long that takes, and no attempt is counted."""

    def __init__(self, why: str) -> None:
        sentence = _("The virus scanner gives no answer (%(why)s). The file waits until it does.")
        super().__init__(sentence % {"why": why[:160]}, code="scanner_away")


def require_clean(path: Path) -> None:
    """Have the operator's scanner look at a file; without one nothing happens.

    Raises InputRejected (code "infected") for what it found, ScannerAway when it can't say.
    """
    scanner = settings.SCANNER
    if not scanner:
        return
    found = _by_clamd(scanner, path) if scanner.startswith(_CLAMD) else _by_command(scanner, path)
    if found is not None:
        name = _UNPRINTABLE.sub("", found).strip()[:80] or "?"
        raise InputRejected(
            f"The virus scanner found something in this file ({name}), so nothing opened it. Check the machine it came "
            "from.",
            code=FOUND,
        )


def _by_command(command: str, path: Path) -> str | None:
    try:
        done = subprocess.run(
            [*shlex.split(command), str(path)],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise ScannerAway(f"no answer in {TIMEOUT_S:.0f} s") from error
    except (OSError, ValueError) as error:
        raise ScannerAway(type(error).__name__) from error
    if done.returncode == _CLEAN_CODE:
        return None
    if done.returncode != _FOUND_CODE:
        raise ScannerAway(f"it ended with {done.returncode}")
    said = done.stdout.decode("utf-8", "replace").replace(str(path), "").strip(": \r\n")
    return said.split("\n", 1)[0].removesuffix("FOUND")


def _by_clamd(address: str, path: Path) -> str | None:
    """Send the bytes by clamd's INSTREAM: it needn't be allowed to read our folder."""
    try:
        with _connected(address) as link, path.open("rb") as source:
            link.sendall(b"zINSTREAM\0")
            while chunk := source.read(_CHUNK):
                link.sendall(struct.pack(">I", len(chunk)) + chunk)
            link.sendall(struct.pack(">I", 0))
            answer = b""
            while piece := link.recv(4096):
                answer += piece
    except OSError as error:
        raise ScannerAway(type(error).__name__) from error
    said = answer.strip(b"\0\r\n ").decode("utf-8", "replace").removeprefix("stream: ")
    if said == "OK":
        return None
    if not said.endswith("FOUND"):
        raise ScannerAway(_UNPRINTABLE.sub("", said) or "an empty answer")
    return said.removesuffix("FOUND")


def _connected(address: str) -> socket.socket:
    parts = urlsplit(address)
    if parts.hostname:
        return socket.create_connection((parts.hostname, parts.port or 3310), timeout=TIMEOUT_S)
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    link.settimeout(TIMEOUT_S)
    try:
        link.connect(parts.path)
    except OSError:
        link.close()
        raise
    return link
