"""What every page's shell shows: navigation by role, queue counts, theme."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from reviewapp.selectors import shell as shell_counts
from reviewapp.selectors.access import has_every_client
from reviewapp.web.permissions import ADMINS, EDITORS, EVERYBODY, LEADS, MANAGERS, REVIEWERS, roles_of, user_has_role

THEMES = ("system", "light", "dark")
THEME_COOKIE = "theme"
KEYS_COOKIE = "keys"
PACE_COOKIE = "pace"
SURROUND_COOKIE = "surround"
SURROUNDS = {
    "3": _("Dark neutral, 3% of white"),
    "18": _("Mid grey, 18%"),
    "100": _("White"),
    "0": _("Black"),
    "chk": _("Checkerboard"),
}
"""What may stand behind a picture on the desk; keys as in compare.css."""


@dataclass(frozen=True)
class Link:
    """One entry of the navigation. `counts` names the field of the shell counts shown beside it."""

    group: Any
    key: str
    label: Any
    icon: str
    url_name: str
    roles: tuple[str, ...]
    counts: str = ""
    hot: bool = False


LINKS = (
    Link(_("Work"), "home", _("Home"), "house", "home", EVERYBODY),
    Link(_("Work"), "review", _("Review"), "scan-eye", "review:chooser", REVIEWERS, "waiting_review"),
    Link(_("Work"), "editing", _("Editing"), "brush", "editing:list", EDITORS, "waiting_editing"),
    Link(_("Work"), "batches", _("Batches"), "images", "batches:list", MANAGERS),
    Link(_("Work"), "images", _("Images"), "image", "images:list", MANAGERS),
    Link(_("Work"), "deliveries", _("Deliveries"), "package-check", "deliveries:list", MANAGERS),
    Link(_("Work"), "clients", _("Clients"), "contact", "clients:list", MANAGERS),
    Link(_("Quality"), "thresholds", _("Thresholds"), "sliders-horizontal", "quality:thresholds", MANAGERS),
    Link(_("Quality"), "proof", _("Proof"), "badge-check", "quality:proof", MANAGERS),
    Link(_("Quality"), "reviewers", _("Reviewers"), "glasses", "quality:reviewers", LEADS),
    Link(_("Quality"), "presets", _("Presets"), "palette", "presets:list", MANAGERS),
    Link(_("Quality"), "channels", _("Channels"), "store", "channels:list", MANAGERS),
    Link(_("Quality"), "proposals", _("Proposals"), "git-compare", "proposals:list", MANAGERS, "open_proposals", True),
    Link(_("System"), "people", _("People"), "users", "people:list", ADMINS),
    Link(_("System"), "audit", _("Audit log"), "scroll-text", "audit:list", ADMINS),
)
"""The whole navigation; a link is shown only to the roles that may open it."""
WHOLE_HOUSE = frozenset({"thresholds", "proof", "reviewers", "presets", "channels", "proposals", "people", "audit"})
"""Links only for people who work for every client."""


def _groups(user: Any, counts: shell_counts.ShellCounts) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    group: Any = None
    entries: list[dict[str, Any]] = []
    is_wide = has_every_client(user)
    for link in LINKS:
        if not user_has_role(user, *link.roles) or (link.key in WHOLE_HOUSE and not is_wide):
            continue
        if group is not None and link.group != group:
            yield group, entries
            entries = []
        group = link.group
        count = getattr(counts, link.counts) if link.counts else 0
        entries.append({"link": link, "href": reverse(link.url_name), "count": count})
    if entries:
        yield group, entries


def shell(request: HttpRequest) -> dict[str, Any]:
    """Template context of every page; `nav` is lazy, so fragments without a shell cost no query."""
    theme = request.COOKIES.get(THEME_COOKIE, "system")
    surround = request.COOKIES.get(SURROUND_COOKIE, "3")
    user = getattr(request, "user", None)

    def navigation() -> list[tuple[Any, list[dict[str, Any]]]]:
        # Who still has to set up a second factor reaches nothing, and learns no counts either.
        if user is None or not user.is_authenticated or getattr(request, "second_factor_due", False):
            return []
        return list(_groups(user, shell_counts.counts_for(user, roles_of(user))))

    return {
        "theme": theme if theme in THEMES else "system",
        "keys_on": request.COOKIES.get(KEYS_COOKIE, "on") != "off",
        "pace_on": request.COOKIES.get(PACE_COOKIE, "on") != "off",
        "surround": surround if surround in SURROUNDS else "3",
        "nav": SimpleLazyObject(navigation),
    }
