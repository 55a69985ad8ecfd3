"""How many round trips a page needs until it is live: on a line so long that the machine's own time doesn't count."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from e2e.lab.pages import SETTINGS, expect_connected
from e2e.support.proxy import FaultProxy, link_to
from e2e.support.server import Server
from liveview.tests.processes import served

pytestmark = pytest.mark.base(None)

TRIP = 1.0  # seconds for a round trip
MANIFEST = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
LIVE_AT = """
    new MutationObserver(() => {
        if (document.documentElement.classList.contains("live-connected")) window.liveAt ??= performance.now();
    }).observe(document, { subtree: true, attributes: true, attributeFilter: ["class"] });
"""
TRIPS = "(trip) => (liveAt - performance.getEntriesByType('navigation')[0].responseStart) / 1000 / trip"

separate = served(Server, debug=False, extra={**SETTINGS, "LAB_STATIC_STORAGE": MANIFEST})
flat_line = link_to("deployed")
separate_line = link_to("separate")


def test_a_page_is_live_after_four_round_trips(page: Page, flat_line: FaultProxy) -> None:
    """Each client is one file, as `FlatModulesMixin` makes it."""
    assert _trips(page, flat_line, "/gallery/") < 5


def test_a_page_whose_modules_are_separate_files_is_live_after_seven(page: Page, separate_line: FaultProxy) -> None:
    """From Django's own storage: `live_scripts` tells a browser what there is to load."""
    assert _trips(page, separate_line, "/lab/counted/") < 8


def _trips(page: Page, line: FaultProxy, path: str) -> float:
    """Round trips from the first byte of the page's HTML until it is live, a connection's own included."""
    page.add_init_script(LIVE_AT)
    line.latency, line.shakes_hands = TRIP / 2, True
    page.goto(line.url + path, wait_until="commit")
    expect_connected(page)
    line.latency = 0
    page.wait_for_load_state("networkidle")
    trips: float = page.evaluate(TRIPS, TRIP)
    print(f"{trips:.2f} round trips until {path} is live")  # noqa: T201  (for `pytest -s`)
    return trips
