"""Presets, thresholds and category rules: new versions in the open, old decisions keep theirs (PRE-01..07, RTE-11)."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError

from processing.params import STANDARD_PRESET, ProcessingParams
from reviewapp.enums import Complexity, Role
from reviewapp.models import AuditEvent, CategoryRule, Preset, PresetVersion, RoutingPolicy
from reviewapp.policies.learning import replaced
from reviewapp.selectors import presets as selectors
from reviewapp.services import lives, policies_admin, presets
from reviewapp.services.csv_rows import category_of
from reviewapp.services.people import NotAllowed
from tests import factories as make

from .test_review_claims import in_threads

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin() -> User:
    return make.make_user("ada", Role.ADMIN)


def changed(path: str, value: Any) -> dict[str, Any]:
    return replaced(STANDARD_PRESET.to_dict(), path, value)


def test_pre05_a_change_is_a_new_version_and_the_old_one_stays(admin: User) -> None:
    first = make.make_preset_version()
    second = presets.create_version(first.preset, changed("colour.contrast", 15), "More punch", admin)
    first.refresh_from_db()
    assert (second.number, second.created_by, second.note) == (2, admin, "More punch")
    assert first.params["colour"]["contrast"] == 10 and second.params["colour"]["contrast"] == 15
    assert second.digest == ProcessingParams.from_dict(second.params).digest()
    first.preset.refresh_from_db()
    assert first.preset.current == first, "a new version isn't current until somebody says so"


def test_pre02_a_running_batch_stays_pinned_when_the_current_version_changes(admin: User) -> None:
    first = make.make_preset_version()
    batch = make.make_batch(preset_version=first)
    second = presets.create_version(first.preset, changed("colour.contrast", 15), "n", admin)
    presets.set_current(second, admin)
    batch.refresh_from_db()
    assert batch.preset_version == first
    event = AuditEvent.objects.get(verb="preset.current_set")
    assert (event.before, event.after, event.actor) == ({"version": 1}, {"version": 2}, admin)
    presets.set_current(second, admin)
    assert AuditEvent.objects.filter(verb="preset.current_set").count() == 1, "asking again changes nothing"


@pytest.mark.parametrize(
    ("params", "note", "says"),
    [
        ({"colour": {"contrast": 500}}, "n", "colour.contrast"),
        ({"colour": {"sparkle": 1}}, "n", "sparkle"),
        ({"shadow": {"opacity": "dark"}}, "n", "0 to 1"),
        (changed("colour.contrast", 15), "  ", "note"),
        (changed("colour.contrast", 15), "x" * 501, "501"),
        (STANDARD_PRESET.to_dict(), "n", "Nothing differs from version 1"),
        (None, "n", "params"),
    ],
)
def test_what_cannot_be_a_version_is_refused_with_a_sentence(
    admin: User, params: dict[str, Any], note: str, says: str
) -> None:
    """FBK-15: among it what comes without a note that says why."""
    preset = make.make_preset_version().preset
    with pytest.raises(presets.PresetRefused, match=says):
        presets.create_version(preset, params, note, admin)
    assert preset.versions.count() == 1


def test_rev19_a_manager_cannot_tune() -> None:
    version, manager = make.make_preset_version(), make.make_user("mia", Role.MANAGER)
    text = presets.export_yaml(version)
    for act in (
        lambda: presets.create_version(version.preset, changed("colour.contrast", 1), "n", manager),
        lambda: presets.set_current(version, manager),
        lambda: presets.import_yaml(text, manager),
        lambda: policies_admin.publish_policy({"approve_at": 92}, "n", manager),
        lambda: policies_admin.save_category_rule("silk", "medium", always_human=False, actor=manager),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_smp07_a_locked_preset_stays_what_it_was_sampled_with(admin: User) -> None:
    """Refined on samples, then locked: nothing puts another version in its place, and no version changes."""
    first = make.make_preset_version()
    second = presets.create_version(first.preset, changed("colour.contrast", 15), "refined on the sample", admin)
    presets.set_current(second, admin)
    lives.lock(first.preset, admin, "Agreed with the client")
    for version in (first, second):
        with pytest.raises(ValidationError):
            version.save()
    with pytest.raises(presets.PresetRefused, match="locked"):
        presets.set_current(first, admin)
    assert Preset.objects.get(pk=first.preset_id).current == second
    assert AuditEvent.objects.get(verb="preset.locked").note == "Agreed with the client"


def test_five_saves_at_once_get_five_numbers(admin: User) -> None:
    preset = make.make_preset_version().preset
    made = in_threads(
        5, lambda n: presets.create_version(preset, changed("colour.contrast", 20 + n), "n", admin).number
    )
    assert sorted(made) == [2, 3, 4, 5, 6]


def test_pre02_yaml_round_trips_to_equal_parameters(admin: User) -> None:
    first = make.make_preset_version("Round trip", shadow={"offset_px": [3, -4], "opacity": 0.35})
    text = presets.export_yaml(first)
    assert yaml.safe_load(text)["params"]["shadow"]["offset_px"] == [3, -4]
    assert presets.import_yaml(text, admin) == first, "an equal file is the version that is there"
    edited = text.replace("contrast: 10", "contrast: 12").replace("note: test", "note: from the studio")
    second = presets.import_yaml(edited, admin)
    assert (second.preset, second.number, second.note) == (first.preset, 2, "from the studio")
    assert presets.import_yaml(presets.export_yaml(second), admin) == second


def test_pre01_all_seeded_values_are_in_the_file(admin: User) -> None:
    params = yaml.safe_load(presets.export_yaml(make.make_preset_version()))["params"]
    assert params["edge"]["refinement"] == "high" and params["removal"]["transparency"] == "preserve"
    assert (params["colour"]["white_balance"], params["colour"]["saturation"], params["colour"]["contrast"]) == (
        "auto_reference", 5, 10,
    )  # fmt: skip
    shadow = params["shadow"]
    assert (shadow["angle_deg"], shadow["opacity"], shadow["blur_px"], shadow["offset_px"]) == (45.0, 0.2, 15, [5, 5])
    out = params["output"]
    assert (out["format"], out["width"], out["height"], out["colour_space"], out["quality"]) == (
        "PNG", 2000, 2000, "sRGB", 85,
    )  # fmt: skip


def test_a_file_for_an_unknown_preset_makes_it(admin: User) -> None:
    text = presets.export_yaml(make.make_preset_version("Old name")).replace("name: Old name", "name: Näw name")
    version = presets.import_yaml(text, admin)
    assert version.preset.name == "Näw name" and version.number == 1
    version.preset.refresh_from_db()
    assert version.preset.current == version
    with pytest.raises(presets.PresetRefused, match="already"):
        presets.create_preset("Näw name", "", STANDARD_PRESET.to_dict(), "n", admin)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1, 2", "line 1"),
        ("just words", "softproof_preset"),
        ("", "softproof_preset"),
        ("softproof_preset: 2\nname: x\nparams: {}\n", "softproof_preset: 1"),
        ("softproof_preset: 1\nname: x\n", "params"),
        ("softproof_preset: 1\nname: ''\nparams: {}\n", "name"),
        ("softproof_preset: 1\nname: x\nparams: {}\nextra: 1\n", "extra"),
        ("softproof_preset: 1\nname: x\nparams: {colour: {contrast: 999}}\n", "colour.contrast"),
        ("a: &a [1]\nb: *a\n", "aliases"),
        ("x: !!python/object/apply:os.system ['true']\n", "YAML"),
        ("#" * 70_000, "larger"),
    ],
)
def test_a_bad_file_is_refused_with_what_is_wrong(admin: User, text: str, says: str) -> None:
    before = PresetVersion.objects.count()
    with pytest.raises(presets.PresetRefused, match=says):
        presets.import_yaml(text, admin)
    assert PresetVersion.objects.count() == before


def test_settings_of_shows_what_changed_between_two_versions(admin: User) -> None:
    first = make.make_preset_version()
    second = presets.create_version(first.preset, changed("colour.contrast", 15), "n", admin)
    lines = {line.described.path: line for line in selectors.settings_of(second, first)}
    assert [path for path, line in lines.items() if line.is_changed] == ["colour.contrast"]
    assert (lines["colour.contrast"].other, lines["colour.contrast"].value) == (10, 15)


def test_rte11_new_thresholds_are_a_new_policy_and_old_reports_keep_theirs(admin: User) -> None:
    old = make.policy()
    report = make.make_run(make.make_asset(), total=91).quality
    new = policies_admin.publish_policy({"approve_at": 92}, "Too many misses at 90", admin)
    report.refresh_from_db()
    assert (new.number, new.approve_at, new.review_at) == (old.number + 1, 92, 70)
    assert selectors.current_policy() == new and report.policy == old
    event = AuditEvent.objects.get(verb="policy.published")
    assert (event.before, event.after, event.actor) == ({"approve_at": 90.0}, {"approve_at": 92}, admin)


@pytest.mark.parametrize(
    ("values", "field", "says"),
    [
        ({"review_at": 90, "approve_at": 90}, "review_at", "90 must be below 90"),
        ({"review_at": 95}, "review_at", "95 must be below 90"),
        ({"approve_at": 101}, "approve_at", "0 to 100"),
        ({"approve_at": float("nan")}, "approve_at", "number"),
        ({"approve_at": "92"}, "approve_at", "number"),
        ({"approve_at": True}, "approve_at", "number"),
        ({"perimeter_samples": 10.5}, "perimeter_samples", "whole"),
        ({"white_tolerance": 256}, "white_tolerance", "0 to 255"),
        ({"compliance_rate": 1.2}, "compliance_rate", "0 to 1"),
        ({"sample_rate": -0.1}, "sample_rate", "0 to 1"),
        ({"sample_block": 0}, "sample_block", "1 to"),
        ({"edge_medium": 0.7}, "edge_medium", "below 0.6"),
        ({"medium_goes_to_people": 1}, "medium_goes_to_people", "yes or no"),
        ({"nonsense": 1}, "nonsense", "threshold"),
        ({}, "", "Nothing changed"),
    ],
)
def test_pre06_impossible_thresholds_are_refused_field_by_field(
    admin: User, values: dict[str, Any], field: str, says: str
) -> None:
    before = make.policy()
    with pytest.raises(policies_admin.PolicyRefused) as refused:
        policies_admin.publish_policy(values, "note", admin)
    assert says in refused.value.errors[field]
    assert RoutingPolicy.objects.latest("number") == before


def test_publishing_needs_a_note(admin: User) -> None:
    make.policy()
    with pytest.raises(policies_admin.PolicyRefused) as refused:
        policies_admin.publish_policy({"approve_at": 92}, " ", admin)
    assert "note" in refused.value.errors


def test_four_admins_publishing_at_once_make_four_policies(admin: User) -> None:
    start = make.policy().number
    made = in_threads(4, lambda n: policies_admin.publish_policy({"max_redo": 4 + n}, "n", admin).number)
    assert sorted(made) == [start + 1, start + 2, start + 3, start + 4]


def test_every_policy_field_has_a_check() -> None:
    own = {"id", "number", "note", "created_by", "created_at"}
    assert {field.name for field in RoutingPolicy._meta.fields} - own == set(policies_admin.NAMES)


def test_pre07_a_rule_is_added_and_changed_in_the_open(admin: User) -> None:
    rule = policies_admin.save_category_rule(" Silk Scarf ", Complexity.MEDIUM, always_human=False, actor=admin)
    assert rule.category == "silk_scarf"
    preset = make.make_preset_version().preset
    policies_admin.save_category_rule("silk scarf", "complex", always_human=True, preset=preset, actor=admin)
    rule = CategoryRule.objects.get(category="silk_scarf")
    assert (rule.complexity, rule.always_human, rule.preset) == ("complex", True, preset)
    second, first = AuditEvent.objects.filter(verb="category_rule.saved")
    assert first.before == {} and second.before["complexity"] == "medium" and second.after["always_human"] is True
    policies_admin.save_category_rule("silk_scarf", "complex", always_human=True, preset=preset, actor=admin)
    assert AuditEvent.objects.filter(verb="category_rule.saved").count() == 2, "no change, no event"


@pytest.mark.parametrize("written", ["T-Shirt", "t  shirt", " T_SHIRT ", "t-shirt"])
def test_rte09_a_rule_is_kept_under_the_spelling_photos_carry(admin: User, written: str) -> None:
    rule = policies_admin.save_category_rule(written, "complex", always_human=True, actor=admin)
    assert rule.category == category_of("T-Shirt") == "t_shirt"
    assert (
        policies_admin.save_category_rule("Jewellery", "complex", always_human=True, actor=admin).category == "jewelry"
    )


@pytest.mark.parametrize(("category", "complexity", "field"), [("", "simple", "category"), ("x", "hard", "complexity")])
def test_pre07_a_bad_rule_is_refused(admin: User, category: str, complexity: str, field: str) -> None:
    with pytest.raises(policies_admin.PolicyRefused) as refused:
        policies_admin.save_category_rule(category, complexity, always_human=False, actor=admin)
    assert field in refused.value.errors


def test_the_presets_page_reads(admin: User) -> None:
    version = make.make_preset_version("Zed")
    make.make_batch(preset_version=version)
    found = selectors.presets().get(name="Zed")
    assert found.version_count == 1 and selectors.versions_of(found)[0].batch_count == 1
    assert selectors.preset_by_slug(found.slug) == found and selectors.version_for_display(version.pk) == version
    with pytest.raises(Preset.DoesNotExist):
        selectors.preset_by_slug("none")
