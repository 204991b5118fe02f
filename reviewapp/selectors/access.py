"""Whose photos a person may see: the one place that says it (SEC-01). Deny by default.

Everybody works for every client or for a list of them; with neither they see no photo at all. Superusers see all.
For people with every client no query and no condition is added to anything; for the others one query per request.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.db.models import Model, Q, QuerySet

from reviewapp.models import Batch, ClientAccess, PersonScope
from reviewapp.selectors import people

M = TypeVar("M", bound=Model)
Clients = frozenset[int] | None
"""Ids of clients; None stands for every client there is and will be."""
NOBODY: frozenset[int] = frozenset()


def clients_of(user: Any) -> Clients:
    """The clients `user` may see, None for all; read once per user object, which is one request."""
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return NOBODY
    if user.is_superuser:
        return None
    if not hasattr(user, "_softproof_clients"):
        user._softproof_clients = None if _has_all(user) else _listed(user)
    found: Clients = user._softproof_clients
    return found


def _has_all(user: Any) -> bool:
    known: bool | None = getattr(user, people.HAS_ALL, None)  # what came along with the roles
    return PersonScope.objects.filter(user=user.pk, all_clients=True).exists() if known is None else known


def _listed(user: Any) -> frozenset[int]:
    return frozenset(ClientAccess.objects.filter(user=user.pk).order_by().values_list("client_id", flat=True))


def has_every_client(user: Any) -> bool:
    """Whether pages about the whole house are for `user`."""
    return clients_of(user) is None


def reach_of(user: Any) -> str:
    """For how many clients `user` works, in a word: all, some or none."""
    clients = clients_of(user)
    return "all" if clients is None else "some" if clients else "none"


def limit(rows: QuerySet[M], user: Any, path: str = "batch__client") -> QuerySet[M]:
    """Those of `rows` that `user` may see; `path` leads from a row to its client."""
    return within(rows, clients_of(user), path)


def within(rows: QuerySet[M], clients: Clients, path: str = "batch__client") -> QuerySet[M]:
    """Those of `rows` that belong to one of `clients`."""
    return rows if clients is None else rows.filter(**{f"{path}__in": clients})


def may_see(user: Any, client_id: int) -> bool:
    """Whether photos of this client are for `user`."""
    clients = clients_of(user)
    return clients is None or client_id in clients


def may_see_batch(user: Any, batch_id: int) -> bool:
    """Whether photos of this batch are for `user`; no query for who sees everything."""
    clients = clients_of(user)
    return clients is None or Batch.objects.filter(pk=batch_id, client__in=clients).exists()


def batches_within(clients: frozenset[int]) -> list[int]:
    """The batches of `clients`, as ids: a join would be walked through from the first photo of all."""
    return list(Batch.objects.filter(client__in=clients).order_by().values_list("pk", flat=True))


def who_may_see(persons: QuerySet[User], client_id: int) -> QuerySet[User]:
    """Those of `persons` that photos of this client are for."""
    return _among(persons, ClientAccess.objects.filter(client=client_id))


def has_senior_for(batch_id: int) -> bool:
    """Whether anybody with an open account who works for the batch's client is a senior or an admin."""
    return _among(people.seniors(), ClientAccess.objects.filter(client__batches=batch_id)).exists()


def _among(persons: QuerySet[User], given: QuerySet[ClientAccess]) -> QuerySet[User]:
    return persons.filter(Q(is_superuser=True) | Q(scope__all_clients=True) | Q(pk__in=given.order_by().values("user")))
