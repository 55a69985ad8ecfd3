"""Progress in a project of one's own, with its views and its cache, whatever serves it. (Seed: seeds/002.)"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import shutil
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.backends.cache import SessionStore
from django.core.cache import cache
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.core.handlers.asgi import ASGIHandler
from django.test import RequestFactory

from liveview.tests.ports import HOST
from liveview.tests.processes import Program, until
from uploads.http.checks import check_progress
from uploads.http.multipart import progress
from uploads.http.multipart.counting import counted
from uploads.http.multipart.forms import get_upload_progress
from uploads.http.multipart.handler import OwnProgress, UploadProgressCachedHandler
from uploads.tests.http.multipart.test_forms import END, TYPE, field, part
from uploads.tests.http.ways.raw import Answer, Wire
from uploads.tests.http.ways.server import Server

DATA = random.Random(5).randbytes(600_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
LISTEN = ("--host", "{host}", "--port", "{port}", "--log-level", "warning")
UVICORN = ("-m", "uvicorn", *LISTEN, Server.application)
NGINX = """
daemon off; master_process off; pid nginx.pid; error_log stderr error;
events {{ }}
http {{
  access_log off; client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  server {{
    listen {host}:{port};
    client_max_body_size 600m;
    location / {{
      proxy_pass {behind};
      proxy_http_version 1.1;
      proxy_set_header Host $host:$server_port;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_request_buffering off;
    }}
  }}
}}
"""


class Nginx(Program):
    """In front of a server, as docs/deploy.md has it."""

    probe = "/up/"

    def __init__(self, folder: Path, binary: str, behind: Server) -> None:
        super().__init__(folder, [binary, "-p", f"{folder}/", "-c", "nginx.conf"])
        (folder / "nginx.conf").write_text(NGINX.format(host=HOST, port=self.port, behind=behind.url))


@pytest.fixture(scope="module", params=["ours", "uvicorn", "nginx"])
def port(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where the project is: under our server, under another one, and behind a proxy."""
    folder = tmp_path_factory.mktemp("served")
    if request.param == "uvicorn":
        pytest.importorskip("uvicorn")
    nginx = os.environ.get("NGINX") or shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or ""
    if request.param == "nginx" and not nginx:
        pytest.skip("there is no nginx here")
    with Server(folder, command=UVICORN if request.param == "uvicorn" else ()) as server:
        if request.param != "nginx":
            yield server.port
            return
        (folder / "nginx").mkdir()
        with Nginx(folder / "nginx", nginx, server) as proxy:
            yield proxy.port


def look(port: int, progress_id: str) -> Any:
    with Wire(port) as wire:
        return wire.ask("GET", f"/own/get_upload_progress?X-Progress-ID={progress_id}").json


def watched(port: int, path: str, body: bytes, progress_id: str, **headers: str) -> tuple[list[int], Answer]:
    """Sends a form in pieces; after each, what a poll is told when it has arrived. And the answer."""
    step, seen = len(body) // 6, []
    given = {"Content-Type": TYPE, "Content-Length": str(len(body)), **headers}
    with Wire(port) as wire:
        wire.begin("POST", path, given)
        for start in range(0, len(body), step):
            wire.send(body[start : start + step])
            if start + step < len(body):
                told = until(lambda at=start + step: (now := look(port, progress_id)) and now["uploaded"] >= at and now)
                assert told["length"] == len(body)
                seen.append(told["uploaded"])
        return seen, wire.answer()


@pytest.mark.parametrize("where", ["address", "hidden field", "header"])
def test_a_projects_own_view_tells_how_far_its_own_form_is(port: int, where: str) -> None:
    name = where.replace(" ", "-")
    hidden = field("X-Progress-ID", name) if where == "hidden field" else b""
    body = field("id", "17") + hidden + part("dish.jpg", DATA) + END
    path = f"/own/upload?X-Progress-ID={name}" if where == "address" else "/own/upload"

    seen, answer = watched(port, path, body, name, **({"X-Progress-ID": name} if where == "header" else {}))

    assert answer.json == {"sha256": SHA256, "id": "17", "handler": "UploadProgressCachedHandler"}
    assert len(seen) >= 5 and seen == sorted(set(seen)) and seen[-1] < len(body)
    assert look(port, name) is None


def test_two_uploads_of_one_address_are_two(port: int) -> None:
    body = part("dish.jpg", DATA) + END
    headers = {"Content-Type": TYPE, "Content-Length": str(len(body))}
    with Wire(port) as first, Wire(port) as second:
        for wire, name, sent in ((first, "one", 100_000), (second, "two", 300_000)):
            wire.begin("POST", f"/own/upload?X-Progress-ID={name}", headers)
            wire.send(body[:sent])
        until(lambda: look(port, "one") == {"uploaded": 100_000, "length": len(body)})
        until(lambda: look(port, "two") == {"uploaded": 300_000, "length": len(body)})
        first.reset()
        until(lambda: look(port, "one") is None)
        second.send(body[300_000:])
        assert second.answer().json["sha256"] == SHA256


