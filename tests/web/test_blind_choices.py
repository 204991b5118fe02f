"""The chooser, the assisted desk and the page for many say nothing of what a photo held in the blind queue is."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from reviewapp.enums import Role
from reviewapp.models import ReviewTask
from tests import factories

pytestmark = pytest.mark.django_db


class Undone(Exception):
    """Takes back what was made."""


def told_of(*, is_sample: bool, photos: int, role: Role) -> list[Any]:
    """What the chooser, the assisted desk and the page for many say to who holds one photo, a sample or not, in the
    mixed queue: of everything, of the batch, of that photo alone, and by what would tell its score or reason."""
    said: list[Any] = []
    try:
        with transaction.atomic():
            batch = factories.make_batch(name="Spring", client=factories.make_client(name="Acme"))
            held = (factories.make_sample if is_sample else factories.make_review)(batch, sku="HELD-1")
            for number in range(photos - 1):
                factories.make_review(batch, sku=f"SKU-{number}")
            rita = factories.make_user("rita", role)
            lent = {"lease_owner": rita, "lease_until": timezone.now() + timedelta(minutes=5), "lease_queue": "mixed"}
            ReviewTask.objects.filter(pk=held.pk).update(**lent)
            client = Client()
            client.force_login(rita)
            choices = [{}, {"batch": str(batch.pk)}, {"sku": "HELD"}]
            telling = [{"low": "90"}, {"high": "90"}, {"low": "1"}, {"reason": "score_band"}, {"reason": "gate"}]
            choices += [{"sku": "HELD", **one} for one in telling]
            for choice in choices:
                _told_of(client, choice, said)
            raise Undone
    except Undone:
        return said


def _told_of(client: Client, choice: dict[str, str], said: list[Any]) -> None:
    asked = {name: value for name, value in choice.items() if name != "batch"}  # its id goes on counting on PostgreSQL
    for address in ("/review/", "/review/bulk/"):
        answer = client.get(address, choice)
        main = answer.content.decode().split("<main")[1]
        said.append((address, asked, answer.status_code, " ".join(strip_tags(main).split())))
    page = client.get("/review/assisted/", choice).content.decode()
    boot = re.search(r'id="boot" type="application/json">(.*?)</script>', page, re.S)
    assert boot is not None
    said.append(("assisted", asked, json.loads(boot[1])["counts"]))
    for name, body in (("claim", {"count": 4}), ("beat", {"ids": []})):
        data = json.dumps({**body, "choice": choice})
        answer = client.post(f"/review/assisted/{name}/", data, content_type="application/json")
        said.append((name, asked, answer.json()["counts"]))


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.SENIOR])
@pytest.mark.parametrize("photos", [1, 9])
def test_smp01_the_two_queues_side_by_side_do_not_say_how_many_samples_there_are(photos: int, role: Role) -> None:
    sample, plain = (told_of(is_sample=is_sample, photos=photos, role=role) for is_sample in (True, False))
    assert sample == plain
    bulk = [one[2] for one in plain if one[0] == "/review/bulk/"]
    assert set(bulk) == ({200} if role == Role.SENIOR else {403})
