"""SEC-01, REV-19: every address of the site, for every role. A view that is not in the table fails the test."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.test import Client

from reviewapp.enums import Role
from reviewapp.web.permissions import role_words, user_has_role
from tests import factories
from tests.addresses import EVERY_ROLE, KINDS, OPEN_TO_ALL, addresses, everywhere, found_in, roles_for

pytestmark = pytest.mark.django_db
NAMED = [(one.name, one.any_path) for one in addresses()]


def test_sec01_every_address_is_in_the_table() -> None:
    assert len(NAMED) > 40
    for name, _path in NAMED:
        if name not in OPEN_TO_ALL:
            roles_for(name)
            found_in(KINDS, name)


@pytest.mark.parametrize(("name", "path"), NAMED)
def test_sec01_anonymous_is_sent_to_sign_in(client: Client, name: str, path: str) -> None:
    if name in OPEN_TO_ALL:
        return
    for method in (client.get, client.post):
        answer = method(path)
        assert answer.status_code in (302, 403, 405), (name, answer.status_code)
        if answer.status_code == 302:
            assert answer["Location"].startswith("/login/"), name


@pytest.mark.parametrize("role", EVERY_ROLE)
def test_rev19_each_role_opens_exactly_its_own(client: Client, role: Role) -> None:
    client.raise_request_exception = False
    client.force_login(factories.make_user("somebody", role))
    wrong = []
    for name, path in NAMED:
        if name in OPEN_TO_ALL:
            continue
        codes = {client.get(path).status_code, client.post(path).status_code} - {405}
        is_refused = 403 in codes
        if is_refused == (role in roles_for(name)):
            wrong.append((name, path, codes))
    assert not wrong


def test_sec01_the_operations_admin_is_for_superusers_alone(client: Client) -> None:
    """Staff with every permission there is gets in nowhere, nor does any role."""
    paths = {
        re.sub(r"<\w+:\w+>|\(\?P<\w+>[^)]*\)", "1", one.route) for one in everywhere() if one.route.startswith("/ops/")
    }
    paths = {path.rstrip("$") for path in paths} - {"/ops/login/", "/ops/logout/", "/ops/jsi18n/"}
    assert len(paths) > 100
    staff = factories.make_user("staff", *Role)
    staff.is_staff = True
    staff.save()
    staff.user_permissions.set(Permission.objects.all())
    client.force_login(staff)
    opened = [path for path in paths if client.get(path).status_code not in (302, 404)]
    assert not opened
    for path in ("/ops/", "/ops/reviewapp/asset/", "/ops/auth/user/"):
        assert client.get(path)["Location"].startswith("/ops/login/")


def test_rev19_the_refusal_names_the_role_that_can(client: Client) -> None:
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    answer = client.get("/people/")
    assert answer.status_code == 403
    assert "Only admins can open this" in answer.content.decode()
    assert "Who can change that" not in answer.content.decode(), "there is nobody to ask"
    factories.make_user("ada", Role.ADMIN)
    gone = factories.make_user("otto", Role.ADMIN)
    gone.is_active = False
    gone.save()
    assert "Who can change that: ada." in client.get("/people/").content.decode()


def test_a_form_that_is_out_of_date_leads_back_to_its_page() -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(factories.make_user("rita", Role.REVIEWER))
    answer = strict.post("/account/", headers={"Referer": "http://testserver/account/"})
    page = answer.content.decode()
    assert answer.status_code == 403 and "<h1>The form is out of date</h1>" in page
    assert 'href="http://testserver/account/">Load the page again' in page and "Not allowed" not in page
    page = strict.post("/account/", headers={"Referer": "http://elsewhere.example/"}).content.decode()
    assert "elsewhere" not in page and "Back to home" in page


def test_rev19_navigation_lists_only_what_the_role_may_open(client: Client) -> None:
    client.force_login(factories.make_user("rita", Role.REVIEWER))
    page = client.get("/").content.decode()
    assert 'href="/review/"' in page
    for hidden in ("/batches/", "/quality/thresholds/", "/people/", "/audit/", "/editing/", "/ops/"):
        assert f'href="{hidden}"' not in page, hidden


def test_rev19_somebody_without_a_role_gets_a_page_that_says_so(client: Client) -> None:
    client.force_login(factories.make_user("new"))
    page = client.get("/")
    assert page.status_code == 200
    assert "You have no role yet" in page.content.decode()


def test_sec01_json_clients_get_401_and_no_login_page(client: Client) -> None:
    answer = client.post("/review/mixed/claim/", headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert answer.json()["status"] == "signed_out"


def test_sec01_a_part_of_a_page_is_never_the_sign_in_page(client: Client) -> None:
    batch = factories.make_batch()
    for path in (f"/batches/{batch.pk}/progress/", f"/batches/{batch.pk}/images/", "/batches/"):
        answer = client.get(path, headers={"HX-Request": "true"})
        assert answer.status_code == 401 and answer.json()["status"] == "signed_out", path
    restored = client.get("/batches/", headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert restored.status_code == 302, "a whole page leads to the sign-in page"


def test_sec01_a_form_token_that_went_with_its_session_is_a_session_that_is_over() -> None:
    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/review/mixed/claim/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (401, "signed_out")
    strict.force_login(factories.make_user("rita", Role.REVIEWER))
    answer = strict.post("/review/mixed/claim/", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["status"]) == (403, "forbidden")


def test_rev19_superusers_pass_and_inactive_people_do_not() -> None:
    chief = factories.make_user("chief")
    chief.is_superuser = True
    assert user_has_role(chief, Role.SENIOR)
    gone = factories.make_user("gone", Role.ADMIN)
    gone.is_active = False
    assert not user_has_role(gone, Role.ADMIN)
    assert not user_has_role(AnonymousUser())


def test_rev19_role_words_read_as_a_sentence() -> None:
    assert role_words([Role.ADMIN]) == "admins"
    assert role_words([Role.REVIEWER, Role.SENIOR, Role.ADMIN]) == "reviewers, senior editors and admins"


def test_sec10_one_message_for_every_pair_that_fails(client: Client) -> None:
    user = factories.make_user("rita", Role.REVIEWER)
    user.set_password("right-password-1")
    user.save()
    pages = [
        client.post("/login/", {"username": name, "password": "wrong"}).content.decode() for name in ("rita", "nobody")
    ]
    for page in pages:
        assert page.count("Name and password do not match.") == 1
        assert 'aria-invalid="true"' in page
    assert client.post("/login/", {"username": "rita", "password": "right-password-1"}).status_code == 302


def test_sec10_signing_out_needs_a_post_and_gives_leases_back(client: Client) -> None:
    task = factories.make_review()
    rita = factories.make_user("rita", Role.REVIEWER)
    client.force_login(rita)
    client.post("/review/mixed/claim/")
    task.refresh_from_db()
    assert task.lease_owner == rita
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/").status_code == 302
    task.refresh_from_db()
    assert task.lease_owner is None
    assert client.get("/").status_code == 302
