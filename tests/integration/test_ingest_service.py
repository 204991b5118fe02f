"""The front door: uploads, duplicates, resume, ZIPs that mean harm, sheets (ING-01, 02, 06, 09, 14, 16, 20, 21, 25)."""

from __future__ import annotations

import io
import stat
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from reviewapp import keylocks, storage
from reviewapp.enums import AssetState, BatchState
from reviewapp.models import Asset, AuditEvent, Batch, Client, Task
from reviewapp.selectors import assets as finds
from reviewapp.selectors import batches as reads
from reviewapp.services import archives, ingest, seeds, uploads
from tests import factories, line

pytestmark = pytest.mark.django_db(transaction=True)
DATA = b"\xff\xd8\xff" + b"picture " * 400


def packed(entries: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    target.seek(0)
    return target


def stored_files(settings: Any) -> list[Path]:
    root = Path(settings.DATA_DIR) / "files"
    return [path for path in root.rglob("*") if path.is_file() and path.parent.name != keylocks.FOLDER]


def test_ing01_ing25_a_file_becomes_one_photo_with_one_task() -> None:
    batch = line.open_batch()
    result = line.send(batch, "a/Box.JPG", DATA, sku="S", asin="B01", category="books", shoot_group="G")
    asset = result.asset
    assert result.status == "accepted" and asset is not None
    assert (asset.relative_path, asset.filename, asset.state, asset.priority) == ("a/Box.JPG", "Box.JPG", "received", 5)
    assert (asset.sku, asset.asin, asset.category, asset.shoot_group) == ("S", "B01", "books", "G")
    assert storage.read_bytes(asset.original_key) == DATA
    assert list(Task.objects.values_list("asset", "step", "state")) == [(asset.pk, "validate", "pending")]
    assert AuditEvent.objects.filter(verb="asset.received", asset=asset).count() == 1


def test_ing09_the_same_bytes_under_another_name_are_linked_and_done_once() -> None:
    batch = line.open_batch()
    first = line.send(batch, "a.jpg", DATA)
    second = line.send(batch, "b.jpg", DATA)
    assert second.status == "duplicate" and "a.jpg" in second.message
    assert second.asset is not None and second.asset.duplicate_of == first.asset
    assert second.asset.state == AssetState.DUPLICATE and second.asset.resolved_at is not None
    assert Task.objects.count() == 1
    assert line.send(batch, "b.jpg", DATA).status == "already_here"
    assert batch.assets.count() == 2


def test_an_upload_that_broke_off_is_resumed_by_sending_everything_again() -> None:
    batch = line.open_batch()
    files = {f"{n}.jpg": DATA + bytes([n]) for n in range(5)}
    for name in list(files)[:3]:
        line.send(batch, name, files[name])
    again = [line.send(batch, name, data).status for name, data in files.items()]
    assert again == ["already_here"] * 3 + ["accepted"] * 2
    assert batch.assets.count() == Task.objects.count() == 5


def test_ing16_an_upload_cut_off_in_the_middle_leaves_no_trace(settings: Any) -> None:
    batch = line.open_batch()

    def breaking() -> Iterator[bytes]:
        yield DATA
        raise ConnectionError("the client went away")

    with pytest.raises(ConnectionError):
        ingest.register_upload(batch, breaking(), "a.jpg", None)
    assert not Asset.objects.exists() and not Task.objects.exists()
    assert stored_files(settings) == []


@pytest.mark.parametrize(
    ("name", "data", "code", "start"),
    [
        ("empty.jpg", b"", "file_too_small", "File too small"),
        ("bit.png", b"x" * 1023, "file_too_small", "File too small"),
        ("notes.txt", b"x" * 5000, "unsupported_format", "Unsupported format"),
        ("noname", b"x" * 5000, "unsupported_format", "Unsupported format"),
        ("raw.CR2", b"x" * 5000, "unsupported_format", "Unsupported format"),
    ],
)
def test_val09_what_can_be_seen_to_be_unusable_is_rejected_at_once(
    name: str, data: bytes, code: str, start: str
) -> None:
    batch = line.open_batch()
    result = line.send(batch, name, data)
    assert result.status == "rejected" and result.message.startswith(start)
    assert result.asset is not None
    assert (result.asset.state, result.asset.state_code) == (AssetState.REJECTED_INTAKE, code)
    assert result.asset.byte_size == len(data)
    assert not Task.objects.exists()


def test_a_file_over_the_limit_is_rejected_with_its_true_size_and_not_kept(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "MAX_FILE_BYTES", 10_000)
    batch = line.open_batch()
    result = ingest.register_upload(batch, (b"x" * 1000 for _ in range(25)), "big.jpg", None)
    assert result.status == "rejected" and result.message.startswith("File too large")
    assert result.asset is not None and result.asset.byte_size == 25_000
    assert stored_files(settings) == []


def test_ing21_a_batch_that_requires_metadata_rejects_what_has_none() -> None:
    batch = line.open_batch(requires_sku=True)
    assert line.send(batch, "ok.jpg", DATA, sku="S", category="books").status == "accepted"
    for n, row in enumerate([{}, {"sku": "S"}, {"category": "books"}]):
        result = line.send(batch, f"no{n}.jpg", DATA + bytes([n + 1]), **row)
        assert result.status == "rejected" and result.message.startswith("Metadata missing")
        assert result.asset is not None and result.asset.state == AssetState.REJECTED_INTAKE
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("../../etc/passwd.jpg", "etc/passwd.jpg"),
        ("C:\\Users\\me\\a.jpg", "Users/me/a.jpg"),
        ("a\0b.jpg", "ab.jpg"),
        ("x\u202egpj.exe.jpg", "xgpj.exe.jpg"),
        ("/abs//a.jpg", "abs/a.jpg"),
        ("Schu\u0308tte/ä ö 鞋.jpg", "Schütte/ä ö 鞋.jpg"),
        ("\udcff.jpg", "?.jpg"),
        ("", "unnamed"),
        ("..", "unnamed"),
    ],
)
def test_names_are_made_fit_to_show(given: str, shown: str) -> None:
    assert ingest.display_path(given) == shown


