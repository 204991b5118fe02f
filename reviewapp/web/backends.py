"""Signing in by password, throttled whatever form it comes from: the site's, or the operations admin's."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from reviewapp.services import throttle
from reviewapp.web.addresses import address_of


class ThrottledBackend(ModelBackend):
    """Django's own behind the count of tries."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """The person, or None. Raises PermissionDenied while account or address have to wait `request.wait_s`."""
        name = username if username is not None else kwargs.get("username")
        if not name or password is None:
            return None
        address = address_of(request)
        try:
            throttle.begin(name, address)
        except throttle.TooManyTries as refused:
            if request is not None:
                request.wait_s = refused.wait_s  # type: ignore[attr-defined]
            raise PermissionDenied from refused
        user = super().authenticate(request, username=name, password=password)
        if user is None:
            throttle.fail(name, address)
            return None
        throttle.succeed(name, address)
        assert isinstance(user, User)
        return user
