"""The lab's server and a page of it. For a test module: `pytest_plugins = ["e2e.lab.fixtures"]`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from e2e.lab.pages import SETTINGS, Gates, Visit, expect_connected
from e2e.support.proxy import link_to
from e2e.support.server import Server
from liveview.tests.processes import served

lab = served(Server, scope="session", extra=SETTINGS)
lab_proxy = link_to("lab")


@pytest.fixture
def gates(lab: Server) -> Iterator[Gates]:
    gates = Gates(lab)
    yield gates
    for number in range(3):  # no thread of the server waits for a test that has ended
        gates.open(number)


@pytest.fixture
def visit(page: Page, lab: Server, gates: Gates) -> Visit:
    """Goes to a page of the lab, straight or through a proxy, and waits until it is live."""

    def visit(address: str) -> Page:
        url = address if address.startswith("http") else f"{lab.url}{address}"
        page.goto(f"{url}{'&' if '?' in url else '?'}gate={gates.prefix}")
        expect_connected(page)
        return page

    return visit
