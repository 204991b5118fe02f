"""Every word a script puts on the screen goes through translation: desk and upload page in a pseudo-language."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from reviewapp.enums import BatchState, Role
from tests import factories
from tests.e2e.desk import open_queue, saved, show, sign_in, until, waiting
from tests.line import photo

pytestmark = pytest.mark.django_db(transaction=True)
PSEUDO = """
globalThis.django = {
  gettext: (text) => `⟦${text}⟧`,
  ngettext: (one, many, count) => `⟦${count === 1 ? one : many}⟧`,
};
"""
"""What a language's catalogue script would define, with every text marked."""


@pytest.fixture
def person(context: Any, live_server: Any) -> User:
    """A reviewer who also manages, in a browser whose scripts speak the pseudo-language."""
    user = factories.make_user("Rita", Role.REVIEWER, Role.MANAGER)
    factories.make_user("Sena", Role.SENIOR)
    sign_in(context, live_server, user)
    context.add_init_script(PSEUDO)
    return user


def said(page: Any) -> str:
    return str(page.inner_text("#live"))


def test_what_the_desk_says_is_translated(page: Any, live_server: Any, person: User) -> None:
    waiting(4)
    open_queue(page, live_server)
    for key in ("x", "Escape", "p", "Enter", "Escape", "l", ".", "m", "c"):
        page.keyboard.press(key)
        assert not said(page) or "⟦" in said(page), f"{key}: {said(page)}"
    page.keyboard.press("x")
    page.keyboard.press("Shift+Digit2")
    assert said(page).startswith("⟦") and said(page).endswith("⟧")
    page.keyboard.press("Enter")
    show(page, "NW-002")
    saved(page)
    assert "⟦" in said(page) and "⟦Rejected⟧" in str(page.get_attribute(".fr", "aria-label"))
    page.keyboard.press("z")
    show(page, "NW-001")
    assert said(page).startswith("⟦Undone")
    page.keyboard.press("?")
    words = page.locator("#help-cols dd").all_inner_texts() + page.locator("#help-cols h3").all_inner_texts()
    assert len(words) > 30 and all(text.startswith("⟦") for text in words), words
    page.keyboard.press("Escape")
    until(page, "!document.querySelector('dialog[open]')")
    page.context.set_offline(True)
    page.keyboard.press("a")
    until(page, "!document.getElementById('note').hidden")
    assert page.inner_text("#note").count("⟦") >= 3
    page.context.set_offline(False)
    page.watched.problems.clear()


def test_what_the_upload_page_says_is_translated(page: Any, live_server: Any, person: User, tmp_path: Path) -> None:
    batch = factories.make_batch("shopify", state=BatchState.UPLOADING, closed_at=None)
    (tmp_path / "a.jpg").write_bytes(photo(1, side=700))
    (tmp_path / "list.csv").write_text("file,sku\na.jpg,NW-1\nb.jpg,NW-2\n,NW-3\n")
    page.goto(live_server.url + reverse("uploads:page", args=[batch.pk]))
    page.wait_for_selector("#drop")
    page.set_input_files("#in-files", [tmp_path / "a.jpg", tmp_path / "list.csv"])
    page.wait_for_selector("#sheet-look[open]")
    labels = page.locator("#sl-columns label").all_inner_texts()
    assert labels and all(text.startswith("⟦") for text in [*labels, page.inner_text("#sl-use")])
    assert all("⟦" in text for text in page.locator("#sl-said .note").all_inner_texts())
    page.click("#sl-use")
    until(page, "document.getElementById('u-foot').textContent.startsWith('⟦The file is answered')")
    assert page.inner_text("#u-head").startswith("⟦") and page.inner_text("#u-sub").startswith("⟦")


def test_no_script_holds_a_sentence_that_nobody_can_translate() -> None:
    hard_wired = re.compile(
        r"""(?:\bsay|\.append|#status|textContent\s*=|label:|word:|message:|message\s*=)\s*\(?\s*['"`][A-Z][a-z]+[ .]"""
    )
    scripts = sorted((Path(__file__).parents[2] / "static/js").glob("*.js"))
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in scripts
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if hard_wired.search(line)
    ]
    assert scripts and not found, found
