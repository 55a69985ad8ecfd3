"""The runtime's guide, followed word for word: what it promises works in a browser."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.support.console import Console
from e2e.support.project import Project
from e2e.support.venv import ROOT
from liveview.tests.guide import write_files

pytestmark = pytest.mark.base(None)

NOT_OURS = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "DEBUG", "SECRET_KEY", "DATA_DIR")


@pytest.fixture
def url(tmp_path: Path, console: Console) -> Iterator[str]:
    environment = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    project = Project(tmp_path / "project", environment, name="project")
    ignored = shutil.ignore_patterns("tests", "__pycache__")
    shutil.copytree(ROOT / "apps" / "liveview", project.folder / "liveview", ignore=ignored)
    write_files((ROOT / "docs" / "liveview.md").read_text(), project.folder)
    project.run("python manage.py migrate")
    project.start()
    console.expect("favicon")
    yield project.url
    console.stop()
    project.kill()


def test_what_the_guide_builds_works(url: str, page: Page) -> None:
    page.goto(f"{url}/counter/")
    expect(page.locator("html.live-connected")).to_be_attached()
    page.get_by_role("button", name="Ten more").click()
    expect(page.get_by_text("10", exact=True)).to_be_visible()

    page.goto(f"{url}/search/")
    expect(page.locator("html.live-connected")).to_be_attached()
    page.get_by_label("City").fill("A")
    expect(page.locator("#cities option")).to_have_text(["Aachen", "Augsburg"])

    page.goto(f"{url}/pets/")
    expect(page.locator("html.live-connected")).to_be_attached()
    page.get_by_label("Hay").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".errorlist")).to_have_text(["This field is required."])
    page.get_by_label("Name").fill("Lola")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Lola eats ['hay'].")).to_be_visible()
    expect(page.get_by_label("Hay")).not_to_be_checked()

    page.goto(f"{url}/check/")
    expect(page.locator("html.live-connected")).to_be_attached()
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_text("3 of 3")).to_be_visible()

    page.goto(f"{url}/report/")
    expect(page.locator("html.live-connected")).to_be_attached()
    page.get_by_label("Text").fill("to be or not to be")
    page.get_by_role("button", name="Count").click()
    expect(page.get_by_text("4 different words")).to_be_visible()

    page.goto(f"{url}/room/lobby/")
    expect(page.locator("html.live-connected")).to_be_attached()
    page.get_by_label("Line").fill("Hello")
    page.keyboard.press("Enter")
    expect(page.locator("#lines li")).to_have_text(["Hello"])
    expect(page.get_by_label("Line")).to_have_value("")
