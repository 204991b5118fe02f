"""Rows that migrations add."""

from __future__ import annotations

from typing import Any


def add_seeds(apps: Any, schema_editor: Any) -> None:
    """What a fresh installation starts with; the module is imported here so that loading migrations stays cheap."""
    from reviewapp.services import seeds

    seeds.seed(apps)


def begin_lives(apps: Any, schema_editor: Any) -> None:
    """Give every version that is there a life: in use, retired, or never used."""
    Version, Life = apps.get_model("reviewapp", "PresetVersion"), apps.get_model("reviewapp", "PresetLife")
    before: dict[int, Any] = {}
    for version in Version.objects.select_related("preset__current").order_by("preset_id", "number"):
        current = version.preset.current
        state = "retired"
        if current is not None and current.pk == version.pk:
            state = "active"
        elif current is None or version.number > current.number:
            state = "draft"
        Life.objects.create(version=version, parent=before.get(version.preset_id), state=state)
        before[version.preset_id] = version