def test_a_name_of_300_characters_keeps_its_suffix_and_fits() -> None:
    batch = line.open_batch()
    result = line.send(batch, "dir/" * 80 + "n" * 300 + ".jpeg", DATA)
    assert result.status == "accepted" and result.asset is not None
    assert result.asset.filename.endswith(".jpeg")
    assert len(result.asset.filename) <= 255 and len(result.asset.relative_path) <= 400


@given(st.text(max_size=600))
def test_any_name_fits_its_columns(name: str) -> None:
    shown = ingest.display_path(name)
    assert 0 < len(shown) <= 400 and 0 < len(shown.rsplit("/", 1)[-1]) <= 255
    assert ".." not in shown.split("/") and "\0" not in shown
    shown.encode()


def test_a_closed_batch_takes_nothing_more() -> None:
    batch = line.open_batch()
    assert ingest.close_batch(batch)
    assert not ingest.close_batch(batch)
    with pytest.raises(ingest.BatchClosed, match="no more files"):
        line.send(batch, "a.jpg", DATA)


def test_the_same_file_ten_times_at_once_is_one_photo() -> None:
    batch = line.open_batch()
    results: list[str] = []

    def upload() -> None:
        try:
            results.append(line.send(batch, "a.jpg", DATA).status)
        finally:
            connection.close()

    threads = [threading.Thread(target=upload) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["accepted"] + ["already_here"] * 9
    assert Asset.objects.count() == Task.objects.count() == 1


def test_create_batch_pins_and_refuses() -> None:
    batch = line.open_batch("amazon_main", "shopify", priority=3)
    assert [row.channel.key for row in batch.batch_channels.order_by("position")] == ["amazon_main", "shopify"]
    assert batch.validation_profile == "marketplace-1000", "the strictest channel's"
    assert len(bytes.fromhex(batch.sample_seed)) == 32
    wrongs = ({"channel_keys": ["nowhere"]}, {"channel_keys": []}, {"priority": 11}, {"validation_profile": "huge"})
    for wrong in wrongs:
        given: dict[str, Any] = {"preset_version": batch.preset_version, "channel_keys": ["shopify"], **wrong}
        with pytest.raises(ingest.IngestRefused):
            ingest.create_batch(batch.client, "b", **given)
    assert Batch.objects.count() == 1


def test_ensure_client_finds_and_makes() -> None:
    first = ingest.ensure_client("Ääkköset & Co")
    assert ingest.ensure_client(" ääkköset  & CO ").pk in (first.pk, Client.objects.latest("pk").pk)
    assert ingest.ensure_client("Aakkoset Co").slug != first.slug
    assert ingest.ensure_client("鞋").slug
    with pytest.raises(ingest.IngestRefused):
        ingest.ensure_client("  ")


def test_ing06_a_sheet_applies_to_files_before_and_after_it_until_they_are_classified() -> None:
    batch = line.open_batch()
    early = line.send(batch, "shoot1/a.jpg", DATA).asset
    done = line.send(batch, "c.jpg", DATA + b"c").asset
    assert early is not None and done is not None
    Asset.objects.filter(pk=done.pk).update(state=AssetState.CLASSIFIED)
    rows = ingest.read_csv("file,sku,category\na.jpg,SA,books\nb.jpg,SB,fur\nc.jpg,SC,fur\n")
    assert ingest.attach_rows(batch, rows) == 1
    late = line.send(batch, "shoot2/b.jpg", DATA + b"b").asset
    assert late is not None and (late.sku, late.category) == ("SB", "fur")
    early.refresh_from_db()
    done.refresh_from_db()
    assert (early.sku, early.category) == ("SA", "books")
    assert done.sku == ""
    assert ingest.attach_rows(batch, ingest.read_csv("file,sku\na.jpg,SA2\n")) == 1
    early.refresh_from_db()
    assert early.sku == "SA2"


def test_zip_photos_are_taken_and_litter_is_passed_over() -> None:
    batch = line.open_batch()
    entries = {
        "shoot/a.jpg": DATA, "shoot/": b"", "__MACOSX/shoot/._a.jpg": DATA, ".DS_Store": b"x", "Thumbs.db": b"x",
        "shoot/B.PNG": DATA + b"b", "readme.txt": b"hello " * 300, "inner.zip": packed({"x.jpg": DATA}).getvalue(),
    }  # fmt: skip
    rows = ingest.read_csv("file,sku\nshoot/a.jpg,SA\n")
    results = {result.filename: result for result in ingest.expand_zip(batch, packed(entries), rows, None)}
    assert {name: result.status for name, result in results.items()} == {
        "a.jpg": "accepted", "B.PNG": "accepted", "readme.txt": "rejected", "inner.zip": "rejected",
    }  # fmt: skip
    assert "isn't opened" in results["inner.zip"].message
    assert batch.assets.get(filename="a.jpg").sku == "SA"


def test_zip_traversal_and_links_write_nothing_outside(settings: Any, tmp_path: Path) -> None:
    batch = line.open_batch()
    archive = packed({"../../evil.jpg": DATA, "/abs.jpg": DATA + b"1", "a\\..\\b.jpg": DATA + b"2"})
    with zipfile.ZipFile(archive, "a") as extended:
        link = zipfile.ZipInfo("link.jpg")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        extended.writestr(link, "/etc/passwd")
    archive.seek(0)
    results = list(ingest.expand_zip(batch, archive, None, None))
    assert [result.status for result in results] == ["accepted"] * 3
    assert set(batch.assets.values_list("relative_path", flat=True)) == {"evil.jpg", "abs.jpg", "a/b.jpg"}
    assert not list(tmp_path.parent.glob("evil.jpg")) and not Path("/abs.jpg").exists()
    assert all("/o/" in str(path) for path in stored_files(settings))


def test_zip_bombs_are_stopped_while_they_are_read(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = line.open_batch()
    bomb = packed({"bomb.jpg": b"\0" * 30_000_000, "ok.jpg": DATA})
    statuses = {result.filename: result for result in ingest.expand_zip(batch, bomb, None, None)}
    assert statuses["bomb.jpg"].status == "rejected" and "far more" in statuses["bomb.jpg"].message
    assert statuses["ok.jpg"].status == "accepted"
    assert len(stored_files(settings)) == 1
    monkeypatch.setattr(archives, "MAX_TOTAL_BYTES", 8000)
    many = packed({f"{n}.jpg": DATA + bytes([n]) * 1000 for n in range(9)}, zipfile.ZIP_STORED)
    taken = []
    with pytest.raises(ingest.IngestRefused, match="unpacks to more"):
        taken.extend(ingest.expand_zip(batch, many, None, None))
    monkeypatch.setattr(archives, "MAX_ENTRIES", 3)
    with pytest.raises(ingest.IngestRefused, match="9 entries"):
        list(ingest.expand_zip(batch, many, None, None))


def test_broken_zips_are_refused_with_a_sentence() -> None:
    batch = line.open_batch()
    good = packed({"a.jpg": DATA, "b.jpg": DATA + b"b"}, zipfile.ZIP_STORED).getvalue()
    for data in (b"", b"no zip at all", good[: len(good) // 2]):
        with pytest.raises(ingest.IngestRefused, match="ZIP"):
            list(ingest.expand_zip(batch, io.BytesIO(data), None, None))
    at = good.index(DATA) + 100
    damaged = good[:at] + b"!!!!" + good[at + 4 :]
    results = {r.filename: r.status for r in ingest.expand_zip(batch, io.BytesIO(damaged), None, None)}
    assert results == {"a.jpg": "rejected", "b.jpg": "accepted"}


def test_ing18_photos_are_found_by_what_is_known_of_them() -> None:
    seeds.seed()
    batch = line.open_batch()
    for n in range(5):
        line.send(batch, f"f{n}.jpg", DATA + bytes([n]), sku=f"S{n % 2}", category="books" if n else "fur")
    other = factories.make_asset(state=AssetState.IN_REVIEW)
    factories.make_run(other, total=75.0)
    where = finds.AssetFilter
    assert finds.matching(where(batch_ids=[batch.pk])).count() == 5
    assert finds.matching(where(client_id=batch.client_id, sku="s1")).count() == 2
    assert finds.matching(where(category="fur")).count() == 1
    assert list(finds.matching(where(states=["in_review"], min_score=70, max_score=90))) == [other]
    assert not finds.matching(where(min_score=75.01)).exists()
    assert finds.matching(where(text="f3")).count() == 1
    first = finds.page(where(batch_ids=[batch.pk]), limit=3)
    assert len(first.assets) == 3
    rest = finds.page(where(batch_ids=[batch.pk]), after=first.next_after, limit=3)
    assert len(rest.assets) == 2 and rest.next_after is None
    assert finds.categories(factories.make_user()) == {"books": 4, "fur": 1}
    assert batch.assets.count() == len({*first.assets, *rest.assets})


def test_counts_of_many_batches_cost_one_query(django_assert_num_queries: Any) -> None:
    found = [factories.make_asset(factories.make_batch()).batch_id for _ in range(6)]
    with django_assert_num_queries(1):
        counts = reads.counts_of(found)
    assert [counts[pk].total for pk in found] == [1] * 6
    assert counts[0].total == 0 and counts[0].done_ratio == 0.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two photos in a tree, one in capitals, one of them twice, and other files."""
    root = tmp_path / "photos"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "a.jpg").write_bytes(line.photo(1, side=640))
    (root / "deep" / "er" / "B.JPG").write_bytes(line.photo(2, side=640))
    (root / "deep" / "copy.jpeg").write_bytes(line.photo(1, side=640))
    (root / "notes.txt").write_text("hello")
    (root / ".hidden.jpg").write_bytes(b"x")
    return root


def test_ing02_the_command_takes_a_tree_and_says_what_came_of_it(folder: Path, settings: Any) -> None:
    seeds.seed()
    settings.RQ_QUEUES = {"default": {"URL": "", "SERIALIZER": "json"}}
    out = io.StringIO()
    call_command("ingest", str(folder), "--client", "Real", "--profile", "basic-500", "--wait", stdout=out)
    text = out.getvalue()
    assert "Found 3 images to process" in text
    assert "notes.txt" in text and ".hidden" not in text
    assert "Taken in: 2 accepted, 1 duplicate" in text
    batch = Batch.objects.get()
    assert [row.channel.key for row in batch.batch_channels.all()] == ["shopify"]
    assert batch.state != BatchState.UPLOADING and batch.client.name == "Real"
    assert reads.is_machine_done(batch)
    assert "duplicate: 1" in text
    assert "Cut out by: rembg " in text and "studio " in text
    assert "s per photo" in text
    assert set(batch.assets.values_list("relative_path", flat=True)) == {"a.jpg", "deep/copy.jpeg", "deep/er/B.JPG"}


def test_the_command_takes_a_sheet_a_zip_and_chooses_the_channel(folder: Path, tmp_path: Path) -> None:
    seeds.seed()
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("file;sku;asin;category\na.jpg;S1;B0ABCDEFGH;books\n")
    bundle = tmp_path / "all.ZIP"
    bundle.write_bytes(packed({"a.jpg": (folder / "a.jpg").read_bytes()}).getvalue())
    out = io.StringIO()
    call_command("ingest", str(bundle), "--client", "Real", "--csv", str(sheet), stdout=out)
    batch = Batch.objects.get()
    assert [row.channel.key for row in batch.batch_channels.all()] == ["amazon_main"]
    assert batch.assets.get().asin == "B0ABCDEFGH"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/does/not/exist"], "isn't there"),
        (["."], "no preset"),
        (["."], "no channel"),
    ],
)
def test_the_command_says_what_is_wrong(arguments: list[str], words: str) -> None:
    seeds.seed()
    extra = {"no preset": ["--preset", "nope"], "no channel": ["--channel", "nope"]}.get(words, [])
    with pytest.raises(CommandError, match=words):
        call_command("ingest", *arguments, "--client", "Real", *extra, stdout=io.StringIO())


def test_cls04_pre01_the_seeds_are_there_and_seeding_again_changes_nothing() -> None:
    seeds.seed()
    assert seeds.seed() == seeds.Seeded(0, 0, 0, 0)
    from reviewapp.models import CategoryRule, Channel, PresetVersion, RoutingPolicy

    assert CategoryRule.objects.count() == 7
    assert set(CategoryRule.objects.filter(always_human=True).values_list("category", flat=True)) == {
        "jewelry", "fur", "lingerie", "transparent",
    }  # fmt: skip
    assert PresetVersion.objects.filter(preset__slug=seeds.STANDARD_SLUG, number=1).count() == 1
    assert RoutingPolicy.objects.count() == 1
    assert Channel.objects.count() == 12
