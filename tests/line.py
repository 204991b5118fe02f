"""The real line for tests: seeded rows, pictures painted here, every due task done in this process."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from reviewapp.jobs import runner
from reviewapp.models import Batch, Preset, Task
from reviewapp.services import ingest, seeds

SIDE = 1100


def photo(seed: int = 0, *, side: int = SIDE, shape: str = "box", ground: int = 226, suffix: str = "JPEG") -> bytes:
    """A plain product on a soft light sweep with a little grain: easy for the studio remover."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(ground + 6, ground - 6, side, dtype=np.float32)[:, None, None]
    pixels = np.clip(np.broadcast_to(ramp, (side, side, 3)) + rng.normal(0, 1.2, (side, side, 3)), 0, 255)
    picture = Image.fromarray(pixels.astype(np.uint8))
    product = Image.new("L", (side, side), 0)
    draw = ImageDraw.Draw(product)
    low, high = side * 0.24, side * 0.76
    if shape == "box":
        draw.rectangle((low, low, high, high), fill=255)
    else:
        draw.ellipse((low, low, high, high), fill=255)
    soft = product.filter(ImageFilter.GaussianBlur(1.0))
    colour = tuple(int(value) for value in rng.integers(20, 110, 3))
    picture.paste(Image.new("RGB", (side, side), colour), (0, 0), soft)
    target = io.BytesIO()
    picture.save(target, suffix, quality=92)
    return target.getvalue()


def open_batch(*channels: str, **fields: Any) -> Batch:
    """A batch open for uploads on the seeded preset, for the named channels (shopify when none is named)."""
    seeds.seed()
    preset = Preset.objects.select_related("current").get(slug=seeds.STANDARD_SLUG)
    assert preset.current is not None
    client = fields.pop("client", None) or ingest.ensure_client("Line")
    name = fields.pop("name", "Batch")
    keys = channels or ("shopify",)
    return ingest.create_batch(client, name, preset_version=preset.current, channel_keys=keys, **fields)


def send(batch: Batch, name: str, data: bytes, **row: str) -> ingest.UploadResult:
    """Upload one file in three chunks; `row` is what the sheet says of it."""
    third = max(1, len(data) // 3)
    chunks = [data[at : at + third] for at in range(0, len(data), third)]
    given = ingest.CsvRow(name, **row) if row else None
    return ingest.register_upload(batch, chunks, name, given)


def run_line(limit: int = 500) -> list[str]:
    """Do due tasks, most urgent first, until there is none. Returns what became of each."""
    outcomes: list[str] = []
    while len(outcomes) < limit and (task := Task.objects.filter(state="pending").order_by("priority", "id").first()):
        Task.objects.filter(pk=task.pk).update(available_at=task.created_at)  # no waiting for a retry's backoff
        outcomes.append(runner.run_one(task.pk))
        if outcomes[-1] == "refused":
            break
    return outcomes
