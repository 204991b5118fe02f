"""No place, serial number, owner or maker's note in anything that is made of a photo (SEC-03, VAL-17)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from processing.channels import load_channels
from reviewapp.models import ProcessingRun, Rendition
from reviewapp.services import rendering
from tests import line, private

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of one product in four formats, each as talkative as its format allows."""
    import io

    folder = tmp_path_factory.mktemp("private")
    pixels = np.asarray(Image.open(io.BytesIO(line.photo(7, side=1100))).convert("RGB"))
    for name, data in private.photos(pixels).items():
        (folder / name).write_bytes(data)
    return folder


def files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_search_finds_what_it_looks_for(photos: Path) -> None:
    for path in files_in(photos):
        assert private.leaks(path), path.name
    if shutil.which("exiftool"):
        told = " ".join(private.told_by_exiftool(files_in(photos)))
        assert "GPS" in told and "Serial" in told and all(path.name in told for path in files_in(photos))


@pytest.mark.django_db(transaction=True)
def test_sec03_nothing_the_line_stores_of_a_photo_tells_where_by_whom_or_with_what(photos: Path, settings: Any) -> None:
    channels = sorted(load_channels())
    batch = line.open_batch(*channels, validation_profile="basic-500")
    for path in files_in(photos):
        assert (
            line.send(batch, path.name, path.read_bytes(), sku=path.suffix[1:].upper(), asin="B0TEST0001").status
            == "accepted"
        )
    line.run_line()
    made = ProcessingRun.objects.select_related("asset__batch__client")
    assert made.count() == len(files_in(photos))
    for run in made:
        rendering.keep(rendering.make_missing(run))
    rendered = set(Rendition.objects.exclude(storage_key="").values_list("channel__key", flat=True))
    assert len(rendered) >= len(channels) - 1, "nearly every channel has files of its own"
    stored = [path for path in files_in(Path(settings.DATA_DIR) / "files") if "/files/o/" not in path.as_posix()]
    assert len(stored) > 4 * len(channels)
    assert [leak for path in stored for leak in private.leaks(path)] == []
    assert private.told_by_exiftool(stored) == []


@pytest.mark.parametrize(
    "words",
    [
        ["run", "{source}", "--out", "{out}", "--remover", "studio"],
        ["optimise", "{source}", "--out", "{out}"],
        ["optimise", "{source}", "--out", "{out}", "--format", "webp"],
    ],
    ids=["run", "optimise", "optimise-webp"],
)
def test_sec03_the_commands_write_nothing_private_either(photos: Path, tmp_path: Path, words: list[str]) -> None:
    out = tmp_path / "out"
    told = [word.format(source=photos, out=out) for word in words]
    done = subprocess.run(
        [sys.executable, "-m", "processing", *told], cwd=ROOT, capture_output=True, text=True, check=False
    )
    pictures = [path for path in files_in(out) if path.suffix in (".jpg", ".png", ".webp", ".tif", ".tiff", ".avif")]
    assert len(pictures) >= (4 if words[0] == "run" else 3), done.stdout + done.stderr
    assert [leak for path in files_in(out) for leak in private.leaks(path)] == []
    assert private.told_by_exiftool(pictures) == []
