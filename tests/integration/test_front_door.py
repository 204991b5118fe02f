"""The front door under pressure: rejected files come again, batches close and pause in mid-upload, evil archives."""

from __future__ import annotations

import bz2
import io
import os
import random
import struct
import threading
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reviewapp.enums import AssetState, BatchState
from reviewapp.models import Asset, Batch, Task
from reviewapp.selectors import deliveries
from reviewapp.services import batches, ingest, seeds
from tests import factories, line
from tests.integration.test_ingest_service import DATA, packed

pytestmark = pytest.mark.django_db(transaction=True)


def states(batch: Batch) -> dict[str, str]:
    return dict(batch.assets.order_by("id").values_list("relative_path", "state"))


def test_ing09_a_photo_renamed_after_it_was_refused_is_taken_and_not_called_a_duplicate() -> None:
    batch = line.open_batch()
    assert line.send(batch, "photo.jfif", DATA).status == "rejected"
    assert line.send(batch, "photo.jpg", DATA).status == "accepted"
    again = line.send(batch, "copy.jpg", DATA)
    assert again.status == "duplicate" and "photo.jpg" in again.message
    assert states(batch) == {"photo.jfif": "rejected_intake", "photo.jpg": "received", "copy.jpg": "duplicate"}
    assert Task.objects.count() == 1


def test_ing21_a_sheet_that_comes_late_takes_in_what_was_rejected_for_want_of_it() -> None:
    batch = line.open_batch(requires_sku=True)
    for name in ("a.jpg", "b.jpg", "c.gif"):
        assert line.send(batch, name, DATA + name.encode()).status == "rejected"
    half = ingest.read_csv("file,sku,category\na.jpg,SA,books\nb.jpg,SB,\nc.gif,SC,books\n")
    assert ingest.attach_rows(batch, half) == 1
    assert states(batch) == {"a.jpg": "received", "b.jpg": "rejected_intake", "c.gif": "rejected_intake"}
    assert ingest.attach_rows(batch, half) == 0
    taken = batch.assets.get(relative_path="a.jpg")
    assert (taken.sku, taken.category, taken.state_code, taken.resolved_at) == ("SA", "books", "", None)
    assert list(Task.objects.values_list("key", flat=True)) == [f"validate:{taken.pk}"]


def test_ing21_the_same_file_sent_again_with_its_row_is_taken_in_once() -> None:
    batch = line.open_batch(requires_sku=True)
    assert line.send(batch, "a.jpg", DATA).status == "rejected"
    assert line.send(batch, "a.jpg", DATA).status == "already_here"
    assert line.send(batch, "a.jpg", DATA, sku="S", category="books").status == "accepted"
    assert line.send(batch, "a.jpg", DATA, sku="S", category="books").status == "already_here"
    assert states(batch) == {"a.jpg": "received"} and Task.objects.count() == 1


def test_ing09_a_late_sheet_never_takes_the_same_bytes_in_twice() -> None:
    batch = line.open_batch(requires_sku=True)
    assert line.send(batch, "a.jpg", DATA).status == "rejected"
    assert line.send(batch, "b.jpg", DATA, sku="S", category="books").status == "accepted"
    assert ingest.attach_rows(batch, ingest.read_csv("file,sku,category\na.jpg,SA,books\n")) == 0
    assert states(batch) == {"a.jpg": "rejected_intake", "b.jpg": "received"}


@pytest.mark.parametrize("over", [BatchState.DELIVERED, BatchState.CANCELLED])
def test_ing21_a_late_sheet_leaves_a_finished_batch_alone(over: BatchState) -> None:
    batch = line.open_batch(requires_sku=True)
    line.send(batch, "a.jpg", DATA)
    Batch.objects.filter(pk=batch.pk).update(state=over)
    assert ingest.attach_rows(batch, ingest.read_csv("file,sku,category\na.jpg,SA,books\n")) == 0
    assert states(batch) == {"a.jpg": "rejected_intake"} and not Task.objects.exists()


