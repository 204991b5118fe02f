"""Who several files of the pages' tests sign in as."""

from __future__ import annotations

import pytest
from django.test import Client as Browser

from reviewapp.enums import Role
from tests import factories as make


@pytest.fixture
def ada(client: Browser) -> Browser:
    """A browser signed in as somebody with every role."""
    client.force_login(make.make_user("ada", *Role))
    return client
