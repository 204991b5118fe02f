"""Content-addressed files, on disk and on a real S3 server (ING-14, ING-16, SEC-11, SEC-13)."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reviewapp import storage
from reviewapp.jobs import runner
from reviewapp.models import Task
from tests import line
from tests.integration.files_kinds import Files

pytestmark = pytest.mark.django_db(transaction=True)  # on S3 a database that is shared holds a lock

DATA = b"the same bytes" * 5000
SHA = hashlib.sha256(DATA).hexdigest()


def test_the_key_is_the_content(files: Files) -> None:
    stored = storage.put_stream([DATA[:100], DATA[100:]], prefix="o", max_bytes=len(DATA))
    assert stored == storage.StoredFile(f"o/{SHA[:2]}/{SHA}", SHA, len(DATA))
    assert storage.read_bytes(stored.key) == DATA
    assert storage.size(stored.key) == len(DATA)
    assert storage.verify(stored.key, SHA)
    with storage.local_path(stored.key) as path:
        assert path.read_bytes() == DATA


def test_storing_twice_is_storing_once(files: Files) -> None:
    first = storage.put_bytes(DATA, prefix="d")
    assert storage.put_bytes(DATA, prefix="d") == first
    assert not storage.exists(f"o/{SHA[:2]}/{SHA}"), "prefixes are apart"


def test_a_stream_past_its_cap_leaves_nothing(files: Files, settings: Any) -> None:
    with pytest.raises(storage.TooLarge, match="larger than"):
        storage.put_stream([DATA, DATA], prefix="o", max_bytes=len(DATA) + 1)
    assert list((Path(settings.DATA_DIR) / "files" / "tmp").iterdir()) == []


def test_a_missing_file_is_said(files: Files) -> None:
    with pytest.raises(FileNotFoundError), storage.open_read("o/aa/" + "a" * 64) as file:
        file.read()
    assert not storage.verify("o/aa/" + "a" * 64, "a" * 64)


def test_a_damaged_file_is_noticed(settings: Any) -> None:
    stored = storage.put_bytes(DATA, prefix="o")
    path = Path(settings.DATA_DIR) / "files" / stored.key
    path.chmod(0o600)
    path.write_bytes(DATA[:-1] + b"X")
    assert not storage.verify(stored.key, SHA)


def test_many_writers_of_the_same_bytes(settings: Any) -> None:
    results: list[storage.StoredFile] = []
    threads = [threading.Thread(target=lambda: results.append(storage.put_bytes(DATA, prefix="o"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 8 and len(set(results)) == 1
    assert storage.verify(results[0].key, SHA)


def test_a_broken_stream_leaves_nothing(settings: Any) -> None:
    def broken() -> Iterator[bytes]:
        yield DATA
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        storage.put_stream(broken(), prefix="o", max_bytes=10**9)
    left = [path for path in (Path(settings.DATA_DIR) / "files").rglob("*") if path.is_file()]
    assert not left


def test_a_full_disk_is_its_own_error() -> None:
    def full() -> Iterator[bytes]:
        yield DATA
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(storage.StorageFull) as caught:
        storage.put_stream(full(), prefix="o", max_bytes=10**9)
    assert caught.value.errno == errno.ENOSPC


def test_unknown_prefix_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="not one of"):
        storage.put_bytes(DATA, prefix="../etc")


def test_stale_temporary_files_go(settings: Any) -> None:
    folder = Path(settings.DATA_DIR) / "files" / "tmp"
    folder.mkdir(parents=True)
    old, new = folder / "put-old", folder / "put-new"
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (1, 1))
    assert storage.remove_stale_temp_files() == 1
    assert not old.exists() and new.exists()


def test_a_damaged_file_is_not_opened_and_a_whole_one_is(files: Files) -> None:
    stored = storage.put_bytes(DATA, prefix="o")
    with storage.verified_path(stored.key) as path:
        assert path.read_bytes() == DATA
    files.flip(stored.key)
    with pytest.raises(storage.FileDamaged), storage.verified_path(stored.key):
        pass
    assert storage.put_bytes(DATA, prefix="o") == stored and storage.verify(stored.key, SHA), "the same bytes heal"
    files.remove(stored.key)
    with pytest.raises(FileNotFoundError), storage.verified_path(stored.key):
        pass


@pytest.fixture
def small_disk(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """A real disk of 8 MB where we may mount one; else the folder of the test, whose disk is only said to be full."""
    place = tmp_path / "small"
    place.mkdir()
    is_real = os.geteuid() == 0 and not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(place)], check=False, capture_output=True
    ).returncode  # fmt: skip
    options = {**settings.STORAGES["default"]["OPTIONS"], "location": str(place / "files")}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    settings.DATA_DIR = place
    yield place
    if is_real:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Leave less than 5 % free."""
    ballast = place / "ballast"
    usage = shutil.disk_usage(place)
    if usage.total > 2**24:  # nobody lets us mount: a big disk isn't filled for a test
        full = type(usage)(usage.total, usage.total, 0)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: full if ballast.exists() else usage)
        ballast.touch()
    else:
        ballast.write_bytes(b"x" * (usage.free - int(usage.total * 0.04)))
    return ballast


def test_sch_a_full_disk_stops_uploads_and_workers_until_there_is_room(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = line.open_batch(validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(1, side=640))
    assert storage.has_room()
    ballast = fill(small_disk, monkeypatch)
    assert not storage.has_room()
    assert runner.run_one(Task.objects.get().pk) == "refused" and Task.objects.get().attempts == 0
    if shutil.disk_usage(small_disk).total <= 2**24:
        with pytest.raises(storage.StorageFull):
            storage.put_bytes(os.urandom(4 * 2**20), prefix="r")
        assert list((small_disk / "files" / "tmp").iterdir()) == [], "nothing half written is left"
    ballast.unlink()
    assert storage.has_room() and runner.run_one(Task.objects.get().pk) == "done"