def test_ing01_a_file_on_its_way_when_the_batch_is_closed_is_refused() -> None:
    batch = line.open_batch()

    def chunks() -> Iterator[bytes]:
        yield DATA[:1000]
        assert ingest.close_batch(Batch.objects.get(pk=batch.pk))
        yield DATA[1000:]

    with pytest.raises(ingest.BatchClosed):
        ingest.register_upload(batch, chunks(), "late.jpg")
    assert not Asset.objects.exists() and not Task.objects.exists()


def test_ing01_a_batch_paused_in_mid_upload_still_takes_files_and_can_be_closed() -> None:
    batch = line.open_batch(validation_profile="basic-500")
    assert batches.pause(batch, "Two samples were rejected")
    assert line.send(batch, "a.jpg", line.photo(1, side=640)).status == "accepted"
    assert line.run_line() == ["refused"]
    assert ingest.close_batch(batch) and not ingest.close_batch(batch)
    batch.refresh_from_db()
    assert batch.state == BatchState.PAUSED and batch.closed_at is not None
    with pytest.raises(ingest.BatchClosed):
        line.send(batch, "b.jpg", DATA)
    assert batches.resume(batch)
    batch.refresh_from_db()
    assert batch.state == BatchState.PROCESSING


def test_ing01_five_hundred_files_and_their_sheet_in_few_statements(django_assert_max_num_queries: object) -> None:
    batch = line.open_batch()
    Asset.objects.bulk_create(
        Asset(batch=batch, relative_path=f"f/{n}.jpg", filename=f"{n}.jpg", sha256=f"{n:064x}", byte_size=1)
        for n in range(500)
    )
    rows = ingest.read_csv("file,sku\n" + "".join(f"{n}.jpg,S{n}\n" for n in range(500)))
    with django_assert_max_num_queries(520):  # type: ignore[operator]
        assert ingest.attach_rows(batch, rows) == 500
    assert batch.assets.get(filename="499.jpg").sku == "S499"


