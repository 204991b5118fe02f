"""Editing and sign-off in a browser (PRO-20, REV-09, REV-10)."""

from __future__ import annotations

import io
from typing import Any

import pytest
from PIL import Image

from reviewapp import storage
from reviewapp.enums import EditReason, EditTaskState, Role, Step
from reviewapp.models import AuditEvent, EditTask, ProcessingRun, Task
from tests import factories
from tests.e2e.desk import sign_in
from tests.e2e.pictures import SOURCE, run_files

pytestmark = pytest.mark.django_db(transaction=True)


def make_edit(**fields: Any) -> EditTask:
    """A photo in the editing queue with stored pictures and a stored original."""
    task = factories.make_edit(reason=EditReason.REJECTED, why="Rejected in review: shadow is wrong.", **fields)
    assert task.base_run is not None
    ProcessingRun.objects.filter(pk=task.base_run.pk).update(**run_files(120))
    stored = storage.put_bytes(b"original bytes", prefix="o")
    task.asset.original_key, task.asset.sha256 = stored.key, stored.sha256
    task.asset.save()
    return task


def png(size: tuple[int, int] = SOURCE) -> bytes:
    """A corrected cut-out as an editor would export it."""
    out = io.BytesIO()
    Image.new("RGBA", size, (10, 120, 60, 255)).save(out, "PNG")
    return out.getvalue()


def as_person(context: Any, server: Any, name: str, role: Role) -> Any:
    user = factories.make_user(name, role)
    sign_in(context, server, user)
    return user


def upload(page: Any, name: str, data: bytes) -> None:
    page.set_input_files("#file", {"name": name, "mimeType": "image/png", "buffer": data})


def test_pro20_claim_check_and_hand_in_a_corrected_file(page: Any, context: Any, live_server: Any) -> None:
    task = make_edit()
    editor = as_person(context, live_server, "Ed", Role.EDITOR)
    page.goto(f"{live_server.url}/editing/")
    assert "shadow is wrong" in page.inner_text("main")
    page.click("main button:has-text('Claim')")
    page.wait_for_selector("#stage .world .on")
    page.focus("#stage")
    page.keyboard.press("c")
    page.wait_for_selector("#hint:not([hidden])")
    assert page.inner_text("#hint") == page.inner_text("#live") == "This photo has one channel only."
    page.check("[name=checklist][value=clipping_path]")
    upload(page, "corrected.png", png())
    assert page.inner_text("#chosen") == "corrected.png"
    page.fill("#note", "Redrew the handle.")
    page.click("text=Upload and hand in")
    page.wait_for_selector("text=It is being scored again.")
    task.refresh_from_db()
    assert (task.state, task.editor) == (EditTaskState.SUBMITTED, editor)
    assert task.checklist == {"clipping_path": True}
    assert storage.read_bytes(task.upload_key) == png()
    assert Task.objects.filter(asset=task.asset, step=Step.RESCORE).count() == 1


def test_pro20_a_file_that_is_no_picture_is_refused_in_words(page: Any, context: Any, live_server: Any) -> None:
    task = make_edit()
    as_person(context, live_server, "Ed", Role.EDITOR)
    page.goto(f"{live_server.url}/editing/{task.pk}/")
    page.click("main button:has-text('Claim')")
    upload(page, "notes.png", b"this is no picture")
    page.click("text=Upload and hand in")
    page.wait_for_selector("#refused:not([hidden])")
    assert "notes.png" in page.inner_text("#refused")
    assert page.is_enabled("text=Upload and hand in")
    task.refresh_from_db()
    assert task.state == EditTaskState.CLAIMED
    page.watched.problems.clear()  # Chromium logs the 422


def test_pro20_a_chosen_file_is_not_lost_by_the_wrong_button(page: Any, context: Any, live_server: Any) -> None:
    task = make_edit()
    as_person(context, live_server, "Ed", Role.EDITOR)
    page.goto(f"{live_server.url}/editing/{task.pk}/")
    page.click("main button:has-text('Claim')")
    upload(page, "corrected.png", png())
    page.click("text=Use the automatic cut-out as it is")
    page.wait_for_selector("text=You chose a corrected file")
    task.refresh_from_db()
    assert (task.state, task.result_run) == (EditTaskState.CLAIMED, None)


