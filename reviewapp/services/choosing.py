"""Keeping a person's own filters of the review queue."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from reviewapp.models import SavedFilter
from reviewapp.policies.choosing import Choice

MAX_FILTERS = 30
MAX_NAME = 60


class NotSaved(Exception):
    """The filter was not kept; the message is for the person."""


def save(user: User, queue: str, name: str, choice: Choice) -> SavedFilter:
    """Keep `choice` under `name`; the same name again replaces it. Raises NotSaved."""
    title = " ".join(name.split())
    if not title:
        raise NotSaved(_("Give the filter a name, then save it."))
    if len(title) > MAX_NAME:
        raise NotSaved(
            _("The name has %(title)s characters; %(max_name)s fit.") % {"title": len(title), "max_name": MAX_NAME}
        )
    if not choice.values:
        raise NotSaved(_("This filter leaves nothing out and changes no order. Choose something first."))
    mine = SavedFilter.objects.filter(user=user, queue=queue)
    if not mine.filter(name=title).exists() and mine.count() >= MAX_FILTERS:
        raise NotSaved(
            _("%(max_filters)s filters are kept already. Take one away first.") % {"max_filters": MAX_FILTERS}
        )
    kept, _created = SavedFilter.objects.update_or_create(
        user=user, queue=queue, name=title, defaults={"values": choice.values}
    )
    return kept


def forget(user: User, filter_id: int) -> bool:
    """Take one of the person's filters away; False when it isn't theirs."""
    return bool(SavedFilter.objects.filter(pk=filter_id, user=user).delete()[0])
