"""A tested proposal in the browser: its evidence, the trial it is put on, and the way back."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from reviewapp.enums import CanaryState, Role, StudyStage, Verdict
from reviewapp.models import Canary, ProcessingRun, ReviewTask, Study
from reviewapp.services import loop, review
from tests import duels
from tests import factories as make

from .desk import open_queue, painted, saved, sign_in, until, waiting

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def judged(study: Study, reviewer: User) -> None:
    """Everybody rejects what is in use and approves what is proposed."""
    for one in study.runs.select_related("review_task"):
        assert one.review_task is not None
        is_bad = one.side == "champion"
        review.record_decision(
            reviewer, one.review_task.pk, seen_version=0, verdict=Verdict.REJECT if is_bad else Verdict.APPROVE,
            reasons=["edge_halo"] if is_bad else [], idempotency_key=f"b{one.pk}",
        )  # fmt: skip


def test_both_sides_of_a_duel_come_to_the_desk_and_are_decided_by_key(
    page: Any, context: Any, live_server: Any
) -> None:
    reviewer = make.make_user("ria", Role.REVIEWER)
    ordinary = waiting(1)[0]
    duels.make_study(1)
    pictures = (
        "before_key",
        "after_key",
        "thumb_before_key",
        "thumb_after_key",
        "matte_key",
        "pixels_key",
        "after_type",
    )
    shown = {name: getattr(ordinary.run, name) for name in pictures}
    ProcessingRun.objects.update(**shown)  # the photos' own results too: the tick samples them, and the desk asks again
    sign_in(context, live_server, reviewer)
    open_queue(page, live_server)
    for word in ("duel", "proposed", "champion", "challenger", "trial"):
        assert word not in page.content().lower()
    for done in (1, 2, 3):
        painted(page)
        page.keyboard.press("a")
        saved(page)
        assert ReviewTask.objects.filter(state="done").count() == done
    assert loop.tick().studies_moved == 1, "the last look is in: the duel is counted"
    assert Study.objects.get().stage == StudyStage.LOST, "nobody was rejected"


def test_an_admin_reads_the_evidence_puts_it_on_trial_and_rolls_it_back(
    page: Any, context: Any, live_server: Any
) -> None:
    admin = make.make_user("ada", Role.ADMIN)
    study = duels.make_study(4)
    judged(study, make.make_user("ria", Role.REVIEWER))
    loop.tick()
    sign_in(context, live_server, admin)
    page.goto(live_server.url + reverse("proposals:detail", args=[study.proposal_id]))
    text = page.inner_text("main")
    assert "Fewer rejected, of 100" in text and "In plain words" in text and "Judged blind" in text
    page.click("text=Put on trial")
    until(page, "document.body.innerText.includes('Why it is rolled back')")
    trial = Canary.objects.get()
    assert trial.state == CanaryState.RUNNING and trial.started_by == admin
    page.fill("input[name=note]", "A client complains")
    page.click("text=Roll back")
    until(page, "document.body.innerText.includes('Rolled back: new batches get version 1.')")
    trial.refresh_from_db()
    assert trial.state == CanaryState.ROLLED_BACK
    page.watched.problems.clear()  # the pictures of rows made for tests aren't stored
