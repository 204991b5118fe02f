"""The list that comes inside a ZIP or a folder, and what is said of its rows (ING-20, ING-21)."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from reviewapp.models import Batch
from reviewapp.services import archives, ingest
from tests import line

pytestmark = pytest.mark.django_db(transaction=True)

SHEET = b"file,sku,category\na.jpg,NW-1,Jewellery\nb.jpg,NW-2,box\ngone.jpg,NW-3,box\n"


@pytest.fixture(scope="module")
def photos() -> tuple[bytes, bytes]:
    """Two different photos."""
    return line.photo(1, side=700), line.photo(2, side=700)


def packed(files: dict[str, bytes]) -> io.BytesIO:
    """A ZIP of the files, in their order."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target


def taken(batch: Batch) -> dict[str, tuple[str, str]]:
    """(SKU, category) of each photo by its path."""
    return {a.relative_path: (a.sku, a.category) for a in batch.assets.all()}


def test_ing20_a_list_inside_a_zip_is_read_before_its_photos(photos: tuple[bytes, bytes]) -> None:
    batch = line.open_batch(requires_sku=True)
    archive = packed({"shoot/a.jpg": photos[0], "b.jpg": photos[1], "shoot/deep/list.csv": SHEET})
    results = list(ingest.expand_zip(batch, archive))
    assert [(r.status, r.filename) for r in results] == [
        ("sheet", "shoot/deep/list.csv"), ("accepted", "a.jpg"), ("accepted", "b.jpg"),
    ]  # fmt: skip
    assert results[0].message == "Read as the list of this batch: 3 rows."
    assert taken(batch) == {"shoot/a.jpg": ("NW-1", "jewelry"), "b.jpg": ("NW-2", "box")}
    found = ingest.standing(batch)
    assert (found.rows, found.applied, found.unmatched, found.names) == (3, 2, 1, ("gone.jpg",))


def test_ing20_resource_forks_are_no_list_and_the_second_list_is_said(photos: tuple[bytes, bytes]) -> None:
    batch = line.open_batch()
    archive = packed(
        {
            "__MACOSX/list.csv": b"no list",
            "one/list.csv": SHEET,
            "two/list.csv": b"file,sku\na.jpg,OLD\n",
            "a.jpg": photos[0],
        }
    )
    results = [(r.status, r.filename, r.message) for r in ingest.expand_zip(batch, archive)]
    assert [one[:2] for one in results] == [
        ("sheet", "one/list.csv"), ("rejected", "two/list.csv"), ("accepted", "a.jpg"),
    ]  # fmt: skip
    assert "more than one list; one/list.csv is read, this one isn't" in results[1][2]
    assert taken(batch) == {"a.jpg": ("NW-1", "jewelry")}


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"colour\nred\n", "shoot/list.csv inside the ZIP: The CSV has no column"), (b"", "The CSV file is empty")],
)
def test_ing21_no_photo_of_a_zip_is_taken_before_its_list_is_right(
    photos: tuple[bytes, bytes], data: bytes, words: str
) -> None:
    batch = line.open_batch()
    with pytest.raises(ingest.IngestRefused, match=words):
        list(ingest.expand_zip(batch, packed({"a.jpg": photos[0], "shoot/list.csv": data})))
    assert not batch.assets.exists() and not batch.sheet_rows.exists()


def test_ing16_a_list_in_a_zip_has_a_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MAX_SHEET_BYTES", len(SHEET) - 1)
    with pytest.raises(ingest.IngestRefused, match="too large for a list"):
        ingest.sheet_in(packed({"list.csv": SHEET}))


def test_ing20_rows_are_counted_by_what_became_of_them(photos: tuple[bytes, bytes]) -> None:
    batch = line.open_batch()
    rows = ingest.read_csv("file,sku\na.jpg,S1\ncopy.jpg,S2\n" + "".join(f"x{n}.jpg,X\n" for n in range(12)))
    ingest.attach_rows(batch, rows)
    assert ingest.standing(batch).applied == 0
    line.send(batch, "a.jpg", photos[0])
    line.send(batch, "copy.jpg", photos[0])  # byte for byte the same: done once, so its row changes nothing
    found = ingest.standing(batch)
    assert (found.rows, found.applied, found.kept, found.unmatched, found.unnamed) == (14, 1, 1, 12, 2)
    assert ingest.standing(batch, {"a.jpg", "x3.jpg"}) == ingest.Standing(2, 1, 1, ("x3.jpg",))


