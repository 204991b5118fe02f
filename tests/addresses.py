"""Every address of the site, and who may open it: the table the permission tests hold the site against (SEC-01).

Nothing here is read from the views: an address that is missing from a table fails the tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any, NamedTuple

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from reviewapp.enums import Role

REVIEWERS = (Role.REVIEWER, Role.SENIOR, Role.ADMIN)
EDITORS = (Role.EDITOR, Role.SENIOR, Role.ADMIN)
SENIORS = (Role.SENIOR, Role.ADMIN)
LEADS = (Role.SENIOR, Role.MANAGER, Role.ADMIN)
MANAGERS = (Role.MANAGER, Role.ADMIN)
ADMINS = (Role.ADMIN,)
EVERY_ROLE = [role if role == Role.ADMIN else pytest.param(role, marks=pytest.mark.sqlite_only) for role in Role]
"""What a role may open is decided without a query. Whose rows a person sees is decided in SQL, the same for every role;
an admin passes everywhere, so that all of it is asked on PostgreSQL as well."""

OPEN_TO_ALL = {
    "login",
    "logout",
    "healthz",
    "readyz",
    "jsi18n",
    "links:show",
    "links:fetch",
    "csp_report",
    "second_factor",
    "passkey_ask",
    "passkey_prove",
    "outside_start",
    "outside_back",
}
"""Addresses that answer without a session; links carry their own proof (test_links.py)."""
ANYBODY = {
    "home",
    "account",
    "password",
    "end_sessions",
    "confirm",
    "second_factors",
    "factor_app",
    "factor_codes",
    "factor_remove",
    "passkey_ask_to_add",
    "passkey_add",
    "passkey_rename",
    "passkey_remove",
    "media:run",
    "media:original",
    "media:rendition",
    "media:view",
    "media:reference",
    "viewer:channel",
    "viewer:siblings",
}
"""Any signed-in role; media and viewer decide per picture."""
ROLES: dict[str, tuple[Role, ...]] = {
    "review": REVIEWERS,
    "review:call_back": SENIORS,
    "review:bulk": SENIORS,
    "review:bulk_apply": SENIORS,
    "review:bulk_progress": SENIORS,
    "review:bulk_advance": SENIORS,
    "review:bulk_undo": SENIORS,
    "editing": EDITORS,
    "editing:sign_off": SENIORS,
    "editing:send_back": SENIORS,
    "editing:give_up": SENIORS,
    "batches": MANAGERS,
    "uploads": MANAGERS,
    "tus": MANAGERS,
    "images": MANAGERS,
    "deliveries": MANAGERS,
    "quality": MANAGERS,
    "quality:publish": ADMINS,
    "quality:reviewers": LEADS,
    "quality:close_alarm": LEADS,
    "quality:category": ADMINS,
    "quality:draft": ADMINS,
    "names:clients": (Role.REVIEWER, *LEADS),
    "names:presets": MANAGERS,
    "presets": MANAGERS,
    "presets:import": ADMINS,
    "presets:current": ADMINS,
    "presets:new": ADMINS,
    "presets:try": ADMINS,
    "presets:back": ADMINS,
    "presets:lock": ADMINS,
    "proposals": MANAGERS,
    "proposals:accept": ADMINS,
    "proposals:decline": ADMINS,
    "proposals:test": ADMINS,
    "proposals:try": ADMINS,
    "channels": MANAGERS,
    "channels:new": ADMINS,
    "clients": MANAGERS,
    "people": ADMINS,
    "audit": ADMINS,
    "line": MANAGERS,
    "line_pause": ADMINS,
    "line_resume": ADMINS,
}
"""Namespace or full name -> roles that pass; the full name wins."""


class Kind(Enum):
    """What an address is about, which says for whose clients it is there."""

    THEIRS = "one client's: 404 for who doesn't work for them"
    SHARED = "of all the person's clients: never tells of another's"
    HOUSE = "the whole house: 403 for who works for some clients only"
    OWN = "the person's own"


KINDS: dict[str, Kind] = {
    "home": Kind.SHARED,
    "account": Kind.OWN,
    "password": Kind.OWN,
    "end_sessions": Kind.OWN,
    "confirm": Kind.OWN,
    "second_factors": Kind.OWN,
    "factor_app": Kind.OWN,
    "factor_codes": Kind.OWN,
    "factor_remove": Kind.OWN,
    "passkey_ask_to_add": Kind.OWN,
    "passkey_add": Kind.OWN,
    "passkey_rename": Kind.OWN,
    "passkey_remove": Kind.OWN,
    "media": Kind.THEIRS,
    "viewer": Kind.THEIRS,
    "review": Kind.SHARED,
    "review:forget_filter": Kind.OWN,
    "review:bulk_progress": Kind.OWN,
    "review:bulk_advance": Kind.OWN,
    "review:bulk_undo": Kind.OWN,
    "review:take_back": Kind.THEIRS,
    "review:call_back": Kind.THEIRS,
    "review:decide": Kind.THEIRS,
    "review:adjust": Kind.THEIRS,
    "review:adjustment": Kind.THEIRS,
    "review:use_adjustment": Kind.THEIRS,
    "review:undo": Kind.THEIRS,
    "editing": Kind.THEIRS,
    "editing:list": Kind.SHARED,
    "batches": Kind.THEIRS,
    "batches:list": Kind.SHARED,
    "batches:new": Kind.SHARED,
    "uploads": Kind.THEIRS,
    "tus:create": Kind.SHARED,
    "tus:upload": Kind.THEIRS,
    "images:list": Kind.SHARED,
    "images:detail": Kind.THEIRS,
    "images:complain": Kind.THEIRS,
    "deliveries:list": Kind.SHARED,
    "deliveries": Kind.THEIRS,
    "quality": Kind.HOUSE,
    "quality:reprocess": Kind.THEIRS,
    "quality:to_editors": Kind.THEIRS,
    "quality:release": Kind.THEIRS,
    "quality:plan": Kind.THEIRS,
    "names": Kind.SHARED,
    "presets": Kind.HOUSE,
    "proposals": Kind.HOUSE,
    "channels": Kind.HOUSE,
    "clients": Kind.THEIRS,
    "clients:list": Kind.SHARED,
    "clients:new": Kind.HOUSE,
    "people": Kind.HOUSE,
    "audit": Kind.HOUSE,
    "line": Kind.HOUSE,
    "line_pause": Kind.HOUSE,
    "line_resume": Kind.HOUSE,
}
"""Namespace or full name -> what it is about; the full name wins."""
ABSENT = {"review:decide": 422, "review:adjust": 409, "review:undo": 409, "review:take_back": 302}
"""What the desk's script is told of a photo that isn't there; everywhere else it is 404."""
HIDDEN: dict[str, tuple[Role, ...]] = {
    "media:original": (Role.REVIEWER,),
    "media:run cutout": (Role.REVIEWER,),
    "media:rendition": (Role.REVIEWER, Role.EDITOR),
}
"""Pictures that aren't there for these roles, also of their own clients."""
PARTS: dict[str, dict[str, str]] = {
    "batches": {"pk": "batch"},
    "batches:sample": {"pk": "sampled"},
    "batches:sample_apply": {"pk": "sampled"},
    "batches:sample_again": {"pk": "sampled"},
    "batches:pilot": {"pk": "pilot"},
    "batches:pilot_json": {"pk": "pilot"},
    "batches:pilot_csv": {"pk": "pilot"},
    "uploads": {"pk": "uploading"},
    "tus": {"token": "token"},
    "images": {"pk": "asset"},
    "links": {},
    "deliveries": {"pk": "delivery"},
    "deliveries:hand_over": {"pk": "waiting"},
    "deliveries:revoke": {"pk": "delivery", "link": "link"},
    "deliveries:call_back": {"pk": "waiting"},
    "clients:retry_message": {"pk": "client", "message": "message"},
    "quality": {"pk": "lot"},
    "quality:clear": {"pk": "scope"},
    "quality:draft": {"pk": "draft"},
    "quality:close_alarm": {"pk": "alarm"},
    "presets": {"pk": "version", "slug": "slug"},
    "presets:alarm": {"pk": "learning_alarm"},
    "proposals": {"pk": "proposal"},
    "proposals:try": {"pk": "tried"},
    "channels": {"key": "channel_key"},
    "clients": {"pk": "client", "picture": "picture"},
    "people": {"pk": "person"},
    "passkey_rename": {"factor": "factor"},
    "passkey_remove": {"factor": "factor"},
    "people:unlink": {"pk": "person", "identity": "identity"},
    "review": {"task_id": "task", "decision_id": "decision", "adjustment_id": "adjustment", "bulk_id": "bulk"},
    "review:take_back": {"task_id": "held"},
    "editing": {"task_id": "edit"},
    "editing:release": {"task_id": "on_desk"},
    "editing:sign_off": {"task_id": "signoff"},
    "editing:send_back": {"task_id": "signoff"},
    "media": {
        "run_id": "run", "view_id": "view", "picture_id": "picture", "asset_id": "asset", "rendition_id": "rendition",
    },
    "viewer": {"run_id": "run", "channel_id": "channel"},
}  # fmt: skip
"""Namespace or full name -> which thing of a client each part of the path names."""
CHOICES = {
    "media:run": ("before", "after", "matte", "thumb-before", "thumb-after", "cutout"),
    "media:view": ("after", "matte"),
    "queue": ("mixed", "assisted"),
}
"""Where a part of the path has a few values, all of them are walked."""
SAMPLES = {"int": "1", "str": "a-token-of-no-upload", "slug": "before", "queue": "mixed"}
"""Kind of a path's part -> a value for it, where any will do."""
PART = re.compile(r"<(\w+):(\w+)>")


