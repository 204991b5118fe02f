"""How much a form may bring is held while it comes, and before anybody's bytes are kept (SEC-13)."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.test import Client as Browser
from django.urls import reverse

from reviewapp.enums import BatchState, Role
from reviewapp.models import Client
from reviewapp.services import delivery
from reviewapp.services.csv_out import FORMULA, csv_text
from reviewapp.web import upload_handlers
from tests import factories

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
NASTY = ("=1+1", "+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "＝1+1", "＋1", "－1", "＠A1")


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of the pieces that reached a temporary file."""
    sizes: list[int] = []
    whole = TemporaryFileUploadHandler.receive_data_chunk

    def count(self: Any, raw_data: bytes, start: int) -> Any:
        sizes.append(len(raw_data))
        return whole(self, raw_data, start)

    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", count)
    return sizes


def big(size: int, name: str = "a.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, b"x" * size)


def test_sec13_a_page_that_takes_no_files_keeps_none_from_nobody(client: Browser, kept: list[int]) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.cookies["csrftoken"] = "s" * 32  # with one, the check reads the form for its twin
    answer = browser.post(reverse("login"), {"file": big(upload_handlers.MAX_FORM_BYTES + 1)})
    assert answer.status_code == 413 and "larger than" in answer.content.decode()
    assert kept == []


def test_sec13_the_upload_page_reads_no_byte_of_whom_it_refuses(client: Browser, kept: list[int]) -> None:
    batch = factories.make_batch(state=BatchState.UPLOADING, closed_at=None)
    url = reverse("uploads:page", args=[batch.pk])
    assert client.post(url, {"photos": big(5000)}).status_code == 302
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    assert client.post(url, {"photos": big(5000)}).status_code == 403
    assert kept == []


def test_sec13_one_photo_of_a_form_is_bounded_while_it_comes(
    client: Browser, kept: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(factories.make_user("mona", Role.MANAGER))
    monkeypatch.setattr(
        upload_handlers.CappedUploadHandler,
        "__init__",
        _bounded(upload_handlers.CappedUploadHandler.__init__, 1_000_000, 100_000),
    )
    batch = factories.make_batch(state=BatchState.UPLOADING, closed_at=None)
    url = reverse("uploads:page", args=[batch.pk])
    answer = client.post(url, {"photos": big(400_000)}, headers={"Accept": "application/json"})
    assert answer.status_code == 413 and answer.json()["status"] == "refused"
    assert sum(kept) <= 100_000 and not batch.assets.exists()
    assert client.post(url, {"photos": big(400_000, "a.zip")}).status_code == 200  # an archive may fill the form


def _bounded(whole: Any, max_bytes: int, max_file_bytes: int) -> Any:
    def begin(self: Any, request: Any = None, *_limits: int) -> None:
        whole(self, request, max_bytes, max_file_bytes)

    return begin


def test_sec13_a_reference_picture_is_decoded_in_no_page(client: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.line import photo  # paints before the decoders are taken away

    data = photo(1, side=700)
    client.force_login(factories.make_user("mona", Role.MANAGER))
    owner = Client.objects.create(name="North", slug="north")

    def opened(*args: object, **kwargs: object) -> None:
        raise AssertionError("the web server decoded an upload")

    for name in ("PIL.Image.open", "cv2.imdecode", "pyvips.Image.new_from_file", "pyvips.Image.jpegload"):
        monkeypatch.setattr(name, opened)
    url = reverse("clients:add_reference", args=[owner.pk])
    assert client.post(url, {"file": SimpleUploadedFile("r.jpg", data), "caption": ""}).status_code == 302
    assert owner.references.get().width == 700


def test_ing21_csv_every_cell_a_spreadsheet_would_run_is_text() -> None:
    rows = [{"name": value, "n": -5} for value in NASTY] + [{"name": "plain = text", "n": 1}]
    read = list(csv.reader(io.StringIO(csv_text(("name", "n"), rows))))
    assert [row[0] for row in read[1:]] == [f"'{value}" for value in NASTY] + ["plain = text"]
    assert read[1][1] == "-5"  # a number of ours is no text of theirs
    assert all(value.lstrip(" \u00a0").startswith(FORMULA) for value in NASTY)


def test_csv_no_other_code_writes_a_csv() -> None:
    writers, answers = set(), set()
    for folder in ("reviewapp", "processing"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            name = path.relative_to(ROOT).as_posix()
            if re.search(r"csv\.(writer|DictWriter)\(", text):
                writers.add(name)
            if re.search(r"text/csv|\.csv\"", text) and re.search(r"HttpResponse\(|writestr\(|_named\(", text):
                answers.add(name)
    assert writers == {"reviewapp/services/csv_out.py"}
    assert answers == {
        "reviewapp/web/views/pilots.py",
        "reviewapp/web/views/intake.py",
        "reviewapp/services/delivery.py",
    }
    for name in answers - {"reviewapp/services/delivery.py"}:
        assert "csv_text" in (ROOT / name).read_text(encoding="utf-8") or "as_csv" in (ROOT / name).read_text()


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("NUL.jpg", "_NUL.jpg"), ("con", "_con"), ("Com1.tar.gz", "_Com1.tar.gz"), ("lpt9/a.jpg", "_lpt9/a.jpg"),
        ("aux .jpg", "_aux .jpg"),
        ("console.jpg", "console.jpg"), ("com10.jpg", "com10.jpg"), ("../../a.jpg", "a.jpg"), ("a\0b.jpg", "a_b.jpg"),
        ("..", "file"),
    ],
)  # fmt: skip
def test_sec13_a_delivered_name_opens_no_device_and_climbs_nowhere(given: str, made: str) -> None:
    assert delivery._safe(given) == made
