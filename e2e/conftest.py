"""A real server, a real browser, and between them, where a test asks for it, a network that fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, BrowserType, expect

from e2e.support.console import Console
from e2e.support.hosts import table
from e2e.support.proxy import link_to
from e2e.support.server import Server
from liveview.tests.processes import served, until

# No traffic, services or protocols that a test didn't ask for.
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--disable-gpu",
]
# Chromium without its own windows, which take more of the processor than our pages do. Playwright's build has one, too.
HEADLESS_SHELLS = ("chromium-headless-shell",)
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome")

# The files that take longest begin first, so that two processes end together.
LONGEST = (
    "test_resuming",
    "test_deployment",
    "test_fleet",
    "test_gallery",
    "test_hosts",
    "test_jobs",
    "test_accessibility",
    "test_other_ways",
    "test_tus_clients",
    "test_seeds",
    "test_writers",
    "test_copied_app",
    "test_first_time",
    "test_package",
)

NewContext = Callable[..., BrowserContext]

expect.set_options(timeout=30_000)  # ms: a busy machine takes its time, and a test that passes doesn't wait


def pytest_configure(config: pytest.Config) -> None:
    """The harness's own garbage, collected at any moment, says nothing of the site: that is in other processes."""
    config.addinivalue_line("markers", "base(fixture): whose pages have addresses without a host; None: nobody's")
    config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    order = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What it took to bring an app into each of the projects of e2e/hosts."""
    told = [dict(report.user_properties) for report in terminalreporter.getreports("passed") if report.when == "call"]
    if rows := [each["host"] for each in told if "host" in each]:
        terminalreporter.section("apps in other projects")
        terminalreporter.line(table(rows))


# -- The server


server = served(Server, scope="session")  # the site as `bin/serve` starts it
deployed = served(Server, scope="session", debug=False)  # as a host serves it, from hashed static files


@pytest.fixture
def nothing_staged(server: Server) -> Iterator[None]:
    """Whatever a test does, it leaves no bytes behind: pages that close are noticed by the server, by and by."""
    before = server.staged()
    yield
    until(lambda: server.staged() <= before, within=90)


proxy = link_to("server")


# -- The browser


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], browser_type: BrowserType, browser_name: str
) -> dict[str, Any]:
    """`$E2E_CHROMIUM`, else Playwright's own build, else the system's headless shell, else its Chromium."""
    if browser_name != "chromium":
        return browser_type_launch_args
    launch = {**browser_type_launch_args}
    launch["args"] = [*launch.get("args", []), *QUIET]
    if os.geteuid() == 0:
        launch["args"].append("--no-sandbox")  # which Chromium demands of root
    path = os.environ.get("E2E_CHROMIUM")
    if not path and not launch.get("channel") and not Path(browser_type.executable_path).exists():
        path = _first([*HEADLESS_SHELLS, *SYSTEM_BROWSERS])
        if path is None:
            pytest.fail("no browser: run `playwright install chromium` or install your system's chromium")
    if path:
        launch["executable_path"] = path
    return launch


@pytest.fixture(scope="session")
def whole_browser_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """For what a headless shell can't do: Chromium as visitors have it."""
    path = browser_type_launch_args.get("executable_path")
    if path is None:
        return {"channel": "chromium", **browser_type_launch_args}
    if Path(path).name in HEADLESS_SHELLS:
        path = _first(SYSTEM_BROWSERS) or pytest.fail("there is a headless shell only: install your system's chromium")
    return {**browser_type_launch_args, "executable_path": path}


def _first(names: Sequence[str]) -> str | None:
    """The program that is there of these."""
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(autouse=True)
def console() -> Iterator[Console]:
    """Fails the test if its pages logged an error that it did not expect."""
    console = Console()
    yield console
    assert not console.unexpected, "the browser's console has errors"


@pytest.fixture(scope="session")
def base_url() -> str:
    """One for all tests would be too few: see `browser_context_args`."""
    return ""


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], request: pytest.FixtureRequest) -> dict[str, Any]:
    """An address without a host is that of `server`, or of another fixture: `@pytest.mark.base("lab")`."""
    mark = request.node.get_closest_marker("base")
    base = mark.args[0] if mark else "server"
    return {**browser_context_args, "base_url": request.getfixturevalue(base).url if base else None}


@pytest.fixture
def new_context(console: Console, new_context: NewContext) -> NewContext:
    """Playwright's, watched. `page` and `context` come from here, too."""

    def make(**options: Any) -> BrowserContext:
        context = new_context(**options)
        console.watch(context)
        return context

    return make
