"""The manager's screens in a browser: uploading, resuming, filters, live progress, sizes."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from reviewapp.enums import AssetState, BatchState, Role
from reviewapp.models import Batch
from tests import factories
from tests.e2e.desk import sign_in, until
from tests.e2e.pictures import run_files
from tests.line import photo, run_line

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def manager(context: Any, live_server: Any) -> User:
    """A manager signed in to the browser."""
    user = factories.make_user("Mona", Role.MANAGER)
    sign_in(context, live_server, user)
    return user


@pytest.fixture
def batch() -> Batch:
    """A batch open for uploads."""
    return factories.make_batch("shopify", name="Mugs", state=BatchState.UPLOADING, closed_at=None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three photos in a folder with a subfolder, one file that is no photo, and the sheet."""
    shoot = tmp_path / "shoot"
    (shoot / "deep").mkdir(parents=True)
    for n, name in enumerate(("a.jpg", "b.jpg", "deep/c.jpg")):
        (shoot / name).write_bytes(photo(n, side=700))
    (shoot / "tiny.jpg").write_bytes(b"not a photo" * 20)
    (shoot / "list.csv").write_text("file,sku\na.jpg,NW-1\nb.jpg,NW-2\n")
    return shoot


def open_upload(page: Any, live_server: Any, batch: Batch) -> None:
    """Opens the upload page and waits for its script."""
    page.goto(live_server.url + reverse("uploads:page", args=[batch.pk]))
    page.wait_for_selector("#drop")


def all_answered(page: Any, count: int) -> None:
    """Waits until the server has answered for `count` files."""
    until(page, "(words) => document.getElementById('u-head').textContent === words", f"{count} of {count} files")


def test_ing01_files_are_sent_with_a_line_each(
    page: Any, live_server: Any, manager: User, batch: Batch, folder: Path
) -> None:
    open_upload(page, live_server, batch)
    assert not page.is_visible("#plain-upload")
    page.set_input_files("#in-files", [folder / name for name in ("a.jpg", "b.jpg", "tiny.jpg", "list.csv")])
    page.wait_for_selector("#sheet-look[open]")
    assert page.inner_text("#sl-use") == "Use 2 rows" and not batch.sheet_rows.exists()
    page.click("#sl-use")
    all_answered(page, 3)
    assert "2 rows read" in page.inner_text("#csv-said")
    until(page, "document.getElementById('csv-said').textContent.includes('2 rows read, 2 applied to photos.')")
    assert "File too small" in page.inner_text("#flist")
    assert page.inner_text("#n-ready") == "2" and page.inner_text("#n-bad") == "1"
    assert dict(batch.assets.values_list("filename", "sku")) == {"a.jpg": "NW-1", "b.jpg": "NW-2", "tiny.jpg": ""}
    page.click("#finish")
    page.wait_for_url(live_server.url + reverse("batches:detail", args=[batch.pk]))
    batch.refresh_from_db()
    assert batch.closed_at is not None
    page.watched.problems[:] = [one for one in page.watched.problems if "422" not in one]


def test_ing02_a_folder_keeps_its_paths_and_a_reload_sends_only_the_rest(
    page: Any, live_server: Any, manager: User, batch: Batch, folder: Path
) -> None:
    open_upload(page, live_server, batch)
    page.set_input_files("#in-files", [folder / "a.jpg"])
    all_answered(page, 1)
    (folder / "tiny.jpg").unlink()
    open_upload(page, live_server, batch)
    sent: list[str] = []
    page.on(
        "request",
        lambda request: (
            sent.append(request.url) if request.method == "POST" and request.url.endswith("/uploads/") else None
        ),
    )
    page.set_input_files("#in-folder", folder)
    page.click("#sl-use")
    all_answered(page, 3)
    assert set(batch.assets.values_list("relative_path", flat=True)) >= {"shoot/b.jpg", "shoot/deep/c.jpg", "a.jpg"}
    open_upload(page, live_server, batch)
    sent.clear()
    page.set_input_files("#in-folder", folder)
    page.click("#sl-use")
    all_answered(page, 3)
    assert not sent
    assert page.inner_text("#n-here") == "3"


