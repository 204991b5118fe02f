"""`manage.py replay`: two versions on stored photos, with exit codes (FBK-11)."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command

from reviewapp.enums import Role
from reviewapp.models import ProcessingRun, QualityReport
from reviewapp.services import ingest, presets
from tests import factories as make
from tests import line

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("replay", *arguments, stdout=out)
    return out.getvalue()


def test_fbk11_two_versions_on_stored_photos_are_told_apart_and_nothing_is_stored() -> None:
    batch = line.open_batch()
    for number in range(2):
        line.send(batch, f"p{number}.jpg", line.photo(number, side=900, shape="disc" if number else "box"))
    ingest.close_batch(batch)
    line.run_line()
    first = batch.preset_version
    params = {**first.params, "edge": {**first.params["edge"], "refinement": "low"}}
    presets.create_version(first.preset, params, "Coarse edges", make.make_user("ada", Role.ADMIN))
    slug, before = first.preset.slug, (ProcessingRun.objects.count(), QualityReport.objects.count())
    with pytest.raises(SystemExit) as worse:
        run("--preset", slug, "--against", f"{slug}:2", "--n", "2")
    assert worse.value.code == 3
    facts = json.loads(run("--preset", f"{slug}:2", "--against", slug, "--json"))
    assert facts["photos"] == 2 and not facts["worse"]
    rows = {row["name"]: row for row in facts["measures"]}
    assert rows["total"]["challenger"] > rows["total"]["champion"]
    assert 0.9 < facts["iou_least"] < 1.0 and facts["colour"][0] < 1.0 < facts["colour"][2]
    same = run("--preset", slug, "--against", slug)
    assert "overlap of the mattes: 1.0000" in same and "CIEDE2000): 50 % 0.00" in same
    assert before == (ProcessingRun.objects.count(), QualityReport.objects.count())


@pytest.mark.parametrize("named", ["nobody", "product-photography-standard:99", "product-photography-standard:x"])
def test_unknown_versions_are_refused_by_name(named: str) -> None:
    line.open_batch()
    with pytest.raises(CommandError) as refused:
        run("--preset", "product-photography-standard", "--against", named)
    assert refused.value.returncode == 2 and ("no preset" in str(refused.value) or "no version" in str(refused.value))


def test_without_photos_there_is_nothing_to_compare() -> None:
    line.open_batch()
    with pytest.raises(CommandError, match="No photo"):
        run("--preset", "product-photography-standard", "--against", "product-photography-standard")
    with pytest.raises(CommandError, match="at least 1"):
        run("--preset", "product-photography-standard", "--against", "product-photography-standard", "--n", "0")
