"""Lists that grow slowly, paged all the same: channels, thresholds, rules, reviewers, links, activity, edits."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.contrib.auth.models import User as Person
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reviewapp.enums import AlarmKind, Complexity, EditTaskState, Role
from reviewapp.models import (
    Alarm,
    AuditEvent,
    CategoryRule,
    Channel,
    Client,
    Delivery,
    DeliveryLink,
    EditTask,
    Preset,
    RoutingPolicy,
)
from reviewapp.selectors.pages import keyset_by
from tests import factories as make

pytestmark = pytest.mark.django_db
MARK = re.compile(r"row-\d{3}")


def marks(count: int, *, falling: bool = False) -> list[str]:
    rising = [f"row-{n:03d}" for n in range(count)]
    return rising[::-1] if falling else rising


def walked(browser: Browser, path: str, name: str = "") -> list[str]:
    """The marks of every page of a list, each once, following its button as htmx does; one page is not enough."""
    pattern = rf'hx-get="([^"]*\?{f"list={name}&amp;" if name else ""}after=[^"]*)"'
    text, found, pages = browser.get(path).content.decode(), list[str](), 0
    while True:
        found += MARK.findall(re.sub(r'(?:href|hx-get|id|for|aria-labelledby|value|action)="[^"]*"', "", text))
        pages += 1
        more = re.search(pattern, text)
        if not more:
            assert pages > 1
            return list(dict.fromkeys(found))
        where = more[1].replace("&amp;", "&")
        plain = browser.get(where if where.startswith("/") else path + where)
        assert plain.status_code == 200 and b"<html" in plain.content
        text = browser.get(
            where if where.startswith("/") else path + where, headers={"HX-Request": "true"}
        ).content.decode()
        assert "<html" not in text


def queries(browser: Browser, path: str) -> int:
    browser.get(path)
    with CaptureQueriesContext(connection) as caught:
        assert browser.get(path).status_code == 200
    return len(caught)


def channels(start: int, end: int) -> None:
    Channel.objects.bulk_create(
        Channel(key=f"k{n}", name=f"row-{n:03d}", spec={"key": f"k{n}", "name": "x", "background": "pure_white",
                                                        "format": "JPEG"}) for n in range(start, end)
    )  # fmt: skip


def test_channels_are_paged_by_name(ada: Browser) -> None:
    channels(0, 3)
    few = queries(ada, "/channels/")
    channels(3, 60)
    assert queries(ada, "/channels/") == few and walked(ada, "/channels/") == marks(60)


def test_the_versions_of_a_channel_are_paged_and_its_rules_are_of_the_newest(ada: Browser) -> None:
    first = make.make_channel("shop")

    def more(start: int, end: int) -> None:
        Channel.objects.bulk_create(
            Channel(
                key="shop", name="Shop", version=n + 2, note=f"row-{n:03d}", spec=first.spec | {"quality": 50 + n % 2}
            )
            for n in range(start, end)
        )

    more(0, 3)
    few = queries(ada, "/channels/shop/")
    more(3, 45)
    assert queries(ada, "/channels/shop/") == few
    assert walked(ada, "/channels/shop/", "v") == marks(45, falling=True)
    later = ada.get("/channels/shop/?list=v&after=[10]").content.decode()
    assert "v46</span>" in later and "offered" not in later, "the newest stands above, the list goes on"
    assert ada.get("/channels/nothing/").status_code == 404


def test_thr_the_versions_of_the_thresholds_are_paged_and_each_says_what_it_changed(ada: Browser) -> None:
    make.policy()

    def more(start: int, end: int) -> None:
        newest = RoutingPolicy.objects.order_by("-number").values_list("number", flat=True)[0]
        RoutingPolicy.objects.bulk_create(
            RoutingPolicy(number=newest + 1 + n - start, note=f"row-{n:03d}", approve_at=88 + n % 2)
            for n in range(start, end)
        )

    more(0, 3)
    few = queries(ada, "/quality/thresholds/")
    more(3, 65)
    assert queries(ada, "/quality/thresholds/") == few
    assert walked(ada, "/quality/thresholds/", "versions") == marks(65, falling=True)
    first = ada.get("/quality/thresholds/").content.decode()
    assert first.count("approve at ") == 30, "the last one of a page is compared with the next page's first"
    tail = ada.get("/quality/thresholds/?list=versions&after=[3]").content.decode()
    assert "First version" in tail and "approve at " in tail
    assert "Version 66, in use since" in tail, "the thresholds above stay those in force"


def test_cls04_category_rules_are_paged_by_name(ada: Browser) -> None:
    make.policy()
    CategoryRule.objects.all().delete()
    preset = Preset.objects.create(name="Own", slug="own")
    CategoryRule.objects.bulk_create(
        CategoryRule(category=f"row-{n:03d}", complexity=Complexity.SIMPLE, preset=preset) for n in range(120)
    )
    assert walked(ada, "/quality/thresholds/", "rules") == marks(120)


def test_reviewers_are_paged_by_name_with_their_figures(ada: Browser) -> None:
    make.policy()
    group = Group.objects.get_or_create(name=Role.REVIEWER.value)[0]

    def more(start: int, end: int) -> None:
        made = Person.objects.bulk_create(Person(username=f"row-{n:03d}") for n in range(start, end))
        group.user_set.add(*made)

    more(0, 3)
    few = queries(ada, "/quality/reviewers/")
    more(3, 50)
    assert queries(ada, "/quality/reviewers/") == few and walked(ada, "/quality/reviewers/") == marks(50)


def test_the_proof_page_says_that_more_waits_than_it_shows(ada: Browser) -> None:
    make.policy()
    for n in range(20):
        Alarm.objects.create(kind=AlarmKind.INCIDENT, key=f"k{n}", text=f"row-{n:03d}")
    full = ada.get("/quality/proof/").content.decode()
    assert set(MARK.findall(full)) == set(marks(20)) and "More waits" not in full
    Alarm.objects.create(kind=AlarmKind.INCIDENT, key="k20", text="row-020")
    over = ada.get("/quality/proof/").content.decode()
    assert "More waits than is shown here, 20 of each kind." in over and "row-000" not in over and "row-020" in over


def test_sec14_the_links_of_a_delivery_are_paged(ada: Browser) -> None:
    batch = make.make_batch()
    delivery = Delivery.objects.create(batch=batch, number=1, state="ready", manifest={}, opens_at=timezone.now())
    until = timezone.now() + timedelta(days=1)
    people = Person.objects.bulk_create(Person(username=f"row-{n:03d}") for n in range(45))
    path = f"/deliveries/{delivery.pk}/links/"

    def more(start: int, end: int) -> None:
        DeliveryLink.objects.bulk_create(
            DeliveryLink(delivery=delivery, created_by=who, expires_at=until) for who in people[start:end]
        )

    more(0, 3)
    few = queries(ada, path)
    more(3, 45)
    assert queries(ada, path) == few and walked(ada, path, "links") == marks(45, falling=True)


def test_a_manager_reads_a_batchs_activity_to_its_beginning(client: Browser) -> None:
    """The audit log, which has it as well, is for admins."""
    client.force_login(make.make_user("mia", Role.MANAGER))
    batch = make.make_batch()

    def more(start: int, end: int) -> None:
        AuditEvent.objects.bulk_create(
            AuditEvent(verb="batch.note", noun="batch", batch=batch, note=f"row-{n:03d}") for n in range(start, end)
        )

    path = f"/batches/{batch.pk}/"
    more(0, 3)
    few = queries(client, path)
    more(3, 40)
    assert queries(client, path) == few and walked(client, path, "activity") == marks(40, falling=True)
    client.force_login(make.make_user("sam", Role.MANAGER, clients=[make.make_client()]))
    assert client.get(f"{path}?list=activity", headers={"HX-Request": "true"}).status_code == 404


def test_the_other_edits_of_a_photo_are_paged(ada: Browser) -> None:
    task = make.make_edit()

    def more(start: int, end: int) -> None:
        EditTask.objects.bulk_create(
            EditTask(asset=task.asset, reason="low_score", signoff_note=f"row-{n:03d}", state=EditTaskState.WITHDRAWN)
            for n in range(start, end)
        )

    path = f"/editing/{task.pk}/"
    assert "Other edits" not in ada.get(path).content.decode()
    more(0, 3)
    few = queries(ada, path)
    more(3, 45)
    assert queries(ada, path) == few and walked(ada, path, "history") == marks(45, falling=True)


def test_a_cursor_of_a_falling_order_leads_on_where_values_are_equal() -> None:
    for n in range(7):
        make.make_client(name=f"c{n}", grace_minutes=n // 3)
    rows = Client.objects.filter(grace_minutes__isnull=False)
    order, cursor, found = ("-grace_minutes", "name"), "", list[str]()
    while True:
        page = keyset_by(rows, order, cursor, 2)
        found += [one.name for one in page.rows]
        if not (cursor := page.next_cursor):
            break
    assert found == ["c6", "c3", "c4", "c5", "c0", "c1", "c2"]
