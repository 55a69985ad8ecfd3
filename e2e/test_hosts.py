"""An app in projects that live already (e2e/hosts/README.md): what the command prints is all that is done."""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from websockets.sync.client import connect
from websockets.typing import Origin

from e2e.support import demos
from e2e.support.console import Console
from e2e.support.hosts import Host, environment
from e2e.support.postgres import Postgres
from e2e.support.venv import ROOT
from liveview.tests.ports import HOST
from liveview.tests.processes import Program

pytestmark = pytest.mark.base(None)

GUIDE = (ROOT / "docs/your-project.md").read_text()
DEPLOY = (ROOT / "docs/deploy.md").read_text()
OURS = ("python", "-m", "liveview.daphne", "--proxy-headers", "--bind", "{host}", "--port", "{port}")

Uploads = Callable[..., None]


@pytest.fixture
def running(console: Console) -> Iterator[list[Program]]:
    """What is ended with the test; pages complain then."""
    console.expect("favicon")
    programs: list[Program] = []
    yield programs
    console.stop()
    for program in reversed(programs):
        program.kill()


@pytest.fixture
def uploads(page: Page, tmp_path: Path, record_property: Callable[[str, object], None]) -> Uploads:
    """A visitor comes to the page at an address, sends files, and sees them; every byte has arrived."""

    def visit(host: Host, address: str, media: str = "media") -> None:
        page.goto(address)
        expect(page.locator("html.live-connected")).to_be_attached()
        sent = demos.TRY[host.app](page, host.folder / media, tmp_path)
        record_property("host", host.expect_stored(sent))

    return visit


def test_a_user_model_of_its_own_and_a_login_before_everything(
    tmp_path: Path, page: Page, uploads: Uploads, running: list[Program]
) -> None:
    host = Host("members", tmp_path, environment("3.11", "5.2"), DJANGO_SUPERUSER_PASSWORD="over the sea")
    host.adopt("avatars")
    host.expect_own_tests_pass()
    host.run("python manage.py createsuperuser --noinput --username ada --email ada@example.com")

    running.append(host.start())
    page.goto(f"{host.url}/avatars/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill("over the sea")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{host.url}/avatars/")

    uploads(host, f"{host.url}/avatars/")
    address = page.locator("img.avatar").get_attribute("src")
    assert host.get(str(address)) == 302  # to the login, for who hasn't


def test_websockets_of_its_own_and_a_page_at_that_address(
    tmp_path: Path, page: Page, uploads: Uploads, running: list[Program]
) -> None:
    host = Host("chat", tmp_path, environment("3.13", ""))
    host.adopt("gallery")
    host.expect_own_tests_pass()

    running.append(host.start())
    uploads(host, f"{host.url}/my-gallery/")
    page.goto(f"{host.url}/gallery/")
    expect(page.get_by_role("heading")).to_have_text("Room gallery")
    with connect(f"ws://{HOST}:{host.port}/ws/lobby/", origin=Origin(host.url), proxy=None) as socket:
        socket.send("hello")
        assert socket.recv(timeout=60) == "hello"


def test_pages_at_every_address_media_settings_in_three_files_and_no_asgi_py(
    tmp_path: Path, page: Page, uploads: Uploads, running: list[Program]
) -> None:
    host = Host("newsroom", tmp_path, environment("3.13", "5.2"))
    host.adopt("videos")
    assert [path for path, _ in host.told.snippets] == [
        "newsroom/settings/base.py",
        "newsroom/settings/dev.py",
        "newsroom/settings/dev.py",
        "newsroom/urls.py",
        "newsroom/asgi.py",
    ]
    assert "newsroom.settings.production" in (host.folder / "newsroom/asgi.py").read_text()  # as wsgi.py has it
    host.expect_own_tests_pass()
    host.shell("from pages.models import Page; Page.objects.create(address='us', title='Us')")

    running.append(host.start())
    uploads(host, f"{host.url}/videos/")
    expect(page.get_by_text("Break the connection")).to_have_count(0)  # our site's own
    page.goto(f"{host.url}/us/")
    expect(page.get_by_role("heading")).to_have_text("Us")
    kit = page.request.get(f"{host.url}/media/press/kit.txt")
    assert (kit.status, kit.text()) == (200, "Press kit\n")


