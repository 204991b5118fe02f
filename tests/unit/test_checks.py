"""Settings that are unsafe or useless together are named by `manage.py check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.checks import run_checks


def ids(**options: Any) -> set[str]:
    return {message.id for message in run_checks(**options) if message.id and message.id.startswith("softproof.")}


def test_nothing_is_said_about_the_defaults() -> None:
    assert ids(include_deployment_checks=True) == set()


def test_debug_beyond_loopback_is_an_error(settings: Any) -> None:
    settings.DEBUG, settings.HOST = True, "0.0.0.0"
    assert ids() == {"softproof.E001"}
    settings.HOST = "127.0.0.1"
    assert ids() == set()


def test_a_missing_model_folder_is_said(settings: Any, tmp_path: Path) -> None:
    settings.MODEL_DIR = tmp_path / "gone"
    assert ids() == {"softproof.W001"}
    settings.MODEL_DIR = tmp_path
    assert ids() == set()


def test_public_names_want_https(settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.HTTPS = ["proof.example.com"], False
    assert ids(include_deployment_checks=True) == {"softproof.W002"}
    settings.HTTPS = True
    assert ids(include_deployment_checks=True) == set()


def test_cls07_a_category_model_that_cant_be_called_is_an_error(settings: Any) -> None:
    settings.CATEGORY_MODEL = "nowhere.at_all:model"
    assert ids() == {"softproof.E002"}
    settings.CATEGORY_MODEL = "processing.limits:MAX_BYTES"
    assert ids() == {"softproof.E002"}
    settings.CATEGORY_MODEL = "tests.unit.test_checks:ids"
    assert ids() == set()
