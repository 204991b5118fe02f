"""SEC-01, REV-19, ANT-14: every address x every role x one's own client, another's, all of them, none.

Two clients own one of everything (tests/estate.py). Each request is made for real and taken back, so that every cell of
the table begins with the same house. What is somebody else's must answer like what never was, and tell nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone

from reviewapp.enums import AlarmKind, LearningAlarmKind, Role
from reviewapp.models import (
    Alarm,
    BulkDecision,
    LearningAlarm,
    OutsideIdentity,
    PolicyDraft,
    PresetProposal,
    ReviewTask,
)
from tests import factories
from tests.addresses import (
    ABSENT,
    EVERY_ROLE,
    HIDDEN,
    KINDS,
    OPEN_TO_ALL,
    PART,
    Address,
    Kind,
    addresses,
    found_in,
    roles_for,
)
from tests.duels import make_study
from tests.estate import Estate, apart, belongings, furnish

pytestmark = pytest.mark.django_db
OWN, OTHER = "Quagga", "Zorilla"
NEVER = 99_999_999
"""An id that no row has."""
METHODS = {"tus:upload": ("get", "head", "post", "patch", "delete")}
SCRIPTS = {"tus:create", "tus:upload"}
"""Asked by scripts alone, which a redirect to the sign-in page would mislead: they get 401."""
JSON = {"content_type": "application/json"}


def _decision() -> dict[str, Any]:
    body = {"verdict": "approve", "version": 0, "queue": "mixed", "seconds": 2}
    return {"data": json.dumps(body), **JSON, "headers": {"Idempotency-Key": str(uuid4())}}


BODIES: dict[str, Callable[[], dict[str, Any]]] = {
    "review:decide": _decision,
    "review:claim": lambda: {"data": json.dumps({"count": 16}), **JSON},
    "review:adjust": lambda: {"data": "{}", **JSON},
    "batches:owner": lambda: {"data": {"owner": "1", "seen": "0"}},
    "batches:pause": lambda: {"data": {"reason": "a reason"}},
    "quality:draft": lambda: {"data": {"drop": "yes"}},
    "tus:create": lambda: {"data": b"", "content_type": "text/plain", "headers": {"Tus-Resumable": "1.0.0"}},
}
"""Name -> what a POST brings along, where an empty one would not get as far."""


@dataclass
class House:
    """Two clients' things, those of the house, and what each person has of either client."""

    own: Estate
    other: Estate
    house: dict[str, Any]
    belongs: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)
    others_ids: set[str] = field(default_factory=set)

    def things(self, person: User, estate: Estate) -> dict[str, Any]:
        return self.house | estate.ids | self.belongs[person.pk, estate.mark]


def _of_the_house(staff: User) -> tuple[dict[str, Any], Any]:
    version = factories.make_preset_version("House preset")
    factories.make_channel("amazon_main")
    evidence = {"decisions": 20, "rejected_with_reason": 9, "share": 0.45, "limit": 0.05, "decision_ids": []}
    params = {**version.params, "shadow": {**version.params["shadow"], "opacity": 0.15}}
    changes = [{"path": "shadow.opacity", "old": version.params["shadow"]["opacity"], "new": 0.15}]
    proposal = PresetProposal.objects.create(
        base=version, reason_code="shadow", params=params, changes=changes, evidence=evidence
    )
    draft = PolicyDraft.objects.create(
        values={}, note="Lower", seen=1, why_two="It lets more through", drafted_by=staff
    )
    alarm = Alarm.objects.create(kind=AlarmKind.values[0], key="k", text="Look at this")
    learning = LearningAlarm.objects.create(
        kind=LearningAlarmKind.values[0], preset=version.preset, text="Scores drift"
    )
    linked = OutsideIdentity.objects.create(person=staff, issuer="https://id.example.com", subject="staff")
    things = {
        "version": version.pk, "slug": version.preset.slug, "proposal": proposal.pk, "draft": draft.pk,
        "tried": make_study(0).proposal_id, "alarm": alarm.pk, "learning_alarm": learning.pk,
        "channel_key": "amazon_main", "person": staff.pk, "identity": linked.pk,
    }  # fmt: skip
    return things, version


