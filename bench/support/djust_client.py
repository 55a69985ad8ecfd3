"""A mounted page of djust's, without a browser: what its own client says over the same kind of socket."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from typing import Any

from bench.support.client import Message, Socket, Wait


class DjustVisitor:
    """The page of bench/peers/djust_project.py. `cookie` isn't needed: djust keeps nothing of a socket's session."""

    def __init__(self, port: int, url: str = "/", *, cookie: str = "") -> None:
        self._socket = Socket(port, "/ws/live/", cookie)
        self._refs = itertools.count(1)
        try:
            self._send({"type": "mount", "view": "djust_project.Page", "params": {}, "url": url})
            self._until("djust's mount", lambda message: message["type"] == "mount")
        except BaseException:
            self._socket.__exit__(None, None, None)
            raise

    def __enter__(self) -> DjustVisitor:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.__exit__(None, None, None)

    def click(self) -> None:
        """An event of the page; returns when what it changed has arrived."""
        ref = next(self._refs)
        self._send({"type": "event", "event": "click", "params": {}, "ref": ref})
        self._until("djust's answer", lambda message: message["type"] in {"patch", "html_update"})

    def listen(self) -> None:
        """Takes what has arrived, and answers pings."""
        while self._socket.text_now() is not None:
            pass

    def _send(self, message: dict[str, Any]) -> None:
        self._socket.send_text(json.dumps(message))

    def _until(self, what: str, wanted: Callable[[Message], bool]) -> None:
        wait = Wait(what)
        while not wanted(message := json.loads(self._socket.text(wait))):
            if message["type"] in {"error", "rate_limit_exceeded"}:
                raise RuntimeError(f"refused: {message}")