def test_ing01_a_zip_is_opened_on_the_server(
    page: Any, live_server: Any, manager: User, batch: Batch, folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "photos.zip"
    with zipfile.ZipFile(target, "w") as archive:
        archive.write(folder / "a.jpg", "a.jpg")
        archive.write(folder / "b.jpg", "b.jpg")
    open_upload(page, live_server, batch)
    page.set_input_files("#in-files", [target])
    all_answered(page, 1)
    assert "2 files in the ZIP, 0 refused" in page.inner_text("#flist")
    assert batch.assets.count() == 2


def test_ing20_a_list_inside_a_zip_is_read_and_its_rows_are_said(
    page: Any, live_server: Any, manager: User, batch: Batch, folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "photos.zip"
    with zipfile.ZipFile(target, "w") as archive:
        archive.write(folder / "a.jpg", "shoot/a.jpg")
        archive.write(folder / "list.csv", "shoot/lists/list.csv")
    open_upload(page, live_server, batch)
    page.set_input_files("#in-files", [target])
    all_answered(page, 1)
    assert "1 file in the ZIP, 0 refused" in page.inner_text("#flist")
    said = "2 rows read, 1 applied to photos. No photo here yet for b.jpg."
    for box in ("csv-said", "sheet-now"):
        until(page, "([id, said]) => document.getElementById(id).textContent.includes(said)", [box, said])
    assert page.inner_text("#n-ready") == "1" and page.inner_text("#n-bad") == "0"
    assert batch.assets.get().sku == "NW-1"
    page.set_input_files("#in-files", [folder / "b.jpg"])
    all_answered(page, 2)
    until(page, "document.getElementById('sheet-now').textContent.includes('2 rows read, 2 applied to photos.')")


def test_val19_what_a_worker_refuses_is_said_in_the_line_of_its_file(
    page: Any, live_server: Any, manager: User, batch: Batch, folder: Path, tmp_path: Path
) -> None:
    (folder / "cover.jpg").write_bytes(b"Front cover, see the other mail. " * 400)
    target = tmp_path / "photos.zip"
    with zipfile.ZipFile(target, "w") as archive:
        archive.write(folder / "b.jpg", "b.jpg")
        archive.writestr("notes.jpg", b"These are the notes of the shoot. " * 400)
    open_upload(page, live_server, batch)
    page.set_input_files("#in-files", [folder / "a.jpg", folder / "cover.jpg", target])
    all_answered(page, 3)
    assert "Unsupported format" not in page.inner_text("#flist")
    assert (page.inner_text("#n-ready"), page.inner_text("#n-bad")) == ("4", "0")
    run_line(4)  # the four are looked at; nothing is processed yet
    until(page, "document.getElementById('n-bad').textContent === '2'")
    rows = [row.inner_text().split() for row in page.query_selector_all("#flist tr")]
    refused = next(row for row in rows if row[0] == "cover.jpg")
    assert "Refused" in refused and "Unsupported" in refused
    packed = " ".join(next(row for row in rows if row[0] == "photos.zip"))
    assert "In, some refused 2 files in the ZIP, 1 refused. notes.jpg: Unsupported format" in packed
    assert page.inner_text("#n-ready") == "2"
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(2500)
    assert not asked  # everything is looked at, so nobody asks any more


def test_ing01_a_lost_connection_is_retried_and_loses_nothing(
    page: Any, live_server: Any, manager: User, batch: Batch, folder: Path
) -> None:
    open_upload(page, live_server, batch)
    failures = {"left": 2}

    def flaky(route: Any) -> None:
        if failures["left"]:
            failures["left"] -= 1
            route.abort()
        else:
            route.continue_()

    page.route("**/uploads/**", flaky)
    page.set_input_files("#in-files", [folder / "a.jpg", folder / "b.jpg"])
    all_answered(page, 2)
    assert failures["left"] == 0
    assert batch.assets.filter(state=AssetState.RECEIVED).count() == 2
    page.watched.problems.clear()  # the aborted requests are what this test makes


def test_ing21_a_bad_csv_is_said_before_any_photo_is_sent(
    page: Any, live_server: Any, manager: User, batch: Batch, folder: Path
) -> None:
    (folder / "list.csv").write_text("colour\nred\n")
    open_upload(page, live_server, batch)
    page.set_input_files("#in-files", [folder / "a.jpg", folder / "list.csv"])
    page.wait_for_selector("#sheet-look[open]")
    assert "No column names the files yet" in page.inner_text("#sl-said")
    assert page.is_disabled("#sl-use") and not batch.assets.exists()
    page.click("#sl-leave")
    all_answered(page, 1)
    assert not batch.sheet_rows.exists()


def test_ing21_a_csv_that_can_not_be_read_stops_its_photos(
    page: Any, live_server: Any, manager: User, batch: Batch, folder: Path
) -> None:
    (folder / "list.csv").write_bytes(b"file,sku\n\0\0")
    open_upload(page, live_server, batch)
    page.set_input_files("#in-files", [folder / "a.jpg", folder / "list.csv"])
    page.wait_for_selector("#csv-said .note.reject")
    assert "isn't plain text" in page.inner_text("#csv-said")
    assert not batch.assets.exists()
    page.watched.problems[:] = [one for one in page.watched.problems if "400" not in one]


def test_ing20_the_columns_are_chosen_and_what_is_left_out_is_said_first(
    page: Any, live_server: Any, manager: User, batch: Batch, folder: Path
) -> None:
    (folder / "list.csv").write_text("Bild;Artikel\na.jpg;NW-1\n;NW-2\n")
    open_upload(page, live_server, batch)
    page.set_input_files("#in-files", [folder / "a.jpg", folder / "list.csv"])
    page.wait_for_selector("#sheet-look[open]")
    page.select_option("#sl-file", "0")
    until(page, "!document.getElementById('sl-use').disabled")
    page.select_option("#sl-sku", "1")
    until(page, "document.getElementById('sl-rows').textContent.includes('NW-1')")
    assert "1 row is left out. Line 3: no file name." in page.inner_text("#sl-said")
    assert page.inner_text("#sl-use") == "Use the 1 good row"
    page.click("#sl-use")
    all_answered(page, 1)
    assert dict(batch.assets.values_list("filename", "sku")) == {"a.jpg": "NW-1"}


def test_pro02_the_page_follows_the_line_and_stops_when_it_is_done(page: Any, live_server: Any, manager: User) -> None:
    batch = factories.make_batch("shopify")
    asset = factories.make_asset(batch, AssetState.QUEUED, sku="NW-1")
    page.goto(live_server.url + reverse("batches:detail", args=[batch.pk]))
    assert page.locator(".tile.busy").count() == 1
    factories.make_run(asset, total=91.0, **run_files(20))
    type(asset).objects.update(state=AssetState.AUTO_APPROVED)
    Batch.objects.update(state=BatchState.DELIVERED)
    page.wait_for_selector(".tile:not(.busy) img")  # the tiles look again by themselves
    assert page.get_attribute("#live", "hx-trigger") is None
    assert "91" in page.inner_text(".tile .cap")
    polls: list[str] = []
    page.on("request", lambda request: polls.append(request.url) if "/progress/" in request.url else None)
    page.wait_for_timeout(2500)
    assert not polls


def test_ing18_a_filter_swaps_rows_and_back_restores_it(page: Any, live_server: Any, manager: User) -> None:
    factories.make_batch("shopify", name="Busy one")
    factories.make_batch("shopify", name="Ready one", state=BatchState.READY)
    page.goto(live_server.url + reverse("batches:list"))
    page.click("nav.seg >> text=Ready")
    page.wait_for_url("**/?filter=ready")
    until(page, "document.querySelectorAll('#rows tr').length === 1")
    assert "Ready one" in page.inner_text("#rows")
    page.go_back()
    until(page, "document.querySelectorAll('#rows tr').length === 2")


def test_pre11_a_client_is_added_and_changed(page: Any, live_server: Any, manager: User) -> None:
    page.goto(f"{live_server.url}/")
    page.click("nav a:has-text('Clients')")
    page.click("text=New client >> nth=0")
    page.fill("#id_name", "Northwind")
    page.select_option("#id_validation_profile", "hires-2000")
    assert page.is_checked("#id_waits_for_samples") and not page.is_checked("#id_requires_human_colour")
    page.click("button:has-text('Add client')")
    page.wait_for_selector("text=Northwind is offered to new batches.")
    page.click("main a.prime")
    assert page.input_value("#id_validation_profile") == "hires-2000"
    page.check("text=A person looks at the colour of every photo")
    page.click("button:has-text('Save')")
    page.wait_for_selector("text=Northwind is changed.")
    assert "By people" in page.inner_text("main table")
