"""SEC-10: a second factor: codes of an app, recovery codes, who has to have one, and an admin's reset."""

from __future__ import annotations

import html
import re
import threading
import time
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from reviewapp.enums import Role
from reviewapp.models import AuditEvent, SignInTries
from reviewapp.services import factor_secrets, people, second_factors, throttle
from tests import factories, signing
from tests.codes import code_of

PASSWORD = "correct horse battery"
pytestmark = pytest.mark.django_db


class Clock:
    """A clock that is moved by hand: a code is good once, and the next comes half a minute later."""

    def __init__(self) -> None:
        self.at = 1_900_000_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(time, "time", found)
    return found


def person(name: str = "rita", *roles: Role) -> User:
    user = factories.make_user(name, *(roles or (Role.REVIEWER,)))
    user.set_password(PASSWORD)
    user.save()
    return user


def sign_in(browser: Browser, name: str = "rita", **more: Any) -> Any:
    return browser.post("/login/", {"username": name, "password": PASSWORD}, **more)


def set_up(browser: Browser, clock: Clock) -> tuple[str, list[str]]:
    """Set up an app as a person does; the secret and the recovery codes, as the pages show them."""
    page = browser.get("/account/second-factor/app/").content.decode()
    secret = re.search(r'id="key">(\w+)<', page)
    assert secret is not None
    done = browser.post("/account/second-factor/app/", {"code": code_of(secret[1], clock.at)})
    assert done["Location"] == "/account/second-factor/codes/"
    shown = browser.get(done["Location"]).content.decode()
    clock.at += 60
    return secret[1], re.findall(r"<li>(\d{8})</li>", shown)


def said(verb: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(verb=verb).order_by("pk"))


@pytest.fixture
def ready(client: Browser, clock: Clock) -> tuple[User, str, list[str]]:
    """Somebody with an app, signed in here."""
    rita = person()
    sign_in(client)
    return rita, *set_up(client, clock)


def test_sec10_signing_in_asks_for_the_apps_code_after_the_password(
    ready: tuple[User, str, list[str]], clock: Clock
) -> None:
    rita, secret, _codes = ready
    browser = Browser()
    assert sign_in(browser)["Location"] == "/login/code/"
    assert browser.get("/")["Location"].startswith("/login/"), "the password alone opens nothing"
    assert browser.get("/login/code/").status_code == 200
    wrong = browser.post("/login/code/", {"code": "000000"})
    assert wrong.status_code == 422 and "isn't right" in html.unescape(wrong.content.decode())
    done = browser.post("/login/code/", {"code": code_of(secret, clock.at)})
    assert done.status_code == 302 and done["Location"] == "/"
    assert browser.get("/").status_code == 200
    assert said("sign_in.opened")[-1].after["how"] == "password, totp"
    assert said("sign_in.failed")[-1].after["how"] == "code"
    assert said("second_factor.added")[0].actor == rita


def test_sec10_a_code_is_good_once_in_any_process(ready: tuple[User, str, list[str]], clock: Clock) -> None:
    _rita, secret, _codes = ready
    code = code_of(secret, clock.at)
    first, second = Browser(), Browser()
    for browser, status in ((first, 302), (second, 422)):
        sign_in(browser)
        assert browser.post("/login/code/", {"code": code}).status_code == status
    # Nor an older one of the window, nor the one that set the app up.
    assert second.post("/login/code/", {"code": code_of(secret, clock.at - 30)}).status_code == 422
    clock.at += 30
    assert second.post("/login/code/", {"code": code_of(secret, clock.at)}).status_code == 302


def test_sec10_codes_of_long_ago_and_far_ahead_are_refused(ready: tuple[User, str, list[str]], clock: Clock) -> None:
    _rita, secret, _codes = ready
    browser = Browser()
    sign_in(browser)
    for away in (-90, 90):
        assert browser.post("/login/code/", {"code": code_of(secret, clock.at + away)}).status_code == 422


@pytest.mark.django_db(transaction=True)
def test_sec10_one_code_at_once_in_four_browsers_opens_one(clock: Clock) -> None:
    rita = person()
    secret = second_factors.new_secret()
    second_factors.add_app(rita, secret, code_of(secret, clock.at))
    clock.at += 60
    code, opened, start = code_of(secret, clock.at), [], threading.Barrier(4)

    def work() -> None:
        start.wait(20)
        try:
            second_factors.check_code(rita, code, "")
            opened.append(True)
        except second_factors.WrongCode:
            opened.append(False)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(opened) == [False, False, False, True]


