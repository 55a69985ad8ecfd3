"""Whatever a project's static files go through, a page has one client: modules may have several addresses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from e2e.lab.pages import SETTINGS, expect_connected
from e2e.support.server import ROOT, Server
from liveview.tests.processes import served

pytestmark = pytest.mark.base(None)

STORAGES = {
    "plain": "django.contrib.staticfiles.storage.StaticFilesStorage",
    "manifest": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
    "compressed-manifest": "whitenoise.storage.CompressedManifestStaticFilesStorage",
    "site": "config.storage.HashedStaticFilesStorage",
}
MODULES = [
    f"{package}/{path.name}"
    for package in ("liveview", "uploads")
    for path in sorted((ROOT / "apps" / package / "static" / package).glob("*.js"))
]
EVERYTHING = ["change 1", "click 1", "hook 1", "input 1", "keydown 1", "submit 1", "upload 1"]

# Exports that hold something: neither functions nor classes, nor objects that have nothing but functions and numbers.
SHARED = """async (modules) => {
    const holds = (value) => value && typeof value === "object" && value.nodeType !== 9 && (
        value instanceof Map || value instanceof Set || Array.isArray(value)
        || Object.values(Object.getOwnPropertyDescriptors(value)).some(
            (own) => own.get || !/function|number/.test(typeof own.value)));
    const found = [];
    for (const module of modules) {
        const [one, other] = await Promise.all([import(`/static/${module}`), import(`/static/copy/${module}`)]);
        for (const [name, value] of Object.entries(one)) {
            if (holds(value) || typeof value === "string") found.push([`${module} ${name}`, value === other[name]]);
        }
    }
    return found;
}"""


@pytest.fixture(scope="module", params=STORAGES)
def stored(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The lab as a host serves it, from that storage."""
    extra = {**SETTINGS, "LAB_STATIC_STORAGE": STORAGES[request.param]}
    with Server(tmp_path_factory.mktemp("stored"), debug=False, extra=extra) as server:
        yield server


lab = served(Server, extra=SETTINGS)


def test_everything_happens_once(page: Page, stored: Server, tmp_path: Path) -> None:
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(f"{stored.url}/lab/counted/")
    expect_connected(page)
    file = tmp_path / "notes.txt"
    file.write_text("notes")

    _do_everything(page, file)

    expect(page.locator("#counts li")).to_have_text(EVERYTHING)
    assert len(sockets) == 1
    assert page.evaluate("mine.live === liveview && mine.mounted === 1")
    expect(page.locator(".live-banner")).to_have_count(1)


def test_another_version_of_every_module_changes_nothing(page: Page, lab: Server, tmp_path: Path) -> None:
    """All of the client a second time, under addresses of its own, as after a deployment that keeps old files."""
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.route("**/static/copy/**", _copy)
    page.goto(f"{lab.url}/lab/counted/")
    expect_connected(page)

    shared: list[tuple[str, bool]] = page.evaluate(SHARED, MODULES)

    assert [name for name, is_shared in shared if not is_shared] == []
    assert {"liveview/client.js live", "uploads/external.js uploaders", "uploads/upload.js page"} <= {
        name for name, _ in shared
    }
    file = tmp_path / "notes.txt"
    file.write_text("notes")
    _do_everything(page, file)
    expect(page.locator("#counts li")).to_have_text(EVERYTHING)
    assert len(sockets) == 1
    expect(page.locator(".live-banner")).to_have_count(1)
    expect(page.locator(".flashes")).to_have_count(1)


def _do_everything(page: Page, file: Path) -> None:
    """Each once. What would count twice has done so when the upload, which is last, has been counted."""
    page.click("#click")
    page.select_option("#change", "two")
    page.press("#keydown", "Enter")
    page.press("#input", "a")
    page.click("#submit")
    page.click("#hook")
    page.set_input_files("input[type=file]", file)
    expect(page.locator("#counts")).to_contain_text("upload")


def _copy(route: Route) -> None:
    route.fulfill(response=route.fetch(url=route.request.url.replace("/static/copy/", "/static/")))
