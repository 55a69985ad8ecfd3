"""The chapter on Django's forms, followed to the letter in a project of its own: with scripts, and without."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from e2e.support import pictures
from e2e.support.console import Console
from e2e.support.project import Project
from e2e.support.readme import Readme
from e2e.support.venv import ROOT
from liveview.tests.guide import write_files

pytestmark = pytest.mark.base(None)

NewContext = Callable[..., BrowserContext]

NOT_OURS = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "DEBUG", "SECRET_KEY", "DATA_DIR")
PDF = b"%PDF-1.7\n" + bytes(range(256)) * 200


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    environment = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    project = Project(tmp_path_factory.mktemp("forms") / "project", environment)
    for app in ("liveview", "uploads", "avatars"):
        ignored = shutil.ignore_patterns("tests", "__pycache__")
        shutil.copytree(ROOT / "apps" / app, project.folder / app, ignore=ignored)
    Readme((ROOT / "apps" / "avatars" / "README.md").read_text()).paste(project.folder)
    write_files((ROOT / "docs" / "uploads.md").read_text(), project.folder)
    project.run("python manage.py makemigrations tickets && python manage.py migrate")
    project.start()
    yield project
    project.kill()


@pytest.fixture(autouse=True)
def quiet(console: Console) -> Iterator[None]:
    console.expect("favicon")
    yield
    console.stop()


def pdf(name: str, data: bytes = PDF) -> FilePayload:
    return {"name": name, "mimeType": "application/pdf", "buffer": data}


def stored(project: Project, folder: str) -> list[str]:
    return sorted(path.name for path in (project.folder / "media" / folder).glob("*"))


def save(page: Page) -> None:
    page.get_by_role("button", name="Save").click()


def test_files_stay_while_a_field_is_wrong_and_are_saved_with_the_form(
    page: Page, project: Project, tmp_path: Path
) -> None:
    page.goto(f"{project.url}/tickets/new/")
    expect(page.locator("html.live-connected")).to_be_attached()
    page.get_by_label("Title").fill("x" * 41)
    page.get_by_label("Title").evaluate("(input) => input.removeAttribute('maxlength')")
    page.get_by_label("Title").fill("x" * 41)
    page.set_input_files("input[name=attachments]", [pdf("live 1.pdf"), pdf("live 2.pdf")])
    page.set_input_files("input[name=picture]", pictures.photo(tmp_path / "live.jpg", (64, 48)))
    save(page)

    expect(page.locator(".errorlist li")).to_have_text(["Ensure this value has at most 40 characters (it has 41)."])
    expect(page.locator("[dj-upload-progress=attachments] [data-status=complete]")).to_have_count(2)
    assert stored(project, "attachments") == []
    page.get_by_label("Title").fill("y" * 42)
    expect(page.locator(".errorlist")).to_be_hidden()
    expect(page.get_by_label("Title")).not_to_have_attribute("aria-invalid", "true")
    page.set_input_files("input[name=picture]", pictures.photo(tmp_path / "live.jpg", (64, 48)))  # which is a render
    save(page)
    expect(page.locator(".errorlist li")).to_have_text(["Ensure this value has at most 40 characters (it has 42)."])
    page.get_by_label("Title").fill("z" * 42)
    expect(page.locator(".errorlist")).to_be_hidden()
    save(page)  # the server says what it said before, so that nothing is rendered
    expect(page.locator(".errorlist")).to_be_visible()
    page.get_by_label("Title").fill("A live ticket")
    save(page)

    expect(page.locator("li bdi")).to_have_text(["attachments/live_1.pdf", "attachments/live_2.pdf"])
    expect(page.get_by_role("link", name="tickets/live.jpg")).to_be_visible()
    assert stored(project, "attachments") == ["live_1.pdf", "live_2.pdf"]
    assert (project.folder / "media" / "attachments" / "live_1.pdf").read_bytes() == PDF

    expect(page.locator("html.live-connected")).to_be_attached()
    page.get_by_label("Clear").check()  # the ticket as it is
    page.set_input_files("input[name=attachments]", pdf("live 3.pdf"))
    save(page)
    expect(page.locator("li bdi")).to_have_count(3)
    expect(page.get_by_role("link", name="tickets/live.jpg")).to_have_count(0)


def test_without_javascript_what_was_sent_is_kept_and_what_was_refused_is_named(
    new_context: NewContext, project: Project, tmp_path: Path
) -> None:
    page = new_context(java_script_enabled=False).new_page()
    page.goto(f"{project.url}/tickets/new/")
    save(page)  # nothing at all: the browser itself asks for the title
    expect(page).to_have_url(f"{project.url}/tickets/new/")
    page.get_by_label("Title").fill(" ")
    page.set_input_files(
        "input[name=attachments]", [pdf("kept.pdf"), pdf("bad.pdf", b"MZ" + bytes(99)), pdf("out.pdf")]
    )
    page.set_input_files("input[name=picture]", pictures.photo(tmp_path / "kept.jpg", (64, 48)))
    save(page)

    expect(page.locator(".errorlist li")).to_have_text(
        ["This field is required.", "bad.pdf: It is named .pdf, but it isn't a PDF document."]
    )
    for name in ("kept.jpg", "kept.pdf", "out.pdf"):
        expect(page.get_by_label(f"{name} is kept")).to_be_checked()
    page.get_by_label("out.pdf is kept").uncheck()
    page.get_by_label("Title").fill("x")
    page.set_input_files("input[name=attachments]", pdf("late.pdf", b"MZ"))  # wrong again
    save(page)

    expect(page.locator(".errorlist li")).to_have_text(["late.pdf: It is named .pdf, but it isn't a PDF document."])
    expect(page.get_by_label("Title")).to_have_value("x")
    expect(page.get_by_label("is kept")).to_have_count(2)
    save(page)
    expect(page.locator("li bdi")).to_have_text(["attachments/kept.pdf"])
    expect(page.get_by_role("link", name="tickets/kept.jpg")).to_be_visible()

    page.get_by_label("Clear").check()
    save(page)
    expect(page.get_by_label("Clear")).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False], ids=["live", "posted"])
def test_each_form_of_a_formset_has_files_of_its_own(new_context: NewContext, project: Project, scripts: bool) -> None:
    page = new_context(java_script_enabled=scripts).new_page()
    page.goto(f"{project.url}/tickets/new/")
    if scripts:
        expect(page.locator("html.live-connected")).to_be_attached()
    page.get_by_label("Title").fill("A ticket")
    save(page)
    expect(page).to_have_url(re.compile(r"/tickets/\d+/$"))
    page.goto(f"{page.url}attachments/")
    if scripts:
        expect(page.locator("html.live-connected")).to_be_attached()

    page.set_input_files("[name=attachments-0-file]", pdf("first.pdf"))
    page.get_by_role("button", name="Another").click()
    page.set_input_files("[name=attachments-1-file]", pdf("second.pdf"))
    save(page)

    expect(page.get_by_role("link")).to_have_count(2)
    page.get_by_label("Delete").first.check()
    page.set_input_files("[name=attachments-2-file]", pdf("third.pdf"))
    save(page)
    expect(page.get_by_role("link")).to_have_count(2)
    expect(page.get_by_role("link", name="third")).to_be_visible()
    expect(page.get_by_role("link", name="first")).to_have_count(0)
