"""A real server, a real browser, and between them, where a test asks for it, a network that fails."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, BrowserType, expect

from e2e.support.console import Console
from e2e.support.proxy import FaultProxy
from e2e.support.server import Server
from e2e.support.until import until

# No traffic, services or protocols that a test didn't ask for.
QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
    "--disable-gpu",
]
SYSTEM_BROWSERS = ("chromium", "chromium-browser", "google-chrome")

NewContext = Callable[..., BrowserContext]

expect.set_options(timeout=30_000)  # ms: a busy machine takes its time, and a test that passes doesn't wait


def pytest_configure(config: pytest.Config) -> None:
    """The harness's own garbage, collected at any moment, says nothing of the site: that is in other processes."""
    config.addinivalue_line("filterwarnings", "ignore::pytest.PytestUnraisableExceptionWarning")


# -- The server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The site as `bin/serve` starts it."""
    server = Server(tmp_path_factory.mktemp("server")).start()
    yield server
    server.terminate()


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The site as a host serves it: without debug mode, from hashed static files."""
    server = Server(tmp_path_factory.mktemp("deployed"), debug=False).start()
    yield server
    server.terminate()


@pytest.fixture
def nothing_staged(server: Server) -> Iterator[None]:
    """Whatever a test does, it leaves no bytes behind: pages that close are noticed by the server, by and by."""
    before = server.staged()
    yield
    until(lambda: server.staged() <= before, within=90)


@pytest.fixture(scope="session")
def base_url(server: Server) -> str:
    return server.url


@pytest.fixture
def proxy(server: Server, console: Console) -> Iterator[FaultProxy]:
    with FaultProxy(server.host, server.port) as proxy:
        yield proxy
        console.stop()  # pages that are still open notice that their network ends


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Shows what the servers logged during a test that failed."""
    report = yield
    for server in _servers(item):
        if report.when == "setup":
            item.stash.setdefault(_log_starts, {})[server] = len(server.log_text())
        if report.failed:
            logged = server.log_text()[item.stash.get(_log_starts, {}).get(server, 0) :]
            report.sections.append((f"Log of {server.url}", logged[-20_000:]))
    return report


_log_starts = pytest.StashKey[dict[Server, int]]()


def _servers(item: pytest.Item) -> list[Server]:
    used: dict[str, Any] = getattr(item, "funcargs", {})
    return [value for value in used.values() if isinstance(value, Server)]


# -- The browser


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], browser_type: BrowserType, browser_name: str
) -> dict[str, Any]:
    """`$E2E_CHROMIUM`, else Playwright's own build, else the system's Chromium."""
    if browser_name != "chromium":
        return browser_type_launch_args
    launch = {**browser_type_launch_args}
    launch["args"] = [*launch.get("args", []), *QUIET]
    if os.geteuid() == 0:
        launch["args"].append("--no-sandbox")  # which Chromium demands of root
    path = os.environ.get("E2E_CHROMIUM")
    if not path and not launch.get("channel") and not Path(browser_type.executable_path).exists():
        path = next(filter(None, map(shutil.which, SYSTEM_BROWSERS)), None)
        if path is None:
            pytest.fail("no browser: run `playwright install chromium` or install your system's chromium")
    if path:
        launch["executable_path"] = path
    return launch


@pytest.fixture(autouse=True)
def console() -> Iterator[Console]:
    """Fails the test if its pages logged an error that it did not expect."""
    console = Console()
    yield console
    assert not console.unexpected, "the browser's console has errors"


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any], base_url: str) -> dict[str, Any]:
    """Playwright's asks for the base URL once per session; a module of tests may have its own."""
    return {**browser_context_args, "base_url": base_url}


@pytest.fixture
def new_context(console: Console, new_context: NewContext) -> NewContext:
    """Playwright's, watched. `page` and `context` come from here, too."""

    def make(**options: Any) -> BrowserContext:
        context = new_context(**options)
        console.watch(context)
        return context

    return make
