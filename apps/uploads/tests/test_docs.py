"""docs/uploads.md tells the truth: its example runs, and nothing public is missing from it."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import io
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import path
from PIL import Image

from uploads import UploadEntry, UploadMixin
from uploads.conf import Conf
from uploads.core.directives import DIRECTIVES
from uploads.testing import Refused, mount

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "uploads.md"
STATIC = Path(__file__).resolve().parents[1] / "static" / "uploads"

pytestmark = pytest.mark.skipif(not GUIDE.exists(), reason="this copy of the package came without its docs")


@pytest.fixture
def guide() -> str:
    return GUIDE.read_text()


def test_every_parameter_of_a_slot_is_explained(guide: str) -> None:
    parameters = set(inspect.signature(UploadMixin.allow_upload).parameters) - {"self"}

    assert {name for name in parameters if f"`{name}`" not in guide} == set()


def test_every_public_attribute_of_an_entry_is_explained(guide: str) -> None:
    names = {name for name, value in vars(UploadEntry).items() if isinstance(value, property) and name[0] != "_"}
    internal = {"path", "visitor", "is_open", "is_over", "is_ready", "is_consumed", "is_superseded", "tail"}

    assert {name for name in names - internal if f"`{name}`" not in guide} == set()


def test_every_setting_is_explained(guide: str) -> None:
    keys = {field.name.upper() for field in dataclasses.fields(Conf)}

    assert {key for key in keys if f"`{key}`" not in guide} == set()


def test_every_directive_is_explained(guide: str) -> None:
    source = "".join(path.read_text() for path in STATIC.glob("*.js"))
    directives = set(re.findall(r"dj-upload(?:-[a-z]+)?\b(?!-)", source))

    assert directives == DIRECTIVES  # of which a developer is told the nearest
    assert {name for name in directives if f"`{name}" not in guide} == set()


def test_every_status_is_explained(guide: str) -> None:
    table = (STATIC / "submit.js").read_text()
    statuses = set(re.findall(r'^ {4}(\w+): "', table, re.MULTILINE))

    assert len(statuses) == 7
    assert {status for status in statuses if f"`{status}`" not in guide} == set()


@pytest.mark.django_db(transaction=True)
def test_the_example_of_the_guide_works(
    guide: str, settings: Any, tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = _png()
    view = re.search(r"```python\n# views.py\n(.*?)```", guide, re.DOTALL)
    routes = re.search(r"```python\n# urls.py\n(.*?)```", guide, re.DOTALL)
    template = re.search(r"```html\n<!-- profile.html -->\n(.*?)```", guide, re.DOTALL)
    assert view is not None and routes is not None and template is not None
    (tmp_path / "profile.html").write_text(template[1])
    views, urls = types.ModuleType("profiles.views"), types.ModuleType("guide_urls")
    monkeypatch.setitem(sys.modules, "profiles", types.ModuleType("profiles"))
    monkeypatch.setitem(sys.modules, "profiles.views", views)
    exec(view[1], vars(views))
    exec(routes[1], vars(urls))
    settings.ROOT_URLCONF = urls
    settings.LIVEVIEW = {}
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.UPLOADS = {"STAGING_DIR": tmp_path / "staging"}

    with mount("/profile/", client) as page:
        with pytest.raises(Refused) as refused:
            page.upload("picture", "cute.png", b"MZ" + bytes(5000))
        page.upload("picture", "me.png", picture)
        page.submit("save")

        assert refused.value.code == "type_mismatch"
        address = re.search(r'<img src="(/media/pictures/.*?)"', page.html)
    assert address is not None
    served = client.get(address[1])
    assert served.status_code == 200 and served["Content-Type"] == "image/png"
    assert _sha256(served.getvalue()) == _sha256(picture)


@pytest.mark.django_db(transaction=True)
def test_a_file_is_read_in_the_background_and_the_page_that_comes_back_hears_of_it(
    guide: str, settings: Any, tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = re.search(r"```python\n# imports.py\n(.*?)```", guide, re.DOTALL)
    template = re.search(r"```html\n<!-- import.html -->\n(.*?)```", guide, re.DOTALL)
    assert code is not None and template is not None
    (tmp_path / "import.html").write_text(template[1])
    views, urls = types.ModuleType("guide_imports"), types.ModuleType("guide_urls")
    monkeypatch.setitem(sys.modules, "guide_imports", views)
    exec(code[1], vars(views))
    urls.__dict__["urlpatterns"] = [path("import/", views.ImportView.as_view())]
    settings.ROOT_URLCONF = urls
    settings.LIVEVIEW = {}
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.UPLOADS = {"STAGING_DIR": tmp_path / "staging"}
    table = b"name,size\n" + b"".join(b"row %d,%d\n" % (number, number) for number in range(200_000))

    with mount("/import/", client) as page:
        page.upload("table", "table.csv", table)
        page.submit("begin")
        page.drop_connection()
        page.connect()
        page.wait_html("200000 rows. All rows are in.")

        page.upload("table", "table.csv", b"name\n\xff\xfe\n")
        page.submit("begin")
        page.wait_html("This file can&#x27;t be imported.")

    assert list((tmp_path / "media").rglob("*.csv")) == []


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (30, 20), "teal").save(out, "PNG")
    return out.getvalue()
