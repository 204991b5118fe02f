"""Every screen of the site in every state worth looking at: one table for the pictures and for the acceptance tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.stack import Stack

PASSWORD = "for tests alone, 2026"
"""Of rita, the second reviewer furnish.start makes; she lives in temporary stacks only."""
Act = Callable[[Any], None]


def nothing(_page: Any) -> None:
    """Takes the page as it is."""


def first_painted(page: Any) -> None:
    """Waits for the first photo of a desk and for what it fetches ahead."""
    page.wait_for_selector("#stage[data-shown]")
    page.mouse.move(720, 20)
    for _ in range(60):
        # The strip shows one photo more than the desk decodes ahead.
        if page.evaluate("document.querySelectorAll('.fr').length > 1 + document.querySelectorAll('.fr.cold').length"
                         " && document.querySelectorAll('.fr.cold').length < 2"):  # fmt: skip
            break
        page.wait_for_timeout(100)


def painted(page: Any) -> None:
    """Waits for the first photo of a desk and for nothing else."""
    page.wait_for_selector("#stage[data-shown]")


def keys(*pressed: str, ready: Act = first_painted) -> Act:
    """Waits for the photo, then presses keys."""

    def act(page: Any) -> None:
        ready(page)
        for key in pressed:
            page.keyboard.press(key)
            page.wait_for_timeout(350)

    return act


def draw_ring(page: Any) -> None:
    """A note, and a ring drawn on the result."""
    keys("n")(page)
    page.keyboard.type("Frayed along the bottom edge")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    box = page.locator(".pane-b").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.78
    page.mouse.move(x - 90, y - 26)
    page.mouse.down()
    page.mouse.move(x + 60, y + 20, steps=6)
    page.mouse.up()


def offline(page: Any) -> None:
    """Two decisions while the network is away."""
    first_painted(page)
    page.context.set_offline(True)
    for _ in range(2):
        page.keyboard.press("a")
        page.wait_for_timeout(900)


def online(page: Any) -> None:
    """The network is back: the two are sent and taken back, for whoever looks next."""
    page.context.set_offline(False)
    for _ in range(200):
        if page.evaluate("document.getElementById('desk').dataset.unsent === '0'"):
            break
        page.wait_for_timeout(100)
    for _ in range(2):
        page.keyboard.press("z")
        page.wait_for_timeout(700)


def answered(pattern: str, code: int = 200, /, **body: Any) -> Act:
    """From now on every request to `pattern` gets this answer, and the server hears nothing of it."""

    def act(page: Any) -> None:
        page.route(pattern, lambda route: route.fulfill(status=code, json=body))

    return act


def in_turn(*acts: Act) -> Act:
    """One after the other."""

    def act(page: Any) -> None:
        for one in acts:
            one(page)

    return act


def heard_again(page: Any) -> None:
    """The server answers itself again."""
    page.unroute_all(behavior="wait")


def looked_at_again(page: Any) -> None:
    """As after coming back to the tab: the desk asks whether its photos are still its own."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def shown(selector: str) -> Act:
    """Waits until it is there."""
    return lambda page: page.wait_for_selector(selector)


def pressed(selector: str) -> Act:
    """A click. Not by the mouse: what it closes lies over something else, which a slow browser would find there."""
    return lambda page: page.dispatch_event(selector, "click")


def pressing(key: str) -> Act:
    """One key."""
    return lambda page: page.keyboard.press(key)


