"""Every way in as one kind of client, so that the same script can be run through all of them.

Each speaks its own protocol to the code that a site runs: the page's socket, the page's requests without one, a form,
and the ASGI application of `uploads.http`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, ClassVar
from urllib.parse import urljoin

from django.contrib.sessions.backends.db import SessionStore
from django.core.asgi import get_asgi_application
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from liveview.testing import Closed
from liveview.threads import with_connections
from uploads.http import routing
from uploads.testing import Refused, UploadPage
from uploads.tests.entries.ways_project import Depot
from uploads.tests.fallback.page import Page

OK = "ok"
STEP = 2048  # bytes of a chunk
TUS = {"tus-resumable": "1.0.0"}


class Unsayable(Exception):
    """The protocol has no words for this."""


class Way(ABC):
    """One visitor's upload of one file. What each method returns is what its client is told: `ok`, or a code."""

    name: ClassVar[str]
    offset = 0  # where a resumed upload continues

    def __init__(self, session: SessionStore, open_page: Callable[..., UploadPage]) -> None:
        self.client = Client()
        self.client.cookies["sessionid"] = session.session_key or ""
        self.open_page = open_page

    @abstractmethod
    def begin(self, size: int, name: str = "a.txt") -> str: ...

    @abstractmethod
    def put(self, offset: int, data: bytes, between: Callable[[], object] = lambda: None) -> str:
        """Sends bytes. `between` is called before the last of them are sent."""

    @abstractmethod
    def finish(self) -> str: ...

    def cancel(self) -> str:
        raise Unsayable

    def taken_over(self) -> Way:
        """The same upload, as another connection of the visitor's resumes it."""
        raise Unsayable

    def close(self) -> None:  # noqa: B027  (most have nothing open)
        ...


class Socket(Way):
    name = "socket"
    slot = "video"

    def __init__(self, session: SessionStore, open_page: Callable[..., UploadPage]) -> None:
        super().__init__(session, open_page)
        self.page = open_page(client=self.client)

    def begin(self, size: int, name: str = "a.txt") -> str:
        try:
            self.ref, self.channel = self.page.register(self.slot, name, size)
        except Refused as refused:
            return refused.code
        self.size, self.acknowledged = size, 0
        answer = self.page.upload_answer(self.ref, "upload_registered")
        self.upload_id = answer["upload_id"]
        return OK

    def put(self, offset: int, data: bytes, between: Callable[[], object] = lambda: None) -> str:
        end = offset + len(data)
        is_replay = end <= self.acknowledged

        def is_answer(message: dict[str, Any]) -> bool:
            if message["type"] == "upload_error":
                return bool(message["ref"] == self.ref)
            if message["type"] != "upload_progress":
                return False
            return is_replay or dict(message["offsets"]).get(self.channel, 0) >= end

        between()
        try:
            self.page.send_chunk(self.channel, offset, data)
            code = self.page.wait_until(is_answer).get("code", OK)
        except Closed as closed:
            return str(closed.code)
        if code == OK:
            self.acknowledged = max(end, self.acknowledged)
        return str(code)

    def finish(self) -> str:
        try:
            self.page.upload_answer(self.ref, "upload_ready")
        except Refused as refused:
            return refused.code
        return OK

    def cancel(self) -> str:
        self.page.send({"type": "upload_cancel", "ref": self.ref})
        self.page.upload_answer(self.ref, "upload_cancelled")
        return OK

    def taken_over(self) -> Way:
        """By the page's next socket, while the server still believes in the last one."""
        second = type(self)(SessionStore(self.client.cookies["sessionid"].value), self.open_page)
        answer = second.page.resume(self.slot, self.upload_id, self.size, holder=self.ref)
        second.ref, second.channel = answer["ref"], answer["channel"]
        second.size, second.acknowledged, second.offset = self.size, answer["offset"], answer["offset"]
        return second


class Written(Socket):
    """To a slot's writer."""

    name = "writer"
    slot = "written"


class Direct(Socket):
    """Straight to another storage."""

    name = "direct"
    slot = "direct"

    def put(self, offset: int, data: bytes, between: Callable[[], object] = lambda: None) -> str:
        if offset != len(Depot.held[self.upload_id]):
            raise Unsayable
        Depot.held[self.upload_id] += data
        return OK

    def finish(self) -> str:
        self.page.send({"type": "upload_external_done", "ref": self.ref})
        return super().finish()

    def taken_over(self) -> Way:
        raise Unsayable


