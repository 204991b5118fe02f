"""Roles, demo accounts and the demo batch (REV-19); every part can run twice."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser, Group, User
from django.core.management import CommandError, call_command
from PIL import Image

from reviewapp.enums import BatchState, Role, Step
from reviewapp.models import Asset, AuditEvent, Batch, Task
from reviewapp.selectors import audit as audit_log
from reviewapp.selectors.people import people, roles_of
from reviewapp.services import people as service
from reviewapp.services import seeds
from tests import factories as make

pytestmark = pytest.mark.django_db(transaction=True)


def run(*options: str) -> str:
    out = io.StringIO()
    call_command("seed_demo", *options, stdout=out)
    return out.getvalue()


def test_rev19_five_groups_with_permissions_that_exist() -> None:
    service.seed_roles()
    service.seed_roles()
    assert set(Group.objects.values_list("name", flat=True)) == set(Role.values)
    for role, codenames in service.ROLE_PERMISSIONS.items():
        have = set(Group.objects.get(name=role.value).permissions.values_list("codename", flat=True))
        assert have == set(codenames), f"{role} names a permission Django doesn't have"


def test_roles_of_a_person() -> None:
    service.seed_roles()
    both = make.make_user("both", Role.REVIEWER, Role.EDITOR)
    assert roles_of(both) == {Role.REVIEWER, Role.EDITOR}
    both.groups.add(Group.objects.create(name="football"))
    assert roles_of(both) == {Role.REVIEWER, Role.EDITOR}
    both.is_active = False
    assert roles_of(both) == frozenset() and roles_of(AnonymousUser()) == frozenset()
    assert roles_of(User(username="root", is_superuser=True)) == set(Role)


def test_the_check_names_the_role_that_is_missing() -> None:
    with pytest.raises(service.NotAllowed, match="To do this you need the role editor or senior editor"):
        service.require(make.make_user("x", Role.MANAGER), Role.EDITOR, Role.SENIOR, to="do this")
    service.require(make.make_user("y", Role.ADMIN), Role.EDITOR, to="do this")


def test_roles_are_changed_by_an_admin_and_audited() -> None:
    service.seed_roles()
    admin, person = make.make_user("ada", Role.ADMIN), make.make_user("p", Role.REVIEWER)
    service.set_roles(person, [Role.EDITOR], admin)
    assert roles_of(person) == {Role.EDITOR}
    event = AuditEvent.objects.get(verb="person.roles_changed")
    assert (event.before, event.after, event.actor) == ({"roles": ["reviewer"]}, {"roles": ["editor"]}, admin)
    with pytest.raises(service.NotAllowed):
        service.set_roles(person, [Role.ADMIN], person)
    with pytest.raises(service.NotAllowed, match="yourself"):
        service.set_roles(admin, [Role.REVIEWER], admin)
    assert "ada" in [row.username for row in people()]


def test_demo_accounts_are_made_once_and_their_passwords_shown_once() -> None:
    said = run("--accounts")
    for role in Role:
        line = next(line for line in said.splitlines() if line.split()[:1] == [role.value])
        password = line.split()[1]
        assert len(password) >= 12 and authenticate(username=role.value, password=password) is not None
        assert role in roles_of(User.objects.get(username=role.value))
    assert run("--accounts") == ""
    assert User.objects.count() == len(Role)
    assert not User.objects.get(username="manager").is_staff


def test_a_person_who_has_a_demo_name_already_is_left_alone() -> None:
    mine = User.objects.create_user("reviewer", password="mine-and-only-mine")
    assert "reviewer" not in run("--accounts").split()
    mine.refresh_from_db()
    assert mine.check_password("mine-and-only-mine") and not mine.groups.exists()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small demo folder: three photos, one of them broken, one a copy, with a sheet."""
    photos = tmp_path / "demo" / "photos"
    (photos / "bad").mkdir(parents=True)
    for name, shade in (("a.jpg", 90), ("b.jpg", 160)):
        noise = Image.effect_noise((1200, 1200), shade)
        noise.convert("RGB").save(photos / name, quality=90)
    (photos / "bad" / "copy.jpg").write_bytes((photos / "a.jpg").read_bytes())
    (photos / "bad" / "text.jpg").write_text("no picture")
    (photos / ".DS_Store").write_bytes(b"x")
    (tmp_path / "demo" / "batch.csv").write_text("file,sku,asin,category\na.jpg,NW-1,B000000001,books\n")
    return tmp_path / "demo"


def test_the_demo_batch_is_taken_in_once(folder: Path) -> None:
    seeds.seed()
    said = run("--batch", "--folder", str(folder))
    batch = Batch.objects.get()
    assert batch.client.name == "Northwind Home" and batch.is_demo and batch.state != BatchState.UPLOADING
    assert "2 accepted" in said and "1 duplicate" in said
    assert Asset.objects.get(filename="a.jpg", duplicate_of=None).sku == "NW-1"
    assert Task.objects.filter(step=Step.VALIDATE).count() == 2
    assert "The demo batch is there" in run("--batch", "--folder", str(folder))
    assert Batch.objects.count() == 1 and Asset.objects.count() == 4


def test_an_interrupted_demo_is_finished_by_the_next_call(folder: Path) -> None:
    seeds.seed()
    run("--batch", "--folder", str(folder))
    Batch.objects.update(state=BatchState.UPLOADING, closed_at=None)
    Asset.objects.filter(filename="b.jpg").update(filename="b.jpg")
    said = run("--batch", "--folder", str(folder))
    assert "already here" in said and Asset.objects.count() == 4
    assert Batch.objects.get().state != BatchState.UPLOADING


def test_a_missing_demo_folder_says_so(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no demo photos"):
        run("--batch", "--folder", str(tmp_path))


def test_obs24_the_audit_log_can_be_narrowed() -> None:
    task = make.make_review()
    reviewer = make.make_user("ria", Role.REVIEWER)
    from reviewapp.services import review

    review.record_decision(reviewer, task.pk, seen_version=0, verdict="approve", idempotency_key="k")
    assert audit_log.events(asset_id=task.asset_id, actor_ids=[reviewer.pk], verb="asset").count() == 1
    assert audit_log.events(batch_id=task.asset.batch_id, verb="asset.moved").exists()
    assert not audit_log.events(verb="nothing").exists()
    assert "asset.moved" in audit_log.verbs()