NO_PHOTOS = {"waiting": 0, "free": 0, "others": 0, "held": 2}
lost_lease = in_turn(
    painted, answered("**/beat/", ids=[], counts=NO_PHOTOS), looked_at_again, shown('[data-full="lease"]')
)
emptied = in_turn(
    lost_lease, answered("**/claim/", items=[], counts=NO_PHOTOS), pressed("#reclaim"), shown('[data-full="empty"]')
)
FIRST = "Already decided by Rita Sommer: approved. Your vote is kept as a second opinion."
too_late = in_turn(painted, answered("**/decision/", 409, message=FIRST), pressing("a"), shown("#note:not([hidden])"))
signed_out = in_turn(
    painted, answered("**/beat/", 401, status="signed_out"), looked_at_again, shown("#signed-out[open]")
)
somebody_else = in_turn(
    painted, answered("**/decision/", 401, status="other_person", now="Rita Sommer"), pressing("a"),
    shown("#other-person[open]"),
)  # fmt: skip
given_up = in_turn(answered("**/decision/", 410, message="Gone."), pressed("#other-person .again"), heard_again)
"""Answered as if it came too late, so that the photo waits for whoever looks next."""
MAY_NOT = "Only reviewers, senior editors and admins can do this."
ASK = "Ask an admin to give you the role: Demo Admin."
forbidden = in_turn(
    painted, answered("**/decision/", 403, status="forbidden", message=MAY_NOT, ask=ASK), pressing("a"),
    shown('[data-full="forbidden"]'),
)  # fmt: skip
allowed_again = in_turn(answered("**/decision/", 410, message="Gone."), pressed("#allowed-again"), heard_again)
set_aside = in_turn(
    painted, answered("**/decision/", 500), pressing("a"), shown("#aside-open:not([hidden])"), pressed("#aside-open"),
)  # fmt: skip
discarded = in_turn(heard_again, pressed("#aside-list .quiet"))


def without_pictures(page: Any) -> None:
    """The pictures of the first photo don't come."""
    page.route("**/media/**", lambda route: route.abort())
    page.reload()
    page.wait_for_selector('[data-full="error"]')


def still_loading(page: Any) -> None:
    """The pictures of the first photo take long."""
    page.route("**/media/**", lambda _route: None)
    page.reload(wait_until="domcontentloaded")
    page.wait_for_selector("#stage.loading")
    page.wait_for_timeout(500)


def loaded_no_more(page: Any) -> None:
    """What was asked for stays unanswered, whoever waits for it."""
    page.unroute_all(behavior="ignoreErrors")


def opened(dialog: str) -> Act:
    """Opens a dialog by its button."""

    def act(page: Any) -> None:
        page.click(f'[data-act="open"][data-target="{dialog}"] >> visible=true')
        page.wait_for_selector(f"#{dialog}[open]")

    return act


def refused(page: Any) -> None:
    """Sends the form of thresholds with a change and without a reason."""
    page.fill("#id_approve_at", "86")
    page.click("button:has-text('Publish')")
    page.wait_for_selector("#id_note_error")


def outdated(page: Any) -> None:
    """Sends thresholds that were drawn from a version somebody has replaced meanwhile."""
    page.evaluate("document.querySelector('#draft [name=seen]').value = '0'")
    page.fill("#id_approve_at", "86")
    page.fill("#id_note", "Fewer halos get through")
    page.click("#publish")
    page.wait_for_selector(".note.hold[role=alert]")


def wrong_password(page: Any) -> None:
    """A pair that doesn't fit."""
    page.fill("[name=username]", "nobody")
    page.fill("[name=password]", "not this one")
    page.click("button.pri")
    page.wait_for_load_state()


@dataclass(frozen=True, slots=True)
class Screen:
    """`path` is filled from the addresses furnish.finish printed; `status` is what the server answers."""

    name: str
    who: str
    path: str
    act: Act = nothing
    after: Act = nothing
    status: int = 200
    complains: tuple[str, ...] = ()
    """What the browser says because of what the screen provokes."""
    is_fluid: bool = True
    """Its width may change while it is looked at."""
    is_state: bool = False
    """A state of the desk, which is dark by day too: looked at once."""

    @property
    def is_desk(self) -> bool:
        """The desk is dark in both themes."""
        return self.path.startswith(("/review/mixed/", "/review/assisted/"))


def state(name: str, act: Act, after: Act = heard_again, choice: str = "", complains: str = "") -> Screen:
    """A state of the reviewer's desk."""
    expected = (complains, "410") if complains else ()
    return Screen(name, "reviewer", f"/review/mixed/{choice}", act, after, complains=expected, is_state=True)


