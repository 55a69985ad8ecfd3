"""Copies in a project that `startproject` makes: what is taken, what is refused, and what an update keeps."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from e2e.support.told import Told

from copying import source
from copying.cli import main
from copying.copies import Copies
from copying.servers import SERVERS
from copying.source import ROOT, Choice, rewrite

PYTHON = f"--python={sys.executable}"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    folder = tmp_path / "host"
    folder.mkdir()
    command = [sys.executable, "-m", "django", "startproject", "mysite", "."]
    subprocess.run(command, cwd=folder, check=True, timeout=120)
    return folder


def copied(project: Path, app: str, *arguments: str) -> int:
    return main([app, str(project), *arguments, PYTHON])


def django(project: Path, *command: str) -> str:
    env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    done = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=project, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# -- What is taken


def test_what_is_needed_is_copied_and_nothing_else(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And the host's own run of tests finds nothing of ours."""
    assert copied(project, "gallery") == 0

    there = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    assert {"gallery/views.py", "uploads/content/image/processing.py", "liveview/static/liveview/client.js"} <= there
    parts = ("/tests/", "__pycache__", "uploads/http/", "uploads/s3/", "liveview/daphne/", "uploads/content/video/")
    assert [path for path in sorted(there) if any(part in path for part in parts)] == []

    Told(capsys.readouterr().out).paste(project)
    assert "no issues" in django(project, "check", "--fail-level", "WARNING")
    assert "No changes" in django(project, "makemigrations", "--check", "--dry-run")
    (project / "mysite/tests.py").write_text(
        "from django.test import SimpleTestCase\nclass Own(SimpleTestCase):\n    def test(self): pass\n"
    )
    assert "Ran 1 test" in django(project, "test")


def test_extras_and_tests_come_when_asked_for_also_later(project: Path) -> None:
    assert copied(project, "videos") == 0
    assert (project / "uploads/content/video").is_dir() and not (project / "uploads/s3").exists()

    assert copied(project, "videos", "--with", "s3", "--tests") == 0

    assert (project / "uploads/s3/client.py").exists() and (project / "videos/tests/test_views.py").exists()
    assert not (project / "uploads/tests/http").exists()


# -- Another name


def test_an_app_may_have_another_name(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copied(project, "gallery", "--as", "photos") == 0
    Told(capsys.readouterr().out).paste(project)

    assert not (project / "gallery").exists()
    assert (project / "photos/templates/photos/gallery.html").exists()
    assert "no issues" in django(project, "check", "--fail-level", "WARNING")
    assert "No changes" in django(project, "makemigrations", "--check", "--dry-run")
    code = "from django.urls import reverse; from photos.models import Photo"
    assert "/photos/ photos_photo" in django(
        project, "shell", "-c", f"{code}; print(reverse('photos:gallery'), Photo._meta.db_table)"
    )
    assert [path for path in (project / "photos").rglob("*.py") if "from gallery" in path.read_text()] == []


def test_words_in_sentences_stay_words() -> None:
    text = '"""The gallery. A gallery has photos."""\nfrom gallery.models import Photo\nname = "gallery"\n'
    assert rewrite(text + 'url = f"gallery/{x}"\n', ".py", "gallery", "photos") == (
        '"""The gallery. A gallery has photos."""\nfrom photos.models import Photo\nname = "photos"\n'
        'url = f"photos/{x}"\n'
    )
    html = '<div class="gallery" id="gallery">{% static "gallery/gallery.css" %}</div>'
    assert rewrite(html, ".html", "gallery", "photos") == html.replace('"gallery/gallery', '"photos/gallery')


# -- What is refused


def test_a_name_that_is_taken_is_refused_and_nothing_is_lost(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "uploads").mkdir()
    (project / "uploads/models.py").write_text("MINE = 1\n")

    assert copied(project, "gallery") == 1

    assert "is there already" in capsys.readouterr().err
    assert (project / "uploads/models.py").read_text() == "MINE = 1\n"
    assert not (project / "gallery").exists() and not (project / "liveview").exists()


def test_a_label_that_is_taken_is_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "shop/gallery").mkdir(parents=True)
    for name in ("shop/__init__.py", "shop/gallery/__init__.py"):
        (project / name).write_text("")
    with (project / "mysite/settings.py").open("a") as file:
        file.write("INSTALLED_APPS += ['shop.gallery']\n")

    assert copied(project, "gallery") == 1
    assert "shop.gallery" in capsys.readouterr().err
    assert copied(project, "gallery", "--as", "photos") == 0


@pytest.mark.parametrize("name", ["Photos", "my-photos", "1st", "a/b"])
def test_what_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    assert copied(tmp_path, "gallery", "--as", name) == 1