def test_what_is_no_id_is_counted_nowhere(port: int) -> None:
    body = part("dish.jpg", DATA) + END
    with Wire(port) as wire:
        answer = wire.ask("POST", "/own/upload?X-Progress-ID=../../etc", {"Content-Type": TYPE}, body)

    assert answer.json["sha256"] == SHA256


# Under WSGI, where Django's parser reads the body as it arrives


class Kept(UploadProgressCachedHandler):
    seen: list[Any] = []

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self._saved = 0  # whatever the time is
        data = super().receive_data_chunk(raw_data, start)
        self.seen.append(cache.get(f"{HOST}_kept"))
        return data


@pytest.mark.parametrize("kind", [Kept, OwnProgress])
def test_under_wsgi_the_handler_counts_by_itself(settings: Any, kind: type[UploadProgressCachedHandler]) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    Kept.seen.clear()
    body = part("dish.jpg", DATA) + END
    request = RequestFactory().post("/own/upload?X-Progress-ID=kept", body, content_type=TYPE)
    request.session = {}  # type: ignore[assignment]
    request.upload_handlers = [kind(request), MemoryFileUploadHandler(request)]

    assert request.FILES["picture"].read() == DATA

    assert cache.get(f"{HOST}_kept") is None
    if kind is Kept:
        counts = [told["uploaded"] for told in Kept.seen]
        assert len(counts) > 5 and counts == sorted(set(counts)) and counts[-1] == len(DATA)
        assert {told["length"] for told in Kept.seen} == {len(body)}


class CacheIsAway(UploadProgressCachedHandler):
    @classmethod
    def save(cls, key: str, uploaded: int, length: int) -> None:
        raise ConnectionError

    @classmethod
    def forget(cls, key: str) -> None:
        raise ConnectionError


async def test_a_cache_that_is_away_costs_a_form_its_progress_and_nothing_else(
    folders: Any, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    body = field("id", "17") + part("dish.jpg", DATA) + END
    told: list[dict[str, Any]] = []
    pieces = [body[start : start + 100_000] for start in range(0, len(body), 100_000)]

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": pieces.pop(0), "more_body": len(pieces) > 0}

    async def django(scope: Any, receive: Any, send: Any) -> None:
        while (await receive())["more_body"]:
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        told.append(message)

    headers = [(b"content-type", TYPE.encode()), (b"content-length", str(len(body)).encode())]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"X-Progress-ID=one", "headers": headers}
    await counted(django, CacheIsAway, scope, receive, send)
    assert [message["status"] for message in told] == [200]

    request = RequestFactory().post("/?X-Progress-ID=one", body, content_type=TYPE)
    request.upload_handlers = [CacheIsAway(request), MemoryFileUploadHandler(request)]
    assert [file.size for file in request.FILES.values()] == [len(DATA)]
    assert [record.message for record in caplog.records if record.name == "uploads"] == [
        "form upload: progress unavailable"
    ] * 2


def test_a_poll_while_the_cache_is_away_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(key: str) -> None:
        raise ConnectionError

    monkeypatch.setattr(progress, "look", look)
    request = RequestFactory().get("/?X-Progress-ID=one")
    request.session = SessionStore()
    answer = get_upload_progress(request)
    assert (answer.status_code, json.loads(answer.content)["error"]) == (503, "busy")
    assert answer["Retry-After"] == "5"


# What `check` says


@pytest.mark.parametrize(
    ("handler", "application", "said"),
    [
        ("django.core.files.uploadhandler.MemoryFileUploadHandler", "bare", []),
        ("uploads.http.UploadProgressCachedHandler", "bare", ["uploads.W007"]),
        ("uploads.http.UploadProgressCachedHandler", "around", []),
        ("uploadprogresscachedhandler.UploadProgressCachedHandler", "around", ["uploads.W006"]),
        ("nowhere.UploadProgressCachedHandler", "around", []),
    ],
)
def test_a_handler_that_can_count_nothing_is_told(
    settings: Any, monkeypatch: pytest.MonkeyPatch, handler: str, application: str, said: list[str]
) -> None:
    from channels.routing import ProtocolTypeRouter

    from liveview.daphne import capped
    from liveview.routing import live
    from uploads.http import routing

    django = ASGIHandler()
    around = {"bare": django, "around": capped(routing.application(django))}[application]
    whole = live(ProtocolTypeRouter({"http": around}))
    monkeypatch.setattr("uploads.http.checks.get_default_application", lambda: whole)
    theirs = types.ModuleType("uploadprogresscachedhandler")
    theirs.UploadProgressCachedHandler = MemoryFileUploadHandler  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, theirs.__name__, theirs)
    settings.FILE_UPLOAD_HANDLERS = [handler]

    found = check_progress(None)

    assert [message.id for message in found] == said
    assert all("uploads.http" in str(message.hint) for message in found)
