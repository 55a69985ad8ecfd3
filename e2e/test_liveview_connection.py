"""The connection comes back by itself, and nothing that the visitor did or saw is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserType, Page, Route, expect

from e2e.lab.pages import (
    Gates,
    Visit,
    event,
    expect_connected,
    expect_failed,
    expect_log,
    expect_reconnecting,
    set_times,
    stop_clock,
    wait_for,
)
from e2e.support.console import Console
from e2e.support.proxy import FaultProxy
from e2e.support.server import Server

pytest_plugins = ["e2e.lab.fixtures"]
pytestmark = pytest.mark.base("lab")

NO_SOCKETS = """
{
  // As a proxy does that knows no WebSockets: the handshake is refused.
  const { WebSocket } = window;
  window.WebSocket = class extends WebSocket {
    constructor(url) {
      super(String(url).replace("/live/", "/no-such-socket/"));
    }
  };
}
"""
HIDE = """(hidden) => {
  Object.defineProperty(Document.prototype, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(autouse=True)
def sockets_may_fail(console: Console) -> None:
    console.expect("WebSocket connection to|ERR_CONNECTION_REFUSED")  # modules that were on their way as well


def _cut_off(page: Page, proxy: FaultProxy) -> None:
    """The network goes away, until `proxy.up()`."""
    set_times(page, longest=50)
    proxy.down()
    proxy.cut()
    wait_for(page, "!liveview.isMounted")


# -- Coming back


def test_a_cut_is_mended_at_once_and_the_page_is_as_it_was(visit: Visit, lab_proxy: FaultProxy) -> None:
    page = visit(f"{lab_proxy.url}/lab/bench/")
    page.click("#record")
    expect_log(page, '{"n": "1"}')
    set_times(page, longest=10**8)

    lab_proxy.cut()
    wait_for(page, "liveview.connection.tries === 1 && liveview.isMounted")

    expect_log(page, '{"n": "1"}')
    page.click("#record")
    expect_log(page, '{"n": "1"}', '{"n": "1"}')


def test_retries_wait_longer_and_longer_but_not_forever(visit: Visit) -> None:
    page = visit("/lab/bench/")

    waits = page.evaluate("Array.from({ length: 12 }, () => liveview.connection.wait())")

    assert waits[0] == 0
    assert all(100 * 2**n / 2 <= wait <= 100 * 2**n for n, wait in enumerate(waits[1:6], 1))
    assert all(2500 <= wait <= 5000 for wait in waits[6:])
    assert len(set(waits)) == len(waits), "a crowd would come back at the same moments"


def test_a_visitor_sees_that_the_connection_is_away_and_back(visit: Visit, lab_proxy: FaultProxy) -> None:
    page = visit(f"{lab_proxy.url}/lab/bench/")
    banner = page.get_by_role("status").filter(has_text="Reconnecting…")

    _cut_off(page, lab_proxy)
    expect(banner).to_have_count(1)
    expect_reconnecting(page)
    lab_proxy.up()

    expect_connected(page)
    expect(banner).to_have_count(0)


def test_a_connection_that_is_only_half_open_is_noticed(visit: Visit, lab_proxy: FaultProxy) -> None:
    page = visit(f"{lab_proxy.url}/lab/bench/")
    page.click("#record")
    expect_log(page, '{"n": "1"}')

    lab_proxy.stall = True
    set_times(page, answer=100, longest=50)
    page.evaluate("() => { liveview.connection.times.heartbeat = 10; liveview.connection.await('heartbeat'); }")
    expect_reconnecting(page)
    set_times(page, answer=5_000)
    lab_proxy.stall = False

    expect_connected(page)
    expect_log(page, '{"n": "1"}')


def test_a_quiet_connection_is_kept(visit: Visit) -> None:
    page = visit("/lab/bench/")
    page.evaluate(
        """() => {
          const { connection } = liveview;
          connection.times.heartbeat = 5;
          window.beats = 0;
          const receive = connection.receive.bind(connection);
          connection.receive = (data) => { window.beats += data.includes("heartbeat"); receive(data); };
          connection.await("heartbeat");
        }"""
    )

    wait_for(page, "window.beats > 5")

    assert page.evaluate("[liveview.connection.state, liveview.connection.tries]") == ["connected", 0]


def test_what_was_typed_is_still_there_and_still_has_the_focus(visit: Visit, lab_proxy: FaultProxy) -> None:
    page = visit(f"{lab_proxy.url}/lab/forms/")
    page.fill("#note", "half a sentence")
    page.locator("#text").press_sequentially("hello")
    page.evaluate("document.querySelector('#text').setSelectionRange(1, 3)")

    _cut_off(page, lab_proxy)
    page.keyboard.type("u")
    lab_proxy.up()
    expect_connected(page)
    event(page, "record")
    expect_log(page, "{}")

    expect(page.locator("#note")).to_have_value("half a sentence")
    expect(page.locator("#text")).to_have_value("hulo")
    expect(page.locator("#text")).to_be_focused()
    assert page.evaluate("document.querySelector('#text').selectionStart") == 2


def test_a_server_that_forgot_the_page_is_told_what_is_in_its_fields(visit: Visit) -> None:
    page = visit("/lab/forms/")
    page.fill("#a", "1")
    page.locator("#a").press("Tab")
    expect_log(page, '{"a": "1", "b": ""}')

    page.evaluate("() => { liveview.snapshot = 'lost'; liveview.connection.cut(); }")

    expect_log(page, '{"a": "1", "b": ""}')
    wait_for(page, "liveview.version === 2")


def test_a_form_on_its_way_is_as_before_when_the_connection_is_lost(
    visit: Visit, lab_proxy: FaultProxy, gates: Gates
) -> None:
    page = visit(f"{lab_proxy.url}/lab/forms/")
    page.fill("#text", "kept")
    page.click("#go")
    expect(page.locator("#go")).to_be_disabled()

    _cut_off(page, lab_proxy)

    expect(page.locator("#go")).to_be_enabled()
    expect(page.locator("#slow")).not_to_have_class("live-loading")
    expect(page.locator("#text")).to_have_value("kept")


def test_a_click_while_cut_off_runs_when_the_connection_is_back(visit: Visit, lab_proxy: FaultProxy) -> None:
    page = visit(f"{lab_proxy.url}/lab/bench/")
    _cut_off(page, lab_proxy)

    page.click("#record")
    page.click("#record")
    page.click("#link")
    expect(page.locator("#record")).to_have_attribute("aria-busy", "true")
    lab_proxy.up()

    expect_log(page, '{"n": "1"}', '{"n": "link"}')


def test_a_click_before_the_first_mount_runs_after_it(page: Page, gates: Gates) -> None:
    page.goto(f"/lab/bench/?hold&gate={gates.prefix}")
    wait_for(page, "liveview.connection.isOpen")

    page.click("#record")
    expect(page.locator("#record")).to_have_class("live-loading")
    gates.open(0)

    expect_log(page, '{"n": "1"}')
    expect(page.locator("#record")).not_to_have_class("live-loading")


# -- When to try


def test_a_hidden_page_waits_until_it_is_seen(visit: Visit) -> None:
    page = visit("/lab/bench/")
    stop_clock(page)
    page.evaluate(HIDE, True)

    page.evaluate("liveview.connection.cut()")
    page.clock.run_for(60_000)
    assert page.evaluate("liveview.connection.socket") is None
    page.evaluate(HIDE, False)

    wait_for_mount(page)


def test_a_hidden_page_with_work_to_do_does_not_wait(visit: Visit) -> None:
    page = visit("/lab/bench/")
    page.evaluate("liveview.use({ busy: () => true })")
    page.evaluate(HIDE, True)

    page.evaluate("liveview.connection.cut()")

    wait_for(page, "liveview.isMounted")


def test_a_network_that_is_back_is_used_at_once(visit: Visit, lab_proxy: FaultProxy) -> None:
    page = visit(f"{lab_proxy.url}/lab/bench/")
    page.context.set_offline(True)
    page.evaluate("() => { Object.assign(liveview.connection, { tries: 20 }).times.longest = 10 ** 8; }")
    lab_proxy.cut()
    wait_for(page, "!liveview.isMounted && !liveview.connection.socket")

    page.context.set_offline(False)

    wait_for(page, "liveview.isMounted")


def test_a_view_that_fails_again_and_again_is_left_alone(page: Page, lab: Server) -> None:
    sockets: list[object] = []
    page.on("websocket", lambda socket: sockets.append(socket))
    page.context.add_cookies([{"name": "lab", "value": "broken", "url": lab.url}])
    page.goto("/lab/bench/")
    page.evaluate("() => { liveview.connection.times.longest = 10; }")

    expect_failed(page)
    expect(page.get_by_role("status").filter(has_text="There is no live connection")).to_have_count(1)
    assert len(sockets) == 8
    page.context.clear_cookies()
    page.evaluate("dispatchEvent(new Event('online'))")

    expect_connected(page)


@pytest.mark.parametrize("code", [4413, 4429])
def test_a_server_that_had_too_much_is_left_in_peace_for_a_while(visit: Visit, code: int) -> None:
    page = visit("/lab/bench/")
    stop_clock(page)

    page.evaluate("(code) => liveview.connection.lost(code)", code)
    page.clock.run_for(1_500)
    assert page.evaluate("liveview.connection.socket") is None
    page.clock.run_for(2_000)

    wait_for_mount(page)


# -- Without any connection


@pytest.fixture
def blocked(page: Page, lab: Server) -> Page:
    page.add_init_script(NO_SOCKETS)
    page.clock.install()
    page.goto("/lab/native/")
    return page


def test_a_form_that_was_sent_before_the_connection_was_given_up_is_posted(blocked: Page) -> None:
    blocked.fill("#name", "Ann")
    blocked.click("#save")
    expect(blocked.locator("#save")).to_be_disabled()

    blocked.clock.run_for(10_000)

    expect_log(blocked, "saved Ann posted")


def test_a_form_is_posted_when_there_is_no_connection(blocked: Page) -> None:
    blocked.clock.run_for(10_000)
    expect_failed(blocked)

    blocked.fill("#name", "Bob")
    blocked.click("#discard")

    expect_log(blocked, "discarded Bob posted")


def test_a_form_is_posted_by_its_button_though_a_render_has_taken_that_away(blocked: Page) -> None:
    blocked.fill("#name", "Ann")
    blocked.click("#discard")
    expect(blocked.locator("#form")).to_have_attribute("aria-busy", "true")
    blocked.evaluate("document.querySelector('#discard').remove()")

    blocked.clock.run_for(10_000)

    expect_log(blocked, "discarded Ann posted")


def test_a_click_is_let_go_when_there_is_no_connection(blocked: Page) -> None:
    blocked.click("#record")
    expect(blocked.locator("#record")).to_have_class("live-loading")

    blocked.clock.run_for(10_000)

    expect(blocked.locator("#record")).not_to_have_class("live-loading")
    assert blocked.evaluate("liveview.event('record').catch((error) => error.code)") == "unreachable"


def test_a_page_that_was_given_up_comes_to_life_when_it_can(page: Page, gates: Gates) -> None:
    page.clock.install()
    page.goto(f"/lab/native/?hold&gate={gates.prefix}")
    page.clock.run_for(10_001)
    expect_failed(page)

    gates.open(0)

    expect_connected(page)
    page.fill("#name", "Eve")
    page.click("#save")
    expect_log(page, "saved Eve live")


# -- Leaving and coming back


@pytest.fixture
def browser_with_cache(browser_type: BrowserType, whole_browser_launch_args: dict[str, Any]) -> Iterator[Browser]:
    """Playwright switches the back/forward cache off, and a headless shell has none."""
    options = {**whole_browser_launch_args, "ignore_default_args": ["--disable-back-forward-cache"]}
    browser = browser_type.launch(**options)
    yield browser
    browser.close()


def test_a_page_from_the_back_forward_cache_is_live_again(browser_with_cache: Browser, lab: Server) -> None:
    page = browser_with_cache.new_page()
    page.goto(f"{lab.url}/lab/address/")
    expect_connected(page)
    page.click("#record")
    expect_log(page, "{}")
    page.fill("#typed", "kept")
    page.evaluate("addEventListener('pageshow', (e) => (window.fromCache = e.persisted))")

    page.click("#away")
    page.wait_for_url("**/lab/plain/")
    page.go_back(wait_until="commit")  # there is nothing to load

    expect_log(page, "{}")
    assert page.evaluate("window.fromCache") is True
    expect(page.locator("#typed")).to_have_value("kept")
    wait_for(page, "liveview.isMounted")
    page.click("#record")
    expect_log(page, "{}", "{}")


def test_leaving_while_a_form_is_on_its_way_asks_first(visit: Visit, gates: Gates) -> None:
    page = visit("/lab/forms/")
    page.click("#go")
    expect(page.locator("#go")).to_be_disabled()

    with page.expect_event("dialog") as question:
        page.evaluate("() => { setTimeout(() => location.assign('/lab/plain/')); }")
    assert question.value.type == "beforeunload"
    question.value.dismiss()
    gates.open(1)
    expect(page.locator("#go")).to_be_enabled()
    page.evaluate("location.assign('/lab/plain/')")

    page.wait_for_url("**/lab/plain/")


def test_leaving_while_an_extension_is_busy_asks_first(visit: Visit) -> None:
    page = visit("/lab/bench/")
    page.click("#record")
    page.evaluate("() => { window.work = true; liveview.use({ busy: () => window.work }); }")

    assert _asks_before_leaving(page)
    page.evaluate("() => { window.work = false; }")
    assert not _asks_before_leaving(page)


def _asks_before_leaving(page: Page) -> bool:
    return bool(page.evaluate("!dispatchEvent(new Event('beforeunload', { cancelable: true }))"))


# -- Other versions and other visitors


def test_a_page_of_another_version_is_loaded_again(page: Page) -> None:
    _serve_another_version(page, times=1)

    page.goto("/lab/bench/")

    expect_connected(page)


def test_a_page_that_stays_of_another_version_is_loaded_again_once(page: Page) -> None:
    visits: list[str] = []
    page.on("domcontentloaded", lambda page: visits.append(page.url))
    _serve_another_version(page, times=10)

    page.goto("/lab/bench/")

    expect_failed(page)
    assert len(visits) == 2


def _serve_another_version(page: Page, times: int) -> None:
    def other(route: Route) -> None:
        text = route.fetch().text()
        assert "PROTOCOL = 1;" in text
        route.fulfill(body=text.replace("PROTOCOL = 1;", "PROTOCOL = 999;"), content_type="text/javascript")

    page.route("**/liveview/messages.js", other, times=times)


def test_a_visitor_who_signed_out_elsewhere_sees_it_here(page: Page) -> None:
    page.request.get("/lab/sign-in/")
    page.goto("/lab/bench/")
    expect_connected(page)
    expect(page.get_by_text("Signed in: True")).to_be_visible()

    page.request.get("/lab/sign-out/")

    expect(page.get_by_text("Signed in: False")).to_be_visible()
    expect_connected(page)


def test_a_visitor_who_signed_out_while_the_connection_was_away_sees_it_when_it_is_back(
    page: Page, lab_proxy: FaultProxy
) -> None:
    page.request.get("/lab/sign-in/")
    page.goto(f"{lab_proxy.url}/lab/bench/")
    expect_connected(page)
    expect(page.get_by_text("Signed in: True")).to_be_visible()
    _cut_off(page, lab_proxy)
    page.request.get("/lab/sign-out/")

    lab_proxy.up()

    expect(page.get_by_text("Signed in: False")).to_be_visible()
    expect_connected(page)


def wait_for_mount(page: Page) -> None:
    """With a clock that stands still."""
    page.evaluate("() => new Promise((done) => liveview.use({ mounted: done }))")
