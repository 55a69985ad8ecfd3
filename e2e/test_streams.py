"""streams.js in a real browser: children that the server sends once, and pages that change around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

STATIC = Path(__file__).resolve().parents[1] / "apps/liveview/static"
ORIGIN = "http://streams.test"
PAGE = """<!doctype html><title>Streams</title>
<div id="live"><p>0</p><ul dj-stream="rows"><li id="rows-1">one</li><li id="rows-2">two</li></ul></div>
<script type="module">
  import { live } from "/liveview/live.js";
  import { streams } from "/liveview/streams.js";
  import { remember } from "/liveview/morph.js";
  live.root = document.querySelector("#live");
  remember(live.root);
  live.use(streams);
  window.live = live;
  window.changes = (name, ...ops) => live.received({ type: "stream", name, ops });
  window.page = (text) => live.show(live.version + 1, `<p>${text}</p><ul dj-stream="rows"></ul>`);
  window.marked = (id) => document.getElementById(id).mark;
  for (const li of document.querySelectorAll("li")) li.mark = li.id;
</script>"""


@pytest.fixture
def streams(page: Page) -> Page:
    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(ORIGIN)
        if path == "/":
            route.fulfill(body=PAGE, content_type="text/html")
        elif path == "/favicon.ico":
            route.fulfill(status=204)
        else:
            route.fulfill(body=(STATIC / path[1:]).read_text(), content_type="text/javascript")

    page.route(f"{ORIGIN}/**", serve)
    page.goto(ORIGIN + "/")
    page.wait_for_function("window.live")
    return page


def shows(page: Page, *texts: str) -> None:
    expect(page.locator("li")).to_have_text(list(texts))


def item(number: int, text: str) -> list[str]:
    return [f"rows-{number}", f'<li id="rows-{number}">{text}</li>']


def change(page: Page, *ops: list[Any]) -> None:
    page.evaluate("ops => changes('rows', ...ops)", list(ops))


def test_a_page_changes_around_the_children(streams: Page) -> None:
    streams.evaluate("page('1')")

    expect(streams.locator("p")).to_have_text("1")
    shows(streams, "one", "two")
    assert streams.evaluate("marked('rows-1')") == "rows-1"


def test_a_refill_keeps_the_elements_that_stay(streams: Page) -> None:
    streams.evaluate("page('1')")

    change(streams, ["reset", [item(3, "three"), item(2, "TWO")]])

    shows(streams, "three", "TWO")
    assert streams.evaluate("marked('rows-2')") == "rows-2"


def test_children_come_at_their_place(streams: Page) -> None:
    (three, html3), (four, html4), (five, html5) = item(3, "three"), item(4, "four"), item(5, "five")

    change(streams, ["insert", three, -1, html3], ["insert", four, 0, html4], ["insert", five, 99, html5])

    shows(streams, "four", "one", "two", "three", "five")


def test_a_child_that_is_there_is_changed_where_it_is(streams: Page) -> None:
    change(streams, ["insert", "rows-1", -1, '<li id="rows-1" class="new"><b>ONE</b></li>'])

    shows(streams, "ONE", "two")
    assert streams.evaluate("marked('rows-1')") == "rows-1"
    expect(streams.locator("#rows-1")).to_have_class("new")


def test_a_child_goes(streams: Page) -> None:
    change(streams, ["delete", "rows-1"], ["delete", "no-such-child"], ["no-such-operation"])

    shows(streams, "two")


def test_what_came_later_is_kept_like_the_rest(streams: Page) -> None:
    change(streams, ["insert", *[item(3, "three")[0], -1, item(3, "three")[1]]])
    streams.evaluate("document.getElementById('rows-3').mark = 'mine'")

    streams.evaluate("page('1')")
    change(streams, ["reset", [item(3, "three"), item(1, "one")]])

    shows(streams, "three", "one")
    assert streams.evaluate("marked('rows-3')") == "mine"


def test_a_stream_without_its_container_is_ignored(streams: Page) -> None:
    streams.evaluate("changes('elsewhere', ['delete', 'rows-1'])")

    shows(streams, "one", "two")


def test_foreign_nodes_are_no_children_of_a_stream(streams: Page) -> None:
    streams.evaluate(
        """() => {
          const list = document.querySelector("ul"), two = document.getElementById("rows-2");
          list.prepend(Object.assign(document.createElement("li"), { textContent: "foreign" }));
          const around = document.createElement("div");
          two.replaceWith(around);
          around.append(two);
        }"""
    )

    change(streams, ["insert", item(3, "")[0], 1, item(3, "three")[1]], ["insert", "rows-4", 0, item(4, "four")[1]])
    change(streams, ["insert", "rows-2", -1, item(2, "TWO")[1]])
    shows(streams, "foreign", "four", "one", "three", "TWO")
    assert streams.evaluate("marked('rows-2')") == "rows-2"
    change(streams, ["delete", "rows-2"])

    shows(streams, "foreign", "four", "one", "three")


def test_a_child_that_changes_keeps_what_is_the_visitors_and_the_scripts(streams: Page) -> None:
    def row(text: str) -> list[Any]:
        return ["insert", "rows-5", -1, f'<li id="rows-5" class="{text}">{text} <input><b dj-ignore></b></li>']

    change(streams, row("a"))
    streams.evaluate(
        """() => {
          const row = document.getElementById("rows-5");
          row.classList.add("client");
          row.querySelector("input").value = "typed";
          row.querySelector("b").textContent = "mine";
        }"""
    )
    change(streams, row("b"))

    shows(streams, "one", "two", "b mine")
    expect(streams.locator("#rows-5")).to_have_class("client b")
    expect(streams.locator("#rows-5 input")).to_have_value("typed")

    change(streams, ["insert", "rows-5", -1, '<div id="rows-5">another element</div>'])
    expect(streams.locator("div#rows-5")).to_have_text("another element")


def test_autofocus_counts_in_a_child_that_comes(streams: Page) -> None:
    change(streams, ["insert", "rows-6", 0, '<li id="rows-6"><input id="new" autofocus></li>'])

    assert streams.evaluate("document.activeElement.id") == "new"
