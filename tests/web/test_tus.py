"""Resumable uploads by tus 1.0.0: pieces, what broke off, what became of the file, what is refused (ING-01, 16)."""

from __future__ import annotations

import base64
import io
import itertools
import json
import time
import zipfile
from typing import Any
from urllib.parse import unquote

import pytest
from django.test import Client as Browser
from django.utils import timezone

from reviewapp import parts, storage
from reviewapp.enums import AssetState, BatchState, Role
from reviewapp.models import Batch, PartialUpload, Task
from reviewapp.services import resumable
from tests import factories
from tests.line import photo

pytestmark = pytest.mark.django_db
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = "application/offset+octet-stream"


@pytest.fixture
def manager(client: Browser) -> Browser:
    """A browser signed in as a manager."""
    client.force_login(factories.make_user("mona", Role.MANAGER))
    return client


@pytest.fixture
def batch() -> Batch:
    """A batch open for uploads."""
    return factories.make_batch(state=BatchState.UPLOADING, closed_at=None)


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    """A photo of a box."""
    return photo(1, side=700)


def told(**values: str) -> str:
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


def begin(
    browser: Browser, batch: Batch, size: int, path: str = "shoot/bøx.jpg", piece: bytes | None = None, **more: str
) -> Any:
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": told(batch=str(batch.pk), path=path, **more)}
    kind = PIECE if piece is not None else "application/json"
    return browser.post("/uploads/", piece or b"", content_type=kind, headers=headers)


def patch(browser: Browser, url: str, offset: int, piece: bytes, **headers: str) -> Any:
    return browser.patch(url, piece, content_type=PIECE, headers={**TUS, "Upload-Offset": str(offset), **headers})