def test_pro20_the_original_comes_as_a_download_and_is_recorded(page: Any, context: Any, live_server: Any) -> None:
    task = make_edit()
    editor = as_person(context, live_server, "Ed", Role.EDITOR)
    page.goto(f"{live_server.url}/editing/{task.pk}/")
    with page.expect_download() as waiting:
        page.click("main a:has-text('Original')")
    assert waiting.value.suggested_filename == task.asset.filename
    assert AuditEvent.objects.get(verb="original.downloaded").actor == editor


def test_rev10_own_work_shows_a_disabled_button_with_the_reason(page: Any, context: Any, live_server: Any) -> None:
    task = make_edit()
    as_person(context, live_server, "Sam", Role.SENIOR)
    page.goto(f"{live_server.url}/editing/{task.pk}/")
    page.click("main button:has-text('Claim')")
    page.click("text=Use the automatic cut-out as it is")
    page.wait_for_selector("text=Handed in as it is")
    assert page.is_disabled("button:has-text('Sign off')")
    assert "Another senior signs it off" in page.inner_text("#own-work")


def test_rev10_a_senior_sends_back_with_a_note_and_then_signs(
    page: Any, context: Any, live_server: Any, browser: Any
) -> None:
    task = make_edit()
    as_person(context, live_server, "Ed", Role.EDITOR)
    page.goto(f"{live_server.url}/editing/{task.pk}/")
    page.click("main button:has-text('Claim')")
    page.click("text=Use the automatic cut-out as it is")
    page.wait_for_selector("text=A senior editor signs this off.")

    other = browser.new_context()
    senior = as_person(other, live_server, "Sam", Role.SENIOR)
    desk = other.new_page()
    desk.goto(f"{live_server.url}/editing/{task.pk}/")
    desk.click("button:has-text('Send back')")
    desk.wait_for_selector("text=Say what is to be done")
    desk.fill("#signoff-note", "The handle still has a halo.")
    desk.click("button:has-text('Send back')")
    desk.wait_for_selector("text=Sent back with your note")

    page.goto(f"{live_server.url}/editing/")
    assert "Sent back" in page.inner_text("main")
    page.click("main button:has-text('Claim')")
    assert "The handle still has a halo." in page.inner_text("main")
    page.click("text=Use the automatic cut-out as it is")
    page.wait_for_selector("text=Handed in as it is")

    desk.goto(f"{live_server.url}/editing/")
    desk.click("#signoff a:has-text('Open')")
    desk.wait_for_selector("#stage .world .on")
    desk.click("button:has-text('Sign off')")
    desk.wait_for_selector("text=Signed off.")
    task.refresh_from_db()
    assert (task.state, task.signed_by) == (EditTaskState.SIGNED_OFF, senior)
    other.close()


def test_pro20_it_works_without_a_script(browser: Any, live_server: Any) -> None:
    task = make_edit()
    context = browser.new_context(java_script_enabled=False)
    as_person(context, live_server, "Ed", Role.EDITOR)
    page = context.new_page()
    page.goto(f"{live_server.url}/editing/{task.pk}/")
    page.click("main button:has-text('Claim')")
    upload(page, "corrected.png", png())
    page.click("text=Upload and hand in")
    task.refresh_from_db()
    assert task.state == EditTaskState.SUBMITTED
    context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_a_senior_gives_a_hopeless_photo_up_with_and_without_a_script(
    browser: Any, live_server: Any, scripts: bool
) -> None:
    task = make_edit()
    context = browser.new_context(java_script_enabled=scripts)
    as_person(context, live_server, "Sam", Role.SENIOR)
    page = context.new_page()
    page.goto(f"{live_server.url}/editing/{task.pk}/")
    page.click("text=Give the photo up")
    assert page.url.endswith(f"/editing/{task.pk}/")  # the sentence is missing
    page.fill("#give-up-note", "The product is cut off in the photo.")
    page.click("text=Give the photo up")
    page.wait_for_selector("text=The client will read")
    page.click("text=Keep it")
    page.fill("#give-up-note", "The product is cut off in the photo.")
    page.click("text=Give the photo up")
    page.click("main button:has-text('Give it up')")
    page.wait_for_selector("text=The delivery lists it with your sentence")
    task.refresh_from_db()
    assert (task.state, task.signoff_note) == (EditTaskState.WITHDRAWN, "The product is cut off in the photo.")
    context.close()


@pytest.mark.parametrize("width", [320, 768, 1440])
def test_pro20_no_sideways_scroll(page: Any, context: Any, live_server: Any, width: int) -> None:
    task = make_edit()
    as_person(context, live_server, "Ed", Role.EDITOR)
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/editing/", f"/editing/{task.pk}/", "/", "/account/"):
        page.goto(live_server.url + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
