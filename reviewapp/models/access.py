"""Whose photos a person may see. Roles say what somebody may do, these rows for which clients (SEC-01)."""

from django.conf import settings
from django.db import models


class PersonScope(models.Model):
    """Whether a person works for every client. Without a row, or with False, ClientAccess names their clients."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="scope")
    all_clients = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=0, help_text="Counts changes: a form that is older is refused.")

    def __str__(self) -> str:
        return f"scope of person {self.user_id}"


class ClientAccess(models.Model):
    """One client whose photos a person may see."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="client_access")
    client = models.ForeignKey("Client", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["client__name"]
        constraints = [models.UniqueConstraint(fields=["user", "client"], name="client_access_once")]

    def __str__(self) -> str:
        return f"person {self.user_id}, client {self.client_id}"
