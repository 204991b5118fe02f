"""Home, account and the shell, as each role meets them."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from reviewapp.enums import AssetState, BatchState, Role, Routing
from reviewapp.models import Asset, Batch, FirstSample, QualityReport
from reviewapp.services.review import record_decision
from reviewapp.services.undo import undo
from reviewapp.templatetags.softproof import bar_legend, icon, stacked_bar
from tests import factories

pytestmark = pytest.mark.django_db


def test_home_of_a_reviewer_has_own_figures_only(client: Client) -> None:
    factories.make_review()
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    page = client.get("/").content.decode()
    assert "Waiting for review" in page and "Decided today" in page
    assert "Active batches" not in page and "Escape rate" not in page


def test_home_of_a_reviewer_offers_no_review_of_nothing(client: Client) -> None:
    client.force_login(factories.make_user("Rita", Role.REVIEWER))
    text = client.get("/").content.decode()
    assert "Review 0 photos" not in text and "Nothing else needs you" in text


def test_home_of_a_manager_counts_what_there_is(client: Client) -> None:
    batch = factories.make_batch(name="Lamps", state=BatchState.REVIEW)
    factories.make_review(batch)
    factories.make_asset(batch, AssetState.FAILED)
    client.force_login(factories.make_user("mia", Role.MANAGER))
    page = client.get("/").content.decode()
    assert "Lamps" in page
    assert "1 photo could not be processed" in page
    assert 'aria-label="1 waiting, 1 failed or refused"' in page


def test_one_number_of_what_waits_everywhere_and_none_of_a_cancelled_batch(client: Client) -> None:
    """The navigation, home, the chooser and the desk say the same, also while a batch is paused."""
    kept, gone, paused = (factories.make_batch(state=state) for state in ("review", "cancelled", "paused"))
    for batch in (kept, gone, paused):
        for _ in range(2):
            factories.make_review(batch)
        factories.make_edit(batch, state="claimed")
        factories.make_edit(batch, state="awaiting_signoff")
        held = factories.make_review(batch)
        type(held).objects.filter(pk=held.pk).update(state="on_hold")
    client.force_login(factories.make_user("ada", Role.ADMIN))
    home = client.get("/")
    figures = {one["label"]: (one["value"], one["detail"]) for one in home.context["figures"]}
    assert figures["Waiting for review"] == ("2", "2 more with editors")
    counts = {entry["link"].key: entry["count"] for _group, entries in home.context["nav"] for entry in entries}
    assert (counts["review"], counts["editing"]) == (2, 4)
    assert client.get("/review/").context["mixed"].waiting == 2
    assert [row["what"] for row in home.context["needs"] if "on hold" in row["what"]] == ["2 photos on hold"]
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    assert "Review 2 photos" in client.get("/").content.decode()


def test_todays_counts_add_up_with_what_was_set_aside(client: Client) -> None:
    batch = factories.make_batch()
    for state in (AssetState.QUEUED, AssetState.DUPLICATE, AssetState.CANCELLED, AssetState.IN_REVIEW):
        factories.make_asset(batch, state)
    client.force_login(factories.make_user("mia", Role.MANAGER))
    answer = client.get("/")
    figures, page = answer.context["today"].figures, answer.content.decode()
    assert sum(count for _fill, count, _words in figures.legend) == figures.total == 4
    assert '<b>2</b><i class="key f-aside"></i>Set aside' in page and "With people" in page


def test_the_pace_counts_decisions_that_stand(client: Client) -> None:
    rita = factories.make_user("rita", Role.REVIEWER)
    for n, verdict in enumerate(("approve", "approve", "skip")):
        task = factories.make_review()
        result = record_decision(rita, task.pk, seen_version=0, verdict=verdict, idempotency_key=f"k{n}")
        assert result.decision is not None
        if n == 0:
            assert undo(rita, result.decision.pk).is_undone
    client.force_login(factories.make_user("mia", Role.MANAGER))
    assert sum(hour.reviewed for hour in client.get("/").context["pace"]) == 1


def test_rev17_the_home_page_shows_queues_pace_and_the_share_that_needed_nobody(client: Client) -> None:
    """Waiting for people, done per hour and per person, and how much of today's scores passed by themselves."""
    batch = factories.make_batch()
    waiting, done = factories.make_review(batch), factories.make_review(batch)
    for _ in range(2):
        photo = factories.make_asset(batch, AssetState.AUTO_APPROVED)
        factories.make_run(photo, total=95.0)
    QualityReport.objects.filter(total=95.0).update(routing=Routing.AUTO_APPROVE)
    rita = factories.make_user("rita", Role.REVIEWER)
    result = record_decision(rita, done.pk, seen_version=0, verdict="approve", idempotency_key="k")
    assert result.status == "saved" and waiting.state == "open"
    client.force_login(factories.make_user("mia", Role.MANAGER))
    answer = client.get("/")
    figures = {figure["label"]: figure["value"] + figure["unit"] for figure in answer.context["figures"]}
    assert (figures["Scored today"], figures["Passed without review"], figures["Waiting for review"]) == (
        "4",
        "50.0%",
        "1",
    )
    assert [(hour.scored, hour.reviewed) for hour in answer.context["pace"]][-1] == (4, 1)
    assert [(entry.user, entry.today) for entry in answer.context["team"]] == [(rita, 1)]


