"""REVIEW_UI 7, on the managers' pages: a session that ends, and a part that did not load. Nothing typed is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from reviewapp.enums import AssetState, BatchState, Role
from reviewapp.models import Batch
from tests import factories
from tests.e2e.desk import sign_in, until
from tests.line import photo

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "right-password-1"
DIALOG_FITS = """() => {
    const box = document.getElementById('sheet-look'), inner = box.querySelector('.dlg').getBoundingClientRect();
    const outer = box.getBoundingClientRect();
    return box.scrollLeft === 0 && inner.left >= outer.left && inner.right <= outer.right + 1;
}"""


@pytest.fixture
def manager(context: Any, live_server: Any) -> User:
    """A manager signed in to the browser, with a password to come back by."""
    user = factories.make_user("Mona", Role.MANAGER)
    user.set_password(PASSWORD)
    user.save()
    sign_in(context, live_server, user)
    return user


def sign_in_again(page: Any) -> None:
    """By the dialog's link, in a tab of its own; the form token changes with it."""
    with page.context.expect_page() as opened:
        page.click("#session-over a")
    tab = opened.value
    tab.fill("#id_username", "Mona")
    tab.fill("#id_password", PASSWORD)
    tab.click("button[type=submit]")
    tab.wait_for_url("**/account/")
    tab.close()
    page.bring_to_front()


def test_ing16_an_upload_pauses_when_the_session_ends_and_goes_on_after_signing_in(
    page: Any, live_server: Any, manager: User, tmp_path: Path
) -> None:
    batch = factories.make_batch("shopify", state=BatchState.UPLOADING, closed_at=None)
    names = ["a.jpg", "b.jpg"]
    for n, name in enumerate(names):
        (tmp_path / name).write_bytes(photo(n, side=700))
    (tmp_path / "list.csv").write_text("file,sku\na.jpg,NW-1\nb.jpg,NW-2\n")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(live_server.url + reverse("uploads:page", args=[batch.pk]))
    page.wait_for_selector("#drop")
    page.context.clear_cookies(name="sessionid")
    page.set_input_files("#in-files", [tmp_path / name for name in names])
    page.wait_for_selector("#session-over[open]")
    page.click("#session-go")
    until(page, "document.getElementById('session-said').textContent === 'Sign in again to go on.'")
    assert "Refused" not in page.inner_text("#flist") and page.inner_text("#n-bad") == "0"
    assert page.inner_text("#u-foot") == "Sign in again to go on." and not batch.assets.exists()
    sign_in_again(page)
    page.click("#session-go")
    until(page, "document.getElementById('u-head').textContent === '2 of 2 files'")
    assert page.inner_text("#n-ready") == "2" and batch.assets.count() == 2
    page.set_input_files("#in-files", [tmp_path / "list.csv"])
    page.wait_for_selector("#sheet-look[open]")
    assert page.evaluate(DIALOG_FITS), "ING-20: all of the dialog is in view"
    page.click("#sl-use")
    until(page, "document.getElementById('csv-said').textContent.includes('2 rows read')")
    page.click("#finish")
    page.wait_for_url(live_server.url + reverse("batches:detail", args=[batch.pk]))
    page.watched.problems[:] = [one for one in page.watched.problems if "401" not in one]


def test_a_file_that_was_refused_is_sent_again_when_it_is_added_again(
    page: Any, live_server: Any, manager: User, tmp_path: Path
) -> None:
    batch = factories.make_batch("shopify", state=BatchState.UPLOADING, closed_at=None)
    (tmp_path / "a.jpg").write_bytes(photo(1, side=700))
    page.goto(live_server.url + reverse("uploads:page", args=[batch.pk]))
    page.wait_for_selector("#drop")
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.PROCESSING)
    page.set_input_files("#in-files", [tmp_path / "a.jpg"])
    until(page, "document.getElementById('n-bad').textContent === '1'")
    assert "<" not in page.inner_text("#flist") and "no more files" in page.inner_text("#flist")
    Batch.objects.filter(pk=batch.pk).update(state=BatchState.UPLOADING)
    page.set_input_files("#in-files", [tmp_path / "a.jpg"])
    until(page, "document.getElementById('n-ready').textContent === '1'")
    assert page.inner_text("#n-bad") == "0" and batch.assets.count() == 1
    page.watched.problems[:] = [one for one in page.watched.problems if "409" not in one]


def test_a_part_is_asked_for_again_and_a_session_that_ends_is_said_over_the_page(
    page: Any, live_server: Any, manager: User
) -> None:
    batch = factories.make_batch("shopify", name="Mugs")
    factories.make_asset(batch, AssetState.QUEUED)
    page.route("**/figures/", lambda route: route.abort())
    page.goto(live_server.url + reverse("batches:detail", args=[batch.pk]))
    page.wait_for_selector(".toast >> text=This part did not load")
    page.unroute("**/figures/")
    page.click(".toast >> text=Try again")
    page.wait_for_selector("#figures .kpis")
    page.context.clear_cookies(name="sessionid")
    page.wait_for_selector("#session-over[open]")  # the poll found out
    assert page.locator("#id_password").count() == 0 and "Processed" in page.inner_text("main")
    sign_in_again(page)
    with page.expect_response("**/progress/**") as polled:
        page.click("#session-go")
    assert polled.value.status == 200 and not page.is_visible("#session-over")
    page.watched.problems.clear()
