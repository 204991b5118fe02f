"""The quality loop's pages with something to show, in a real browser: readable in both themes, none too wide."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from reviewapp.enums import AlarmKind, LookKind, Role
from reviewapp.services import feedback, scopes
from tests import factories
from tests.e2e import walk
from tests.e2e.desk import sign_in
from tests.web import test_proof_views as rows

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def a_day(manager: Any) -> dict[str, str]:
    """A held lot with a find, a certified scope, two reviewers, returns and a complaint. Addresses of the pages."""
    rita, omar = factories.make_user("rita", Role.REVIEWER), factories.make_user("omar", Role.REVIEWER)
    rows.gold_looks(rita, 22, 1)
    rows.gold_looks(omar, 9, 13)
    scopes.raise_alarm(AlarmKind.REVIEWER, "reviewer:1", "omar: too many defects missed.", reviewer=omar)
    held = rows.a_lot("held", 5)
    rows.looked(held, omar, "reject", LookKind.SECOND, rows.looked(held, rita, "reject"))
    scopes.hold(held.scope, "Lot 1: 2 finds in 29 looks.", held)
    proven = rows.a_lot("released", 1)
    clean = scopes.closed_lot({"size": 1000, "rate": 0.3, "find_ranks": [4], "other_finds": 0})
    scopes.write(proven.scope, scopes.policy.Scope("certified", (clean,) * 5), list(range(5)))
    scopes.certify(proven.scope)
    client, photo = held.scope.client, held.places.all()[0].asset
    for month, returned, is_before in ((1, 200, True), (4, 120, False)):
        feedback.record_returns(
            client, starts_on=date(2026, month, 1), ends_on=date(2026, month + 2, 28), sold=2000, returned=returned,
            is_before=is_before, note="", actor=manager,
        )  # fmt: skip
    feedback.complain(photo, reason="edge_halo", note="White rim on dark pages", received_on=None, actor=manager)
    return {
        "proof": "/quality/proof/", "reviewers": "/quality/reviewers/", "batch": f"/batches/{photo.batch_id}/",
        "client": f"/clients/{client.pk}/", "account": "/account/",
    }  # fmt: skip


def test_pages_of_the_quality_loop_are_accessible_and_fit(page: Any, context: Any, live_server: Any) -> None:
    factories.policy()
    manager = factories.make_user("mona", Role.MANAGER, Role.REVIEWER)
    pages = a_day(manager)
    sign_in(context, live_server, manager)
    for theme in ("light", "dark"):
        context.add_cookies([{"name": "theme", "value": theme, "url": live_server.url}])
        for name, address in pages.items():
            page.set_viewport_size({"width": 1440, "height": 900})
            page.goto(f"{live_server.url}{address}")
            rules = walk.RULES if theme == "light" else walk.COLOUR_RULES  # the rest is the same page
            assert walk.serious(page, rules) == [], f"{name}, {theme}"
            if theme == "light":
                page.set_viewport_size({"width": 390, "height": 844})
                assert page.evaluate(walk.WIDE) <= 0, f"{name} is too wide for a phone"
                assert page.evaluate(walk.SMALL) == [], name
    # The factories' photos have no stored pictures: a missing tile is no complaint of these pages.
    page.watched.problems = [said for said in page.watched.problems if "404" not in said]
