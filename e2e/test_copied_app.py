"""Each demo in somebody else's project: its README followed word for word, with the oldest and newest Django."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from e2e.support import demos
from e2e.support.console import Console
from e2e.support.project import Project
from e2e.support.readme import Readme
from e2e.support.told import Told
from e2e.support.venv import ROOT, Venv, kept, newest_interpreter

APPS = ("avatars", "gallery", "videos")
pytestmark = pytest.mark.base(None)

NewContext = Callable[..., BrowserContext]
PageOf = Callable[[Project], Page]


@pytest.fixture(scope="module", params=["5.2", "newest"])
def venv(request: pytest.FixtureRequest) -> Venv:
    """One for all three apps, with what their READMEs say. The pins hold, but for Django's."""
    is_newest = request.param == "newest"
    lines = [line for app in APPS for line in _readme(app).commands("pip install ")]
    told = {word for line in lines for word in shlex.split(line, comments=True)[2:]}
    interpreter = newest_interpreter() if is_newest else sys.executable
    made = kept(f"copied-{request.param}", interpreter, ["Django" if is_newest else "Django~=5.2.0", *sorted(told)])
    if is_newest and made.version("Django").startswith("5.2."):
        pytest.skip("the newest Django needs a newer Python than any that is installed here")
    return made


@pytest.fixture(params=APPS)
def app(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def project(venv: Venv, app: str, tmp_path: Path) -> Iterator[Project]:
    """A project into which the app was copied as its README says."""
    made, readme = Project(tmp_path / "project", venv.environment), _readme(app)
    copy, with_tests = readme.commands("uplift/bin/copyapp ")
    assert with_tests == f"{copy} --tests"
    made.run_in_checkout(copy)
    assert readme.paste(made.folder) == ["mysite/settings.py", "mysite/urls.py", "mysite/asgi.py"]
    for command in readme.commands("python manage.py "):
        if "runserver" not in command:
            made.run(command.replace("manage.py check", "manage.py check --fail-level WARNING"))
    yield made
    made.kill()


@pytest.fixture
def page_of(page: Page, console: Console) -> Iterator[PageOf]:
    """Starts a project; a page for it."""
    started: list[Project] = []

    def start(project: Project) -> Page:
        console.expect("favicon")
        project.start()
        started.append(project)
        return page

    yield start
    console.stop()
    for project in started:
        project.kill()


def test_its_own_tests_pass_and_a_browser_uploads(project: Project, app: str, page_of: PageOf, tmp_path: Path) -> None:
    page = page_of(project)
    page.goto(f"{project.url}/{app}/")
    expect(page.locator("html.live-connected")).to_be_attached()
    demos.TRY[app](page, project.folder / "media", tmp_path)
    page.close()
    project.kill()

    project.run_in_checkout(f"uplift/bin/copyapp {app} . --tests")
    (command,) = _readme(app).commands("python -m pytest ")
    told = project.run(f"{command} -q -p no:cacheprovider")

    assert re.search(r"\b[1-9]\d* passed", told) and "failed" not in told


@pytest.mark.parametrize("venv", ["5.2"], indirect=True)
def test_an_app_of_another_name_with_the_lines_that_are_shown(venv: Venv, page_of: PageOf, tmp_path: Path) -> None:
    """Nothing is pasted but what the command prints; the project has a page and media of its own already."""
    made = Project(tmp_path / "project", venv.environment)
    with (made.folder / "mysite/urls.py").open("a") as file:
        file.write("from django.views.generic import RedirectView\nfrom django.urls import re_path\n")
        file.write("urlpatterns += [re_path(r'^.*$', RedirectView.as_view(url='/admin/'))]\n")
    Told(made.run_in_checkout("uplift/bin/copyapp gallery . --as photos")).paste(made.folder)
    made.run("python manage.py check --fail-level WARNING && python manage.py migrate")

    page = page_of(made)
    page.goto(f"{made.url}/photos/")
    expect(page.locator("html.live-connected")).to_be_attached()
    demos.gallery(page, made.folder / "media", tmp_path)
    assert {path.name for path in (made.folder / "media").iterdir()} == {"photos"}


def _readme(app: str) -> Readme:
    return Readme((ROOT / "apps" / app / "README.md").read_text())
