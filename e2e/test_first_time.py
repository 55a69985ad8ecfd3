"""Somebody sees this for the first time: what the README says to type in an empty directory, to the letter."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.support.pictures import photo
from e2e.support.readme import Readme
from e2e.support.server import OURS
from e2e.support.until import until
from e2e.support.venv import ROOT
from liveview.tests.ports import free_port

INSTALLS_WITHIN = 900.0  # seconds: dozens of packages, perhaps from far away
STARTS_WITHIN = 120.0
ENDS_WITHIN = 60.0
LONG = 90_000  # ms: a slow machine takes its time
CLONE = "git clone <this repository> uplift && cd uplift"
PHOTO = "input[dj-upload=avatar]"

# What a developer's or a host's environment has and a newcomer's hasn't.
NOT_YET = (
    *OURS,
    "DATA_DIR",
    "HOST",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    "STATIC_ROOT",
    "VIRTUAL_ENV",
)


class Checkout:
    """What a clone has: everything but what running and testing have written."""

    def __init__(self, folder: Path) -> None:
        ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line]
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", *ignored))
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder.with_name("serve.log")
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, command: str, *, within: float) -> str:
        """Runs a line of the README; what it has said when the site answers."""
        env = {name: value for name, value in os.environ.items() if name not in NOT_YET}
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["bash", "-c", f"exec {command}"],
                cwd=self.folder,
                env={**env, "PORT": str(self.port), "PIP_COMPILE": "0"},  # which would take longer than it saves
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until(self._answers, within)
        return self.log.read_text()

    def stop(self) -> None:
        """Returns when it has ended. Close pages first: during an upgrade to WebSocket CPython 3.11 may crash of it."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(ENDS_WITHIN)
        self._process = None

    def kill(self) -> None:
        """With all that it has started, whatever state it is in."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def digests(self) -> list[str]:
        """Of the avatars in the database, as they were received."""
        connection = sqlite3.connect(f"file:{self.folder / 'var' / 'site.sqlite3'}?mode=ro", uri=True)
        try:
            return [digest for (digest,) in connection.execute("SELECT sha256 FROM avatars_avatar")]
        finally:
            connection.close()

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            pytest.fail(f"it ended with {self._process.returncode}:\n{self.log.read_text()}")
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=30) as response:
                return bool(response.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path / "uplift")
    yield made
    made.kill()


@pytest.fixture(scope="session")
def base_url() -> str:
    """None: the checkout has an address of its own, and no other site has to be started."""
    return "http://nowhere.invalid"


def test_a_newcomer_starts_it_and_uploads_and_finds_the_picture_again(
    checkout: Checkout, context: BrowserContext, tmp_path: Path
) -> None:
    clone, serve = Readme(_run_it()).commands("")
    assert clone == CLONE
    picture = photo(tmp_path / "me.jpg", (800, 600))

    said = checkout.run(serve, within=INSTALLS_WITHIN)

    assert "Installing requirements.txt" in said and f"Uplift is at {checkout.url}/" in said
    page = context.new_page()
    page.goto(f"{checkout.url}/")
    page.get_by_label("Site").get_by_role("link", name="Avatar", exact=True).click()
    expect(page.locator("html.live-connected")).to_be_attached(timeout=LONG)
    page.set_input_files(PHOTO, picture)
    page.get_by_role("button", name="Save avatar").click()
    shown = _is_served(page)
    assert checkout.digests() == [hashlib.sha256(picture.read_bytes()).hexdigest()]
    page.close()
    checkout.stop()

    said = checkout.run(serve, within=STARTS_WITHIN)

    assert "Installing" not in said and "Making" not in said
    page = context.new_page()
    page.goto(f"{checkout.url}/avatars/")
    assert _is_served(page) == shown


def _run_it() -> str:
    """The section of that name."""
    (section,) = re.findall(r"^## Run it\n(.*?)^## ", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    return str(section)


def _is_served(page: Page) -> str:
    """The address of the avatar that the page shows; its bytes are a JPEG that the browser has drawn."""
    image = page.locator("img.avatar")
    expect(image).to_be_visible(timeout=LONG)
    expect(image).to_have_js_property("naturalWidth", 800, timeout=LONG)
    address = str(image.get_attribute("src"))
    response = page.request.get(urljoin(page.url, address))
    assert response.status == 200 and response.headers["content-type"] == "image/jpeg"
    return address
