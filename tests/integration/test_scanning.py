"""The operator's virus scanner: asked before any decoder, and never taken for "clean" when it is down (SEC-07)."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from processing.errors import InputRejected
from reviewapp.enums import AssetState, Role
from reviewapp.jobs import runner
from reviewapp.models import Asset, Batch, Task
from reviewapp.services import references, scanning
from tests import factories, line

pytestmark = pytest.mark.django_db(transaction=True)
MARK = b"X5O!P%@AP-TEST-MARK"
STUB = f"""#!/bin/sh
echo "$1" >> "{{folder}}/asked"
[ -e "{{folder}}/down" ] && exit 2
if grep -q '{MARK.decode()}' "$1"; then echo "$1: Eicar-Test FOUND"; exit 1; fi
exit 0
"""


@pytest.fixture
def scanner(tmp_path: Path, settings: Any) -> Path:
    """A scanner as a command, that finds one mark; the folder it keeps notes in."""
    folder = tmp_path / "scanner"
    folder.mkdir()
    stub = folder / "scan"
    stub.write_text(STUB.format(folder=folder))
    stub.chmod(0o755)
    settings.SCANNER = str(stub)
    return folder


def sent(data: bytes, name: str = "a.jpg") -> Asset:
    batch = line.open_batch(validation_profile="basic-500")
    asset = line.send(batch, name, data).asset
    assert asset is not None
    return asset


def test_sec07_what_the_scanner_finds_is_rejected_and_never_opened(
    scanner: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = sent(line.photo(1, side=600) + MARK)

    def opened(*args: object, **kwargs: object) -> None:
        raise AssertionError("a decoder was given a file the scanner had found something in")

    monkeypatch.setattr("PIL.Image.open", opened)
    assert line.run_line() == ["done"]
    asset.refresh_from_db()
    assert (asset.state, asset.state_code) == (AssetState.REJECTED_INTAKE, scanning.FOUND)
    assert "Eicar-Test" in asset.state_reason and str(scanner.parent) not in asset.state_reason
    assert len((scanner / "asked").read_text().splitlines()) == 1


def test_sec07_a_clean_photo_goes_its_way_after_one_scan(scanner: Path) -> None:
    asset = sent(line.photo(2, side=600))
    task = Task.objects.get(asset=asset)
    assert runner.run_one(task.pk) == "done"
    asset.refresh_from_db()
    assert asset.state == AssetState.VALIDATED
    assert len((scanner / "asked").read_text().splitlines()) == 1


def test_sec07_while_the_scanner_is_down_a_photo_waits_however_long_and_is_never_called_clean(scanner: Path) -> None:
    (scanner / "down").touch()
    asset = sent(line.photo(3, side=600))
    task = Task.objects.get(asset=asset)
    for _ in range(7):  # more than the three attempts a failing photo has
        Task.objects.filter(pk=task.pk).update(available_at=task.created_at)
        assert runner.run_one(task.pk) == "retry"
    asset.refresh_from_db()
    task.refresh_from_db()
    assert (asset.state, task.state, task.error_code) == (AssetState.RECEIVED, "pending", "scanner_away")
    assert task.attempts == 0
    (scanner / "down").unlink()
    Task.objects.filter(pk=task.pk).update(available_at=task.created_at)
    assert runner.run_one(task.pk) == "done"
    asset.refresh_from_db()
    assert asset.state == AssetState.VALIDATED


@pytest.mark.parametrize("command", ["/nowhere/scan", "'unclosed", "/bin/sh -c 'exit 50'"])
def test_sec07_a_command_that_cannot_be_run_is_away(command: str, settings: Any, tmp_path: Path) -> None:
    settings.SCANNER = command
    path = tmp_path / "a"
    path.write_bytes(b"x")
    with pytest.raises(scanning.ScannerAway):
        scanning.require_clean(path)


def test_sec07_a_reference_picture_and_what_it_says_of_a_find(scanner: Path) -> None:
    factories.policy()
    client = Batch.objects.get(pk=line.open_batch().pk).client
    manager = factories.make_user("mona", Role.MANAGER)
    with pytest.raises(references.ReferenceRefused, match="Eicar-Test"):
        references.add_reference(client, [line.photo(4, side=600), MARK], "ref.jpg", "", manager)
    (scanner / "down").touch()
    with pytest.raises(references.ReferenceRefused, match="gives no answer"):
        references.add_reference(client, [line.photo(5, side=600)], "ref.jpg", "", manager)
    assert not client.references.exists()


@contextmanager
def clamd(path: Path, answer: bytes) -> Iterator[list[bytes]]:
    """A socket that speaks clamd's INSTREAM and always says the same; gives what it was sent."""
    heard: list[bytes] = []
    door = socket.socket(socket.AF_UNIX)
    door.bind(str(path))
    door.listen(1)

    def serve() -> None:
        link, _ = door.accept()
        with link, link.makefile("rb") as source:
            assert source.read(10) == b"zINSTREAM\0"
            while size := struct.unpack(">I", source.read(4))[0]:
                heard.append(source.read(size))
            link.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield heard
    finally:
        thread.join(10)
        door.close()


def test_sec07_clamd_is_asked_by_its_own_protocol(settings: Any, tmp_path: Path) -> None:
    path, data = tmp_path / "a.jpg", bytes(range(256)) * 3000
    path.write_bytes(data)
    with clamd(tmp_path / "s1", b"stream: OK\0") as heard:
        settings.SCANNER = f"clamd://{tmp_path / 's1'}"
        scanning.require_clean(path)
    assert b"".join(heard) == data
    with clamd(tmp_path / "s2", b"stream: Win.Test FOUND\0"):
        settings.SCANNER = f"clamd://{tmp_path / 's2'}"
        with pytest.raises(InputRejected, match=r"Win\.Test"):
            scanning.require_clean(path)
    with clamd(tmp_path / "s3", b"INSTREAM size limit exceeded. ERROR\0"):
        settings.SCANNER = f"clamd://{tmp_path / 's3'}"
        with pytest.raises(scanning.ScannerAway, match="size limit"):
            scanning.require_clean(path)
    with pytest.raises(scanning.ScannerAway):  # nobody listens any more
        scanning.require_clean(path)
