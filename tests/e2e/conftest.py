"""Fixtures of the browser tests."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from reviewapp.enums import Role
from tests import factories
from tests.e2e.desk import sign_in


@pytest.fixture
def reviewer(context: Any, live_server: Any) -> User:
    """A reviewer signed in to the browser."""
    user = factories.make_user("Rita", Role.REVIEWER)
    sign_in(context, live_server, user)
    return user
