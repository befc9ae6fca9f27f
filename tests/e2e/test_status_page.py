# SPDX-License-Identifier: Apache-2.0
"""The status page in a real browser."""

import os
import urllib.request

import pytest

import browser
from ask import ask
from dotcache import ADDRESS
from waiting import wait_for

# With this folder the tests write the pictures of docs/ to it.
PICTURES = os.environ.get("STATUS_PAGE_PICTURES")
TAB, ENTER = 9, 13

pytestmark = pytest.mark.skipif(
    not browser.is_installed(),
    reason=f"{browser.PROGRAM} is not installed: scripts/install-packages test")


@pytest.fixture(scope="module")
def page_of():
    """page_of(server): the status page of this dotcache, loaded."""
    with browser.Browser() as page:
        def open_page(server):
            page.requests.clear()
            page.problems.clear()
            page.open(f"http://{ADDRESS}:{server.admin_port}/")
            wait_for(lambda: page.text("#ready") == "ready", lambda: f"not ready: {page.problems}")
            return page

        yield open_page


def row_of(page, address):
    """The cells of the server with this address."""
    return page.evaluate(
        "[...document.querySelectorAll('#servers tr')].map(row => "
        "[...row.cells].map(cell => cell.textContent))"
        f".find(cells => cells[1] === '{address}')") or [""] * 7


def number_in(page, selector):
    return float(page.text(selector).replace(",", "").split()[0].replace("–", "0") or 0)


def test_the_page_shows_traffic_and_a_server_that_fails_and_recovers(lab, launch, page_of):
    first, second = lab.servers["nsd"], lab.servers["unbound"]
    server = launch(upstreams=[first.upstream, second.upstream])
    page = page_of(server)
    address = f"{ADDRESS}:{first.dot_port}"
    number = iter(range(100000))

    def ask_more():
        return ask(server, f"shown-{next(number)}.fresh.lab.example.")

    def shows(condition):
        ask_more()
        return condition()

    for _ in range(20):
        ask_more()
        ask(server, "www.lab.example.")
    wait_for(lambda: shows(lambda: number_in(page, "#rate") > 0), "the rate is not shown")
    wait_for(lambda: "%" in page.text("#hits"), "the hit ratio is not shown")
    wait_for(lambda: "ms" in page.text("#p99"), "the reply time is not shown")
    wait_for(lambda: shows(lambda: row_of(page, address)[2] == "up"), "not up")
    if PICTURES:
        take_pictures(page)
    first.stop(kill=True)
    try:
        wait_for(lambda: shows(lambda: row_of(page, address)[2] not in ("", "up")),
                 "the failure is not shown")
        wait_for(lambda: shows(lambda: "refused" in "".join(row_of(page, address)[3:5])),
                 "the cause is not shown")
        wait_for(lambda: shows(lambda: "1 down" in page.text("#summary")), "not in the summary")
    finally:
        lab.restart(first)
    wait_for(lambda: shows(lambda: row_of(page, address)[2] == "up"), "the recovery is not shown")
    wait_for(lambda: "down" not in page.text("#summary"), "the summary is old")
    origin = f"http://{ADDRESS}:{server.admin_port}/"
    assert all(url.startswith(origin) or url.startswith("data:") for url in page.requests)
    assert any(url.endswith("/status.json") for url in page.requests)
    assert not page.problems, page.problems
    server.terminate()
    wait_for(lambda: "is old" in page.text("#old"), "the page does not say that its data is old")


def take_pictures(page):
    for name, width, height, dark in (("light", 1100, 900, False), ("dark", 1100, 900, True),
                                      ("phone", 390, 844, False)):
        page.look(width, height, dark=dark, phone=name == "phone")
        page.screenshot(f"{PICTURES}/status_page_{name}.png")
    page.look(1100, 900)


def test_the_page_can_be_used_by_keyboard_and_screen_reader(server, page_of):
    page = page_of(server)
    assert page.evaluate("document.documentElement.lang") == "en"
    # Each table has a caption and headings, and each region a name.
    assert page.evaluate("document.querySelectorAll('table').length") == 4
    for selector in ("table:not(:has(caption))", "thead th:not([scope=col])",
                     "section:not([aria-labelledby])", "meter:not([aria-label])",
                     "[role=region]:not([aria-labelledby]):not([aria-label])"):
        assert page.evaluate(f"document.querySelectorAll('{selector}').length") == 0, selector
    page.press("Tab", TAB)
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(10):
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
        page.press("Tab", TAB)
    page.press("Enter", ENTER)
    wait_for(lambda: "upstream:" in page.text("#configuration"), "no configuration")
    assert not page.problems, page.problems


def test_the_page_fits_a_phone_and_follows_dark_colours(server, page_of):
    page = page_of(server)
    colours = []
    for dark in (False, True):
        page.look(360, 740, dark=dark, phone=True)
        colours.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert colours[0] != colours[1]
    page.look(1100, 900)


def test_every_reply_forbids_to_load_from_elsewhere(server):
    for path in ("/", "/status.js", "/status.json", "/metrics"):
        with urllib.request.urlopen(f"http://{ADDRESS}:{server.admin_port}{path}") as reply:
            policy = reply.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy and "unsafe" not in policy
            assert "http" not in policy and "*" not in policy
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