class Address(NamedTuple):
    """A pattern of the site; `route` has its parts as <kind:name>."""

    name: str
    route: str

    @property
    def any_path(self) -> str:
        return PART.sub(lambda part: SAMPLES[part[1]], self.route)

    def paths(self, things: Mapping[str, Any]) -> list[tuple[str, str]]:
        """(name with its choice, path) for a client's things. Raises KeyError for a part nobody decided about."""
        wanted = found_in(PARTS, self.name) if PART.search(self.route.replace("<queue:queue>", "")) else {}
        found = [(self.name, self.route)]
        for kind, part in PART.findall(self.route):
            options = CHOICES.get("queue" if kind == "queue" else self.name)
            if kind in ("queue", "slug") and options and part not in wanted:
                found = [
                    (f"{name} {one}" if kind == "slug" else name, path.replace(f"<{kind}:{part}>", one, 1))
                    for name, path in found
                    for one in options
                ]
            else:
                value = str(things[wanted[part]]) if part in wanted else SAMPLES[kind]
                found = [(name, path.replace(f"<{kind}:{part}>", value, 1)) for name, path in found]
        return found


def found_in(table: Mapping[str, Any], name: str) -> Any:
    """The entry of the full name, else of its namespace. Raises KeyError."""
    return table[name] if name in table else table[name.split(":")[0]]


def roles_for(name: str) -> tuple[Role, ...]:
    """The roles that may open it. Raises KeyError for an address nobody decided about."""
    return tuple(Role) if name in ANYBODY else found_in(ROLES, name)


def _walk(patterns: list[Any], prefix: str, namespace: str) -> Iterator[Address]:
    for entry in patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inner = ":".join(filter(None, [namespace, entry.namespace or ""]))
            yield from _walk(entry.url_patterns, route, inner)
        elif isinstance(entry, URLPattern):
            name = f"{namespace}:{entry.name}" if namespace else str(entry.name)
            yield Address(name, f"/{route}")


def everywhere() -> list[Address]:
    """Every pattern the site answers."""
    return list(_walk(get_resolver().url_patterns, "", ""))


def addresses() -> list[Address]:
    """Every pattern but those of Django's own operations admin."""
    return [one for one in everywhere() if not one.route.startswith("/ops/")]
