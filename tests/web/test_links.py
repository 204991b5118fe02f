"""SEC-14: a client without an account gets a delivery by a signed link, as long as it is meant to, and nothing else."""

from __future__ import annotations

import io
import logging
import re
import zipfile
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone
from gunicorn.config import Config

from reviewapp.config.logs import JsonFormatter
from reviewapp.enums import Role
from reviewapp.models import AuditEvent, Delivery, DeliveryLink
from reviewapp.selectors import links as selectors
from reviewapp.services import delivery as deliveries
from reviewapp.services import links, people
from reviewapp.supervisor.web import DiscreetLogger
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def mona() -> User:
    """A manager."""
    return factories.make_user("mona", Role.MANAGER)


@pytest.fixture
def made(mona: User) -> Delivery:
    """A delivery of one file."""
    batch = factories.make_batch("shopify", name="Spring mugs")
    factories.make_approved(batch, sku="NW-1")
    return deliveries.release(batch, mona)


def address(link: DeliveryLink) -> str:
    return reverse("links:show", args=[selectors.token(link)])


def test_sec14_a_client_opens_the_page_and_gets_the_zip_without_an_account(
    client: Browser, made: Delivery, mona: User
) -> None:
    link = links.make(made, 7, mona)
    page = client.get(address(link))
    assert page.status_code == 200 and "Spring mugs" in page.content.decode()
    (href,) = re.findall(r'href="(/link/[^"]+/zip/)"', page.content.decode())
    answer = client.get(href, headers={"Range": "bytes=100-"})
    assert (answer.status_code, answer["Accept-Ranges"]) == (200, "none"), "begins anew, and says so"
    archive = zipfile.ZipFile(io.BytesIO(b"".join(answer.streaming_content)))  # type: ignore[attr-defined]
    assert archive.testzip() is None and "shopify/NW-1.jpg" in archive.namelist()
    for one in (page, answer):
        assert one["Referrer-Policy"] == "no-referrer"
        assert one["Cache-Control"] == "private, no-store" and "noindex" in one["X-Robots-Tag"]
        assert "default-src 'none'" in one["Content-Security-Policy"]
    link.refresh_from_db()
    assert link.downloads == 1 and link.opened_at is not None and link.downloaded_at is not None
    verbs = list(AuditEvent.objects.filter(noun="delivery").order_by("pk").values_list("verb", flat=True))
    assert verbs == [
        "delivery.released", "delivery.handed_over", "delivery.link_made", "delivery.link_opened",
        "delivery.download_begun", "delivery.downloaded",
    ]  # fmt: skip
    assert selectors.token(link) not in str(list(AuditEvent.objects.values_list("after", "note")))
    assert client.get("/").status_code == 302, "nothing else is open to them"


def test_sec14_an_expired_or_revoked_link_says_410_and_what_to_do(client: Browser, made: Delivery, mona: User) -> None:
    past = links.make(made, 1, mona)
    DeliveryLink.objects.filter(pk=past.pk).update(expires_at=timezone.now() - timedelta(seconds=5))
    past.refresh_from_db()
    revoked = links.make(made, 1, mona)
    assert links.revoke(revoked, mona) and not links.revoke(revoked, mona)
    for link in (past, revoked):
        for url in (address(link), address(link) + "zip/"):
            answer = client.get(url)
            assert answer.status_code == 410
            assert "Ask whoever sent it to you for a new one" in answer.content.decode()
            assert "mugs" not in answer.content.decode()
    assert DeliveryLink.objects.filter(downloads__gt=0).count() == 0


def test_sec14_a_delivery_that_is_no_longer_given_out_closes_its_links(
    client: Browser, made: Delivery, mona: User
) -> None:
    link = links.make(made, 1, mona)
    Delivery.objects.filter(pk=made.pk).update(state="other")
    assert client.get(address(link)).status_code == 410
    made.refresh_from_db()
    with pytest.raises(links.LinkRefused):
        links.make(made, 1, mona)


def test_sec14_no_address_can_be_guessed_or_moved_on(client: Browser, made: Delivery, mona: User) -> None:
    link = links.make(made, 1, mona)
    token = selectors.token(link)
    said, _, signature = token.rpartition(":")
    assert len(signature) >= 43, "256 bits"
    wrong = [
        f"{link.pk}", f"{said}:{signature[:-1]}A", f"{said}:", "x" * 300, said, f"{said}:{'A' * 43}",
        "%00", "..%2f..%2fetc", "é:é",
    ]  # fmt: skip
    for one in wrong:
        if one == token:
            continue
        assert client.get(f"/link/{one}/").status_code == 404, one
    # A row moved to another delivery, or given more time, is not what was signed.
    DeliveryLink.objects.filter(pk=link.pk).update(expires_at=link.expires_at + timedelta(days=300))
    assert client.get(f"/link/{token}/").status_code == 404
    assert client.post(f"/link/{token}/").status_code == 405


def test_sec14_a_link_taken_back_ends_what_is_being_downloaded(
    made: Delivery, mona: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "CHECK_EVERY", 1)
    link = links.make(made, 1, mona)
    parts = links.stream(link)
    next(parts)
    links.revoke(link, mona)
    with pytest.raises(selectors.LinkGone):
        list(parts)


def test_sec14_the_manager_makes_copies_and_revokes_links_on_a_page(
    client: Browser, made: Delivery, mona: User
) -> None:
    client.force_login(mona)
    url = reverse("deliveries:links", args=[made.pk])
    for days in ("365", "x", ""):
        assert "Choose 1, 7 or 30 days" in client.post(url, {"days": days}, follow=True).content.decode()
    assert not DeliveryLink.objects.exists()
    page = client.post(url, {"days": "30"}, follow=True).content.decode()
    link = DeliveryLink.objects.get()
    assert f"http://testserver{address(link)}" in page
    assert timedelta(days=29, hours=23) < link.expires_at - timezone.now() < timedelta(days=30)
    page = client.post(reverse("deliveries:revoke", args=[made.pk, link.pk]), follow=True).content.decode()
    assert "Taken back" in page and selectors.token(link) not in page


def test_sec14_only_managers_make_links_whatever_door_they_come_through(made: Delivery) -> None:
    with pytest.raises(people.NotAllowed):
        links.make(made, 1, factories.make_user("rita", Role.REVIEWER))


def test_sec14_no_log_has_an_address_that_opens(made: Delivery, mona: User) -> None:
    token = selectors.token(links.make(made, 1, mona))
    record = logging.LogRecord("django.request", 40, "", 0, f"Internal Server Error: /link/{token}/zip/", (), None)
    record.referer = f"https://proof.example.com/link/{token}/"
    line = JsonFormatter().format(record)
    assert token not in line and line.count("/link/(signed)/") == 2

    asked = {"REQUEST_METHOD": "GET", "RAW_URI": f"/link/{token}/", "SERVER_PROTOCOL": "HTTP/1.1",
             "HTTP_REFERER": f"https://proof.example.com/link/{token}/", "PATH_INFO": f"/link/{token}/"}  # fmt: skip
    answer, request = SimpleNamespace(status="200 OK", headers=[]), SimpleNamespace(headers=[])
    atoms = DiscreetLogger(Config()).atoms(answer, request, asked, timedelta(0))
    assert token not in str(atoms) and atoms["r"] == "GET /link/(signed)/ HTTP/1.1"
