"""A bucket that goes away and comes back: tasks wait, uploads are refused clearly, nothing is lost (SCH-06, SCH-08)."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone
from s3transfer.exceptions import RetriesExceededError

from reviewapp import buckets, storage, trash
from reviewapp.enums import AssetState, FailureCategory, Role, TaskState
from reviewapp.jobs import runner
from reviewapp.models import Asset, Batch, PartialUpload, Task
from reviewapp.services import errors
from tests import factories, line, servers

pytestmark = pytest.mark.django_db(transaction=True)  # on S3 a database that is shared holds a lock

BUCKET = "house"


class House:
    """The bucket as its owner sees it: what it holds survives a stop."""

    def __init__(self, server: servers.S3) -> None:
        self._server = server
        self._held: dict[str, bytes] = {}
        self._open()

    @property
    def bucket(self) -> Any:
        return boto3.resource("s3", endpoint_url=self._server.url, region_name="us-east-1").Bucket(BUCKET)

    def stop(self) -> None:
        self._held = {item.key: item.get()["Body"].read() for item in self.bucket.objects.all()}
        self._server.stop()

    def start(self) -> None:
        self._server.start()
        self._open()

    def _open(self) -> None:
        self.bucket.create()
        for key, data in self._held.items():
            self.bucket.Object(key).put(Body=data)


@pytest.fixture
def house(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """An S3 server of this test's own, and the product's files on it."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    server = servers.S3()
    at_once = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})
    options = {
        "bucket_name": BUCKET, "endpoint_url": server.url, "region_name": "us-east-1", "file_overwrite": True,
        "client_config": at_once,
    }  # fmt: skip
    settings.STORAGES = {
        **settings.STORAGES, "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    }  # fmt: skip
    server.start()
    try:
        yield House(server)
    finally:
        server.stop()


@pytest.fixture
def manager(client: Browser) -> Browser:
    client.force_login(factories.make_user("mona", Role.MANAGER))
    client.raise_request_exception = False
    return client


def due(task: Task) -> None:
    Task.objects.filter(pk=task.pk).update(available_at=timezone.now() - timedelta(seconds=1))


def nothing_half(settings: Any) -> bool:
    return list((Path(settings.DATA_DIR) / "files" / "tmp").iterdir()) == []


def answer(status: int, code: str) -> ClientError:
    told = {"Error": {"Code": code, "Message": "x"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(told, "PutObject")


def test_sch06_a_photo_outlasts_any_number_of_tries_while_the_bucket_is_away(house: House, settings: Any) -> None:
    line.send(line.open_batch(validation_profile="basic-500"), "a.jpg", line.photo(1, side=640))
    task = Task.objects.get()
    house.stop()
    for _ in range(task.max_attempts + 1):
        due(task)
        assert runner.run_one(task.pk) == "retry"
        task.refresh_from_db()
        assert (task.state, task.attempts) == (TaskState.PENDING, 0)
        assert (task.error_category, task.error_code) == (FailureCategory.NETWORK, "storage_away")
        assert task.available_at > timezone.now() + timedelta(seconds=20)
    assert nothing_half(settings)
    house.start()
    due(task)
    assert runner.run_one(task.pk) == "done"
    assert Asset.objects.get().state != AssetState.FAILED


def test_an_upload_while_the_bucket_is_away_is_refused_and_taken_afterwards(
    house: House, manager: Browser, settings: Any
) -> None:
    batch = line.open_batch(validation_profile="basic-500")
    where = reverse("uploads:file", args=[batch.pk]) + "?path=a.jpg"
    data = line.photo(1, side=640)
    house.stop()
    told = manager.post(where, data, content_type="application/octet-stream")
    assert told.status_code == 503 and "file storage" in told.json()["message"]
    assert not Asset.objects.exists() and nothing_half(settings)
    house.start()
    assert manager.post(where, data, content_type="application/octet-stream").status_code == 201
    picture = reverse("media:original", args=[Asset.objects.get().pk])
    assert manager.get(picture).status_code == 200
    house.stop()
    page = manager.get(picture)
    assert page.status_code == 503 and page["Retry-After"] and "file storage" in page.content.decode()


def test_an_upload_in_pieces_keeps_its_bytes_until_the_bucket_is_back(house: House, manager: Browser) -> None:
    batch: Batch = line.open_batch(validation_profile="basic-500")
    data = line.photo(1, side=640)
    told = {"batch": str(batch.pk), "path": "a.jpg", "token": "a" * 32}
    words = ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in told.items())
    speaks = {"Tus-Resumable": "1.0.0"}
    house.stop()
    begun = manager.post(
        reverse("tus:create"), data, content_type="application/offset+octet-stream",
        headers={**speaks, "Upload-Length": str(len(data)), "Upload-Metadata": words},
    )  # fmt: skip
    assert begun.status_code == 201 and "Softproof-Result" not in begun.headers
    there = begun["Location"]
    assert manager.get(there, headers={"Accept": "application/json"}).status_code == 503
    assert manager.head(there, headers=speaks)["Upload-Offset"] == str(len(data)) and not Asset.objects.exists()
    house.start()
    assert manager.get(there).json()["status"] == "accepted"
    assert PartialUpload.objects.get().result and Asset.objects.count() == 1


def test_a_bucket_that_refuses_is_for_people_and_not_tried_for_ever(house: House, settings: Any) -> None:
    line.send(line.open_batch(validation_profile="basic-500"), "a.jpg", line.photo(1, side=640))
    options = {**settings.STORAGES["default"]["OPTIONS"], "bucket_name": "nobodys"}
    settings.STORAGES = {**settings.STORAGES, "default": {**settings.STORAGES["default"], "OPTIONS": options}}
    with pytest.raises(storage.StorageRefused, match="NoSuchBucket"):
        storage.put_bytes(os.urandom(100), prefix="d")
    verdict = errors.judge(storage.StorageRefused("AccessDenied"))
    assert (verdict.code, verdict.is_final, verdict.is_free) == ("storage_refused", False, False)


def test_every_call_says_it_when_the_bucket_is_away(house: House) -> None:
    stored = storage.put_bytes(b"x" * 100, prefix="d")
    house.stop()
    calls = (
        lambda: storage.exists(stored.key), lambda: storage.size(stored.key), lambda: storage.open_read(stored.key),
        lambda: storage.verify(stored.key, stored.sha256), lambda: storage.put_bytes(b"y", prefix="d"),
        lambda: list(trash.listed()), lambda: trash.is_trashed(stored.key), lambda: trash.discard(stored.key),
        lambda: trash.trash(stored.key, older_than_s=-3600), lambda: trash.restore(stored.key),
    )  # fmt: skip
    for call in calls:
        with pytest.raises(storage.StorageAway):
            call()


@pytest.mark.parametrize(
    ("error", "becomes"),
    [
        (answer(503, "SlowDown"), storage.StorageAway),
        (answer(500, "InternalError"), storage.StorageAway),
        (answer(429, "429"), storage.StorageAway),
        (answer(400, "RequestTimeout"), storage.StorageAway),
        (answer(404, "404"), FileNotFoundError),
        (answer(404, "NoSuchKey"), FileNotFoundError),
        (answer(404, "NoSuchBucket"), storage.StorageRefused),
        (answer(403, "AccessDenied"), storage.StorageRefused),
        (answer(507, "XMinioStorageFull"), storage.StorageFull),
        (EndpointConnectionError(endpoint_url="http://s3"), storage.StorageAway),
        (ReadTimeoutError(endpoint_url="http://s3"), storage.StorageAway),
        (NoCredentialsError(), storage.StorageRefused),
        (S3UploadFailedError("Failed to upload"), storage.StorageAway),
        (RetriesExceededError(answer(403, "AccessDenied")), storage.StorageRefused),
    ],
)
def test_sch08_each_error_of_the_bucket_has_its_meaning(error: Exception, becomes: type[OSError]) -> None:
    with pytest.raises(OSError) as caught, buckets.reaching("d/aa/b"):
        raise error
    assert type(caught.value) is becomes