def test_val19_refused_files_need_the_manager_by_name(client: Client) -> None:
    batch = factories.make_batch(name="Lamps", state=BatchState.REVIEW)
    for name in ("cover.pdf", "deep/b.cr2", "c.gif", "d.gif", "e.gif"):
        factories.make_asset(batch, AssetState.REJECTED_INTAKE, filename=name)
    for state in (BatchState.DELIVERED, BatchState.CANCELLED):
        factories.make_asset(factories.make_batch(name="Old", state=state), AssetState.REJECTED_INTAKE)
    client.force_login(factories.make_user("mia", Role.MANAGER))
    page = client.get("/").content.decode()
    assert "5 files were refused" in page and "could not be processed" not in page
    assert f"{batch}: cover.pdf, deep/b.cr2, c.gif and 2 more" in page
    assert f"/batches/{batch.pk}/#failures" in page
    listed = client.get("/batches/?filter=attention").context["page"].rows
    assert [row.batch for row in listed] == [batch]


def test_smp06_a_sample_that_was_looked_at_needs_the_manager_once(client: Client) -> None:
    batch = factories.make_batch(name="Lamps", state=BatchState.REVIEW, first_share=0.1)
    for each in range(2):
        factories.make_batch(name=f"Mugs {each}", state=BatchState.READY)
    waits = factories.make_asset(batch, AssetState.WAITS_FOR_SAMPLE)
    rounds = {"preset_version": batch.preset_version, "share": 0.1, "population": 50, "size": 5}
    first = FirstSample.objects.create(batch=batch, number=1, **rounds)
    client.force_login(factories.make_user("mia", Role.MANAGER))

    def needs() -> list[str]:
        return [row["what"] for row in client.get("/").context["needs"]]

    assert needs() == ["A batch is ready to deliver"]
    FirstSample.objects.filter(pk=first.pk).update(looked_at=timezone.now())
    assert needs() == ["A sample is looked at: apply it, or sample again", "A batch is ready to deliver"]
    row = client.get("/").context["needs"][0]
    assert row["href"] == f"/batches/{batch.pk}/#first-sample" and row["why"] == str(batch)
    FirstSample.objects.create(batch=batch, number=2, **rounds)
    assert needs() == ["A batch is ready to deliver"], "another one is being looked at"
    FirstSample.objects.update(looked_at=timezone.now())
    assert len(needs()) == 2
    Asset.objects.filter(pk=waits.pk).update(state=AssetState.CANCELLED)
    assert needs() == ["A batch is ready to deliver"], "there is nothing to apply it to"
    Asset.objects.filter(pk=waits.pk).update(state=AssetState.WAITS_FOR_SAMPLE)
    Batch.objects.filter(pk=batch.pk).update(applied_at=timezone.now())
    assert needs() == ["A batch is ready to deliver"]


