"""Thresholds, category rules and channels over HTTP: read by managers, changed by admins, in the open."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse

from processing.params import ChannelSpec
from reviewapp.enums import AssetState, Role
from reviewapp.models import AuditEvent, CategoryRule, Channel, RoutingPolicy
from reviewapp.services.channels import as_toml, parse
from reviewapp.services.ingest import newest_channels
from reviewapp.templatetags.states import channel_size
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Browser) -> Browser:
    """A browser signed in as an admin."""
    client.force_login(factories.make_user("ada", Role.ADMIN))
    return client


def filled(browser: Browser, **changes: Any) -> dict[str, Any]:
    """What the thresholds form sends when `changes` are typed into it."""
    form = browser.get(reverse("quality:thresholds")).context["form"]
    data = {bound.name: bound.value() for bound in form}
    data = {name: value for name, value in data.items() if value not in (None, False)}
    return {**data, "note": "Fewer by hand", **changes}


def test_rte11_an_admin_publishes_a_version_and_the_old_one_stays(admin: Browser) -> None:
    factories.policy()
    answer = admin.post(reverse("quality:publish"), filled(admin, approve_at="92"))
    assert answer.status_code == 302
    old, new = RoutingPolicy.objects.order_by("number")
    assert (old.approve_at, new.approve_at, new.review_at, new.note) == (90.0, 92.0, 70.0, "Fewer by hand")
    text = admin.get(reverse("quality:thresholds")).content.decode()
    assert "approve at 90 → <b>92</b>" in text


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"approve_at": "70", "review_at": "90"}, "review_at", "90 must be below 70."),
        ({"approve_at": "101"}, "approve_at", "101 is outside 0 to 100."),
        ({"sample_block": "1.5"}, "sample_block", "Enter a whole number."),
        ({"note": ""}, "note", "Say why the thresholds change."),
    ],
)
def test_rte11_a_bad_value_is_said_beside_its_field(
    admin: Browser, typed: dict[str, str], field: str, sentence: str
) -> None:
    factories.policy()
    answer = admin.post(reverse("quality:publish"), filled(admin, **typed))
    assert answer.status_code == 422
    assert answer.context["form"].errors[field] == [sentence]
    assert RoutingPolicy.objects.count() == 1


def test_rte11_all_that_is_wrong_stands_in_a_summary_with_the_focus(admin: Browser) -> None:
    """A draft that can't be published says so, also under the histogram, and leads to every field it is about."""
    factories.make_run(factories.make_asset())
    answer = admin.post(reverse("quality:publish"), filled(admin, approve_at="60", review_at="70", note=""))
    text = answer.content.decode()
    summary = text.partition('role="alert" tabindex="-1" autofocus>')[2].partition("</div>")[0]
    assert 'href="#id_review_at"' in summary and "70 must be below 60." in summary
    assert 'href="#id_note"' in summary and "Say why the thresholds change." in summary
    assert "the review line not above the pass line" in text and "Move a line" not in text


def test_rte11_a_stale_form_is_refused_and_says_who_published(admin: Browser) -> None:
    factories.policy()
    draft = filled(admin, approve_at="86")
    theirs = factories.make_policy(approve_at=88.0, created_by=factories.make_user("otto", Role.ADMIN))
    answer = admin.post(reverse("quality:publish"), draft)
    assert answer.status_code == 409
    text = answer.content.decode()
    assert f"otto published version {theirs.number}" in text and 'value="86"' in text
    assert RoutingPolicy.objects.count() == 2


def test_sec01_a_manager_reads_thresholds_and_can_not_publish(client: Browser) -> None:
    factories.policy()
    client.force_login(factories.make_user("mona", Role.MANAGER))
    text = client.get(reverse("quality:thresholds")).content.decode()
    assert (
        "Only admins can change thresholds" in text
        and "<button" not in text.split("In force")[1].split("</section>")[0]
    )
    assert client.post(reverse("quality:publish"), {}).status_code == 403
    assert client.post(reverse("quality:category"), {}).status_code == 403


def test_qc15_the_histogram_and_its_zones_follow_the_scores(admin: Browser) -> None:
    factories.policy()
    batch = factories.make_batch()
    for total in (40, 69.9, 75, 89.9, 90, 95, 100, 100):
        factories.make_run(factories.make_asset(batch, AssetState.IN_REVIEW), total=total)
    details = admin.get(reverse("quality:thresholds")).context["details"]
    assert [round(share, 3) for _zone, _words, share in details.zones] == [0.25, 0.25, 0.5]
    tallest = max(details.columns, key=lambda column: column.height)
    assert (tallest.words, tallest.height, tallest.zone) == ("95 to 100: 3", 100.0, "hi")


