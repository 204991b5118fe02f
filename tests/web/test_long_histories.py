"""What belongs to one thing is paged as every list is: to the last row, in as many queries however many there are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import chain
from typing import Any

import pytest
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from reviewapp.enums import EditTaskState, MessageChannel, MessageKind, Role, Verdict
from reviewapp.models import (
    Asset,
    AuditEvent,
    Client,
    Complaint,
    EditTask,
    OutboundMessage,
    Preset,
    PresetVersion,
    ProcessingRun,
    ReturnRate,
    ReviewDecision,
)
from tests import factories as make

pytestmark = pytest.mark.django_db
MARK = re.compile(r"row-\d{3}")


def parts(browser: Browser, path: str, name: str, *, script: bool) -> Iterator[str]:
    """The pages of the list `name`, each found by the button of the one before; with a script only its rows come."""
    text = browser.get(path).content.decode()
    assert "<html" in text
    yield text
    while found := re.search(rf'hx-get="([^"]*list={name}&amp;after=[^"]*)"', text):
        where = found[1].replace("&amp;", "&")
        answer = browser.get(where, headers={"HX-Request": "true"} if script else {})
        text = answer.content.decode()
        assert answer.status_code == 200 and ("<html" in text) is not script
        yield text


def shown(text: str, name: str, *, script: bool) -> list[str]:
    """The marks of the list's rows: of the answer alone, or of the page from the list's id to its end."""
    if not script:
        text = re.split(r"</(?:ul|ol|table)>", re.split(rf'id="{name}"', text)[1])[0]
    return MARK.findall(text)


def counted(browser: Browser, path: str) -> int:
    browser.get(path)
    with CaptureQueriesContext(connection) as caught:
        assert browser.get(path).status_code == 200
    return len(caught)


def walk(browser: Browser, path: str, name: str, marks: list[str]) -> None:
    """Every row is reached once and in order, with a script and without."""
    for script in (True, False):
        found = list(parts(browser, path, name, script=script))
        rows = [shown(text, name, script=script and n > 0) for n, text in enumerate(found)]
        assert list(chain.from_iterable(rows)) == marks, (name, script)
        assert len(rows) > 2 and len(rows[0]) == max(map(len, rows))


def histories(asset: Asset, start: int, end: int, *names: str) -> None:
    """Steps, decisions, edits, runs and complaints of one photo, or those of them that are named."""
    run = asset.runs.order_by("pk").first() or make.make_run(asset)
    shared = {"asset": asset, "run": run, "preset_version": run.preset_version, "policy": make.policy(),
              "reviewer": make.make_user("", Role.SENIOR), "task": make.make_review()}  # fmt: skip
    kept = {field.name: getattr(run, field.name) for field in run._meta.concrete_fields if field.name != "id"}
    said = {"client": asset.batch.client, "asset": asset, "received_on": date(2026, 1, 1), "was_delivered": True}
    marks = [(n, f"row-{n:03d}") for n in range(start, end)]
    made: dict[str, list[Any]] = {
        "events": [AuditEvent(verb="asset.note", noun="asset", asset=asset, note=mark) for _, mark in marks],
        "decisions": [ReviewDecision(**shared, verdict=Verdict.HOLD, version=n, score_total=80, note=mark,
                                     idempotency_key=f"{mark} {shared['task'].pk}") for n, mark in marks],
        "edits": [EditTask(asset=asset, reason="low_score", why=mark, state=EditTaskState.WITHDRAWN)
                  for _, mark in marks],
        "runs": [ProcessingRun(**kept | {"attempt": n + 2, "remover": mark}) for n, mark in marks],
        "complaints": [Complaint(**said, note=mark) for _, mark in marks],
    }  # fmt: skip
    for name in names or made:
        type(made[name][0])._default_manager.bulk_create(made[name])


@pytest.mark.parametrize("name", ["events", "decisions", "edits", "runs", "complaints"])
def test_every_history_of_a_photo_is_paged_to_its_last_row(ada: Browser, name: str) -> None:
    asset = make.make_asset()
    histories(asset, 0, 120, name)
    marks = [f"row-{n:03d}" for n in range(120)]
    walk(ada, f"/images/{asset.pk}/", name, marks[::-1] if name in ("runs", "complaints") else marks)


def test_a_photo_with_a_long_history_costs_what_one_with_a_short_one_does(ada: Browser) -> None:
    asset = make.make_asset()
    histories(asset, 0, 3)
    few = counted(ada, f"/images/{asset.pk}/")
    histories(asset, 3, 60)
    assert counted(ada, f"/images/{asset.pk}/") == few


def test_sec01_the_next_rows_of_somebody_elses_photo_are_not_there(client: Browser) -> None:
    asset = make.make_asset()
    histories(asset, 0, 60)
    client.force_login(make.make_user("mia", Role.MANAGER, clients=[make.make_client()]))
    for name in ("events", "runs", "complaints"):
        answer = client.get(f"/images/{asset.pk}/?list={name}", headers={"HX-Request": "true"})
        assert answer.status_code == 404 and b"row-" not in answer.content


def told(one: Client, start: int, end: int) -> None:
    """Messages, complaints and periods of one client."""
    asset = make.make_asset(make.make_batch(client=one))
    day = date(2020, 1, 1)
    marks = [(n, f"row-{n:03d}") for n in range(start, end)]
    sent = {"kind": MessageKind.TEST, "client": one, "channel": MessageChannel.EMAIL, "body": {}}
    OutboundMessage.objects.bulk_create(
        OutboundMessage(**sent, key=mark, target=f"{mark}@example.com", available_at=asset.created_at)
        for _, mark in marks
    )
    Complaint.objects.bulk_create(
        Complaint(client=one, asset=asset, note=mark, received_on=day, was_delivered=True) for _, mark in marks
    )
    # Two begin on one day: the day alone does not say which comes next.
    begins = [(day + timedelta(days=n // 2), mark) for n, mark in marks]
    ReturnRate.objects.bulk_create(
        ReturnRate(client=one, starts_on=at, ends_on=at, sold=9, returned=1, is_before=False, note=mark)
        for at, mark in begins
    )


@pytest.mark.parametrize("name", ["messages", "complaints", "periods"])
def test_every_list_of_a_client_is_paged_to_its_last_row(ada: Browser, name: str) -> None:
    one = make.make_client()
    told(one, 0, 55)
    walk(ada, f"/clients/{one.pk}/", name, [f"row-{n:03d}" for n in range(55)][::-1])


def test_a_client_who_was_told_much_costs_what_another_does(ada: Browser) -> None:
    one = make.make_client()
    told(one, 0, 3)
    few = counted(ada, f"/clients/{one.pk}/")
    told(one, 3, 60)
    assert counted(ada, f"/clients/{one.pk}/") == few


def test_a_refused_form_still_leads_to_the_next_rows(ada: Browser) -> None:
    """Its own address answers POST alone."""
    one = make.make_client()
    told(one, 0, 30)
    page = ada.post(f"/clients/{one.pk}/returns/", {}).content.decode()
    found = re.search(r'hx-get="([^"]*list=messages[^"]*)"', page)
    assert found and ada.get(found[1].replace("&amp;", "&")).status_code == 200


def more_versions(version: PresetVersion, start: int, end: int) -> None:
    kept = {"preset": version.preset, "params": version.params, "digest": "0" * 64}
    PresetVersion.objects.bulk_create(
        PresetVersion(**kept, number=n + 2, note=f"row-{n:03d}") for n in range(start, end)
    )


def test_pre02_the_versions_of_a_preset_are_paged_to_the_first(ada: Browser) -> None:
    make.policy()
    version = make.make_preset_version("Ceramics")
    more_versions(version, 0, 55)
    path = f"/presets/{version.preset.slug}/"
    walk(ada, path, "versions", [f"row-{n:03d}" for n in range(55)][::-1])
    rates = "".join(parts(ada, path, "rates", script=True))
    assert re.findall(r"<td>v(\d+)</td>", rates) == [str(n) for n in range(56, 0, -1)]


def test_pre02_a_version_of_a_later_page_is_shown_and_compared(ada: Browser) -> None:
    make.policy()
    version = make.make_preset_version("Ceramics")
    more_versions(version, 0, 55)
    path = f"/presets/{version.preset.slug}/"
    page = ada.get(f"{path}?version=3&compare=2").content.decode()
    assert "Settings of v3" in page and "0 differ from v2" in page
    assert "Settings of v1" in ada.get(path).content.decode(), "the current one"
    for odd in ("99999999999999999999", "-1", "x", "0"):
        assert "Settings of v1" in ada.get(f"{path}?version={odd}&compare={odd}").content.decode()
    rows = ada.get(f"{path}?version=3&list=versions&after=%5B40%5D", headers={"HX-Request": "true"}).content.decode()
    assert f'href="{path}?version=3&amp;compare=39"' in rows and "Set current" in rows
    few = counted(ada, path)
    more_versions(version, 55, 80)
    assert counted(ada, path) == few


def test_pre02_presets_are_paged_by_name(ada: Browser) -> None:
    Preset.objects.bulk_create(Preset(name=f"row-{n:03d}", slug=f"r-{n}") for n in range(120))
    found, text = [], ada.get("/presets/").content.decode()
    while True:
        found += MARK.findall(re.sub(r'(?:href|hx-get)="[^"]*"', "", text))
        more = re.search(r'hx-get="(/presets/\?after=[^"]*)"', text)
        if not more:
            break
        text = ada.get(more[1], headers={"HX-Request": "true"}).content.decode()
        assert "<html" not in text
    assert found == [f"row-{n:03d}" for n in range(120)]


def test_the_newest_run_of_a_photo_is_named_though_a_comparison_came_later(ada: Browser) -> None:
    asset = make.make_asset()
    run = make.make_run(asset)
    ProcessingRun.objects.filter(pk=make.make_run(asset, remover="other").pk).update(kind="replay")
    asset.refresh_from_db()
    asset.current_run = run
    asset.save()
    page = ada.get(f"/images/{asset.pk}/").content.decode()
    assert f"Cut out by {run.remover}" in " ".join(page.split()) and ">other" not in page