class Fallback(Way):
    """A page without a socket, with JavaScript."""

    name = "fallback"

    def __init__(self, session: SessionStore, open_page: Callable[..., UploadPage]) -> None:
        super().__init__(session, open_page)
        self.page = Page("/ways/", self.client)

    def begin(self, size: int, name: str = "a.txt") -> str:
        answer = self.page.register("video", name, size)
        self.upload_id = answer.get("upload_id", "")
        return str(answer.get("code", OK))

    def put(self, offset: int, data: bytes, between: Callable[[], object] = lambda: None) -> str:
        between()
        return str(self.page.chunk(self.upload_id, offset, data).json().get("error", OK))

    def finish(self) -> str:
        return str(self.page.done(self.upload_id).get("code", OK))

    def cancel(self) -> str:
        return str(self.page.answer("upload_cancel", ref="r-1", upload_id=self.upload_id).get("code", OK))


class Form(Way):
    """A page without JavaScript."""

    name = "form"

    def begin(self, size: int, name: str = "a.txt") -> str:
        self.file_name, self.data = name, b""
        return OK

    def put(self, offset: int, data: bytes, between: Callable[[], object] = lambda: None) -> str:
        if offset != len(self.data):
            raise Unsayable
        self.data += data
        return OK

    def finish(self) -> str:
        file = SimpleUploadedFile(self.file_name, self.data)
        page = self.client.post("/ways/", {"_event": "run", "video": file}).content.decode()
        found = page.partition('data-code="')[2].partition('"')[0]
        return found or OK


class Http(Way):
    """What speaks to the ASGI application by itself."""

    def ask(
        self, method: str, path: str, headers: dict[str, Any], body: Iterable[bytes | Callable[[], object]] = ()
    ) -> tuple[int, dict[str, str], bytes]:
        """The status, headers and content of the answer. What is callable in the body is called when it is its turn."""
        path, _, query = path.partition("?")
        cookie = self.client.cookies["sessionid"].value
        given = {"host": "testserver", "cookie": f"sessionid={cookie}", **headers}
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(key.encode(), str(value).encode()) for key, value in given.items()],
        }
        rest = list(body)
        told: list[dict[str, Any]] = []
        is_over = threading.Event()

        async def receive() -> dict[str, Any]:
            while rest and callable(rest[0]):
                await asyncio.to_thread(with_connections, rest.pop(0))
            if is_over.is_set():
                await asyncio.Event().wait()  # the client stays
            piece = rest.pop(0) if rest else b""
            if not rest:
                is_over.set()
            return {"type": "http.request", "body": piece, "more_body": bool(rest)}

        async def send(message: dict[str, Any]) -> None:
            told.append(message)

        asyncio.run(routing.application(get_asgi_application())(scope, receive, send))  # type: ignore[arg-type]
        start, *content = told
        answer = {key.decode().lower(): value.decode() for key, value in start["headers"]}
        return start["status"], answer, b"".join(part.get("body", b"") for part in content)


def code_of(status: int, content: bytes) -> str:
    if status < 300:
        return OK
    told = json.loads(content)
    return str(told.get("code", told["error"]))


class Tus(Http):
    name = "tus"

    def begin(self, size: int, name: str = "a.txt") -> str:
        encoded = {"a.txt": "YS50eHQ=", "a.png": "YS5wbmc="}[name]
        headers = {**TUS, "upload-length": size, "upload-metadata": f"filename {encoded}"}
        status, answer, content = self.ask("POST", "/tus/", headers)
        self.path = urljoin("/tus/", answer.get("location", ""))
        return code_of(status, content)

    def put(self, offset: int, data: bytes, between: Callable[[], object] = lambda: None) -> str:
        headers = {**TUS, "content-type": "application/offset+octet-stream", "upload-offset": offset}
        half = len(data) // 2
        status, _, content = self.ask("PATCH", self.path, headers, [data[:half], between, data[half:]])
        self.last = code_of(status, content)
        return self.last

    def finish(self) -> str:
        return self.last

    def cancel(self) -> str:
        status, _, content = self.ask("DELETE", self.path, TUS)
        return code_of(status, content)

    def taken_over(self) -> Way:
        """By a HEAD, as a client asks it whose connection has gone."""
        status, answer, _ = self.ask("HEAD", self.path, TUS)
        assert status == 200
        self.offset = int(answer["upload-offset"])
        return self