NO_NETWORK = "ERR_INTERNET_DISCONNECTED"
SCREENS: tuple[Screen, ...] = (
    Screen("login", "", "/login/"),
    Screen("login-refused", "", "/login/", wrong_password),
    Screen("home", "manager", "/"),
    Screen("home-reviewer", "reviewer", "/"),
    Screen("home-editor", "editor", "/"),
    Screen("home-senior", "senior", "/"),
    Screen("review-queues", "senior", "/review/"),
    # Before the reviewer comes, who might be lent this photo.
    Screen("review-why", "senior", "/review/assisted/?sku={worst}", keys("m", ready=painted)),
    Screen("review-flag", "senior", "/review/assisted/?sku={worst}", keys("g", ready=painted)),
    Screen("review", "reviewer", "/review/mixed/", first_painted),
    Screen("review-swipe", "reviewer", "/review/mixed/", keys("w")),
    Screen("review-blink", "reviewer", "/review/mixed/", keys("e")),
    Screen("review-zoom", "reviewer", "/review/mixed/", keys("f")),
    Screen("review-difference", "reviewer", "/review/mixed/", keys("r")),
    Screen("review-mask", "reviewer", "/review/mixed/", keys("t")),
    Screen("review-white", "reviewer", "/review/mixed/", keys("y")),
    Screen("review-reasons", "reviewer", "/review/mixed/", keys("x")),
    Screen("review-note", "reviewer", "/review/mixed/", draw_ring),
    Screen("review-adjust", "reviewer", "/review/mixed/", keys("o")),
    Screen("review-keys", "reviewer", "/review/mixed/", keys("?")),
    Screen("review-beside", "reviewer", "/review/mixed/", keys("k")),
    Screen("review-offline", "reviewer", "/review/mixed/", offline, online, complains=(NO_NETWORK,), is_fluid=False),
    state("review-empty", emptied),
    state("review-empty-choice", shown('[data-full="empty"]'), choice="?sku=nothing"),
    state("review-lease-lost", lost_lease),
    state("review-conflict", too_late, complains="409"),
    state("review-signed-out", signed_out, complains="401"),
    state("review-other-person", somebody_else, given_up, complains="401"),
    state("review-set-aside", set_aside, discarded, complains="500"),
    state("review-forbidden", forbidden, allowed_again, complains="403"),
    state("review-photo-error", without_pictures, complains="ERR_FAILED"),
    state("review-loading", still_loading, loaded_no_more),
    Screen("review-assisted", "senior", "/review/assisted/", first_painted),
    Screen("review-bulk", "senior", "/review/bulk/?batch={batch}"),
    Screen("review-bulk-done", "senior", "/review/bulk/{bulk}/"),
    Screen("editing", "editor", "/editing/"),
    Screen("editing-photo", "editor", "/editing/{edit}/"),
    Screen("editing-signoff", "senior", "/editing/{handed_in}/"),
    Screen("batches", "manager", "/batches/"),
    Screen("batches-empty-filter", "manager", "/batches/?filter=delivered"),
    Screen("batch", "manager", "/batches/{batch}/"),
    Screen("batch-intake", "manager", "/batches/{batch}/intake/"),
    Screen("batch-exceptions", "manager", "/batches/{batch}/exceptions/"),
    Screen("batch-cancel", "manager", "/batches/{batch}/", opened("dlg-cancel")),
    Screen("batch-sample", "manager", "/batches/{sampled}/"),
    Screen("batch-owner", "manager", "/batches/{batch}/owner/"),
    Screen("batch-new", "manager", "/batches/new/"),
    Screen("batch-upload", "manager", "/batches/{uploading}/upload/"),
    Screen("images", "manager", "/images/"),
    Screen("image", "manager", "/images/{image}/", keys("m")),
    Screen("image-refused", "manager", "/images/{refused}/"),
    Screen("deliveries", "manager", "/deliveries/"),
    Screen("line", "admin", "/line/"),
    Screen("delivery-call-back", "manager", "/deliveries/{delivery}/call-back/"),
    Screen("delivery-links", "manager", "/deliveries/{delivery}/links/"),
    Screen("link", "", "/link/{link}/"),
    Screen("link-broken", "", "/link/half-an-address/", status=404),
    Screen("clients", "manager", "/clients/"),
    Screen("client", "manager", "/clients/{client}/"),
    Screen("client-new", "manager", "/clients/new/"),
    Screen("thresholds", "admin", "/quality/thresholds/"),
    Screen("thresholds-refused", "admin", "/quality/thresholds/", refused),
    Screen("thresholds-stale", "admin", "/quality/thresholds/", outdated, complains=("409",)),
    Screen("proof", "manager", "/quality/proof/"),
    Screen("reviewers", "manager", "/quality/reviewers/"),
    Screen("account-reviewer", "reviewer", "/account/"),
    Screen("presets", "admin", "/presets/"),
    Screen("preset", "admin", "/presets/{preset}/"),
    Screen("preset-new", "admin", "/presets/{preset}/new/"),
    Screen("proposals", "admin", "/proposals/"),
    Screen("proposal", "admin", "/proposals/{proposal}/"),
    Screen("channels", "admin", "/channels/"),
    Screen("channel", "admin", "/channels/amazon_main/"),
    Screen("channel-new", "admin", "/channels/new/"),
    Screen("people", "admin", "/people/"),
    Screen("person", "admin", "/people/{person}/"),
    Screen("person-password", "admin", "/people/{person}/password/"),
    Screen("person-new", "admin", "/people/new/"),
    Screen("audit", "admin", "/audit/"),
    Screen("account", "editor", "/account/"),
    Screen("password", "editor", "/account/password/"),
    Screen("second-factors", "editor", "/account/second-factor/"),
    Screen("second-factor-app", "editor", "/account/second-factor/app/"),
    Screen("confirm", "editor", "/account/confirm/"),
    Screen("not-allowed", "reviewer", "/people/", status=403),
    Screen("not-found", "manager", "/batches/999999/", status=404),
)


