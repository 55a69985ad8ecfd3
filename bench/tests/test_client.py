"""That no wait of the client is for ever."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from websockets.sync.server import ServerConnection, serve

from bench.support import client
from bench.support.client import Visitor
from liveview.tests.ports import HOST
from liveview.tests.processes import until

MOUNTED = {"type": "mounted"}
CONFIG = {"type": "upload_config", "credit": 10**6, "max_frame": 10**6}


@pytest.fixture
def port() -> Iterator[int]:
    """Of a server that mounts a page, tells a file's end as soon as its first bytes come, and never answers a click."""

    def speak(wire: ServerConnection) -> None:
        for message in wire:
            told = json.loads(message) if isinstance(message, str) else {"type": "chunk"}
            answers = {"mount": [MOUNTED, CONFIG], "chunk": [{"type": "patch", "html": "arrived"}]}
            for answer in answers.get(told["type"], []):
                wire.send(json.dumps(answer))
            while told["type"] == "event" and not ended.wait(0.02):
                wire.send(json.dumps({"type": "patch", "html": ""}))

    ended = threading.Event()
    with serve(speak, HOST, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.socket.getsockname()[1]
        ended.set()
        server.shutdown()
        thread.join()


def test_a_wait_ends_whatever_arrives_meanwhile_and_says_for_what_it_was(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Visitor(port, "/") as visitor:
        monkeypatch.setattr(client, "PATIENCE", 0.3)
        with pytest.raises(TimeoutError, match="the answer to event 1"):
            visitor.click()


def test_what_came_while_a_file_was_sent_is_not_waited_for_again(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with Visitor(port, "/") as visitor:
        visitor.send_file(1, memoryview(b"first"))
        until(lambda: visitor.listen() or visitor._unread)
        monkeypatch.setattr(client, "PATIENCE", 0.3)
        visitor.wait_for("arrived")
