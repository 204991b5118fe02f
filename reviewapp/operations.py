"""The operations admin is for superusers alone: it shows every table of every client (SEC-01)."""

from typing import Any

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect


class OperationsSite(AdminSite):
    """Being staff, or holding permissions on its tables, opens nothing."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Active superusers pass."""
        return bool(request.user.is_active and request.user.is_superuser)

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseRedirect:
        """One page for that: Django's own counts no wrong tries, writes nothing down and ends no session."""
        return redirect("password")


class OperationsConfig(AdminConfig):
    """Django's admin with our site as the default one."""

    default_site = "reviewapp.operations.OperationsSite"