def unflagged(names: list[str], encoding: str) -> io.BytesIO:
    """A ZIP as macOS and old Windows tools write it: names in `encoding`, the UTF-8 flag not set."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for at, name in enumerate(names):
            info = zipfile.ZipInfo("xyz"[at] * len(name.encode(encoding)))
            archive.writestr(info, DATA + bytes([at]))
    data = target.getvalue()
    for at, name in enumerate(names):
        plain = name.encode(encoding)
        data = data.replace(b"xyz"[at : at + 1] * len(plain), plain, 2)
    return io.BytesIO(data)


@pytest.mark.parametrize("encoding", ["utf-8", "cp437"])
def test_ing01_zip_names_without_the_utf8_flag_are_read_as_they_were_written(encoding: str) -> None:
    batch = line.open_batch()
    names = ["Grün/Schütte-01.jpg", "Ø-plain long.jpg" if encoding == "utf-8" else "ñandú long name.jpg"]
    sheet = ingest.read_csv(f"file,sku\n{names[0]},S1\n")
    assert [r.status for r in ingest.expand_zip(batch, unflagged(names, encoding), sheet)] == ["accepted"] * 2
    assert list(states(batch)) == [unicodedata.normalize("NFC", name) for name in names]
    assert batch.assets.order_by("id")[0].sku == "S1"


def test_ing01_five_thousand_entries_and_equal_names_in_different_folders() -> None:
    batch = line.open_batch()
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for n in range(5000):
            archive.writestr(f"__MACOSX/{n}/._a.jpg", b"x")
        for n in range(3):
            archive.writestr(f"{n}/a.jpg", DATA + bytes([n]))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("0/a.jpg", DATA + b"other bytes, same path")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("1/a.jpg", DATA + b"\1")
    target.seek(0)
    results = [result.status for result in ingest.expand_zip(batch, target)]
    assert results == ["accepted"] * 4 + ["already_here"]
    assert sorted(batch.assets.values_list("relative_path", flat=True)) == ["0/a.jpg", "0/a.jpg", "1/a.jpg", "2/a.jpg"]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ing16_one_damaged_entry_of_any_kind_costs_only_itself(method: int) -> None:
    batch = line.open_batch()
    noise = random.Random(7).randbytes(60_000)
    archive = bytearray(packed({"a.jpg": noise, "b.jpg": DATA}, method).getvalue())
    archive[60:90] = b"\xff" * 30  # the head of the first entry's packed bytes
    results = {r.filename: r for r in ingest.expand_zip(batch, io.BytesIO(bytes(archive)))}
    assert {name: result.status for name, result in results.items()} == {"a.jpg": "rejected", "b.jpg": "accepted"}
    assert "damaged inside the ZIP" in results["a.jpg"].message
    assert states(batch) == {"b.jpg": "received"}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=12), st.integers(0, 2))
def test_ing16_no_flipped_byte_of_a_zip_is_an_unhandled_error(flips: list[tuple[int, int]], which: int) -> None:
    method = (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)[which]
    data = bytearray(packed({"a.txt": DATA, "ü/b.txt": DATA * 2}, method).getvalue())
    for at, value in flips:
        data[at % len(data)] = value
    batch = Batch.objects.filter(name="Fuzz").first() or line.open_batch(name="Fuzz")
    try:
        results = list(ingest.expand_zip(batch, io.BytesIO(bytes(data))))
    except ingest.IngestRefused as refused:
        assert str(refused)
        return
    assert all(result.message for result in results)


def test_ing16_a_truncated_bz2_inside_is_no_io_error_of_ours() -> None:
    batch = line.open_batch()
    with pytest.raises(OSError, match="Invalid data stream"):
        bz2.decompress(b"BZh9" + b"\0" * 40)
    info = zipfile.ZipInfo("a.jpg")
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(info, b"BZh9" + b"\0" * 4000)
    data = bytearray(target.getvalue())
    central = data.index(b"PK\1\2")
    struct.pack_into("<H", data, 8, zipfile.ZIP_BZIP2)
    struct.pack_into("<H", data, central + 10, zipfile.ZIP_BZIP2)
    assert [r.status for r in ingest.expand_zip(batch, io.BytesIO(bytes(data)))] == ["rejected"]


def test_ing01_a_batch_closed_by_one_while_eight_upload_has_a_row_for_every_accepted_file() -> None:
    batch = line.open_batch()
    answers: list[str] = []

    def upload(n: int) -> None:
        for part in range(4):
            try:
                answers.append(line.send(batch, f"{n}-{part}.jpg", DATA + bytes([n, part])).status)
            except ingest.BatchClosed:
                answers.append("closed")
        connection.close()

    def close() -> None:
        ingest.close_batch(Batch.objects.get(pk=batch.pk))
        connection.close()

    threads = [threading.Thread(target=upload, args=[n]) for n in range(8)] + [threading.Thread(target=close)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batch.refresh_from_db()
    assert len(answers) == 32 and set(answers) <= {"accepted", "closed"}
    assert batch.assets.count() == answers.count("accepted") == Task.objects.count()
    assert batch.closed_at is not None


def test_ing02_the_command_survives_whatever_lies_in_the_folder(tmp_path: Path) -> None:
    seeds.seed()
    root = tmp_path / "odd"
    (root / "sub.jpg").mkdir(parents=True)  # a folder that is called like a photo
    (root / "sub.jpg" / "IN.JPEG").write_bytes(DATA)
    (root / "empty.jpg").write_bytes(b"")
    (root / "to-nowhere.jpg").symlink_to(root / "gone")
    (root / "loop").symlink_to(root)
    (root / "vanishes.jpg").symlink_to("/proc/self/mem")
    os.mkfifo(root / "pipe.jpg")
    Path(os.fsdecode(os.fsencode(root) + b"/bad\xff.txt")).write_bytes(b"x")
    Path(os.fsdecode(os.fsencode(root) + b"/name\xfe.jpg")).write_bytes(DATA + b"2")
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, "utf-8")
    call_command("ingest", str(root), "--client", "Odd", stdout=out)
    out.flush()
    text = raw.getvalue().decode()
    assert "Found 3 images to process" in text
    assert "Taken in: 2 accepted, 1 rejected" in text and "bad?.txt: not a photo" in text
    assert states(Batch.objects.get()) == {
        "empty.jpg": "rejected_intake", "name?.jpg": "received", "sub.jpg/IN.JPEG": "received",
    }  # fmt: skip


def test_ing02_a_file_that_cannot_be_opened_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds.seed()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(DATA + name.encode())
    opened = Path.open

    def gone(self: Path, *args: object, **kwargs: object) -> object:
        if self.name == "a.jpg":
            self.unlink()
        return opened(self, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", gone)
    out = io.StringIO()
    call_command("ingest", str(tmp_path), "--client", "Odd", stdout=out)
    assert "a.jpg: It can't be read: No such file or directory" in out.getvalue()
    assert states(Batch.objects.get()) == {"b.jpg": "received"}


def test_ing06_a_sheet_that_is_not_there_is_said_before_anything_is_made(tmp_path: Path) -> None:
    seeds.seed()
    with pytest.raises(CommandError, match="can't be read: No such file"):
        call_command("ingest", str(tmp_path), "--client", "X", "--csv", str(tmp_path / "no.csv"), stdout=io.StringIO())
    assert not Batch.objects.exists()


def late(state: AssetState, *, has_files: bool = False, category: str = "books") -> tuple[Asset, int]:
    """A photo in `state` whose sheet comes only now: the photo as it is then, and how many rows took hold."""
    batch = factories.make_batch()
    seeds.seed()
    values = {"relative_path": "in/a.jpg", "sku": "", "category": "", "category_source": "pixels"}
    asset = factories.make_asset(batch, state, **values)
    if state != AssetState.QUEUED:
        factories.make_run(asset, total=95.0)
    if has_files:
        factories.make_rendition(asset, batch.channels.get())
    sheet = ingest.read_csv(f"file,sku,asin,category\na.jpg,S1,B0ABCDEFGH,{category}\n")
    applied = ingest.attach_rows(batch, sheet)
    asset.refresh_from_db()
    return asset, applied


@pytest.mark.parametrize("state", ["queued", "in_review", "on_hold", "editing", "auto_approved", "approved"])
def test_ing06_a_sheet_after_classification_still_names_what_has_no_files_yet(state: str) -> None:
    asset, applied = late(AssetState(state))
    assert (applied, asset.state, asset.sku, asset.asin) == (1, state, "S1", "B0ABCDEFGH")
    assert (asset.category, asset.category_source) == ("books", "metadata")


@pytest.mark.parametrize("state", ["auto_approved", "approved"])
def test_ing06_files_that_are_made_keep_the_names_they_were_made_with(state: str) -> None:
    asset, applied = late(AssetState(state), has_files=True)
    assert (applied, asset.state, asset.sku, asset.category) == (0, state, "", "")


@pytest.mark.parametrize("has_files", [False, True])
def test_rte09_a_late_sheet_takes_an_auto_approved_always_human_photo_to_people(has_files: bool) -> None:
    asset, applied = late(AssetState.AUTO_APPROVED, has_files=has_files, category="Jewellery")
    assert (applied, asset.state, asset.category) == (1, "editing", "jewelry")
    edit = asset.edit_tasks.get()
    assert (edit.reason, edit.base_run_id) == ("always_human", asset.current_run_id)
    assert deliveries.plan(asset.batch).renditions == []


def test_rte09_a_photo_a_person_approved_is_not_taken_back_by_a_late_sheet() -> None:
    asset, applied = late(AssetState.APPROVED, has_files=True, category="Jewellery")
    assert (applied, asset.state) == (0, "approved")


def test_sch10_a_run_that_broke_off_is_gone_on_with_and_doubles_nothing(tmp_path: Path) -> None:
    seeds.seed()
    for n in range(3):
        (tmp_path / f"{n}.jpg").write_bytes(DATA + bytes([n]))
    batch = line.open_batch()
    line.send(batch, "0.jpg", DATA + bytes([0]))  # and here the first run was killed
    call_command("ingest", str(tmp_path), into=batch.pk)
    assert sorted(batch.assets.values_list("relative_path", flat=True)) == ["0.jpg", "1.jpg", "2.jpg"]
    assert Batch.objects.count() == 1 and Task.objects.count() == 3
    batch.refresh_from_db()
    assert batch.closed_at is not None
    for options in ({"into": batch.pk}, {"into": batch.pk + 1}, {}):
        with pytest.raises(CommandError):
            call_command("ingest", str(tmp_path), **options)