class Chunked(Http):
    name = "chunked"

    def begin(self, size: int, name: str = "a.txt") -> str:
        self.size, self.file_name, self.last = size, name, OK
        return OK if size else self.put(0, b"")

    def put(self, offset: int, data: bytes, between: Callable[[], object] = lambda: None) -> str:
        count = max(1, -(-self.size // STEP))
        headers = {
            "content-length": len(data),
            "x-upload-id": "mine",
            "x-chunk-index": offset // STEP,
            "x-chunk-count": count,
            "x-file-name": self.file_name,
            "x-file-size": self.size,
        }
        if offset % STEP:
            raise Unsayable
        between()
        status, _, content = self.ask("POST", "/api/upload-chunk", headers, [data])
        self.last = code_of(status, content)
        self.is_finished = "fileGuid" in json.loads(content)
        return self.last

    def finish(self) -> str:
        return self.last if self.is_finished or self.last != OK else "incomplete"


class Multipart(Http):
    name = "multipart"

    def begin(self, size: int, name: str = "a.txt") -> str:
        self.file_name, self.data = name, b""
        return OK

    def put(self, offset: int, data: bytes, between: Callable[[], object] = lambda: None) -> str:
        if offset != len(self.data):
            raise Unsayable
        self.data += data
        return OK

    def finish(self) -> str:
        head = f'Content-Disposition: form-data; name="file"; filename="{self.file_name}"'
        body = f"--xyz\r\n{head}\r\n\r\n".encode() + self.data + b"\r\n--xyz--\r\n"
        headers = {"content-type": "multipart/form-data; boundary=xyz", "content-length": len(body)}
        status, _, content = self.ask("POST", "/api/upload", headers, [body])
        return code_of(status, content)


class Bare(Http):
    """The bare WebSocket."""

    name = "bare"

    def begin(self, size: int, name: str = "a.txt") -> str:
        self.to_server: queue.Queue[dict[str, Any]] = queue.Queue()
        self.from_server: queue.Queue[dict[str, Any]] = queue.Queue()
        cookie = self.client.cookies["sessionid"].value
        headers = {"host": "testserver", "origin": "http://testserver", "cookie": f"sessionid={cookie}"}
        scope = {
            "type": "websocket",
            "scheme": "ws",
            "path": "/ws/upload/",
            "query_string": f"name={name}&size={size}".encode(),
            "headers": [(key.encode(), value.encode()) for key, value in headers.items()],
            "path_remaining": "",
            "client": ("testclient", 1),
        }
        from uploads.http.websocket import FileUploadConsumer

        async def receive() -> dict[str, Any]:
            return await asyncio.to_thread(self.to_server.get)

        async def send(message: dict[str, Any]) -> None:
            self.from_server.put(message)

        def serve() -> None:
            asyncio.run(FileUploadConsumer.as_asgi()(scope, receive, send))

        self.thread = threading.Thread(target=serve)
        self.thread.start()
        self.to_server.put({"type": "websocket.connect"})
        assert self.from_server.get(timeout=30)["type"] == "websocket.accept"
        self.size, self.sent, self.last = size, 0, ""
        return OK if size else self._told()

    def put(self, offset: int, data: bytes, between: Callable[[], object] = lambda: None) -> str:
        if offset != self.sent:
            raise Unsayable
        self.sent += len(data)
        between()
        self.to_server.put({"type": "websocket.receive", "bytes": data})
        return self._told()

    def _told(self) -> str:
        message = self.from_server.get(timeout=30)
        said = message.get("text", "{}")
        self.last = json.loads(said).get("error", OK)
        if self.last != OK:
            self.closed_with = self.from_server.get(timeout=30).get("code")
        elif json.loads(said)["received"] == self.size:
            said = self.from_server.get(timeout=30).get("text", "")
            self.last = OK if said.endswith("successfully!") else json.loads(said)["error"]
        return self.last

    def finish(self) -> str:
        return self.last

    def close(self) -> None:
        if hasattr(self, "thread"):
            self.to_server.put({"type": "websocket.disconnect", "code": 1001})
            with contextlib.suppress(RuntimeError):
                self.thread.join(30)


WAYS: list[type[Way]] = [Socket, Written, Direct, Fallback, Form, Tus, Chunked, Multipart, Bare]