def test_hashed_static_files_a_layout_of_its_own_and_an_app_of_that_name(
    tmp_path: Path, page: Page, uploads: Uploads, running: list[Program]
) -> None:
    command = ("daphne", "-b", "{host}", "-p", "{port}", "shop.asgi:application")
    host = Host("shop", tmp_path, environment("3.11", "5.2"), command)
    refused = host.run_in_checkout("! uplift/bin/copyapp gallery . 2>&1")
    assert "is there already" in refused and "--as my_gallery" in refused
    host.adopt("gallery", label="photos")
    layout = re.search(r"```html\n(\{% extends \"base.html\" %\}.*?)```", GUIDE, re.DOTALL)
    setting = re.search(r"`(LIVEVIEW = \{\"LAYOUT\": \"live.html\"\})`", GUIDE)
    assert layout is not None and setting is not None
    (host.folder / "templates/live.html").write_text(layout[1])
    with (host.folder / "shop/settings.py").open("a") as file:
        file.write(f"{setting[1]}\n")
    host.expect_own_tests_pass()
    host.run("python manage.py check --fail-level WARNING && python manage.py collectstatic --noinput")

    running.append(host.start())
    uploads(host, f"{host.url}/photos/")
    expect(page.locator("html.no-js nav.navbar")).to_be_visible()
    for name, value in {"padding": "0px", "border-radius": "6px", "box-shadow": "none"}.items():
        expect(page.locator("footer.card")).to_have_css(name, value)  # as the shop's own stylesheet has it
    page.goto(host.url)
    expect(page.locator("article.card")).to_have_count(2)


def test_postgresql_with_a_transaction_around_each_request_under_uvicorn(
    tmp_path: Path, page: Page, uploads: Uploads, running: list[Program]
) -> None:
    venv = environment("3.13", "")
    with Postgres() as postgres:
        host = Host("portal", tmp_path, venv, DATABASE_URL=postgres.url)
        refused = host.run_in_checkout("! uplift/bin/copyapp avatars portal 2>&1")
        assert "but by manage.py alone" in refused
        host.adopt("avatars", "--server uvicorn")
        files = [path for path, _ in host.told.snippets]
        assert files == ["config/settings/base.py", "config/urls.py", "config/asgi.py"]
        host.expect_own_tests_pass()
        host.command = [*shlex.split(host.told.start), "--host", "{host}", "--port", "{port}"]

        running.append(host.start())
        uploads(host, f"{host.url}/avatars/", "portal/media")
        with connect(f"ws://{HOST}:{host.port}/anywhere", origin=Origin(host.url), proxy=None) as socket:
            socket.send("ping")
            assert socket.recv(timeout=60) == "pong!"
        page.goto(host.url)
        expect(page.get_by_text("0 people at the desk")).to_be_visible()
        page.close()
        host.kill()


class Nginx(Program):
    """In front of the intranet, by its own nginx.conf with the guide's lines in it."""

    probe = "/intranet/en/"

    def __init__(self, folder: Path, binary: str, behind: Host) -> None:
        super().__init__(folder, [binary, "-p", f"{folder}/", "-c", "uplift.conf"])
        lines = re.search(r"```nginx\n(.*?)```", GUIDE, re.DOTALL)
        upgrades = re.search(r"^(map \$http_upgrade .*?\n\})$", DEPLOY, re.DOTALL | re.MULTILINE)
        assert lines is not None and upgrades is not None
        conf = (folder / "nginx.conf").read_text().format(folder=folder, port=self.port, behind=behind.url)
        conf = conf.replace("proxy_set_header Host $http_host;", lines[1])
        conf = conf.replace("  server {", f"{upgrades[1]}\n  server {{")
        (folder / "uplift.conf").write_text(conf)


def test_below_a_path_behind_nginx_in_two_languages(
    tmp_path: Path, page: Page, uploads: Uploads, running: list[Program]
) -> None:
    nginx = os.environ.get("NGINX") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if not nginx:
        pytest.skip("there is no nginx here")
    command = (*OURS, "intranet.asgi:application")
    host = Host("intranet", tmp_path, environment("3.13", "5.2"), command)
    host.adopt("videos", "--with daphne")
    host.expect_own_tests_pass()
    host.run("python manage.py collectstatic --noinput")

    running.append(host.start())
    proxy = Nginx(host.folder, nginx, host).start()
    running.append(proxy)
    uploads(host, f"{proxy.url}/intranet/videos/")
    page.goto(f"{proxy.url}/intranet/de/")
    expect(page.get_by_text("Notices (de)")).to_be_visible()