def test_sec10_a_recovery_code_opens_once_and_is_counted_down(
    client: Browser, ready: tuple[User, str, list[str]]
) -> None:
    rita, _secret, codes = ready
    assert len(codes) == len(set(codes)) == 10
    browser = Browser()
    sign_in(browser)
    assert browser.post("/login/code/", {"code": f" {codes[3][:4]} {codes[3][4:]} "}).status_code == 302
    assert second_factors.factors_of(rita).codes_left == 9
    assert "9 left" in client.get("/account/second-factor/").content.decode()
    (used,) = said("second_factor.code_used")
    assert used.after["left"] == 9 and said("sign_in.opened")[-1].after["how"] == "password, recovery_codes"
    again = Browser()
    sign_in(again)
    assert again.post("/login/code/", {"code": codes[3]}).status_code == 422


def test_sec10_recovery_codes_are_shown_once_and_new_ones_end_the_old(
    client: Browser, ready: tuple[User, str, list[str]]
) -> None:
    _rita, _secret, codes = ready
    assert client.get("/account/second-factor/codes/")["Location"] == "/account/second-factor/"
    shown = client.post("/account/second-factor/codes/", follow=True)
    new = re.findall(r"<li>(\d{8})</li>", shown.content.decode())
    assert len(new) == 10 and not set(new) & set(codes) and "no-store" in shown["Cache-Control"]
    browser = Browser()
    sign_in(browser)
    assert browser.post("/login/code/", {"code": codes[0]}).status_code == 422
    assert browser.post("/login/code/", {"code": new[0]}).status_code == 302


def test_sec10_wrong_codes_are_throttled_and_a_right_password_forgets_none(
    ready: tuple[User, str, list[str]], clock: Clock
) -> None:
    rita, secret, _codes = ready
    for n in range(5):
        browser = Browser()
        assert sign_in(browser).status_code == 302, "the password has a count of its own"
        assert browser.post("/login/code/", {"code": f"00000{n}"}).status_code == 422
    locked = browser.post("/login/code/", {"code": code_of(secret, clock.at)})
    assert locked.status_code == 429 and 0 < int(locked["Retry-After"]) <= 30
    assert "Too many tries" in locked.content.decode()
    ada = Browser()
    ada.force_login(person("ada", Role.ADMIN))
    assert "Locked for a while" in ada.get(f"/people/{rita.pk}/").content.decode()
    ada.post(f"/people/{rita.pk}/unlock/")
    assert browser.post("/login/code/", {"code": code_of(secret, clock.at)}).status_code == 302
    assert SignInTries.objects.filter(failures__gt=1).exists(), "the address remembers"


def test_sec10_wrong_codes_from_one_address_wait_too(ready: tuple[User, str, list[str]]) -> None:
    rita = ready[0]
    for n in range(30):
        SignInTries.objects.filter(key__in=throttle._both(rita)).delete()  # as if each were somebody else's
        with pytest.raises(second_factors.WrongCode):
            second_factors.check_code(rita, f"{n:06d}", "203.0.113.7")
    browser = Browser()
    assert sign_in(browser, REMOTE_ADDR="203.0.113.7").status_code == 429


def test_sec10_a_started_sign_in_ends_with_a_new_password_a_closed_account_or_its_time(
    ready: tuple[User, str, list[str]], clock: Clock
) -> None:
    rita, secret, _codes = ready

    def waiting() -> Browser:
        browser = Browser()
        assert sign_in(browser)["Location"] == "/login/code/"
        return browser

    def goes_on(browser: Browser) -> bool:
        return bool(browser.post("/login/code/", {"code": code_of(secret, clock.at)})["Location"] != "/login/")

    closed, late, right = waiting(), waiting(), waiting()
    User.objects.filter(pk=rita.pk).update(is_active=False)
    assert not goes_on(closed)
    User.objects.filter(pk=rita.pk).update(is_active=True)
    assert goes_on(right)
    clock.at += 14 * 60
    right = waiting()
    clock.at += 2 * 60
    assert not goes_on(late) and goes_on(right)
    changed = waiting()
    rita.set_password("another long password")
    rita.save()
    assert not goes_on(changed)
    assert Browser().get("/login/code/")["Location"] == "/login/"


