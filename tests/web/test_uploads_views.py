"""Uploads over HTTP: one streamed request per file, the plain form, the CSV, resuming, and every refusal."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.urls import reverse

from reviewapp import storage
from reviewapp.enums import AssetState, BatchState, Role
from reviewapp.models import Batch, Task
from reviewapp.services import ingest
from reviewapp.web import streams
from tests import factories
from tests.line import photo

pytestmark = pytest.mark.django_db


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


def send(browser: Browser, batch: Batch, path: str, data: bytes) -> Any:
    """One file as the page sends it."""
    url = f"{reverse('uploads:file', args=[batch.pk])}?path={path}"
    return browser.post(url, data, content_type="application/octet-stream", headers={"Accept": "application/json"})


def test_ing01_a_raw_body_becomes_a_photo_and_its_first_task(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    answer = send(manager, batch, "shoot/box 1.jpg", jpeg)
    assert (answer.status_code, answer.json()["status"]) == (201, "accepted")
    asset = batch.assets.get()
    assert (asset.relative_path, asset.byte_size, asset.state) == ("shoot/box 1.jpg", len(jpeg), AssetState.RECEIVED)
    assert storage.read_bytes(asset.original_key) == jpeg
    assert Task.objects.filter(asset=asset, step="validate").count() == 1


def test_ing09_sent_again_it_is_here_already_and_under_another_name_a_duplicate(
    manager: Browser, batch: Batch, jpeg: bytes
) -> None:
    send(manager, batch, "a.jpg", jpeg)
    assert send(manager, batch, "a.jpg", jpeg).json()["status"] == "already_here"
    other = send(manager, batch, "b.jpg", jpeg)
    assert (other.status_code, other.json()["status"]) == (200, "duplicate")
    assert Task.objects.count() == 1


def test_val16_a_refused_file_says_why(manager: Browser, batch: Batch) -> None:
    answer = send(manager, batch, "raw.cr2", b"x" * 5000)
    assert answer.status_code == 422
    assert "Unsupported format" in answer.json()["message"]
    assert not Task.objects.exists()


def test_ing16_too_long_a_body_is_refused_before_it_is_read(
    manager: Browser, batch: Batch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reviewapp.web.views.uploads.MAX_FILE_BYTES", 100)
    answer = send(manager, batch, "a.jpg", b"x" * 101)
    assert answer.status_code == 413
    assert not batch.assets.exists()


def test_ing16_a_full_disk_answers_507_for_a_file_and_for_the_form(
    manager: Browser, batch: Batch, jpeg: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage, "MIN_FREE_BYTES", 10**18)
    monkeypatch.setattr(storage, "MIN_FREE_SHARE", 1.0)
    answer = send(manager, batch, "a.jpg", jpeg)
    assert answer.status_code == 507 and "disk is full" in answer.json()["message"]
    form = manager.post(reverse("uploads:page", args=[batch.pk]), {"photos": SimpleUploadedFile("a.jpg", jpeg)})
    assert form.status_code == 507
    assert not batch.assets.exists()


def test_ing01_a_closed_batch_takes_nothing(manager: Browser, jpeg: bytes) -> None:
    closed = factories.make_batch()
    answer = send(manager, closed, "a.jpg", jpeg)
    assert answer.status_code == 409
    assert "takes no more files" in answer.json()["message"]


class Body:
    """A request body of five pieces that notes how it is read; `cut` drops that many bytes of the end."""

    def __init__(self, *, cut: int = 0) -> None:
        self.headers = {"Content-Length": str(5 * streams.CHUNK)}
        self.left = 5 * streams.CHUNK - cut
        self.asked: list[int] = []

    def read(self, size: int) -> bytes:
        self.asked.append(size)
        piece = min(size, self.left)
        self.left -= piece
        return b"x" * piece


def test_ing01_a_body_is_read_in_pieces_and_never_whole() -> None:
    body = Body()
    pieces: Iterator[bytes] = streams.body_chunks(body, max_bytes=10**9)  # type: ignore[arg-type]
    assert [len(piece) for piece in pieces] == [streams.CHUNK] * 5
    assert set(body.asked) == {streams.CHUNK}


def test_ing16_a_body_that_ends_early_leaves_no_trace(batch: Batch) -> None:
    pieces = streams.body_chunks(Body(cut=7), max_bytes=10**9)  # type: ignore[arg-type]
    with pytest.raises(streams.BodyIncomplete, match="stopped after"):
        ingest.register_upload(batch, pieces, "a.jpg")
    assert not batch.assets.exists()
    assert not [path for path in (storage.settings.DATA_DIR / "files").rglob("*") if path.is_file()]


def test_ing01_a_reloaded_page_learns_what_is_here(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    send(manager, batch, "x/a.jpg", jpeg)
    answer = manager.get(reverse("uploads:known", args=[batch.pk])).json()
    assert answer == {"files": [["x/a.jpg", len(jpeg)]], "has_room": True}


def test_val19_the_page_learns_what_was_refused_and_how_much_is_unchecked(
    manager: Browser, batch: Batch, jpeg: bytes
) -> None:
    send(manager, batch, "a.jpg", jpeg)
    send(manager, batch, "tiny.jpg", b"x" * 100)
    answer = manager.get(reverse("uploads:checks", args=[batch.pk])).json()
    assert answer["unchecked"] == 1
    ((path, sentence),) = answer["refused"]
    assert path == "tiny.jpg" and sentence.startswith("File too small")


def test_ing20_cls03_the_csv_gives_files_their_sku_and_category_whichever_comes_first(
    manager: Browser, batch: Batch, jpeg: bytes
) -> None:
    send(manager, batch, "a.jpg", jpeg)
    sheet = "file;sku;category\na.jpg;NW-1;Jewellery\nb.jpg;NW-2;box\n".encode("utf-8-sig")
    answer = manager.post(reverse("uploads:csv", args=[batch.pk]), sheet, content_type="text/csv")
    assert answer.json() == {
        "rows": 2, "applied": 1, "unmatched": 1, "names": ["b.jpg"],
        "message": "2 rows read, 1 applied to photos. No photo here yet for b.jpg.",
    }  # fmt: skip
    send(manager, batch, "b.jpg", photo(2, side=700))
    stands = manager.get(reverse("uploads:csv", args=[batch.pk])).json()
    assert stands["message"] == "2 rows read, 2 applied to photos."
    assert dict(batch.assets.values_list("sku", "category")) == {"NW-1": "jewelry", "NW-2": "box"}


def test_ing21_a_bad_csv_lists_the_columns_it_needs(manager: Browser, batch: Batch) -> None:
    answer = manager.post(reverse("uploads:csv", args=[batch.pk]), b"colour,price\nred,3\n", content_type="text/csv")
    assert answer.status_code == 400
    message = answer.json()["message"]
    assert all(words in message for words in ("colour, price", "file", "sku", "category"))


def zipped(**files: bytes) -> SimpleUploadedFile:
    """A ZIP of the named files; `a__jpg` becomes a.jpg."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return SimpleUploadedFile("photos.zip", target.getvalue(), "application/zip")


