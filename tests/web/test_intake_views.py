"""The intake report of a batch, as a page and as a table, and what of today's files was refused."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from reviewapp.enums import AssetState, Role
from reviewapp.models import Asset, Batch
from reviewapp.selectors import home, intake
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
BLURRED = {"code": "blurred", "severity": "warning", "message": "Soft all over.", "suggestion": "Shoot it again."}
UNTAGGED = {"code": "untagged", "severity": "info", "message": "No profile: taken as sRGB.", "suggestion": ""}


@pytest.fixture
def manager(client: Browser) -> Browser:
    """A browser signed in as a manager."""
    client.force_login(factories.make_user("mona", Role.MANAGER))
    return client


def refuse(batch: Batch, code: str, **fields: Any) -> Asset:
    values = {"state_code": code, "state_reason": f"It is {code}.", **fields}
    return factories.make_asset(batch, AssetState.REJECTED_INTAKE, **values)


def batch_of_each() -> Batch:
    """Refused, duplicate, taken with a warning, taken with a note that asks for nobody, and plain."""
    batch = factories.make_batch(name="Spring, 2nd")
    refuse(batch, "file_too_small", filename="tiny.jpg", relative_path="shoot/tiny.jpg", width=40, height=30)
    first = factories.make_asset(batch, AssetState.APPROVED, filename="plain.jpg")
    factories.make_asset(
        batch, AssetState.DUPLICATE, filename="again.jpg", duplicate_of=first, state_reason="The same as plain.jpg."
    )
    factories.make_asset(batch, AssetState.IN_REVIEW, filename="soft.jpg", sku="=1+1", findings=[UNTAGGED, BLURRED])
    factories.make_asset(batch, AssetState.IN_REVIEW, filename="noted.jpg", findings=[UNTAGGED])
    return batch


def test_val14_every_flagged_file_is_listed_with_its_reason_and_no_other(manager: Browser) -> None:
    batch = batch_of_each()
    factories.make_asset(factories.make_batch(), AssetState.REJECTED_INTAKE, filename="elsewhere.jpg")
    page = manager.get(reverse("batches:intake", args=[batch.pk]))
    rows = [(row.asset.filename, row.outcome, [each.code for each in row.reasons]) for row in page.context["page"].rows]
    assert rows == [
        ("tiny.jpg", "refused", ["file_too_small"]),
        ("again.jpg", "duplicate", ["duplicate"]),
        ("soft.jpg", "taken", ["blurred"]),
    ]
    text = page.content.decode()
    for words in (
        "shoot/tiny.jpg",
        "It is file_too_small.",
        "The same as plain.jpg.",
        "Soft all over.",
        "Shoot it again.",
    ):
        assert words in text, words
    assert "noted.jpg" not in text and "elsewhere.jpg" not in text


def test_val14_the_csv_has_a_row_for_each_reason_and_runs_no_formula(manager: Browser) -> None:
    batch = batch_of_each()
    refuse(batch, "blank", filename="=HYPERLINK(1).jpg", state_reason="@SUM: one even tone.", findings=[BLURRED])
    answer = manager.get(reverse("batches:intake_csv", args=[batch.pk]))
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="intake-spring-2nd-{batch.pk}.csv"'
    assert answer["Cache-Control"] == "private, no-store"
    text = answer.content.decode("utf-8-sig")
    assert answer.content.startswith(b"\xef\xbb\xbf"), "spreadsheets read file names in any letters by this mark"
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0]) == intake.COLUMNS
    assert [(row["file"], row["outcome"], row["code"]) for row in rows] == [
        ("shoot/tiny.jpg", "refused", "file_too_small"),
        ("again.jpg", "duplicate", "duplicate"),
        ("soft.jpg", "taken", "blurred"),
        ("'=HYPERLINK(1).jpg", "refused", "blank"),
        ("'=HYPERLINK(1).jpg", "refused", "blurred"),
    ]
    assert (rows[0]["width"], rows[0]["height"], rows[0]["bytes"]) == ("40", "30", "1000")
    assert rows[2]["sku"] == "'=1+1" and rows[2]["suggestion"] == "Shoot it again."
    assert rows[3]["reason"] == "'@SUM: one even tone."


def test_val14_the_list_goes_on_by_key_and_costs_the_same(manager: Browser, django_assert_num_queries: Any) -> None:
    batch = factories.make_batch()
    refuse(batch, "blank")
    url = reverse("batches:intake", args=[batch.pk])
    manager.get(url)
    with django_assert_num_queries(8):
        manager.get(url)
    for _ in range(intake.PAGE + 4):
        refuse(batch, "blank")
    with django_assert_num_queries(8):
        first = manager.get(url)
    cursor = first.context["page"].next_cursor
    assert len(first.context["page"].rows) == intake.PAGE and cursor
    rest = manager.get(url, {"after": cursor}, headers=HTMX)
    assert len(rest.context["page"].rows) == 5 and b"<section" not in rest.content
    assert rest.context["page"].next_cursor == "" and rest.context["page"].refusals is None


def test_val18_the_report_counts_refused_of_all_by_reason(manager: Browser) -> None:
    batch = factories.make_batch()
    for code in ("file_too_small", "resolution_too_low", "resolution_too_low", "from_the_future"):
        refuse(batch, code)
    for _ in range(12):
        factories.make_asset(batch, AssetState.IN_REVIEW)
    refuse(factories.make_batch(), "blank")
    found = intake.refusals(batch)
    assert found.rows == [
        ("resolution_too_low", 2, 0.125), ("file_too_small", 1, 0.0625), ("from_the_future", 1, 0.0625),
    ]  # fmt: skip
    text = manager.get(reverse("batches:intake", args=[batch.pk])).content.decode()
    assert "4 of 16 files, 25.0%" in text and "Blank picture" not in text
    assert text.index("Resolution too low") < text.index("File too small") < text.index("From the future")
    page = manager.get(reverse("batches:detail", args=[batch.pk])).content.decode()
    assert "4 of 16 refused" in page and reverse("batches:intake", args=[batch.pk]) in page


def test_val18_the_home_page_counts_what_was_refused_of_the_files_of_today(manager: Browser) -> None:
    batch = factories.make_batch()
    old = timezone.now() - timedelta(days=3)
    late = refuse(batch, "blank")  # came three days ago, looked at today
    Asset.objects.filter(pk=late.pk).update(created_at=old)
    gone = refuse(batch, "blank")
    Asset.objects.filter(pk=gone.pk).update(created_at=old, state_changed_at=old)
    refuse(batch, "blank")
    refuse(batch, "file_too_small")
    refuse(batch, "file_too_small")
    for _ in range(5):
        factories.make_asset(batch, AssetState.IN_REVIEW)
    found = home.today(factories.make_user("mia2", Role.MANAGER))
    assert found.refused.by_code == [("file_too_small", 2), ("blank", 1)] and found.refused.total == 8
    assert found.figures.total == 9, "what moved today, as before"
    text = manager.get("/").content.decode()
    assert "Refused at intake today" in text and "3 of 8 files, 37.5%" in text


def test_val18_a_day_without_files_says_nothing_of_refusals(manager: Browser) -> None:
    assert "Refused at intake today" not in manager.get("/").content.decode()