def test_sec02_secrets_lie_encrypted_and_follow_a_new_key(
    ready: tuple[User, str, list[str]], clock: Clock, settings: Any
) -> None:
    rita, secret, codes = ready
    assert secret not in str(list(Authenticator.objects.values_list("data", flat=True)))
    assert not {code for code in codes if code in str(list(Authenticator.objects.values_list("data", flat=True)))}
    assert secret not in str(list(AuditEvent.objects.values_list("after", flat=True)))
    settings.FACTOR_KEYS = [b"k" * 40]
    second_factors.check_code(rita, code_of(secret, clock.at), "")
    closed = factor_secrets.close("x")
    settings.FACTOR_KEYS = [b"n" * 40, b"k" * 40]
    assert factor_secrets.open_again(closed) == "x"
    settings.FACTOR_KEYS, settings.SECRET_KEY = [], "z" * 50
    clock.at += 60
    with pytest.raises(second_factors.WrongCode):
        second_factors.check_code(rita, code_of(secret, clock.at), "")


def test_sec10_changing_a_factor_asks_who_one_is_again(
    client: Browser, ready: tuple[User, str, list[str]], clock: Clock
) -> None:
    rita, secret, _codes = ready
    clock.at += 700
    asked = client.post("/account/second-factor/remove/")
    assert asked["Location"].startswith("/account/confirm/") and second_factors.is_on(rita)
    assert client.post("/account/second-factor/codes/")["Location"].startswith("/account/confirm/")
    assert client.post(asked["Location"], {"code": "000000"}).status_code == 422
    done = client.post(asked["Location"], {"code": code_of(secret, clock.at), "next": "https://evil.example.com/"})
    assert done["Location"] == "/account/second-factor/"
    assert client.post("/account/second-factor/remove/", follow=True).status_code == 200
    assert not Authenticator.objects.exists(), "recovery codes end with the last factor"
    assert said("second_factor.removed")[0].actor == rita
    assert sign_in(Browser())["Location"] == "/"


def test_sec10_somebody_else_at_an_open_desk_sets_nothing_up(client: Browser) -> None:
    client.force_login(person())
    for path in ("app", "codes"):
        assert client.get(f"/account/second-factor/{path}/")["Location"].startswith("/account/confirm/")
    page = client.get("/account/confirm/?next=/account/second-factor/app/").content.decode()
    assert 'value="/account/second-factor/app/"' in page
    assert client.post("/account/confirm/", {"password": "wrong"}).status_code == 422
    for _ in range(5):
        last = client.post("/account/confirm/", {"password": "wrong"})
    assert last.status_code == 429
    SignInTries.objects.all().delete()
    done = client.post("/account/confirm/", {"password": PASSWORD, "next": "/account/second-factor/app/"})
    assert done["Location"] == "/account/second-factor/app/"
    assert client.get(done["Location"]).status_code == 200


def test_sec10_setting_up_ends_other_sessions_and_needs_a_right_code(client: Browser, clock: Clock) -> None:
    person()
    elsewhere = Browser()
    for browser in (client, elsewhere):
        sign_in(browser)
    assert client.post("/account/second-factor/app/", {"code": "000000"}).status_code == 422
    assert not Authenticator.objects.exists()
    set_up(client, clock)
    assert client.get("/").status_code == 200 and elsewhere.get("/").status_code == 302
    assert client.get("/account/second-factor/app/")["Location"] == "/account/second-factor/"


def test_sec10_the_qr_code_says_the_key_and_breaks_no_policy(client: Browser) -> None:
    cv2 = pytest.importorskip("cv2")
    numpy = pytest.importorskip("numpy")
    person()
    sign_in(client)
    page = client.get("/account/second-factor/app/").content.decode()
    key = re.search(r'id="key">(\w+)<', page)
    assert key is not None and "data:" not in page and "style=" not in page
    drawn = page[page.index('version="1.1"') :]
    modules = [(int(x), int(y)) for x, y in re.findall(r"M(\d+),(\d+)H", drawn)]
    side = int(re.findall(r'viewBox="0 0 (\d+)', drawn)[0])
    picture = numpy.full((side * 8, side * 8), 255, numpy.uint8)
    for x, y in modules:
        picture[y * 8 : y * 8 + 8, x * 8 : x * 8 + 8] = 0
    said_by_it, *_rest = cv2.QRCodeDetector().detectAndDecode(picture)
    assert said_by_it == f"otpauth://totp/rita?secret={key[1]}&issuer=Softproof"