def build(*people: User) -> House:
    """The house with two clients; everything of the other one has an id from afar."""
    staff = factories.make_user("staff", Role.MANAGER, Role.EDITOR)
    things, version = _of_the_house(staff)
    own = furnish(OWN, staff, version)
    belongs = {(person.pk, OWN): belongings(own, person) for person in people}
    far = apart()
    other = furnish(OTHER, staff, version)
    belongs |= {(person.pk, OTHER): belongings(other, person) for person in people}
    house = House(own, other, things, belongs)
    for model in set(apps.get_app_config("reviewapp").get_models()) - {BulkDecision}:  # those are the person's own
        house.others_ids |= {str(pk) for pk in model._default_manager.filter(pk__gt=far).values_list("pk", flat=True)}
    return house


class Undo(Exception):
    """Takes everything back that a request wrote."""


@dataclass
class Answer:
    """What came back: `told` is all of it as text, headers too."""

    code: int
    location: str
    told: str


def ask(browser: Client, person: User | None, name: str, path: str, method: str) -> Answer:
    """One request, with the photo it may be about on loan to the person; nothing of it stays."""
    answer: Answer | None = None
    cookies = deepcopy(browser.cookies)  # messages for the next page are in there
    body = BODIES[name]() if name in BODIES and method == "post" else {}
    try:
        with transaction.atomic():
            if name in ("review:adjust", "review:decide") and person is not None:
                task = int(re.findall(r"/items/(\d+)/", path)[0])
                until = timezone.now() + timedelta(minutes=5)
                ReviewTask.objects.filter(pk=task).update(lease_owner=person, lease_until=until)
            found = getattr(browser, method)(path, **body)
            content = b"".join(found) if found.streaming else found.content
            headers = "\n".join(f"{key}: {value}" for key, value in found.headers.items())
            text = f"{headers}\n{content.decode('utf-8', 'replace')}"
            answer = Answer(found.status_code, found.get("Location", ""), text)
            raise Undo
    except Undo:
        assert answer is not None
        browser.cookies = cookies
        return answer


def plain(answer: Answer, path: str) -> tuple[int, str, str]:
    """An answer without what differs each time: tokens, and the address itself."""
    told = re.sub(r'value="[A-Za-z0-9]{64}"|"X-CSRFToken": "\w+"|Content-Length: \d+', "", answer.told)
    return answer.code, answer.location, re.sub(r"\d+", "0", told.replace(path, "PATH"))


def never(address: Address, house: House) -> list[str]:
    """The same addresses for things that never were; what is no id keeps its values."""
    nothing = dict.fromkeys([*house.own.ids, *house.house, "decision", "adjustment", "bulk", "on_desk"], NEVER)
    nothing |= {"token": "no-such-token", "slug": "no-such-slug", "channel_key": "no_such_channel"}
    return [path for _name, path in address.paths(nothing)]


def leaks(house: House, answer: Answer, path: str, *, sees_own: bool) -> list[str]:
    """What an answer tells of a client the person doesn't work for."""
    told = answer.told.replace(path, "")
    words = [OTHER] if sees_own else [OTHER, OWN]
    found = [word for word in words if word.lower() in told.lower()]
    return found + sorted(set(re.findall(r"\b\d{7,8}\b", told)) & house.others_ids)


REACHES = ("own", "all", "none")


def expected(address: Address, called: str, role: Role, *, is_there: bool, has_all: bool) -> set[int] | None:
    """The codes of the table for one cell; None: whatever it is, it isn't refused."""
    if role not in roles_for(address.name):
        return {403, 405}
    kind = found_in(KINDS, address.name)
    if kind is Kind.HOUSE:
        return None if has_all else {403, 405}
    if role in HIDDEN.get(called, ()):
        return {404, 405}
    if kind is Kind.THEIRS and not is_there:
        return {ABSENT.get(address.name, 404), 405}
    return None


