"""docs/your-project.md, pasted into a project that isn't fresh; and what the guides point at is there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.conf import settings
from e2e.support.readme import Readme
from websockets.sync.client import connect
from websockets.typing import Origin

from liveview.tests.processes import Program

ROOT = Path(settings.ROOT)
GUIDE = ROOT / "docs" / "your-project.md"
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

HOST = """
import os

BASE_DIR = str(BASE_DIR)  # as in older projects
INSTALLED_APPS = ["daphne", *INSTALLED_APPS, "liveview", "uploads", "gallery"]
ASGI_APPLICATION = "mysite.asgi.application"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
LIVEVIEW = {"LAYOUT": "uploads/layout.html", "MAX_BODY": 1000}
MEDIA_URL = "media/"
MEDIA_ROOT = os.path.join(BASE_DIR, "media")
"""

URLS = """
from django.conf import settings
from django.conf.urls.static import static
from django.http import HttpResponse
from django.urls import re_path

urlpatterns += [*static("/media/", document_root=settings.MEDIA_ROOT), re_path("", lambda request: HttpResponse("cms"))]
"""

OWN = '''
pages = get_asgi_application()


async def application(scope, receive, send):
    """With a WebSocket of its own, as a project that begins with a template has it."""
    if scope["type"] == "http":
        return await pages(scope, receive, send)
    await receive()
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": "pong!"})
'''

ASK = """
import asyncio, os
os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
from mysite.asgi import application
from channels.testing import ApplicationCommunicator, HttpCommunicator, WebsocketCommunicator
from django.urls import resolve

assert resolve("/gallery/").view_name == "gallery:gallery"
assert resolve("/anything/").route == ""

async def ask():
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
    pages = WebsocketCommunicator(application, "/live/", headers=headers)
    assert (await pages.connect())[0]
    await pages.disconnect()
    foreign = WebsocketCommunicator(application, "/live/", headers=[headers[0], (b"origin", b"http://elsewhere")])
    assert not (await foreign.connect())[0]
    own = WebsocketCommunicator(application, "/ping/", headers=headers)
    assert (await own.connect())[0] == OWN_SOCKET
    said = await HttpCommunicator(application, "POST", "/x/", body=b"x" * 1001,
                                  headers=[headers[0], (b"content-length", b"1001")]).get_response()
    assert said["status"] == (413 if CAPPED else 403), said  # 403: no CSRF token

