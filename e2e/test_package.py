"""The wheel, in an environment that has nothing else of ours: docs/package.md followed word for word."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.support import demos
from e2e.support.console import Console
from e2e.support.pictures import photo
from e2e.support.project import Project
from e2e.support.readme import Readme
from e2e.support.told import Told
from e2e.support.venv import ROOT, Venv

pytestmark = pytest.mark.base(None)

LONG = 120_000  # ms: a slow machine takes its time


def test_the_wheel_is_all_that_a_project_needs_and_a_demo_is_copied_beside_it(
    tmp_path: Path, page: Page, console: Console
) -> None:
    venv = Venv(tmp_path / "venv", sys.executable)
    venv.install("pip")
    docs = Readme((ROOT / "docs/package.md").read_text())
    build, *_rest = docs.commands("python -m build")
    installs = docs.commands("pip install")
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "uplift").symlink_to(ROOT)
    _run(venv, folder, f"{installs[0]} && {build} && {installs[1]}")
    (wheel,) = (folder / "dist").iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    assert {"liveview/py.typed", "uploads/py.typed", "uploads/static/uploads/client.js"} <= set(names)
    assert [name for name in names if "/tests/" in name or name.startswith(("gallery", "avatars", "videos"))] == []
    assert any(name.endswith("licenses/LICENSE") for name in names)

    project = Project(tmp_path / "project", venv.environment)
    docs.paste(project.folder)
    _write_the_guides_example(project.folder)
    for command in docs.commands("python manage.py "):
        if "runserver" not in command:
            project.run(command.replace("check", "check --fail-level WARNING"))
    console.expect("favicon")
    project.start()
    try:
        page.goto(f"{project.url}/profile/")
        expect(page.locator("html.live-connected, #live.live-connected, .live-connected").first).to_be_attached()
        page.set_input_files("input[name=picture]", photo(tmp_path / "me.jpg", (300, 200)))
        page.get_by_role("button", name="Save").click()
        shown = page.locator("img[src*='/media/pictures/']")
        expect(shown).to_be_visible(timeout=LONG)
        assert shown.evaluate("img => img.naturalWidth") == 300

        page.goto("about:blank")
        project.kill()
        told = Told(project.run_in_checkout("uplift/bin/copyapp avatars ."))
        told.paste(project.folder)
        assert [path for path, _ in told.snippets] == ["mysite/settings.py", "mysite/urls.py"]
        assert not (project.folder / "liveview").exists() and not (project.folder / "uploads").exists()
        project.run("python manage.py check --fail-level WARNING && python manage.py migrate")
        assert project.run_in_checkout("uplift/bin/copyapp status .").splitlines()[1:] == ["  avatars"]
        project.start()
        page.goto(f"{project.url}/avatars/")
        demos.avatar(page, project.folder / "media", tmp_path)
    finally:
        console.stop()
        project.kill()


def _write_the_guides_example(project: Path) -> None:
    guide = (ROOT / "docs/uploads.md").read_text()
    files = {
        "profiles/views.py": r"```python\n# views.py\n(.*?)```",
        "profiles/templates/profile.html": r"```html\n<!-- profile.html -->\n(.*?)```",
        "mysite/urls.py": r"```python\n# urls.py\n(.*?)```",
        "profiles/__init__.py": r"()",
    }
    for name, pattern in files.items():
        found = re.search(pattern, guide, re.DOTALL)
        assert found is not None
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(found[1])


def _run(venv: Venv, folder: Path, command: str) -> None:
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=venv.environment, capture_output=True, text=True, timeout=540
    )
    assert done.returncode == 0, done.stdout + done.stderr
