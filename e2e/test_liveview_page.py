"""What the server tells the page besides patches: pushes, titles, messages, addresses, values of functions."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from e2e.lab.pages import Gates, Visit, event, expect_connected, expect_log, stop_clock, wait_for
from e2e.support.console import Console
from e2e.support.server import Server

pytest_plugins = ["e2e.lab.fixtures"]
pytestmark = pytest.mark.base("lab")

ODD_MESSAGES: list[Any] = [
    {"type": "constructor"},
    {"type": "__proto__"},
    {"type": "toString", "ref": 1},
    {"type": "of the future", "ref": "hasOwnProperty"},
    {"type": "ack", "ref": "__proto__"},
    {"type": "result", "ref": None},
    {"type": "push", "name": "__proto__", "detail": {"__proto__": {"polluted": 1}}},
    {"type": 7},
    {},
    [],
    None,
    "text",
]


def _told(page: Page, element: str) -> list[str]:
    told: list[str] = page.evaluate("told")
    return [line.removeprefix(f"{element} ") for line in told if line.startswith(f"{element} ")]


# -- Hooks


def test_a_hook_lives_as_long_as_its_element(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.click("#record")
    expect_log(page, '{"n": "1"}')
    expect(page.locator("#record:not(.live-loading)")).to_be_attached()
    page.click("#record")
    expect(page.locator("#fleeting")).to_have_count(0)

    assert _told(page, "fleeting") == ["mounted", "updated", "updated", "destroyed"]
    assert _told(page, "hooked") == ["mounted", "updated", "updated", "updated"]


def test_a_hook_knows_when_the_connection_is_gone_and_back(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.evaluate("liveview.connection.cut()")
    wait_for(page, "told.includes('hooked reconnected')")

    assert _told(page, "hooked") == ["mounted", "updated", "disconnected", "updated", "reconnected"]


def test_a_hook_handles_what_the_server_pushes_until_its_element_is_gone(visit: Visit) -> None:
    page = visit("/lab/bench/")

    event(page, "push", name="ping", detail='{"a": [1]}')
    page.click("#record")
    expect_log(page, '{"n": "1"}')
    event(page, "record")
    event(page, "push", name="ping", detail="2")

    assert [line for line in _told(page, "hooked") if "ping" in line] == ['ping {"a":[1]}', "ping 2"]
    assert [line for line in _told(page, "fleeting") if "ping" in line] == ['ping {"a":[1]}']


def test_a_hook_runs_events_and_functions(visit: Visit) -> None:
    page = visit("/lab/bench/")

    sum_ = page.evaluate(
        """() => new Promise((resolve) => liveview.hook("Late", {
          async mounted() {
            await this.event("record", { from: this.el.id });
            resolve(await this.call("add", { a: 1, b: 2 }));
          },
        }, document.querySelector("#ignored").setAttribute("dj-hook", "Late")))"""
    )

    assert sum_ == 3
    expect_log(page, '{"from": "ignored"}')


def test_a_hook_that_fails_stops_nothing(visit: Visit, console: Console) -> None:
    console.expect("my own fault")
    page = visit("/lab/bench/")
    page.evaluate(
        """() => {
          document.querySelector("#ignored").setAttribute("dj-hook", "Bad");
          const fail = () => { throw Error("my own fault"); };
          liveview.hook("Bad", { mounted: fail, updated: fail });
        }"""
    )

    page.click("#record")

    expect_log(page, '{"n": "1"}')
    expect(page.locator("#record:not(.live-loading)")).to_be_attached()


def test_an_ignored_element_stays_as_it_is(visit: Visit) -> None:
    page = visit("/lab/bench/")
    page.evaluate("document.querySelector('#ignored').textContent = 'mine'")

    page.click("#record")

    expect_log(page, '{"n": "1"}')
    expect(page.locator("#ignored")).to_have_text("mine")


# -- Pushes and functions


def test_a_pushed_event_is_an_event_of_the_window(visit: Visit) -> None:
    page = visit("/lab/bench/")
    page.evaluate("addEventListener('live:hello', (e) => (window.heard = e.detail))")

    event(page, "push", name="hello", detail='{"to": "you"}')

    assert page.evaluate("window.heard") == {"to": "you"}


def test_a_function_of_the_server_gives_its_value(visit: Visit) -> None:
    page = visit("/lab/bench/")

    assert page.evaluate("liveview.call('add', { a: 20, b: 22 })") == 42


def test_a_function_that_fails_says_why_to_its_caller(visit: Visit) -> None:
    page = visit("/lab/bench/")

    failures = [_failure(page, name, a="x") for name in ("broken", "add", "no_such", "__init__", "record")]

    assert [failure["code"] for failure in failures] == [
        "bad_params",
        "bad_params",
        "unknown_event",
        "unknown_event",
        "unknown_event",
    ]
    assert _failure(page, "broken")["code"] == "server_error"
    assert all(failure["isError"] and failure["name"] == "LiveError" and failure["text"] for failure in failures)
    event(page, "say", text="Nothing else", level="info")
    expect(page.locator(".flash")).to_have_text("Nothing else×")


def _failure(page: Page, name: str, **params: Any) -> dict[str, Any]:
    failure: dict[str, Any] = page.evaluate(
        """([name, params]) => liveview.call(name, params).catch(
          (error) => ({ isError: error instanceof Error, name: error.name, code: error.code, text: error.message }))""",
        [name, params],
    )
    return failure


def test_a_call_without_an_answer_is_told_so(visit: Visit, gates: Gates) -> None:
    page = visit("/lab/bench/")

    page.evaluate(
        """(gate) => {
          liveview.event("wait", { gate }).catch((error) => (window.code = error.code));
          liveview.connection.cut();
        }""",
        f"{gates.prefix}-1",
    )

    wait_for(page, "window.code === 'disconnected'")


# -- Messages to the visitor


def test_a_message_passes_by_itself(visit: Visit) -> None:
    page = visit("/lab/bench/")
    stop_clock(page)

    event(page, "say", text="Saved <b>it</b>", level="success")
    message = page.get_by_role("status").filter(has_text="Saved")
    expect(message).to_contain_text("Saved <b>it</b>")
    expect(message).to_have_class("flash success")
    page.clock.run_for(6_001)

    expect(message).to_have_count(0)


def test_an_error_stays_until_it_is_dismissed(visit: Visit) -> None:
    page = visit("/lab/bench/")
    stop_clock(page)

    event(page, "say", text="No!", level="error")
    page.clock.run_for(20_000)
    expect(page.get_by_role("alert")).to_contain_text("No!")
    page.get_by_role("button", name="Dismiss").click()

    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_handler_that_fails_says_so_with_a_number_and_the_page_goes_on(visit: Visit, lab: Server) -> None:
    page = visit("/lab/bench/")
    page.click("#record")

    page.click("#fail")
    text = page.get_by_role("alert").inner_text()
    page.click("#record")

    expect_log(page, '{"n": "1"}', '{"n": "1"}')
    number = text.split("(")[1].split(")")[0]
    assert number in lab.log_text()


def test_the_title_follows_the_view(visit: Visit) -> None:
    page = visit("/lab/bench/")

    event(page, "rename", title="(1) Lab")

    expect(page).to_have_title("(1) Lab")


# -- Addresses


def test_the_address_follows_the_view_and_the_view_follows_back_and_forward(visit: Visit) -> None:
    page = visit("/lab/address/")

    page.click("#second")
    expect(page.locator("#tab")).to_have_text("second")
    page.click("#third")
    expect(page.locator("#tab")).to_have_text("third")
    expect(page).to_have_url(re.compile(r"\?tab=third$"))
    page.go_back()
    expect(page.locator("#tab")).to_have_text("second")
    page.go_back()
    expect(page.locator("#tab")).to_have_text("first")
    page.go_forward()

    expect(page.locator("#tab")).to_have_text("second")


def test_a_page_that_went_back_while_cut_off_catches_up(visit: Visit) -> None:
    page = visit("/lab/address/")
    page.click("#second")
    expect(page.locator("#tab")).to_have_text("second")

    page.evaluate("liveview.connection.rest('reconnecting')")
    page.go_back()
    page.evaluate("liveview.connection.retryNow()")

    expect(page.locator("#tab")).to_have_text("first")


def test_an_anchor_is_no_event(visit: Visit) -> None:
    page = visit("/lab/address/")
    page.evaluate("() => { liveview.connection.send = (message) => { window.sent = message; }; }")

    page.click("#anchor")
    page.wait_for_url("**#tab")

    assert page.evaluate("window.sent") is None


def test_a_redirect_leaves_for_another_page(visit: Visit) -> None:
    page = visit("/lab/bench/")

    page.evaluate("void liveview.event('go', { url: '/lab/plain/' }).catch(() => {})")

    page.wait_for_url("**/lab/plain/")


def test_a_redirect_after_a_submit_does_not_ask_whether_to_leave(visit: Visit) -> None:
    page = visit("/lab/forms/")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))

    page.click("#leave")

    page.wait_for_url("**/lab/plain/")
    assert asked == []


def test_a_redirect_to_anything_but_a_page_is_refused(visit: Visit) -> None:
    page = visit("/lab/bench/")

    for url in ("javascript:window.ran=1", "data:text/html,x", "blob:x", "file:///etc/passwd"):
        page.evaluate("(url) => liveview.received({ type: 'redirect', url })", url)
    page.click("#record")

    expect_log(page, '{"n": "1"}')
    assert page.evaluate("window.ran") is None


# -- Declarative shadow roots


def test_what_a_render_brings_has_its_shadow_root(visit: Visit) -> None:
    page = visit("/lab/bench/")

    def show(text: str) -> None:
        inner = '<p><template shadowrootmode="open">inner</template></p>'
        page.evaluate(
            "(html) => liveview.show(liveview.version, html)",
            f'<div id="host">light<template shadowrootmode="open"><b>{text}</b> <slot></slot>{inner}</template></div>'
            "<script></script><input><template shadowrootmode=open></template>",
        )

    show("one")
    wait_for(page, "document.querySelector('#host').shadowRoot?.textContent.startsWith('one')")
    expect(page.locator("#host b")).to_have_text("one")
    expect(page.locator("#host p")).to_have_text("inner")
    page.evaluate("window.kept = document.querySelector('#host').shadowRoot")
    show("two")
    expect(page.locator("#host b")).to_have_text("two")
    assert page.evaluate("document.querySelector('#host').shadowRoot === kept")


# -- Odd servers


def test_unknown_messages_are_ignored(visit: Visit) -> None:
    page = visit("/lab/bench/")

    for message in ODD_MESSAGES:
        page.evaluate("(text) => liveview.connection.receive(text)", json.dumps(message))
    page.click("#record")

    expect_log(page, '{"n": "1"}')
    assert page.evaluate("({}).polluted") is None


def test_a_lost_patch_is_made_good_by_the_whole_page(visit: Visit) -> None:
    page = visit("/lab/bench/")
    page.evaluate("liveview.version--")

    page.click("#record")
    expect_log(page, '{"n": "1"}')
    page.click("#record")

    expect_log(page, '{"n": "1"}', '{"n": "1"}')


def test_a_page_without_a_live_root_has_nothing(page: Page) -> None:
    page.goto("/lab/plain/")

    wait_for(page, "window.liveview === null")
    assert page.evaluate("document.documentElement.className") == ""


# -- For developers


def test_a_developer_sees_all_messages_until_it_is_switched_off(visit: Visit) -> None:
    page = visit("/lab/bench/")
    logged: list[str] = []
    page.on("console", lambda message: logged.append(message.text))

    page.evaluate("liveview.debug(true)")
    page.reload()
    expect_connected(page)
    page.click("#record")
    expect_log(page, '{"n": "1"}')
    assert [line[:9] for line in logged if '"mount' in line] == ['→ {"type"', '← {"type"']
    page.evaluate("liveview.debug(false)")
    logged.clear()
    page.click("#record")

    expect_log(page, '{"n": "1"}', '{"n": "1"}')
    assert logged == []


def test_a_developer_can_make_the_page_feel_far_away(visit: Visit) -> None:
    page = visit("/lab/bench/")
    stop_clock(page)

    page.evaluate("liveview.latency(3000)")
    page.evaluate(
        """() => {
          const { socket } = liveview.connection;
          window.answered = new Promise((done) => socket.addEventListener("message", () => done()));
        }"""
    )
    page.click("#record")
    page.clock.run_for(3_001)
    page.evaluate("window.answered")
    expect_log(page)
    page.clock.run_for(3_001)

    expect_log(page, '{"n": "1"}')


def test_the_page_has_one_global(visit: Visit) -> None:
    page = visit("/lab/bench/")
    page.add_init_script("window.before = new Set(Object.getOwnPropertyNames(window))")
    page.reload()
    expect_connected(page)

    names = page.evaluate("Object.getOwnPropertyNames(window).filter((name) => !before.has(name))")

    assert set(names) - {"before", "told"} == {"liveview"}


def test_the_developers_module_is_found_among_hashed_files(page: Page, deployed: Server) -> None:
    page.goto(f"{deployed.url}/avatars/")
    expect_connected(page)

    with page.expect_response(lambda response: "/liveview/debug." in response.url) as loaded:
        page.evaluate("liveview.debug(true)")

    assert loaded.value.status == 200
