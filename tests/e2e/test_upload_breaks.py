"""REVIEW_UI 14.15: 30 % of the pieces break off and the tab is closed once; nothing is lost or sent twice."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from PIL import Image

from reviewapp import storage
from reviewapp.enums import BatchState, Role
from reviewapp.models import Batch, PartialUpload
from tests import factories
from tests.cutting_proxy import Account, CuttingProxy
from tests.e2e.desk import sign_in, until

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 6


@pytest.fixture
def manager(context: Any, live_server: Any) -> User:
    """A manager signed in to the browser; cookies don't look at the port."""
    user = factories.make_user("Mona", Role.MANAGER)
    sign_in(context, live_server, user)
    return user


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Noise in JPEG, 5 to 14 MB each, so that most take several pieces."""
    made = []
    for n in range(COUNT):
        side = 2000 + 180 * n
        pixels = np.random.default_rng(n).integers(0, 256, (side, side, 3), np.uint8)
        made.append(tmp_path / f"photo-{n}.jpg")
        Image.fromarray(pixels).save(made[-1], quality=97)
    return made


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_broken_connections_and_a_closed_tab_lose_nothing_and_send_nothing_twice(
    page: Any, context: Any, live_server: Any, manager: User, photos: list[Path]
) -> None:
    batch = factories.make_batch("shopify", state=BatchState.UPLOADING, closed_at=None)
    target = reverse("uploads:page", args=[batch.pk])
    with CuttingProxy(int(live_server.url.rpartition(":")[2]), share=0.3, seed=20) as proxy:
        page.goto(proxy.url + target)
        page.wait_for_selector("#drop")
        page.set_input_files("#in-files", photos)
        for _ in range(400):
            if any(isinstance(entry, tuple) for entry in proxy.account.log):
                break
            page.wait_for_timeout(20)
        page.close()  # in the middle of it
        begun = len(proxy.account.pieces)
        again = context.new_page()
        again.goto(proxy.url + target)
        again.wait_for_selector("#drop")
        again.set_input_files("#in-files", photos)
        until(again, "document.getElementById('u-head').textContent === '6 of 6 files'", timeout_ms=120_000)
        account = proxy.account
    assert {asset.sha256 for asset in batch.assets.all()} == {sha(path.read_bytes()) for path in photos}
    for asset in batch.assets.all():
        assert sha(storage.read_bytes(asset.original_key)) == asset.sha256
    assert batch.assets.count() == COUNT
    assert PartialUpload.objects.count() == COUNT, "what broke off was gone on with, its very first piece too"
    assert not PartialUpload.objects.filter(result={}).exists(), "nothing is left half sent"
    assert any(piece.was_cut for piece in account.pieces) and len(account.pieces) > begun
    goes_on_where_confirmed(account)
    again.close()
    page.watched.problems.clear()  # Chromium logs the broken requests, the last of them when the page is gone


def goes_on_where_confirmed(account: Account) -> None:
    """Every piece begins at the very byte its upload's server had confirmed last: none before it is sent again."""
    confirmed: dict[str, int] = {}
    followed = 0
    for entry in account.log:
        if isinstance(entry, tuple):
            confirmed[entry[0]] = entry[1]
        elif entry.url in confirmed:
            assert entry.start == confirmed[entry.url], f"{entry} after {confirmed[entry.url]}"
            followed += 1
    assert followed >= COUNT, "files of several pieces"


def test_a_batch_takes_the_rest_after_the_server_was_away(
    page: Any, live_server: Any, manager: User, photos: list[Path]
) -> None:
    batch = Batch.objects.get(pk=factories.make_batch("shopify", state=BatchState.UPLOADING, closed_at=None).pk)
    page.goto(live_server.url + reverse("uploads:page", args=[batch.pk]))
    page.wait_for_selector("#drop")
    page.context.set_offline(True)
    page.set_input_files("#in-files", photos[:2])
    page.wait_for_timeout(1500)
    assert not batch.assets.exists()
    page.context.set_offline(False)
    until(page, "document.getElementById('u-head').textContent === '2 of 2 files'", timeout_ms=60_000)
    assert batch.assets.count() == 2
    page.watched.problems.clear()