def cells(role: Role, people: dict[str, User], house: House) -> Iterator[tuple[Address, str, User, str, str, str]]:
    """(address, its name with the choice made, person, reach, whose thing, path)."""
    for address in addresses():
        if address.name in OPEN_TO_ALL:
            continue
        has_things = PART.search(address.route) is not None
        for reach, person in people.items():
            for whose in ("own", "other") if has_things and reach != "none" else ("own",):
                estate = house.own if whose == "own" else house.other
                for called, path in address.paths(house.things(person, estate)):
                    yield address, called, person, reach, whose, path


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_sec01_rev19_ant14_every_address_for_own_and_other_clients(client: Client, role: Role) -> None:
    people = {reach: factories.make_user(f"p-{reach}", role) for reach in REACHES}
    house = build(*people.values())
    for reach in ("own", "none"):
        people[reach].scope.delete()  # type: ignore[attr-defined]
    people["own"].client_access.create(client=house.own.client)  # type: ignore[attr-defined]
    wrong: list[str] = []
    passed: dict[tuple[str, str, str], int] = {}
    gone: dict[tuple[str, str, str], list[tuple[int, str, str]]] = {}
    browsers = {reach: Client(raise_request_exception=False) for reach in REACHES}
    for reach, person in people.items():
        browsers[reach].force_login(person)
    for address, called, person, reach, whose, path in cells(role, people, house):
        for method in METHODS.get(address.name, ("get", "post")):
            answer = ask(browsers[reach], person, address.name, path, method)
            is_there = reach == "all" or (reach == "own" and whose == "own")
            codes = expected(address, called, role, is_there=is_there, has_all=reach == "all")
            cell = f"{method} {called} as {reach}, {whose}'s: {answer.code} {answer.location}"
            if answer.code not in codes if codes is not None else answer.code in (401, 403, 404, 500):
                wrong.append(f"{cell}, not {codes}")
            if reach != "all" and (told := leaks(house, answer, path, sees_own=reach == "own")):
                wrong.append(f"{cell} tells {told}")
            if codes is None and whose == "own" and found_in(KINDS, address.name) is not Kind.OWN:
                passed[called, method, reach] = answer.code
            if not is_there and found_in(KINDS, address.name) is Kind.THEIRS and role in roles_for(address.name):
                if (address.name, method, reach) not in gone:
                    nothing = [(one, ask(browsers[reach], person, address.name, one, method))
                               for one in never(address, house)]  # fmt: skip
                    gone[address.name, method, reach] = [plain(told, one) for one, told in nothing]
                if plain(answer, path) not in gone[address.name, method, reach]:
                    wrong.append(f"{cell} isn't like what never was")
    for (called, method, reach), code in passed.items():
        if reach == "own" and passed.get((called, method, "all")) != code:
            wrong.append(
                f"{method} {called}: {code} for who works for the client, {passed.get((called, method, 'all'))} for all"
            )
    assert not wrong, "\n".join(wrong)


def test_sec01_no_address_is_left_out_of_the_walk() -> None:
    """Every part of every path is decided about, or the walk would ask for things that don't exist."""
    person = factories.make_user("p")
    house = build(person)
    walked = [path for one in addresses() for _name, path in one.paths(house.things(person, house.own))]
    assert len(walked) > 115 and not [path for path in walked if "<" in path]
    ids = {str(value) for value in house.things(person, house.own).values()}
    for address in addresses():
        if address.name in OPEN_TO_ALL or address.name == "review:forget_filter":
            continue
        if PART.search(address.route.replace("<queue:queue>", "")):
            assert all(ids & set(path.split("/")) for _name, path in address.paths(house.things(person, house.own)))


@pytest.mark.parametrize("who", ["anonymous", "inactive"])
def test_sec01_without_a_session_nothing_answers(client: Client, who: str) -> None:
    person = factories.make_user("gone", *Role)
    house = build(person)
    if who == "inactive":  # closed while signed in
        client.force_login(person)
        User.objects.filter(pk=person.pk).update(is_active=False)
    wrong = []
    for address in addresses():
        for called, path in address.paths(house.things(person, house.own)):
            for method in METHODS.get(address.name, ("get", "post")):
                answer = ask(client, None, address.name, path, method)
                if leaks(house, answer, path, sees_own=False):
                    wrong.append(f"{method} {called} tells")
                if address.name in OPEN_TO_ALL:
                    continue
                if answer.code == 302 and answer.location.startswith("/login/"):
                    continue
                if answer.code != 405 and (answer.code != 401 or address.name not in SCRIPTS):
                    wrong.append(f"{method} {called}: {answer.code} {answer.location}")
    assert not wrong, "\n".join(wrong)


def test_sec01_superusers_pass_everywhere(client: Client) -> None:
    chief = factories.make_user("chief", clients=[])
    chief.is_superuser = True
    chief.save()
    house = build(chief)
    client.raise_request_exception = False
    client.force_login(chief)
    wrong = []
    for address in addresses():
        if address.name in OPEN_TO_ALL:
            continue
        for called, path in address.paths(house.things(chief, house.other)):
            for method in METHODS.get(address.name, ("get", "post")):
                answer = ask(client, chief, address.name, path, method)
                if answer.code in (401, 403, 404, 500):
                    wrong.append(f"{method} {called}: {answer.code}")
    assert not wrong, "\n".join(wrong)