@pytest.mark.parametrize(
    ("whom", "role", "is_asked"),
    [
        ("NOBODY", Role.ADMIN, False), ("ADMINS", Role.ADMIN, True), ("ADMINS", Role.MANAGER, False),
        ("MANAGERS", Role.MANAGER, True), ("MANAGERS", Role.REVIEWER, False), ("EVERYBODY", Role.REVIEWER, True),
    ],
)  # fmt: skip
def test_sec10_who_has_to_have_one_reaches_nothing_before(
    client: Browser, settings: Any, whom: str, role: Role, is_asked: bool
) -> None:
    settings.SECOND_FACTOR = whom
    person("rita", role)
    sign_in(client)
    for path in ("/", "/account/", "/media/run/1/after/", "/review/", "/people/"):
        answer = client.get(path)
        where = answer.get("Location", "")
        assert (answer.status_code == 302 and where == "/account/second-factor/") is is_asked, path
    said_so = client.post("/review/mixed/claim/", headers={"Accept": "application/json"})
    assert (said_so.status_code == 401) is is_asked
    page = client.get("/account/second-factor/").content.decode()
    assert ("Your role needs a second factor" in page) is is_asked
    assert ('href="/review/"' in page) is (not is_asked and role in (Role.REVIEWER, Role.ADMIN))


def test_sec10_setting_it_up_opens_the_house_and_the_last_one_stays(
    client: Browser, settings: Any, clock: Clock
) -> None:
    settings.SECOND_FACTOR = "ADMINS"
    ada = User.objects.create_superuser("rita", password=PASSWORD)
    sign_in(client)
    assert client.get("/ops/")["Location"] == "/account/second-factor/"
    secret, _codes = set_up(client, clock)
    assert client.get("/").status_code == 200 and client.get("/ops/").status_code == 200
    refused = client.post("/account/second-factor/remove/", follow=True).content.decode()
    assert "this is your only one" in refused and second_factors.is_on(ada)
    stale = Browser()
    stale.force_login(ada)
    assert stale.get("/people/")["Location"] == "/login/?next=/people/", "a session that never proved it ends"
    assert stale.get("/people/")["Location"].startswith("/login/")
    sign_in(stale)
    stale.post("/login/code/", {"code": code_of(secret, clock.at)})
    assert stale.get("/people/").status_code == 200


def test_sec10_it_costs_no_query(client: Browser, clock: Clock, settings: Any) -> None:
    person("rita", Role.ADMIN)
    sign_in(client)
    counts = []
    for whom in ("NOBODY", "NOBODY", "EVERYBODY"):
        if len(counts) == 1:
            set_up(client, clock)
        settings.SECOND_FACTOR = whom
        with CaptureQueriesContext(connection) as asked:
            assert client.get("/account/password/").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1] == counts[2], counts


def test_sec10_an_admin_resets_it_and_nobody_else(client: Browser, ready: tuple[User, str, list[str]]) -> None:
    rita, hers = ready[0], client
    with pytest.raises(people.NotAllowed):
        second_factors.reset(rita, person("mona", Role.MANAGER))
    ada, door = person("ada", Role.ADMIN), Browser()
    signing.enter(door, ada)
    with pytest.raises(people.NotAllowed):
        second_factors.reset(ada, ada)
    assert "Reset second factor" in door.get(f"/people/{rita.pk}/").content.decode()
    assert door.post(f"/people/{rita.pk}/second-factor/reset/").status_code == 302
    (event,) = said("second_factor.reset")
    assert event.actor == ada and event.before == {"kinds": ["recovery_codes", "totp"]}
    assert hers.get("/").status_code == 302, "sessions end"
    assert sign_in(Browser())["Location"] == "/"


def test_sec10_the_only_admin_is_let_in_again_at_the_machine(ready: tuple[User, str, list[str]], capsys: Any) -> None:
    call_command("reset_second_factor", "rita")
    assert "2 factors of rita are gone" in capsys.readouterr().out
    assert not second_factors.is_on(ready[0]) and said("second_factor.reset")[0].actor is None
