"""What the review and editing browser tests share: rows with real pictures, and signing in by session cookie."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User

from reviewapp.enums import AssetState, ReviewReason
from reviewapp.models import Batch, ReviewTask
from reviewapp.web.sessions import SessionStore
from tests import factories
from tests.e2e.pictures import run_files
from tests.signing import proved


def waiting(count: int, batch: Batch | None = None) -> list[ReviewTask]:
    """`count` photos waiting for review, with stored pictures, in queue order."""
    home = batch or factories.make_batch(name="Mugs")
    tasks = []
    for n in range(count):
        asset = factories.make_asset(home, AssetState.IN_REVIEW, sku=f"NW-{n + 1:03d}")
        run = factories.make_run(asset, total=81.5, **run_files(n * 40))
        why = "Scored 81: from 70 to under 90 a person decides."
        tasks.append(ReviewTask.objects.create(asset=asset, run=run, reason=ReviewReason.SCORE_BAND, why=why))
    return tasks


def sign_in(context: Any, server: Any, user: User) -> None:
    """Gives the browser a session of `user`."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    proved(session, user)
    session.save()
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session.session_key, "url": server.url}])


def open_queue(page: Any, server: Any, queue: str = "mixed") -> None:
    """Opens the desk and waits until the first photo is painted."""
    page.goto(f"{server.url}/review/{queue}/")
    page.wait_for_selector("#stage[data-shown]")


def sku(page: Any) -> str:
    """The photo in the heading."""
    return str(page.inner_text("#sku"))


def until(page: Any, expression: str, arg: Any = None, timeout_ms: int = 15_000) -> None:
    """Waits for a JavaScript expression. Playwright's own wait uses eval, which the pages' policy forbids."""
    for _ in range(timeout_ms // 50):
        if page.evaluate(expression, arg):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression} ({arg})")


def show(page: Any, wanted: str) -> None:
    """Waits until the photo with this SKU is painted."""
    until(
        page,
        """(sku) => document.getElementById('sku').textContent === sku
            && document.querySelector('.fr.cur')?.dataset.entry === document.getElementById('stage').dataset.shown""",
        wanted,
    )


def painted(page: Any) -> None:
    """Waits until the photo that is up is on screen: before that no key decides anything."""
    until(
        page,
        "document.querySelector('.fr.cur')?.dataset.entry === document.getElementById('stage').dataset.shown",
    )


def saved(page: Any) -> None:
    """Waits until every decision has reached the server."""
    until(page, "document.getElementById('desk').dataset.unsent === '0'")