asyncio.run(ask())
"""


@pytest.mark.parametrize("asgi", ["none", "own"])
def test_a_project_that_is_not_fresh(tmp_path: Path, asgi: str) -> None:
    """Texts for paths, a page for every address, static media; without an asgi.py, or with a WebSocket of its own."""
    run(tmp_path, "-m", "django", "startproject", "mysite", ".")
    append(tmp_path / "mysite/settings.py", HOST)
    append(tmp_path / "mysite/urls.py", URLS)
    own = (tmp_path / "mysite/asgi.py").read_text() + OWN
    (tmp_path / "mysite/asgi.py").unlink()
    assert Readme(GUIDE.read_text()).paste(tmp_path) == ["mysite/asgi.py", "mysite/urls.py"]
    lines = "from liveview.routing import live\n\napplication = live(application)\n"
    if asgi == "own":
        (tmp_path / "mysite/asgi.py").write_text(own + lines)
    told = run(tmp_path, "manage.py", "check", "--fail-level", "WARNING")
    assert "no issues" in told

    run(tmp_path, "-c", f"OWN_SOCKET, CAPPED = {asgi == 'own'}, False\n{ASK}")
    capped = re.search(r"```python\n(from liveview.daphne import capped\n.*?)```", GUIDE.read_text(), re.DOTALL)
    assert capped is not None
    text = (tmp_path / "mysite/asgi.py").read_text()
    append(tmp_path / "mysite/asgi.py", capped[1].replace("live(application)", "application"))
    assert text.rstrip().endswith("application = live(application)")
    run(tmp_path, "manage.py", "check", "--fail-level", "WARNING")
    run(tmp_path, "-c", f"OWN_SOCKET, CAPPED = {asgi == 'own'}, True\n{ASK}")


class Uvicorn(Program):
    probe = "/admin/login/"


def test_below_a_path_behind_a_login_and_without_daphne(tmp_path: Path) -> None:
    """Under uvicorn, in a project whose settings say so in the guide's words."""
    guide = GUIDE.read_text()
    run(tmp_path, "-m", "django", "startproject", "mysite", ".")
    shutil.copytree(ROOT / "apps/gallery", tmp_path / "gallery", ignore=shutil.ignore_patterns("tests", "__pycache__"))
    below = re.search(r"```python\n(FORCE_SCRIPT_NAME.*?)```", guide, re.DOTALL)
    guarded = re.search(r"```python\n(urlpatterns = \[path\(\"\", login_required.*?)```", guide, re.DOTALL)
    silenced = re.search(r"`(SILENCED_SYSTEM_CHECKS = .*?)`", guide)
    assert below is not None and guarded is not None and silenced is not None
    append(tmp_path / "mysite/settings.py", f"{HOST}\n{below[1]}\nINSTALLED_APPS.remove('daphne')\n{silenced[1]}\n")
    append(tmp_path / "gallery/urls.py", f"from django.contrib.auth.decorators import login_required\n{guarded[1]}")
    Readme(guide).paste(tmp_path)
    assert "no issues" in run(tmp_path, "manage.py", "check", "--fail-level", "WARNING")
    run(tmp_path, "manage.py", "migrate")

    command = (sys.executable, "-m", "uvicorn", "mysite.asgi:application", "--host", "{host}", "--port", "{port}")
    with Uvicorn(tmp_path, command, env=environment()) as server:
        for prefix in ("", "/portal"):  # whatever the proxy does with it
            with connect(f"ws://127.0.0.1:{server.port}{prefix}/live/", origin=Origin(server.url)) as socket:
                socket.send('{"type": "mount", "protocol": 1, "url": "/portal/gallery/", "snapshot": null}')
                led = json.loads(socket.recv(timeout=60))
            assert led == {"type": "redirect", "url": "/accounts/login/?next=/portal/gallery/"}
        page = urlopen(f"{server.url}/portal/admin/login/").read().decode()

    assert 'href="/portal/static/admin/' in page


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_links_lead_somewhere(guide: Path) -> None:
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(guide)):
        file, _, anchor = link.partition("#")
        target = guide.parent / file if file else guide
        if "://" not in link and (not target.exists() or (anchor and anchor not in anchors(target))):
            lost.append(link)

    assert lost == []


def test_checks_that_are_named_exist() -> None:
    source = "".join(path.read_text() for path in (ROOT / "apps").rglob("*.py") if "tests" not in path.parts)
    named = {
        each for guide in GUIDES for each in re.findall(r"`((?:liveview|uploads|gallery)\.[EW]\d+)`", prose(guide))
    }

    assert {"liveview.W003", "uploads.W005", "gallery.W001"} <= named
    assert {each for each in named if f'"{each}"' not in source} == set()


def test_sentences_of_the_troubleshooting_are_said() -> None:
    source = "".join(
        path.read_text()
        for kind in ("*.py", "*.js")
        for path in (ROOT / "apps").rglob(kind)
        if "tests" not in path.parts
    )
    chapter = " ".join(GUIDE.read_text().partition("## Troubleshooting")[2].split())
    ours = [
        "Reconnecting…",
        "There is no live connection.",
        "Live updates can't get through on this network.",
        "refused a WebSocket: ",
        "its Origin is ",
        "its Host isn't in ALLOWED_HOSTS",
        "This file is too large.",
        "That is larger than this page accepts.",
        "Something went wrong on our side.",
    ]

    assert [sentence for sentence in ours if sentence not in chapter or sentence not in source] == []


def prose(guide: Path) -> str:
    return re.sub(r"^```.*?^```", "", guide.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(guide: Path) -> set[str]:
    """As GitHub makes them of headings."""
    if guide.suffix != ".md":
        return set()
    headings = re.findall(r"^#+ (.+)$", prose(guide), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def append(file: Path, text: str) -> None:
    with file.open("a") as end:
        end.write(text)


def run(project: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def environment() -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    return {**env, "PYTHONPATH": str(ROOT / "apps")}
