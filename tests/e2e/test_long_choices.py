"""Choosing one of thousands by name: the suggestions follow what is typed, and the keyboard alone does it."""

from __future__ import annotations

from typing import Any

import pytest

from reviewapp.enums import Role
from reviewapp.models import Client
from tests import factories
from tests.e2e.desk import sign_in, until
from tests.e2e.walk import SMALL, WIDE, serious

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

OFFERED = "[...document.getElementById('id_client').list.options].map((one) => one.value)"


def test_ing18_a_client_is_typed_suggested_and_found(page: Any, context: Any, live_server: Any) -> None:
    Client.objects.bulk_create(Client(name=f"Studio {n:05d}", slug=f"studio-{n}") for n in range(1_000))
    wanted = Client.objects.get(name="Studio 00871")
    for client, name in ((wanted, "wanted.jpg"), (None, "other.jpg")):
        batch = factories.make_batch(**({"client": client} if client else {}))
        factories.make_asset(batch, filename=name, relative_path=name)
    sign_in(context, live_server, factories.make_user("Mia", Role.MANAGER))
    page.goto(f"{live_server.url}/images/")
    assert page.get_by_label("Client", exact=True).get_attribute("placeholder") == "Every client"
    page.focus("#id_client")
    page.keyboard.type("087")
    until(page, f"({OFFERED}).length === 11 && ({OFFERED}).every((one) => one.includes('087'))")
    page.keyboard.type("1")
    until(page, f"({OFFERED}).join() === 'Studio 00871'")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    page.wait_for_url("**client=0871**")
    assert "wanted.jpg" in page.inner_text("main") and "other.jpg" not in page.inner_text("main")
    assert page.input_value("#id_client") == "Studio 00871", "what was found is said by its whole name"
    page.fill("#id_client", "Studio 0087")
    page.keyboard.press("Enter")
    page.wait_for_selector(".note.hold")
    assert "Several fit “Studio 0087”" in page.inner_text(".note.hold")
    assert "jpg" not in page.inner_text("main"), "nobody's photos rather than everybody's"
    for width in (1440, 390, 320):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate(WIDE) <= 0 and page.evaluate(SMALL) == []
    assert serious(page) == []
