"""Clients: made and changed by a manager; never deleted, because batches name them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _

from processing.intake import PROFILES
from reviewapp import post
from reviewapp.enums import BatchState, Role, Sampling
from reviewapp.models import AuditEvent, Batch, Client

from . import audit, batches
from .people import require

MAX_NAME = 120
MAX_NOTES = 2000
MAX_DAYS = 36_500
MAX_GRACE_MIN = 7 * 24 * 60
MAX_MAILS = 10
_OVER = (BatchState.DELIVERED, BatchState.CANCELLED)


class ClientRefused(ValueError):
    """A client that can't be made or changed as asked. `field` is the setting the sentence is about."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class ClientData:
    """What a manager settles with a client. `validation_profile` is a key of PROFILES or "" (what the channels ask).

    `grace_minutes` None: as long as the house says. `notify_emails`: addresses with white space between.
    """

    name: str
    brand_notes: str = ""
    validation_profile: str = ""
    requires_human_colour: bool = False
    checks_colour: bool = False
    waits_for_samples: bool = True
    sampling: str = Sampling.DEFAULT
    keep_originals_days: int | None = None
    keep_results_days: int | None = None
    legal_hold: bool = False
    grace_minutes: int | None = None
    webhook_url: str = ""
    notify_emails: str = ""


def create_client(data: ClientData, actor: Any) -> Client:
    """Make a client. Raises NotAllowed, ClientRefused (no name, a name that is taken, an unknown profile)."""
    require(actor, Role.MANAGER, to=_("add a client"))
    checked = _checked(data, None)
    try:
        with transaction.atomic():
            client = Client.objects.create(slug=free_slug(checked["name"]), **checked)
            audit.record("client.created", client, actor=actor, after=_said(checked))
    except IntegrityError as error:
        raise _taken(checked["name"]) from error
    return client


class ClientChanged(ClientRefused):
    """Somebody else changed the client since the form was opened; nothing was written."""


def update_client(client: Client, data: ClientData, actor: Any, *, seen: int | None = None) -> Client:
    """Change a client's settings; what didn't change isn't written, in the row or in the audit log.

    `seen` is the version the form showed: an older one is refused with who changed what (ClientChanged).

    They count at once: colour by people for photos routed from now on, samples for every batch that isn't delivered.
    The profile is a default of new batches. Raises NotAllowed, ClientRefused.
    """
    require(actor, Role.MANAGER, to=_("change a client"))
    checked = _checked(data, client)
    try:
        with transaction.atomic():
            locked = Client.objects.select_for_update().get(pk=client.pk)
            if seen is not None and seen != locked.version:
                raise ClientChanged("", _who_changed(locked))
            before = {name: getattr(locked, name) for name, value in checked.items() if getattr(locked, name) != value}
            if before:
                after = {name: checked[name] for name in before}
                Client.objects.filter(pk=client.pk).update(version=F("version") + 1, **after)
                audit.record("client.changed", client, actor=actor, before=_said(before), after=_said(after))
            if "waits_for_samples" in before:
                for batch_id in (
                    Batch.objects.filter(client=client).exclude(state__in=_OVER).values_list("pk", flat=True)
                ):
                    batches.refresh(batch_id)
    except IntegrityError as error:
        raise _taken(checked["name"]) from error
    client.refresh_from_db()
    return client


def _who_changed(client: Client) -> str:
    event = AuditEvent.objects.filter(verb="client.changed", noun="client", object_id=str(client.pk)).first()
    if event is None:
        return "The client changed since you opened this form. Load the page again."
    who = event.actor.get_full_name() or event.actor.get_username() if event.actor else "Somebody"
    when = timezone.localtime(event.created_at).strftime("%H:%M")
    what = ", ".join(name.replace("_", " ") for name in event.after)
    return f"{who} changed {what} at {when}, after you opened this form. Nothing was saved; compare, then save again."


def free_slug(name: str) -> str:
    """A slug no client has, from the name. Call inside the transaction that inserts."""
    stem = slugify(name)[:MAX_NAME] or "client"
    taken = set(Client.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return next(slug for slug in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if slug not in taken)


def _checked(data: ClientData, client: Client | None) -> dict[str, Any]:
    """The data as fields of the row: white space put in order, every value one that the line understands."""
    name, notes = " ".join(data.name.split()), data.brand_notes.strip()
    if not name:
        raise ClientRefused("name", _("The client needs a name."))
    if len(name) > MAX_NAME:
        raise ClientRefused(
            "name", _("The name has %(name)s characters; %(max_name)s fit.") % {"name": len(name), "max_name": MAX_NAME}
        )
    if len(notes) > MAX_NOTES:
        raise ClientRefused(
            "brand_notes",
            _("The notes have %(notes)s characters; %(max_notes)s fit.")
            % {"notes": len(notes), "max_notes": MAX_NOTES},
        )
    if data.validation_profile and data.validation_profile not in PROFILES:
        known = ", ".join(sorted(PROFILES))
        raise ClientRefused(
            "validation_profile",
            _("There is no profile %(validation_profile)s: use %(known)s.")
            % {"validation_profile": repr(data.validation_profile), "known": known},
        )
    if data.sampling not in Sampling.values:
        raise ClientRefused("sampling", _("Choose one of the ways to sample."))
    if data.sampling in (Sampling.PROOF, Sampling.EACH) and not data.waits_for_samples:
        raise ClientRefused(
            "sampling", _("What ships without waiting can't be proven: let deliveries wait, or choose simple.")
        )
    for field in ("keep_originals_days", "keep_results_days"):
        days = getattr(data, field)
        if days is not None and not 1 <= days <= MAX_DAYS:
            raise ClientRefused(field, _("Between 1 and %(most)s days, or empty to keep them.") % {"most": MAX_DAYS})
    addresses = _addresses(data)
    namesakes = Client.objects.filter(name__iexact=name)
    if (namesakes.exclude(pk=client.pk) if client else namesakes).exists():
        raise _taken(name)
    fields = asdict(data) | {"name": name, "brand_notes": notes, **addresses}
    since = (client.legal_hold_since if client else None) or timezone.now()
    fields["legal_hold_since"] = since if fields.pop("legal_hold") else None
    return fields


def _said(values: dict[str, Any]) -> dict[str, Any]:
    """The values as the audit log keeps them."""
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


def _addresses(data: ClientData) -> dict[str, Any]:
    """Where the client is told things, put in order."""
    if data.grace_minutes is not None and not 0 <= data.grace_minutes <= MAX_GRACE_MIN:
        raise ClientRefused("grace_minutes", _("Between 0 minutes and a week (10,080 minutes)."))
    url = data.webhook_url.strip()
    if url:
        try:
            post.check_address(url)
        except post.PostFailed as refused:
            raise ClientRefused("webhook_url", str(refused)) from None
    mails = list(dict.fromkeys(data.notify_emails.replace(",", " ").replace(";", " ").split()))
    if len(mails) > MAX_MAILS:
        raise ClientRefused("notify_emails", _("%(most)d addresses fit.") % {"most": MAX_MAILS})
    for mail in mails:
        try:
            validate_email(mail)
        except ValidationError:
            raise ClientRefused("notify_emails", _("%(mail)s isn't an e-mail address.") % {"mail": mail}) from None
    return {"webhook_url": url, "notify_emails": "\n".join(mails)}


def _taken(name: str) -> ClientRefused:
    return ClientRefused("name", f"There is a client called {name} already. Open that one, or choose another name.")
