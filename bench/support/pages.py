"""Pages asked for over plain HTTP."""

from __future__ import annotations

import http.client
from contextlib import closing

from e2e.support.server import Server

from liveview.tests.ports import HOST


def cookies(server: Server, count: int) -> list[str]:
    """Of so many visitors with sessions, as the header has them."""
    given = []
    for _ in range(count):
        with closing(http.client.HTTPConnection(HOST, server.port, timeout=60)) as connection:
            connection.request("GET", "/gallery/")
            with connection.getresponse() as response:
                response.read()
                lines = response.headers.get_all("Set-Cookie") or []
        given.append("; ".join(each.partition(";")[0] for each in lines))
    return given
