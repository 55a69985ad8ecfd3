"""Somebody sees this for the first time: what the README says to type in an empty directory, to the letter."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.support.pictures import photo
from e2e.support.readme import Readme
from e2e.support.server import OURS
from e2e.support.venv import ROOT
from liveview.tests.processes import Family

pytestmark = pytest.mark.base(None)

INSTALLS_WITHIN = 900.0  # seconds: dozens of packages, perhaps from far away
STARTS_WITHIN = 120.0
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


class Checkout(Family):
    """What a clone has: everything but what running and testing have written."""

    probe = "/healthz"
    popen = {**Family.popen, "stdin": subprocess.DEVNULL}

    def __init__(self, folder: Path) -> None:
        env = {name: value for name, value in os.environ.items() if name not in NOT_YET}
        super().__init__(folder, [], env=env)
        self.env |= {"PORT": str(self.port), "PIP_COMPILE": "0"}  # which would take longer than it saves
        ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line]
        shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", *ignored))

    @property
    def log(self) -> Path:
        return self.folder.with_name("serve.log")

    def run(self, command: str, *, within: float) -> str:
        """Runs a line of the README; what it has said when the site answers."""
        self.command, self.starts_within = ["bash", "-c", f"exec {command}"], within
        said_before = len(self.log_text())
        self.start()
        return self.log_text()[said_before:]

    def digests(self) -> list[str]:
        """Of the avatars in the database, as they were received."""
        connection = sqlite3.connect(f"file:{self.folder / 'var' / 'site.sqlite3'}?mode=ro", uri=True)
        try:
            return [digest for (digest,) in connection.execute("SELECT sha256 FROM avatars_avatar")]
        finally:
            connection.close()


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    made = Checkout(tmp_path / "uplift")
    yield made
    made.kill()


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
    checkout.terminate()
    checkout.wait()

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
