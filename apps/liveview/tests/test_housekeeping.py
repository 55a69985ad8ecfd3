"""What a server does by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from django.contrib.sessions.models import Session
from django.core.asgi import get_asgi_application
from django.utils import timezone

from liveview import housekeeping, process
from liveview.apps import clear_sessions
from liveview.daphne import capped
from liveview.routing import live
from liveview.socket.asgi import live_socket
from liveview.tests.processes import until


@pytest.fixture(autouse=True)
def own_memory(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = process.begin()
    monkeypatch.setattr(housekeeping, "_declared", {})
    monkeypatch.setattr(housekeeping, "with_connections", lambda work: work())
    yield
    process.current().close()
    process._current = before


def test_work_is_done_at_the_start_and_again_when_it_is_due() -> None:
    seldom, often = [], []
    housekeeping.every(3600, "seldom", lambda: seldom.append(threading.current_thread().name))
    housekeeping.every(0.01, "often", lambda: often.append(1))
    housekeeping.start()
    housekeeping.start()

    until(lambda: len(often) > 3)
    assert seldom == ["housekeeping"]


def test_what_hangs_keeps_nothing_else_from_its_time() -> None:
    goes_on, often = threading.Event(), []
    housekeeping.every(3600, "hanging", goes_on.wait)
    housekeeping.every(0.01, "often", lambda: often.append(1))
    housekeeping.start()

    try:
        until(lambda: len(often) > 3)
    finally:
        goes_on.set()


def test_what_fails_is_told_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    tried: list[int] = []

    def fail() -> None:
        tried.append(1)
        if len(tried) < 4:
            raise ConnectionError

    housekeeping.every(0.01, "failing", fail)
    housekeeping.start()

    until(lambda: len(tried) > 5)
    assert [record.message for record in caplog.records] == ["housekeeping failed: failing"]


@pytest.mark.parametrize("is_server", [True, False])
async def test_under_any_server_it_begins_with_the_first_socket(is_server: bool) -> None:
    """A page's files are kept by what is done now and then, and other processes remove them if it isn't."""
    begun = threading.Event()
    housekeeping.every(3600, "once", begun.set)
    headers = [(b"host", b"testserver"), (b"origin", b"http://testserver")]
    scope = {"type": "websocket", "scheme": "ws", "path": "/live/", "query_string": b"", "headers": headers}
    served = ApplicationCommunicator(live_socket, scope | ({"asgi": {"version": "3.0"}} if is_server else {}))

    await served.send_input({"type": "websocket.connect"})
    assert (await served.receive_output(30))["type"] == "websocket.accept"
    await served.send_input({"type": "websocket.disconnect", "code": 1001})
    await served.wait(30)

    assert begun.wait(30 if is_server else 0) is is_server


async def test_it_begins_with_the_lifespan_of_a_server_that_has_one() -> None:
    begun = threading.Event()
    housekeeping.every(3600, "once", begun.set)
    served = ApplicationCommunicator(live(get_asgi_application()), {"type": "lifespan"})

    await served.send_input({"type": "lifespan.startup"})
    assert (await served.receive_output(30))["type"] == "lifespan.startup.complete"
    assert begun.wait(30)
    await served.send_input({"type": "lifespan.shutdown"})
    assert (await served.receive_output(30))["type"] == "lifespan.shutdown.complete"
    await served.wait(30)


@pytest.mark.parametrize("wrapped", [live, capped])
async def test_under_a_server_without_one_it_begins_with_the_first_request(wrapped: Callable[[Any], Any]) -> None:
    begun = threading.Event()
    housekeeping.every(3600, "once", begun.set)

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200})

    scope = {"type": "http", "path": "/", "headers": [], "asgi": {"version": "3.0"}}
    served = ApplicationCommunicator(wrapped(answer), scope)
    assert (await served.receive_output(30))["status"] == 200
    assert begun.wait(30)


def test_nothing_begins_by_itself_where_nothing_is_served() -> None:
    housekeeping.every(0.01, "never", lambda: pytest.fail("it began"))

    until(lambda: "housekeeping" not in [thread.name for thread in threading.enumerate()])


@pytest.mark.django_db
def test_sessions_that_have_expired_are_cleared() -> None:
    day = timedelta(days=1)
    for key, ends in (("over", timezone.now() - day), ("good", timezone.now() + day)):
        Session.objects.create(session_key=key, session_data="", expire_date=ends)

    clear_sessions()

    assert [session.session_key for session in Session.objects.all()] == ["good"]
