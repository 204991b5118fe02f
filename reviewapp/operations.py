"""The operations admin is for superusers alone: it shows every table of every client (SEC-01)."""

from django.contrib.admin import AdminSite
from django.contrib.admin.apps import AdminConfig
from django.http import HttpRequest


class OperationsSite(AdminSite):
    """Being staff, or holding permissions on its tables, opens nothing."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Active superusers pass."""
        return bool(request.user.is_active and request.user.is_superuser)


class OperationsConfig(AdminConfig):
    """Django's admin with our site as the default one."""

    default_site = "reviewapp.operations.OperationsSite"