def test_a_folder_that_the_project_does_not_import_from_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "apps").mkdir()
    assert copied(project / "apps", "gallery") == 1
    assert f"the project imports from {project}" in capsys.readouterr().err

    manage = project / "manage.py"
    manage.write_text(manage.read_text().replace("def main():", "def main():\n    sys.path.append('apps')"))
    assert copied(project / "apps", "gallery") == 1
    assert "but by manage.py alone" in capsys.readouterr().err

    with (project / "mysite/settings.py").open("a") as file:
        file.write("import sys\nif str(BASE_DIR / 'apps') not in sys.path: sys.path.append(str(BASE_DIR / 'apps'))\n")
    assert copied(project / "apps", "gallery") == 0
    Told(capsys.readouterr().out).paste(project)
    assert "no issues" in django(project, "check", "--fail-level", "WARNING")


def test_a_package_from_elsewhere_is_not_put_in_the_shade(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "lib/uploads").mkdir(parents=True)
    (project / "lib/uploads/__init__.py").write_text("")
    manage = project / "manage.py"
    manage.write_text(manage.read_text().replace("def main():", "def main():\n    sys.path.append('lib')"))

    assert copied(project, "gallery") == 1
    assert str(project / "lib/uploads") in capsys.readouterr().err


def test_addresses_that_are_called_so_are_refused(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (project / "mysite/urls.py").open("a") as file:
        file.write("from django.urls import include\nurlpatterns += [path('art/', include(([], 'gallery')))]\n")

    assert copied(project, "gallery") == 1
    assert "--as my_gallery" in capsys.readouterr().err
    assert copied(project, "gallery", "--as", "photos") == 0


def test_without_a_project_nothing_is_copied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copied(tmp_path, "gallery") == 1
    assert "manage.py" in capsys.readouterr().err


def test_settings_that_can_not_be_loaded_are_told(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (project / "mysite/settings.py").open("a") as file:
        file.write("import no_such_module\n")

    assert copied(project, "gallery") == 1
    assert "no_such_module" in capsys.readouterr().err
    assert not (project / "gallery").exists()


# -- Only what a project lacks


def test_lines_are_only_for_what_there_is_not(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "mysite/asgi.py").unlink()
    with (project / "mysite/settings.py").open("a") as file:
        file.write(
            "BASE_DIR = str(BASE_DIR)\nMEDIA_ROOT = BASE_DIR + '/files'\nMEDIA_URL = '/files/'\n"
            "CHANNEL_LAYERS = {'default': {'BACKEND': 'channels_redis.core.RedisChannelLayer'}}\n"
            "ROOT_URLCONF = 'mysite.routes'\n"
        )
    (project / "mysite/routes.py").write_text(
        "from django.urls import re_path\nfrom django.views.generic import RedirectView\n"
        "urlpatterns = [re_path(r'^.*$', RedirectView.as_view(url='/x'))]\n"
    )

    assert copied(project, "gallery") == 0

    told = capsys.readouterr().out
    assert "MEDIA_ROOT" not in told and "CHANNEL_LAYERS" not in told
    assert "test.sqlite3" not in told  # which is for tests
    assert copied(project, "gallery", "--tests") == 0
    assert 'f"{BASE_DIR}/test.sqlite3"' in capsys.readouterr().out
    assert "mysite/routes.py, at the end" in told and "is answered by '^.*$' today" in told
    assert "mysite/asgi.py, a new file" in told


def test_a_page_among_all_those_that_one_pattern_catches_stays(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a CMS has them."""
    with (project / "mysite/urls.py").open("a") as file:
        file.write(
            "from django.http import HttpResponse\n"
            "def page(request, slug): return HttpResponse(slug, status=200 if slug == 'gallery/' else 404)\n"
            "urlpatterns += [path('<path:slug>', page)]\n"
        )

    assert copied(project, "gallery") == 0
    assert 'path("my-gallery/", include("gallery.urls"))' in capsys.readouterr().out
    assert copied(project, "gallery", "--as", "photos") == 0
    assert 'path("photos/", include("photos.urls"))' in capsys.readouterr().out


def test_a_second_app_has_only_lines_of_its_own(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copied(project, "gallery") == 0
    Told(capsys.readouterr().out).paste(project)

    assert copied(project, "avatars") == 0
    told = Told(capsys.readouterr().out)
    told.paste(project)

    assert [path for path, _ in told.snippets] == ["mysite/settings.py", "mysite/urls.py"]
    assert told.snippets[0][1] == 'INSTALLED_APPS = [*INSTALLED_APPS, "avatars"]'
    assert 'include("uploads.urls")' not in told.text
    assert "no issues" in django(project, "check", "--fail-level", "WARNING")


@pytest.mark.parametrize("server", [name for name in SERVERS if name != "daphne"])
def test_a_project_has_the_lines_for_its_server(project: Path, server: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Which docs/your-project.md has as well."""
    with (project / "mysite/settings.py").open("a") as file:
        file.write("SILENCED_SYSTEM_CHECKS = ['fields.W342']\n")

    assert copied(project, "gallery", "--server", server) == 0
    told = Told(capsys.readouterr().out)
    told.paste(project)

    assert "daphne" not in told.text
    assert f"| `{told.start}" in (ROOT / "docs/your-project.md").read_text()
    assert "no issues (1 silenced)" in django(project, "check", "--fail-level", "WARNING")


def test_settings_without_a_folder_of_the_project_have_a_path_all_the_same(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = project / "mysite/settings.py"
    text = settings.read_text().replace("BASE_DIR", "HERE").replace("import Path", "import Path as P")
    settings.write_text(text.replace(" Path(", " P("))

    assert copied(project, "gallery") == 0
    Told(capsys.readouterr().out).paste(project)

    code = "from django.conf import settings; print(settings.MEDIA_ROOT)"
    assert str(project / "media") in django(project, "shell", "-c", code)


# -- Later


@pytest.fixture
def newer(project: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes | None]:
    """A copy of the gallery in the project, and what a newer version of ours has changed since, to be filled."""
    assert copied(project, "gallery") == 0
    changed: dict[str, bytes | None] = {}
    files = Choice.files

    def later(choice: Choice) -> dict[str, bytes]:
        return {path: data for path, data in {**files(choice), **changed}.items() if data is not None}

    monkeypatch.setattr(Choice, "files", later)
    return changed


def test_a_copy_as_it_was_made_has_nothing_to_tell(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copied(project, "gallery") == 0
    capsys.readouterr()
    assert main(["status", str(project)]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [f"Copied: {source.version()}.", "  gallery"]
    assert main(["diff", str(project)]) == 0
    assert capsys.readouterr().out == ""


def test_an_update_brings_what_is_new_and_keeps_what_the_project_changed(
    project: Path, newer: dict[str, bytes | None], capsys: pytest.CaptureFixture[str]
) -> None:
    views = project / "gallery/views.py"
    ours = (ROOT / "apps/gallery/views.py").read_bytes()
    views.write_bytes(ours + b"\nMINE = 1\n")
    (project / "gallery/pictures.py").unlink()
    newer["gallery/views.py"] = b"# newer\n" + ours
    newer["gallery/fresh.py"] = b"FRESH = 1\n"
    newer["gallery/admin.py"] = None
    newer["gallery/pictures.py"] = b"CHANGED = 1\n"

    assert main(["status", str(project)]) == 0
    told = capsys.readouterr().out
    said = {"views.py": "changed by you, newer here", "fresh.py": "new here", "admin.py": "deleted here"}
    for name, line in said.items():
        assert f"  gallery/{name}: {line}\n" in told
    assert main(["diff", str(project)]) == 0
    assert "+MINE = 1" in capsys.readouterr().out

    assert main(["update", str(project)]) == 0

    assert views.read_bytes() == b"# newer\n" + ours + b"\nMINE = 1\n"
    assert (project / "gallery/fresh.py").read_bytes() == b"FRESH = 1\n"
    assert not (project / "gallery/admin.py").exists()
    assert not (project / "gallery/pictures.py").exists()  # theirs to delete
    capsys.readouterr()
    main(["status", str(project)])
    assert "newer here" not in capsys.readouterr().out


def test_changes_that_do_not_go_together_are_marked(
    project: Path, newer: dict[str, bytes | None], capsys: pytest.CaptureFixture[str]
) -> None:
    urls = project / "gallery/urls.py"
    ours = urls.read_text()
    urls.write_text(ours.replace('name="gallery"', 'name="mine"'))
    newer["gallery/urls.py"] = ours.replace('name="gallery"', 'name="newer"').encode()

    assert main(["update", str(project)]) == 1

    assert "conflict: gallery/urls.py" in capsys.readouterr().err
    merged = urls.read_text()
    assert "<<<<<<< yours" in merged and 'name="mine"' in merged and 'name="newer"' in merged


def test_a_second_app_joins_the_first(project: Path) -> None:
    assert copied(project, "gallery") == 0
    assert copied(project, "avatars") == 0
    assert [choice.app for choice in Copies(project).choices] == ["gallery", "avatars"]
    assert list(Copies(project).changes()) == []