def test_ing01_a_file_in_three_pieces_becomes_a_photo_once(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    begun = begin(manager, batch, len(jpeg))
    assert (begun.status_code, begun["Upload-Offset"], begun["Tus-Resumable"]) == (201, "0", "1.0.0")
    url, cuts = begun["Location"], [0, 1000, len(jpeg) - 7, len(jpeg)]
    for start, end in itertools.pairwise(cuts):
        assert manager.head(url, headers=TUS)["Upload-Offset"] == str(start)
        answer = patch(manager, url, start, jpeg[start:end])
        assert (answer.status_code, answer["Upload-Offset"]) == (204, str(end))
    assert json.loads(unquote(answer["Softproof-Result"]))["status"] == "accepted"
    asset = batch.assets.get()
    assert (asset.relative_path, asset.state) == ("shoot/bøx.jpg", AssetState.RECEIVED)
    assert storage.read_bytes(asset.original_key) == jpeg and Task.objects.filter(asset=asset).count() == 1
    assert manager.get(url).json() == {"status": "accepted", "message": "Accepted.", "path": "shoot/bøx.jpg"}
    assert resumable.append(PartialUpload.objects.get(), len(jpeg), [b""]) == len(jpeg)
    assert batch.assets.count() == 1, "a lost answer asked for again"
    with pytest.raises(FileNotFoundError):
        parts.size(PartialUpload.objects.get().token)


def test_ing01_a_small_file_needs_one_request(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    answer = begin(manager, batch, len(jpeg), piece=jpeg)
    assert (answer.status_code, answer["Upload-Offset"]) == (201, str(len(jpeg)))
    assert json.loads(unquote(answer["Softproof-Result"]))["status"] == "accepted" and batch.assets.count() == 1


def test_ing16_what_came_before_a_break_is_kept_and_confirmed(batch: Batch, jpeg: bytes) -> None:
    upload = resumable.begin(batch, factories.make_user("mona", Role.MANAGER), "a.jpg", len(jpeg))

    def breaking() -> Any:
        yield jpeg[:5000]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        resumable.append(upload, 0, breaking())
    assert resumable.offset(upload) == 5000
    with pytest.raises(parts.WrongOffset) as wrong:
        resumable.append(upload, 0, [jpeg])
    assert wrong.value.actual == 5000, "no confirmed byte is taken twice"
    assert resumable.append(upload, 5000, [jpeg[5000:]]) == len(jpeg)
    assert storage.read_bytes(batch.assets.get().original_key) == jpeg


def test_ing16_a_process_killed_after_the_last_byte_loses_nothing(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    url = begin(manager, batch, len(jpeg))["Location"]
    upload = PartialUpload.objects.get()
    parts.append(upload.token, 0, [jpeg])  # the bytes are down, the row was never written
    assert manager.head(url, headers=TUS)["Upload-Offset"] == str(len(jpeg)) and not batch.assets.exists()
    assert manager.get(url).json()["status"] == "accepted"
    assert manager.get(url).json()["status"] == "accepted" and batch.assets.count() == 1


def test_a_zip_answers_with_its_lines(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("one.jpg", jpeg)
        archive.writestr("notes.txt", "x" * 2000)
    data = packed.getvalue()
    url = begin(manager, batch, len(data), "all.zip", piece=data)["Location"]
    lines = manager.get(url).json()["lines"]
    assert [(line["path"], line["status"]) for line in lines] == [("one.jpg", "accepted"), ("notes.txt", "rejected")]
    assert batch.assets.count() == 2


def test_a_broken_zip_is_a_result_that_says_so(manager: Browser, batch: Batch) -> None:
    url = begin(manager, batch, 2000, "all.zip", piece=b"z" * 2000)["Location"]
    result = manager.get(url).json()
    assert result["status"] == "rejected" and "ZIP" in result["message"]


def test_two_pieces_at_once_are_refused_not_mixed(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    url = begin(manager, batch, len(jpeg))["Location"]
    with parts.held(PartialUpload.objects.get().token):
        assert patch(manager, url, 0, jpeg).status_code == 423
    assert patch(manager, url, 0, jpeg).status_code == 204


@pytest.mark.parametrize(
    ("headers", "status", "words"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412, "tus 1.0.0"),
        ({**TUS, "Upload-Length": "many"}, 400, "Upload-Length"),
        ({**TUS, "Upload-Length": "10", "Upload-Metadata": "batch !!!"}, 400, "batch"),
        ({**TUS, "Upload-Length": "10", "Upload-Metadata": told(batch="999999")}, 400, "batch"),
        ({**TUS, "Upload-Length": str(500 * 1024**2), "Upload-Metadata": "B"}, 413, "larger"),
    ],
)
def test_what_can_not_begin_says_why(
    manager: Browser, batch: Batch, headers: dict[str, str], status: int, words: str
) -> None:
    if headers.get("Upload-Metadata") == "B":
        headers = {**headers, "Upload-Metadata": told(batch=str(batch.pk), path="a.jpg")}
    answer = manager.post("/uploads/", b"", content_type="application/json", headers=headers)
    assert answer.status_code == status and words in answer.content.decode()
    assert not PartialUpload.objects.exists()


def test_pieces_that_do_not_fit_change_nothing(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    url = begin(manager, batch, len(jpeg))["Location"]
    assert patch(manager, url, 5, jpeg[5:]).status_code == 409
    assert patch(manager, url, 5, jpeg[5:])["Upload-Offset"] == "0"
    assert patch(manager, url, 0, jpeg + b"more").status_code == 413
    assert manager.patch(url, jpeg, content_type="image/jpeg", headers={**TUS, "Upload-Offset": "0"}).status_code == 415
    assert patch(manager, url, 0, jpeg, **{"Tus-Resumable": "2.0.0"}).status_code == 412
    assert manager.head(url, headers=TUS)["Upload-Offset"] == "0" and not batch.assets.exists()


def test_a_closed_batch_takes_no_upload_and_one_closed_meanwhile_says_so(
    manager: Browser, batch: Batch, jpeg: bytes
) -> None:
    url = begin(manager, batch, len(jpeg))["Location"]
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.PROCESSING, closed_at=timezone.now())
    assert begin(manager, batch, len(jpeg)).status_code == 409
    patch(manager, url, 0, jpeg)
    result = manager.get(url).json()
    assert result["status"] == "rejected" and "no more files" in result["message"] and not batch.assets.exists()


def test_sec01_an_upload_is_its_senders_alone(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    url = begin(manager, batch, len(jpeg))["Location"]
    manager.force_login(factories.make_user("max", Role.MANAGER))
    for answer in (manager.head(url, headers=TUS), manager.get(url), patch(manager, url, 0, jpeg)):
        assert answer.status_code == 404
    assert manager.get("/uploads/..%2F..%2Fetc/").status_code == 404


def test_ing16_a_session_that_is_over_refuses_no_upload(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    url = begin(manager, batch, len(jpeg), piece=jpeg[:500])["Location"]
    manager.logout()
    for answer in (
        begin(manager, batch, len(jpeg)),
        patch(manager, url, 500, jpeg[500:]),
        manager.head(url, headers=TUS),
    ):
        assert answer.status_code == 401, "it is no redirect to a page a script would take for an answer"
    manager.force_login(PartialUpload.objects.get().user)
    assert manager.head(url, headers=TUS)["Upload-Offset"] == "500"
    assert patch(manager, url, 500, jpeg[500:]).status_code == 204 and batch.assets.count() == 1


def test_ing16_a_sender_who_chose_the_address_strands_nothing(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    key = "Ab_-" * 8
    first = begin(manager, batch, len(jpeg), piece=jpeg[:500], token=key)
    again = begin(manager, batch, len(jpeg), piece=jpeg[:500], token=key)
    assert first["Location"] == again["Location"] == f"/uploads/{key}/"
    assert (again.status_code, again["Upload-Offset"]) == (201, "500"), "it says where to go on"
    patch(manager, first["Location"], 500, jpeg[500:])
    late = begin(manager, batch, len(jpeg), piece=jpeg[:500], token=key)
    assert json.loads(unquote(late["Softproof-Result"]))["status"] == "accepted"
    assert PartialUpload.objects.count() == batch.assets.count() == 1
    elsewhere = (5, "shoot/bøx.jpg", key), (len(jpeg), "other.jpg", key), (5, "a.jpg", "../../etc/passwd")
    for size, path, chosen in elsewhere:
        assert begin(manager, batch, size, path, token=chosen).status_code == 400
    manager.force_login(factories.make_user("max", Role.MANAGER))
    assert begin(manager, batch, len(jpeg), token=key).status_code == 400, "nobody else's"
    assert PartialUpload.objects.count() == 1


def test_given_up_by_its_sender_or_by_time(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    import os

    url = begin(manager, batch, len(jpeg))["Location"]
    assert manager.delete(url, headers=TUS).status_code == 204
    assert manager.head(url, headers=TUS).status_code == 404 and not PartialUpload.objects.exists()
    kept = begin(manager, batch, len(jpeg))["Location"]
    begin(manager, batch, len(jpeg), "old.jpg")
    old = PartialUpload.objects.get(path="old.jpg")
    past = time.time() - parts.MAX_AGE_S - 5
    os.utime(parts._path(old.token), (past, past))
    assert resumable.expire() == 1
    assert [row.path for row in PartialUpload.objects.all()] == ["shoot/bøx.jpg"]
    assert manager.head(kept, headers=TUS).status_code == 204


def test_options_say_what_this_server_can(manager: Browser) -> None:
    answer = manager.options("/uploads/")
    assert answer.status_code == 204 and answer["Tus-Version"] == "1.0.0"
    assert set(answer["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "expiration", "termination",
    }  # fmt: skip


def test_ing21_a_sheet_is_looked_at_before_anything_happens(manager: Browser, batch: Batch) -> None:
    Batch.objects.filter(pk=batch.pk).update(requires_sku=True)
    factories.make_asset(batch, filename="a.jpg")
    factories.make_asset(batch, filename="z.jpg")
    sheet = "Bild;Artikel;type\na.jpg;NW-1;shoes\nb.jpg;NW-2;hovercraft\nc.jpg;;books\n;NW-4;books\na.jpg;NW-9;books\n"
    url = f"/batches/{batch.pk}/upload/csv/look/"
    first = manager.post(url, sheet, content_type="text/csv").json()
    assert first["header"] == ["Bild", "Artikel", "type"] and first["places"] == {"category": 2}
    assert first["good"] == 0, "no column names the files yet"
    found = manager.post(f"{url}?columns=file:0,sku:1,category:2", sheet, content_type="text/csv").json()
    assert (found["good"], found["bad"], found["lacking"]) == (3, 2, 1)
    assert [line for line, _why in found["problems"]] == [5, 6]
    assert "already given in line 2" in found["problems"][1][1]
    assert ["hovercraft", 1] in found["unknown"]
    assert found["missing_names"] == ["b.jpg", "c.jpg"] and found["photos_without_row"] == 1
    assert not batch.sheet_rows.exists(), "looking keeps nothing"
    used = manager.post(
        f"/batches/{batch.pk}/upload/csv/?columns=file:0,sku:1,category:2&pass", sheet, content_type="text/csv"
    )
    assert used.status_code == 200 and batch.sheet_rows.count() == 3
    assert batch.assets.get(filename="a.jpg").sku == "NW-1"
