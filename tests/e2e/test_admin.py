"""The admin's screens in a browser: thresholds, presets, proposals, channels, people, audit; sizes and policy."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from reviewapp.enums import ProposalState, RejectReason, Role
from reviewapp.models import Channel, PresetProposal, PresetVersion, RoutingPolicy
from reviewapp.services import audit, people
from tests import factories
from tests.e2e.desk import sign_in, until

pytestmark = pytest.mark.django_db(transaction=True)


NAMELESS = """() => [...document.querySelectorAll('main input, main select, main textarea')]
    .filter((el) => el.type !== 'hidden' && !el.labels?.length && !el.ariaLabel).map((el) => el.outerHTML)"""
"""Form controls no screen reader can name."""


@pytest.fixture
def admin(context: Any, live_server: Any) -> User:
    """An admin signed in to the browser."""
    people.seed_roles()
    user = factories.make_user("Ada", Role.ADMIN)
    sign_in(context, live_server, user)
    return user


@pytest.fixture
def version() -> PresetVersion:
    """The standard preset."""
    factories.policy()
    return factories.make_preset_version("Ceramics")


def test_rte11_a_draft_moves_its_line_and_publishing_needs_a_reason(page: Any, live_server: Any, admin: User) -> None:
    factories.policy()
    asset = factories.make_asset()
    factories.make_run(asset, total=91.0)
    page.goto(live_server.url + reverse("quality:thresholds"))
    assert page.get_attribute("#d-approve_at", "visibility") == "hidden"
    page.fill("#id_approve_at", "86")
    assert page.get_attribute("#d-approve_at", "x1") == "860"
    assert page.get_attribute("#d-approve_at", "visibility") == "visible"
    page.click("text=Publish >> nth=-1")
    page.wait_for_selector("#id_note_error")
    assert RoutingPolicy.objects.count() == 1
    assert page.input_value("#id_approve_at") == "86"
    page.fill("#id_note", "Reviewers agree from 86 up")
    page.click("button:has-text('Publish')")
    page.wait_for_url(live_server.url + reverse("quality:thresholds"))
    assert RoutingPolicy.objects.latest("number").approve_at == 86
    page.watched.problems[:] = [one for one in page.watched.problems if "422" not in one]


def test_pre02_a_version_is_made_compared_and_set_current(
    page: Any, live_server: Any, admin: User, version: PresetVersion
) -> None:
    page.goto(live_server.url + reverse("presets:detail", args=[version.preset.slug]))
    page.click("text=New version")
    page.fill("[name='shadow.opacity']", "0.1")
    page.fill("#id_note", "Softer shadow")
    page.click("text=Save version")
    page.wait_for_url("**/?version=2")
    assert page.locator("tr.changed").count() == 1
    assert "Shadow opacity" in page.inner_text("tr.changed")
    page.click("text=Set current")
    until(page, "document.body.innerText.includes('New batches get version 2.')")
    version.preset.refresh_from_db()
    assert version.preset.current is not None and version.preset.current.number == 2


def test_fbk01_a_proposal_is_accepted_in_the_browser(
    page: Any, live_server: Any, admin: User, version: PresetVersion
) -> None:
    params = {**version.params, "shadow": {**version.params["shadow"], "opacity": 0.15}}
    changes = [{"path": "shadow.opacity", "old": 0.2, "new": 0.15}]
    evidence = {"decisions": 40, "rejected_with_reason": 6, "share": 0.15, "limit": 0.05, "decision_ids": []}
    proposal = PresetProposal.objects.create(
        base=version, reason_code=RejectReason.SHADOW, params=params, changes=changes, evidence=evidence
    )
    page.goto(live_server.url + reverse("proposals:list"))
    page.click("a.prime")
    page.fill("#id_note", "Looked at all six")
    page.click("button:has-text('Accept')")
    until(page, "document.body.innerText.includes('is current')")
    proposal.refresh_from_db()
    assert proposal.state == ProposalState.ACCEPTED


def test_pre03_a_new_platform_is_typed_in_and_offered(
    page: Any, live_server: Any, admin: User, version: PresetVersion
) -> None:
    page.goto(live_server.url + reverse("channels:new"))
    page.fill("#id_rules", 'key = "bazaar"\nname = "Bazaar"\nmin_dimension = 800\nformat = "WEBP"\nquality = 82\n')
    page.fill("#id_note", "Their guide")
    page.click("text=Save version")
    page.wait_for_url("**/channels/bazaar/")
    assert Channel.objects.get(key="bazaar").spec["quality"] == 82
    page.goto(live_server.url + reverse("batches:new"))
    assert "Bazaar" in page.inner_text("main")


def test_obs24_the_log_shows_older_rows_in_place(page: Any, live_server: Any, admin: User) -> None:
    for _ in range(30):
        people.set_roles(factories.make_user(), [Role.REVIEWER, Role.EDITOR, Role.SENIOR], admin)
    batch = factories.make_batch()
    for n in range(90):
        audit.record("batch.priority", batch, actor=admin, after={"priority": n % 10})
    page.goto(live_server.url + reverse("audit:list"))
    assert page.locator("tbody tr").count() == 101
    page.click("text=Show older")
    until(page, "document.querySelectorAll('tbody tr').length === 120")