def test_ing20_a_row_without_a_category_applies_to_a_photo_that_was_classified(photos: tuple[bytes, bytes]) -> None:
    batch = line.open_batch()
    ingest.attach_rows(batch, ingest.read_csv("file,sku\na.jpg,S1\n"))
    line.send(batch, "a.jpg", photos[0])
    batch.assets.update(category="box", category_source="pixels")
    assert ingest.standing(batch).applied == 1


def fill(folder: Path, photos: tuple[bytes, bytes]) -> None:
    """Two photos, the second in a subfolder."""
    (folder / "deep").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(photos[0])
    (folder / "deep" / "b.jpg").write_bytes(photos[1])


def run_ingest(path: Path, *extra: str) -> tuple[Batch, str]:
    """The batch the command made, and what it said."""
    out = io.StringIO()
    call_command("ingest", str(path), "--client", "Real", *extra, stdout=out)
    return Batch.objects.order_by("-pk")[0], out.getvalue()


def test_ing20_the_one_csv_of_a_folder_is_used_and_said(tmp_path: Path, photos: tuple[bytes, bytes]) -> None:
    line.open_batch()
    folder = tmp_path / "shoot"
    fill(folder, photos)
    (folder / "deep" / "list.csv").write_bytes(SHEET)
    batch, said = run_ingest(folder)
    assert "deep/list.csv lies in shoot and is read as the list of this batch." in said
    assert "List: 3 rows, 2 applied to photos; no photo for gone.jpg" in said
    assert "skipped" not in said
    assert taken(batch) == {"a.jpg": ("NW-1", "jewelry"), "deep/b.jpg": ("NW-2", "box")}


def test_ing20_a_given_csv_wins_over_the_one_in_the_folder(tmp_path: Path, photos: tuple[bytes, bytes]) -> None:
    line.open_batch()
    folder = tmp_path / "shoot"
    fill(folder, photos)
    (folder / "list.csv").write_bytes(SHEET)
    (tmp_path / "other.csv").write_bytes(b"file,sku\na.jpg,OTHER\n")
    batch, said = run_ingest(folder, "--csv", str(tmp_path / "other.csv"))
    assert "lies in shoot" not in said and "list.csv: not a photo by its suffix, skipped" in said
    assert taken(batch) == {"a.jpg": ("OTHER", ""), "deep/b.jpg": ("", "")}


def test_ing21_two_csvs_in_a_folder_are_asked_about_before_anything_is_taken(
    tmp_path: Path, photos: tuple[bytes, bytes]
) -> None:
    line.open_batch()
    fill(tmp_path / "shoot", photos)
    for name in ("one.csv", "two.csv"):
        (tmp_path / "shoot" / name).write_bytes(SHEET)
    before = Batch.objects.count()
    with pytest.raises(CommandError, match=r"holds 2 lists \(one.csv, two.csv\). Say with --csv which one is meant."):
        run_ingest(tmp_path / "shoot")
    assert Batch.objects.count() == before


def test_ing20_the_list_in_a_zip_chooses_the_channel_like_a_given_one(
    tmp_path: Path, photos: tuple[bytes, bytes]
) -> None:
    line.open_batch()
    target = tmp_path / "photos.zip"
    target.write_bytes(packed({"a.jpg": photos[0], "list.csv": b"file,sku,asin\na.jpg,S1,B000000001\n"}).getvalue())
    batch, said = run_ingest(target)
    assert "for amazon_main" in said and "list.csv lies in photos.zip" in said
    assert "1 accepted" in said and "rejected" not in said
    assert (batch.assets.get().sku, batch.assets.get().asin) == ("S1", "B000000001")
