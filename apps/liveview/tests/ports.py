"""Ports for servers that tests start.

A port that was free a moment ago may be somebody's by the time a server binds it; and if that is a server of another
test, this test talks to it and doesn't know. So a port is reserved for as long as this process lives, by binding the
same number for UDP, which no server here speaks; and it is none of those that systems give to outgoing connections.
"""

from __future__ import annotations

import atexit
import contextlib
import random
import socket
from typing import Final

HOST: Final = "127.0.0.1"
FIRST, LAST = 20_000, 32_000

_reserved: list[socket.socket] = []


def free_port() -> int:
    """One that nobody listens at, and that nobody else who asks here is given."""
    for port in random.sample(range(FIRST, LAST), 1000):
        with contextlib.suppress(OSError):
            _reserved.append(_bound(port))
            return port
    raise RuntimeError("a thousand ports, and none of them is free")


def _bound(port: int) -> socket.socket:
    with socket.socket() as probe:
        probe.bind((HOST, port))
    reserved = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        reserved.bind((HOST, port))
    except OSError:
        reserved.close()
        raise
    return reserved


@atexit.register
def _release() -> None:
    for reserved in _reserved:
        reserved.close()
