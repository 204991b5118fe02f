"""SEC-01, SEC-06: who may see which picture, and what travels with it."""

from __future__ import annotations

import numpy as np
import pytest
from django.test import Client

from processing import apart, codecs, cutout
from reviewapp import storage
from reviewapp.enums import Role
from reviewapp.models import AuditEvent, ProcessingRun, ReviewTask
from reviewapp.services import rendering
from reviewapp.web.media_urls import original_url, rendition_url, run_url
from tests import factories
from tests.e2e.pictures import run_files

pytestmark = pytest.mark.django_db


@pytest.fixture
def task() -> ReviewTask:
    """A photo up for review whose pictures and original are stored."""
    made = factories.make_review()
    run, asset = made.run, made.asset
    type(run).objects.filter(pk=run.pk).update(**run_files(200))
    stored = storage.put_bytes(b"the original", prefix="o")
    asset.original_key, asset.sha256, asset.format = stored.key, stored.sha256, "JPEG"
    asset.save()
    run.refresh_from_db()
    return made


def as_role(client: Client, role: Role) -> Client:
    client.force_login(factories.make_user("", role))
    return client


PICTURES = ("before", "after", "thumb-before", "thumb-after")


@pytest.mark.parametrize("kind", [*PICTURES, "cutout"])
def test_sec01_anonymous_gets_no_picture(client: Client, task: ReviewTask, kind: str) -> None:
    assert client.get(run_url(task.run, kind)).status_code == 302


@pytest.mark.parametrize("kind", PICTURES)
def test_sec01_a_reviewer_sees_what_is_up_for_review(client: Client, task: ReviewTask, kind: str) -> None:
    answer = as_role(client, Role.REVIEWER).get(run_url(task.run, kind))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/webp"
    assert b"".join(answer)[:4] == b"RIFF"


def test_sec01_a_reviewer_gets_no_cutout_no_original_and_nothing_outside_review(
    client: Client, task: ReviewTask
) -> None:
    as_role(client, Role.REVIEWER)
    other = factories.make_run(factories.make_asset(), **run_files(10))
    assert client.get(run_url(task.run, "cutout")).status_code == 404
    assert client.get(original_url(task.asset)).status_code == 404
    assert client.get(run_url(other, "after")).status_code == 404


@pytest.mark.parametrize("role", [Role.EDITOR, Role.SENIOR, Role.MANAGER, Role.ADMIN])
def test_sec01_the_others_get_cutouts(client: Client, task: ReviewTask, role: Role) -> None:
    answer = as_role(client, role).get(run_url(task.run, "cutout"))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "image/png"


def test_sec08_the_web_process_decodes_no_photo_for_a_cutout(
    client: Client, task: ReviewTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = codecs.encode_png(cutout.rgba(rendering.opened(task.run)))

    def here(*args: object, **options: object) -> None:
        raise AssertionError("decoded in the web process")

    for module, name in ((codecs, "open_photo"), (codecs, "decode_grey"), (codecs, "encode_png")):
        monkeypatch.setattr(module, name, here)
    answer = as_role(client, Role.EDITOR).get(run_url(task.run, "cutout"))
    assert answer.status_code == 200 and answer.content == made
    assert list((storage.root() / storage.TEMP_FOLDER).iterdir()) == []
    monkeypatch.setattr(apart, "CUT_WAIT_S", 0.01)
    with apart._CUTTING:
        assert client.get(run_url(task.run, "cutout")).status_code == 503


def test_ops19_a_cutout_past_its_deadline_is_missing_and_lets_the_next_one_in(
    client: Client, task: ReviewTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_role(client, Role.EDITOR)
    monkeypatch.setattr(apart, "CUT_DEADLINE_S", 0.01)
    assert client.get(run_url(task.run, "cutout")).status_code == 404
    monkeypatch.setattr(apart, "CUT_DEADLINE_S", 60.0)
    assert client.get(run_url(task.run, "cutout")).status_code == 200


def test_a_cutout_whose_files_no_longer_fit_is_missing_not_a_crash(client: Client, task: ReviewTask) -> None:
    stored = storage.put_bytes(codecs.encode_png(np.zeros((10, 10), np.uint8)), prefix="d")
    ProcessingRun.objects.filter(pk=task.run_id).update(alpha_key=stored.key)
    task.run.refresh_from_db()
    assert as_role(client, Role.SENIOR).get(run_url(task.run, "cutout")).status_code == 404


def test_sec06_downloading_an_original_is_recorded_with_who_and_what(client: Client, task: ReviewTask) -> None:
    as_role(client, Role.EDITOR)
    answer = client.get(original_url(task.asset))
    assert b"".join(answer) == b"the original"
    assert "attachment" in answer["Content-Disposition"]
    assert "no-store" in answer["Cache-Control"]
    event = AuditEvent.objects.get(verb="original.downloaded")
    assert (event.asset, event.after["sha256"]) == (task.asset, task.asset.sha256)
    assert event.actor is not None


def test_sec06_asking_only_for_the_headers_is_no_download(client: Client, task: ReviewTask) -> None:
    as_role(client, Role.EDITOR).head(original_url(task.asset))
    assert not AuditEvent.objects.filter(verb="original.downloaded").exists()


def test_sec01_pictures_can_do_nothing_but_be_pictures(client: Client, task: ReviewTask) -> None:
    answer = as_role(client, Role.REVIEWER).get(run_url(task.run, "after"))
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_sec01_only_the_address_with_its_hash_is_kept_for_ever(client: Client, task: ReviewTask) -> None:
    as_role(client, Role.REVIEWER)
    url = run_url(task.run, "after")
    assert client.get(url)["Cache-Control"] == "private, max-age=31536000, immutable"
    assert client.get(url.split("?")[0])["Cache-Control"] == "private, no-cache"
    assert client.get(url.split("?")[0] + "?v=0000")["Cache-Control"] == "private, no-cache"


def test_sec01_a_known_picture_is_not_sent_twice(client: Client, task: ReviewTask) -> None:
    as_role(client, Role.REVIEWER)
    url = run_url(task.run, "after")
    etag = client.get(url)["ETag"]
    again = client.get(url, headers={"If-None-Match": etag})
    assert again.status_code == 304 and not again.content


def test_sec01_unknown_kinds_missing_rows_and_missing_files_are_404(client: Client, task: ReviewTask) -> None:
    as_role(client, Role.MANAGER)
    assert client.get(f"/media/run/{task.run_id}/original/").status_code == 404
    assert client.get("/media/run/999999/after/").status_code == 404
    lost = factories.make_run(factories.make_asset())
    assert client.get(run_url(lost, "after")).status_code == 404


def test_sec01_channel_files_are_for_those_who_deliver(client: Client) -> None:
    asset = factories.make_approved(factories.make_batch())
    rendition = asset.renditions.get()
    assert as_role(client, Role.MANAGER).get(rendition_url(rendition)).status_code == 200
    assert as_role(client, Role.REVIEWER).get(rendition_url(rendition)).status_code == 404


def test_sec06_an_editor_sees_the_original_in_the_page_and_it_is_logged_as_seen(
    client: Client, task: ReviewTask
) -> None:
    answer = as_role(client, Role.EDITOR).get(f"/media/asset/{task.asset_id}/original/?view=1")
    assert answer.status_code == 200 and b"".join(answer) == b"the original"
    assert "attachment" not in answer.headers.get("Content-Disposition", "")
    assert AuditEvent.objects.filter(verb="original.viewed", asset=task.asset).count() == 1
    assert not AuditEvent.objects.filter(verb="original.downloaded").exists()
