"""Sessions that know whose they are, and tries to sign in that failed."""

from __future__ import annotations

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone


class PersonSession(AbstractBaseSession):
    """A session with its person and when it was opened: all of a person's can be ended, and none lasts for ever."""

    # No foreign key: sessions come and go with every visit, and nothing may hold one back.
    person_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    opened_at = models.DateTimeField(default=timezone.now)


class OutsideIdentity(models.Model):
    """A subject of an outside provider (OpenID Connect) that an account belongs to. Another issuer's is another one."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="outside_identities")
    issuer = models.CharField(max_length=300)
    subject = models.CharField(max_length=255)
    linked_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="one_account_per_subject")]


class SignInTries(models.Model):
    """Failed tries of one account or from one address; what is counted is a keyed hash of its name."""

    key = models.CharField(max_length=64, unique=True)
    failures = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["last_at"], name="sign_in_last")]
