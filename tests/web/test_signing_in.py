"""SEC-10: getting in: tries are counted, sessions end or are ended, and all of it is written down."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import Client as Browser
from django.utils import timezone

from reviewapp.enums import Role
from reviewapp.models import AuditEvent, PersonSession, SignInTries
from reviewapp.policies.throttle import ACCOUNT, ADDRESS
from reviewapp.services import people, sign_ins, throttle
from reviewapp.services.accounts import version_of
from reviewapp.web.addresses import address_of
from tests import factories, signing

PASSWORD = "correct horse battery"
pytestmark = pytest.mark.django_db


def person(name: str = "rita", *roles: Role) -> User:
    """Somebody with a password."""
    user = factories.make_user(name, *(roles or (Role.REVIEWER,)))
    user.set_password(PASSWORD)
    user.save()
    return user


def try_in(browser: Browser, name: str = "rita", password: str = "wrong", **more: Any) -> Any:
    """One press of the sign-in button."""
    return browser.post("/login/", {"username": name, "password": password}, **more)


def said(verb: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(verb=verb).order_by("pk"))


def test_sec10_the_wait_doubles_up_to_a_cap() -> None:
    assert [ACCOUNT.wait_s(n) for n in (1, 4, 5, 6, 7, 9, 10, 500)] == [0, 0, 30, 60, 120, 480, 900, 900]
    assert ADDRESS.wait_s(29) == 0 < ADDRESS.wait_s(30) and ADDRESS.wait_s(10**6) == 3600


@pytest.mark.parametrize("name", ["rita", "nobody"])
def test_sec10_after_five_wrong_tries_the_account_waits_whether_or_not_it_exists(client: Browser, name: str) -> None:
    person()
    for _ in range(5):
        answer = try_in(client, name)
        assert answer.status_code == 200 and "Name and password do not match." in answer.content.decode()
    for spelling in (name, f" {name} ", name.upper()):
        answer = try_in(client, spelling, PASSWORD)
        assert answer.status_code == 429 and 0 < int(answer["Retry-After"]) <= 30
        assert "Too many tries. Wait 1 minute, then try again" in answer.content.decode()
    SignInTries.objects.update(locked_until=timezone.now() - timedelta(seconds=1))
    assert try_in(client, name, PASSWORD).status_code == (302 if name == "rita" else 200)


def test_sec10_the_count_holds_over_browsers_and_success_forgets_it() -> None:
    person()
    for _ in range(4):
        try_in(Browser())
    assert try_in(Browser(), password=PASSWORD).status_code == 302
    for _ in range(4):
        try_in(Browser())
    assert try_in(Browser(), password=PASSWORD).status_code == 302, "the four before are forgotten"
    old = timezone.now() - timedelta(days=2)
    for _ in range(4):
        try_in(Browser())
    SignInTries.objects.update(last_at=old)
    try_in(Browser())
    assert try_in(Browser(), password=PASSWORD).status_code == 302, "after a day it counts from the beginning"
    SignInTries.objects.update(last_at=old)
    assert sign_ins.tidy()["tries"] > 0


def test_sec10_an_address_that_tries_many_names_waits_too(client: Browser) -> None:
    person("anna")
    for n in range(30):
        try_in(client, f"name{n}", REMOTE_ADDR="203.0.113.9")
    assert try_in(client, "anna", PASSWORD, REMOTE_ADDR="203.0.113.9").status_code == 429
    assert try_in(client, "anna", PASSWORD, REMOTE_ADDR="203.0.113.10").status_code == 302


def test_sec10_an_ipv6_network_is_one_address() -> None:
    for n in range(30):
        throttle.begin(f"name{n}", f"2001:db8:1:2::{n:x}")
    with pytest.raises(throttle.TooManyTries):
        throttle.begin("another", "2001:db8:1:2:ffff::1")
    throttle.begin("another", "2001:db8:1:3::1")


def test_sec10_the_address_is_the_one_our_proxy_saw(settings: Any) -> None:
    request = HttpRequest()
    request.META = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.9"}
    settings.PROXIES = 0
    assert address_of(request) == "127.0.0.1", "what a client writes is believed by nobody"
    settings.PROXIES = 1
    assert address_of(request) == "203.0.113.9"
    settings.PROXIES = 3
    assert address_of(request) == "", "a proxy that says nothing: nobody is blamed for everybody"
    assert address_of(None) == ""


@pytest.mark.django_db(transaction=True)
def test_sec10_tries_at_once_get_no_more_than_one_after_another() -> None:
    person()
    looked: list[bool] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait(20)
        for _ in range(3):
            request = HttpRequest()
            request.META["REMOTE_ADDR"] = "203.0.113.9"
            authenticate(request, username="rita", password="wrong")
            looked.append(not hasattr(request, "wait_s"))
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(looked) == 24 and sum(looked) == 5
    assert len(said("sign_in.failed")) == 5


@pytest.mark.django_db(transaction=True)
def test_sec10_a_try_that_waits_for_one_that_succeeds_is_counted_like_any() -> None:
    """A right password takes the count away just when another try is about to lock it."""
    person()
    throttle.begin("rita", "")
    ended: list[str] = []

    def work() -> None:
        try:
            throttle.begin("rita", "")
            ended.append("counted")
        except Exception as error:
            ended.append(type(error).__name__)
        finally:
            connection.close()

    other = threading.Thread(target=work)
    with transaction.atomic():
        throttle.succeed("rita", "")
        other.start()
        other.join(1.0)
    other.join(30)
    assert ended == ["counted"] and SignInTries.objects.get().failures == 1


def test_sec10_tries_successes_and_lock_outs_are_in_the_audit_log_and_passwords_are_not(client: Browser) -> None:
    rita = person()
    for _ in range(5):
        try_in(client, password="hunter2-mistyped")
    try_in(client, "hunter2-in-the-wrong-field")
    assert [event.object_id for event in said("sign_in.failed")] == [str(rita.pk)] * 5 + [""]
    (locked,) = said("sign_in.locked")
    assert locked.after["failures"] == 5 and locked.after["name"] == "rita"
    throttle.unlock(rita, factories.make_user("ada", Role.ADMIN))
    try_in(client, password=PASSWORD)
    (opened,) = said("sign_in.opened")
    assert (opened.actor, opened.after["how"]) == (rita, "password")
    client.post("/logout/")
    assert said("sign_in.closed")[0].actor == rita
    assert "hunter2" not in str(list(AuditEvent.objects.values_list("after", "before", "note")))


def test_sec10_an_admin_unlocks_and_nobody_else(client: Browser) -> None:
    rita, ada = person(), factories.make_user("ada", Role.ADMIN)
    for _ in range(5):
        try_in(Browser())
    with pytest.raises(people.NotAllowed):
        throttle.unlock(rita, factories.make_user("mona", Role.MANAGER))
    client.force_login(ada)
    assert "Locked for a while" in client.get(f"/people/{rita.pk}/").content.decode()
    client.post(f"/people/{rita.pk}/unlock/")
    assert said("sign_in.unlocked")[0].actor == ada
    assert try_in(Browser(), password=PASSWORD).status_code == 302


def test_sec10_signing_in_changes_the_session_and_its_row_knows_the_person(client: Browser) -> None:
    rita = person()
    client.get("/login/")
    session = client.session
    session["x"] = 1
    session.save()
    client.cookies[django_settings.SESSION_COOKIE_NAME] = before = str(session.session_key)
    try_in(client, password=PASSWORD)
    after = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    assert after != before
    assert PersonSession.objects.get(pk=after).person_id == rita.pk
    assert not PersonSession.objects.filter(pk=before).exists()


def test_sec10_a_session_ends_without_use_and_after_its_time(client: Browser, settings: Any) -> None:
    client.force_login(person())
    row = PersonSession.objects.get()
    assert timezone.now() + timedelta(seconds=settings.SESSION_IDLE_S - 60) < row.expire_date
    PersonSession.objects.update(expire_date=timezone.now() + timedelta(minutes=3))
    assert client.get("/").status_code == 200
    assert PersonSession.objects.get().expire_date > timezone.now() + timedelta(hours=11), "in use, so it goes on"
    PersonSession.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client.get("/").status_code == 302
    client.force_login(User.objects.get())
    PersonSession.objects.update(opened_at=timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE + 1))
    assert client.get("/").status_code == 302, "and at the latest after its time, however much in use"


def test_sec10_what_a_session_keeps_does_not_make_it_younger(client: Browser) -> None:
    client.force_login(person())
    then = timezone.now() - timedelta(days=3)
    PersonSession.objects.update(opened_at=then)
    session = client.session
    session["x"] = 1
    session.save()
    assert PersonSession.objects.get().opened_at == then


def test_sec10_a_new_password_ends_the_other_sessions_and_needs_the_old_one(client: Browser) -> None:
    rita, elsewhere = person(), Browser()
    for browser in (client, elsewhere):
        try_in(browser, password=PASSWORD)
    new = {"new": "another long password"}
    assert client.post("/account/password/", {"old": "wrong", **new}).status_code == 422
    weak = client.post("/account/password/", {"old": PASSWORD, "new": "password"})
    assert weak.status_code == 422 and "too common" in weak.content.decode()
    assert client.post("/account/password/", {"old": PASSWORD, **new}).status_code == 302
    assert client.get("/").status_code == 200 and elsewhere.get("/").status_code == 302
    rita.refresh_from_db()
    assert rita.check_password(new["new"])
    assert said("person.password_set")[0].actor == rita
    for _ in range(6):
        client.post("/account/password/", {"old": "guess", **new})
    locked = client.post("/account/password/", {"old": new["new"], "new": "a third long password"})
    assert locked.status_code == 422, "a stolen session gets no more tries than the door gives"


def test_sec10_signing_out_everywhere_keeps_only_this_session(client: Browser) -> None:
    person()
    others = [Browser() for _ in range(3)]
    for browser in (client, *others):
        try_in(browser, password=PASSWORD)
    client.post("/account/sessions/end/")
    assert [browser.get("/").status_code for browser in (client, *others)] == [200, 302, 302, 302]


def test_sec10_an_admin_ends_sessions_and_gives_a_new_password(client: Browser) -> None:
    rita, hers = person(), Browser()
    signing.enter(client, factories.make_user("ada", Role.ADMIN))
    try_in(hers, password=PASSWORD)
    client.post(f"/people/{rita.pk}/sign-out/")
    assert hers.get("/").status_code == 302
    try_in(hers, password=PASSWORD)
    assert client.post(f"/people/{rita.pk}/password/", {"new": "short"}).status_code == 422
    assert client.post(f"/people/{rita.pk}/password/", {"new": "another long password"}).status_code == 302
    assert hers.get("/").status_code == 302
    assert try_in(hers, password="another long password").status_code == 302
    for act in (lambda: sign_ins.end_sessions(rita, factories.make_user("mona", Role.MANAGER)),):
        with pytest.raises(people.NotAllowed):
            act()


def test_sec10_the_operations_admin_changes_no_password_past_the_count(client: Browser) -> None:
    root = User.objects.create_superuser("root", password=PASSWORD)
    try_in(client, "root", PASSWORD)
    new = {"old_password": PASSWORD, "new_password1": "another long password", "new_password2": "another long password"}
    for answer in (client.get("/ops/password_change/"), client.post("/ops/password_change/", new)):
        assert (answer.status_code, answer["Location"]) == (302, "/account/password/")
    root.refresh_from_db()
    assert root.check_password(PASSWORD) and not said("person.password_set")


def test_sec10_closing_an_account_ends_its_sessions_at_once(client: Browser) -> None:
    rita, hers = person(), Browser()
    try_in(hers, password=PASSWORD)
    client.force_login(factories.make_user("ada", Role.ADMIN))
    stands = {"roles": ["reviewer"], "works_for": "all"}
    client.post(f"/people/{rita.pk}/", {**stands, "seen": version_of(rita)})
    assert hers.get("/").status_code == 302
    assert try_in(Browser(), password=PASSWORD).status_code == 200
    client.post(f"/people/{rita.pk}/", {**stands, "is_active": "on", "seen": version_of(rita)})
    assert hers.get("/").status_code == 302, "opened again, the account has no session from before"
    assert not PersonSession.objects.filter(person_id=rita.pk).exists()
    assert try_in(hers, password=PASSWORD).status_code == 302


def test_sec10_the_operations_admin_has_no_door_of_its_own(client: Browser) -> None:
    answer = client.post("/ops/login/", {"username": "root", "password": "x"})
    assert answer.status_code == 302 and answer["Location"].startswith("/login/")
    client.force_login(factories.make_user("mona", Role.MANAGER))
    assert client.get("/ops/", follow=True).status_code == 403, "and no loop for who may not"
    client.force_login(User.objects.create_superuser("root"))
    root = User.objects.get(username="root")
    assert client.get(f"/ops/auth/user/{root.pk}/change/").status_code == 200
    page = client.get(f"/ops/auth/user/{root.pk}/change/").content.decode()
    assert root.password not in page
    assert client.post(f"/ops/auth/user/{root.pk}/change/", {"username": "x"}).status_code == 403