def furnish(stack: Stack) -> dict[str, Any]:
    """Puts a working day on the demo and returns the addresses `Screen.path` asks for."""
    stack.wait_idle(900)
    stack.manage("shell", "-c", "from tests.e2e.furnish import start; start()")
    stack.wait_idle(900)
    said = stack.manage("shell", "-c", "from tests.e2e.furnish import finish; finish()")
    stack.wait_idle(900)
    found: dict[str, Any] = json.loads(next(line for line in said.splitlines() if line.startswith("IDS "))[4:])
    return found


def signed_in(context: Any, stack: Stack, who: str) -> Any:
    """A page of `context`, signed in as one of the demo's people; "" is nobody.

    By the form the first time; after that by the session it gave, as whoever comes back: checking a password is slow
    on purpose.
    """
    page = context.new_page()
    if who in stack.sessions:
        context.add_cookies(stack.sessions[who])
    elif who:
        page.goto(f"{stack.url}/login/")
        page.fill("[name=username]", who)
        page.fill("[name=password]", stack.passwords().get(who, PASSWORD))
        page.click("button.pri")
        page.wait_for_url(f"{stack.url}/")
        stack.sessions[who] = [cookie for cookie in context.cookies() if cookie["name"] == "sessionid"]
        assert stack.sessions[who], "no session came of it"
    return page


def open_screen(page: Any, stack: Stack, screen: Screen, ids: dict[str, Any], *, until: str = "networkidle") -> None:
    """Opens a screen in its state; `until` is the browser's word for when it is there."""
    answer = page.goto(stack.url + screen.path.format(**ids))
    assert answer.status == screen.status, (screen.name, answer.status)
    page.wait_for_load_state(until)
    screen.act(page)
    page.wait_for_timeout(150)
