"""Batches over HTTP: who may, what the list and the live page cost, and what a manager can do to a batch."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from reviewapp.enums import AssetState, BatchState, Role, SampleOutcome, Step, TaskState
from reviewapp.models import Asset, AuditEvent, Batch, SampleMember, Task
from tests import factories

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def manager(client: Browser) -> Browser:
    """A browser signed in as a manager."""
    client.force_login(factories.make_user("mona", Role.MANAGER))
    return client


PAGES = ["batches:list", "batches:new", "deliveries:list", "quality:thresholds", "presets:list", "proposals:list"]
ADMIN_PAGES = ["people:list", "people:new", "audit:list", "channels:new"]


@pytest.mark.parametrize("name", [*PAGES, "channels:list", *ADMIN_PAGES])
@pytest.mark.parametrize("role", [Role.REVIEWER, Role.EDITOR])
def test_sec01_reviewers_and_editors_are_refused(client: Browser, name: str, role: Role) -> None:
    client.force_login(factories.make_user("", role))
    assert client.get(reverse(name)).status_code == 403


@pytest.mark.parametrize("name", ADMIN_PAGES)
def test_sec01_managers_are_refused_where_only_admins_act(manager: Browser, name: str) -> None:
    assert manager.get(reverse(name)).status_code == 403


@pytest.mark.parametrize("name", [*PAGES, *ADMIN_PAGES, "channels:list"])
def test_sec01_every_page_opens_for_an_admin_and_asks_a_stranger_to_sign_in(client: Browser, name: str) -> None:
    factories.policy()
    assert client.get(reverse(name)).status_code == 302
    client.force_login(factories.make_user("", Role.ADMIN))
    assert client.get(reverse(name)).status_code == 200


def fill(batches: int) -> None:
    """Batches with a picture, a failure and something waiting each."""
    channel = factories.make_channel("shopify")
    version = factories.make_preset_version()
    for _ in range(batches):
        batch = factories.make_batch(channel.key, preset_version=version)
        factories.make_run(factories.make_asset(batch, AssetState.IN_REVIEW))
        factories.make_asset(batch, AssetState.FAILED, state_code="boom", state_reason="It broke.")


def test_ing18_the_list_costs_the_same_for_two_and_for_twenty_batches(
    manager: Browser, django_assert_num_queries: Any
) -> None:
    fill(2)
    url = reverse("batches:list")
    manager.get(url)
    with django_assert_num_queries(8):
        manager.get(url)
    fill(18)
    with django_assert_num_queries(8):
        response = manager.get(url)
    assert response.content.count(b'class="prime"') == 20


def test_ing18_the_list_pages_by_key_and_htmx_gets_only_rows(manager: Browser) -> None:
    fill(27)
    first = manager.get(reverse("batches:list"))
    cursor = first.context["page"].next_cursor
    more = manager.get(reverse("batches:list"), {"after": cursor}, headers=HTMX)
    assert more.content.count(b'class="prime"') == 2
    assert b"<html" not in more.content and b"<header" not in more.content
    assert "HX-Request" in more["Vary"]


def test_ing18_filter_and_search_by_client_name_and_sku(manager: Browser) -> None:
    ready = factories.make_batch(name="Ready one", state=BatchState.READY)
    broken = factories.make_batch(name="Broken one")
    factories.make_asset(broken, AssetState.FAILED, sku="ZZ-77")
    for query, found in (
        ({"filter": "ready"}, [ready]),
        ({"filter": "attention"}, [broken]),
        ({"q": "zz-77"}, [broken]),
        ({"q": ready.client.name.upper()}, [ready] if ready.client.name not in broken.client.name else [ready, broken]),
        ({"q": "nothing like it"}, []),
    ):
        page = manager.get(reverse("batches:list"), query, headers=HTMX).context["page"]
        assert [row.batch for row in page.rows] == found, query
    chips = {chip.key: chip.count for chip in manager.get(reverse("batches:list")).context["chips"]}
    assert (chips["all"], chips["ready"], chips["attention"]) == (2, 1, 1)


def test_ing01_a_batch_is_made_for_a_new_client(manager: Browser) -> None:
    version, channel = factories.make_preset_version(), factories.make_channel("shopify")
    answer = manager.post(
        reverse("batches:new"),
        {
            "new_client": "Halden Supply",
            "name": "Bags",
            "preset_version": version.pk,
            "channels": [channel.pk],
            "priority": 3,
            "requires_sku": "on",
        },
    )
    batch = Batch.objects.get()
    assert answer.url == reverse("uploads:page", args=[batch.pk])
    assert (batch.client.name, batch.preset_version, batch.priority, batch.requires_sku) == (
        "Halden Supply", version, 3, True,
    )  # fmt: skip
    assert batch.created_by is not None and batch.created_by.username == "mona"


@pytest.mark.parametrize(("chosen", "kept"), [("", "marketplace-1000"), ("hires-2000", "hires-2000")])
def test_pre11_the_order_names_a_profile_or_takes_its_clients(manager: Browser, chosen: str, kept: str) -> None:
    one = factories.make_client(validation_profile="marketplace-1000")
    version, channel = factories.make_preset_version(), factories.make_channel("shopify")
    order = {"client": one.pk, "name": "Bags", "preset_version": version.pk, "channels": [channel.pk], "priority": 5}
    manager.post(reverse("batches:new"), order | {"validation_profile": chosen})
    assert Batch.objects.get().validation_profile == kept


def test_ing01_what_is_missing_is_said_beside_its_field(manager: Browser) -> None:
    factories.make_preset_version()
    answer = manager.post(reverse("batches:new"), {"name": "", "priority": 11})
    assert answer.status_code == 422
    errors = answer.context["form"].errors
    assert set(errors) == {"new_client", "name", "preset_version", "channels", "priority"}
    assert not Batch.objects.exists()


def test_pro02_the_progress_fragment_is_small_cheap_and_stops_by_itself(
    manager: Browser, django_assert_max_num_queries: Any
) -> None:
    batch = factories.make_batch()
    for state in (AssetState.QUEUED, AssetState.AUTO_APPROVED, AssetState.IN_REVIEW, AssetState.FAILED):
        factories.make_asset(batch, state)
    url = reverse("batches:progress", args=[batch.pk])
    with django_assert_max_num_queries(7):
        busy = manager.get(url)
    assert len(busy.content) <= 3 * 1024
    assert b"load delay:2s" in busy.content
    batch.assets.filter(state=AssetState.QUEUED).update(state=AssetState.IN_REVIEW)
    Batch.objects.update(state=BatchState.REVIEW)
    assert b"load delay:10s" in manager.get(url).content
    Batch.objects.update(state=BatchState.DELIVERED)
    done = manager.get(url)
    assert b"hx-trigger" not in done.content
    assert done.context["progress"].figures.approved == 1


def test_pro02_the_other_parts_are_told_only_when_a_count_moved(manager: Browser) -> None:
    batch = factories.make_batch()
    asset = factories.make_asset(batch, AssetState.QUEUED)
    url = reverse("batches:progress", args=[batch.pk])
    seen = manager.get(url).context["progress"].seen
    assert "HX-Trigger" not in manager.get(url, {"seen": seen})
    type(asset).objects.filter(pk=asset.pk).update(state=AssetState.IN_REVIEW)
    assert manager.get(url, {"seen": seen})["HX-Trigger"] == "batch-moved"


def test_obs22_failures_are_grouped_and_a_group_is_retried(manager: Browser) -> None:
    batch = factories.make_batch()
    for code in ("timeout", "timeout", "other"):
        asset = factories.make_asset(batch, AssetState.FAILED, state_code=code, state_reason=f"It was {code}.")
        Task.objects.create(
            asset=asset, step=Step.PROCESS, key=f"process:{asset.pk}", state=TaskState.DEAD, available_at=timezone.now()
        )
    for number in range(5):
        factories.make_asset(
            batch,
            AssetState.REJECTED_INTAKE,
            state_code="too_small",
            state_reason="File too small: 1 KB.",
            relative_path=f"shoot/tiny-{number}.jpg",
        )
    page = manager.get(reverse("batches:failures", args=[batch.pk]))
    text = page.content.decode()
    assert "It was timeout." in text and "File too small: 1 KB." in text
    assert "shoot/tiny-0.jpg, shoot/tiny-1.jpg, shoot/tiny-2.jpg" in text and "and 2 more" in text
    assert "tiny-3.jpg" not in text
    assert text.count(f"batches/{batch.pk}/failures/retry/") == 2  # the refused one can't be retried
    manager.post(reverse("batches:retry", args=[batch.pk]), {"code": "timeout"})
    states = sorted(batch.assets.values_list("state", "state_code"))
    assert [state for state, _ in states].count(AssetState.QUEUED) == 2
    assert batch.assets.get(state_code="other").state == AssetState.FAILED


def test_sch24_pause_needs_a_reason_and_resume_goes_on(manager: Browser) -> None:
    batch = factories.make_batch()
    factories.make_asset(batch, AssetState.QUEUED)
    manager.post(reverse("batches:pause", args=[batch.pk]), {"reason": " "})
    batch.refresh_from_db()
    assert batch.state == BatchState.PROCESSING
    manager.post(reverse("batches:pause", args=[batch.pk]), {"reason": "Wrong preset"})
    batch.refresh_from_db()
    assert (batch.state, batch.paused_reason) == (BatchState.PAUSED, "Wrong preset")
    assert b"Wrong preset" in manager.get(reverse("batches:detail", args=[batch.pk])).content
    manager.post(reverse("batches:resume", args=[batch.pk]))
    batch.refresh_from_db()
    assert batch.state == BatchState.PROCESSING
    assert AuditEvent.objects.filter(verb="batch.moved", actor__username="mona").count() == 2


def test_sch02_priority_is_bounded_and_cancel_keeps_what_is_done(manager: Browser) -> None:
    batch = factories.make_batch()
    factories.make_asset(batch, AssetState.QUEUED)
    factories.make_asset(batch, AssetState.APPROVED)
    url = reverse("batches:priority", args=[batch.pk])
    manager.post(url, {"priority": 0})
    manager.post(url, {"priority": 2})
    batch.refresh_from_db()
    assert batch.priority == 2
    manager.post(reverse("batches:cancel", args=[batch.pk]), {"reason": "Client withdrew"})
    batch.refresh_from_db()
    assert batch.state == BatchState.CANCELLED
    assert sorted(batch.assets.values_list("state", flat=True)) == [AssetState.APPROVED, AssetState.CANCELLED]


def test_pro09_the_page_says_which_remover_made_the_images(manager: Browser) -> None:
    batch = factories.make_batch()
    factories.make_run(factories.make_asset(batch, AssetState.IN_REVIEW), remover="rembg", model_name="birefnet")
    factories.make_run(factories.make_asset(batch, AssetState.IN_REVIEW), remover="studio")
    text = manager.get(reverse("batches:detail", args=[batch.pk])).content.decode()
    assert "rembg, birefnet (1)" in text and "studio (1)" in text


def test_the_batch_page_costs_the_same_for_two_and_for_forty_images(
    manager: Browser, django_assert_num_queries: Any
) -> None:
    batch = factories.make_batch("shopify", state=BatchState.REVIEW)

    def add(count: int) -> None:
        for _ in range(count):
            factories.make_run(factories.make_asset(batch, AssetState.IN_REVIEW))

    add(2)
    url = reverse("batches:detail", args=[batch.pk])
    manager.get(url)
    with django_assert_num_queries(19) as counted:
        manager.get(url)
    add(38)
    with django_assert_num_queries(len(counted.captured_queries)):
        manager.get(url)


def test_tiles_filter_by_state_and_page_by_key(manager: Browser) -> None:
    batch = factories.make_batch()
    for n in range(50):
        factories.make_asset(batch, AssetState.IN_REVIEW if n % 2 else AssetState.APPROVED)
    url = reverse("batches:images", args=[batch.pk])
    waiting = manager.get(url, {"show": "waiting"}, headers=HTMX)
    assert waiting.content.count(b'class="tile') - waiting.content.count(b'class="tiles') == 25
    every = manager.get(url, headers=HTMX).context["tiles"].page
    assert len(every.assets) == 48 and every.next_cursor == str(every.assets[-1].pk)
    rest = manager.get(url, {"after": every.next_cursor}, headers=HTMX)
    assert len(rest.context["tiles"].page.assets) == 2 and b"<section" not in rest.content


def test_the_image_page_shows_the_whole_record(manager: Browser) -> None:
    batch = factories.make_batch("shopify")
    asset = factories.make_approved(batch, sku="NW-9")
    factories.make_asset(batch, AssetState.QUEUED)
    text = manager.get(reverse("images:detail", args=[asset.pk])).content.decode()
    for words in ("NW-9", "95", "Background", "Files for the channels", "NW-9.jpg", "Verified", "Runs", "studio"):
        assert words in text, words
    assert manager.get(reverse("images:detail", args=[10**6])).status_code == 404


def test_a_new_batch_without_what_it_needs_says_what_is_missing_and_leads_there(manager: Browser) -> None:
    factories.make_channel("shopify")
    text = manager.post(reverse("batches:new"), {"name": ""}).content.decode()
    summary = text.partition('role="alert" tabindex="-1" autofocus>')[2].partition("</div>")[0]
    for said in ('href="#id_name"', 'href="#id_channels_0"', "Fill in “", "Choose at least one under “Channels”."):
        assert said in summary, said
    assert 'id="id_channels_0"' in text and "This field is required" not in text


def test_files_dropped_on_the_batch_list_are_asked_for_again_on_the_next_page(manager: Browser) -> None:
    url = reverse("batches:new")
    assert "Your files are not sent yet." in manager.get(url, {"dropped": "1"}).content.decode()
    assert "Your files are not sent yet." in manager.post(f"{url}?dropped=1", {}).content.decode()
    assert "Your files are not sent yet." not in manager.get(url).content.decode()


def test_a_group_of_failures_is_headed_by_what_is_true_of_all_of_it(manager: Browser) -> None:
    batch = factories.make_batch("shopify")
    for size in ("it is empty", "12 bytes is no photo"):
        said = {"state_code": "file_too_small", "state_reason": f"File too small: {size}."}
        factories.make_asset(batch, AssetState.REJECTED_INTAKE, **said)
    url = reverse("batches:failures", args=[batch.pk])
    assert '<span class="prime">File too small</span>' in manager.get(url).content.decode()
    Asset.objects.update(state_reason="File too small: it is empty.")
    assert '<span class="prime">File too small: it is empty.</span>' in manager.get(url).content.decode()


def test_a_cancelled_batch_says_what_became_of_its_photos_and_waits_for_nobody(manager: Browser) -> None:
    batch = factories.make_batch("shopify", state=BatchState.CANCELLED)
    factories.make_sample(batch)
    factories.make_review(batch)
    factories.make_approved(batch)
    factories.make_asset(batch, AssetState.CANCELLED)
    page = manager.get(f"/batches/{batch.pk}/").content.decode()
    told = "1 given up before they were done, 1 left undecided, and nobody is asked for them, 2 approved"
    assert told in page and "Left undecided" in page
    for waits in ("Waiting for people", "Ready to deliver", "blind sample waits", "Deliver</button>"):
        assert waits not in page, waits
    assert f"/batches/{batch.pk}/deliver/" not in page


def test_a_delivery_that_is_held_back_is_not_offered(manager: Browser) -> None:
    batch = factories.make_batch("shopify", state=BatchState.REVIEW)
    factories.make_approved(batch)
    sample = factories.make_sample(batch)
    page = manager.get(f"/batches/{batch.pk}/").content.decode()
    assert 'disabled aria-describedby="held"' in page and "Held: 1 blind sample waits" in page
    assert page.count(f"/batches/{batch.pk}/deliver/") == 1
    SampleMember.objects.filter(review_task=sample).update(outcome=SampleOutcome.ACCEPTED)
    page = manager.get(f"/batches/{batch.pk}/").content.decode()
    assert "Held:" not in page and page.count(f"/batches/{batch.pk}/deliver/") == 2