def test_pre07_a_category_rule_is_added_changed_and_audited(admin: Browser) -> None:
    factories.policy()
    url = reverse("quality:category")
    admin.post(url, {"category": "Fine Lace", "complexity": "complex", "always_human": "on"})
    admin.post(url, {"category": "fine lace", "complexity": "medium"})
    rule = CategoryRule.objects.get(category="fine_lace")
    assert (rule.complexity, rule.always_human) == ("medium", False)
    events = AuditEvent.objects.filter(verb="category_rule.saved", actor__username="ada")
    assert events.count() == 2 and events[0].before["complexity"] == "complex"
    assert admin.post(url, {"category": "", "complexity": "hard"}).status_code == 422


NEW_PLATFORM = """
key = "bazaar"
name = "Bazaar"
background = "pure_white"
min_dimension = 800
recommended_dimension = 1600
format = "WEBP"
quality = 82
aspect = "1:1"
naming = "{sku}-bazaar.{ext}"
"""


@pytest.mark.parametrize(
    ("least", "wanted", "said"),
    [
        (1000, 2000, "1000 – 2000 px"),
        (0, 2048, "up to 2048 px"),
        (500, 0, "from 500 px"),
        (0, 0, "as it comes"),
        (1080, 1080, "1080 px"),
    ],
)
def test_exp05_a_size_nobody_asks_for_is_no_zero(least: int, wanted: int, said: str) -> None:
    assert channel_size({"min_dimension": least, "recommended_dimension": wanted}) == said


def test_exp05_a_channel_of_several_files_says_how_many() -> None:
    assert channel_size({"variants": ["large limit 2000x2000", "thumbnail fill 300x300"]}) == "2 sizes"


def test_pre03_a_brand_new_platform_needs_no_code(admin: Browser) -> None:
    answer = admin.post(reverse("channels:new"), {"rules": NEW_PLATFORM, "note": "Their seller guide", "seen": 0})
    assert answer.status_code == 302
    channel = Channel.objects.get(key="bazaar")
    assert (channel.version, channel.spec["quality"], channel.spec["shadow_allowed"]) == (1, 82, False)
    assert newest_channels()["bazaar"] == channel
    assert b"bazaar" in admin.get(reverse("batches:new")).content.lower()
    event = AuditEvent.objects.get(verb="channel.version_created")
    assert (event.note, event.after["naming"]) == ("Their seller guide", "{sku}-bazaar.{ext}")


def test_pre03_a_new_version_leaves_the_old_one_to_its_batches(admin: Browser) -> None:
    first = factories.make_channel("bazaar")
    batch = factories.make_batch("bazaar")
    changed = as_toml({**ChannelSpec.from_dict(first.spec).to_dict(), "quality": 70})
    admin.post(reverse("channels:new"), {"rules": changed, "note": "Smaller files", "seen": 1})
    second = Channel.objects.get(key="bazaar", version=2)
    assert second.spec["quality"] == 70
    assert batch.channels.get() == first
    text = admin.get(reverse("channels:detail", args=["bazaar"])).content.decode()
    assert "v2" in text and "Smaller files" in text


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ("key = ", "The rules can't be read"),
        ('key = "x"\nname = "X"\nquality = 200', "quality is 200; allowed is 0 to 100"),
        ('key = "x"\nname = "X"\ncolour = "red"', "Unknown parameter colour"),
        ('{"key": "Bad Key", "name": "X"}', "key is 'Bad Key'"),
    ],
)
def test_pre03_rules_that_can_not_be_are_refused_with_the_reason(admin: Browser, rules: str, sentence: str) -> None:
    answer = admin.post(reverse("channels:new"), {"rules": rules, "note": "n", "seen": 0})
    assert answer.status_code == 422
    assert sentence in answer.context["form"].errors["rules"][0]


def test_pre03_two_admins_at_once_get_a_conflict(admin: Browser) -> None:
    factories.make_channel("bazaar")
    rules = 'key = "bazaar"\nname = "Bazaar"\nquality = 60'
    assert admin.post(reverse("channels:new"), {"rules": rules, "note": "n", "seen": 0}).status_code == 409
    assert Channel.objects.filter(key="bazaar").count() == 1


def test_pre03_toml_is_read_back_to_the_same_rules() -> None:
    spec = ChannelSpec(
        key="a", name='Quote " and \\ Ümlaut', metadata=("title", "creator"), alt_text="{sku}: new\tline"
    )
    assert parse(as_toml(spec.to_dict())) == spec.to_dict()


@pytest.mark.parametrize(("rate", "words", "place"), [(0.02, "Target 2.0%", "85.86"), (0.05, "Target 5.0%", "77.64")])
def test_the_target_is_the_policys_own(client: Browser, rate: float, words: str, place: str) -> None:
    factories.make_policy(tolerated_rate=rate)
    looked_at = factories.make_review()
    client.force_login(factories.make_user("rosa", Role.REVIEWER))
    client.post(
        f"/review/items/{looked_at.pk}/decision/", '{"verdict": "approve", "version": 0}',
        content_type="application/json", headers={"Idempotency-Key": "k"},
    )  # fmt: skip
    client.force_login(factories.make_user("adam", Role.ADMIN))
    page = client.get("/quality/thresholds/").content.decode()
    assert words in page and f'y1="{place}"' in page
