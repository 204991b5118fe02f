"""What a fresh installation starts with: category rules, the standard preset, the first policy, the channels.

Plain functions over whatever models they are given, so the data migration (historical models) and `manage.py seed` (the
real ones) run the same code. All of them can run twice; none changes a row that is there, because people own those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# CLS-04, RTE-09: (category, complexity, always done by people).
CATEGORY_RULES: tuple[tuple[str, str, bool], ...] = (
    ("jewelry", "complex", True),
    ("fur", "complex", True),
    ("lingerie", "complex", True),
    ("transparent", "complex", True),
    ("electronics", "simple", False),
    ("books", "simple", False),
    ("cosmetics_tube", "medium", False),
)
STANDARD_SLUG = "product-photography-standard"
STANDARD_NAME = "Product photography standard"
AS_SEEDED = "As seeded."
AS_SHIPPED = "Rules as shipped with a newer version of Softproof."
POLICY_NOTE = "Starting values: approve from 90, review from 70, a 10 % sample."


@dataclass(frozen=True, slots=True)
class Seeded:
    """How many rows each seed added; zeros when everything was there."""

    rules: int
    presets: int
    policies: int
    channels: int


def seed(models: Any = None) -> Seeded:
    """Add what is missing. `models` is anything with `get_model(app, name)`; None means the app registry."""
    if models is None:
        from django.apps import apps  # the registry is not ready when this module is first imported by a migration

        models = apps
    return Seeded(
        rules=seed_category_rules(models),
        presets=seed_standard_preset(models),
        policies=seed_policy(models),
        channels=seed_channels(models),
    )


def seed_category_rules(models: Any) -> int:
    """Add the seven rules of CLS-04 that are missing. Returns how many."""
    rules = models.get_model("reviewapp", "CategoryRule").objects
    made = [
        rules.get_or_create(category=category, defaults={"complexity": complexity, "always_human": always_human})[1]
        for category, complexity, always_human in CATEGORY_RULES
    ]
    return sum(made)


def seed_standard_preset(models: Any) -> int:
    """Add the standard preset with version 1 (PRE-01) unless a preset of that slug is there. Returns 1 or 0."""
    from processing.params import STANDARD_PRESET  # inside: a migration must not import the imaging half when loaded

    presets = models.get_model("reviewapp", "Preset").objects
    versions = models.get_model("reviewapp", "PresetVersion").objects
    preset, is_new = presets.get_or_create(
        slug=STANDARD_SLUG,
        defaults={"name": STANDARD_NAME, "description": "Clean cut-out, gentle correction, soft shadow."},
    )
    if preset.current_id is None:
        version, _is_made = versions.get_or_create(
            preset=preset,
            number=1,
            defaults={
                "params": STANDARD_PRESET.to_dict(),
                "digest": STANDARD_PRESET.digest(),
                "note": "The standard of product photography, as seeded.",
            },
        )
        presets.filter(pk=preset.pk).update(current=version)
    return int(is_new)


def seed_policy(models: Any) -> int:
    """Add routing policy 1 with its defaults when there is none. Returns 1 or 0."""
    policies = models.get_model("reviewapp", "RoutingPolicy").objects
    if policies.exists():
        return 0
    policies.create(number=1, note=POLICY_NOTE)
    return 1


def seed_channels(models: Any) -> int:
    """Add every channel of channels.toml whose key is missing, and new rules of one that nobody has changed here.

    New rules are a new version: batches keep theirs, and a channel that a person ever saved stays that person's.
    """
    from processing.channels import load_channels  # inside: see seed_standard_preset

    channels = models.get_model("reviewapp", "Channel").objects
    return sum(_seed_channel(channels, key, spec.name, spec.to_dict()) for key, spec in load_channels().items())


def _seed_channel(channels: Any, key: str, name: str, spec: Mapping[str, Any]) -> int:
    from processing.params import ChannelSpec  # inside: see seed_standard_preset

    newest = channels.filter(key=key).order_by("-version").first()
    if newest is None:
        channels.create(key=key, version=1, name=name, spec=spec, note=AS_SEEDED)
        return 1
    if channels.filter(key=key).exclude(note__in=(AS_SEEDED, AS_SHIPPED)).exists():
        return 0
    # A field that an old row lacks has its default there: only a difference that counts makes a version.
    if ChannelSpec.from_dict(newest.spec).to_dict() == spec:
        return 0
    channels.create(key=key, version=newest.version + 1, name=name, spec=spec, note=AS_SHIPPED)
    return 1
