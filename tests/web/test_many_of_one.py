"""What a manager or an admin looks for among ten thousand: people, presets, deliveries, what somebody did."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from reviewapp.enums import DeliveryState, MessageChannel, MessageKind, MessageState, Role
from reviewapp.models import AuditEvent, Batch, Delivery, OutboundMessage, Preset
from reviewapp.selectors import audit as audit_reads
from reviewapp.selectors import people as people_reads
from reviewapp.services import audit
from tests import factories as make

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def ada(client: Browser) -> Browser:
    """A browser signed in as somebody with every role."""
    client.force_login(make.make_user("ada", *Role))
    return client


def rows(browser: Browser, name: str, **query: Any) -> list[Any]:
    answer = browser.get(reverse(name), query, headers=HTMX)
    assert answer.status_code == 200
    return list(answer.context["page"].rows)


def test_people_are_found_by_any_of_their_names_and_the_search_goes_on(ada: Browser) -> None:
    User.objects.create(username="rita", first_name="Rita", last_name="Moreno", email="rm@studio.example")
    User.objects.create(username="otto", first_name="Otto", last_name="Rita")
    assert [one.username for one in rows(ada, "people:list", q="RITA")] == ["otto", "rita"]
    assert [one.username for one in rows(ada, "people:list", q="moreno ri")] == ["rita"]
    assert [one.username for one in rows(ada, "people:list", q="studio.example")] == ["rita"]
    assert "Nobody is called that" in ada.get("/people/?q=zoe").content.decode()
    User.objects.bulk_create(User(username=f"temp{n:03d}") for n in range(60))
    page = ada.get("/people/?q=temp").content.decode()
    more = re.search(r'hx-get="(\?q=temp&amp;after=[^"]*)"', page)
    assert more is not None and 'value="temp"' in page
    rest = ada.get("/people/" + more[1].replace("&amp;", "&"), headers=HTMX).content.decode()
    assert rest.count("temp") >= 10 and "otto" not in rest


def test_obs24_what_somebody_did_is_found_by_their_name(ada: Browser) -> None:
    rita = User.objects.create(username="r.moreno", first_name="Rita", last_name="Moreno")
    otto = User.objects.create(username="otto")
    batch = make.make_batch()
    for who in (rita, otto, rita):
        audit.record("batch.priority", batch, actor=who)
    assert {event.actor for event in rows(ada, "audit:list", actor="moreno", verb="batch")} == {rita}
    assert {event.actor for event in rows(ada, "audit:list", actor=str(otto.pk))} == {otto}, (
        "addresses kept from before"
    )
    assert rows(ada, "audit:list", actor="nobody at all") == []
    assert people_reads.ids_called("ri mo") == [rita.pk]
    page = ada.get("/audit/?actor=moreno").content.decode()
    assert 'value="moreno"' in page and "Otto" not in page and page.count("<option") < 10, "no list of everybody"


def test_obs24_a_name_of_very_many_is_cut_and_says_so(ada: Browser) -> None:
    User.objects.bulk_create(User(username=f"temp{n:03d}") for n in range(51))
    last = User.objects.get(username="temp050")
    audit.record("batch.priority", make.make_batch(), actor=last)
    page = ada.get("/audit/?actor=temp").content.decode()
    assert "More than 50 people are called that; the first 50 are looked for." in page
    assert rows(ada, "audit:list", actor="temp") == [] and len(rows(ada, "audit:list", actor="temp050")) == 1


def test_obs24_the_verbs_of_the_log_are_read_from_its_index_step_by_step(django_assert_num_queries: Any) -> None:
    batch = make.make_batch()
    AuditEvent.objects.all()
    for verb in ("zeta.done", "batch.moved", "asset.moved", "batch.created", "batch.moved", "Upper.case"):
        audit.record(verb, batch)
    expected = sorted(set(AuditEvent.objects.order_by().values_list("verb", flat=True)))
    with django_assert_num_queries(1):
        assert sorted(audit_reads.verbs()) == expected
    with CaptureQueriesContext(connection) as caught:
        audit_reads.verbs()
    asked = caught.captured_queries[0]["sql"]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = off")
            cursor.execute(f"EXPLAIN {asked}")
        else:
            cursor.execute(f"EXPLAIN QUERY PLAN {asked}")
        plan = "\n".join(str(row) for row in cursor.fetchall())
        if connection.vendor == "postgresql":
            cursor.execute("SET enable_seqscan = on")
    assert "audit_verb" in plan, plan


def test_obs24_a_log_without_a_row_has_no_verbs() -> None:
    assert AuditEvent.objects.count() == 0 and audit_reads.verbs() == []


def test_presets_are_found_by_name_and_description(ada: Browser) -> None:
    Preset.objects.create(name="Glass bottles", slug="glass")
    Preset.objects.create(name="Shoes", slug="shoes", description="Also GLASS slippers")
    Preset.objects.create(name="Mugs", slug="mugs")
    assert [one.name for one in rows(ada, "presets:list", q="glass")] == ["Glass bottles", "Shoes"]
    assert "Nothing matches the search" in ada.get("/presets/?q=hats").content.decode()


def deliveries(batch: Batch, count: int, **fields: Any) -> list[Delivery]:
    first = batch.deliveries.count() + 1
    return Delivery.objects.bulk_create(
        Delivery(batch=batch, number=first + n, manifest={}, **fields) for n in range(count)
    )


def test_deliveries_are_found_by_batch_client_and_state(ada: Browser) -> None:
    north = make.make_batch(client=make.make_client(name="North"), name="Spring shoes")
    south = make.make_batch(client=make.make_client(name="South"), name="Autumn")
    deliveries(north, 60)
    (back,) = deliveries(south, 1, state=DeliveryState.RECALLED)

    def found(**query: Any) -> set[int]:
        return {one.batch_id for one in rows(ada, "deliveries:list", **query)}

    assert found() == {north.pk, south.pk}
    assert found(q="spring") == found(q="north") == found(batch=north.pk) == {north.pk}
    assert found(q=str(south.pk)) == found(state="recalled") == {south.pk}
    assert found(q="north", state="recalled") == set() and found(state="<b>", batch="x") == {north.pk, south.pk}
    page = ada.get("/deliveries/?q=spring").content.decode()
    more = re.search(r'href="(\?q=spring&amp;after=\d+)"', page)
    assert more and len(ada.get("/deliveries/" + more[1].replace("&amp;", "&")).context["page"].rows) == 10
    assert "Other deliveries are hidden by it." in ada.get("/deliveries/?q=hats").content.decode()
    assert back.pk and "Show all" not in ada.get("/deliveries/").content.decode()


def test_sec01_the_search_finds_no_delivery_of_somebody_elses_client(client: Browser) -> None:
    mine, foreign = make.make_batch(name="Spring mine"), make.make_batch(name="Spring foreign")
    deliveries(mine, 1)
    deliveries(foreign, 1)
    client.force_login(make.make_user("mia", Role.MANAGER, clients=[mine.client]))
    assert [one.batch_id for one in rows(client, "deliveries:list", q="spring")] == [mine.pk]
    assert rows(client, "deliveries:list", batch=foreign.pk) == []


def test_a_batch_with_many_deliveries_shows_the_newest_and_leads_to_all(ada: Browser) -> None:
    batch = make.make_batch()
    deliveries(batch, 10)
    way = f'href="/deliveries/?batch={batch.pk}"'
    assert way not in ada.get(f"/batches/{batch.pk}/").content.decode()
    deliveries(batch, 3)
    page = ada.get(f"/batches/{batch.pk}/").content.decode()
    assert way in page and way in ada.get(f"/batches/{batch.pk}/deliveries/").content.decode()
    assert len(rows(ada, "deliveries:list", batch=batch.pk)) == 13


def test_del10_what_was_given_up_is_found_among_many_messages(ada: Browser) -> None:
    one = make.make_client()
    sent = {"kind": MessageKind.TEST, "client": one, "channel": MessageChannel.EMAIL, "body": {}}
    OutboundMessage.objects.bulk_create(
        OutboundMessage(**sent, key=f"k{n}", target=f"t{n:03d}@example.com", available_at=timezone.now(),
                        state=MessageState.DEAD if n % 3 == 0 else MessageState.SENT) for n in range(90)
    )  # fmt: skip
    path = f"/clients/{one.pk}/"
    assert f'href="{path}?told=dead#messages"' in ada.get(path).content.decode()
    text, found = ada.get(f"{path}?told=dead").content.decode(), list[str]()
    while True:
        found += re.findall(r"t\d{3}(?=@example\.com</span></td>|@example\.com</span>\s*</td>)", text)
        more = re.search(r'hx-get="([^"]*told=dead[^"]*list=messages[^"]*)"', text)
        if not more:
            break
        text = ada.get(more[1].replace("&amp;", "&"), headers=HTMX).content.decode()
    assert found == [f"t{n:03d}" for n in range(87, -1, -3)]
    assert "Nothing was given up." in ada.get(f"/clients/{make.make_client().pk}/?told=dead").content.decode()