def test_ing01_the_plain_form_takes_many_files_and_a_csv_without_a_script(
    manager: Browser, batch: Batch, jpeg: bytes
) -> None:
    answer = manager.post(
        reverse("uploads:page", args=[batch.pk]),
        {
            "photos": [SimpleUploadedFile("a.jpg", jpeg), SimpleUploadedFile("note.txt", b"hello")],
            "csv": SimpleUploadedFile("list.csv", b"file,sku\na.jpg,NW-1\n"),
        },
    )
    assert answer.status_code == 200
    assert [line["status"] for line in answer.context["lines"]] == ["accepted", "rejected"]
    assert batch.assets.get(state=AssetState.RECEIVED).sku == "NW-1"
    assert "Unsupported format" in answer.content.decode()


def test_ing01_a_zip_answers_with_a_line_per_file(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    answer = manager.post(
        reverse("uploads:page", args=[batch.pk]),
        {"photos": zipped(a__jpg=jpeg, b__gif=b"GIF89a" * 300)},
        headers={"Accept": "application/json"},
    )
    assert sorted(line["status"] for line in answer.json()["lines"]) == ["accepted", "rejected"]
    assert batch.assets.filter(state=AssetState.RECEIVED).count() == 1


def test_ing20_a_csv_inside_a_zip_is_the_list_and_the_page_says_what_applied(
    manager: Browser, batch: Batch, jpeg: bytes
) -> None:
    page = manager.post(
        reverse("uploads:page", args=[batch.pk]),
        {"photos": zipped(a__jpg=jpeg, list__csv=b"file,sku\na.jpg,NW-1\ngone.jpg,NW-2\n")},
    )
    assert [line["status"] for line in page.context["lines"]] == ["sheet", "accepted"]
    assert "Read as the list of this batch: 2 rows." in page.content.decode()
    assert "2 rows read, 1 applied to photos. No photo here yet for gone.jpg." in page.content.decode()
    assert batch.assets.get().sku == "NW-1"


def test_ing20_a_csv_sent_beside_a_zip_wins_over_the_one_inside(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    page = manager.post(
        reverse("uploads:page", args=[batch.pk]),
        {
            "photos": zipped(list__csv=b"file,sku\na.jpg,INSIDE\n", a__jpg=jpeg),
            "csv": SimpleUploadedFile("list.csv", b"file,sku\na.jpg,BESIDE\n"),
        },
    )
    assert [line["status"] for line in page.context["lines"]] == ["rejected", "accepted"]
    assert "A list came along with this ZIP already" in page.content.decode()
    assert batch.assets.get().sku == "BESIDE"


def test_ing21_a_zip_whose_list_is_wrong_says_so_and_nothing_is_taken(
    manager: Browser, batch: Batch, jpeg: bytes
) -> None:
    answer = manager.post(
        reverse("uploads:page", args=[batch.pk]),
        {"photos": zipped(a__jpg=jpeg, list__csv=b"colour\nred\n")},
        headers={"Accept": "application/json"},
    ).json()
    assert [line["status"] for line in answer["lines"]] == ["rejected"]
    assert "list.csv inside the ZIP: The CSV has no column that names the file" in answer["lines"][0]["message"]
    assert not batch.assets.exists()


def test_ing21_no_photo_of_the_plain_form_is_taken_before_its_csv_is_right(
    manager: Browser, batch: Batch, jpeg: bytes
) -> None:
    answer = manager.post(
        reverse("uploads:page", args=[batch.pk]),
        {"photos": SimpleUploadedFile("a.jpg", jpeg), "csv": SimpleUploadedFile("list.csv", b"colour\nred\n")},
    )
    assert answer.status_code == 422
    assert "no column that names the file" in answer.context["form"].errors["csv"][0]
    assert not batch.assets.exists()


def test_sec01_uploads_are_protected_against_forged_requests(batch: Batch, jpeg: bytes) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(factories.make_user("mona", Role.MANAGER))
    url = reverse("uploads:page", args=[batch.pk])
    assert browser.post(url, {"photos": SimpleUploadedFile("a.jpg", jpeg)}).status_code == 403
    assert send(browser, batch, "a.jpg", jpeg).status_code == 403
    assert not batch.assets.exists()


def test_ing01_finish_closes_the_batch(manager: Browser, batch: Batch, jpeg: bytes) -> None:
    send(manager, batch, "a.jpg", jpeg)
    manager.post(reverse("uploads:finish", args=[batch.pk]))
    batch.refresh_from_db()
    assert batch.state != BatchState.UPLOADING and batch.closed_at is not None
    page = manager.get(reverse("uploads:page", args=[batch.pk])).content.decode()
    assert "This batch is closed" in page and 'id="drop"' not in page
