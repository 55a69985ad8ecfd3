"""docs/uploads.md tells the truth: its example runs, and nothing public is missing from it."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import io
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import path
from PIL import Image

from liveview.tests.guide import write_files
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
    row = b"row %d," + b"x" * 990 + b"\n"
    table = b"name,note\n" + b"".join(row % number for number in range(200_000))  # 200 MB

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


WIRING = """
<!-- file: mysite/settings.py (end) -->
```python
INSTALLED_APPS = ["daphne", *INSTALLED_APPS, "liveview", "uploads"]
ASGI_APPLICATION = "mysite.asgi.application"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
LIVEVIEW = {"LAYOUT": "uploads/layout.html"}
MEDIA_URL = "media/"
MEDIA_ROOT = BASE_DIR / "media"
```
<!-- file: mysite/urls.py (end) -->
```python
from django.urls import include

urlpatterns += [path("", include("uploads.urls"))]
```
<!-- file: mysite/asgi.py (end) -->
```python
from liveview.routing import live

application = live(application)
```
"""

ASKING = """
from datetime import timedelta

from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.signing import TimestampSigner
from django.test import TestCase
from django.utils import timezone
from papers.models import Paper
from papers.views import link_to
from unittest.mock import patch

PDF = b"%PDF-1.7\\n" + bytes(range(256)) * 8192


class PapersTest(TestCase):
    def setUp(self):
        self.owner = User.objects.create_user("owner")
        self.paper = self.keep("my plan.pdf", PDF)

    def keep(self, name, data):
        return Paper.objects.create(owner=self.owner, name=name, file=ContentFile(data, "a.bin"))

    def test_its_owner_gets_it_in_ranges(self):
        self.client.force_login(self.owner)
        self.assert_served(f"/papers/{self.paper.pk}/")

    def test_nobody_else_does(self):
        address = f"/papers/{self.paper.pk}/"
        assert self.client.get(address).headers["Location"].startswith("/accounts/login/")
        self.client.force_login(User.objects.create_user("somebody"))
        assert self.client.get(address).status_code == 404
        assert self.client.get("/media/" + self.paper.file.name).status_code == 404

    def test_a_link_holds_for_an_hour(self):
        link = link_to(self.paper)
        self.assert_served(link)
        assert self.client.get(link.replace("shared/1", "shared/2")).status_code == 404
        forged = TimestampSigner(salt="another").sign(self.paper.pk)
        assert self.client.get(f"/papers/shared/{forged}/").status_code == 404
        later = (timezone.now() + timedelta(minutes=61)).timestamp()
        with patch("django.core.signing.time.time", lambda: later):
            assert self.client.get(link).status_code == 404

    def test_a_picture_is_shown_and_a_page_is_not(self):
        for data, shown in ((b"\\x89PNG\\r\\n\\x1a\\n" + bytes(100), "inline"), (b"<script>1</script>", "attachment")):
            answer = self.client.get(link_to(self.keep("x.html", data)))
            assert answer.headers["Content-Disposition"].startswith(shown)
            assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "html" not in answer.headers["Content-Type"]

    def test_a_file_that_has_gone_is_not_found(self):
        self.paper.file.storage.delete(self.paper.file.name)
        assert self.client.get(link_to(self.paper)).status_code == 404

    def assert_served(self, address):
        whole = self.client.get(address)
        assert whole.getvalue() == PDF
        assert whole.headers["Content-Type"] == "application/pdf"
        assert whole.headers["Content-Disposition"] == 'attachment; filename="my plan.pdf"'
        assert whole.headers["Cache-Control"] == "private, no-cache"
        part = self.client.get(address, headers={"Range": "bytes=1000000-1000009"})
        assert (part.status_code, part.getvalue()) == (206, PDF[1_000_000:1_000_010])
        same = self.client.get(address, headers={"If-None-Match": whole.headers["ETag"]})
        assert same.status_code == 304
        too_far = self.client.get(address, headers={"Range": f"bytes={len(PDF)}-"})
        assert too_far.status_code == 416
        assert self.client.head(address).headers["Content-Length"] == str(len(PDF))
"""


def test_private_files_are_for_those_that_they_are_for(guide: str, tmp_path: Path) -> None:
    """The chapter's app, in a project that has nothing else of the guide."""
    chapter = guide.partition("### Private files\n")[2].partition("\n## ")[0]
    _run(tmp_path, "-m", "django", "startproject", "mysite", ".")
    for package in ("liveview", "uploads"):
        ignored = shutil.ignore_patterns("tests", "__pycache__")
        shutil.copytree(GUIDE.parents[1] / "apps" / package, tmp_path / package, ignore=ignored)
    write_files(WIRING, tmp_path)
    write_files(chapter, tmp_path)
    (tmp_path / "papers/tests.py").write_text(ASKING)

    _run(tmp_path, "manage.py", "makemigrations", "papers")
    assert "Ran 5 tests" in _run(tmp_path, "manage.py", "test", "papers")
    assert "No changes" in _run(tmp_path, "manage.py", "makemigrations", "--check", "papers")


def _run(folder: Path, *command: str) -> str:
    names = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH")
    env = {name: value for name, value in os.environ.items() if name not in names}
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (30, 20), "teal").save(out, "PNG")
    return out.getvalue()
