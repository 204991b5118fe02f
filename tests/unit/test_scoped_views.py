"""SEC-01: no view reads a row of a client but through the functions that ask for whom (selectors/access.py).

The walk (tests/web/test_walk.py) asks the running site; this reads its source, so that a new view is found at once.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps

VIEWS = sorted((Path(__file__).resolve().parents[2] / "reviewapp" / "web").rglob("*.py"))
ASKING = {"theirs", "their_batch", "limit", "within"}
Function = ast.FunctionDef | ast.AsyncFunctionDef


def of_a_client() -> set[str]:
    """Models that lead to a client over any number of rows, and clients."""
    found, grown = {"Client"}, True
    while grown:
        more = {
            model.__name__
            for model in apps.get_app_config("reviewapp").get_models()
            for one in model._meta.get_fields()
            if one.many_to_one or one.one_to_one
            if not one.auto_created and one.related_model.__name__ in found  # type: ignore[union-attr]
        }
        grown = not more <= found
        found |= more
    return found


def called(node: ast.AST) -> set[str]:
    """Names of what is called inside, without where it comes from."""
    calls = [one.func for one in ast.walk(node) if isinstance(one, ast.Call)]
    return {
        one.id if isinstance(one, ast.Name) else one.attr for one in calls if isinstance(one, ast.Name | ast.Attribute)
    }


def is_about_the_house(function: Function) -> bool:
    calls = [one for one in function.decorator_list if isinstance(one, ast.Call)]
    return any(word.arg == "every_client" for call in calls for word in call.keywords)


def unasked(tree: ast.AST, models: set[str]) -> Iterator[str]:
    """Functions that read such rows and ask nobody."""
    for function in (one for one in ast.walk(tree) if isinstance(one, Function)):
        empty = {id(one.value) for one in ast.walk(function) if isinstance(one, ast.Attribute) and one.attr == "none"}
        read = {
            one.value.id
            for one in ast.walk(function)
            if isinstance(one, ast.Attribute) and one.attr == "objects" and id(one) not in empty
            if isinstance(one.value, ast.Name) and one.value.id in models
        }
        fetched = {
            one.args[0].id
            for one in ast.walk(function)
            if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == "get_object_or_404"
            if one.args and isinstance(one.args[0], ast.Name) and one.args[0].id in models
        }
        if (fetched or (read and not called(function) & ASKING)) and not is_about_the_house(function):
            yield f"{function.name}: {', '.join(sorted(read | fetched))}"


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.name)
def test_sec01_a_view_reads_a_clients_rows_only_for_who_works_for_the_client(path: Path) -> None:
    if path.name == "theirs.py":
        return
    assert list(unasked(ast.parse(path.read_text(encoding="utf-8")), of_a_client())) == []


def test_sec01_the_look_at_views_is_awake() -> None:
    models = of_a_client()
    assert {"Batch", "Asset", "ReviewDecision", "Look", "Alarm", "ReferencePicture", "PartialUpload"} <= models
    assert not {"Preset", "PresetProposal", "SavedFilter", "RoutingPolicy", "Channel"} & models
    bad = "def a(r): return Batch.objects.get(pk=1)\ndef b(r): return get_object_or_404(Asset, pk=1)"
    good = "def c(r): return theirs(r, Batch.objects.all(), 'client', pk=1)\ndef d(r): return EditTask.objects.none()"
    house = "@role_required(*ADMINS, every_client=True)\ndef e(r): return get_object_or_404(Alarm, pk=1)"
    assert list(unasked(ast.parse(f"{bad}\n{good}\n{house}"), models)) == ["a: Batch", "b: Asset"]
