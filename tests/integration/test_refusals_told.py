"""What is refused is counted, logged and told apart: half files, unknown formats, and every format that is taken."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from benchmarks.fuzzing import bases
from processing import codecs, formats
from reviewapp.enums import AssetState
from reviewapp.models import Asset, Batch
from reviewapp.selectors import intake
from reviewapp.services import ingest
from tests import line

pytestmark = pytest.mark.django_db(transaction=True)
BASES = {"JPEG": bases.jpegs, "PNG": bases.pngs, "WEBP": bases.webps, "TIFF": bases.tiffs, "AVIF": bases.avifs}


@pytest.fixture
def batch() -> Batch:
    """A batch that takes what is 500 px on both edges."""
    return line.open_batch(validation_profile="basic-500", first_share=0.01)  # taken photos wait, unprocessed


def state_of(batch: Batch, name: str, data: bytes) -> Asset:
    asset = line.send(batch, name, data).asset
    assert asset is not None
    line.run_line()
    asset.refresh_from_db()
    return asset


def test_ops12_ops19_a_half_uploaded_file_is_rejected_and_the_count_rises_by_one(batch: Batch) -> None:
    whole = bases.jpegs()[0]
    assert state_of(batch, "whole.jpg", whole).state == AssetState.WAITS_FOR_SAMPLE
    assert intake.refusals(batch).by_code == []
    half = state_of(batch, "half.jpg", whole[: len(whole) // 2])
    assert (half.state, half.state_code) == (AssetState.REJECTED_INTAKE, "unreadable")
    assert intake.refusals(batch).by_code == [("unreadable", 1)]


def test_ops13_ops19_a_malformed_format_is_a_categorised_failure_and_a_log_line(
    batch: Batch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="reviewapp.services.inspecting"):
        asset = state_of(batch, "SecretClient-001.jpg", b"%PDF-1.7 " + bytes(3000))
    assert (asset.state, asset.state_code) == (AssetState.REJECTED_INTAKE, "unsupported_format")
    told: Any = next(record for record in caplog.records if record.getMessage() == "photo_refused")
    assert (told.code, told.ending, told.asset) == ("unsupported_format", ".jpg", asset.pk)
    assert "PDF" in told.reason and "SecretClient" not in str(vars(told))


@pytest.mark.parametrize("name", sorted(formats.enabled() - {"RAW", "HEIF"}))
def test_ant02_the_codec_of_every_format_that_is_taken_works(batch: Batch, name: str) -> None:
    ending = next(ending for ending, found in formats.FORMAT_OF.items() if found == name)
    for number, data in enumerate(BASES[name]()):
        asset = state_of(batch, f"{number}{ending}", data)
        assert (asset.state, asset.format) == (AssetState.WAITS_FOR_SAMPLE, name), asset.state_reason


def test_sec03_what_the_database_keeps_of_the_camera_tells_no_place_and_no_owner(batch: Batch) -> None:
    asset = state_of(batch, "a.jpg", bases.jpegs()[4])
    kept = " ".join([asset.camera, asset.taken_at, asset.icc_profile, *map(str, asset.exif.items())])
    assert "SecretMaker" in asset.camera  # the model is allowed
    assert "SERIAL" not in kept.upper() and "OWNER" not in kept.upper() and "GPS" not in kept.upper()


@pytest.mark.parametrize(
    "name",
    ["../../etc/cron.d/a.jpg", "a\0b.jpg", "n" * 300 + ".jpg", "\u202egpj.exe.jpg", "\u200bze\u2060ro.jpg",
     "C:\\x\\a.jpg", "con.jpg", "=cmd|'/c calc'!A1.jpg", "a\u061cb\u200f.jpg", "<script>.jpg"],
)  # fmt: skip
def test_sec13_c26_a_name_is_shown_and_never_a_path(batch: Batch, name: str, settings: Any) -> None:
    asset = line.send(batch, name, bases.jpegs()[0]).asset
    assert asset is not None
    assert asset.original_key == f"o/{asset.sha256[:2]}/{asset.sha256}"
    assert asset.relative_path.endswith(".jpg") and len(asset.filename) <= 255
    hidden = "\0\u202e\u200b\u2060\u061c\u200f\\"
    assert not set(asset.relative_path) & set(hidden) and ".." not in asset.relative_path.split("/")


def test_ing09_the_same_duplicate_eight_times_at_once_is_one_row_and_no_error(batch: Batch) -> None:
    """Found by the fuzz bench as a 500: ZIPs with one photo, seen by all before any of them had written its row."""
    data, together = bases.jpegs()[0], threading.Barrier(8, timeout=30)
    line.send(batch, "first.jpg", data)

    def chunks() -> Iterator[bytes]:
        yield data
        together.wait()

    def send(_: int) -> str:
        try:
            return ingest.register_upload(batch, chunks(), "again.jpg").status
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as people:
        answers = sorted(people.map(send, range(8)))
    assert answers == ["already_here"] * 7 + ["duplicate"]
    assert batch.assets.count() == 2


def test_val17_a_profile_whose_colour_space_is_no_word_is_dropped(tmp_path: Path) -> None:
    """Found by the fuzz bench: littleCMS's four letters are decoded as ASCII when they are asked for."""
    profile = bytearray(bases.icc())
    profile[16] = 0xE6
    path = tmp_path / "a.jpg"
    path.write_bytes(bases.saved("JPEG", icc_profile=bytes(profile)))
    photo = codecs.open_photo(path)
    assert "icc_dropped" in {finding.code for finding in photo.findings}
