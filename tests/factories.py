"""Rows for tests, made the short way: each function fills in what the test doesn't care about."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from processing.params import STANDARD_PRESET
from reviewapp import storage
from reviewapp.enums import (
    AssetState,
    BatchState,
    EditReason,
    EditTaskState,
    Lane,
    RenditionState,
    ReviewReason,
    Role,
    Routing,
)
from reviewapp.models import (
    Asset,
    Batch,
    BatchChannel,
    Channel,
    Client,
    ClientAccess,
    EditTask,
    PersonScope,
    Preset,
    PresetVersion,
    ProcessingRun,
    QualityReport,
    Rendition,
    ReviewTask,
    RoutingPolicy,
    SampleDraw,
    SampleMember,
)

_serial = itertools.count(1)
SEED = "5a" * 32


def make_user(name: str = "", *roles: Role, clients: Iterable[Client] | None = None) -> User:
    """A person with the given roles, who works for every client or for the given ones."""
    user = User.objects.create_user(username=name or f"person{next(_serial)}")
    PersonScope.objects.create(user=user, all_clients=clients is None)
    ClientAccess.objects.bulk_create(ClientAccess(user=user, client=client) for client in clients or ())
    for role in roles:
        user.groups.add(Group.objects.get_or_create(name=role.value)[0])
    return user


def make_policy(**values: Any) -> RoutingPolicy:
    """The policy in force: the highest number so far plus one, with the seeded thresholds unless given."""
    latest = RoutingPolicy.objects.order_by("-number").first()
    return RoutingPolicy.objects.create(number=(latest.number if latest else 0) + 1, note="test", **values)


def policy() -> RoutingPolicy:
    """The policy in force, made if the database has none."""
    return RoutingPolicy.objects.order_by("-number").first() or make_policy()


def make_preset_version(name: str = "", **params: Any) -> PresetVersion:
    """Version 1 of a new preset, current at once; `params` are groups of settings as in a preset file."""
    serial = next(_serial)
    preset = Preset.objects.create(name=name or f"Preset {serial}", slug=f"test-preset-{serial}")
    checked = type(STANDARD_PRESET).from_dict({**STANDARD_PRESET.to_dict(), **params})
    version = PresetVersion.objects.create(
        preset=preset, number=1, params=checked.to_dict(), digest=checked.digest(), note="test"
    )
    preset.current = version
    preset.save()
    return version


def make_channel(key: str = "") -> Channel:
    """A channel by that key, made if there is none."""
    name = key or f"channel_{next(_serial)}"
    found = Channel.objects.filter(key=name).order_by("-version").first()
    spec = {"key": name, "name": name, "background": "pure_white", "format": "JPEG"}
    return found or Channel.objects.create(key=name, name=name.replace("_", " ").title(), spec=spec)


def make_client(**fields: Any) -> Client:
    """A client with a name of its own."""
    serial = next(_serial)
    return Client.objects.create(**{"name": f"Client {serial}", "slug": f"client-{serial}", **fields})


def make_batch(*channels: str, **fields: Any) -> Batch:
    """A closed batch in progress, for the named channels (one when none is named)."""
    values: dict[str, Any] = {
        "name": f"Batch {next(_serial)}",
        "validation_profile": "basic-500",
        "state": BatchState.PROCESSING,
        "sample_seed": SEED,
        "sample_seed_hash": hashlib.sha256(bytes.fromhex(SEED)).hexdigest(),
        "closed_at": timezone.now(),
        **fields,
    }
    values.setdefault("client", None)
    values["client"] = values["client"] or make_client()
    if "preset_version" not in values:
        values["preset_version"] = make_preset_version()
    policy()
    batch = Batch.objects.create(**values)
    for position, key in enumerate(channels or ("amazon_main",)):
        BatchChannel.objects.create(batch=batch, channel=make_channel(key), position=position)
    return batch


def make_asset(batch: Batch | None = None, state: AssetState = AssetState.RECEIVED, **fields: Any) -> Asset:
    """A photo in `state`; its original isn't stored."""
    serial = next(_serial)
    sha = hashlib.sha256(f"photo {serial}".encode()).hexdigest()
    name = fields.pop("filename", f"photo{serial}.jpg")
    values = {
        "relative_path": name, "filename": name, "sha256": sha, "original_key": f"o/{sha[:2]}/{sha}", "byte_size": 1000,
        "lane": Lane.AUTOMATED, "sku": f"SKU-{serial}", **fields,
    }  # fmt: skip
    return Asset.objects.create(batch=batch or make_batch(), state=state, **values)


