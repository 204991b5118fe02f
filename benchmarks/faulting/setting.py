"""Runs inside the product: the people, the clients, the channel and the open batches that a fault run starts from.

    python -m benchmarks.faulting.setting '{"reviewers": 16, "hook": URL,
        "batches": [{"name": "A", "is_pilot": false}]}'

Prints one JSON object: sessions by name, and the id of each batch.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

CHANNEL = "bench"


def main() -> int:
    """Make them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "reviewapp.config.settings")
    import django

    django.setup()
    from benchmarks.scaling.places import hire

    asked = json.loads(sys.argv[1])
    _users, sessions = hire(asked["reviewers"])
    _channel()
    batches = {one["name"]: _batch(**one, hook=asked["hook"]) for one in asked["batches"]}
    print(json.dumps({"sessions": sessions, "batches": batches}))
    return 0


def _channel() -> None:
    """Small pictures, so that thousands of them are made in minutes."""
    from processing.channels import load_channels
    from reviewapp.models import Channel

    spec = load_channels()["shopify"].to_dict() | {"key": CHANNEL, "name": "Bench", "recommended_dimension": 500}
    Channel.objects.get_or_create(key=CHANNEL, version=1, defaults={"name": "Bench", "spec": spec})


def _batch(name: str, is_pilot: bool, hook: str) -> int:
    from django.utils import timezone

    from reviewapp.enums import Sampling
    from reviewapp.models import Client, Preset, PresetVersion, WebhookSecret
    from reviewapp.services import ingest
    from reviewapp.services.seeds import STANDARD_SLUG

    client = ingest.ensure_client(f"Client {name}")
    # A plain share: how many looks a proof needs depends on what is found, and this is no test of proofs.
    Client.objects.filter(pk=client.pk).update(sampling=Sampling.SIMPLE, webhook_url=hook)
    WebhookSecret.objects.create(client=client, secret="of the bench", made_at=timezone.now())
    current: Any = Preset.objects.get(slug=STANDARD_SLUG).current_id
    version = PresetVersion.objects.get(pk=current)
    fields: dict[str, Any] = {"preset_version": version, "channel_keys": [CHANNEL], "is_pilot": is_pilot}
    return ingest.create_batch(client, name, **fields).pk


if __name__ == "__main__":
    raise SystemExit(main())
