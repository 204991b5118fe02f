"""Whose batch it is (REV-13): who answers for its quality and whom its alarms name."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from reviewapp.enums import Role
from reviewapp.models import Batch
from reviewapp.selectors import access
from reviewapp.selectors import people as people_selectors

from . import audit
from .people import require


class OwnerRefused(ValueError):
    """A batch that can't be handed over so; the message says why."""


def hand_to(batch: Batch, owner: User, actor: Any, *, seen: int, note: str = "") -> None:
    """Give `batch` to another manager or admin. Handing it to whose it is changes nothing.

    `seen` is the id of the owner the person saw, 0 for nobody: whoever comes second is told. Raises NotAllowed,
    OwnerRefused.
    """
    require(actor, Role.MANAGER, to=_("hand a batch over"))
    if not people_selectors.managers().filter(pk=owner.pk).exists():
        raise OwnerRefused(_("Only a manager or an admin with an open account can own a batch."))
    if not access.may_see(owner, batch.client_id):
        raise OwnerRefused(_("%(name)s doesn't work for this client.") % {"name": owner.get_username()})
    with transaction.atomic():
        Batch.objects.select_for_update(no_key=True).filter(pk=batch.pk).first()
        before = Batch.objects.select_related("owner").get(pk=batch.pk).owner
        if (before.pk if before is not None else 0) != seen:
            name = (before.get_full_name() or before.get_username()) if before is not None else _("nobody")
            raise OwnerRefused(_("This batch was handed over meanwhile: its owner is %(name)s now.") % {"name": name})
        if before == owner:
            return
        Batch.objects.filter(pk=batch.pk).update(owner=owner)
        audit.record(
            "batch.owner",
            batch,
            actor=actor,
            before={"owner": before.get_username() if before is not None else ""},
            after={"owner": owner.get_username()},
            note=note.strip(),
        )
    batch.owner = owner
