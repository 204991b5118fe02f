"""Content-addressed files, on disk and on a real S3 server (ING-14, ING-16, SEC-11, SEC-13)."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from reviewapp import storage

DATA = b"the same bytes" * 5000
SHA = hashlib.sha256(DATA).hexdigest()


@pytest.fixture(params=["disk", "s3"])
def files(
    request: pytest.FixtureRequest, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Both kinds of storage, empty."""
    if request.param == "s3":
        endpoint = request.getfixturevalue("s3_endpoint")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        bucket = f"b-{os.urandom(4).hex()}"
        boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=bucket)
        options = {"bucket_name": bucket, "endpoint_url": endpoint, "region_name": "us-east-1", "file_overwrite": True}
        backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
        settings.STORAGES = {**settings.STORAGES, "default": backend}
    yield request.param


def test_the_key_is_the_content(files: str) -> None:
    stored = storage.put_stream([DATA[:100], DATA[100:]], prefix="o", max_bytes=len(DATA))
    assert stored == storage.StoredFile(f"o/{SHA[:2]}/{SHA}", SHA, len(DATA))
    assert storage.read_bytes(stored.key) == DATA
    assert storage.size(stored.key) == len(DATA)
    assert storage.verify(stored.key, SHA)
    with storage.local_path(stored.key) as path:
        assert path.read_bytes() == DATA


def test_storing_twice_is_storing_once(files: str) -> None:
    first = storage.put_bytes(DATA, prefix="d")
    assert storage.put_bytes(DATA, prefix="d") == first
    assert not storage.exists(f"o/{SHA[:2]}/{SHA}"), "prefixes are apart"


def test_a_stream_past_its_cap_leaves_nothing(files: str, settings: Any) -> None:
    with pytest.raises(storage.TooLarge, match="larger than"):
        storage.put_stream([DATA, DATA], prefix="o", max_bytes=len(DATA) + 1)
    assert list((Path(settings.DATA_DIR) / "files" / "tmp").iterdir()) == []


def test_a_missing_file_is_said(files: str) -> None:
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
    files = [path for path in (Path(settings.DATA_DIR) / "files").rglob("*") if path.is_file()]
    assert files == []


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
