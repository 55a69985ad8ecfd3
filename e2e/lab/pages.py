"""What tests do with the lab's pages."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from playwright.sync_api import Page, expect

from e2e.support.server import Server

Visit = Callable[[str], Page]

SETTINGS = {"DJANGO_SETTINGS_MODULE": "e2e.lab.settings"}  # of a server of the lab


class Gates:
    """Doors in handlers of one test: `?gate=` of its pages is the prefix, each door has a number."""

    def __init__(self, server: Server) -> None:
        self.prefix = uuid4().hex
        self._server = server

    def open(self, number: int) -> None:
        with urllib.request.urlopen(f"{self._server.url}/lab/open/{self.prefix}-{number}/"):
            pass


def expect_connected(page: Page) -> None:
    expect(page.locator("html.live-connected")).to_be_attached()


def expect_reconnecting(page: Page) -> None:
    expect(page.locator("html.live-reconnecting")).to_be_attached()


def expect_failed(page: Page) -> None:
    expect(page.locator("html.live-failed")).to_be_attached()


def expect_log(page: Page, *lines: str) -> None:
    expect(page.locator("#log li")).to_have_text(list(lines))


def set_times(page: Page, **times: int) -> None:
    """Makes the page's connection wait other times, in ms."""
    page.evaluate("(times) => { Object.assign(liveview.connection.times, times); }", times)


def wait_for(page: Page, condition: str) -> None:
    """Until an expression is true. (`wait_for_function` needs eval, which the site's policy forbids.)"""
    look = f"const look = () => {condition} ? done() : requestAnimationFrame(look);"
    page.evaluate(f"() => new Promise((done) => {{ {look} look(); }})")


def stop_clock(page: Page) -> None:
    """From now on time passes in `page.clock.run_for` only."""
    page.clock.install(time=0)
    page.clock.pause_at(10)


def event(page: Page, name: str, /, **params: Any) -> None:
    """Runs a handler, and returns when it is done."""
    page.evaluate("([name, params]) => liveview.event(name, params)", [name, params])
