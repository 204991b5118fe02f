"""What is proven, what failed and what is done about it, how much reviewers see, what clients say: the pages."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from reviewapp.enums import AlarmKind, AssetState, LearningAlarmKind, LookKind, LotState, Role, Sampling, ScopeMode
from reviewapp.models import (
    Alarm,
    Asset,
    AuditEvent,
    Certificate,
    Complaint,
    GoldItem,
    Look,
    Lot,
    PresetVersion,
    ReturnRate,
    ReviewTask,
    Scope,
)
from reviewapp.selectors import feedback, reviewers
from reviewapp.selectors.quality import current_policy
from reviewapp.services import alarms, hidden, scopes
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager(client: Client) -> User:
    user = factories.make_user("mona", Role.MANAGER)
    client.force_login(user)
    return user


def a_lot(state: str = LotState.OPEN, size: int = 3) -> Lot:
    """A lot of auto-approved photos, planned, its first place found defective by two people."""
    batch = factories.make_batch(client=factories.make_client(sampling=Sampling.PROOF))
    scope = Scope.objects.create(
        client=batch.client, category="mug", preset_version=batch.preset_version, policy=current_policy(),
        pipeline_version="1", lot_count=1,
    )  # fmt: skip
    plan = {
        "mode": "learn", "size": size, "first": size, "boundaries": [], "hold_at": 0, "pi_cert": 1.0, "alpha": 0.02,
        "delta": 0.05, "sensitivity": 0.7, "order_seed_hash": "", "reason": "",
    }  # fmt: skip
    lot = Lot.objects.create(scope=scope, number=1, state=state, size=size, plan=plan, why="2 finds in 29 looks.")
    for rank in range(size):
        asset = factories.make_asset(batch, AssetState.AUTO_APPROVED, category="mug")
        lot.places.create(asset=asset, run=factories.make_run(asset, total=95), rank=rank, pi=1.0)
    return lot


def looked(lot: Lot, user: User, verdict: str, kind: LookKind = LookKind.FIRST, of: Look | None = None) -> Look:
    place = lot.places.all()[0]
    wanted = hidden.Wanted(place.asset, place.run_id, kind, lot=lot, of=of)
    look = hidden.open_looks([wanted])[0]
    Look.objects.filter(pk=look.pk).update(
        verdict=verdict, reviewer=user, judged_at=timezone.now(), reasons=["edge_halo"] if verdict == "reject" else []
    )
    ReviewTask.objects.filter(pk=look.task_id).update(state="done")
    look.refresh_from_db()
    return look


def test_the_batch_page_says_why_a_lot_is_held_what_was_found_and_offers_one_click(
    client: Client, manager: User
) -> None:
    lot = a_lot(LotState.HELD)
    rita, omar = factories.make_user("rita", Role.REVIEWER), factories.make_user("omar", Role.REVIEWER)
    looked(lot, omar, "reject", LookKind.SECOND, looked(lot, rita, "reject"))
    batch = lot.places.all()[0].asset.batch
    page = client.get(f"/batches/{batch.pk}/").content.decode()
    for words in ("2 finds in 29 looks", "On hold", "Edge halo or fringe 1", "Weakest score part", "previous preset"):
        assert words in page, words
    refused = client.post(f"/quality/lots/{lot.pk}/reprocess/", {"back": f"/batches/{batch.pk}/"}, follow=True)
    assert "no earlier version" in refused.content.decode()
    made = batch.preset_version
    newer = PresetVersion.objects.create(preset=made.preset, number=2, params={}, digest="x", note="n")
    Scope.objects.update(preset_version=newer)
    done = client.post(f"/quality/lots/{lot.pk}/reprocess/", {"back": f"/batches/{batch.pk}/"}, follow=True)
    assert done.redirect_chain[-1][0] == f"/batches/{batch.pk}/" and "done again with" in done.content.decode()
    assert batch.assets.filter(state=AssetState.REDO).count() == 3
    away = client.post(f"/quality/lots/{lot.pk}/editors/", {"back": "https://elsewhere.example/"})
    assert away["Location"] == "/quality/proof/"


def test_a_hold_ends_with_a_word_only(client: Client, manager: User) -> None:
    lot = a_lot(LotState.HELD)
    scopes.hold(lot.scope, "Lot 1: 2 finds", lot)
    page = client.get("/quality/proof/").content.decode()
    assert "End the hold" in page and "2 finds" in page
    client.post(f"/quality/scopes/{lot.scope_id}/clear/", {"note": ""})
    lot.scope.refresh_from_db()
    assert lot.scope.mode == ScopeMode.HOLD
    alarm = Alarm.objects.get()
    refused = client.post(f"/quality/alarms/{alarm.pk}/close/", {"note": "Seen"}, follow=True)
    assert "where its scope is" in refused.content.decode()
    client.post(f"/quality/scopes/{lot.scope_id}/clear/", {"note": "Lamp replaced"})
    lot.scope.refresh_from_db()
    assert lot.scope.mode == ScopeMode.LEARN and not Alarm.objects.filter(closed_at__isnull=True).exists()


def test_the_proof_page_says_the_bound_its_n_and_what_is_missing(client: Client, manager: User) -> None:
    assert "Nothing is proven yet" in client.get("/quality/proof/").content.decode()
    lot = a_lot(LotState.RELEASED)
    clean = scopes.closed_lot({"size": 1000, "rate": 0.3, "find_ranks": [], "other_finds": 0})
    scopes.write(lot.scope, scopes.policy.Scope(ScopeMode.CERTIFIED, (clean,) * 5), list(range(5)))
    Lot.objects.update(record={"escaped": 2})
    found = scopes.certify(lot.scope)
    page = client.get("/quality/proof/").content.decode()
    assert found.is_ok and found.upper is not None
    assert f"Of its last 5,000 photos at most {found.upper}" in page and "Certified" in page
    assert f"{found.upper} of 5,000 photos, 95% sure" in page and "bounds count on 67%" in page
    few = scopes.closed_lot({"size": 200, "rate": 0.3, "find_ranks": [], "other_finds": 0})
    scopes.write(lot.scope, scopes.policy.Scope(ScopeMode.LEARN, (few,)), [1])
    left = scopes.certify(lot.scope).looks_left
    assert left and f"About {left:,} more clean looks" in client.get("/quality/proof/").content.decode()


def test_fbk08_what_drifts_waits_beside_the_other_alarms_and_is_closed_there(client: Client, manager: User) -> None:
    preset = factories.make_preset_version("Mugs").preset
    assert alarms.open_alarm(preset, LearningAlarmKind.DRIFT, "Scores fell by 4 points", {}) is not None
    page = client.get(reverse("quality:proof")).content.decode()
    assert "Scores fell by 4 points" in page and "Mugs" in page
    address = re.search(r'action="(/presets/alarms/[^"]*)"', page)
    assert address is not None and client.post(address[1], {"note": "The lamp"}).status_code == 302
    assert "Scores fell" not in client.get(reverse("quality:proof")).content.decode()


def test_lists_cost_the_same_however_long(client: Client, manager: User) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as made:
            assert client.get(address).status_code == 200
        return len(made)

    for _ in range(3):
        scopes.certify(a_lot(LotState.RELEASED).scope)
        factories.make_user("", Role.REVIEWER)
    few = [queries("/quality/proof/"), queries("/quality/reviewers/")]
    for _ in range(40):
        scopes.certify(a_lot(LotState.RELEASED, size=1).scope)
        factories.make_user("", Role.REVIEWER)
    assert [queries("/quality/proof/"), queries("/quality/reviewers/")] == few
    page = client.get("/quality/proof/").content.decode()
    assert "Show older ones" in page and Certificate.objects.count() == 43
    cursor = Scope.objects.order_by("-pk")[29].pk
    older = client.get(f"/quality/proof/?after={cursor}", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in older and older.count("<tr>") == 13


def gold_looks(user: User, found: int, missed: int) -> None:
    for number in range(found + missed):
        asset = factories.make_asset(state=AssetState.APPROVED)
        base = factories.make_run(asset)
        run = factories.make_run(asset, kind="gold", pipeline_version="1g")
        Asset.objects.filter(pk=asset.pk).update(current_run=base)
        item = GoldItem.objects.create(asset=asset, run=run, is_defective=True, source="injected", reasons=["shadow"])
        task = ReviewTask.objects.create(asset=asset, run=run, reason="sample", why="x", state="done")
        verdict = "reject" if number < found else "approve"
        Look.objects.create(
            task=task, kind=LookKind.GOLD, asset=asset, gold=item, reviewer=user, verdict=verdict,
            judged_at=timezone.now() - timedelta(minutes=number),
        )  # fmt: skip


def test_reviewers_figures_with_interval_and_a_plain_sentence(client: Client, manager: User) -> None:
    good, blind = factories.make_user("good", Role.REVIEWER), factories.make_user("blind", Role.REVIEWER)
    gold_looks(good, 24, 0)
    gold_looks(blind, 8, 16)
    page = client.get("/quality/reviewers/").content.decode()
    assert "100% of 24 known defects found; at least 88% is certain" in page
    assert "too little to build a proof on" in page and "95% interval 16% to 55%, n 24" in page
    assert "alarm at 6.0" in page
    own = Client()
    own.force_login(blind)
    assert "8" in own.get("/account/").content.decode() and "How you review" in own.get("/account/").content.decode()
    assert own.get("/quality/reviewers/").status_code == 403


def test_agreement_is_said_only_where_enough_is_bad() -> None:
    rita, omar = factories.make_user("rita", Role.REVIEWER), factories.make_user("omar", Role.REVIEWER)
    for number in range(20):
        lot = a_lot(size=1)
        both = "reject" if number < 6 else "approve"
        looked(lot, rita, both)
        looked(lot, omar, both if number else "approve", LookKind.AGAIN)
    first, second = reviewers.figures([rita, omar])
    assert first.shared == second.shared == 20
    assert first.kappa is not None and first.kappa == pytest.approx(second.kappa) and 0.8 < first.kappa < 1
    Look.objects.update(verdict="approve")
    assert reviewers.figures([rita])[0].kappa is None, "nothing bad, nothing to agree on"


def test_fbk07_a_complaint_is_logged_against_a_photo_and_counts(client: Client, manager: User) -> None:
    lot = a_lot(LotState.RELEASED)
    photo = lot.places.all()[0].asset
    form = client.get(f"/images/{photo.pk}/")
    assert "Log a complaint" in form.content.decode()
    answer = client.post(f"/images/{photo.pk}/complaint/", {"note": "", "reason": ""})
    assert answer.status_code == 422
    future = (date.today() + timedelta(days=3)).isoformat()
    answer = client.post(f"/images/{photo.pk}/complaint/", {"note": "Handle gone", "received_on": future})
    assert answer.status_code == 422 and "future" in answer.content.decode()
    client.post(f"/images/{photo.pk}/complaint/", {"note": "Handle gone", "reason": "partial_removal"})
    said = Complaint.objects.get()
    assert (said.asset, said.lot, said.client) == (photo, lot, photo.batch.client)
    lot.refresh_from_db()
    assert lot.record["escaped"] == 1, "it left: a known escape of its scope"
    assert "Handle gone" in client.get(f"/images/{photo.pk}/").content.decode()
    assert "Handle gone" in client.get(f"/clients/{photo.batch.client_id}/").content.decode()
    assert Alarm.objects.filter(kind=AlarmKind.ESCAPED).count() == 1
    assert AuditEvent.objects.filter(verb="complaint.logged", actor=manager).exists()


def test_fbk06_the_client_page_leads_with_the_change_of_returns(client: Client, manager: User) -> None:
    one = factories.make_client()
    page = client.get(f"/clients/{one.pk}/").content.decode()
    assert page.index("Goods that come back") < page.index("Brand notes") and "Enter returns" in page
    period = {"starts_on": "2026-01-01", "ends_on": "2026-03-31", "sold": 2000, "returned": 200, "is_before": "on"}
    assert client.post(f"/clients/{one.pk}/returns/", period).status_code == 302
    later = {"starts_on": "2026-04-01", "ends_on": "2026-06-30", "sold": 2000, "returned": 120}
    client.post(f"/clients/{one.pk}/returns/", later)
    found = feedback.of_client(one)
    assert found.change == pytest.approx(-0.04) and found.is_clear
    assert (
        "10.0% of goods came back before, 6.0% since: 4.0 points fewer"
        in client.get(f"/clients/{one.pk}/").content.decode()
    )
    for wrong in ({**later, "returned": 3000}, {**later, "ends_on": "2026-03-01"}, {**later, "sold": 0}):
        assert client.post(f"/clients/{one.pk}/returns/", wrong).status_code == 422
    assert ReturnRate.objects.count() == 2


def test_proof_is_chosen_on_the_clients_page_and_needs_deliveries_that_wait(client: Client, manager: User) -> None:
    one = factories.make_client()
    fields = {"name": one.name, "brand_notes": "", "validation_profile": "", "sampling": "proof", "seen": 0}
    answer = client.post(f"/clients/{one.pk}/", fields)
    assert answer.status_code == 422 and "proven" in answer.content.decode()
    assert client.post(f"/clients/{one.pk}/", {**fields, "waits_for_samples": "on"}).status_code == 302
    one.refresh_from_db()
    assert one.sampling == Sampling.PROOF
