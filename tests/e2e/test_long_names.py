"""Names are whole on a phone, however long; the image page's tools fill the lines they take (WCAG 1.4.10)."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from reviewapp.enums import Role
from reviewapp.models import Channel
from reviewapp.services import people
from tests import factories
from tests.e2e.desk import sign_in, until
from tests.e2e.test_viewer_layers import flagged
from tests.e2e.viewer import processed

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LONG = "Handmadeceramicsfromthevalleyofthelongnamesthatneverendandhavenospaceswhatsoever"
CUT = """(() => { const name = document.querySelector('h1'), box = name.getBoundingClientRect();
    return [name.scrollWidth - name.clientWidth, name.scrollHeight - name.clientHeight, box.right - innerWidth,
        -box.left, document.documentElement.scrollWidth - innerWidth].map((by) => Math.round(by)); })()"""
"""By how much the heading is cut off at its right and at its bottom, or runs out of the window; the page itself."""
PARTS_OUT = """[...document.querySelectorAll('.top > *, .top .btn, main label')].filter((e) => e.checkVisibility())
    .filter((e) => e.getBoundingClientRect().right > innerWidth + 0.5 || e.scrollWidth > e.clientWidth + 1)
    .filter((e) => getComputedStyle(e).textOverflow !== 'ellipsis' && getComputedStyle(e).display !== 'inline')
    .map((e) => e.textContent.trim().slice(0, 40))"""
TOOL_LINES = """(() => { const bar = document.querySelector('.cmp-tools'), inside = bar.getBoundingClientRect();
    const lines = {};
    for (const one of bar.querySelectorAll('button')) {
        if (!one.checkVisibility()) continue;
        const { left, right, top, height } = one.getBoundingClientRect(), middle = Math.round(top + height / 2);
        (lines[middle] ??= []).push([left - inside.left, inside.right - right, height]);
    }
    return Object.values(lines).map((tools) => [tools.length, Math.min(...tools.map((one) => one[0])),
        Math.min(...tools.map((one) => one[1])), Math.min(...tools.map((one) => one[2]))]); })()"""
"""Of each line of tools: how many, what is free at its left and right, and how high the lowest is."""


@pytest.fixture
def pages() -> dict[str, str]:
    """Pages with a name in their heading, all of them long."""
    people.seed_roles()
    batch = factories.make_batch(name=LONG, client=factories.make_client(name=LONG))
    version = factories.make_preset_version(LONG)
    Channel.objects.filter(key="amazon_main").update(name=LONG)
    person = factories.make_user("Bea", Role.REVIEWER, clients=[batch.client])
    person.first_name = LONG
    person.save()
    asset = factories.make_asset(batch, sku=LONG)
    return {
        "batch": reverse("batches:detail", args=[batch.pk]),
        "client": reverse("clients:edit", args=[batch.client.pk]),
        "preset": reverse("presets:detail", args=[version.preset.slug]),
        "channel": reverse("channels:detail", args=["amazon_main"]),
        "person": reverse("people:edit", args=[person.pk]),
        "image": reverse("images:detail", args=[asset.pk]),
    }


def test_a_long_name_is_whole_on_a_phone_and_in_its_title(
    page: Any, context: Any, live_server: Any, pages: dict[str, str]
) -> None:
    sign_in(context, live_server, factories.make_user("Ada", Role.ADMIN))
    for what, path in pages.items():
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto(live_server.url + path)
        assert page.inner_text("h1") == LONG, what
        title = page.get_attribute("h1", "title")
        assert title == (LONG if what != "image" else title) and title, what
        for width in (1440, 1024, 390, 320):
            page.set_viewport_size({"width": width, "height": 844})
            page.wait_for_timeout(50)
            right, bottom, *out = page.evaluate(CUT)
            seen = what, width, right, bottom, *out
            assert right <= 0 and max(out) <= 0, seen
            assert bottom <= 0 or width > 760, seen
            assert page.evaluate(PARTS_OUT) == [], seen


def test_a_short_name_shares_its_line_with_the_buttons(page: Any, context: Any, live_server: Any) -> None:
    sign_in(context, live_server, factories.make_user("Ada", Role.ADMIN))
    version = factories.make_preset_version("Ceramics")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(live_server.url + reverse("presets:detail", args=[version.preset.slug]))
    assert page.evaluate("document.querySelector('.top').getBoundingClientRect().height") < 64


def test_rev05_the_image_pages_tools_fill_their_lines(page: Any, context: Any, live_server: Any) -> None:
    """No tool stands alone on a line, none is small; on a phone the second line is how near and why."""
    sign_in(context, live_server, factories.make_user("Ada", Role.ADMIN))
    (task,) = processed("a.jpg")
    flagged(task)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(live_server.url + reverse("images:detail", args=[task.asset_id]))
    until(page, "document.querySelector('#stage[data-shown], #stage .world') !== null")
    for width in (320, 360, 390, 430, 501, 600, 760):
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_timeout(50)
        lines = page.evaluate(TOOL_LINES)
        assert [line[0] for line in lines] == ([6, 5] if width <= 500 else [9]), (width, lines)
        for _, left, right, height in lines:
            assert left <= 10 and right <= 10 and height >= 38, (width, lines)
