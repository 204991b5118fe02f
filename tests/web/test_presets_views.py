"""Presets and proposals over HTTP: versions with a note, YAML in and out, an admin's yes or no."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client as Browser
from django.urls import reverse

from processing.params import STANDARD_PRESET, ProcessingParams
from reviewapp.enums import ProposalState, RejectReason, Role
from reviewapp.models import Preset, PresetProposal, PresetVersion
from reviewapp.services import lives, presets
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Browser) -> Browser:
    """A browser signed in as an admin."""
    client.force_login(factories.make_user("ada", Role.ADMIN))
    return client


@pytest.fixture
def version() -> PresetVersion:
    """The standard preset as a preset's version 1."""
    factories.policy()
    return factories.make_preset_version("Ceramics")


def filled(browser: Browser, preset: Preset, **changes: Any) -> dict[str, Any]:
    """What the form for a new version sends when `changes` are typed into it."""
    form = browser.get(reverse("presets:new", args=[preset.slug])).context["form"]
    data = {bound.name: bound.value() for bound in form if bound.value() not in (None, False)}
    return {**data, "note": "Softer", **changes}


def test_pre01_the_form_shows_every_setting_with_its_value_and_bounds(admin: Browser, version: PresetVersion) -> None:
    answer = admin.get(reverse("presets:new", args=[version.preset.slug]))
    form = answer.context["form"]
    described = [line.path for line in ProcessingParams.describe() if line.path != "schema"]
    assert [bound.name for bound in form][: len(described)] == described
    assert form["colour.saturation"].value() == 5 and "-100 to 100" in form["colour.saturation"].help_text
    assert form["shadow.offset_px"].value() == "5, 5"
    assert form["output.format"].value() == "PNG"


def test_pre02_a_saved_form_is_a_new_version_and_changes_nothing_else(admin: Browser, version: PresetVersion) -> None:
    batch = factories.make_batch(preset_version=version)
    preset = version.preset
    answer = admin.post(
        reverse("presets:new", args=[preset.slug]),
        filled(admin, preset, **{"shadow.opacity": "0.1", "shadow.offset_px": "3, 7"}),
    )
    assert answer.url == reverse("presets:detail", args=[preset.slug]) + "?version=2"
    made = preset.versions.get(number=2)
    expected = STANDARD_PRESET.to_dict()
    expected["shadow"] |= {"opacity": 0.1, "offset_px": [3, 7]}
    assert made.params == expected
    preset.refresh_from_db()
    batch.refresh_from_db()
    assert (preset.current, batch.preset_version, made.created_by.username) == (version, version, "ada")  # type: ignore[union-attr]
    admin.post(reverse("presets:current", args=[made.pk]))
    preset.refresh_from_db()
    assert preset.current == made
    text = admin.get(answer.url).content.decode()
    assert "2 differ from v1" in text.replace('<span class="sub">', "")


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"colour.saturation": "300"}, "colour.saturation"),
        ({"shadow.offset_px": "left"}, "__all__"),
        ({"background.colour": "red"}, "__all__"),
        ({"note": ""}, "note"),
    ],
)
def test_pre02_a_value_out_of_bounds_is_refused_by_name(
    admin: Browser, version: PresetVersion, typed: dict[str, str], field: str
) -> None:
    preset = version.preset
    answer = admin.post(reverse("presets:new", args=[preset.slug]), filled(admin, preset, **typed))
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert preset.versions.count() == 1


def test_pre02_a_stale_form_is_refused(admin: Browser, version: PresetVersion) -> None:
    preset = version.preset
    draft = filled(admin, preset, **{"colour.saturation": "1"})
    changed = {**version.params, "colour": {**version.params["colour"], "saturation": 9}}
    presets.create_version(preset, changed, "meanwhile", None)
    answer = admin.post(reverse("presets:new", args=[preset.slug]), draft)
    assert answer.status_code == 409 and "Your draft started from an older one" in answer.content.decode()
    assert preset.versions.count() == 2


def test_pre02_yaml_goes_out_and_comes_back_equal(admin: Browser, version: PresetVersion) -> None:
    answer = admin.get(reverse("presets:export", args=[version.pk]))
    assert 'filename="' in answer["Content-Disposition"]
    renamed = answer.content.replace(b"name: Ceramics", b"name: Imported")
    admin.post(reverse("presets:import"), {"file": SimpleUploadedFile("p.yaml", renamed)})
    assert Preset.objects.get(name="Imported").versions.get().digest == version.digest


