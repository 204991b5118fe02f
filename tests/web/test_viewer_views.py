"""What the compare viewer is served: mattes, further channels, siblings, references, and nothing that breaks a blind
queue (REV-02, REV-20, SEC-01, SMP-01)."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from processing import codecs
from processing.png import encode_matte
from processing.quality.labels import CODES
from reviewapp import storage
from reviewapp.enums import AssetState, Role
from reviewapp.models import (
    AuditEvent,
    Channel,
    ChannelView,
    ProcessingRun,
    QualityReport,
    ReferencePicture,
    ReviewTask,
)
from reviewapp.services import references
from reviewapp.services.review import record_decision
from reviewapp.templatetags.softproof import measure_words
from reviewapp.web.media_urls import matte_url, reference_url, run_url, view_url
from reviewapp.web.viewer_items import run_item
from reviewapp.web.why import why
from tests import factories
from tests.e2e.pictures import run_files

pytestmark = pytest.mark.django_db


@pytest.fixture
def task() -> ReviewTask:
    """A photo up for review on a batch of two channels, its pictures and cut-out stored."""
    made = factories.make_review(factories.make_batch("amazon_main", "shop_b"), sku="MUG")
    ProcessingRun.objects.filter(pk=made.run_id).update(**run_files(200))
    made.run.refresh_from_db()
    return made


def signed_in(client: Client, *roles: Role) -> User:
    user = factories.make_user("", *roles)
    client.force_login(user)
    return user


def body(answer: Any) -> bytes:
    return b"".join(answer)


def channel_url(task: ReviewTask, key: str) -> str:
    return reverse("viewer:channel", args=[task.run_id, factories.make_channel(key).pk])


def siblings(client: Client, task: ReviewTask, query: str = "") -> list[dict[str, Any]]:
    answer = client.get(reverse("viewer:siblings", args=[task.run_id]) + query)
    assert answer.status_code == 200
    return list(answer.json()["photos"])


def test_rev02_the_matte_is_served_as_a_grey_png(client: Client, task: ReviewTask) -> None:
    signed_in(client, Role.REVIEWER)
    answer = client.get(matte_url(task.run))
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert "immutable" in answer["Cache-Control"]


def test_rev02_a_run_made_before_mattes_were_kept_says_so(client: Client, task: ReviewTask) -> None:
    signed_in(client, Role.REVIEWER)
    ProcessingRun.objects.filter(pk=task.run_id).update(matte_key="")
    task.run.refresh_from_db()
    item = run_item(task.run)
    assert item["matte"] == "" and item["afterFile"] == "a preview, not the delivered file"
    assert client.get(reverse("media:run", args=[task.run_id, "matte"])).status_code == 404


def test_rev02_after_has_the_type_of_the_file_it_is(client: Client, task: ReviewTask) -> None:
    signed_in(client, Role.REVIEWER)
    fields = {"after_type": "image/jpeg", "after_format": "JPEG", "after_bytes": 412_300, "after_is_file": True}
    ProcessingRun.objects.filter(pk=task.run_id).update(**fields)
    task.run.refresh_from_db()
    assert client.get(run_url(task.run, "after"))["Content-Type"] == "image/jpeg"
    assert run_item(task.run)["afterFile"] == "JPEG, 412 kB"


def test_rev02_another_channel_is_rendered_when_it_is_looked_at(client: Client, task: ReviewTask) -> None:
    signed_in(client, Role.REVIEWER)
    first = client.get(channel_url(task, "shop_b")).json()
    view = ChannelView.objects.get()
    assert first["after"] == view_url(view, "after") and first["afterFile"].startswith("JPEG, ")
    assert (first["width"], first["height"], len(first["matrix"])) == (view.width, view.height, 6)
    assert client.get(channel_url(task, "shop_b")).json() == first and ChannelView.objects.count() == 1
    pictures = [body(client.get(first[kind])) for kind in ("after", "matte")]
    assert pictures[0][:2] == b"\xff\xd8" and pictures[1][:4] == b"\x89PNG"


def test_sec01_another_channel_of_what_one_may_not_see_is_not_there(client: Client, task: ReviewTask) -> None:
    foreign = factories.make_channel("not_in_the_batch")
    signed_in(client, Role.REVIEWER)
    assert client.get(reverse("viewer:channel", args=[task.run_id, foreign.pk])).status_code == 404
    made = client.get(channel_url(task, "shop_b")).json()
    unseen = factories.make_run(factories.make_asset(task.asset.batch), **run_files(10))
    assert client.get(reverse("viewer:siblings", args=[unseen.pk])).status_code == 404
    assert client.get(channel_url(task, "shop_b").replace(str(task.run_id), str(unseen.pk), 1)).status_code == 404
    ReviewTask.objects.all().delete()
    assert client.get(made["after"]).status_code == 404


def test_rev02_a_channel_that_cannot_be_served_says_why(client: Client, task: ReviewTask) -> None:
    signed_in(client, Role.REVIEWER)
    channel = factories.make_channel("shop_b")
    Channel.objects.filter(pk=channel.pk).update(spec={**channel.spec, "min_dimension": 3000})
    answer = client.get(channel_url(task, "shop_b"))
    assert answer.status_code == 422
    assert answer.json()["message"] == (
        "Shop B: The photo is 900 x 600 px; shop_b needs at least 3000 px. Send a larger original."
    )


def test_rev20_siblings_are_the_same_product_in_the_same_batch(client: Client, task: ReviewTask) -> None:
    signed_in(client, Role.REVIEWER)
    batch = task.asset.batch
    other = factories.make_asset(batch, AssetState.AUTO_APPROVED, sku="MUG", filename="side.jpg")
    run = factories.make_run(other, total=95.0, **run_files(40))
    factories.make_asset(batch, AssetState.QUEUED, sku="MUG", filename="late.jpg")
    factories.make_asset(batch, AssetState.DUPLICATE, sku="MUG", filename="twice.jpg")
    factories.make_asset(batch, sku="CUP", filename="cup.jpg")
    factories.make_asset(factories.make_batch(), sku="MUG", filename="elsewhere.jpg")
    found = siblings(client, task)
    assert [photo["name"] for photo in found] == [task.asset.filename, "side.jpg", "late.jpg"]
    assert [photo["word"] for photo in found] == ["This photo", "", "No result yet"]
    assert client.get(found[1]["thumb"]).status_code == 200 and client.get(found[1]["after"]).status_code == 200
    assert client.get(run_url(run, "cutout")).status_code == 404


def test_smp01_a_desk_is_not_told_where_siblings_stand_a_manager_is(client: Client, task: ReviewTask) -> None:
    batch = task.asset.batch
    sample = factories.make_sample(batch, sku="MUG", filename="sample.jpg")
    shipped = factories.make_asset(batch, AssetState.AUTO_APPROVED, sku="MUG", filename="shipped.jpg")
    for each in (sample.asset, shipped):
        factories.make_run(each, total=95.0, **run_files(40))
    for roles in ((Role.REVIEWER,), (Role.SENIOR,), (Role.REVIEWER, Role.EDITOR)):
        signed_in(client, *roles)
        for query in ("", "?states"):
            told = siblings(client, task, query)
            assert [photo["word"] for photo in told] == ["This photo", "", ""], (roles, query)
            assert all(set(photo) == {"name", "word", "isThis", "thumb", "after", "width", "height"} for photo in told)
    signed_in(client, Role.MANAGER)
    assert [photo["word"] for photo in siblings(client, task, "?states")][2] == AssetState.AUTO_APPROVED.label


def test_rev20_ones_own_verdict_on_a_sibling_is_told_to_oneself_only(client: Client, task: ReviewTask) -> None:
    other = factories.make_review(task.asset.batch, sku="MUG", filename="side.jpg")
    mine = signed_in(client, Role.REVIEWER)
    record_decision(mine, other.pk, seen_version=0, verdict="approve", reasons=[], note="", idempotency_key="k1")
    assert [photo["word"] for photo in siblings(client, task)] == ["This photo", "You approved it"]
    signed_in(client, Role.REVIEWER)
    assert [photo["word"] for photo in siblings(client, task)] == ["This photo", ""]


def test_rev20_siblings_cost_the_same_however_many(
    client: Client, task: ReviewTask, django_assert_num_queries: Any
) -> None:
    signed_in(client, Role.REVIEWER)
    for _ in range(2):
        for _ in range(5):
            factories.make_run(factories.make_asset(task.asset.batch, sku="MUG"), **run_files(40))
        with django_assert_num_queries(8):  # one of them: does the batch's sheet name a second photo of it (REV-15)?
            siblings(client, task)


def label_map(**boxes: tuple[int, int, int, int]) -> str:
    codes = np.zeros((100, 100), np.uint8)
    for name, (x, y, width, height) in boxes.items():
        codes[y : y + height, x : x + width] = CODES[name]
    return base64.b64encode(encode_matte(codes)).decode()


def scored(run: ProcessingRun, **fields: Any) -> QualityReport:
    rows = [
        {"name": "halo", "value": 0.9, "unit": "share", "part": "edge", "threshold": 0.7, "passed": False, "note": "",
         "where": [], "lost": 4.5},
        {"name": "compliance_rate", "value": 0.9, "unit": "share", "part": "background", "threshold": 0.95,
         "passed": False, "note": "", "where": [], "lost": 3.0},
        {"name": "fill", "value": 0.5, "unit": "share", "part": "fill", "threshold": 0.8, "passed": False, "note": "",
         "where": [[150, 150, 300, 300]], "lost": 10.0},
        {"name": "holes", "value": 0.0, "unit": "share", "part": "edge", "threshold": 0.1, "passed": True, "note": "",
         "where": [], "lost": 0.0},
    ]  # fmt: skip
    values = {
        "measures": rows, "label_map": label_map(halo=(10, 20, 5, 5)),
        "failures": [{"x": 5, "y": 6, "rgb": [250, 250, 250], "delta": [5, 5, 5]}], **fields,
    }  # fmt: skip
    QualityReport.objects.filter(run=run).update(**values)
    return QualityReport.objects.get(run=run)


def test_rev05_every_lost_point_has_its_measure_its_place_and_its_layer(task: ReviewTask) -> None:
    told = why(task.run, scored(task.run))
    assert [(row["group"], row["lost"], row["flag"]) for row in told["measures"]] == [
        ("fill", 10.0, 0), ("fringe", 4.5, 1), ("white", 3.0, 2),
    ]  # fmt: skip
    assert told["measures"][1]["name"] == measure_words("halo")
    assert [flag["box"] for flag in told["flags"]] == [[150, 150, 300, 300], [60, 120, 30, 30], [5, 6, 1, 1]]
    assert {group["key"]: group["lost"] for group in told["groups"]} == {"white": 3.0, "fringe": 4.5, "fill": 10.0}
    (halo,) = [group for group in told["groups"] if group["key"] == "fringe"]
    assert halo["paths"] and halo["boxes"] == [[60, 120, 30, 30]]
    assert told["fill"] == {
        "measured": [150, 150, 300, 300], "target": [60.0, 60.0, 480.0, 480.0], "share": 0.5, "limit": 0.8,
    }  # fmt: skip


def test_what_was_mended_is_a_place_to_look_at_and_costs_nothing(task: ReviewTask) -> None:
    report = scored(task.run)
    row = {"name": "mended", "value": 1.0, "unit": "", "part": "info", "threshold": None, "passed": None,
           "note": "", "where": [[400, 500, 20, 10]], "lost": 0.0}  # fmt: skip
    QualityReport.objects.filter(pk=report.pk).update(measures=[*report.measures, row])
    report.refresh_from_db()
    told = why(task.run, report)
    last = told["flags"][-1]
    assert (last["box"], last["group"], last["lost"]) == ([400, 500, 20, 10], "mended", 0.0)
    assert last["words"] == "Cleared by the line: look whether that was all"
    assert {group["key"]: group["count"] for group in told["groups"]}["mended"] == 1
    assert told["measures"][-1]["flag"] == len(told["flags"]) - 1


def test_places_of_the_scored_frame_are_moved_onto_a_smaller_file(task: ReviewTask) -> None:
    task.run.scored_width, task.run.scored_height = 1200, 1200
    task.run.scored_matrix = [0.5, 0, -10, 0, 0.5, -20]
    told = why(task.run, scored(task.run))
    assert told["matrix"] == [0.5, 0, 0, 0.5, -10, -20]
    assert told["flags"][1]["box"] == [50, 100, 30, 30]


@pytest.mark.parametrize("queue", ["mixed", "assisted"])
def test_smp01_why_is_in_the_assisted_queue_and_nowhere_in_the_blind_one(
    client: Client, task: ReviewTask, queue: str
) -> None:
    scored(task.run)
    factories.make_sample()
    signed_in(client, Role.REVIEWER)
    page = client.get(f"/review/{queue}/").content.decode()
    claimed = client.post(f"/review/{queue}/claim/", "{}", content_type="application/json").content.decode()
    for word in ('"places"', '"flags"', "Off-white", 'id="layers"', "overlays.css", 'data-panel="measures"'):
        assert (word in page + claimed) == (queue == "assisted"), word


def picture(side: int = 40) -> bytes:
    return codecs.encode_png(np.full((side, side * 2, 3), 120, np.uint8))


def test_a_manager_gives_a_client_reference_pictures(client: Client, task: ReviewTask) -> None:
    one = task.asset.batch.client
    signed_in(client, Role.MANAGER)
    sent = {"file": SimpleUploadedFile("good.png", picture(1000)), "caption": "  Like   this "}
    assert client.post(reverse("clients:add_reference", args=[one.pk]), sent).status_code == 302
    kept = ReferencePicture.objects.get()
    assert (kept.client, kept.caption, kept.width, kept.height) == (one, "Like this", 1600, 800)
    assert AuditEvent.objects.get(verb="client.reference_added").after["file"] == "good.png"
    page = client.get(reverse("clients:edit", args=[one.pk])).content.decode()
    assert reference_url(kept) in page and "Like this" in page
    signed_in(client, Role.REVIEWER)
    answer = client.get(reference_url(kept))
    assert answer["Content-Type"] == "image/webp" and body(answer)[:4] == b"RIFF"
    item = client.post("/review/mixed/claim/", "{}", content_type="application/json").json()["items"][0]
    assert item["references"] == [{"src": reference_url(kept), "caption": "Like this", "width": 1600, "height": 800}]
    assert client.post(reverse("clients:remove_reference", args=[one.pk, kept.pk])).status_code == 403
    signed_in(client, Role.MANAGER)
    assert client.post(reverse("clients:remove_reference", args=[one.pk, kept.pk])).status_code == 302
    assert not ReferencePicture.objects.exists() and AuditEvent.objects.filter(verb="client.reference_removed").exists()


def test_what_is_no_picture_is_refused_with_the_reason(client: Client, task: ReviewTask) -> None:
    one = task.asset.batch.client
    url = reverse("clients:add_reference", args=[one.pk])
    signed_in(client, Role.MANAGER)
    refused = client.post(url, {"file": SimpleUploadedFile("<b>.png", b"no picture at all")})
    assert refused.status_code == 422 and "&lt;b&gt;.png: " in refused.content.decode()
    assert client.post(url, {}).status_code == 422 and not ReferencePicture.objects.exists()


def test_a_client_has_room_for_six(task: ReviewTask) -> None:
    one, manager = task.asset.batch.client, factories.make_user("", Role.MANAGER)
    for n in range(references.MOST):
        references.add_reference(one, [picture()], f"{n}.png", "", manager)
    with pytest.raises(references.ReferenceRefused, match="6 reference pictures already"):
        references.add_reference(one, [picture()], "more.png", "", manager)
    assert storage.exists(ReferencePicture.objects.earliest("pk").key)
