"""Backup, wipe, restore, end to end: the same batch, identical hashes, the open review queue (OPS-31)."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse
from django.utils import timezone

from reviewapp import storage, trash
from reviewapp.enums import Role
from reviewapp.jobs import runner
from reviewapp.models import (
    Asset,
    AuditEvent,
    Batch,
    DeliveryLink,
    PartialUpload,
    PersonSession,
    ProcessingRun,
    QualityReport,
    Rendition,
    ReviewDecision,
    ReviewTask,
    Task,
)
from reviewapp.selectors import files as registry
from reviewapp.selectors import links as link_selectors
from reviewapp.services import backups, delivery, factor_secrets, ingest, leases, links, restoring, runs
from tests import factories, line
from tests.integration.files_kinds import Files
from tests.kept import kept

pytestmark = pytest.mark.django_db(transaction=True)


def command(*words: str) -> tuple[int, str]:
    """Exit status and what was printed."""
    said, status = io.StringIO(), 0
    try:
        call_command(*words, stdout=said, stderr=said)
    except SystemExit as end:
        status = int(str(end.code))
    return status, said.getvalue()


def worked_batch(kind: Files) -> Batch:
    """Through the real line: one photo approved, one with an editor, two with reviewers of whom one holds a lease."""
    kept(f"worked batch on {kind.kind}", _worked_batch)
    return Batch.objects.get()


def _worked_batch() -> None:
    factories.make_policy(approve_at=30.0, review_at=10.0)
    batch = line.open_batch("shopify", "website", validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(1, side=640), sku="A", category="books")
    line.send(batch, "b.jpg", line.photo(2, side=640), sku="B", category="cosmetics_tube")
    line.send(batch, "c.jpg", line.photo(3, side=640), sku="C", category="cosmetics_tube")
    line.send(batch, "r.jpg", line.photo(7, side=640, shape="ring"), sku="R", category="jewelry")
    ingest.close_batch(batch)
    line.run_line()


def facts() -> dict[str, Any]:
    """All that must come back: rows of the work, and the hash of every file."""
    models = (Asset, Batch, ProcessingRun, QualityReport, Rendition, ReviewDecision, AuditEvent)
    rows = {model.__name__: list(model.objects.order_by("pk").values()) for model in models}
    queue = list(ReviewTask.objects.order_by("pk").values("pk", "asset_id", "run_id", "state", "version", "priority"))
    keys = sorted({claim.key for claim in registry.named()})
    return {**rows, "queue": queue, "files": {key: storage.verify(key, storage.sha_of(key)) for key in keys}}


def wipe(kind: Files) -> None:
    """An empty installation: every table emptied, every file gone."""
    call_command("flush", interactive=False, verbosity=0)
    for name in kind.names():
        default_storage.delete(name)
    assert not Asset.objects.exists() and kind.names() == []


def test_backup_wipe_restore_gives_the_same_batch_and_queue(files: Files, tmp_path: Path) -> None:
    batch, folder = worked_batch(files), tmp_path / "copy"
    rita = factories.make_user("rita", Role.REVIEWER)
    assert len(leases.claim_next(rita)) == 1
    waiting = Task.objects.create(
        asset=batch.assets.first(), step="render", key="running-when-copied", state="running", attempts=1, token=4,
        owner="old worker", lease_until=timezone.now() + timedelta(minutes=1), available_at=timezone.now(),
        args={"run_id": batch.assets.first().current_run_id},
    )  # fmt: skip
    held = runs.Claim(waiting.pk, 4, "old worker", "render", waiting.asset_id, 1, waiting.args)
    PartialUpload.objects.create(token="t" * 32, batch=batch, user=rita, path="x.jpg", byte_size=10)
    before = facts()
    assert (
        [row["state"] for row in before["queue"]] == ["open"] * 3
        and all(before["files"].values())
        and len(before["files"]) > 20
    )
    status, said = command("backup", str(folder))
    assert status == 0 and "SECRET_KEY" in said
    wipe(files)
    status, said = command("restore", str(folder))
    assert (status, "1 running tasks are due again, 1 reviewers' leases ended, 1 uploads" in said) == (0, True), said
    assert facts() == before
    assert command("verify")[0] == 0
    # Work goes on: the lease is free, the old worker is fenced, the task is done once.
    assert not runs.beat(held)
    assert ReviewTask.objects.filter(lease_owner__isnull=False).count() == 0
    assert runner.run_one(waiting.pk) == "done"
    assert len(leases.claim_next(type(rita).objects.get(username="rita"), 5)) == 3


def test_two_backups_at_once_take_nothing_from_each_other(files: Files, tmp_path: Path, monkeypatch: Any) -> None:
    """One clears away what no finished snapshot names, just when another has copied its files."""
    folder, walked = tmp_path / "copy", Path.rglob
    batch = line.open_batch(name="1", validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(1, side=640))
    backups.backup(folder)
    line.send(batch, "b.jpg", line.photo(2, side=640))
    said: list[str] = []

    def meanwhile(path: Path, pattern: str) -> Any:
        if path == folder / "files":
            try:
                backups.backup(folder)
            except backups.BackupFailed as refused:
                said.append(str(refused))
        return walked(path, pattern)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rglob", meanwhile)
        backups.prune(folder, 1)
    for snapshot in backups.snapshots(folder):
        for one in (snapshot / "SHA256SUMS").read_text().splitlines():
            sha, name = one.split("  ", 1)
            assert backups.sha256_of(folder / name) == sha
    assert said == ["Another backup is being made in this folder. Wait until it has ended."]
    assert backups.backup(folder).files == 2 and len(backups.snapshots(folder)) == 2


def test_a_second_run_copies_only_what_is_new_and_old_snapshots_can_go(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    first = line.open_batch(name="1", validation_profile="basic-500")
    line.send(first, "a.jpg", line.photo(1, side=640))
    one = backups.backup(folder)
    two = backups.backup(folder)
    assert (one.files, one.copied, two.files, two.copied) == (1, 1, 1, 0)
    line.send(first, "b.jpg", line.photo(2, side=640))
    gone = first.assets.get(filename="a.jpg")
    Task.objects.all().delete()
    Asset.objects.filter(pk=gone.pk).update(original_key="")
    three = backups.backup(folder)
    assert (three.files, three.copied) == (1, 1) and len(backups.snapshots(folder)) == 3
    assert (folder / "files" / gone.original_key).exists()
    assert command("backup", str(folder), "--keep", "1")[1].count("1 files that no kept snapshot names") == 1
    assert len(backups.snapshots(folder)) == 1 and not (folder / "files" / gone.original_key).exists()
    manifest = json.loads((backups.snapshots(folder)[0] / "manifest.json").read_text())
    assert manifest["files"] == 1 and "SECRET_KEY" in manifest["not_in_here"]


def test_a_restore_ends_every_session_and_says_which_factors_no_key_opens(tmp_path: Path, settings: Any) -> None:
    """Who was signed out after the snapshot finds no session alive; without the keys nobody is told it will work."""
    browser, mona, otto = Browser(), factories.make_user("mona", Role.MANAGER), factories.make_user("otto", Role.EDITOR)
    browser.force_login(mona)
    settings.FACTOR_KEYS = [b"the house's own"]
    for kind, name in (("totp", "secret"), ("recovery_codes", "seed")):
        Authenticator.objects.create(user=otto, type=kind, data={name: factor_secrets.close("JBSWY3DPEHPK3PXP")})
    Authenticator.objects.create(user=otto, type="webauthn", data={"name": "key"})
    assert PersonSession.objects.filter(person_id=mona.pk).exists() and browser.get("/").status_code == 200
    backups.backup(tmp_path)
    status, said = command("restore", str(tmp_path), "--force")
    assert status == 0 and "1 sessions ended" in said and "No key here" not in said
    assert not PersonSession.objects.exists() and browser.get("/").status_code == 302
    settings.FACTOR_KEYS, settings.SECRET_KEY = [], "another house's"
    status, said = command("restore", str(tmp_path), "--force")
    assert status == 0 and "No key here opens 2 authenticator apps or sets of recovery codes" in said


def test_a_restore_ends_the_links_of_clients(tmp_path: Path) -> None:
    """One that was taken back after the snapshot would work again, and nobody would know."""
    mona, browser = factories.make_user("mona", Role.MANAGER), Browser()
    batch = factories.make_batch("shopify")
    factories.make_approved(batch, sku="NW-1")
    links.make(delivery.release(batch, mona), 7, mona)
    link = DeliveryLink.objects.get()
    address = reverse("links:show", args=[link_selectors.token(link)])
    assert browser.get(address).status_code == 200
    backups.backup(tmp_path)
    links.revoke(link, mona)
    assert browser.get(address).status_code == 410
    _status, said = command("restore", str(tmp_path), "--force")  # 1: this photo's pictures were never made
    assert "1 clients' links ended" in said
    assert browser.get(address).status_code == 410 and DeliveryLink.objects.get().revoked_at is not None
    assert AuditEvent.objects.filter(verb="delivery.link_revoked").count() == 1, (
        "the one in the snapshot didn't know of it"
    )


def test_the_lists_can_be_checked_without_us(tmp_path: Path) -> None:
    batch = line.open_batch(validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(1, side=640))
    made = backups.backup(tmp_path)
    check = ["sha256sum", "--check", "--quiet", str(made.snapshot / "SHA256SUMS")]
    if shutil.which("sha256sum"):
        assert subprocess.run(check, cwd=tmp_path, check=False).returncode == 0
    path = tmp_path / "files" / batch.assets.get().original_key
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    if shutil.which("sha256sum"):
        assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode == 1


def test_what_is_lost_already_is_said_and_the_rest_is_copied(files: Files, tmp_path: Path) -> None:
    batch = line.open_batch(validation_profile="basic-500")
    for n in range(3):
        line.send(batch, f"{n}.jpg", line.photo(n, side=640))
    keys = list(batch.assets.order_by("pk").values_list("original_key", flat=True))
    files.flip(keys[0])
    files.remove(keys[1])
    status, said = command("backup", str(tmp_path / "copy"))
    assert status == 1 and keys[0] in said and keys[1] in said and "1 of them new" in said
    assert (tmp_path / "copy" / "files" / keys[2]).exists()


def test_a_file_trashed_after_the_snapshot_is_copied_from_the_trash(files: Files, tmp_path: Path) -> None:
    batch = line.open_batch(validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(1, side=640))
    key = batch.assets.get().original_key
    assert trash.trash(key, older_than_s=-10)
    made = backups.backup(tmp_path / "copy")
    assert made.lost == [] and (tmp_path / "copy" / "files" / key).exists()


def test_restore_refuses_what_it_must(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no finished snapshot"):
        call_command("restore", str(tmp_path))
    batch = line.open_batch(validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(1, side=640))
    made = backups.backup(tmp_path)
    with pytest.raises(CommandError, match="clients, batches or people"):
        call_command("restore", str(tmp_path))
    manifest = made.snapshot / "manifest.json"
    text = manifest.read_text()
    for old, new, word in (
        ('"format": 1', '"format": 9', "format 9"),
        ('"migrations": [', '"migrations": ["reviewapp.9999_future",', "newer version"),
        ('"vendor": "', '"vendor": "other', "is a backup of other"),
    ):
        manifest.write_text(text.replace(old, new))
        with pytest.raises(restoring.RestoreRefused, match=word):
            restoring.restore(tmp_path, is_forced=True)
    manifest.write_text(text)
    database = next(made.snapshot.glob("database.*"))
    whole = database.read_bytes()
    database.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(restoring.RestoreRefused, match="damaged"):
        restoring.restore(tmp_path, is_forced=True)
    assert Batch.objects.get() == batch, "nothing was changed"


def test_a_damaged_file_in_the_backup_is_named(files: Files, tmp_path: Path) -> None:
    batch, folder = line.open_batch(validation_profile="basic-500"), tmp_path / "copy"
    for n in range(2):
        line.send(batch, f"{n}.jpg", line.photo(n, side=640))
    bad, good = batch.assets.order_by("pk").values_list("original_key", flat=True)
    command("backup", str(folder))
    path = folder / "files" / bad
    path.write_bytes(path.read_bytes()[:-1] + b"X")
    wipe(files)
    status, said = command("restore", str(folder))
    assert status == 1 and f"damaged in the backup: {bad}" in said and f"missing: {bad}" in said
    assert storage.verify(good, storage.sha_of(good)) and not storage.exists(bad)


def test_restoring_twice_is_restoring_once(files: Files, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    worked_batch(files)
    before = facts()
    command("backup", str(folder))
    for _ in range(2):
        status, said = command("restore", str(folder), "--force")
        assert status == 0, said
        assert facts() == before


def test_pictures_that_presets_name_come_back(settings: Any, tmp_path: Path) -> None:
    logo = Path(settings.DATA_DIR) / "brand" / "acme" / "logo.png"
    logo.parent.mkdir(parents=True)
    logo.write_bytes(b"a logo")
    factories.make_client()
    backups.backup(tmp_path / "copy")
    shutil.rmtree(logo.parent)
    restoring.restore(tmp_path / "copy", is_forced=True)
    assert logo.read_bytes() == b"a logo"


def test_the_line_works_while_it_is_backed_up(tmp_path: Path) -> None:
    """Whatever was in the snapshot is whole, though photos came meanwhile."""
    batch = line.open_batch(validation_profile="basic-500")
    line.send(batch, "a.jpg", line.photo(1, side=640))
    first = batch.assets.get().pk

    def meanwhile() -> None:
        line.send(batch, "b.jpg", line.photo(2, side=640))
        connection.close()

    with backups._snapshot(tmp_path) as _:
        thread = threading.Thread(target=meanwhile)
        thread.start()
        thread.join()
        assert [claim.pk for claim in registry.named()] == [first]
    assert batch.assets.count() == 2
