"""For which clients a person works (SEC-01): given by an admin who works for all of them, in the audit log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from reviewapp.enums import EditTaskState, ReviewTaskState, Role
from reviewapp.models import Client, ClientAccess, EditTask, PersonScope, ReviewTask
from reviewapp.selectors import access

from . import audit
from .people import NotAllowed, require


@dataclass(frozen=True, slots=True)
class Reach:
    """Every client, or these (ids). The default is nobody's photos."""

    all_clients: bool = False
    clients: frozenset[int] = field(default_factory=frozenset)


EVERY_CLIENT = Reach(all_clients=True)


def grant(user: User, reach: Reach, actor: Any) -> bool:
    """Let `user` work for the clients of `reach` and for no others from now on; False when that was so already.

    What they have on loan or on the desk of a client they lose goes back into its queue. Raises NotAllowed, also for
    limiting oneself: whoever gives clients away must see all of them.
    """
    require(actor, Role.ADMIN, to=_("change for which clients somebody works"))
    if not access.has_every_client(actor):
        raise NotAllowed(_("Only an admin who works for every client can change for which clients somebody works."))
    if user.pk == actor.pk and not reach.all_clients and not user.is_superuser:
        raise NotAllowed(_("You can't limit yourself to some clients. Another admin can."))
    wanted = frozenset() if reach.all_clients else reach.clients
    with transaction.atomic():
        scope = locked(user)
        listed = ClientAccess.objects.filter(user=user)
        before = frozenset(listed.order_by().values_list("client_id", flat=True))
        if scope.all_clients == reach.all_clients and before == wanted:
            return False
        audit.record(
            "person.clients_changed", user, actor=actor, before=_told(scope.all_clients, before),
            after=_told(reach.all_clients, wanted),
        )  # fmt: skip
        PersonScope.objects.filter(pk=scope.pk).update(all_clients=reach.all_clients)
        listed.exclude(client__in=wanted).delete()
        new = Client.objects.filter(pk__in=wanted - before)
        ClientAccess.objects.bulk_create(ClientAccess(user=user, client=client) for client in new)
        if not reach.all_clients and not user.is_superuser:
            _give_back(user, wanted, actor)
    return True


def locked(user: User) -> PersonScope:
    """The person's row, locked until the transaction ends; made when there is none."""
    PersonScope.objects.get_or_create(user=user)
    return PersonScope.objects.select_for_update().get(user=user)


def _told(all_clients: bool, ids: frozenset[int]) -> dict[str, Any]:
    """For the audit log: names, because that is what people read there."""
    if all_clients:
        return {"clients": "every client"}
    return {"clients": list(Client.objects.filter(pk__in=ids).order_by("name").values_list("name", flat=True))}


def _give_back(user: User, kept: frozenset[int], actor: Any) -> None:
    lent = ReviewTask.objects.filter(state=ReviewTaskState.OPEN, lease_owner=user)
    lent.exclude(asset__batch__client__in=kept).update(lease_owner=None, lease_until=None)
    on_desk = EditTask.objects.filter(editor=user, state__in=[EditTaskState.OPEN, EditTaskState.CLAIMED])
    for task in on_desk.exclude(asset__batch__client__in=kept).select_related("asset"):
        freed = EditTask.objects.filter(pk=task.pk, editor=user, state=task.state)
        if freed.update(state=EditTaskState.OPEN, editor=None, claimed_at=None):
            audit.record("edit.released", task, actor=actor, before={"editor": user.pk})
