"""What a proxy that speaks HTTPS asks of a process behind it, on behalf of uplift.example."""

from __future__ import annotations

import http.client
import socket
from contextlib import closing

from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin


def asked(port: int, path: str, scheme: str) -> http.client.HTTPResponse:
    """The answer to a request that came to the proxy by that scheme."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Host": "uplift.example", "X-Forwarded-Proto": scheme})
    with closing(connection), connection.getresponse() as response:
        response.read()
        return response


def knocked(port: int, origin: str) -> int:
    """The status that the handshake of a page's socket ends with."""
    line = socket.create_connection(("127.0.0.1", port), 60)
    scheme = {"X-Forwarded-Proto": "https"}
    try:
        with connect(
            "ws://uplift.example/live/", sock=line, origin=Origin(origin), additional_headers=scheme, proxy=None
        ):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code
