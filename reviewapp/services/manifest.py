"""The manifest of a delivery: for every file where it came from, what made it, what it scored and who decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from reviewapp.enums import AssetState, EditTaskState, LookKind, SampleOutcome, Verdict
from reviewapp.models import Batch, EditTask, Look, Rendition, SampleMember
from reviewapp.selectors.deliveries import Withheld
from reviewapp.selectors.review import live_decisions

from .csv_out import csv_text
from .words import stored_word

SCHEMA = 1
COLUMNS = (
    "path", "channel", "sku", "asin", "source_file", "source_sha256", "source_bytes", "sha256", "bytes", "width",
    "height", "content_type", "alt_text", "score", "preset", "preset_version", "params_digest", "policy", "pipeline",
    "remover", "model", "model_sha256", "made_by", "decided_by", "decided_at", "sample",
)  # fmt: skip
WITHHELD_COLUMNS = ("file", "sku", "channel", "code", "reason")


def build_manifest(
    batch: Batch,
    number: int,
    paths: Sequence[tuple[str, Rendition]],
    withheld: Sequence[Withheld],
    actor: User | None,
    replaces: int | None = None,
) -> dict[str, Any]:
    """Return the manifest as plain JSON values: {schema, delivery, counts, files, withheld} (DEL-01).

    `replaces` is the number of the delivery that was called back and that this one corrects.
    """
    decided = _deciders(batch)
    samples = dict(SampleMember.objects.filter(asset__batch=batch).values_list("asset_id", "outcome"))
    seen = Look.objects.filter(asset__batch=batch, kind__in=[LookKind.FIRST, LookKind.AGAIN], is_void=False)
    # What a second person upheld is with an editor; all else that was looked at passed.
    samples |= dict.fromkeys(seen.exclude(verdict="").values_list("asset_id", flat=True), SampleOutcome.ACCEPTED)
    return {
        "schema": SCHEMA,
        "delivery": {
            "client": batch.client.name,
            "batch": batch.name,
            "number": number,
            "replaces": replaces,
            "created_at": timezone.now().isoformat(timespec="seconds"),
            "created_by": person(actor) if actor else "automatic",
            "batch_preset": str(batch.preset_version),
            "sample_seed_sha256": batch.sample_seed_hash,
        },
        "counts": {
            "files": len(paths),
            "photos": len({rendition.asset_id for _, rendition in paths}),
            "withheld": len(withheld),
            "bytes": sum(rendition.byte_size for _, rendition in paths),
        },
        "files": [_entry(path, rendition, decided, samples) for path, rendition in paths],
        "withheld": [{**asdict(item), "is_final": item.is_final} for item in withheld],
    }


def files_csv(manifest: dict[str, Any]) -> str:
    """Return the files as CSV with a header. Cells a spreadsheet would run as a formula start with an apostrophe."""
    return csv_text(COLUMNS, manifest["files"])


def withheld_csv(manifest: dict[str, Any]) -> str:
    """Return what is not in the package, and why, as CSV with a header."""
    return csv_text(WITHHELD_COLUMNS, manifest["withheld"])


def person(user: User) -> str:
    """The name people know each other by."""
    return user.get_full_name() or user.get_username()


def _entry(
    path: str, rendition: Rendition, decided: dict[int, tuple[str, str, str]], samples: dict[int, str]
) -> dict[str, Any]:
    run, asset = rendition.run, rendition.asset
    quality = run.quality
    scored_at = quality.created_at.isoformat(timespec="seconds")
    who, when, made_by = decided.get(run.pk, ("automatic", scored_at, "automatic"))
    outcome = samples.get(asset.pk) if asset.state == AssetState.AUTO_APPROVED else None
    return {
        "path": path,
        "channel": rendition.channel.key,
        "part": rendition.part,
        "sku": asset.sku,
        "asin": asset.asin,
        "source_file": asset.relative_path,
        "source_sha256": asset.sha256,
        "source_bytes": asset.byte_size,
        "sha256": rendition.sha256,
        "bytes": rendition.byte_size,
        "width": rendition.width,
        "height": rendition.height,
        "content_type": rendition.content_type,
        "alt_text": rendition.alt_text,
        "score": round(quality.total, 4),
        "preset": run.preset_version.preset.name,
        "preset_version": run.preset_version.number,
        "params_digest": run.params_digest,
        "policy": quality.policy.number,
        "pipeline": run.pipeline_version,
        "remover": run.remover,
        "model": run.model_name,
        "model_sha256": run.model_sha256,
        "made_by": made_by,
        "decided_by": who,
        "decided_at": when,
        "sample": stored_word(SampleOutcome(outcome).label).lower() if outcome else "",
    }


def _deciders(batch: Batch) -> dict[int, tuple[str, str, str]]:
    """Map run id to (who approved it, when, who made it) for runs a person approved or signed."""
    found: dict[int, tuple[str, str, str]] = {}
    approvals = live_decisions().filter(asset__batch=batch, verdict=Verdict.APPROVE, task__sample_member__isnull=True)
    approvals = approvals.filter(task__look__isnull=True)
    for decision in approvals.select_related("reviewer"):
        found[decision.run_id] = (
            person(decision.reviewer), decision.created_at.isoformat(timespec="seconds"), "automatic",
        )  # fmt: skip
    signed = EditTask.objects.filter(asset__batch=batch, state=EditTaskState.SIGNED_OFF, result_run__isnull=False)
    for task in signed.select_related("signed_by", "editor"):
        if task.signed_by and task.signed_at and task.editor and task.result_run_id:
            when = task.signed_at.isoformat(timespec="seconds")
            maker = person(task.editor) if task.upload_key else "automatic"
            found[task.result_run_id] = (person(task.signed_by), when, maker)
    return found
