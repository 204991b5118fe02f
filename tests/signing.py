"""A session as signing in leaves it: with what was proved and when, which force_login doesn't write down."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from typing import Any

from django.contrib.auth.models import User
from django.test import Client


def proved(session: MutableMapping[str, Any], user: User, *, ago_s: float = 0) -> None:
    """Writes into a session that `user` gave the password so many seconds ago."""
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - ago_s}]
    session["account_authentication_methods_user"] = str(user.pk)


def enter(browser: Client, user: User, *, ago_s: float = 0) -> None:
    """Signs in, without asking for a password."""
    browser.force_login(user)
    session = browser.session
    proved(session, user, ago_s=ago_s)
    session.save()
