"""The rows of "Needs you": icon, words and link of each thing that waits for a person."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from reviewapp.selectors.home import Need


@dataclass(frozen=True)
class Look:
    """How one kind of need looks and where it leads. With `of_batch` the link is the batch's page."""

    tone: str
    icon: str
    url: str
    fragment: str = ""
    of_batch: bool = False


LOOKS = {
    "line_paused": Look("hold", "pause", "line"),
    "backlog": Look("hold", "hourglass", "line"),
    "failed": Look("fail", "triangle-alert", "batches:detail", "#failures", of_batch=True),
    "refused": Look("fail", "file-x", "batches:detail", "#failures", of_batch=True),
    "paused": Look("hold", "pause", "batches:detail", of_batch=True),
    "sampled": Look("info", "scan-eye", "batches:detail", "#first-sample", of_batch=True),
    "ready": Look("approve", "package-check", "batches:detail", of_batch=True),
    "alarms": Look("hold", "triangle-alert", "quality:proof"),
    "proposals": Look("info", "git-compare", "proposals:list"),
    "held": Look("hold", "pause", "review:chooser"),
    "signoff": Look("info", "signature", "editing:list", "#signoff"),
    "sent_back": Look("reject", "undo-2", "editing:list"),
}


def _words(kind: str, n: int) -> tuple[str, str]:
    """What waits, and why it does."""
    words = {
        "line_paused": (_("The whole line is paused"), _("Nothing is taken up until an admin lets it go on")),
        "backlog": (
            ngettext("More than %(n)s step waits for a worker", "More than %(n)s steps wait for a worker", n),
            _("New batches are taken in and start later"),
        ),
        "failed": (ngettext("%(n)s photo could not be processed", "%(n)s photos could not be processed", n), ""),
        "refused": (ngettext("%(n)s file was refused", "%(n)s files were refused", n), ""),
        "paused": (_("A batch is paused"), ""),
        "sampled": (_("A sample is looked at: apply it, or sample again"), ""),
        "ready": (_("A batch is ready to deliver"), ""),
        "alarms": (ngettext("%(n)s alarm", "%(n)s alarms", n), _("Proof, calibration or drift")),
        "proposals": (ngettext("%(n)s proposal to decide", "%(n)s proposals to decide", n), _("From reject reasons")),
        "held": (ngettext("%(n)s photo on hold", "%(n)s photos on hold", n), _("Waiting for a second look")),
        "signoff": (ngettext("%(n)s edit to sign off", "%(n)s edits to sign off", n), _("Finished by others")),
        "sent_back": (ngettext("%(n)s edit sent back to you", "%(n)s edits sent back to you", n), _("With a note")),
    }
    what, why = words[kind]
    return what % {"n": f"{n:,}"}, why


def _why(need: Need) -> str:
    """The batch, the files by name where the client is to be asked for them, and whose batch it is (REV-13)."""
    if need.batch is None:
        return ""
    said, owner = _what_of(need), need.batch.owner
    if owner is None:
        return said
    name = owner.get_full_name() or owner.get_username()
    return _("%(what)s (owner: %(name)s)") % {"what": said, "name": name}


def _what_of(need: Need) -> str:
    if not need.names:
        return str(need.batch)
    names = ", ".join(need.names)
    if need.count > len(need.names):
        names = _("%(names)s and %(n)s more") % {"names": names, "n": f"{need.count - len(need.names):,}"}
    return f"{need.batch}: {names}"


def need_row(need: Need) -> dict[str, Any]:
    """One row for templates/ui/todo.html."""
    look = LOOKS[need.kind]
    what, why = _words(need.kind, need.count)
    href = reverse(look.url, args=[need.batch.pk] if look.of_batch and need.batch else [])
    return {
        "tone": look.tone,
        "icon": look.icon,
        "what": what,
        "why": why or _why(need),
        "href": f"{href}{look.fragment}",
    }
