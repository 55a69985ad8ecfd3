"""The README of each demo has everything that somebody who copies it needs. That it works: e2e/test_copied_app.py."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from django.conf import settings

from avatars.conf import Conf as AvatarsConf
from gallery.conf import Conf as GalleryConf
from videos.conf import Conf as VideosConf

APPS = Path(settings.ROOT) / "apps"
DEMOS = ("avatars", "gallery", "videos")
CONFS = {"avatars": AvatarsConf, "gallery": GalleryConf, "videos": VideosConf}


@pytest.fixture(params=DEMOS)
def demo(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def readme(demo: str) -> str:
    return (APPS / demo / "README.md").read_text()


def test_it_names_the_folders_and_the_files_to_change(demo: str, readme: str) -> None:
    assert f"uplift/bin/copyapp {demo} ." in readme
    for name in ("settings.py", "urls.py", "asgi.py"):
        assert f"<!-- file: mysite/{name} (end) -->" in readme


def test_every_system_check_is_in_it(demo: str, readme: str) -> None:
    ids = set(re.findall(r'id="([\w.]+)"', (APPS / demo / "checks.py").read_text()))

    assert ids
    assert ids == set(re.findall(rf"^\| `({demo}\.[EIW]\d+)`", readme, re.MULTILINE))


def test_every_setting_is_in_it_with_its_default(demo: str, readme: str) -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", readme, re.MULTILINE))
    fields = dataclasses.fields(CONFS[demo]) if demo in CONFS else ()

    assert set(rows) == {field.name.upper() for field in fields}
    for field in fields:
        if field.default is not dataclasses.MISSING:
            assert rows[field.name.upper()].strip("`").replace(",", "") == str(field.default)


def test_its_links_lead_somewhere(demo: str, readme: str) -> None:
    links = re.findall(r"\]\(([^)#]+)\)", readme)

    assert links
    assert [link for link in links if "://" not in link and not (APPS / demo / link).exists()] == []


@pytest.mark.parametrize("path", sorted(Path(settings.ROOT, "docs").glob("*.md")), ids=lambda path: path.name)
def test_the_links_of_the_documentation_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text())

    assert [link for link in links if "://" not in link and not (path.parent / link).exists()] == []