def test_rev13_what_needs_somebody_names_the_owner_of_its_batch(client: Client) -> None:
    mona = factories.make_user("mona", Role.MANAGER)
    paused = factories.make_batch(name="Lamps", state=BatchState.PAUSED, owner=mona)
    failed = factories.make_batch(name="Mugs", owner=mona)
    factories.make_asset(failed, AssetState.FAILED)
    nobodys = factories.make_batch(name="Rings")
    factories.make_asset(nobodys, AssetState.REJECTED_INTAKE, filename="a.pdf")
    client.force_login(factories.make_user("mia", Role.MANAGER))
    why = {row["what"]: row["why"] for row in client.get("/").context["needs"]}
    assert why["A batch is paused"] == f"{paused} (owner: mona)"
    assert why["1 photo could not be processed"] == f"{failed} (owner: mona)"
    assert why["1 file was refused"] == f"{nobodys}: a.pdf"


def test_a_photo_that_was_given_up_needs_nobody(client: Client) -> None:
    batch = factories.make_batch(name="Lamps", state=BatchState.READY)
    factories.make_asset(batch, AssetState.FAILED, state_code="given_up", state_reason="Cut off.")
    client.force_login(factories.make_user("mia", Role.MANAGER))
    assert "could not be processed" not in client.get("/").content.decode()
    assert client.get("/batches/?filter=attention").context["page"].rows == []


def test_home_of_a_senior_leads_to_what_waits_for_a_signature(client: Client) -> None:
    batch = factories.make_batch()
    edit = factories.make_edit(batch, state="awaiting_signoff", editor=factories.make_user("ed", Role.EDITOR))
    client.force_login(factories.make_user("sam", Role.SENIOR))
    page = client.get("/").content.decode()
    assert "1 edit to sign off" in page
    client.force_login(edit.editor)  # type: ignore[arg-type]
    assert "to sign off" not in client.get("/").content.decode()


def test_account_keeps_theme_and_keys_in_this_browser(client: Client) -> None:
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    client.post("/account/", {"theme": "dark"})
    page = client.get("/account/").content.decode()
    assert 'data-theme="dark"' in page
    assert 'data-keys="off"' in client.get("/review/mixed/").content.decode()
    client.post("/account/", {"theme": "pink", "keys": "on"})
    assert 'data-theme="system"' in client.get("/account/").content.decode()


def test_pages_carry_no_inline_script_style_or_handler(client: Client) -> None:
    factories.make_review()
    client.force_login(factories.make_user("all", *Role))
    for path in ("/", "/review/", "/review/mixed/", "/review/assisted/", "/editing/", "/account/", "/login/"):
        page = client.get(path, follow=True).content.decode()
        assert " style=" not in page and "<style" not in page and " on" + "click" not in page, path
        for part in page.split("<script")[1:]:
            tag = part.split(">")[0]
            assert "src=" in tag or "application/json" in tag, (path, tag)


def test_an_icon_has_classes_only_and_is_hidden_from_readers() -> None:
    svg = str(icon("check", "ic-14"))
    assert 'class="ic ic-14"' in svg and 'aria-hidden="true"' in svg and "style" not in svg


def test_the_stacked_bar_says_its_counts_in_words_and_fills_its_width() -> None:
    parts = [("auto", 3), ("reject", 0), ("wait", 1)]
    svg = str(stacked_bar(parts))
    assert 'aria-label="3 auto-approved, 1 waiting"' in svg
    assert 'x="0.00" y="0" width="750.00"' in svg and 'x="750.00" y="0" width="250.00"' in svg
    assert str(bar_legend(parts)).count("<li>") == 3
    assert "Nothing yet" in str(stacked_bar([]))
