"""ZIPs that lie, nest, overlap or never end: refused with a sentence, within bounds of memory (ING-16, SEC-13, C24)."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from typing import Any

import pytest

from benchmarks.fuzzing import archives as hostile
from benchmarks.fuzzing import bases
from reviewapp.services import archives, ingest, unpacking
from tests import line

pytestmark = pytest.mark.django_db
BOMBS = dict(hostile.bombs())
MIB = 1 << 20


def taken(data: bytes) -> list[ingest.UploadResult]:
    return list(ingest.expand_zip(line.open_batch(), io.BytesIO(data), None, None))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("zip of a hundred thousand entries", "100,000 entries; 10,000 is the limit"),
        ("zip of overlapping entries", "lie over each other"),
        ("zip that says it has 4 billion entries", "readable ZIP"),
    ],
)
def test_ing16_an_archive_that_cannot_be_honest_is_refused_whole(name: str, words: str) -> None:
    with pytest.raises(ingest.IngestRefused, match=words):
        taken(BOMBS[name])


@pytest.mark.parametrize("name", ["zip of zeros", "zip of zeros, bzip2", "zip of zeros, LZMA"])
def test_ing16_c24_no_packer_fills_the_memory(name: str) -> None:
    batch = line.open_batch()
    tracemalloc.start()
    try:
        results = list(ingest.expand_zip(batch, io.BytesIO(BOMBS[name]), None, None))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert {result.status for result in results} == {"rejected"}
    assert all("unpacks to far more" in result.message for result in results)
    assert peak < 64 * MIB, f"{peak / MIB:.0f} MiB for a file of {len(BOMBS[name])} bytes"


def test_ing16_a_directory_is_not_read_beyond_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_DIRECTORY_BYTES", 2000)
    names = [(f"{n:03d}{'x' * 80}.jpg", b"") for n in range(60)]
    with pytest.raises(ingest.IngestRefused, match="too many entries to count"):
        taken(hostile.packed(names))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_photo_packed_by_any_method_arrives_byte_for_byte(method: int) -> None:
    data = bases.jpegs()[0] * 40  # several pieces
    out = io.BytesIO(hostile.packed([("a.jpg", data)], method))
    with zipfile.ZipFile(out) as archive:
        entry = archive.infolist()[0]
        with archive.open(entry) as opened:
            source = unpacking.bounded(opened, entry, archives.MAX_RATIO, archives.RATIO_FROM_BYTES)
            assert b"".join(iter(lambda: source.read(5000), b"")) == data


def test_an_lzma_dictionary_of_gigabytes_is_never_reserved() -> None:
    packed = bytearray(hostile.packed([("a.jpg", bases.jpegs()[0])], zipfile.ZIP_LZMA))
    at = packed.index(b"\x05\x00\x5d")  # the length of the properties and their first byte
    packed[at + 3 : at + 7] = b"\xff\xff\xff\xff"
    results = taken(bytes(packed))
    assert [result.status for result in results] == ["rejected"] and "dictionary" in results[0].message


def test_sec13_links_and_nests_are_not_followed() -> None:
    assert taken(BOMBS["zip of links"]) == []
    nested = taken(BOMBS["zip in zip in zip"])
    assert len(nested) == 8 and {result.status for result in nested} == {"rejected"}
    gzipped, photo = taken(BOMBS["zip with gzip inside"])
    assert (gzipped.status, photo.status) == ("rejected", "accepted")


def test_an_entry_over_another_is_told_from_two_side_by_side() -> None:
    data = hostile.packed([("a.jpg", b"1" * 400), ("b.jpg", b"2" * 400)], zipfile.ZIP_STORED)

    def lies(packed: bytes) -> Any:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            return unpacking.overlap(archive)

    assert lies(data) is False
    longer = bytearray(data)
    first = data.index(b"PK\x01\x02")
    longer[first + 20 : first + 24] = (900).to_bytes(4, "little")
    assert lies(bytes(longer)) is True