def make_run(asset: Asset, *, total: float = 80.0, **fields: Any) -> ProcessingRun:
    """A run with its score; it becomes the photo's current one. Files aren't stored."""
    sha = hashlib.sha256(f"run {next(_serial)}".encode()).hexdigest()
    values: dict[str, Any] = {
        "preset_version": asset.batch.preset_version, "channel": asset.batch.batch_channels.all()[0].channel,
        "pipeline_version": "1", "attempt": asset.runs.count() + 1, "params_digest": "0" * 64, "params": {},
        "remover": "studio", "pixels_key": f"d/{sha[:2]}/{sha}", "after_key": f"d/a/{sha}", "before_key": f"d/b/{sha}",
        "thumb_before_key": f"d/c/{sha}", "thumb_after_key": f"d/e/{sha}", "frame_matrix": [1, 0, 0, 0, 1, 0],
        "source_width": 2000, "source_height": 2000, "after_width": 2000, "after_height": 2000, **fields,
    }  # fmt: skip
    run = ProcessingRun.objects.create(asset=asset, **values)
    make_quality(run, total)
    Asset.objects.filter(pk=asset.pk).update(current_run=run)
    asset.current_run = run
    return run


def make_quality(run: ProcessingRun, total: float = 80.0, **fields: Any) -> QualityReport:
    """A score of `total`, its four parts equal."""
    values: dict[str, Any] = {
        "background": total / 4, "edge": total / 4, "fill": total / 4, "colour": total / 4, "compliance_rate": 1.0,
        "background_status": "PASS", "routing": Routing.HUMAN_REVIEW, "routing_rule": "test", "policy": policy(),
        "advice": "Secret advice", **fields,
    }  # fmt: skip
    return QualityReport.objects.create(run=run, total=total, **values)


def make_review(batch: Batch | None = None, *, total: float = 80.0, priority: int = 5, **asset: Any) -> ReviewTask:
    """A photo waiting for a reviewer."""
    photo = make_asset(batch, AssetState.IN_REVIEW, **asset)
    run = make_run(photo, total=total)
    return ReviewTask.objects.create(
        asset=photo, run=run, reason=ReviewReason.SCORE_BAND, why="Score in the band", priority=priority
    )


def make_sample(batch: Batch | None = None, **asset: Any) -> ReviewTask:
    """An auto-approved photo drawn as a blind sample, the only one of its block."""
    photo = make_asset(batch, AssetState.AUTO_APPROVED, **asset)
    run = make_run(photo, total=95.0)
    task = ReviewTask.objects.create(asset=photo, run=run, reason=ReviewReason.SAMPLE, why="Looked at by a person.")
    drawn = SampleDraw.objects.create(
        batch=photo.batch, block=photo.batch.sample_draws.count() + 1, population=1, population_sha256=[photo.sha256],
        rate=0.1, size=1,
    )  # fmt: skip
    SampleMember.objects.create(draw=drawn, asset=photo, review_task=task, rank=1)
    Asset.objects.filter(pk=photo.pk).update(sample_block=drawn.block)
    return task


def make_edit(batch: Batch | None = None, *, with_start: bool = True, **fields: Any) -> EditTask:
    """A photo in the editing queue."""
    photo = make_asset(batch, AssetState.EDITING)
    run = make_run(photo, total=60.0) if with_start else None
    values = {"reason": EditReason.LOW_SCORE, "why": "Score 60", "state": EditTaskState.OPEN, **fields}
    return EditTask.objects.create(asset=photo, base_run=run, **values)


def make_approved(batch: Batch, *, state: AssetState = AssetState.APPROVED, **asset: Any) -> Asset:
    """An approved photo with a verified, stored file for every channel of its batch."""
    photo = make_asset(batch, state, **asset)
    make_run(photo, total=95.0)
    for row in batch.batch_channels.select_related("channel"):
        make_rendition(photo, row.channel)
    return photo


def make_rendition(
    asset: Asset, channel: Channel, *, data: bytes = b"", filename: str = "", error: str = ""
) -> Rendition:
    """A file of a photo for a channel: stored and verified, or failed when there is an `error`."""
    assert asset.current_run is not None
    common = {"run": asset.current_run, "asset": asset, "channel": channel}
    if error:
        return Rendition.objects.create(**common, state=RenditionState.FAILED, error=error)
    stored = storage.put_bytes(data or f"file {next(_serial)}".encode() * 100, prefix="r")
    return Rendition.objects.create(
        **common, state=RenditionState.VERIFIED, filename=filename or f"{asset.sku}.jpg", storage_key=stored.key,
        sha256=stored.sha256, byte_size=stored.byte_size, width=2000, height=2000, content_type="image/jpeg",
        alt_text=f"Photo of {asset.sku}",
    )  # fmt: skip