def test_pre02_a_bad_file_is_refused_with_the_setting_at_fault(admin: Browser, version: PresetVersion) -> None:
    text = presets.export_yaml(version).replace("saturation: 5", "saturation: 500")
    answer = admin.post(reverse("presets:import"), {"file": SimpleUploadedFile("p.yaml", text.encode())})
    assert answer.status_code == 422 and "colour.saturation is 500" in answer.content.decode()
    assert Preset.objects.filter(name="Ceramics").get().versions.count() == 1


def test_fbk17_the_page_shows_the_defect_rate_of_judged_samples(admin: Browser, version: PresetVersion) -> None:
    batch = factories.make_batch(preset_version=version)
    task = factories.make_sample(batch)
    type(task.sample_member).objects.update(outcome="rejected")
    text = admin.get(reverse("presets:detail", args=[version.preset.slug])).content.decode()
    assert "100.0%" in text


def propose(version: PresetVersion) -> PresetProposal:
    """An open proposal to soften the shadow."""
    params = {**version.params, "shadow": {**version.params["shadow"], "opacity": 0.15}}
    return PresetProposal.objects.create(
        base=version,
        reason_code=RejectReason.SHADOW,
        params=params,
        changes=[{"path": "shadow.opacity", "old": 0.2, "new": 0.15}],
        evidence={
            "decisions": 40, "blind_decisions": 12, "rejected_with_reason": 6, "share": 0.15, "low": 0.06, "high": 0.3,
            "limit": 0.05, "decision_ids": [],
        },
    )  # fmt: skip


def test_fbk01_the_evidence_is_shown_and_accepting_makes_the_current_version(
    admin: Browser, version: PresetVersion
) -> None:
    proposal = propose(version)
    text = admin.get(reverse("proposals:detail", args=[proposal.pk])).content.decode()
    for words in ("15.0%", "6 of 40", "Shadow opacity", "0.2", "0.15", "Shadow is wrong"):
        assert words in text, words
    admin.post(reverse("proposals:accept", args=[proposal.pk]), {"note": "Looks right"})
    proposal.refresh_from_db()
    version.preset.refresh_from_db()
    assert proposal.state == ProposalState.ACCEPTED and version.preset.current == proposal.result
    assert proposal.result is not None and proposal.result.params["shadow"]["opacity"] == 0.15
    assert admin.post(reverse("proposals:decline", args=[proposal.pk]), {"note": "no"}).status_code == 409


def test_fbk01_declining_needs_a_note_and_keeps_the_preset(admin: Browser, version: PresetVersion) -> None:
    proposal = propose(version)
    answer = admin.post(reverse("proposals:decline", args=[proposal.pk]), {"note": " "})
    assert answer.status_code == 409 and "Say why" in answer.content.decode()
    admin.post(reverse("proposals:decline", args=[proposal.pk]), {"note": "Client likes shadows"})
    proposal.refresh_from_db()
    version.preset.refresh_from_db()
    assert (proposal.state, proposal.decision_note) == (ProposalState.DECLINED, "Client likes shadows")
    assert version.preset.current == version
    assert b"Client likes shadows" in admin.get(reverse("proposals:detail", args=[proposal.pk])).content


def test_sec01_a_manager_reads_presets_and_proposals_and_changes_neither(
    client: Browser, version: PresetVersion
) -> None:
    proposal = propose(version)
    client.force_login(factories.make_user("mona", Role.MANAGER))
    page = client.get(reverse("proposals:detail", args=[proposal.pk])).content.decode()
    assert "Only admins decide proposals" in page and f"proposals/{proposal.pk}/accept" not in page
    assert client.get(reverse("presets:detail", args=[version.preset.slug])).status_code == 200
    for url in (
        reverse("presets:new", args=[version.preset.slug]),
        reverse("presets:current", args=[version.pk]),
        reverse("presets:import"),
        reverse("proposals:accept", args=[proposal.pk]),
        reverse("proposals:decline", args=[proposal.pk]),
    ):
        assert client.post(url).status_code == 403, url


def test_fbk04_a_version_or_a_test_that_is_refused_is_said_on_its_page(admin: Browser, version: PresetVersion) -> None:
    """Both were a 500 until the walk asked for them."""
    proposal = propose(version)
    tested = admin.post(reverse("proposals:test", args=[proposal.pk]))
    assert tested.status_code == 409 and tested.context["form"].non_field_errors()
    shadow = {"shadow": {**version.params["shadow"], "opacity": 0.1}}
    second = presets.create_version(version.preset, {**version.params, **shadow}, "Softer", None)
    lives.lock(version.preset, factories.make_user("al", Role.ADMIN), "Under discussion")
    refused = admin.post(reverse("presets:current", args=[second.pk]))
    assert refused.status_code == 409 and refused.context["form"].non_field_errors()
