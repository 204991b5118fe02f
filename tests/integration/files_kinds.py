"""The `files` fixture: the same tests on a folder and on a real S3 server."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files.storage import default_storage

from reviewapp import storage


class Files:
    """A storage, and the hands of whoever damages it: behind the back of the product."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def path(self, key: str) -> Path:
        return Path(default_storage.path(key))

    def names(self) -> list[str]:
        """Everything that lies in storage, the trash too; not the product's own temporary folders."""
        if self.kind == "s3":
            return sorted(item.key for item in default_storage.bucket.objects.all())
        root, own = self.path(""), ("tmp", "locks", "parts")
        found = (str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        return sorted(name for name in found if name.split("/")[0] not in own)

    def overwrite(self, key: str, data: bytes) -> None:
        if self.kind == "s3":
            default_storage.bucket.Object(key).put(Body=data)
            return
        self.path(key).parent.mkdir(parents=True, exist_ok=True)
        self.path(key).write_bytes(data)

    def flip(self, key: str) -> None:
        """Change one bit in the middle."""
        data = bytearray(storage.read_bytes(key))
        data[len(data) // 2] ^= 1
        self.overwrite(key, bytes(data))

    def remove(self, key: str) -> None:
        default_storage.delete(key)

    def age(self, key: str, hours: float) -> None:
        """Make the file look older. On S3 nobody can: `sooner` is for that."""
        assert self.kind == "disk"
        then = time.time() - hours * 3600
        os.utime(self.path(key), (then, then))


@pytest.fixture(params=["disk", "s3"])
def files(
    request: pytest.FixtureRequest, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Files]:
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
    yield Files(request.param)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let the product's clock for the age of files run ahead by so many hours: S3 gives nobody an older file."""
    real = time.time

    def ahead(hours: float) -> None:
        monkeypatch.setattr(time, "time", lambda: real() + hours * 3600)

    return ahead
