"""What a handler may ask for: events, messages, addresses and timers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from liveview.testing import LivePage, ServerSaid

Open = Callable[..., LivePage]


def test_a_handler_pushes_events_flashes_titles_and_addresses(site: Open) -> None:
    def run(view: Any) -> None:
        view.push_event("saved", {"at": date(2026, 11, 21)})
        view.flash("Well done", "success")
        view.page_title = "Another"
        view.push_url("?a=1&b=", replace=True)

    bench = site(on_run=run)
    bench.received.clear()

    bench.click("run")

    assert "params=a=1,b=" in bench.html
    assert bench.title == "Another"
    told = bench.received
    assert {"type": "push", "name": "saved", "detail": {"at": "2026-11-21"}} in told
    assert {"type": "flash", "level": "success", "text": "Well done"} in told
    assert {"type": "url", "url": "?a=1&b=", "replace": True} in told
    assert told[-1]["type"] == "ack"


def test_going_back_in_the_browser_hands_the_address_to_the_view(site: Open) -> None:
    bench = site()

    bench.send({"type": "url", "url": "/bench/?page=7"})
    bench.wait_html("params=page=7")

    bench.send({"type": "url", "url": "/public/"})
    assert bench.wait_for("redirect")["url"] == "/public/"


@pytest.mark.parametrize(
    "url",
    ["/other/?a=1", "//evil.example/", "https://evil.example/bench/", "javascript:alert(1)", "/bench/\\evil", "x\ny"],
)
def test_push_url_leads_to_no_other_page(site: Open, url: str) -> None:
    bench = site(on_run=lambda view: view.push_url(url))

    with pytest.raises(ServerSaid, match="server_error"):
        bench.click("run")


@pytest.mark.parametrize("url", ["/public/", "?a=1", "https://example.com/x", "http://example.com"])
def test_redirects_lead_to_web_pages(site: Open, url: str) -> None:
    bench = site(on_run=lambda view: view.redirect(url))

    bench.click("run")

    assert {"type": "redirect", "url": url} in bench.received


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\tscript:alert(1)", " javascript:alert(1)", "data:text/html,x",
     "vbscript:x", "//evil.example", "/\\evil.example", "\\\\evil.example", "blob:x", "https:evil.example", "ftp://x/"],
)  # fmt: skip
def test_redirects_lead_nowhere_else(site: Open, url: str) -> None:
    bench = site(on_run=lambda view: view.redirect(url))

    with pytest.raises(ServerSaid, match="server_error"):
        bench.click("run")

    assert not [message for message in bench.received if message["type"] == "redirect"]


def test_send_after_calls_any_method_later(site: Open) -> None:
    bench = site(on_run=lambda view: view.send_after(0.01, view.tick, by=5))

    bench.click("run")
    bench.wait_html("count=5")


def test_a_view_may_tick_by_itself_from_its_mount(site: Open) -> None:
    def tick(view: Any, by: int = 1) -> None:
        view.count += by
        view.send_after(0.001, "tick")

    bench = site(on_mount=lambda view: view.send_after(0.001, "tick"), tick=tick)

    bench.wait_html("count=3")


def test_send_after_needs_a_method(site: Open) -> None:
    bench = site(on_run=lambda view: view.send_after(1, "no_such_method"))

    with pytest.raises(ServerSaid, match="server_error"):
        bench.click("run")


@pytest.mark.parametrize("value", [object(), float("nan")])
def test_an_event_for_the_page_must_be_json_too(site: Open, value: Any) -> None:
    bench = site(on_run=lambda view: view.push_event("x", value))

    with pytest.raises(ServerSaid, match="server_error"):
        bench.click("run")

    bench.click("add")
    assert "count=1" in bench.html


def test_text_that_no_utf8_can_hold_reaches_the_page_as_question_marks(site: Open) -> None:
    bench = site(on_run=lambda view: setattr(view, "text", "a\ud800b😀"))

    bench.click("run")

    assert "<h1>a?b😀</h1>" in bench.html
    bench.click("add")
    assert "count=1" in bench.html
